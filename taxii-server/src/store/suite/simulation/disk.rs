//! A disk that a crash takes back to what it has synced, and mistakes that it can be told to make.

use crate::store::engine::{Commit, Durability, Engine, EngineError, EngineFuture, Snapshot};
use crate::store::keys;
use crate::store::memory::MemoryEngine;
use futures::FutureExt;
use std::sync::{Mutex, MutexGuard};

/// Mistakes that a store can be told to make.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mistakes {
    /// Settling does nothing.
    pub(super) settles_nothing: bool,
    /// A state that arrives loses a key of each chunk.
    pub(super) skips_a_key: bool,
    /// The position is in another commit than its entries.
    pub(super) late_position: bool,
    /// A state that was installed is on the disk later, as entries are.
    pub(super) installs_later: bool,
}

/// An engine in memory over one of which a crash leaves a part.
pub(super) struct Disk {
    now: MemoryEngine,
    kept: Mutex<Kept>,
    mistakes: Mistakes,
}

/// What survives a crash.
#[derive(Default)]
struct Kept {
    synced: MemoryEngine,
    /// Commits that a crash takes back, all from some one on.
    waiting: Vec<Commit>,
}

impl Kept {
    fn sync(&mut self, count: usize) {
        for commit in self.waiting.drain(..count) {
            make(&self.synced, commit).expect("it was made before");
        }
    }
}

/// Memory answers at once.
fn make(engine: &MemoryEngine, commit: Commit) -> Result<(), EngineError> {
    engine.commit(commit).now_or_never().expect("nothing is waited for")
}

impl Disk {
    pub(super) fn new(mistakes: Mistakes) -> Self {
        Self { now: MemoryEngine::default(), kept: Mutex::default(), mistakes }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// How many commits a crash may take back.
    pub(super) fn waiting(&self) -> usize {
        self.kept().waiting.len()
    }

    /// The disk as the next process finds it, where some of the commits that waited reached it. What the process before still
    /// does has no effect on it.
    pub(super) fn after_crash(&self, reached: usize) -> Self {
        let mut kept = self.kept();
        kept.sync(reached);
        let [now, synced] = [kept.synced.fork(), kept.synced.fork()];
        Self { now, kept: Mutex::new(Kept { synced, waiting: Vec::new() }), mistakes: self.mistakes }
    }

    /// The commits that are made of one.
    fn commits(&self, mut commit: Commit) -> Vec<Commit> {
        let (position, membership) = (keys::local(keys::POSITION), keys::local(keys::MEMBERSHIP));
        let is_install = commit.heads.contains_key(&membership) && commit.heads.contains_key(&position);
        let is_staged = commit.heads.keys().all(|key| *key == keys::local(keys::BACKUP));
        if self.mistakes.skips_a_key && is_staged && commit.writes.len() > 1 {
            commit.writes.pop_last();
        }
        if self.mistakes.installs_later && is_install {
            commit.durability = Durability::Later;
        }
        if self.mistakes.late_position && !is_install && commit.durability == Durability::Later {
            let heads = commit.heads.remove_entry(&position).into_iter().collect();
            return vec![commit, Commit { heads, durability: Durability::Later, ..Commit::default() }];
        }
        vec![commit]
    }
}

impl Engine for Disk {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        self.now.snapshot()
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        let made = self.commits(commit).into_iter().try_for_each(|commit| {
            let mut kept = self.kept();
            make(&self.now, commit.clone())?;
            let is_durable = commit.durability == Durability::Now;
            kept.waiting.push(commit);
            if is_durable {
                let count = kept.waiting.len();
                kept.sync(count);
            }
            Ok(())
        });
        Box::pin(async { made })
    }

    fn settle(&self) -> EngineFuture<'_, ()> {
        if !self.mistakes.settles_nothing {
            let mut kept = self.kept();
            let count = kept.waiting.len();
            kept.sync(count);
        }
        Box::pin(async { Ok(()) })
    }
}
