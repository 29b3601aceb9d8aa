use std::{collections::BTreeMap, ops::Range, sync::Arc};
use taxii_server::store::engine::{
    Bytes, Commit, Engine, EngineError, EngineFuture, Key, KeyValue, LocalSnapshot, Snapshot,
};
use tokio::sync::Mutex;

type Map = BTreeMap<Key, Bytes>;

/// Keeps everything in an ordered map.
#[derive(Default)]
pub(crate) struct MapEngine(Mutex<Arc<Map>>);

impl Engine for MapEngine {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        Box::pin(async { Ok(Box::new(MapSnapshot(self.0.lock().await.clone())) as Box<dyn Snapshot>) })
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        Box::pin(async move {
            let mut map = self.0.lock().await;
            commit.check_heads(|key| map.get(key))?;
            // A copy while a snapshot has the map, so a snapshot does not change.
            let map = Arc::make_mut(&mut map);
            for range in &commit.cleared {
                map.retain(|key, _| !range.contains(key));
            }
            for (key, value) in commit.into_values() {
                match value {
                    Some(value) => map.insert(key, Bytes::copy_from_slice(&value)),
                    None => map.remove(&key),
                };
            }
            Ok(())
        })
    }
}

struct MapSnapshot(Arc<Map>);

impl LocalSnapshot for MapSnapshot {
    fn value(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        Ok(self.0.get(key).cloned())
    }

    fn entries(&self, range: Range<Key>) -> impl DoubleEndedIterator<Item = Result<KeyValue, EngineError>> {
        self.0.range(range).map(|(key, value)| Ok((Bytes::copy_from_slice(key), value.clone())))
    }
}
