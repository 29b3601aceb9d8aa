//! The log of a network, drawn from a seed, and what it comes to where nothing goes wrong.

use super::super::networks::{COLLECTION, definition, founding, key, organisation};
use super::super::nodes::{Log, Member, position};
use super::super::{NOW, replay};
use super::seen::Seen;
use crate::clock::timestamp;
use crate::store::Store;
use crate::store::memory::MemoryEngine;
use crate::store::network::{Note, item_of, read_object};
use crate::store::status::Builder;
use bytes::Bytes;
use consensus::order::Machine;
use consensus::statement::{Decision, Govern, Item, Nonce, Revoke, Statement, Submit, Vote, Withdraw};
use consensus::{
    Action, CollectionDefinition, Command, Emergency, Envelope, Founding, Gate, Ledger, NetworkId, NewKey,
    NewOrganisation, Outcome, Policy, ProposalId, Reader, Refusal, Role,
};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use stix_model::Tlp;
use uuid::Uuid;

/// A collection that organisations may agree on later.
pub(super) const OTHER: Uuid = Uuid::from_u128(0xC1);
/// Organisations: three from the beginning, and one that may join.
const MEMBERS: u64 = 4;
/// Most microseconds by which an entry moves the time on.
const STEP: u64 = 600_000_000;

/// The state after an entry.
pub(super) struct Moment {
    pub(super) index: u64,
    pub(super) answer: Result<Outcome, Refusal>,
    pub(super) ledger: Option<Ledger>,
    pub(super) engine: MemoryEngine,
}

/// A log, and what a store comes to that applies one entry after the other.
pub(super) struct Course {
    pub(super) log: Log,
    pub(super) moments: Vec<Moment>,
    /// Requests that made proposals.
    pub(super) requests: Vec<Uuid>,
    seen: tokio::sync::Mutex<BTreeMap<u64, Arc<Seen>>>,
}

impl Course {
    pub(super) async fn draw(seed: u64, length: usize) -> Self {
        let policy = with_emergencies(Policy::standard());
        let log = Log::of(Founding { policy, ..founding("example.org/simulation") });
        let engine = Arc::new(MemoryEngine::default());
        let member = Member::enter(Arc::clone(&engine) as _, &log).await;
        let mut author = Author::new(log.founding.network(), seed);
        let mut course = Self { log, moments: Vec::new(), requests: Vec::new(), seen: Default::default() };
        course.follow(&member, &engine).await.unwrap();
        while course.moments.len() < length {
            let pause = author.pause();
            course.log.time += pause;
            let command = author.command(course.moments.len() as u64);
            course.log.add(command);
            let outcome = course.follow(&member, &engine).await;
            author.hear(outcome);
        }
        course.requests = author.requests;
        member.store.close().await;
        course
    }

    /// Applies the last entry.
    async fn follow(&mut self, member: &Member, engine: &MemoryEngine) -> Result<Outcome, Refusal> {
        let last = self.log.entries.last().unwrap();
        let answers = member.machine.apply(vec![last.clone()], position(last.0)).await;
        let answer = answers.unwrap().pop().unwrap();
        let view = member.store.network().await.unwrap();
        let ledger = Reader::new(&view).ledger().await.unwrap();
        self.moments.push(Moment { index: last.0, answer: answer.clone(), ledger, engine: engine.fork() });
        answer
    }

    pub(super) fn last(&self) -> u64 {
        self.moments.last().unwrap().index
    }

    /// The place of an entry among all.
    pub(super) fn place(&self, index: u64) -> Option<usize> {
        self.moments.binary_search_by_key(&index, |moment| moment.index).ok()
    }

    /// The entries after one.
    pub(super) fn after(&self, index: Option<u64>) -> &[(u64, Bytes)] {
        let entries = &self.log.entries;
        &entries[entries.partition_point(|(number, _)| Some(*number) <= index)..]
    }

    /// The store as it is after an entry.
    pub(super) async fn store(&self, index: u64) -> (Arc<MemoryEngine>, Store) {
        let moment = &self.moments[self.place(index).expect("an entry ends each commit")];
        let engine = Arc::new(moment.engine.fork());
        let store = Member::open(Arc::clone(&engine) as _).await.store;
        (engine, store)
    }

    /// What a store holds and shows after an entry.
    pub(super) async fn seen(&self, index: u64) -> Result<Arc<Seen>, String> {
        let mut all = self.seen.lock().await;
        if let Some(seen) = all.get(&index) {
            return Ok(Arc::clone(seen));
        }
        let (engine, store) = self.store(index).await;
        let seen = Arc::new(Seen::read(&store, &*engine, &self.requests).await?);
        all.insert(index, Arc::clone(&seen));
        Ok(seen)
    }

