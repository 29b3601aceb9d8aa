//! A proposal while an entry changes it.

use super::{Effect, Turn};
use crate::envelope::Envelope;
use crate::evidence::{Leaf, LeafItem, LeafVote, Opening, Salt};
use crate::id::{Digest, OrganisationId, ProposalId};
use crate::policy::Policy;
use crate::proposal::{Kind, OpenItem, Phase, Proposal};
use crate::state::{Key, State, StateError, keys};
use crate::statement::{Govern, Item, Revoke, Submit};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Range;
use uuid::Uuid;

/// A proposal, with what it says and the policy that decides on it.
pub(super) struct Case {
    pub(super) id: ProposalId,
    pub(super) proposal: Proposal,
    pub(super) subject: Subject,
    pub(super) policy: Policy,
    /// The proposal as the state has it.
    stored: Option<Proposal>,
}

/// What a proposal says.
pub(super) enum Subject {
    Submit(Submit),
    Revoke(Revoke),
    Govern(Govern),
}

impl Subject {
    /// The organisation that has no vote on it.
    pub(super) fn target(&self) -> Option<OrganisationId> {
        match self {
            Self::Govern(govern) => govern.action.target(),
            Self::Submit(_) | Self::Revoke(_) => None,
        }
    }
}

impl Case {
    /// A proposal that the state does not have yet.
    pub(super) fn new(id: ProposalId, proposal: Proposal, subject: Subject, policy: Policy) -> Self {
        Self { id, proposal, subject, policy, stored: None }
    }

    /// The items that stand elsewhere than before, by the votes that count on them.
    fn decided(&self) -> BTreeMap<Vec<LeafVote>, Vec<LeafItem>> {
        let before =
            |item: u32| self.stored.as_ref().map_or(Phase::Open, |stored| stored.items[item as usize].phase);
        let mut decided: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (item, state) in self.items().zip(&self.proposal.items) {
            let (phase, before) = (state.phase, before(item));
            if phase != before {
                let votes = self.proposal.votes_on(item);
                let votes = votes.map(|vote| LeafVote { index: vote.index, statement: vote.statement });
                let ratified = (before, phase) == (Phase::Provisional, Phase::Approved);
                let commit = self.commit(item);
                decided.entry(votes.collect()).or_default().push(LeafItem { item, phase, ratified, commit });
            }
        }
        decided
    }

    /// The commitment to the object of an item.
    fn commit(&self, item: u32) -> Option<Digest> {
        let (nonce, opening) = match &self.subject {
            Subject::Submit(Submit { collection, organisation, items, nonce, .. }) => {
                let object = items.get(item as usize)?.clone();
                (nonce, Opening { collection: *collection, organisation: *organisation, item: object })
            }
            Subject::Revoke(Revoke { collection, organisation, id, version, digest, nonce, .. }) => {
                let (id, version, object_type) = (id.clone(), version.clone(), String::new());
                let object = Item { id, version, object_type, level: 0, digest: *digest };
                (nonce, Opening { collection: *collection, organisation: *organisation, item: object })
            }
            Subject::Govern(_) => return None,
        };
        Some(opening.commit(&Salt::of(nonce, item)))
    }

    /// Whether each item stands where it stood, or where it may go from there.
    fn moves_as_it_may(&self) -> bool {
        self.stored.as_ref().is_none_or(|stored| {
            let mut phases = stored.items.iter().zip(&self.proposal.items);
            phases.all(|(was, now)| was.phase == now.phase || was.phase.may_become(now.phase))
        })
    }

    /// The numbers of its items.
    pub(super) fn items(&self) -> Range<u32> {
        0..u32::try_from(self.proposal.items.len()).expect("a proposal has few items")
    }
}

