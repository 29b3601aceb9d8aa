//! The engine below the store: an ordered, transactional key-value store.
//!
//! [`Store`](super::Store) gives keys and values their meaning; an engine is one small file. The contract of engines is
//! `store::suite`, public with the feature `testing`. This is a whole engine:
//!
//! ```
#![doc = include_str!("../../examples/embed/engine.rs")]
//! ```

mod local;
mod prefixed;
mod waiting;

use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

pub use bytes::Bytes;
pub use local::LocalSnapshot;
pub(super) use local::get_within;
pub use prefixed::PrefixedEngine;
pub(super) use waiting::{may_wait, on_waiting_thread};

/// A key. Keys order by their bytes.
pub type Key = Vec<u8>;

/// The result of a call to an engine.
pub type EngineFuture<'a, T> = BoxFuture<'a, Result<T, EngineError>>;

/// An ordered, transactional key-value store.
///
/// Several processes may share the data of an engine; each then has an `Engine` of its own.
pub trait Engine: Send + Sync + 'static {
    /// Opens a view of everything committed so far, which later commits do not change.
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>>;

    /// Applies a commit as a whole or not at all. When it returns, the commit survives the loss of the process, and of
    /// power where the engine promises durability; one of [`Durability::Later`] may survive neither yet.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when a head holds another value than expected; then nothing is written.
    /// [`EngineError::Undetermined`] when the commit may or may not have been applied.
    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()>;

    /// Makes each commit so far survive what [`commit`](Self::commit) promises to survive, also those of
    /// [`Durability::Later`]. By default does nothing, for engines that make no difference between the two.
    ///
    /// # Errors
    /// When the engine fails. Then they still count in this process, and the next call tries again.
    fn settle(&self) -> EngineFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// The largest commits and values that the engine takes.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Whether each read costs the way to another machine, so that several are better asked for at once, though one of them
    /// may turn out to be needless.
    fn is_remote(&self) -> bool {
        false
    }

    /// Frees what no snapshot of the last minutes sees. One process of several calls it now and then.
    ///
    /// # Errors
    /// When the engine cannot be reached.
    fn collect_garbage(&self) -> EngineFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// The largest commits and values that an engine takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Keys and values of one commit, in bytes.
    pub commit_bytes: usize,
    /// Keys of one commit.
    pub commit_keys: usize,
    /// One value, in bytes.
    pub value_bytes: usize,
}

impl Default for Limits {
    /// No limit.
    fn default() -> Self {
        Self { commit_bytes: usize::MAX, commit_keys: usize::MAX, value_bytes: usize::MAX }
    }
}

/// A stable view of an [`Engine`]. [`LocalSnapshot`] is the short way to one.
pub trait Snapshot: Send + Sync {
    /// Returns the values of `keys`, in their order. Stops after the value with which the sum of lengths passes
    /// `max_bytes`, so the answer may be shorter than `keys`, but is never empty when `keys` is not.
    fn get_many(&self, keys: Vec<Key>, max_bytes: usize) -> EngineFuture<'_, Vec<Option<Bytes>>>;

    /// Returns the first entries of a range in the direction asked for, within the limits of the scan.
    fn scan(&self, scan: Scan) -> EngineFuture<'_, Vec<KeyValue>>;
}

/// A key and its value.
pub type KeyValue = (Bytes, Bytes);

impl dyn Snapshot + '_ {
    /// Returns the value of one key.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn get(&self, key: Key) -> Result<Option<Bytes>, EngineError> {
        Ok(self.get_many(vec![key], usize::MAX).await?.pop().flatten())
    }

    /// Returns all entries of a range, read in bounded pieces.
    ///
    /// # Errors
    /// When the engine fails.
    pub(crate) async fn scan_all(&self, range: Range<Key>) -> Result<Vec<KeyValue>, EngineError> {
        scan_pieces(range, |piece| self.scan(piece)).await
    }
}

/// Reads a range in bounded pieces.
pub(super) async fn scan_pieces<F, E>(range: Range<Key>, read: impl Fn(Scan) -> F) -> Result<Vec<KeyValue>, E>
where
    F: Future<Output = Result<Vec<KeyValue>, E>>,
{
    const PIECE: usize = 4096;
    let mut entries = Vec::new();
    let mut scan = Scan::forward(range, PIECE);
    loop {
        let piece = read(scan.clone()).await?;
        let has_more = scan.has_more(&piece);
        if let Some((last, _)) = piece.last() {
            scan.go_on_after(last);
        }
        entries.extend(piece);
        if !has_more {
            return Ok(entries);
        }
    }
}

