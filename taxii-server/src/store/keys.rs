//! The whole key layout, and nothing else.
//!
//! Keys order by their bytes; numbers are big-endian. `{R}` is a region: `l` for what belongs to this server alone, `n` and a
//! generation (4 bytes) for what ordered commands of a network wrote. `{C}` is a region and the number of a collection in
//! it (4 bytes), `{position}` a position in its timeline (10 bytes), `{level}` a level of TLP (1 byte), `{id}` a STIX
//! identifier, `␀` one zero byte.
//!
//! | key | value | meaning |
//! |---|---|---|
//! | `mformat` | decimal digits | format of the layout and of the records |
//! | `d{R}` | revision | changes with every change of the directory |
//! | `d{R}a{uuid}` | JSON | an account with its credentials and grants |
//! | `d{R}c{uuid}` | JSON | a collection |
//! | `d{R}r{name}` | JSON | an API root |
//! | `munfinished` | JSON | a restore or a migration writes here; while it is there, `mformat` is not |
//! | `e{R}{name}` | JSON or bytes | secret of the cursors, own organisation, membership in a network, position in its log, hash of its state, invitations, leases, bytes freed by removed collections, marker of a backup |
//! | `h{C}` | `Head` | counts and last positions by level; there from the making of a collection to its removal |
//! | `a{C}{level}{position}` | `Entry` | timeline of all versions of a level |
//! | `l{C}{interval}{position}` | length | timeline of the versions that are the latest for an interval of clearances |
//! | `t{C}{type}␀{interval}{position}` | length | the same for one type |
//! | `o{C}{id}` | `ObjectRecord` | facts of one object, first and last version of each level, by STIX version |
//! | `i{C}{id}␀{STIX version}{level}{instant}` | `VersionRow` | every version of one object, oldest first |
//! | `p{C}{id}␀{STIX version}{level}{position}` | length | the same in the order of their additions, where there are several |
//! | `r{C}{id}␀{STIX version}{instant}` | `Slot` | the versions that revoke the object |
//! | `c{C}{id}␀{STIX version}{digest}` | `ContentRow` | the version of an unversioned object that has this content |
//! | `g{C}{id}␀{STIX version}{level}` | position | deleted versions, up to this position, that are still to be erased |
//! | `b{C}{position}` | the text as it was sent | object bytes; in bulk, in parts when they are large |
//! | `s{R}{request}{account}` | `Receipt` | the outcome of a request; in parts when it is large |
//! | `q{R}{micros}{request}{account}` | empty | receipts by age, for their removal |
//! | `x{C}` | bytes of its objects | a removed collection whose contents are still to be cleared |
//! | `j{R}{backup}{commit}{part}` | `Entry` of the journal | the keys that a commit changed while a backup ran |
//! | `n{R}{key}` | see the crate `consensus` | what the organisations of a network agreed on |
//! | `y{C}` | empty | a collection whose objects without a marking are still to be moved to their new level |
//!
//! An interval is two bytes: the level of the version, and the lowest level of any newer version (6 when there is none).
//! The records are in `record.rs`. All keys of one object change in one commit, together with `h`. Keys of deleted versions
//! may stay until they are erased; `g` lists their chains, and the record of the object holds no chain that begins at or
//! before their positions. A change of this layout is a new `FORMAT` with a step in `migration.rs`, and a fixture of the old one that opens.

use super::engine::Key;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use stix_model::json::Digest;
use stix_model::{SpecVersion, StixId, Tlp};
use uuid::Uuid;

/// A part of the key space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// Data of this server alone: accounts, secrets, leases, local collections.
    #[default]
    Local,
    /// Data that ordered commands of a network wrote; the same bytes on each member.
    Network {
        /// Counts the snapshots that the region was loaded from.
        generation: u32,
    },
}

impl Region {
    fn push(self, key: &mut Key) {
        match self {
            Self::Local => key.push(b'l'),
            Self::Network { generation } => {
                key.push(b'n');
                key.extend_from_slice(&generation.to_be_bytes());
            }
        }
    }
}

/// The part of the key space that holds a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Space {
    pub(crate) region: Region,
    pub(crate) number: u32,
}

