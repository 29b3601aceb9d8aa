//! Nodes: the region of a network as a state that entries change, that is sent, and that is replaced.

use super::networks::{COLLECTION, founding, key, organisation};
use super::{Faults, FaultyEngine, NOW, seed, tool};
use crate::clock::Clock;
use crate::rights::{Principal, Viewer};
use crate::store::engine::{Commit, Engine, EngineError, EngineFuture, Key, Limits, Scan, Snapshot};
use crate::store::keys::{self, Region};
use crate::store::network::{item_of, read_object};
use crate::store::{
    ApiRoot, DirectoryCommand, Filter, MemoryEngine, NetworkMachine, NewMembership, NodeRecord, PageRequest,
    Store, StoreError, View,
};
use bytes::Bytes;
use consensus::order::{Chunks, Machine, MachineError};
use consensus::statement::{Decision, Nonce, Submit, Vote};
use consensus::{Command, Entry, Envelope, Founding, ProposalId, Reader, Secret};
use fastrand::Rng;
use futures::StreamExt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use stix_model::Tlp;

/// A log with what its nodes apply.
pub(super) struct Log {
    pub(super) founding: Founding,
    pub(super) entries: Vec<(u64, Bytes)>,
    pub(super) time: u64,
}

impl Log {
    fn new() -> Self {
        Self::of(founding("example.org/nodes"))
    }

    pub(super) fn of(founding: Founding) -> Self {
        let mut log = Self { founding: founding.clone(), entries: Vec::new(), time: NOW.unsigned_abs() };
        log.add(Command::Found { founding, secret: Secret([5; 32]) });
        log
    }

    /// Numbers have gaps, where Raft had entries of its own.
    pub(super) fn add(&mut self, command: Command) {
        self.time += 1_000;
        let index = self.entries.last().map_or(2, |(last, _)| last + 1 + last % 2);
        self.entries.push((index, Entry { time: self.time, command }.encode()));
    }

    pub(super) fn submit(&mut self, numbers: Range<u64>) -> ProposalId {
        let texts: Vec<Bytes> = numbers.clone().map(|number| tool(number, 2026).into()).collect();
        let items = texts.iter().map(|text| item_of(&read_object(text).unwrap(), Tlp::Clear)).collect();
        let submit = Submit {
            network: self.founding.network(),
            organisation: organisation(1),
            collection: COLLECTION,
            items,
            nonce: Nonce([u8::try_from(numbers.start % 251).unwrap(); 16]),
            emergency: false,
            expires_in_seconds: None,
            claimed_at: 0,
        };
        let envelope = Envelope::sign(&submit, &key(2));
        let proposal = ProposalId(envelope.digest());
        self.add(Command::Submit { envelope, objects: texts, note: Bytes::new() });
        proposal
    }

    pub(super) fn approve(&mut self, proposal: ProposalId) {
        for number in [2, 3] {
            let vote = Vote {
                network: self.founding.network(),
                organisation: organisation(number),
                proposal,
                items: None,
                decision: Decision::Approve,
                reason: String::new(),
                sequence: 0,
                claimed_at: 0,
            };
            self.add(Command::Vote(Envelope::sign(&vote, &key(2 * number + 1))));
        }
    }

    /// Objects that were approved, and one that awaits votes.
    pub(super) fn of_some_objects() -> Self {
        let mut log = Self::new();
        for start in [10, 20, 30, 40] {
            let proposal = log.submit(start..start + 5);
            log.approve(proposal);
        }
        log.submit(50..53);
        log
    }
}

/// A node, without others.
pub(super) struct Member {
    pub(super) store: Store,
    pub(super) machine: NetworkMachine,
}

pub(super) fn position(index: u64) -> Bytes {
    Bytes::copy_from_slice(&index.to_be_bytes())
}

impl Member {
    pub(super) async fn enter(engine: Arc<dyn Engine>, log: &Log) -> Self {
        let member = Self::open(engine).await;
        let operator = Principal::operator(member.store.organisation());
        let (name, title) = ("sharing".to_owned(), "Sharing".to_owned());
        let root = ApiRoot { name, title, description: None, is_default: true };
        member.store.change_directory(&operator, DirectoryCommand::AddApiRoot(root)).await.unwrap();
        let node = NodeRecord {
            id: 1,
            address: "127.0.0.1:1".to_owned(),
            certificate: String::new(),
            key: String::new(),
            others: Vec::new(),
        };
        let membership = NewMembership {
            network: log.founding.network(),
            api_root: "sharing".to_owned(),
            organisation: organisation(1),
            submit_key: [2; 32],
            log_key: [4; 32],
            node: Some(node),
        };
        member.store.enter(membership).await.unwrap();
        member
    }

