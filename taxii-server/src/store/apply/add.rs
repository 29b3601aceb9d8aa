//! Adding objects: deciding on each, giving positions, and writing what is new.

mod decision;

use super::object::ObjectChange;
use super::{Applied, Outcome, Rejection, check, head, put_head};
use crate::store::StoreError;
use crate::store::announce::Announcement;
use crate::store::command::{Add, Admitted, Command, Request, Submitted};
use crate::store::directory::Collection;
use crate::store::keys::{self, ChainKey, Position, Space};
use crate::store::overlay::Overlay;
use crate::store::receipt::{self, Done};
use crate::store::record::{Edition, Entry, Head, ObjectRecord, Slot, VersionRow, date_added};
use crate::store::status;
pub(in crate::store) use decision::oldest_first;
use decision::{Known, KnownPlace};
use std::collections::{BTreeMap, BTreeSet};
use stix_model::taxii::Status;
use stix_model::version::Decision;
use stix_model::{SpecVersion, StixId, Timestamp, Tlp};

/// The identifiers of the objects that may be stored.
pub(super) fn ids(add: &Add) -> Vec<&StixId> {
    admitted(add).map(|(_, admitted)| &admitted.id).collect()
}

/// Applies additions that are stamped together.
pub(super) async fn apply(
    overlay: &mut Overlay<'_>,
    requests: &[Request],
    time: i64,
) -> Result<Applied, StoreError> {
    let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(requests.len());
    let mut open = Vec::new();
    let mut run = None;
    for request in requests {
        let Command::Add(add) = &request.command else {
            outcomes.push(Some(Err(Rejection::Stale)));
            continue;
        };
        match check(overlay, request, &add.target).await? {
            Err(outcome) => outcomes.push(Some(outcome)),
            Ok(collection) => {
                if run.is_none() {
                    run = Some(Run::new(overlay, collection)?);
                }
                open.push((outcomes.len(), request, add));
                outcomes.push(None);
            }
        }
    }
    let (mut announcement, mut replaced) = (None, 0);
    if let Some(mut run) = run {
        run.load(overlay, open.iter().map(|(_, _, add)| *add)).await?;
        let mut fates = Vec::with_capacity(open.len());
        for (_, _, add) in &open {
            fates.push(run.decide(overlay, add)?);
        }
        match run.stamp(time) {
            Ok(()) => {
                for ((place, request, add), fates) in open.into_iter().zip(fates) {
                    let done = Done::Added(Box::new(run.status(request, add, fates)));
                    receipt::write(overlay, run.space.region, request, Some(&run.collection), &done)?;
                    outcomes[place] = Some(Ok(done));
                }
                replaced = run.replaced();
                announcement = run.write(overlay).await?;
            }
            // Only given stamps can fail, and a request that gives them stands alone.
            Err(rejection) => {
                for (place, ..) in open {
                    outcomes[place] = Some(Err(rejection.clone()));
                }
            }
        }
    }
    let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or(Err(Rejection::Stale))).collect();
    let announcements = announcement.into_iter().collect();
    Ok(Applied { outcomes, announcements, is_directory: false, replaced })
}

/// Whether all of some objects may be added.
pub(in crate::store) async fn admits(
    overlay: &mut Overlay<'_>,
    collection: Collection,
    add: &Add,
) -> Result<bool, StoreError> {
    let (_, fates) = begin(overlay, collection, add).await?;
    Ok(fates.iter().all(|fate| !matches!(fate, Fate::Refused { .. })))
}

/// Adds objects that were decided on elsewhere. It returns whether all of them are there now.
pub(super) async fn add_decided(
    overlay: &mut Overlay<'_>,
    collection: Collection,
    add: &Add,
    time: i64,
) -> Result<(bool, Option<Announcement>), StoreError> {
    let (mut run, fates) = begin(overlay, collection, add).await?;
    let are_there = fates.iter().all(|fate| !matches!(fate, Fate::Refused { .. }));
    run.stamp(time).map_err(|_| StoreError::Corrupt("the time of an entry"))?;
    Ok((are_there, run.write(overlay).await?))
}

