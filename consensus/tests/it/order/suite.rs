//! The suite that openraft gives for logs and machines, and faults of the disk under the log.

use super::machine::Bench;
use consensus::order::{Applier, Log, LogError, Threads, TokioTypes};
use openraft::StorageError;
use openraft::entry::RaftEntry;
use openraft::storage::{IOFlushed, RaftLogStorage, RaftLogStorageExt};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::testing::{blank_ent, log_id};
use openraft::type_config::TypeConfigExt;
use openraft::{RaftLogReader, Vote};
use redb::StorageBackend;
use redb::backends::FileBackend;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

type TestLog = Log<TokioTypes, Threads>;

struct Builder;

impl StoreBuilder<TokioTypes, TestLog, Applier<TokioTypes, Bench>, TempDir> for Builder {
    async fn build(
        &self,
    ) -> Result<(TempDir, TestLog, Applier<TokioTypes, Bench>), StorageError<TokioTypes>> {
        let folder = tempfile::tempdir().unwrap();
        let log = TestLog::open(&folder.path().join("log"), 1).await.unwrap();
        let machine = Applier::alone(Arc::new(Bench::default())).await.unwrap();
        Ok((folder, log, machine))
    }
}

#[tokio::test]
async fn log_and_machine_pass_the_suite_of_openraft() {
    Suite::test_all(Builder).await.unwrap();
}

/// Counts what reaches the disk.
#[derive(Debug)]
struct Counted(FileBackend, Arc<AtomicU64>);

impl StorageBackend for Counted {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

#[tokio::test]
async fn an_append_waits_for_one_sync_and_those_that_wait_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let file = std::fs::File::options().read(true).write(true).create_new(true).open(path).unwrap();
    let syncs = Arc::new(AtomicU64::new(0));
    let backend = Counted(FileBackend::new(file).unwrap(), syncs.clone());
    let mut log = TestLog::with_backend(backend, 1, Threads).await.unwrap();
    let before = syncs.load(Ordering::Relaxed);
    for index in 0..10 {
        log.blocking_append([blank_ent::<TokioTypes>(1, 1, index)]).await.unwrap();
    }
    assert_eq!(syncs.load(Ordering::Relaxed) - before, 10, "one append, one sync");
    let before = syncs.load(Ordering::Relaxed);
    let mut last = None;
    for index in 10..210 {
        let (sender, receiver) = TokioTypes::oneshot();
        let flushed = IOFlushed::signal(sender);
        log.append([blank_ent::<TokioTypes>(1, 1, index)], flushed).await.unwrap();
        last = Some(receiver);
    }
    last.unwrap().await.unwrap().unwrap();
    let shared = syncs.load(Ordering::Relaxed) - before;
    assert!(shared < 100, "200 appends that wait took {shared} syncs");
}

#[tokio::test]
async fn a_log_is_read_again_after_it_was_closed_and_only_by_its_node() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    // What a crash left of a file that was being made.
    std::fs::write(folder.path().join("log.new"), "half a log").unwrap();
    let mut log = TestLog::open(&path, 1).await.unwrap();
    assert!(!folder.path().join("log.new").exists());
    log.save_vote(&Vote::new(3, 1)).await.unwrap();
    log.blocking_append((0..10).map(|index| blank_ent::<TokioTypes>(1, 1, index))).await.unwrap();
    log.truncate_after(Some(log_id::<TokioTypes>(1, 1, 7))).await.unwrap();
    log.save_committed(Some(log_id::<TokioTypes>(1, 1, 5))).await.unwrap();
    log.purge(log_id::<TokioTypes>(1, 1, 3)).await.unwrap();
    drop(log);
    let mut log = open_again(&path).await;
    assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new(3, 1)));
    assert_eq!(log.read_committed().await.unwrap(), Some(log_id::<TokioTypes>(1, 1, 5)));
    let state = log.get_log_state().await.unwrap();
    assert_eq!(state.last_purged_log_id, Some(log_id::<TokioTypes>(1, 1, 3)));
    assert_eq!(state.last_log_id, Some(log_id::<TokioTypes>(1, 1, 7)));
    let found = log.try_get_log_entries(..).await.unwrap();
    assert_eq!(found.iter().map(RaftEntry::index).collect::<Vec<_>>(), [4, 5, 6, 7]);
    drop(log);
    let mut refused = TestLog::open(&path, 2).await;
    while matches!(refused, Err(LogError::Disk(_))) {
        tokio::task::yield_now().await;
        refused = TestLog::open(&path, 2).await;
    }
    assert!(matches!(refused, Err(LogError::OtherNode { found: 1, expected: 2 })));
}

/// Opens a log that its writer may still have open for a moment.
async fn open_again(path: &std::path::Path) -> TestLog {
    loop {
        match TestLog::open(path, 1).await {
            Err(LogError::Disk(_)) => tokio::task::yield_now().await,
            opened => return opened.unwrap(),
        }
    }
}
