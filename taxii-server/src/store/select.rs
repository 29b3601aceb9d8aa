//! Reading a page: pick the narrowest timelines, follow them, stop when the page is full.

use super::StoreError;
use super::engine::{KeyValue, Scan, Snapshot};
use super::filter::{Filter, VersionFilter};
use super::keys::{self, ChainKey, Interval, Position, Space, Timeline};
use super::record::{Bound, Chain, Edition, Entry, Head, ObjectRecord, Slot, VersionRow, decode_length};
use super::view::View;
use bytes::Bytes;
use futures::future::try_join_all;
use futures::try_join;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use stix_model::{SpecVersion, StixId, Tlp};

/// Maximum number of headers that one scan reads when a filter has no timeline of its own.
const SLICE: usize = 2048;

/// Maximum number of headers that a request reads once it has found something. When it has found nothing it goes on,
/// because a page that is empty and says that more follows makes some clients stop.
const WORK_BOUND: usize = 64 * SLICE;

/// A version that is on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Selected {
    pub(super) position: Position,
    pub(super) level: Tlp,
    /// Bytes of the object.
    pub(crate) length: u32,
}

/// The versions of one page.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) versions: Vec<Selected>,
    /// The first position that did not fit, or, where the search stopped early, the last one that did.
    pub(super) next: Option<Position>,
}

impl Selection {
    /// Ends the page before a group of restored objects that share one `date_added` and do not all fit, unless the page
    /// holds nothing else.
    pub(super) fn keep_ties_together(&mut self) {
        let Some(next) = self.next else { return };
        let untied = self.versions.iter().rposition(|version| version.position.micros != next.micros);
        if let Some(untied) = untied {
            self.cut(untied + 1);
        }
    }

    /// Ends the page before the objects pass a number of bytes, but not before the first one.
    pub(super) fn keep_within(&mut self, max_bytes: usize) {
        let mut bytes = 0;
        let fits = self.versions.iter().take_while(|version| {
            bytes += version.length as usize;
            bytes <= max_bytes
        });
        let count = fits.count().max(1);
        self.cut(count);
    }

    fn cut(&mut self, count: usize) {
        if let Some(first) = self.versions.get(count) {
            self.next = Some(first.position);
            self.versions.truncate(count);
        }
    }
}

/// The heads of collections as they were when a page was last read. They tell which timelines there are, so the first of
/// them are asked for together with the head, which saves a way to another machine.
#[derive(Debug, Default)]
pub(super) struct Hints(Mutex<BTreeMap<Space, Head>>);

impl Hints {
    fn of(&self, space: Space) -> Head {
        self.lock().get(&space).cloned().unwrap_or_default()
    }

