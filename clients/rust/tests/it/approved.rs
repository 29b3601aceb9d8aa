//! A network in memory in which an object was approved, and files about it as readers have them.

use crate::members::indicator;
use bytes::Bytes;
use consensus::evidence::{Checkpoint, Note, SignatureType, TreeHead, VerifierKey, origin};
use consensus::statement::{Decision, Item, Nonce, Submit, Vote};
use consensus::{
    CollectionDefinition, Command, Effect, Entry, Envelope, Founding, Inspect, Ledger, NetworkId, NewKey,
    NewOrganisation, OrganisationId, Outcome, Policy, ProposalId, Reader, Role, Secret, SecretKey, State,
    apply,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Range;
use std::path::Path;
use stix_model::Object;
use taxii_client::network::Digest;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const COLLECTION: Uuid = Uuid::from_u128(0xC0);
const SECOND: u64 = 1_000_000;

pub(crate) fn organisation(number: u8) -> OrganisationId {
    OrganisationId(Uuid::from_u128(number.into()))
}

fn submit_key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

pub(crate) fn vote_key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[100 + number; 32])
}

pub(crate) fn log_key() -> SecretKey {
    SecretKey::from_seed(&[50; 32])
}

fn witness_key() -> SecretKey {
    SecretKey::from_seed(&[51; 32])
}

/// A trust policy, with a witness or without.
pub(crate) fn trust(network: NetworkId, with_witness: bool) -> String {
    let key = |name: &str, signature_type, key: SecretKey| {
        VerifierKey::new(name.parse().unwrap(), signature_type, key.public()).unwrap()
    };
    let log = key(&origin(network), SignatureType::Note, log_key());
    let witness = key("ministry/witness", SignatureType::Cosignature, witness_key());
    match with_witness {
        true => format!("log {log}\nwitness ministry {witness}\nquorum ministry\n"),
        false => format!("log {log}\nquorum none\n"),
    }
}

/// A checkpoint of a log, cosigned by the witness.
pub(crate) fn note(origin: &str, head: TreeHead) -> Note {
    let checkpoint = Checkpoint::new(origin.to_owned(), head).unwrap();
    let mut note = checkpoint.sign(&log_key()).unwrap();
    let cosignature =
        checkpoint.cosign("ministry/witness".parse().unwrap(), &witness_key(), 1_800_000_000).unwrap();
    note.add(cosignature).unwrap();
    note
}

/// Objects of STIX. All that are marked have this level, if there is one.
struct Stix {
    level: Option<u8>,
}

impl Inspect for Stix {
    fn inspect(&self, _: &str, text: &[u8]) -> Result<Item, String> {
        let object = Object::parse(std::str::from_utf8(text).unwrap()).map_err(|error| error.to_string())?;
        let header = object.header();
        let marked = header.tlp.map_or(0, |tlp| tlp as u8 - 1);
        Ok(Item {
            id: header.id.as_str().to_owned(),
            version: header.version().unwrap().sort_key().to_owned(),
            object_type: header.id.object_type().to_owned(),
            level: self.level.unwrap_or(marked),
            digest: Digest(header.digest.0),
        })
    }