async fn begin<'g>(
    overlay: &mut Overlay<'_>,
    collection: Collection,
    add: &'g Add,
) -> Result<(Run<'g>, Vec<Fate>), StoreError> {
    let space = collection.space();
    let objects = ids(add).into_iter().map(|id| keys::object(space, id));
    overlay.load(objects.chain([keys::head(space)])).await?;
    let mut run = Run::new(overlay, collection)?;
    run.load(overlay, std::iter::once(add)).await?;
    let fates = run.decide(overlay, add)?;
    Ok((run, fates))
}

/// Additions to one collection that are decided and stamped together.
struct Run<'g> {
    space: Space,
    collection: Collection,
    head: Head,
    objects: BTreeMap<&'g StixId, State<'g>>,
    accepted: Vec<Accepted<'g>>,
}

/// An object as it is while the run is decided.
#[derive(Default)]
struct State<'g> {
    /// As it is stored.
    stored: ObjectRecord,
    /// With what was accepted. Positions are not known yet.
    current: ObjectRecord,
    /// Indices of what was accepted.
    accepted: BTreeMap<VersionKey<'g>, usize>,
    /// Index of the content of an unversioned object that was accepted last, by STIX version and level.
    newest: BTreeMap<(SpecVersion, Tlp), usize>,
}

/// STIX version, and the sort key of the version; the content of an object that has none.
type VersionKey<'g> = (SpecVersion, Result<&'g str, [u8; 32]>);

fn version_key(admitted: &Admitted) -> VersionKey<'_> {
    let Admitted { spec_version, facts, .. } = admitted;
    (*spec_version, facts.version.as_ref().map(Timestamp::sort_key).ok_or(facts.content.0))
}

/// The version of an object at a position; `date_added` stands in for one that it has not (TAXII 2.1, section 3.4.1).
fn version_at(admitted: &Admitted, position: Position) -> Timestamp {
    admitted.facts.version.clone().unwrap_or_else(|| date_added(position))
}

/// An object that is stored.
struct Accepted<'g> {
    admitted: &'g Admitted,
    level: Tlp,
    /// The instant that was given with a restored object.
    given: Option<&'g Timestamp>,
    position: Position,
    /// The stored version whose place it takes.
    replaces: Option<Stored>,
    /// Whether it has taken the place of other content of its version.
    is_replacement: bool,
    /// Whether its `created` and its creator count for the object from now on.
    sets_facts: bool,
    /// The index that has the same content, when that came again after another one.
    superseded_by: Option<usize>,
}

/// A stored version.
struct Stored {
    slot: Slot,
    version: Timestamp,
}

impl Accepted<'_> {
    fn version(&self) -> Timestamp {
        version_at(self.admitted, self.position)
    }

    fn row(&self) -> VersionRow {
        VersionRow {
            position: self.position,
            level: self.level,
            length: u32::try_from(self.admitted.json.len()).expect("an object is smaller than 4 GiB"),
            // Only versions revoke an object.
            is_revoked: self.admitted.facts.is_revoked && self.admitted.facts.version.is_some(),
            digest: self.admitted.digest,
            content: self.admitted.facts.content,
        }
    }
}

/// The outcome for one object.
enum Fate {
    /// It is stored; index into the accepted objects.
    New(usize),
    /// It takes the place of other content under its version; index into the accepted objects.
    Replaces(usize),
    /// Its content was there and becomes the newest again; index into the accepted objects.
    Again(usize),
    /// The same version is there already.
    Known(Known),
    /// It is not stored.
    Refused { decision: Decision, is_visible: bool },
}

impl<'g> Run<'g> {
    fn new(overlay: &Overlay<'_>, collection: Collection) -> Result<Self, StoreError> {
        let space = collection.space();
        let head = head(overlay, space)?;
        Ok(Self { space, collection, head, objects: BTreeMap::new(), accepted: Vec::new() })
    }

