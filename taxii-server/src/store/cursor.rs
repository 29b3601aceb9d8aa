//! The `next` of a page: opaque, stateless and authenticated, so it works on every replica, after restarts, for weeks.

use super::filter::Filter;
use super::keys::Position;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Version of the format; a cursor of another version is refused.
const FORMAT: u8 = 2;
const MAC_LENGTH: usize = 16;
/// A longer filter is not carried but recognised, so that `next` always fits into a URL.
const MAX_FILTER_BYTES: usize = 600;

/// A position in a collection, with the filters that led there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(super) collection: Uuid,
    /// The last position that was served.
    pub(super) position: Position,
    pub(super) filter: CursorFilter,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CursorFilter {
    Carried(Filter),
    /// SHA-256 of a filter that was too long to be carried.
    Recognised([u8; 32]),
}

/// Why a `next` cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// This server did not make it, or it was changed.
    #[error("`next` is not a value that this server gave out; start again without it")]
    Unknown,
    /// It belongs to another collection.
    #[error("`next` belongs to another collection; start again without it")]
    OtherCollection,
    /// The request repeats a filter with another value.
    #[error("{0} differs from the request that gave this `next`; repeat the same filters, or leave them out")]
    OtherFilter(&'static str),
    /// A long filter is missing.
    #[error("repeat the same filters together with `next`; they were too long to be carried in it")]
    FilterMissing,
}

/// Makes and checks cursors with a secret that all replicas share.
#[derive(Clone)]
pub(super) struct Cursors {
    mac: Hmac<Sha256>,
}

impl Cursors {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self { mac: Hmac::new_from_slice(secret).expect("HMAC takes keys of any length") }
    }

    pub(super) fn write(&self, collection: Uuid, position: Position, filter: &Filter) -> String {
        let json = filter_json(filter);
        let mut bytes = vec![FORMAT, u8::from(json.len() > MAX_FILTER_BYTES)];
        bytes.extend_from_slice(collection.as_bytes());
        bytes.extend_from_slice(&position.to_bytes());
        if json.len() > MAX_FILTER_BYTES {
            bytes.extend_from_slice(&Sha256::digest(&json));
        } else {
            bytes.extend_from_slice(&json);
        }
        let tag = self.mac.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..MAC_LENGTH]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn read(&self, next: &str) -> Result<Cursor, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(next).map_err(|_| CursorError::Unknown)?;
        let split = bytes.len().checked_sub(MAC_LENGTH).ok_or(CursorError::Unknown)?;
        let (bytes, tag) = bytes.split_at(split);
        let is_ours = self.mac.clone().chain_update(bytes).verify_truncated_left(tag).is_ok();
        if !is_ours {
            return Err(CursorError::Unknown);
        }
        let parse = || {
            let (&[FORMAT, is_long], rest) = bytes.split_first_chunk()? else { return None };
            let (collection, rest) = rest.split_first_chunk()?;
            let (position, rest) = rest.split_first_chunk::<{ Position::LENGTH }>()?;
            let filter = match is_long {
                0 => CursorFilter::Carried(serde_json::from_slice(rest).ok()?),
                _ => CursorFilter::Recognised(rest.try_into().ok()?),
            };
            let position = Position::from_bytes(*position);
            Some(Cursor { collection: Uuid::from_bytes(*collection), position, filter })
        };
        parse().ok_or(CursorError::Unknown)
    }
}

impl Cursor {
    /// The filter to go on with: what the cursor carries, after a check of what the request repeats.
    pub(super) fn resume(self, collection: Uuid, repeated: Filter) -> Result<Filter, CursorError> {
        if self.collection != collection {
            return Err(CursorError::OtherCollection);
        }
        let carried = match self.filter {
            CursorFilter::Carried(carried) => carried,
            CursorFilter::Recognised(digest) => {
                let is_same = Sha256::digest(filter_json(&repeated))[..] == digest;
                return if is_same { Ok(repeated) } else { Err(CursorError::FilterMissing) };
            }
        };
        // Compares instants, so the same time with more digits is the same filter.
        check("added_after", &repeated.added_after, &carried.added_after)?;
        check("match[id]", &repeated.ids, &carried.ids)?;
        check("match[type]", &repeated.types, &carried.types)?;
        check("match[version]", &repeated.versions, &carried.versions)?;
        check("match[spec_version]", &repeated.spec_versions, &carried.spec_versions)?;
        Ok(carried)
    }
}

fn check<T: PartialEq>(
    name: &'static str,
    repeated: &Option<T>,
    carried: &Option<T>,
) -> Result<(), CursorError> {
    if repeated.is_none() || repeated == carried { Ok(()) } else { Err(CursorError::OtherFilter(name)) }
}

fn filter_json(filter: &Filter) -> Vec<u8> {
    serde_json::to_vec(filter).expect("a filter has only lists of texts")
}
