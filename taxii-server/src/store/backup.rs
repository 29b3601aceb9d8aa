//! Backups: everything that a store holds at one instant, read while it is written to.
//!
//! A backup is a sequence of records, which put and remove keys. It is read in pieces, each from a snapshot of its own, so
//! no snapshot lives long; and yet it is one consistent cut, because commits note in a journal which keys they change while
//! a backup runs:
//!
//! 1. The marker of the backup is placed, and then the head of every collection is changed. A commit that was decided
//!    before conflicts, because it compares a head, or the marker itself where it belongs to no collection; it is decided
//!    anew, sees the marker, and notes its keys in the same commit.
//! 2. All keys are read, in their order. The journal is read meanwhile: of each key that it names, and that was read
//!    already, the value is read again.
//! 3. When all keys are read, the last piece is the one whose snapshot S shows a journal that could be read to its end.
//!
//! *Why the records give the store as it was at S.* Let c be the last commit before S that changed a key. If the key was
//! copied after c, that record has its value at S; if not, c came after the heads had changed, so its entry of the journal
//! was read in a snapshot not older than c, at S the latest, and with it the value of the key. Snapshots only grow newer
//! from record to record, so the last record of a key has its value at S.

mod journal;
mod marker;
mod place;
mod restore;
mod transfer;

use super::directory::Collection;
use super::engine::{Commit, Engine, Key, KeyValue, Scan, Snapshot};
use super::keys::Region;
use super::record::Head;
use super::writer::Attempts;
use super::{Command, Fence, Rejection, Store, StoreError, Target, keys};
use crate::clock::Clock;
use crate::rights::Principal;
use bytes::Bytes;
use futures::future::try_join_all;
use journal::Changes;
use marker::Marker;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use stix_model::Timestamp;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio::time::Instant;
use uuid::Uuid;

pub(super) use journal::note;
pub(super) use marker::{Marker as BackupMarker, Mode};
pub(super) use place::unfinished_work;
pub use restore::Restore;
pub use transfer::{Sum, Transfer};

/// Keys that are removed at once, or of which the values are read at once.
const KEYS: usize = 2_000;
/// How long one snapshot is read from.
const SNAPSHOT: Duration = Duration::from_secs(20);
/// How long the journal may take to be read to its end, when all keys are copied.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// Time after which the marker is renewed.
const RENEW: Duration = Duration::from_secs(60);
/// How long the end of the store waits for the end of backups.
const SETTLE: Duration = Duration::from_secs(5);
/// Collections whose heads are changed at once.
const FENCED: usize = 256;

/// How much is read in one piece, from one snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Entries that are copied, and bytes of their values.
    pub(super) copied: usize,
    pub(super) copied_bytes: usize,
    /// Entries of the journal that are read at once.
    pub(super) entries: usize,
    /// Bytes of changed keys and their values, after which the next snapshot goes on.
    pub(super) changed_bytes: usize,
}

const PACE: Pace = Pace { copied: 20_000, copied_bytes: 8 << 20, entries: 256, changed_bytes: 32 << 20 };

/// A change of a store that is being restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A key with its value.
    Put {
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
    /// The key is not there.
    Remove {
        /// The key.
        key: Bytes,
    },
    /// No key of a range is there.
    Clear {
        /// From the first key, inclusive, to the last, exclusive.
        range: Range<Bytes>,
    },
}

/// Why a backup or a restore failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is one backup at a time.
    #[error(
        "another backup or migration of this store runs, or was broken off; wait for its end, or try again after {until}; a \
         migration goes on when it is run again, and `taxii-server migrate --release` ends it"
    )]
    Running {
        /// When it counts as broken off.
        until: Timestamp,
    },
    /// The store is no longer in use.
    #[error(
        "this store was moved to another place and takes no writes any more; `taxii-server migrate --release` lets it take \
         them again"
    )]
    Moved,
    /// The marker is gone, so changes may be missing.
    #[error(
        "the backup stood still for {} minutes and was given up; write it to a faster place, and try again",
        marker::HOLD.as_secs() / 60
    )]
    Lost,
    /// Writes came faster than they were read.
    #[error(
        "the store is written to faster than this backup reads it, so it found no end; take it at a quieter time, or write \
         it to a faster place"
    )]
    Overrun,
    /// A later version of the server brought the store to another format.
    #[error("the store was brought to another format meanwhile; take the backup again, with the new version")]
    FormatChanged,
    /// Something is in the place to restore to.
    #[error("there is a store already, and a restore replaces nothing; give an empty place")]
    NotEmpty,
    /// Another process writes to the same place.
    #[error("another process writes to the same place")]
    Taken,
    /// Source and target of a migration are not equal.
    #[error("the copy is not equal to its source; run the same command again, which copies everything anew")]
    Differs,
}

