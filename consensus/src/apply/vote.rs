//! Votes, and taking proposals back.

use super::case::Case;
use super::submit::check_reason;
use super::{Outcome, Refusal, Stop, Turn};
use crate::envelope::Envelope;
use crate::organisation::Role;
use crate::proposal::{CastVote, Phase};
use crate::state::State;
use crate::statement::{Vote, Withdraw};

impl<S: State> Turn<'_, S> {
    pub(super) async fn vote(&mut self, envelope: &Envelope) -> Result<Outcome, Stop<S::Error>> {
        let vote: Vote = self.authorise(envelope, &[Role::Vote])?;
        check_reason(&vote.reason)?;
        let id = vote.proposal;
        let mut case = self.case(id).await?.ok_or(Refusal::NoProposal(id))?;
        check_items(&case, &vote)?;
        let counted = case.proposal.votes.iter().position(|cast| cast.organisation == vote.organisation);
        if let Some(counted) = counted {
            let cast = &case.proposal.votes[counted];
            if cast.statement == envelope.digest() {
                return Ok(Outcome::Voted(id));
            }
            if cast.sequence == vote.sequence {
                return Err(Refusal::Equivocation(vote.sequence).into());
            }
            if cast.sequence > vote.sequence {
                return Err(Refusal::OldVote { counted: cast.sequence, found: vote.sequence }.into());
            }
        }
        if !case.proposal.is_open() {
            return Err(Refusal::Decided(id).into());
        }
        if let Some(counted) = counted {
            case.proposal.votes.remove(counted);
        }
        case.proposal.votes.push(CastVote {
            organisation: vote.organisation,
            key: envelope.key,
            index: self.index,
            decision: vote.decision,
            items: vote.items,
            sequence: vote.sequence,
            statement: envelope.digest(),
        });
        self.note_key(id, envelope);
        self.settle(case).await?;
        Ok(Outcome::Voted(id))
    }

    pub(super) async fn withdraw(&mut self, envelope: &Envelope) -> Result<Outcome, Stop<S::Error>> {
        let withdraw: Withdraw = self.authorise(envelope, &[Role::Submit, Role::Vote])?;
        let id = withdraw.proposal;
        let mut case = self.case(id).await?.ok_or(Refusal::NoProposal(id))?;
        let submitter = case.proposal.submitter;
        if submitter != withdraw.organisation {
            return Err(Refusal::NotOwn { proposal: id, submitter }.into());
        }
        if !case.proposal.is_open() {
            return Err(Refusal::Decided(id).into());
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

fn check_items(case: &Case, vote: &Vote) -> Result<(), Refusal> {
    let count = case.proposal.items.len();
    let is_right = vote.items.as_ref().is_none_or(|items| {
        let is_known = items.last().is_some_and(|last| (*last as usize) < count);
        is_known && items.is_sorted_by(|one, next| one < next)
    });
    if is_right { Ok(()) } else { Err(Refusal::Items(count)) }
}
