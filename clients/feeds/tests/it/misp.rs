//! Events of MISP.

use crate::{converted, feed};
use serde_json::json;
use stix_model::{Object, Tlp};

const UUID: &str = "5b6464ca-e73c-4707-9b8a-d0350acd0835";

fn event(members: serde_json::Value) -> serde_json::Value {
    let mut event = json!({
        "info": "An event", "uuid": "5b646415-7b48-40d5-86b4-c0070acd0835", "date": "2018-08-01", "timestamp": "1533306089",
        "published": true, "publish_timestamp": "1550506283",
        "Orgc": { "name": "An organisation", "uuid": "5a68c02d-959c-4c8a-a571-0dcac0a8060a" },
    });
    event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!({ "Event": event })
}

fn objects(event: &serde_json::Value) -> Vec<Object> {
    let (found, objects) = converted(&feed("misp"), event.to_string().as_bytes()).unwrap();
    assert_eq!(found.rejected, []);
    objects
}

fn find<'o>(objects: &'o [Object], id: &str) -> &'o Object {
    objects.iter().find(|object| object.id().as_str() == id).unwrap_or_else(|| panic!("there is no {id}"))
}

fn text(object: &Object, name: &str) -> String {
    object.get(name).unwrap().unwrap()
}

#[test]
fn an_attribute_for_detection_is_an_indicator_with_its_uuid() {
    let attribute = json!({ "type": "filename|md5", "value": "a'b.exe|D41D8CD98F00B204E9800998ECF8427E", "to_ids": true,
        "uuid": UUID, "timestamp": "1533306058", "first_seen": "2018-07-01T00:00:00+00:00", "last_seen": "2018-07-02T00:00:00+00:00",
        "category": "Payload delivery", "comment": "a dropper", "distribution": "0", "Tag": [{ "name": "tlp:amber" }] });
    let made = objects(&event(json!({ "Attribute": [attribute] })));
    let indicator = find(&made, &format!("indicator--{UUID}"));
    assert_eq!(
        text(indicator, "pattern"),
        r"[file:name = 'a\'b.exe' AND file:hashes.'MD5' = 'd41d8cd98f00b204e9800998ecf8427e']"
    );
    assert_eq!(text(indicator, "valid_from"), "2018-07-01T00:00:00.000Z");
    assert_eq!(text(indicator, "modified"), "2018-08-03T14:20:58.000Z");
    let labels: Vec<String> = indicator.get("labels").unwrap().unwrap();
    assert!(labels.contains(&r#"misp:distribution="your-organisation-only""#.to_owned()), "{labels:?}");
    assert_eq!(Tlp::effective(indicator.document().root()), Some(Tlp::Amber));
    let report = find(&made, "report--5b646415-7b48-40d5-86b4-c0070acd0835");
    assert_eq!(Tlp::effective(report.document().root()), Some(Tlp::Clear));
    assert_eq!(text(report, "created_by_ref"), "identity--5a68c02d-959c-4c8a-a571-0dcac0a8060a");
}

#[test]
fn what_stix_has_no_observable_for_is_a_note() {
    let attribute =
        json!({ "type": "btc", "value": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "to_ids": true, "uuid": UUID });
    let (found, made) =
        converted(&feed("misp"), event(json!({ "Attribute": [attribute] })).to_string().as_bytes()).unwrap();
    assert_eq!(text(find(&made, &format!("note--{UUID}")), "content"), "1BoatSLRHtKNngkdXEeobR76b53LETtpyT");
    assert!(found.notes[0].contains("`btc`"), "{:?}", found.notes);
}

#[test]
fn hashes_of_one_file_are_alternatives() {
    let member = |kind: &str, value: &str, to_ids: bool| json!({ "type": kind, "object_relation": kind, "value": value, "to_ids": to_ids });
    let object = json!({ "name": "file", "uuid": UUID, "Attribute": [
        member("md5", "d41d8cd98f00b204e9800998ecf8427e", true),
        member("sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709", true),
        member("filename", "a.exe", false), member("size-in-bytes", "0", false), member("text", "nothing in it", false) ] });
    let made = objects(&event(json!({ "Object": [object] })));
    assert_eq!(
        text(find(&made, &format!("indicator--{UUID}")), "pattern"),
        "[file:hashes.'MD5' = 'd41d8cd98f00b204e9800998ecf8427e' OR file:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']"
    );
    let file = made.iter().find(|object| object.id().object_type() == "file").unwrap();
    assert_eq!(text(file, "name"), "a.exe");
    assert_eq!(text(find(&made, &format!("note--{UUID}")), "content"), "text: nothing in it");
}

#[test]
fn a_deleted_attribute_is_withdrawn() {
    let attribute =
        json!({ "type": "domain", "value": "evil.example", "to_ids": true, "uuid": UUID, "deleted": true });
    let made = objects(&event(json!({ "Attribute": [attribute] })));
    assert_eq!(find(&made, &format!("indicator--{UUID}")).get::<bool>("revoked").unwrap(), Some(true));
}

#[test]
fn a_link_is_a_reference_of_the_report_and_without_an_event_a_note() {
    let link = json!({ "type": "link", "value": "https://report.example/1", "uuid": UUID });
    let made = objects(&event(json!({ "Attribute": [link] })));
    let report = find(&made, "report--5b646415-7b48-40d5-86b4-c0070acd0835");
    assert!(String::from_utf8_lossy(report.json()).contains("https://report.example/1"));
    let made = objects(&json!({ "response": { "Attribute": [link] } }));
    assert_eq!(text(find(&made, &format!("note--{UUID}")), "content"), "https://report.example/1");
}
