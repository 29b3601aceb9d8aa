//! What a run of a feed makes, against what earlier runs made: only what is new or says something else is sent.

use super::{FOUND, OBJECTS, PARTS, SPOOL, State, StateError, object_key, part_key, parts_of, says_the_same};
use crate::feed::Feed;
use crate::output::{Output, Rejected, Standing, first_with};
use crate::shared::{Part, SharedKey, merge};
use crate::value::Value;
use crate::warninglist::Warninglist;
use redb::{ReadableTable, Table, WriteTransaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use stix_model::json::{Change, edit};
use stix_model::version::{is_revoked, revoke};
use stix_model::{Object, StixId, Timestamp};

/// Objects that are kept in one transaction.
const PIECE: usize = 1_000;
/// Things that several sources describe of which the parts are kept in memory.
const PARTS_AT_ONCE: usize = 10_000;
/// Of a complete list with more rejected records than one in so many nothing is withdrawn.
const REJECTED_SHARE: u64 = 20;
/// Rejections that are told one by one.
const TOLD: usize = 50;
/// With a collection behind it the owner of objects that several feeds make; no feed has such a name.
const SHARED: &str = "\u{1}";

/// What a run made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Records that were read.
    pub records: u64,
    /// Objects that no run had before.
    pub new: u64,
    /// Objects of which there is a new version.
    pub updated: u64,
    /// Objects that say what they said.
    pub unchanged: u64,
    /// Objects that the source withdrew.
    pub revoked: u64,
    /// Records that became no object, by their reason.
    pub rejected: BTreeMap<String, u64>,
    /// The first of them.
    pub first_rejected: Vec<Rejected>,
    /// What was repaired.
    pub notes: Vec<String>,
    /// The latest time that the source says of a record.
    pub newest: Option<Timestamp>,
}

/// Takes what a run of a feed makes.
pub struct Staging<'s> {
    state: &'s State,
    feed: &'s Feed,
    run: u64,
    now: Timestamp,
    pending: Vec<Object>,
    parts: BTreeMap<SharedKey, Part>,
    staged: Staged,
    /// Documents that could not be read as a whole.
    unread: u64,
    warninglists: &'s [Warninglist],
    /// Why nothing more is taken.
    failed: Option<StateError>,
}

impl<'s> Staging<'s> {
    pub(super) fn new(state: &'s State, feed: &'s Feed, run: u64, now: Timestamp) -> Self {
        let (pending, parts, staged) = (Vec::new(), BTreeMap::new(), Staged::default());
        let (unread, warninglists, failed) = (0, &[][..], None);
        Self { state, feed, run, now, pending, parts, staged, unread, warninglists, failed }
    }

    /// Holds values against warning lists.
    #[must_use]
    pub fn warninglists(mut self, warninglists: &'s [Warninglist]) -> Self {
        self.warninglists = warninglists;
        self
    }

    /// Number of this run.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// Keeps the rest, withdraws what a complete list has no more, and returns what the run made.
    ///
    /// # Errors
    /// When the state fails; what was kept until then is right, and a later run goes on from there.
    pub fn finish(mut self) -> Result<Staged, StateError> {
        self.flush();
        self.merge();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.feed.is_complete && self.staged.records > 0 {
            let rejected: u64 = self.staged.rejected.values().sum();
            // What cannot be read may be what is still there.
            match (self.unread, rejected * REJECTED_SHARE > self.staged.records) {
                (0, false) => self.withdraw()?,
                (0, true) => self.note(format!(
                    "nothing is withdrawn, because {rejected} of {} records were rejected",
                    self.staged.records
                )),
                (unread, _) => {
                    self.note(format!("nothing is withdrawn, because {unread} documents could not be read"))
                }
            }
        }
        Ok(self.staged)
    }

    fn flush(&mut self) {
        let objects = std::mem::take(&mut self.pending);
        let feed = self.feed;
        let kept = if self.failed.is_none() { self.keep(objects, &feed.name) } else { Ok(()) };
        self.failed = self.failed.take().or(kept.err());
    }

    fn keep(&mut self, objects: Vec<Object>, owner: &str) -> Result<(), StateError> {
        if objects.is_empty() {
            return Ok(());
        }
        let write = self.state.database.begin_write()?;
        let mut tables = Tables::open(&write, &self.feed.name)?;
        for object in objects {
            self.keep_one(&mut tables, &object, owner)?;
        }
        drop(tables);
        Ok(write.commit()?)
    }

