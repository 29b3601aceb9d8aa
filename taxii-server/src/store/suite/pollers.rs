//! The promise that no other TAXII server gives: whatever writers and deleters do meanwhile, a poller gets every
//! object version that survives, exactly once.

use super::{Fixture, id, seed, tool};
use crate::store::engine::Engine;
use crate::store::{Filter, PageRequest, VersionFilter};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stix_model::Timestamp;

const WRITERS: u64 = 4;
const ROUNDS: u64 = 40;

#[derive(Clone, Copy, Debug)]
pub(super) enum Follow {
    Next,
    AddedAfter,
}

pub async fn each_poller_gets_every_survivor_once(engine: Arc<dyn Engine>) {
    let seed = seed();
    let fixture = Arc::new(Fixture::new(engine).await);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        writers.push(tokio::spawn(write_and_delete(
            Arc::clone(&fixture),
            writer,
            Rng::with_seed(seed + writer),
        )));
    }
    let mut pollers = Vec::new();
    for (number, follow) in [Follow::Next, Follow::AddedAfter].into_iter().cycle().take(6).enumerate() {
        let random = Rng::with_seed(seed ^ (number as u64) << 32);
        pollers
            .push((follow, tokio::spawn(poll(Arc::clone(&fixture), follow, random, Arc::clone(&is_over)))));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    let everything = PageRequest::first(all_versions(None), 1_000_000);
    let survivors = fixture.store.manifest(&fixture.view(), &everything).await.unwrap().items;
    assert!(survivors.len() > 100, "seed {seed}: only {} survive", survivors.len());
    for (follow, poller) in pollers {
        let seen = poller.await.unwrap();
        for record in &survivors {
            let key = format!("{}@{}", record.id, record.date_added);
            assert_eq!(seen.get(&key), Some(&1), "seed {seed}, {follow:?}: {key}");
        }
        assert!(seen.values().all(|times| *times == 1), "seed {seed}, {follow:?}: something came twice");
    }
}

pub(super) async fn write_and_delete(fixture: Arc<Fixture>, writer: u64, mut random: Rng) {
    for round in 0..ROUNDS {
        let first = writer * 100_000 + round * 100;
        let count = 1 + random.u64(..20);
        let objects: Vec<_> = (0..count).map(|n| tool(first + n, 2001)).collect();
        assert_eq!(fixture.add(&objects).await.success_count, count);
        // An observable whose contents are its versions.
        let url = format!("url--00000000-0000-5000-8000-{:012}", writer * 100_000 + round % 5);
        let content = random.u64(..4);
        fixture.add(&[format!(r#"{{"type":"url","id":"{url}","value":"u:{content}"}}"#)]).await;
        if random.u64(..4) == 0 {
            fixture.delete(&url, all_versions(None)).await.unwrap();
        }
        // New versions of older objects, and deletions of some.
        let older = writer * 100_000 + random.u64(..round + 1) * 100;
        fixture.add(&[tool(older, 2002 + u32::try_from(round).unwrap())]).await;
        if random.u64(..3) == 0 {
            fixture.delete(&id(older), all_versions(None)).await.unwrap();
        }
    }
}

/// Counts every version that this poller is given, until two polls in a row after the end bring nothing new.
pub(super) async fn poll(
    fixture: Arc<Fixture>,
    follow: Follow,
    mut random: Rng,
    is_over: Arc<AtomicBool>,
) -> BTreeMap<String, u32> {
    let mut seen = BTreeMap::new();
    let mut added_after: Option<Timestamp> = None;
    // The last date of any page: the last page of a walk is empty when what it would have held was deleted meanwhile.
    let mut last: Option<Timestamp> = None;
    let mut next: Option<String> = None;
    loop {
        let was_over = is_over.load(Ordering::SeqCst);
        let limit = 1 + random.usize(..30);
        let request = match &next {
            Some(next) => {
                let (filter, after) =
                    fixture.store.resume(&fixture.view(), next, all_versions(added_after.clone())).unwrap();
                PageRequest { filter, after: Some(after), limit }
            }
            None => PageRequest::first(all_versions(added_after.clone()), limit),
        };
        let page = fixture.store.manifest(&fixture.view(), &request).await.unwrap();
        for record in &page.items {
            *seen.entry(format!("{}@{}", record.id, record.date_added)).or_default() += 1;
        }
        let is_empty = page.items.is_empty();
        last = page.date_added.map(|(_, last)| last).or(last);
        match follow {
            // Goes on by cursor, and starts the next poll where the last one ended.
            Follow::Next if page.next.is_some() => next = page.next,
            _ => {
                next = None;
                added_after.clone_from(&last);
            }
        }
        if was_over && is_empty && next.is_none() {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}

pub(super) fn all_versions(added_after: Option<Timestamp>) -> Filter {
    Filter { added_after, versions: Some(VersionFilter::All), ..Filter::default() }
}
