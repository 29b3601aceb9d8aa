//! What stands behind the keys of a collection, and its compact binary form.

use super::StoreError;
use super::keys::Position;
use crate::clock::timestamp;
use bytes::Bytes;
use std::collections::BTreeMap;
use stix_model::json::Digest;
use stix_model::{Header, SpecVersion, StixId, Timestamp, Tlp};

/// The version of an object inside a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `modified`, else `created`.
    Of(Timestamp),
    /// Unversioned objects, as most cyber-observable ones: their `date_added` stands in (TAXII 2.1, section 3.4.1).
    Unversioned,
}

impl Version {
    pub(crate) fn of(header: &Header) -> Self {
        header.version().map_or(Self::Unversioned, |version| Self::Of(version.clone()))
    }

    /// Byte order is the order of versions; unversioned is the empty text.
    pub(crate) fn sort_key(&self) -> &str {
        match self {
            Self::Of(timestamp) => timestamp.sort_key(),
            Self::Unversioned => "",
        }
    }
}

/// What is known of one version of an object without its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: StixId,
    pub(crate) spec_version: SpecVersion,
    pub(crate) version: Version,
    /// Strictest TLP level; kept for reading by clearance.
    pub(crate) tlp: Option<Tlp>,
    pub(crate) digest: Digest,
}

impl Entry {
    pub(crate) fn of(header: &Header) -> Self {
        Self {
            id: header.id.clone(),
            spec_version: header.spec_version,
            version: Version::of(header),
            tlp: header.tlp,
            digest: header.digest,
        }
    }

    /// The version as clients see it.
    pub(crate) fn shown_version(&self, position: Position) -> Timestamp {
        match &self.version {
            Version::Of(timestamp) => timestamp.clone(),
            Version::Unversioned => date_added(position),
        }
    }

    pub(crate) fn encode(&self) -> Bytes {
        let id = self.id.as_str().as_bytes();
        let version = match &self.version {
            Version::Of(timestamp) => timestamp.as_str().as_bytes(),
            Version::Unversioned => b"",
        };
        let mut out = Vec::with_capacity(36 + id.len() + version.len());
        out.push(self.spec_version as u8);
        out.push(self.tlp.map_or(0, |tlp| tlp as u8));
        out.extend_from_slice(&self.digest.0);
        put_short(&mut out, id);
        out.extend_from_slice(version);
        out.into()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let decode = || {
            let ([spec, tlp], rest) = bytes.split_first_chunk()?;
            let (digest, rest) = rest.split_first_chunk()?;
            let (id, version) = take_short(rest)?;
            let version = match version {
                b"" => Version::Unversioned,
                text => Version::Of(std::str::from_utf8(text).ok()?.parse().ok()?),
            };
            Some(Self {
                id: std::str::from_utf8(id).ok()?.parse().ok()?,
                spec_version: spec_version(*spec),
                version,
                tlp: Tlp::try_from(*tlp).ok(),
                digest: Digest(*digest),
            })
        };
        decode().ok_or(StoreError::Corrupt("an entry"))
    }
}

/// `date_added` of a position.
pub(crate) fn date_added(position: Position) -> Timestamp {
    timestamp(i64::try_from(position.micros).unwrap_or(i64::MAX))
}

/// The first and the last version of an object, separately for each STIX version that it exists in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Editions(pub(crate) BTreeMap<SpecVersion, Edition>);

/// The versions of an object in one STIX version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edition {
    pub(crate) first: Bound,
    pub(crate) last: Bound,
}

/// A version at one end of an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) sort_key: Box<str>,
    pub(crate) position: Position,
}

impl Editions {
    /// The newest STIX version that the object exists in.
    pub(crate) fn newest(&self) -> Option<SpecVersion> {
        self.0.last_key_value().map(|(spec, _)| *spec)
    }

    /// What is served by default: the last version in the newest STIX version (TAXII 2.1, section 3.4.1,
    /// `match[spec_version]`).
    pub(crate) fn served(&self) -> Option<Position> {
        self.0.last_key_value().map(|(_, edition)| edition.last.position)
    }

    pub(crate) fn insert(&mut self, spec: SpecVersion, bound: Bound) {
        match self.0.get_mut(&spec) {
            None => {
                self.0.insert(spec, Edition { first: bound.clone(), last: bound });
            }
            Some(edition) => {
                if bound.sort_key < edition.first.sort_key {
                    edition.first = bound;
                } else if bound.sort_key > edition.last.sort_key {
                    edition.last = bound;
                }
            }
        }
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        for (spec, edition) in &self.0 {
            out.push(*spec as u8);
            for bound in [&edition.first, &edition.last] {
                put_short(&mut out, bound.sort_key.as_bytes());
                out.extend_from_slice(&bound.position.to_bytes());
            }
        }
        out.into()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut editions = Self::default();
        let mut rest = bytes;
        while let Some((spec, tail)) = rest.split_first() {
            let decode = || {
                let (first, tail) = take_bound(tail)?;
                let (last, tail) = take_bound(tail)?;
                Some((Edition { first, last }, tail))
            };
            let (edition, tail) = decode().ok_or(StoreError::Corrupt("the editions of an object"))?;
            editions.0.insert(spec_version(*spec), edition);
            rest = tail;
        }
        Ok(editions)
    }
}

/// What is known of a collection as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Changes with every write, so that a write decided on an older state conflicts.
    pub(crate) revision: u64,
    /// Where the timeline ends. It never goes back, not even when objects are deleted.
    pub(crate) last: Position,
    /// Versions held, for each STIX version.
    pub(crate) versions: [u64; 2],
}

impl Head {
    pub(crate) fn encode(self) -> Bytes {
        let [old, new] = self.versions.map(u64::to_be_bytes);
        [&self.revision.to_be_bytes()[..], &self.last.to_bytes(), &old, &new].concat().into()
    }

    pub(crate) fn decode(bytes: Option<&Bytes>) -> Result<Self, StoreError> {
        let Some(bytes) = bytes else { return Ok(Self::default()) };
        let decode = || {
            let (revision, rest) = bytes.split_first_chunk()?;
            let (last, rest) = rest.split_first_chunk::<{ Position::LENGTH }>()?;
            let (old, new) = rest.split_first_chunk()?;
            let versions = [u64::from_be_bytes(*old), u64::from_be_bytes(new.try_into().ok()?)];
            Some(Self {
                revision: u64::from_be_bytes(*revision),
                last: Position::from_bytes(last)?,
                versions,
            })
        };
        decode().ok_or(StoreError::Corrupt("the head of a collection"))
    }
}

fn spec_version(byte: u8) -> SpecVersion {
    if byte == SpecVersion::V2_0 as u8 { SpecVersion::V2_0 } else { SpecVersion::V2_1 }
}

/// Identifiers and instants are bounded when they are parsed, but a timestamp may have any number of digits, so
/// lengths take two bytes and what is longer was refused on the way in.
fn put_short(out: &mut Vec<u8>, text: &[u8]) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&text[..usize::from(length)]);
}

fn take_short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn take_bound(bytes: &[u8]) -> Option<(Bound, &[u8])> {
    let (sort_key, rest) = take_short(bytes)?;
    let (position, rest) = rest.split_first_chunk::<{ Position::LENGTH }>()?;
    let sort_key = std::str::from_utf8(sort_key).ok()?.into();
    Some((Bound { sort_key, position: Position::from_bytes(position)? }, rest))
}