    fn keep_one(&mut self, tables: &mut Tables<'_>, object: &Object, owner: &str) -> Result<(), StateError> {
        let id = object.id().as_str();
        let key = object_key(owner, id);
        let known = tables.objects.get(&*key)?.map(|row| (row.value().0, row.value().1.to_vec()));
        let before = match known {
            Some(known) => Some(known),
            None => tables.found.get(id)?.map(|text| (0, text.value().to_vec())),
        };
        let Some((run, text)) = before else {
            self.staged.new += 1;
            return tables.send(&key, self.run, object);
        };
        let held = parse(&text)?;
        if is_revoked(&held) || says_the_same(&held, object) {
            self.staged.unchanged += u64::from(run != self.run);
            // Only a complete list asks later what it has no more; what the server had is known from now on.
            if run != self.run && (self.feed.is_complete || run == 0) {
                tables.objects.insert(&*key, (self.run, &*text))?;
            }
            return Ok(());
        }
        self.staged.updated += 1;
        tables.send(&key, self.run, &self.next(&held, object)?)
    }

    /// The time of a version that follows on another one.
    fn after(&self, modified: &Timestamp) -> Timestamp {
        let later = crate::time::from_micros(modified.micros() + 1_000);
        later.map_or_else(|| self.now.clone(), |later| later.max(self.now.clone()))
    }

    /// A version that follows on the one that is held, and says what the object says.
    fn next(&self, held: &Object, object: &Object) -> Result<Object, StateError> {
        let (before, after) = (held.header(), object.header());
        let (Some(created), Some(modified), Some(given)) =
            (&before.created, &before.modified, &after.modified)
        else {
            return Ok(object.clone());
        };
        let at = if given > modified { given.clone() } else { self.after(modified) };
        let changes =
            [Change::set_text("created", created.as_str()), Change::set_text("modified", at.as_str())];
        let text = edit(object.document().root(), &changes).map_err(|_| StateError::Damaged("an object"))?;
        parse(text.as_bytes())
    }

    /// Makes what several sources describe from what each of them says.
    fn merge(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        let merged = if self.failed.is_none() { self.merge_all(parts) } else { Ok(()) };
        self.failed = self.failed.take().or(merged.err());
    }

    fn merge_all(&mut self, parts: BTreeMap<SharedKey, Part>) -> Result<(), StateError> {
        if parts.is_empty() {
            return Ok(());
        }
        let parts: Vec<_> = parts.into_iter().collect();
        let mut has_facts = false;
        for piece in parts.chunks(PIECE) {
            // Other feeds may say something of the same things meanwhile, so all of it is one transaction.
            let write = self.state.database.begin_write()?;
            let mut tables = Tables::open(&write, &self.feed.name)?;
            for (key, part) in piece {
                has_facts |= self.merge_one(&mut tables, key, part.clone())?;
            }
            drop(tables);
            write.commit()?;
        }
        let frame = crate::shared::frame(has_facts).unwrap_or_default();
        self.keep(frame, &self.shared_owner())
    }

    /// Takes over what this feed says of one thing, and returns whether any feed tells facts of it.
    fn merge_one(
        &mut self,
        tables: &mut Tables<'_>,
        key: &SharedKey,
        part: Part,
    ) -> Result<bool, StateError> {
        let mut said = parts_of(&tables.parts, key)?;
        let own = said.iter().position(|(_, other)| other.feed == part.feed);
        let part = match own.map(|place| said.swap_remove(place)) {
            // An earlier piece of the same file said something of it, too.
            Some((run, mut before)) if run == self.run => {
                before.join(part);
                before
            }
            Some((_, before)) => part.following(&before),
            None => part,
        };
        let mut said: Vec<Part> = said.into_iter().map(|(_, part)| part).collect();
        said.push(part.clone());
        match merge(key, &said) {
            Ok(object) => {
                let text =
                    serde_json::to_vec(&part).map_err(|_| StateError::Damaged("what a source says"))?;
                tables.parts.insert(&*part_key(key, &part.feed), (self.run, &*text))?;
                self.keep_one(tables, &object, &self.shared_owner())?;
            }
            Err(error) => self.reject(Rejected { record: part.name, reason: error.to_string() }),
        }
        Ok(said.iter().any(|part| !part.facts.is_empty()))
    }

    /// What several feeds make is in each collection to which one of them goes.
    fn shared_owner(&self) -> String {
        format!("{SHARED}{}", self.feed.collection.as_deref().unwrap_or_default())
    }

    /// Withdraws the indicators and relationships that this run did not have.
    fn withdraw(&mut self) -> Result<(), StateError> {
        let start = object_key(&self.feed.name, "");
        let end = format!("{start}\u{10FFFF}");
        let write = self.state.database.begin_write()?;
        let mut tables = Tables::open(&write, &self.feed.name)?;
        let (mut gone, mut held_count) = (Vec::new(), 0);
        for entry in tables.objects.range(&*start..&*end)? {
            let (key, row) = entry?;
            let (run, text) = row.value();
            let held = parse(text)?;
            if held.header().modified.is_none() || is_revoked(&held) {
                continue;
            }
            held_count += 1;
            if run != self.run {
                gone.push((key.value().to_owned(), run, held));
            }
        }
        // A list that is suddenly short is more likely broken than right, and a revocation is final.
        if gone.len() * 100 > held_count * usize::from(self.feed.max_withdrawn_percent) {
            self.note(format!(
                "nothing is withdrawn, because {} of {held_count} objects would be; `max-withdrawn-percent` allows more",
                gone.len()
            ));
            return Ok(());
        }
        for (key, run, held) in gone {
            let Some(modified) = &held.header().modified else { continue };
            let Ok(revoked) = revoke(&held, &self.after(modified)) else { continue };
            self.staged.revoked += 1;
            tables.send(&key, run, &revoked)?;
        }
        drop(tables);
        Ok(write.commit()?)
    }
}

