//! The life of objects: submitted, approved, expired, superseded, withdrawn, revoked.

use crate::network::*;
use consensus::statement::Decision;
use consensus::{Action, Outcome, Phase, Policy, Reason, Refusal, Role, SecretKey};

#[test]
fn an_object_is_visible_once_two_other_members_approve() {
    let mut network = Network::of(3);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    assert_eq!((network.phase(id), network.member.waiting.len()), (Phase::Open, 1));
    network.approve(&[2], id);
    assert_eq!((network.phase(id), network.member.visible().len()), (Phase::Open, 0));
    network.approve(&[3], id);
    assert_eq!(network.phase(id), Phase::Approved);
    assert_eq!(network.member.visible(), ["indicator--1 v1"]);
    assert!(network.member.waiting.is_empty());
}

#[test]
fn one_other_member_is_enough_where_there_is_no_second() {
    let mut network = Network::of(2);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    network.approve(&[2], id);
    assert_eq!(network.phase(id), Phase::Approved);
}

#[test]
fn a_single_member_approves_its_own_objects_by_the_vote_of_a_person() {
    let mut network = Network::of(1);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    assert_eq!(network.phase(id), Phase::Open);
    network.approve(&[1], id);
    assert_eq!(network.phase(id), Phase::Approved);
}

#[test]
fn votes_may_be_about_single_items() {
    let mut network = Network::of(3);
    let objects = [object("indicator--1", "v1", 0, "a"), object("indicator--2", "v1", 0, "b")];
    let id = network.submit(1, &objects);
    for by in [2, 3] {
        let mut vote = network.ballot(by, id, Decision::Approve, 0);
        vote.items = Some(vec![1]);
        network.cast(&vote, &vote_key(by)).unwrap();
    }
    assert_eq!(network.member.visible(), ["indicator--2 v1"]);
    let phases: Vec<_> = network.member.proposal(id).items.iter().map(|item| item.phase).collect();
    assert_eq!(phases, [Phase::Open, Phase::Approved]);
}

#[test]
fn an_equal_submission_is_the_same_proposal() {
    let mut network = Network::of(3);
    let objects = [object("indicator--1", "v1", 0, "a")];
    let statement = network.statement(1, &objects);
    let id = proposed(network.submit_signed(&statement, &submit_key(1), &objects));
    assert_eq!(network.submit_signed(&statement, &submit_key(1), &objects), Ok(Outcome::Repeated(id)));
}

#[test]
fn an_object_that_is_there_is_approved_and_another_content_of_its_version_refused() {
    let mut network = Network::of(3);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    network.approve(&[2, 3], id);
    let again = network.submit(2, &[object("indicator--1", "v1", 0, "a")]);
    assert_eq!(network.phase(again), Phase::Approved);
    let other = network.submit(2, &[object("indicator--1", "v1", 0, "b")]);
    assert_eq!(network.phase(other), Phase::Rejected(Reason::OtherContent));
    assert_eq!(network.member.visible(), ["indicator--1 v1"]);
}

#[test]
fn of_two_contents_of_a_version_the_first_that_is_approved_stands() {
    let mut network = Network::of(3);
    let first = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    let second = network.submit(2, &[object("indicator--1", "v1", 0, "b")]);
    let same = network.submit(3, &[object("indicator--1", "v1", 0, "a")]);
    network.approve(&[2, 3], first);
    network.approve(&[1, 3], second);
    network.approve(&[1, 2], same);
    assert_eq!(network.phase(second), Phase::Rejected(Reason::OtherContent));
    assert_eq!(network.phase(same), Phase::Approved);
    assert!(network.member.waiting.is_empty());
}

#[test]
fn contents_of_an_object_without_versions_are_versions() {
    let mut network = Network::of(3);
    let id = network.submit(1, &[object("ipv4-addr--1", "-", 0, "a"), object("ipv4-addr--1", "-", 0, "b")]);
    network.approve(&[2, 3], id);
    assert_eq!(network.member.visible().len(), 2);
}

#[test]
fn an_older_version_that_waits_is_superseded() {
    let mut network = Network::of(3);
    let old = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    let new = network.submit(1, &[object("indicator--1", "v2", 0, "b")]);
    let newest = network.submit(1, &[object("indicator--1", "v3", 0, "c")]);
    network.approve(&[2, 3], new);
    assert_eq!(network.phase(old), Phase::Superseded);
    assert_eq!(network.phase(newest), Phase::Open);
}

