//! Objects that are made and validated in a second on one core: `cargo bench -p taxii-feeds --bench convert [FEED FILE]…`.
//!
//! Without arguments it takes the samples of the tests, each many times over, so that it needs nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops at the first surprise"
)]
#![expect(clippy::disallowed_types, reason = "a bench takes the time")]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::time::Instant;
use stix_model::{Object, Timestamp};
use taxii_feeds::{Output, Part, Rejected, SharedKey, convert_file, merge, settings::Settings};

/// Counts what is made.
#[derive(Default)]
struct Count {
    records: u64,
    objects: u64,
    bytes: u64,
    rejected: u64,
    parts: BTreeMap<SharedKey, Part>,
}

impl Output for Count {
    fn record(&mut self) {
        self.records += 1;
    }

    fn object(&mut self, object: Object) {
        self.objects += 1;
        self.bytes += object.json().len() as u64;
    }

    fn part(&mut self, key: SharedKey, part: Part) {
        match self.parts.get_mut(&key) {
            Some(known) => known.join(part),
            None => drop(self.parts.insert(key, part)),
        }
    }

    fn reject(&mut self, _: Rejected) {
        self.rejected += 1;
    }

    fn note(&mut self, _: String) {}
}

fn measure(name: &str, bytes: &[u8]) {
    let feed = Settings::default().find(name).unwrap();
    let now: Timestamp = "2026-11-30T12:00:00.000Z".parse().unwrap();
    let mut best = f64::INFINITY;
    let mut made = Count::default();
    for _ in 0..7 {
        let since = Instant::now();
        made = Count::default();
        convert_file(&feed, &now, Cursor::new(bytes), &mut made).unwrap();
        for (key, part) in std::mem::take(&mut made.parts) {
            made.object(merge(&key, &[part]).unwrap());
        }
        best = best.min(since.elapsed().as_secs_f64());
    }
    let Count { records, objects, bytes, rejected, .. } = made;
    let rate = objects as f64 / best;
    println!(
        "{name:16} {records:>8} records  {rejected:>5} rejected  {objects:>8} objects  {rate:>10.0} objects/s  {:>6.1} MB/s",
        bytes as f64 / best / 1e6
    );
}

/// The rows of a table, many times over.
fn repeated(sample: &str, times: usize) -> Vec<u8> {
    let is_head = |line: &&str| line.starts_with('#') || line.starts_with("\"first_seen");
    let (head, rows): (Vec<&str>, Vec<&str>) = sample.lines().partition(is_head);
    let mut text = head.join("\n");
    for _ in 0..times {
        text.push('\n');
        text.push_str(&rows.join("\n"));
    }
    text.into_bytes()
}

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    for pair in arguments.chunks(2) {
        let [feed, file] = pair else { panic!("a feed and a file belong together") };
        measure(feed, &std::fs::read(file).unwrap());
    }
    if !arguments.is_empty() {
        return;
    }
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let sample = |name: &str| std::fs::read_to_string(samples.join(name)).unwrap();
    measure("threatfox", &repeated(&sample("threatfox.csv"), 200));
    measure("feodo-tracker", &repeated(&sample("feodo-tracker.csv"), 200));
    measure("tor-exits", &repeated(&sample("tor-exits.txt"), 1_000));
    measure("cisa-kev", sample("cisa-kev.json").as_bytes());
    measure("nvd", sample("nvd.json").as_bytes());
}
