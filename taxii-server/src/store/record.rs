//! The records behind the keys of a collection, and their compact binary form.
//!
//! A byte that no version of this program wrote is [`StoreError::Corrupt`], never a default.

mod head;

use super::StoreError;
use super::keys::{Interval, Position, spec_version};
use crate::clock::timestamp;
use bytes::Bytes;
use std::collections::BTreeMap;
use stix_model::json::Digest;
use stix_model::{SpecVersion, StixId, Timestamp, Tlp};

pub(crate) use head::Head;

/// Metadata of one stored version, as the timeline of all versions has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: StixId,
    pub(crate) spec_version: SpecVersion,
    /// As it was written; for an object without a version its `date_added` (TAXII 2.1, section 3.4.1).
    pub(crate) version: Timestamp,
    /// Bytes of the object.
    pub(crate) length: u32,
    /// `valid_until` of an indicator, in microseconds since 1970.
    pub(crate) valid_until: Option<i64>,
    /// Whether the level comes from a marking, and not from the collection.
    pub(crate) is_marked: bool,
}

impl Entry {
    const MARKED: u8 = 1;
    const EXPIRES: u8 = 2;

    pub(crate) fn encode(&self) -> Bytes {
        let (id, version) = (self.id.as_str().as_bytes(), self.version.as_str().as_bytes());
        let mut out = Vec::with_capacity(20 + id.len() + version.len());
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        out.push(self.spec_version as u8);
        out.push(flag(self.is_marked, Self::MARKED) | flag(self.valid_until.is_some(), Self::EXPIRES));
        out.extend_from_slice(&self.length.to_be_bytes());
        if let Some(valid_until) = self.valid_until {
            out.extend_from_slice(&valid_until.to_be_bytes());
        }
        put_short(&mut out, id);
        out.extend_from_slice(version);
        out.into()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let decode = || {
            let mut bytes = Reader(bytes);
            let spec_version = spec_version(bytes.byte()?)?;
            let flags = bytes.flags(Self::MARKED | Self::EXPIRES)?;
            let length = bytes.u32()?;
            let valid_until = match flags & Self::EXPIRES {
                0 => None,
                _ => Some(i64::from_be_bytes(bytes.array()?)),
            };
            let id = bytes.short_text()?.parse().ok()?;
            let version = std::str::from_utf8(bytes.0).ok()?.parse().ok()?;
            let is_marked = flags & Self::MARKED != 0;
            Some(Self { id, spec_version, version, length, valid_until, is_marked })
        };
        decode().ok_or(StoreError::Corrupt("an entry of a timeline"))
    }
}

/// `date_added` of a position.
pub(crate) fn date_added(position: Position) -> Timestamp {
    timestamp(i64::try_from(position.micros).unwrap_or(i64::MAX))
}

/// The value of a key in the timelines of latest versions: the length of the object.
pub(crate) fn encode_length(length: u32) -> Bytes {
    Bytes::copy_from_slice(&length.to_be_bytes())
}

/// Reads what [`encode_length`] wrote.
pub(crate) fn decode_length(bytes: &[u8]) -> Result<u32, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::Corrupt("a length"))?;
    Ok(u32::from_be_bytes(bytes))
}

/// One stored version, as the history of its object has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionRow {
    pub(crate) position: Position,
    pub(crate) level: Tlp,
    /// Bytes of the object.
    pub(crate) length: u32,
    /// Whether this version revokes the object (STIX 2.1, section 3.6.1).
    pub(crate) is_revoked: bool,
    /// SHA-256 over the RFC 8785 form.
    pub(crate) digest: Digest,
    /// The digest that texts share which say the same; see `stix_model::version::content_digest`.
    pub(crate) content: Digest,
}

impl VersionRow {
    const REVOKED: u8 = 1;
    const RESPELLED: u8 = 2;

