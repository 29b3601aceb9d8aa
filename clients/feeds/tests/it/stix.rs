//! STIX that is handed on, brought to STIX 2.1, repaired or rejected.

use crate::{NOW, converted, feed};
use stix_model::Object;
use taxii_feeds::settings::Settings;
use taxii_feeds::{Collected, convert};

const TOOL: &str = r#"{ "type": "tool",  "spec_version": "2.1", "x_rank": 1.50,
    "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "name": "A\u0042",
    "created": "2024-04-06T20:03:00.000Z", "modified": "2024-04-06T20:03:00.000Z" }"#;

const OLD: &str = r#"{"type": "malware", "id": "malware--31b940d4-6f7f-459a-80ea-9c1f17b5891b", "name": "Old",
    "created": "2017-01-01T00:00:00Z", "modified": "2017-01-01T00:00:00Z", "labels": ["worm", "mine"]}"#;

fn stix(text: &str) -> (Collected, Vec<Object>) {
    converted(&feed("stix"), text.as_bytes()).unwrap()
}

fn bundle(objects: &[&str]) -> String {
    let id = "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d";
    format!(r#"{{"type": "bundle", "id": "{id}", "objects": [{}]}}"#, objects.join(", "))
}

fn text(object: &Object, name: &str) -> String {
    object.get::<String>(name).unwrap().unwrap_or_default()
}

#[test]
fn objects_of_stix_2_1_keep_each_byte_in_whatever_form_they_come() {
    let texts = [
        bundle(&[TOOL]),
        format!(r#"{{"more": false, "objects": [{TOOL}]}}"#),
        format!("[{TOOL}]"),
        TOOL.to_owned(),
        format!("\u{feff}{TOOL}"),
        format!("{0}\n{0}\n", TOOL.replace('\n', " ")),
    ];
    for file in texts {
        let (found, objects) = stix(&file);
        assert!(found.rejected.is_empty() && found.notes.is_empty(), "{found:?}");
        let [one] = &objects[..] else { panic!("{objects:?}") };
        assert_eq!(String::from_utf8_lossy(one.json()).replace('\n', " "), TOOL.replace('\n', " "));
    }
    assert!(stix("{ }").1.is_empty());
    assert!(stix(r#"{"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d"}"#).1.is_empty());
}

#[test]
fn what_is_no_stix_is_refused() {
    for text in ["", "{", "[", "<STIX_Package/>", "a,b\n1,2\n", r#"{"a": 1}"#, "7", r#"{"objects": 7}"#] {
        assert!(converted(&feed("stix"), text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn a_bundle_may_mix_both_editions() {
    let (found, objects) = stix(&bundle(&[TOOL, OLD]));
    assert!(found.rejected.is_empty(), "{:?}", found.rejected);
    assert_eq!(objects[0].json(), TOOL.as_bytes());
    assert_eq!(text(&objects[1], "spec_version"), "2.1");
    assert_eq!(text(&objects[1], "created"), "2017-01-01T00:00:00.000Z");
    let types = objects[1].get::<Vec<String>>("malware_types").unwrap();
    assert_eq!(types, Some(vec!["worm".to_owned()]));
    assert!(found.notes[0].contains("/is_family: assumed"), "{:?}", found.notes);
}

#[test]
fn a_missing_spec_version_is_put_in_where_all_else_is_of_stix_2_1() {
    let location = TOOL.replace("tool", "location").replace(r#""spec_version": "2.1","#, "");
    let location = location.replace(r#""name""#, r#""labels": ["worm"], "region": "africa", "name""#);
    let (found, objects) = stix(&bundle(&[&location]));
    assert!(found.rejected.is_empty(), "{:?}", found.rejected);
    let expected = location.replacen('{', r#"{"spec_version":"2.1","#, 1);
    assert_eq!(objects[0].json(), expected.as_bytes());
    assert!(found.notes[0].ends_with("`spec_version` is missing; what it has is of STIX 2.1"));
}

#[test]
fn timestamps_with_an_offset_are_written_in_utc() {
    for (wrong, right) in [
        ("2024-04-06T22:03:00+02:00", "2024-04-06T20:03:00.000Z"),
        ("2024-04-06 20:03:00.123456", "2024-04-06T20:03:00.123456Z"),
        ("2024-04-06", "2024-04-06T00:00:00.000Z"),
    ] {
        let tool = TOOL.replace("2024-04-06T20:03:00.000Z", wrong);
        let (found, objects) = stix(&bundle(&[&tool]));
        assert!(found.rejected.is_empty(), "{:?}", found.rejected);
        assert_eq!(text(&objects[0], "modified"), right);
        assert_eq!(found.notes[0], format!("`created` `{wrong}` was written as {right}"));
        assert!(String::from_utf8_lossy(objects[0].json()).contains(r#""x_rank": 1.50"#));
    }
}

#[test]
fn an_identifier_without_a_uuid_is_made_anew_wherever_it_stands() {
    let tool = TOOL.replace("8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "psexec");
    let arrow = r#"{"type": "relationship", "spec_version": "2.1", "created": "2024-04-06T20:03:00.000Z",
        "id": "relationship--00000000-0000-0000-0000-000000000000", "modified": "2024-04-06T20:03:00.000Z",
        "relationship_type": "related-to", "source_ref": "tool--psexec", "target_ref": "tool--psexec"}"#;
    let (found, objects) = stix(&bundle(&[&tool, arrow]));
    assert!(found.rejected.is_empty(), "{:?}", found.rejected);
    assert_eq!(text(&objects[1], "source_ref"), objects[0].id().as_str());
    assert_eq!(text(&objects[1], "target_ref"), objects[0].id().as_str());
    assert_eq!(found.notes.len(), 2);
    assert!(found.notes[0].starts_with("`tool--psexec` is no identifier of STIX; it became tool--"));
    // The same in another file.
    assert_eq!(stix(&tool).1[0].id(), objects[0].id());
}

#[test]
fn an_object_that_stays_wrong_is_rejected_alone() {
    let wrong = [
        (TOOL.replace("tool--", "malware--"), "names another type"),
        (TOOL.replace("tool--", "Tool "), "form type--UUID"),
        (TOOL.replace(r#""id""#, r#""x_id""#), "`id` is missing"),
        (TOOL.replace("20:03", "30:03"), "no such date"),
        (TOOL.replace(r#""name""#, r#""alias""#), "`name`"),
        (TOOL.replace(r#""name""#, r#""x_rank""#), "occurs twice"),
        (TOOL.replace(r#""2.1""#, r#""3.0""#), "only STIX 2.0 and 2.1"),
        ("7".to_owned(), "must be an object"),
        (TOOL.replace(r#""A\u0042""#, r#""other""#), "this version before"),
    ];
    let mut objects: Vec<&str> = vec![TOOL];
    objects.extend(wrong.iter().map(|(text, _)| text.as_str()));
    objects.push(OLD);
    let (found, objects) = stix(&bundle(&objects));
    assert_eq!((found.records, objects.len()), (11, 2));
    assert_eq!(found.rejected.len(), wrong.len());
    for ((number, (_, reason)), rejected) in wrong.iter().enumerate().zip(&found.rejected) {
        assert_eq!(rejected.record, format!("/objects/{}", number + 1));
        assert!(rejected.reason.contains(reason), "{reason}: {}", rejected.reason);
    }
}

#[test]
fn several_versions_of_an_object_all_count() {
    let later = TOOL.replace(r#""modified": "2024-04"#, r#""modified": "2024-05"#);
    assert_eq!(stix(&bundle(&[TOOL, &later, TOOL])).1.len(), 2);
}

#[test]
fn a_stricter_marking_of_the_operator_is_put_on_and_a_weaker_one_is_not() {
    let settings = Settings::parse("[feeds.stix]\ntlp = \"amber\"\n").unwrap();
    let red = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
    let secret = TOOL
        .replace("8e2e", "9e2e")
        .replace(r#""name""#, &format!(r#""object_marking_refs": ["{red}"], "name""#));
    let mut found = Collected::default();
    let text = bundle(&[TOOL, &secret]);
    convert(&settings.feed("stix").unwrap(), &NOW.parse().unwrap(), &mut text.as_bytes(), &mut found)
        .unwrap();
    let levels: Vec<_> = found.objects.iter().map(|object| object.header().tlp.unwrap().as_str()).collect();
    assert_eq!(levels, ["amber", "red"]);
    assert_eq!(found.objects[1].json(), secret.as_bytes());
}

#[test]
fn a_line_that_is_wrong_spoils_no_other() {
    let line = TOOL.replace('\n', " ");
    let (found, objects) = stix(&format!("{line}\n{{\"type\": \n{}\n", OLD.replace('\n', " ")));
    assert_eq!((found.records, found.rejected.len(), objects.len()), (3, 1, 2));
    assert_eq!(found.rejected[0].record, "line 2");
}

#[test]
fn what_the_standard_does_not_define_keeps_its_bytes() {
    let own = r#""x_seen": {"created": "2024-04-06"}, "x_first_ref": "some--thing", "name""#;
    let tool = TOOL.replace(r#""name""#, own);
    let (found, objects) = stix(&tool);
    assert!(found.notes.is_empty() && found.rejected.is_empty(), "{found:?}");
    assert_eq!(objects[0].json(), tool.as_bytes());
}

#[test]
fn observed_data_of_stix_2_0_gives_the_observables_in_it() {
    let observed = r#"{"type": "observed-data", "id": "observed-data--b67d30ff-02ac-498a-92f9-32f845f448cf",
        "created": "2017-01-01T00:00:00.000Z", "modified": "2017-01-01T00:00:00.000Z", "number_observed": 1,
        "first_observed": "2017-01-01T00:00:00Z", "last_observed": "2017-01-01T00:00:00Z",
        "objects": {"0": {"type": "ipv4-addr", "value": "192.0.2.1"}}}"#;
    for text in [observed.to_owned(), bundle(&[observed, observed])] {
        let (found, objects) = stix(&text);
        assert!(found.rejected.is_empty(), "{:?}", found.rejected);
        let types: Vec<&str> = objects.iter().map(|object| object.id().object_type()).collect();
        assert_eq!(types, ["observed-data", "ipv4-addr"]);
    }
}
