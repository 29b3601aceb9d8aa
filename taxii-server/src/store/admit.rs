//! Deciding what becomes of posted objects, and what that writes.
//!
//! Several requests are decided together and share one commit. The decision looks only at the snapshot, the requests
//! and one instant, so that it can be repeated when another writer was faster.

use super::directory::Collection;
use super::engine::{Commit, Key, Snapshot};
use super::keys::{self, CollectionNumber, Position, Timeline};
use super::record::{Bound, Editions, Entry, Head, date_added};
use super::{StoreError, known};
use crate::refusal;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use stix_model::json::Digest;
use stix_model::taxii::{Status, StatusDetails, StatusState};
use stix_model::validate::{Code, Rule};
use stix_model::version::content_digest;
use stix_model::{Object, Timestamp};
use uuid::Uuid;

/// A request to add objects.
#[derive(Debug)]
pub struct Add {
    /// Where to.
    pub collection: Arc<Collection>,
    /// Who asks; only this account may read the status.
    pub account: String,
    /// When the request came.
    pub request_timestamp: Timestamp,
    /// What was sent, in its order. The store asks nothing of an object but that it is no other content of a version
    /// that is there.
    pub objects: Vec<Result<Object, Refused>>,
    /// Where `date_added` comes from.
    pub stamps: Stamps,
}

/// An object of a request that is not taken.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Its `id`, if it has one that is a STIX identifier.
    pub id: Option<String>,
    /// Its version, as far as it has one.
    pub version: Option<String>,
    /// Why, for the `message` of its row in the status.
    pub reason: String,
}

impl Refused {
    /// An object that can be read.
    pub(crate) fn of(index: usize, object: &Object, reason: String) -> Self {
        let header = object.header();
        let version = header.version().map(|version| version.as_str().to_owned());
        Self { index, id: Some(header.id.as_str().to_owned()), version, reason }
    }

    fn row(&self, request_timestamp: &Timestamp) -> StatusDetails {
        StatusDetails {
            id: self.id.clone().unwrap_or_else(|| refusal::pointer(self.index)),
            version: self.version.clone().unwrap_or_else(|| request_timestamp.as_str().to_owned()),
            message: Some(self.reason.clone()),
            finding: None,
        }
    }
}

/// Where `date_added` comes from.
#[derive(Clone, Debug)]
pub enum Stamps {
    /// From the clock, at the commit.
    Clock,
    /// Given for each object, never falling, and later than all that the collection holds: for restores.
    Given(Vec<Timestamp>),
}

/// What the store keeps of a status: the resource, and who may read it.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct StoredStatus {
    pub(super) account: String,
    pub(super) api_root: String,
    pub(super) status: Status,
}

/// What is to become of one object.
enum Fate {
    /// It is stored; the index into the accepted objects of its collection.
    New(usize),
    /// The very same object is there already, at this position.
    Known(Option<Position>),
    /// Not stored.
    Refused(Refused),
}

/// Decides all `adds` on one snapshot; `now` is in microseconds since 1970.
pub(super) async fn plan(
    snapshot: &dyn Snapshot,
    adds: &[(Uuid, &Add)],
    now: i64,
) -> Result<(Commit, Vec<Result<Status, StoreError>>), StoreError> {
    let mut planner = Planner::load(snapshot, adds).await?;
    let mut fates = Vec::with_capacity(adds.len());
    for (_, add) in adds {
        fates.push(planner.decide(add).await);
    }
    planner.give_positions(now)?;
    let mut statuses = Vec::with_capacity(adds.len());
    for ((id, add), fates) in adds.iter().zip(fates) {
        let status = match fates {
            Ok(fates) => Ok(planner.status(*id, add, &fates)?),
            Err(error) => Err(error),
        };
        statuses.push(status);
    }
    Ok((planner.finish(), statuses))
}

struct Planner<'s> {
    snapshot: &'s dyn Snapshot,
    collections: BTreeMap<CollectionNumber, Target<'s>>,
    editions: BTreeMap<Key, Editions>,
    commit: Commit,
}

/// A collection that objects go into.
#[derive(Default)]
struct Target<'s> {
    is_gone: bool,
    head: Head,
    accepted: Vec<Accepted<'s>>,
    /// Where each version that is accepted now can be found among `accepted`.
    by_version: BTreeMap<Key, usize>,
}

struct Accepted<'s> {
    object: &'s Object,
    entry: Entry,
    /// Made when it is needed.
    content: Option<Digest>,
    version_key: Key,
    /// The instant that was given with a restored object.
    given: Option<&'s Timestamp>,
    position: Position,
}

