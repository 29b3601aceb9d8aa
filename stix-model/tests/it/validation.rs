//! The validator against the shared vectors.

use crate::vectors::rows;
use stix_model::json::{Document, Limits};
use stix_model::validate::{Finding, Profile, Severity, Validator};

fn validate(text: &str) -> Vec<Finding> {
    match Document::read(text.as_bytes(), Limits::default()) {
        Ok(document) => Validator::new(Profile::Stix).document(document.root()),
        Err(error) => panic!("{error}: {text}"),
    }
}

/// Rows whose label follows a tool against the text of the standard.
const DISAGREED: [(&str, &str); 4] = [
    ("object_validation-0071", "section 11.1: a custom property name has no `!`"),
    ("object_validation-0072", "section 11.1: a custom property name has at most 250 characters"),
    ("object_validation-0278", "RFC 5646: `bbb` is a well-formed tag, and a registered one"),
    ("object_validation-0342", "section 3.2: an identity needs a `spec_version` of its own"),
];

fn agree(vectors: &str) {
    let mut wrong = Vec::new();
    for (case, row, raw) in rows(vectors) {
        let Some(label) = row["expect_valid"].as_bool() else { continue };
        let expected = label ^ DISAGREED.iter().any(|(known, _)| *known == case);
        let fields: std::collections::BTreeMap<&str, &serde_json::value::RawValue> =
            serde_json::from_str(raw.get()).unwrap();
        let findings = validate(fields["object"].get());
        let errors: Vec<_> = findings.iter().filter(|found| found.severity == Severity::Error).collect();
        if errors.is_empty() != expected {
            let found: Vec<_> = errors.iter().map(ToString::to_string).collect();
            wrong.push(format!(
                "{case}: expected valid = {expected}, {} {found:?} {}",
                row["mutation"], row["error_texts"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} disagree:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn objects_of_other_test_suites() {
    agree("object_validation.jsonl");
}

#[test]
fn single_faults() {
    agree("object_mutations.jsonl");
}

/// The fast path rests on this: what the property tables let pass, the official schemas let pass too.
#[cfg(feature = "schemas")]
#[test]
fn the_tables_are_at_least_as_strict_as_the_official_schemas() {
    use stix_model::validate::{Code, Schemas};
    let validator = Validator::new(Profile::Stix).schemas(Schemas::Always);
    let mut wrong = Vec::new();
    for vectors in ["object_validation.jsonl", "object_mutations.jsonl"] {
        for (case, _, raw) in rows(vectors) {
            let document = Document::read(raw.get().as_bytes(), Limits::default()).unwrap();
            let findings = validator.document(document.root().get("object").unwrap());
            let errors = || findings.iter().filter(|found| found.severity == Severity::Error);
            if errors().count() > 0 && errors().all(|found| found.code == Code::Schema) {
                wrong.push(format!("{case}: {:?}", errors().map(ToString::to_string).collect::<Vec<_>>()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are let pass:\n{}", wrong.len(), wrong.join("\n"));
}