impl From<super::engine::EngineError> for BackupError {
    fn from(error: super::engine::EngineError) -> Self {
        Self::Store(error.into())
    }
}

/// The backups of this process.
#[derive(Default)]
pub(super) struct Backups(Arc<RwLock<()>>);

/// A backup that is being made. Dropped, it is given up.
pub struct Backup {
    engine: Arc<dyn Engine>,
    clock: Arc<Clock>,
    marker: Marker,
    renewed: Instant,
    format: Bytes,
    versions: u64,
    pub(super) pace: Pace,
    progress: Progress,
    /// When all keys were copied.
    copied: Option<Instant>,
    is_over: bool,
    /// Held until nothing of it is left in the store.
    running: Option<OwnedRwLockReadGuard<()>>,
}

#[derive(Clone, Default)]
struct Progress {
    /// The first key that is not copied; `None` when all are.
    position: Option<Key>,
    /// Keys that the journal named, of which the values are still to be read.
    changes: Changes,
    /// The entries that named them.
    entries: Vec<Key>,
    /// Entries that are done with, and still to be removed.
    done: Vec<Key>,
}

impl Store {
    /// Starts a backup. There is one at a time.
    ///
    /// # Errors
    /// When another one runs, or the engine fails.
    pub async fn backup(&self) -> Result<Backup, BackupError> {
        let marker = Marker::place(&*self.engine, &self.clock, Mode::Journal).await?;
        let mut backup = Backup {
            engine: Arc::clone(&self.engine),
            clock: Arc::clone(&self.clock),
            marker,
            renewed: Instant::now(),
            format: Bytes::new(),
            versions: 0,
            pace: PACE,
            progress: Progress { position: Some(keys::all().start), ..Progress::default() },
            copied: None,
            is_over: false,
            running: Some(Arc::clone(&self.backups.0).read_owned().await),
        };
        self.fence().await?;
        let format = get(&*self.engine, vec![keys::FORMAT.to_vec()]).await?.pop().flatten();
        backup.format = format.ok_or(StoreError::Corrupt("the format of the store"))?;
        backup.versions = self.held_versions().await?;
        Ok(backup)
    }

    /// Versions of objects in all collections.
    async fn held_versions(&self) -> Result<u64, StoreError> {
        let heads = self.directory().collections.values().map(|each| keys::head(each.space())).collect();
        let mut versions = 0;
        for head in get(&*self.engine, heads).await?.into_iter().flatten() {
            versions += Head::decode(&head)?.levels.values().flat_map(|level| level.versions).sum::<u64>();
        }
        Ok(versions)
    }

    /// Waits until backups that were given up have left nothing, for a while.
    pub async fn settle_backups(&self) {
        if tokio::time::timeout(SETTLE, self.backups.0.write()).await.is_err() {
            tracing::warn!("a backup does not end; its marker ends by its time");
        }
    }

    /// Changes the head of every collection, so that commits that were decided before conflict.
    async fn fence(&self) -> Result<(), StoreError> {
        // Also collections that other processes made just now. One that is made later is made by a commit that saw the marker.
        let mut attempts = Attempts::new();
        while let Err(error) = self.reload.now().await {
            let StoreError::Engine(error) = error else { return Err(error) };
            attempts.again(error).await?;
        }
        // Collections of a network are changed by entries of its log only, and these commits hold the marker itself.
        let directory = self.directory();
        let own = directory.collections.values().filter(|found| found.region == Region::Local);
        let collections: Vec<_> = own.map(|found| found.id).collect();
        for some in collections.chunks(FENCED) {
            let fences: Vec<_> = some.iter().map(|collection| self.fence_one(*collection)).collect();
            try_join_all(fences).await?;
        }
        Ok(())
    }

