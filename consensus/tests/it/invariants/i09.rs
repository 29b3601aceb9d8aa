use super::{Checked, Step, ledger, require};
use consensus::Digest;

/// I9: The index goes up with each entry, and each entry is applied once: it is the next link of the chain.
pub(crate) fn applied_once(step: &Step<'_>) -> Checked {
    let Some(now) = ledger(step.after) else { return Ok(()) };
    let was = ledger(step.before);
    let before = was.as_ref().map_or(0, |was| was.index);
    require(before < step.index && now.index == step.index, || {
        format!("I9: the ledger goes from {before} to {}", now.index)
    })?;
    let chain = was.map(|was| was.entries).unwrap_or_default();
    let link = Digest::of(&[&chain.0, &step.index.to_be_bytes(), &Digest::of(&[step.bytes]).0]);
    require(now.entries == link, || "I9: the chain of entries has another link".to_owned())
}

/// The same for all runs of a node: what it applies comes after what it has applied, as far as a crash has left it.
#[cfg(feature = "raft")]
pub(crate) fn goes_up(last: Option<u64>, index: u64) -> Checked {
    require(last.is_none_or(|last| last < index), || format!("I9: {index} is applied after {last:?}"))
}
