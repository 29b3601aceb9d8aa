//! Adding objects: deciding on each, giving positions, and writing what is new.

use super::{Applied, Outcome, Rejection, check, head, move_latest, put_head};
use crate::store::StoreError;
use crate::store::announce::Announcement;
use crate::store::command::{Add, Admitted, Command, Request, Stamps, Submitted};
use crate::store::directory::Collection;
use crate::store::keys::{self, Position, Space, Timeline};
use crate::store::overlay::Overlay;
use crate::store::receipt::{self, Done};
use crate::store::record::{Entry, Head, ObjectRecord, VersionRow, date_added};
use crate::store::status;
use std::collections::BTreeMap;
use stix_model::json::Digest;
use stix_model::taxii::Status;
use stix_model::version::{Decision, History, decide};
use stix_model::{SpecVersion, StixId, Timestamp, Tlp};

/// The identifiers of the objects that may be stored.
pub(super) fn ids(add: &Add) -> Vec<&StixId> {
    admitted(add).map(|admitted| &admitted.id).collect()
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
    let mut announcement = None;
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
                    let api_root = Some(run.collection.api_root.clone());
                    receipt::write(overlay, run.space.region, request, api_root, &done)?;
                    outcomes[place] = Some(Ok(done));
                }
                announcement = run.write(overlay)?;
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
    Ok(Applied { outcomes, announcement })
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
    /// Indices of what was accepted, by STIX version and sort key of the version.
    accepted: BTreeMap<VersionKey<'g>, usize>,
}

type VersionKey<'g> = (SpecVersion, Option<&'g str>);

fn version_key(admitted: &Admitted) -> VersionKey<'_> {
    (admitted.spec_version, admitted.facts.version.as_ref().map(Timestamp::sort_key))
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
            is_revoked: self.admitted.facts.is_revoked,
            digest: self.admitted.digest,
            content: self.admitted.facts.content,
        }
    }
}

/// The outcome for one object.
enum Fate {
    /// It is stored; index into the accepted objects.
    New(usize),
    /// The same version is there already.
    Known(Known),
    /// It is not stored.
    Refused { decision: Decision, is_visible: bool },
}

/// A version that an object has in common with another.
struct Known {
    content: Digest,
    level: Tlp,
    place: KnownPlace,
}