    pub(super) async fn open(engine: Arc<dyn Engine>) -> Self {
        let clock = Arc::new(Clock::Manual(AtomicI64::new(NOW)));
        let store = Store::open(engine, clock).await.unwrap();
        let machine = store.machine();
        machine.position().await.unwrap();
        Self { store, machine }
    }

    pub(super) async fn apply(&self, entries: &[(u64, Bytes)]) -> Result<(), MachineError> {
        let Some((last, _)) = entries.last() else { return Ok(()) };
        let answers = self.machine.apply(entries.to_vec(), position(*last)).await?;
        for answer in answers {
            answer.unwrap();
        }
        Ok(())
    }

    /// The digest that entries made is the one of what is there.
    async fn check_digest(&self) {
        let view = self.store.network().await.unwrap();
        let [made, found] = [view.state_digest().await, view.read_state_digest().await];
        assert_eq!(made.unwrap(), found.unwrap());
    }

    pub(super) async fn chunks(&self) -> Vec<Bytes> {
        let snapshot = self.machine.snapshot().await.unwrap();
        snapshot.chunks.map(|chunk| chunk.unwrap()).collect().await
    }

    /// The first pages of the collection, each with its `next`.
    async fn pages(&self) -> Vec<(Vec<Bytes>, Option<String>)> {
        self.try_pages().await.unwrap()
    }

    pub(super) async fn try_pages(&self) -> Result<Vec<(Vec<Bytes>, Option<String>)>, StoreError> {
        let Some(collection) = self.store.directory().collections.get(&COLLECTION).cloned() else {
            return Err(StoreError::Corrupt("the directory"));
        };
        let view = View::new(collection, Viewer::with_clearance(Tlp::Red));
        let mut request = PageRequest::first(Filter::default(), 7);
        let mut pages = Vec::new();
        loop {
            let page = self.store.objects(&view, &request).await?;
            pages.push((page.items, page.next.clone()));
            let Some(next) = page.next else { return Ok(pages) };
            let (filter, after) = self.store.resume(&view, &next, Filter::default()).unwrap();
            request = PageRequest { filter, after: Some(after), limit: 7 };
        }
    }
}

/// All keys of a generation of the region, without its number.
pub(super) async fn region(engine: &dyn Engine, generation: u32) -> Vec<(Key, Bytes)> {
    let snapshot = engine.snapshot().await.unwrap();
    let region = Region::Network { generation };
    let mut found = Vec::new();
    for range in keys::region(region) {
        let entries = snapshot.scan_all(range).await.unwrap().into_iter();
        found.extend(entries.map(|(key, value)| (keys::without_region(region, &key).unwrap(), value)));
    }
    found
}

pub(super) fn sent(chunks: Vec<Bytes>) -> Chunks {
    futures::stream::iter(chunks.into_iter().map(Ok)).boxed()
}