    async fn fence_one(&self, collection: Uuid) -> Result<(), StoreError> {
        let operator = Principal::operator(self.organisation);
        loop {
            let Some(current) = self.directory().collections.get(&collection).cloned() else { return Ok(()) };
            let target = Target::of(&Collection::clone(&current), &operator);
            let fence = self.request(&operator, Uuid::new_v4(), Command::Fence(Fence { target }));
            match self.carry_out(fence).await {
                Ok(_) | Err(StoreError::Rejected(Rejection::NoCollection)) => return Ok(()),
                // The directory changed meanwhile.
                Err(StoreError::Rejected(Rejection::Stale)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes what a backup that was broken off left.
    pub(super) async fn clear_backups(&self) -> Result<(), StoreError> {
        marker::remove_old(&*self.engine, &self.clock).await?;
        let mut scan = Scan::keys(keys::journals(), KEYS);
        loop {
            let snapshot = self.engine.snapshot().await?;
            let entries = snapshot.scan(scan.clone()).await?;
            let Some((last, _)) = entries.last() else { return Ok(()) };
            scan.go_on_after(last);
            // As of the same instant: a backup that begins now has its marker before its journal.
            let marker = snapshot.get(keys::local(keys::BACKUP)).await?;
            let marker = marker.as_ref().map(Marker::decode).transpose()?.map(|marker| marker.id);
            let is_old = |key: &Bytes| keys::parse_journal_entry(key) != marker;
            let old = entries.iter().filter(|(key, _)| is_old(key)).map(|(key, _)| key.to_vec());
            remove(&*self.engine, old.collect()).await?;
        }
    }
}

/// Reads values, and again while the engine cannot be reached.
async fn get(engine: &dyn Engine, keys: Vec<Key>) -> Result<Vec<Option<Bytes>>, StoreError> {
    let mut attempts = Attempts::new();
    loop {
        let read = match engine.snapshot().await {
            Ok(snapshot) => snapshot.get_many(keys.clone(), usize::MAX).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(values) => return Ok(values),
            Err(error) => attempts.again(error).await?,
        }
    }
}

/// Reads entries, and again while the engine cannot be reached.
async fn scan(engine: &dyn Engine, scan: Scan) -> Result<Vec<KeyValue>, StoreError> {
    let mut attempts = Attempts::new();
    loop {
        let read = match engine.snapshot().await {
            Ok(snapshot) => snapshot.scan(scan.clone()).await,
            Err(error) => Err(error),
        };
        match read {
            Ok(entries) => return Ok(entries),
            Err(error) => attempts.again(error).await?,
        }
    }
}

/// Removes keys that nothing depends on.
async fn remove(engine: &dyn Engine, keys: Vec<Key>) -> Result<(), StoreError> {
    let limit = engine.limits().commit_keys.min(KEYS);
    for some in keys.chunks(limit) {
        let mut attempts = Attempts::new();
        loop {
            let writes: BTreeMap<_, _> = some.iter().map(|key| (key.clone(), None)).collect();
            match engine.commit(Commit { writes, ..Commit::default() }).await {
                Ok(()) => break,
                Err(error) => attempts.again(error).await?,
            }
        }
    }
    Ok(())
}

impl Backup {
    /// The format of the store.
    pub fn format(&self) -> u32 {
        std::str::from_utf8(&self.format).ok().and_then(|digits| digits.parse().ok()).unwrap_or(super::FORMAT)
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn id(&self) -> Uuid {
        self.marker.id
    }

    /// Versions of objects that the store held at the start.
    pub fn versions(&self) -> u64 {
        self.versions
    }

    /// Reads the next records; `None` when the backup is complete, and all that it left in the store is removed.
    ///
    /// # Errors
    /// When the engine fails, or the backup cannot be completed.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>, BackupError> {
        Ok(self.next_piece().await?.map(|piece| piece.records))
    }

    pub(super) async fn next_piece(&mut self) -> Result<Option<Piece>, BackupError> {
        if self.is_over {
            return Ok(None);
        }
        if self.copied.is_some_and(|copied| copied.elapsed() > PATIENCE) {
            return Err(BackupError::Overrun);
        }
        if self.renewed.elapsed() > RENEW {
            self.renewed = Instant::now();
            if !self.marker.renew(&*self.engine, &self.clock).await? {
                return Err(BackupError::Lost);
            }
        }
        remove(&*self.engine, std::mem::take(&mut self.progress.done)).await?;
        let mut attempts = Attempts::new();
        let mut piece = loop {
            match self.piece().await {
                Err(BackupError::Store(StoreError::Engine(error))) => attempts.again(error).await?,
                read => break read?,
            }
        };
        self.progress = std::mem::take(&mut piece.progress);
        if self.progress.position.is_none() && self.copied.is_none() {
            self.copied = Some(Instant::now());
        }
        if piece.is_last {
            self.is_over = true;
            end(&*self.engine, &self.marker).await?;
        }
        Ok(Some(piece))
    }

    /// Reads a piece from one snapshot. Nothing is changed before it is complete.
    async fn piece(&self) -> Result<Piece, BackupError> {
        let started = Instant::now();
        let mut progress = self.progress.clone();
        let snapshot = self.engine.snapshot().await?;
        let state = vec![keys::local(keys::BACKUP), keys::FORMAT.to_vec()];
        let [marker, format] = &snapshot.get_many(state, usize::MAX).await?[..] else {
            return Err(StoreError::Corrupt("the marker of a backup").into());
        };
        let marker = marker.as_ref().map(Marker::decode).transpose()?;
        if marker.is_none_or(|marker| marker.id != self.marker.id) {
            return Err(BackupError::Lost);
        }
        if format.as_ref() != Some(&self.format) {
            return Err(BackupError::FormatChanged);
        }
        let mut records = Vec::new();
        let mut budget = self.pace.changed_bytes;
        let mut journal = Scan::forward(keys::journal(self.marker.id), self.pace.entries);
        let is_read = loop {
            read_changes(&*snapshot, &mut progress, &mut records, &mut budget).await?;
            if budget == 0 || started.elapsed() > SNAPSHOT {
                break false;
            }
            let entries = snapshot.scan(journal.clone()).await?;
            let Some((last, _)) = entries.last() else { break true };
            journal.go_on_after(last);
            for (key, entry) in &entries {
                progress.changes.add(entry)?;
                progress.entries.push(key.to_vec());
            }
        };
        copy(&*snapshot, self.pace, &mut progress, &mut records).await?;
        let is_last = is_read && progress.position.is_none();
        Ok(Piece { records, progress, is_last, snapshot })
    }
}

/// What was read from one snapshot.
pub(super) struct Piece {
    pub(super) records: Vec<Record>,
    progress: Progress,
    pub(super) is_last: bool,
    #[cfg_attr(not(any(test, feature = "testing")), expect(dead_code, reason = "for the suite"))]
    pub(super) snapshot: Box<dyn Snapshot>,
}

/// Removes what a backup left in the store.
async fn end(engine: &dyn Engine, marker: &Marker) -> Result<(), StoreError> {
    marker.remove(engine).await?;
    loop {
        let entries = scan(engine, Scan::keys(keys::journal(marker.id), KEYS)).await?;
        if entries.is_empty() {
            return Ok(());
        }
        remove(engine, entries.into_iter().map(|(key, _)| key.to_vec()).collect()).await?;
    }
}

impl Drop for Backup {
    /// Gives a backup up that was not read to its end. When the process ends, the marker ends by its time.
    fn drop(&mut self) {
        let (false, Ok(runtime)) = (self.is_over, tokio::runtime::Handle::try_current()) else { return };
        let (engine, marker) = (Arc::clone(&self.engine), self.marker.clone());
        let running = self.running.take();
        runtime.spawn(async move {
            let _running = running;
            if let Err(error) = end(&*engine, &marker).await {
                tracing::warn!(%error, "the marker of a backup that was given up ends by its time");
            }
        });
    }
}

/// Reads the values of changed keys, as far as the keys were copied before: the copy comes to the others.
async fn read_changes(
    snapshot: &dyn Snapshot,
    progress: &mut Progress,
    records: &mut Vec<Record>,
    budget: &mut usize,
) -> Result<(), StoreError> {
    let Progress { position, changes, entries, done } = progress;
    if let Some(position) = position {
        drop(changes.keys.split_off(position));
    }
    while let Some(range) = changes.cleared.pop() {
        let end = position.as_ref().map_or(&range.end, |position| position.min(&range.end));
        if range.start >= *end {
            continue;
        }
        let range = range.start..end.clone();
        let bytes = |key: &Key| Bytes::copy_from_slice(key);
        records.push(Record::Clear { range: bytes(&range.start)..bytes(&range.end) });
        // What was put there since.
        for (key, value) in snapshot.scan_all(range).await? {
            if keys::is_content(&key) {
                *budget = budget.saturating_sub(value.len());
                records.push(Record::Put { key, value });
            }
        }
    }
    while *budget > 0 && !changes.keys.is_empty() {
        let some: Vec<_> = changes.keys.iter().take(KEYS).cloned().collect();
        let values = snapshot.get_many(some.clone(), *budget).await?;
        for (key, value) in some.into_iter().zip(values) {
            changes.keys.remove(&key);
            *budget = budget.saturating_sub(key.len() + value.as_ref().map_or(0, Bytes::len));
            let key = Bytes::from(key);
            records.push(match value {
                Some(value) => Record::Put { key, value },
                None => Record::Remove { key },
            });
        }
    }
    if changes.is_empty() {
        done.append(entries);
    }
    Ok(())
}

/// Copies the next keys.
async fn copy(
    snapshot: &dyn Snapshot,
    pace: Pace,
    progress: &mut Progress,
    records: &mut Vec<Record>,
) -> Result<(), StoreError> {
    let Some(position) = progress.position.take() else { return Ok(()) };
    let (all, journals) = (keys::all(), keys::journals());
    let end = if position < journals.start { journals.start } else { all.end };
    let scan = Scan { max_bytes: pace.copied_bytes, ..Scan::forward(position..end.clone(), pace.copied) };
    let entries = snapshot.scan(scan).await?;
    progress.position = match entries.last() {
        Some((last, _)) => Some(keys::following(last.to_vec())),
        None => (end != keys::all().end).then_some(journals.end),
    };
    records.extend(
        entries
            .into_iter()
            .filter(|(key, _)| keys::is_content(key))
            .map(|(key, value)| Record::Put { key, value }),
    );
    Ok(())
}
