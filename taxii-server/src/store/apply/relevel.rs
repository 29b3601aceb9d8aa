//! Moving objects without a marking to another level.

use super::{Applied, Outcome, check, head, move_latest, put_head};
use crate::store::StoreError;
use crate::store::announce::Announcement;
use crate::store::command::{Relevel, Request};
use crate::store::directory::Collection;
use crate::store::engine::Scan;
use crate::store::keys::{self, Position, Space, Timeline};
use crate::store::overlay::Overlay;
use crate::store::receipt::Done;
use crate::store::record::{Bound, Edition, Entry, Head, ObjectRecord, VersionRow, date_added};
use crate::store::select::history;
use std::collections::BTreeMap;
use stix_model::Tlp;

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
        // Levels come in their order, so those before the place to go on from are done.
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
        let mut last = None;
        for (key, value) in &entries {
            let position = Position::of_key(key).ok_or(StoreError::Corrupt("a timeline"))?;
            let entry = Entry::decode(value)?;
            last = Some(position);
            if !entry.is_marked {
                work.move_version(level, position, entry).await?;
            }
        }
        if let Some(position) = last {
            let (announcement, done) =
                (work.finish(), Done::Worked { more: true, after: Some((level as u8, position)) });
            return Ok(applied(Ok(done), announcement));
        }
    }
    work.overlay.remove(keys::relevelled(work.space));
    Ok(applied(Ok(Done::Worked { more: false, after: None }), None))
}

fn applied(outcome: Outcome, announcement: Option<Announcement>) -> Applied {
    Applied { outcomes: vec![outcome], announcement }
}

struct Work<'o, 's> {
    overlay: &'o mut Overlay<'s>,
    collection: Collection,
    space: Space,
    time: u64,
    head: Head,
    announcement: Option<Announcement>,
}

impl<'o, 's> Work<'o, 's> {
    fn new(overlay: &'o mut Overlay<'s>, collection: Collection, time: i64) -> Result<Self, StoreError> {
        let (space, time) = (collection.space(), u64::try_from(time).unwrap_or_default());
        let head = head(overlay, space)?;
        Ok(Self { overlay, collection, space, time, head, announcement: None })
    }

    async fn move_version(&mut self, from: Tlp, old: Position, entry: Entry) -> Result<(), StoreError> {
        let (space, to, id) = (self.space, self.collection.unmarked, &entry.id);
        let object_key = keys::object(space, id);
        self.overlay.load([object_key.clone()]).await?;
        let before = ObjectRecord::decode(self.overlay.get(&object_key))?;
        // Each is the last of its group, and so falls on a whole millisecond.
        let micros = self.time.max(self.head.last.micros + 1).next_multiple_of(1000);
        let new = Position { micros, sequence: 0 };
        let mut after = ObjectRecord::default();
        for row in history(space, id, self.overlay.scan_all(keys::versions(space, id)).await?)? {
            let facts = before.0.get(&row.spec).ok_or(StoreError::Corrupt("the record of an object"))?;
            let (mut version, mut instant) = (row.row, row.instant);
            if (version.level, version.position) == (from, old) {
                self.overlay.remove(keys::version(space, id, row.spec, &instant));
                version = VersionRow { level: to, position: new, ..version };
                if facts.is_unversioned {
                    instant = date_added(new).sort_key().into();
                }
                self.overlay.put(keys::version(space, id, row.spec, &instant), version.encode());
            }
            let edition = after.0.entry(row.spec).or_insert_with(|| Edition {
                levels: BTreeMap::new(),
                revoked: None,
                ..facts.clone()
            });
            if version.is_revoked {
                edition.revoke(&instant, version.level);
            }
            let bound = Bound { instant, position: version.position, length: version.length };
            edition.insert(version.level, bound);
        }
        let is_unversioned = after.0.get(&entry.spec_version).is_some_and(|edition| edition.is_unversioned);
        let length = entry.length as usize;
        let (old_bytes, new_bytes) = (keys::object_bytes(space, old), keys::object_bytes(space, new));
        let json = self.overlay.load_large(&old_bytes, length).await?;
        self.overlay.remove_large(&old_bytes, length);
        self.overlay.put_large(&new_bytes, json);
        self.overlay.remove(Timeline::All(from).at(space, old));
        let [latest_before, latest_after] = [before.latest(), after.latest()];
        let object_type = id.object_type();
        move_latest(self.overlay, space, &mut self.head, object_type, [&latest_before, &latest_after]);
        self.overlay.put(object_key, after.encode());
        let spec = entry.spec_version;
        let version = if is_unversioned { date_added(new) } else { entry.version.clone() };
        self.overlay.put(Timeline::All(to).at(space, new), Entry { version, ..entry }.encode());
        let count = &mut self.head.levels.entry(from).or_default().versions[spec as usize];
        *count = count.saturating_sub(1);
        let level = self.head.levels.entry(to).or_default();
        level.versions[spec as usize] += 1;
        (level.last, self.head.last) = (new, new);
        let announcement = self.announcement.get_or_insert(Announcement::of(self.collection.id));
        announcement.add(to, new);
        Ok(())
    }

    /// Writes the head, and returns what became visible.
    fn finish(&mut self) -> Option<Announcement> {
        if self.announcement.is_some() {
            put_head(self.overlay, self.space, std::mem::take(&mut self.head));
        }
        self.announcement.take()
    }
}