/// A state that is sent is the same where it arrives, takes over in one step, and goes on like the one it came from.
pub async fn a_state_that_is_sent_is_the_same(engine: Arc<dyn Engine>) {
    let mut log = Log::of_some_objects();
    let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    let source = Member::enter(Arc::clone(&memory), &log).await;
    source.apply(&log.entries).await.unwrap();
    let receiver = Member::enter(Arc::clone(&engine), &log).await;
    let at = position(log.entries.last().unwrap().0);
    for generation in [1, 2] {
        let before = receiver.pages_or_none().await;
        let staged = receiver.machine.stage(sent(source.chunks().await)).await.unwrap();
        assert_eq!(receiver.pages_or_none().await, before, "what is staged counts for nothing yet");
        let at = if generation == 1 { at.clone() } else { position(9_999) };
        receiver.machine.install(staged, at.clone()).await.unwrap();
        assert_eq!(receiver.machine.position().await.unwrap(), Some(at));
        assert_eq!(region(&*engine, generation).await, region(&*memory, 0).await);
        assert_eq!(receiver.pages().await, source.pages().await);
    }
    let proposal = log.submit(60..62);
    log.approve(proposal);
    let new = &log.entries[log.entries.len() - 3..];
    source.apply(new).await.unwrap();
    receiver.apply(new).await.unwrap();
    assert_eq!(region(&*engine, 2).await, region(&*memory, 0).await);
    assert_eq!(receiver.pages().await, source.pages().await);
    assert_eq!(receiver.machine.digests(), source.machine.digests());
    receiver.check_digest().await;
    // What was replaced is removed when nothing reads it any more.
    receiver.store.clear(0).await.unwrap();
    assert!(!region(&*engine, 0).await.is_empty() || !region(&*engine, 1).await.is_empty());
    if let Clock::Manual(micros) = &**receiver.store.clock() {
        micros.fetch_add(3_600_000_000, Ordering::SeqCst);
    }
    receiver.store.clear(0).await.unwrap();
    assert_eq!((region(&*engine, 0).await.len(), region(&*engine, 1).await.len()), (0, 0));
    assert_eq!(receiver.pages().await, source.pages().await);
    receiver.store.close().await;
}

impl Member {
    async fn pages_or_none(&self) -> Vec<(Vec<Bytes>, Option<String>)> {
        match self.store.membership() {
            Some(_) => self.pages().await,
            None => Vec::new(),
        }
    }
}

/// A state that was cut, changed or mixed up on its way is refused, and the one that is there goes on.
pub async fn a_state_that_was_changed_is_refused(engine: Arc<dyn Engine>) {
    let log = Log::of_some_objects();
    let source = Member::enter(Arc::new(MemoryEngine::default()), &log).await;
    source.apply(&log.entries).await.unwrap();
    let receiver = Member::enter(Arc::clone(&engine), &log).await;
    receiver.apply(&log.entries[..4]).await.unwrap();
    let before = region(&*engine, 0).await;
    let whole = source.chunks().await;
    assert!(whole.len() >= 3);
    let mut random = Rng::with_seed(seed());
    let mut wrong = vec![Vec::new(), whole[..whole.len() - 1].to_vec(), whole[1..].to_vec()];
    wrong.push([&whole[..], &whole[whole.len() - 1..]].concat());
    for _ in 0..20 {
        let mut changed = whole.clone();
        let chunk = random.usize(..changed.len());
        let mut bytes = changed[chunk].to_vec();
        let at = random.usize(..bytes.len());
        bytes[at] ^= 1 << random.u64(..8);
        changed[chunk] = bytes.into();
        wrong.push(changed);
    }
    for chunks in wrong {
        assert!(receiver.machine.stage(sent(chunks)).await.is_err());
    }
    let other = Log { founding: Founding { nonce: [2; 16], ..log.founding.clone() }, ..Log::new() };
    let stranger = Member::enter(Arc::new(MemoryEngine::default()), &other).await;
    let error = receiver.machine.stage(sent(stranger.chunks().await)).await.err().unwrap().to_string();
    assert!(error.contains("another network"), "{error}");
    assert_eq!(region(&*engine, 0).await, before);
    receiver.apply(&log.entries[4..]).await.unwrap();
    assert_eq!(receiver.pages().await, source.pages().await);
    receiver.store.close().await;
}

/// Entries are applied once each, whatever becomes of commits.
pub async fn nodes_apply_each_entry_once_under_faults(engine: Arc<dyn Engine>) {
    let log = Log::of_some_objects();
    let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    let source = Member::enter(Arc::clone(&memory), &log).await;
    source.apply(&log.entries).await.unwrap();
    let faults = Faults { conflict: 5, undetermined_applied: 4, undetermined_lost: 4, unavailable: 9 };
    let member = Member::enter(Arc::clone(&engine), &log).await;
    member.store.close().await;
    let faulty = FaultyEngine::new(Arc::clone(&engine), faults, seed());
    let store = Member::open(Arc::clone(&engine)).await.store;
    let machine = NetworkMachine::over(Arc::new(faulty), &store);
    while machine.position().await.is_err() {}
    let member = Member { store, machine };
    for entries in log.entries.chunks(3) {
        member.apply(entries).await.unwrap();
    }
    assert_eq!(region(&*engine, 0).await, region(&*memory, 0).await);
    assert_eq!(member.machine.digests(), source.machine.digests());
    member.check_digest().await;
    member.store.close().await;
}