    fn check_collection(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

#[derive(Default)]
struct Memory {
    values: BTreeMap<Vec<u8>, Bytes>,
    visible: Vec<Bytes>,
}

impl State for Memory {
    type Error = Infallible;

    async fn get(&self, key: Vec<u8>) -> Result<Option<Bytes>, Infallible> {
        Ok(self.values.get(&key).cloned())
    }

    async fn scan(&self, range: Range<Vec<u8>>, limit: usize) -> Result<Vec<(Vec<u8>, Bytes)>, Infallible> {
        let found = self.values.range(range).take(limit);
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    async fn admits(&self, _: Uuid, _: &Bytes, _: &[Bytes]) -> Result<bool, Infallible> {
        Ok(true)
    }

    async fn text(&self, _: Uuid, item: &Item) -> Result<Option<Bytes>, Infallible> {
        let digest = |text: &Bytes| Stix { level: None }.inspect("", text).unwrap().digest;
        Ok(self.visible.iter().find(|text| digest(text) == item.digest).cloned())
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// The log of a network while it grows.
struct Network {
    stix: Stix,
    memory: Memory,
    id: NetworkId,
    index: u64,
}

impl Network {
    fn new(stix: Stix) -> Self {
        let new_key = |key: SecretKey, role| NewKey { public: key.public(), role };
        let member = |number: u8| NewOrganisation {
            id: organisation(number),
            name: format!("Organisation {number}"),
            keys: vec![new_key(submit_key(number), Role::Submit), new_key(vote_key(number), Role::Vote)],
            node: None,
        };
        let founding = Founding {
            name: "example.org/test".to_owned(),
            organisations: (1..=3).map(member).collect(),
            collections: vec![CollectionDefinition { collection: COLLECTION, definition: "{}".to_owned() }],
            policy: Policy::standard(),
            nonce: [3; 16],
        };
        let id = founding.network();
        let mut network = Self { stix, memory: Memory::default(), id, index: 0 };
        network.send(Command::Found { founding, secret: Secret([7; 32]) });
        network
    }

    fn send(&mut self, command: Command) -> Outcome {
        self.index += 1;
        let entry = Entry { time: (1_800_000_000 + self.index) * SECOND, command };
        let applied = block_on(apply(&self.memory, &self.stix, self.index, &entry.encode())).unwrap();
        for (key, value) in applied.writes {
            match value {
                Some(value) => drop(self.memory.values.insert(key, value)),
                None => drop(self.memory.values.remove(&key)),
            }
        }
        for effect in applied.effects {
            if let Effect::Show { text, .. } = effect {
                self.memory.visible.push(text);
            }
        }
        applied.outcome.unwrap()
    }

    fn submit(&mut self, texts: &[String]) -> ProposalId {
        let objects: Vec<Bytes> = texts.iter().map(|text| Bytes::from(text.clone())).collect();
        let submit = Submit {
            network: self.id,
            organisation: organisation(1),
            collection: COLLECTION,
            items: objects.iter().map(|text| self.stix.inspect("", text).unwrap()).collect(),
            nonce: Nonce([self.index as u8; 16]),
            emergency: false,
            expires_in_seconds: None,
            claimed_at: 0,
        };
        let envelope = Envelope::sign(&submit, &submit_key(1));
        match self.send(Command::Submit { envelope, objects, note: Bytes::new() }) {
            Outcome::Proposed(id) => id,
            other => panic!("there is no new proposal: {other:?}"),
        }
    }

    fn approve(&mut self, proposal: ProposalId, items: Option<Vec<u32>>) {
        for by in [2, 3] {
            let vote = Vote {
                network: self.id,
                organisation: organisation(by),
                proposal,
                items: items.clone(),
                decision: Decision::Approve,
                reason: String::new(),
                sequence: 0,
                claimed_at: 0,
            };
            self.send(Command::Vote(Envelope::sign(&vote, &vote_key(by))));
        }
    }

    fn bundle(&self, text: &str) -> String {
        let item = self.stix.inspect("", text.as_bytes()).unwrap();
        let sign = |head: TreeHead| Some(note(&origin(self.id), head));
        let proof = block_on(Reader::new(&self.memory).proof(COLLECTION, &item, text, sign));
        serde_json::to_string(&proof.unwrap().unwrap()).unwrap()
    }

    fn head(&self) -> TreeHead {
        block_on(Reader::new(&self.memory).ledger())
            .unwrap()
            .map(|ledger: Ledger| ledger.tree.head())
            .unwrap()
    }

    /// The organisations as a server shows them.
    fn members(&self) -> String {
        let found = block_on(Reader::new(&self.memory).organisations()).unwrap();
        let rows = found.iter().map(|found| {
            let keys = found.keys.iter().map(|key| {
                json!({"id": key.public.id(), "public": key.public, "role": key.role, "since": key.since,
                       "until": key.until})
            });
            json!({"id": found.id, "name": found.name, "joined": found.joined, "left": found.left,
                   "open_proposals": found.open, "keys": keys.collect::<Vec<_>>()})
        });
        json!(rows.collect::<Vec<_>>()).to_string()
    }
}

/// A proof, and a folder with `trust.txt`, `members.json`, `old.note` and `new.note`.
pub(crate) struct Approved {
    pub(crate) bundle: String,
    pub(crate) network: NetworkId,
    folder: TempDir,
}

impl Approved {
    pub(crate) fn new() -> Self {
        Self::of(Stix { level: None }, &[green(1)], None)
    }

    /// Members who took all objects for ones of some level.
    pub(crate) fn with_level(level: u8) -> Self {
        Self::of(Stix { level: Some(level) }, &[green(1)], None)
    }

    /// The first object was approved, and the other one of its proposal awaits votes.
    pub(crate) fn of_one_of_two() -> Self {
        Self::of(Stix { level: None }, &[green(1), green(3)], Some(vec![0]))
    }

    fn of(stix: Stix, texts: &[String], items: Option<Vec<u32>>) -> Self {
        let mut network = Network::new(stix);
        let old = network.head();
        let proposal = network.submit(texts);
        network.approve(proposal, items);
        let other = network.submit(&[green(2)]);
        network.approve(other, None);
        let folder = tempfile::tempdir().unwrap();
        let bundle = network.bundle(&texts[0]);
        let made = Self { bundle, network: network.id, folder };
        let origin = origin(network.id);
        for (name, content) in [
            ("proof.json", made.bundle.clone()),
            ("trust.txt", trust(network.id, true)),
            ("members.json", network.members()),
            ("old.note", note(&origin, old).to_string()),
            ("new.note", note(&origin, network.head()).to_string()),
        ] {
            std::fs::write(made.path().join(name), content).unwrap();
        }
        made
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }
}

fn green(number: u8) -> String {
    let marking = r#""object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"], "#;
    indicator(number, "198.51.100.7").replace("benign", "malicious").replacen(
        r#""name""#,
        &format!("{marking}\"name\""),
        1,
    )
}
