//! A disk that fails: what clients see, and what is left after a crash.

use crate::app::{TestApp, tool};
use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};
use taxii_server::config::Config;
use taxii_server::store::engine::{Commit, Durability, Engine, EngineError};
use taxii_server::store::{Disk, EmbeddedEngine, FileIdentity, bulk_ranges};

/// No cache, so that reads reach the disk.
const CACHE_BYTES: usize = 0;
/// More writes than a commit has: only the sync is refused.
const ALL: u32 = u32::MAX;

/// A disk in memory that fails when it is told to.
#[derive(Debug, Default)]
struct FailingDisk(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    /// What survives the loss of power in any case.
    durable: Vec<u8>,
    /// What may survive it.
    unsynced: Vec<Change>,
    /// What each write and sync fails with.
    refusal: Option<ErrorKind>,
    /// Writes that succeed before the refusal begins.
    writes_left: u32,
    identity: Option<FileIdentity>,
    /// The read that fails once, counted from now.
    failing_read: Option<u32>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length as usize, 0),
            Self::Write(offset, written) => {
                let end = *offset as usize + written.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*offset as usize..end].copy_from_slice(written);
            }
        }
    }
}

impl State {
    fn change(&mut self, change: Change) -> io::Result<()> {
        if let Some(kind) = self.refusal
            && self.writes_left != ALL
        {
            self.writes_left = self.writes_left.checked_sub(1).ok_or(kind)?;
        }
        change.apply(&mut self.bytes);
        self.unsynced.push(change);
        Ok(())
    }
}

impl FailingDisk {
    fn of(bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { durable: bytes.clone(), bytes, ..State::default() })))
    }

    fn refuse(&self, refusal: Option<ErrorKind>, writes_left: u32) {
        let mut state = self.0.lock().unwrap();
        (state.refusal, state.writes_left) = (refusal, writes_left);
    }

    fn fail_read(&self, number: u32) {
        self.0.lock().unwrap().failing_read = Some(number);
    }

    fn has_failed(&self) -> bool {
        self.0.lock().unwrap().failing_read.take().is_none()
    }

    /// Whether the start of the file was written, and not synced.
    fn has_commit_point(&self) -> bool {
        self.0.lock().unwrap().unsynced.iter().any(|change| matches!(change, Change::Write(0, _)))
    }

    /// What a crash leaves: of the last writes those that are chosen.
    fn crash(&self, mut survives: impl FnMut() -> bool) -> Vec<u8> {
        let state = self.0.lock().unwrap();
        let mut bytes = state.durable.clone();
        state.unsynced.iter().filter(|_| survives()).for_each(|change| change.apply(&mut bytes));
        bytes
    }

    fn open(self: &Arc<Self>) -> Arc<EmbeddedEngine> {
        Arc::new(EmbeddedEngine::over(Arc::clone(self) as _, &bulk_ranges(), CACHE_BYTES).unwrap())
    }
}