    fn learn(&self, space: Space, head: &Head) {
        self.lock().insert(space, head.clone());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Space, Head>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds up to `limit` versions after `start` that the viewer sees and that pass the filter.
pub(super) async fn select(
    snapshot: &dyn Snapshot,
    view: &View,
    filter: &Filter,
    start: Option<Position>,
    limit: usize,
    hints: Option<&Hints>,
) -> Result<Selection, StoreError> {
    let (space, clearance) = (view.space(), view.clearance());
    let reader = Reader { snapshot, space, clearance };
    let start = start.max(filter.start());
    if filter.types.as_ref().is_some_and(BTreeSet::is_empty) {
        return Ok(Selection::default());
    }
    if filter.ids.is_some() {
        return reader.by_id(filter, start, limit).await;
    }
    let guess = hints.map_or(Timelines::None, |hints| Timelines::of(&hints.of(space), filter, clearance));
    let (head, ahead) = try_join!(reader.head(), reader.begin(&guess, filter, start, limit))?;
    if let Some(hints) = hints {
        hints.learn(space, &head);
    }
    if start.is_some_and(|start| start >= head.last(clearance)) {
        return Ok(Selection::default());
    }
    let timelines = Timelines::of(&head, filter, clearance);
    let begun =
        if timelines == guess { ahead } else { reader.begin(&timelines, filter, start, limit).await? };
    match (timelines, begun) {
        (Timelines::All { levels, .. }, Begun::Headers { slice, are_held }) => {
            reader.by_scan(&levels, slice, are_held, filter, start, limit).await
        }
        (_, Begun::Latest(found)) => Ok(first(found, limit)),
        _ => Ok(Selection::default()),
    }
}

/// The timelines that hold what a filter wants of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Timelines {
    None,
    /// Those that hold exactly the default view.
    Latest(Vec<Interval>),
    /// Those of all versions, whose headers are looked at one by one.
    All {
        levels: Vec<Tlp>,
        /// Whether the filter wants each version of which the header matches, unless it was deleted.
        is_every: bool,
    },
}

impl Timelines {
    fn of(head: &Head, filter: &Filter, clearance: Tlp) -> Self {
        let versions = head.versions(clearance);
        let holds = |spec: SpecVersion| versions[spec as usize] > 0;
        let held = [SpecVersion::V2_0, SpecVersion::V2_1].into_iter().filter(|spec| holds(*spec));
        let wanted =
            |spec: &SpecVersion| filter.spec_versions.as_ref().is_none_or(|wanted| wanted.contains(spec));
        // With one STIX version in the collection, asking for it is asking for the newest.
        let wants_newest = |counts| filter.spec_versions.is_none() || counts == (1, 1);
        // Versions of STIX that are named, and the only one, are wanted whatever else an object has.
        let wants_each = |(_, held)| filter.spec_versions.is_some() || held == 1;
        match (held.clone().filter(wanted).count(), held.count()) {
            (0, _) => Self::None,
            counts if filter.wants_only_last() && wants_newest(counts) => {
                Self::Latest(head.intervals(clearance).collect())
            }
            counts => Self::All {
                levels: head.levels(clearance).collect(),
                is_every: filter.versions == Some(VersionFilter::All) && wants_each(counts),
            },
        }
    }
}

/// What was read first of some timelines.
enum Begun {
    Nothing,
    Latest(Vec<Selected>),
    Headers {
        slice: Slice,
        /// Whether each header that matches is of a version that is held and wanted.
        are_held: bool,
    },
}

struct Reader<'s> {
    snapshot: &'s dyn Snapshot,
    space: Space,
    clearance: Tlp,
}

