use super::{Checked, require};
use consensus::Ledger;

/// I5: Members that have applied the same entry have the same chains and the same tree.
pub(crate) fn same_ledger(one: Option<&Ledger>, other: Option<&Ledger>) -> Checked {
    let (Some(one), Some(other)) = (one, other) else {
        return require(one == other, || "I5: one member is in a network, another is not".to_owned());
    };
    if one.index != other.index {
        return Ok(());
    }
    let show = |ledger: &Ledger| format!("{} {} {}", ledger.entries, ledger.effects, ledger.tree.head().root);
    require(one == other, || format!("I5: at {}: {} and {}", one.index, show(one), show(other)))
}
