use super::{Checked, reader, require};
use crate::network::Member;
use consensus::ProposalId;
use futures::executor::block_on;
use std::collections::BTreeMap;

/// I4: A submission that was acknowledged, in some entry, is a proposal on every member that has applied that entry.
pub(crate) fn acknowledged_is_there<'m>(
    acknowledged: &BTreeMap<u64, ProposalId>,
    members: impl IntoIterator<Item = (u64, &'m Member)>,
) -> Checked {
    for (node, member) in members {
        for (index, id) in acknowledged.range(..=member.index) {
            let found = block_on(reader(member).proposal(*id)).unwrap();
            require(found.is_some(), || {
                format!("I4: {id} was acknowledged in entry {index}, and node {node} does not have it")
            })?;
        }
    }
    Ok(())
}
