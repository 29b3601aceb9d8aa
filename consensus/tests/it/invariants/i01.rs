use super::{Checked, organisations, reader, record, records, require};
use crate::network::Member;
use consensus::evidence::Leaf;
use consensus::statement::{Decision, Statement, Vote};
use consensus::{Digest, Envelope, ObjectRecord, Organisation, OrganisationId, Phase, Proposal, Role, Rule};
use futures::executor::block_on;
use std::collections::{BTreeMap, BTreeSet};

/// I1: What is visible has a stored proof: signed votes that satisfy its gate, under the policy that was in force when it was
/// proposed. What was visible before, by the same votes, is not looked at again.
pub(crate) fn visible_is_approved(before: &Member, after: &Member) -> Checked {
    for (collection, item) in after.memory.1.keys() {
        let record = record(after, *collection, item).ok_or_else(|| format!("{item:?} has no record"))?;
        let key = [&b"p"[..], &record.proposal.0.0].concat();
        let was_visible = before.memory.1.contains_key(&(*collection, item.clone()));
        if was_visible && before.memory.0.get(&key) == after.memory.0.get(&key) {
            continue;
        }
        is_approved(after, &record).map_err(|broken| format!("I1: {item:?} is visible, but {broken}"))?;
    }
    Ok(())
}

fn is_approved(member: &Member, record: &ObjectRecord) -> Checked {
    let filed = block_on(reader(member).proposal(record.proposal)).unwrap().ok_or("it has no proposal")?;
    let (proposal, item) = (filed.proposal, record.item);
    let policy = block_on(reader(member).policy(proposal.policy)).unwrap().ok_or("it has no policy")?;
    let rule = policy.rules.get(proposal.items[item as usize].rule as usize).ok_or("it has no rule")?;
    match proposal.items[item as usize].phase {
        Phase::Provisional => {
            let submit = super::submission(member, record.proposal);
            let may = |ids: &[OrganisationId]| submit.emergency && ids.contains(&submit.organisation);
            let is_emergency = rule.emergency.as_ref().is_some_and(|emergency| may(&emergency.submitters));
            require(is_emergency, || "it is no emergency".to_owned())
        }
        Phase::Approved => check_votes(member, record, &proposal, rule),
        other => Err(format!("it is {other:?}")),
    }
}

/// Checks the votes that the leaf names which approved the item; and those that still count, where a key was revoked since.
fn check_votes(member: &Member, record: &ObjectRecord, proposal: &Proposal, rule: &Rule) -> Checked {
    let (leaf, is_ratified) = last_approval(member, record).ok_or("no leaf of the log says so")?;
    require(leaf.policy == proposal.policy, || "it was decided under another policy".to_owned())?;
    let is_automatic = rule.automatic && !is_ratified;
    let gate = match &rule.emergency {
        Some(emergency) if is_ratified => &emergency.gate,
        _ => &rule.gate,
    };
    let is_met = |approving: &BTreeSet<_>, members: &BTreeSet<_>| {
        is_automatic || gate.is_met(approving, &rule.eligible(members, proposal.submitter))
    };
    let organisations = organisations(member);
    let ballots = ballots(member, record);
    let (mut approving, mut voted) = (BTreeSet::new(), BTreeSet::new());
    for counted in &leaf.votes {
        let (envelope, vote) = ballots.get(&counted.statement).ok_or("a vote that counted is not there")?;
        require(voted.insert(vote.organisation), || "an organisation voted twice".to_owned())?;
        let names = vote.items.as_ref().is_none_or(|items| items.contains(&record.item));
        require(names && vote.proposal == record.proposal, || "a vote is about something else".to_owned())?;
        check_signature(&organisations, envelope, vote, counted.index)?;
        if vote.decision == Decision::Approve {
            approving.insert(vote.organisation);
        }
        let is_veto = vote.decision == Decision::Veto && rule.veto.contains(&vote.organisation);
        require(!is_veto, || format!("{} has vetoed it", vote.organisation))?;
    }
    let met = moments(&organisations, leaf.index..=leaf.index).any(|members| is_met(&approving, &members));
    require(met, || format!("{approving:?} do not satisfy its gate"))?;
    let cast: Vec<_> = proposal.votes_on(record.item).collect();
    if leaf.votes.iter().all(|counted| cast.iter().any(|cast| cast.statement == counted.statement)) {
        return Ok(());
    }
    let kept = cast.iter().filter(|cast| cast.decision == Decision::Approve);
    let kept: BTreeSet<_> = kept.map(|cast| cast.organisation).collect();
    let met = moments(&organisations, leaf.index..=member.index).any(|members| is_met(&kept, &members));
    require(met, || format!("{kept:?}, whose votes still count, do not satisfy its gate"))
}

/// The last leaf that approves the item, and whether it ratified it.
fn last_approval(member: &Member, record: &ObjectRecord) -> Option<(Leaf, bool)> {
    let numbers = block_on(reader(member).leaves_about(record.proposal)).unwrap();
    let leaves = numbers.into_iter().rev().map(|number| {
        let bytes = block_on(reader(member).leaf(number)).unwrap().unwrap();
        Leaf::decode(&bytes).unwrap()
    });
    leaves.into_iter().find_map(|leaf| {
        let is_it = |phase| phase == Phase::Approved;
        let decided = leaf.items.iter().find(|decided| decided.item == record.item && is_it(decided.phase));
        let is_ratified = decided?.ratified;
        Some((leaf, is_ratified))
    })
}

/// All votes on the proposal that are stored, by what was signed.
fn ballots(member: &Member, record: &ObjectRecord) -> BTreeMap<Digest, (Envelope, Vote)> {
    let votes = records(member, b'v').filter(|(key, _)| key.starts_with(&record.proposal.0.0));
    let ballot = |(_, value): (&[u8], &[u8])| {
        let envelope: Envelope = super::decode(value);
        let vote = envelope.read().unwrap();
        (envelope.digest(), (envelope, vote))
    };
    votes.map(ballot).collect()
}

fn check_signature(
    organisations: &BTreeMap<OrganisationId, Organisation>,
    envelope: &Envelope,
    vote: &Vote,
    index: u64,
) -> Checked {
    let (_, author) = vote.author();
    let keys = organisations.get(&author).into_iter().flat_map(|one| &one.keys);
    // A key that was revoked later may have signed it.
    let mut keys = keys.filter(|key| key.role == Role::Vote && key.since <= index);
    require(keys.any(|key| envelope.is_signed_by(&key.public)), || {
        format!("{author} has not signed its vote")
    })
}

/// The members that there were in some entries, before and after each of them.
fn moments(
    organisations: &BTreeMap<OrganisationId, Organisation>,
    entries: std::ops::RangeInclusive<u64>,
) -> impl Iterator<Item = BTreeSet<OrganisationId>> {
    let events = organisations.values().flat_map(|one| [Some(one.joined), one.left]).flatten();
    let mut events: BTreeSet<_> = events.filter(|event| entries.contains(event)).collect();
    events.insert(*entries.start());
    events.into_iter().flat_map(move |at| {
        [false, true].map(|is_after| {
            let is_member = |one: &&Organisation| match is_after {
                true => one.joined <= at && one.left.is_none_or(|left| at < left),
                false => one.joined < at && one.left.is_none_or(|left| at <= left),
            };
            organisations.values().filter(is_member).map(|one| one.id).collect()
        })
    })
}
