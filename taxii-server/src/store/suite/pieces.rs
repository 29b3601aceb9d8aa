//! Requests that are larger than the commits of an engine.

use super::{Faults, FaultyEngine, Fixture, count, id, seed, submission, tool, tool_named};
use crate::store::command::Refused;
use crate::store::engine::{Commit, Engine, EngineFuture, Limits, Snapshot};
use crate::store::{Filter, MemoryEngine, PageRequest, Stamps, Submission, Submitted, VersionFilter};
use std::sync::Arc;
use stix_model::Timestamp;
use stix_model::taxii::{Status, StatusDetails};

/// An engine that takes small commits.
struct SmallCommits(Arc<dyn Engine>);

impl Engine for SmallCommits {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        self.0.snapshot()
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        assert!(commit.writes.len() < 1_000, "a commit of {} keys", commit.writes.len());
        self.0.commit(commit)
    }

    fn settle(&self) -> EngineFuture<'_, ()> {
        self.0.settle()
    }

    fn limits(&self) -> Limits {
        Limits { commit_bytes: 60_000, ..self.0.limits() }
    }
}

fn refused(number: u64) -> Submitted {
    let finding = serde_json::from_value(serde_json::json!({
        "code": "format", "severity": "error", "index": null, "pointer": "/name", "rule": null,
        "message": "no", "fix": null
    }));
    let (finding, id) = (finding.unwrap(), Some(id(number)));
    Submitted::Refused(Box::new(Refused { id, version: None, finding, more: 0, is_more_open: false }))
}

/// New objects, versions of one object from the latest to the oldest, one twice, conflicts, and refused ones between them.
fn mixed() -> Submission {
    let mut texts: Vec<_> = (0..120).map(|number| tool(number, 2001)).collect();
    texts.extend((0..60).map(|age| tool(7, 2080 - age)));
    texts.extend((0..20).map(|number| tool(number, 2001)));
    texts.extend((0..20).map(|number| tool_named(number, 2001, "another")));
    let mut submission = submission(&texts);
    for place in [0, 50, 130, 200] {
        submission.objects.insert(place, refused(place as u64));
    }
    submission
}

fn rows(status: &Status) -> [(u64, Vec<StatusDetails>); 2] {
    let Status { success_count, successes, failure_count, failures, .. } = status.clone();
    [(success_count, successes), (failure_count, failures)]
}

pub async fn a_request_in_pieces_has_the_outcome_of_a_whole_one(engine: Arc<dyn Engine>) {
    let whole = Fixture::new(Arc::new(MemoryEngine::default())).await;
    let pieces = Fixture::new(Arc::new(SmallCommits(engine))).await;
    for submission in [mixed(), mixed()] {
        let add = async |fixture: &Fixture| {
            fixture.store.add(&fixture.view(), &fixture.operator(), submission.clone()).await.unwrap()
        };
        let (expected, found) = (add(&whole).await, add(&pieces).await);
        assert_eq!(rows(&expected), rows(&found));
        assert_eq!(found.failure_count, 24);
        assert_eq!(add(&pieces).await, found);
        let read = pieces.store.status("root", found.id.parse().unwrap(), &pieces.operator()).await.unwrap();
        assert_eq!(read, Some(found));
    }
    assert_eq!(count(&pieces.store, &pieces.view()).await, count(&whole.store, &whole.view()).await);
    let all = Filter { versions: Some(VersionFilter::All), ..Filter::default() };
    let manifest = pieces.store.manifest(&pieces.view(), &PageRequest::first(all, 1_000)).await.unwrap();
    assert!(manifest.items.is_sorted_by(|one, next| one.date_added < next.date_added));
}

pub async fn restored_objects_in_pieces_keep_their_stamps(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::new(SmallCommits(engine))).await;
    // Some hundred of them share one instant.
    let stamp = |number: u64| {
        let second = if (40..90).contains(&number) { 40 } else { number };
        format!("2020-01-01T00:{:02}:{:02}.000000Z", second / 60, second % 60).parse::<Timestamp>().unwrap()
    };
    let texts: Vec<_> = (0..150).map(|number| tool(number, 2001)).collect();
    let stamps = Stamps::Given((0..150).map(stamp).collect());
    let status = fixture.add_stamped(&texts, stamps).await.unwrap();
    assert_eq!((status.success_count, status.failure_count), (150, 0));
    let page = PageRequest::first(Filter::default(), 1_000);
    let manifest = fixture.store.manifest(&fixture.view(), &page).await.unwrap();
    for (number, record) in manifest.items.iter().enumerate() {
        assert_eq!(record.date_added.to_string(), stamp(number as u64).to_string());
        assert_eq!(record.id, id(number as u64));
    }
}

/// A request that broke off is sent again until it is done: everything is there once.
pub async fn a_request_in_pieces_goes_on_after_faults(engine: Arc<dyn Engine>) {
    let seed = seed();
    let whole = Fixture::new(Arc::clone(&engine)).await;
    let faults = Faults { conflict: 5, undetermined_applied: 5, undetermined_lost: 5, unavailable: 5 };
    let faulty = FaultyEngine::new(engine, faults, seed);
    let pieces = whole.elsewhere(Arc::new(SmallCommits(Arc::new(faulty)))).await;
    let submission = mixed();
    let add = async || pieces.store.add(&pieces.view(), &pieces.operator(), submission.clone()).await;
    let mut attempts = 0;
    let status = loop {
        attempts += 1;
        assert!(attempts < 100, "seed {seed}");
        if let Ok(status) = add().await {
            break status;
        }
    };
    assert_eq!((status.success_count, status.failure_count), (200, 24), "seed {seed}");
    assert_eq!(count(&whole.store, &whole.view()).await, 120 + 60, "seed {seed}");
}
