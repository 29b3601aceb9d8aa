//! What is forged is refused, with a message that says what is wrong.

use crate::network::*;
use bytes::Bytes;
use consensus::statement::{Decision, Item};
use consensus::{Command, Entry, EntryError, Envelope, KeyRefusal, MAX_ITEMS, Refusal};

fn submission(network: &Network, objects: &[Bytes]) -> Envelope {
    Envelope::sign(&network.statement(1, objects), &submit_key(1))
}

fn send(network: &mut Network, envelope: Envelope, objects: &[Bytes]) -> String {
    let command = Command::Submit { envelope, objects: objects.to_vec(), note: Bytes::new() };
    network.send(command).unwrap_err().to_string()
}

#[test]
fn an_object_that_was_altered_after_it_was_signed_is_refused() {
    let mut network = Network::of(3);
    let objects = [object("indicator--1", "v1", 0, "a")];
    let envelope = submission(&network, &objects);
    let altered = [object("indicator--1", "v1", 0, "b")];
    let message = send(&mut network, envelope.clone(), &altered);
    assert_eq!(message, "object 0 is not the one that was signed: its digest differs");
    assert_eq!(
        send(&mut network, envelope, &[]),
        format!("a submission has 1 to {MAX_ITEMS} objects, not 0")
    );
}

#[test]
fn facts_that_are_not_those_of_the_object_are_refused() {
    let mut network = Network::of(3);
    let objects = [object("indicator--1", "v1", 2, "a")];
    type Change = fn(&mut Item);
    let change: [(Change, &str); 4] = [
        (|item| item.level = 0, "marking level"),
        (|item| item.version = "v2".to_owned(), "version"),
        (|item| item.id = "indicator--2".to_owned(), "id"),
        (|item| item.object_type = "malware".to_owned(), "type"),
    ];
    for (change, what) in change {
        let mut statement = network.statement(1, &objects);
        change(&mut statement.items[0]);
        let message = send(&mut network, Envelope::sign(&statement, &submit_key(1)), &objects);
        assert_eq!(message, format!("object 0 is not the one that was signed: its {what} differs"));
    }
}

#[test]
fn a_statement_with_the_signature_of_another_key_or_another_statement_is_refused() {
    let mut network = Network::of(3);
    let objects = [object("indicator--1", "v1", 0, "a")];
    let statement = network.statement(1, &objects);
    let mut forged = Envelope::sign(&statement, &submit_key(2));
    let unknown = network.submit_signed(&statement, &submit_key(2), &objects);
    let refusal = KeyRefusal::Unknown(submit_key(2).public().id());
    assert_eq!(unknown, Err(Refusal::Key { organisation: organisation(1), refusal }));
    forged.key = submit_key(1).public().id();
    let message = send(&mut network, forged, &objects);
    assert!(message.starts_with("the signature does not match the statement"), "{message}");
    let mut changed = submission(&network, &objects);
    let text =
        String::from_utf8(changed.payload.to_vec()).unwrap().replace("claimed_at\":1", "claimed_at\":2");
    changed.payload = text.into();
    assert!(send(&mut network, changed, &objects).starts_with("the signature does not match the statement"));
}

#[test]
fn a_statement_for_another_network_is_refused() {
    let (mut network, other) = (Network::of(3), Network::of(4));
    let objects = [object("indicator--1", "v1", 0, "a")];
    let message = send(&mut network, submission(&other, &objects), &objects);
    assert_eq!(message, format!("the statement was signed for network {}, which is not this one", other.id));
}

#[test]
fn a_statement_in_another_form_is_refused() {
    let mut network = Network::of(3);
    let objects = [object("indicator--1", "v1", 0, "a")];
    let statement = network.statement(1, &objects);
    let canonical = Envelope::sign(&statement, &submit_key(1));
    for payload in [
        serde_json::to_vec_pretty(&statement).unwrap(),
        serde_json::to_vec(&statement).unwrap(),
        [&canonical.payload[..], b" "].concat(),
    ] {
        let mut envelope = canonical.clone();
        envelope.payload = payload.into();
        let message = send(&mut network, envelope, &objects);
        assert_eq!(message, "the statement is not in canonical form (RFC 8785)");
    }
    let id = network_proposal(&mut network);
    let vote = network.ballot(1, id, Decision::Approve, 0);
    let message = send(&mut network, Envelope::sign(&vote, &vote_key(1)), &objects);
    assert!(message.ends_with("expected is application/vnd.concord.submit.v1+json"), "{message}");
}

fn network_proposal(network: &mut Network) -> consensus::ProposalId {
    network.submit(1, &[object("indicator--9", "v1", 0, "a")])
}

#[test]
fn the_submitter_does_not_vote_on_its_own_objects() {
    let mut network = Network::of(3);
    let id = network_proposal(&mut network);
    network.approve(&[1, 2], id);
    assert_eq!(network.phase(id), consensus::Phase::Open);
}

#[test]
fn an_envelope_survives_json_and_a_broken_one_says_why() {
    let network = Network::of(3);
    let envelope = submission(&network, &[object("indicator--1", "v1", 0, "a")]);
    let json = envelope.to_json();
    assert_eq!(Envelope::from_json(json.as_bytes()).unwrap(), envelope);
    let message = |json: &str| Envelope::from_json(json.as_bytes()).unwrap_err().to_string();
    assert!(message("{}").starts_with("this is no DSSE envelope"));
    let two =
        json.replace("\"signatures\":[", "\"signatures\":[{\"keyid\":\"").replace("[{\"keyid\":\"{", "[{");
    assert_eq!(
        message(&two.replace("}]", "},{\"keyid\":\"KEY\",\"sig\":\"\"}]").replace("KEY", &"0".repeat(64))),
        "an envelope has one signature, not 2"
    );
}

#[test]
fn entries_of_another_protocol_or_with_bytes_behind_them_are_no_entries() {
    let entry = Entry { time: 1, command: Command::Tick };
    let bytes = entry.encode();
    assert_eq!(Entry::decode(&bytes), Ok(entry));
    assert_eq!(Entry::decode(&[&bytes[..], &[0]].concat()), Err(EntryError::Malformed));
    assert_eq!(Entry::decode(&[&[0, 9], &bytes[2..]].concat()), Err(EntryError::Protocol(9)));
    assert_eq!(Entry::decode(&[0]), Err(EntryError::Malformed));
}