/// The tables of a transaction, each opened once.
struct Tables<'t> {
    objects: Table<'t, &'static str, (u64, &'static [u8])>,
    found: Table<'t, &'static str, &'static [u8]>,
    parts: Table<'t, &'static str, (u64, &'static [u8])>,
    spool: Table<'t, (&'static str, u64), &'static [u8]>,
    feed: &'t str,
    /// Number of the next object that is to be sent.
    next: u64,
}

impl<'t> Tables<'t> {
    fn open(write: &'t WriteTransaction, feed: &'t str) -> Result<Self, StateError> {
        let (objects, found, parts) =
            (write.open_table(OBJECTS)?, write.open_table(FOUND)?, write.open_table(PARTS)?);
        let spool = write.open_table(SPOOL)?;
        let last = spool.range((feed, 0)..=(feed, u64::MAX))?.next_back().transpose()?;
        let next = last.map_or(0, |(key, _)| key.value().1 + 1);
        Ok(Self { objects, found, parts, spool, feed, next })
    }

    /// Keeps an object as what a run made, and has it sent.
    fn send(&mut self, key: &str, run: u64, object: &Object) -> Result<(), StateError> {
        self.objects.insert(key, (run, &object.json()[..]))?;
        self.spool.insert((self.feed, self.next), &object.json()[..])?;
        self.next += 1;
        Ok(())
    }
}

fn parse(text: &[u8]) -> Result<Object, StateError> {
    let text = std::str::from_utf8(text).map_err(|_| StateError::Damaged("an object"))?;
    Object::parse(text).map_err(|_| StateError::Damaged("an object"))
}

impl Output for Staging<'_> {
    fn warninglist(&self, value: &Value) -> Option<&str> {
        first_with(self.warninglists, value)
    }

    fn record(&mut self) {
        self.staged.records += 1;
    }

    fn object(&mut self, object: Object) {
        let header = object.header();
        // What has no time of its source has that of the run.
        let modified = header.modified.clone().filter(|modified| *modified != self.now);
        if header.id.object_type() == "indicator" {
            self.staged.newest = self.staged.newest.take().max(modified);
        }
        self.pending.push(object);
        if self.pending.len() >= PIECE {
            self.flush();
        }
    }

    fn part(&mut self, key: SharedKey, part: Part) {
        match self.parts.get_mut(&key) {
            Some(known) => known.join(part),
            None => drop(self.parts.insert(key, part)),
        }
        // What a file says of a thing is mostly in one place of it; memory must not grow with the file.
        if self.parts.len() >= PARTS_AT_ONCE {
            self.flush();
            self.merge();
        }
    }

    fn reject(&mut self, rejected: Rejected) {
        *self.staged.rejected.entry(kind_of(&rejected.reason)).or_default() += 1;
        if self.staged.first_rejected.len() < TOLD {
            self.staged.first_rejected.push(rejected);
        }
    }

    fn reject_document(&mut self, rejected: Rejected) {
        self.unread += 1;
        self.record();
        self.reject(rejected);
    }

    fn note(&mut self, note: String) {
        if self.staged.notes.len() < TOLD && !self.staged.notes.contains(&note) {
            self.staged.notes.push(note);
        }
    }

    fn standing(&self, id: &StixId) -> Standing {
        let read = || -> Result<Option<Vec<u8>>, StateError> {
            use redb::ReadableDatabase;
            let read = self.state.database.begin_read()?;
            let known = read.open_table(OBJECTS)?.get(&*object_key(&self.feed.name, id.as_str()))?;
            if let Some(row) = known {
                return Ok(Some(row.value().1.to_vec()));
            }
            Ok(read.open_table(FOUND)?.get(id.as_str())?.map(|text| text.value().to_vec()))
        };
        let Ok(Some(text)) = read() else { return Standing::New };
        let Ok(held) = parse(&text) else { return Standing::New };
        match held.header().created.clone() {
            _ if is_revoked(&held) => Standing::Revoked,
            Some(created) => Standing::Made { created, valid_until: held.get("valid_until").ok().flatten() },
            None => Standing::New,
        }
    }
}

/// A reason without the text that it is about, so that alike ones are counted together.
fn kind_of(reason: &str) -> String {
    let mut kind = String::new();
    for (number, piece) in reason.split('`').enumerate() {
        kind.push_str(if number % 2 == 0 { piece } else { "…" });
    }
    kind
}
