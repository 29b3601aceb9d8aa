//! The types that Raft is made of.

use crate::id::Digest;
use bytes::Bytes;
use openraft::RaftTypeConfig;
use openraft::impls::leader_id_std::LeaderId;
use openraft::vote::leader_id_std::CommittedLeaderId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The types of a cluster. They are the same for all of them but the runtime, which a simulation replaces.
pub trait Types:
    RaftTypeConfig<
        D = EntryBytes,
        R = (),
        NodeId = u64,
        Node = Peer,
        Term = u64,
        LeaderId = LeaderId<u64, u64>,
        Vote = openraft::Vote<LeaderId<u64, u64>>,
        Payload = Payload,
        Entry = LogEntry,
    >
{
}

impl<C> Types for C where
    C: RaftTypeConfig<
            D = EntryBytes,
            R = (),
            NodeId = u64,
            Node = Peer,
            Term = u64,
            LeaderId = LeaderId<u64, u64>,
            Vote = openraft::Vote<LeaderId<u64, u64>>,
            Payload = Payload,
            Entry = LogEntry,
        >
{
}

/// What an entry of the log holds.
pub type Payload = openraft::EntryPayload<EntryBytes, u64, Peer>;
/// An entry of the log of Raft.
pub type LogEntry = openraft::Entry<CommittedLeaderId<u64>, Payload>;
/// Number of an entry, and the term in which it was written.
pub type LogId = openraft::LogId<CommittedLeaderId<u64>>;
/// A vote for a leader.
pub type Vote = openraft::Vote<LeaderId<u64, u64>>;
/// Members, and the entry that made them so.
pub(super) type StoredMembership = openraft::StoredMembership<CommittedLeaderId<u64>, u64, Peer>;
/// Position of a snapshot.
pub(super) type SnapshotMeta = openraft::SnapshotMeta<CommittedLeaderId<u64>, u64, Peer>;
/// A snapshot with its position.
pub(super) type SnapshotWith<S> = openraft::Snapshot<CommittedLeaderId<u64>, u64, Peer, S>;

openraft::declare_raft_types!(
    /// The types of a node that runs on Tokio.
    pub TokioTypes:
        D = EntryBytes,
        R = (),
        Node = Peer,
        LeaderId = LeaderId<u64, u64>,
        AsyncRuntime = openraft_rt_tokio::TokioRuntime,
);

/// The bytes of an [`Entry`](crate::Entry).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryBytes(pub Bytes);

impl fmt::Debug for EntryBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl fmt::Display for EntryBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A node, as others reach it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Host and port.
    pub address: String,
    /// Its certificate.
    pub pin: Pin,
}

/// SHA-256 of a certificate, in DER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pin(pub Digest);

impl Pin {
    /// The pin of a certificate.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Digest::of(&[certificate]))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
