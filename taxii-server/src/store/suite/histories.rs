//! Objects with many versions.

use super::counting::{Calls, CountingEngine};
use super::{Faults, FaultyEngine, Fixture, id, marked_tool, marking, seed, submission, tool, tool_named};
use crate::store::engine::Engine;
use crate::store::{
    CollectionChange, Conflicts, DirectoryCommand, Filter, PageRequest, Rejection, StoreError, VersionFilter,
};
use fastrand::Rng;
use std::collections::BTreeSet;
use std::sync::Arc;
use stix_model::{SpecVersion, Timestamp, Tlp};

const EVERYTHING: Option<VersionFilter> = Some(VersionFilter::All);

fn of_one(number: u64, versions: Option<VersionFilter>) -> Filter {
    Filter { ids: Some(BTreeSet::from([id(number).parse().unwrap()])), versions, ..Filter::default() }
}

fn exactly(year: u32) -> Option<VersionFilter> {
    let exact: Timestamp = format!("{year}-01-01T00:00:00Z").parse().unwrap();
    Some(VersionFilter::Some { first: false, last: false, exact: BTreeSet::from([exact]) })
}

/// The years of an object, in the order in which a filter gives them.
async fn years(fixture: &Fixture, filter: Filter) -> Vec<u32> {
    let request = PageRequest::first(filter, 10_000);
    let page = fixture.store.manifest(&fixture.view(), &request).await.unwrap();
    page.items.iter().map(|record| record.version.as_str()[..4].parse().unwrap()).collect()
}

/// Adds versions of these years, in a random order.
async fn add_years(fixture: &Fixture, number: u64, years: impl Iterator<Item = u32>, random: &mut Rng) {
    let mut years: Vec<_> = years.collect();
    random.shuffle(&mut years);
    let texts: Vec<_> = years.into_iter().map(|year| tool(number, year)).collect();
    for part in texts.chunks(500) {
        assert_eq!(fixture.add(part).await.failure_count, 0);
    }
}

pub async fn pages_of_a_long_history_cost_what_is_on_them(engine: Arc<dyn Engine>) {
    let calls = Arc::new(Calls::default());
    let engine = Arc::new(CountingEngine { engine, calls: Arc::clone(&calls) });
    let mut fixture = Fixture::new(engine).await;
    Arc::get_mut(&mut fixture.store).unwrap().follower.end().await;
    let mut random = Rng::with_seed(seed());
    add_years(&fixture, 1, 2001..2041, &mut random).await;
    add_years(&fixture, 2, 2001..4001, &mut random).await;
    let both = Some(BTreeSet::from([SpecVersion::V2_0, SpecVersion::V2_1]));
    let ends = |first, last| Some(VersionFilter::Some { first, last, exact: BTreeSet::new() });
    let mut costs = Vec::new();
    for number in [1, 2] {
        let all = PageRequest::first(of_one(number, EVERYTHING), 20);
        let next = fixture.store.objects(&fixture.view(), &all).await.unwrap().next.unwrap();
        let (_, middle) = fixture.store.resume(&fixture.view(), &next, Filter::default()).unwrap();
        let mut of_one_object = Vec::new();
        for filter in [
            of_one(number, None),
            of_one(number, EVERYTHING),
            Filter { spec_versions: both.clone(), ..of_one(number, EVERYTHING) },
            of_one(number, ends(true, true)),
            of_one(number, exactly(2020)),
        ] {
            for after in [None, Some(middle)] {
                let request = PageRequest { after, ..PageRequest::first(filter.clone(), 10) };
                calls.take_entries();
                let page = fixture.store.objects(&fixture.view(), &request).await.unwrap();
                assert!(page.items.len() <= 10);
                of_one_object.push(calls.take_entries());
            }
        }
        costs.push(of_one_object);
    }
    let differ = costs[0].iter().zip(&costs[1]).any(|(short, long)| short.abs_diff(*long) > 2);
    assert!(!differ && costs[1].iter().all(|entries| *entries < 30), "entries that were read: {costs:?}");
    // So does deleting one of them, whichever it is.
    for filter in [of_one(0, None), of_one(0, ends(true, false)), of_one(0, exactly(2020))] {
        let mut costs = Vec::new();
        for number in [1, 2] {
            calls.take_entries();
            assert_eq!(fixture.delete(&id(number), filter.clone()).await.unwrap(), 1);
            costs.push(calls.take_entries());
        }
        assert!(costs[0].abs_diff(costs[1]) < 20 && costs[1] < 100, "{costs:?}");
    }
    let page = years(&fixture, of_one(2, EVERYTHING)).await;
    assert_eq!(page.len(), 1997);
    assert!(!page.is_sorted(), "they come in the order of their additions");
    assert_eq!(years(&fixture, of_one(2, ends(true, true))).await.into_iter().max(), Some(3999));
}

