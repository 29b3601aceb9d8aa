//! Reading what was applied, for members and their tools.

use crate::command::{CollectionDefinition, Secret};
use crate::envelope::Envelope;
use crate::evidence::{
    BUNDLE_FORMAT, Bundle, Dsse, Leaf, Member, Node as TreeNode, Note, Salt, TilePath, TreeHead,
    nodes_of_inclusion, prove_inclusion, write_bundle,
};
use crate::id::{Digest, OrganisationId, ProposalId};
use crate::node::Node;
use crate::organisation::Organisation;
use crate::policy::Policy;
use crate::proposal::{CastVote, ObjectRecord, Phase, Proposal};
use crate::state::{Draft, Ledger, State, StateError, keys};
use crate::statement::{Item, Submit};
use bytes::Bytes;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Reads the state of a network.
pub struct Reader<'s, S>(Draft<'s, S>);

/// A proposal, and the statement that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// Its name.
    pub id: ProposalId,
    /// Where it stands.
    pub proposal: Proposal,
    /// The statement: a [`Submit`](crate::statement::Submit), a [`Revoke`](crate::statement::Revoke) or a
    /// [`Govern`](crate::statement::Govern).
    pub envelope: Envelope,
}

type Read<S, T> = Result<T, StateError<<S as State>::Error>>;

impl<'s, S: State> Reader<'s, S> {
    /// Reads a state.
    pub fn new(state: &'s S) -> Self {
        Self(Draft::new(state))
    }

    /// What the log came to; `None` before the network is founded.
    ///
    /// # Errors
    /// This one and the others: when the state cannot be read, or is damaged.
    pub async fn ledger(&self) -> Read<S, Option<Ledger>> {
        self.0.get(keys::LEDGER.to_vec()).await
    }

