//! Backups that are made while the store is written to, and what is restored from them.

use super::{
    Faults, FaultyEngine, Fixture, NOW, count, id, marked_tool, new_collection, seed, submission, tool,
};
use crate::clock::Clock;
use crate::store::apply::apply;
use crate::store::backup::Pace;
use crate::store::engine::{Commit, Engine, EngineError, EngineFuture, Key, Limits, Scan, Snapshot};
use crate::store::overlay::Overlay;
use crate::store::{
    Add, Backup, BackupError, Clear, CollectionChange, Command, Delete, DirectoryCommand, Filter, Group,
    MemoryEngine, NewToken, PageRequest, Record, Restore, Stamps, Store, StoreError, Submission, Target,
    Token, VersionFilter, keys,
};
use bytes::Bytes;
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use stix_model::Tlp;
use uuid::Uuid;

pub(super) type Map = BTreeMap<Key, Bytes>;

/// What a snapshot says, without the keys of running processes.
async fn content(snapshot: &dyn Snapshot) -> Map {
    let all = snapshot.scan_all(keys::all()).await.unwrap();
    let all = all.into_iter().filter(|(key, _)| keys::is_content(key));
    all.map(|(key, value)| (key.to_vec(), value)).collect()
}

pub(super) async fn content_of(engine: &dyn Engine) -> Map {
    content(&*engine.snapshot().await.unwrap()).await
}

/// What records say, applied in their order.
fn applied(records: &[Record]) -> Map {
    let mut map = Map::new();
    for record in records {
        match record {
            Record::Put { key, value } => {
                map.insert(key.to_vec(), value.clone());
            }
            Record::Remove { key } => {
                map.remove(&key[..]);
            }
            Record::Clear { range } => map.retain(|key, _| !range.contains(&Bytes::copy_from_slice(key))),
        }
    }
    map
}

/// The first keys that differ, for the message of a failure.
pub(super) fn difference(found: &Map, expected: &Map) -> String {
    let differ = |key: &&Key| found.get(*key) != expected.get(*key);
    let keys: Vec<_> = found.keys().chain(expected.keys()).filter(differ).take(3).collect();
    let shown = keys.iter().map(|key| (String::from_utf8_lossy(key), found.contains_key(*key)));
    format!("{} keys, {} expected: {:?}", found.len(), expected.len(), shown.collect::<Vec<_>>())
}

/// Restores records into an engine.
async fn restore(engine: &Arc<dyn Engine>, records: &[Record]) -> Result<(), BackupError> {
    let mut restore = Restore::begin(Arc::clone(engine)).await?;
    for record in records {
        restore.add(record.clone()).await?;
    }
    restore.finish(crate::store::FORMAT).await
}

/// Makes a backup, in pieces of many sizes.
async fn backup(store: &Store, random: &mut Rng, meanwhile: impl AsyncFn()) -> (Vec<Record>, Map) {
    let mut backup = store.backup().await.unwrap();
    let mut records = Vec::new();
    for piece in 0_u64.. {
        let mut below = |bound: usize| random.usize(1..=bound);
        // In the end the journal must be read in one piece.
        let changed_bytes = if piece % 4 == 3 { 1 << 30 } else { below(20_000) };
        backup.pace =
            Pace { copied: below(60), copied_bytes: below(8_000), entries: below(8), changed_bytes };
        let read = backup.next_piece().await.unwrap().unwrap();
        records.extend(read.records);
        if read.is_last {
            return (records, content(&*read.snapshot).await);
        }
        if piece == 5 {
            meanwhile().await;
        }
    }
    unreachable!("a backup ends")
}

