//! Files that were cut or changed on their way: they give rejections, and no panic.
//!
//! `SEED` repeats a run, `INPUTS` gives each sample more changes.

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "elsewhere it is the root of a package")]
mod laws;

use crate::{converted, feed, samples};
use std::fs;

/// Changes of each sample.
const INPUTS: u64 = 100;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// The samples, each with the name of its feed.
fn files() -> impl Iterator<Item = (String, Vec<u8>)> {
    let files = fs::read_dir(samples()).unwrap().map(|file| file.unwrap().path());
    files.filter_map(|file| {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let source = name.split_once("--").map_or(name, |(source, _)| source).to_owned();
        (name != "SOURCES").then(|| (source, fs::read(&file).unwrap()))
    })
}

#[test]
fn a_file_that_was_cut_gives_no_more_records() {
    let mut random = fastrand::Rng::with_seed(7);
    for (name, whole) in files() {
        let feed = feed(&name);
        let most = converted(&feed, &whole).unwrap().0.records;
        for _ in 0..50 {
            // A document that is cut is refused as a whole; of a list the rest counts, and a line that is cut is rejected.
            if let Ok((found, _)) = converted(&feed, &whole[..random.usize(..whole.len())]) {
                assert!(found.records <= most + 1, "{name}");
            }
        }
    }
}

#[test]
fn a_file_that_was_changed_breaks_no_law() {
    let (first, inputs) = (number("SEED").unwrap_or(1), number("INPUTS").unwrap_or(INPUTS));
    for (name, whole) in files() {
        for seed in first..first + inputs {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut input = [name.as_bytes(), b"\n", &whole].concat();
            for _ in 0..random.usize(1..4) {
                change(&mut input, name.len() + 1, &mut random);
            }
            if std::panic::catch_unwind(|| laws::convert(&input)).is_err() {
                eprintln!("SEED={seed} INPUTS=1 repeats this failure of `{name}`");
                panic!("{name}");
            }
        }
    }
}

/// Changes a byte, takes a piece away, or copies one to another place.
fn change(input: &mut Vec<u8>, from: usize, random: &mut fastrand::Rng) {
    if from == input.len() {
        return;
    }
    let (at, start) = (random.usize(from..input.len()), random.usize(from..input.len()));
    let end = (start + random.usize(..40)).min(input.len());
    match random.u8(..3) {
        0 => input[at] = random.u8(..),
        1 => drop(input.drain(start..end)),
        _ => {
            let piece = input[start..end].to_vec();
            drop(input.splice(at..at, piece));
        }
    }
}