impl Accepted<'_> {
    /// Whether an object of the same version says the same.
    fn is_same(&mut self, object: &Object) -> bool {
        let content_of = |object: &Object| content_digest(object.document().root(), object.header().digest);
        self.entry.digest == object.header().digest
            || *self.content.get_or_insert_with(|| content_of(self.object)) == content_of(object)
    }
}

impl<'s> Planner<'s> {
    /// Reads at once what most objects need: heads, collections, and the editions of every object.
    async fn load(snapshot: &'s dyn Snapshot, adds: &[(Uuid, &'s Add)]) -> Result<Self, StoreError> {
        let mut collections = BTreeMap::new();
        let mut commit = Commit::default();
        for (_, add) in adds {
            let Collection { number, id, .. } = *add.collection;
            if collections.contains_key(&number) {
                continue;
            }
            let read_set = vec![keys::head(number), keys::collection(id)];
            let values = snapshot.get_many(read_set.clone(), usize::MAX).await?;
            let head = Head::decode(values[0].as_ref())?;
            collections.insert(number, Target { is_gone: values[1].is_none(), head, ..Target::default() });
            commit.expected.extend(read_set.into_iter().zip(values));
        }
        let of_add = |(_, add): &(Uuid, &'s Add)| {
            let number = add.collection.number;
            add.objects.iter().flatten().map(move |object| keys::editions(number, &object.header().id))
        };
        let wanted: Vec<Key> = adds.iter().flat_map(of_add).collect();
        let values = snapshot.get_many(wanted.clone(), usize::MAX).await?;
        let mut editions = BTreeMap::new();
        for (key, value) in wanted.into_iter().zip(values) {
            editions.insert(key, Editions::decode(value.as_deref().unwrap_or_default())?);
        }
        Ok(Self { snapshot, collections, editions, commit })
    }

    async fn decide(&mut self, add: &'s Add) -> Result<Vec<Fate>, StoreError> {
        let number = add.collection.number;
        let sent = add.objects.iter().flatten();
        let stored = known::versions(self.snapshot, number, &self.editions, sent).await?;
        let target = self.collections.entry(number).or_default();
        if target.is_gone {
            return Err(StoreError::NoCollection);
        }
        let mut fates = Vec::with_capacity(add.objects.len());
        for (index, object) in add.objects.iter().enumerate() {
            let object = match object {
                Ok(object) => object,
                Err(refused) => {
                    fates.push(Fate::Refused(refused.clone()));
                    continue;
                }
            };
            let entry = Entry::of(object.header());
            let version_key = keys::version(number, &entry.id, entry.spec_version, entry.version.sort_key());
            let known = if let Some(known) = stored.get(&version_key) {
                Some((known.is_same(object), Some(known.position)))
            } else if let Some(&other) = target.by_version.get(&version_key) {
                Some((target.accepted[other].is_same(object), None))
            } else {
                None
            };
            let fate = match known {
                Some((true, position)) => Fate::Known(position),
                Some((false, _)) => Fate::Refused(conflict(index, object)),
                None => {
                    let given = match &add.stamps {
                        Stamps::Clock => None,
                        Stamps::Given(stamps) => stamps.get(index),
                    };
                    target.by_version.insert(version_key.clone(), target.accepted.len());
                    let position = Position::default();
                    let accepted = Accepted { object, entry, content: None, version_key, given, position };
                    target.accepted.push(accepted);
                    Fate::New(target.accepted.len() - 1)
                }
            };
            fates.push(fate);
        }
        Ok(fates)
    }

    /// The commit clock: strictly increasing within a collection, whatever the machine's clock does, and the last
    /// position of a commit on a whole millisecond, because some clients keep no more digits.
    fn give_positions(&mut self, now: i64) -> Result<(), StoreError> {
        let now = u64::try_from(now).unwrap_or_default();
        for target in self.collections.values_mut() {
            let mut last = target.head.last;
            let count = target.accepted.len();
            for (index, accepted) in target.accepted.iter_mut().enumerate() {
                accepted.position = match accepted.given {
                    Some(given) => restored_position(given, last, index > 0, now)?,
                    None => {
                        let micros = now.max(last.micros + 1);
                        let micros = if index + 1 == count { micros.next_multiple_of(1000) } else { micros };
                        Position { micros, sequence: 0 }
                    }
                };
                last = accepted.position;
            }
            target.head.last = last;
        }
        Ok(())
    }

    fn status(&mut self, id: Uuid, add: &Add, fates: &[Fate]) -> Result<Status, StoreError> {
        let mut status = Status {
            id,
            status: StatusState::Complete,
            request_timestamp: Some(add.request_timestamp.clone()),
            total_count: fates.len() as u64,
            success_count: 0,
            successes: Vec::new(),
            failure_count: 0,
            failures: Vec::new(),
            pending_count: 0,
            pendings: Vec::new(),
        };
        let accepted = &self.collections[&add.collection.number].accepted;
        for (fate, object) in fates.iter().zip(&add.objects) {
            match fate {
                Fate::Refused(refused) => status.failures.push(refused.row(&add.request_timestamp)),
                Fate::New(_) | Fate::Known(_) => {
                    let Ok(object) = object else { continue };
                    let header = object.header();
                    let version = header.version().cloned().or_else(|| match fate {
                        Fate::New(index) => accepted.get(*index).map(|new| date_added(new.position)),
                        Fate::Known(position) => position.map(date_added),
                        Fate::Refused(_) => None,
                    });
                    let version = version.as_ref().unwrap_or(&add.request_timestamp).as_str().to_owned();
                    let message =
                        matches!(fate, Fate::Known(_)).then(|| "already in the collection".to_owned());
                    status.successes.push(StatusDetails {
                        id: header.id.as_str().to_owned(),
                        version,
                        message,
                        finding: None,
                    });
                }
            }
        }
        status.success_count = status.successes.len() as u64;
        status.failure_count = status.failures.len() as u64;
        let api_root = add.collection.api_root.clone();
        let stored = StoredStatus { account: add.account.clone(), api_root, status };
        let json = serde_json::to_vec(&stored).map_err(|_| StoreError::Corrupt("a status"))?;
        self.commit.writes.insert(keys::status(id), Some(json.into()));
        let micros = u64::try_from(add.request_timestamp.micros()).unwrap_or_default();
        self.commit.writes.insert(keys::status_age(micros, id), Some(Bytes::new()));
        Ok(stored.status)
    }

    /// Turns what was accepted into writes.
    fn finish(mut self) -> Commit {
        let writes = &mut self.commit.writes;
        for (number, mut target) in self.collections {
            if target.accepted.is_empty() {
                continue;
            }
            for accepted in target.accepted {
                let Accepted { object, entry, version_key, position, .. } = accepted;
                let key = keys::editions(number, &entry.id);
                let editions = self.editions.entry(key.clone()).or_default();
                let served_before = editions.served();
                let sort_key = entry.version.sort_key().into();
                editions.insert(entry.spec_version, Bound { sort_key, position });
                writes.insert(key, Some(editions.encode()));
                move_served(writes, number, entry.id.object_type(), served_before, editions.served());
                writes.insert(Timeline::All.at(number, position), Some(entry.encode()));
                writes.insert(keys::object_bytes(number, position), Some(object.json().clone()));
                writes.insert(version_key, Some(Bytes::copy_from_slice(&position.to_bytes())));
                target.head.versions[entry.spec_version as usize] += 1;
            }
            target.head.revision += 1;
            writes.insert(keys::head(number), Some(target.head.encode()));
        }
        self.commit
    }
}

