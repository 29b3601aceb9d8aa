//! Adding objects: deciding on each, giving positions, and writing what is new.

use super::{Applied, Outcome, Rejection, check, head, move_latest, put_head, rebuild};
use crate::store::StoreError;
use crate::store::announce::Announcement;
use crate::store::command::{Add, Admitted, Command, Request, Stamps, Submitted};
use crate::store::directory::Collection;
use crate::store::engine::Key;
use crate::store::filter::HistoryRow;
use crate::store::keys::{self, Position, Space, Timeline};
use crate::store::overlay::Overlay;
use crate::store::receipt::{self, Done};
use crate::store::record::{Entry, Head, ObjectRecord, VersionRow, date_added};
use crate::store::select::history;
use crate::store::status;
use crate::store::{Conflicts, Profile};
use std::collections::{BTreeMap, BTreeSet};
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
                    let api_root = Some(run.collection.api_root.clone());
                    receipt::write(overlay, run.space.region, request, api_root, &done)?;
                    outcomes[place] = Some(Ok(done));
                }
                replaced = run.replaced();
                run.load_histories(overlay).await?;
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
    Ok(Applied { outcomes, announcement, replaced })
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
    /// The stored versions, where some of them are replaced.
    history: Vec<HistoryRow>,
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
    replaces: Option<VersionRow>,
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
    /// It takes the place of other content under its version; index into the accepted objects.
    Replaces(usize),
    /// The same version is there already.
    Known(Known),
    /// It is not stored.
    Refused { decision: Decision, is_visible: bool },
}

/// The version that an object is to be held against: the same one, or that of an unversioned object with the same content.
struct Known {
    content: Digest,
    level: Tlp,
    place: KnownPlace,
}

