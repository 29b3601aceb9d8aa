//! `taxii pattern`

use crate::program::{rows, said};
use serde_json::{Value, json};

#[test]
fn patterns_are_printed_in_canonical_form() {
    let pattern = "[ipv4-addr:value=='198.51.100.1']WITHIN 5.0 SECONDS";
    let canonical = "[ipv4-addr:value = '198.51.100.1'] WITHIN 5 SECONDS\n";
    let warning = "--pattern:1: warning: ==: equality is written = and !=\n";
    assert_eq!(said(&["pattern", "parse", "--pattern", pattern], ""), (0, canonical.into(), warning.into()));
    let input = format!("{pattern}\r\n\n{}\n", json!({ "type": "indicator", "pattern": pattern }));
    assert_eq!(said(&["pattern", "parse", "-q"], input), (0, canonical.repeat(2), String::new()));
}

#[test]
fn a_caret_points_at_the_fault() {
    let (code, found, _) = said(&["pattern", "parse"], "[a:é = 'é' and b:c = 1]\n");
    assert_eq!(code, 1);
    let lines: Vec<_> = found.lines().collect();
    assert!(lines[0].starts_with("standard input:1:4: error: "), "{found}");
    assert_eq!(lines[1..], ["  [a:é = 'é' and b:c = 1]", "     ^"]);
    let (_, found, _) = said(&["pattern", "parse", "--pattern", "[a:b = 1\nand c:d = 1]"], "");
    assert_eq!(found.lines().skip(1).collect::<Vec<_>>(), ["  and c:d = 1]", "  ^"]);
    let (_, found, _) = said(&["pattern", "parse", "--pattern", "[a:b IN (1, 'x')]"], "");
    assert_eq!(found.lines().last().unwrap(), "   ^", "the part that breaks a rule stands there once");
}

#[test]
fn each_line_has_an_answer() {
    let input = b"[a:b = 1]\n{\"pattern\":\"[a:b=1\"}\n{\"name\":1}\n{\n[a:\xff]\n[a:b IN (1,'x')]\n";
    let (code, found) = rows(&["pattern", "parse", "--json"], input);
    assert_eq!(code, 1);
    assert_eq!(
        found[0],
        json!({ "line": 1, "valid": true, "canonical": "[a:b = 1]", "error": null, "warnings": [] })
    );
    let offsets: Vec<_> = found.iter().map(|row| row["error"]["offset"].clone()).collect();
    assert_eq!(offsets, [Value::Null, json!(6), Value::Null, Value::Null, json!(3), json!(1)]);
    for row in &found[1..] {
        assert_eq!((&row["valid"], &row["canonical"]), (&json!(false), &Value::Null), "{row}");
        assert!(row["error"]["message"].is_string(), "{row}");
    }
}

fn observed(number: usize, address: &str) -> String {
    let [data, object] =
        ["observed-data", "ipv4-addr"].map(|name| format!("{name}--7d45bfa7-9b83-4b0c-b5ae-{number:012x}"));
    format!(
        r#"{{"type":"observed-data","id":"{data}","first_observed":"2024-01-01T00:00:00Z","last_observed":"2024-01-01T00:00:00Z","number_observed":1,"object_refs":["{object}"]}}
{{"type":"ipv4-addr","id":"{object}","value":"{address}"}}"#
    )
}

const FIRST: &str = "ipv4-addr--7d45bfa7-9b83-4b0c-b5ae-000000000001";

#[test]
fn observed_data_match_or_not() {
    // An object on each line, so references lead from line to line.
    let lines = [observed(1, "198.51.100.1"), observed(2, "203.0.113.1")].join("\n");
    let bundle = format!("{{\"type\":\"bundle\",\n\"objects\":[{}]}}", lines.replace('\n', ",\n"));
    let pattern = "[ipv4-addr:value = '198.51.100.1']";
    for input in [&lines, &bundle] {
        let matched = |pattern: &str| said(&["pattern", "match", "--pattern", pattern, "-"], input);
        assert_eq!(matched(pattern), (0, format!("{FIRST}\n"), String::new()));
        assert_eq!(matched("[ipv4-addr:value = '192.0.2.1']"), (1, String::new(), String::new()));
        assert_eq!(
            matched("[ipv4-addr:value LIKE '%'] AND [ipv4-addr:value LIKE '2%']").1.lines().count(),
            2
        );
        assert_eq!(matched("[ipv4-addr:value LIKE '%'] REPEATS 3 TIMES").0, 1);
    }
    let (code, found) = rows(&["pattern", "match", "--json", "--pattern", pattern, "-"], &lines);
    let expected = json!({ "line": 1, "match": true, "object_ids": [FIRST], "error": null,
        "observed_data_ids": [FIRST.replace("ipv4-addr", "observed-data")] });
    assert_eq!((code, found), (0, vec![expected]));

    let alone = lines.lines().nth(1).unwrap();
    assert_eq!(said(&["pattern", "match", "--pattern", pattern, "-"], alone).0, 1);
    let (code, found, _) = said(&["pattern", "match", "--objects", "--pattern", pattern, "-"], alone);
    assert_eq!((code, found), (0, format!("{FIRST}\n")));
}

#[test]
fn no_answer_is_not_no_match() {
    for (pattern, input) in [("[a:b = ]", "{}"), ("[a:b MATCHES '(']", "{}"), ("[a:b = 1]", "{")] {
        let (code, found, complaint) = said(&["pattern", "match", "--pattern", pattern, "-"], input);
        assert_eq!((code, &*found), (2, ""), "{pattern}");
        assert!(!complaint.is_empty());
    }
}

#[test]
fn each_case_has_an_answer() {
    let objects: Vec<Value> =
        observed(1, "x").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let case =
        |pattern: &str| json!({ "pattern": pattern, "bundles": [{ "type": "bundle", "objects": objects }] });
    let input = format!(
        "{}\n{}\n{}\n{{\"pattern\":\"[a:b = 1]\"}}\n{{\n",
        case("[ipv4-addr:value = 'x']"),
        case("[ipv4-addr:value = 'y']"),
        case("[ipv4-addr:value = ]")
    );
    let (code, found) = rows(&["pattern", "match", "--json", "-"], &input);
    assert_eq!(code, 1);
    assert_eq!((&found[0]["match"], &found[0]["object_ids"]), (&json!(true), &json!([FIRST])));
    let matches: Vec<_> = found.iter().map(|row| row["match"].clone()).collect();
    assert_eq!(matches, [json!(true), json!(false), json!(false), Value::Null, Value::Null]);
    let has_error: Vec<_> = found.iter().map(|row| row["error"].is_string()).collect();
    assert_eq!(has_error, [false, false, true, true, true]);
    let (_, found, _) = said(&["pattern", "match", "-"], &input);
    assert!(
        found.starts_with(&format!("standard input:1: match {FIRST}\nstandard input:2: no match\n")),
        "{found}"
    );
}
