//! Headers: what is read, and what is refused.

use stix_model::{Object, SpecVersion, Tlp};

const ID: &str = "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";

#[test]
fn the_edition_follows_from_spec_version_or_created() {
    let edition = |rest: &str| {
        Object::parse(&format!(r#"{{"type":"tool","id":"{ID}"{rest}}}"#)).unwrap().header().spec_version
    };
    assert_eq!(edition(r#","spec_version":"2.1""#), SpecVersion::V2_1);
    assert_eq!(edition(r#","created":"2020-01-01T00:00:00.000Z""#), SpecVersion::V2_0);
    assert_eq!(edition(""), SpecVersion::V2_1, "a cyber-observable object may leave it out");
}

#[test]
fn the_strictest_marking_counts() {
    let object = Object::parse(&format!(
        r#"{{"type":"tool","id":"{ID}",
            "object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"],
            "granular_markings":[{{"marking_ref":"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"}}]}}"#
    ));
    assert_eq!(object.unwrap().header().tlp, Some(Tlp::AmberStrict));
}

#[test]
fn the_digest_is_the_same_for_every_spelling() {
    let digest = |text: String| Object::parse(&text).unwrap().header().digest;
    let plain = digest(format!(r#"{{"type":"tool","id":"{ID}","x":[1.0,"é"]}}"#));
    assert_eq!(
        plain,
        digest(format!("{{ \"x\" : [1 , \"\\u00e9\"],\n\"id\":\"{ID}\", \"type\":\"t\\u006fol\"}}"))
    );
    assert_ne!(plain, digest(format!(r#"{{"type":"tool","id":"{ID}","x":[2,"é"]}}"#)));
}

#[test]
fn refusals_name_property_and_rule() {
    let cases = [
        (r#"[]"#, "must be an object, not a list"),
        (r#"{"type":"tool"}"#, "the required property `id` is missing"),
        (&format!(r#"{{"id":"{ID}"}}"#), "the required property `type` is missing"),
        (
            &format!(r#"{{"type":"malware","id":"{ID}"}}"#),
            "/id: the identifier names another type than the property `type`",
        ),
        (r#"{"type":"tool","id":"tool--1"}"#, "/id: an identifier has the form type--UUID"),
        (
            &format!(r#"{{"type":"tool","id":"{ID}","created":5}}"#),
            "/created: must be a string, not a number",
        ),
        (
            &format!(r#"{{"type":"tool","id":"{ID}","modified":"2020-02-30T00:00:00Z"}}"#),
            "/modified: there is no such date or time",
        ),
        (
            &format!(r#"{{"type":"tool","id":"{ID}","spec_version":"3.0"}}"#),
            "/spec_version: only STIX 2.0 and 2.1 are supported",
        ),
        (
            r#"{"type":"bundle","id":"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}"#,
            "/type: a bundle is not a STIX object; send the objects that are in it",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(Object::parse(text).unwrap_err().to_string(), message, "{text}");
    }
    let large = format!(r#"{{"type":"tool","id":"{ID}","x":"{}"}}"#, "x".repeat(9 << 20));
    assert_eq!(Object::parse(&large).unwrap().json().len(), large.len(), "a size is for a server to refuse");
}

#[test]
fn each_edition_has_its_media_type() {
    let of = |text: &str| Object::parse(text).unwrap().header().spec_version.media_type();
    let url = r#"{"type":"url","id":"url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1","value":"u:x"}"#;
    assert_eq!(of(url), "application/stix+json;version=2.1");
    let tool = r#"{"type":"tool","id":"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","name":"n",
        "created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z"}"#;
    assert_eq!(of(tool), "application/stix+json;version=2.0");
}