enum KnownPlace {
    Stored(Position),
    /// Index into the accepted objects.
    Accepted(usize),
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
        for admitted in adds.flat_map(admitted) {
            if !self.objects.contains_key(&admitted.id) {
                let stored = ObjectRecord::decode(overlay.get(&keys::object(self.space, &admitted.id)))?;
                let state = State { current: stored.clone(), stored, accepted: BTreeMap::new() };
                self.objects.insert(&admitted.id, state);
            }
            wanted.extend(self.stored_version_key(admitted));
        }
        overlay.load(wanted).await
    }

    /// The key of the stored version that may be the same as this one; `None` when there is none.
    fn stored_version_key(&self, admitted: &Admitted) -> Option<Vec<u8>> {
        let edition = self.objects.get(&admitted.id)?.stored.0.get(&admitted.spec_version)?;
        let (_, last) = edition.last(Tlp::Red)?;
        let instant = match &admitted.facts.version {
            Some(version) if version.sort_key() > &*last.instant => return None,
            Some(version) if !edition.is_unversioned => version.sort_key(),
            Some(_) => return None,
            None if edition.is_unversioned => &last.instant,
            None => return None,
        };
        Some(keys::version(self.space, &admitted.id, admitted.spec_version, instant))
    }

    /// The stored or accepted version that is the same as this one.
    fn known(&self, overlay: &Overlay<'_>, admitted: &Admitted) -> Result<Option<Known>, StoreError> {
        if let Some(&index) = self.objects[&admitted.id].accepted.get(&version_key(admitted)) {
            let Accepted { admitted, level, .. } = self.accepted[index];
            let content = admitted.facts.content;
            return Ok(Some(Known { content, level, place: KnownPlace::Accepted(index) }));
        }
        let Some(key) = self.stored_version_key(admitted) else { return Ok(None) };
        let Some(row) = overlay.get(&key) else { return Ok(None) };
        let VersionRow { content, level, position, .. } = VersionRow::decode(row)?;
        Ok(Some(Known { content, level, place: KnownPlace::Stored(position) }))
    }

    fn decide(&mut self, overlay: &Overlay<'_>, add: &'g Add) -> Result<Vec<Fate>, StoreError> {
        let mut fates = Vec::with_capacity(add.objects.len());
        for (index, submitted) in add.objects.iter().enumerate() {
            let Submitted::Admitted(admitted) = submitted else { continue };
            let known = self.known(overlay, admitted)?;
            let state = self.objects.get_mut(&admitted.id).expect("loaded above");
            let edition = state.current.0.get(&admitted.spec_version);
            let last = edition.and_then(|edition| edition.last(Tlp::Red));
            let history = edition.map(|edition| History {
                created: edition.created.as_deref(),
                creator: edition.creator.as_ref(),
                revoked_at: edition.revoked.as_ref().map(|(instant, _)| &**instant),
                latest: last.filter(|_| !edition.is_unversioned).map(|(_, last)| &*last.instant),
                same_version: known.as_ref().map(|known| known.content),
            });
            let decision = decide(&admitted.facts, history.as_ref());
            let sees = |level: Tlp| level <= add.clearance;
            let fate = match (decision, known) {
                (Decision::Duplicate, Some(known)) if sees(known.level) => Fate::Known(known),
                (decision, _) if decision.is_accepted() => {
                    let given = match &add.stamps {
                        Stamps::Clock => None,
                        Stamps::Given(stamps) => stamps.get(index),
                    };
                    let level = level_of(admitted, &self.collection);
                    let position = Position::default();
                    let accepted = Accepted { admitted, level, given, position };
                    insert(&mut state.current, &accepted);
                    state.accepted.insert(version_key(admitted), self.accepted.len());
                    self.accepted.push(accepted);
                    Fate::New(self.accepted.len() - 1)
                }
                (decision, known) => {
                    // The message tells only of versions that the submitter sees.
                    let is_visible = match (decision, known) {
                        (Decision::Conflict | Decision::Duplicate, Some(known)) => sees(known.level),
                        (Decision::Refused(stix_model::version::Refusal::Revoked), _) => {
                            let revoked = edition.and_then(|edition| edition.revoked.as_ref());
                            revoked.is_some_and(|(_, level)| sees(*level))
                        }
                        _ => edition.is_some_and(|edition| edition.first(add.clearance).is_some()),
                    };
                    Fate::Refused { decision, is_visible }
                }
            };
            fates.push(fate);
        }
        Ok(fates)
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
        for (index, accepted) in self.accepted.iter_mut().enumerate() {
            accepted.position = match accepted.given {
                Some(given) => restored_position(given, last, index > 0, time)?,
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
                Fate::New(accepted) => status.succeed(admitted, self.accepted[accepted].version(), None),
                Fate::Known(known) => {
                    let position = match known.place {
                        KnownPlace::Stored(position) => position,
                        KnownPlace::Accepted(index) => self.accepted[index].position,
                    };
                    let version = version_at(admitted, position);
                    status.succeed(admitted, version, Some("already in the collection"));
                }
                Fate::Refused { decision, is_visible } => {
                    status.refuse(index, &status::refusal(admitted, decision, is_visible));
                }
            }
        }
        status.finish()
    }

    /// Turns what was accepted into writes.
    fn write(mut self, overlay: &mut Overlay<'_>) -> Result<Option<Announcement>, StoreError> {
        if self.accepted.is_empty() {
            return Ok(None);
        }
        let mut announcement = Announcement::of(self.collection.id);
        for accepted in &self.accepted {
            let Accepted { admitted, level, position, .. } = accepted;
            let (space, row, version) = (self.space, accepted.row(), accepted.version());
            let key = keys::version(space, &admitted.id, admitted.spec_version, version.sort_key());
            overlay.put(key, row.encode());
            let entry = Entry {
                id: admitted.id.clone(),
                spec_version: admitted.spec_version,
                version,
                length: row.length,
                valid_until: admitted.valid_until,
                is_marked: has_own_level(admitted),
            };
            overlay.put(Timeline::All(*level).at(space, *position), entry.encode());
            overlay.put_large(&keys::object_bytes(space, *position), admitted.json.clone());
            self.head.add(*level, admitted.spec_version, *position, row.length);
            announcement.add(*level, *position);
        }
        for (id, state) in self.objects.into_iter().filter(|(_, state)| !state.accepted.is_empty()) {
            let before = state.stored.latest();
            let mut record = state.stored;
            for index in state.accepted.into_values() {
                insert(&mut record, &self.accepted[index]);
            }
            move_latest(overlay, self.space, &mut self.head, id.object_type(), [&before, &record.latest()]);
            overlay.put(keys::object(self.space, id), record.encode());
        }
        put_head(overlay, self.space, self.head);
        Ok(Some(announcement))
    }
}

fn admitted(add: &Add) -> impl Iterator<Item = &Admitted> {
    add.objects.iter().filter_map(|submitted| match submitted {
        Submitted::Admitted(admitted) => Some(&**admitted),
        Submitted::Refused(_) | Submitted::Unlisted => None,
    })
}

/// Whether the level of an object does not come from its collection. A marking definition without a marking is clear:
/// every reader of an object must be able to read its markings.
fn has_own_level(admitted: &Admitted) -> bool {
    admitted.tlp.is_some() || admitted.id.object_type() == "marking-definition"
}

fn level_of(admitted: &Admitted, collection: &Collection) -> Tlp {
    let without_marking = if has_own_level(admitted) { Tlp::Clear } else { collection.unmarked };
    admitted.tlp.unwrap_or(without_marking)
}

/// Puts a version into the record of its object.
fn insert(record: &mut ObjectRecord, accepted: &Accepted<'_>) {
    let facts = &accepted.admitted.facts;
    let edition = record.0.entry(accepted.admitted.spec_version).or_default();
    if edition.levels.is_empty() {
        edition.created = facts.created.as_ref().map(|created| created.sort_key().into());
        edition.creator.clone_from(&facts.creator);
        edition.is_unversioned = facts.version.is_none();
    }
    edition.insert(accepted.version().sort_key().into(), &accepted.row());
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
