//! What a collection as a whole holds.

use super::Reader;
use crate::store::StoreError;
use crate::store::keys::{Interval, Position};
use bytes::Bytes;
use std::collections::BTreeMap;
use stix_model::{SpecVersion, Tlp};

/// Marks a level whose bytes are counted. Format 2 had none, and is read only to be brought to the next one.
const HAS_BYTES: u8 = 0x80;

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

    /// Counts versions that were removed.
    pub(crate) fn remove(&mut self, level: Tlp, spec: SpecVersion, versions: u64, bytes: u64) {
        let level = self.levels.entry(level).or_default();
        let count = &mut level.versions[spec as usize];
        *count = count.saturating_sub(versions);
        level.bytes = level.bytes.saturating_sub(bytes);
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
            out.push(*level as u8 | HAS_BYTES);
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

    /// The revision of a head.
    pub(crate) fn decode_revision(bytes: &[u8]) -> Result<u64, StoreError> {
        Reader(bytes).u64().ok_or(StoreError::Corrupt("the head of a collection"))
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let decode = || {
            let mut bytes = Reader(bytes);
            let (revision, last) = (bytes.u64()?, bytes.position()?);
            let mut levels = BTreeMap::new();
            for _ in 0..bytes.byte()? {
                let byte = bytes.byte()?;
                let level = Tlp::try_from(byte & !HAS_BYTES).ok()?;
                let versions = [bytes.u64()?, bytes.u64()?];
                let held = if byte & HAS_BYTES == 0 { 0 } else { bytes.u64()? };
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
