//! Why the store does not do what it is asked for.

use super::engine::EngineError;
use super::{FORMAT, OLDEST_FORMAT, Rejection};
use std::sync::Arc;
use std::time::Duration;

/// Why the store does not carry out a request.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A commit failed that several requests shared.
    #[error(transparent)]
    Commit(Arc<StoreError>),
    /// A stored record cannot be read back.
    #[error("the store is damaged: {0} cannot be read")]
    Corrupt(&'static str),
    /// Another version of this program made the store.
    #[error(
        "the store has format {found}, and this version reads formats from {OLDEST_FORMAT} to {FORMAT}; {}",
        if *found > FORMAT { "use a newer version" } else { "export it with the version that made it" }
    )]
    Format {
        /// The format.
        found: u32,
    },
    /// A restore or a migration did not come to its end.
    #[error(
        "a {0} into this store is not finished, so there is no store yet; run the same command again, or give an empty place"
    )]
    Unfinished(String),
    /// An entry of the log of the network cannot be applied, so this server must not go on without help.
    #[error("the log of the network cannot be applied any more: {0}")]
    Network(String),
    /// Nothing can be ordered in the network now.
    #[error("{reason}")]
    NoMajority {
        /// When to try again.
        retry_after: Duration,
        /// Why not.
        reason: String,
    },
    /// This server holds something else than most nodes of its network.
    #[error("this server does not serve its network: {0}")]
    Fenced(Arc<String>),
    /// A command to the network does nothing.
    #[error(transparent)]
    Refused(super::network::Refused),
    /// The store is being closed.
    #[error("the server is stopping")]
    Closed,
    /// The request is not carried out.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}
