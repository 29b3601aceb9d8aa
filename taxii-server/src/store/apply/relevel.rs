//! Moving objects without a marking to another level.

use super::{Applied, Outcome, check, head, move_latest, put_head, rebuild};
use crate::store::StoreError;
use crate::store::announce::Announcement;
use crate::store::command::{Relevel, Request};
use crate::store::directory::Collection;
use crate::store::engine::Scan;
use crate::store::filter::HistoryRow;
use crate::store::keys::{self, Position, Space, Timeline};
use crate::store::overlay::Overlay;
use crate::store::receipt::Done;
use crate::store::record::{Entry, Head, ObjectRecord, VersionRow};
use crate::store::select::history;
use std::collections::BTreeMap;
use stix_model::{StixId, Tlp};

/// Bytes of objects after which a piece of work ends. The one that passes the bound is still moved.
const MAX_BYTES: usize = 4 << 20;

/// Looks at a bounded number of entries and moves those that carry no marking, each to a new position, so that every
/// poller that sees the new level gets them.
pub(super) async fn apply(
    overlay: &mut Overlay<'_>,
    request: &Request,
    relevel: &Relevel,
    time: i64,
) -> Result<Applied, StoreError> {
    let collection = match check(overlay, request, &relevel.target).await? {
        Ok(collection) => collection,
        Err(outcome) => return Ok(applied(outcome, None)),
    };
    let mut work = Work::new(overlay, collection, time)?;
    let limit = relevel.limit as usize;
    let after = relevel.after;
    for level in Tlp::ALL {
        // Levels come in their order, so those before the one to go on from are done.
        let start = match after {
            Some((reached, _)) if level < reached => continue,
            Some((reached, position)) if level == reached => Some(position),
            _ => None,
        };
        if level == work.collection.unmarked {
            continue;
        }
        let range = Timeline::All(level).after(work.space, start);
        let entries = work.overlay.scan(Scan::forward(range, limit)).await?;
        let (mut last, mut bytes) = (None, 0);
        for (key, value) in &entries {
            let position = Position::of_key(key).ok_or(StoreError::Corrupt("a timeline"))?;
            let entry = Entry::decode(value)?;
            last = Some(position);
            if entry.is_marked {
                continue;
            }
            bytes += entry.length as usize;
            work.move_version(level, position, entry).await?;
            if bytes >= MAX_BYTES {
                break;
            }
        }
        if let Some(position) = last {
            let done = Done::Worked { more: true, after: Some((level as u8, position)) };
            return Ok(applied(Ok(done), work.finish()?));
        }
    }
    // The head is compared, so that a level which another process sets meanwhile keeps its mark.
    put_head(work.overlay, work.space, work.head);
    work.overlay.remove(keys::relevelled(work.space));
    Ok(applied(Ok(Done::Worked { more: false, after: None }), None))
}

fn applied(outcome: Outcome, announcement: Option<Announcement>) -> Applied {
    Applied { outcomes: vec![outcome], announcement, replaced: 0 }
}

struct Work<'o, 's> {
    overlay: &'o mut Overlay<'s>,
    collection: Collection,
    space: Space,
    time: u64,
    head: Head,
    /// The objects of which versions move.
    objects: BTreeMap<StixId, Moved>,
    announcement: Option<Announcement>,
}

/// An object of which versions move.
struct Moved {
    /// Its record before the piece of work.
    before: ObjectRecord,
    /// Its versions, as moved so far.
    versions: BTreeMap<Position, HistoryRow>,
}

impl<'o, 's> Work<'o, 's> {
    fn new(overlay: &'o mut Overlay<'s>, collection: Collection, time: i64) -> Result<Self, StoreError> {
        let (space, time) = (collection.space(), u64::try_from(time).unwrap_or_default());
        let head = head(overlay, space)?;
        Ok(Self { overlay, collection, space, time, head, objects: BTreeMap::new(), announcement: None })
    }

    /// Moves one version to the end of the timeline of the new level.
    async fn move_version(&mut self, from: Tlp, old: Position, entry: Entry) -> Result<(), StoreError> {
        let (space, to, id, spec) = (self.space, self.collection.unmarked, &entry.id, entry.spec_version);
        // Each is the last of its group, and so falls on a whole millisecond.
        let micros = self.time.max(self.head.last.micros + 1).next_multiple_of(1000);
        let new = Position { micros, sequence: 0 };
        let object = self.object(id).await?;
        let facts = object.before.0.get(&spec).ok_or(StoreError::Corrupt("the record of an object"))?;
        let is_unversioned = facts.is_unversioned;
        let row = object.versions.remove(&old).ok_or(StoreError::Corrupt("the history of an object"))?;
        let moved = VersionRow { level: to, position: new, ..row.row };
        let content = is_unversioned.then(|| moved.of_content(&row.instant)).transpose()?;
        // The order of versions stays, also where the version is the `date_added` that the object had first.
        let (key, value) = (keys::version(space, id, spec, &row.instant), moved.encode());
        object.versions.insert(new, HistoryRow { row: moved, ..row });
        self.overlay.put(key, value);
        if let Some(content) = content {
            self.overlay.put(keys::content(space, id, spec, &content.content), content.encode());
        }
        let length = entry.length as usize;
        let (old_bytes, new_bytes) = (keys::object_bytes(space, old), keys::object_bytes(space, new));
        let json = self.overlay.load_large(&old_bytes, length).await?;
        self.overlay.remove_large(&old_bytes, length);
        self.overlay.put_large(&new_bytes, json);
        self.overlay.remove(Timeline::All(from).at(space, old));
        self.overlay.put(Timeline::All(to).at(space, new), entry.encode());
        self.head.remove(from, spec, entry.length);
        self.head.add(to, spec, new, entry.length);
        let announcement = self.announcement.get_or_insert(Announcement::of(self.collection.id));
        announcement.add(to, new);
        Ok(())
    }

    /// An object with its history, read once for all of its versions that move.
    async fn object(&mut self, id: &StixId) -> Result<&mut Moved, StoreError> {
        if !self.objects.contains_key(id) {
            let key = keys::object(self.space, id);
            self.overlay.load([key.clone()]).await?;
            let before = ObjectRecord::decode(self.overlay.get(&key))?;
            let entries = self.overlay.scan_all(keys::versions(self.space, id)).await?;
            let rows = history(self.space, id, entries)?;
            let versions = rows.into_iter().map(|row| (row.row.position, row)).collect();
            self.objects.insert(id.clone(), Moved { before, versions });
        }
        Ok(self.objects.get_mut(id).expect("inserted above"))
    }

    /// Writes the records of the objects and the head, and returns the announcement.
    fn finish(mut self) -> Result<Option<Announcement>, StoreError> {
        for (id, Moved { before, versions }) in std::mem::take(&mut self.objects) {
            let after = rebuild(&before, versions.into_values())?;
            let latest = [&before.latest()[..], &after.latest()];
            move_latest(self.overlay, self.space, &mut self.head, id.object_type(), latest);
            self.overlay.put(keys::object(self.space, &id), after.encode());
        }
        if self.announcement.is_some() {
            put_head(self.overlay, self.space, self.head);
        }
        Ok(self.announcement)
    }
}