impl Disk for FailingDisk {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if let Some(left) = state.failing_read {
            state.failing_read = left.checked_sub(1);
            if left == 0 {
                return Err(io::Error::other("a bad sector"));
            }
        }
        let end = offset as usize + out.len();
        out.copy_from_slice(state.bytes.get(offset as usize..end).ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().change(Change::Write(offset, bytes.to_vec()))
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.lock().unwrap().change(Change::Length(length))
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if let Some(kind) = state.refusal
            && [0, ALL].contains(&state.writes_left)
        {
            return Err(kind.into());
        }
        state.durable = state.bytes.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn identity(&self) -> Option<FileIdentity> {
        self.0.lock().unwrap().identity
    }
}

/// A server over the disk, with a collection that alice may use.
async fn server(disk: &Arc<FailingDisk>) -> (TestApp, String) {
    let app = TestApp::with(Config::default(), disk.open()).await;
    let id = app.collection("all").await;
    app.account("alice", json!({&id: {"can_read": true, "can_write": true}})).await;
    (app, id)
}

async fn post(app: &TestApp, collection: &str, number: u64) -> crate::app::Answer {
    let body = json!({"objects": [tool(number, 2001)]}).to_string();
    app.post(&format!("/api/collections/{collection}/objects/"), body).send().await
}

/// Numbers of the objects that clients get.
async fn served(app: &TestApp, collection: &str) -> Vec<u64> {
    let answer = app.get(&format!("/api/collections/{collection}/objects/")).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    let json = answer.json();
    let objects = json["objects"].as_array().cloned().unwrap_or_default();
    let number = |object: &serde_json::Value| object["id"].as_str().unwrap()[30..].parse().unwrap();
    objects.iter().map(number).collect()
}

#[tokio::test]
async fn a_disk_that_refuses_writes_stops_nothing_else() {
    let cases = [
        (
            ErrorKind::StorageFull,
            StatusCode::INSUFFICIENT_STORAGE,
            "storage_full",
            "the disk of the server is full",
        ),
        (ErrorKind::QuotaExceeded, StatusCode::INSUFFICIENT_STORAGE, "storage_full", "is full"),
        (
            ErrorKind::Other,
            StatusCode::SERVICE_UNAVAILABLE,
            "storage_failed",
            "the disk of the server failed",
        ),
    ];
    for (kind, status, code, words) in cases {
        for writes_left in [0, 1, 2, 3, 5, 8] {
            let disk = FailingDisk::of(Vec::new());
            let (app, id) = server(&disk).await;
            assert_eq!(post(&app, &id, 1).await.status, StatusCode::ACCEPTED);
            disk.refuse(Some(kind), writes_left);
            for number in [2, 3] {
                let refused = post(&app, &id, number).await;
                if number == 2 && disk.has_commit_point() {
                    assert_eq!(refused.error_code(), "outcome_unknown");
                    continue;
                }
                assert_eq!((refused.status, refused.error_code().as_str()), (status, code));
                assert!(
                    refused.json()["description"].as_str().unwrap().contains(words),
                    "{:?}",
                    refused.body
                );
                assert!(refused.header("retry-after").is_some());
                assert_eq!(served(&app, &id).await, [1], "what was refused is not there");
            }
            disk.refuse(None, 0);
            assert_eq!(post(&app, &id, 4).await.status, StatusCode::ACCEPTED, "writing goes on by itself");
            assert_eq!(served(&app, &id).await, [1, 4]);
            let after = FailingDisk::of(disk.crash(|| false));
            let app = TestApp::over(Config::default(), after.open()).await;
            assert_eq!(served(&app, &id).await, [1, 4], "a crash loses nothing");
        }
    }
}

/// Once the commit point may be on the disk, a crash may bring a commit back that this process took back.
#[tokio::test]
async fn a_refused_sync_leaves_the_outcome_open_until_the_disk_works_again() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        let disk = FailingDisk::of(Vec::new());
        let (app, id) = server(&disk).await;
        assert_eq!(post(&app, &id, 1).await.status, StatusCode::ACCEPTED);
        disk.refuse(Some(kind), ALL);
        let unknown = post(&app, &id, 2).await;
        assert_eq!(unknown.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(unknown.error_code(), "outcome_unknown");
        assert!(unknown.json()["description"].as_str().unwrap().contains("not known"), "{:?}", unknown.body);
        assert_eq!(unknown.header("retry-after"), Some("1"), "the same objects again are no error");
        assert_eq!(served(&app, &id).await, [1]);
        let refused = post(&app, &id, 3).await;
        assert_ne!(refused.error_code(), "outcome_unknown", "nothing was written");
        for (survives, expected) in [(true, &[1, 2][..]), (false, &[1])] {
            let after = FailingDisk::of(disk.crash(|| survives));
            let app = TestApp::over(Config::default(), after.open()).await;
            assert_eq!(served(&app, &id).await, expected);
        }
        // The end of the process is a chance to make the disk forget it.
        disk.refuse(None, 0);
        drop(app);
        while Arc::strong_count(&disk) > 1 {
            tokio::task::yield_now().await;
        }
        let after = FailingDisk::of(disk.crash(|| true));
        let app = TestApp::over(Config::default(), after.open()).await;
        assert_eq!(served(&app, &id).await, [1]);
        assert_eq!(post(&app, &id, 2).await.status, StatusCode::ACCEPTED);
    }
}

/// What the disk refused at once is not there after the end of the process, however that comes.
#[tokio::test]
async fn what_was_refused_does_not_come_back() {
    for writes_left in 0..30 {
        let disk = FailingDisk::of(Vec::new());
        let (app, id) = server(&disk).await;
        assert_eq!(post(&app, &id, 1).await.status, StatusCode::ACCEPTED);
        disk.refuse(Some(ErrorKind::StorageFull), writes_left);
        let answer = post(&app, &id, 2).await;
        if answer.status == StatusCode::ACCEPTED {
            assert!(writes_left > 3, "a commit has more writes");
            return;
        }
        let is_open = answer.error_code() == "outcome_unknown";
        assert_eq!(is_open, disk.has_commit_point());
        drop(app);
        while Arc::strong_count(&disk) > 1 {
            tokio::task::yield_now().await;
        }
        for survives in [true, false] {
            let after = FailingDisk::of(disk.crash(|| survives));
            let app = TestApp::over(Config::default(), after.open()).await;
            let served = served(&app, &id).await;
            assert!(served == [1] || (is_open && served == [1, 2]), "{writes_left}: {served:?}");
        }
    }
    panic!("no commit got through");
}