pub async fn many_versions_are_deleted_at_once_and_erased_in_pieces(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    let mut random = Rng::with_seed(seed());
    fixture.add(&[tool(1, 2001), tool(3, 2001)]).await;
    add_years(&fixture, 2, 2001..2601, &mut random).await;
    let before = keys(&*engine).await;
    assert_eq!(fixture.delete(&id(2), of_one(2, EVERYTHING)).await.unwrap(), 600);
    assert!(before - keys(&*engine).await < 100, "the keys of most of them are still there");
    let is_gone = async || {
        let everything = Filter { versions: EVERYTHING, ..Filter::default() };
        assert_eq!(years(&fixture, everything).await, [2001, 2001]);
        assert_eq!(years(&fixture, Filter::default()).await, [2001, 2001]);
        assert!(years(&fixture, of_one(2, EVERYTHING)).await.is_empty());
        assert!(years(&fixture, of_one(2, exactly(2300))).await.is_empty());
        let again = fixture.delete(&id(2), of_one(2, EVERYTHING)).await;
        assert!(matches!(again, Err(StoreError::Rejected(Rejection::NoObject))));
        let contents = fixture.store.contents(&[fixture.view()]).await.unwrap();
        assert_eq!((contents[0].objects, contents[0].versions), (2, 2));
    };
    is_gone().await;
    // Some of the same versions come again before the old ones are erased; one has other content now.
    let other = tool_named(2, 2300, "other");
    let status = fixture.add(&[tool(2, 2100), other.clone(), tool(2, 2200)]).await;
    assert_eq!((status.success_count, status.failure_count), (3, 0));
    assert!(status.successes.iter().all(|row| row.message.is_none()), "they are new");
    let is_there = async || {
        assert_eq!(years(&fixture, of_one(2, EVERYTHING)).await, [2100, 2200, 2300]);
        assert_eq!(years(&fixture, of_one(2, None)).await, [2300]);
        let everything = Filter { versions: EVERYTHING, ..Filter::default() };
        assert_eq!(years(&fixture, everything).await, [2001, 2001, 2100, 2200, 2300]);
        let last = PageRequest::first(of_one(2, None), 1);
        let last = fixture.store.objects(&fixture.view(), &last).await.unwrap();
        assert_eq!(last.items[0], other.as_str());
    };
    is_there().await;
    fixture.store.clear(0).await.unwrap();
    is_there().await;
    // A second deletion before the first one is erased; then nothing is left of the object.
    assert_eq!(fixture.delete(&id(2), of_one(2, None)).await.unwrap(), 1);
    assert_eq!(years(&fixture, of_one(2, EVERYTHING)).await, [2100, 2200], "no older one comes back");
    add_years(&fixture, 2, 2300..2400, &mut random).await;
    assert_eq!(fixture.delete(&id(2), of_one(2, EVERYTHING)).await.unwrap(), 102);
    add_years(&fixture, 2, 2350..2360, &mut random).await;
    assert_eq!(fixture.delete(&id(2), of_one(2, EVERYTHING)).await.unwrap(), 10);
    is_gone().await;
    fixture.store.clear(0).await.unwrap();
    is_gone().await;
}

/// Counts the keys of objects in an engine.
async fn keys(engine: &dyn Engine) -> usize {
    let entries = engine.snapshot().await.unwrap().scan_all(vec![0]..vec![0xFF]).await.unwrap();
    entries.iter().filter(|(key, _)| b"altoiprcgb".iter().any(|tag| key.starts_with(&[*tag, b'l']))).count()
}

