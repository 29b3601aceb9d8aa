use super::{Checked, Step, ledger, reader, records, require};
use consensus::Digest;
use consensus::evidence::{Node, TreeHead, prove_consistency};
use futures::executor::block_on;

/// I11: The transparency log only grows: the tree before an entry is a prefix of the tree after it, and no leaf changes.
pub(crate) fn log_grows(step: &Step<'_>) -> Checked {
    let head = |member| ledger(member).map_or_else(TreeHead::empty, |ledger| ledger.tree.head());
    let (was, now) = (head(step.before), head(step.after));
    let read = |node: Node| -> Option<Digest> {
        block_on(reader(step.after).hashes(vec![node])).ok()?.remove(&node)
    };
    let proof = prove_consistency(was.size, now.size, &read).ok_or("I11: a hash of the log is not there")?;
    now.check_consistency(&was, &proof).map_err(|error| format!("I11: {error}"))?;
    let kept = records(step.before, b'e').eq(records(step.after, b'e').take(was.size as usize));
    require(kept, || "I11: a leaf of the log has changed".to_owned())?;
    let count = records(step.after, b'e').count() as u64;
    require(count == now.size, || format!("I11: of {} leaves {count} are there", now.size))
}
