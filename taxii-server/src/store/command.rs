//! Writes as data: commands that can be logged, sent, signed and applied again.
//!
//! A [`Request`] is one command of one account. Requests that wait are put into a [`Group`], which is ordered and applied
//! as a whole; everything that a group decides depends on the group and on what was stored before it, and on nothing
//! else. [`apply`](super::apply) is the only reader of commands.

use super::directory::DirectoryCommand;
use super::filter::VersionFilter;
use super::keys::{Region, Space};
use super::network::MembershipRecord;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use stix_model::json::{Digest, Value};
use stix_model::validate::Finding;
use stix_model::version::Facts;
use stix_model::{Object, SpecVersion, StixId, Timestamp, Tlp};
use uuid::Uuid;

/// The format of encoded groups; a group of a later format is refused.
const FORMAT: u16 = 3;

/// Requests that are applied together, at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The part of the store that all of its commands are about.
    pub scope: Scope,
    /// Microseconds since 1970 at which the group was formed.
    pub time: i64,
    /// The requests, in their order.
    pub requests: Vec<Request>,
}

/// The part of the store that a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// API roots, collections and accounts.
    Directory,
    /// Receipts, and the contents of removed collections.
    Maintenance,
    /// The collections of a network, and what its organisations agreed on.
    Network,
    /// One collection.
    Collection(Uuid),
}

/// A command, and the account that gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Identifier of the request, and of its status. A request is carried out once, however often it is sent.
    pub id: Uuid,
    /// The account; nil for the operator of this machine.
    pub account: Uuid,
    /// The organisation of the account.
    pub organisation: Uuid,
    /// Microseconds since 1970 at which the request came.
    pub received: i64,
    /// Digest of the request as it was sent, where the client chose the identifier: the same identifier with another
    /// content is a mistake.
    pub fingerprint: Option<Digest>,
    /// What to do.
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Adds objects to a collection.
    Add(Add),
    /// Deletes versions of an object.
    Delete(Delete),
    /// Moves objects without a marking to the level that their collection gives them now.
    Relevel(Relevel),
    /// Changes the directory.
    Directory(DirectoryCommand),
    /// Removes receipts or the contents of a removed collection.
    Clear(Clear),
    /// Erases versions that a deletion has hidden.
    Erase(Erase),
    /// Ends a request whose objects were added in pieces.
    Conclude(Conclude),
    /// Changes the head of a collection and nothing else.
    Fence(Fence),
    /// Founds or enters a network.
    Enter(Enter),
    /// Applies an entry of the log of the network.
    Apply(Bytes),
}

impl Command {
    /// The part of the store that the command is about.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Add(add) => Scope::Collection(add.target.collection),
            Self::Delete(delete) => Scope::Collection(delete.target.collection),
            Self::Relevel(relevel) => Scope::Collection(relevel.target.collection),
            Self::Erase(erase) => Scope::Collection(erase.target.collection),
            Self::Conclude(conclude) => Scope::Collection(conclude.target.collection),
            Self::Fence(fence) => Scope::Collection(fence.target.collection),
            Self::Directory(_) => Scope::Directory,
            Self::Clear(_) => Scope::Maintenance,
            Self::Enter(_) | Self::Apply(_) => Scope::Network,
        }
    }

    /// Estimated bytes that applying the command writes.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Add(add) => add.objects.iter().map(Submitted::weight).sum(),
            // The bound of `apply::relevel`, one more object of the usual limit, and the entries.
            Self::Relevel(_) => 14 << 20,
            // Removals, each of some keys.
            Self::Erase(erase) => erase.limit as usize * 1024,
            Self::Delete(delete) => delete.limit as usize * 1024,
            Self::Conclude(conclude) => conclude.status.len() + 1024,
            Self::Directory(_) | Self::Clear(_) | Self::Fence(_) | Self::Enter(_) => 1 << 10,
            // An object is kept for votes and shown to reviewers; then it is where readers see it.
            Self::Apply(entry) => 3 * entry.len() + 1024,
        }
    }
}

/// A collection, and the revisions under which a command was checked. A command is applied only while they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The collection.
    pub collection: Uuid,
    /// Revision of the collection with its profile.
    pub revision: u64,
    /// Revision of the account with its grants; `None` for the operator of this machine.
    pub account_revision: Option<u64>,
    /// Region of the key space.
    pub region: Region,
    /// Number of the collection in its region.
    pub number: u32,
}

impl Target {
    pub(super) fn space(&self) -> Space {
        Space { region: self.region, number: self.number }
    }
}

/// Adds objects to a collection (TAXII 2.1, section 5.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Add {
    /// The collection.
    pub target: Target,
    /// The level up to which the account may learn what is stored.
    pub clearance: Tlp,
    /// The objects of the request, in their order.
    pub objects: Vec<Submitted>,
    /// The source of `date_added`.
    pub stamps: Stamps,
}

/// An object of a request, as admission passes it on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Submitted {
    /// It satisfies the profile of the collection.
    Admitted(Box<Admitted>),
    /// It does not.
    Refused(Box<Refused>),
    /// It does not either, and the status has no room to say why.
    Unlisted,
}

impl Submitted {
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Admitted(admitted) => admitted.json.len() + 1024,
            Self::Refused(_) => 1024,
            Self::Unlisted => 0,
        }
    }
}