#[test]
fn a_proposal_expires_and_frees_the_quota_of_its_proposer() {
    let mut network = Network::with(3, Policy { max_open: 1, ..Policy::standard() });
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    let objects = [object("indicator--2", "v1", 0, "a")];
    let statement = network.statement(1, &objects);
    let refused = network.submit_signed(&statement, &submit_key(1), &objects);
    assert_eq!(refused, Err(Refusal::Quota { organisation: organisation(1), open: 1 }));
    network.wait(73 * 3600);
    assert_eq!(network.phase(id), Phase::Expired);
    assert!(network.member.waiting.is_empty());
    proposed(network.submit_signed(&statement, &submit_key(1), &objects));
}

#[test]
fn a_proposal_is_withdrawn_by_its_proposer_only() {
    let mut network = Network::of(3);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    let not_own = Refusal::NotOwn { proposal: id, submitter: organisation(1) };
    assert_eq!(network.withdraw(2, id), Err(not_own));
    assert_eq!(network.withdraw(1, id), Ok(Outcome::Withdrawn(id)));
    assert_eq!(network.phase(id), Phase::Withdrawn);
    assert_eq!(network.withdraw(1, id), Ok(Outcome::Withdrawn(id)));
    let late = network.ballot(2, id, Decision::Approve, 0);
    assert_eq!(network.cast(&late, &vote_key(2)), Err(Refusal::Decided(id)));
}

#[test]
fn the_submitter_takes_back_its_own_object_and_a_majority_that_of_others() {
    let mut network = Network::of(3);
    let texts = [object("indicator--1", "v1", 0, "a"), object("indicator--2", "v1", 0, "a")];
    let id = network.submit(1, &texts);
    network.approve(&[2, 3], id);
    let own = proposed(network.revoke(1, &texts[0], &submit_key(1)));
    assert_eq!(network.phase(own), Phase::Approved);
    assert_eq!(network.member.visible(), ["indicator--2 v1"]);
    assert_eq!(network.phase(id), Phase::Revoked);
    // The key of a node proposes, and does not vote.
    let others = proposed(network.revoke(2, &texts[1], &submit_key(2)));
    network.approve(&[3], others);
    assert_eq!(network.phase(others), Phase::Open);
    network.approve(&[2], others);
    assert_eq!(network.phase(others), Phase::Approved);
    assert!(network.member.visible().is_empty());
    let again = proposed(network.revoke(1, &texts[0], &submit_key(1)));
    assert_eq!(network.phase(again), Phase::Rejected(Reason::NoObject));
    let back = network.submit(1, &texts);
    assert_eq!(network.phase(back), Phase::Rejected(Reason::OtherContent), "what was taken back stays so");
}

#[test]
fn a_level_above_the_policy_is_refused() {
    let mut network = Network::of(3);
    let id = network.submit(1, &[object("indicator--1", "v1", 3, "a"), object("indicator--2", "v1", 4, "a")]);
    let phases = network.member.proposal(id).items;
    assert!(phases.iter().all(|item| item.phase == Phase::Rejected(Reason::Level)));
    assert!(network.member.waiting.is_empty());
}

#[test]
fn what_was_suspended_stays_taken_back_when_the_last_version_is_visible_meanwhile() {
    let mut network = Network::of(3);
    let id = network.submit(1, &[object("indicator--1", "v2", 0, "a")]);
    network.approve(&[2, 3], id);
    let (key, fresh) = (vote_key(2).public().id(), SecretKey::from_seed(&[77; 32]));
    let revoke = Action::RevokeKey { organisation: organisation(2), key, since: 1 };
    assert_eq!(network.change(1, &[3], revoke), Phase::Approved);
    let add = Action::AddKey { organisation: organisation(2), key: new_key(&fresh, Role::Vote) };
    assert_eq!(network.change(1, &[3], add), Phase::Approved);
    assert_eq!(network.phase(id), Phase::Suspended);
    let last = network.submit(1, &[object("indicator--1", "v1", 0, "the last")]);
    network.approve(&[3], last);
    for proposal in [last, id] {
        let vote = network.ballot(2, proposal, Decision::Approve, 1);
        network.cast(&vote, &fresh).unwrap();
    }
    assert_eq!((network.phase(last), network.phase(id)), (Phase::Approved, Phase::Revoked));
    assert_eq!(network.member.visible(), ["indicator--1 v1"]);
    assert!(network.member.waiting.is_empty());
}