pub async fn a_deletion_is_finished_after_a_restart(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    add_years(&fixture, 2, 2001..2101, &mut Rng::with_seed(seed())).await;
    fixture.delete(&id(2), of_one(2, EVERYTHING)).await.unwrap();
    let again = fixture.elsewhere(Arc::clone(&engine)).await;
    drop(fixture);
    assert!(keys(&*engine).await > 100);
    again.store.clear(0).await.unwrap();
    assert_eq!(keys(&*engine).await, 0);
}

/// Another process adds an object while its deleted versions are walked past: the piece of work that saw it gone is made
/// anew.
pub async fn moving_past_deleted_versions_loses_nothing(engine: Arc<dyn Engine>) {
    let faults = Faults { conflict: 3, undetermined_applied: 5, ..Faults::default() };
    let seed = seed();
    let mut fixture = Fixture::new(Arc::clone(&engine)).await;
    let other = fixture.elsewhere(Arc::new(FaultyEngine::new(Arc::clone(&engine), faults, seed))).await;
    let collection = fixture.collection.id;
    for round in 0..6_u32 {
        add_years(&fixture, 2, 2001..2041, &mut Rng::with_seed(seed)).await;
        let unmarked = Some(Tlp::ALL[usize::try_from(round % 3).unwrap()]);
        let change = CollectionChange { unmarked, ..Default::default() };
        fixture.change(DirectoryCommand::ChangeCollection { collection, change }).await.unwrap();
        fixture = fixture.known(collection);
        fixture.delete(&id(2), of_one(2, EVERYTHING)).await.unwrap();
        let adding = async {
            for year in 2001..2011 {
                assert_eq!(fixture.add(&[tool(2, year)]).await.success_count, 1, "seed {seed}");
            }
        };
        let (moved, ()) = futures::join!(other.store.relevel(collection), adding);
        moved.unwrap();
        assert_eq!(years(&fixture, of_one(2, EVERYTHING)).await.len(), 10, "seed {seed}, round {round}");
        assert_eq!(years(&fixture, Filter::default()).await, [2010], "seed {seed}, round {round}");
        fixture.store.clear(0).await.unwrap();
        assert_eq!(fixture.delete(&id(2), of_one(2, EVERYTHING)).await.unwrap(), 10, "seed {seed}");
        fixture.store.clear(0).await.unwrap();
        assert_eq!(keys(&*engine).await, 0, "seed {seed}, round {round}");
    }
}