/// A process that ends after any call to its engine finds a state that fits its position, and goes on from there.
pub async fn a_node_goes_on_after_a_crash_at_any_call(engine: Arc<dyn Engine>) {
    let mut log = Log::new();
    for start in 1..12 {
        let proposal = log.submit(10 * start..10 * start + 2);
        if start % 3 > 0 {
            log.approve(proposal);
        }
    }
    let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    let source = Member::enter(Arc::clone(&memory), &log).await;
    source.apply(&log.entries).await.unwrap();
    let member = Member::enter(Arc::clone(&engine), &log).await;
    let mut crashes = 0;
    for entries in log.entries.chunks(2) {
        let before = member.machine.position().await.unwrap();
        let last = position(entries.last().unwrap().0);
        for (calls, is_applied) in (0..).flat_map(|calls| [(calls, false), (calls, true)]) {
            let crashing = Arc::new(CrashingEngine::new(Arc::clone(&engine), calls, is_applied));
            let machine = NetworkMachine::over(crashing, &member.store);
            let ended = match machine.position().await {
                Ok(_) => machine.apply(entries.to_vec(), last.clone()).await.map(|_| ()),
                Err(error) => Err(error),
            };
            if ended.is_err() {
                crashes += 1;
            }
            let after = member.machine.position().await.unwrap();
            // A process that ended has not told this one of the network.
            while after.is_some() && member.store.membership().is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let view = member.store.network().await;
            let ledger = match &view {
                Ok(view) => Reader::new(view).ledger().await.unwrap().map(|ledger| ledger.index),
                Err(_) => None,
            };
            match after == before {
                true => assert!(ledger < Some(entries[0].0), "entries without their position"),
                false => {
                    assert_eq!((after, ledger), (Some(last.clone()), entries.last().map(|entry| entry.0)));
                    break;
                }
            }
            assert!(ended.is_err(), "entries were applied, and are not there");
        }
    }
    assert!(crashes > 50, "{crashes}");
    assert_eq!(region(&*engine, 0).await, region(&*memory, 0).await);
    member.store.close().await;
}

/// An engine of a process that ends after a number of calls; the last one may be carried out.
pub(super) struct CrashingEngine {
    engine: Arc<dyn Engine>,
    left: Arc<AtomicU64>,
    is_applied: bool,
}

impl CrashingEngine {
    pub(super) fn new(engine: Arc<dyn Engine>, calls: u64, is_applied: bool) -> Self {
        Self { engine, left: Arc::new(AtomicU64::new(calls)), is_applied }
    }
}

/// Whether the process has ended.
fn is_over(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
}

fn ended<T>() -> Result<T, EngineError> {
    Err(EngineError::failed("the process has ended"))
}

impl Engine for CrashingEngine {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        Box::pin(async {
            if is_over(&self.left) {
                return ended();
            }
            let snapshot = self.engine.snapshot().await?;
            Ok(Box::new(CrashingSnapshot { snapshot, left: Arc::clone(&self.left) }) as Box<dyn Snapshot>)
        })
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        Box::pin(async move {
            if is_over(&self.left) {
                if self.is_applied {
                    self.engine.commit(commit).await?;
                }
                return ended();
            }
            self.engine.commit(commit).await
        })
    }

    fn settle(&self) -> EngineFuture<'_, ()> {
        Box::pin(async {
            if is_over(&self.left) {
                return ended();
            }
            self.engine.settle().await
        })
    }

    fn limits(&self) -> Limits {
        self.engine.limits()
    }
}

struct CrashingSnapshot {
    snapshot: Box<dyn Snapshot>,
    left: Arc<AtomicU64>,
}

impl Snapshot for CrashingSnapshot {
    fn get_many(&self, keys: Vec<Key>, max_bytes: usize) -> EngineFuture<'_, Vec<Option<Bytes>>> {
        Box::pin(async move {
            if is_over(&self.left) {
                return ended();
            }
            self.snapshot.get_many(keys, max_bytes).await
        })
    }

    fn scan(&self, scan: Scan) -> EngineFuture<'_, Vec<crate::store::engine::KeyValue>> {
        Box::pin(async move {
            if is_over(&self.left) {
                return ended();
            }
            self.snapshot.scan(scan).await
        })
    }
}
