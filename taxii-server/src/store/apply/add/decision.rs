//! Deciding what becomes of each object, by what is stored and what the same run has accepted.

use super::{Accepted, Fate, Run, Stored, admitted, level_of, take_facts, version_key};
use crate::clock::timestamp;
use crate::store::command::{Add, Admitted, Stamps};
use crate::store::engine::Key;
use crate::store::keys::{self, ChainKey, Position};
use crate::store::overlay::Overlay;
use crate::store::record::{Chain, ContentRow, Edition, ObjectRecord, VersionRow};
use crate::store::{Conflicts, Profile, StoreError};
use std::collections::BTreeMap;
use stix_model::json::Digest;
use stix_model::version::{Decision, History, Refusal, decide};
use stix_model::{SpecVersion, Timestamp, Tlp};

/// The version that an object is to be held against: the same one, or that of an unversioned object with the same content.
pub(super) struct Known {
    content: Digest,
    level: Tlp,
    pub(super) place: KnownPlace,
}

/// Where it is.
pub(super) enum KnownPlace {
    Stored(Stored),
    /// Index into the accepted objects.
    Accepted(usize),
}

impl<'g> Run<'g> {
    /// The stored versions of the object in the STIX version of this one.
    fn stored_edition(&self, admitted: &Admitted) -> Option<&Edition> {
        self.objects.get(&admitted.id)?.stored.0.get(&admitted.spec_version)
    }

    /// The keys of the stored versions that may be the same as this one: for an unversioned object the one with its content.
    pub(super) fn stored_version_keys(&self, admitted: &Admitted) -> Vec<Key> {
        let Admitted { id, spec_version, facts, .. } = admitted;
        let Some(edition) = self.stored_edition(admitted) else { return Vec::new() };
        let Some(version) = &facts.version else {
            let content = keys::content(self.space, id, *spec_version, &facts.content);
            return if edition.is_unversioned { vec![content] } else { Vec::new() };
        };
        if edition.is_unversioned {
            return Vec::new();
        }
        let instant = version.sort_key();
        let may_hold = |chain: &Chain| (&*chain.first.instant..=&*chain.last.instant).contains(&instant);
        let chains = edition.chains.iter().filter(|(_, chain)| may_hold(chain));
        let chains = chains.map(|(&level, _)| ChainKey { spec: *spec_version, level });
        chains.map(|chain| keys::version(self.space, id, chain, instant)).collect()
    }

    /// The stored or accepted version that this one is to be held against.
    fn known(&self, overlay: &Overlay<'_>, admitted: &Admitted) -> Result<Option<Known>, StoreError> {
        if let Some(&index) = self.objects[&admitted.id].accepted.get(&version_key(admitted)) {
            let Accepted { admitted, level, .. } = self.accepted[index];
            let content = admitted.facts.content;
            return Ok(Some(Known { content, level, place: KnownPlace::Accepted(index) }));
        }
        let Some(edition) = self.stored_edition(admitted) else { return Ok(None) };
        for key in self.stored_version_keys(admitted) {
            let Some(value) = overlay.get(&key) else { continue };
            let (slot, content, version) = match &admitted.facts.version {
                Some(version) => {
                    let row = VersionRow::decode(value)?;
                    (row.slot(), row.content, version.clone())
                }
                None => {
                    let row = ContentRow::decode(value)?;
                    (row.slot, admitted.facts.content, timestamp(row.version))
                }
            };
            if edition.holds(slot) {
                let place = KnownPlace::Stored(Stored { slot, version });
                return Ok(Some(Known { content, level: slot.level, place }));
            }
        }
        Ok(None)
    }

    /// Whether the known content of an unversioned object is the last one that the submitter sees.
    fn is_newest(&self, admitted: &Admitted, known: &Known, clearance: Tlp) -> bool {
        let spec = admitted.spec_version;
        let newest = self.objects[&admitted.id].newest.range((spec, Tlp::Clear)..=(spec, clearance));
        let newest = newest.map(|(_, index)| *index).max();
        match &known.place {
            KnownPlace::Accepted(index) => newest == Some(*index),
            KnownPlace::Stored(Stored { version, .. }) => {
                let last = self.stored_edition(admitted).and_then(|edition| edition.last(clearance));
                newest.is_none() && last.is_some_and(|(_, last)| *last.instant == *version.sort_key())
            }
        }
    }

