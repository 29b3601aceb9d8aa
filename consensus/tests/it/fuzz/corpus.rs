//! What a network says, as the inputs of the targets.

use crate::bundles::{approved, prove};
use crate::evidence::{checkpoint, log_key, signed, witness_key};
use crate::network::*;
use consensus::evidence::{TileContent, TilePath, write_bundle};
use consensus::statement::{Decision, Vote};
use consensus::{Action, Command, Emergency, Entry, Envelope, Gate, OrganisationId, Policy, Role, SecretKey};

pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "dsse" => envelopes().iter().map(|envelope| envelope.to_json().into_bytes()).collect(),
        "entry" => network().log.iter().map(|entry| entry.encode().to_vec()).collect(),
        "statement" => envelopes().iter().map(|envelope| envelope.payload.to_vec()).collect(),
        "checkpoint" => texts(&notes()),
        "proof" => proofs(),
        "policy" => policies(),
        other => panic!("there is no target {other}"),
    }
}

fn texts(texts: &[String]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.clone().into_bytes()).collect()
}

/// A network in which all has happened that can.
fn network() -> Network {
    let mut network = Network::of(3);
    let objects = [object("indicator--1", "v1", 0, "a"), object("indicator--2", "-", 1, "é\u{0}\"")];
    let mut statement = network.statement(1, &objects);
    (statement.emergency, statement.expires_in_seconds) = (true, Some(3600));
    let id = proposed(network.submit_signed(&statement, &submit_key(1), &objects));
    let some = Vote {
        items: Some(vec![0]),
        reason: "only\none \u{1F600}".to_owned(),
        ..network.ballot(2, id, Decision::Abstain, 0)
    };
    network.cast(&some, &vote_key(2)).unwrap();
    network.withdraw(1, id).unwrap();
    let id = network.submit(2, &[object("indicator--3", "v1", 0, "b")]);
    network.vote(3, id, Decision::Veto);
    let id = network.submit(1, &objects[..1]);
    network.approve(&[2, 3], id);
    network.revoke(1, &objects[0], &vote_key(1)).unwrap();
    let (organisation, old) = (organisation(2), vote_key(2).public().id());
    let key = |seed| new_key(&SecretKey::from_seed(&[seed; 32]), Role::Vote);
    for action in [
        Action::AddOrganisation { new: new_organisation(4) },
        Action::AddKey { organisation, key: key(70) },
        Action::RotateKey { organisation, old, new: key(71) },
        Action::RevokeKey { organisation, key: old, since: 3 },
        Action::RemoveOrganisation { organisation },
        Action::SetCollection { new: definition(COLLECTION) },
        Action::SetPolicy { policy: Policy { version: 2, ..rich_policy() } },
    ] {
        proposed(network.govern(1, action));
    }
    network.send(Command::Tick).unwrap();
    network
}

fn envelopes() -> Vec<Envelope> {
    let commands = network().log.into_iter().map(|Entry { command, .. }| command);
    let envelopes = commands.filter_map(|command| match command {
        Command::Submit { envelope, .. }
        | Command::Revoke(envelope)
        | Command::Govern(envelope)
        | Command::Vote(envelope)
        | Command::Withdraw(envelope)
        | Command::Attest(envelope) => Some(envelope),
        Command::Found { .. } | Command::Tick => None,
    });
    envelopes.collect()
}

/// A policy with all that one may have.
fn rich_policy() -> Policy {
    let mut policy = Policy::standard();
    let gates = vec![Gate::Organisation(organisation(1)), Gate::Members(2), Gate::Submitter];
    let weights = vec![(organisation(1), 2), (organisation(2), 1)];
    let rule = &mut policy.rules[0];
    rule.gate = Gate::KOf { k: 2, of: [gates, vec![Gate::Weight { min: 2, of: weights }]].concat() };
    (rule.veto, rule.veto_hold_seconds) = (vec![organisation(3)], 60);
    rule.emergency =
        Some(Emergency { submitters: vec![organisation(1)], gate: Gate::Majority, seconds: 3600 });
    rule.when.collections = Some(vec![COLLECTION]);
    rule.when.types = Some(vec!["indicator".to_owned()]);
    rule.when.submitters = Some(vec![OrganisationId(COLLECTION)]);
    policy
}

fn policies() -> Vec<Vec<u8>> {
    let mut all = vec![
        serde_json::to_vec(&Policy::standard()).unwrap(),
        serde_json::to_vec(&rich_policy()).unwrap(),
        b"{\"version\":1,\"max_level\":2,\"max_open\":9,\"rules\":[{\"gate\":\"majority\"}]}".to_vec(),
    ];
    let mut text = format!("# a comment\nlog {} https://log.example/\n", log_key(1));
    for seed in 1..=6 {
        text += &format!("witness W{seed} {}\n", witness_key(seed));
    }
    for lines in [
        "group X 2 W1 W2 W3\n\ngroup Y any W4 W5 W6\n\ngroup Z all X Y\nquorum Z\n",
        "quorum none\n",
        "quorum\tW2 \n",
    ] {
        all.push(format!("{text}{lines}").into_bytes());
    }
    all
}

fn notes() -> Vec<String> {
    let (checkpoint, note) = (checkpoint(), signed(1, &[1, 2]));
    vec![
        note.to_string(),
        checkpoint.to_string(),
        format!("{checkpoint}an extension\n"),
        log_key(1).to_string(),
        witness_key(1).to_string(),
        note.signatures()[0].to_string(),
        "ministry/witness".to_owned(),
    ]
}

fn proofs() -> Vec<Vec<u8>> {
    let (network, text) = approved();
    let bundle = prove(&network, &text).unwrap();
    let leaves: Vec<_> = network.member.memory.0.range(b"e".to_vec()..b"f".to_vec()).collect();
    let mut all = vec![serde_json::to_vec(&bundle).unwrap(), bundle.leaf.clone().into_bytes()];
    all.extend(leaves.iter().take(3).map(|(_, leaf)| leaf.to_vec()));
    for path in ["tile/0/x001/x234/067", "tile/0/273.p/112", "tile/entries/000.p/5", "tile/63/000"] {
        all.push(path.as_bytes().to_vec());
    }
    let partial = TilePath { content: TileContent::Entries, index: 7, width: 3 };
    all.push(partial.to_string().into_bytes());
    let entries = write_bundle(leaves.iter().map(|(_, leaf)| &leaf[..])).unwrap();
    all.push([&(leaves.len() as u16).to_be_bytes()[..], &entries].concat());
    let hashes: Vec<u8> = bundle.inclusion.iter().flat_map(|hash| hash.0).collect();
    for (index, size) in [(bundle.leaf_number, 7), (3, 7), (0, 1), (u64::MAX, u64::MAX), (1 << 62, 1 << 63)] {
        all.push([&index.to_be_bytes()[..], &size.to_be_bytes(), &hashes].concat());
    }
    all
}
