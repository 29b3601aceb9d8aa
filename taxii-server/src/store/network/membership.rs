//! What this server alone knows of its network.

use super::machine::Digests;
use super::state::OverlayState;
use crate::store::StoreError;
use crate::store::cursor::Cursors;
use crate::store::directory::{self, Directory};
use crate::store::engine::{KeyValue, Snapshot};
use crate::store::keys::{self, Region};
use crate::store::overlay::Overlay;
use bytes::Bytes;
use consensus::evidence::{
    Checkpoint, KeyName, Note as SignedNote, NoteSignature, SignatureType, TreeHead, VerifierKey, origin,
};
use consensus::statement::Attest;
use consensus::{
    Digest, Envelope, NetworkId, OrganisationId, PROTOCOL, PublicKey, Reader, Secret, SecretKey,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// What this server alone knows of its network.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct MembershipRecord {
    /// The network.
    pub(in crate::store) network: NetworkId,
    /// The generation of the region that counts.
    pub(in crate::store) generation: u32,
    /// Microseconds since 1970 at which this generation took the place of the one before.
    pub(in crate::store) installed: i64,
    /// The API root in which its collections are.
    pub(in crate::store) api_root: String,
    /// The organisation of this server.
    pub(in crate::store) organisation: Uuid,
    /// The seed of the key that signs submissions.
    pub(super) submit_key: [u8; 32],
    /// The seed of the key that signs checkpoints of the transparency log.
    pub(super) log_key: [u8; 32],
    /// The node of this server; none where it keeps the log alone.
    pub(in crate::store) node: Option<NodeRecord>,
}

/// A node: one of the servers that keep the log of a network together.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Its number, which no other node of the network has or had.
    pub id: u64,
    /// Host and port at which the others reach it.
    pub address: String,
    /// Its certificate, in PEM.
    pub certificate: String,
    /// The key of the certificate, in PEM.
    pub key: String,
    /// The nodes that were there when it was admitted. It trusts them before its log tells it of others.
    pub others: Vec<OtherNode>,
}

/// Another node of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherNode {
    /// Its number.
    pub id: u64,
    /// Host and port at which it is reached.
    pub address: String,
    /// SHA-256 of its certificate in DER.
    pub certificate: Digest,
}

impl std::fmt::Debug for NodeRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NodeRecord({} at {})", self.id, self.address)
    }
}

impl std::fmt::Debug for MembershipRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { generation, api_root, organisation, .. } = self;
        write!(f, "MembershipRecord({generation}, {api_root}, {organisation})")
    }
}

impl MembershipRecord {
    pub(in crate::store) fn region(&self) -> Region {
        Region::Network { generation: self.generation }
    }

    /// Reads the record of a snapshot.
    pub(super) async fn stored(snapshot: &dyn Snapshot) -> Result<Option<Self>, StoreError> {
        let found = snapshot.get(keys::local(keys::MEMBERSHIP)).await?;
        found.map(|value| directory::decode(&value)).transpose()
    }

    /// Reads the record, whose key was loaded.
    pub(in crate::store) fn read(overlay: &Overlay<'_>) -> Result<Option<Self>, StoreError> {
        overlay.get(&keys::local(keys::MEMBERSHIP)).map(|value| directory::decode(value)).transpose()
    }

    /// Puts the collections of the network into the directory.
    pub(in crate::store) fn add_collections(
        &self,
        directory: &mut Directory,
        records: Vec<KeyValue>,
    ) -> Result<(), StoreError> {
        for (_, value) in records {
            let mut collection = directory::decode_collection(&value, self.region())?;
            collection.api_root.clone_from(&self.api_root);
            directory.collections.insert(collection.id, Arc::new(collection));
        }
        Ok(())
    }

    pub(in crate::store) fn encode(&self) -> Result<Bytes, StoreError> {
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
    /// The number of the node of this server; none where it keeps the log alone.
    pub node: Option<u64>,
    pub(super) region: Region,
    pub(super) submit_key: SecretKey,
    log_key: SecretKey,
    /// Makes numbers that no one else can guess.
    pub(super) nonce_key: [u8; 32],
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
    pub(crate) fn checkpoint(&self, head: TreeHead, seconds: u64) -> Option<SignedNote> {
        let checkpoint = Checkpoint::new(self.origin(), head).ok()?;
        let mut note = checkpoint.sign(&self.log_key).ok()?;
        if let Some(own) = self.cosign(&checkpoint, seconds) {
            note.add(own).ok()?;
        }
        Some(note)
    }

    /// The key that signs checkpoints.
    pub fn log_key(&self) -> Option<VerifierKey> {
        self.log_key_of(&self.log_key.public())
    }

    /// The key with which a node signs checkpoints as the log.
    pub(crate) fn log_key_of(&self, public: &PublicKey) -> Option<VerifierKey> {
        VerifierKey::new(self.origin().parse().ok()?, SignatureType::Note, *public).ok()
    }

    /// The name of the log, which no other network has.
    pub(crate) fn origin(&self) -> String {
        origin(self.network)
    }

    /// The name under which a node cosigns checkpoints.
    pub(crate) fn witness_name(&self, node: u64) -> Option<KeyName> {
        format!("{}/node/{node}", self.origin()).parse().ok()
    }

    /// Cosigns a checkpoint as the node of this server; `None` where it has none.
    pub(crate) fn cosign(&self, checkpoint: &Checkpoint, seconds: u64) -> Option<NoteSignature> {
        checkpoint.cosign(self.witness_name(self.node?)?, &self.log_key, seconds).ok()
    }

    /// Signs what the log came to.
    pub(crate) fn attest(&self, digests: &Digests, now: i64) -> Envelope {
        let Digests { index, entries, effects, state, head } = digests.clone();
        let attest = Attest {
            network: self.network,
            organisation: self.organisation,
            node: self.node.unwrap_or_default(),
            index,
            entries,
            effects,
            state,
            tree_size: head.size,
            tree_root: head.root,
            protocol: PROTOCOL,
            claimed_at: u64::try_from(now).unwrap_or_default(),
        };
        Envelope::sign(&attest, &self.log_key)
    }

    /// What makes the `next` of its collections, on each member the same.
    pub(in crate::store) fn cursors(&self) -> &Cursors {
        &self.cursors
    }
}

/// Reads the membership and the collections of the network into the directory.
pub(in crate::store) async fn read_into(
    directory: &mut Directory,
    snapshot: &dyn Snapshot,
) -> Result<(), StoreError> {
    let Some(record) = MembershipRecord::stored(snapshot).await? else { return Ok(()) };
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
        node: record.node.map(|node| node.id),
        region,
        api_root: record.api_root,
    }));
    Ok(())
}
