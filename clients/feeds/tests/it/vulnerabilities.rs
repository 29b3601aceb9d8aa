//! Catalogues of vulnerabilities: several sources, one object.

use crate::{converted, feed};
use std::collections::BTreeMap;
use stix_model::Object;
use taxii_feeds::{Collected, SharedKey, merged};

fn of_type<'o>(objects: &'o [Object], object_type: &str) -> Vec<&'o Object> {
    objects.iter().filter(|object| object.id().object_type() == object_type).collect()
}

fn kev(cve: &str, more: &str) -> String {
    format!(
        r#"{{"vulnerabilities": [{{"cveID": "{cve}", "vendorProject": "Git", "product": "Git",
            "dateAdded": "2025-08-25", "shortDescription": "Git has a flaw.", "requiredAction": "Update.",
            "dueDate": "2025-09-15", "notes": "see https://git.example/a ; (https://git.example/b)." {more}}}]}}"#
    )
}

fn nvd(status: &str, url: &str) -> String {
    format!(
        r#"{{"vulnerabilities": [{{"cve": {{"id": "CVE-2025-48384", "published": "2025-07-08T19:15:42.800",
            "lastModified": "2025-11-06T14:57:36.900", "vulnStatus": "{status}",
            "descriptions": [{{"lang": "es", "value": "no"}}, {{"lang": "en", "value": "Git is a system."}}],
            "metrics": {{"cvssMetricV2": [{{"source": "n", "type": "Primary", "baseSeverity": "HIGH",
                "cvssData": {{"version": "2.0", "vectorString": "AV:N/AC:M/Au:N/C:N/I:P/A:N", "baseScore": 4.3}}}}]}},
            "references": [{{"url": "{url}"}}]}}}}]}}"#
    )
}

#[test]
fn kev_is_found_by_its_short_name() {
    assert_eq!(feed("kev").name, "cisa-kev");
}

#[test]
fn a_kev_entry_says_what_to_do_and_what_is_affected() {
    let (found, objects) = converted(&feed("kev"), kev("CVE-2025-48384", "").as_bytes()).unwrap();
    assert!(found.rejected.is_empty(), "{:?}", found.rejected);
    let vulnerability = SharedKey::vulnerability("CVE-2025-48384").id();
    let mut arrows: Vec<[String; 3]> = of_type(&objects, "relationship")
        .iter()
        .map(|object| {
            ["source_ref", "relationship_type", "target_ref"]
                .map(|name| object.get::<String>(name).unwrap().unwrap())
        })
        .collect();
    arrows.sort_by(|one, other| one[1].cmp(&other[1]));
    let action = of_type(&objects, "course-of-action")[0];
    let software = of_type(&objects, "software")[0];
    let id = |object: &Object| object.id().to_string();
    assert_eq!(arrows[0], [vulnerability.to_string(), "affects".to_owned(), id(software)]);
    assert_eq!(arrows[1], [id(action), "mitigates".to_owned(), vulnerability.to_string()]);
    let references = &of_type(&objects, "vulnerability")[0].document();
    let references = references.root().get("external_references").unwrap();
    assert_eq!(references.count(), 3, "{}", references.raw());
}