/// A position in the timeline of a collection: `date_added`, and a sequence that only restored objects need, because
/// only there two may share a microsecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

    pub(crate) fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        let [micros @ .., high, low] = bytes;
        Self { micros: u64::from_be_bytes(micros), sequence: u16::from_be_bytes([high, low]) }
    }

    /// The position at the end of a timeline key.
    pub(crate) fn of_key(key: &[u8]) -> Option<Self> {
        Some(Self::from_bytes(*key.last_chunk()?))
    }
}

/// The clearances for which a version is the latest one: from its own level up to below the lowest level of any newer
/// version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Interval {
    /// The level of the version.
    pub(crate) from: Tlp,
    /// The lowest level of any newer version; `None` when there is none.
    pub(crate) until: Option<Tlp>,
}

impl Interval {
    const OPEN: u8 = 6;

    pub(crate) fn contains(self, clearance: Tlp) -> bool {
        self.from <= clearance && self.until.is_none_or(|until| clearance < until)
    }

    pub(crate) fn to_bytes(self) -> [u8; 2] {
        [self.from as u8, self.until.map_or(Self::OPEN, |until| until as u8)]
    }

    pub(crate) fn from_bytes([from, until]: [u8; 2]) -> Option<Self> {
        let until = if until == Self::OPEN { None } else { Some(Tlp::try_from(until).ok()?) };
        let interval = Self { from: Tlp::try_from(from).ok()?, until };
        until.is_none_or(|until| until > interval.from).then_some(interval)
    }
}

/// The STIX version behind a byte of a key or a record.
pub(crate) fn spec_version(byte: u8) -> Option<SpecVersion> {
    [SpecVersion::V2_0, SpecVersion::V2_1].into_iter().find(|spec| *spec as u8 == byte)
}

pub(crate) const FORMAT: &[u8] = b"mformat";
/// What is being written here, by a restore or a migration, and is no store yet.
pub(crate) const UNFINISHED: &[u8] = b"munfinished";
/// The marker of a backup.
pub(crate) const BACKUP: &str = "backup";
/// The membership of this server in a network.
pub(crate) const MEMBERSHIP: &str = "membership";
/// The position of the network's region in the log that several nodes keep.
pub(crate) const POSITION: &str = "position";
/// The hash of the network's region.
pub(crate) const STATE: &str = "state";
/// Leases of processes have names that begin so.
pub(crate) const LEASES: &str = "lease/";
/// Name of the value that is written to find out whether writing works.
pub(crate) const PROBE: &str = "probe";
/// Name of the value that counts the bytes of cleared collections, until their space is given back to the disk.
pub(crate) const FREED: &str = "freed";

/// The ranges whose values are large and never change, for engines that keep such values apart.
pub fn bulk() -> Vec<Range<Key>> {
    vec![prefix(b"b".to_vec())]
}

fn in_region(tag: u8, region: Region) -> Key {
    let mut key = Vec::with_capacity(64);
    key.push(tag);
    region.push(&mut key);
    key
}

fn in_space(tag: u8, space: Space) -> Key {
    let mut key = Vec::with_capacity(96);
    key.push(tag);
    space.region.push(&mut key);
    key.extend_from_slice(&space.number.to_be_bytes());
    key
}

fn ending(mut key: Key, end: &[u8]) -> Key {
    key.extend_from_slice(end);
    key
}

pub(crate) fn directory_revision(region: Region) -> Key {
    in_region(b'd', region)
}

pub(crate) fn directory(region: Region) -> Range<Key> {
    prefix(in_region(b'd', region))
}

/// A record of the directory, told apart by its key.
pub(crate) enum DirectoryKey {
    Revision,
    Account,
    Collection,
    ApiRoot,
}

pub(crate) fn parse_directory(key: &[u8], region: Region) -> Option<DirectoryKey> {
    match key.get(in_region(b'd', region).len()) {
        None => Some(DirectoryKey::Revision),
        Some(b'a') => Some(DirectoryKey::Account),
        Some(b'c') => Some(DirectoryKey::Collection),
        Some(b'r') => Some(DirectoryKey::ApiRoot),
        Some(_) => None,
    }
}

