//! Logs that make a mistake.

use super::router::SimTypes;
use consensus::order::{LogEntry, LogId, Vote};
use openraft::entry::RaftEntry;
use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use openraft::{OptionalSend, RaftLogReader};
use std::io;

/// Mistakes that a log can be told to make.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogMistakes {
    /// Removes one entry more than it is told, from the beginning.
    pub(crate) purges_one_more: bool,
    /// Removes one entry more than it is told, from the end.
    pub(crate) truncates_one_more: bool,
    /// Says that entries are on the disk before they are: one sync of this number happens.
    pub(crate) honest: u64,
}

pub(crate) struct Mistaken<L> {
    pub(crate) log: L,
    pub(crate) mistakes: LogMistakes,
}

impl<L: RaftLogStorage<SimTypes>> RaftLogStorage<SimTypes> for Mistaken<L> {
    type LogReader = L::LogReader;

    async fn get_log_state(&mut self) -> io::Result<LogState<SimTypes>> {
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

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<SimTypes>) -> io::Result<()>
    where
        I: IntoIterator<Item = LogEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        self.log.append(entries, flushed).await
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        let last = match last.filter(|_| self.mistakes.truncates_one_more) {
            Some(given) if given.index() > 0 => {
                let before = given.index() - 1;
                let found = self.log.get_log_reader().await.try_get_log_entries(before..=before).await?;
                found.first().map(RaftEntry::log_id)
            }
            _ => last,
        };
        self.log.truncate_after(last).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        let next = upto.index() + 1;
        let found = self.log.get_log_reader().await.try_get_log_entries(next..=next).await?;
        let more = found.first().map(RaftEntry::log_id).filter(|_| self.mistakes.purges_one_more);
        self.log.purge(more.unwrap_or(upto)).await
    }
}
