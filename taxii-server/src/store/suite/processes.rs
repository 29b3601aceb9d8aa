//! Several processes over one engine: two stores, each with its own copy of the directory, and an engine with faults.

use super::pollers::{Follow, all_versions, poll, write_and_delete};
use super::{Faults, FaultyEngine, Fixture, count, seed, submission, tool};
use crate::rights::Principal;
use crate::store::engine::{Commit, Engine};
use crate::store::{
    DirectoryCommand, FORMAT, Filter, NewAccount, NewToken, PageRequest, Rejection, StoreError, Token, keys,
};
use fastrand::Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// The bound that the architecture states for changes of the directory that another process makes.
///
/// The stated bound is one second; here it is longer, because a machine that runs many tests may be busy.
const STALENESS: Duration = Duration::from_secs(8);

/// Whatever conflicts, lost answers and outages do, pollers of both processes see each version exactly once, and nothing is
/// carried out twice or lost.
pub async fn two_processes_under_faults(engine: Arc<dyn Engine>) {
    let seed = seed();
    let faults = Faults { conflict: 7, undetermined_applied: 9, undetermined_lost: 11, unavailable: 23 };
    let faulty =
        |n| -> Arc<dyn Engine> { Arc::new(FaultyEngine::new(Arc::clone(&engine), faults, seed ^ n)) };
    let one = Fixture::new(Arc::clone(&engine)).await;
    let two = Arc::new(one.elsewhere(faulty(1)).await);
    let one = Arc::new(one.elsewhere(faulty(2)).await);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for (number, fixture) in [&one, &two].into_iter().enumerate() {
        let number = number as u64;
        writers.push(tokio::spawn(write_and_delete(
            Arc::clone(fixture),
            number,
            Rng::with_seed(seed + number),
        )));
    }
    // Pollers read through an engine without faults: a read that fails is an error to its client, and no more.
    let reader = Arc::new(one.elsewhere(Arc::clone(&engine)).await);
    let mut pollers = Vec::new();
    for (number, follow) in [Follow::Next, Follow::AddedAfter].into_iter().enumerate() {
        let random = Rng::with_seed(seed ^ (number as u64) << 32);
        pollers.push(tokio::spawn(poll(Arc::clone(&reader), follow, random, Arc::clone(&is_over))));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    let everything = PageRequest::first(all_versions(None), 1_000_000);
    let survivors = reader.store.manifest(&reader.view(), &everything).await.unwrap().items;
    assert_eq!(count(&reader.store, &reader.view()).await, survivors.len() as u64, "seed {seed}");
    for poller in pollers {
        let seen = poller.await.unwrap();
        for record in &survivors {
            let key = format!("{}@{}", record.id, record.date_added);
            assert_eq!(seen.get(&key), Some(&1), "seed {seed}: {key}");
        }
        assert!(seen.values().all(|times| *times == 1), "seed {seed}: something came twice");
    }
}

fn account(fixture: &Fixture) -> NewAccount {
    let token = Token { sha256: "00".repeat(32), created: "2026-01-01T00:00:00.000000Z".into() };
    fixture.administrator(Uuid::new_v4(), Some(NewToken { public: "public".into(), token }))
}

async fn within_bound(mut is_so: impl FnMut() -> bool) {
    let started = tokio::time::Instant::now();
    while !is_so() {
        assert!(started.elapsed() < STALENESS, "the other process did not notice in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn a_revoked_token_stops_working_elsewhere(engine: Arc<dyn Engine>) {
    let one = Fixture::new(Arc::clone(&engine)).await;
    let two = one.elsewhere(Arc::clone(&engine)).await;
    let account = account(&one);
    let id = account.id;
    one.change(DirectoryCommand::AddAccount(account)).await.unwrap();
    assert!(one.store.directory().account_of_token("public").is_some(), "here it counts at once");
    within_bound(|| two.store.directory().account_of_token("public").is_some()).await;
    let principal = Principal::clone(two.store.directory().principal(id).unwrap());
    let revoke = DirectoryCommand::RemoveToken { account: "alice".into(), public: "public".into() };
    one.change(revoke).await.unwrap();
    assert!(one.store.directory().account_of_token("public").is_none());
    // What rests on the old copy is refused at once, and the copy is renewed.
    let late = two.store.add(&two.view(), &principal, submission(&[tool(1, 2001)])).await;
    assert!(matches!(late, Err(StoreError::Rejected(Rejection::Stale))));
    assert!(two.store.directory().account_of_token("public").is_none());
    within_bound(|| two.store.directory().account_of_token("public").is_none()).await;
}

pub async fn a_removed_collection_is_gone_elsewhere(engine: Arc<dyn Engine>) {
    let one = Fixture::new(Arc::clone(&engine)).await;
    let two = one.elsewhere(Arc::clone(&engine)).await;
    two.add(&[tool(1, 2001)]).await;
    let collection = one.collection.id;
    one.change(DirectoryCommand::RemoveCollection { collection }).await.unwrap();
    let late = two.add_stamped(&[tool(2, 2001)], crate::store::Stamps::Clock).await;
    assert!(matches!(late, Err(StoreError::Rejected(Rejection::NoCollection))));
    within_bound(|| !two.store.directory().collections.contains_key(&collection)).await;
}

/// A newer process brings the store to its format while this one runs: it writes no more, soon reads no more, and says so.
pub async fn a_later_format_stops_older_processes(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    fixture.add(&[tool(1, 2001)]).await;
    fixture.store.ready().await.unwrap();
    let writes = [(keys::FORMAT.to_vec(), Some((FORMAT + 1).to_string().into()))].into();
    engine.commit(Commit { writes, ..Commit::default() }).await.unwrap();
    let is_later = |error: &StoreError| match error {
        StoreError::Format { found } => *found == FORMAT + 1,
        StoreError::Commit(error) => matches!(**error, StoreError::Format { found } if found == FORMAT + 1),
        _ => false,
    };
    let late = fixture.add_stamped(&[tool(2, 2001)], crate::store::Stamps::Clock).await.unwrap_err();
    assert!(is_later(&late), "{late}");
    let collection = fixture.collection.id;
    let late = fixture.change(DirectoryCommand::RemoveCollection { collection }).await.unwrap_err();
    assert!(is_later(&late), "{late}");
    assert!(is_later(&fixture.store.ready().await.unwrap_err()));
    let reads_no_more = || fixture.store.reload.newer_format.load(Ordering::Relaxed) == FORMAT + 1;
    within_bound(reads_no_more).await;
    let page = PageRequest::first(Filter::default(), 10);
    assert!(is_later(&fixture.store.objects(&fixture.view(), &page).await.unwrap_err()));
    // Back at the old format, as after a restore, all goes on.
    let writes = [(keys::FORMAT.to_vec(), Some(FORMAT.to_string().into()))].into();
    engine.commit(Commit { writes, ..Commit::default() }).await.unwrap();
    within_bound(|| !reads_no_more()).await;
    assert_eq!(count(&fixture.store, &fixture.view()).await, 1);
}

pub async fn one_process_holds_the_lease(engine: Arc<dyn Engine>) {
    let one = Fixture::new(Arc::clone(&engine)).await;
    let two = one.elsewhere(Arc::clone(&engine)).await;
    assert!(one.store.has_lease().await.unwrap());
    assert!(!two.store.has_lease().await.unwrap());
    assert!(one.store.has_lease().await.unwrap(), "its holder renews it");
    let crate::clock::Clock::Manual(micros) = &*one.clock else { panic!("the fixture sets the clock") };
    micros.fetch_add(61_000_000, Ordering::SeqCst);
    assert!(two.store.has_lease().await.unwrap(), "a lease ends");
    assert!(!one.store.has_lease().await.unwrap());
}
