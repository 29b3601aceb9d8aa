//! Bringing a store of an older format to the one that this version writes, when it is opened.

mod chains;

use super::engine::{Commit, Engine, HeadChange, Scan};
use super::keys::Timeline;
use super::record::{Entry, Head};
use super::reload::read_directory;
use super::{FORMAT, OLDEST_FORMAT, StoreError, keys};
use bytes::Bytes;
use futures::future::BoxFuture;
use std::collections::BTreeMap;

/// Brings a store from one format to the next. An interrupted step runs again from its beginning, so it must find its own
/// work half done; keys and records that it reads are of the older format.
pub(super) type Step = for<'e> fn(&'e dyn Engine) -> BoxFuture<'e, Result<(), StoreError>>;

/// Maximum number of entries that are read at once.
const PIECE: usize = 4096;

/// The steps from each format that can be read to the next one, oldest first.
const STEPS: [Step; (FORMAT - OLDEST_FORMAT) as usize] =
    [|engine| Box::pin(count_bytes(engine)), |engine| Box::pin(chains::chain_versions(engine))];

/// Checks that a store has the format that this version writes.
pub(super) fn check_own(found: &Bytes) -> Result<(), StoreError> {
    match parse(found)? {
        FORMAT => Ok(()),
        found => Err(StoreError::Format { found }),
    }
}

fn parse(found: &Bytes) -> Result<u32, StoreError> {
    let digits = std::str::from_utf8(found).ok().and_then(|digits| digits.parse().ok());
    digits.ok_or(StoreError::Corrupt("the format of the store"))
}

/// Checks the format of a store, and runs the steps that it needs.
pub(super) async fn migrate(engine: &dyn Engine, found: &Bytes) -> Result<(), StoreError> {
    match parse(found)? {
        format @ OLDEST_FORMAT..=FORMAT => {
            run(engine, &STEPS[(format - OLDEST_FORMAT) as usize..], format).await
        }
        found => Err(StoreError::Format { found }),
    }
}

/// Runs steps that begin at a format, and raises the number of the store after each.
async fn run(engine: &dyn Engine, steps: &[Step], mut format: u32) -> Result<(), StoreError> {
    for step in steps {
        tracing::info!(from = format, to = format + 1, "bringing the store to the next format");
        step(engine).await?;
        let number = |format: u32| Some(Bytes::from(format.to_string()));
        let change = HeadChange { from: number(format), to: number(format + 1) };
        let heads = BTreeMap::from([(keys::FORMAT.to_vec(), change)]);
        engine.commit(Commit { heads, ..Commit::default() }).await?;
        format += 1;
    }
    Ok(())
}

/// From 2 to 3: the head of a collection counts the bytes of its objects.
async fn count_bytes(engine: &dyn Engine) -> Result<(), StoreError> {
    let snapshot = engine.snapshot().await?;
    for collection in read_directory(&*snapshot).await?.collections.values() {
        let (space, key) = (collection.space(), keys::head(collection.space()));
        let from = snapshot.get(key.clone()).await?;
        let mut head = Head::decode(from.as_ref().ok_or(StoreError::Corrupt("the head of a collection"))?)?;
        for (level, level_head) in &mut head.levels {
            level_head.bytes = 0;
            let mut scan = Scan::forward(Timeline::All(*level).after(space, None), PIECE);
            loop {
                let entries = snapshot.scan(scan.clone()).await?;
                for (_, entry) in &entries {
                    level_head.bytes += u64::from(Entry::decode(entry)?.length);
                }
                let Some((last, _)) = entries.last() else { break };
                scan.go_on_after(last);
            }
        }
        let heads = BTreeMap::from([(key, HeadChange { from, to: Some(head.encode()) })]);
        engine.commit(Commit { heads, ..Commit::default() }).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryEngine;
    use crate::store::engine::EngineError;

    fn mark<'e>(engine: &'e dyn Engine, name: &'static [u8]) -> BoxFuture<'e, Result<(), StoreError>> {
        Box::pin(async move {
            let writes = BTreeMap::from([(name.to_vec(), Some(Bytes::from_static(b"done")))]);
            Ok(engine.commit(Commit { writes, ..Commit::default() }).await?)
        })
    }

    fn failing(_: &dyn Engine) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Err(EngineError::Full.into()) })
    }

    #[tokio::test]
    async fn steps_run_in_their_order_and_an_interrupted_one_runs_again() {
        let engine = MemoryEngine::default();
        let get = async |key: &[u8]| engine.snapshot().await.unwrap().get(key.to_vec()).await.unwrap();
        let writes = BTreeMap::from([(keys::FORMAT.to_vec(), Some(Bytes::from_static(b"7")))]);
        engine.commit(Commit { writes, ..Commit::default() }).await.unwrap();
        let steps: [Step; 3] = [|engine| mark(engine, b"a"), failing, |engine| mark(engine, b"c")];
        assert!(run(&engine, &steps, 7).await.is_err());
        assert_eq!(get(keys::FORMAT).await.unwrap(), "8", "the first step is done");
        assert!(get(b"a").await.is_some() && get(b"c").await.is_none());
        let steps: [Step; 2] = [|engine| mark(engine, b"b"), |engine| mark(engine, b"c")];
        run(&engine, &steps, 8).await.unwrap();
        assert_eq!(get(keys::FORMAT).await.unwrap(), "10");
        assert!(get(b"b").await.is_some() && get(b"c").await.is_some());
    }
}
