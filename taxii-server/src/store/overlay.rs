//! The overlay on which groups are applied: a snapshot, and over it the writes of earlier groups in the same commit.

use super::StoreError;
use super::backup::{self, BackupMarker, Mode};
use super::engine::{self, Commit, Direction, HeadChange, Key, KeyValue, Scan, Snapshot};
use super::{keys, migration};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Range;
use uuid::Uuid;

/// Bytes of one part of a large value. It is part of the layout, so that every engine holds equal bytes.
pub(super) const PART_BYTES: usize = 1 << 20;

/// A snapshot with writes over it.
pub(super) struct Overlay<'s> {
    snapshot: &'s dyn Snapshot,
    /// Values of the snapshot that were loaded.
    loaded: BTreeMap<Key, Option<Bytes>>,
    commit: Commit,
    /// What changed keys held before, while that is noted; `None` where the snapshot has it.
    before: Option<BTreeMap<Key, Option<Option<Bytes>>>>,
}

/// A key that changed.
pub(super) struct Changed {
    pub(super) key: Key,
    pub(super) from: Option<Bytes>,
    pub(super) to: Option<Bytes>,
}

impl<'s> Overlay<'s> {
    pub(super) fn new(snapshot: &'s dyn Snapshot) -> Self {
        Self { snapshot, loaded: BTreeMap::new(), commit: Commit::default(), before: None }
    }

    /// Returns the commit. While a backup runs it notes what it changes, under an identifier of its own.
    pub(super) async fn into_commit(mut self, id: Uuid) -> Result<Commit, StoreError> {
        let Commit { heads, writes, cleared, .. } = &self.commit;
        if writes.is_empty() && cleared.is_empty() && heads.values().all(|change| change.from == change.to) {
            return Ok(Commit::default());
        }
        self.load([marker_key()]).await?;
        if let Some(BackupMarker { id: backup, mode: Mode::Journal, .. }) = self.marker()? {
            backup::note(&mut self.commit, backup, id);
        }
        Ok(self.commit)
    }

    /// The marker of a backup. It is read together with the first keys.
    fn marker(&self) -> Result<Option<BackupMarker>, StoreError> {
        self.loaded.get(&marker_key()).and_then(Option::as_ref).map(BackupMarker::decode).transpose()
    }

    /// Whether the store takes no writes now.
    pub(super) fn is_frozen(&self) -> Result<bool, StoreError> {
        Ok(self.marker()?.is_some_and(|marker| marker.mode == Mode::Frozen))
    }

    /// Makes the commit hold only while the marker of a backup is as it was in the snapshot.
    pub(super) async fn hold_marker(&mut self) -> Result<(), StoreError> {
        self.load([marker_key()]).await?;
        self.hold(marker_key());
        Ok(())
    }

