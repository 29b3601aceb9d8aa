//! Votes, and taking proposals back.

use super::case::Case;
use super::submit::check_reason;
use super::{Outcome, Refusal, Stop, Turn};
use crate::envelope::Envelope;
use crate::organisation::{KeyRefusal, Role};
use crate::proposal::{CastVote, Kind, Phase};
use crate::state::{State, keys};
use crate::statement::{Vote, Withdraw};

impl<S: State> Turn<'_, S> {
    pub(super) async fn vote(&mut self, envelope: &Envelope) -> Result<Outcome, Stop<S::Error>> {
        let (vote, _): (Vote, _) = self.authorise(envelope, &[Role::Vote])?;
        check_reason(&vote.reason)?;
        let id = vote.proposal;
        let mut case = self.case(id).await?.ok_or(Refusal::NoProposal(id))?;
        check_items(&case, &vote)?;
        let own = case.proposal.votes.iter().filter(|cast| cast.organisation == vote.organisation);
        if let Some(last) = own.max_by_key(|cast| cast.sequence) {
            if last.statement == envelope.digest() {
                return Ok(Outcome::Voted(id));
            }
            if last.sequence == vote.sequence {
                return Err(Refusal::Equivocation(vote.sequence).into());
            }
            if last.sequence > vote.sequence {
                return Err(Refusal::OldVote { counted: last.sequence, found: vote.sequence }.into());
            }
        }
        let Some(items) = open_items(&case, vote.items) else { return Err(Refusal::Decided(id).into()) };
        case.proposal.make_room(vote.organisation, items.as_deref());
        case.proposal.votes.push(CastVote {
            organisation: vote.organisation,
            key: envelope.key,
            index: self.index,
            decision: vote.decision,
            items,
            sequence: vote.sequence,
            statement: envelope.digest(),
        });
        debug_assert!(
            case.items().all(|item| {
                let own = case.proposal.votes_on(item).filter(|cast| cast.organisation == vote.organisation);
                own.count() <= 1
            }),
            "one vote of an organisation counts on an item"
        );
        self.draft.put(keys::vote(id, vote.organisation, vote.sequence), envelope);
        self.note_key(id, envelope);
        self.settle(case).await?;
        Ok(Outcome::Voted(id))
    }

    pub(super) async fn withdraw(&mut self, envelope: &Envelope) -> Result<Outcome, Stop<S::Error>> {
        let (withdraw, role): (Withdraw, _) = self.authorise(envelope, &[Role::Submit, Role::Vote])?;
        let id = withdraw.proposal;
        let mut case = self.case(id).await?.ok_or(Refusal::NoProposal(id))?;
        let submitter = case.proposal.submitter;
        if submitter != withdraw.organisation {
            return Err(Refusal::NotOwn { proposal: id, submitter }.into());
        }
        if !case.proposal.is_open() {
            let is_withdrawn = case.proposal.items.iter().any(|item| item.phase == Phase::Withdrawn);
            return if is_withdrawn { Ok(Outcome::Withdrawn(id)) } else { Err(Refusal::Decided(id).into()) };
        }
        if case.proposal.kind == Kind::Govern && role != Role::Vote {
            let refusal = KeyRefusal::Role { key: envelope.key, role };
            return Err(Refusal::Key { organisation: submitter, refusal }.into());
        }
        for item in case.items() {
            let to = match case.proposal.items[item as usize].phase {
                Phase::Open => Phase::Withdrawn,
                Phase::Provisional => Phase::RolledBack,
                Phase::Suspended => Phase::Revoked,
                _ => continue,
            };
            self.advance(&mut case, item, to).await?;
        }
        self.put_case(&case);
        Ok(Outcome::Withdrawn(id))
    }
}

/// The items that a vote is about and that are open; no list where that is all of them, nothing where it is none.
fn open_items(case: &Case, named: Option<Vec<u32>>) -> Option<Option<Vec<u32>>> {
    let is_open = |item: &u32| case.proposal.items[*item as usize].phase.is_open();
    if named.is_none() && case.items().all(|item| is_open(&item)) {
        return Some(None);
    }
    let mut items = named.unwrap_or_else(|| case.items().collect());
    items.retain(is_open);
    if items.is_empty() { None } else { Some(Some(items)) }
}

fn check_items(case: &Case, vote: &Vote) -> Result<(), Refusal> {
    let count = case.proposal.items.len();
    let is_right = vote.items.as_ref().is_none_or(|items| {
        let is_known = items.last().is_some_and(|last| (*last as usize) < count);
        is_known && items.is_sorted_by(|one, next| one < next)
    });
    if is_right { Ok(()) } else { Err(Refusal::Items(count)) }
}
