//! A machine in memory: a member that applies the log, with its position, on a disk that outlives the node.

use crate::invariants::Step;
use crate::network::{Member, Memory};
use bytes::Bytes;
use consensus::order::{Chunks, Machine, MachineError, Snapshot};
use consensus::statement::Item;
use consensus::{Digest, Entry, Outcome, ProposalId, Refusal};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

type Results = Vec<Result<Outcome, Refusal>>;

/// Sees each entry that a machine commits, and what it did.
pub(crate) type Witness = Arc<dyn Fn(&Step<'_>, &Result<Outcome, Refusal>) + Send + Sync>;

/// Mistakes that a machine can be told to make.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mistakes {
    /// Commits the position after the entries, by itself.
    pub(crate) late_position: bool,
    /// Leaves the keys out of snapshots that begin with this byte.
    pub(crate) without_prefix: Option<u8>,
    /// Says that its commits are durable when they are not.
    pub(crate) never_settles: bool,
    /// Applies entries with a clock of its own, which is this number of microseconds off.
    pub(crate) own_clock: Option<u64>,
}

/// What is on the disk.
#[derive(Clone, Default)]
struct Stored {
    member: Member,
    position: Option<Bytes>,
}

#[derive(Clone, Default)]
pub(crate) struct Bench {
    disk: Arc<Mutex<Disk>>,
    pub(crate) mistakes: Mistakes,
    witness: Option<Witness>,
}

#[derive(Default)]
struct Disk {
    stored: Stored,
    /// What survives a crash in any case.
    settled: Stored,
    /// Commits until the disk refuses everything.
    left: Option<u32>,
    /// Commits so far.
    commits: u64,
    /// Snapshots that were installed so far, in all runs.
    installs: u64,
}

impl Disk {
    fn commit(&mut self, stored: Stored) -> Result<(), MachineError> {
        match &mut self.left {
            Some(0) => return Err("the disk refuses".into()),
            Some(left) => *left -= 1,
            None => {}
        }
        self.commits += 1;
        self.stored = stored;
        Ok(())
    }
}

impl Bench {
    pub(crate) fn watched(witness: Witness, mistakes: Mistakes) -> Self {
        Self { witness: Some(witness), mistakes, ..Self::default() }
    }

    /// The same disk, for the next run of the node.
    pub(crate) fn restarted(&self) -> Self {
        self.after_crash(false)
    }

    /// The same disk after a crash, which may have taken back what was not settled.
    pub(crate) fn after_crash(&self, is_taken_back: bool) -> Self {
        let before = self.disk.lock().unwrap();
        let stored = if is_taken_back { &before.settled } else { &before.stored };
        let (stored, settled) = (stored.clone(), stored.clone());
        let disk = Disk { stored, settled, installs: before.installs, ..Disk::default() };
        let disk = Arc::new(Mutex::new(disk));
        Self { disk, ..self.clone() }
    }

    pub(crate) fn wipe(&self) {
        *self.disk.lock().unwrap() = Disk::default();
    }

    /// Makes the disk refuse everything after some commits.
    pub(crate) fn fail_after(&self, commits: u32) {
        self.disk.lock().unwrap().left = Some(commits);
    }

    pub(crate) fn member(&self) -> Member {
        self.disk.lock().unwrap().stored.member.clone()
    }

    pub(crate) fn commits(&self) -> u64 {
        self.disk.lock().unwrap().commits
    }

    pub(crate) fn installs(&self) -> u64 {
        self.disk.lock().unwrap().installs
    }

    fn bytes_for<'b>(&self, bytes: &'b Bytes) -> std::borrow::Cow<'b, [u8]> {
        match self.mistakes.own_clock {
            Some(off) => {
                let mut entry = Entry::decode(bytes).unwrap();
                entry.time += off;
                entry.encode().to_vec().into()
            }
            None => bytes[..].into(),
        }
    }
}

type Waiting = Vec<((Uuid, String, String), Bytes)>;

/// A part of the state.
#[derive(Serialize, Deserialize)]
enum Part {
    Value(Vec<u8>, Bytes),
    Visible(Uuid, Item, Bytes),
    Readers(u64, Waiting, BTreeSet<ProposalId>, BTreeMap<Uuid, String>),
    /// The digest over all parts before.
    End(Digest),
}

const PARTS: usize = 16;

