//! Shows that the cost of an observation does not grow with the number of patterns:
//! `cargo bench -p concord-stix-model --bench pattern_set`.
//!
//! A small and a large set of patterns of the same mix, the same number of observations for each, of which some are
//! made to hit. All come from a fixed seed. `PATTERNS`, `OBSERVATIONS` and `HITS` (of a thousand) in the environment
//! make it smaller or harder.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_types,
    reason = "a bench measures and prints"
)]

#[path = "pattern_set/data.rs"]
mod data;

use cap::Cap;
use data::{Indicator, Random, observation};
use std::alloc::System;
use stix_model::json::{Document, Limits};
use stix_model::pattern::{
    CompiledPattern, MatchLimits, Observation, Observations, Pattern, PatternSet, PatternSetStats,
};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const SMALL: u64 = 1_000;
/// Observations that are made at a time, outside of the time that is measured.
const CHUNK: u64 = 10_000;

struct Result {
    patterns: u64,
    stats: PatternSetStats,
    parsing: f64,
    building: f64,
    /// Bytes of the patterns as they were written.
    text: usize,
    /// Bytes that the allocator has given away for the set.
    set: usize,
    /// The same for a matcher after all observations.
    matcher: usize,
    observations: u64,
    json: usize,
    reading: f64,
    matching: f64,
    hits: usize,
    hit_observations: u64,
}

fn main() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (large, observations) = (number("PATTERNS", 1_000_000), number("OBSERVATIONS", 1_000_000));
    let hits = number("HITS", 30);
    let results = [SMALL, large].map(|patterns| run(patterns, observations, hits));
    let [small, large] = &results;
    println!(
        "{:44} {:>13} {:>13} {:>7}",
        "",
        format!("{} patterns", small.patterns),
        large.patterns,
        "ratio"
    );
    let row = |name: &str, value: &dyn Fn(&Result) -> f64| {
        let (small, large) = (value(small), value(large));
        let ratio = if small > 0.0 { format!("{:.2}", large / small) } else { "–".to_owned() };
        println!("{name:44} {small:>13.1} {large:>13.1} {ratio:>7}");
    };
    let count = |number: usize| number as f64;
    row("observations/s, matching", &|r| r.observations as f64 / r.matching);
    row("observations/s, reading JSON and matching", &|r| r.observations as f64 / (r.reading + r.matching));
    row("microseconds an observation, matching", &|r| r.matching * 1e6 / r.observations as f64);
    row("microseconds an observation, reading JSON", &|r| r.reading * 1e6 / r.observations as f64);
    row("bytes of JSON an observation", &|r| count(r.json) / r.observations as f64);
    row("observations that hit, of 1000", &|r| r.hit_observations as f64 * 1e3 / r.observations as f64);
    row("hits", &|r| count(r.hits));
    row("bytes of text a pattern", &|r| count(r.text) / r.patterns as f64);
    row("bytes of memory a pattern, text included", &|r| count(r.set) / r.patterns as f64);
    row("bytes of memory a pattern beyond its text", &|r| (count(r.set) - count(r.text)) / r.patterns as f64);
    row("bytes as the set counts them, a pattern", &|r| count(r.stats.bytes) / r.patterns as f64);
    row("kilobytes of a matcher", &|r| count(r.matcher) / 1e3);
    row("seconds to parse the patterns", &|r| r.parsing);
    row("seconds to add them and build the set", &|r| r.building);
    row("observation expressions", &|r| count(r.stats.expressions));
    row("anchors", &|r| count(r.stats.anchors));
    row("expressions without anchor", &|r| count(r.stats.scanned));
    let one_by_one = one_by_one(SMALL, 5_000, hits);
    println!("\n{SMALL} patterns one by one: {one_by_one:.0} observations/s, matching");
}

