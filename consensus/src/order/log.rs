//! The log of a node on its disk.
//!
//! Writes go through one queue. Whatever waits in it is committed together, with one call of `sync_data`, while openraft goes
//! on: entries can be read at once, and count as written when the disk has them. The first error ends the log, because nothing
//! is known of the writes after it.

mod recover;
mod table;

use super::types::{LogEntry, LogId, Types, Vote};
use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use openraft::{LogIdOptionExt, OptionalSend, RaftLogReader};
use redb::StorageBackend;
use redb::backends::FileBackend;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use table::{Table, Write};
use tokio::sync::{mpsc, oneshot};

/// Most writes that wait for the disk.
const MAX_WAITING: usize = 1024;
/// Number of bytes with which a commit takes no more writes.
const MAX_COMMIT_BYTES: usize = 8 << 20;
/// Bytes of entries that stay in memory.
const TAIL_BYTES: usize = 8 << 20;
/// Bytes of entries that one message carries, if it has more than one.
const READ_BYTES: usize = 4 << 20;

/// Runs what waits for the disk.
pub trait Blocking: Clone + Send + Sync + 'static {
    /// Runs work where it may wait, and returns what it returns; an error when it was not run.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = io::Result<T>> + Send;
}

/// Runs work on the threads that Tokio keeps for what waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads;

impl Blocking for Threads {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
    }
}

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The disk refuses.
    #[error("the log cannot be read or written: {0}")]
    Disk(Box<redb::Error>),
    /// What was read is not what was written.
    #[error("the log is damaged: {0}; remove the node, and let it join again under a new number")]
    Damaged(&'static str),
    /// It was written by another version.
    #[error("the log has format {0}, which this version does not know")]
    Format(u16),
    /// It is the log of another node.
    #[error("this is the log of node {found}, not of node {expected}")]
    OtherNode {
        /// Its owner.
        found: u64,
        /// The node that opens it.
        expected: u64,
    },
}

impl<E: Into<redb::Error>> From<E> for LogError {
    fn from(error: E) -> Self {
        Self::Disk(Box::new(error.into()))
    }
}

impl From<LogError> for io::Error {
    fn from(error: LogError) -> Self {
        Self::other(error)
    }
}

/// The log of a node. Clones are the same log.
pub struct Log<C: Types, B> {
    shared: Arc<Shared>,
    table: Arc<Table>,
    blocking: B,
    queue: mpsc::Sender<Job<C>>,
}

impl<C: Types, B: Clone> Clone for Log<C, B> {
    fn clone(&self) -> Self {
        let Self { shared, table, blocking, queue } = self;
        Self {
            shared: shared.clone(),
            table: table.clone(),
            blocking: blocking.clone(),
            queue: queue.clone(),
        }
    }
}

/// A write, and who waits for it.
struct Job<C: Types> {
    write: Write,
    done: Done<C>,
}

enum Done<C: Types> {
    Flushed(IOFlushed<C>),
    Answer(oneshot::Sender<io::Result<()>>),
}

#[derive(Default)]
struct Shared(Mutex<State>);

/// What can be answered without the disk.
#[derive(Default)]
struct State {
    vote: Option<Vote>,
    committed: Option<LogId>,
    /// `committed` is not on the disk.
    is_committed_new: bool,
    purged: Option<LogId>,
    /// The first entry, where none was removed before it.
    first: Option<u64>,
    last: Option<LogId>,
    /// The last entries, at least those that the disk does not have.
    tail: BTreeMap<u64, LogEntry>,
    bytes: usize,
    /// The first entry that the disk does not have.
    unflushed: u64,
}

