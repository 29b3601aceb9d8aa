//! The records behind the keys of a collection, and their compact binary form.
//!
//! A byte that no version of this program wrote is [`StoreError::Corrupt`], never a default.

use super::StoreError;
use super::keys::{Interval, Position, spec_version};
use crate::clock::timestamp;
use bytes::Bytes;
use std::collections::BTreeMap;
use stix_model::json::Digest;
use stix_model::{SpecVersion, StixId, Timestamp, Tlp};

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

    /// The row for the content of an unversioned object. Its position tells the version, the `date_added` that the object
    /// had first, also after it moved; `instant` is the sort key of that version.
    pub(crate) fn of_content(&self, instant: &str) -> Result<Self, StoreError> {
        let version = format!("{instant}Z").parse::<Timestamp>().ok();
        let micros = version.and_then(|version| u64::try_from(version.micros()).ok());
        let micros = micros.ok_or(StoreError::Corrupt("the version of an object"))?;
        Ok(Self { position: Position { micros, sequence: 0 }, ..self.clone() })
    }

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
    pub(crate) levels: BTreeMap<Tlp, Ends>,
}

/// The first and the last version of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) first: Bound,
    pub(crate) last: Bound,
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
        match self.levels.get_mut(&level) {
            None => {
                self.levels.insert(level, Ends { first: bound.clone(), last: bound });
            }
            Some(ends) if bound.instant < ends.first.instant => ends.first = bound,
            Some(ends) if bound.instant > ends.last.instant => ends.last = bound,
            Some(_) => {}
        }
    }

    /// The first version that a clearance sees, and its level.
    pub(crate) fn first(&self, clearance: Tlp) -> Option<(Tlp, &Bound)> {
        let visible = self.levels.range(..=clearance).map(|(level, ends)| (*level, &ends.first));
        visible.min_by(|(_, a), (_, b)| a.instant.cmp(&b.instant))
    }

    /// The last version that a clearance sees, and its level.
    pub(crate) fn last(&self, clearance: Tlp) -> Option<(Tlp, &Bound)> {
        let visible = self.levels.range(..=clearance).map(|(level, ends)| (*level, &ends.last));
        visible.max_by(|(_, a), (_, b)| a.instant.cmp(&b.instant))
    }

    fn encode(&self, out: &mut Vec<u8>) {
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
        out.push(u8::try_from(self.levels.len()).expect("there are five levels"));
        for (level, Ends { first, last }) in &self.levels {
            let is_single = first == last;
            out.push(*level as u8 | if is_single { SINGLE } else { 0 });
            put_bound(out, first);
            if !is_single {
                put_bound(out, last);
            }
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
        let mut levels = BTreeMap::new();
        for _ in 0..bytes.byte()? {
            let byte = bytes.byte()?;
            let level = Tlp::try_from(byte & !SINGLE).ok()?;
            let first = bytes.bound()?;
            let last = if byte & SINGLE == 0 { bytes.bound()? } else { first.clone() };
            levels.insert(level, Ends { first, last });
        }
        let is_unversioned = flags & Self::UNVERSIONED != 0;
        Some(Self { created, creator, revoked, is_unversioned, levels })
    }
}

/// Marks a level that holds a single version, which is written once.
const SINGLE: u8 = 0x80;

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
            let mut lasts: Vec<_> = edition.levels.iter().map(|(level, ends)| (&ends.last, *level)).collect();
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
            edition.encode(&mut out);
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

/// Marks a level whose bytes are counted. Format 2 had none, and is read only to be brought to the next one.
const COUNTED: u8 = 0x80;

/// Counts and last positions of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Changes with every write, so that a write decided on an older state conflicts.
    pub(crate) revision: u64,
    /// The end of the timeline. It never goes back, not even when objects are deleted.
    pub(crate) last: Position,
    pub(crate) levels: BTreeMap<Tlp, LevelHead>,
    /// Versions in the timeline of latest versions, by interval; only intervals in use.
    pub(crate) latest: BTreeMap<Interval, u64>,
}