impl<S: State> Turn<'_, S> {
    /// Reads a proposal that is there.
    pub(super) async fn case(&self, id: ProposalId) -> Result<Option<Case>, StateError<S::Error>> {
        let Some(proposal) = self.draft.get::<Proposal>(keys::proposal(id)).await? else { return Ok(None) };
        let damaged = StateError::Damaged("the statement of a proposal");
        let envelope: Envelope = self.draft.get(keys::statement(id)).await?.ok_or(damaged)?;
        let subject = match proposal.kind {
            // Its form was checked when it was proposed.
            Kind::Submit => serde_json::from_slice(&envelope.payload).map(Subject::Submit),
            Kind::Revoke => serde_json::from_slice(&envelope.payload).map(Subject::Revoke),
            Kind::Govern => serde_json::from_slice(&envelope.payload).map(Subject::Govern),
        };
        let subject = subject.map_err(|_| StateError::Damaged("the statement of a proposal"))?;
        let policy = self.policy(proposal.policy).await?;
        let stored = Some(proposal.clone());
        Ok(Some(Case { id, proposal, subject, policy, stored }))
    }

    /// Writes a proposal as it is now, and notes for the transparency log what was decided.
    pub(super) fn put_case(&mut self, case: &Case) {
        let decided = case.decided();
        let policy_digest = if decided.is_empty() { Digest::default() } else { case.policy.digest() };
        for (votes, items) in decided {
            self.leaves.push(Leaf {
                index: self.index,
                time: self.time,
                event: case.proposal.kind.into(),
                proposal: case.id,
                submitted: case.proposal.index,
                policy: case.proposal.policy,
                policy_digest,
                part: None,
                items,
                votes,
            });
        }
        let stored = case.stored.as_ref();
        debug_assert!(case.moves_as_it_may(), "{:?} became {:?}", stored, case.proposal);
        let (woken, wakes) = (stored.and_then(Proposal::wakes_at), case.proposal.wakes_at());
        if wakes != woken {
            if let Some(woken) = woken {
                self.draft.remove(keys::waking(woken, case.id));
            }
            if let Some(wakes) = wakes {
                self.draft.put_bytes(keys::waking(wakes, case.id), Bytes::new());
            }
        }
        let is_open = case.proposal.is_open();
        if is_open != stored.is_some_and(Proposal::is_open)
            && let Some(mut submitter) = self.organisations.get(&case.proposal.submitter).cloned()
        {
            submitter.open = if is_open { submitter.open + 1 } else { submitter.open.saturating_sub(1) };
            self.put_organisation(submitter);
        }
        self.draft.put(keys::proposal(case.id), &case.proposal);
    }

    /// Keeps an object for votes.
    pub(super) async fn keep(
        &mut self,
        id: ProposalId,
        item: u32,
        collection: Uuid,
        object: &Item,
        text: Bytes,
    ) -> Result<(), StateError<S::Error>> {
        let (version, digest) = (object.version.clone(), object.digest);
        let new = OpenItem { version, digest, is_shown: true };
        let open = self.open_items(collection, &object.id).await?;
        let is_taken = open.iter().any(|(_, open)| open.is_shown && open.is_same(&new));
        let new = OpenItem { is_shown: !is_taken, ..new };
        self.draft.put_bytes(keys::text(id, item), text.clone());
        self.draft.put(keys::open_item(collection, &object.id, id, item), &new);
        if new.is_shown {
            self.effects.push(Effect::Await { collection, text });
        }
        Ok(())
    }

    /// Ends that. Another open item that is the same version takes its place.
    pub(super) async fn release(
        &mut self,
        id: ProposalId,
        item: u32,
        collection: Uuid,
        object: &Item,
    ) -> Result<(), StateError<S::Error>> {
        let damaged = StateError::Damaged("an open item");
        let text = self.open_text(id, item).await?;
        let key = keys::open_item(collection, &object.id, id, item);
        let open: OpenItem = self.draft.get(key.clone()).await?.ok_or(damaged)?;
        self.draft.remove(keys::text(id, item));
        self.draft.remove(key);
        if open.is_shown {
            self.effects.push(Effect::Settle { collection, text });
            let others = self.open_items(collection, &object.id).await?;
            if let Some(((id, item), next)) = others.into_iter().find(|(_, other)| other.is_same(&open)) {
                let text = self.open_text(id, item).await?;
                let next = OpenItem { is_shown: true, ..next };
                self.draft.put(keys::open_item(collection, &object.id, id, item), &next);
                self.effects.push(Effect::Await { collection, text });
            }
        }
        Ok(())
    }

    /// The text of an item that is open.
    pub(super) async fn open_text(&self, id: ProposalId, item: u32) -> Result<Bytes, StateError<S::Error>> {
        let text = self.draft.bytes(keys::text(id, item)).await?;
        text.ok_or(StateError::Damaged("the text of an open item"))
    }

    /// The open items of an object, each with its proposal and its number there.
    pub(super) async fn open_items(
        &self,
        collection: Uuid,
        id: &str,
    ) -> Result<Vec<((ProposalId, u32), OpenItem)>, StateError<S::Error>> {
        let found = self.draft.scan(keys::open_items(collection, id), usize::MAX).await?;
        let read =
            |(key, value): &(Key, Bytes)| Some((keys::item_of(key)?, postcard::from_bytes(value).ok()?));
        found.iter().map(read).collect::<Option<_>>().ok_or(StateError::Damaged("an open item"))
    }
}
