//! Proof bundles: what they prove, and that nothing in them can be changed unseen.

use crate::network::*;
use bytes::Bytes;
use consensus::evidence::{
    Bundle, Checkpoint, Event, Leaf, Member, SignatureType, TreeHead, TrustPolicy, VerifierKey, origin,
};
use consensus::statement::{Decision, Item, Vote};
use consensus::{Action, Inspect, Reader, Role, SecretKey};
use futures::executor::block_on;
use serde_json::{Value, json};

fn log_key() -> SecretKey {
    SecretKey::from_seed(&[50; 32])
}

fn trust(network: &Network) -> TrustPolicy {
    let key = VerifierKey::new(origin(network.id).parse().unwrap(), SignatureType::Note, log_key().public())
        .unwrap();
    TrustPolicy::parse(format!("log {key}\nquorum none\n").as_bytes()).unwrap()
}

pub(crate) fn prove(network: &Network, text: &Bytes) -> Option<Bundle> {
    let item = Words.inspect("", text).unwrap();
    let sign = |head: TreeHead| Checkpoint::new(origin(network.id), head).ok()?.sign(&log_key()).ok();
    let text = std::str::from_utf8(text).unwrap();
    block_on(Reader::new(&network.member.memory).proof(COLLECTION, &item, text, sign)).unwrap()
}

fn read(text: &[u8]) -> Result<Item, String> {
    Words.inspect("", text)
}

fn members(network: &Network) -> Vec<Member> {
    let found = block_on(Reader::new(&network.member.memory).organisations()).unwrap();
    found.into_iter().map(Member::from).collect()
}

/// A network in which an object of two was approved, and others came before and after it.
pub(crate) fn approved() -> (Network, Bytes) {
    let mut network = Network::of(4);
    let text = object("indicator--1", "v1", 0, "a");
    for before in 10..15 {
        let id = network.submit(2, &[object(&format!("indicator--{before}"), "v1", 0, "a")]);
        network.approve(&[1, 3], id);
    }
    let id = network.submit(1, &[text.clone(), object("indicator--2", "v1", 0, "b")]);
    network.vote(4, id, Decision::Reject);
    network.approve(&[2, 3], id);
    let id = network.submit(2, &[object("indicator--3", "v1", 0, "a")]);
    network.approve(&[1, 3], id);
    (network, text)
}

#[test]
fn a_bundle_proves_an_object_that_was_approved() {
    let (network, text) = approved();
    let bundle = prove(&network, &text).unwrap();
    let json = serde_json::to_string(&bundle).unwrap();
    let again = Bundle::from_json(json.as_bytes()).unwrap();
    assert_eq!(again, bundle);
    let proven = again.verify(&trust(&network), Some(&members(&network)), read).unwrap();
    assert_eq!(proven.item.id, "indicator--1");
    let by: Vec<_> = proven.approved_by.iter().map(|(_, name)| &**name).collect();
    assert_eq!(by, ["Organisation 2", "Organisation 3"]);
    assert!(proven.is_submission_shown && proven.are_members_trusted);
    assert!(!bundle.verify(&trust(&network), None, read).unwrap().are_members_trusted);
}

#[test]
fn an_object_that_is_not_visible_has_no_proof() {
    let mut network = Network::of(3);
    let text = object("indicator--1", "v1", 0, "a");
    let id = network.submit(1, std::slice::from_ref(&text));
    assert_eq!(prove(&network, &text), None);
    network.approve(&[2, 3], id);
    assert!(prove(&network, &text).is_some());
    network.revoke(1, &text, &submit_key(1)).unwrap();
    assert_eq!(prove(&network, &text), None);
}

