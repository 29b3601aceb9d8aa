//! Bytes from anywhere: refused or applied, never a panic, and nothing becomes visible by them.

use crate::network::*;
use bytes::Bytes;
use consensus::statement::{Attest, Decision, Govern, Statement, Submit, Vote};
use consensus::{Action, Command, Entry, Envelope, Policy};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A network in which one vote is missing, and commands that all would go through.
fn prepared() -> (Network, Vec<Bytes>) {
    let mut network = Network::of(3);
    let objects = [object("indicator--1", "v1", 0, "a")];
    let id = network.submit(1, &objects);
    network.approve(&[2], id);
    let time = network.time + SECOND;
    let vote = Envelope::sign(&network.ballot(3, id, Decision::Approve, 0), &vote_key(3));
    let submit = Envelope::sign(&network.statement(2, &objects), &submit_key(2));
    let policy = Policy { version: 2, ..Policy::standard() };
    let govern = Govern {
        network: network.id,
        organisation: organisation(1),
        action: Action::SetPolicy { policy },
        nonce: network.nonce(),
        expires_in_seconds: None,
        claimed_at: time,
    };
    let govern = Envelope::sign(&govern, &vote_key(1));
    let submit = Command::Submit { envelope: submit, objects: objects.to_vec(), note: Bytes::new() };
    let commands = [Command::Vote(vote), submit, Command::Govern(govern)];
    (network, commands.map(|command| Entry { time, command }.encode()).to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn an_entry_of_which_one_byte_was_changed_makes_nothing_visible(
        which in 0..3_usize, at in any::<prop::sample::Index>(), flip in 1..=255_u8,
    ) {
        let (mut network, entries) = prepared();
        let mut bytes = entries[which].to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        // The time of an entry is not signed: the log gives it.
        let same_command = |entry: &Entry| {
            Entry::decode(&entries[which]).is_ok_and(|original| original.command == entry.command)
        };
        if let Ok(entry) = Entry::decode(&bytes)
            && !same_command(&entry)
        {
            let is_request = matches!(&entry.command, Command::Submit { note, .. } if !note.is_empty());
            let before = network.member.visible();
            let outcome = network.apply_bytes(&bytes).outcome;
            prop_assert!(is_request || outcome.is_err() || entry.command == Command::Tick, "{outcome:?}");
            prop_assert_eq!(network.member.visible(), before);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Entry::decode(&bytes);
        let _ = Envelope::from_json(&bytes);
        let _ = Submit::decode(&bytes);
        let _ = Vote::decode(&bytes);
        let _ = Govern::decode(&bytes);
        let _ = Attest::decode(&bytes);
        if let Ok(policy) = serde_json::from_slice::<Policy>(&bytes) {
            let _ = policy.check(&BTreeSet::from([organisation(1)]));
        }
    }
}

#[test]
fn json_as_deep_as_it_may_be_is_no_policy() {
    let depth = 100_000;
    let gate = format!("{}\"majority\"{}", "{\"k_of\":{\"k\":1,\"of\":[".repeat(depth), "]}}".repeat(depth));
    let policy = serde_json::to_string(&Policy::standard()).unwrap().replacen("\"majority\"", &gate, 1);
    assert!(serde_json::from_str::<Policy>(&policy).is_err());
    let envelope = Envelope::from_json(format!("{{\"payload\":{policy}}}").as_bytes());
    assert!(envelope.is_err());
}
