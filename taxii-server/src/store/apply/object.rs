//! Changing the versions of one object, together with every key that tells of them.

use super::move_latest;
use crate::store::StoreError;
use crate::store::engine::{Key, Scan};
use crate::store::keys::{self, ChainKey, Position, Space, Timeline};
use crate::store::overlay::Overlay;
use crate::store::record::{
    Bound, ContentRow, Edition, Entry, Head, LatestVersion, ObjectRecord, Slot, VersionRow, encode_length,
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use stix_model::json::Digest;
use stix_model::{SpecVersion, StixId};

/// Number of entries that a search reads first. Nearly always the first one is what it looks for.
const PIECE: usize = 16;
/// The same behind many versions that are deleted and not erased.
const LARGEST_PIECE: usize = 4096;

/// The ends that a chain has lost.
#[derive(Clone, Copy, Default)]
struct Lost {
    first: bool,
    last: bool,
}

/// An object while its versions change. [`ObjectChange::finish`] looks for ends that are not known, and writes the record.
pub(super) struct ObjectChange {
    space: Space,
    id: StixId,
    record: ObjectRecord,
    /// The latest versions before the change.
    latest: Vec<LatestVersion>,
    /// Chains that lost their first or last version, and which of them.
    open: BTreeMap<ChainKey, Lost>,
    /// STIX versions in which the object may have lost the version that revokes it.
    unrevoked: BTreeSet<SpecVersion>,
}

impl ObjectChange {
    pub(super) fn new(space: Space, id: StixId, record: ObjectRecord) -> Self {
        let latest = record.latest();
        Self { space, id, record, latest, open: BTreeMap::new(), unrevoked: BTreeSet::new() }
    }

    /// The versions of the object in one STIX version.
    pub(super) fn edition(&mut self, spec: SpecVersion) -> &mut Edition {
        self.record.0.entry(spec).or_default()
    }

    /// Puts a version at the end of the timelines.
    pub(super) fn insert(
        &mut self,
        overlay: &mut Overlay<'_>,
        head: &mut Head,
        row: &VersionRow,
        entry: &Entry,
        json: Bytes,
    ) {
        let (space, spec, instant) = (self.space, entry.spec_version, entry.version.sort_key());
        let (id, slot, chain) = (&self.id, row.slot(), ChainKey { spec, level: row.level });
        overlay.put(Timeline::All(row.level).at(space, row.position), entry.encode());
        overlay.put_large(&keys::object_bytes(space, row.position), json);
        overlay.put(keys::version(space, id, chain, instant), row.encode());
        if row.is_revoked {
            overlay.put(keys::revocation(space, id, spec, instant), slot.encode());
        }
        let edition = self.record.0.entry(spec).or_default();
        if edition.is_unversioned {
            let content = ContentRow { slot, version: entry.version.micros() };
            overlay.put(keys::content(space, id, spec, &row.content), content.encode());
        }
        edition.insert(instant.into(), row);
        // A single version is in the record only.
        let held = &edition.chains[&row.level];
        let mut put = |bound: &Bound| {
            let key = Timeline::Chain(id, chain).at(space, bound.position);
            overlay.put(key, encode_length(bound.length));
        };
        if self.open.contains_key(&chain) || held.versions > 2 {
            put(&Bound { instant: instant.into(), position: row.position, length: row.length });
        } else if held.versions == 2 {
            [&held.first, &held.last].into_iter().for_each(put);
        }
        head.add(row.level, spec, row.position, row.length);
    }

    /// Removes a version.
    pub(super) async fn remove(
        &mut self,
        overlay: &mut Overlay<'_>,
        head: &mut Head,
        spec: SpecVersion,
        instant: &str,
        row: &VersionRow,
    ) -> Result<(), StoreError> {
        let corrupt = || StoreError::Corrupt("the record of an object");
        let (space, id, chain) = (self.space, &self.id, ChainKey { spec, level: row.level });
        remove_text(overlay, space, row.slot(), row.length);
        overlay.remove(Timeline::Chain(id, chain).at(space, row.position));
        overlay.remove(keys::version(space, id, chain, instant));
        let edition = self.record.0.get_mut(&spec).ok_or_else(corrupt)?;
        if edition.is_unversioned {
            remove_content(overlay, keys::content(space, id, spec, &row.content), row.slot()).await?;
        }
        if row.is_revoked {
            overlay.remove(keys::revocation(space, id, spec, instant));
            if edition.revoked.as_ref().is_some_and(|(revoked, _)| **revoked == *instant) {
                self.unrevoked.insert(spec);
            }
        }
        head.remove(row.level, spec, 1, u64::from(row.length));
        let held = edition.chains.get_mut(&row.level).ok_or_else(corrupt)?;
        held.versions = held.versions.saturating_sub(1);
        held.bytes = held.bytes.saturating_sub(u64::from(row.length));
        if held.versions == 0 {
            edition.chains.remove(&row.level);
            self.open.remove(&chain);
        } else if [&held.first, &held.last].iter().any(|bound| *bound.instant == *instant) {
            let lost = self.open.entry(chain).or_default();
            lost.first |= *held.first.instant == *instant;
            lost.last |= *held.last.instant == *instant;
        }
        Ok(())
    }

    /// Takes a chain of several versions out of the record, which hides them. Their keys are still to be erased.
    pub(super) fn hide(&mut self, head: &mut Head, chain: ChainKey) {
        let ChainKey { spec, level } = chain;
        let Some(edition) = self.record.0.get_mut(&spec) else { return };
        let Some(held) = edition.chains.remove(&level) else { return };
        head.remove(level, spec, held.versions, held.bytes);
        self.open.remove(&chain);
        if edition.revoked.as_ref().is_some_and(|(_, revoked)| *revoked == level) {
            self.unrevoked.insert(spec);
        }
    }

    /// Finds what the chains lost, and writes the record and the timelines of latest versions.
    pub(super) async fn finish(
        mut self,
        overlay: &mut Overlay<'_>,
        head: &mut Head,
    ) -> Result<(), StoreError> {
        self.record.0.retain(|_, edition| !edition.chains.is_empty());
        for (chain, lost) in std::mem::take(&mut self.open) {
            self.find_ends(overlay, chain, lost).await?;
        }
        for spec in std::mem::take(&mut self.unrevoked) {
            self.find_revocation(overlay, spec).await?;
        }
        let latest = [&self.latest[..], &self.record.latest()];
        move_latest(overlay, self.space, head, self.id.object_type(), latest);
        let key = keys::object(self.space, &self.id);
        if self.record.0.is_empty() {
            overlay.remove(key);
        } else {
            overlay.put(key, self.record.encode());
        }
        Ok(())
    }

    async fn find_ends(
        &mut self,
        overlay: &Overlay<'_>,
        chain: ChainKey,
        lost: Lost,
    ) -> Result<(), StoreError> {
        let held =
            self.record.0.get_mut(&chain.spec).and_then(|edition| edition.chains.get_mut(&chain.level));
        let held = held.ok_or(StoreError::Corrupt("the record of an object"))?;
        let range = keys::chain(self.space, &self.id, chain);
        if lost.first {
            let scan = Scan::forward(range.clone(), PIECE);
            held.first = find_end(overlay, self.space, &self.id, chain, held.since, scan).await?;
        }
        if lost.last {
            let scan = Scan::backward(range, PIECE);
            held.last = find_end(overlay, self.space, &self.id, chain, held.since, scan).await?;
        }
        if held.versions == 1 {
            let only = if lost.first { &held.first } else { &held.last };
            (held.since, held.first, held.last) = (only.position, only.clone(), only.clone());
        }
        Ok(())
    }

    async fn find_revocation(&mut self, overlay: &Overlay<'_>, spec: SpecVersion) -> Result<(), StoreError> {
        let (space, id) = (self.space, &self.id);
        let Some(edition) = self.record.0.get_mut(&spec) else { return Ok(()) };
        let scan = Scan::forward(keys::revocations(space, id, spec), PIECE);
        let held = &*edition;
        edition.revoked = find(overlay, scan, |key, value| {
            let slot = Slot::decode(value)?;
            if !held.holds(slot) {
                return Ok(None);
            }
            let instant =
                keys::parse_revocation(space, key, id).ok_or(StoreError::Corrupt("a revocation"))?;
            Ok(Some((instant.into(), slot.level)))
        })
        .await?;
        Ok(())
    }
}

/// Finds the version of an object that has a digest: the version of an instant (a sort key of timestamps), or, of an object
/// without versions, any.
pub(in crate::store) async fn find_version(
    overlay: &mut Overlay<'_>,
    space: Space,
    id: &StixId,
    instant: Option<&str>,
    digest: Digest,
) -> Result<Option<(ChainKey, Box<str>, VersionRow)>, StoreError> {
    let record_key = keys::object(space, id);
    overlay.load([record_key.clone()]).await?;
    let record = ObjectRecord::decode(overlay.get(&record_key))?;
    for (&spec, edition) in &record.0 {
        for &level in edition.chains.keys() {
            let chain = ChainKey { spec, level };
            let found = match instant {
                Some(instant) => {
                    let key = keys::version(space, id, chain, instant);
                    overlay.load([key.clone()]).await?;
                    let value = overlay.get(&key).cloned();
                    value.map(|value| (Bytes::from(key), value)).into_iter().collect()
                }
                None => overlay.scan_all(keys::chain(space, id, chain)).await?,
            };
            for (key, value) in found {
                let row = VersionRow::decode(&value)?;
                if row.digest == digest && edition.holds(row.slot()) {
                    let instant = keys::parse_version(space, &key, id, chain);
                    let instant = instant.ok_or(StoreError::Corrupt("the versions of an object"))?;
                    return Ok(Some((chain, instant.into(), row)));
                }
            }
        }
    }
    Ok(None)
}

/// Finds the first version that a scan of a chain meets and that is not deleted.
async fn find_end(
    overlay: &Overlay<'_>,
    space: Space,
    id: &StixId,
    chain: ChainKey,
    since: Position,
    scan: Scan,
) -> Result<Bound, StoreError> {
    let corrupt = || StoreError::Corrupt("the versions of an object");
    let end = find(overlay, scan, |key, value| {
        let VersionRow { position, length, .. } = VersionRow::decode(value)?;
        if position < since {
            return Ok(None);
        }
        let instant = keys::parse_version(space, key, id, chain).ok_or_else(corrupt)?;
        Ok(Some(Bound { instant: instant.into(), position, length }))
    });
    end.await?.ok_or_else(corrupt)
}

/// Finds the first entry of which something can be made. What is deleted and not erased yet is passed over in pieces that grow.
async fn find<T>(
    overlay: &Overlay<'_>,
    mut scan: Scan,
    make: impl Fn(&[u8], &[u8]) -> Result<Option<T>, StoreError>,
) -> Result<Option<T>, StoreError> {
    loop {
        let entries = overlay.scan(scan.clone()).await?;
        for (key, value) in &entries {
            if let Some(found) = make(key, value)? {
                return Ok(Some(found));
            }
        }
        let Some((last, _)) = entries.last() else { return Ok(None) };
        scan.go_on_after(last);
        scan.limit = (4 * scan.limit).min(LARGEST_PIECE);
    }
}

/// Removes a version from the timeline of all versions, with its text.
pub(super) fn remove_text(
    overlay: &mut Overlay<'_>,
    space: Space,
    Slot { level, position }: Slot,
    length: u32,
) {
    overlay.remove(Timeline::All(level).at(space, position));
    overlay.remove_large(&keys::object_bytes(space, position), length as usize);
}

/// Removes the key of a content, unless another version has it by now.
pub(super) async fn remove_content(
    overlay: &mut Overlay<'_>,
    key: Key,
    slot: Slot,
) -> Result<(), StoreError> {
    overlay.load([key.clone()]).await?;
    let content = overlay.get(&key).map(|value| ContentRow::decode(value)).transpose()?;
    if content.is_some_and(|content| content.slot == slot) {
        overlay.remove(key);
    }
    Ok(())
}
