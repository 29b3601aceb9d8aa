//! Versions: the shared vectors, what counts as the same content, and what a new version keeps.

use crate::vectors::rows;
use proptest::prelude::*;
use std::cmp::Ordering;
use stix_model::json::{Change, Digest, Document, Limits};
use stix_model::validate::{Profile, Severity, Validator};
use stix_model::version::{
    self, Decision, Facts, Refusal, decide_among, is_same_content, new_version, revoke,
};
use stix_model::{Object, Timestamp};

fn is_valid(object: &Object) -> bool {
    let findings = Validator::new(Profile::Stix).object(object.document().root());
    findings.iter().all(|finding| finding.severity != Severity::Error)
}

#[test]
fn vectors() {
    for (case, row, _) in rows("versioning.jsonl") {
        let stored: Vec<_> =
            row["stored"].as_array().unwrap().iter().map(|v| parse(&v.to_string())).collect();
        let incoming = parse(&row["incoming"].to_string());
        // A validator speaks first.
        let decision = is_valid(&incoming).then(|| decide_among(&incoming, &stored));
        let word = decision.map_or("reject-invalid", Decision::as_str);
        assert_eq!(word, row["decision"].as_str().unwrap(), "{case}");
        let Some(expected) = row["latest_modified_after"].as_str() else { continue };
        let kept = decision.is_some_and(Decision::is_accepted).then_some(&incoming);
        let latest = version::latest(stored.iter().chain(kept)).unwrap();
        assert_eq!(latest.header().modified, Some(expected.parse().unwrap()), "{case}");
    }
}

fn parse(text: &str) -> Object {
    Object::parse(text).unwrap()
}

fn stamp(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const ID: &str = "campaign--12a111f0-b824-4baf-a224-83b80237a094";

/// A campaign that was modified on a day of January 2020.
fn campaign(day: u8, rest: &str) -> Object {
    parse(&format!(
        r#"{{"type":"campaign","spec_version":"2.1","id":"{ID}","created":"2020-01-01T00:00:00.000Z",
            "modified":"2020-01-{day:02}T00:00:00.000Z","name":"x"{rest}}}"#
    ))
}

