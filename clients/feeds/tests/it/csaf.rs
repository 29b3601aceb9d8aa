//! Advisories in CSAF 2.0.

use crate::{converted, feed, samples};
use serde_json::{Value, json};
use stix_model::Object;
use taxii_feeds::settings::Settings;
use taxii_feeds::{Collected, SharedKey};

fn csaf(document: &Value) -> (Collected, Vec<Object>) {
    converted(&feed("csaf"), document.to_string().as_bytes()).unwrap()
}

fn document() -> Value {
    json!({
        "document": {
            "category": "csaf_security_advisory", "title": "Flaw in Pump",
            "publisher": { "name": "Example PSIRT", "namespace": "https://psirt.example", "category": "vendor" },
            "distribution": { "tlp": { "label": "AMBER" } },
            "notes": [{ "category": "summary", "text": "A flaw." }, { "category": "legal_disclaimer", "text": "No warranty." }],
            "tracking": {
                "id": "EX-1", "version": "2", "status": "final",
                "initial_release_date": "2024-01-01T00:00:00+01:00", "current_release_date": "2024-02-01T00:00:00Z",
                "revision_history": [{ "number": "2", "date": "2024-02-01", "summary": "Fix." }]
            }
        },
        "product_tree": { "branches": [{ "category": "vendor", "name": "Example", "branches": [
            { "category": "product_name", "name": "Pump", "branches": [
                { "category": "product_version", "name": "1.0", "product": { "product_id": "P1", "name": "Pump 1.0",
                    "product_identification_helper": { "cpe": "cpe:2.3:a:example:pump:1.0:*:*:*:*:*:*:*" } } },
                { "category": "product_version_range", "name": ">=2", "product": { "product_id": "P2", "name": "Pump from 2",
                    "product_identification_helper": { "cpe": "cpe:/a:example:pump" } } }
            ] }
        ] }] },
        "vulnerabilities": [{
            "notes": [{ "category": "description", "text": "Leaks." }, { "category": "faq", "text": "Why?" }],
            "cve": "CVE-2024-0001", "product_status": { "known_affected": ["P1"], "fixed": ["P2"] },
            "remediations": [
                { "category": "vendor_fix", "details": "Take version 2.", "product_ids": ["P1"], "url": "https://psirt.example/2" },
                { "category": "workaround", "details": "Close the port.", "product_ids": ["P1"] },
                { "category": "none_available", "details": "No fix.", "product_ids": ["P1"] }
            ]
        }]
    })
}

fn of_type<'o>(objects: &'o [Object], object_type: &str) -> Vec<&'o Object> {
    objects.iter().filter(|object| object.id().object_type() == object_type).collect()
}

fn text(object: &Object, name: &str) -> String {
    object.get(name).unwrap().unwrap_or_default()
}

#[test]
fn an_advisory_is_a_report_by_its_publisher_with_its_marking() {
    let (found, objects) = csaf(&document());
    assert!(found.rejected.is_empty(), "{:?}", found.rejected);
    assert_eq!(found.notes, ["product `P2`: its CPE is no name of version 2.3 and is among the facts only"]);
    let [report] = of_type(&objects, "report")[..] else { panic!() };
    assert_eq!(text(report, "name"), "Flaw in Pump");
    assert_eq!(text(report, "published"), "2023-12-31T23:00:00.000Z");
    assert_eq!(text(report, "modified"), "2024-02-01T00:00:00.000Z");
    assert_eq!(text(report, "description"), "A flaw.\n\nRevision 2, 2024-02-01: Fix.");
    let publisher =
        of_type(&objects, "identity").into_iter().find(|object| text(object, "name") == "Example PSIRT");
    assert_eq!(text(report, "created_by_ref"), publisher.unwrap().id().as_str());
    for object in &objects {
        if ["report", "course-of-action", "relationship", "vulnerability"]
            .contains(&object.id().object_type())
        {
            assert_eq!(object.header().tlp.unwrap().as_str(), "amber", "{}", object.id());
        }
    }
    let refs: Vec<String> = report.get("object_refs").unwrap().unwrap();
    assert!(refs.contains(&SharedKey::vulnerability("CVE-2024-0001").id().to_string()));
    let referred = |kind: &str| refs.iter().filter(|id| id.starts_with(kind)).count();
    assert_eq!((referred("software"), referred("course-of-action"), referred("identity")), (2, 2, 2));
}

