//! What nodes say to each other.

use super::types::{Peer, Types, Vote};
use bytes::Bytes;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, TransferLeaderRequest, TransferLeaderResponse, VoteRequest,
    VoteResponse,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Carries requests to other nodes. The other node gives them to [`Raft::answer`](super::Raft::answer), with the number of
/// the node that asks.
pub trait Transport<C: Types>: Clone + Send + Sync + 'static {
    /// Asks a node, and waits for its answer for a time.
    ///
    /// # Errors
    /// When the answer does not come. The other node may have the request.
    fn call(
        &self,
        target: u64,
        peer: &Peer,
        lane: Lane,
        request: Request<C>,
        within: Duration,
    ) -> impl Future<Output = Result<Reply<C>, CallError>> + Send;

    /// Learns who the members are.
    fn set_members(&self, members: Vec<(u64, Peer)>);
}

/// Requests of one lane do not wait for those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Signs of life and votes.
    Control,
    /// Entries.
    Log,
    /// Parts of snapshots.
    Snapshot,
    /// Commands, on their way to the leader.
    Command,
}

/// A question to another node.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Request<C: Types> {
    /// Append entries.
    Append(AppendEntriesRequest<C>),
    /// Vote.
    Vote(VoteRequest<C>),
    /// Would you vote?
    PreVote(VoteRequest<C>),
    /// Take over the lead.
    TakeOver(TransferLeaderRequest<C>),
    /// A snapshot begins.
    SnapshotBegin {
        /// The leader that sends it.
        vote: Vote,
        /// Its position.
        position: Bytes,
    },
    /// A chunk of the snapshot.
    SnapshotChunk {
        /// The leader that sends it.
        vote: Vote,
        /// Its number, from 0.
        number: u64,
        /// The chunk.
        chunk: Bytes,
    },
    /// The snapshot ends.
    SnapshotEnd {
        /// The leader that sends it.
        vote: Vote,
        /// The number of its chunks.
        chunks: u64,
    },
    /// Order a command: a [`Command`](crate::Command) (postcard).
    Submit(Bytes),
    /// What is the last entry that a reader can have seen?
    Barrier,
}

/// The answer.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Reply<C: Types> {
    /// To [`Request::Append`].
    Append(AppendEntriesResponse<C>),
    /// To [`Request::Vote`] and [`Request::PreVote`].
    Vote(VoteResponse<C>),
    /// To [`Request::TakeOver`].
    TakeOver(TransferLeaderResponse<C>),
    /// The node has taken the part of the snapshot.
    Taken,
    /// To [`Request::SnapshotEnd`], and to any part when the node knows of a later leader.
    Snapshot(Vote),
    /// To [`Request::Submit`] and [`Request::Barrier`]: the number of an entry.
    Index(Result<u64, Refused>),
    /// The node cannot answer, and says why.
    Failed(String),
}

/// Why a node does not do what the leader does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    /// It does not lead, and may know who does.
    NotLeader(Option<(u64, Peer)>),
    /// It cannot say whether the command is in the log.
    Unknown,
    /// The entry would be too large.
    TooLarge(usize),
    /// It is no command.
    NoCommand,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The node cannot be reached. It does not have the request.
    #[error("node {node} cannot be reached: {reason}")]
    Unreachable {
        /// The node.
        node: u64,
        /// Why.
        reason: String,
    },
    /// The connection ended before the answer.
    #[error("the connection to node {node} ended: {reason}")]
    Broken {
        /// The node.
        node: u64,
        /// Why.
        reason: String,
    },
    /// The answer did not come in time.
    #[error("node {node} has not answered in {} s", .within.as_secs_f32())]
    Late {
        /// The node.
        node: u64,
        /// The time it had.
        within: Duration,
    },
}
