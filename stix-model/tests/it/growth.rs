//! Work and memory grow with the bytes of a text, whatever is in it: every list, map and text of every type is grown,
//! and four times the bytes may cost about four times as much.
//!
//! Bytes that are allocated are counted exactly. Time is that of the processor for this thread, and compared as a ratio
//! of the least of several runs: what is square takes sixteen times as long, not nine.
//! The measurement runs in a process of its own, in which no other test allocates.

mod cases;
mod generator;
mod rows;
mod sets;
mod streams;

use cap::Cap;
use generator::Growth;
use rustix::time::{ClockId, clock_gettime};
use std::alloc::System;
use std::hint::black_box;
use std::process::Command;
use stix_model::equivalence::{Candidate, compare};
use stix_model::graph::{Graph, GraphOptions};
use stix_model::json::Document;
use stix_model::marking::Markings;
use stix_model::reader::LIMITS;
use stix_model::validate::{Profile, Validator, Versions};
use stix_model::version::content_digest;
use stix_model::{Object, bundle, convert, sco_id};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Bytes of the smaller text; the larger has four times as many.
const BYTES: usize = 24 << 10;

/// Set for the process that measures; its value is the size of the smaller text, or empty.
const MEASURES: &str = "STIX_MODEL_MEASURES";

#[test]
fn reading_a_stream_is_linear_in_its_bytes() {
    let Some(bytes) = size_here("reading_a_stream_is_linear_in_its_bytes", BYTES) else { return };
    let growths = streams::all().into_iter().chain(streams::versions());
    let faults: Vec<_> = growths.filter_map(|growth| fault(&growth, bytes, &streams::work)).collect();
    assert_linear(&faults);
}

#[test]
fn matching_the_rows_of_a_status_is_linear_in_them() {
    let Some(bytes) = size_here("matching_the_rows_of_a_status_is_linear_in_them", 4 * BYTES) else { return };
    let faults: Vec<_> = rows::all().iter().filter_map(|growth| fault(growth, bytes, &rows::work)).collect();
    assert_linear(&faults);
}

#[test]
fn many_patterns_observations_objects_and_changes_take_linear_work() {
    let Some(bytes) = size_here("many_patterns_observations_objects_and_changes_take_linear_work", 4 * BYTES)
    else {
        return;
    };
    let faults = |growths: Vec<Growth>, work: fn(&[u8])| {
        growths.into_iter().filter_map(move |growth| fault(&growth, bytes, &work))
    };
    let patterns = faults(sets::patterns(), sets::match_patterns);
    let observations = faults(sets::observations(), sets::match_observations);
    let objects = faults(sets::objects(), sets::find_equal);
    let edits = faults(sets::edits(), sets::change);
    let faults: Vec<_> = patterns.chain(observations).chain(objects).chain(edits).collect();
    assert_linear(&faults);
}

#[test]
fn lines_without_end_take_bounded_memory() {
    if size_here("lines_without_end_take_bounded_memory", BYTES).is_none() {
        return;
    }
    for lines in [streams::versions().swap_remove(0), streams::versions().swap_remove(1)] {
        let mut versions = Versions::remembering(1_000);
        let texts: Vec<_> = lines.text(4 << 20).lines().map(str::to_owned).collect();
        let base = ALLOCATOR.allocated();
        let (mut most_early, mut most) = (0, 0);
        for (index, text) in texts.iter().enumerate() {
            let document = Document::read(text.as_bytes(), LIMITS).unwrap();
            assert_eq!(versions.add(document.root()), None);
            drop(document);
            most = most.max(ALLOCATOR.allocated() - base);
            if index == 5_000 {
                most_early = most;
            }
        }
        assert!(texts.len() > 20_000, "only {} lines", texts.len());
        assert!(most <= most_early + most_early / 10, "{}: {most_early}, then {most}", lines.name);
        assert!(most < 2_000 * 600, "{}: {most} bytes for 2,000 versions", lines.name);
    }
}

