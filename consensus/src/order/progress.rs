//! What this node has applied, for those who wait for it.

use crate::apply::{Outcome, Refusal};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{oneshot, watch};

/// Most results that are kept for those who ask late.
const MAX_RESULTS: usize = 4096;

pub(super) struct Progress {
    inner: Mutex<Inner>,
    applied: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    applied: u64,
    results: BTreeMap<u64, Result<Outcome, Refusal>>,
    waiting: Vec<(u64, oneshot::Sender<()>)>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { inner: Mutex::default(), applied: watch::Sender::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    pub(super) fn advance(
        &self,
        index: u64,
        results: impl IntoIterator<Item = (u64, Result<Outcome, Refusal>)>,
    ) {
        let mut inner = self.lock();
        inner.results.extend(results);
        while inner.results.len() > MAX_RESULTS {
            inner.results.pop_first();
        }
        inner.applied = inner.applied.max(index);
        let applied = inner.applied;
        for (_, ready) in
            inner.waiting.extract_if(.., |(index, ready)| *index <= applied || ready.is_closed())
        {
            // Those who do not wait any more need no answer.
            let _ = ready.send(());
        }
        drop(inner);
        self.applied.send_replace(applied);
    }

    /// Waits until an entry is applied.
    pub(super) async fn reached(&self, index: u64) {
        let ready = {
            let mut inner = self.lock();
            if inner.applied >= index {
                return;
            }
            let (sender, receiver) = oneshot::channel();
            inner.waiting.push((index, sender));
            receiver
        };
        // A sender is dropped only after it has sent.
        let _ = ready.await;
    }

    /// What an entry did; none when it was part of a snapshot, or long ago.
    pub(super) fn result(&self, index: u64) -> Option<Result<Outcome, Refusal>> {
        self.lock().results.get(&index).cloned()
    }
}
