//! A snapshot takes memory in proportion to its bytes, whatever lengths it claims.
//!
//! Bytes that are allocated are counted exactly, in a process of its own, in which no other test allocates.

use super::{mutate, snapshots};
use crate::store::engine::Engine;
use crate::store::memory::MemoryEngine;
use crate::store::suite::nodes::{Member, sent};
use bytes::Bytes;
use cap::Cap;
use consensus::order::Machine;
use fastrand::Rng;
use std::alloc::System;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Set for the process that measures.
const MEASURES: &str = "TAXII_SERVER_MEASURES";

/// What reading a snapshot may allocate in all: a list whose length is claimed gets a mebibyte at most before its elements are
/// read, and what an earlier one left is cleared.
const FIXED: usize = 8 << 20;
/// The same for each byte of the snapshot.
const FOR_EACH_BYTE: usize = 300;

#[test]
fn memory_grows_with_the_snapshot() {
    if std::env::var_os(MEASURES).is_none() {
        let name = "store::suite::hostile::memory::memory_grows_with_the_snapshot";
        let mut process = std::process::Command::new(std::env::current_exe().unwrap());
        let process =
            process.args(["--exact", name, "--test-threads", "1", "--nocapture"]).env(MEASURES, "1");
        let output = process.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return println!("{said}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let (log, snapshots) = snapshots().await;
    let mut random = Rng::with_seed(1);
    let mut inputs: Vec<_> = (0..500).map(|_| mutate(&snapshots, &mut random)).collect();
    inputs.extend(snapshots.iter().cloned());
    inputs.extend(claims(&snapshots[0]));
    let mut most = 0;
    for input in inputs {
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
        let receiver = Member::enter(engine, &log).await;
        let length: usize = input.iter().map(Bytes::len).sum();
        let before = ALLOCATOR.total_allocated();
        drop(receiver.machine.stage(sent(input)).await);
        let used = ALLOCATOR.total_allocated() - before;
        most = most.max(used / (length + 1));
        assert!(used <= FIXED + FOR_EACH_BYTE * length, "{used} bytes for a snapshot of {length}");
        receiver.store.close().await;
    }
    println!("at most {most} bytes for each byte");
}

/// Snapshots of which each length in turn is as large as a number can be, and one of many values of no bytes.
fn claims(snapshot: &[Bytes]) -> Vec<Vec<Bytes>> {
    let mut claims = Vec::new();
    for chunk in 1..snapshot.len() - 1 {
        for at in 0..snapshot[chunk].len().min(100) {
            let huge = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
            let bytes = &snapshot[chunk];
            let mut changed = snapshot.to_vec();
            changed[chunk] = [&bytes[..at], &huge, &bytes[at + 1..]].concat().into();
            claims.push(changed);
        }
    }
    let empty = [&[1, 0xFF, 0xFF, 0x3F][..], &vec![0; 2 * 0x0F_FFFF]].concat();
    claims.push(vec![snapshot[0].clone(), empty.into()]);
    claims
}