#[tokio::test]
async fn a_file_that_was_not_closed_is_a_copy_when_number_and_date_differ() {
    let known = FileIdentity { number: 7, made: Some(70) };
    for (known, now, is_taken) in [
        (known, known, true),
        // Mounted again, where numbers last as long as the mount.
        (known, FileIdentity { number: 8, ..known }, true),
        (known, FileIdentity { number: 8, made: Some(80) }, false),
        (known, FileIdentity { number: 8, made: None }, true),
        (FileIdentity { made: None, ..known }, FileIdentity { number: 8, made: Some(80) }, true),
    ] {
        let disk = FailingDisk::of(Vec::new());
        disk.0.lock().unwrap().identity = Some(known);
        let engine = disk.open();
        let after = FailingDisk::of(disk.crash(|| true));
        after.0.lock().unwrap().identity = Some(now);
        let opened = EmbeddedEngine::over(Arc::clone(&after) as _, &bulk_ranges(), CACHE_BYTES);
        assert_eq!(opened.is_ok(), is_taken, "{known:?} {now:?}");
        // What is refused stays as it is, and what is taken is known by its new identity.
        drop(opened);
        assert_eq!(after.crash(|| true) == disk.crash(|| true), !is_taken);
        drop(engine);
    }
}

#[tokio::test]
async fn a_disk_that_fails_while_a_store_is_compacted_ends_that_and_loses_nothing() {
    let disk = FailingDisk::of(Vec::new());
    let engine = disk.open();
    let keys: Vec<Vec<u8>> = (0..200_u8).map(|key| vec![b'k', key]).collect();
    let value = Bytes::from(vec![7; 20_000]);
    let writes = |keys: &[Vec<u8>], value: Option<&Bytes>| {
        keys.iter().map(|key| (key.clone(), value.cloned())).collect()
    };
    engine.commit(Commit { writes: writes(&keys, Some(&value)), ..Commit::default() }).await.unwrap();
    engine.commit(Commit { writes: writes(&keys[..150], None), ..Commit::default() }).await.unwrap();
    drop(engine);
    let image = disk.crash(|| true);
    let mut failures = 0;
    for writes_left in (0..).step_by(7) {
        let disk = FailingDisk::of(image.clone());
        disk.refuse(Some(ErrorKind::StorageFull), writes_left);
        let as_disk = Arc::clone(&disk) as Arc<dyn Disk>;
        let compacted = EmbeddedEngine::compact_disk(&as_disk, &bulk_ranges());
        let after = FailingDisk::of(disk.crash(|| true));
        let engine = after.open();
        let found =
            engine.snapshot().await.unwrap().get_many(keys[150..].to_vec(), usize::MAX).await.unwrap();
        assert!(found.iter().all(|found| found.as_ref() == Some(&value)));
        match compacted {
            Ok(()) => {
                assert!(after.length().unwrap() < image.len() as u64 / 2);
                break;
            }
            Err(error) => assert!(matches!(error, EngineError::Full), "{error}"),
        }
        failures += 1;
    }
    assert!(failures > 0);
}

#[tokio::test]
async fn a_server_starts_on_a_full_disk_after_a_crash() {
    let disk = FailingDisk::of(Vec::new());
    let (app, id) = server(&disk).await;
    for number in 1..20 {
        assert_eq!(post(&app, &id, number).await.status, StatusCode::ACCEPTED);
    }
    let after = FailingDisk::of(disk.crash(|| false));
    after.refuse(Some(ErrorKind::StorageFull), 0);
    let app = TestApp::over(Config::default(), after.open()).await;
    assert_eq!(served(&app, &id).await.len(), 19);
    assert_eq!(post(&app, &id, 20).await.status, StatusCode::INSUFFICIENT_STORAGE);
    after.refuse(None, 0);
    assert_eq!(post(&app, &id, 20).await.status, StatusCode::ACCEPTED);
    assert_eq!(served(&app, &id).await.len(), 20);
}