pub(crate) fn account(region: Region, id: Uuid) -> Key {
    ending(ending(in_region(b'd', region), b"a"), id.as_bytes())
}

pub(crate) fn collection(region: Region, id: Uuid) -> Key {
    ending(ending(in_region(b'd', region), b"c"), id.as_bytes())
}

pub(crate) fn api_root(region: Region, name: &str) -> Key {
    ending(ending(in_region(b'd', region), b"r"), name.as_bytes())
}

/// A value of this server that is neither in the directory nor in a collection.
pub(crate) fn local(name: &str) -> Key {
    ending(in_region(b'e', Region::Local), name.as_bytes())
}

/// All keys, of which each begins with a letter.
pub(crate) fn all() -> Range<Key> {
    vec![0]..vec![0xFF]
}

/// Whether a key is part of what the store says, and so of a backup. The others belong to running processes, to one file,
/// or to the making of a backup itself.
pub(crate) fn is_content(key: &[u8]) -> bool {
    if key == FORMAT || key == UNFINISHED || key.first() == Some(&b'j') {
        return false;
    }
    let Some(name) = key.strip_prefix(b"el") else { return true };
    ![BACKUP, PROBE, FREED].iter().any(|of_process| of_process.as_bytes() == name)
        && !name.starts_with(LEASES.as_bytes())
}

/// The first bytes of keys that are in a region; `m` is for what is true of the store as a whole.
fn tags() -> impl Iterator<Item = u8> {
    (b'a'..=b'z').filter(|&tag| tag != b'm')
}

/// The ranges of a region, in the order of their keys.
pub(crate) fn region(region: Region) -> impl Iterator<Item = Range<Key>> {
    tags().map(move |tag| prefix(in_region(tag, region)))
}

/// A key without its region, so that it is the same in each.
pub(crate) fn without_region(region: Region, key: &[u8]) -> Option<Key> {
    let tag = *key.first()?;
    let rest = key.strip_prefix(&in_region(tag, region)[..])?;
    Some([&[tag], rest].concat())
}

/// The key that has this name in a region: see [`without_region`].
pub(crate) fn with_region(region: Region, key: &[u8]) -> Option<Key> {
    let (&tag, rest) = key.split_first()?;
    tags().any(|known| known == tag).then(|| ending(in_region(tag, region), rest))
}

/// The ranges of all generations of a network before one.
pub(crate) fn generations_before(generation: u32) -> impl Iterator<Item = Range<Key>> {
    tags().map(move |tag| vec![tag, b'n']..in_region(tag, Region::Network { generation }))
}

/// The journals of all backups.
pub(crate) fn journals() -> Range<Key> {
    prefix(in_region(b'j', Region::Local))
}

/// The journal of one backup.
pub(crate) fn journal(backup: Uuid) -> Range<Key> {
    prefix(ending(in_region(b'j', Region::Local), backup.as_bytes()))
}

/// An entry of the journal; a commit has as many as it needs.
pub(crate) fn journal_entry(backup: Uuid, commit: Uuid, part: u16) -> Key {
    let journal = ending(in_region(b'j', Region::Local), backup.as_bytes());
    ending(ending(journal, commit.as_bytes()), &part.to_be_bytes())
}

/// The backup that an entry of the journal was made for.
pub(crate) fn parse_journal_entry(key: &[u8]) -> Option<Uuid> {
    let rest = key.strip_prefix(&in_region(b'j', Region::Local)[..])?;
    Some(Uuid::from_bytes(*rest.first_chunk()?))
}

/// A key of `consensus` in the region of a network.
pub(crate) fn consensus(region: Region, key: &[u8]) -> Key {
    ending(in_region(b'n', region), key)
}

pub(crate) fn head(space: Space) -> Key {
    in_space(b'h', space)
}