    pub(crate) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(48);
        let is_respelled = self.content != self.digest;
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        out.push(self.level as u8);
        out.push(flag(self.is_revoked, Self::REVOKED) | flag(is_respelled, Self::RESPELLED));
        out.extend_from_slice(&self.position.to_bytes());
        out.extend_from_slice(&self.length.to_be_bytes());
        out.extend_from_slice(&self.digest.0);
        if is_respelled {
            out.extend_from_slice(&self.content.0);
        }
        out.into()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let decode = || {
            let mut bytes = Reader(bytes);
            let level = Tlp::try_from(bytes.byte()?).ok()?;
            let flags = bytes.flags(Self::REVOKED | Self::RESPELLED)?;
            let position = bytes.position()?;
            let length = bytes.u32()?;
            let digest = Digest(bytes.array()?);
            let content = match flags & Self::RESPELLED {
                0 => digest,
                _ => Digest(bytes.array()?),
            };
            let is_revoked = flags & Self::REVOKED != 0;
            bytes.is_empty().then_some(Self { position, level, length, is_revoked, digest, content })
        };
        decode().ok_or(StoreError::Corrupt("a version of an object"))
    }

    pub(crate) fn slot(&self) -> Slot {
        Slot { level: self.level, position: self.position }
    }
}

/// The slot of a version in the timelines of its collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) level: Tlp,
    pub(crate) position: Position,
}

impl Slot {
    fn put(self, out: &mut Vec<u8>) {
        out.push(self.level as u8);
        out.extend_from_slice(&self.position.to_bytes());
    }

    pub(crate) fn encode(self) -> Bytes {
        let mut out = Vec::with_capacity(11);
        self.put(&mut out);
        out.into()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut bytes = Reader(bytes);
        let slot = bytes.slot().filter(|_| bytes.is_empty());
        slot.ok_or(StoreError::Corrupt("the slot of a version"))
    }
}

/// The version of an unversioned object that has a certain content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContentRow {
    pub(crate) slot: Slot,
    /// The `date_added` that it had first, which stays its version when it moves; microseconds since 1970.
    pub(crate) version: i64,
}

impl ContentRow {
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(19);
        self.slot.put(&mut out);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.into()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let decode = || {
            let mut bytes = Reader(bytes);
            let (slot, version) = (bytes.slot()?, i64::from_be_bytes(bytes.array()?));
            bytes.is_empty().then_some(Self { slot, version })
        };
        decode().ok_or(StoreError::Corrupt("the content of an object"))
    }
}

/// The facts of one object, separately for each STIX version that it exists in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ObjectRecord(pub(crate) BTreeMap<SpecVersion, Edition>);

/// The versions of an object in one STIX version. Instants are sort keys of timestamps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edition {
    pub(crate) created: Option<Box<str>>,
    pub(crate) creator: Option<StixId>,
    /// The earliest version that revokes the object, and its level.
    pub(crate) revoked: Option<(Box<str>, Tlp)>,
    /// Whether the object has no version of its own, as most observables.
    pub(crate) is_unversioned: bool,
    pub(crate) chains: BTreeMap<Tlp, Chain>,
}

/// The versions of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) first: Bound,
    pub(crate) last: Bound,
    /// Versions at earlier positions are deleted, though they may not be erased yet.
    pub(crate) since: Position,
    pub(crate) versions: u64,
    /// Bytes of the objects.
    pub(crate) bytes: u64,
}

impl Chain {
    pub(crate) fn of(only: Bound) -> Self {
        let (since, bytes) = (only.position, u64::from(only.length));
        Self { first: only.clone(), last: only, since, versions: 1, bytes }
    }

    pub(crate) fn insert(&mut self, bound: Bound) {
        self.versions += 1;
        self.bytes += u64::from(bound.length);
        if bound.instant < self.first.instant {
            self.first = bound;
        } else if bound.instant > self.last.instant {
            self.last = bound;
        }
    }
}

/// A version at one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) instant: Box<str>,
    pub(crate) position: Position,
    /// Bytes of the object.
    pub(crate) length: u32,
}

/// A version that is the latest for an interval of clearances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LatestVersion {
    pub(crate) interval: Interval,
    pub(crate) position: Position,
    pub(crate) length: u32,
}

impl Edition {
    const CREATED: u8 = 1;
    const CREATOR: u8 = 2;
    const REVOKED: u8 = 4;
    const UNVERSIONED: u8 = 8;

