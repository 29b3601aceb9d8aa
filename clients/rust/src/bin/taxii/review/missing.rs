//! What is missing for a decision.

use crate::failure::Failure;
use crate::network::Session;
use crate::network::names::count;
use std::collections::BTreeSet;
use taxii_client::network::{Checked, Gate, History, OrganisationId, Policy, Proposal, Said, Tally, tally};

/// Where an item stands, in words: what its rule asks for, who agrees, and who has not voted.
pub(super) fn missing(
    session: &Session,
    proposal: &Proposal,
    checked: &Checked,
    policy: &Policy,
    item: u32,
    history: History,
) -> Result<String, Failure> {
    let Some(rule) = checked.rule(policy, item, history) else {
        return Ok("no rule of the policy is known for it".to_owned());
    };
    let tally = tally(checked, item, rule, &session.organisations);
    let is_provisional = proposal.items.get(item as usize).is_some_and(|item| item.phase == "provisional");
    let gate = match &rule.emergency {
        Some(emergency) if is_provisional => &emergency.gate,
        _ => &rule.gate,
    };
    let names = |ids: &BTreeSet<OrganisationId>| {
        ids.iter().map(|id| session.name(*id)).collect::<Vec<_>>().join(", ")
    };
    let asked = in_words(gate, session, &tally);
    let mut parts = vec![format!("needs {asked}")];
    if !tally.approving.is_empty() {
        parts.push(format!("for it: {}", names(&tally.approving)));
    }
    if !tally.against.is_empty() {
        parts.push(format!("otherwise: {}", names(&tally.against)));
    }
    if gate.is_met(&tally.approving, &tally.eligible) {
        parts.push("that is met; it waits for vetoes".to_owned());
    } else if !tally.waiting.is_empty() {
        parts.push(format!("not voted: {}", names(&tally.waiting)));
    }
    if !rule.veto.is_empty() {
        parts.push(format!("may forbid it: {}", names(&rule.veto.iter().copied().collect())));
    }
    Ok(parts.join("; "))
}

/// Whether the policy gives an organisation a vote on any item, as far as can be told from outside.
pub(crate) fn has_vote(
    session: &Session,
    checked: &Checked,
    policy: &Policy,
    organisation: OrganisationId,
) -> bool {
    // The rule for a revocation depends on the type and the marking of the object, of which only its members know.
    if matches!(checked.said, Said::Revoke(_)) {
        return true;
    }
    let mut items = 0..u32::try_from(checked.items.len()).unwrap_or(u32::MAX);
    items.any(|item| {
        [History::New, History::Revised].into_iter().any(|history| {
            let rule = checked.rule(policy, item, history);
            rule.is_some_and(|rule| {
                tally(checked, item, rule, &session.organisations).eligible.contains(&organisation)
            })
        })
    })
}

/// What a gate asks for.
fn in_words(gate: &Gate, session: &Session, tally: &Tally) -> String {
    match gate {
        Gate::Organisation(id) => format!("the approval of {}", session.name(*id)),
        Gate::Submitter => "nothing but the proposal itself".to_owned(),
        Gate::Members(k) => {
            let k = usize::try_from(*k).unwrap_or(usize::MAX).min(tally.eligible.len()).max(1);
            format!("the approval of {} of {}", k, count(tally.eligible.len(), "member"))
        }
        Gate::Majority => {
            let votes = tally.eligible.len();
            format!("a majority: {} of {}", votes / 2 + 1, count(votes, "member"))
        }
        Gate::KOf { k, of } => {
            let gates: Vec<_> = of.iter().map(|gate| in_words(gate, session, tally)).collect();
            format!("{k} of: ({})", gates.join("), ("))
        }
        Gate::Weight { min, of } => {
            let weights: Vec<_> =
                of.iter().map(|(id, weight)| format!("{} {weight}", session.name(*id))).collect();
            format!("approvals of the weight {min}, where {}", weights.join(", "))
        }
    }
}
