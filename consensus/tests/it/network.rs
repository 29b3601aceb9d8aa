//! The fixture: organisations with keys, a state in memory, and what readers see of it.

use crate::invariants::{Step, check_step};
use bytes::Bytes;
use consensus::statement::{Decision, Govern, Item, Nonce, Revoke, Statement, Submit, Vote, Withdraw};
use consensus::{
    Action, Applied, ApplyError, CollectionDefinition, Command, Digest, Effect, Entry, Envelope, Founding,
    Inspect, Ledger, NetworkId, NewKey, NewOrganisation, OrganisationId, Outcome, Phase, Policy, Proposal,
    ProposalId, Refusal, Role, Secret, SecretKey, State, apply,
};
use futures::executor::block_on;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ops::Range;
use uuid::Uuid;

pub(crate) const COLLECTION: Uuid = Uuid::from_u128(0xC0);
pub(crate) const SECOND: u64 = 1_000_000;
pub(crate) const START: u64 = 1_800_000_000 * SECOND;

/// Objects of tests are texts as `id version type level rest`.
pub(crate) struct Words;

impl Inspect for Words {
    fn inspect(&self, _: &str, text: &[u8]) -> Result<Item, String> {
        let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
        let mut words = text.splitn(5, ' ');
        let mut next = || words.next().ok_or_else(|| "five words are expected".to_owned());
        let (id, version, object_type, level) = (next()?, next()?, next()?, next()?);
        Ok(Item {
            id: id.to_owned(),
            version: if version == "-" { String::new() } else { version.to_owned() },
            object_type: object_type.to_owned(),
            level: level.parse().map_err(|_| "no level".to_owned())?,
            digest: Digest::of(&[text.as_bytes()]),
        })
    }

    fn check_collection(&self, definition: &str) -> Result<(), String> {
        if definition.is_empty() { Err("it says nothing".to_owned()) } else { Ok(()) }
    }
}

/// An object of some version, level and content.
pub(crate) fn object(id: &str, version: &str, level: u8, content: &str) -> Bytes {
    format!("{id} {version} indicator {level} {content}").into()
}

#[derive(Clone, Default)]
pub(crate) struct Memory(pub(crate) BTreeMap<Vec<u8>, Bytes>, pub(crate) BTreeMap<(Uuid, Item), Bytes>);

impl State for Memory {
    type Error = Infallible;

    async fn get(&self, key: Vec<u8>) -> Result<Option<Bytes>, Infallible> {
        Ok(self.0.get(&key).cloned())
    }