    /// Reads the keys that are not known yet, in one step.
    pub(super) async fn load(&mut self, keys: impl IntoIterator<Item = Key>) -> Result<(), StoreError> {
        let mut keys: Vec<_> = keys.into_iter().filter(|key| !self.loaded.contains_key(key)).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(());
        }
        let is_first = self.loaded.is_empty();
        if is_first {
            // A commit needs to know of a backup and of the format, which must not cost a read.
            keys.retain(|key| *key != marker_key());
            keys.extend([marker_key(), keys::FORMAT.to_vec()]);
        }
        let values = self.snapshot.get_many(keys.clone(), usize::MAX).await?;
        self.loaded.extend(keys.into_iter().zip(values));
        // A newer process that shares the store may have brought it to the next format; then this one writes no more.
        if is_first && let Some(format) = self.loaded.get(keys::FORMAT).and_then(Option::as_ref) {
            migration::check_own(format)?;
        }
        Ok(())
    }

    /// The value of a key that was loaded or written.
    pub(super) fn get(&self, key: &Key) -> Option<&Bytes> {
        if let Some(change) = self.commit.heads.get(key) {
            return change.to.as_ref();
        }
        if let Some(written) = self.commit.writes.get(key) {
            return written.as_ref();
        }
        if self.commit.cleared.iter().any(|range| range.contains(key)) {
            return None;
        }
        debug_assert!(self.loaded.contains_key(key), "{key:?} is read without being loaded");
        self.loaded.get(key)?.as_ref()
    }

    /// Begins to note what keys hold before they change.
    pub(super) fn follow(&mut self) {
        self.before = Some(BTreeMap::new());
    }

    /// What changed since then. Ranges that were cleared are not among it.
    pub(super) async fn changes(&mut self) -> Result<Vec<Changed>, StoreError> {
        let before = self.before.take().unwrap_or_default();
        self.load(before.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key.clone())).await?;
        let changed = before.into_iter().map(|(key, from)| {
            let from = from.unwrap_or_else(|| self.loaded.get(&key).cloned().flatten());
            let to = self.get(&key).cloned();
            Changed { key, from, to }
        });
        Ok(changed.filter(|changed| changed.from != changed.to).collect())
    }

    fn note_before(&mut self, key: &Key) {
        let Some(before) = self.before.as_mut().filter(|before| !before.contains_key(key)) else { return };
        let written = self.commit.heads.get(key).map(|change| &change.to);
        let value = written.or_else(|| self.commit.writes.get(key)).or_else(|| self.loaded.get(key));
        before.insert(key.clone(), value.cloned());
    }

    pub(super) fn put(&mut self, key: Key, value: Bytes) {
        self.note_before(&key);
        self.commit.writes.insert(key, Some(value));
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.note_before(&key);
        self.commit.writes.insert(key, None);
    }

    /// Puts or removes a head that was loaded. The commit holds only while the head is as it was in the snapshot.
    pub(super) fn put_head(&mut self, key: Key, to: Option<Bytes>) {
        self.note_before(&key);
        match self.commit.heads.get_mut(&key) {
            Some(change) => change.to = to,
            None => {
                let from = self.loaded.get(&key).cloned().flatten();
                self.commit.heads.insert(key, HeadChange { from, to });
            }
        }
    }

    /// Makes the commit hold only while a key that was loaded is as it was in the snapshot.
    pub(super) fn hold(&mut self, key: Key) {
        if !self.commit.heads.contains_key(&key) {
            let from = self.loaded.get(&key).cloned().flatten();
            self.commit.heads.insert(key, HeadChange { to: from.clone(), from });
        }
    }

    /// Removes every key of a range that holds no heads.
    pub(super) fn clear(&mut self, range: Range<Key>) {
        debug_assert!(self.before.is_none(), "what follows changes clears no range");
        // Looks at the writes inside the range only: one group may clear thousands of ranges.
        let hidden: Vec<_> = self.commit.writes.range(range.clone()).map(|(key, _)| key.clone()).collect();
        for key in hidden {
            self.commit.writes.remove(&key);
        }
        self.commit.cleared.push(range);
    }

    /// Puts a value of any length, in parts.
    pub(super) fn put_large(&mut self, key: &Key, value: Bytes) {
        for (number, start) in (0..value.len().max(1)).step_by(PART_BYTES).enumerate() {
            let part = value.slice(start..value.len().min(start + PART_BYTES));
            self.put(part_key(key, number), part);
        }
    }

    /// Removes a value of this length.
    pub(super) fn remove_large(&mut self, key: &Key, length: usize) {
        for number in 0..parts(length) {
            self.remove(part_key(key, number));
        }
    }

    /// Reads a value of this length.
    pub(super) async fn load_large(&mut self, key: &Key, length: usize) -> Result<Bytes, StoreError> {
        let keys: Vec<_> = part_keys(key, length).collect();
        self.load(keys.clone()).await?;
        join(keys.iter().map(|key| self.get(key).cloned()), length)
    }

    /// The first entries of a range in the direction asked for.
    pub(super) async fn scan(&self, scan: Scan) -> Result<Vec<KeyValue>, StoreError> {
        let mut merged: BTreeMap<Bytes, Bytes> = BTreeMap::new();
        let mut piece = scan.clone();
        loop {
            let entries = self.snapshot.scan(piece.clone()).await?;
            let has_more = piece.has_more(&entries);
            // The piece is complete where it was read; there may be more entries after that.
            let mut read = piece.range.clone();
            if let Some((last, _)) = entries.last().filter(|_| has_more) {
                piece.go_on_after(last);
                match scan.direction {
                    Direction::Forward => read.end.clone_from(&piece.range.start),
                    Direction::Backward => read.start.clone_from(&piece.range.end),
                }
            }
            merged.extend(entries.into_iter().filter(|(key, _)| !self.is_hidden(key)));
            for (key, value) in self.commit.writes.range(read) {
                if let Some(value) = value {
                    merged.insert(Bytes::copy_from_slice(key), value.clone());
                }
            }
            if !has_more || merged.len() >= scan.limit {
                let entries = merged.into_iter();
                return Ok(match scan.direction {
                    Direction::Forward => entries.take(scan.limit).collect(),
                    Direction::Backward => entries.rev().take(scan.limit).collect(),
                });
            }
        }
    }

    /// All entries of a range.
    pub(super) async fn scan_all(&self, range: Range<Key>) -> Result<Vec<KeyValue>, StoreError> {
        engine::scan_pieces(range, |piece| self.scan(piece)).await
    }

    fn is_hidden(&self, key: &Bytes) -> bool {
        self.commit.writes.contains_key(&key[..])
            || self.commit.cleared.iter().any(|range| range.start[..] <= key[..] && key[..] < range.end[..])
    }
}

fn marker_key() -> Key {
    keys::local(keys::BACKUP)
}

fn parts(length: usize) -> usize {
    length.div_ceil(PART_BYTES).max(1)
}

fn part_key(key: &Key, number: usize) -> Key {
    keys::part(key, u16::try_from(number).expect("a request is far smaller than 65536 parts"))
}

/// The keys of the parts of a value of this length.
fn part_keys(key: &Key, length: usize) -> impl Iterator<Item = Key> {
    (0..parts(length)).map(move |number| part_key(key, number))
}

/// Reads large values, each with its key and its length, in one step; `None` for those of which a part is missing.
pub(super) async fn read_large(
    snapshot: &dyn Snapshot,
    values: &[(Key, usize)],
) -> Result<Vec<Option<Bytes>>, StoreError> {
    let keys = values.iter().flat_map(|(key, length)| part_keys(key, *length)).collect();
    let mut found = snapshot.get_many(keys, usize::MAX).await?.into_iter();
    let mut read = Vec::with_capacity(values.len());
    for (_, length) in values {
        let parts: Vec<_> = found.by_ref().take(parts(*length)).collect();
        let is_whole = parts.iter().all(Option::is_some);
        read.push(if is_whole { Some(join(parts, *length)?) } else { None });
    }
    Ok(read)
}

/// Joins the parts of a value; a single part is not copied.
fn join(parts: impl IntoIterator<Item = Option<Bytes>>, length: usize) -> Result<Bytes, StoreError> {
    let corrupt = StoreError::Corrupt("a large value");
    let parts: Vec<_> = match parts.into_iter().collect::<Option<_>>() {
        Some(parts) => parts,
        None => return Err(corrupt),
    };
    let whole = match &parts[..] {
        [single] => single.clone(),
        many => many.concat().into(),
    };
    if whole.len() == length { Ok(whole) } else { Err(corrupt) }
}
