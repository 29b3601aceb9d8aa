//! From 3 to 4: the versions of one object are kept by level, so that its ends are found and its pages are read without its
//! whole history; and each unversioned content has a key.

use crate::store::StoreError;
use crate::store::engine::{Commit, Engine, HeadChange, Scan};
use crate::store::keys::{self, ChainKey, Space, Timeline};
use crate::store::record::{Bound, Chain, ContentRow, ObjectRecord, VersionRow, encode_length};
use crate::store::reload::read_directory;
use bytes::Bytes;
use std::collections::BTreeMap;
use stix_model::{SpecVersion, StixId, Timestamp};

/// Maximum number of versions that are read at once. A small one in tests cuts histories into pieces.
const PIECE: usize = if cfg!(test) { 3 } else { 4096 };

pub(super) async fn chain_versions(engine: &dyn Engine) -> Result<(), StoreError> {
    let directory = read_directory(&*engine.snapshot().await?).await?;
    for collection in directory.collections.values() {
        of_collection(engine, collection.space()).await?;
    }
    Ok(())
}

/// Reads the versions of a collection in pieces, each in a commit with what it becomes. Versions of format 3 stay until
/// their object is complete, so an interrupted step goes on with the object that was not finished.
async fn of_collection(engine: &dyn Engine, space: Space) -> Result<(), StoreError> {
    let corrupt = || StoreError::Corrupt("a version of an object");
    let whole = keys::versions_of_format_3(space);
    let mut scan = Scan::forward(whole.clone(), PIECE);
    let mut object: Option<Object> = None;
    loop {
        let snapshot = engine.snapshot().await?;
        // Another process may have done it all by now, and written more.
        let format = Some(Bytes::from_static(b"3"));
        let unchanged = HeadChange { from: format.clone(), to: format };
        let heads = BTreeMap::from([(keys::FORMAT.to_vec(), unchanged)]);
        let mut commit = Commit { heads, ..Commit::default() };
        let entries = snapshot.scan(scan.clone()).await?;
        let mut done = whole.start.clone();
        for (key, row) in &entries {
            let (id, spec, instant) = keys::parse_version_of_format_3(space, key).ok_or_else(corrupt)?;
            if object.as_ref().is_none_or(|object| object.id != id) {
                if let Some(object) = object.take() {
                    object.finish(&mut commit);
                    done = key.to_vec();
                }
                let record = ObjectRecord::decode(snapshot.get(keys::object(space, &id)).await?.as_ref())?;
                object = Some(Object { space, id, record, chains: BTreeMap::new() });
            }
            let object = object.as_mut().ok_or_else(corrupt)?;
            object.add(spec, instant, &VersionRow::decode(row)?, &mut commit)?;
        }
        if entries.is_empty() {
            if let Some(object) = object.take() {
                object.finish(&mut commit);
            }
            done.clone_from(&whole.end);
        }
        commit.cleared.push(whole.start.clone()..done);
        engine.commit(commit).await?;
        let Some((last, _)) = entries.last() else { return Ok(()) };
        scan.go_on_after(last);
    }
}

/// An object whose versions are being read.
struct Object {
    space: Space,
    id: StixId,
    record: ObjectRecord,
    chains: BTreeMap<ChainKey, Chain>,
}

impl Object {
    fn add(
        &mut self,
        spec: SpecVersion,
        instant: &str,
        row: &VersionRow,
        commit: &mut Commit,
    ) -> Result<(), StoreError> {
        let (space, id, key) = (self.space, &self.id, ChainKey { spec, level: row.level });
        let edition = self.record.0.get(&spec).ok_or(StoreError::Corrupt("the record of an object"))?;
        let is_revoked = row.is_revoked && !edition.is_unversioned;
        let row = VersionRow { is_revoked, ..row.clone() };
        commit.writes.insert(keys::version(space, id, key, instant), Some(row.encode()));
        if is_revoked {
            commit.writes.insert(keys::revocation(space, id, spec, instant), Some(row.slot().encode()));
        }
        if edition.is_unversioned {
            let version = format!("{instant}Z").parse::<Timestamp>();
            let version = version.map_err(|_| StoreError::Corrupt("the version of an object"))?.micros();
            let content = ContentRow { slot: row.slot(), version };
            commit.writes.insert(keys::content(space, id, spec, &row.content), Some(content.encode()));
        }
        let bound = Bound { instant: instant.into(), position: row.position, length: row.length };
        let mut put = |bound: &Bound| {
            let key = Timeline::Chain(id, key).at(space, bound.position);
            commit.writes.insert(key, Some(encode_length(bound.length)));
        };
        match self.chains.get_mut(&key) {
            None => {
                self.chains.insert(key, Chain::of(bound));
            }
            Some(chain) => {
                if chain.versions == 1 {
                    put(&chain.first);
                }
                put(&bound);
                chain.since = chain.since.min(bound.position);
                chain.insert(bound);
            }
        }
        Ok(())
    }

