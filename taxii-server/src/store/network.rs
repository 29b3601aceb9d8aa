//! The network that this server is a member of, and its collections, whose objects need approval.
//!
//! Everything of a network is in a region of the key space of its own, which nothing writes but entries of its log, see
//! `apply::ordered`: so each member holds the same bytes there. This server adds what it alone knows: its
//! [membership](MembershipRecord), with the key that signs what its clients submit.

mod definition;
mod propose;
mod state;
mod status;

pub use definition::Definition;
pub(crate) use definition::review_id;
pub(super) use definition::{Stix, read_object};
pub use propose::Revocation;
pub use state::NetworkView;
pub(super) use state::{OverlayState, add_to, collection_of};
pub(super) use status::{Note, Proposals};

use super::command::{Command, Enter};
use super::cursor::Cursors;
use super::directory::{self, Collection, Directory};
use super::engine::{KeyValue, Snapshot};
use super::keys::{self, Region};
use super::overlay::Overlay;
use super::receipt::Done;
use super::{Rejection, Store, StoreError};
use crate::rights::Principal;
use bytes::Bytes;
use consensus::evidence::{Checkpoint, Note as SignedNote, SignatureType, TreeHead, VerifierKey, origin};
use consensus::{
    ApplyError, Entry, Founding, NetworkId, OrganisationId, Reader, RefusalKind, Secret, SecretKey,
    StateError,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// What this server alone knows of its network.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MembershipRecord {
    /// The generation of the region that counts.
    pub(super) generation: u32,
    /// The API root in which its collections are.
    pub(super) api_root: String,
    /// The organisation of this server.
    pub(super) organisation: Uuid,
    /// The seed of the key that signs submissions.
    submit_key: [u8; 32],
    /// The seed of the key that signs checkpoints of the transparency log.
    log_key: [u8; 32],
}

impl std::fmt::Debug for MembershipRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { generation, api_root, organisation, .. } = self;
        write!(f, "MembershipRecord({generation}, {api_root}, {organisation})")
    }
}

impl MembershipRecord {
    pub(super) fn region(&self) -> Region {
        Region::Network { generation: self.generation }
    }

    /// Reads the record, whose key was loaded.
    pub(super) fn read(overlay: &Overlay<'_>) -> Result<Option<Self>, StoreError> {
        overlay.get(&keys::local(keys::MEMBERSHIP)).map(|value| directory::decode(value)).transpose()
    }

    /// Puts the collections of the network into the directory.
    pub(super) fn add_collections(
        &self,
        directory: &mut Directory,
        records: Vec<KeyValue>,
    ) -> Result<(), StoreError> {
        for (_, value) in records {
            let collection: Collection = directory::decode(&value)?;
            let collection = Collection { api_root: self.api_root.clone(), ..collection };
            directory.collections.insert(collection.id, Arc::new(collection));
        }
        Ok(())
    }

    pub(super) fn encode(&self) -> Result<Bytes, StoreError> {
        Ok(serde_json::to_vec(self).map_err(|_| StoreError::Corrupt("the membership"))?.into())
    }
}

/// The membership of this server in a network.
pub struct Membership {
    /// The network.
    pub network: NetworkId,
    /// The organisation of this server.
    pub organisation: OrganisationId,
    /// The API root in which its collections are.
    pub api_root: String,
    region: Region,
    submit_key: SecretKey,
    log_key: SecretKey,
    /// Makes numbers that no one else can guess.
    nonce_key: [u8; 32],
    cursors: Cursors,
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Membership({}, {:?})", self.network, self.organisation)
    }
}

impl Membership {
    /// The public part of the key that signs what clients of this server submit.
    pub fn submit_key(&self) -> consensus::PublicKey {
        self.submit_key.public()
    }

    /// A checkpoint of the transparency log; `None` where its origin is none.
    pub fn checkpoint(&self, head: TreeHead) -> Option<SignedNote> {
        Checkpoint::new(self.origin(), head).ok()?.sign(&self.log_key).ok()
    }

    /// The key that signs checkpoints.
    pub fn log_key(&self) -> Option<VerifierKey> {
        VerifierKey::new(self.origin().parse().ok()?, SignatureType::Note, self.log_key.public()).ok()
    }

    /// The name of the log, which no other network has.
    fn origin(&self) -> String {
        origin(self.network)
    }

    /// What makes the `next` of its collections, on each member the same.
    pub(super) fn cursors(&self) -> &Cursors {
        &self.cursors
    }
}

