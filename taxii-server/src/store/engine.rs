//! The seam between what TAXII means and where bytes lie: an ordered, transactional key-value store.
//!
//! Everything above it is written once, in [`Store`](super::Store); everything below is one small file for each
//! engine. `suite` is the contract, run on all of them.

use bytes::Bytes;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::ops::Range;

/// A key. Keys order by their bytes.
pub type Key = Vec<u8>;

/// What an engine call gives.
pub type EngineFuture<'a, T> = BoxFuture<'a, Result<T, EngineError>>;

/// An ordered, transactional key-value store.
pub trait Engine: Send + Sync + 'static {
    /// Opens a view of everything committed so far, which later commits do not change.
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>>;

    /// Applies all writes, or none. When it returns, the writes survive the loss of the process, and of power
    /// where the engine promises durability.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when a key in `expected` holds another value than stated; then nothing is written.
    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()>;
}

/// A stable view of an [`Engine`].
pub trait Snapshot: Send + Sync {
    /// The values of `keys`, in their order. Stops after the value with which the sum of lengths passes
    /// `max_bytes`, so the answer may be shorter than `keys`, but is never empty when `keys` is not.
    fn get_many(&self, keys: Vec<Key>, max_bytes: usize) -> EngineFuture<'_, Vec<Option<Bytes>>>;

    /// The first entries of a range in the direction asked for.
    fn scan(&self, scan: Scan) -> EngineFuture<'_, Vec<(Bytes, Bytes)>>;
}

impl dyn Snapshot + '_ {
    /// The value of one key.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn get(&self, key: Key) -> Result<Option<Bytes>, EngineError> {
        Ok(self.get_many(vec![key], usize::MAX).await?.pop().flatten())
    }
}

/// Reads keys one by one until the budget of [`Snapshot::get_many`] is spent.
pub(super) fn get_within(
    keys: Vec<Key>,
    max_bytes: usize,
    get: impl Fn(&[u8]) -> Result<Option<Bytes>, EngineError>,
) -> Result<Vec<Option<Bytes>>, EngineError> {
    let mut left = max_bytes;
    let mut values = Vec::with_capacity(keys.len());
    for key in keys {
        let value = get(&key)?;
        let length = value.as_ref().map_or(0, Bytes::len);
        values.push(value);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => break,
        }
    }
    Ok(values)
}

/// A range scan.
#[derive(Clone, Debug)]
pub struct Scan {
    /// From the first key, inclusive, to the last, exclusive.
    pub range: Range<Key>,
    /// From which end.
    pub direction: Direction,
    /// How many entries at most.
    pub limit: usize,
}

impl Scan {
    /// From the start of a range.
    pub fn forward(range: Range<Key>, limit: usize) -> Self {
        Self { range, direction: Direction::Forward, limit }
    }
}

/// The order in which a scan gives entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// An atomic change.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// What these keys must still hold; the read set of the decision that led to the writes.
    pub expected: BTreeMap<Key, Option<Bytes>>,
    /// New values; `None` removes the key.
    pub writes: BTreeMap<Key, Option<Bytes>>,
}

/// Why an engine could not do it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Somebody else changed what the decision was based on. Decide again.
    #[error("another writer was faster")]
    Conflict,
    /// The disk refused a write, most likely because it is full.
    #[error("the disk refused a write; make room and restart the server")]
    Full,
    /// Anything else that goes wrong with files, memory or the network.
    #[error("the store failed: {0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl EngineError {
    pub(crate) fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}