#[test]
fn entries_that_are_wrong_are_rejected_alone() {
    let entries = [
        ("2025-48384", "`2025-48384` is no CVE identifier"),
        ("CVE-2025-1", "`CVE-2025-1` is no CVE identifier"),
        ("CVE-2025-48384\", \"dateAdded\": \"soon", "`soon` is no time"),
    ];
    for (cve, reason) in entries {
        // The second of two members with one name counts.
        let text = kev(cve, "").replace(
            r#""dateAdded": "2025-08-25","#,
            if cve.contains("soon") { "" } else { r#""dateAdded": "2025-08-25","# },
        );
        let (found, objects) = converted(&feed("kev"), text.as_bytes()).unwrap();
        assert_eq!((found.records, found.rejected.len()), (1, 1));
        assert!(found.rejected[0].reason.contains(reason), "{:?}", found.rejected);
        assert!(of_type(&objects, "vulnerability").is_empty());
        assert!(of_type(&objects, "course-of-action").is_empty());
    }
}

#[test]
fn what_nvd_rejected_is_revoked() {
    let is_revoked = |status| {
        let (_, objects) = converted(&feed("nvd"), nvd(status, "https://a.example/").as_bytes()).unwrap();
        of_type(&objects, "vulnerability")[0].get::<bool>("revoked").unwrap().unwrap_or_default()
    };
    assert!(is_revoked("Rejected"));
    assert!(!is_revoked("Analyzed"));
}

#[test]
fn a_reference_that_is_no_url_is_told() {
    let (found, objects) = converted(&feed("nvd"), nvd("Analyzed", "see the vendor").as_bytes()).unwrap();
    assert_eq!(found.notes, ["CVE-2025-48384: the reference `see the vendor` is no URL and was left out"]);
    assert_eq!(of_type(&objects, "vulnerability").len(), 1);
}

#[test]
fn sources_that_describe_one_vulnerability_make_one_object() {
    let mut parts: BTreeMap<SharedKey, Vec<_>> = BTreeMap::new();
    let epss = "#model_version:v1,score_date:2025-12-01T00:00:00+0000\ncve,epss,percentile\nCVE-2025-48384,0.5,0.9\n";
    let texts = [
        ("kev", kev("cve-2025-48384", "")),
        ("nvd", nvd("Analyzed", "https://a.example/")),
        ("epss", epss.to_owned()),
    ];
    for (name, text) in texts {
        let mut found = Collected::default();
        let now = crate::NOW.parse().unwrap();
        taxii_feeds::convert(&feed(name), &now, &mut text.as_bytes(), &mut found).unwrap();
        assert!(found.rejected.is_empty(), "{:?}", found.rejected);
        found.parts.into_iter().for_each(|(key, more)| parts.entry(key).or_default().extend(more));
    }
    let objects = merged(&parts).unwrap();
    let [one] = of_type(&objects, "vulnerability")[..] else { panic!("{}", objects.len()) };
    let document = one.document();
    let text = |pointer: &[&str]| {
        let mut value = document.root();
        pointer.iter().for_each(|name| value = value.get(name).unwrap());
        value.raw().to_owned()
    };
    assert_eq!(text(&["created"]), r#""2025-07-08T19:15:42.800Z""#);
    assert_eq!(text(&["modified"]), r#""2025-12-01T00:00:00.000Z""#);
    let sources = "extension-definition--dc122bad-4983-5788-81c2-3e2676dfab69";
    assert_eq!(text(&["extensions", sources, "sources", "cisa-kev", "dueDate"]), r#""2025-09-15""#);
    assert_eq!(text(&["extensions", sources, "sources", "epss", "epss"]), "0.5");
    let cvss = text(&["extensions", sources, "sources", "nvd", "cvss"]);
    assert!(cvss.contains(r#""vectorString":"AV:N/AC:M/Au:N/C:N/I:P/A:N""#), "{cvss}");
    assert!(cvss.contains(r#""baseSeverity":"HIGH""#), "{cvss}");
}

#[test]
fn scores_that_are_none_are_rejected() {
    let rows = "cve,epss,percentile\nCVE-2024-0001,1.5,0.5\nCVE-2024-0001,0.5\nCVE-2024-0002,NaN,0\n\nCVE-2024-0003,1,0\n";
    let (found, objects) = converted(&feed("epss"), rows.as_bytes()).unwrap();
    let reasons: Vec<&str> = found.rejected.iter().map(|rejected| rejected.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "the score `1.5` is no number from 0 to 1",
            "it has 2 columns only",
            "the score `NaN` is no number from 0 to 1"
        ]
    );
    assert_eq!((found.records, of_type(&objects, "vulnerability").len()), (4, 1));
    assert!(converted(&feed("epss"), b"a,b\n1,2\n").is_err());
}

#[test]
fn work_is_in_proportion_to_the_bytes() {
    let links: Vec<String> =
        (0..50_000).map(|number| format!(r#"{{"url": "https://a.example/{number}"}}"#)).collect();
    let cwes: Vec<String> =
        (0..50_000).map(|number| format!(r#"{{"lang": "en", "value": "CWE-{number}"}}"#)).collect();
    let text = format!(
        r#"{{"vulnerabilities": [{{"cve": {{"id": "CVE-2024-0001", "published": "2024-01-01", "lastModified": "2024-01-01",
            "references": [{}], "weaknesses": [{{"description": [{}]}}]}}}}]}}"#,
        links.join(","),
        cwes.join(",")
    );
    let (found, objects) = converted(&feed("nvd"), text.as_bytes()).unwrap();
    assert_eq!((found.rejected.len(), of_type(&objects, "vulnerability").len()), (0, 1));
}