/// An object that may be stored: its text, and the facts that the store needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Admitted {
    /// Identifier.
    pub id: StixId,
    /// STIX version.
    pub spec_version: SpecVersion,
    /// Facts for the rules between versions.
    pub facts: Facts,
    /// Strictest TLP level on the object or on a part of it.
    pub tlp: Option<Tlp>,
    /// SHA-256 over the RFC 8785 form.
    pub digest: Digest,
    /// `valid_until`, in microseconds since 1970.
    pub valid_until: Option<i64>,
    /// The text as it was sent.
    pub json: Bytes,
}

impl Admitted {
    /// Reads the facts of an object; `value` is the object in the text that it was read from.
    pub fn of(object: &Object, value: Value<'_>) -> Self {
        let header = object.header();
        let valid_until = value.get("valid_until").and_then(|text| text.as_str()?.parse().ok());
        Self {
            id: header.id.clone(),
            spec_version: header.spec_version,
            facts: Facts::of(value, header),
            tlp: header.tlp,
            digest: header.digest,
            valid_until: valid_until.map(|instant: Timestamp| instant.micros()),
            json: object.json().clone(),
        }
    }
}

/// An object of a request that is not taken, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// Its `id`, if it has one that is a STIX identifier.
    pub id: Option<String>,
    /// Its version, as far as it has one.
    pub version: Option<String>,
    /// The first error; the pointer begins at the object.
    pub finding: Finding,
    /// Further errors.
    pub more: u64,
    /// Whether the further errors were not counted to the end.
    pub is_more_open: bool,
}

/// The source of `date_added`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stamps {
    /// The time of the group.
    Clock,
    /// Given for each object, never falling, and later than all that the collection holds: for restores.
    Given(Vec<Timestamp>),
}

/// Deletes versions of one object (TAXII 2.1, section 5.7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delete {
    /// The collection.
    pub target: Target,
    /// The level up to which versions are chosen.
    pub clearance: Tlp,
    /// The object.
    pub id: StixId,
    /// `match[version]`; the last version when left out.
    pub versions: Option<VersionFilter>,
    /// `match[spec_version]`; the newest one when left out.
    pub spec_versions: Option<BTreeSet<SpecVersion>>,
    /// Maximum number of versions of one level that are erased in the same commit. More are hidden in it, and erased later.
    pub limit: u32,
}

impl Delete {
    /// Digest of collection, object and filters. The revisions of the check are not part of it, so that a request that is
    /// checked again keeps its fingerprint.
    pub(super) fn fingerprint(&self) -> Digest {
        let Self { target, id, versions, spec_versions, .. } = self;
        let bytes = postcard::to_allocvec(&(target.collection, id, versions, spec_versions));
        Digest(Sha256::digest(bytes.expect("identifiers and timestamps are texts")).into())
    }
}

/// Moves objects without a marking to the level that their collection gives them now, with new positions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relevel {
    /// The collection.
    pub target: Target,
    /// Maximum number of entries that are looked at.
    pub limit: u32,
    /// The level and the position after which to go on.
    pub after: Option<(Tlp, super::keys::Position)>,
}

/// Erases the keys of a bounded number of deleted versions. A deletion of many versions hides them all at once, and leaves
/// this to be done between other writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erase {
    /// The collection.
    pub target: Target,
    /// Maximum number of versions.
    pub limit: u32,
}

/// Writes the outcome of a request whose objects were added in pieces, because an engine takes small commits only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conclude {
    /// The collection.
    pub target: Target,
    /// The status of the whole request, as JSON.
    pub status: Bytes,
}

/// Changes the head of a collection, so that what was decided before on the same collection is decided anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// The collection.
    pub target: Target,
}

/// Makes this server a member of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enter {
    /// The membership.
    pub(super) record: MembershipRecord,
    /// The first entry of a network whose log this server alone keeps.
    pub(super) founding: Option<Bytes>,
}

/// Removes a bounded number of obsolete keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clear {
    /// Receipts of requests that came before an instant, in microseconds since 1970.
    Receipts {
        /// The instant.
        before: u64,
        /// Maximum number of receipts.
        limit: u32,
    },
    /// What was in the region of the network before a state took its place that another node sent, before an instant, in
    /// microseconds since 1970.
    Generations {
        /// The instant.
        before: u64,
        /// Maximum number of keys.
        limit: u32,
    },
    /// Contents of removed collections.
    Removed {
        /// Maximum number of keys.
        limit: u32,
    },
}

/// Why an encoded group cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A later version of this program wrote it.
    #[error("the group has format {found}; this version reads format {FORMAT}")]
    Format {
        /// The format.
        found: u16,
    },
    /// It is no group.
    #[error("not a group of commands: {0}")]
    Malformed(postcard::Error),
}

impl Group {
    /// Encodes the group for a log.
    pub fn encode(&self) -> Vec<u8> {
        let bytes = FORMAT.to_be_bytes().to_vec();
        postcard::to_extend(self, bytes).expect("a group holds only what postcard can write")
    }

    /// Reads what [`Group::encode`] wrote.
    ///
    /// # Errors
    /// When it has a later format, or is malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Some((format, bytes)) = bytes.split_first_chunk() else {
            return Err(DecodeError::Malformed(postcard::Error::DeserializeUnexpectedEnd));
        };
        match u16::from_be_bytes(*format) {
            FORMAT => postcard::from_bytes(bytes).map_err(DecodeError::Malformed),
            found => Err(DecodeError::Format { found }),
        }
    }
}