/// Keeps the default timelines true when another version of an object becomes the one that is served.
pub(super) fn move_served(
    writes: &mut BTreeMap<Key, Option<Bytes>>,
    collection: CollectionNumber,
    object_type: &str,
    from: Option<Position>,
    to: Option<Position>,
) {
    if from == to {
        return;
    }
    for timeline in [Timeline::Latest, Timeline::LatestOfType(object_type)] {
        if let Some(from) = from {
            writes.insert(timeline.at(collection, from), None);
        }
        if let Some(to) = to {
            writes.insert(timeline.at(collection, to), Some(Bytes::new()));
        }
    }
}

/// One version of an object has one content (STIX 2.1, section 3.6.2).
fn conflict(index: usize, object: &Object) -> Refused {
    let message = match object.header().version() {
        Some(_) => {
            "this version already exists with other content; a changed object needs a later `modified`"
        }
        None => "this object already exists with other content, and one without `modified` cannot be changed",
    };
    let finding = refusal::finding(Code::VersionConflict, index, Some(Rule::S084), message.to_owned());
    Refused::of(index, object, refusal::message(&finding, &[]))
}

fn restored_position(
    given: &Timestamp,
    last: Position,
    may_tie: bool,
    now: u64,
) -> Result<Position, StoreError> {
    let micros = u64::try_from(given.micros()).unwrap_or_default();
    let refuse = |reason| Err(StoreError::DateAdded { given: given.clone(), last: date_added(last), reason });
    if micros > now {
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
