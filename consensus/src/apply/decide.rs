//! Decisions: gates are evaluated, and items move on.

use super::case::{Case, Subject};
use super::{Effect, MAX_WAKING, Turn};
use crate::id::{OrganisationId, ProposalId};
use crate::organisation::Role;
use crate::policy::{Gate, Rule};
use crate::proposal::{ItemState, ObjectRecord, Phase, Reason};
use crate::state::{State, StateError, keys};
use crate::statement::{Decision, Item};
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use uuid::Uuid;

/// What follows for another proposal.
pub(super) enum Consequence {
    /// An item moves, if it may.
    Move {
        /// The proposal and the number of the item.
        item: (ProposalId, u32),
        /// Where to.
        phase: Phase,
    },
    /// Its votes are counted again.
    Count(ProposalId),
}

impl<S: State> Turn<'_, S> {
    /// Looks at the proposals whose time has come.
    pub(super) async fn wake(&mut self) -> Result<(), StateError<S::Error>> {
        if self.ledger.is_none() {
            return Ok(());
        }
        for (key, _) in self.draft.scan(keys::waking_until(self.time), MAX_WAKING).await? {
            let id = keys::proposal_of(&key).ok_or(StateError::Damaged("a time"))?;
            // One that was woken before may have changed it.
            if self.draft.bytes(key).await?.is_some()
                && let Some(case) = self.case(id).await?
            {
                self.settle(case).await?;
            }
        }
        Ok(())
    }

    /// Moves the items of a proposal to where its votes and the time bring them, and writes it; then those of others that
    /// move because of that.
    pub(super) async fn settle(&mut self, case: Case) -> Result<(), StateError<S::Error>> {
        let mut waiting = VecDeque::from(self.count(case).await?);
        while let Some(consequence) = waiting.pop_front() {
            let (Consequence::Move { item: (id, _), .. } | Consequence::Count(id)) = consequence;
            let mut other = self.case(id).await?.ok_or(StateError::Damaged("a proposal"))?;
            let consequences = match consequence {
                Consequence::Count(_) => self.count(other).await?,
                Consequence::Move { item: (_, item), phase } => {
                    let consequences = self.advance(&mut other, item, phase).await?;
                    self.put_case(&other);
                    consequences
                }
            };
            waiting.extend(consequences);
        }
        Ok(())
    }

    /// Counts the votes on the items that are open, moves them, and writes the proposal.
    async fn count(&mut self, mut case: Case) -> Result<Vec<Consequence>, StateError<S::Error>> {
        let mut consequences = Vec::new();
        for item in case.items() {
            match self.next(&case, item) {
                Next::Stay { ready } => case.proposal.items[item as usize].ready = ready,
                Next::Go(phase) => consequences.extend(self.advance(&mut case, item, phase).await?),
            }
        }
        self.put_case(&case);
        Ok(consequences)
    }

    /// Where an item goes now.
    fn next(&self, case: &Case, item: u32) -> Next {
        let ItemState { phase, deadline, ready, rule } = case.proposal.items[item as usize];
        if !phase.is_open() {
            return Next::Stay { ready };
        }
        // What it comes to when it is not approved.
        let failed = |refused: Phase| match phase {
            Phase::Provisional => Phase::RolledBack,
            Phase::Suspended => Phase::Revoked,
            _ => refused,
        };
        let rule = &case.policy.rules[rule as usize];
        let Tally { approving, possible, eligible, veto } = self.tally(case, item, rule);
        if let Some(organisation) = veto {
            return Next::Go(failed(Phase::Rejected(Reason::Vetoed(organisation))));
        }
        let gate = gate_of(rule, phase);
        if (rule.automatic && phase == Phase::Open) || gate.is_met(&approving, &eligible) {
            let ready = ready.unwrap_or(self.time + rule.hold_micros());
            return match ready <= self.time {
                true => Next::Go(Phase::Approved),
                false => Next::Stay { ready: Some(ready) },
            };
        }
        if !gate.is_met(&possible, &eligible) {
            return Next::Go(failed(Phase::Rejected(Reason::Refused)));
        }
        match deadline <= self.time {
            true => Next::Go(failed(Phase::Expired)),
            false => Next::Stay { ready: None },
        }
    }

    /// Whether the votes that there are approve an item.
    pub(super) fn is_approved(&self, case: &Case, item: u32) -> bool {
        let rule = &case.policy.rules[case.proposal.items[item as usize].rule as usize];
        let Tally { approving, eligible, veto, .. } = self.tally(case, item, rule);
        rule.automatic || (veto.is_none() && rule.gate.is_met(&approving, &eligible))
    }

    /// Counts the votes on an item, of organisations that are members now.
    fn tally(&self, case: &Case, item: u32, rule: &Rule) -> Tally {
        let submitter = case.proposal.submitter;
        let mut eligible = rule.eligible(&self.members(), submitter);
        // Of two members, neither removes the other alone.
        if let Some(target) = case.subject.target()
            && eligible.len() > 2
        {
            eligible.remove(&target);
        }
        let (mut approving, mut voted) = (BTreeSet::new(), BTreeSet::new());
        let mut veto = None;
        for vote in case.proposal.votes_on(item).filter(|vote| eligible.contains(&vote.organisation)) {
            voted.insert(vote.organisation);
            match vote.decision {
                Decision::Approve => {
                    approving.insert(vote.organisation);
                }
                Decision::Veto if rule.veto.contains(&vote.organisation) => veto = Some(vote.organisation),
                Decision::Veto | Decision::Reject | Decision::Abstain => {}
            }
        }
        // A person who proposes something agrees with it.
        if case.proposal.role == Role::Vote && eligible.contains(&submitter) && voted.insert(submitter) {
            approving.insert(submitter);
        }
        let possible = approving.iter().chain(eligible.difference(&voted)).copied().collect();
        Tally { approving, possible, eligible, veto }
    }

    /// Moves an item to another phase, if it may go there, with what follows from it.
    pub(super) async fn advance(
        &mut self,
        case: &mut Case,
        item: u32,
        to: Phase,
    ) -> Result<Vec<Consequence>, StateError<S::Error>> {
        let from = case.proposal.items[item as usize].phase;
        if !from.may_become(to) {
            return Ok(Vec::new());
        }
        let mut consequences = Vec::new();
        let to = match (&case.subject, to) {
            (Subject::Submit(_), _) => return self.advance_object(case, item, from, to).await,
            (Subject::Revoke(revoke), Phase::Approved) => match self.visible(revoke).await? {
                None => Phase::Rejected(Reason::NoObject),
                Some((record, _)) => {
                    let item = (record.proposal, record.item);
                    consequences.push(Consequence::Move { item, phase: Phase::Revoked });
                    to
                }
            },
            (Subject::Govern(govern), Phase::Approved) => {
                let action = govern.action.clone();
                match self.execute(&action).await? {
                    Ok(changed) => {
                        consequences.extend(changed);
                        to
                    }
                    Err(_) => Phase::Rejected(Reason::Void),
                }
            }
            _ => to,
        };
        case.proposal.items[item as usize].phase = to;
        case.proposal.items[item as usize].ready = None;
        Ok(consequences)
    }

    async fn advance_object(
        &mut self,
        case: &mut Case,
        item: u32,
        from: Phase,
        mut to: Phase,
    ) -> Result<Vec<Consequence>, StateError<S::Error>> {
        let (collection, object) = object_of(case, item)?;
        let mut consequences = Vec::new();
        if to == Phase::Approved && from != Phase::Provisional {
            to = self.show(case, item, to).await?;
            // It was visible before, so that is its end.
            if from == Phase::Suspended && !to.is_visible() {
                to = Phase::Revoked;
            }
        }
        let state = &mut case.proposal.items[item as usize];
        (state.phase, state.ready) = (to, None);
        if from.is_open() && !to.is_open() && from != Phase::Provisional && to != Phase::Approved {
            self.release(case.id, item, collection, &object).await?;
        }
        let suspended = match to {
            Phase::Suspended => Some(self.visible_text(collection, &object).await?),
            _ => None,
        };
        if from.is_visible() && !to.is_visible() {
            self.hide(case, item, collection, &object).await?;
        }
        if let Some(text) = suspended {
            let rule = &case.policy.rules[case.proposal.items[item as usize].rule as usize];
            case.proposal.items[item as usize].deadline = self.time + rule.expiry_micros(None);
            self.keep(case.id, item, collection, &object, text).await?;
        }
        if to == Phase::Approved && !object.version.is_empty() {
            for (item, open) in self.open_items(collection, &object.id).await? {
                if open.version < object.version {
                    consequences.push(Consequence::Move { item, phase: Phase::Superseded });
                }
            }
        }
        Ok(consequences)
    }

    /// Makes an object of a submission visible that was kept for votes, unless its version is there with other content. It
    /// returns where the item stands then.
    pub(super) async fn show(
        &mut self,
        case: &Case,
        item: u32,
        to: Phase,
    ) -> Result<Phase, StateError<S::Error>> {
        let (collection, object) = object_of(case, item)?;
        let key = keys::object(collection, &object);
        let record: Option<ObjectRecord> = self.draft.get(key.clone()).await?;
        let is_own = |record: &ObjectRecord| (record.proposal, record.item) == (case.id, item);
        match record {
            Some(record) if record.digest != object.digest || !(record.is_visible || is_own(&record)) => {
                return Ok(Phase::Rejected(Reason::OtherContent));
            }
            // Another proposal brought the same object.
            Some(record) if record.is_visible => {
                self.release(case.id, item, collection, &object).await?;
                return Ok(to);
            }
            _ => {}
        }
        let text = self.open_text(case.id, item).await?;
        let same_object = (collection, object.id.clone());
        let shown = self.shown.get(&same_object).into_iter().flatten().map(|(_, text)| text.clone());
        if !self.draft.admits(collection, &text, &shown.collect::<Vec<_>>()).await? {
            return Ok(Phase::Rejected(Reason::Versions));
        }
        self.release(case.id, item, collection, &object).await?;
        let record = ObjectRecord {
            digest: object.digest,
            proposal: case.id,
            item,
            submitter: case.proposal.submitter,
            is_visible: true,
        };
        self.draft.put(key, &record);
        self.shown.entry(same_object).or_default().push((object, text.clone()));
        self.effects.push(Effect::Show { collection, text });
        Ok(to)
    }

    async fn hide(
        &mut self,
        case: &Case,
        item: u32,
        collection: Uuid,
        object: &Item,
    ) -> Result<(), StateError<S::Error>> {
        let key = keys::object(collection, object);
        let record: Option<ObjectRecord> = self.draft.get(key.clone()).await?;
        // An item that another proposal made visible does not hide it.
        let Some(mut record) = record.filter(|record| (record.proposal, record.item) == (case.id, item))
        else {
            return Ok(());
        };
        record.is_visible = false;
        self.draft.put(key, &record);
        let text = self.visible_text(collection, object).await?;
        if let Some(shown) = self.shown.get_mut(&(collection, object.id.clone())) {
            shown.retain(|(shown, _)| shown != object);
        }
        self.effects.push(Effect::Hide { collection, text });
        Ok(())
    }

    /// The text of an object that is visible, perhaps since this entry.
    async fn visible_text(&self, collection: Uuid, object: &Item) -> Result<Bytes, StateError<S::Error>> {
        let mut shown = self.shown.get(&(collection, object.id.clone())).into_iter().flatten();
        if let Some((_, text)) = shown.find(|(shown, _)| shown == object) {
            return Ok(text.clone());
        }
        self.draft.text(collection, object).await
    }

    /// All open proposals, because the members changed.
    pub(super) async fn all_open(&self) -> Result<Vec<Consequence>, StateError<S::Error>> {
        let waking = self.draft.scan(keys::waking_until(u64::MAX - 1), usize::MAX).await?;
        let proposal = |key: &[u8]| keys::proposal_of(key).ok_or(StateError::Damaged("a time"));
        waking.iter().map(|(key, _)| proposal(key).map(Consequence::Count)).collect()
    }
}

/// Where an item goes.
enum Next {
    /// Nowhere now, but to its approval at a time, if its gate is met.
    Stay { ready: Option<u64> },
    /// To another phase.
    Go(Phase),
}

/// The votes on an item.
struct Tally {
    approving: BTreeSet<OrganisationId>,
    /// Those that approve or may still do so.
    possible: BTreeSet<OrganisationId>,
    /// Those that have a vote.
    eligible: BTreeSet<OrganisationId>,
    veto: Option<OrganisationId>,
}

/// The gate that an item in some phase must pass.
fn gate_of(rule: &Rule, phase: Phase) -> &Gate {
    match &rule.emergency {
        Some(emergency) if phase == Phase::Provisional => &emergency.gate,
        _ => &rule.gate,
    }
}

fn object_of<E>(case: &Case, item: u32) -> Result<(Uuid, Item), StateError<E>> {
    match &case.subject {
        Subject::Submit(submit) => match submit.items.get(item as usize) {
            Some(object) => Ok((submit.collection, object.clone())),
            None => Err(StateError::Damaged("the items of a proposal")),
        },
        _ => Err(StateError::Damaged("the kind of a proposal")),
    }
}