#[tokio::test]
async fn a_failed_read_fails_one_request() {
    let disk = FailingDisk::of(Vec::new());
    let (app, id) = server(&disk).await;
    for number in 1..20 {
        assert_eq!(post(&app, &id, number).await.status, StatusCode::ACCEPTED);
    }
    // A repair reads the whole file, so that nothing is left to be read; a closed store is not repaired.
    let closed = FailingDisk::of(disk.crash(|| true));
    drop(closed.open());
    let image = closed.crash(|| true);
    for is_write in [false, true] {
        let mut failures = 0;
        for number in 0.. {
            let disk = FailingDisk::of(image.clone());
            let app = TestApp::over(Config::default(), disk.open()).await;
            disk.fail_read(number);
            let answer = match is_write {
                false => app.get(&format!("/api/collections/{id}/objects/")).send().await,
                true => post(&app, &id, 20).await,
            };
            if !disk.has_failed() {
                assert!(answer.status.is_success());
                break;
            }
            failures += u32::from(!answer.status.is_success());
            if !answer.status.is_success() {
                assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{:?}", answer.body);
                assert_eq!(answer.error_code(), "storage_failed", "{:?}", answer.body);
            }
            assert!((19..=20).contains(&served(&app, &id).await.len()));
            assert_eq!(post(&app, &id, 21).await.status, StatusCode::ACCEPTED);
            assert!(served(&app, &id).await.contains(&21));
        }
        assert!(failures > 0, "nothing was read from the disk");
    }
}

/// Whenever the disk fails and whatever a crash leaves, all commits are there that had become durable, each as a whole.
#[tokio::test]
async fn no_crash_loses_a_durable_commit() {
    let seed = std::env::var("SEED").map_or(u64::from(std::process::id()), |seed| seed.parse().unwrap());
    println!("repeat with SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut below = |bound: u32| random.u32(..bound);
    let keys: Vec<Vec<u8>> = (0..40_u8).map(|key| vec![b'k', key]).collect();
    let mut disk = FailingDisk::of(Vec::new());
    let mut engine = disk.open();
    // The last commit that counts here; the last one that must survive; and those that may be there after a crash instead,
    // because their outcome is open, or they become durable later.
    let (mut counted, mut durable, mut open) = (0, 0, BTreeSet::new());
    for attempt in 1..400_u32 {
        match below(4) {
            0 => disk.refuse(Some(ErrorKind::StorageFull), below(12)),
            1 => disk.refuse(Some(ErrorKind::Other), [below(12), ALL][below(2) as usize]),
            _ => disk.refuse(None, 0),
        }
        let value = [&attempt.to_be_bytes()[..], &vec![7; below(3000) as usize]].concat();
        let writes = keys.iter().map(|key| (key.clone(), Some(Bytes::from(value.clone())))).collect();
        let durability = if below(2) == 0 { Durability::Now } else { Durability::Later };
        match engine.commit(Commit { writes, durability, ..Commit::default() }).await {
            Ok(()) if durability == Durability::Now => {
                (counted, durable) = (attempt, attempt);
                open.clear();
            }
            Ok(()) => {
                counted = attempt;
                open.insert(attempt);
            }
            Err(EngineError::Full | EngineError::Disk(_) | EngineError::Undetermined(_)) => {
                open.insert(attempt);
            }
            Err(error) => panic!("{error}"),
        }
        if below(4) == 0 && engine.settle().await.is_ok() {
            durable = counted;
            open.clear();
        }
        assert_eq!(state(&engine, &keys).await, counted, "a refused commit changes nothing");
        let image = disk.crash(|| below(2) == 0);
        let after = FailingDisk::of(image);
        let reopened = after.open();
        let found = state(&reopened, &keys).await;
        assert!(found == durable || open.contains(&found), "{found}");
        if below(10) == 0 {
            (disk, engine, counted, durable) = (after, reopened, found, found);
            open.clear();
        }
    }
}

/// The number of the last commit, which is in all values.
async fn state(engine: &Arc<EmbeddedEngine>, keys: &[Vec<u8>]) -> u32 {
    let values = engine.snapshot().await.unwrap().get_many(keys.to_vec(), usize::MAX).await.unwrap();
    let number =
        |value: Option<Bytes>| value.map_or(0, |value| u32::from_be_bytes(value[..4].try_into().unwrap()));
    let mut numbers: Vec<u32> = values.into_iter().map(number).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 1, "a commit is there in part");
    numbers[0]
}
