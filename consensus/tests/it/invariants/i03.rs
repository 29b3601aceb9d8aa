use super::{Checked, Step, changed, ledger, records, require};
use consensus::evidence::Leaf;

/// Most microseconds by which an entry moves the time on.
const MAX_STEP: u64 = 600_000_000;

/// I3: Time strictly rises from entry to entry, and what was decided keeps the time of its entry. So the `date_added` that
/// follows from it rises, and never changes.
pub(crate) fn time_rises(step: &Step<'_>) -> Checked {
    let Some(now) = ledger(step.after) else { return Ok(()) };
    let was = ledger(step.before);
    if let Some(was) = &was {
        let does_rise = was.time < now.time && now.time <= was.time + MAX_STEP;
        require(does_rise, || format!("I3: after {} comes {}", was.time, now.time))?;
    }
    let old = was.map_or(0, |was| was.tree.size());
    for (_, bytes) in records(step.after, b'e').skip(usize::try_from(old).unwrap()) {
        let leaf = Leaf::decode(bytes).unwrap();
        let is_now = (leaf.index, leaf.time) == (step.index, now.time);
        require(is_now, || format!("I3: at {} a leaf says {}", now.time, leaf.time))?;
    }
    for proposal in changed(step) {
        let found = (proposal.after.index, proposal.after.time);
        let expected = proposal.before.map_or((step.index, now.time), |before| (before.index, before.time));
        require(found == expected, || {
            format!("I3: {} was made at {expected:?}, not {found:?}", proposal.id)
        })?;
    }
    Ok(())
}
