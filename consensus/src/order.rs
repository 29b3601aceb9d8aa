//! The order of commands: all members apply the same commands, one after the other.
//!
//! [`OrderedLog`] takes commands and [`Machine`] applies them: the owner of the state implements it. Between the two is
//! [`Raft`], which keeps a [`Log`] on the disk of each node and talks to the other nodes through a [`Transport`]: [`Tls`], or
//! a simulated network. Raft survives crashes and cuts as long as more than half of the voters work. It proves nothing about
//! what a node says; the signatures that [`apply`](crate::apply()) checks do. What nodes ask each other besides comes to a
//! [`Door`], as does what a server asks that wants to join.
//!
//! A command is ordered at most once for each [`submit`](OrderedLog::submit). After [`SubmitError::Unknown`] it may be in the
//! log or not; commands can be sent again, because the second one changes nothing.

mod applier;
mod change;
mod courier;
mod guarded;
mod log;
mod machine;
mod progress;
mod raft;
mod receive;
mod request;
mod settings;
mod tls;
mod types;

pub use applier::{Applier, SnapshotData};
pub use change::{ChangeError, Status};
pub use log::{Blocking, Log, LogError, Threads};
pub use machine::{Chunks, MAX_BATCH_BYTES, MAX_CHUNK_BYTES, Machine, MachineError, Snapshot};
pub use raft::{Clock, Node, Raft, StartError};
pub use request::{CallError, Lane, Refused, Reply, Request, Transport};
pub use settings::Settings;
pub use tls::{AskError, Caller, Door, Identity, MAX_FRAME_BYTES, MAX_QUESTION_BYTES, Tls, TlsError, ask};
pub use types::{EntryBytes, LogEntry, LogId, Payload, Peer, Pin, TokioTypes, Types, Vote};

use crate::apply::{Outcome, Refusal};
use crate::command::{Command, MAX_ENTRY_BYTES};
use std::time::Duration;
use tokio::sync::watch;

/// Puts commands in one order for all members.
pub trait OrderedLog: Send + Sync {
    /// Orders a command, and waits until this node has applied it.
    ///
    /// # Errors
    /// When the command is not ordered, or it is not known.
    fn submit(&self, command: Command) -> impl Future<Output = Result<Ordered, SubmitError>> + Send;

    /// Waits until this node has applied all that was applied anywhere before the call, and returns the number of its last
    /// entry. What is read of the state afterwards is as new as if the leader had read it.
    ///
    /// # Errors
    /// When a majority of the nodes cannot be asked.
    fn read_barrier(&self) -> impl Future<Output = Result<u64, SubmitError>> + Send;

    /// The number of the last entry that this node has applied; 0 before the first.
    fn applied(&self) -> watch::Receiver<u64>;
}

/// A command in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// The number of its entry.
    pub index: u64,
    /// What it did.
    pub result: Result<Outcome, Refusal>,
}

/// Why a command is not ordered, or it is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// No node can order commands now. The command is not in the log.
    #[error("no node leads a majority of the nodes now; try again in {} s", .retry_after.as_secs_f32())]
    NoLeader {
        /// When the nodes should have elected one.
        retry_after: Duration,
    },
    /// The answer did not come. The command may be in the log; it can be sent again.
    #[error(
        "the command was sent, but no answer came: it may be ordered; send it again in {} s, which does no harm",
        .retry_after.as_secs_f32()
    )]
    Unknown {
        /// When an answer is more likely.
        retry_after: Duration,
    },
    /// The entry would be too large.
    #[error("the command has {0} bytes in the log; {MAX_ENTRY_BYTES} are the most")]
    TooLarge(usize),
    /// The node cannot read or write its log or its state, and has stopped.
    #[error(
        "the node has stopped, because its storage failed: {0}; repair the disk, then start the node again"
    )]
    Storage(String),
    /// The node was stopped.
    #[error("the node is stopped")]
    Stopped,
}
