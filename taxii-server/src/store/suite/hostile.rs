//! Snapshots that other nodes could send: each change of one is refused or leaves the same state, no panic comes of one, and
//! memory grows with their bytes.
//!
//! `SEED` repeats a run, `INPUTS` makes it longer. A failure prints both numbers that repeat it.

mod memory;

use super::nodes::{Log, Member, position, region, sent};
use crate::store::engine::{Engine, KeyValue};
use crate::store::keys::{self, Region};
use crate::store::memory::MemoryEngine;
use crate::store::network::{summed, values_of};
use bytes::Bytes;
use consensus::order::Machine;
use fastrand::Rng;
use std::sync::Arc;

/// How many mutated snapshots are read, unless `INPUTS` says otherwise.
const INPUTS: u64 = 10_000;
/// Mutations of which the sum is right, so that they are taken.
const SUMMED: u64 = 300;

/// Says what repeats a failure, when it is dropped in one.
struct Repeat(u64);

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("SEED={} INPUTS=1 repeats this failure", self.0);
        }
    }
}

fn from_environment(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Snapshots of different length, which share a network.
async fn snapshots() -> (Log, Vec<Vec<Bytes>>) {
    let mut log = Log::of_some_objects();
    let mut snapshots = Vec::new();
    for entries in [1, 4, log.entries.len()] {
        let member = Member::enter(Arc::new(MemoryEngine::default()), &log).await;
        member.apply(&log.entries[..entries]).await.unwrap();
        snapshots.push(member.chunks().await);
        member.store.close().await;
    }
    let proposal = log.submit(60..62);
    log.approve(proposal);
    (log, snapshots)
}

/// A place in something of this length; 0 when that is 0.
fn place(random: &mut Rng, length: usize) -> usize {
    usize::try_from(random.u64(..length.max(1) as u64)).unwrap()
}

/// Changes bytes: flips, numbers that are too large, what is left out, what is given twice, what stands elsewhere.
fn change(bytes: &mut Vec<u8>, others: &[Bytes], random: &mut Rng) {
    let start = place(random, bytes.len() + 1);
    let end = (start + place(random, 40)).min(bytes.len());
    match random.u64(..7) {
        0 if start < bytes.len() => bytes[start] ^= 1 << random.u64(..8),
        1 => drop(bytes.drain(start..end)),
        2 => bytes.insert(start, u8::try_from(random.u64(..256)).unwrap()),
        3 => drop(bytes.splice(start..end, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01])),
        4 => {
            let copy = bytes[start..end].to_vec();
            let at = place(random, bytes.len() + 1);
            bytes.splice(at..at, copy);
        }
        5 => bytes.truncate(start),
        _ => {
            let other = &others[place(random, others.len())];
            let from = place(random, other.len() + 1);
            let to = (from + place(random, 64)).min(other.len());
            bytes.splice(start..end, other[from..to].iter().copied());
        }
    }
}

