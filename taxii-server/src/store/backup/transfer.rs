//! Copying a store into another engine, while it takes no writes.

use super::marker::{Marker, Mode};
use super::place::Place;
use super::{BackupError, Pace, RENEW};
use crate::clock::Clock;
use crate::store::engine::{Commit, Engine, Key, Scan};
use crate::store::writer::Attempts;
use crate::store::{Store, StoreError, keys};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::time::Instant;

/// A store that is being copied into another engine. Nothing else changes it meanwhile: writers of all processes refuse.
pub struct Transfer {
    source: Arc<dyn Engine>,
    clock: Arc<Clock>,
    marker: Marker,
    renewed: Instant,
    place: Place,
    pub(in crate::store) pace: Pace,
    versions: u64,
}

/// The sum over all keys and values of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Keys.
    pub keys: u64,
    /// SHA-256 over all keys and values in their order.
    pub digest: [u8; 32],
}

impl Store {
    /// Stops all writes, and begins to copy the store into an empty engine. One that was broken off goes on where it was,
    /// when nothing was written to this store since; else it begins again.
    ///
    /// # Errors
    /// When a backup runs, the other engine is not empty, or an engine fails.
    pub async fn transfer(&self, target: Arc<dyn Engine>) -> Result<Transfer, BackupError> {
        let limits = target.limits();
        let mut place = Place::find(target, "migration").await?;
        let clock = Arc::clone(&self.clock);
        let held = match place.source() {
            Some(id) => Marker::hold_again(&*self.engine, &clock, id).await?,
            None => None,
        };
        let marker = match held {
            Some(marker) => {
                place.take().await?;
                marker
            }
            None => {
                let marker = Marker::place(&*self.engine, &clock, Mode::Frozen).await?;
                let begun = match self.fence().await {
                    Ok(()) => place.begin(Some(marker.id)).await,
                    Err(error) => Err(error.into()),
                };
                if let Err(error) = begun {
                    marker.remove(&*self.engine).await?;
                    return Err(error);
                }
                marker
            }
        };
        let pace = Pace {
            copied: super::PACE.copied.min(limits.commit_keys.saturating_sub(2)).max(1),
            // Keys count too, and one value comes on top.
            copied_bytes: super::PACE.copied_bytes.min(limits.commit_bytes / 4),
            ..super::PACE
        };
        let renewed = Instant::now();
        let versions = self.held_versions().await?;
        Ok(Transfer { source: Arc::clone(&self.engine), clock, marker, renewed, place, pace, versions })
    }
}

impl Store {
    /// Lets the store take writes again, when it was moved, or a migration of it was broken off. Says whether it was so.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn release(&self) -> Result<bool, BackupError> {
        Ok(super::marker::release(&*self.engine).await?)
    }
}

impl Transfer {
    /// Versions of objects in the store.
    pub fn versions(&self) -> u64 {
        self.versions
    }

    /// Copies the next keys, and returns them; `None` when all are copied.
    ///
    /// # Errors
    /// When an engine fails, or the source was written to.
    pub async fn next(&mut self) -> Result<Option<Vec<Bytes>>, BackupError> {
        self.renew().await?;
        let after = self.place.after();
        let mut from = after.map_or(keys::all().start, |after| keys::following(after.clone()));
        loop {
            let piece = read(&*self.source, &from, self.pace, Some(&self.marker)).await?;
            let Some(last) = piece.last else { return Ok(None) };
            from = keys::following(last.clone());
            if piece.entries.is_empty() {
                continue;
            }
            let keys = piece.entries.iter().map(|(key, _)| key.clone()).collect();
            let writes = piece.entries.into_iter().map(|(key, value)| (key.to_vec(), Some(value))).collect();
            self.place.commit_up_to(Commit { writes, ..Commit::default() }, last).await?;
            return Ok(Some(keys));
        }
    }