    /// Adds a version.
    pub(crate) fn insert(&mut self, instant: Box<str>, version: &VersionRow) {
        let VersionRow { position, level, length, is_revoked, .. } = *version;
        if is_revoked && self.revoked.as_ref().is_none_or(|(earliest, _)| instant < *earliest) {
            self.revoked = Some((instant.clone(), level));
        }
        let bound = Bound { instant, position, length };
        match self.chains.get_mut(&level) {
            Some(chain) => chain.insert(bound),
            None => {
                self.chains.insert(level, Chain::of(bound));
            }
        }
    }

    /// Whether the version of a slot is one of a chain, and not a deleted one that is still to be erased.
    pub(crate) fn holds(&self, Slot { level, position }: Slot) -> bool {
        self.chains.get(&level).is_some_and(|chain| chain.since <= position)
    }

    /// The first version that a clearance sees, and its level.
    pub(crate) fn first(&self, clearance: Tlp) -> Option<(Tlp, &Bound)> {
        let visible = self.chains.range(..=clearance).map(|(level, chain)| (*level, &chain.first));
        visible.min_by(|(_, a), (_, b)| a.instant.cmp(&b.instant))
    }

    /// The last version that a clearance sees, and its level.
    pub(crate) fn last(&self, clearance: Tlp) -> Option<(Tlp, &Bound)> {
        let visible = self.chains.range(..=clearance).map(|(level, chain)| (*level, &chain.last));
        visible.max_by(|(_, a), (_, b)| a.instant.cmp(&b.instant))
    }

    fn encode(&self, out: &mut Vec<u8>, put_chain: impl Fn(&mut Vec<u8>, Tlp, &Chain)) {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        out.push(
            flag(self.created.is_some(), Self::CREATED)
                | flag(self.creator.is_some(), Self::CREATOR)
                | flag(self.revoked.is_some(), Self::REVOKED)
                | flag(self.is_unversioned, Self::UNVERSIONED),
        );
        let creator = self.creator.as_ref().map(StixId::as_str);
        let texts = [self.created.as_deref(), creator];
        texts.into_iter().flatten().for_each(|text| put_short(out, text.as_bytes()));
        if let Some((instant, level)) = &self.revoked {
            put_short(out, instant.as_bytes());
            out.push(*level as u8);
        }
        out.push(u8::try_from(self.chains.len()).expect("there are five levels"));
        self.chains.iter().for_each(|(level, chain)| put_chain(out, *level, chain));
    }

    fn put_chain(out: &mut Vec<u8>, level: Tlp, chain: &Chain) {
        let Chain { first, last, since, versions, bytes } = chain;
        out.push(level as u8 | COUNTED | if *versions == 1 { SINGLE } else { 0 });
        put_bound(out, first);
        if *versions > 1 {
            put_bound(out, last);
            out.extend_from_slice(&since.to_bytes());
            out.extend_from_slice(&versions.to_be_bytes());
            out.extend_from_slice(&bytes.to_be_bytes());
        }
    }

    fn decode(bytes: &mut Reader<'_>) -> Option<Self> {
        let flags = bytes.flags(Self::CREATED | Self::CREATOR | Self::REVOKED | Self::UNVERSIONED)?;
        let mut text = |flag| match flags & flag {
            0 => Some(None),
            _ => bytes.short_text().map(Some),
        };
        let created = text(Self::CREATED)?.map(Box::from);
        let creator = match text(Self::CREATOR)? {
            Some(creator) => Some(creator.parse().ok()?),
            None => None,
        };
        let revoked = match text(Self::REVOKED)? {
            Some(instant) => Some((instant.into(), Tlp::try_from(bytes.byte()?).ok()?)),
            None => None,
        };
        let mut chains = BTreeMap::new();
        for _ in 0..bytes.byte()? {
            let byte = bytes.byte()?;
            let level = Tlp::try_from(byte & !(SINGLE | COUNTED)).ok()?;
            let mut chain = Chain::of(bytes.bound()?);
            if byte & SINGLE == 0 {
                chain.last = bytes.bound()?;
                if byte & COUNTED != 0 {
                    chain.since = bytes.position()?;
                    (chain.versions, chain.bytes) = (bytes.u64()?, bytes.u64()?);
                }
            }
            chains.insert(level, chain);
        }
        let is_unversioned = flags & Self::UNVERSIONED != 0;
        Some(Self { created, creator, revoked, is_unversioned, chains })
    }
}

