//! The shared vectors in `conformance/fixtures`, each file as one batch.

use crate::program::rows;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The rows of a file, and the line that the program is given for each; a part of a row keeps its bytes.
fn batch(name: &str, line: impl Fn(&BTreeMap<String, Box<RawValue>>) -> String) -> (Vec<Value>, String) {
    let path = format!("{}/../../conformance/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!cases.is_empty(), "{path} is empty");
    let lines = text.lines().map(|row| line(&serde_json::from_str(row).unwrap()) + "\n");
    (cases, lines.collect())
}

fn part(name: &'static str) -> impl Fn(&BTreeMap<String, Box<RawValue>>) -> String {
    move |row| row[name].get().to_owned()
}

/// Each case with its answer; answers come in order, one for each line.
fn answers(arguments: &[&str], cases: Vec<Value>, input: &str) -> Vec<(String, Value, Value)> {
    let (_, rows) = rows(arguments, input);
    assert_eq!(rows.len(), cases.len());
    let numbers: Vec<_> = rows.iter().map(|row| row["line"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(1..=rows.len() as u64), "{numbers:?}");
    let name = |case: &Value| case["id"].as_str().unwrap().to_owned();
    cases.into_iter().zip(rows).map(|(case, row)| (name(&case), case, row)).collect()
}

/// Rows whose label follows a tool against the text of the standard; the reasons stand in the tests of `stix-model`.
const DISAGREED: [&str; 5] = [
    "object_validation-0071",
    "object_validation-0072",
    "object_validation-0185",
    "object_validation-0278",
    "object_validation-0342",
];

#[test]
fn objects_and_bundles_are_valid_or_not() {
    for name in ["object_validation.jsonl", "object_mutations.jsonl"] {
        let (cases, input) = batch(name, part("object"));
        for (id, case, row) in answers(&["validate", "--json", "-"], cases, &input) {
            assert_eq!(row["id"], case["object"]["id"], "{id}");
            let findings = row["findings"].as_array().unwrap();
            let errors = || findings.iter().filter(|finding| finding["severity"] == "error");
            assert_eq!(row["valid"], errors().next().is_none(), "{id}");
            let Some(label) = case["expect_valid"].as_bool() else { continue };
            // Many cases have the same identifier, and each stands for itself.
            let is_valid = errors().all(|finding| finding["code"] == "version-conflict");
            assert_eq!(is_valid, label ^ DISAGREED.contains(&&*id), "{id}: {row}");
        }
    }
}

#[test]
fn identifiers() {
    let (cases, input) = batch("sco_ids.jsonl", part("object"));
    for (id, case, row) in answers(&["id", "--json"], cases, &input) {
        assert_eq!(row["id"], case["expected_id"], "{id}");
        assert_eq!(row["reason"].is_string(), case["expected_id"].is_null(), "{id}");
    }
}

#[test]
fn canonical_forms() {
    let (cases, input) = batch("jcs.jsonl", part("value"));
    for (id, case, row) in answers(&["canonicalize", "--json"], cases, &input) {
        assert_eq!(row["canonical"], case["canonical"], "{id}");
        assert!(row["error"].is_null(), "{id}");
    }
}

/// The same of patterns.
const DISPUTED: [&str; 8] = [
    "pattern_syntax-0059",
    "pattern_syntax-0060",
    "pattern_syntax-0116",
    "pattern_syntax-0117",
    "pattern_syntax-0118",
    "pattern_syntax-0339",
    "pattern_syntax-0340",
    "pattern_syntax-0476",
];

#[test]
fn patterns_are_valid_or_not() {
    let (cases, input) =
        batch("pattern_syntax.jsonl", |row| format!(r#"{{"pattern":{}}}"#, row["pattern"].get()));
    for (id, case, row) in answers(&["pattern", "parse", "--json"], cases, &input) {
        assert_eq!(row["canonical"].is_string(), row["valid"] == true, "{id}");
        assert_eq!(row["error"].is_null(), row["valid"] == true, "{id}");
        let Some(label) = case["spec_valid"].as_bool() else { continue };
        assert_eq!(row["valid"], label ^ DISPUTED.contains(&&*id), "{id}: {row}");
    }
}

#[test]
fn patterns_match_or_not() {
    let line = |row: &BTreeMap<String, Box<RawValue>>| {
        format!(r#"{{"pattern":{},"bundles":{}}}"#, row["pattern"].get(), row["bundles"].get())
    };
    let (cases, input) = batch("pattern_matching.jsonl", line);
    for (id, case, row) in answers(&["pattern", "match", "--json", "-"], cases, &input) {
        let ids = row["object_ids"].as_array().unwrap();
        assert_eq!(ids.is_empty(), row["match"] != true, "{id}");
        let Some(label) = case["expect"].as_str() else { continue };
        assert_eq!(row["match"], label == "match", "{id}: {row}");
    }
}