/// Writes, deletes, moves and removes at random until it is told to stop. What faults make of single requests is open.
async fn write(fixture: Fixture, number: u64, seed: u64, is_over: Arc<AtomicBool>, written: Arc<AtomicU64>) {
    let mut random = Rng::with_seed(seed ^ number);
    let (store, operator) = (&fixture.store, fixture.operator());
    let mut repeated: Option<Submission> = None;
    while !is_over.load(Ordering::SeqCst) {
        let collections: Vec<_> = store.directory().collections.values().cloned().collect();
        let place = random.usize(..collections.len());
        let Some(collection) = collections.into_iter().nth(place) else { continue };
        let fixture = Fixture { store: Arc::clone(store), collection, clock: Arc::clone(&fixture.clock) };
        let tools = |random: &mut Rng| {
            let some = 1 + random.u64(..12);
            let each = |_| {
                let level = Tlp::ALL[random.usize(..5)];
                let year = 2001 + random.u32(..6);
                let object = random.u64(..40);
                match random.u64(..2) {
                    0 => tool(object, year),
                    _ => marked_tool(object, year, level),
                }
            };
            (0..some).map(each).collect::<Vec<_>>()
        };
        match random.u64(..12) {
            0 => {
                let filter = Filter { versions: Some(VersionFilter::All), ..Filter::default() };
                let _ = fixture.delete(&id(random.u64(..40)), filter).await;
            }
            1 => {
                let unmarked = Some(Tlp::ALL[random.usize(..5)]);
                let change = CollectionChange { unmarked, ..Default::default() };
                let collection = fixture.collection.id;
                let _ = fixture.change(DirectoryCommand::ChangeCollection { collection, change }).await;
            }
            2 => {
                let title = format!("c{number}-{}", random.u64(..3));
                let new = new_collection(Uuid::new_v4(), &title);
                let _ = fixture.change(DirectoryCommand::AddCollection(new)).await;
            }
            3 if fixture.collection.title != "all" => {
                let collection = fixture.collection.id;
                let _ = fixture.change(DirectoryCommand::RemoveCollection { collection }).await;
            }
            4 => {
                let _ = store.clear(NOW - 5 + random.i64(0..10)).await;
            }
            // Nothing new, so that only a receipt is written.
            5 => {
                if let Some(before) = &repeated {
                    let again = Submission { id: Uuid::new_v4(), ..before.clone() };
                    let _ = store.add(&fixture.view(), &operator, again).await;
                }
            }
            _ => {
                let received = NOW - 5 + random.i64(0..10);
                let submission = Submission { received, ..submission(&tools(&mut random)) };
                let _ = store.add(&fixture.view(), &operator, submission.clone()).await;
                repeated = Some(submission);
            }
        }
        written.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

/// Whatever two processes do meanwhile, with conflicts, lost answers and outages: a backup says what the store said at one
/// instant, and a restore gives it back.
pub async fn a_backup_is_the_store_at_one_instant(engine: Arc<dyn Engine>) {
    let seed = seed();
    let faults = Faults { conflict: 9, undetermined_applied: 11, undetermined_lost: 13, unavailable: 23 };
    let faulty =
        |n| -> Arc<dyn Engine> { Arc::new(FaultyEngine::new(Arc::clone(&engine), faults, seed ^ n)) };
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    for number in 0..4 {
        let tools: Vec<_> = (0..40).map(|object| tool(object, 2001 + number)).collect();
        fixture.add(&tools).await;
    }
    let (is_over, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut writers = Vec::new();
    for number in 0..2 {
        let other = fixture.elsewhere(faulty(number)).await;
        writers.push(tokio::spawn(write(other, number, seed, Arc::clone(&is_over), Arc::clone(&written))));
    }
    let reader = fixture.elsewhere(faulty(7)).await;
    let mut random = Rng::with_seed(seed);
    for round in 0..3 {
        let before = written.load(Ordering::SeqCst);
        // Something is written in the middle of it.
        let meanwhile = async || {
            while written.load(Ordering::SeqCst) < before + 10 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let (records, expected) = backup(&reader.store, &mut random, meanwhile).await;
        let found = applied(&records);
        assert!(found == expected, "seed {seed}, backup {round}: {}", difference(&found, &expected));
        let below: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
        let faults = Faults { conflict: 9, ..faults };
        let target: Arc<dyn Engine> = Arc::new(FaultyEngine::new(Arc::clone(&below), faults, seed));
        restore(&target, &records).await.unwrap();
        let found = content_of(&*below).await;
        assert!(found == expected, "seed {seed}, restore {round}: {}", difference(&found, &expected));
        Store::open(below, Arc::clone(&fixture.clock)).await.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    // A commit that was under way at the end of a backup is noted in vain.
    fixture.store.clear(0).await.unwrap();
    let journal = engine.snapshot().await.unwrap().scan_all(keys::journals()).await.unwrap();
    let marker = engine.snapshot().await.unwrap().get(keys::local(keys::BACKUP)).await.unwrap();
    assert!(journal.is_empty() && marker.is_none(), "seed {seed}: a backup leaves nothing");
}

/// The commit of a single request, decided on the store as it is now.
async fn decide(fixture: &Fixture, engine: &Arc<dyn Engine>, command: Command) -> Commit {
    let scope = command.scope();
    let request = fixture.store.request(&fixture.operator(), Uuid::new_v4(), command);
    let group = Group { scope, time: NOW, requests: vec![request] };
    let snapshot = engine.snapshot().await.unwrap();
    let mut overlay = Overlay::new(&*snapshot);
    for outcome in apply(&mut overlay, &group).await.unwrap().outcomes {
        outcome.unwrap();
    }
    overlay.into_commit(Uuid::new_v4()).await.unwrap()
}

pub async fn what_was_decided_before_a_backup_conflicts(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    fixture.add(&[tool(1, 2001), tool(2, 2001)]).await;
    let target = Target::of(&fixture.collection, &fixture.operator());
    let add = |object| {
        let (stamps, objects) = (Stamps::Clock, submission(&[object]).objects);
        Command::Add(Add { target, clearance: Tlp::Red, objects, stamps })
    };
    let delete = |versions| {
        let (id, spec_versions) = (id(2).parse().unwrap(), None);
        Command::Delete(Delete { target, clearance: Tlp::Red, id, versions, spec_versions, limit: 9 })
    };
    let nothing = VersionFilter::Some { first: false, last: false, exact: Default::default() };
    let account = fixture.administrator(Uuid::new_v4(), None);
    let before = u64::try_from(NOW).unwrap() + 1;
    let commands = [
        ("new objects", add(tool(3, 2001))),
        ("nothing new", add(tool(1, 2001))),
        ("a deletion of nothing", delete(Some(nothing))),
        ("a deletion", delete(None)),
        ("the directory", Command::Directory(DirectoryCommand::AddAccount(account))),
        ("old receipts", Command::Clear(Clear::Receipts { before, limit: 9 })),
    ];
    for (name, command) in commands {
        let early = decide(&fixture, &engine, command.clone()).await;
        assert!(!early.is_empty(), "{name}");
        let backup = fixture.store.backup().await.unwrap();
        let journal = keys::journal(backup.id());
        assert!(!early.writes.keys().any(|key| journal.contains(key)), "{name}: none ran");
        assert!(matches!(engine.commit(early).await, Err(EngineError::Conflict)), "{name}");
        let late = decide(&fixture, &engine, command).await;
        assert!(late.writes.keys().any(|key| journal.contains(key)), "{name} is noted");
        engine.commit(late).await.unwrap();
        drain(backup).await;
    }
}

async fn drain(mut backup: Backup) -> Vec<Record> {
    let mut records = Vec::new();
    while let Some(piece) = backup.next().await.unwrap() {
        records.extend(piece);
    }
    records
}

/// Cursors, stamps, statuses, requests that come again, accounts: all go on where the backup was taken.
pub async fn a_restored_store_is_the_same_server(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let (view, operator) = (fixture.view(), fixture.operator());
    let token = Token { sha256: "00".repeat(32), created: "2026-01-01T00:00:00.000000Z".into() };
    let token = Some(NewToken { public: "public".into(), token });
    let account = fixture.administrator(Uuid::new_v4(), token);
    fixture.change(DirectoryCommand::AddAccount(account)).await.unwrap();
    fixture.add(&[tool(1, 2001), tool(2, 2001), tool(3, 2001)]).await;
    let submission = submission(&[tool(4, 2001), tool(1, 2001)]);
    let status = fixture.store.add(&view, &operator, submission.clone()).await.unwrap();
    fixture.delete(&id(2), Filter::default()).await.unwrap();
    let first = PageRequest::first(Filter::default(), 1);
    let next = fixture.store.objects(&view, &first).await.unwrap().next.unwrap();
    let page = async |store: &Store| {
        let (filter, after) = store.resume(&view, &next, Filter::default()).unwrap();
        let page = PageRequest { filter, after: Some(after), limit: 9 };
        let records = store.records(&view, &page).await.unwrap().items;
        records.into_iter().map(|(date_added, object)| (date_added.to_string(), object)).collect::<Vec<_>>()
    };
    let expected = page(&fixture.store).await;
    assert_eq!(expected.len(), 2);
    let records = drain(fixture.store.backup().await.unwrap()).await;
    let elsewhere: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    restore(&elsewhere, &records).await.unwrap();
    let restored = fixture.elsewhere(elsewhere).await;
    let store = &restored.store;
    assert_eq!(page(store).await, expected);
    assert_eq!(store.organisation(), fixture.store.organisation());
    assert_eq!(store.directory().collections, fixture.store.directory().collections);
    assert_eq!(store.directory().api_roots, fixture.store.directory().api_roots);
    assert_eq!(store.directory().accounts, fixture.store.directory().accounts);
    assert!(store.directory().account_of_token("public").is_some());
    assert_eq!(store.status("root", status_id(&status), &operator).await.unwrap().as_ref(), Some(&status));
    assert_eq!(store.add(&view, &operator, submission).await.unwrap(), status, "it is not carried out again");
    assert_eq!(count(store, &view).await, count(&fixture.store, &view).await);
    restored.add(&[tool(5, 2001)]).await;
    let later = page(store).await;
    assert_eq!(later[..2], expected);
    assert!(later[2].0 > expected[1].0, "stamps rise");
    let records = drain(store.backup().await.unwrap()).await;
    assert!(applied(&records).len() > 30, "it can be backed up in turn");
}

fn status_id(status: &stix_model::taxii::Status) -> Uuid {
    status.id.parse().unwrap()
}

/// An engine that takes a number of commits, and then fails.
pub(super) struct Ending {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) commits: AtomicUsize,
}

impl Engine for Ending {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        self.engine.snapshot()
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        let may = self.commits.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |rest| rest.checked_sub(1));
        match may {
            Ok(_) => self.engine.commit(commit),
            Err(_) => Box::pin(async { Err(EngineError::failed("the process ends here")) }),
        }
    }

    fn settle(&self) -> EngineFuture<'_, ()> {
        self.engine.settle()
    }

    fn limits(&self) -> Limits {
        self.engine.limits()
    }
}

/// Broken off after each of its commits, a restore leaves what no server takes for a store, and what the next restore clears
/// away.
pub async fn a_broken_restore_is_no_store(engine: Arc<dyn Engine>) {
    let source = Fixture::new(Arc::new(MemoryEngine::default())).await;
    for year in 2001..2006 {
        source.add(&(0..40).map(|number| tool(number, year)).collect::<Vec<_>>()).await;
    }
    let (records, expected) = backup(&source.store, &mut Rng::with_seed(seed()), async || {}).await;
    let mut commits = 1;
    loop {
        let ending = Ending { engine: Arc::clone(&engine), commits: AtomicUsize::new(commits) };
        let ending: Arc<dyn Engine> = Arc::new(ending);
        match restore(&ending, &records).await {
            Ok(()) => break,
            Err(error) => assert!(error.to_string().contains("ends here"), "{error}"),
        }
        let opened = Store::open(Arc::clone(&engine), Arc::clone(&source.clock)).await;
        assert!(matches!(opened.err(), Some(StoreError::Unfinished(_))), "after {commits} commits");
        commits += 1 + commits / 3;
        // The next one begins over what more and more of them left, and then over nothing.
        if commits % 2 == 0 {
            let all = keys::all();
            engine.commit(Commit { cleared: vec![all], ..Commit::default() }).await.unwrap();
        }
    }
    assert!(commits > 10, "{commits} commits");
    assert!(content_of(&*engine).await == expected);
    let again = restore(&engine, &records).await;
    assert!(matches!(again, Err(BackupError::NotEmpty)), "{again:?}");
    assert!(content_of(&*engine).await == expected, "a restore replaces nothing");
    Store::open(engine, Arc::clone(&source.clock)).await.unwrap();
}

async fn of_backups(engine: &dyn Engine) -> usize {
    let snapshot = engine.snapshot().await.unwrap();
    let marker = snapshot.get(keys::local(keys::BACKUP)).await.unwrap();
    snapshot.scan(Scan::keys(keys::journals(), 999)).await.unwrap().len() + usize::from(marker.is_some())
}

pub async fn a_broken_backup_leaves_nothing(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    let mut dropped = fixture.store.backup().await.unwrap();
    fixture.add(&[tool(1, 2001)]).await;
    dropped.next().await.unwrap();
    fixture.add(&[tool(2, 2001)]).await;
    drop(dropped);
    let started = tokio::time::Instant::now();
    while of_backups(&*engine).await > 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "it is given up");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Of a process that was killed, the marker holds for a while.
    std::mem::forget(fixture.store.backup().await.unwrap());
    fixture.add(&[tool(3, 2001)]).await;
    fixture.store.clear(0).await.unwrap();
    assert!(of_backups(&*engine).await > 1, "it may be alive");
    let second = fixture.store.backup().await.err();
    assert!(matches!(second, Some(BackupError::Running { .. })), "{second:?}");
    let Clock::Manual(micros) = &*fixture.clock else { panic!("the fixture sets the clock") };
    micros.fetch_add(301_000_000, Ordering::SeqCst);
    fixture.store.clear(0).await.unwrap();
    assert_eq!(of_backups(&*engine).await, 0);
    fixture.add(&[tool(4, 2001)]).await;
    assert_eq!(of_backups(&*engine).await, 0);
}

pub async fn a_backup_that_stood_still_is_refused(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    fixture.add(&[tool(1, 2001)]).await;
    let mut slow = fixture.store.backup().await.unwrap();
    slow.pace.copied = 1;
    slow.next().await.unwrap();
    let Clock::Manual(micros) = &*fixture.clock else { panic!("the fixture sets the clock") };
    micros.fetch_add(301_000_000, Ordering::SeqCst);
    // The next one takes the place of the one that seems to be gone.
    let records = drain(fixture.store.backup().await.unwrap()).await;
    assert!(applied(&records) == content_of(&*engine).await);
    let late = slow.next().await.err();
    assert!(matches!(late, Some(BackupError::Lost)), "{late:?}");
}
