//! Reading a page: pick the narrowest timeline, follow it, stop when the page is full.

use super::StoreError;
use super::engine::{Scan, Snapshot};
use super::filter::{Filter, VersionRow};
use super::keys::{self, CollectionNumber, Position, Timeline};
use super::record::{Edition, Editions, Entry, Head};
use std::collections::BTreeSet;
use stix_model::{SpecVersion, StixId};

/// How many headers one scan looks at when a filter has no timeline of its own.
const SLICE: usize = 2048;

/// A request reads this many headers at most once it has found something. When it has found nothing it goes on,
/// because a page that is empty and says that more follows makes some clients stop.
const WORK_BOUND: usize = 64 * SLICE;

/// The positions of one page.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) positions: Vec<Position>,
    /// The first one that did not fit, or, where nobody has looked yet, the last one that did.
    pub(super) next: Option<Position>,
}

impl Selection {
    /// Ends the page before a group of restored objects that share one `date_added` and do not all fit, unless the page
    /// holds nothing else.
    pub(super) fn keep_ties_together(&mut self) {
        let Some(next) = self.next else { return };
        let untied = self.positions.iter().rposition(|position| position.micros != next.micros);
        if let Some(untied) = untied
            && untied + 1 < self.positions.len()
        {
            self.next = Some(self.positions[untied + 1]);
            self.positions.truncate(untied + 1);
        }
    }
}

/// Finds up to `limit` positions after `start` that pass the filter.
pub(super) async fn select(
    snapshot: &dyn Snapshot,
    collection: CollectionNumber,
    filter: &Filter,
    start: Option<Position>,
    limit: usize,
) -> Result<Selection, StoreError> {
    let reader = Reader { snapshot, collection };
    let start = start.max(filter.start());
    if filter.types.as_ref().is_some_and(BTreeSet::is_empty) {
        return Ok(Selection::default());
    }
    if filter.ids.is_some() {
        return reader.by_id(filter, start, limit).await;
    }
    let head = Head::decode(snapshot.get(keys::head(collection)).await?.as_ref())?;
    let holds = |spec: SpecVersion| head.versions[spec as usize] > 0;
    let held = [SpecVersion::V2_0, SpecVersion::V2_1].into_iter().filter(|spec| holds(*spec));
    let wanted =
        |spec: &SpecVersion| filter.spec_versions.as_ref().is_none_or(|wanted| wanted.contains(spec));
    match (held.clone().filter(wanted).count(), held.count()) {
        (0, _) => Ok(Selection::default()),
        // With one STIX version in the collection, asking for it is asking for the newest.
        (1, 1) if filter.wants_only_last() => reader.latest(filter, start, limit).await,
        _ if filter.is_latest() => reader.latest(filter, start, limit).await,
        _ => reader.by_scan(filter, start, limit).await,
    }
}

/// All versions of one object, by STIX version and instant.
pub(super) async fn version_rows(
    snapshot: &dyn Snapshot,
    collection: CollectionNumber,
    id: &StixId,
) -> Result<Vec<VersionRow>, StoreError> {
    let entries = snapshot.scan(Scan::forward(keys::versions(collection, id), usize::MAX)).await?;
    let row = |(key, value): &(bytes::Bytes, bytes::Bytes)| {
        let (spec, sort_key) = keys::parse_version(key, id)?;
        Some(VersionRow { spec, sort_key: sort_key.into(), position: Position::from_bytes(value)? })
    };
    entries.iter().map(row).collect::<Option<_>>().ok_or(StoreError::Corrupt("a version of an object"))
}

struct Reader<'s> {
    snapshot: &'s dyn Snapshot,
    collection: CollectionNumber,
}