/// Changes chunks, or their order.
fn mutate(snapshots: &[Vec<Bytes>], random: &mut Rng) -> Vec<Bytes> {
    let mut chunks = snapshots[place(random, snapshots.len())].clone();
    let others = &snapshots[place(random, snapshots.len())];
    for _ in 0..=random.u64(..3) {
        let at = place(random, chunks.len());
        match random.u64(..10) {
            _ if chunks.is_empty() => chunks.push(others[place(random, others.len())].clone()),
            0 => drop(chunks.remove(at)),
            1 => chunks.insert(at, chunks[at].clone()),
            2 => chunks.swap(at, 0),
            3 => chunks.insert(at, others[place(random, others.len())].clone()),
            _ => {
                let mut bytes = chunks[at].to_vec();
                change(&mut bytes, others, random);
                chunks[at] = bytes.into();
            }
        }
    }
    chunks
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_was_changed_is_refused_or_the_same() {
    let (log, snapshots) = snapshots().await;
    let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    let receiver = Member::enter(Arc::clone(&engine), &log).await;
    let mut states = Vec::new();
    for snapshot in &snapshots {
        receiver.machine.stage(sent(snapshot.clone())).await.unwrap();
        states.push(region(&*engine, 1).await);
    }
    let (seed, inputs) =
        (from_environment("SEED").unwrap_or(1), from_environment("INPUTS").unwrap_or(INPUTS));
    let mut taken = 0;
    for seed in seed..seed + inputs {
        let _repeat = Repeat(seed);
        let chunks = mutate(&snapshots, &mut Rng::with_seed(seed));
        match receiver.machine.stage(sent(chunks)).await {
            Ok(_) => {
                taken += 1;
                assert!(states.contains(&region(&*engine, 1).await), "another state is taken");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    println!("{taken} of {inputs} are whole");
    // What was refused has left nothing behind.
    receiver.machine.stage(sent(snapshots[2].clone())).await.unwrap();
    assert!(region(&*engine, 1).await == states[2]);
    receiver.store.close().await;
}

/// All keys of an engine that are in no generation of the network.
async fn outside(engine: &dyn Engine) -> Vec<KeyValue> {
    let mut found = engine.snapshot().await.unwrap().scan_all(keys::all()).await.unwrap();
    found.retain(|(key, _)| {
        let generations = [0, 1].map(|generation| Region::Network { generation });
        generations.iter().all(|region| {
            let name = keys::without_region(*region, key);
            name.is_none_or(|name| keys::with_region(*region, &name).is_none())
        })
    });
    found
}

/// The sender of a state chooses its sum. Who takes it sums it up as well, and that differs from what all others hold, so
/// that it is exposed as soon as nodes compare; readers and later entries get an error or something else, the process
/// goes on, and nothing outside of the network is written.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_damaged_and_summed_up_ends_no_process() {
    let (log, snapshots) = snapshots().await;
    let whole = &snapshots[2];
    let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    let honest = Member::enter(Arc::clone(&memory), &log).await;
    let rest = log.entries.len() - 3;
    honest.apply(&log.entries[..rest]).await.unwrap();
    let (held, state) = (honest.machine.digests().unwrap(), region(&*memory, 0).await);
    let (seed, inputs) =
        (from_environment("SEED").unwrap_or(1), from_environment("INPUTS").unwrap_or(SUMMED));
    let (mut taken, mut errors) = (0, 0);
    for seed in seed..seed + inputs {
        let _repeat = Repeat(seed);
        let mut random = Rng::with_seed(seed);
        let mut values = values_of(whole);
        for _ in 0..=random.u64(..3) {
            let at = place(&mut random, values.len());
            let (key, value) = &mut values[at];
            if random.u64(..5) == 0 {
                change(key, whole, &mut random);
                continue;
            }
            let mut bytes = value.to_vec();
            change(&mut bytes, whole, &mut random);
            *value = bytes.into();
        }
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
        let receiver = Member::enter(Arc::clone(&engine), &log).await;
        let before = outside(&*engine).await;
        let staged = receiver.machine.stage(sent(summed(log.founding.network(), values))).await;
        assert!(outside(&*engine).await == before, "a key outside of the network is written");
        let Ok(staged) = staged else { continue };
        if receiver.machine.install(staged, position(log.entries[rest - 1].0)).await.is_err() {
            continue;
        }
        taken += 1;
        if region(&*engine, 1).await == state {
            continue;
        }
        let digests = receiver.machine.digests();
        assert_ne!(digests.as_ref(), Some(&held), "a damaged state has the digest of a whole one");
        let are_errors = [
            receiver.try_pages().await.is_err(),
            receiver.store.scrub_network().await.map_or(true, |scrub| scrub.count > 0),
            receiver.store.network_summary().await.is_err(),
            receiver.machine.apply(log.entries[rest..].to_vec(), position(9_999)).await.is_err(),
        ];
        errors += usize::from(are_errors.contains(&true));
        receiver.store.close().await;
    }
    println!("{taken} of {inputs} are taken; of {errors} of them something says so");
    assert!(inputs < SUMMED || (taken > 0 && errors > 0), "nothing was damaged");
}
