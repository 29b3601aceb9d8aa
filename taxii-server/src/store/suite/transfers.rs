//! Stores that move from one engine to another.

use super::backups::{Ending, content_of, difference};
use super::{Fixture, tool};
use crate::clock::Clock;
use crate::store::engine::{Commit, Engine};
use crate::store::{
    BackupError, DirectoryCommand, MemoryEngine, Rejection, Stamps, Store, StoreError, Transfer, keys,
};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

async fn filled(engine: &Arc<dyn Engine>) -> Fixture {
    let fixture = Fixture::new(Arc::clone(engine)).await;
    for year in 2001..2004 {
        fixture.add(&(0..40).map(|number| tool(number, year)).collect::<Vec<_>>()).await;
    }
    fixture
}

async fn begin(store: &Store, target: &Arc<dyn Engine>) -> Result<Transfer, BackupError> {
    let mut transfer = store.transfer(Arc::clone(target)).await?;
    transfer.pace.copied = 100;
    Ok(transfer)
}

/// Copies what is to be copied, and returns the number of keys.
async fn copy(transfer: &mut Transfer) -> Result<usize, BackupError> {
    let mut copied = 0;
    while let Some(keys) = transfer.next().await? {
        copied += keys.len();
    }
    Ok(copied)
}

pub async fn a_moved_store_is_equal(engine: Arc<dyn Engine>) {
    let fixture = filled(&engine).await;
    let other = fixture.elsewhere(Arc::clone(&engine)).await;
    let expected = content_of(&*engine).await;
    let target: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    let mut transfer = begin(&fixture.store, &target).await.unwrap();
    let fenced = content_of(&*engine).await;
    assert_eq!(fenced.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    // Each process refuses each kind of write, and reads go on.
    for store in [&fixture, &other] {
        let added = store.add_stamped(&[tool(99, 2001)], Stamps::Clock).await;
        assert!(matches!(added, Err(StoreError::Rejected(Rejection::Frozen))), "{added:?}");
        let account = store.administrator(uuid::Uuid::new_v4(), None);
        let changed = store.change(DirectoryCommand::AddAccount(account)).await;
        assert!(matches!(changed, Err(StoreError::Rejected(Rejection::Frozen))), "{changed:?}");
        let cleared = store.store.clear(i64::MAX).await;
        assert!(matches!(cleared, Err(StoreError::Rejected(Rejection::Frozen))), "{cleared:?}");
        assert_eq!(super::count(&store.store, &store.view()).await, 120);
    }
    assert!(matches!(fixture.store.backup().await.err(), Some(BackupError::Running { .. })));
    assert_eq!(copy(&mut transfer).await.unwrap(), fenced.len());
    let early = Store::open(Arc::clone(&target), Arc::clone(&fixture.clock)).await;
    assert!(matches!(early.err(), Some(StoreError::Unfinished(_))));
    let sum = transfer.verify(|_| {}).await.unwrap();
    assert_eq!(sum.keys, fenced.len() as u64);
    transfer.finish().await.unwrap();
    let found = content_of(&*target).await;
    assert!(found == fenced, "{}", difference(&found, &fenced));
    assert!(content_of(&*engine).await == fenced, "the source is as it was");
    let late = fixture.add_stamped(&[tool(99, 2001)], Stamps::Clock).await;
    assert!(matches!(late, Err(StoreError::Rejected(Rejection::Frozen))), "{late:?}");
    let moved = fixture.elsewhere(Arc::clone(&target)).await;
    assert_eq!(super::count(&moved.store, &moved.view()).await, 120);
    moved.add(&[tool(99, 2001)]).await;
    let full = begin(&fixture.store, &target).await.err();
    assert!(matches!(full, Some(BackupError::NotEmpty)), "{full:?}");
    let empty: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    assert!(matches!(begin(&fixture.store, &empty).await.err(), Some(BackupError::Moved)));
    assert!(fixture.store.release().await.unwrap() && !fixture.store.release().await.unwrap());
    fixture.add(&[tool(100, 2001)]).await;
}

/// Broken off after any of its commits, it goes on where it was while the source is frozen; when that has ended, it begins
/// again.
pub async fn a_broken_migration_goes_on(engine: Arc<dyn Engine>) {
    let fixture = filled(&engine).await;
    let target: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    let mut copied = 0;
    for commits in [1, 2, 3, 3] {
        let ending = Ending { engine: Arc::clone(&target), commits: AtomicUsize::new(commits) };
        let ending: Arc<dyn Engine> = Arc::new(ending);
        let Ok(mut transfer) = begin(&fixture.store, &ending).await else { continue };
        while let Ok(Some(keys)) = transfer.next().await {
            copied += keys.len();
        }
        std::mem::forget(transfer);
    }
    let expected = content_of(&*engine).await;
    assert!(copied > 200 && copied < expected.len(), "{copied} of {}", expected.len());
    let mut transfer = begin(&fixture.store, &target).await.unwrap();
    let rest = copy(&mut transfer).await.unwrap();
    let expected = content_of(&*engine).await;
    assert!(rest < expected.len() && copied + rest <= expected.len() + 100, "{copied} and {rest}");
    std::mem::forget(transfer);
    // The marker is gone, and the source was written to: all is copied anew.
    let Clock::Manual(micros) = &*fixture.clock else { panic!("the fixture sets the clock") };
    micros.fetch_add(301_000_000, Ordering::SeqCst);
    fixture.store.clear(0).await.unwrap();
    fixture.add(&[tool(7, 2009)]).await;
    let mut transfer = begin(&fixture.store, &target).await.unwrap();
    let expected = content_of(&*engine).await;
    assert_eq!(copy(&mut transfer).await.unwrap(), expected.len());
    // Something altered the copy.
    let (key, _) = expected.iter().nth(50).unwrap();
    let writes = [(key.clone(), Some(Bytes::from_static(b"x")))].into();
    target.commit(Commit { writes, ..Commit::default() }).await.unwrap();
    assert!(matches!(transfer.verify(|_| {}).await, Err(BackupError::Differs)));
    transfer.give_up().await.unwrap();
    let mut transfer = begin(&fixture.store, &target).await.unwrap();
    let expected = content_of(&*engine).await;
    assert_eq!(copy(&mut transfer).await.unwrap(), expected.len(), "it begins again");
    transfer.verify(|_| {}).await.unwrap();
    transfer.finish().await.unwrap();
    assert!(content_of(&*target).await == expected);
    assert!(fixture.store.release().await.unwrap());
    let marker = engine.snapshot().await.unwrap().get(keys::local(keys::BACKUP)).await.unwrap();
    assert!(marker.is_none());
}
