use super::{Checked, Step, changed, require};
use std::collections::BTreeSet;

/// I6: One vote of an organisation counts on an item; of two with the same number, the first.
pub(crate) fn one_vote_counts(step: &Step<'_>) -> Checked {
    for proposal in changed(step) {
        let (id, after) = (proposal.id, &proposal.after);
        for item in (0..).take(after.items.len()) {
            let mut seen = BTreeSet::new();
            let is_one = after.votes_on(item).all(|vote| seen.insert(vote.organisation));
            require(is_one, || format!("I6: two votes of one organisation count on item {item} of {id}"))?;
        }
        let before = proposal.before.map(|before| before.votes).unwrap_or_default();
        for vote in &after.votes {
            let own = before.iter().filter(|earlier| earlier.organisation == vote.organisation);
            let mut same = own.clone().filter(|earlier| earlier.sequence == vote.sequence);
            let is_first = same.all(|earlier| earlier.statement == vote.statement);
            require(is_first, || format!("I6: of two votes {} on {id} the second counts", vote.sequence))?;
            let is_new = !before.iter().any(|earlier| earlier.statement == vote.statement);
            let is_last = own.clone().all(|earlier| earlier.sequence < vote.sequence);
            require(!is_new || (is_last && vote.index == step.index), || {
                format!("I6: vote {} on {id} takes the place of a later one", vote.sequence)
            })?;
        }
    }
    Ok(())
}
