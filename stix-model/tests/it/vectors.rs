//! The shared vectors in `conformance/fixtures`.

use serde_json::Value;
use stix_model::{StixId, Timestamp, json};

pub(crate) fn rows(name: &str) -> Vec<(String, Value, Box<serde_json::value::RawValue>)> {
    let path = format!("{}/../conformance/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let rows: Vec<_> = text
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            let raw = serde_json::from_str(line).unwrap();
            (row["id"].as_str().unwrap().to_owned(), row, raw)
        })
        .collect();
    assert!(!rows.is_empty(), "{path} is empty");
    rows
}

#[test]
fn timestamps() {
    for (case, row, _) in rows("timestamps.jsonl") {
        let parsed = row["value"].as_str().unwrap().parse::<Timestamp>();
        assert_eq!(parsed.is_ok(), row["valid_stix_timestamp"].as_bool().unwrap(), "{case}");
        if let Ok(parsed) = parsed {
            assert_eq!(parsed.fraction_digits() as u64, row["fraction_digits"].as_u64().unwrap(), "{case}");
        }
    }
}

#[test]
fn timestamp_order() {
    for (case, row, _) in rows("timestamp_order.jsonl") {
        let [a, b] = ["a", "b"].map(|side| row[side].as_str().unwrap().parse::<Timestamp>().unwrap());
        assert_eq!(a.cmp(&b) as i64, row["order"].as_i64().unwrap(), "{case}");
    }
}

#[test]
fn identifiers() {
    for (case, row, _) in rows("identifiers.jsonl") {
        let Some(is_valid) = row["valid"].as_bool() else { continue };
        let parsed = row["identifier"].as_str().unwrap().parse::<StixId>();
        let fits = parsed.is_ok_and(|id| id.object_type() == row["type"].as_str().unwrap());
        assert_eq!(fits, is_valid, "{case}");
    }
}

#[test]
fn canonical_form() {
    for (case, row, raw) in rows("jcs.jsonl") {
        let document =
            json::Document::read(raw.get().as_bytes(), json::Limits::default().safe_integers(false));
        let document = document.unwrap();
        let mut canonical = String::new();
        json::write_canonical(document.root().get("value").unwrap(), &mut canonical);
        assert_eq!(canonical, row["canonical"].as_str().unwrap(), "{case}");
    }
}