    /// How many commands were refused.
    pub(super) fn refused(&self) -> usize {
        self.moments.iter().filter(|moment| moment.answer.is_err()).count()
    }
}

/// Lets organisations show objects before others have voted.
fn with_emergencies(mut policy: Policy) -> Policy {
    for rule in &mut policy.rules[..2] {
        let submitters = vec![organisation(1), organisation(2)];
        rule.emergency = Some(Emergency { submitters, gate: Gate::Majority, seconds: 1_200 });
    }
    policy
}

/// Draws commands: most of them good, and some that are refused.
struct Author {
    network: NetworkId,
    random: Rng,
    /// Seeds of the keys with which each organisation votes, the last one last.
    votes_with: BTreeMap<u8, Vec<u8>>,
    next_key: u8,
    next_nonce: u128,
    policy: Policy,
    proposals: Vec<ProposalId>,
    texts: Vec<(Uuid, Item)>,
    requests: Vec<Uuid>,
    sequences: BTreeMap<(u8, ProposalId), u32>,
    before: Vec<Command>,
}

impl Author {
    fn new(network: NetworkId, seed: u64) -> Self {
        Self {
            network,
            random: Rng::with_seed(seed),
            votes_with: (1..=4).map(|number| (number, vec![2 * number + 1])).collect(),
            next_key: 100,
            next_nonce: 0,
            policy: with_emergencies(Policy::standard()),
            proposals: Vec::new(),
            texts: Vec::new(),
            requests: Vec::new(),
            sequences: BTreeMap::new(),
            before: Vec::new(),
        }
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.random.u64(..100) < percent
    }

    fn pick<T: Clone>(&mut self, among: &[T]) -> Option<T> {
        let place = self.random.u64(..among.len().max(1) as u64);
        among.get(usize::try_from(place).unwrap()).cloned()
    }

    /// Microseconds before the next entry.
    fn pause(&mut self) -> u64 {
        if self.percent(20) { self.random.u64(..STEP) } else { self.random.u64(..1_000_000) }
    }

    fn member(&mut self) -> u8 {
        u8::try_from(1 + self.random.u64(..MEMBERS)).unwrap()
    }

    fn nonce(&mut self) -> Nonce {
        self.next_nonce += 1;
        Nonce(self.next_nonce.to_be_bytes())
    }

    fn hear(&mut self, outcome: Result<Outcome, Refusal>) {
        if let Ok(Outcome::Proposed(id)) = outcome {
            self.proposals.push(id);
        }
    }

    fn command(&mut self, entries: u64) -> Command {
        let command = match self.random.u64(..40) {
            0..12 => self.submit(),
            12..14 => self.revoke(),
            14..17 => self.govern(entries),
            17 => self.withdraw(),
            18..20 => Command::Tick,
            20 if !self.before.is_empty() => {
                let before = self.before.clone();
                self.pick(&before).unwrap()
            }
            _ => self.vote(),
        };
        self.before.push(command.clone());
        command
    }

    fn submit(&mut self) -> Command {
        let by = self.member();
        let collection = if self.percent(20) { OTHER } else { COLLECTION };
        let (mut objects, mut items): (Vec<Bytes>, Vec<Item>) = (Vec::new(), Vec::new());
        for _ in 0..=self.random.u64(..4) {
            let text = Bytes::from(replay::object(&mut self.random));
            let item = item_of(&read_object(&text).unwrap(), Tlp::Clear);
            if !items.iter().any(|other| other.id == item.id) {
                objects.push(text);
                items.push(item);
            }
        }
        self.texts.extend(items.iter().map(|item| (collection, item.clone())));
        let earlier = self.requests.clone();
        let request = match self.percent(10) {
            true => self.pick(&earlier),
            false => None,
        };
        let request = request.unwrap_or_else(|| {
            let request = Uuid::from_u128(0xA0_0000 + earlier.len() as u128);
            self.requests.push(request);
            request
        });
        let status = Builder::begin(request, timestamp(NOW), objects.len()).finish();
        let note = Note::new(request, organisation(by).0, collection, NOW, None, status);
        let emergency = self.percent(15);
        let seconds = 60 + u32::try_from(self.random.u64(..3_000)).unwrap();
        let statement = Submit {
            network: self.network,
            organisation: organisation(by),
            collection,
            items,
            nonce: self.nonce(),
            emergency,
            expires_in_seconds: self.percent(50).then_some(seconds),
            claimed_at: 0,
        };
        // Now and then with a key of another organisation.
        let seed = if self.percent(4) { 2 * self.member() } else { 2 * by };
        let envelope = Envelope::sign(&statement, &key(seed));
        Command::Submit { envelope, objects, note: note.encode().unwrap() }
    }

