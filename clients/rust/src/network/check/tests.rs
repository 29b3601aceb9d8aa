//! What a server that lies is told.

use super::*;
use crate::network::{Key, Nonce, SecretKey, Withdraw};
use serde_json::{Value, json};
use uuid::Uuid;

const NETWORK: NetworkId = NetworkId(Digest([5; 32]));

fn organisation(number: u8) -> OrganisationId {
    OrganisationId(Uuid::from_u128(number.into()))
}

fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

fn members() -> Vec<Organisation> {
    let key = |number, role| Key { public: key(number).public(), role, since: 1, until: None };
    let member = |number| Organisation {
        id: organisation(number),
        name: format!("Organisation {number}"),
        left: None,
        keys: vec![key(number, Role::Vote), key(number + 100, Role::Submit)],
    };
    [1, 2, 3].map(member).to_vec()
}

fn text(name: &str) -> String {
    format!(
        r#"{{ "type": "tool", "spec_version": "2.1", "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "created": "2020-01-01T00:00:00.000Z", "modified": "2020-01-01T00:00:00.000Z", "name": "{name}",
            "object_marking_refs": ["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"] }}"#
    )
}

fn item(text: &str) -> Item {
    let object = Object::parse(text).unwrap();
    let header = object.header();
    Item {
        id: header.id.as_str().to_owned(),
        version: header.version().unwrap().sort_key().to_owned(),
        object_type: "tool".to_owned(),
        level: 1,
        digest: Digest(header.digest.0),
    }
}

