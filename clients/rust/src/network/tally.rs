//! Counting votes as every member does.

use super::{Checked, Decision, Operation, Organisation, OrganisationId, Policy, Question, Role, Rule, Said};
use std::collections::BTreeSet;

/// Where the votes on an item stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Members that approve.
    pub approving: BTreeSet<OrganisationId>,
    /// Members that voted otherwise.
    pub against: BTreeSet<OrganisationId>,
    /// Members that have a vote and did not use it.
    pub waiting: BTreeSet<OrganisationId>,
    /// Members that have a vote.
    pub eligible: BTreeSet<OrganisationId>,
}

/// Whether a collection has a version of an object already, which readers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// It has none.
    New,
    /// It has one.
    Revised,
}

impl Checked {
    /// The rule that decides an item: the first one of the policy of the proposal that is for it. Servers do not tell who
    /// submitted an object that is to be taken back; it counts as one of another organisation, because one's own usually
    /// needs no votes.
    pub fn rule<'p>(&self, policy: &'p Policy, item: u32, history: History) -> Option<&'p Rule> {
        let signed = self.items.get(item as usize).and_then(|item| item.item.as_ref());
        let (operation, collection) = match (&self.said, history) {
            (Said::Submit(submit), History::New) => (Operation::New, Some(submit.collection)),
            (Said::Submit(submit), History::Revised) => (Operation::Revise, Some(submit.collection)),
            (Said::Revoke(revoke), _) => (Operation::Revoke, Some(revoke.collection)),
            (Said::Govern(_), _) => (Operation::Govern, None),
        };
        let submitter = self.organisation;
        let question = Question { operation, submitter, collection, item: signed, is_own: false };
        policy.rules.get(policy.rule_for(&question)?)
    }
}

/// Counts the votes on an item under the rule of the policy that decides it.
pub fn tally(proposal: &Checked, item: u32, rule: &Rule, organisations: &[Organisation]) -> Tally {
    let members = organisations.iter().filter(|organisation| organisation.is_member());
    let members: BTreeSet<_> = members.map(|organisation| organisation.id).collect();
    let submitter = proposal.organisation;
    let mut eligible = rule.eligible(&members, submitter);
    if let Said::Govern(govern) = &proposal.said
        && let Some(target) = govern.action.target()
        && eligible.len() > 2
    {
        eligible.remove(&target);
    }
    let (mut approving, mut against) = (BTreeSet::new(), BTreeSet::new());
    for organisation in &eligible {
        match proposal.vote_on(item, *organisation).map(|vote| vote.decision) {
            Some(Decision::Approve) => approving.insert(*organisation),
            Some(_) => against.insert(*organisation),
            // A person who proposes something agrees with it.
            None if proposal.role == Role::Vote && *organisation == submitter => {
                approving.insert(*organisation)
            }
            None => false,
        };
    }
    let waiting = eligible.iter().filter(|id| !approving.contains(id) && !against.contains(id));
    let waiting = waiting.copied().collect();
    Tally { approving, against, waiting, eligible }
}
