//! Which observations satisfy a pattern.

use crate::vectors::rows;
use stix_model::json::{Document, Limits};
use stix_model::pattern::{MatchLimits, Observations, Pattern};

#[test]
fn vectors() {
    for (case, row, raw) in rows("pattern_matching.jsonl") {
        let text = row["pattern"].as_str().unwrap();
        let Some(expected) = row["expect"].as_str() else { continue };
        let document = Document::read(raw.get().as_bytes(), Limits::default()).unwrap();
        let observations = Observations::from_bundles(document.root().get("bundles").unwrap().elements());
        // What cannot be read or compiled matches nothing.
        let pattern =
            Pattern::parse(text).ok().and_then(|pattern| pattern.compile(MatchLimits::default()).ok());
        let found = pattern.and_then(|pattern| pattern.matches(&observations).unwrap());
        assert_eq!(found.is_some(), expected == "match", "{case}: {text}");
    }
}
