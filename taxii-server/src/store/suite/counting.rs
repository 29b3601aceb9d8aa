//! An engine that counts what is asked of it.

use crate::store::engine::{Commit, Engine, EngineFuture, Key, KeyValue, Limits, Scan, Snapshot};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls to an engine.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) reads: AtomicUsize,
    /// Keys and entries that were read.
    pub(super) entries: AtomicUsize,
    pub(super) commits: AtomicUsize,
}

impl Calls {
    /// Reads and commits since the last time.
    pub(super) fn take(&self) -> (usize, usize) {
        (self.reads.swap(0, Ordering::SeqCst), self.commits.swap(0, Ordering::SeqCst))
    }

    /// Keys and entries that were read since the last time.
    pub(super) fn take_entries(&self) -> usize {
        self.entries.swap(0, Ordering::SeqCst)
    }
}

/// Counts the reads and commits of another engine.
pub(super) struct CountingEngine {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) calls: Arc<Calls>,
}

impl Engine for CountingEngine {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        Box::pin(async {
            let snapshot = self.engine.snapshot().await?;
            Ok(Box::new(CountingSnapshot { snapshot, calls: Arc::clone(&self.calls) }) as Box<dyn Snapshot>)
        })
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        self.calls.commits.fetch_add(1, Ordering::SeqCst);
        self.engine.commit(commit)
    }

    fn settle(&self) -> EngineFuture<'_, ()> {
        self.engine.settle()
    }

    fn limits(&self) -> Limits {
        self.engine.limits()
    }
}

struct CountingSnapshot {
    snapshot: Box<dyn Snapshot>,
    calls: Arc<Calls>,
}

impl Snapshot for CountingSnapshot {
    fn get_many(&self, keys: Vec<Key>, max_bytes: usize) -> EngineFuture<'_, Vec<Option<Bytes>>> {
        self.calls.reads.fetch_add(1, Ordering::SeqCst);
        self.calls.entries.fetch_add(keys.len(), Ordering::SeqCst);
        self.snapshot.get_many(keys, max_bytes)
    }

    fn scan(&self, scan: Scan) -> EngineFuture<'_, Vec<KeyValue>> {
        self.calls.reads.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let entries = self.snapshot.scan(scan).await?;
            self.calls.entries.fetch_add(entries.len(), Ordering::SeqCst);
            Ok(entries)
        })
    }
}
