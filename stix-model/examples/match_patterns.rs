//! Matches many patterns against observed data; each hit comes back by the key of the caller.
//!
//! `cargo run -p concord-stix-model --example match_patterns`

use std::error::Error;
use stix_model::json::{Document, Limits};
use stix_model::pattern::{Hit, Observations, Pattern, PatternSet};

const RULES: [(&str, &str); 3] = [
    ("rule 2024-17", "[ipv4-addr:value ISSUBSET '198.51.100.0/24']"),
    ("rule 2024-18", "[domain-name:value LIKE '%.example']"),
    ("rule 2024-19", "[file:hashes.MD5 = '79054025255fb1a26e4bc422aef54eb4']"),
];
const OBSERVED: &[u8] = include_bytes!("observed.json");

/// The rules that hit.
pub(crate) fn run() -> Result<Vec<&'static str>, Box<dyn Error>> {
    let mut builder = PatternSet::builder();
    for (rule, pattern) in RULES {
        builder.add(rule, &Pattern::parse(pattern)?)?;
    }
    let mut matcher = builder.build().matcher();

    let document = Document::read(OBSERVED, Limits::default())?;
    let mut found = Vec::new();
    for observation in Observations::from_bundles([document.root()]).iter() {
        let hits = matcher.matches(observation)?.filter(Hit::is_whole);
        found.extend(hits.map(|hit| *hit.key));
    }
    Ok(found)
}

#[allow(dead_code, clippy::print_stdout, reason = "the program prints; a test calls `run` instead")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", run()?.join("\n"));
    Ok(())
}
