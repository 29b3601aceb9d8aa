//! Vulnerabilities of packages, as OSV tells them.

use crate::{converted, feed};
use stix_model::Object;
use taxii_feeds::{Collected, SharedKey};

fn osv(text: &str) -> (Collected, Vec<Object>) {
    converted(&feed("osv"), text.as_bytes()).unwrap()
}

fn document(id: &str, aliases: &str, package: &str) -> String {
    format!(
        r#"{{"id": "{id}", "published": "2024-01-02T03:04:05Z", "modified": "0001-01-01T00:00:00Z", "aliases": [{aliases}],
            "details": "Long.", "summary": "Short.", "affected": [{{"package": {package}, "versions": ["1.0.0"],
            "ranges": [{{"type": "SEMVER", "events": [{{"introduced": "0"}}]}}]}}]}}"#
    )
}

fn names(objects: &[Object], object_type: &str) -> Vec<String> {
    let of_type = objects.iter().filter(|object| object.id().object_type() == object_type);
    of_type.map(|object| object.get("name").unwrap().unwrap()).collect()
}

const NPM: &str = r#"{"ecosystem": "npm", "name": "@a/b"}"#;

#[test]
fn a_vulnerability_goes_by_its_cve_identifier_else_by_its_own() {
    let (_, objects) = osv(&document("GO-2024-0001", r#""GHSA-aaaa-bbbb-cccc", "CVE-2024-0001""#, NPM));
    assert_eq!(names(&objects, "vulnerability"), ["CVE-2024-0001"]);
    let vulnerability = objects.last().unwrap();
    assert_eq!(vulnerability.id(), &SharedKey::vulnerability("CVE-2024-0001").id());
    let text = String::from_utf8_lossy(vulnerability.json()).into_owned();
    assert!(text.contains(r#"{"source_name":"ghsa","external_id":"GHSA-aaaa-bbbb-cccc"}"#), "{text}");
    assert!(text.contains(r#""osv":{"GO-2024-0001":{"#) && !text.contains("versions"), "{text}");
    assert_eq!(vulnerability.header().modified.as_ref().unwrap().as_str(), "2024-01-02T03:04:05.000Z");

    let (_, objects) = osv(&document("GO-2024-0001", "", NPM));
    assert_eq!(names(&objects, "vulnerability"), ["GO-2024-0001"]);
}

#[test]
fn two_documents_about_one_vulnerability_keep_the_facts_of_both() {
    let [one, other] = ["GO-2024-0001", "GO-2024-0002"].map(|id| document(id, r#""CVE-2024-0001""#, NPM));
    for text in
        [format!("[{one},{other}]"), format!("{}\n{}\n", one.replace('\n', " "), other.replace('\n', " "))]
    {
        let (found, objects) = osv(&text);
        assert_eq!((found.records, found.rejected.len()), (2, 0));
        assert_eq!(names(&objects, "vulnerability").len(), 1);
        let text = String::from_utf8_lossy(objects.last().unwrap().json()).into_owned();
        assert!(text.contains(r#""GO-2024-0001":{"#) && text.contains(r#""GO-2024-0002":{"#), "{text}");
    }
}

#[test]
fn packages_are_named_by_their_package_url() {
    for (package, name) in [
        (NPM, "pkg:npm/%40a/b"),
        (r#"{"ecosystem": "Maven", "name": "org.a:b"}"#, "pkg:maven/org.a/b"),
        (r#"{"ecosystem": "Debian:11", "name": "b"}"#, "Debian:11: b"),
        (r#"{"ecosystem": "npm", "name": "b", "purl": "pkg:npm/b"}"#, "pkg:npm/b"),
    ] {
        assert_eq!(names(&osv(&document("GO-2024-0001", "", package)).1, "software"), [name]);
    }
}

#[test]
fn what_has_an_unknown_form_is_among_the_facts() {
    let text = document("GO-2024-0001", "", NPM).replacen(
        '{',
        r#"{"references": ["https://a.example/"], "new": 1,"#,
        1,
    );
    let (_, objects) = osv(&text);
    let text = String::from_utf8_lossy(objects.last().unwrap().json()).into_owned();
    assert!(text.contains(r#""new":1,"references":["https://a.example/"]"#), "{text}");
}

#[test]
fn what_was_withdrawn_is_revoked() {
    let text = document("GO-2024-0001", "", NPM).replacen('{', r#"{"withdrawn": "2024-05-06T00:00:00Z","#, 1);
    let (_, objects) = osv(&text);
    let vulnerability = objects.last().unwrap();
    assert_eq!(vulnerability.get::<bool>("revoked").unwrap(), Some(true));
    assert_eq!(vulnerability.header().modified.as_ref().unwrap().as_str(), "2024-05-06T00:00:00.000Z");
}

#[test]
fn a_document_that_is_wrong_is_rejected_alone() {
    let right = document("GO-2024-0001", "", NPM);
    let many: Vec<String> = (1000..1100).map(|number| format!(r#""CVE-2024-{number}""#)).collect();
    let wrong = [
        (right.replace("2024-01-02T03:04:05Z", "soon"), "`published` is no time"),
        (right.replace(r#""2024-01-02T03:04:05Z""#, "7"), "`published` is no time"),
        (right.replace(r#""id""#, r#""other""#), "it has no `id`"),
        (document("GO-2024-0001", "", "{}"), "a package has no name"),
        (document("GO-2024-0001", &many.join(","), NPM), "it is about 100 vulnerabilities; 64 is the most"),
        ("7".to_owned(), "invalid type"),
    ];
    let mut all: Vec<&str> = wrong.iter().map(|(text, _)| text.as_str()).collect();
    all.push(&right);
    let (found, objects) = osv(&format!(r#"{{"vulns": [{}]}}"#, all.join(",")));
    assert_eq!(names(&objects, "vulnerability").len(), 1);
    assert_eq!(found.rejected.len(), wrong.len());
    for (rejected, (_, reason)) in found.rejected.iter().zip(&wrong) {
        assert!(rejected.reason.contains(reason), "{rejected:?}");
        assert!(rejected.record.starts_with("/vulns/"));
    }
    assert!(converted(&feed("osv"), b"7").is_err());
}