    /// Decodes the records of all objects, and reads in one step the versions that may be the same as a sent one.
    async fn load(
        &mut self,
        overlay: &mut Overlay<'_>,
        adds: impl Iterator<Item = &'g Add>,
    ) -> Result<(), StoreError> {
        let mut wanted = Vec::new();
        for (_, admitted) in adds.flat_map(admitted) {
            if !self.objects.contains_key(&admitted.id) {
                let stored = ObjectRecord::decode(overlay.get(&keys::object(self.space, &admitted.id)))?;
                let state = State { current: stored.clone(), stored, ..State::default() };
                self.objects.insert(&admitted.id, state);
            }
            wanted.extend(self.stored_version_keys(admitted));
        }
        overlay.load(wanted).await
    }

    /// The commit clock: strictly increasing within a collection, also when a machine's clock goes back. The last position of
    /// each level falls on a whole millisecond, because some clients keep no more digits, and some see no higher level.
    fn stamp(&mut self, time: i64) -> Result<(), Rejection> {
        let time = u64::try_from(time).unwrap_or_default();
        let mut last_of_level = BTreeMap::new();
        for (index, accepted) in self.accepted.iter().enumerate() {
            last_of_level.insert(accepted.level, index);
        }
        let mut last = self.head.last;
        let mut unversioned = BTreeSet::new();
        for (index, accepted) in self.accepted.iter_mut().enumerate() {
            accepted.position = match accepted.given {
                Some(given) => {
                    let position = restored_position(given, last, index > 0, time)?;
                    // Its version is its `date_added`, so two versions of it cannot share one.
                    if position.micros != last.micros {
                        unversioned.clear();
                    }
                    if accepted.admitted.facts.version.is_none() && !unversioned.insert(&accepted.admitted.id)
                    {
                        let (given, last) = (given.clone(), date_added(last));
                        let reason = "another version of the same object has it";
                        return Err(Rejection::DateAdded { given, last, reason });
                    }
                    position
                }
                None => {
                    let micros = time.max(last.micros + 1);
                    let is_last = last_of_level.get(&accepted.level) == Some(&index);
                    let micros = if is_last { micros.next_multiple_of(1000) } else { micros };
                    Position { micros, sequence: 0 }
                }
            };
            last = accepted.position;
        }
        Ok(())
    }

    fn status(&self, request: &Request, add: &Add, fates: Vec<Fate>) -> Status {
        let mut status = status::Builder::new(request, add.objects.len());
        let mut fates = fates.into_iter();
        for (index, submitted) in add.objects.iter().enumerate() {
            let admitted = match submitted {
                Submitted::Admitted(admitted) => admitted,
                Submitted::Refused(refused) => {
                    status.refuse(index, refused);
                    continue;
                }
                Submitted::Unlisted => {
                    status.refuse_unlisted();
                    continue;
                }
            };
            let Some(fate) = fates.next() else { continue };
            match fate {
                Fate::New(accepted) => status.succeed(admitted, self.version_of(accepted), None),
                Fate::Replaces(accepted) => {
                    let message = "takes the place of other content of the same version";
                    status.succeed(admitted, self.version_of(accepted), Some(message));
                }
                Fate::Again(accepted) => {
                    let message = "was in the collection, and is the newest content of this object again";
                    status.succeed(admitted, self.version_of(accepted), Some(message));
                }
                Fate::Known(known) => {
                    let version = match known.place {
                        KnownPlace::Stored(stored) => stored.version,
                        KnownPlace::Accepted(index) => self.version_of(index),
                    };
                    status.succeed(admitted, version, Some("already in the collection"));
                }
                Fate::Refused { decision, is_visible } => {
                    status.refuse(index, &status::refusal(admitted, decision, is_visible));
                }
            }
        }
        status.finish()
    }

    /// The version under which an accepted object is stored.
    fn version_of(&self, mut index: usize) -> Timestamp {
        while let Some(later) = self.accepted[index].superseded_by {
            index = later;
        }
        self.accepted[index].version()
    }

    /// The number of stored versions whose place is taken by other content.
    fn replaced(&self) -> u64 {
        let replaced = self.accepted.iter().filter(|accepted| accepted.is_replacement);
        replaced.filter(|accepted| accepted.replaces.is_some()).count() as u64
    }