/// Marks a level that holds a single version, which is written once.
const SINGLE: u8 = 0x80;
/// Marks a level whose versions are counted. Format 3 had none, and is read only to be brought to the next one.
const COUNTED: u8 = 0x40;

impl ObjectRecord {
    /// The newest STIX version that a clearance sees the object in.
    pub(crate) fn newest(&self, clearance: Tlp) -> Option<SpecVersion> {
        let mut editions = self.0.iter().rev();
        editions.find(|(_, edition)| edition.first(clearance).is_some()).map(|(spec, _)| *spec)
    }

    /// The version that is served by default: the last one in the newest STIX version (TAXII 2.1, section 3.4.1).
    pub(crate) fn served(&self, clearance: Tlp) -> Option<(Tlp, &Bound)> {
        self.0.values().rev().find_map(|edition| edition.last(clearance))
    }

    /// Each version that is the latest for some clearances. Only the last version of a level can be one, because it hides
    /// the older ones of its level from all that see them.
    pub(crate) fn latest(&self) -> Vec<LatestVersion> {
        let mut latest = Vec::new();
        let mut until: Option<Tlp> = None;
        for edition in self.0.values().rev() {
            let mut lasts: Vec<_> =
                edition.chains.iter().map(|(level, chain)| (&chain.last, *level)).collect();
            lasts.sort_unstable_by(|(a, _), (b, _)| b.instant.cmp(&a.instant));
            for (Bound { position, length, .. }, from) in lasts {
                if until.is_none_or(|until| from < until) {
                    let interval = Interval { from, until };
                    latest.push(LatestVersion { interval, position: *position, length: *length });
                    until = Some(from);
                }
            }
        }
        latest
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(128);
        for (spec, edition) in &self.0 {
            out.push(*spec as u8);
            edition.encode(&mut out, Edition::put_chain);
        }
        out.into()
    }

    /// As format 3 had it.
    #[cfg(test)]
    pub(crate) fn encode_format_3(&self) -> Bytes {
        let mut out = Vec::new();
        for (spec, edition) in &self.0 {
            out.push(*spec as u8);
            edition.encode(&mut out, |out, level, Chain { first, last, .. }| {
                out.push(level as u8 | if first == last { SINGLE } else { 0 });
                put_bound(out, first);
                if first != last {
                    put_bound(out, last);
                }
            });
        }
        out.into()
    }

    /// Reads a record; no bytes are the record of an object that is not there.
    pub(crate) fn decode(bytes: Option<&Bytes>) -> Result<Self, StoreError> {
        let mut bytes = Reader(bytes.map_or(&[][..], |bytes| &bytes[..]));
        let mut record = Self::default();
        while !bytes.is_empty() {
            let mut decode = || Some((spec_version(bytes.byte()?)?, Edition::decode(&mut bytes)?));
            let (spec, edition) = decode().ok_or(StoreError::Corrupt("the record of an object"))?;
            record.0.insert(spec, edition);
        }
        Ok(record)
    }
}

/// Identifiers and instants are bounded when they are parsed.
fn put_short(out: &mut Vec<u8>, text: &[u8]) {
    let length = u16::try_from(text.len()).expect("identifiers and timestamps have less than 300 bytes");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text);
}

fn put_bound(out: &mut Vec<u8>, bound: &Bound) {
    put_short(out, bound.instant.as_bytes());
    out.extend_from_slice(&bound.position.to_bytes());
    out.extend_from_slice(&bound.length.to_be_bytes());
}

/// Reads a record from its start; `None` when it is too short or holds an unknown byte.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn flags(&mut self, known: u8) -> Option<u8> {
        self.byte().filter(|flags| flags & !known == 0)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn position(&mut self) -> Option<Position> {
        self.array().map(Position::from_bytes)
    }

    fn slot(&mut self) -> Option<Slot> {
        Some(Slot { level: Tlp::try_from(self.byte()?).ok()?, position: self.position()? })
    }

    fn short_text(&mut self) -> Option<&'b str> {
        let length = u16::from_be_bytes(self.array()?);
        let (text, rest) = self.0.split_at_checked(usize::from(length))?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn bound(&mut self) -> Option<Bound> {
        let instant = self.short_text()?.into();
        Some(Bound { instant, position: self.position()?, length: self.u32()? })
    }
}
