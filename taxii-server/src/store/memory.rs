//! The engine for tests: an ordered map in memory.

use super::engine::{Commit, Engine, EngineError, EngineFuture, Key, KeyValue, LocalSnapshot, Snapshot};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Range;
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
            commit.check_heads(|key| map.get(key))?;
            // Copies the map only while a snapshot still looks at it.
            let map = Arc::make_mut(&mut map);
            for range in &commit.cleared {
                let cleared: Vec<_> = map.range(range.clone()).map(|(key, _)| key.clone()).collect();
                for key in cleared {
                    map.remove(&key);
                }
            }
            for (key, value) in commit.into_values() {
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
}

fn poisoned() -> EngineError {
    EngineError::failed("a writer panicked")
}

struct MemorySnapshot(Arc<Map>);

impl LocalSnapshot for MemorySnapshot {
    fn value(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        Ok(self.0.get(key).cloned())
    }

    fn entries(&self, range: Range<Key>) -> impl DoubleEndedIterator<Item = Result<KeyValue, EngineError>> {
        self.0.range(range).map(|(key, value)| Ok((Bytes::copy_from_slice(key), value.clone())))
    }
}
