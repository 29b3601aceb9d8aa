//! Collections of a network, and what reviewers see of them.

use crate::network::*;
use bytes::Bytes;
use consensus::statement::Decision;
use consensus::{
    Action, CollectionDefinition, Command, Founding, Gate, Operation, Outcome, Phase, Policy, Reason,
    Refusal, Rule, Secret, When,
};
use uuid::Uuid;

const OTHER: Uuid = Uuid::from_u128(0xC1);

#[test]
fn a_collection_is_made_and_changed_by_governance() {
    let mut network = Network::of(3);
    let objects = [object("indicator--1", "v1", 0, "a")];
    let mut statement = network.statement(1, &objects);
    statement.collection = OTHER;
    let submitted = network.submit_signed(&statement, &submit_key(1), &objects);
    assert_eq!(submitted, Err(Refusal::NoCollection(OTHER)));
    assert_eq!(network.change(1, &[2], Action::SetCollection { new: definition(OTHER) }), Phase::Approved);
    proposed(network.submit_signed(&statement, &submit_key(1), &objects));
    let new = CollectionDefinition { collection: OTHER, definition: "another name".to_owned() };
    assert_eq!(network.change(1, &[3], Action::SetCollection { new }), Phase::Approved);
    assert_eq!(network.member.collections[&OTHER], "another name");
    assert_eq!(network.member.collections.len(), 2);
}

#[test]
fn a_definition_that_no_node_can_read_is_refused() {
    let mut network = Network::of(2);
    let new = CollectionDefinition { collection: OTHER, definition: String::new() };
    let refused = network.govern(1, Action::SetCollection { new }).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("the definition of collection {OTHER} cannot be used: it says nothing")
    );
}

#[test]
fn founding_again_is_the_same_founding_or_refused() {
    let mut network = Network::of(2);
    let Command::Found { founding, secret } = network.log[0].command.clone() else { panic!("no founding") };
    let again = network.send(Command::Found { founding: founding.clone(), secret });
    assert_eq!(again, Ok(Outcome::Founded(network.id)));
    let other = Founding { nonce: [9; 16], ..founding };
    assert_eq!(
        network.send(Command::Found { founding: other, secret: Secret([0; 32]) }),
        Err(Refusal::Founding)
    );
}

#[test]
fn of_two_open_items_of_one_version_reviewers_see_one_then_the_other() {
    let mut network = Network::of(3);
    let (one, other) = (object("indicator--1", "v1", 0, "a"), object("indicator--1", "v1", 0, "b"));
    let first = network.submit(1, std::slice::from_ref(&one));
    let second = network.submit(2, std::slice::from_ref(&other));
    let seen = |network: &Network| network.member.waiting.values().cloned().collect::<Vec<Bytes>>();
    assert_eq!(seen(&network), [one]);
    assert_eq!(network.withdraw(1, first), Ok(Outcome::Withdrawn(first)));
    assert_eq!(seen(&network), [other]);
    network.approve(&[1, 3], second);
    assert!(seen(&network).is_empty());
}

#[test]
fn an_object_that_contradicts_what_is_visible_is_refused_when_it_comes_and_when_it_is_decided() {
    let mut network = Network::of(3);
    let last = network.submit(1, &[object("indicator--1", "v1", 0, "the last")]);
    let late = network.submit(1, &[object("indicator--1", "v2", 0, "a")]);
    network.approve(&[2, 3], last);
    network.approve(&[2, 3], late);
    assert_eq!(network.phase(late), Phase::Rejected(Reason::Versions));
    let later = network.submit(2, &[object("indicator--1", "v3", 0, "a")]);
    assert_eq!(network.phase(later), Phase::Rejected(Reason::Versions));
    assert!(network.member.waiting.is_empty());
}

#[test]
fn of_two_objects_of_one_entry_that_contradict_each_other_one_is_visible() {
    let mut network = Network::of(3);
    let objects = [object("indicator--1", "v1", 0, "the last"), object("indicator--1", "v2", 0, "a")];
    let id = network.submit(1, &objects);
    network.approve(&[2, 3], id);
    let phases: Vec<_> = network.member.proposal(id).items.iter().map(|item| item.phase).collect();
    assert_eq!(phases, [Phase::Approved, Phase::Rejected(Reason::Versions)]);
    assert_eq!(network.member.visible(), ["indicator--1 v1"]);
    assert!(network.member.waiting.is_empty());
}

#[test]
fn what_becomes_visible_by_time_may_be_taken_back_in_the_same_entry() {
    let mut policy = Policy::standard();
    let gate = Gate::Members(1);
    let when = When { operations: Some(vec![Operation::New]), ..When::default() };
    let held =
        Rule { veto: vec![organisation(3)], veto_hold_seconds: 300, when, gate, ..policy.rules[1].clone() };
    policy.rules.insert(0, held);
    let mut network = Network::with(3, policy);
    let text = object("indicator--1", "v1", 0, "a");
    let id = network.submit(1, std::slice::from_ref(&text));
    network.vote(2, id, Decision::Approve);
    assert_eq!(network.phase(id), Phase::Open);
    network.time += 400 * SECOND;
    // The hold ends with this entry, before its command.
    proposed(network.revoke(1, &text, &submit_key(1)));
    assert_eq!(network.phase(id), Phase::Revoked);
    assert!(network.member.visible().is_empty());
}
