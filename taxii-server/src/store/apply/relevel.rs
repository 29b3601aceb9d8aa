//! Moving objects without a marking to another level.

use super::object::ObjectChange;
use super::{Applied, check, head, put_head};
use crate::store::StoreError;
use crate::store::announce::Announcement;
use crate::store::command::{Relevel, Request};
use crate::store::directory::Collection;
use crate::store::engine::Scan;
use crate::store::keys::{self, ChainKey, Position, Space, Timeline};
use crate::store::overlay::Overlay;
use crate::store::receipt::Done;
use crate::store::record::{Entry, Head, ObjectRecord, Slot, VersionRow};
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
        Err(outcome) => return Ok(Applied::single(outcome, None)),
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
            let length = entry.length as usize;
            if work.move_version(Slot { level, position }, entry).await? {
                bytes += length;
            }
            if bytes >= MAX_BYTES {
                break;
            }
        }
        if let Some(position) = last {
            let done = Done::Worked { more: true, after: Some((level as u8, position)) };
            return Ok(Applied::single(Ok(done), work.finish().await?));
        }
    }
    // The head is compared, so that a level which another process sets meanwhile keeps its mark.
    put_head(work.overlay, work.space, work.head);
    work.overlay.remove(keys::relevelled(work.space));
    Ok(Applied::single(Ok(Done::Worked { more: false, after: None }), None))
}

struct Work<'o, 's> {
    overlay: &'o mut Overlay<'s>,
    collection: Collection,
    space: Space,
    time: u64,
    head: Head,
    /// The objects of which versions move.
    objects: BTreeMap<StixId, ObjectChange>,
    announcement: Option<Announcement>,
}

impl<'o, 's> Work<'o, 's> {
    fn new(overlay: &'o mut Overlay<'s>, collection: Collection, time: i64) -> Result<Self, StoreError> {
        let (space, time) = (collection.space(), u64::try_from(time).unwrap_or_default());
        let head = head(overlay, space)?;
        Ok(Self { overlay, collection, space, time, head, objects: BTreeMap::new(), announcement: None })
    }

    /// Moves one version to the end of the timeline of the new level. The order of versions stays, also where the version is
    /// the `date_added` that the object had first. Says whether the version was there.
    async fn move_version(&mut self, from: Slot, entry: Entry) -> Result<bool, StoreError> {
        let (space, to, spec) = (self.space, self.collection.unmarked, entry.spec_version);
        if !self.objects.contains_key(&entry.id) {
            let key = keys::object(space, &entry.id);
            self.overlay.load([key.clone()]).await?;
            let record = ObjectRecord::decode(self.overlay.get(&key))?;
            // It may be deleted, and not erased yet.
            if !record.0.get(&spec).is_some_and(|edition| edition.holds(from)) {
                return Ok(false);
            }
            self.objects.insert(entry.id.clone(), ObjectChange::new(space, entry.id.clone(), record));
        }
        let object = self.objects.get_mut(&entry.id).expect("inserted above");
        if !object.edition(spec).holds(from) {
            return Ok(false);
        }
        let instant = entry.version.sort_key();
        let key = keys::version(space, &entry.id, ChainKey { spec, level: from.level }, instant);
        self.overlay.load([key.clone()]).await?;
        let row = self.overlay.get(&key).ok_or(StoreError::Corrupt("the versions of an object"))?;
        let row = VersionRow::decode(row)?;
        let bytes = keys::object_bytes(space, from.position);
        let json = self.overlay.load_large(&bytes, entry.length as usize).await?;
        // Each is the last of its group, and so falls on a whole millisecond.
        let micros = self.time.max(self.head.last.micros + 1).next_multiple_of(1000);
        let position = Position { micros, sequence: 0 };
        object.remove(self.overlay, &mut self.head, spec, instant, &row).await?;
        let row = VersionRow { level: to, position, ..row };
        object.insert(self.overlay, &mut self.head, &row, &entry, json);
        let announcement = self.announcement.get_or_insert(Announcement::of(self.collection.id));
        announcement.add(to, position);
        Ok(true)
    }

    /// Writes the records of the objects and the head, and returns the announcement.
    async fn finish(mut self) -> Result<Option<Announcement>, StoreError> {
        for object in self.objects.into_values() {
            object.finish(self.overlay, &mut self.head).await?;
        }
        if self.announcement.is_some() {
            put_head(self.overlay, self.space, self.head);
        }
        Ok(self.announcement)
    }
}