/// Reads the membership and the collections of the network into the directory.
pub(super) async fn read_into(directory: &mut Directory, snapshot: &dyn Snapshot) -> Result<(), StoreError> {
    let Some(record) = snapshot.get(keys::local(keys::MEMBERSHIP)).await? else { return Ok(()) };
    let record: MembershipRecord = directory::decode(&record)?;
    let region = record.region();
    let mut overlay = Overlay::new(snapshot);
    let state = OverlayState::new(&mut overlay, region);
    let reader = Reader::new(&state);
    let (ledger, secret) = (reader.ledger().await?, reader.secret().await?);
    let Some((ledger, Secret(secret))) = ledger.zip(secret) else { return Ok(()) };
    record.add_collections(directory, snapshot.scan_all(keys::directory(region)).await?)?;
    directory.membership = Some(Arc::new(Membership {
        network: ledger.network,
        organisation: OrganisationId(record.organisation),
        cursors: Cursors::new(&secret),
        submit_key: SecretKey::from_seed(&record.submit_key),
        log_key: SecretKey::from_seed(&record.log_key),
        nonce_key: consensus::Digest::of(&[b"concord/nonce/v1\0", &record.submit_key]).0,
        region,
        api_root: record.api_root,
    }));
    Ok(())
}

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

/// A network to be founded.
pub struct NewNetwork {
    /// What it is; its organisations include this one.
    pub founding: Founding,
    /// The API root in which its collections will be.
    pub api_root: String,
    /// The organisation of this server.
    pub organisation: OrganisationId,
    /// The seed of the key that signs what clients of this server submit.
    pub submit_key: [u8; 32],
    /// The seed of the key that signs checkpoints of the transparency log.
    pub log_key: [u8; 32],
    /// What the members share.
    pub secret: Secret,
}

impl Store {
    /// The network that this server is a member of.
    pub fn membership(&self) -> Option<Arc<Membership>> {
        self.directory().membership.clone()
    }

    /// Founds a network whose log is this server's own, so it alone puts entries in their order.
    ///
    /// # Errors
    /// When this server is a member of a network, or the founding makes no sense.
    pub async fn found(&self, new: NewNetwork) -> Result<NetworkId, StoreError> {
        let NewNetwork { founding, api_root, organisation, submit_key, log_key, secret } = new;
        let id = founding.network();
        let organisation = organisation.0;
        let record = MembershipRecord { generation: 0, api_root, organisation, submit_key, log_key };
        let command = consensus::Command::Found { founding, secret };
        let founding = Entry { time: self.now(), command }.encode();
        let enter = Command::Enter(Enter { record, founding });
        self.applied(enter).await?;
        Ok(id)
    }

    /// Puts a command into the log of the network, and applies it. When it returns, the entry and its effects are durable.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the command does nothing; [`Rejection::Membership`] without a network.
    pub async fn order(&self, command: consensus::Command) -> Result<u64, StoreError> {
        if self.membership().is_none() {
            return Err(Rejection::Membership("this server is no member of a network").into());
        }
        self.applied(Command::Apply(Entry { time: self.now(), command }.encode())).await
    }

    /// Reads what the organisations of the network agreed on, at one instant.
    ///
    /// # Errors
    /// When the engine fails; [`Rejection::Membership`] without a network.
    pub async fn network(&self) -> Result<NetworkView, StoreError> {
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

    /// Lets time go on in the network where a proposal waits for it. It returns whether it did.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn tick(&self) -> Result<bool, StoreError> {
        if self.membership().is_none() {
            return Ok(false);
        }
        let view = self.network().await?;
        let wakes_at = Reader::new(&view).wakes_at().await?;
        if wakes_at.is_none_or(|wakes_at| wakes_at > self.now()) {
            return Ok(false);
        }
        self.order(consensus::Command::Tick).await.map(|_| true)
    }

    async fn applied(&self, command: Command) -> Result<u64, StoreError> {
        // The operator of this machine; the signatures in the entry count.
        let operator = Principal::operator(self.organisation);
        match self.carry_out(self.request(&operator, Uuid::new_v4(), command)).await? {
            Done::Applied(Ordered { index, refused: None }) => Ok(index),
            Done::Applied(Ordered { refused: Some(refused), .. }) => Err(StoreError::Refused(refused)),
            _ => Err(Rejection::RequestReused.into()),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.now_micros()).unwrap_or_default()
    }
}
