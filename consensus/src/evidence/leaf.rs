//! Leaves of the log: what was decided, without what it was decided about.
//!
//! A leaf is canonical JSON (RFC 8785). It names objects by commitments only: the digest of an object that holds one address
//! could be found by trying all addresses, and a reader of the log need not be allowed to see the object. The salt of a
//! commitment follows from the nonce of the submission, so it is known to those who hold the proposal.
//!
//! # Large decisions
//! A bundle of tiles has 16 bits for the length of an entry, and a proposal may have 1000 items. So [`Leaf::split`] makes
//! leaves of 256 items and 128 votes at most, which always fit. All leaves of a decision repeat its head and say which part
//! they are. While there are 128 votes or fewer, each leaf has all of them, so that one leaf is enough to prove one item;
//! further votes follow in leaves without items. Items on which different votes count are different decisions: each vote of a
//! leaf is about all of its items.

use super::tile::MAX_ENTRY_LENGTH;
use crate::id::{Digest, OrganisationId, ProposalId, hex};
use crate::proposal::{Kind, Phase};
use crate::statement::{Item, Nonce};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Most items of a leaf.
pub const MAX_LEAF_ITEMS: usize = 256;
/// Most votes of a leaf.
pub const MAX_LEAF_VOTES: usize = 128;

/// Largest integer that all readers of JSON read alike (RFC 8785, section 3.2.2.3).
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// A decision, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// The entry of the ordered log that decided.
    pub index: u64,
    /// Its time, in microseconds since 1970.
    pub time: u64,
    /// What was decided about.
    pub event: Event,
    /// The proposal.
    pub proposal: ProposalId,
    /// The entry that made the proposal.
    pub submitted: u64,
    /// The version of the policy by which it was decided.
    pub policy: u32,
    /// The [digest](crate::Policy::digest) of that policy.
    pub policy_digest: Digest,
    /// Which part of the decision this is. There is none if the leaf is all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The items that were decided.
    pub items: Vec<LeafItem>,
    /// The votes that count on all of these items, in the order in which they came.
    pub votes: Vec<LeafVote>,
}

/// A vote that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafVote {
    /// The entry in which it came.
    pub index: u64,
    /// The digest of what was signed: SHA-256 over the pre-authentication encoding of DSSE.
    pub statement: Digest,
}

/// What was decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// New objects.
    Submit,
    /// Taking an object back.
    Revoke,
    /// A change of the network.
    Govern,
}

impl From<Kind> for Event {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Submit => Self::Submit,
            Kind::Revoke => Self::Revoke,
            Kind::Govern => Self::Govern,
        }
    }
}

/// Number of a part, from 0, and of all parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The number of this part.
    pub number: u32,
    /// The number of parts, which is 2 or more.
    pub of: u32,
}

/// An item that was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafItem {
    /// The number of the item in the proposal.
    pub item: u32,
    /// Where it stands now.
    pub phase: Phase,
    /// Whether it was visible before, and was ratified now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ratified: bool,
    /// The commitment to its object. A change of the network has no object; its proposal is the digest of all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Digest>,
}

/// Why bytes are no leaf, or a leaf cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    /// The bytes are other JSON, or none.
    #[error("the leaf cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// The leaf is not in its canonical form.
    #[error("the leaf is not in canonical form (RFC 8785)")]
    NotCanonical,
    /// The part is none of its parts, or the only one.
    #[error("the leaf says that it is part {} of {}, counted from 0", .0.number, .0.of)]
    Part(Part),
    /// A number is too large for JSON.
    #[error("{0} is above 2^53 - 1, so not all readers of JSON read it alike")]
    Number(u64),
    /// The leaf is too large.
    #[error("the leaf has {0} bytes; {MAX_ENTRY_LENGTH} are the most")]
    TooLarge(usize),
}