/// Counts and last position of one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LevelHead {
    /// Versions held, for each STIX version.
    pub(crate) versions: [u64; 2],
    /// Bytes of the objects held.
    pub(crate) bytes: u64,
    /// The end of the timeline of this level, which never goes back either.
    pub(crate) last: Position,
}

impl Head {
    /// Counts a version that was put at the end of the timeline.
    pub(crate) fn add(&mut self, level: Tlp, spec: SpecVersion, position: Position, length: u32) {
        let level = self.levels.entry(level).or_default();
        level.versions[spec as usize] += 1;
        level.bytes += u64::from(length);
        level.last = position;
        self.last = position;
    }

    /// Counts a version that was removed.
    pub(crate) fn remove(&mut self, level: Tlp, spec: SpecVersion, length: u32) {
        let level = self.levels.entry(level).or_default();
        let count = &mut level.versions[spec as usize];
        *count = count.saturating_sub(1);
        level.bytes = level.bytes.saturating_sub(u64::from(length));
    }

    /// Versions that a clearance sees, for each STIX version.
    pub(crate) fn versions(&self, clearance: Tlp) -> [u64; 2] {
        let visible = self.levels.range(..=clearance).map(|(_, level)| level.versions);
        visible.fold([0, 0], |[old, new], [more_old, more_new]| [old + more_old, new + more_new])
    }

    /// Objects that a clearance sees.
    pub(crate) fn objects(&self, clearance: Tlp) -> u64 {
        let visible = self.latest.iter().filter(|(interval, _)| interval.contains(clearance));
        visible.map(|(_, count)| count).sum()
    }

    /// Bytes of all versions that a clearance sees.
    pub(crate) fn bytes(&self, clearance: Tlp) -> u64 {
        self.levels.range(..=clearance).map(|(_, level)| level.bytes).sum()
    }

    /// The end of the timeline that a clearance sees.
    pub(crate) fn last(&self, clearance: Tlp) -> Position {
        self.levels.range(..=clearance).map(|(_, level)| level.last).max().unwrap_or_default()
    }

    /// The levels that hold versions and that a clearance sees.
    pub(crate) fn levels(&self, clearance: Tlp) -> impl Iterator<Item = Tlp> {
        let visible = self.levels.range(..=clearance).filter(|(_, level)| level.versions != [0, 0]);
        visible.map(|(level, _)| *level)
    }

    /// The intervals in use that contain a clearance.
    pub(crate) fn intervals(&self, clearance: Tlp) -> impl Iterator<Item = Interval> {
        self.latest.keys().copied().filter(move |interval| interval.contains(clearance))
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(&self.revision.to_be_bytes());
        out.extend_from_slice(&self.last.to_bytes());
        out.push(u8::try_from(self.levels.len()).expect("there are five levels"));
        for (level, LevelHead { versions: [old, new], bytes, last }) in &self.levels {
            out.push(*level as u8 | COUNTED);
            out.extend_from_slice(&old.to_be_bytes());
            out.extend_from_slice(&new.to_be_bytes());
            out.extend_from_slice(&bytes.to_be_bytes());
            out.extend_from_slice(&last.to_bytes());
        }
        for (interval, count) in &self.latest {
            out.extend_from_slice(&interval.to_bytes());
            out.extend_from_slice(&count.to_be_bytes());
        }
        out.into()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let decode = || {
            let mut bytes = Reader(bytes);
            let (revision, last) = (bytes.u64()?, bytes.position()?);
            let mut levels = BTreeMap::new();
            for _ in 0..bytes.byte()? {
                let byte = bytes.byte()?;
                let level = Tlp::try_from(byte & !COUNTED).ok()?;
                let versions = [bytes.u64()?, bytes.u64()?];
                let held = if byte & COUNTED == 0 { 0 } else { bytes.u64()? };
                levels.insert(level, LevelHead { versions, bytes: held, last: bytes.position()? });
            }
            let mut latest = BTreeMap::new();
            while !bytes.is_empty() {
                latest.insert(Interval::from_bytes(bytes.array()?)?, bytes.u64()?);
            }
            Some(Self { revision, last, levels, latest })
        };
        decode().ok_or(StoreError::Corrupt("the head of a collection"))
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