    fn vote(&mut self) -> Command {
        let recent = self.proposals[self.proposals.len().saturating_sub(5)..].to_vec();
        let Some(proposal) = self.pick(&recent) else { return Command::Tick };
        let by = self.member();
        let decision = match self.random.u64(..20) {
            0 => Decision::Reject,
            1 => Decision::Abstain,
            2 => Decision::Veto,
            _ => Decision::Approve,
        };
        let counted = self.sequences.entry((by, proposal)).or_default();
        let sequence = *counted;
        *counted += 1;
        let vote = Vote {
            network: self.network,
            organisation: organisation(by),
            proposal,
            items: self.percent(10).then(|| vec![0]),
            decision,
            reason: if self.percent(50) { String::new() } else { "seen elsewhere".to_owned() },
            sequence: sequence - u32::from(sequence > 0 && self.percent(10)),
            claimed_at: 0,
        };
        Command::Vote(self.sign(by, &vote))
    }

    /// Signs with a key that votes, which may be an old one.
    fn sign<S: Statement>(&mut self, by: u8, statement: &S) -> Envelope {
        let seeds = self.votes_with[&by].clone();
        let seed = if self.percent(85) { seeds.last().copied() } else { self.pick(&seeds) };
        Envelope::sign(statement, &key(seed.unwrap()))
    }

    fn revoke(&mut self) -> Command {
        let texts = self.texts.clone();
        let Some((collection, item)) = self.pick(&texts) else { return Command::Tick };
        let by = self.member();
        let statement = Revoke {
            network: self.network,
            organisation: organisation(by),
            collection,
            id: item.id,
            version: item.version,
            digest: item.digest,
            reason: "wrong".to_owned(),
            nonce: self.nonce(),
            claimed_at: 0,
        };
        Command::Revoke(Envelope::sign(&statement, &key(2 * by)))
    }

    fn withdraw(&mut self) -> Command {
        let proposals = self.proposals.clone();
        let Some(proposal) = self.pick(&proposals) else { return Command::Tick };
        let by = self.member();
        let statement = Withdraw { network: self.network, organisation: organisation(by), proposal };
        Command::Withdraw(Envelope::sign(&statement, &key(2 * by)))
    }

    fn govern(&mut self, entries: u64) -> Command {
        let (by, of) = (self.member(), self.member());
        let (organisation, old) =
            (organisation(of), key(*self.votes_with[&of].last().unwrap()).public().id());
        let action = match self.random.u64(..10) {
            0 | 1 => Action::AddOrganisation { new: joining() },
            2 => Action::RemoveOrganisation { organisation },
            3 => Action::RotateKey { organisation, old, new: self.new_key(of) },
            4 => Action::AddKey { organisation, key: self.new_key(of) },
            5 => Action::RevokeKey { organisation, key: old, since: 1 + self.random.u64(..2 * entries + 2) },
            6 | 7 => {
                let definition = definition("Others");
                Action::SetCollection { new: CollectionDefinition { collection: OTHER, definition } }
            }
            8 => {
                let definition = definition(&format!("Indicators {entries}"));
                Action::SetCollection { new: CollectionDefinition { collection: COLLECTION, definition } }
            }
            _ => {
                self.policy.version += 1;
                self.policy.max_level = 1 + u8::try_from(self.random.u64(..3)).unwrap();
                Action::SetPolicy { policy: self.policy.clone() }
            }
        };
        let statement = Govern {
            network: self.network,
            organisation: super::super::networks::organisation(by),
            action,
            nonce: self.nonce(),
            expires_in_seconds: None,
            claimed_at: 0,
        };
        Command::Govern(self.sign(by, &statement))
    }

    fn new_key(&mut self, of: u8) -> NewKey {
        self.next_key += 1;
        self.votes_with.get_mut(&of).unwrap().push(self.next_key);
        NewKey { public: key(self.next_key).public(), role: Role::Vote }
    }
}

/// The organisation that may join.
fn joining() -> NewOrganisation {
    let keys = [(8, Role::Submit), (9, Role::Vote)];
    let keys = keys.map(|(seed, role)| NewKey { public: key(seed).public(), role }).into();
    NewOrganisation { id: organisation(4), name: "Organisation 4".to_owned(), keys, node: None }
}
