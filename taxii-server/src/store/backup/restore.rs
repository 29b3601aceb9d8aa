//! Restoring a backup into an empty engine.

use super::place::Place;
use super::{BackupError, Record};
use crate::store::engine::{Commit, Engine, Key};
use crate::store::{StoreError, keys};
use std::ops::Range;
use std::sync::Arc;

/// Bytes and keys of one commit, where the engine takes as much.
const COMMIT: (usize, usize) = if cfg!(test) { (4 << 10, 50) } else { (8 << 20, 20_000) };

/// A restore into an empty place. Until it is finished there is no store; begun again, it begins at the beginning.
pub struct Restore {
    place: Place,
    batch: Commit,
    bytes: usize,
    max_bytes: usize,
    max_keys: usize,
}

impl Restore {
    /// Begins in an empty place, or in one where a restore was broken off.
    ///
    /// # Errors
    /// [`BackupError::NotEmpty`] when anything else is there; when the engine fails.
    pub async fn begin(engine: Arc<dyn Engine>) -> Result<Self, BackupError> {
        let limits = engine.limits();
        let (bytes, keys) = COMMIT;
        let mut place = Place::find(engine, "restore").await?;
        place.begin(None).await?;
        let max_bytes = bytes.min(limits.commit_bytes / 2);
        // The heads count too.
        let max_keys = keys.min(limits.commit_keys.saturating_sub(2)).max(1);
        Ok(Self { place, batch: Commit::default(), bytes: 0, max_bytes, max_keys })
    }

    /// Takes the next record of the backup.
    ///
    /// # Errors
    /// When the engine fails, or another process restores to the same place.
    pub async fn add(&mut self, record: Record) -> Result<(), BackupError> {
        let bytes = match &record {
            Record::Put { key, .. } | Record::Remove { key } if !keys::is_content(key) => {
                return Err(StoreError::Corrupt("a key of the backup").into());
            }
            Record::Put { key, value } => key.len() + value.len(),
            Record::Remove { key } => key.len(),
            Record::Clear { range: Range { start, end } } => start.len() + end.len(),
        };
        let held = self.batch.writes.len() + self.batch.cleared.len();
        if held > 0 && (held >= self.max_keys || self.bytes + bytes > self.max_bytes) {
            self.flush().await?;
        }
        self.bytes += bytes;
        match record {
            Record::Put { key, value } => {
                self.batch.writes.insert(key.to_vec(), Some(value));
            }
            Record::Remove { key } => {
                self.batch.writes.insert(key.to_vec(), None);
            }
            Record::Clear { range } => {
                let range = range.start.to_vec()..range.end.to_vec();
                let hidden: Vec<Key> =
                    self.batch.writes.range(range.clone()).map(|(key, _)| key.clone()).collect();
                for key in hidden {
                    self.batch.writes.remove(&key);
                }
                self.batch.cleared.push(range);
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), BackupError> {
        self.bytes = 0;
        self.place.commit(std::mem::take(&mut self.batch)).await
    }

    /// Makes it a store, of the format that the backup names.
    ///
    /// # Errors
    /// As [`Restore::add`].
    pub async fn finish(mut self, format: u32) -> Result<(), BackupError> {
        self.flush().await?;
        self.place.finish(format).await
    }
}