    /// Decides on each object of a request. What becomes of them does not depend on their order: versions of one object are
    /// decided from the oldest to the latest one.
    pub(super) fn decide(&mut self, overlay: &Overlay<'_>, add: &'g Add) -> Result<Vec<Fate>, StoreError> {
        // Of several contents in one request, only the last can come again: a source that repeats them all changes nothing.
        let is_mirror = self.collection.conflicts == Conflicts::Newest;
        let contents = admitted(add).filter(|(_, admitted)| is_mirror && admitted.facts.version.is_none());
        let last_contents: BTreeMap<_, _> = contents.map(|(index, admitted)| (&admitted.id, index)).collect();
        let mut fates = Vec::with_capacity(add.objects.len());
        for (index, admitted) in oldest_first(add) {
            let known = self.known(overlay, admitted)?;
            let (decision, spec) = self.hold_against(admitted, known.as_ref());
            let sees = |level: Tlp| level <= add.clearance;
            let sees_known = known.as_ref().is_some_and(|known| sees(known.level));
            let may_replace = is_mirror && sees_known;
            // A mirror serves the content that its source has now, also when the source had it before.
            let comes_again = may_replace
                && decision == Decision::Duplicate
                && last_contents.get(&admitted.id) == Some(&index)
                && known.as_ref().is_some_and(|known| !self.is_newest(admitted, known, add.clearance));
            let replaces = may_replace && decision == Decision::Conflict && !admitted.facts.is_marking;
            let given = match &add.stamps {
                Stamps::Clock => None,
                Stamps::Given(stamps) => stamps.get(index),
            };
            let sets_facts = replaces && self.is_last(admitted);
            let level = level_of(admitted, self.collection.unmarked);
            let new = |is_replacement| Accepted {
                admitted,
                level,
                given,
                position: Position::default(),
                replaces: None,
                is_replacement,
                sets_facts,
                superseded_by: None,
            };
            let fate = match known {
                Some(known) if comes_again => Fate::Again(self.accept(new(false), Some(known.place))),
                Some(known) if decision == Decision::Duplicate && sees_known => Fate::Known(known),
                Some(Known { place: KnownPlace::Accepted(index), .. }) if replaces => {
                    self.replace(index, new(true));
                    Fate::Replaces(index)
                }
                Some(known) if replaces => Fate::Replaces(self.accept(new(true), Some(known.place))),
                _ if decision.is_accepted() => Fate::New(self.accept(new(false), None)),
                known => {
                    let edition = self.objects[&admitted.id].current.0.get(&spec);
                    let is_visible = is_visible(edition, decision, known.as_ref(), add.clearance);
                    Fate::Refused { decision, is_visible }
                }
            };
            fates.push((index, fate));
        }
        fates.sort_unstable_by_key(|(index, _)| *index);
        Ok(fates.into_iter().map(|(_, fate)| fate).collect())
    }

    /// Applies the rules between versions, and names the STIX version of those that decide. An object in two STIX versions is
    /// one object: it has one creation, one creator and one revocation, and each STIX version has a latest version.
    fn hold_against(&self, admitted: &Admitted, known: Option<&Known>) -> (Decision, SpecVersion) {
        let Admitted { spec_version: own, facts, .. } = admitted;
        let editions = &self.objects[&admitted.id].current.0;
        let history = |edition| history(edition, known.map(|known| known.content));
        let decision = decide(facts, editions.get(own).map(history).as_ref());
        let other = editions.iter().find(|(spec, _)| *spec != own).filter(|_| decision.is_accepted());
        let (decision, spec) = match other.map(|(spec, other)| (decide(facts, Some(&history(other))), spec)) {
            // The same marking in another STIX version.
            Some((Decision::Refused(Refusal::Marking), spec))
                if editions[spec].created.as_deref() == facts.created.as_ref().map(Timestamp::sort_key) =>
            {
                (decision, *own)
            }
            Some((refused @ Decision::Refused(_), spec)) => (refused, *spec),
            _ => (decision, *own),
        };
        match decision {
            // What only the header must satisfy need not follow what came before.
            Decision::Refused(_) if self.collection.profile == Profile::Header => (Decision::Newer, spec),
            decision => (decision, spec),
        }
    }

