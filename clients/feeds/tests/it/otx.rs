//! Pulses of OTX.

use crate::{converted, feed, samples};
use std::fs;

#[test]
fn a_report_refers_to_all_that_a_pulse_names() {
    let bytes = fs::read(samples().join("otx.json")).unwrap();
    let (_, objects) = converted(&feed("otx"), &bytes).unwrap();
    let report = objects.iter().find(|object| object.id().object_type() == "report").unwrap();
    let refs: Vec<String> = report.get("object_refs").unwrap().unwrap();
    for id in &refs {
        assert!(objects.iter().any(|object| object.id().as_str() == id), "{id}");
    }
    for kind in
        ["intrusion-set", "malware", "attack-pattern", "vulnerability", "location", "indicator", "note"]
    {
        assert!(refs.iter().any(|id| id.starts_with(kind)), "{kind}");
    }
}
