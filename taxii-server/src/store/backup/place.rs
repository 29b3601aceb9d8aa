//! An engine that is being written to, and becomes a store with the last commit, which writes its format.

use super::{BackupError, get, scan};
use crate::store::engine::{Commit, Engine, EngineError, HeadChange, Key, Scan};
use crate::store::writer::Attempts;
use crate::store::{StoreError, keys};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Keys that are removed at once, when the work begins again.
const PIECE: usize = 5_000;

/// What is being written, until it is a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unfinished {
    /// What is being done, as a noun.
    work: String,
    /// Names the process that does it: two at a time do not mix.
    process: Uuid,
    /// Counts commits, so that each leaves another value.
    step: u64,
    /// What it is copied from, as far as it can be gone on with.
    source: Option<Uuid>,
    /// The last key that was copied.
    after: Option<Key>,
}

/// What is unfinished, for people.
pub(in crate::store) fn unfinished_work(value: &Bytes) -> String {
    serde_json::from_slice(value).map_or("restore".to_owned(), |unfinished: Unfinished| unfinished.work)
}

/// A place that is being written to, and is no store yet.
pub(super) struct Place {
    engine: Arc<dyn Engine>,
    state: Unfinished,
    /// The state as it is stored.
    stored: Option<Bytes>,
}

impl Place {
    /// Finds an empty place, or one where work was broken off.
    pub(super) async fn find(engine: Arc<dyn Engine>, work: &str) -> Result<Self, BackupError> {
        let mut found = get(&*engine, state_keys()).await?;
        let (format, stored) = (found.pop().flatten(), found.pop().flatten());
        if format.is_some() {
            return Err(BackupError::NotEmpty);
        }
        if stored.is_none() && !scan(&*engine, Scan::keys(keys::all(), 1)).await?.is_empty() {
            return Err(BackupError::NotEmpty);
        }
        let mut state =
            Unfinished { work: work.to_owned(), process: Uuid::new_v4(), step: 0, source: None, after: None };
        let before = stored.as_ref().and_then(|stored| serde_json::from_slice::<Unfinished>(stored).ok());
        if let Some(before) = before.filter(|before| before.work == work) {
            (state.source, state.after) = (before.source, before.after);
        }
        Ok(Self { engine, state, stored })
    }

    /// What was being copied here, when that can be gone on with.
    pub(super) fn source(&self) -> Option<Uuid> {
        self.state.source
    }

    /// The last key that was copied.
    pub(super) fn after(&self) -> Option<&Key> {
        self.state.after.as_ref()
    }

    pub(super) fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.engine)
    }

    /// Takes the place from a process that was at it before, and goes on.
    pub(super) async fn take(&mut self) -> Result<(), BackupError> {
        self.commit(Commit::default()).await
    }

    /// Takes the place, and removes what is there.
    pub(super) async fn begin(&mut self, source: Option<Uuid>) -> Result<(), BackupError> {
        // Known only when all is removed, so that no other process goes on with something else.
        (self.state.source, self.state.after) = (None, None);
        self.take().await?;
        let (all, unfinished) = (keys::all(), keys::UNFINISHED.to_vec());
        for range in [all.start..unfinished.clone(), keys::following(unfinished)..all.end] {
            loop {
                let limit = PIECE.min(self.engine.limits().commit_keys.saturating_sub(2)).max(1);
                let found = scan(&*self.engine, Scan::keys(range.clone(), limit)).await?;
                let Some((last, _)) = found.last() else { break };
                let cleared = vec![range.start.clone()..keys::following(last.to_vec())];
                self.commit(Commit { cleared, ..Commit::default() }).await?;
            }
        }
        self.state.source = source;
        self.take().await
    }

    /// Forgets how far it came, so that the next run begins again.
    pub(super) async fn forget(&mut self) -> Result<(), BackupError> {
        (self.state.source, self.state.after) = (None, None);
        self.take().await
    }

    /// Commits what was copied up to a key.
    pub(super) async fn commit_up_to(&mut self, commit: Commit, last: Key) -> Result<(), BackupError> {
        self.state.after = Some(last);
        self.commit(commit).await
    }

    /// Commits, unless another process has taken the place. A commit of which nothing is known is looked up.
    pub(super) async fn commit(&mut self, commit: Commit) -> Result<(), BackupError> {
        self.state.step += 1;
        let json = serde_json::to_vec(&self.state).map_err(|_| StoreError::Corrupt("unfinished work"))?;
        self.change(commit, Some(json.into()), None).await
    }

    async fn change(
        &mut self,
        mut commit: Commit,
        unfinished: Option<Bytes>,
        format: Option<Bytes>,
    ) -> Result<(), BackupError> {
        let to = [unfinished, format];
        let changes = [self.stored.clone(), None].into_iter().zip(to.clone());
        let changes = changes.map(|(from, to)| HeadChange { from, to });
        commit.heads = state_keys().into_iter().zip(changes).collect::<BTreeMap<_, _>>();
        let mut attempts = Attempts::new();
        let mut is_unknown = false;
        loop {
            match self.engine.commit(commit.clone()).await {
                Ok(()) => break,
                Err(EngineError::Conflict) => {
                    let found = get(&*self.engine, state_keys()).await?;
                    if is_unknown && found[..] == to {
                        break;
                    }
                    if found.first() != Some(&self.stored) {
                        return Err(BackupError::Taken);
                    }
                    attempts.again(EngineError::Conflict).await?;
                }
                Err(error) => {
                    is_unknown |= matches!(error, EngineError::Undetermined(_));
                    attempts.again(error).await?;
                }
            }
        }
        [self.stored, _] = to;
        Ok(())
    }

    /// Makes the place a store of this format.
    pub(super) async fn finish(mut self, format: u32) -> Result<(), BackupError> {
        self.change(Commit::default(), None, Some(Bytes::from(format.to_string()))).await
    }
}

/// The keys that are compared in each commit.
fn state_keys() -> Vec<Key> {
    vec![keys::UNFINISHED.to_vec(), keys::FORMAT.to_vec()]
}