impl Reader<'_> {
    /// The head of the collection; an empty one when it was removed.
    async fn head(&self) -> Result<Head, StoreError> {
        let head = self.snapshot.get(keys::head(self.space)).await?;
        head.map_or(Ok(Head::default()), |head| Head::decode(&head))
    }

    /// Reads the beginning of timelines: of the default view all that a page needs.
    async fn begin(
        &self,
        timelines: &Timelines,
        filter: &Filter,
        start: Option<Position>,
        limit: usize,
    ) -> Result<Begun, StoreError> {
        Ok(match timelines {
            Timelines::None => Begun::Nothing,
            Timelines::Latest(intervals) => {
                Begun::Latest(self.read_latest(intervals, filter, start, limit).await?)
            }
            // Where most versions match, little more than a page is read.
            Timelines::All { levels, is_every } => {
                let slice = self.slice(levels, start, limit.saturating_add(1).min(SLICE));
                let (slice, are_held) = try_join!(slice, async { Ok(*is_every && self.holds_all().await?) })?;
                Begun::Headers { slice, are_held }
            }
        })
    }

    /// Whether no deleted version waits to be erased: then each header is of a version that is held.
    async fn holds_all(&self) -> Result<bool, StoreError> {
        let marks = Scan::keys(keys::deleted_chains(self.space), 1);
        Ok(self.snapshot.scan(marks).await?.is_empty())
    }

    /// Point reads, and for all versions of an object the timelines that it has of its own.
    async fn by_id(
        &self,
        filter: &Filter,
        start: Option<Position>,
        limit: usize,
    ) -> Result<Selection, StoreError> {
        let of_type =
            |id: &&StixId| filter.types.as_ref().is_none_or(|types| types.contains(id.object_type()));
        let records = self.records(filter.ids.iter().flatten().filter(of_type)).await?;
        let mut found = Vec::new();
        if filter.is_latest() {
            for record in records.values() {
                if let Some((level, &Bound { position, length, .. })) = record.served(self.clearance) {
                    found.push(Selected { position, level, length });
                }
            }
        } else if filter.versions == Some(VersionFilter::All) {
            for (id, record) in &records {
                for (spec, edition) in filter.editions(record, self.clearance) {
                    for (&level, chain) in edition.chains.range(..=self.clearance) {
                        found.extend(self.chain(id, ChainKey { spec, level }, chain, start, limit).await?);
                    }
                }
                // No page holds more, however many objects are asked for.
                found.sort_unstable();
                found.truncate(limit.saturating_add(1));
            }
        } else {
            let mut wanted = Vec::new();
            for (id, record) in &records {
                let of_one = filter.wanted(record, self.clearance).into_iter();
                wanted.extend(of_one.map(|(chain, instant)| {
                    (record, chain.spec, keys::version(self.space, id, chain, instant))
                }));
            }
            let rows = wanted.iter().map(|(.., key)| key.clone()).collect();
            let rows = self.snapshot.get_many(rows, usize::MAX).await?;
            for ((record, spec, _), row) in wanted.into_iter().zip(rows) {
                let Some(row) = row.map(|row| VersionRow::decode(&row)).transpose()? else { continue };
                let VersionRow { position, level, length, .. } = row;
                if record.0.get(&spec).is_some_and(|edition| edition.holds(row.slot())) {
                    found.push(Selected { position, level, length });
                }
            }
        }
        found.retain(|version| Some(version.position) > start);
        Ok(first(found, limit))
    }

    /// The next versions of one object that are of one STIX version and level, and one more.
    async fn chain(
        &self,
        id: &StixId,
        key: ChainKey,
        chain: &Chain,
        start: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Selected>, StoreError> {
        let level = key.level;
        if chain.versions == 1 {
            let Bound { position, length, .. } = chain.first;
            let only = Some(Selected { position, level, length }).filter(|_| Some(position) > start);
            return Ok(only.into_iter().collect());
        }
        let timeline = Timeline::Chain(id, key);
        let mut range = timeline.after(self.space, start);
        if start < Some(chain.since) {
            range.start = timeline.at(self.space, chain.since);
        }
        let entries = self.snapshot.scan(Scan::forward(range, limit.saturating_add(1))).await?;
        let selected = |(key, value): &KeyValue| {
            Ok(Selected { position: position_of(key)?, level, length: decode_length(value)? })
        };
        entries.iter().map(selected).collect()
    }

    /// Reads the timelines that hold exactly the default view, each for a whole page: one for each interval of clearances,
    /// and for each type that is asked for.
    async fn read_latest(
        &self,
        intervals: &[Interval],
        filter: &Filter,
        start: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Selected>, StoreError> {
        let (mut levels, mut scans) = (Vec::new(), Vec::new());
        for &interval in intervals {
            let mut add = |timeline: Timeline<'_>| {
                let range = timeline.after(self.space, start);
                levels.push(interval.from);
                scans.push(self.snapshot.scan(Scan::forward(range, limit.saturating_add(1))));
            };
            match &filter.types {
                None => add(Timeline::Latest(interval)),
                Some(types) => types.iter().for_each(|name| add(Timeline::LatestOfType(name, interval))),
            }
        }
        let mut found = Vec::new();
        for (level, entries) in levels.into_iter().zip(try_join_all(scans).await?) {
            for (key, value) in entries {
                found.push(Selected { position: position_of(&key)?, level, length: decode_length(&value)? });
            }
        }
        Ok(found)
    }

    /// The timelines of all versions that the viewer sees, header by header, from a slice on.
    async fn by_scan(
        &self,
        levels: &[Tlp],
        mut slice: Slice,
        are_held: bool,
        filter: &Filter,
        mut start: Option<Position>,
        limit: usize,
    ) -> Result<Selection, StoreError> {
        let mut found = Vec::new();
        let mut read = 0;
        loop {
            let Slice { mut entries, end } = slice;
            read += entries.len();
            start = entries.last().map(|(selected, _)| selected.position).or(start);
            entries.retain(|(_, entry)| could_match(filter, entry));
            if are_held {
                found.extend(entries.iter().map(|(selected, _)| *selected));
            } else {
                let records = self.records(entries.iter().map(|(_, entry)| &entry.id)).await?;
                let is_chosen = |(selected, entry): &&(Selected, Entry)| {
                    self.is_chosen(filter, entry, *selected, &records[&entry.id])
                };
                found.extend(entries.iter().filter(is_chosen).map(|(selected, _)| *selected));
            }
            if end == End::Reached || found.len() > limit {
                return Ok(first(found, limit));
            }
            if read >= WORK_BOUND && !found.is_empty() {
                // There may be more; the next page looks on from the last object of this one.
                let next = found.last().map(|version| version.position);
                return Ok(Selection { versions: found, next });
            }
            slice = self.slice(levels, start, SLICE).await?;
        }
    }

    /// The next headers of several levels, in the order of their positions.
    async fn slice(
        &self,
        levels: &[Tlp],
        start: Option<Position>,
        length: usize,
    ) -> Result<Slice, StoreError> {
        let scan = |level: &Tlp| {
            self.snapshot.scan(Scan::forward(Timeline::All(*level).after(self.space, start), length))
        };
        let mut merged = Vec::new();
        // After the end of the shortest slice that was cut, levels may hold entries that were not read.
        let mut known_to: Option<Position> = None;
        let slices = try_join_all(levels.iter().map(scan)).await?;
        for (level, slice) in levels.iter().zip(slices) {
            let is_cut = slice.len() == length;
            for (key, value) in &slice {
                let (position, entry) = (position_of(key)?, Entry::decode(value)?);
                merged.push((Selected { position, level: *level, length: entry.length }, entry));
            }
            if is_cut && let Some((key, _)) = slice.last() {
                let last = position_of(key)?;
                known_to = Some(known_to.map_or(last, |known| known.min(last)));
            }
        }
        merged.sort_unstable_by_key(|(selected, _)| selected.position);
        let Some(known_to) = known_to else { return Ok(Slice { entries: merged, end: End::Reached }) };
        merged.retain(|(selected, _)| selected.position <= known_to);
        Ok(Slice { entries: merged, end: End::Ahead })
    }

    /// The records of objects, each read once; empty for unknown ones.
    async fn records<'i>(
        &self,
        ids: impl Iterator<Item = &'i StixId>,
    ) -> Result<BTreeMap<&'i StixId, ObjectRecord>, StoreError> {
        let ids: BTreeSet<_> = ids.collect();
        let keys = ids.iter().map(|id| keys::object(self.space, id)).collect();
        let values = self.snapshot.get_many(keys, usize::MAX).await?;
        let record =
            |(id, value): (&'i StixId, Option<Bytes>)| Ok((id, ObjectRecord::decode(value.as_ref())?));
        ids.into_iter().zip(values).map(record).collect()
    }

    fn is_chosen(&self, filter: &Filter, entry: &Entry, selected: Selected, record: &ObjectRecord) -> bool {
        let Selected { position, level, .. } = selected;
        let mut editions = filter.editions(record, self.clearance);
        let holds = |edition: &Edition| edition.holds(Slot { level, position });
        if !editions.any(|(spec, edition)| spec == entry.spec_version && holds(edition)) {
            return false;
        }
        let (instant, [first, last]) = (entry.version.sort_key(), filter.ends(record, self.clearance));
        filter.admits_version(first == Some(instant), last == Some(instant), instant)
    }
}

/// The next headers of timelines, in the order of their positions.
struct Slice {
    entries: Vec<(Selected, Entry)>,
    end: End,
}

/// Whether a slice is the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Reached,
    Ahead,
}

/// Whether the header alone allows a match.
fn could_match(filter: &Filter, entry: &Entry) -> bool {
    filter.types.as_ref().is_none_or(|types| types.contains(entry.id.object_type()))
        && filter.spec_versions.as_ref().is_none_or(|wanted| wanted.contains(&entry.spec_version))
}

fn position_of(key: &[u8]) -> Result<Position, StoreError> {
    Position::of_key(key).ok_or(StoreError::Corrupt("a timeline"))
}

/// Orders what several timelines hold, and keeps one page of it.
fn first(mut found: Vec<Selected>, limit: usize) -> Selection {
    found.sort_unstable();
    let next = found.get(limit).map(|version| version.position);
    found.truncate(limit);
    Selection { versions: found, next }
}
