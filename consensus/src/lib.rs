//! Approval of organisations: what they propose becomes visible when they agree, and each member checks that for itself.
//!
//! # The way of a proposal
//! An organisation signs a [statement] about objects, and its node puts the [envelope](Envelope) with the objects
//! into a [command](Command). A log orders commands for all members. Each member [applies](apply()) each entry to what it
//! holds: it checks signatures, keys and limits, evaluates the gates of the [policy](Policy), and gets writes, which are the
//! same for all members, and [effects](Effect), which say what readers see from now on.
//!
//! # What it relies on
//! Three layers, of which none replaces another. *Order*: the log, which is crash-tolerant and nothing more. *Authority*: the
//! signatures and policies that every member checks when it applies an entry, so that nothing becomes visible without the
//! organisations that the policy asks for, also when the node lies that orders entries. *Evidence*: digests over all entries
//! and their writes, by which members find out that they hold different things, and a [transparency log](evidence).
//!
//! The feature `raft` adds the module `order`, which orders the commands of nodes with Raft; without it, this crate does no
//! input or output, and a caller brings a log of its own.
//!
//! This crate knows neither STIX nor HTTP: an object is an identifier, a version, a type, a marking level and a digest, which
//! the caller [reads](Inspect) from its text.

mod apply;
mod command;
mod envelope;
mod governance;
mod id;
mod key;
mod node;
mod organisation;
mod policy;
mod proposal;
mod read;
mod set_hash;
mod state;

pub mod evidence;
#[cfg(feature = "raft")]
pub mod order;
pub mod statement;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use apply::{
    Applied, ApplyError, Effect, Inspect, MAX_ITEMS, MAX_OBJECT_BYTES, Outcome, Refusal, RefusalKind, apply,
    check_author,
};
pub use command::{
    CollectionDefinition, Command, Entry, EntryError, Founding, MAX_COLLECTIONS, MAX_DEFINITION_BYTES,
    MAX_ENTRY_BYTES, MAX_NOTE_BYTES, PROTOCOL, Secret,
};
pub use envelope::{Envelope, EnvelopeError, MAX_PAYLOAD_BYTES, pre_authentication};
pub use governance::Action;
pub use id::{Digest, HexError, KeyId, NetworkId, OrganisationId, ProposalId};
pub use key::{PublicKey, SIGNATURE_BYTES, SecretKey};
pub use node::{FIRST_NODE, MAX_ADDRESS_BYTES, NewNode, Node};
pub use organisation::{
    Key as OrganisationKey, KeyRefusal, MAX_KEYS, MAX_NAME_BYTES, NewKey, NewOrganisation, Organisation, Role,
};
pub use policy::{Emergency, FORBIDDEN_LEVEL, Gate, Operation, Policy, PolicyError, Question, Rule, When};
pub use proposal::{CastVote, ItemState, Kind, ObjectRecord, Phase, Proposal, Reason};
pub use read::{Filed, Reader};
pub use set_hash::SetHash;
pub use state::{Key, Ledger, State, StateError};
