use super::{Commit, Engine, EngineFuture, Key, KeyValue, Limits, Scan, Snapshot};
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// An engine of which only the keys with one prefix are used, so that several stores share what lies below.
pub struct PrefixedEngine {
    engine: Arc<dyn Engine>,
    prefix: Arc<[u8]>,
}

impl PrefixedEngine {
    /// Wraps an engine.
    pub fn new(engine: Arc<dyn Engine>, prefix: &[u8]) -> Self {
        Self { engine, prefix: prefix.into() }
    }
}

fn with(prefix: &[u8], key: &[u8]) -> Key {
    [prefix, key].concat()
}

fn range(prefix: &[u8], range: &Range<Key>) -> Range<Key> {
    with(prefix, &range.start)..with(prefix, &range.end)
}

impl Engine for PrefixedEngine {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        Box::pin(async {
            let snapshot = self.engine.snapshot().await?;
            Ok(Box::new(PrefixedSnapshot { snapshot, prefix: Arc::clone(&self.prefix) }) as Box<dyn Snapshot>)
        })
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        let key = |key: Key| with(&self.prefix, &key);
        self.engine.commit(Commit {
            heads: commit.heads.into_iter().map(|(name, change)| (key(name), change)).collect(),
            writes: commit.writes.into_iter().map(|(name, value)| (key(name), value)).collect(),
            cleared: commit.cleared.iter().map(|cleared| range(&self.prefix, cleared)).collect(),
            durability: commit.durability,
        })
    }

    fn settle(&self) -> EngineFuture<'_, ()> {
        self.engine.settle()
    }

    fn limits(&self) -> Limits {
        self.engine.limits()
    }

    fn is_remote(&self) -> bool {
        self.engine.is_remote()
    }

    fn collect_garbage(&self) -> EngineFuture<'_, ()> {
        self.engine.collect_garbage()
    }
}

struct PrefixedSnapshot {
    snapshot: Box<dyn Snapshot>,
    prefix: Arc<[u8]>,
}

impl Snapshot for PrefixedSnapshot {
    fn get_many(&self, keys: Vec<Key>, max_bytes: usize) -> EngineFuture<'_, Vec<Option<Bytes>>> {
        let keys = keys.iter().map(|key| with(&self.prefix, key)).collect();
        self.snapshot.get_many(keys, max_bytes)
    }

    fn scan(&self, scan: Scan) -> EngineFuture<'_, Vec<KeyValue>> {
        Box::pin(async move {
            let scan = Scan { range: range(&self.prefix, &scan.range), ..scan };
            let mut entries = self.snapshot.scan(scan).await?;
            for (key, _) in &mut entries {
                *key = key.slice(self.prefix.len()..);
            }
            Ok(entries)
        })
    }
}