impl Reader<'_> {
    /// Point reads: each object has its own little history.
    async fn by_id(
        &self,
        filter: &Filter,
        start: Option<Position>,
        limit: usize,
    ) -> Result<Selection, StoreError> {
        let of_type =
            |id: &&StixId| filter.types.as_ref().is_none_or(|types| types.contains(id.object_type()));
        let ids: Vec<_> = filter.ids.iter().flatten().filter(of_type).collect();
        let mut found = Vec::new();
        if filter.is_latest() {
            let editions = self.editions(ids.iter().copied()).await?;
            found.extend(editions.iter().filter_map(Editions::served));
        } else {
            for id in ids {
                let rows = version_rows(self.snapshot, self.collection, id).await?;
                found.extend(filter.choose(&rows).into_iter().map(|row| row.position));
            }
        }
        found.retain(|position| Some(*position) > start);
        Ok(cut(found, limit))
    }

    /// The timelines that hold exactly the default view.
    async fn latest(
        &self,
        filter: &Filter,
        start: Option<Position>,
        limit: usize,
    ) -> Result<Selection, StoreError> {
        let Some(types) = &filter.types else {
            return Ok(cut(self.positions(Timeline::Latest, start, limit + 1).await?, limit));
        };
        let mut found = Vec::new();
        for object_type in types {
            found.extend(self.positions(Timeline::LatestOfType(object_type), start, limit + 1).await?);
        }
        Ok(cut(found, limit))
    }

    /// Everything else: the timeline of all versions, header by header.
    async fn by_scan(
        &self,
        filter: &Filter,
        mut start: Option<Position>,
        limit: usize,
    ) -> Result<Selection, StoreError> {
        let mut found = Vec::new();
        let mut looked_at = 0;
        loop {
            let range = Timeline::All.after(self.collection, start);
            let slice = self.snapshot.scan(Scan::forward(range, SLICE)).await?;
            let is_end = slice.len() < SLICE;
            let mut entries = Vec::with_capacity(slice.len());
            for (key, value) in &slice {
                entries.push((position_of(key)?, Entry::decode(value)?));
            }
            start = entries.last().map(|(position, _)| *position).or(start);
            looked_at += entries.len();
            entries.retain(|(_, entry)| could_match(filter, entry));
            let editions = self.editions(entries.iter().map(|(_, entry)| &entry.id)).await?;
            let chosen = entries.iter().zip(&editions).filter(|((position, entry), editions)| {
                editions.0.get(&entry.spec_version).is_some_and(|edition| {
                    filter.admits(entry.spec_version, editions.newest())
                        && is_chosen(filter, entry, *position, edition)
                })
            });
            found.extend(chosen.map(|((position, _), _)| *position));
            if is_end || found.len() > limit {
                return Ok(cut(found, limit));
            }
            if looked_at >= WORK_BOUND && !found.is_empty() {
                // There may be more; the next page looks on from the last object of this one.
                let next = found.last().copied();
                return Ok(Selection { positions: found, next });
            }
        }
    }

    async fn positions(
        &self,
        timeline: Timeline<'_>,
        start: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Position>, StoreError> {
        let range = timeline.after(self.collection, start);
        let entries = self.snapshot.scan(Scan::forward(range, limit)).await?;
        entries.iter().map(|(key, _)| position_of(key)).collect()
    }

    /// The editions of each object; empty for unknown ones.
    async fn editions(&self, ids: impl Iterator<Item = &StixId>) -> Result<Vec<Editions>, StoreError> {
        let keys = ids.map(|id| keys::editions(self.collection, id)).collect();
        let values = self.snapshot.get_many(keys, usize::MAX).await?;
        values.iter().map(|value| Editions::decode(value.as_deref().unwrap_or_default())).collect()
    }
}

/// What can be told from the header alone.
fn could_match(filter: &Filter, entry: &Entry) -> bool {
    filter.types.as_ref().is_none_or(|types| types.contains(entry.id.object_type()))
        && filter.spec_versions.as_ref().is_none_or(|wanted| wanted.contains(&entry.spec_version))
}

fn is_chosen(filter: &Filter, entry: &Entry, position: Position, edition: &Edition) -> bool {
    let (is_first, is_last) = (edition.first.position == position, edition.last.position == position);
    filter.admits_version(is_first, is_last, entry.version.sort_key(), position)
}

fn position_of(key: &[u8]) -> Result<Position, StoreError> {
    Position::of_key(key).ok_or(StoreError::Corrupt("a timeline"))
}

/// Orders what several timelines gave and keeps one page of it.
fn cut(mut found: Vec<Position>, limit: usize) -> Selection {
    found.sort_unstable();
    let next = found.get(limit).copied();
    found.truncate(limit);
    Selection { positions: found, next }
}
