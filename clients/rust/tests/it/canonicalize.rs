//! `taxii canonicalize`

use crate::program::{rows, said};
use serde_json::json;

#[test]
fn every_value_becomes_one_line() {
    let input = "{\"b\": 1.0, \"a\": \"\\u20ac\"}\n123456789012345678901234567890\n\"x\\ty\"\n";
    let expected = "{\"a\":\"€\",\"b\":1}\n1.2345678901234568e+29\n\"x\\ty\"\n";
    assert_eq!(said(&["canonicalize"], input), (0, expected.into(), String::new()));
    assert_eq!(
        said(&["canonicalize", "-"], "{\n\"b\": [1,\n 2]}\n"),
        (0, "{\"b\":[1,2]}\n".into(), String::new())
    );
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(said(&["canonicalize"], &deep).1, deep + "\n");
}

#[test]
fn what_is_not_json_is_told_with_its_place() {
    let input = "1\n[1,1e999]\n{\"a\":1,\"a\":2}\n2\n";
    let (code, found) = rows(&["canonicalize", "--json"], input);
    let expected = [
        json!({ "line": 1, "canonical": "1", "error": null }),
        json!({ "line": 2, "canonical": null, "error": "a number too large for a double at line 2, column 4" }),
        json!({ "line": 3, "canonical": null, "error": "this member name occurs twice in one object at line 3, column 8" }),
        json!({ "line": 4, "canonical": "2", "error": null }),
    ];
    assert_eq!((code, found), (1, expected.to_vec()));
    let (code, found, complaint) = said(&["canonicalize"], "{\n \"a\": ?\n}");
    assert_eq!((code, &*found), (1, ""));
    assert_eq!(complaint, "standard input: expected a value at line 2, column 7\n");
}
