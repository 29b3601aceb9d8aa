//! Changes of the network by its members.

use crate::network::*;
use consensus::statement::Decision;
use consensus::{Action, Gate, KeyRefusal, Phase, Policy, PolicyError, Reason, Refusal, Role, SecretKey};

#[test]
fn a_majority_takes_in_an_organisation_which_then_votes() {
    let mut network = Network::of(3);
    let early = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    let stranger = network.ballot(4, early, Decision::Approve, 0);
    assert_eq!(network.cast(&stranger, &vote_key(4)), Err(Refusal::NoMember(organisation(4))));
    let phase = network.change(1, &[2], Action::AddOrganisation { new: new_organisation(4) });
    assert_eq!(phase, Phase::Approved);
    network.approve(&[4, 3], early);
    assert_eq!(network.phase(early), Phase::Approved);
}

#[test]
fn votes_of_an_organisation_that_left_count_no_longer_and_it_has_no_vote_on_that() {
    let mut network = Network::of(4);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    network.approve(&[4], id);
    let removal = proposed(network.govern(1, Action::RemoveOrganisation { organisation: organisation(4) }));
    network.vote(4, removal, Decision::Reject);
    network.approve(&[2], removal);
    assert_eq!(network.phase(removal), Phase::Approved, "two of three");
    network.approve(&[2], id);
    assert_eq!(network.phase(id), Phase::Open);
    let back = network.govern(1, Action::AddOrganisation { new: new_organisation(4) });
    assert!(matches!(back, Err(Refusal::Governance(_))), "{back:?}");
    network.approve(&[3], id);
    assert_eq!(network.phase(id), Phase::Approved);
}

#[test]
fn of_two_members_neither_removes_the_other() {
    let mut network = Network::of(2);
    let removal = Action::RemoveOrganisation { organisation: organisation(2) };
    let id = proposed(network.govern(1, removal));
    assert_eq!(network.phase(id), Phase::Open);
    let withdrawal = network.withdraw(1, id);
    assert!(matches!(withdrawal, Err(Refusal::Key { .. })), "the key of a node: {withdrawal:?}");
    network.approve(&[2], id);
    assert_eq!(network.phase(id), Phase::Approved, "it leaves by its own will");
}

#[test]
fn what_cannot_be_met_without_an_organisation_fails_when_it_leaves() {
    let mut network = Network::of(4);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    network.vote(2, id, Decision::Reject);
    assert_eq!(network.phase(id), Phase::Open);
    assert_eq!(
        network.change(1, &[2], Action::RemoveOrganisation { organisation: organisation(4) }),
        Phase::Approved
    );
    assert_eq!(network.phase(id), Phase::Rejected(Reason::Refused));
}

#[test]
fn a_key_that_was_rotated_signs_no_longer_and_its_approvals_stay() {
    let mut network = Network::of(3);
    let id = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    network.approve(&[2, 3], id);
    let fresh = SecretKey::from_seed(&[77; 32]);
    let rotation = Action::RotateKey {
        organisation: organisation(2),
        old: vote_key(2).public().id(),
        new: new_key(&fresh, Role::Vote),
    };
    assert_eq!(network.change(2, &[1], rotation), Phase::Approved);
    assert_eq!(network.phase(id), Phase::Approved);
    let next = network.submit(1, &[object("indicator--2", "v1", 0, "a")]);
    let vote = network.ballot(2, next, Decision::Approve, 0);
    let refused = network.cast(&vote, &vote_key(2));
    assert!(matches!(refused, Err(Refusal::Key { refusal: KeyRefusal::Retired { .. }, .. })), "{refused:?}");
    network.cast(&vote, &fresh).unwrap();
}

#[test]
fn what_a_stolen_key_approved_is_suspended_until_it_is_approved_again() {
    let mut network = Network::of(3);
    let before = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    network.approve(&[2, 3], before);
    let stolen_at = network.member.index + 1;
    let id = network.submit(1, &[object("indicator--2", "v1", 0, "b")]);
    network.approve(&[2, 3], id);
    assert_eq!(network.member.visible().len(), 2);
    let key = vote_key(2).public().id();
    let revoke = Action::RevokeKey { organisation: organisation(2), key, since: stolen_at };
    assert_eq!(network.change(1, &[3], revoke), Phase::Approved);
    assert_eq!(network.phase(id), Phase::Suspended);
    assert_eq!(network.member.visible(), ["indicator--1 v1"]);
    assert_eq!(network.member.waiting.len(), 1);
    let fresh = SecretKey::from_seed(&[77; 32]);
    let key = new_key(&fresh, Role::Vote);
    assert_eq!(
        network.change(1, &[3], Action::AddKey { organisation: organisation(2), key }),
        Phase::Approved
    );
    let vote = network.ballot(2, id, Decision::Approve, 1);
    network.cast(&vote, &fresh).unwrap();
    assert_eq!(network.phase(id), Phase::Approved);
    assert_eq!(network.member.visible().len(), 2);
}

#[test]
fn what_a_stolen_key_submitted_is_suspended_or_refused() {
    let mut network = Network::of(3);
    let seen = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    network.approve(&[2, 3], seen);
    let open = network.submit(1, &[object("indicator--2", "v1", 0, "b")]);
    let key = submit_key(1).public().id();
    let revoke = Action::RevokeKey { organisation: organisation(1), key, since: 2 };
    assert_eq!(network.change(2, &[3], revoke), Phase::Approved);
    assert_eq!(network.phase(seen), Phase::Suspended);
    assert_eq!(network.phase(open), Phase::Rejected(Reason::Void));
    assert!(network.member.visible().is_empty());
    network.wait(73 * 3600);
    assert_eq!(network.phase(seen), Phase::Revoked);
    assert!(network.member.waiting.is_empty());
}

#[test]
fn proposals_keep_the_policy_under_which_they_were_made() {
    let mut network = Network::of(4);
    let before = network.submit(1, &[object("indicator--1", "v1", 0, "a")]);
    let mut policy = Policy { version: 2, ..Policy::standard() };
    policy.rules[1].gate = Gate::Members(3);
    assert_eq!(network.change(1, &[2, 3], Action::SetPolicy { policy: policy.clone() }), Phase::Approved);
    let after = network.submit(1, &[object("indicator--2", "v1", 0, "a")]);
    for id in [before, after] {
        network.approve(&[2, 3], id);
    }
    assert_eq!((network.phase(before), network.phase(after)), (Phase::Approved, Phase::Open));
    let old = network.govern(1, Action::SetPolicy { policy });
    assert_eq!(old, Err(Refusal::Policy(PolicyError::Version { expected: 3, found: 2 })));
}

#[test]
fn of_two_policies_with_one_number_the_second_is_void() {
    let mut network = Network::of(3);
    let policy = Policy { version: 2, ..Policy::standard() };
    let first = proposed(network.govern(1, Action::SetPolicy { policy: policy.clone() }));
    let second = proposed(network.govern(2, Action::SetPolicy { policy }));
    network.approve(&[3], first);
    network.approve(&[3], second);
    assert_eq!(network.phase(first), Phase::Approved);
    assert_eq!(network.phase(second), Phase::Rejected(Reason::Void));
}

#[test]
fn the_key_of_a_node_changes_nothing_of_the_network() {
    let mut network = Network::of(3);
    let id = proposed(network.govern(1, Action::AddOrganisation { new: new_organisation(4) }));
    let vote = network.ballot(2, id, Decision::Approve, 0);
    let refused = network.cast(&vote, &submit_key(2));
    assert!(matches!(refused, Err(Refusal::Key { refusal: KeyRefusal::Role { .. }, .. })), "{refused:?}");
}
