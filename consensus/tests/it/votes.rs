//! Votes: one of each organisation counts, the last one.

use crate::network::*;
use consensus::statement::{Decision, Vote};
use consensus::{Emergency, Gate, Outcome, Phase, Policy, Reason, Refusal};

#[test]
fn a_proposal_is_refused_when_its_gate_can_be_met_no_longer() {
    let mut network = Network::of(3);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    network.vote(2, id, Decision::Reject);
    assert_eq!(network.phase(id), Phase::Rejected(Reason::Refused));
    let mut network = Network::of(4);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    network.vote(2, id, Decision::Abstain);
    assert_eq!(network.phase(id), Phase::Open);
    network.approve(&[3, 4], id);
    assert_eq!(network.phase(id), Phase::Approved);
}

#[test]
fn a_later_vote_takes_the_place_of_the_earlier_one() {
    let mut network = Network::of(4);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    network.vote(2, id, Decision::Approve);
    let second = network.ballot(2, id, Decision::Reject, 1);
    network.cast(&second, &vote_key(2)).unwrap();
    assert_eq!(network.cast(&second, &vote_key(2)), Ok(Outcome::Voted(id)), "the same vote once more");
    let old = network.ballot(2, id, Decision::Approve, 0);
    let refused = Refusal::OldVote { counted: 1, found: 0 };
    assert_eq!(network.cast(&old, &vote_key(2)), Err(refused));
    let other = network.ballot(2, id, Decision::Approve, 1);
    assert_eq!(network.cast(&other, &vote_key(2)), Err(Refusal::Equivocation(1)));
    network.approve(&[3], id);
    assert_eq!(network.phase(id), Phase::Open);
    assert_eq!(network.member.proposal(id).votes.len(), 2);
}

#[test]
fn a_veto_is_that_of_an_organisation_which_has_one() {
    let mut policy = Policy::standard();
    for rule in &mut policy.rules[..2] {
        (rule.veto, rule.veto_hold_seconds) = (vec![organisation(3)], 60);
    }
    let mut network = Network::with(4, policy);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    network.vote(4, id, Decision::Veto);
    network.approve(&[2, 3], id);
    assert_eq!(network.phase(id), Phase::Open, "there is time for a veto");
    network.wait(61);
    assert_eq!(network.phase(id), Phase::Approved);
    let id = network.submit(1, &[object("indicator--2", "v1", 0, "a")]);
    network.approve(&[2, 4], id);
    network.vote(3, id, Decision::Veto);
    assert_eq!(network.phase(id), Phase::Rejected(Reason::Vetoed(organisation(3))));
}

#[test]
fn a_later_vote_leaves_what_made_another_item_visible() {
    let mut network = Network::of(5);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a"), object("indicator--2", "v1", 0, "a")]);
    let cast = |network: &mut Network, by: u8, items: Option<Vec<u32>>, decision, sequence| {
        let vote = Vote { items, ..network.ballot(by, id, decision, sequence) };
        network.cast(&vote, &vote_key(by)).unwrap();
    };
    cast(&mut network, 2, Some(vec![0]), Decision::Approve, 0);
    cast(&mut network, 3, None, Decision::Approve, 0);
    assert_eq!(network.member.visible(), ["indicator--1 v1"]);
    // A vote on all is one on the item that is open.
    cast(&mut network, 2, None, Decision::Abstain, 1);
    cast(&mut network, 3, Some(vec![1]), Decision::Abstain, 1);
    let proposal = network.member.proposal(id);
    let approving = |item| proposal.votes_on(item).filter(|vote| vote.decision == Decision::Approve).count();
    assert_eq!([approving(0), approving(1)], [2, 0]);
    assert_eq!(proposal.items[0].phase, Phase::Approved);
}

#[test]
fn a_vote_names_items_in_their_order() {
    let mut network = Network::of(3);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a"), object("indicator--2", "v1", 0, "a")]);
    for items in [vec![], vec![2], vec![1, 0], vec![0, 0]] {
        let mut vote = network.ballot(2, id, Decision::Approve, 0);
        vote.items = Some(items);
        assert_eq!(network.cast(&vote, &vote_key(2)), Err(Refusal::Items(2)));
    }
}

fn with_emergency() -> Network {
    let mut policy = Policy::standard();
    let emergency = Emergency { submitters: vec![organisation(1)], gate: Gate::Majority, seconds: 3600 };
    policy.rules[1].emergency = Some(emergency);
    Network::with(3, policy)
}

#[test]
fn an_emergency_is_visible_at_once_and_taken_back_unless_ratified() {
    for is_ratified in [false, true] {
        let mut network = with_emergency();
        let objects = [object("indicator--1", "v1", 0, "a")];
        let mut statement = network.statement(1, &objects);
        statement.emergency = true;
        let id = proposed(network.submit_signed(&statement, &submit_key(1), &objects));
        assert_eq!((network.phase(id), network.member.visible().len()), (Phase::Provisional, 1));
        if is_ratified {
            network.approve(&[2, 3], id);
            assert_eq!(network.phase(id), Phase::Approved);
        }
        network.wait(3700);
        let expected = if is_ratified { (Phase::Approved, 1) } else { (Phase::RolledBack, 0) };
        assert_eq!((network.phase(id), network.member.visible().len()), expected);
    }
}

#[test]
fn only_those_whom_the_policy_names_have_emergencies() {
    let mut network = with_emergency();
    let objects = [object("indicator--1", "v1", 0, "a")];
    let mut statement = network.statement(2, &objects);
    statement.emergency = true;
    let id = proposed(network.submit_signed(&statement, &submit_key(2), &objects));
    assert_eq!((network.phase(id), network.member.visible().len()), (Phase::Open, 0));
}