fn submit(items: Vec<Item>) -> Submit {
    Submit {
        network: NETWORK,
        organisation: organisation(1),
        collection: Uuid::from_u128(9),
        items,
        nonce: Nonce([0; 16]),
        emergency: false,
        expires_in_seconds: None,
        claimed_at: 0,
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

/// A proposal of the first organisation, as an honest server shows it.
fn shown(submit: &Submit, texts: &[String]) -> Proposal {
    let envelope = Envelope::sign(submit, &key(101));
    let items = (0_u32..).zip(texts).map(|(number, text)| {
        let object: Box<RawValue> = RawValue::from_string(text.clone()).unwrap();
        json!({"item": number, "phase": "open", "object": object})
    });
    let json = json!({
        "id": ProposalId(envelope.digest()), "kind": "submit", "organisation": submit.organisation,
        "collection": submit.collection, "index": 7, "time": "2026-01-01T00:00:00Z", "policy": 1, "is_open": true,
        "items": items.collect::<Vec<_>>(), "votes": [],
    });
    let mut value = json;
    value["envelope"] = serde_json::from_str(&envelope.to_json()).unwrap();
    serde_json::from_str(&value.to_string()).unwrap()
}

fn honest() -> Proposal {
    shown(&submit(vec![item(&text("a")), item(&text("b"))]), &[text("a"), text("b")])
}

fn refused(proposal: &Proposal) -> String {
    check(proposal, NETWORK, &members()).unwrap_err().to_string()
}

#[test]
fn what_an_honest_server_shows_can_be_voted_on() {
    let checked = check(&honest(), NETWORK, &members()).unwrap();
    assert_eq!((checked.organisation, checked.role), (organisation(1), Role::Submit));
    let ballot = Ballot { decision: Decision::Approve, items: Some(vec![1, 0, 1]), reason: String::new() };
    let vote = checked.vote(organisation(2), ballot, 12).unwrap();
    assert_eq!((vote.proposal, vote.network, vote.sequence), (checked.id, NETWORK, 0));
    assert_eq!((vote.items, vote.claimed_at), (Some(vec![0, 1]), 12));
}

#[test]
fn another_object_is_refused() {
    let mut proposal = honest();
    proposal.items[1].object = Some(RawValue::from_string(text("c")).unwrap());
    let (signed, found) = (item(&text("b")).digest, item(&text("c")).digest);
    assert_eq!(
        refused(&proposal),
        format!("item 1: the object has the digest {found}, and the proposer signed {signed}")
    );
    // White space and the order of members are no part of what is signed.
    proposal.items[1].object = Some(RawValue::from_string(text("b").replace(' ', "\n  ")).unwrap());
    assert!(check(&proposal, NETWORK, &members()).is_ok());
    let twice = text("b").replace("{ ", r#"{ "name": "c", "#);
    proposal.items[1].object = Some(RawValue::from_string(twice).unwrap());
    assert!(refused(&proposal).starts_with("item 1: the object cannot be read: "), "{}", refused(&proposal));
}

#[test]
fn facts_that_are_not_those_of_the_object_are_refused() {
    let with = |change: fn(&mut Item)| {
        let mut item = item(&text("a"));
        change(&mut item);
        refused(&shown(&submit(vec![item]), &[text("a")]))
    };
    assert_eq!(with(|item| item.level = 0), "item 0, the marking level: the server says 1, and 0 was signed");
    let said = with(|item| item.version = "2021-01-01T00:00:00".into());
    assert!(
        said.starts_with("item 0, the version: the server says 2020-01-01T00:00:00, and 2021-01"),
        "{said}"
    );
    let said = with(|item| item.id = "tool--00000000-17d4-4cbf-938f-98ee46b3cd3f".into());
    assert!(said.starts_with("item 0, the identifier: "), "{said}");
    assert!(with(|item| item.object_type = "malware".into()).starts_with("item 0, the type: "));
}

#[test]
fn another_envelope_is_refused() {
    let mut proposal = honest();
    let other = submit(vec![item(&text("b")), item(&text("a"))]);
    let envelope = Envelope::sign(&other, &key(101));
    proposal.envelope = RawValue::from_string(envelope.to_json()).unwrap();
    let (named, found) = (proposal.id, envelope.digest());
    assert_eq!(
        refused(&proposal),
        format!("the envelope is not that of proposal {named}: what was signed is proposal {found}")
    );
    proposal.envelope = raw(&json!({"payload": "", "payloadType": "x", "signatures": []}));
    assert_eq!(
        refused(&proposal),
        "what the proposer signed cannot be read: an envelope has one signature, not 0"
    );
    let withdraw = Withdraw { network: NETWORK, organisation: organisation(1), proposal: proposal.id };
    let envelope = Envelope::sign(&withdraw, &key(101));
    proposal.id = ProposalId(envelope.digest());
    proposal.envelope = RawValue::from_string(envelope.to_json()).unwrap();
    assert!(refused(&proposal).starts_with("what the proposer signed cannot be read: the statement is a "));
}

#[test]
fn a_proposal_of_another_network_is_refused() {
    let elsewhere = NetworkId(Digest([6; 32]));
    let error = check(&honest(), elsewhere, &members()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the proposal was signed for network {NETWORK}, and this is network {elsewhere}")
    );
}

#[test]
fn a_forged_signature_is_refused() {
    let submit = submit(vec![item(&text("a"))]);
    let mut proposal = shown(&submit, &[text("a")]);
    let forged = Envelope::sign(&submit, &key(9));
    proposal.envelope = RawValue::from_string(forged.to_json()).unwrap();
    let expected = format!(
        "the proposal says that it is of {}, and is signed by no key of that organisation",
        organisation(1)
    );
    assert_eq!(refused(&proposal), expected);
    let forged = Envelope { key: key(101).public().id(), ..forged };
    proposal.envelope = RawValue::from_string(forged.to_json()).unwrap();
    assert_eq!(refused(&proposal), expected);
}

#[test]
fn other_words_of_the_server_are_refused() {
    let proposal = Proposal { organisation: organisation(2), ..honest() };
    assert!(refused(&proposal).starts_with("the proposer: the server says 00000000-"));
    let proposal = Proposal { collection: None, ..honest() };
    assert!(refused(&proposal).starts_with("the collection: the server says none, and "));
    let mut proposal = honest();
    proposal.items.pop();
    assert_eq!(refused(&proposal), "the number of items: the server says 1, and 2 was signed");
}

fn cast(proposal: &Proposal, by: u8, decision: Decision, sequence: u32) -> Value {
    let vote = Vote {
        network: NETWORK,
        organisation: organisation(by),
        proposal: proposal.id,
        items: None,
        decision,
        reason: "because".into(),
        sequence,
        claimed_at: 0,
    };
    let envelope: Value = serde_json::from_str(&Envelope::sign(&vote, &key(by)).to_json()).unwrap();
    json!({"organisation": vote.organisation, "decision": decision, "sequence": sequence, "reason": "because",
           "envelope": envelope})
}

fn with_votes(votes: &[Value]) -> Proposal {
    let mut proposal = honest();
    proposal.votes = serde_json::from_str(&json!(votes).to_string()).unwrap();
    proposal
}

#[test]
fn a_vote_counts_on_from_earlier_ones() {
    let proposal = honest();
    let votes = [cast(&proposal, 2, Decision::Reject, 3), cast(&proposal, 3, Decision::Approve, 0)];
    let checked = check(&with_votes(&votes), NETWORK, &members()).unwrap();
    let sequence = |by| checked.next_sequence(organisation(by));
    assert_eq!([sequence(1), sequence(2), sequence(3)], [0, 4, 1]);
}

#[test]
fn a_vote_that_was_not_cast_is_refused() {
    let proposal = honest();
    let mut turned = cast(&proposal, 2, Decision::Reject, 0);
    turned["decision"] = json!("approve");
    let mut reason = cast(&proposal, 2, Decision::Reject, 0);
    reason["reason"] = json!("another");
    let mut by_other = cast(&proposal, 2, Decision::Approve, 0);
    by_other["organisation"] = json!(organisation(3));
    for (vote, by) in [(turned, 2), (reason, 2), (by_other, 3)] {
        let expected = format!("the vote of {} is not what that organisation signed", organisation(by));
        assert_eq!(refused(&with_votes(&[vote])), expected);
    }
}

#[test]
fn nothing_is_signed_about_what_is_unseen_or_decided() {
    let ballot =
        |items: Option<Vec<u32>>| Ballot { decision: Decision::Approve, items, reason: String::new() };
    let said = |proposal: &Proposal, ballot: Ballot| {
        let checked = check(proposal, NETWORK, &members()).unwrap();
        checked.vote(organisation(2), ballot, 0).unwrap_err().to_string()
    };
    let mut proposal = honest();
    assert_eq!(said(&proposal, ballot(Some(vec![2]))), "the proposal has no item 2; they are counted from 0");
    let long = Ballot { reason: "x".repeat(2001), ..ballot(None) };
    assert_eq!(said(&proposal, long), "the reason has 2001 bytes; 2000 are the most");
    proposal.items[1].object = None;
    assert_eq!(
        said(&proposal, ballot(None)),
        "item 1: the server does not show the object, so nothing is signed about it"
    );
    let checked = check(&proposal, NETWORK, &members()).unwrap();
    assert!(checked.vote(organisation(2), ballot(Some(vec![0])), 0).is_ok());
    proposal.items.iter_mut().for_each(|item| item.phase = "approved".into());
    assert_eq!(said(&proposal, ballot(None)), "nothing of this proposal awaits votes any more");
}