fn parts(member: &Member, without: Option<u8>) -> Vec<Bytes> {
    let values = member.memory.0.iter().filter(|(key, _)| Some(key[0]) != without);
    let values = values.map(|(key, value)| Part::Value(key.clone(), value.clone()));
    let visible = member.memory.1.iter();
    let visible = visible.map(|((at, item), text)| Part::Visible(*at, item.clone(), text.clone()));
    let waiting = member.waiting.clone().into_iter().collect();
    let readers = Part::Readers(member.index, waiting, member.filed.clone(), member.collections.clone());
    let all: Vec<_> = values.chain(visible).chain([readers]).collect();
    let mut chunks: Vec<Bytes> =
        all.chunks(PARTS).map(|parts| postcard::to_allocvec(parts).unwrap().into()).collect();
    let sum = chunks.iter().fold(Digest::default(), |sum, chunk| Digest::of(&[&sum.0, chunk]));
    chunks.push(postcard::to_allocvec(&[Part::End(sum)][..]).unwrap().into());
    chunks
}

impl Machine for Bench {
    type Staged = Member;

    async fn position(&self) -> Result<Option<Bytes>, MachineError> {
        Ok(self.disk.lock().unwrap().stored.position.clone())
    }

    async fn apply(&self, entries: Vec<(u64, Bytes)>, position: Bytes) -> Result<Results, MachineError> {
        let mut disk = self.disk.lock().unwrap();
        let Stored { mut member, position: before } = disk.stored.clone();
        let mut results = Vec::new();
        let mut seen = vec![member.clone()];
        for (index, bytes) in &entries {
            let applied = member.apply_at(*index, &self.bytes_for(bytes))?;
            seen.push(member.clone());
            results.push(applied.outcome);
        }
        if self.mistakes.late_position {
            disk.commit(Stored { member: member.clone(), position: before })?;
        }
        disk.commit(Stored { member, position: Some(position) })?;
        drop(disk);
        if let Some(witness) = &self.witness {
            for (((index, bytes), outcome), members) in entries.iter().zip(&results).zip(seen.windows(2)) {
                let step = Step { before: &members[0], after: &members[1], index: *index, bytes };
                witness(&step, outcome);
            }
        }
        Ok(results)
    }

    async fn settle(&self) -> Result<(), MachineError> {
        let mut disk = self.disk.lock().unwrap();
        if !self.mistakes.never_settles {
            disk.settled = disk.stored.clone();
        }
        Ok(())
    }

    async fn snapshot(&self) -> Result<Snapshot, MachineError> {
        let stored = self.disk.lock().unwrap().stored.clone();
        let without = self.mistakes.without_prefix;
        let chunks = futures::stream::once(async move { parts(&stored.member, without) })
            .flat_map(|chunks| futures::stream::iter(chunks.into_iter().map(Ok)));
        Ok(Snapshot { position: stored.position, chunks: chunks.boxed() })
    }

    async fn stage(&self, mut chunks: Chunks) -> Result<Member, MachineError> {
        let mut member = Member { memory: Memory::default(), ..Member::default() };
        let (mut sum, mut is_whole) = (Digest::default(), false);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            for part in postcard::from_bytes::<Vec<Part>>(&chunk)? {
                match part {
                    Part::Value(key, value) => drop(member.memory.0.insert(key, value)),
                    Part::Visible(at, item, text) => drop(member.memory.1.insert((at, item), text)),
                    Part::Readers(index, waiting, filed, collections) => {
                        (member.index, member.waiting) = (index, waiting.into_iter().collect());
                        (member.filed, member.collections) = (filed, collections);
                    }
                    Part::End(found) => is_whole = found == sum,
                }
            }
            sum = Digest::of(&[&sum.0, &chunk]);
        }
        if is_whole { Ok(member) } else { Err("the snapshot is not whole".into()) }
    }

    async fn install(&self, member: Member, position: Bytes) -> Result<(), MachineError> {
        let mut disk = self.disk.lock().unwrap();
        disk.installs += 1;
        if self.mistakes.late_position {
            let position = disk.stored.position.clone();
            disk.commit(Stored { member: member.clone(), position })?;
        }
        disk.commit(Stored { member, position: Some(position) })?;
        disk.settled = disk.stored.clone();
        Ok(())
    }
}

/// What a member holds, to compare it with others.
pub(crate) fn holdings(member: &Member) -> impl PartialEq + std::fmt::Debug {
    let Member { memory, waiting, filed, collections, .. } = member;
    (memory.0.clone(), memory.1.clone(), waiting.clone(), filed.clone(), collections.clone())
}