enum KnownPlace {
    Stored(VersionRow),
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
                let state = State { current: stored.clone(), stored, ..State::default() };
                self.objects.insert(&admitted.id, state);
            }
            wanted.extend(self.stored_version_keys(admitted).into_iter().flatten());
        }
        overlay.load(wanted).await
    }

    /// The keys of the stored versions that may be the same as this one: for an unversioned object the one with its content,
    /// and the last one, because the first one may have been stored before contents had keys.
    fn stored_version_keys(&self, admitted: &Admitted) -> [Option<Key>; 2] {
        let Admitted { id, spec_version, facts, .. } = admitted;
        let edition = self.objects.get(id).and_then(|state| state.stored.0.get(spec_version));
        let Some((edition, (_, last))) = edition.and_then(|edition| Some((edition, edition.last(Tlp::Red)?)))
        else {
            return [None, None];
        };
        let key = |instant| Some(keys::version(self.space, id, *spec_version, instant));
        match (&facts.version, edition.is_unversioned) {
            (Some(version), false) if version.sort_key() <= &*last.instant => [key(version.sort_key()), None],
            (None, true) => {
                let content = keys::content(self.space, id, *spec_version, &facts.content);
                [Some(content), key(&last.instant)]
            }
            _ => [None, None],
        }
    }

    /// The stored or accepted version that this one is to be held against.
    fn known(&self, overlay: &Overlay<'_>, admitted: &Admitted) -> Result<Option<Known>, StoreError> {
        if let Some(&index) = self.objects[&admitted.id].accepted.get(&version_key(admitted)) {
            let Accepted { admitted, level, .. } = self.accepted[index];
            let content = admitted.facts.content;
            return Ok(Some(Known { content, level, place: KnownPlace::Accepted(index) }));
        }
        for key in self.stored_version_keys(admitted).into_iter().flatten() {
            let Some(row) = overlay.get(&key) else { continue };
            let row = VersionRow::decode(row)?;
            if admitted.facts.version.is_some() || row.content == admitted.facts.content {
                let (content, level) = (row.content, row.level);
                return Ok(Some(Known { content, level, place: KnownPlace::Stored(row) }));
            }
        }
        Ok(None)
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
            let mut decision = decide(&admitted.facts, history.as_ref());
            // What only the header must satisfy need not follow what came before.
            if self.collection.profile == Profile::Header && matches!(decision, Decision::Refused(_)) {
                decision = Decision::Newer;
            }
            let replaces_other = self.collection.conflicts == Conflicts::Newest
                && decision == Decision::Conflict
                && !admitted.facts.is_marking;
            let sees = |level: Tlp| level <= add.clearance;
            let fate = match (decision, known) {
                (Decision::Duplicate, Some(known)) if sees(known.level) => Fate::Known(known),
                // Of the same run; it has no position yet.
                (_, Some(Known { level, place: KnownPlace::Accepted(place), .. }))
                    if replaces_other && sees(level) =>
                {
                    let accepted = &mut self.accepted[place];
                    accepted.level = level_of(admitted, &self.collection);
                    accepted.admitted = admitted;
                    Fate::Replaces(place)
                }
                (decision, known)
                    if decision.is_accepted()
                        || replaces_other && known.as_ref().is_some_and(|known| sees(known.level)) =>
                {
                    let given = match &add.stamps {
                        Stamps::Clock => None,
                        Stamps::Given(stamps) => stamps.get(index),
                    };
                    let replaces = known.and_then(|known| match known.place {
                        KnownPlace::Stored(row) => Some(row),
                        KnownPlace::Accepted(_) => None,
                    });
                    let place = self.accepted.len();
                    let fate = if replaces.is_some() { Fate::Replaces(place) } else { Fate::New(place) };
                    let (level, position) = (level_of(admitted, &self.collection), Position::default());
                    let accepted = Accepted { admitted, level, given, position, replaces };
                    insert(&mut state.current, &accepted);
                    state.accepted.insert(version_key(admitted), place);
                    self.accepted.push(accepted);
                    fate
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
                Fate::New(accepted) => status.succeed(admitted, self.accepted[accepted].version(), None),
                Fate::Replaces(accepted) => {
                    let message = "takes the place of other content of the same version";
                    status.succeed(admitted, self.accepted[accepted].version(), Some(message));
                }
                Fate::Known(known) => {
                    let position = match known.place {
                        KnownPlace::Stored(row) => row.position,
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

    /// The number of stored versions whose place is taken.
    fn replaced(&self) -> u64 {
        self.accepted.iter().filter(|accepted| accepted.replaces.is_some()).count() as u64
    }

    /// Reads the versions of each object of which one is replaced: it may have been the first or the last of its level.
    async fn load_histories(&mut self, overlay: &Overlay<'_>) -> Result<(), StoreError> {
        for accepted in self.accepted.iter().filter(|accepted| accepted.replaces.is_some()) {
            let id = &accepted.admitted.id;
            let state = self.objects.get_mut(id).expect("loaded before it was decided");
            if state.history.is_empty() {
                let entries = overlay.scan_all(keys::versions(self.space, id)).await?;
                state.history = history(self.space, id, entries)?;
            }
        }
        Ok(())
    }

    /// Turns what was accepted into writes.
    fn write(mut self, overlay: &mut Overlay<'_>) -> Result<Option<Announcement>, StoreError> {
        if self.accepted.is_empty() {
            return Ok(None);
        }
        let mut announcement = Announcement::of(self.collection.id);
        for accepted in &self.accepted {
            let Accepted { admitted, level, position, replaces, .. } = accepted;
            let (space, row, version) = (self.space, accepted.row(), accepted.version());
            let (id, spec) = (&admitted.id, admitted.spec_version);
            if let Some(old) = replaces {
                self.head.remove(old.level, spec, old.length);
                overlay.remove(Timeline::All(old.level).at(space, old.position));
                overlay.remove_large(&keys::object_bytes(space, old.position), old.length as usize);
            }
            overlay.put(keys::version(space, id, spec, version.sort_key()), row.encode());
            if admitted.facts.version.is_none() {
                overlay.put(keys::content(space, id, spec, &row.content), row.encode());
                // The one before may have been stored before contents had keys.
                let edition = self.objects.get(id).and_then(|state| state.stored.0.get(&spec));
                if let Some((_, last)) = edition.and_then(|edition| edition.last(Tlp::Red))
                    && let Some(row) = overlay.get(&keys::version(space, id, spec, &last.instant))
                {
                    let row = VersionRow::decode(row)?.of_content(&last.instant)?;
                    overlay.put(keys::content(space, id, spec, &row.content), row.encode());
                }
            }
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
            if !state.history.is_empty() {
                let is_replaced = |position| {
                    let replaces = |index: &usize| self.accepted[*index].replaces.as_ref();
                    let mut replaced = state.accepted.values().filter_map(replaces);
                    replaced.any(|row| row.position == position)
                };
                let kept = state.history.into_iter().filter(|row| !is_replaced(row.row.position));
                record = rebuild(&record, kept)?;
            }
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
