//! `cargo run --release -- [BUNDLE]`: this library and its peers on the same data, in turns, in one process.
//!
//! BUNDLE is a STIX bundle, also as `.gz`; without it, ATT&CK for ICS. `run.sh` adds the Python peers.

mod data;
#[path = "../../benches/pattern_set/data.rs"]
mod indicators;
mod measure;
mod ours;
mod python;
mod table;
mod theirs;

use anyhow::{Context, Result, ensure};
use data::Layout;
use std::path::PathBuf;
use table::{Amount, Row};

const ICS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../taxii-server/demo/ics-attack-18.1.json.gz");

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).map_or_else(|| PathBuf::from(ICS), PathBuf::from);
    let given = data::load(&path)?;
    let objects = data::objects(&given).with_context(|| path.display().to_string())?;
    ensure!(!objects.is_empty(), "a bundle without objects");
    println!("{}: {} objects\n", path.display(), objects.len());
    table::title();

    read(&given, &objects);
    typed_and_validated(&given, &objects);
    patterns();
    match_sets();
    python::rows(&objects)
}

fn read(given: &bytes::Bytes, objects: &[String]) {
    for (what, layout) in [("indented", Layout::Indented), ("compact", Layout::Compact)] {
        let text = data::lay_out(given, layout);
        let what = &format!("strict reader and header, {what}");
        let row = Row { what, peer: "serde_json Value", amount: Amount::Bytes(text.len()), goal: 1.0 };
        row.run(theirs::value(&text), ours::read(&text));
    }
    let texts: Vec<&str> = objects.iter().map(String::as_str).collect();
    let amount = Amount::Bytes(texts.iter().map(|text| text.len()).sum());
    let row = Row { what: "the same, object by object", peer: "serde_json Value", amount, goal: 1.0 };
    row.run(theirs::value_each(&texts), ours::read_each(&texts));
}

fn typed_and_validated(given: &bytes::Bytes, objects: &[String]) {
    let amount = Amount::Bytes(given.len());
    let row = Row { what: "typed lossless parse", peer: "rstix Bundle", amount, goal: 9.0 };
    row.run(theirs::typed(given, objects.len()), ours::typed(given));

    let amount = Amount::Things(objects.len(), "objects");
    let row = Row { what: "full validation of the bundle", peer: "rstix strict", amount, goal: 9.0 };
    row.run(theirs::validate(given), ours::validate(given));
    let row = Row { what: "full validation, object by object", peer: "rstix strict", amount, goal: 9.0 };
    row.run(theirs::validate_each(objects), ours::validate_each(objects));
}

fn patterns() {
    let patterns = data::patterns(20_000);
    let amount = Amount::Things(patterns.len(), "patterns");
    let row = Row { what: "pattern parse", peer: "rstix Pattern", amount, goal: 1.0 };
    row.run(theirs::parse_patterns(&patterns), ours::parse_patterns(&patterns));

    let (patterns, observables) = (data::patterns(200), data::observables(2000));
    let amount = Amount::Things(patterns.len() * observables.len(), "pairs");
    let row = Row { what: "one pattern against one object", peer: "rstix matches_single", amount, goal: 1.0 };
    let (theirs, matches) = theirs::match_each(&patterns, &observables);
    let documents = ours::documents(&observables);
    row.run(theirs, ours::match_each(&patterns, &documents, matches));
}

/// Not against a peer but against itself: a set that finds its patterns by index is as fast with many.
fn match_sets() {
    const OBSERVATIONS: usize = 200_000;
    let row = Row {
        what: "compiled set of 1M patterns",
        peer: "the same with 1k patterns",
        amount: Amount::Things(OBSERVATIONS, "observations"),
        goal: 0.5,
    };
    let [small, large] =
        [1000, 1_000_000].map(|count| (data::indicators(count), data::observations(OBSERVATIONS, count)));
    row.run(ours::match_set(&small.0, &small.1), ours::match_set(&large.0, &large.1));
}