    fn finish(mut self, commit: &mut Commit) {
        for edition in self.record.0.values_mut() {
            edition.chains.clear();
            if edition.is_unversioned {
                edition.revoked = None;
            }
        }
        for (ChainKey { spec, level }, chain) in self.chains {
            self.record.0.entry(spec).or_default().chains.insert(level, chain);
        }
        commit.writes.insert(keys::object(self.space, &self.id), Some(self.record.encode()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::KeyValue;
    use crate::store::migration::migrate;
    use crate::store::suite::{Faults, FaultyEngine, Fixture, marked_tool, seed, tool};
    use crate::store::{MemoryEngine, keys::Position};
    use fastrand::Rng;
    use std::sync::Arc;
    use stix_model::Tlp;

    async fn everything(engine: &dyn Engine) -> Vec<KeyValue> {
        engine.snapshot().await.unwrap().scan_all(vec![0]..vec![0xFF]).await.unwrap()
    }

    /// Turns what a collection holds into what format 3 held.
    async fn to_format_3(engine: &dyn Engine, space: Space) {
        let mut commit = Commit::default();
        commit.writes.insert(keys::FORMAT.to_vec(), Some(Bytes::from_static(b"3")));
        let records: Vec<(StixId, ObjectRecord)> = {
            let range = keys::objects(space);
            let id = |key: &[u8]| std::str::from_utf8(&key[range.start.len()..]).unwrap().parse().unwrap();
            let entries = engine.snapshot().await.unwrap().scan_all(range.clone()).await.unwrap();
            entries.iter().map(|(key, value)| (id(key), ObjectRecord::decode(Some(value)).unwrap())).collect()
        };
        let snapshot = engine.snapshot().await.unwrap();
        for (id, record) in records {
            commit.writes.insert(keys::object(space, &id), Some(record.encode_format_3()));
            for (&spec, edition) in &record.0 {
                commit.cleared.push(keys::revocations(space, &id, spec));
                for &level in edition.chains.keys() {
                    let chain = ChainKey { spec, level };
                    commit.cleared.push(keys::chain(space, &id, chain));
                    commit.cleared.push(Timeline::Chain(&id, chain).after(space, None));
                    for (key, row) in snapshot.scan_all(keys::chain(space, &id, chain)).await.unwrap() {
                        let instant = keys::parse_version(space, &key, &id, chain).unwrap();
                        let key = keys::version_of_format_3(space, &id, spec, instant);
                        let mut row = VersionRow::decode(&row).unwrap();
                        commit.writes.insert(key, Some(row.encode()));
                        if edition.is_unversioned {
                            let content = keys::content(space, &id, spec, &row.content);
                            row.position = Position::default();
                            commit.writes.insert(content, Some(row.encode()));
                        }
                    }
                }
            }
        }
        engine.commit(commit).await.unwrap();
    }

    #[tokio::test]
    async fn a_store_of_format_3_becomes_what_this_version_would_have_written() {
        let mut random = Rng::with_seed(seed());
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
        let fixture = Fixture::new(Arc::clone(&engine)).await;
        for round in 0..20 {
            let number = random.u64(..6);
            let year = 2001 + random.u32(..40);
            let level = Tlp::ALL[random.usize(..5)];
            let url = |value| {
                format!(
                    r#"{{"type":"url","id":"url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1","value":"u:{value}"}}"#
                )
            };
            let revoked = tool(number, year + 1).replace(r#""name""#, r#""revoked":true,"name""#);
            let old = tool(number, year).replace(r#""spec_version":"2.1","#, "");
            let last = if round % 5 == 4 { revoked } else { old };
            fixture.add(&[marked_tool(number, year, level), url(random.u64(..4)), last, tool(7, year)]).await;
        }
        let expected = everything(&*engine).await;
        let space = fixture.collection.space();
        to_format_3(&*engine, space).await;
        assert!(everything(&*engine).await != expected);
        // It is interrupted again and again, and goes on each time.
        let faults = Faults { undetermined_applied: 4, undetermined_lost: 4, ..Faults::default() };
        let interrupted = FaultyEngine::new(Arc::clone(&engine), faults, random.u64(..1 << 30));
        let mut interruptions = 0;
        let format =
            async || engine.snapshot().await.unwrap().get(keys::FORMAT.to_vec()).await.unwrap().unwrap();
        while migrate(&interrupted, &format().await).await.is_err() {
            interruptions += 1;
        }
        assert!(interruptions > 3, "{interruptions}");
        let found = everything(&*engine).await;
        let differ = |(a, b): &(&KeyValue, &KeyValue)| a != b;
        let difference = found.iter().zip(&expected).find(differ);
        assert!(found == expected, "{} keys, {} expected: {difference:?}", found.len(), expected.len());
    }
}