#[test]
fn a_submission_is_shown_where_all_of_it_is_visible() {
    let mut network = Network::of(3);
    let text = object("indicator--1", "v1", 0, "a");
    let id = network.submit(1, &[text.clone(), object("indicator--2", "v1", 0, "secret")]);
    for by in [2, 3] {
        let mut vote = network.ballot(by, id, Decision::Approve, 0);
        vote.items = Some(vec![0]);
        network.cast(&vote, &vote_key(by)).unwrap();
    }
    let bundle = prove(&network, &text).unwrap();
    let json = serde_json::to_string(&bundle).unwrap();
    let nonce = block_on(Reader::new(&network.member.memory).proposal(id)).unwrap().unwrap().envelope;
    assert!(!json.contains(&nonce.to_json()) && bundle.submission.is_none());
    let proven = bundle.verify(&trust(&network), Some(&members(&network)), read).unwrap();
    assert!(!proven.is_submission_shown);
}

/// Each change of a bundle, and a part of the message that it leads to.
fn changes(bundle: &Value) -> Vec<(&'static str, Value, &'static str)> {
    let with = |pointer: &str, value: Value| {
        let mut changed = bundle.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    let mut without_vote = bundle.clone();
    without_vote["votes"].as_array_mut().unwrap().remove(2);
    let mut twice = bundle.clone();
    let vote = twice["votes"][1].clone();
    twice["votes"].as_array_mut().unwrap().push(vote);
    let mut other_member = bundle.clone();
    let key = other_member["organisations"][0]["keys"][1]["public"].clone();
    other_member["organisations"][1]["keys"][1]["public"] = key;
    let (object, other) = ("indicator--1 v1 indicator 0 A", "indicator--1 v2 indicator 0 a");
    vec![
        ("the object", with("/object", json!(object)), "its digest is not that"),
        (
            "the object and the item",
            {
                let mut changed = with("/object", json!(other));
                changed["item"] = serde_json::to_value(read(other.as_bytes()).unwrap()).unwrap();
                changed
            },
            "bound to another object",
        ),
        ("the salt", with("/salt", json!("00".repeat(16))), "bound to another object"),
        ("the number", with("/number", json!(1)), "bound to another object"),
        ("the network", with("/network", json!("00".repeat(32))), "the log is that of another network"),
        ("the collection", with("/collection", bundle["submitter"].clone()), "bound to another object"),
        ("the level", with("/item/level", json!(1)), "bound to another object"),
        ("the policy", with("/policy/rules/1/automatic", json!(true)), "under another policy"),
        (
            "an unknown member of a key",
            {
                let mut changed = bundle.clone();
                changed["organisations"][0]["keys"][0]["x"] = json!(1);
                changed
            },
            "unknown field",
        ),
        (
            "a member that is listed twice",
            {
                let mut changed = bundle.clone();
                let member = changed["organisations"][0].clone();
                changed["organisations"].as_array_mut().unwrap().push(member);
                changed
            },
            "listed twice",
        ),
        (
            "the submitter",
            with("/submitter", bundle["organisations"][1]["id"].clone()),
            "bound to another object",
        ),
        ("the leaf number", with("/leaf_number", json!(1)), "not in the log"),
        ("an inclusion hash", with("/inclusion/0", json!("00".repeat(32))), "not in the log"),
        (
            "the checkpoint",
            with("/checkpoint", json!(bundle["checkpoint"].as_str().unwrap().replace("\n7\n", "\n8\n"))),
            "not trusted",
        ),
        ("a vote that is left out", without_vote, "do not satisfy rule"),
        ("a vote that is repeated", twice, "votes twice"),
        ("the key of an organisation", other_member, "is none of this organisation"),
        ("the rule", with("/rule", json!(0)), "rule 0 of the policy is not for such an object"),
        ("an unknown rule", with("/rule", json!(99)), "rule 99"),
        ("the version of the policy", with("/policy/version", json!(2)), "under another policy"),
        ("the format", with("/format", json!("concord/proof/v9")), "concord/proof/v9"),
    ]
}

#[test]
fn no_part_of_a_bundle_can_be_changed() {
    let (network, text) = approved();
    let bundle = serde_json::to_value(prove(&network, &text).unwrap()).unwrap();
    for (what, changed, message) in changes(&bundle) {
        let read_again = Bundle::from_json(changed.to_string().as_bytes());
        let refused = read_again.and_then(|bundle| bundle.verify(&trust(&network), None, read)).unwrap_err();
        assert!(refused.to_string().contains(message), "{what}: {refused}");
    }
}

#[test]
fn members_that_the_reader_does_not_know_are_refused() {
    let (network, text) = approved();
    let bundle = prove(&network, &text).unwrap();
    let mut known = members(&network);
    known[1].keys[1].public = SecretKey::from_seed(&[99; 32]).public();
    let refused = bundle.verify(&trust(&network), Some(&known), read).unwrap_err();
    assert!(refused.to_string().contains("is none of this organisation"), "{refused}");
    let without = &members(&network)[..2];
    let refused = bundle.verify(&trust(&network), Some(without), read).unwrap_err();
    assert!(refused.to_string().contains("was no member"), "{refused}");
}

#[test]
fn members_count_that_the_reader_knows_and_not_those_of_the_bundle() {
    let (network, text) = approved();
    let mut bundle = prove(&network, &text).unwrap();
    // One vote would be enough, were there one other member only.
    bundle.organisations.truncate(2);
    bundle.votes.retain(|vote| vote.0.read::<Vote>().unwrap().organisation == organisation(2));
    let refused = bundle.verify(&trust(&network), Some(&members(&network)), read).unwrap_err();
    assert!(refused.to_string().contains("do not satisfy rule"), "{refused}");
}

#[test]
fn a_key_that_is_replaced_since_does_not_make_a_proof_void() {
    let mut network = Network::of(3);
    let text = object("indicator--1", "v1", 0, "a");
    let id = network.submit(1, std::slice::from_ref(&text));
    network.vote(2, id, Decision::Approve);
    let new = new_key(&SecretKey::from_seed(&[77; 32]), Role::Submit);
    let old = submit_key(1).public().id();
    network.change(1, &[2], Action::RotateKey { organisation: organisation(1), old, new });
    network.vote(3, id, Decision::Approve);
    let bundle = prove(&network, &text).unwrap();
    bundle.verify(&trust(&network), Some(&members(&network)), read).unwrap();
}

#[test]
fn the_decision_to_take_an_object_back_does_not_approve_it() {
    let (mut network, text) = approved();
    network.revoke(1, &text, &submit_key(1)).unwrap();
    let size = network.member.ledger().tree.size();
    // The last leaf tells of the object, the one before of the revocation.
    let leaf = block_on(Reader::new(&network.member.memory).leaf(size - 2)).unwrap().unwrap();
    assert_eq!(Leaf::decode(&leaf).unwrap().event, Event::Revoke);
    let other = object("indicator--2", "v1", 0, "b");
    let mut bundle = prove(&network, &other).unwrap();
    bundle.leaf = String::from_utf8(leaf.to_vec()).unwrap();
    assert!(bundle.verify(&trust(&network), None, read).is_err());
}

#[test]
fn items_on_which_different_votes_count_are_different_decisions() {
    let mut network = Network::of(3);
    let objects = [object("indicator--1", "v1", 0, "a"), object("indicator--2", "v1", 0, "b")];
    let id = network.submit(1, &objects);
    network.vote(2, id, Decision::Approve);
    let mut only = network.ballot(2, id, Decision::Reject, 1);
    only.items = Some(vec![1]);
    network.cast(&only, &vote_key(2)).unwrap();
    let before = network.member.ledger().tree.size();
    network.vote(3, id, Decision::Approve);
    assert_eq!(network.member.ledger().tree.size(), before + 1, "the other item was refused before");
    let bundle = prove(&network, &objects[0]).unwrap();
    assert_eq!(bundle.verify(&trust(&network), None, read).unwrap().approved_by.len(), 2);
}

#[test]
fn an_envelope_in_which_a_member_is_given_twice_is_refused() {
    let (network, text) = approved();
    let json = serde_json::to_string(&prove(&network, &text).unwrap()).unwrap();
    for member in ["\"payloadType\":\"application/vnd.concord.vote.v1+json\"", "\"payload\":\"e30=\""] {
        let twice = json.replacen("{\"payload\":", &format!("{{{member},\"payload\":"), 1);
        assert_ne!(twice, json);
        let error = Bundle::from_json(twice.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("duplicate field"), "{error}");
    }
}