#[test]
fn decisions_beyond_the_vectors() {
    let decide = |incoming: &Object, stored: &[Object]| decide_among(incoming, stored);
    let by = |id: u8| format!(r#","created_by_ref":"identity--b38dfe21-7477-40d1-aa90-5c8671ce51{id:02}""#);
    let revoked = r#","revoked":true"#;
    assert_eq!(decide(&campaign(1, ""), &[]), Decision::New);
    assert_eq!(decide(&campaign(1, revoked), &[]), Decision::Revocation);
    assert_eq!(decide(&campaign(2, ""), &[campaign(1, ""), campaign(3, "")]), Decision::Older);
    assert_eq!(decide(&campaign(3, ""), &[campaign(2, revoked)]), Decision::Refused(Refusal::Revoked));
    assert_eq!(decide(&campaign(3, revoked), &[campaign(2, revoked)]), Decision::Revocation, "still revoked");
    assert_eq!(decide(&campaign(2, revoked), &[campaign(2, revoked)]), Decision::Duplicate);
    assert_eq!(
        decide(&campaign(2, revoked), &[campaign(3, "")]),
        Decision::Revocation,
        "it covers all versions"
    );
    assert_eq!(
        decide(&campaign(2, &by(1)), &[campaign(1, &by(2))]),
        Decision::Refused(Refusal::OtherCreator)
    );
    assert_eq!(decide(&campaign(2, &by(1)), &[campaign(1, "")]), Decision::Refused(Refusal::OtherCreator));
    assert_eq!(decide(&campaign(2, &by(1)), &[campaign(1, &by(1))]), Decision::Newer);
    let moved = parse(&String::from_utf8_lossy(campaign(2, "").json()).replace("2020-01-01", "2019-01-01"));
    assert_eq!(decide(&moved, &[campaign(1, "")]), Decision::Refused(Refusal::OtherCreated));
    let other =
        parse(&String::from_utf8_lossy(campaign(1, "").json()).replace("83b80237a094", "83b80237a095"));
    assert_eq!(decide(&campaign(1, ""), &[other]), Decision::New, "other objects do not matter");
}

#[test]
fn other_content_of_objects_without_versions_is_a_version() {
    let url = |rest: &str| {
        parse(&format!(
            r#"{{"type":"url","id":"url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1","value":"x"{rest}}}"#
        ))
    };
    let decide = |incoming: &Object, stored: Object| decide_among(incoming, [&stored]);
    assert_eq!(decide(&url(r#","defanged":false,"spec_version":"2.1""#), url("")), Decision::Duplicate);
    assert_eq!(decide(&url(r#","defanged":true"#), url("")), Decision::Newer);
    let stored = [url(""), url(r#","defanged":true"#)];
    assert_eq!(decide_among(&url(""), &stored), Decision::Duplicate, "whichever of them it is");
    assert_eq!(decide(&url(""), url(r#","created":"2020-01-01T00:00:00.000Z""#)), Decision::Conflict);
    assert_eq!(version::compare(&url(""), &url("")), None);
}

#[test]
fn facts_are_kept_as_text_and_as_bytes() {
    let object =
        campaign(2, r#","created_by_ref":"identity--b38dfe21-7477-40d1-aa90-5c8671ce5101","revoked":true"#);
    let facts = Facts::of(object.document().root(), object.header());
    let text = serde_json::to_string(&facts).unwrap();
    assert!(text.contains(&format!(r#""content":"{}""#, object.header().digest)), "{text}");
    assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), facts);
    let bytes = postcard::to_allocvec(&facts).unwrap();
    assert!(bytes.windows(32).any(|window| window == facts.content.0), "the digest is kept as it is");
    assert_eq!(postcard::from_bytes::<Facts>(&bytes).unwrap(), facts);
    for refused in [r#""""#, "7", &format!("\"{}\"", "A".repeat(64))] {
        assert!(serde_json::from_str::<Digest>(refused).is_err(), "{refused}");
    }
    assert!(postcard::from_bytes::<Digest>(&postcard::to_allocvec(&[7_u8; 31][..]).unwrap()).is_err());
}

/// What is stored of an object says who made it; what is no identifier says nothing.
#[test]
fn a_creator_is_an_identifier() {
    let unknown = campaign(2, r#","created_by_ref":"me""#);
    assert_eq!(Facts::of(unknown.document().root(), unknown.header()).creator, None);
}

#[test]
fn versions_compare_as_instants() {
    assert_eq!(version::compare(&campaign(1, ""), &campaign(2, "")), Some(Ordering::Less));
    let longer = parse(&String::from_utf8_lossy(campaign(1, "").json()).replace(".000Z", ".0000Z"));
    assert_eq!(version::compare(&campaign(1, ""), &longer), Some(Ordering::Equal));
    let versions = [campaign(2, ""), campaign(3, ""), campaign(1, "")];
    assert_eq!(version::latest(&versions).unwrap().header().modified, Some(stamp("2020-01-03T00:00:00Z")));
    assert!(version::latest([]).is_none());
}

#[test]
fn the_same_content_in_other_words() {
    let same = |a: &str, b: &str| {
        let [a, b] = [a, b].map(|text| Document::read(text.as_bytes(), Limits::default()).unwrap());
        let same = is_same_content(a.root(), b.root());
        let digest =
            |document: &Document<'_>| version::content_digest(document.root(), Digest::of(document.root()));
        assert_eq!(same, digest(&a) == digest(&b));
        same
    };
    for default in [r#""revoked":false"#, r#""lang":"en""#, r#""defanged":false"#, r#""spec_version":"2.1""#]
    {
        assert!(same(r#"{"type":"url"}"#, &format!(r#"{{{default},"type":"url"}}"#)), "{default}");
    }
    assert!(same(r#"{"type":"sighting"}"#, r#"{"type":"sighting","summary":false}"#));
    assert!(!same(r#"{"type":"x-thing"}"#, r#"{"type":"x-thing","summary":false}"#));
    assert!(same(r#"{"pattern_type":"stix","pattern_version":"2.1"}"#, r#"{"pattern_type":"stix"}"#));
    assert!(!same(r#"{"pattern_type":"yara","pattern_version":"2.1"}"#, r#"{"pattern_type":"yara"}"#));
    assert!(!same(r#"{"created":"x","spec_version":"2.1"}"#, r#"{"created":"x"}"#));
    assert!(!same(r#"{"revoked":true}"#, "{}"));
    assert!(!same(r#"{"lang":"de"}"#, "{}"));
    assert!(!same(r#"{"a":{"revoked":false}}"#, r#"{"a":{}}"#), "defaults are those of the object itself");
    assert!(same(r#"{"x":{"mtime":"2020-01-01T00:00:00Z"}}"#, r#"{"x":{"mtime":"2020-01-01T00:00:00.0Z"}}"#));
    assert!(!same(r#"{"name":"2020-01-01T00:00:00Z"}"#, r#"{"name":"2020-01-01T00:00:00.0Z"}"#));
    assert!(!same(r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#));
    assert!(!same(r#"{"a":[[1],2]}"#, r#"{"a":[[1,2]]}"#));
    assert!(!same(r#"{"a":{"b":1},"c":2}"#, r#"{"a":{"b":1,"c":2}}"#));
}

#[test]
fn refusals_of_a_new_version() {
    let later = stamp("2020-02-01T00:00:00.000Z");
    let refusal = |object: &Object, modified: &Timestamp, change: Change| {
        new_version(object, modified, &[change]).unwrap_err().to_string()
    };
    let object = campaign(5, "");
    for name in version::FIXED_PROPERTIES {
        let refused = refusal(&object, &later, Change::remove(name));
        assert_eq!(
            refused,
            format!("`{name}` is the same in all versions of an object; make a new object instead")
        );
    }
    let harmless = || Change::set("confidence", "1");
    for (object, modified, change, message) in [
        (
            &object,
            &later,
            Change::set("modified", "1"),
            "`modified` is set by the version; leave it out of the changes",
        ),
        (
            &object,
            &later,
            Change::set("revoked", "true"),
            "`revoked` is set by `revoke`, and nothing unsets it",
        ),
        (
            &object,
            &stamp("2020-01-05T00:00:00.0000Z"),
            harmless(),
            "`modified` must be later than that of the version before, 2020-01-05T00:00:00.000Z; 2020-01-05T00:00:00.0000Z is not",
        ),
        (
            &object,
            &stamp("2020-02-01T00:00:00Z"),
            harmless(),
            "`modified` is written at least to the millisecond, like 2020-01-01T00:00:00.000Z; 2020-02-01T00:00:00Z is not",
        ),
        (
            &revoke(&object, &stamp("2020-01-06T00:00:00.000Z")).unwrap(),
            &later,
            harmless(),
            "the object is revoked, and no version follows a revocation",
        ),
        (
            &parse(r#"{"type":"url","id":"url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1","value":"x"}"#),
            &later,
            harmless(),
            "this url has no versions; make a new object instead",
        ),
        (
            &object,
            &later,
            Change::set("name", "x"),
            "the new value of `name` is not strict JSON: expected a value at line 1, column 1",
        ),
    ] {
        assert_eq!(refusal(object, modified, change), message);
    }
}

#[test]
fn changes_that_may_want_a_new_object() {
    let changes = |a: &str, b: &str| {
        let [a, b] = [a, b].map(|text| Document::read(text.as_bytes(), Limits::default()).unwrap());
        version::material_changes(a.root(), b.root())
    };
    assert_eq!(
        changes(r#"{"type":"indicator","pattern":"a"}"#, r#"{"type":"indicator","pattern":"b"}"#),
        ["pattern"]
    );
    assert!(changes(r#"{"type":"indicator","name":"a"}"#, r#"{"type":"indicator","name":"b"}"#).is_empty());
    assert!(
        changes(r#"{"type":"malware","is_family":true}"#, r#"{"type":"malware","is_family": true}"#)
            .is_empty()
    );
}

proptest! {
    #[test]
    fn a_new_version_keeps_all_other_members(
        members in prop::collection::vec("\"x_[a-z]{3,6}\" ?: ?(1\\.0|\"\\\\\\\\u00e9\"|\\[1, 2\\]|null)", 0..6),
        name in "\\PC{0,10}",
    ) {
        let mut names = std::collections::BTreeSet::new();
        let unique = members.iter().filter(|member| names.insert(member.split('"').nth(1).unwrap()));
        let rest: String = unique.map(|member| format!(" , {member}")).collect();
        let object = campaign(1, &rest);
        let modified = stamp("2020-01-09T00:00:00.123456Z");
        let next = new_version(&object, &modified, &[Change::set_text("name", &name)]).unwrap();
        let mut quoted = String::new();
        stix_model::json::write_string(&name, &mut quoted);
        let expected = String::from_utf8(object.json().to_vec()).unwrap()
            .replace(r#""modified":"2020-01-01T00:00:00.000Z""#, &format!(r#""modified":"{modified}""#))
            .replace(r#""name":"x""#, &format!(r#""name":{quoted}"#));
        prop_assert_eq!(&next.json()[..], expected.as_bytes());
        prop_assert_eq!(decide_among(&next, [&object]), Decision::Newer);

        let last = revoke(&next, &stamp("2020-01-10T00:00:00.000Z")).unwrap();
        prop_assert!(version::is_revoked(&last) && !version::is_revoked(&next));
        prop_assert_eq!(decide_among(&last, [&object, &next]), Decision::Revocation);
    }
}
