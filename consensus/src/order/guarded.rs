//! A log that keeps what the state does not have.

use super::types::{LogEntry, LogId, Types, Vote};
use openraft::OptionalSend;
use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) struct Guarded<L> {
    pub(super) log: L,
    /// Entries up to here are in the state, durably.
    pub(super) durable: Arc<AtomicU64>,
}

impl<C: Types, L: RaftLogStorage<C>> RaftLogStorage<C> for Guarded<L> {
    type LogReader = L::LogReader;

    async fn get_log_state(&mut self) -> io::Result<LogState<C>> {
        self.log.get_log_state().await
    }

    async fn get_log_reader(&mut self) -> L::LogReader {
        self.log.get_log_reader().await
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.log.save_vote(vote).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.log.save_committed(committed).await
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        self.log.read_committed().await
    }

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<C>) -> io::Result<()>
    where
        I: IntoIterator<Item = LogEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        self.log.append(entries, flushed).await
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        self.log.truncate_after(last).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        if upto.index() > self.durable.load(Ordering::Acquire) {
            return Err(io::Error::other("an entry that the state does not have was about to be removed"));
        }
        self.log.purge(upto).await
    }
}