    async fn scan(&self, range: Range<Vec<u8>>, limit: usize) -> Result<Vec<(Vec<u8>, Bytes)>, Infallible> {
        Ok(self.0.range(range).take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    async fn admits(&self, _: Uuid, text: &Bytes, shown: &[Bytes]) -> Result<bool, Infallible> {
        let words = |text: &Bytes| Words.inspect("", text).unwrap();
        let is_last = |text: &Bytes| text.ends_with(b" last");
        let new = words(text);
        let visible = self.1.iter().map(|((_, item), text)| (item.clone(), text));
        let mut others = visible.chain(shown.iter().map(|text| (words(text), text)));
        // After the last version of an object comes no other one.
        Ok(!others.any(|(other, text)| other.id == new.id && other.version < new.version && is_last(text)))
    }

    async fn text(&self, collection: Uuid, item: &Item) -> Result<Option<Bytes>, Infallible> {
        Ok(self.1.get(&(collection, item.clone())).cloned())
    }
}

/// What is one version for reviewers.
pub(crate) fn version_of(collection: Uuid, text: &Bytes) -> (Uuid, String, String) {
    let item = Words.inspect("", text).unwrap();
    let version = if item.version.is_empty() { item.digest.to_string() } else { item.version };
    (collection, item.id, version)
}

/// A member that applies a log.
#[derive(Clone, Default)]
pub(crate) struct Member {
    pub(crate) memory: Memory,
    pub(crate) index: u64,
    /// Objects that await votes, as reviewers see them.
    pub(crate) waiting: BTreeMap<(Uuid, String, String), Bytes>,
    /// Submissions that were taken.
    pub(crate) filed: BTreeSet<ProposalId>,
    pub(crate) collections: BTreeMap<Uuid, String>,
}

impl Member {
    pub(crate) fn apply(&mut self, entry: &Entry) -> Applied {
        self.apply_bytes(&entry.encode())
    }

    pub(crate) fn apply_bytes(&mut self, bytes: &[u8]) -> Applied {
        self.apply_at(self.index + 1, bytes).unwrap()
    }

    pub(crate) fn apply_at(&mut self, index: u64, bytes: &[u8]) -> Result<Applied, ApplyError<Infallible>> {
        let applied = block_on(apply(&self.memory, &Words, index, bytes))?;
        self.index = index;
        for (key, value) in applied.writes.clone() {
            match value {
                Some(value) => self.memory.0.insert(key, value),
                None => self.memory.0.remove(&key),
            };
        }
        for effect in &applied.effects {
            match effect.clone() {
                Effect::Define(new) => drop(self.collections.insert(new.collection, new.definition)),
                Effect::File { proposal, .. } => {
                    assert!(self.filed.insert(proposal), "{proposal} is filed twice")
                }
                Effect::Await { collection, text } => {
                    let before = self.waiting.insert(version_of(collection, &text), text);
                    assert_eq!(before, None, "the version awaits votes already");
                }
                Effect::Settle { collection, text } => {
                    let settled = self.waiting.remove(&version_of(collection, &text));
                    assert_eq!(settled, Some(text), "another text awaited votes");
                }
                Effect::Show { collection, text } => {
                    let item = Words.inspect("", &text).unwrap();
                    let shown = self.memory.1.insert((collection, item.clone()), text);
                    assert_eq!(shown, None, "{item:?} is visible already");
                }
                Effect::Hide { collection, text } => {
                    let item = Words.inspect("", &text).unwrap();
                    let hidden = self.memory.1.remove(&(collection, item));
                    assert_eq!(hidden, Some(text), "it is not visible");
                }
            }
        }
        Ok(applied)
    }

    pub(crate) fn ledger(&self) -> Ledger {
        postcard::from_bytes(&self.memory.0[&b"l"[..]]).unwrap()
    }

    pub(crate) fn proposal(&self, id: ProposalId) -> Proposal {
        postcard::from_bytes(&self.memory.0[&[&b"p"[..], &id.0.0].concat()]).unwrap()
    }

    pub(crate) fn phase(&self, id: ProposalId) -> Phase {
        self.proposal(id).items[0].phase
    }

    /// Identifier and version of what readers see.
    pub(crate) fn visible(&self) -> Vec<String> {
        self.memory.1.keys().map(|(_, item)| format!("{} {}", item.id, item.version)).collect()
    }
}

/// A founded network, with the keys of its organisations.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) member: Member,
    pub(crate) id: NetworkId,
    pub(crate) time: u64,
    pub(crate) log: Vec<Entry>,
}

pub(crate) fn organisation(number: u8) -> OrganisationId {
    OrganisationId(Uuid::from_u128(u128::from(number)))
}

pub(crate) fn submit_key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

pub(crate) fn vote_key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[100 + number; 32])
}

pub(crate) fn new_key(key: &SecretKey, role: Role) -> NewKey {
    NewKey { public: key.public(), role }
}

pub(crate) fn definition(collection: Uuid) -> CollectionDefinition {
    CollectionDefinition { collection, definition: "a collection".to_owned() }
}

pub(crate) fn new_organisation(number: u8) -> NewOrganisation {
    let keys = vec![new_key(&submit_key(number), Role::Submit), new_key(&vote_key(number), Role::Vote)];
    NewOrganisation { id: organisation(number), name: format!("Organisation {number}"), keys, node: None }
}

impl Network {
    /// A network of organisations 1, 2, … with the standard policy.
    pub(crate) fn of(members: u8) -> Self {
        Self::with(members, Policy::standard())
    }

    pub(crate) fn with(members: u8, policy: Policy) -> Self {
        let organisations = (1..=members).map(new_organisation).collect();
        let collections = vec![definition(COLLECTION)];
        let (name, nonce) = ("example.org/test".to_owned(), [members; 16]);
        let founding = Founding { name, organisations, collections, policy, nonce };
        let id = founding.network();
        let mut network = Self { member: Member::default(), id, time: START, log: Vec::new() };
        let secret = Secret([7; 32]);
        assert_eq!(network.send(Command::Found { founding, secret }), Ok(Outcome::Founded(id)));
        network
    }

    /// Applies a command, a second after the last one.
    pub(crate) fn send(&mut self, command: Command) -> Result<Outcome, Refusal> {
        self.time += SECOND;
        let entry = Entry { time: self.time, command };
        self.log.push(entry.clone());
        self.apply_bytes(&entry.encode()).outcome
    }

    /// Applies an entry, and checks all invariants.
    pub(crate) fn apply_bytes(&mut self, bytes: &[u8]) -> Applied {
        let before = self.member.clone();
        let applied = self.member.apply_bytes(bytes);
        let step = Step { before: &before, after: &self.member, index: self.member.index, bytes };
        if let Err(broken) = check_step(&step) {
            panic!("{broken}");
        }
        applied
    }

