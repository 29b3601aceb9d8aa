//! Deterministic identifiers: the shared vectors, and what may not change them.

use crate::vectors::rows;
use proptest::prelude::*;
use stix_model::json::{Document, Limits};
use stix_model::{ScoId, sco_id};

fn id_of(text: &str) -> ScoId {
    sco_id(Document::read(text.as_bytes(), Limits::default()).unwrap().root()).unwrap()
}

#[test]
fn vectors() {
    for (case, row, raw) in rows("sco_ids.jsonl") {
        let document = Document::read(raw.get().as_bytes(), Limits::default()).unwrap();
        let found = sco_id(document.root().get("object").unwrap()).unwrap();
        assert_eq!(found.id().map(|id| id.as_str()), row["expected_id"].as_str(), "{case}");
        assert_eq!(found.name(), row["canonical_name"].as_str(), "{case}");
    }
}

#[test]
fn one_hash_counts_by_a_fixed_preference() {
    let id = |hashes: &str| id_of(&format!(r#"{{"type":"file","hashes":{hashes}}}"#));
    let md5 = id(r#"{"MD5":"a"}"#);
    assert_eq!(id(r#"{"SHA-512":"d","SHA-256":"c","SHA-1":"b","MD5":"a","SSDEEP":"x"}"#), md5);
    assert_eq!(id(r#"{"SSDEEP":"x","SHA-512":"d"}"#), id(r#"{"SHA-512":"d"}"#));
    assert_eq!(id(r#"{"SSDEEP":"x","TLSH":"y"}"#), id(r#"{"SSDEEP":"x"}"#));
    assert_eq!(id("{}"), ScoId::Random);
}

#[test]
fn some_objects_have_no_deterministic_identifier() {
    assert_eq!(id_of(r#"{"type":"process","pid":1}"#), ScoId::Random);
    assert_eq!(id_of(r#"{"type":"x509-certificate","issuer":"x"}"#), ScoId::Random);
    let versioned = r#"{"type":"url","value":"x","created":"2020-01-01T00:00:00.000Z"}"#;
    assert_eq!(id_of(versioned), ScoId::Random, "STIX 2.1, section 3.6");
}

#[test]
fn types_of_extensions_bring_their_own_properties() {
    let document = Document::read(br#"{"type":"x-coin","b":2,"a":1,"c":3}"#, Limits::default()).unwrap();
    let refusal = sco_id(document.root()).unwrap_err().to_string();
    assert!(refusal.starts_with("`x-coin` is not a cyber-observable type"), "{refusal}");
    let found = stix_model::sco_id::sco_id_from(document.root(), &["b", "a", "d"]).unwrap();
    assert_eq!(found.name(), Some(r#"{"a":1,"b":2}"#));
    assert_eq!(found.id().unwrap().object_type(), "x-coin");
}

#[test]
fn refusals() {
    for (text, message) in [
        ("[]", "a cyber-observable object is a JSON object, not a list"),
        (r#"{"type":7}"#, "the required property `type` is missing or not a string"),
    ] {
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        assert_eq!(sco_id(document.root()).unwrap_err().to_string(), message);
    }
}

proptest! {
    #[test]
    fn member_order_and_white_space_do_not_matter(
        members in Just(vec![
            r#""type":"network-traffic""#, r#""src_port":80"#, r#""protocols":["tcp", "http"]"#, r#""x":{"b":1,"a":2}"#,
            r#""src_ref":"ipv4-addr--1""#, r#""start":"2020-01-01T00:00:00Z""#, r#""extensions":{"é":1.0,"a":{}}"#,
        ]).prop_shuffle(),
        space in "[ \n\t]{0,3}",
    ) {
        let expected = r#"{"extensions":{"a":{},"é":1},"protocols":["tcp","http"],"src_port":80,"src_ref":"ipv4-addr--1","start":"2020-01-01T00:00:00Z"}"#;
        let text = format!("{{{space}{}{space}}}", members.join(&format!("{space},{space}")));
        let found = id_of(&text);
        prop_assert_eq!(found.name(), Some(expected));
    }
}