#[test]
fn work_and_memory_are_linear_in_the_text() {
    let Some(bytes) = size_here("work_and_memory_are_linear_in_the_text", BYTES) else { return };
    let chosen = std::env::var("STIX_MODEL_GROWTH").unwrap_or_default();
    let growths: Vec<_> =
        generator::all().into_iter().filter(|growth| growth.name.contains(&chosen)).collect();
    let faults: Vec<_> = growths.iter().filter_map(|growth| fault(growth, bytes, &work)).collect();
    assert!(
        faults.is_empty(),
        "{} of {} are not linear:\n{}",
        faults.len(),
        growths.len(),
        faults.join("\n")
    );
    let is_read = |growth: &&Growth| Document::read(growth.text(bytes).as_bytes(), LIMITS).is_ok();
    let read = growths.iter().filter(is_read).count();
    assert!(read * 20 > growths.len() * 19, "only {read} of {} are read", growths.len());
    assert!(growths.len() > 500 || !chosen.is_empty(), "only {} growths", growths.len());
    // The measure itself.
    let few = 8 << 10;
    let square = |text: &[u8]| {
        let pairs = text.iter().step_by(3).flat_map(|a| text.iter().step_by(3).map(move |b| a ^ b));
        black_box(pairs.fold(0, |sum, pair| sum ^ pair));
    };
    assert!(fault(&growths[0], few, &square).is_some(), "what is square is found");
    let doubled = |text: &[u8]| drop(black_box(vec![0_u8; text.len() * text.len() / 16]));
    assert!(fault(&growths[0], few, &doubled).is_some(), "so is memory");
}

fn assert_linear(faults: &[String]) {
    assert!(faults.is_empty(), "not linear:\n{}", faults.join("\n"));
}

/// The size of the smaller text in the process that measures. In another one, runs the test in a process of its own.
fn size_here(test: &str, default: usize) -> Option<usize> {
    match std::env::var(MEASURES) {
        Ok(bytes) => Some(bytes.parse().unwrap_or(default)),
        Err(_) => {
            in_a_process_of_its_own(test);
            None
        }
    }
}

fn in_a_process_of_its_own(test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([&format!("growth::{test}"), "--exact", "--nocapture", "--test-threads=1"])
        .env(MEASURES, "")
        .output()
        .unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// What is wrong with the growth of the work on a text.
fn fault(growth: &Growth, bytes: usize, work: &dyn Fn(&[u8])) -> Option<String> {
    let [small, large] = [growth.text(bytes), growth.text(4 * bytes)];
    // What is made once for all texts counts for none.
    work(small.as_bytes());
    let (first, second) = (measure(&small, work), measure(&large, work));
    // Some buffers have a fixed size, and vectors double.
    if second.bytes > 6 * first.bytes + (256 << 10) {
        return Some(format!("{}: {} bytes, then {}", growth.name, first.bytes, second.bytes));
    }
    let (mut least, mut most) = (first.nanoseconds, second.nanoseconds);
    let is_slow = |least: u64, most: u64| most > 9 * least + 10_000_000;
    for _ in 0..5 {
        if !is_slow(least, most) {
            return None;
        }
        least = least.min(measure(&small, work).nanoseconds);
        most = most.min(measure(&large, work).nanoseconds);
    }
    Some(format!("{}: {least} ns, then {most} ns", growth.name))
}

struct Cost {
    bytes: usize,
    nanoseconds: u64,
}

fn measure(text: &str, work: &dyn Fn(&[u8])) -> Cost {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap()
    };
    let (bytes, start) = (ALLOCATOR.total_allocated(), now());
    work(text.as_bytes());
    Cost { bytes: ALLOCATOR.total_allocated() - bytes, nanoseconds: now() - start }
}

/// Everything that is done with a text between its receipt and an answer, and what is told of it.
pub(crate) fn work(text: &[u8]) {
    let Ok(document) = Document::read(text, LIMITS) else { return };
    let root = document.root();
    for profile in Profile::ALL {
        for finding in Validator::new(profile).document(root) {
            black_box((finding.to_string(), root.nearest(&finding.pointer).range()));
        }
    }
    let Ok(elements) = bundle::read(text.to_vec().into(), LIMITS) else { return };
    let objects: Vec<Object> = elements.filter_map(|element| element.object.ok()).collect();
    for object in &objects {
        let document = object.document();
        black_box(content_digest(document.root(), object.header().digest));
        black_box(Markings::of(document.root()).ok());
        black_box(sco_id(document.root()).ok());
        let candidate = Candidate::new(object);
        black_box(compare(&candidate, &candidate));
    }
    black_box(Graph::new(&objects, GraphOptions::default()).ok());
    black_box(convert::bundle_to_2_1(root, convert::ConvertOptions::default()).ok());
}
