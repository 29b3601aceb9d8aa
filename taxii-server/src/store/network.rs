//! The network that this server is a member of, and its collections, whose objects need approval.
//!
//! Everything of a network is in a region of the key space of its own, which nothing writes but entries of its log, see
//! `apply::ordered`: so each member holds the same bytes there. This server adds what it alone knows: its
//! [membership](MembershipRecord), with the key that signs what its clients submit.

mod definition;
mod machine;
mod membership;
mod node;
mod propose;
mod scrub;
mod snapshot;
mod state;
mod state_hash;
mod status;

pub use definition::Definition;
#[cfg(any(test, feature = "testing"))]
pub(super) use definition::item_of;
pub(crate) use definition::review_id;
pub(super) use definition::{Stix, read_object};
pub(crate) use machine::Digests;
pub use machine::NetworkMachine;
pub use membership::{Membership, NodeRecord, OtherNode};
pub(super) use membership::{MembershipRecord, read_into};
pub(crate) use node::{Cosigned, FENCED};
pub use node::{NewMembership, Node};
pub use propose::Revocation;
pub use scrub::Scrub;
#[cfg(test)]
pub(super) use snapshot::{summed, values_of};
pub use state::NetworkView;
pub(super) use state::{OverlayState, add_to, collection_of, ledger};
pub(super) use state_hash::StateHash;
pub(super) use status::{Note, Proposals};

use super::{Rejection, Store, StoreError};
use consensus::{ApplyError, Reader, Refusal, RefusalKind, StateError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// Its number.
    pub index: u64,
    /// Why its command does nothing.
    pub refused: Option<Refused>,
}

/// Why a command does nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// What kind of answer it is.
    pub kind: RefusalKind,
    /// The reason, for the one who sent it.
    pub message: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { kind: refusal.kind(), message: refusal.to_string() }
    }
}

impl From<StateError<StoreError>> for StoreError {
    fn from(error: StateError<StoreError>) -> Self {
        match error {
            StateError::Read(error) => error,
            StateError::Damaged(what) => Self::Corrupt(what),
        }
    }
}

impl From<ApplyError<StoreError>> for StoreError {
    fn from(error: ApplyError<StoreError>) -> Self {
        match error {
            ApplyError::State(error) => error.into(),
            other => Self::Network(other.to_string()),
        }
    }
}

/// What operators watch of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkSummary {
    /// The last entry that was applied.
    pub index: u64,
    /// Microseconds between its time and the clock of this server: below zero, when the clock is behind it.
    pub age_micros: i64,
    /// Decisions in the transparency log.
    pub decisions: u64,
    /// Proposals that await votes.
    pub open: u64,
    /// Microseconds since the oldest of them was made.
    pub oldest_open_micros: i64,
}

impl Store {
    /// The network that this server is a member of.
    pub fn membership(&self) -> Option<Arc<Membership>> {
        self.directory().membership.clone()
    }

    /// Reads what the organisations of the network agreed on, at one instant.
    ///
    /// # Errors
    /// When the engine fails; [`Rejection::Membership`] without a network.
    pub async fn network(&self) -> Result<NetworkView, StoreError> {
        self.check_fence()?;
        let membership = self.membership();
        let membership = membership.ok_or(Rejection::Membership("this server is no member of a network"))?;
        Ok(NetworkView::new(self.reload.snapshot().await?, membership.region))
    }

    /// Sums up the network for operators; `None` without one.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn network_summary(&self) -> Result<Option<NetworkSummary>, StoreError> {
        if self.membership().is_none() {
            return Ok(None);
        }
        let view = self.network().await?;
        let reader = Reader::new(&view);
        let Some(ledger) = reader.ledger().await? else { return Ok(None) };
        let open = reader.open_proposals().await?;
        let now = self.clock.now_micros();
        let age = |time: u64| now.saturating_sub(i64::try_from(time).unwrap_or(i64::MAX));
        let mut oldest_open_micros = 0;
        for id in &open {
            let made = reader.proposal(*id).await?.map_or(0, |filed| age(filed.proposal.time));
            oldest_open_micros = oldest_open_micros.max(made);
        }
        Ok(Some(NetworkSummary {
            index: ledger.index,
            age_micros: age(ledger.time),
            decisions: ledger.tree.size(),
            open: open.len() as u64,
            oldest_open_micros,
        }))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.now_micros()).unwrap_or_default()
    }
}
