//! Small values that were read or written lately. Reading them takes no file and no other thread.

use crate::store::engine::{Commit, Key};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Largest key with its value that is kept, in bytes.
const LARGEST: usize = 4 << 10;
/// Bytes of keys and values; with more of them, all are forgotten.
const BYTES: usize = 4 << 20;
/// What is read with more keys at once is a page, and not kept.
const KEYS_AT_ONCE: usize = 16;
/// Bytes that an entry costs besides its key and value.
const ENTRY: usize = 96;

/// What snapshots see under some keys.
///
/// A value is noted with the number of the last commit before it was read, and is what each later snapshot sees too: a
/// commit first notes or forgets what it changes, under the same lock, and only then do snapshots see it.
#[derive(Default)]
pub(super) struct Recent(RwLock<Known>);

#[derive(Default)]
struct Known {
    /// Number of the last commit.
    commit: u64,
    values: BTreeMap<Key, Value>,
    bytes: usize,
}

struct Value {
    /// The commit from which on snapshots see it.
    since: u64,
    value: Option<Bytes>,
}

impl Recent {
    /// The values of keys as the snapshot after a commit sees them; `None` when one is not known, or they are more than
    /// `max_bytes` together.
    pub(super) fn get(&self, commit: u64, keys: &[Key], max_bytes: usize) -> Option<Vec<Option<Bytes>>> {
        let known = self.read();
        let value = |key| {
            let Value { since, value } = known.values.get(key)?;
            (*since <= commit).then(|| value.clone())
        };
        let values: Vec<_> = keys.iter().map(value).collect::<Option<_>>()?;
        let bytes: usize = values.iter().flatten().map(Bytes::len).sum();
        (bytes <= max_bytes).then_some(values)
    }

    /// Keeps what the snapshot after a commit has read, unless there was another commit since.
    pub(super) fn note(&self, commit: u64, keys: Vec<Key>, values: &[Option<Bytes>]) {
        if keys.len() > KEYS_AT_ONCE {
            return;
        }
        let mut known = self.write();
        if known.commit == commit {
            for (key, value) in keys.into_iter().zip(values) {
                known.put(key, value.clone());
            }
        }
    }

    /// Takes in what a commit changed, before snapshots see it, and returns its number. The values of heads are kept, since
    /// each read begins with one.
    pub(super) fn commit(&self, commit: &Commit) -> u64 {
        let mut known = self.write();
        known.commit += 1;
        for range in &commit.cleared {
            known.retain(|key| !range.contains(key));
        }
        for key in commit.writes.keys() {
            known.remove(key);
        }
        for (key, change) in &commit.heads {
            known.put(key.clone(), change.to.clone());
        }
        known.commit
    }

    /// Forgets everything, for another database, and returns the number of its first snapshot.
    pub(super) fn begin_again(&self) -> u64 {
        let mut known = self.write();
        *known = Known { commit: known.commit + 1, ..Known::default() };
        known.commit
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn put(&mut self, key: Key, value: Option<Bytes>) {
        self.remove(&key);
        let bytes = size(&key, value.as_ref());
        if bytes > LARGEST {
            return;
        }
        if self.bytes + bytes > BYTES {
            self.values.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        // What is kept must not hold the page or the request that it is a part of.
        let value = value.map(|value| Bytes::copy_from_slice(&value));
        self.values.insert(key, Value { since: self.commit, value });
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(Value { value, .. }) = self.values.remove(key) {
            self.bytes -= size(key, value.as_ref());
        }
    }

    fn retain(&mut self, mut stays: impl FnMut(&Key) -> bool) {
        self.values.retain(|key, value| {
            let stays = stays(key);
            if !stays {
                self.bytes -= size(key, value.value.as_ref());
            }
            stays
        });
    }
}

fn size(key: &[u8], value: Option<&Bytes>) -> usize {
    key.len() + value.map_or(0, Bytes::len) + ENTRY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::HeadChange;

    fn bytes(text: &str) -> Option<Bytes> {
        Some(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn head(value: &str) -> Commit {
        let change = HeadChange { from: None, to: bytes(value) };
        Commit { heads: BTreeMap::from([(b"h".to_vec(), change)]), ..Commit::default() }
    }

    #[test]
    fn a_snapshot_never_sees_what_was_committed_after_it() {
        let recent = Recent::default();
        let get = |commit| recent.get(commit, &[b"h".to_vec()], usize::MAX);
        let first = recent.commit(&head("one"));
        assert_eq!(get(first), Some(vec![bytes("one")]));
        let second = recent.commit(&head("two"));
        assert_eq!((get(first), get(second)), (None, Some(vec![bytes("two")])));
        recent.note(first, vec![b"h".to_vec(), b"k".to_vec()], &[bytes("one"), bytes("old")]);
        assert_eq!(get(second), Some(vec![bytes("two")]), "what an old snapshot has read is not kept");
        assert_eq!(recent.get(second, &[b"k".to_vec()], usize::MAX), None);
    }

    #[test]
    fn what_a_commit_changes_is_not_seen_any_more() {
        let recent = Recent::default();
        let keys: Vec<Key> = ["a", "b", "c"].map(|key| key.as_bytes().to_vec()).into();
        let get = |commit, key: &Key| recent.get(commit, std::slice::from_ref(key), usize::MAX);
        recent.note(0, keys.clone(), &[bytes("1"), None, bytes("3")]);
        assert_eq!(recent.get(0, &keys, 2), Some(vec![bytes("1"), None, bytes("3")]));
        assert_eq!(recent.get(0, &keys, 1), None, "they are more than what is asked for");
        let written = BTreeMap::from([(keys[1].clone(), bytes("2"))]);
        let cleared = vec![b"c".to_vec()..b"d".to_vec()];
        let second = recent.commit(&Commit { writes: written, cleared, ..Commit::default() });
        let found: Vec<_> = keys.iter().map(|key| get(second, key)).collect();
        assert_eq!(found, [Some(vec![bytes("1")]), None, None]);
        let third = recent.begin_again();
        assert_eq!(get(third, &keys[0]), None);
    }

    #[test]
    fn memory_is_bounded() {
        let recent = Recent::default();
        let value = Some(Bytes::from(vec![0; 2 << 10]));
        for number in 0..5_000_u32 {
            recent.note(0, vec![number.to_be_bytes().to_vec()], std::slice::from_ref(&value));
            assert!(recent.read().bytes <= BYTES);
        }
        let known = recent.read();
        let held: usize = known.values.iter().map(|(key, held)| size(key, held.value.as_ref())).sum();
        assert_eq!(known.bytes, held);
    }
}