    /// Whether there is no later version of an object in its STIX version.
    fn is_last(&self, admitted: &Admitted) -> bool {
        let edition = self.objects[&admitted.id].current.0.get(&admitted.spec_version);
        let last = edition.and_then(|edition| edition.last(Tlp::Red)).map(|(_, last)| &*last.instant);
        admitted.facts.version.as_ref().is_some_and(|version| last <= Some(version.sort_key()))
    }

    /// Takes an object that is to be stored, perhaps in the place of what is known of it, and returns its index.
    fn accept(&mut self, mut new: Accepted<'g>, known: Option<KnownPlace>) -> usize {
        let (admitted, index) = (new.admitted, self.accepted.len());
        new.replaces = match known {
            None => None,
            Some(KnownPlace::Stored(stored)) => Some(stored),
            Some(KnownPlace::Accepted(earlier)) => {
                let earlier = &mut self.accepted[earlier];
                earlier.superseded_by = Some(index);
                earlier.replaces.take()
            }
        };
        let state = self.objects.get_mut(&admitted.id).expect("loaded before");
        insert(&mut state.current, &new);
        state.accepted.insert(version_key(admitted), index);
        if admitted.facts.version.is_none() {
            state.newest.insert((admitted.spec_version, new.level), index);
        }
        self.accepted.push(new);
        index
    }

    /// Puts an object in the place of another content of the same run, which has no position yet.
    fn replace(&mut self, index: usize, new: Accepted<'g>) {
        let accepted = &mut self.accepted[index];
        let Accepted { admitted, level, sets_facts, .. } = new;
        (accepted.admitted, accepted.level, accepted.is_replacement) = (admitted, level, true);
        accepted.sets_facts |= sets_facts;
        let state = self.objects.get_mut(&admitted.id).expect("loaded before");
        insert(&mut state.current, accepted);
    }
}

/// The versions of an object, as the rules between versions look at them.
fn history(edition: &Edition, same_version: Option<Digest>) -> History<'_> {
    let last = edition.last(Tlp::Red).filter(|_| !edition.is_unversioned);
    History {
        created: edition.created.as_deref(),
        creator: edition.creator.as_ref(),
        revoked_at: edition.revoked.as_ref().map(|(instant, _)| &**instant),
        latest: last.map(|(_, last)| &*last.instant),
        same_version,
    }
}

/// Whether the reason of a refusal tells only of versions that the submitter sees.
fn is_visible(edition: Option<&Edition>, decision: Decision, known: Option<&Known>, clearance: Tlp) -> bool {
    match (decision, known) {
        (Decision::Conflict | Decision::Duplicate, Some(known)) => known.level <= clearance,
        (Decision::Refused(Refusal::Revoked), _) => {
            let revoked = edition.and_then(|edition| edition.revoked.as_ref());
            revoked.is_some_and(|(_, level)| *level <= clearance)
        }
        _ => edition.is_some_and(|edition| edition.first(clearance).is_some()),
    }
}

/// The objects of a request in the order in which they come, but versions of one object together and from the oldest one on;
/// restored objects as they come.
pub(in crate::store) fn oldest_first(add: &Add) -> Vec<(usize, &Admitted)> {
    let mut objects: Vec<_> = admitted(add).collect();
    if add.stamps != Stamps::Clock {
        return objects;
    }
    let mut first = BTreeMap::new();
    for (index, admitted) in &objects {
        first.entry(&admitted.id).or_insert(*index);
    }
    if first.len() < objects.len() {
        objects.sort_by_cached_key(|(_, Admitted { id, facts, .. })| {
            (first[id], facts.version.as_ref().map(|version| version.sort_key().to_owned()))
        });
    }
    objects
}

/// Puts a version into the record of its object, by which further versions are decided.
fn insert(record: &mut ObjectRecord, accepted: &Accepted<'_>) {
    let edition = record.0.entry(accepted.admitted.spec_version).or_default();
    let instant: Box<str> = accepted.version().sort_key().into();
    take_facts(edition, accepted);
    // The content that it takes the place of may have been the revocation.
    if accepted.is_replacement && edition.revoked.as_ref().is_some_and(|(revoked, _)| *revoked == instant) {
        edition.revoked = None;
    }
    edition.insert(instant, &accepted.row());
}