/// A range scan.
#[derive(Clone, Debug)]
pub struct Scan {
    /// From the first key, inclusive, to the last, exclusive.
    pub range: Range<Key>,
    /// The end at which the scan begins.
    pub direction: Direction,
    /// Maximum number of entries.
    pub limit: usize,
    /// Bytes of values after which the scan stops; the entry that passes the bound is still returned.
    pub max_bytes: usize,
    /// Whether values are read.
    pub content: Content,
}

impl Scan {
    /// A scan of keys and values from the start of a range.
    pub fn forward(range: Range<Key>, limit: usize) -> Self {
        let content = Content::Entries;
        Self { range, direction: Direction::Forward, limit, max_bytes: 16 << 20, content }
    }

    /// All entries up to a number, from the end of a range.
    pub fn backward(range: Range<Key>, limit: usize) -> Self {
        Self { direction: Direction::Backward, ..Self::forward(range, limit) }
    }

    /// Leaves out of the range what comes up to a key that was read.
    pub(super) fn go_on_after(&mut self, key: &[u8]) {
        match self.direction {
            Direction::Forward => self.range.start = [key, &[0]].concat(),
            Direction::Backward => self.range.end = key.to_vec(),
        }
    }

    /// Whether a range may have more entries than those that the scan found.
    pub(super) fn has_more(&self, found: &[KeyValue]) -> bool {
        let bytes: usize = found.iter().map(|(_, value)| value.len()).sum();
        found.len() >= self.limit || bytes > self.max_bytes
    }

    /// The same without values, which are empty in the result.
    pub fn keys(range: Range<Key>, limit: usize) -> Self {
        Self { content: Content::Keys, ..Self::forward(range, limit) }
    }

    /// Collects what an engine's iterator gives, within the limits of the scan. `value` makes the value of an entry.
    pub(super) fn collect<E>(
        &self,
        entries: impl Iterator<Item = Result<E, EngineError>>,
        entry: impl Fn(E, Content) -> KeyValue,
    ) -> Result<Vec<KeyValue>, EngineError> {
        let mut budget = self.max_bytes;
        let mut found = Vec::new();
        for item in entries.take(self.limit) {
            let entry = entry(item?, self.content);
            let length = entry.1.len();
            found.push(entry);
            match budget.checked_sub(length) {
                Some(rest) => budget = rest,
                None => break,
            }
        }
        Ok(found)
    }
}

/// What a scan reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Keys and values.
    Entries,
    /// Keys only.
    Keys,
}

/// The order in which a scan returns entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// An atomic change. Ranges are cleared first, then writes and heads are put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Keys that are compared before anything is written. Each one is written as well, so an optimistic transaction
    /// needs no validation of reads.
    pub heads: BTreeMap<Key, HeadChange>,
    /// New values; `None` removes the key.
    pub writes: BTreeMap<Key, Option<Bytes>>,
    /// Ranges of which every key is removed.
    pub cleared: Vec<Range<Key>>,
    /// When the commit must survive the loss of the process.
    pub durability: Durability,
}

/// When a commit survives the loss of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// As soon as it is made.
    #[default]
    Now,
    /// With the next commit that is durable now, or when the engine [settles](Engine::settle); an engine may do more. A crash
    /// before takes back the last commits, all from some one on, so it is for those that can be made again.
    Later,
}

impl Commit {
    /// Whether the commit changes nothing.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.writes.is_empty() && self.cleared.is_empty()
    }
}

/// The change of a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadChange {
    /// The value that the decision was based on.
    pub from: Option<Bytes>,
    /// The new value.
    pub to: Option<Bytes>,
}

/// Why an engine could not answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A head holds another value than expected. Decide again.
    #[error("another writer was faster")]
    Conflict,
    /// The connection broke in the middle of a commit. Look up whether it was applied.
    #[error("it is unknown whether a commit was applied: {0}")]
    Undetermined(Cause),
    /// The engine cannot be reached now.
    #[error("the store cannot be reached: {cause}")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
        /// The error behind it.
        cause: Cause,
    },
    /// The disk has no room for a commit, which changed nothing.
    #[error(
        "the disk is full, or a quota or the limit of file sizes (ulimit -f) is used up; make room, and writing goes on by itself"
    )]
    Full,
    /// The disk failed in another way. A commit changed nothing.
    #[error("the disk failed: {0}")]
    Disk(std::io::Error),
    /// What was read makes no sense.
    #[error("the store is damaged: {0}; restore it from a copy or an export")]
    Damaged(Cause),
    /// Any other failure of files, memory or the network.
    #[error("the store failed: {0}")]
    Failed(Cause),
}

/// The error behind an [`EngineError`].
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl EngineError {
    /// A failure with this cause.
    pub fn failed(error: impl Into<Cause>) -> Self {
        Self::Failed(error.into())
    }
}
