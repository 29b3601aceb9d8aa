use super::{Checked, decode, proposals, record, records, require};
use crate::network::Member;
use consensus::ObjectRecord;
use std::collections::BTreeMap;

/// I12: Readers see what is visible, and nothing else: each object has a record that says so, its item is in a phase in which
/// it is visible, and each such record has its object.
pub(crate) fn readers_see_what_is_visible(member: &Member) -> Checked {
    let proposals: BTreeMap<_, _> = proposals(member).collect();
    for (collection, item) in member.memory.1.keys() {
        let told = || format!("I12: readers see {item:?}, which is not visible");
        let record = record(member, *collection, item).ok_or_else(told)?;
        let states = proposals.get(&record.proposal).map(|proposal| &proposal.items);
        let phase = states.and_then(|items| items.get(record.item as usize)).map(|state| state.phase);
        let is_so = phase.is_some_and(consensus::Phase::is_visible);
        require(record.is_visible && record.digest == item.digest && is_so, told)?;
    }
    let visible = records(member, b'x').filter(|(_, value)| decode::<ObjectRecord>(value).is_visible).count();
    let seen = member.memory.1.len();
    require(visible == seen, || format!("I12: {visible} objects are visible, and readers see {seen}"))
}