fn run(patterns: u64, observations: u64, hits: u64) -> Result {
    let before = ALLOCATOR.allocated();
    let mut builder = PatternSet::builder();
    let (mut parsing, mut building, mut text) = (0.0, 0.0, 0);
    for first in (0..patterns).step_by(1000) {
        let texts: Vec<_> =
            (first..patterns.min(first + 1000)).map(|i| Indicator::new(i).pattern()).collect();
        let start = Clock::start();
        let parsed: Vec<_> = texts.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        parsing += start.seconds();
        let start = Clock::start();
        for (key, pattern) in (u32::try_from(first).unwrap()..).zip(&parsed) {
            builder.add(key, pattern).unwrap();
        }
        building += start.seconds();
        text += texts.iter().map(String::len).sum::<usize>();
    }
    let start = Clock::start();
    let set = builder.build();
    building += start.seconds();
    let built = ALLOCATOR.allocated();
    let mut matcher = set.matcher();
    let mut result = Result {
        patterns,
        stats: set.stats(),
        parsing,
        building,
        text,
        set: built - before,
        matcher: 0,
        observations,
        json: 0,
        reading: 0.0,
        matching: 0.0,
        hits: 0,
        hit_observations: 0,
    };
    let mut random = Random::new(observations);
    for _ in 0..observations / CHUNK {
        let mut planted = Vec::new();
        let texts: Vec<_> = (0..CHUNK)
            .map(|_| {
                let indicator = (random.below(1000) < hits).then(|| random.below(patterns));
                planted.push(indicator);
                match indicator {
                    Some(number) => Indicator::new(number).observation(&mut random),
                    None => observation(&mut random),
                }
            })
            .collect();
        result.json += texts.iter().map(String::len).sum::<usize>();
        let start = Clock::start();
        let documents: Vec<_> = texts.iter().map(|text| read(text)).collect();
        result.reading += start.seconds();
        let mut found: Vec<Vec<u32>> = Vec::with_capacity(documents.len());
        let start = Clock::start();
        for document in &documents {
            let root = document.root();
            if root.get("objects").is_none() {
                found.push(
                    matcher
                        .matches(&Observation::of_object(root).unwrap())
                        .unwrap()
                        .map(|hit| *hit.key)
                        .collect(),
                );
                continue;
            }
            let observations = Observations::from_bundles([root]);
            found.push(
                matcher.matches(observations.iter().next().unwrap()).unwrap().map(|hit| *hit.key).collect(),
            );
        }
        result.matching += start.seconds();
        for ((hits, planted), text) in found.iter().zip(planted).zip(&texts) {
            if let Some(key) = planted {
                let is_found = hits.iter().any(|hit| u64::from(*hit) == key);
                assert!(is_found, "{} misses {text}", Indicator::new(key).pattern());
            }
            result.hits += hits.len();
            result.hit_observations += u64::from(!hits.is_empty());
        }
    }
    result.matcher = ALLOCATOR.allocated() - built;
    result
}

fn read(text: &str) -> Document<'_> {
    Document::read(text.as_bytes(), Limits::default()).unwrap()
}

/// Observations in a second when each pattern is matched alone.
fn one_by_one(patterns: u64, observations: u64, hits: u64) -> f64 {
    let compile =
        |i| Pattern::parse(&Indicator::new(i).pattern()).unwrap().compile(MatchLimits::default()).unwrap();
    let patterns: Vec<CompiledPattern> = (0..patterns).map(compile).collect();
    let mut random = Random::new(observations);
    let texts = (0..observations).map(|_| match random.below(1000) < hits {
        true => Indicator::new(random.below(patterns.len() as u64)).observation(&mut random),
        false => observation(&mut random),
    });
    let texts: Vec<_> = texts.collect();
    let documents: Vec<_> = texts.iter().map(|text| read(text)).collect();
    let start = Clock::start();
    let mut matches = 0;
    for document in &documents {
        let mut observations = Observations::from_bundles([document.root()]);
        if observations.is_empty() {
            observations.add_object(document.root());
        }
        matches +=
            patterns.iter().filter(|pattern| pattern.matches(&observations).unwrap().is_some()).count();
    }
    assert!(matches > 0);
    documents.len() as f64 / start.seconds()
}

/// Time on the processor where the system tells it, so that other programs do not count.
enum Clock {
    Processor(f64),
    Wall(std::time::Instant),
}

impl Clock {
    fn start() -> Self {
        processor_seconds().map_or_else(|| Self::Wall(std::time::Instant::now()), Self::Processor)
    }

    fn seconds(&self) -> f64 {
        match self {
            Self::Processor(start) => processor_seconds().unwrap() - start,
            Self::Wall(start) => start.elapsed().as_secs_f64(),
        }
    }
}

fn processor_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}
