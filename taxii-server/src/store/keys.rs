//! The whole key layout, and nothing else.
//!
//! Keys order by their bytes; numbers are big-endian. `{c}` is the number of a collection (4 bytes), `{position}`
//! a place in its timeline (10 bytes), `{id}` a STIX identifier, `␀` one zero byte.
//!
//! | key | value | what it is |
//! |---|---|---|
//! | `d` | revision | changes with every change of the directory |
//! | `da{account}` | JSON | an account with its credentials and grants |
//! | `dc{uuid}` | JSON | a collection |
//! | `dr{name}` | JSON | an API root |
//! | `m{name}` | bytes | format version, secret of the cursors |
//! | `h{c}` | `Head` | last position and counts; in the read set of every write to the collection |
//! | `a{c}{position}` | `Entry` | timeline of all versions |
//! | `l{c}{position}` | empty | timeline of what is served by default: the latest version of each object |
//! | `t{c}{type}␀{position}` | empty | the same for one type |
//! | `b{c}{position}` | the text as it was sent | object bytes, in the order of the timeline of all versions |
//! | `o{c}{id}` | `Editions` | first and last version of one object, for each STIX version |
//! | `v{c}{id}␀{STIX version}{instant}` | position | every version of one object, oldest first |
//! | `s{uuid}` | JSON | a status resource |
//! | `q{micros}{uuid}` | empty | statuses by age, for their removal |
//! | `x{c}` | empty | a removed collection whose contents are still to be cleared away |
//!
//! `Head`, `Entry` and `Editions` are in `record.rs`. All of `a`, `l`, `t`, `b`, `o`, `v` for one object change in one commit, together with `h`.

use super::engine::Key;
use std::ops::Range;
use stix_model::{SpecVersion, StixId};
use uuid::Uuid;

/// The number of a collection inside the store, so that keys stay short.
pub(crate) type CollectionNumber = u32;

/// A place in the timeline of a collection: `date_added`, and a sequence that only restored objects need, because
/// only there two may share a microsecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// `date_added` in microseconds since 1970.
    pub micros: u64,
    /// Order among objects of the same microsecond.
    pub sequence: u16,
}

impl Position {
    pub(crate) const LENGTH: usize = 10;

    /// The last position of a microsecond.
    pub(crate) fn end_of(micros: u64) -> Self {
        Self { micros, sequence: u16::MAX }
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.micros.to_be_bytes());
        bytes[8..].copy_from_slice(&self.sequence.to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (micros, sequence) = bytes.split_first_chunk()?;
        let micros = u64::from_be_bytes(*micros);
        Some(Self { micros, sequence: u16::from_be_bytes(sequence.try_into().ok()?) })
    }

    /// The position at the end of a timeline key.
    pub(crate) fn of_key(key: &[u8]) -> Option<Self> {
        Self::from_bytes(key.last_chunk::<{ Self::LENGTH }>()?)
    }
}

pub(crate) const DIRECTORY_REVISION: &[u8] = b"d";
pub(crate) const FORMAT: &[u8] = b"mformat";
pub(crate) const CURSOR_SECRET: &[u8] = b"mcursor-secret";

pub(crate) fn directory() -> Range<Key> {
    prefix(b"d".to_vec())
}

pub(crate) fn account(name: &str) -> Key {
    [b"da", name.as_bytes()].concat()
}

pub(crate) fn collection(id: Uuid) -> Key {
    [b"dc", &id.as_bytes()[..]].concat()
}

pub(crate) fn api_root(name: &str) -> Key {
    [b"dr", name.as_bytes()].concat()
}

pub(crate) fn head(collection: CollectionNumber) -> Key {
    tagged(b'h', collection)
}

/// One of the ordered sets of positions of a collection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Timeline<'a> {
    /// Every version of every object.
    All,
    /// What is served when nothing else is asked for.
    Latest,
    /// The same for one type.
    LatestOfType(&'a str),
}

