//! What the owner of the state gives to the order.

use crate::apply::{Outcome, Refusal};
use bytes::Bytes;
use futures::stream::BoxStream;
use std::error::Error;
use std::fmt;
use std::io;

/// Largest chunk of a snapshot, in bytes.
pub const MAX_CHUNK_BYTES: usize = 4 << 20;

/// Bytes of entries with which a commit ends, where a machine does not say another number.
pub const MAX_BATCH_BYTES: usize = 8 << 20;

/// Chunks of a snapshot, in order. An error means that the rest does not come.
pub type Chunks = BoxStream<'static, io::Result<Bytes>>;

/// Why a machine cannot go on, as an operator reads it.
pub type MachineError = Box<dyn Error + Send + Sync>;

/// The state of a node: [`apply`](crate::apply()) over a database, with a position.
///
/// In a database of this node, [`apply`](Self::apply) is one transaction, [`snapshot`](Self::snapshot) is a read transaction,
/// and a staged state is a second file that takes the place of the first. In a shared database, the transaction also checks
/// the position before, a snapshot reads at a timestamp, and a staged state lies below a prefix of its own, to which one key
/// is switched.
///
/// A position is opaque: the machine stores the bytes that it gets with entries or a snapshot, and gives them back. All methods
/// but [`stage`](Self::stage) are called one at a time. When one of them fails, the node stops, because it cannot know what
/// the state is.
pub trait Machine: Send + Sync + 'static {
    /// A state that was received and checked, beside the current one. Dropping it forgets it; what a crash leaves of it is
    /// removed at the next start.
    type Staged: Send + 'static;

    /// Bytes of entries with which a commit ends.
    fn batch_bytes(&self) -> usize {
        MAX_BATCH_BYTES
    }

    /// The position of the state; none before the first entry.
    fn position(&self) -> impl Future<Output = Result<Option<Bytes>, MachineError>> + Send;

    /// Applies entries, each with its number, and commits their writes, their effects and the position as a whole. `entries`
    /// may be empty: then only the position moves. The commit need not be durable before [`settle`](Self::settle): a crash
    /// may take the last ones back, all from some one on, because the log has their entries, and they are applied again.
    ///
    /// # Errors
    /// When an entry cannot be applied or committed. A command that is refused is no error.
    fn apply(
        &self,
        entries: Vec<(u64, Bytes)>,
        position: Bytes,
    ) -> impl Future<Output = Result<Vec<Result<Outcome, Refusal>>, MachineError>> + Send;

    /// Makes all commits so far durable. Entries are removed from the log only when they were applied before such a call.
    ///
    /// # Errors
    /// When it is not known whether they are.
    fn settle(&self) -> impl Future<Output = Result<(), MachineError>> + Send;

    /// Opens a consistent view of the state as it is now. The chunks are read later, or never, while entries are applied.
    fn snapshot(&self) -> impl Future<Output = Result<Snapshot, MachineError>> + Send;

    /// Loads a state beside the current one while it arrives, and checks it.
    ///
    /// # Errors
    /// When a chunk does not come, or the state is not what it should be. The node goes on without it.
    fn stage(&self, chunks: Chunks) -> impl Future<Output = Result<Self::Staged, MachineError>> + Send;

    /// Replaces the whole state and the position by a staged one, durably, as one switch.
    ///
    /// # Errors
    /// When it is not known which of the two is in place.
    fn install(
        &self,
        staged: Self::Staged,
        position: Bytes,
    ) -> impl Future<Output = Result<(), MachineError>> + Send;
}

/// A state as it was at a position.
pub struct Snapshot {
    /// The position; none before the first entry.
    pub position: Option<Bytes>,
    /// The state, in chunks of at most [`MAX_CHUNK_BYTES`].
    pub chunks: Chunks,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("position", &self.position).finish_non_exhaustive()
    }
}