#[test]
fn what_is_fixed_is_not_affected_and_what_is_no_action_is_none() {
    let (_, objects) = csaf(&document());
    let mut words: Vec<String> =
        of_type(&objects, "relationship").iter().map(|object| text(object, "relationship_type")).collect();
    words.sort();
    assert_eq!(words, ["affects", "mitigates", "remediates"]);
    let software = of_type(&objects, "software");
    let names: Vec<[String; 3]> =
        software.iter().map(|object| ["name", "version", "cpe"].map(|name| text(object, name))).collect();
    assert_eq!(names[0], ["Pump", "1.0", "cpe:2.3:a:example:pump:1.0:*:*:*:*:*:*:*"]);
    assert_eq!(names[1], ["Pump from 2", "", ""]);
    let facts = String::from_utf8_lossy(of_type(&objects, "vulnerability")[0].json()).into_owned();
    assert!(facts.contains(r#""csaf":{"Example PSIRT EX-1":{"#), "{facts}");
    assert!(facts.contains(r#""notes":[{"category":"faq","text":"Why?"}]"#), "{facts}");
    assert!(facts.ends_with(r#""description":"Leaks."}"#), "{facts}");
    assert!(facts.contains("none_available") && facts.contains("cpe:/a:example:pump"), "{facts}");
}

#[test]
fn a_level_that_is_none_rejects_the_document_and_a_stricter_setting_wins() {
    let mut other = document();
    other["document"]["distribution"]["tlp"]["label"] = json!("PURPLE");
    let (found, objects) = csaf(&other);
    assert_eq!(found.rejected[0].reason, "\"PURPLE\" is no level of TLP");
    assert!(objects.is_empty());

    let settings = Settings::parse("[feeds.csaf]\ntlp = \"red\"\n").unwrap();
    let (_, objects) = converted(&settings.feed("csaf").unwrap(), document().to_string().as_bytes()).unwrap();
    assert_eq!(of_type(&objects, "report")[0].header().tlp.unwrap().as_str(), "red");
}

#[test]
fn a_vulnerability_that_is_wrong_is_rejected_alone() {
    let mut two = document();
    let wrong = json!({ "cve": "2024-1", "product_status": {} });
    let other = json!({ "ids": [{ "system_name": "Ticket", "text": "77" }] });
    let nameless = json!({ "title": "Also bad" });
    two["vulnerabilities"].as_array_mut().unwrap().extend([wrong, other, nameless]);
    let (found, objects) = csaf(&two);
    assert_eq!((found.records, found.rejected.len()), (5, 1));
    assert_eq!(found.rejected[0].record, "/vulnerabilities/1");
    let mut names: Vec<String> =
        of_type(&objects, "vulnerability").iter().map(|object| text(object, "name")).collect();
    names.sort();
    assert_eq!(names, ["77", "Also bad", "CVE-2024-0001"]);
    assert_eq!(of_type(&objects, "report").len(), 1);
}

#[test]
fn a_document_without_what_it_must_have_is_rejected() {
    let mut wrong = document();
    wrong["vulnerabilities"] = json!({});
    assert_eq!(csaf(&wrong).0.rejected[0].reason, "its `vulnerabilities` are no list");
    for (place, reason) in [
        ("/document", "it has no `document`"),
        ("/document/publisher", "it has no `publisher`"),
        ("/document/publisher/name", "its publisher has no name"),
        ("/document/tracking", "it has no `tracking`"),
        ("/document/tracking/id", "it has no identifier"),
        ("/document/tracking/initial_release_date", "the initial release date `` is no time"),
    ] {
        let mut wrong = document();
        *wrong.pointer_mut(place).unwrap() = Value::Null;
        let (found, objects) = csaf(&wrong);
        assert_eq!((found.rejected[0].reason.as_str(), objects.len()), (reason, 0));
    }
}

#[test]
fn names_of_products_that_are_told_again_and_again_have_a_bound() {
    let mut large = document();
    let long = "x".repeat(20_000);
    large["product_tree"]["branches"][0]["branches"][0]["branches"][0]["product"]["name"] = json!(long);
    let (found, objects) = csaf(&large);
    assert!(found.notes.iter().any(|note| note.contains("names of 1 products")), "{:?}", found.notes);
    assert!(of_type(&objects, "vulnerability")[0].json().len() < 10_000);
}

#[test]
fn several_documents_may_come_as_lines() {
    let sample = std::fs::read_to_string(samples().join("csaf.json")).unwrap();
    let sample: Value = serde_json::from_str(&sample).unwrap();
    let (found, objects) =
        converted(&feed("csaf"), format!("{sample}\n{}\n", document()).as_bytes()).unwrap();
    assert!(found.rejected.is_empty(), "{:?}", found.rejected);
    assert_eq!(of_type(&objects, "report").len(), 2);
}
