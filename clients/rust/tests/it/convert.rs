//! `taxii convert`: STIX 2.0 as STIX 2.1.

use crate::program::{run, said};
use crate::stub::text;
use serde_json::Value;

const BUNDLE: &str = r#"{"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "spec_version": "2.0",
"objects": [
{"type": "malware", "id": "malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "created": "2017-01-01T00:00:00Z",
 "modified": "2017-01-01T00:00:00Z", "name": "m", "labels": ["ransomware"]},
{"type": "observed-data", "id": "observed-data--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "created": "2017-01-01T00:00:00.000Z",
 "modified": "2017-01-01T00:00:00.000Z", "first_observed": "2017-01-01T00:00:00Z", "last_observed": "2017-01-01T00:00:00Z",
 "number_observed": 1, "objects": {"0": {"type": "url", "value": "u:x"}}},
{"type": "observed-data", "id": "observed-data--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd40", "created": "2017-01-01T00:00:00.000Z",
 "modified": "2017-01-01T00:00:00.000Z", "first_observed": "2017-01-01T00:00:00Z", "last_observed": "2017-01-01T00:00:00Z",
 "number_observed": 1, "objects": {"0": {"type": "url", "value": "u:x"}}}
]}"#;

#[test]
fn what_comes_out_is_valid() {
    let (code, lines, remarks) = said(&["convert"], BUNDLE);
    assert_eq!(code, 0, "{remarks}");
    let types: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    // What two observed-data objects hold in the same words is there once.
    assert_eq!(types, ["malware", "observed-data", "url", "observed-data"]);
    assert!(
        remarks.contains(
            "standard input:3:1: malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f: /is_family: assumed"
        ),
        "{remarks}"
    );
    assert!(remarks.ends_with("4 objects\n"), "{remarks}");
    let (code, found, _) = said(&["validate", "--no-warnings"], &lines);
    assert_eq!((code, found.as_str()), (0, ""));

    let bundle = text(&run(&["convert", "--bundle", "--malware", "instance"], BUNDLE).stdout);
    let value: Value = serde_json::from_str(&bundle).unwrap();
    assert_eq!(value["objects"].as_array().unwrap().len(), 4);
    assert_eq!(value["objects"][0]["is_family"], false);
    assert_eq!(value.get("spec_version"), None);
    // What is STIX 2.1 stays as it is.
    assert_eq!(said(&["convert", "--lines"], &lines).1, lines);
    let kept = said(&["convert", "--keep-observed-data"], BUNDLE).1;
    assert!(kept.lines().count() == 3 && kept.contains(r#""objects": {"#), "{kept}");
}

#[test]
fn what_is_no_object_is_left_out() {
    let good = r#"{"type":"url","id":"url--dc3c39a7-17a5-5899-8d1e-aa57279297f6","value":"u:x"}"#;
    let (code, lines, complaint) = said(&["convert"], format!("{good}\n{{\"type\":\"tool\"}}\n7\n{good}\n"));
    assert_eq!((code, lines), (1, format!("{good}\n{good}\n")));
    assert!(complaint.contains("standard input:2:1: left out: "), "{complaint}");
    assert!(complaint.ends_with("2 objects, 2 left out\n"), "{complaint}");
    let (code, bundle, _) = said(&["convert", "--bundle", "--quiet"], "");
    assert_eq!(code, 0);
    assert_eq!(serde_json::from_str::<Value>(&bundle).unwrap().as_object().unwrap().len(), 2);
    let (code, _, complaint) = said(&["convert"], "a,b\n1,2\n");
    assert!(code == 1 && complaint.contains("CSV"), "{complaint}");
}