    /// Turns what was accepted into writes.
    async fn write(mut self, overlay: &mut Overlay<'_>) -> Result<Option<Announcement>, StoreError> {
        if self.accepted.is_empty() {
            return Ok(None);
        }
        let space = self.space;
        let key_of = |admitted: &Admitted, stored: &Stored| {
            let chain = ChainKey { spec: admitted.spec_version, level: stored.slot.level };
            keys::version(space, &admitted.id, chain, stored.version.sort_key())
        };
        let replaced = self.accepted.iter().filter_map(|accepted| {
            let stored = accepted.replaces.as_ref()?;
            Some(key_of(accepted.admitted, stored))
        });
        overlay.load(replaced.collect::<Vec<_>>()).await?;
        let mut announcement = Announcement::of(self.collection.id);
        let mut changes: BTreeMap<&StixId, ObjectChange> = BTreeMap::new();
        for accepted in self.accepted.iter().filter(|accepted| accepted.superseded_by.is_none()) {
            let Accepted { admitted, level, position, replaces, .. } = accepted;
            let (id, spec) = (&admitted.id, admitted.spec_version);
            let change = changes.entry(id).or_insert_with(|| {
                let stored = self.objects.remove(id).unwrap_or_default().stored;
                ObjectChange::new(space, id.clone(), stored)
            });
            take_facts(change.edition(spec), accepted);
            if let Some(stored) = replaces {
                let row = overlay.get(&key_of(admitted, stored));
                let row = VersionRow::decode(row.ok_or(StoreError::Corrupt("a version of an object"))?)?;
                change.remove(overlay, &mut self.head, spec, stored.version.sort_key(), &row).await?;
            }
            let row = accepted.row();
            let entry = Entry {
                id: id.clone(),
                spec_version: spec,
                version: accepted.version(),
                length: row.length,
                valid_until: admitted.valid_until,
                is_marked: has_own_level(admitted),
            };
            change.insert(overlay, &mut self.head, &row, &entry, admitted.json.clone());
            announcement.add(*level, *position);
        }
        for change in changes.into_values() {
            change.finish(overlay, &mut self.head).await?;
        }
        put_head(overlay, space, self.head);
        Ok(Some(announcement))
    }
}

/// The objects of a request that may be stored, each with its index in the request.
fn admitted(add: &Add) -> impl Iterator<Item = (usize, &Admitted)> {
    add.objects.iter().enumerate().filter_map(|(index, submitted)| match submitted {
        Submitted::Admitted(admitted) => Some((index, &**admitted)),
        Submitted::Refused(_) | Submitted::Unlisted => None,
    })
}

/// Whether the level of an object does not come from its collection. A marking definition without a marking is clear:
/// every reader of an object must be able to read its markings.
fn has_own_level(admitted: &Admitted) -> bool {
    admitted.tlp.is_some() || admitted.id.object_type() == "marking-definition"
}

/// The level of an object in a collection that gives this one to objects without a marking.
pub(in crate::store) fn level_of(admitted: &Admitted, unmarked: Tlp) -> Tlp {
    let without_marking = if has_own_level(admitted) { Tlp::Clear } else { unmarked };
    admitted.tlp.unwrap_or(without_marking)
}

/// Takes over what all versions of an object share, from the first one or one that says it anew.
fn take_facts(edition: &mut Edition, Accepted { admitted, sets_facts, .. }: &Accepted<'_>) {
    if !edition.chains.is_empty() && !sets_facts {
        return;
    }
    let facts = &admitted.facts;
    edition.created = facts.created.as_ref().map(|created| created.sort_key().into());
    edition.creator.clone_from(&facts.creator);
    edition.is_unversioned = facts.version.is_none();
}

fn restored_position(
    given: &Timestamp,
    last: Position,
    may_tie: bool,
    time: u64,
) -> Result<Position, Rejection> {
    let micros = u64::try_from(given.micros()).unwrap_or_default();
    let refuse = |reason| Err(Rejection::DateAdded { given: given.clone(), last: date_added(last), reason });
    if micros > time {
        return refuse("it lies in the future");
    }
    if micros > last.micros {
        return Ok(Position { micros, sequence: 0 });
    }
    match last.sequence.checked_add(1) {
        Some(sequence) if may_tie && micros == last.micros => Ok(Position { micros, sequence }),
        _ => refuse("it must be later than everything in the collection"),
    }
}