    /// Reads both sides again, and compares them. `progress` is told how many keys were read.
    ///
    /// # Errors
    /// [`BackupError::Differs`] when they are not equal, after which the next run begins again; when an engine fails.
    pub async fn verify(&mut self, mut progress: impl FnMut(&[Bytes])) -> Result<Sum, BackupError> {
        let mut sums = Vec::new();
        for engine in [Arc::clone(&self.source), self.place.engine()] {
            let is_source = sums.is_empty();
            let (mut hash, mut count) = (Sha256::new(), 0);
            let mut from = keys::all().start;
            loop {
                self.renew().await?;
                let piece = read(&*engine, &from, self.pace, is_source.then_some(&self.marker)).await?;
                let Some(last) = piece.last else { break };
                from = keys::following(last);
                for (key, value) in &piece.entries {
                    for part in [key, value] {
                        hash.update((part.len() as u64).to_be_bytes());
                        hash.update(part);
                    }
                }
                count += piece.entries.len() as u64;
                progress(&piece.entries.into_iter().map(|(key, _)| key).collect::<Vec<_>>());
            }
            sums.push(Sum { keys: count, digest: hash.finalize().into() });
        }
        let target = sums.pop();
        match (sums.pop(), target) {
            (Some(source), Some(target)) if source == target => Ok(source),
            _ => {
                self.place.forget().await?;
                Err(BackupError::Differs)
            }
        }
    }

    /// Makes the target a store. The source takes no writes any more, see [`Store::release`]: what clients still wrote there
    /// would be missing in the target.
    ///
    /// # Errors
    /// When the source may have been written to since, or an engine fails. It goes on when it is run again.
    pub async fn finish(self) -> Result<(), BackupError> {
        match self.marker.seal(&*self.source).await? {
            true => self.place.finish(crate::store::FORMAT).await,
            false => Err(BackupError::Lost),
        }
    }

    /// Lets the source take writes again, when the transfer failed. It begins again the next time.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn give_up(self) -> Result<(), BackupError> {
        Ok(self.marker.remove(&*self.source).await?)
    }

    async fn renew(&mut self) -> Result<(), BackupError> {
        if self.renewed.elapsed() > RENEW {
            self.renewed = Instant::now();
            if !self.marker.renew(&*self.source, &self.clock).await? {
                return Err(BackupError::Lost);
            }
        }
        Ok(())
    }
}

/// Entries that were read at once.
struct Piece {
    /// Those that belong to the store.
    entries: Vec<(Bytes, Bytes)>,
    /// The last key, whatever it belongs to; `None` at the end.
    last: Option<Key>,
}

/// Reads entries from a key on, from one snapshot. With a marker, that snapshot must hold it.
async fn read(
    engine: &dyn Engine,
    from: &Key,
    pace: Pace,
    marker: Option<&Marker>,
) -> Result<Piece, BackupError> {
    let mut attempts = Attempts::new();
    loop {
        match read_once(engine, from, pace, marker).await {
            Err(BackupError::Store(StoreError::Engine(error))) => attempts.again(error).await?,
            read => return read,
        }
    }
}

async fn read_once(
    engine: &dyn Engine,
    from: &Key,
    pace: Pace,
    marker: Option<&Marker>,
) -> Result<Piece, BackupError> {
    let snapshot = engine.snapshot().await?;
    if let Some(marker) = marker {
        let found = snapshot.get(keys::local(keys::BACKUP)).await?;
        let found = found.as_ref().map(Marker::decode).transpose()?;
        if found.is_none_or(|found| found.id != marker.id) {
            return Err(BackupError::Lost);
        }
    }
    let range = from.clone()..keys::all().end;
    let scan = Scan { max_bytes: pace.copied_bytes, ..Scan::forward(range, pace.copied) };
    let mut entries = snapshot.scan(scan).await?;
    let last = entries.last().map(|(key, _)| key.to_vec());
    entries.retain(|(key, _)| keys::is_content(key));
    Ok(Piece { entries, last })
}
