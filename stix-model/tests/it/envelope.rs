//! Envelopes and bundles: split and written without touching an object.

use bytes::Bytes;
use stix_model::taxii::{Envelope, split, write_envelope};

const TOOL: &str = r#"{ "type":"tool" , "id":"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "n": 1.50 }"#;

#[test]
fn one_bad_object_spoils_no_other() {
    let body = Bytes::from(format!(r#"{{"type":"bundle","objects":[{TOOL},17,{{"id":"x"}},{TOOL}]}}"#));
    let objects = split(&body, Default::default()).unwrap();
    let kept: Vec<_> =
        objects.iter().map(|object| object.as_ref().map(|object| &object.json()[..])).collect();
    assert_eq!(kept[0], Ok(TOOL.as_bytes()));
    assert_eq!(kept[1].unwrap_err().to_string(), "/objects/1: must be an object, not a number");
    assert_eq!(kept[2].unwrap_err().to_string(), "/objects/2/id: an identifier has the form type--UUID");
    assert_eq!(kept[3], Ok(TOOL.as_bytes()));
}

#[test]
fn what_is_no_envelope_is_refused_as_a_whole() {
    let cases = [
        ("[]", "an envelope is a JSON object, not a list"),
        ("{}", "`objects` is missing or empty: an envelope to be added holds at least one STIX object"),
        (
            r#"{"objects":[]}"#,
            "`objects` is missing or empty: an envelope to be added holds at least one STIX object",
        ),
        (r#"{"objects":{}}"#, "`objects` must be a list of STIX objects, not an object"),
        (
            r#"{"objects":[{"id":1,"id":2}]}"#,
            "this member name occurs twice in one object at line 1, column 21 (/objects/0/id)",
        ),
    ];
    for (body, message) in cases {
        let error = split(&Bytes::from_static(body.as_bytes()), Default::default()).unwrap_err();
        assert_eq!(error.to_string(), message, "{body}");
    }
}

#[test]
fn written_pages_keep_the_bytes() {
    let page = write_envelope(Some("a\"b"), [TOOL.as_bytes(), TOOL.as_bytes()]);
    let envelope: Envelope = serde_json::from_slice(&page).unwrap();
    assert!(envelope.more);
    assert_eq!(envelope.next.as_deref(), Some("a\"b"));
    assert!(envelope.objects.iter().all(|object| object.get() == TOOL));
    assert_eq!(write_envelope(None, []), br#"{"more":false}"#);
}
