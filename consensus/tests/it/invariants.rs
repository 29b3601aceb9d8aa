//! The invariants of the state machine, each in a file of its own, with its number.
//!
//! Each says what is broken, or nothing. Some compare a member before and after one entry, some look at what a member holds,
//! some at several members.

pub(crate) mod i01;
pub(crate) mod i02;
pub(crate) mod i03;
#[cfg(feature = "raft")]
pub(crate) mod i04;
pub(crate) mod i05;
pub(crate) mod i06;
pub(crate) mod i07;
pub(crate) mod i08;
pub(crate) mod i09;
pub(crate) mod i10;
pub(crate) mod i11;
pub(crate) mod i12;

use crate::network::{Member, Memory};
use consensus::statement::Submit;
use consensus::{Ledger, ObjectRecord, Organisation, OrganisationId, Proposal, ProposalId, Reader};
use futures::executor::block_on;
use std::collections::BTreeMap;

/// What is broken, if anything.
pub(crate) type Checked = Result<(), String>;

/// One entry, and a member before it and after it.
#[derive(Clone, Copy)]
pub(crate) struct Step<'s> {
    pub(crate) before: &'s Member,
    pub(crate) after: &'s Member,
    pub(crate) index: u64,
    pub(crate) bytes: &'s [u8],
}

/// Checks what an entry changed, and what the member holds then.
pub(crate) fn check_step(step: &Step<'_>) -> Checked {
    let checked = || {
        if is_idle(step) {
            return i03::time_rises(step).and_then(|()| i09::applied_once(step));
        }
        i01::visible_is_approved(step.before, step.after)?;
        i02::one_digest(step)?;
        i03::time_rises(step)?;
        i06::one_vote_counts(step)?;
        i07::ended_stays_ended(step)?;
        i08::counts_add_up(step.after)?;
        i09::applied_once(step)?;
        i10::revoked_keys_sign_nothing(step.after)?;
        i11::log_grows(step)?;
        i12::readers_see_what_is_visible(step.after)
    };
    checked().map_err(|broken| format!("entry {}: {broken}", step.index))
}

/// Whether an entry changed nothing but the ledger, so that what held before it holds after it.
fn is_idle(step: &Step<'_>) -> bool {
    fn stored(member: &Member) -> impl Iterator<Item = (&Vec<u8>, &bytes::Bytes)> {
        member.memory.0.iter().filter(|(key, _)| key[..] != *Ledger::KEY)
    }
    let Step { before, after, .. } = step;
    let tree = |member| ledger(member).map(|ledger| (ledger.tree, ledger.policy));
    stored(before).eq(stored(after))
        && before.memory.1 == after.memory.1
        && before.waiting == after.waiting
        && before.filed == after.filed
        && tree(before) == tree(after)
}

/// Checks all that a member holds.
pub(crate) fn check_member(member: &Member) -> Checked {
    i01::visible_is_approved(&Member::default(), member)?;
    i08::counts_add_up(member)?;
    i10::revoked_keys_sign_nothing(member)?;
    i12::readers_see_what_is_visible(member)
}

/// Requires something.
fn require(holds: bool, broken: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(broken()) }
}

fn reader(member: &Member) -> Reader<'_, Memory> {
    Reader::new(&member.memory)
}

/// What the log came to; `None` before the network is founded.
fn ledger(member: &Member) -> Option<Ledger> {
    block_on(reader(member).ledger()).unwrap()
}

fn organisations(member: &Member) -> BTreeMap<OrganisationId, Organisation> {
    let all = block_on(reader(member).organisations()).unwrap();
    all.into_iter().map(|one| (one.id, one)).collect()
}

/// All keys of a kind, without its first byte, and their values.
fn records(member: &Member, kind: u8) -> impl Iterator<Item = (&[u8], &[u8])> {
    let all = member.memory.0.range(vec![kind]..vec![kind + 1]);
    all.map(|(key, value)| (&key[1..], &value[..]))
}

fn decode<T: serde::de::DeserializeOwned>(value: &[u8]) -> T {
    postcard::from_bytes(value).unwrap()
}

fn proposal_id(key: &[u8]) -> ProposalId {
    ProposalId(consensus::Digest(key.try_into().unwrap()))
}

/// All proposals.
fn proposals(member: &Member) -> impl Iterator<Item = (ProposalId, Proposal)> {
    records(member, b'p').map(|(key, value)| (proposal_id(key), decode(value)))
}

/// A proposal that an entry made or changed.
struct Changed {
    id: ProposalId,
    before: Option<Proposal>,
    after: Proposal,
}

fn changed(step: &Step<'_>) -> Vec<Changed> {
    let before: BTreeMap<_, _> = records(step.before, b'p').collect();
    let differs = |(key, value): &(&[u8], &[u8])| before.get(key) != Some(value);
    let changed = records(step.after, b'p').filter(differs).map(|(key, value)| Changed {
        id: proposal_id(key),
        before: before.get(key).map(|value| decode(value)),
        after: decode(value),
    });
    changed.collect()
}

/// What was submitted.
fn submission(member: &Member, id: ProposalId) -> Submit {
    let filed = block_on(reader(member).proposal(id)).unwrap().unwrap();
    filed.envelope.read().unwrap()
}

/// The record of an object.
fn record(
    member: &Member,
    collection: uuid::Uuid,
    item: &consensus::statement::Item,
) -> Option<ObjectRecord> {
    block_on(reader(member).object(collection, item)).unwrap()
}