/// One of the ordered sets of positions of a collection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Timeline<'a> {
    /// Every version of a level.
    All(Tlp),
    /// The versions that are the latest for an interval of clearances.
    Latest(Interval),
    /// The same for one type.
    LatestOfType(&'a str, Interval),
    /// The versions of one object.
    Chain(&'a StixId, ChainKey),
}

impl Timeline<'_> {
    fn key(self, space: Space) -> Key {
        match self {
            Self::All(level) => ending(in_space(b'a', space), &[level as u8]),
            Self::Latest(interval) => ending(in_space(b'l', space), &interval.to_bytes()),
            Self::LatestOfType(object_type, interval) => {
                let key = ending(in_space(b't', space), object_type.as_bytes());
                ending(ending(key, &[0]), &interval.to_bytes())
            }
            Self::Chain(id, chain) => in_chain(b'p', space, id, chain),
        }
    }

    pub(crate) fn at(self, space: Space, position: Position) -> Key {
        ending(self.key(space), &position.to_bytes())
    }

    /// Everything after a position.
    pub(crate) fn after(self, space: Space, position: Option<Position>) -> Range<Key> {
        let whole = prefix(self.key(space));
        let Some(position) = position else { return whole };
        following(self.at(space, position))..whole.end
    }
}

pub(crate) fn object_bytes(space: Space, position: Position) -> Key {
    ending(in_space(b'b', space), &position.to_bytes())
}

pub(crate) fn object(space: Space, id: &StixId) -> Key {
    ending(in_space(b'o', space), id.as_str().as_bytes())
}

/// The versions of one object in one STIX version and of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChainKey {
    pub(crate) spec: SpecVersion,
    pub(crate) level: Tlp,
}

fn in_object(tag: u8, space: Space, id: &StixId) -> Key {
    ending(ending(in_space(tag, space), id.as_str().as_bytes()), &[0])
}

fn in_chain(tag: u8, space: Space, id: &StixId, ChainKey { spec, level }: ChainKey) -> Key {
    ending(in_object(tag, space, id), &[spec as u8, level as u8])
}

pub(crate) fn chain(space: Space, id: &StixId, chain: ChainKey) -> Range<Key> {
    prefix(in_chain(b'i', space, id, chain))
}

/// `instant` is the sort key of the version.
pub(crate) fn version(space: Space, id: &StixId, chain: ChainKey, instant: &str) -> Key {
    ending(in_chain(b'i', space, id, chain), instant.as_bytes())
}

/// The instant at the end of the key of a version.
pub(crate) fn parse_version<'k>(
    space: Space,
    key: &'k [u8],
    id: &StixId,
    chain: ChainKey,
) -> Option<&'k str> {
    std::str::from_utf8(key.get(in_chain(b'i', space, id, chain).len()..)?).ok()
}

pub(crate) fn revocation(space: Space, id: &StixId, spec: SpecVersion, instant: &str) -> Key {
    ending(ending(in_object(b'r', space, id), &[spec as u8]), instant.as_bytes())
}

pub(crate) fn revocations(space: Space, id: &StixId, spec: SpecVersion) -> Range<Key> {
    prefix(revocation(space, id, spec, ""))
}

/// The instant at the end of the key of a revocation.
pub(crate) fn parse_revocation<'k>(space: Space, key: &'k [u8], id: &StixId) -> Option<&'k str> {
    std::str::from_utf8(key.get(in_object(b'r', space, id).len() + 1..)?).ok()
}

/// `content` is the digest that texts share which say the same. Only objects without a version of their own have such keys.
pub(crate) fn content(space: Space, id: &StixId, spec: SpecVersion, content: &Digest) -> Key {
    ending(ending(in_object(b'c', space, id), &[spec as u8]), &content.0)
}

pub(crate) fn deleted_chain(space: Space, id: &StixId, chain: ChainKey) -> Key {
    in_chain(b'g', space, id, chain)
}

/// The chains of which deleted versions are still to be erased.
pub(crate) fn deleted_chains(space: Space) -> Range<Key> {
    prefix(in_space(b'g', space))
}

pub(crate) fn parse_deleted_chain(space: Space, key: &[u8]) -> Option<(StixId, ChainKey)> {
    let (rest, [spec, level]) = key.get(in_space(b'g', space).len()..)?.split_last_chunk()?;
    let id = std::str::from_utf8(rest.strip_suffix(&[0])?).ok()?.parse().ok()?;
    Some((id, ChainKey { spec: spec_version(*spec)?, level: Tlp::try_from(*level).ok()? }))
}

