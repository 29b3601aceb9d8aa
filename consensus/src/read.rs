//! Reading what was applied, for members and their tools.

use crate::command::{CollectionDefinition, Secret};
use crate::envelope::Envelope;
use crate::id::{OrganisationId, ProposalId};
use crate::organisation::Organisation;
use crate::policy::Policy;
use crate::proposal::Proposal;
use crate::state::{Draft, Ledger, State, StateError, keys};
use bytes::Bytes;
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