/// Objects of every kind, deleted in every way: when maintenance has run, no key is left of them.
pub async fn deletions_leave_nothing_behind(engine: Arc<dyn Engine>) {
    let seed = seed();
    let mut random = Rng::with_seed(seed);
    let mut fixture = Fixture::new(Arc::clone(&engine)).await;
    let url = |value| {
        format!(r#"{{"type":"url","id":"url--00000000-0000-5000-8000-000000000001","value":"u:{value}"}}"#)
    };
    let ids = [id(0), id(1), id(2), "url--00000000-0000-5000-8000-000000000001".to_owned()];
    for round in 0..40 {
        let number = random.u64(..3);
        let year = 2001 + random.u32(..30);
        let level = Tlp::ALL[random.usize(..5)];
        let revoked = tool(number, year).replace(r#""name""#, r#""revoked":true,"name""#);
        let old = tool(number, year + 1).replace(r#""spec_version":"2.1","#, "");
        fixture.add(&[marked_tool(number, year + 2, level), url(random.u64(..9)), old]).await;
        if round % 4 == 0 {
            fixture.add(&[revoked]).await;
        }
        if random.u64(..3) == 0 {
            let versions = [None, EVERYTHING, exactly(year)].into_iter().nth(random.usize(..3));
            let filter = Filter { versions: versions.unwrap(), ..Filter::default() };
            let _ = fixture.delete(&ids[random.usize(..4)], filter).await;
        }
        if random.u64(..8) == 0 {
            let change = CollectionChange { unmarked: Some(level), ..Default::default() };
            let collection = fixture.collection.id;
            fixture.change(DirectoryCommand::ChangeCollection { collection, change }).await.unwrap();
            fixture = fixture.known(collection);
            fixture.store.clear(0).await.unwrap();
        }
    }
    let both = Some(BTreeSet::from([SpecVersion::V2_0, SpecVersion::V2_1]));
    for id in &ids {
        let filter = Filter { versions: EVERYTHING, spec_versions: both.clone(), ..Filter::default() };
        let _ = fixture.delete(id, filter).await;
    }
    fixture.store.clear(0).await.unwrap();
    assert_eq!(keys(&*engine).await, 0, "seed {seed}");
}

/// In a collection that mirrors a source, what a replaced content said does not count any more.
pub async fn a_mirror_serves_what_its_source_says_now(engine: Arc<dyn Engine>) {
    let mut fixture = Fixture::new(engine).await;
    let collection = fixture.collection.id;
    let change = CollectionChange { conflicts: Some(Conflicts::Newest), ..Default::default() };
    fixture.change(DirectoryCommand::ChangeCollection { collection, change }).await.unwrap();
    fixture = fixture.known(collection);
    let with = |text: String, property: &str| text.replace(r#""name""#, &format!(r#"{property},"name""#));
    // A revocation that its source takes back.
    fixture.add(&[with(tool(1, 2001), r#""revoked":true"#)]).await;
    let status = fixture.add(&[tool(1, 2001), tool(1, 2002)]).await;
    assert_eq!(status.failure_count, 0, "{status:?}");
    assert_eq!(fixture.add(&[tool(1, 2003)]).await.failure_count, 0);
    // Another creator, and another time of creation, in all versions.
    fixture.add(&[tool(2, 2001), tool(2, 2002)]).await;
    let creator = r#""created_by_ref":"identity--00000000-0000-4000-8000-000000000001""#;
    let changed = |year| with(tool(2, year), creator).replace("2000-01-01", "2000-02-02");
    let status = fixture.add(&[changed(2001), changed(2002), changed(2003)]).await;
    assert_eq!(status.failure_count, 0, "{status:?}");
    let status = fixture.add(&[changed(2004)]).await;
    assert_eq!(status.failure_count, 0, "{status:?}");
    assert_eq!(
        fixture.add(&[tool(2, 2005)]).await.failure_count,
        1,
        "the creator of before is another one now"
    );
    // An observable that is again what it was.
    let id = "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1";
    let url = |value: &str| format!(r#"{{"type":"url","id":"{id}","value":"u:{value}"}}"#);
    let served = async || {
        let ids = Some(BTreeSet::from([id.parse().unwrap()]));
        let request = PageRequest::first(Filter { ids, ..Filter::default() }, 9);
        let page = fixture.store.objects(&fixture.view(), &request).await.unwrap();
        page.items.iter().map(|object| String::from_utf8(object.to_vec()).unwrap()).collect::<Vec<_>>()
    };
    for texts in
        [vec!["a"], vec!["b"], vec!["a"], vec!["a"], vec!["b", "a", "b"], vec!["a"], vec!["a", "b", "a"]]
    {
        let objects: Vec<_> = texts.iter().map(|text| url(text)).collect();
        let status = fixture.add(&objects).await;
        assert_eq!(status.success_count, texts.len() as u64);
        assert_eq!(served().await, [url(texts[texts.len() - 1])], "{texts:?}");
    }
    let position = async || fixture.store.contents(&[fixture.view()]).await.unwrap().remove(0).newest;
    let before = position().await;
    // A source that sends all that it has at every poll changes nothing.
    for objects in [vec![url("a")], vec![url("b"), url("a")], vec![url("a"), url("b"), url("a")]] {
        let status = fixture.add(&objects).await;
        let messages = status.successes.iter().map(|row| row.message.as_deref());
        assert!(messages.eq(objects.iter().map(|_| Some("already in the collection"))), "{status:?}");
        assert_eq!(position().await, before);
    }
    // What comes after, above the clearance of the submitter, does not exist for it.
    let red = format!(r#"{{"type":"url","id":"{id}","value":"u:a","defanged":true,{}}}"#, marking(Tlp::Red));
    assert_eq!(fixture.add(&[red]).await.success_count, 1);
    let view = fixture.view_of(Tlp::Amber);
    let status = fixture.store.add(&view, &fixture.operator(), submission(&[url("a")])).await.unwrap();
    assert_eq!(status.successes[0].message.as_deref(), Some("already in the collection"));
}