    /// What the members share.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn secret(&self) -> Read<S, Option<Secret>> {
        self.0.get(keys::SECRET.to_vec()).await
    }

    /// All organisations that are or were members.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn organisations(&self) -> Read<S, Vec<Organisation>> {
        let found = self.0.scan(keys::prefix(keys::ORGANISATIONS.to_vec()), usize::MAX).await?;
        let read = |(_, bytes): &(_, Bytes)| postcard::from_bytes(bytes);
        found.iter().map(read).collect::<Result<_, _>>().map_err(|_| StateError::Damaged("an organisation"))
    }

    /// All nodes that are or were part of the network, by number.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn nodes(&self) -> Read<S, Vec<Node>> {
        self.0.nodes().await
    }

    /// The last attestation of each node that is part of the network now, by the number of the node.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn attestations(&self) -> Read<S, Vec<Envelope>> {
        let mut envelopes = Vec::new();
        for node in self.nodes().await?.iter().filter(|node| node.is_present()) {
            envelopes.extend(self.0.get::<Envelope>(keys::attestation(node.id)).await?);
        }
        Ok(envelopes)
    }

    /// All collections.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn collections(&self) -> Read<S, Vec<CollectionDefinition>> {
        let found = self.0.scan(keys::prefix(keys::COLLECTIONS.to_vec()), usize::MAX).await?;
        let read = |(key, value): &(Vec<u8>, Bytes)| {
            let collection = Uuid::from_bytes(*key.last_chunk()?);
            Some(CollectionDefinition { collection, definition: String::from_utf8(value.to_vec()).ok()? })
        };
        found.iter().map(read).collect::<Option<_>>().ok_or(StateError::Damaged("a collection"))
    }

    /// A version of the policy.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn policy(&self, version: u32) -> Read<S, Option<Policy>> {
        let Some(found) = self.0.bytes(keys::policy(version)).await? else { return Ok(None) };
        serde_json::from_slice(&found).map(Some).map_err(|_| StateError::Damaged("a policy"))
    }

    /// A proposal.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn proposal(&self, id: ProposalId) -> Read<S, Option<Filed>> {
        let Some(proposal) = self.0.get(keys::proposal(id)).await? else { return Ok(None) };
        let envelope = self.0.get(keys::statement(id)).await?;
        let envelope = envelope.ok_or(StateError::Damaged("the statement of a proposal"))?;
        Ok(Some(Filed { id, proposal, envelope }))
    }

    /// The proposals that were made after an entry, in their order, up to a number.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn proposals(&self, after: u64, limit: usize) -> Read<S, Vec<ProposalId>> {
        let range = keys::made_by(after.saturating_add(1))..keys::made_by(u64::MAX);
        let found = self.0.scan(range, limit).await?;
        let read = |(_, bytes): &(_, Bytes)| postcard::from_bytes(bytes);
        found.iter().map(read).collect::<Result<_, _>>().map_err(|_| StateError::Damaged("a proposal"))
    }

    /// All open proposals, by the time at which they are looked at again.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn open_proposals(&self) -> Read<S, Vec<ProposalId>> {
        let found = self.0.scan(keys::waking_until(u64::MAX - 1), usize::MAX).await?;
        let read = |(key, _): &(Vec<u8>, _)| keys::proposal_of(key);
        found.iter().map(read).collect::<Option<_>>().ok_or(StateError::Damaged("a time"))
    }

    /// When time must go on for the next proposal, in microseconds since 1970.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn wakes_at(&self) -> Read<S, Option<u64>> {
        let found = self.0.scan(keys::waking_until(u64::MAX - 1), 1).await?;
        let Some((key, _)) = found.first() else { return Ok(None) };
        keys::waking_of(key).map(Some).ok_or(StateError::Damaged("a time"))
    }

    /// The text of an item that awaits votes.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn text(&self, proposal: ProposalId, item: u32) -> Read<S, Option<Bytes>> {
        self.0.bytes(keys::text(proposal, item)).await
    }

    /// A leaf of the transparency log, in its canonical form.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn leaf(&self, number: u64) -> Read<S, Option<Bytes>> {
        self.0.bytes(keys::leaf(number)).await
    }

    /// The numbers of the leaves about a proposal, in their order.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn leaves_about(&self, proposal: ProposalId) -> Read<S, Vec<u64>> {
        let found = self.0.scan(keys::leaves_about(proposal), usize::MAX).await?;
        let read = |(key, _): &(Vec<u8>, _)| Some(u64::from_be_bytes(*key.last_chunk()?));
        found.iter().map(read).collect::<Option<_>>().ok_or(StateError::Damaged("the leaves of a proposal"))
    }

    /// Hashes of the transparency log.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn hashes(&self, nodes: Vec<TreeNode>) -> Read<S, BTreeMap<TreeNode, Digest>> {
        let mut hashes = BTreeMap::new();
        for node in nodes {
            let hash = self.0.bytes(keys::hash(node)).await?;
            let hash = hash.and_then(|bytes| Some(Digest(bytes[..].try_into().ok()?)));
            hashes.insert(node, hash.ok_or(StateError::Damaged("a hash of the log"))?);
        }
        Ok(hashes)
    }

    /// A tile of a log of some size; `None` where it has no such tile.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn tile(&self, tile: &TilePath, size: u64) -> Read<S, Option<Vec<u8>>> {
        if !tile.is_within(size) {
            return Ok(None);
        }
        match tile.nodes() {
            Some(nodes) => {
                let hashes = self.hashes(nodes.collect()).await?;
                Ok(tile.read(&|node| hashes.get(&node).copied()))
            }
            None => {
                let mut entries = Vec::new();
                for number in tile.entries() {
                    entries.push(self.leaf(number).await?.ok_or(StateError::Damaged("a leaf"))?);
                }
                let bundle = write_bundle(entries.iter().map(|entry| &entry[..]));
                bundle.map(Some).map_err(|_| StateError::Damaged("a leaf"))
            }
        }
    }

    /// What was or is visible of an object in a version, as its proposal brought it.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn object(&self, collection: Uuid, item: &Item) -> Read<S, Option<ObjectRecord>> {
        self.0.get(keys::object(collection, item)).await
    }

    /// The versions of a collection that readers see: identifier, version and digest of each.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn visible(&self, collection: Uuid) -> Read<S, Vec<(String, String, Digest)>> {
        let mut visible = Vec::new();
        for (key, value) in self.0.scan(keys::objects(collection), usize::MAX).await? {
            let record: ObjectRecord =
                postcard::from_bytes(&value).map_err(|_| StateError::Damaged("the record of an object"))?;
            if record.is_visible {
                let name = keys::object_of(&key).ok_or(StateError::Damaged("the key of an object"))?;
                visible.push((
                    name.0,
                    if name.1 == record.digest.to_string() { String::new() } else { name.1 },
                    record.digest,
                ));
            }
        }
        Ok(visible)
    }

    /// The proof that an object was approved: for its text, as readers see it, and a checkpoint of the log as it is now.
    ///
    /// # Errors
    /// See [`Reader::ledger`]; `None` when no such object is visible, or it awaits its ratification.
    pub async fn proof(
        &self,
        collection: Uuid,
        item: &Item,
        text: &str,
        sign: impl FnOnce(TreeHead) -> Option<Note>,
    ) -> Read<S, Option<Bundle>> {
        let Some(record) = self.object(collection, item).await?.filter(|record| record.is_visible) else {
            return Ok(None);
        };
        let damaged = |what| StateError::Damaged(what);
        let ledger = self.ledger().await?.ok_or(damaged("the ledger"))?;
        let filed = self.proposal(record.proposal).await?.ok_or(damaged("a proposal"))?;
        let submit: Submit =
            serde_json::from_slice(&filed.envelope.payload).map_err(|_| damaged("a submission"))?;
        let state = filed.proposal.items.get(record.item as usize).ok_or(damaged("a proposal"))?;
        let Some((leaf_number, leaf, bytes)) = self.approval(record.proposal, record.item).await? else {
            return Ok(None);
        };
        let nodes = nodes_of_inclusion(leaf_number, ledger.tree.size());
        let hashes = self.hashes(nodes).await?;
        let inclusion = prove_inclusion(leaf_number, ledger.tree.size(), &|node| hashes.get(&node).copied());
        let mut votes = Vec::new();
        let is_counted =
            |cast: &&CastVote| leaf.votes.iter().any(|counted| counted.statement == cast.statement);
        for cast in filed.proposal.votes_on(record.item).filter(is_counted) {
            let envelope = self.vote(record.proposal, cast.organisation, cast.sequence).await?;
            votes.push(Dsse(envelope.ok_or(damaged("a vote"))?));
        }
        // The submission names all its objects, and its nonce opens all commitments.
        let mut is_shown = true;
        for item in &submit.items {
            is_shown &= self.object(collection, item).await?.is_some_and(|record| record.is_visible);
        }
        let policy = self.policy(leaf.policy).await?.ok_or(damaged("a policy"))?;
        let Some(note) = sign(ledger.tree.head()) else { return Ok(None) };
        Ok(Some(Bundle {
            format: BUNDLE_FORMAT.to_owned(),
            network: ledger.network,
            collection,
            object: text.to_owned(),
            item: item.clone(),
            number: record.item,
            salt: Salt::of(&submit.nonce, record.item),
            submitter: filed.proposal.submitter,
            submission: is_shown.then_some(Dsse(filed.envelope)),
            votes,
            rule: state.rule,
            policy,
            organisations: self.organisations().await?.into_iter().map(Member::from).collect(),
            leaf: bytes,
            leaf_number,
            inclusion: inclusion.ok_or(damaged("a hash of the log"))?,
            checkpoint: note.to_string(),
        }))
    }

    /// The last leaf that approves an item of a proposal; none while it is visible and not ratified.
    async fn approval(&self, proposal: ProposalId, item: u32) -> Read<S, Option<(u64, Leaf, String)>> {
        for number in self.leaves_about(proposal).await?.into_iter().rev() {
            let bytes = self.leaf(number).await?.ok_or(StateError::Damaged("a leaf"))?;
            let leaf = Leaf::decode(&bytes).map_err(|_| StateError::Damaged("a leaf"))?;
            if leaf.items.iter().any(|decided| decided.item == item && decided.phase == Phase::Approved) {
                let text = String::from_utf8(bytes.to_vec()).map_err(|_| StateError::Damaged("a leaf"))?;
                return Ok(Some((number, leaf, text)));
            }
        }
        Ok(None)
    }

    /// A vote, as its organisation signed it.
    ///
    /// # Errors
    /// See [`Reader::ledger`].
    pub async fn vote(
        &self,
        proposal: ProposalId,
        organisation: OrganisationId,
        sequence: u32,
    ) -> Read<S, Option<Envelope>> {
        self.0.get(keys::vote(proposal, organisation, sequence)).await
    }
}
