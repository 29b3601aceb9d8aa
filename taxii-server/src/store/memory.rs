//! The engine for tests: an ordered map in memory.

use super::engine::{
    Commit, Content, Direction, Engine, EngineError, EngineFuture, Key, KeyValue, Scan, Snapshot, get_within,
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

type Map = BTreeMap<Key, Bytes>;

/// Keeps everything in memory and forgets it with the process.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    map: RwLock<Arc<Map>>,
}

#[cfg(test)]
impl MemoryEngine {
    /// Another engine with what this one holds now.
    pub(super) fn fork(&self) -> Self {
        let map = self.map.read().expect("no writer panicked");
        Self { map: RwLock::new(Arc::clone(&map)) }
    }
}

impl Engine for MemoryEngine {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        let map = self.map.read().map(|map| Arc::clone(&map)).map_err(|_| poisoned());
        Box::pin(async { Ok(Box::new(MemorySnapshot(map?)) as Box<dyn Snapshot>) })
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        let result = self.map.write().map_err(|_| poisoned()).and_then(|mut map| {
            if commit.heads.iter().any(|(key, change)| map.get(key) != change.from.as_ref()) {
                return Err(EngineError::Conflict);
            }
            // Copies the map only while a snapshot still looks at it.
            let map = Arc::make_mut(&mut map);
            for range in commit.cleared {
                let cleared: Vec<_> = map.range(range).map(|(key, _)| key.clone()).collect();
                for key in cleared {
                    map.remove(&key);
                }
            }
            let heads = commit.heads.into_iter().map(|(key, change)| (key, change.to));
            for (key, value) in commit.writes.into_iter().chain(heads) {
                match value {
                    // A copy: what is given may be a part of a request, all of which would stay in memory.
                    Some(value) => map.insert(key, Bytes::copy_from_slice(&value)),
                    None => map.remove(&key),
                };
            }
            Ok(())
        });
        Box::pin(async { result })
    }

    fn settle(&self) -> EngineFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

fn poisoned() -> EngineError {
    EngineError::failed("a writer panicked")
}

struct MemorySnapshot(Arc<Map>);

impl Snapshot for MemorySnapshot {
    fn get_many(&self, keys: Vec<Key>, max_bytes: usize) -> EngineFuture<'_, Vec<Option<Bytes>>> {
        Box::pin(async move { get_within(keys, max_bytes, |key| Ok(self.0.get(key).cloned())) })
    }

    fn scan(&self, scan: Scan) -> EngineFuture<'_, Vec<KeyValue>> {
        Box::pin(async move {
            if scan.range.is_empty() {
                return Ok(Vec::new());
            }
            let entry = |(key, value): (&Key, &Bytes), content| {
                let value = if content == Content::Keys { Bytes::new() } else { value.clone() };
                (Bytes::copy_from_slice(key), value)
            };
            let range = self.0.range(scan.range.clone()).map(Ok);
            match scan.direction {
                Direction::Forward => scan.collect(range, entry),
                Direction::Backward => scan.collect(range.rev(), entry),
            }
        })
    }
}
