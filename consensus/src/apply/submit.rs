//! New proposals about objects: submissions and revocations.

use super::case::{Case, Subject};
use super::{Effect, Outcome, Refusal, Stop, Turn};
use crate::command::MAX_NOTE_BYTES;
use crate::envelope::Envelope;
use crate::id::{OrganisationId, ProposalId};
use crate::organisation::Role;
use crate::policy::{FORBIDDEN_LEVEL, Operation, Policy, Question};
use crate::proposal::{ItemState, Kind, ObjectRecord, Phase, Proposal, Reason};
use crate::state::{State, StateError, keys};
use crate::statement::{Item, Revoke, Submit};
use bytes::Bytes;
use std::collections::BTreeMap;

/// Most objects of a submission.
pub const MAX_ITEMS: usize = 1000;
/// Most bytes of an object that is proposed.
pub const MAX_OBJECT_BYTES: usize = 1 << 20;
/// Most bytes of a reason.
pub(super) const MAX_REASON_BYTES: usize = 2000;

impl<S: State> Turn<'_, S> {
    pub(super) async fn submit(
        &mut self,
        envelope: &Envelope,
        objects: Vec<Bytes>,
        note: Bytes,
    ) -> Result<Outcome, Stop<S::Error>> {
        let (submit, role): (Submit, _) = self.authorise(envelope, &[Role::Submit])?;
        let id = ProposalId(envelope.digest());
        if self.is_known(id).await? {
            return Ok(Outcome::Repeated(id));
        }
        let (max, found) = (MAX_NOTE_BYTES, note.len());
        if found > max {
            return Err(Refusal::Note { max, found }.into());
        }
        let definition = self.draft.bytes(keys::collection(submit.collection)).await?;
        let definition = definition.ok_or(Refusal::NoCollection(submit.collection))?;
        let definition = std::str::from_utf8(&definition).map_err(|_| StateError::Damaged("a collection"))?;
        self.check_objects(&submit, definition, &objects)?;
        let policy = self.current_policy().await?;
        self.check_quota(submit.organisation, &policy)?;
        let mut items = Vec::with_capacity(submit.items.len());
        for (item, text) in submit.items.iter().zip(&objects) {
            items.push(self.first_phase(&submit, item, text, &policy).await?);
        }
        let proposal = self.new_proposal(Kind::Submit, submit.organisation, role, &policy, items);
        self.begin_case(id, envelope);
        self.effects.push(Effect::File { proposal: id, note });
        let mut case = Case::new(id, proposal, Subject::Submit(submit), policy);
        self.keep_objects(&mut case, objects).await?;
        self.settle(case).await?;
        Ok(Outcome::Proposed(id))
    }

    pub(super) async fn revoke(&mut self, envelope: &Envelope) -> Result<Outcome, Stop<S::Error>> {
        let (revoke, role): (Revoke, _) = self.authorise(envelope, &[Role::Vote, Role::Submit])?;
        let id = ProposalId(envelope.digest());
        if self.is_known(id).await? {
            return Ok(Outcome::Repeated(id));
        }
        check_reason(&revoke.reason)?;
        let policy = self.current_policy().await?;
        self.check_quota(revoke.organisation, &policy)?;
        let state = match self.visible(&revoke).await? {
            None => closed(Phase::Rejected(Reason::NoObject)),
            Some((record, item)) => {
                let question = Question {
                    operation: Operation::Revoke,
                    submitter: revoke.organisation,
                    collection: Some(revoke.collection),
                    item: Some(&item),
                    is_own: record.submitter == revoke.organisation,
                };
                self.open(&policy, &question, None)
            }
        };
        let proposal = self.new_proposal(Kind::Revoke, revoke.organisation, role, &policy, vec![state]);
        self.begin_case(id, envelope);
        self.settle(Case::new(id, proposal, Subject::Revoke(revoke), policy)).await?;
        Ok(Outcome::Proposed(id))
    }

    /// The object that a revocation is about, while it is visible.
    pub(super) async fn visible(
        &self,
        revoke: &Revoke,
    ) -> Result<Option<(ObjectRecord, Item)>, StateError<S::Error>> {
        let key = keys::version(revoke.collection, &revoke.id, &revoke.version, revoke.digest);
        let record: Option<ObjectRecord> = self.draft.get(key).await?;
        let Some(record) = record.filter(|record| record.is_visible && record.digest == revoke.digest) else {
            return Ok(None);
        };
        let case = self.case(record.proposal).await?;
        let Some(Case { subject: Subject::Submit(submit), .. }) = case else {
            return Err(StateError::Damaged("the submission of an object"));
        };
        let item = submit.items.get(record.item as usize).cloned();
        Ok(Some((record, item.ok_or(StateError::Damaged("the submission of an object"))?)))
    }

    /// Checks that the objects are those that were signed.
    fn check_objects(&self, submit: &Submit, definition: &str, objects: &[Bytes]) -> Result<(), Refusal> {
        let (max, found) = (MAX_ITEMS, submit.items.len());
        if found == 0 || found > max || objects.len() != found {
            return Err(Refusal::Count { max, found: objects.len() });
        }
        let mut seen = BTreeMap::new();
        for (number, (signed, text)) in submit.items.iter().zip(objects).enumerate() {
            if text.len() > MAX_OBJECT_BYTES {
                return Err(Refusal::TooLarge { item: number, bytes: text.len(), max: MAX_OBJECT_BYTES });
            }
            let read = self.inspect.inspect(definition, text);
            let read = read.map_err(|reason| Refusal::Object { item: number, reason })?;
            let differs = [
                (read.digest != signed.digest, "digest"),
                (read.id != signed.id, "id"),
                (read.version != signed.version, "version"),
                (read.object_type != signed.object_type, "type"),
                (read.level != signed.level, "marking level"),
            ];
            if let Some((_, what)) = differs.into_iter().find(|(differs, _)| *differs) {
                return Err(Refusal::Altered { item: number, what });
            }
            if let Some(first) = seen.insert(keys::object(submit.collection, signed), number) {
                return Err(Refusal::Twice(first, number));
            }
        }
        Ok(())
    }

    pub(super) fn check_quota(&self, organisation: OrganisationId, policy: &Policy) -> Result<(), Refusal> {
        let open = self.organisations.get(&organisation).map_or(0, |found| found.open);
        if open < policy.max_open { Ok(()) } else { Err(Refusal::Quota { organisation, open }) }
    }

    pub(super) async fn current_policy(&mut self) -> Result<Policy, StateError<S::Error>> {
        let version = self.ledger()?.policy;
        self.policy(version).await
    }

    /// Where an item stands that was just submitted.
    async fn first_phase(
        &self,
        submit: &Submit,
        item: &Item,
        text: &Bytes,
        policy: &Policy,
    ) -> Result<ItemState, StateError<S::Error>> {
        if item.level >= FORBIDDEN_LEVEL || item.level > policy.max_level {
            return Ok(closed(Phase::Rejected(Reason::Level)));
        }
        let record: Option<ObjectRecord> = self.draft.get(keys::object(submit.collection, item)).await?;
        match record {
            Some(record) if record.is_visible && record.digest == item.digest => {
                return Ok(closed(Phase::Approved));
            }
            Some(_) => return Ok(closed(Phase::Rejected(Reason::OtherContent))),
            None => {}
        }
        if !self.draft.admits(submit.collection, text, &[]).await? {
            return Ok(closed(Phase::Rejected(Reason::Versions)));
        }
        let is_new = self.draft.scan(keys::versions(submit.collection, &item.id), 1).await?.is_empty();
        let question = Question {
            operation: if is_new { Operation::New } else { Operation::Revise },
            submitter: submit.organisation,
            collection: Some(submit.collection),
            item: Some(item),
            is_own: false,
        };
        let mut state = self.open(policy, &question, submit.expires_in_seconds);
        let rule = policy.rules.get(state.rule as usize);
        let emergency = rule.and_then(|rule| rule.emergency.as_ref());
        if let Some(emergency) = emergency.filter(|emergency| {
            submit.emergency
                && state.phase == Phase::Open
                && emergency.submitters.contains(&submit.organisation)
        }) {
            (state.phase, state.deadline) = (Phase::Provisional, self.time + emergency.micros());
        }
        Ok(state)
    }

    /// An item that awaits votes by the rule for it; refused, where there is none.
    pub(super) fn open(&self, policy: &Policy, question: &Question<'_>, expires: Option<u32>) -> ItemState {
        match policy.rule_for(question) {
            None => closed(Phase::Rejected(Reason::NoRule)),
            Some(number) => ItemState {
                rule: u32::try_from(number).expect("a policy has few rules"),
                phase: Phase::Open,
                deadline: self.time + policy.rules[number].expiry_micros(expires),
                ready: None,
            },
        }
    }

    pub(super) fn new_proposal(
        &self,
        kind: Kind,
        submitter: OrganisationId,
        role: Role,
        policy: &Policy,
        items: Vec<ItemState>,
    ) -> Proposal {
        Proposal {
            kind,
            submitter,
            role,
            index: self.index,
            time: self.time,
            policy: policy.version,
            votes: Vec::new(),
            items,
        }
    }

    /// Whether a proposal is there already.
    pub(super) async fn is_known(&self, id: ProposalId) -> Result<bool, StateError<S::Error>> {
        Ok(self.draft.bytes(keys::proposal(id)).await?.is_some())
    }

    /// Keeps the statement of a new proposal.
    pub(super) fn begin_case(&mut self, id: ProposalId, envelope: &Envelope) {
        self.draft.put(keys::statement(id), envelope);
        self.draft.put(keys::made_by(self.index), &id);
        self.note_key(id, envelope);
    }

    /// Notes which key signed a statement about a proposal, for the day on which it is revoked.
    pub(super) fn note_key(&mut self, id: ProposalId, envelope: &Envelope) {
        self.draft.put_bytes(keys::signed(envelope.key, self.index, id), Bytes::new());
    }

    /// Keeps the objects of a submission that await votes, and shows those that are visible meanwhile.
    async fn keep_objects(
        &mut self,
        case: &mut Case,
        objects: Vec<Bytes>,
    ) -> Result<(), StateError<S::Error>> {
        for (number, text) in (0..).zip(objects) {
            let phase = case.proposal.items[number as usize].phase;
            if phase.is_open() {
                let Subject::Submit(submit) = &case.subject else { break };
                let (collection, item) = (submit.collection, submit.items[number as usize].clone());
                self.keep(case.id, number, collection, &item, text).await?;
            }
            if phase == Phase::Provisional {
                let reached = self.show(case, number, phase).await?;
                if !reached.is_visible() {
                    let Subject::Submit(submit) = &case.subject else { break };
                    let (collection, item) = (submit.collection, submit.items[number as usize].clone());
                    self.release(case.id, number, collection, &item).await?;
                }
                case.proposal.items[number as usize].phase = reached;
            }
        }
        Ok(())
    }
}

pub(super) fn check_reason(reason: &str) -> Result<(), Refusal> {
    let (max, found) = (MAX_REASON_BYTES, reason.len());
    if found <= max { Ok(()) } else { Err(Refusal::Reason { max, found }) }
}

/// An item on which no vote counts.
fn closed(phase: Phase) -> ItemState {
    ItemState { rule: 0, phase, deadline: 0, ready: None }
}
