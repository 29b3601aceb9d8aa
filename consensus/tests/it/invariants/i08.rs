use super::{Checked, organisations, proposals, reader, record, require, submission};
use crate::network::{Member, version_of};
use consensus::{Kind, OrganisationId, Phase};
use futures::executor::block_on;
use std::collections::{BTreeMap, BTreeSet};

/// I8: Each item of a submission either awaits votes, or was visible, or has failed; so the counts of its status add up. What
/// awaits votes has a text that reviewers see, and a time at which it is looked at again.
pub(crate) fn counts_add_up(member: &Member) -> Checked {
    let (mut waiting, mut waking) = (BTreeSet::new(), Vec::new());
    let mut open: BTreeMap<OrganisationId, u32> = BTreeMap::new();
    for (id, proposal) in proposals(member) {
        if proposal.is_open() {
            waking.push(id);
            *open.entry(proposal.submitter).or_default() += 1;
        }
        if proposal.kind != Kind::Submit {
            continue;
        }
        require(member.filed.contains(&id), || format!("I8: submission {id} was taken unseen"))?;
        let submit = submission(member, id);
        for ((number, state), item) in (0..).zip(&proposal.items).zip(&submit.items) {
            let told = |what| move || format!("I8: item {number} of {id} is {:?}, and {what}", state.phase);
            let text = block_on(reader(member).text(id, number)).unwrap();
            let awaits = matches!(state.phase, Phase::Open | Phase::Suspended);
            require(awaits == text.is_some(), told("its text is kept, or it is not"))?;
            waiting.extend(text.map(|text| version_of(submit.collection, &text)));
            let found = record(member, submit.collection, item).filter(|record| record.digest == item.digest);
            let was_visible = found.is_some();
            require(was_visible || !state.phase.is_visible(), told("it was never visible"))?;
            if found.is_some_and(|own| (own.proposal, own.item) == (id, number) && own.is_visible) {
                require(state.phase.is_visible(), told("readers see it"))?;
            }
        }
    }
    let seen: BTreeSet<_> = member.waiting.keys().cloned().collect();
    require(waiting == seen, || format!("I8: reviewers see {seen:?}, and not {waiting:?}"))?;
    let mut noted = block_on(reader(member).open_proposals()).unwrap();
    noted.sort_unstable();
    require(noted == waking, || format!("I8: {noted:?} are woken, and {waking:?} are open"))?;
    for one in organisations(member).values() {
        let found = open.get(&one.id).copied().unwrap_or(0);
        require(found == one.open, || format!("I8: {} has {found} open, not {}", one.id, one.open))?;
    }
    Ok(())
}
