//! Changes of the network: who may make them is a vote, what they may be is checked here, twice: when they are proposed, and
//! when they are made.

use super::case::{Case, Subject};
use super::decide::Consequence;
use super::{Outcome, Refusal, Stop, Turn};
use crate::command::MAX_COLLECTIONS;
use crate::envelope::Envelope;
use crate::governance::Action;
use crate::id::{KeyId, OrganisationId, ProposalId};
use crate::key::PublicKey;
use crate::node::Node;
use crate::organisation::{Key, MAX_KEYS, NewKey, Organisation, Role};
use crate::policy::{Operation, Policy, PolicyError, Question};
use crate::proposal::{Kind, Phase, Reason};
use crate::state::{State, StateError, keys};
use crate::statement::Govern;
use std::collections::BTreeSet;

impl<S: State> Turn<'_, S> {
    pub(super) async fn govern(&mut self, envelope: &Envelope) -> Result<Outcome, Stop<S::Error>> {
        let (govern, role): (Govern, _) = self.authorise(envelope, &[Role::Vote])?;
        let id = ProposalId(envelope.digest());
        if self.is_known(id).await? {
            return Ok(Outcome::Repeated(id));
        }
        let policy = self.current_policy().await?;
        self.check_action(&govern.action, &policy)?;
        self.check_room(&govern.action).await?;
        self.check_nodes(&govern.action).await??;
        self.check_quota(govern.organisation, &policy)?;
        let question = Question {
            operation: Operation::Govern,
            submitter: govern.organisation,
            collection: None,
            item: None,
            is_own: false,
        };
        let state = self.open(&policy, &question, govern.expires_in_seconds);
        let proposal = self.new_proposal(Kind::Govern, govern.organisation, role, &policy, vec![state]);
        self.begin_case(id, envelope);
        self.settle(Case::new(id, proposal, Subject::Govern(govern), policy)).await?;
        Ok(Outcome::Proposed(id))
    }

    /// Checks that a change can be made now.
    fn check_action(&self, action: &Action, policy: &Policy) -> Result<(), Refusal> {
        let member = |id: &OrganisationId| {
            let found = self.organisations.get(id).filter(|found| found.is_member());
            found.ok_or(Refusal::NoMember(*id))
        };
        match action {
            Action::AddOrganisation { new } => self.check_new(new),
            Action::RemoveOrganisation { organisation } => {
                member(organisation)?;
                let mut members = self.members();
                members.remove(organisation);
                if members.is_empty() {
                    return Err(Refusal::Governance("the last member cannot leave"));
                }
                // A policy that names it must be changed first.
                Ok(policy.check(&members)?)
            }
            Action::AddKey { organisation, key } => {
                check_single(key)?;
                check_number(member(organisation)?.keys.len() + 1)?;
                self.check_key(key.public)
            }
            Action::RotateKey { organisation, old, new } => {
                let organisation = member(organisation)?;
                check_single(new)?;
                check_number(organisation.keys.len() + 1)?;
                self.check_key(new.public)?;
                let refused = |refusal| Refusal::Key { organisation: organisation.id, refusal };
                organisation.key_at(*old, &[new.role], self.index).map_err(refused).map(|_| ())
            }
            Action::RevokeKey { organisation, key, since } => {
                let found = member(organisation)?.keys.iter().any(|found| found.public.id() == *key);
                match found && *since <= self.index {
                    true => Ok(()),
                    false => Err(Refusal::Governance(
                        "the organisation has no such key, or the entry is not there yet from which it shall not count",
                    )),
                }
            }
            Action::AddNode { organisation, node } => {
                check_number(member(organisation)?.keys.len() + node.keys().len())?;
                if node.submit_key == node.log_key {
                    return Err(Refusal::Governance("a key is given twice"));
                }
                node.keys().iter().try_for_each(|key| self.check_key(key.public))
            }
            // What they need of other nodes is checked with the nodes.
            Action::RemoveNode { .. } | Action::SetProtocol { .. } => Ok(()),
            Action::SetCollection { new } => self.check_collection(new),
            Action::SetPolicy { policy: new } => {
                let expected = policy.version + 1;
                if new.version != expected {
                    return Err(PolicyError::Version { expected, found: new.version }.into());
                }
                Ok(new.check(&self.members())?)
            }
        }
    }

    /// Checks that a network that gets a collection may have one more.
    async fn check_room(&self, action: &Action) -> Result<(), Stop<S::Error>> {
        let Action::SetCollection { new } = action else { return Ok(()) };
        let all = self.draft.scan(keys::prefix(keys::COLLECTIONS.to_vec()), MAX_COLLECTIONS).await?;
        let is_new = self.draft.bytes(keys::collection(new.collection)).await?.is_none();
        match is_new && all.len() >= MAX_COLLECTIONS {
            true => Err(Refusal::Governance("a network has 1000 collections at most").into()),
            false => Ok(()),
        }
    }

    /// Checks that a key can be used, and is of no organisation.
    pub(super) fn check_key(&self, key: PublicKey) -> Result<(), Refusal> {
        if !key.is_usable() {
            return Err(Refusal::Governance("this is no public key that can be used"));
        }
        let mut known = self.organisations.values().flat_map(|found| &found.keys);
        match known.any(|found| found.public == key) {
            true => Err(Refusal::Governance("this key is or was a key of a member")),
            false => Ok(()),
        }
    }

    /// Makes a change that was approved. It returns what follows for other proposals.
    pub(super) async fn execute(
        &mut self,
        action: &Action,
    ) -> Result<Result<Vec<Consequence>, Refusal>, StateError<S::Error>> {
        let policy = self.current_policy().await?;
        if let Err(refusal) = self.check_action(action, &policy) {
            return Ok(Err(refusal));
        }
        if let Err(refusal) = self.check_nodes(action).await? {
            return Ok(Err(refusal));
        }
        let index = self.index;
        match action {
            Action::AddOrganisation { new } => {
                self.put_organisation(Organisation::join(new, index));
                if let Some(node) = &new.node {
                    self.put_node(&Node::join(index, new.id, node));
                }
            }
            Action::SetCollection { new } => self.put_collection(new),
            Action::SetPolicy { policy } => {
                self.put_policy(policy);
                self.ledger()?.policy = policy.version;
            }
            Action::AddKey { organisation, key } => {
                self.change(*organisation, |found| found.keys.push(Key::of(key, index)));
            }
            Action::RotateKey { organisation, old, new } => {
                self.change(*organisation, |found| {
                    retire(found, *old, index);
                    found.keys.push(Key::of(new, index));
                });
                if let Some(node) = self.node_of(*organisation).await?.filter(|node| node.submit_key == *old)
                {
                    self.put_node(&Node { submit_key: new.public.id(), ..node });
                }
            }
            Action::AddNode { organisation, node } => {
                if let Some(before) = self.node_of(*organisation).await? {
                    self.leave(before);
                }
                self.change(*organisation, |found| {
                    found.keys.extend(node.keys().iter().map(|key| Key::of(key, index)));
                });
                self.put_node(&Node::join(index, *organisation, node));
            }
            Action::RemoveNode { node: id } => {
                let found: Option<Node> = self.draft.get(keys::node(*id)).await?;
                found.into_iter().for_each(|node| self.leave(node));
            }
            Action::SetProtocol { protocol } => self.ledger()?.protocol = *protocol,
            Action::RemoveOrganisation { organisation } => {
                if let Some(node) = self.node_of(*organisation).await? {
                    self.leave(node);
                }
                self.change(*organisation, |found| found.left = Some(index));
                return self.all_open().await.map(Ok);
            }
            Action::RevokeKey { organisation, key, since } => {
                self.change(*organisation, |found| retire(found, *key, *since));
                return self.forget_votes(*key, *since).await.map(Ok);
            }
        }
        Ok(Ok(Vec::new()))
    }

    pub(super) fn change(&mut self, id: OrganisationId, change: impl FnOnce(&mut Organisation)) {
        if let Some(mut found) = self.organisations.get(&id).cloned() {
            change(&mut found);
            self.put_organisation(found);
        }
    }

    /// Leaves out what a key signed in an entry or later: votes, of which the decisions are made again, and submissions.
    async fn forget_votes(
        &mut self,
        key: KeyId,
        since: u64,
    ) -> Result<Vec<Consequence>, StateError<S::Error>> {
        let (mut touched, mut consequences) = (BTreeSet::new(), Vec::new());
        for (name, _) in self.draft.scan(keys::signed_since(key, since), usize::MAX).await? {
            touched.insert(keys::proposal_of(&name).ok_or(StateError::Damaged("a vote"))?);
        }
        for id in touched {
            let Some(mut case) = self.case(id).await? else { continue };
            case.proposal.votes.retain(|vote| vote.key != key || vote.index < since);
            let is_forged = self.is_signed_by(id, key).await? && case.proposal.index >= since;
            if is_forged {
                case.proposal.votes.clear();
            }
            for item in case.items() {
                let phase = match case.proposal.items[item as usize].phase {
                    Phase::Open if is_forged => Phase::Rejected(Reason::Void),
                    Phase::Provisional if is_forged => Phase::RolledBack,
                    Phase::Approved
                        if case.proposal.kind == Kind::Submit
                            && (is_forged || !self.is_approved(&case, item)) =>
                    {
                        Phase::Suspended
                    }
                    _ => continue,
                };
                consequences.push(Consequence::Move { item: (id, item), phase });
            }
            self.put_case(&case);
            consequences.push(Consequence::Count(id));
        }
        Ok(consequences)
    }

    async fn is_signed_by(&self, id: ProposalId, key: KeyId) -> Result<bool, StateError<S::Error>> {
        let envelope: Option<Envelope> = self.draft.get(keys::statement(id)).await?;
        Ok(envelope.is_some_and(|envelope| envelope.key == key))
    }
}

/// Checks how many keys an organisation comes to have.
pub(super) fn check_number(keys: usize) -> Result<(), Refusal> {
    match keys <= MAX_KEYS {
        true => Ok(()),
        false => Err(Refusal::Governance("an organisation has 64 keys at most")),
    }
}

/// Checks that a key comes by itself: a log key is that of a node.
pub(super) fn check_single(key: &NewKey) -> Result<(), Refusal> {
    match key.role {
        Role::Submit | Role::Vote => Ok(()),
        Role::Log => Err(Refusal::Governance("a log key comes with its node, and is replaced with it")),
    }
}

/// A key counts no longer from an entry on.
pub(super) fn retire(organisation: &mut Organisation, id: KeyId, until: u64) {
    for key in organisation.keys.iter_mut().filter(|key| key.public.id() == id) {
        key.until = Some(key.until.map_or(until, |before| before.min(until)));
    }
}
