//! Decoders take memory in proportion to their input, whatever lengths it claims.
//!
//! Bytes that are allocated are counted exactly, in a process of its own, in which no other test allocates.

use super::corpus;
use super::laws::TARGETS;
use super::mutation::mutate;
use cap::Cap;
use consensus::{Command, Entry};
use fastrand::Rng;
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Set for the process that measures.
const MEASURES: &str = "CONSENSUS_MEASURES";

/// What a law may allocate in all, while it reads an input and writes it again several times: a list whose length is claimed
/// gets a mebibyte at most before its elements are read.
const FIXED: usize = 4 << 20;
/// The same for each byte of the input.
const FOR_EACH_BYTE: usize = 1_000;

#[test]
fn memory_grows_with_the_input() {
    if std::env::var_os(MEASURES).is_none() {
        let name = "fuzz::memory::memory_grows_with_the_input";
        let mut process = std::process::Command::new(std::env::current_exe().unwrap());
        let process = process.args(["--exact", name, "--test-threads", "1"]).env(MEASURES, "1");
        let output = process.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    for (name, law) in TARGETS {
        let mut inputs = corpus::of(name);
        let mut dice = Rng::with_seed(1);
        for _ in 0..500 {
            inputs.push(mutate(&inputs, &mut dice));
        }
        inputs.extend(claims());
        for input in inputs {
            let before = ALLOCATOR.total_allocated();
            law(&input);
            let used = ALLOCATOR.total_allocated() - before;
            let limit = FIXED + FOR_EACH_BYTE * input.len();
            assert!(used <= limit, "{name} takes {used} for {}: {}", input.len(), input.escape_ascii());
        }
    }
}

/// Entries of which each length in turn is as large as a number can be, and texts that are deep or long.
fn claims() -> Vec<Vec<u8>> {
    let tick = Entry { time: 1, command: Command::Tick }.encode();
    let mut claims = vec![tick.to_vec()];
    for entry in corpus::of("entry") {
        for at in 2..entry.len().min(200) {
            let huge = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
            claims.push([&entry[..at], &huge, &entry[at + 1..]].concat());
        }
    }
    for (open, close) in [("[", "]"), ("{\"k_of\":{\"k\":1,\"of\":[", "]}}"), ("\n", ""), ("log ", "\n")] {
        claims.push(format!("{}{}", open.repeat(5_000), close.repeat(5_000)).into_bytes());
    }
    claims
}
