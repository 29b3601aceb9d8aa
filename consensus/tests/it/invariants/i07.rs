use super::{Changed, Checked, Step, changed, require};
use consensus::{Kind, Phase};

/// I7: A final phase does not change; what is approved changes by a revocation of it or of a key only. The policy and the rule
/// by which a proposal is decided do not change.
pub(crate) fn ended_stays_ended(step: &Step<'_>) -> Checked {
    let changed = changed(step);
    let is_approved = |kind: Kind| {
        let has_phase = |proposal: &Option<_>| proposal.as_ref().is_some_and(is_all_approved);
        changed
            .iter()
            .any(|one| one.after.kind == kind && is_all_approved(&one.after) && !has_phase(&one.before))
    };
    for Changed { id, before, after } in &changed {
        let Some(before) = before else { continue };
        let pinned = |proposal: &consensus::Proposal| {
            let rules: Vec<_> = proposal.items.iter().map(|item| item.rule).collect();
            (proposal.kind, proposal.submitter, proposal.role, proposal.policy, rules)
        };
        require(pinned(before) == pinned(after), || format!("I7: {id} is another proposal now"))?;
        for (number, (was, now)) in before.items.iter().zip(&after.items).enumerate() {
            let (was, now) = (was.phase, now.phase);
            let told = || format!("I7: item {number} of {id} was {was:?}, and is {now:?}");
            require(was == now || may_reach(was, now), told)?;
            if was == Phase::Approved && now != was {
                let has_cause = is_approved(Kind::Govern) || is_approved(Kind::Revoke);
                require(has_cause, told)?;
            }
        }
    }
    Ok(())
}

fn is_all_approved(proposal: &consensus::Proposal) -> bool {
    proposal.items.iter().all(|item| item.phase == Phase::Approved)
}

/// Whether an item may move from one phase to another one in one entry, in one step or more.
fn may_reach(from: Phase, to: Phase) -> bool {
    let between = [Phase::Approved, Phase::Suspended].into_iter();
    from.may_become(to)
        || between
            .filter(|next| from.may_become(*next))
            .any(|next| next.may_become(to) || (next == Phase::Approved && Phase::Suspended.may_become(to)))
}