impl Leaf {
    /// Divides a decision into leaves that fit.
    pub fn split(&self) -> Vec<Self> {
        let no_items: &[LeafItem] = &[];
        let no_votes: &[LeafVote] = &[];
        let mut votes = self.votes.chunks(MAX_LEAF_VOTES);
        let first_votes = votes.next().unwrap_or(no_votes);
        let mut items = self.items.chunks(MAX_LEAF_ITEMS);
        let mut parts = vec![(items.next().unwrap_or(no_items), first_votes)];
        parts.extend(items.map(|items| (items, first_votes)));
        parts.extend(votes.map(|votes| (no_items, votes)));
        let of = parts.len() as u32;
        let part = |number: usize| (of > 1).then_some(Part { number: number as u32, of });
        let leaves = parts.into_iter().enumerate().map(|(number, (items, votes))| Self {
            part: part(number),
            items: items.to_vec(),
            votes: votes.to_vec(),
            ..*self
        });
        leaves.collect()
    }

    /// The canonical form, which is the entry of the log.
    ///
    /// # Errors
    /// When the leaf is too large, as one that was not [split](Self::split) may be, or a number or the part is wrong.
    pub fn encode(&self) -> Result<Vec<u8>, LeafError> {
        let numbers = [self.index, self.time, self.submitted].into_iter();
        if let Some(number) =
            numbers.chain(self.votes.iter().map(|vote| vote.index)).find(|number| *number > MAX_INTEGER)
        {
            return Err(LeafError::Number(number));
        }
        if let Some(part) = self.part.filter(|part| part.of < 2 || part.number >= part.of) {
            return Err(LeafError::Part(part));
        }
        let bytes = serde_json_canonicalizer::to_vec(self)?;
        match bytes.len() <= MAX_ENTRY_LENGTH {
            true => Ok(bytes),
            false => Err(LeafError::TooLarge(bytes.len())),
        }
    }

    /// Reads the canonical form.
    ///
    /// # Errors
    /// When the bytes are no leaf, or another form of one.
    pub fn decode(entry: &[u8]) -> Result<Self, LeafError> {
        if entry.len() > MAX_ENTRY_LENGTH {
            return Err(LeafError::TooLarge(entry.len()));
        }
        let leaf: Self = serde_json::from_slice(entry)?;
        match leaf.encode()? == entry {
            true => Ok(leaf),
            false => Err(LeafError::NotCanonical),
        }
    }
}

/// Salt of the commitment to an object: the first 16 bytes of SHA-256 over the nonce of the submission and the number of the
/// item (4 bytes, big-endian). To prove one item, this salt is shown, and the nonce is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Salt(#[serde(with = "hex")] pub [u8; 16]);

impl Salt {
    /// The salt of an item.
    pub fn of(nonce: &Nonce, item: u32) -> Self {
        let Digest(bytes) = Digest::of(&[&nonce.0, &item.to_be_bytes()]);
        let mut salt = [0; 16];
        salt.copy_from_slice(&bytes[..16]);
        Self(salt)
    }
}

/// What a commitment is to. Its canonical form (RFC 8785) is hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The collection.
    pub collection: Uuid,
    /// The proposer.
    pub organisation: OrganisationId,
    /// The object. A revocation knows neither type nor level, so they are empty and 0.
    pub item: Item,
}

impl Opening {
    /// The commitment: SHA-256 over `concord/commit/v1`, a zero byte, the salt, and the canonical form.
    ///
    /// ```
    /// use consensus::evidence::{Opening, Salt};
    /// use consensus::statement::{Item, Nonce};
    /// use consensus::{Digest, OrganisationId};
    /// use uuid::Uuid;
    ///
    /// let item = Item {
    ///     id: "indicator--1".to_owned(),
    ///     version: "2026-11-29T12:00:00".to_owned(),
    ///     object_type: "indicator".to_owned(),
    ///     level: 0,
    ///     digest: Digest::of(&[b"the object"]),
    /// };
    /// let opening = Opening { collection: Uuid::from_u128(1), organisation: OrganisationId(Uuid::from_u128(2)), item };
    /// let [one, other] = [0, 1].map(|item| opening.commit(&Salt::of(&Nonce([7; 16]), item)));
    /// assert_ne!(one, other);
    /// ```
    pub fn commit(&self, salt: &Salt) -> Digest {
        let canonical = serde_json_canonicalizer::to_vec(self).expect("texts and small numbers are JSON");
        Digest::of(&[b"concord/commit/v1\0", &salt.0, &canonical])
    }
}