    /// Lets time go by.
    pub(crate) fn wait(&mut self, seconds: u64) {
        // No entry moves the time on by more than ten minutes.
        for _ in 0..seconds.div_ceil(500) {
            self.time += seconds.min(500) * SECOND;
            self.send(Command::Tick).unwrap();
        }
    }

    pub(crate) fn nonce(&self) -> Nonce {
        Nonce((self.log.len() as u128).to_be_bytes())
    }

    /// What an organisation says when it submits objects.
    pub(crate) fn statement(&self, by: u8, objects: &[Bytes]) -> Submit {
        Submit {
            network: self.id,
            organisation: organisation(by),
            collection: COLLECTION,
            items: objects.iter().map(|text| Words.inspect("", text).unwrap()).collect(),
            nonce: self.nonce(),
            emergency: false,
            expires_in_seconds: None,
            claimed_at: self.time,
        }
    }

    pub(crate) fn submit_signed<S: Statement>(
        &mut self,
        statement: &S,
        key: &SecretKey,
        objects: &[Bytes],
    ) -> Result<Outcome, Refusal> {
        let envelope = Envelope::sign(statement, key);
        self.send(Command::Submit { envelope, objects: objects.to_vec(), note: Bytes::new() })
    }

    pub(crate) fn submit(&mut self, by: u8, objects: &[Bytes]) -> ProposalId {
        let statement = self.statement(by, objects);
        proposed(self.submit_signed(&statement, &submit_key(by), objects))
    }

    pub(crate) fn ballot(&self, by: u8, proposal: ProposalId, decision: Decision, sequence: u32) -> Vote {
        let (network, organisation, items) = (self.id, organisation(by), None);
        Vote {
            network,
            organisation,
            proposal,
            items,
            decision,
            reason: String::new(),
            sequence,
            claimed_at: self.time,
        }
    }

    pub(crate) fn cast(&mut self, vote: &Vote, key: &SecretKey) -> Result<Outcome, Refusal> {
        self.send(Command::Vote(Envelope::sign(vote, key)))
    }

    pub(crate) fn vote(&mut self, by: u8, proposal: ProposalId, decision: Decision) {
        let vote = self.ballot(by, proposal, decision, 0);
        assert_eq!(self.cast(&vote, &vote_key(by)), Ok(Outcome::Voted(proposal)));
    }

    pub(crate) fn approve(&mut self, by: &[u8], proposal: ProposalId) {
        by.iter().for_each(|by| self.vote(*by, proposal, Decision::Approve));
    }

    pub(crate) fn withdraw(&mut self, by: u8, proposal: ProposalId) -> Result<Outcome, Refusal> {
        let withdraw = Withdraw { network: self.id, organisation: organisation(by), proposal };
        self.send(Command::Withdraw(Envelope::sign(&withdraw, &submit_key(by))))
    }

    pub(crate) fn revoke(&mut self, by: u8, text: &Bytes, key: &SecretKey) -> Result<Outcome, Refusal> {
        let Item { id, version, digest, .. } = Words.inspect("", text).unwrap();
        let (network, organisation, nonce) = (self.id, organisation(by), self.nonce());
        let (collection, reason, claimed_at) = (COLLECTION, "wrong".to_owned(), self.time);
        let revoke =
            Revoke { network, organisation, collection, id, version, digest, reason, nonce, claimed_at };
        self.send(Command::Revoke(Envelope::sign(&revoke, key)))
    }

    pub(crate) fn govern(&mut self, by: u8, action: Action) -> Result<Outcome, Refusal> {
        let (network, organisation, nonce) = (self.id, organisation(by), self.nonce());
        let govern =
            Govern { network, organisation, action, nonce, expires_in_seconds: None, claimed_at: self.time };
        self.send(Command::Govern(Envelope::sign(&govern, &vote_key(by))))
    }

    /// Proposes a change of the network, and has others approve it.
    pub(crate) fn change(&mut self, by: u8, approve: &[u8], action: Action) -> Phase {
        let id = proposed(self.govern(by, action));
        self.approve(approve, id);
        self.member.phase(id)
    }

    pub(crate) fn phase(&self, id: ProposalId) -> Phase {
        self.member.phase(id)
    }
}

pub(crate) fn proposed(outcome: Result<Outcome, Refusal>) -> ProposalId {
    match outcome {
        Ok(Outcome::Proposed(id)) => id,
        other => panic!("there is no new proposal: {other:?}"),
    }
}
