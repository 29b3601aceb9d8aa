//! The journal: the keys that commits change while a backup runs.

use crate::store::StoreError;
use crate::store::engine::{Commit, Key};
use crate::store::keys;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;
use uuid::Uuid;

/// Bytes after which an entry ends and the next one begins. A small number in tests makes commits have several.
const ENTRY_BYTES: usize = if cfg!(test) { 1 << 10 } else { 256 << 10 };

/// What a commit changed, or a part of it.
#[derive(Default, Serialize, Deserialize)]
struct Entry {
    /// Keys, each without the bytes that it shares with the one before, whose number comes first.
    keys: Vec<(u16, Vec<u8>)>,
    /// Ranges that were cleared.
    cleared: Vec<Range<Key>>,
}

impl Entry {
    fn encode(&self) -> Bytes {
        postcard::to_allocvec(self).expect("an entry holds only bytes and numbers").into()
    }
}

/// What entries say together.
#[derive(Clone, Default)]
pub(super) struct Changes {
    pub(super) keys: BTreeSet<Key>,
    pub(super) cleared: Vec<Range<Key>>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.cleared.is_empty()
    }

    /// Adds what an entry says.
    pub(super) fn add(&mut self, entry: &[u8]) -> Result<(), StoreError> {
        let corrupt = StoreError::Corrupt("the journal of a backup");
        let Ok(Entry { keys, cleared }) = postcard::from_bytes(entry) else { return Err(corrupt) };
        let mut before = Key::new();
        for (shared, rest) in keys {
            let Some(start) = before.get(..usize::from(shared)) else { return Err(corrupt) };
            before = [start, &rest].concat();
            self.keys.insert(before.clone());
        }
        self.cleared.extend(cleared);
        Ok(())
    }
}

/// Adds what a commit changes to the commit itself, as entries of the journal of a backup.
pub(in crate::store) fn note(commit: &mut Commit, backup: Uuid, id: Uuid) {
    let heads = commit.heads.iter().filter(|(_, change)| change.from != change.to).map(|(key, _)| key);
    let changed: BTreeSet<&Key> = heads.chain(commit.writes.keys()).collect();
    let mut entries = vec![Entry::default()];
    let mut bytes = 0;
    let mut before: &[u8] = &[];
    for key in changed.into_iter().filter(|key| keys::is_content(key)) {
        if bytes >= ENTRY_BYTES {
            entries.push(Entry::default());
            (bytes, before) = (0, &[]);
        }
        let shared = before.iter().zip(key).take_while(|(one, other)| one == other).count();
        let shared = u16::try_from(shared).unwrap_or(u16::MAX);
        let rest = key[usize::from(shared)..].to_vec();
        bytes += rest.len() + 4;
        before = key;
        if let Some(entry) = entries.last_mut() {
            entry.keys.push((shared, rest));
        }
    }
    for range in &commit.cleared {
        if bytes >= ENTRY_BYTES {
            entries.push(Entry::default());
            bytes = 0;
        }
        bytes += range.start.len() + range.end.len() + 4;
        if let Some(entry) = entries.last_mut() {
            entry.cleared.push(range.clone());
        }
    }
    entries.retain(|entry| !entry.keys.is_empty() || !entry.cleared.is_empty());
    for (part, entry) in (0..).zip(&entries) {
        commit.writes.insert(keys::journal_entry(backup, id, part), Some(entry.encode()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::HeadChange;
    use std::collections::BTreeMap;

    #[test]
    fn a_commit_is_noted_with_all_that_it_changes() {
        let value = Some(Bytes::from_static(b"x"));
        let keys: BTreeSet<Key> = (0..400_u32).map(|number| format!("ol{number:09}").into_bytes()).collect();
        let mut commit = Commit {
            heads: BTreeMap::from([
                (b"hl1".to_vec(), HeadChange { from: None, to: value.clone() }),
                (b"hl2".to_vec(), HeadChange { from: value.clone(), to: value.clone() }),
            ]),
            writes: keys.iter().map(|key| (key.clone(), value.clone())).collect(),
            cleared: vec![b"s1".to_vec()..b"s2".to_vec()],
            ..Commit::default()
        };
        commit.writes.insert(keys::local(keys::PROBE), None);
        let backup = Uuid::from_u128(7);
        note(&mut commit, backup, Uuid::from_u128(8));
        let range = keys::journal(backup);
        let entries: Vec<_> = commit.writes.range(range).collect();
        assert!(entries.len() > 1, "there are several parts");
        let mut changes = Changes::default();
        for (key, entry) in &entries {
            assert_eq!(keys::parse_journal_entry(key), Some(backup));
            assert!(!keys::is_content(key));
            changes.add(entry.as_ref().unwrap()).unwrap();
        }
        let expected: BTreeSet<Key> = keys.into_iter().chain([b"hl1".to_vec()]).collect();
        assert_eq!(changes.keys, expected);
        assert_eq!(changes.cleared, [b"s1".to_vec()..b"s2".to_vec()]);
        let mut held = Commit::default();
        held.heads.insert(b"hl2".to_vec(), HeadChange { from: value.clone(), to: value });
        note(&mut held, backup, Uuid::from_u128(9));
        assert!(held.writes.is_empty(), "a head that is only compared is not noted");
    }
}