fn size(entry: &LogEntry) -> usize {
    match &entry.payload {
        openraft::EntryPayload::Normal(bytes) => 64 + bytes.0.len(),
        _ => 256,
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first entry that can be read.
    fn start(&self) -> u64 {
        self.purged.map_or(self.first.unwrap_or(0), |purged| purged.index() + 1)
    }

    /// Forgets entries outside of a range.
    fn keep(&mut self, range: Range<u64>) {
        let State { tail, bytes, .. } = self;
        tail.retain(|index, entry| {
            let is_kept = range.contains(index);
            *bytes -= if is_kept { 0 } else { size(entry) };
            is_kept
        });
    }

    fn flushed(&mut self, writes: &[Write]) {
        for write in writes {
            match write {
                Write::Append(entries) => {
                    self.unflushed = entries.last().map_or(self.unflushed, |last| last.log_id.index() + 1);
                }
                Write::Truncate(last) => {
                    self.unflushed = self.unflushed.min(last.map_or(0, |last| last + 1));
                }
                _ => {}
            }
        }
        while self.bytes > TAIL_BYTES
            && let Some(first) = self.tail.first_entry()
            && *first.key() < self.unflushed
        {
            self.bytes -= size(&first.remove());
        }
    }
}

impl<C: Types> Log<C, Threads> {
    /// Opens the log of a node in a file, or makes it.
    ///
    /// # Errors
    /// When the file cannot be used, is damaged, or holds the log of another node.
    pub async fn open(file: &Path, node: u64) -> Result<Self, LogError> {
        let path = file.to_owned();
        let backend = Threads.run(move || {
            let backend = |path: &Path| {
                let mut options = std::fs::OpenOptions::new();
                let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
                Ok::<_, LogError>(FileBackend::new(file)?)
            };
            // A crash while it is made leaves a file of another name. A vote must not go with a name that is not on the disk.
            if !path.try_exists()? {
                let mut made = path.clone().into_os_string();
                made.push(".new");
                let made = PathBuf::from(made);
                if made.try_exists()? {
                    std::fs::remove_file(&made)?;
                }
                drop(Table::open(backend(&made)?, node)?);
                std::fs::rename(&made, &path)?;
            }
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::File::open(folder)?.sync_all()?;
            }
            backend(&path)
        });
        Self::with_backend(backend.await??, node, Threads).await
    }
}

impl<C: Types, B: Blocking> Log<C, B> {
    /// Opens the log of a node on some storage.
    ///
    /// # Errors
    /// When it cannot be used, is damaged, or holds the log of another node.
    pub async fn with_backend(
        backend: impl StorageBackend,
        node: u64,
        blocking: B,
    ) -> Result<Self, LogError> {
        let (table, marks) = blocking.run(move || Table::open(backend, node)).await??;
        let unflushed = marks.last.next_index();
        let state = State {
            vote: marks.vote,
            committed: marks.committed,
            purged: marks.purged,
            first: marks.first,
            last: marks.last,
            unflushed,
            ..State::default()
        };
        let shared = Arc::new(Shared(Mutex::new(state)));
        let (queue, jobs) = mpsc::channel(MAX_WAITING);
        let log = Self { shared, table: Arc::new(table), blocking, queue };
        let writing = write(jobs, log.table.clone(), log.shared.clone(), log.blocking.clone());
        drop(<C::AsyncRuntime as openraft::AsyncRuntime>::spawn(writing));
        Ok(log)
    }

    /// The number of the last entry; 0 when there is none.
    pub fn last(&self) -> u64 {
        self.shared.lock().last.map_or(0, |last| last.index())
    }

    async fn send(&self, write: Write, done: Done<C>) -> io::Result<()> {
        let sent = self.queue.send(Job { write, done }).await;
        sent.map_err(|_| io::Error::other("the log has stopped, because a write failed"))
    }

    async fn finish(&self, write: Write) -> io::Result<()> {
        let (sender, answer) = oneshot::channel();
        self.send(write, Done::Answer(sender)).await?;
        answer.await.map_err(|_| io::Error::other("the log has stopped, because a write failed"))?
    }

    async fn read(&self, mut start: u64, end: u64, limit: usize) -> io::Result<Vec<LogEntry>> {
        let mut found: Vec<LogEntry> = Vec::new();
        let mut bytes = 0;
        loop {
            let stored_until = {
                let state = self.shared.lock();
                let end = end.min(state.last.next_index());
                if found.is_empty() {
                    start = start.max(state.start());
                }
                if start >= end {
                    return Ok(found);
                }
                let first = state.tail.keys().next().copied().unwrap_or(u64::MAX);
                if start >= first {
                    for (_, entry) in state.tail.range(start..end) {
                        bytes += size(entry);
                        if bytes > limit && !found.is_empty() {
                            break;
                        }
                        found.push(entry.clone());
                    }
                    return Ok(found);
                }
                end.min(first)
            };
            let table = self.table.clone();
            let left = limit.saturating_sub(bytes);
            let stored = self.blocking.run(move || table.read(start, stored_until, left)).await??;
            if stored.first().is_none_or(|first| first.log_id.index() != start) {
                // It may have been removed meanwhile.
                if found.is_empty() && self.shared.lock().start() > start {
                    continue;
                }
                return Err(LogError::Damaged("an entry is missing").into());
            }
            bytes += stored.iter().map(size).sum::<usize>();
            start += stored.len() as u64;
            let is_whole = start == stored_until;
            found.extend(stored);
            if found.windows(2).any(|pair| pair[0].log_id.index() + 1 != pair[1].log_id.index()) {
                return Err(LogError::Damaged("an entry is missing").into());
            }
            if !is_whole || bytes >= limit {
                return Ok(found);
            }
        }
    }
}

