//! `taxii id`

use crate::program::{rows, said};
use serde_json::{Value, json};

const ADDRESS: &str = r#"{"type":"ipv4-addr","id":"ignored","value":"198.51.100.3"}"#;
const ID: &str = "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4";

#[test]
fn each_object_has_one_line() {
    let process = r#"{"type":"process","pid":1}"#;
    let input = format!("{ADDRESS}\n{process}\n{{\"type\":\"tool\"}}\n{{\n{ADDRESS}\n");
    let (code, found, complaints) = said(&["id"], &input);
    assert_eq!((code, found), (1, format!("{ID}\n-\n-\n-\n{ID}\n")));
    let complaints: Vec<_> = complaints.lines().collect();
    let unknown = "standard input:3: `tool` is not a cyber-observable type";
    assert_eq!(complaints[0], "standard input:2: a process has a random identifier (UUIDv4)");
    assert!(complaints[1].starts_with(unknown), "{}", complaints[1]);
    assert!(complaints[2].starts_with("standard input:4: "), "{}", complaints[2]);

    let (code, found) = rows(&["id", "--json"], &input);
    assert_eq!(code, 1);
    assert_eq!(found[0], json!({ "line": 1, "id": ID }));
    assert_eq!(
        found[1],
        json!({ "line": 2, "id": null, "reason": "a process has a random identifier (UUIDv4)" })
    );
    for (row, line) in found[2..4].iter().zip(3..) {
        assert_eq!((&row["line"], &row["id"]), (&json!(line), &Value::Null));
        assert!(row["error"].is_string() && row["reason"].is_null(), "{row}");
    }
    assert_eq!(rows(&["id", "--json"], process).0, 0, "a random identifier is no fault");
}

#[test]
fn objects_are_found_in_what_is_around_them() {
    let versioned = r#"{"type":"url","value":"x","created":"2020-01-01T00:00:00.000Z"}"#;
    let bundle = format!("{{\"type\": \"bundle\",\n\"objects\": [\n{ADDRESS},\n{versioned}]}}");
    let list = format!("[\n\n{ADDRESS},\n{versioned}]");
    for text in [bundle, list] {
        let (code, found) = rows(&["id", "--json"], &text);
        assert_eq!((code, found.len()), (0, 2), "{text}");
        assert_eq!(found[0], json!({ "line": 3, "id": ID }));
        assert_eq!((&found[1]["line"], &found[1]["id"]), (&json!(4), &Value::Null));
    }
}