/// The versions of all objects of a collection, as formats up to 3 kept them: by object, STIX version and instant.
pub(crate) fn versions_of_format_3(space: Space) -> Range<Key> {
    prefix(in_space(b'v', space))
}

#[cfg(test)]
pub(crate) fn version_of_format_3(space: Space, id: &StixId, spec: SpecVersion, instant: &str) -> Key {
    ending(ending(in_object(b'v', space, id), &[spec as u8]), instant.as_bytes())
}

/// The objects of a collection.
#[cfg(test)]
pub(crate) fn objects(space: Space) -> Range<Key> {
    prefix(in_space(b'o', space))
}

pub(crate) fn parse_version_of_format_3(space: Space, key: &[u8]) -> Option<(StixId, SpecVersion, &str)> {
    let key = key.get(in_space(b'v', space).len()..)?;
    let (id, [_, spec, instant @ ..]) = key.split_at(key.iter().position(|&byte| byte == 0)?) else {
        return None;
    };
    let id = std::str::from_utf8(id).ok()?.parse().ok()?;
    Some((id, spec_version(*spec)?, std::str::from_utf8(instant).ok()?))
}

/// The ranges of one collection, except its head; `v` is of format 3.
pub(crate) fn collection_contents(space: Space) -> impl Iterator<Item = Range<Key>> {
    b"altoviprcgb".iter().map(move |&tag| prefix(in_space(tag, space)))
}

pub(crate) fn removed(space: Space) -> Key {
    in_space(b'x', space)
}

pub(crate) fn relevelled(space: Space) -> Key {
    in_space(b'y', space)
}

pub(crate) fn all_removed(region: Region) -> Range<Key> {
    prefix(in_region(b'x', region))
}

pub(crate) fn parse_removed(region: Region, key: &[u8]) -> Option<Space> {
    Some(Space { region, number: u32::from_be_bytes(*key.last_chunk()?) })
}

/// A request, named by its identifier and its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestKey {
    pub(crate) request: Uuid,
    pub(crate) account: Uuid,
}

impl RequestKey {
    fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(self.request.as_bytes());
        bytes[16..].copy_from_slice(self.account.as_bytes());
        bytes
    }
}

pub(crate) fn receipt(region: Region, of: RequestKey) -> Key {
    ending(in_region(b's', region), &of.to_bytes())
}

/// The receipts of a request, one for each account that made one with this identifier.
pub(crate) fn receipts(region: Region, request: Uuid) -> Range<Key> {
    prefix(ending(in_region(b's', region), request.as_bytes()))
}

pub(crate) fn receipt_age(region: Region, micros: u64, of: RequestKey) -> Key {
    ending(ending(in_region(b'q', region), &micros.to_be_bytes()), &of.to_bytes())
}

/// Receipts of requests that came before an instant.
pub(crate) fn receipts_before(region: Region, micros: u64) -> Range<Key> {
    let start = in_region(b'q', region);
    start.clone()..ending(start, &micros.to_be_bytes())
}

pub(crate) fn parse_receipt_age(key: &[u8]) -> Option<RequestKey> {
    let (request, account) = key.last_chunk::<32>()?.split_first_chunk()?;
    Some(RequestKey {
        request: Uuid::from_bytes(*request),
        account: Uuid::from_bytes(account.try_into().ok()?),
    })
}

/// A part of a large value; part 0 stands at the key of the value itself.
pub(crate) fn part(key: &Key, number: u16) -> Key {
    let mut key = key.clone();
    if number > 0 {
        key.extend_from_slice(&number.to_be_bytes());
    }
    key
}

/// The first key after this one.
pub(crate) fn following(mut key: Key) -> Key {
    key.push(0);
    key
}

/// All keys that begin like this. No key here consists of 0xFF bytes only, so there is always a next one.
pub(crate) fn prefix(start: Key) -> Range<Key> {
    let mut end = start.clone();
    while end.last() == Some(&0xFF) {
        end.pop();
    }
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    start..end
}