/// Commits what waits, until the log is dropped or a write fails.
async fn write<C: Types>(
    mut jobs: mpsc::Receiver<Job<C>>,
    table: Arc<Table>,
    shared: Arc<Shared>,
    blocking: impl Blocking,
) {
    while let Some(job) = jobs.recv().await {
        let (mut writes, mut waiting, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(job);
        while let Some(Job { write, done }) = next {
            if let Write::Append(entries) = &write {
                bytes += entries.iter().map(size).sum::<usize>();
            }
            writes.push(write);
            waiting.push(done);
            next = if bytes < MAX_COMMIT_BYTES { jobs.try_recv().ok() } else { None };
        }
        {
            let mut state = shared.lock();
            if std::mem::take(&mut state.is_committed_new) {
                writes.push(Write::Committed(state.committed));
            }
        }
        let table = table.clone();
        let written = blocking.run(move || table.commit(&writes).map(|()| writes)).await;
        let result = match written.and_then(|written| Ok(written?)) {
            Ok(writes) => {
                shared.lock().flushed(&writes);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the log cannot be written");
                Err(error)
            }
        };
        let answer = || match &result {
            Ok(()) => Ok(()),
            Err(error) => Err(io::Error::other(error.to_string())),
        };
        for done in waiting {
            match done {
                Done::Flushed(flushed) => flushed.io_completed(answer()),
                Done::Answer(sender) => drop(sender.send(answer())),
            }
        }
        if result.is_err() {
            break;
        }
    }
    // Closing may wait for the disk; nothing more can be done where it fails.
    let _ = blocking.run(move || drop(table)).await;
}

fn bounds(range: impl RangeBounds<u64>) -> (u64, u64) {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(start) => start + 1,
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(end) => end.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => u64::MAX,
    };
    (start, end)
}

impl<C: Types, B: Blocking> RaftLogReader<C> for Log<C, B> {
    async fn try_get_log_entries<R>(&mut self, range: R) -> io::Result<Vec<LogEntry>>
    where
        R: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (start, end) = bounds(range);
        self.read(start, end, usize::MAX).await
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<LogEntry>> {
        self.read(start, end, READ_BYTES).await
    }

    async fn entries_stream<R>(
        &mut self,
        range: R,
    ) -> impl futures::Stream<Item = io::Result<LogEntry>> + OptionalSend
    where
        R: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (start, end) = bounds(range);
        let log = self.clone();
        let slices = futures::stream::try_unfold((log, start), move |(log, start)| async move {
            let found = log.read(start, end, READ_BYTES).await?;
            let last = found.last().map(|last| last.log_id.index());
            Ok::<_, io::Error>(last.map(|last| (found, (log, last + 1))))
        });
        use futures::{StreamExt, TryStreamExt};
        slices.map_ok(|found| futures::stream::iter(found.into_iter().map(Ok))).try_flatten().boxed()
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.shared.lock().vote)
    }
}

impl<C: Types, B: Blocking> RaftLogStorage<C> for Log<C, B> {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<C>> {
        let state = self.shared.lock();
        Ok(LogState { last_purged_log_id: state.purged, last_log_id: state.last })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.finish(Write::Vote(*vote)).await?;
        self.shared.lock().vote = Some(*vote);
        Ok(())
    }

    // Goes to the disk with the next write that waits for it: a leader tells it anew.
    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        let mut state = self.shared.lock();
        (state.committed, state.is_committed_new) = (committed, true);
        Ok(())
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.shared.lock().committed)
    }

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<C>) -> io::Result<()>
    where
        I: IntoIterator<Item = LogEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<_> = entries.into_iter().collect();
        {
            let mut state = self.shared.lock();
            for entry in &entries {
                state.first.get_or_insert(entry.log_id.index());
                state.last = Some(entry.log_id);
                state.bytes += size(entry);
                state.tail.insert(entry.log_id.index(), entry.clone());
            }
        }
        self.send(Write::Append(entries), Done::Flushed(flushed)).await
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        {
            let mut state = self.shared.lock();
            state.keep(0..last.next_index());
            state.last = state.last.min(last).max(state.purged);
            let end = last.next_index();
            state.first = state.first.filter(|first| *first < end);
        }
        self.finish(Write::Truncate(last.index())).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        {
            let mut state = self.shared.lock();
            state.purged = state.purged.max(Some(upto));
            state.last = state.last.max(Some(upto));
            state.keep(upto.index() + 1..u64::MAX);
        }
        self.finish(Write::Purge(upto)).await
    }
}
