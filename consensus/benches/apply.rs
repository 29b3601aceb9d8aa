//! How many objects a member applies in a second, in envelopes of 100 that two others approve, against the signatures and
//! digests alone that this cannot do without: `cargo bench -p concord-consensus`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops at the first surprise"
)]
#![expect(clippy::disallowed_types, reason = "a bench takes the time")]

use bytes::Bytes;
use consensus::statement::{Decision, Item, Nonce, Submit, Vote};
use consensus::{
    CollectionDefinition, Command, Digest, Effect, Entry, Envelope, Founding, Inspect, NetworkId, NewKey,
    NewOrganisation, OrganisationId, Policy, ProposalId, Role, Secret, SecretKey, State, apply,
};
use futures::executor::block_on;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Range;
use std::time::Instant;
use uuid::Uuid;

const ENVELOPES: u32 = 200;
const OBJECTS: u32 = 100;
const OBJECT_BYTES: usize = 1500;

/// Objects of the bench: an identifier in 40 bytes, and bytes that do not matter.
struct Plain;

impl Inspect for Plain {
    fn inspect(&self, _: &str, text: &[u8]) -> Result<Item, String> {
        Ok(Item {
            id: String::from_utf8_lossy(&text[..40]).into_owned(),
            version: "2026-01-01T00:00:00.000000Z".to_owned(),
            object_type: "indicator".to_owned(),
            level: 0,
            digest: Digest::of(&[text]),
        })
    }

    fn check_collection(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

#[derive(Default)]
struct Memory(BTreeMap<Vec<u8>, Bytes>);

impl State for Memory {
    type Error = Infallible;

    async fn get(&self, key: Vec<u8>) -> Result<Option<Bytes>, Infallible> {
        Ok(self.0.get(&key).cloned())
    }

    async fn scan(&self, range: Range<Vec<u8>>, limit: usize) -> Result<Vec<(Vec<u8>, Bytes)>, Infallible> {
        Ok(self.0.range(range).take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    async fn admits(&self, _: Uuid, _: &Bytes, _: &[Bytes]) -> Result<bool, Infallible> {
        Ok(true)
    }

    async fn text(&self, _: Uuid, _: &Item) -> Result<Option<Bytes>, Infallible> {
        Ok(None)
    }
}

fn organisation(number: u8) -> OrganisationId {
    OrganisationId(Uuid::from_u128(u128::from(number)))
}

fn key(number: u8, role: Role) -> SecretKey {
    SecretKey::from_seed(&[2 * number + u8::from(role == Role::Vote); 32])
}

fn founding() -> Founding {
    let member = |number| {
        let keys = [Role::Submit, Role::Vote].map(|role| NewKey { public: key(number, role).public(), role });
        NewOrganisation {
            id: organisation(number),
            name: format!("Organisation {number}"),
            keys: keys.to_vec(),
            node: None,
        }
    };
    let organisations = (1..=3).map(member).collect();
    let collections = vec![CollectionDefinition { collection: Uuid::nil(), definition: "bench".to_owned() }];
    let (name, policy) = ("bench".to_owned(), Policy::standard());
    Founding { name, organisations, collections, policy, nonce: [0; 16] }
}

/// An envelope of objects, and the votes of two members.
fn entries(network: NetworkId, number: u32) -> [Bytes; 3] {
    let objects: Vec<_> = (0..OBJECTS)
        .map(|object| {
            let mut text = format!("indicator--{number:012}-{object:016}").into_bytes();
            text.resize(OBJECT_BYTES, b'x');
            Bytes::from(text)
        })
        .collect();
    let submit = Submit {
        network,
        organisation: organisation(1),
        collection: Uuid::nil(),
        items: objects.iter().map(|text| Plain.inspect("", text).unwrap()).collect(),
        nonce: Nonce(u128::from(number).to_be_bytes()),
        emergency: false,
        expires_in_seconds: None,
        claimed_at: 0,
    };
    let envelope = Envelope::sign(&submit, &key(1, Role::Submit));
    let proposal = ProposalId(envelope.digest());
    let vote = |by| {
        let vote = Vote {
            network,
            organisation: organisation(by),
            proposal,
            items: None,
            decision: Decision::Approve,
            reason: String::new(),
            sequence: 0,
            claimed_at: 0,
        };
        Command::Vote(Envelope::sign(&vote, &key(by, Role::Vote)))
    };
    let commands = [Command::Submit { envelope, objects, note: Bytes::new() }, vote(2), vote(3)];
    commands.map(|command| Entry { time: 1_800_000_000_000_000 + u64::from(number), command }.encode())
}

fn main() {
    let founding = founding();
    let network = founding.network();
    let mut log = vec![
        Entry { time: 1_800_000_000_000_000, command: Command::Found { founding, secret: Secret([0; 32]) } }
            .encode(),
    ];
    log.extend((1..=ENVELOPES).flat_map(|number| entries(network, number)));

    let started = Instant::now();
    for bytes in &log[1..] {
        let (envelope, objects) = match Entry::decode(bytes).unwrap().command {
            Command::Submit { envelope, objects, .. } => (envelope, objects),
            Command::Vote(envelope) => (envelope, Vec::new()),
            _ => continue,
        };
        let signers = [key(1, Role::Submit), key(2, Role::Vote), key(3, Role::Vote)];
        assert!(signers.iter().any(|signer| envelope.is_signed_by(&signer.public())));
        assert!(objects.iter().all(|text| Plain.inspect("", text).is_ok()));
    }
    let least = started.elapsed();

    let (mut memory, mut shown) = (Memory::default(), 0);
    let started = Instant::now();
    for (index, bytes) in (1..).zip(&log) {
        let applied = block_on(apply(&memory, &Plain, index, bytes)).unwrap();
        applied.outcome.unwrap();
        shown += applied.effects.iter().filter(|effect| matches!(effect, Effect::Show { .. })).count();
        for (key, value) in applied.writes {
            match value {
                Some(value) => memory.0.insert(key, value),
                None => memory.0.remove(&key),
            };
        }
    }
    let taken = started.elapsed();
    assert_eq!(shown, (ENVELOPES * OBJECTS) as usize);
    println!("{shown} objects: {:.0} in a second", shown as f64 / taken.as_secs_f64());
    println!("ratio to signatures and digests alone: {:.2}", taken.as_secs_f64() / least.as_secs_f64());
}