impl Timeline<'_> {
    fn key(self, collection: CollectionNumber) -> Key {
        match self {
            Self::All => tagged(b'a', collection),
            Self::Latest => tagged(b'l', collection),
            Self::LatestOfType(object_type) => {
                let mut key = tagged(b't', collection);
                key.extend_from_slice(object_type.as_bytes());
                key.push(0);
                key
            }
        }
    }

    pub(crate) fn at(self, collection: CollectionNumber, position: Position) -> Key {
        let mut key = self.key(collection);
        key.extend_from_slice(&position.to_bytes());
        key
    }

    /// Everything after a position.
    pub(crate) fn after(self, collection: CollectionNumber, position: Option<Position>) -> Range<Key> {
        let whole = prefix(self.key(collection));
        let Some(position) = position else { return whole };
        let mut start = self.at(collection, position);
        start.push(0);
        start..whole.end
    }
}

pub(crate) fn object_bytes(collection: CollectionNumber, position: Position) -> Key {
    let mut key = tagged(b'b', collection);
    key.extend_from_slice(&position.to_bytes());
    key
}

pub(crate) fn editions(collection: CollectionNumber, id: &StixId) -> Key {
    let mut key = tagged(b'o', collection);
    key.extend_from_slice(id.as_str().as_bytes());
    key
}

pub(crate) fn versions(collection: CollectionNumber, id: &StixId) -> Range<Key> {
    prefix(versions_prefix(collection, id))
}

/// `instant` is the sort key of the version, empty for unversioned objects.
pub(crate) fn version(collection: CollectionNumber, id: &StixId, spec: SpecVersion, instant: &str) -> Key {
    let mut key = versions_prefix(collection, id);
    key.push(spec as u8);
    key.extend_from_slice(instant.as_bytes());
    key
}

/// STIX version and instant (empty for unversioned objects) at the end of a `v` key.
pub(crate) fn parse_version<'k>(key: &'k [u8], id: &StixId) -> Option<(SpecVersion, &'k str)> {
    let (spec, instant) = key.get(1 + 4 + id.as_str().len() + 1..)?.split_first()?;
    let spec = if *spec == SpecVersion::V2_0 as u8 { SpecVersion::V2_0 } else { SpecVersion::V2_1 };
    Some((spec, std::str::from_utf8(instant).ok()?))
}

fn versions_prefix(collection: CollectionNumber, id: &StixId) -> Key {
    let mut key = tagged(b'v', collection);
    key.extend_from_slice(id.as_str().as_bytes());
    key.push(0);
    key
}

/// Everything that belongs to one collection.
pub(crate) fn collection_contents(collection: CollectionNumber) -> impl Iterator<Item = Range<Key>> {
    b"haltbov".iter().map(move |&tag| prefix(tagged(tag, collection)))
}

pub(crate) fn removed(collection: CollectionNumber) -> Key {
    tagged(b'x', collection)
}

pub(crate) fn all_removed() -> Range<Key> {
    prefix(b"x".to_vec())
}

pub(crate) fn parse_removed(key: &[u8]) -> Option<CollectionNumber> {
    Some(u32::from_be_bytes(*key.last_chunk()?))
}

pub(crate) fn status(id: Uuid) -> Key {
    [b"s", &id.as_bytes()[..]].concat()
}

pub(crate) fn status_age(micros: u64, id: Uuid) -> Key {
    [b"q", &micros.to_be_bytes()[..], id.as_bytes()].concat()
}

/// Statuses that were made before an instant.
pub(crate) fn statuses_before(micros: u64) -> Range<Key> {
    b"q".to_vec()..[b"q", &micros.to_be_bytes()[..]].concat()
}

pub(crate) fn parse_status_age(key: &[u8]) -> Option<Uuid> {
    Some(Uuid::from_bytes(*key.last_chunk()?))
}

fn tagged(tag: u8, collection: CollectionNumber) -> Key {
    let mut key = Vec::with_capacity(80);
    key.push(tag);
    key.extend_from_slice(&collection.to_be_bytes());
    key
}

/// All keys that begin like this. No key here consists of 0xFF bytes only, so there is always a next one.
fn prefix(start: Key) -> Range<Key> {
    let mut end = start.clone();
    while end.last() == Some(&0xFF) {
        end.pop();
    }
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    start..end
}
