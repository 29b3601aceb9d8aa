//! Reading and writing by clearance: what a viewer may not see does not exist for it.

use super::{Faults, FaultyEngine, Fixture, NOW, id, marked_tool, seed, submission, tool, tool_named};
use crate::store::apply::apply;
use crate::store::engine::{Commit, Engine, EngineError};
use crate::store::overlay::Overlay;
use crate::store::{
    CollectionChange, Command, Deletion, DirectoryCommand, Done, Filter, Group, PageRequest, Rejection,
    Relevel, Request, Scope, StoreError, Target, VersionFilter,
};
use bytes::Bytes;
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use stix_model::{StixId, Timestamp, Tlp};
use uuid::Uuid;

/// A version as the model of the test knows it.
#[derive(Clone, Debug)]
struct Version {
    number: u64,
    year: u32,
    level: Tlp,
}

fn with(versions: Option<VersionFilter>) -> Filter {
    Filter { versions, ..Filter::default() }
}

fn ends(first: bool, last: bool) -> VersionFilter {
    VersionFilter::Some { first, last, exact: BTreeSet::new() }
}

/// Everything that a filter gives to a viewer, over small pages: object number and year.
async fn walk(fixture: &Fixture, clearance: Tlp, filter: Filter) -> Vec<(u64, u32)> {
    let view = fixture.view_of(clearance);
    let mut request = PageRequest::first(filter, 7);
    let mut found = Vec::new();
    loop {
        let page = fixture.store.manifest(&view, &request).await.unwrap();
        let bytes = fixture.store.objects(&view, &request).await.unwrap();
        assert_eq!(page.items.len(), bytes.items.len());
        assert_eq!(page.next, bytes.next);
        for (record, object) in page.items.iter().zip(&bytes.items) {
            let text = std::str::from_utf8(object).unwrap();
            assert!(text.contains(record.id.as_str()) && text.contains(record.version.as_str()));
            found.push((number_of(&record.id), record.version.as_str()[..4].parse().unwrap()));
        }
        let Some(next) = page.next else { return found };
        let (filter, after) = fixture.store.resume(&view, &next, Filter::default()).unwrap();
        request = PageRequest { filter, after: Some(after), limit: 7 };
    }
}

fn number_of(id: &str) -> u64 {
    id[id.len() - 12..].parse().unwrap()
}

/// The versions that a clearance sees, by object and year.
fn visible(model: &[Version], clearance: Tlp) -> BTreeMap<u64, Vec<u32>> {
    let mut seen: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for version in model.iter().filter(|version| version.level <= clearance) {
        seen.entry(version.number).or_default().push(version.year);
    }
    seen.values_mut().for_each(|years| years.sort_unstable());
    seen
}

/// Holds every read of the store against the model, for every clearance.
async fn check(fixture: &Fixture, model: &[Version], is_deleted: bool, label: &str) {
    for clearance in Tlp::ALL {
        let label = format!("{label}, {clearance}");
        let seen = visible(model, clearance);
        let view = fixture.view_of(clearance);
        let sorted = |mut found: Vec<(u64, u32)>| {
            found.sort_unstable();
            found
        };
        let of = |pick: fn(&[u32]) -> Vec<u32>| -> Vec<(u64, u32)> {
            let pairs = |(number, years): (&u64, &Vec<u32>)| {
                let number = *number;
                pick(years).into_iter().map(move |year| (number, year)).collect::<Vec<_>>()
            };
            sorted(seen.iter().flat_map(pairs).collect())
        };
        let all = of(<[u32]>::to_vec);
        let last = of(|years| years.last().copied().into_iter().collect());
        let first = of(|years| years.first().copied().into_iter().collect());
        let walked = async |filter| sorted(walk(fixture, clearance, filter).await);
        assert_eq!(walked(with(None)).await, last, "latest, {label}");
        assert_eq!(walked(with(Some(VersionFilter::All))).await, all, "all, {label}");
        assert_eq!(walked(with(Some(ends(true, false)))).await, first, "first, {label}");
        let types = Some(BTreeSet::from(["tool".to_owned()]));
        assert_eq!(walked(Filter { types, ..Filter::default() }).await, last, "by type, {label}");
        let ids: BTreeSet<StixId> = model.iter().map(|version| id(version.number).parse().unwrap()).collect();
        let by_id = |versions| Filter { ids: Some(ids.clone()), ..with(versions) };
        assert_eq!(walked(by_id(None)).await, last, "latest by id, {label}");
        assert_eq!(walked(by_id(Some(VersionFilter::All))).await, all, "all by id, {label}");
        assert_eq!(walked(by_id(Some(ends(true, false)))).await, first, "first by id, {label}");
        let contents = fixture.store.contents(std::slice::from_ref(&view)).await.unwrap().remove(0);
        let page = PageRequest::first(with(Some(VersionFilter::All)), 1_000_000);
        let objects = fixture.store.objects(&view, &page).await.unwrap();
        assert_eq!(contents.objects, last.len() as u64, "objects, {label}");
        assert_eq!(contents.versions, all.len() as u64, "versions, {label}");
        let bytes: usize = objects.items.iter().map(Bytes::len).sum();
        assert_eq!(contents.bytes, bytes as u64, "bytes, {label}");
        let newest = objects.date_added.map(|(_, newest)| newest);
        assert_eq!(contents.newest.is_some(), newest.is_some(), "newest, {label}");
        assert!(is_deleted || contents.newest == newest, "newest, {label}");
        for id in &ids {
            let is_seen = seen.contains_key(&number_of(id.as_str()));
            assert_eq!(fixture.store.has_object(&view, id).await.unwrap(), is_seen, "{id}, {label}");
        }
        // Who polls by the last date that it was given, rounded down as some clients do, misses and repeats nothing; unless
        // the last one was deleted.
        if is_deleted {
            continue;
        }
        let dates = fixture.store.manifest(&view, &page).await.unwrap().date_added;
        if let Some((_, last)) = dates {
            let millisecond: Timestamp = format!("{}Z", &last.as_str()[..23]).parse().unwrap();
            assert_eq!(millisecond, last, "the last date of a level is a whole millisecond, {label}");
            let after = Filter { added_after: Some(millisecond), ..with(Some(VersionFilter::All)) };
            assert!(walked(after).await.is_empty(), "{label}");
        }
    }
}

/// The round from which objects are deleted too.
const DELETING: u32 = 6;

/// Random objects in random versions at random levels, added and deleted: every read by every clearance is as the model
/// says.
pub async fn viewers_see_what_their_clearance_allows(engine: Arc<dyn Engine>) {
    let seed = seed();
    let mut random = Rng::with_seed(seed);
    let fixture = Fixture::new(engine).await;
    let mut model: Vec<Version> = Vec::new();
    for round in 0..16_u32 {
        let mut batch: Vec<Version> = Vec::new();
        for _ in 0..1 + random.u64(..12) {
            let number = random.u64(..10);
            let year = 2001 + random.u32(..20);
            let level = Tlp::ALL[random.usize(..5)];
            let is_known = |known: &Version| (known.number, known.year) == (number, year);
            if !model.iter().chain(&batch).any(is_known) {
                batch.push(Version { number, year, level });
            }
        }
        let text = |version: &Version| marked_tool(version.number, version.year, version.level);
        let texts: Vec<_> = batch.iter().map(text).collect();
        assert_eq!(fixture.add(&texts).await.failure_count, 0);
        model.extend(batch);
        check(&fixture, &model, round > DELETING, &format!("seed {seed}, round {round}")).await;
        if round >= DELETING {
            let number = random.u64(..10);
            let clearance = Tlp::ALL[random.usize(..5)];
            let seen = visible(&model, clearance).remove(&number).unwrap_or_default();
            let middle = seen.get(seen.len() / 2).copied();
            let exact = middle.map(|year| format!("{year}-01-01T00:00:00Z").parse().unwrap()).into_iter();
            let exact = VersionFilter::Some { first: true, last: false, exact: exact.collect() };
            let (versions, gone) = match random.u64(..3) {
                0 => (None, seen.last().copied().into_iter().collect()),
                1 => (Some(exact), seen.first().copied().into_iter().chain(middle).collect()),
                _ => (Some(VersionFilter::All), seen.iter().copied().collect::<BTreeSet<_>>()),
            };
            let deleted = delete(&fixture, clearance, number, with(versions)).await;
            match deleted {
                Err(StoreError::Rejected(Rejection::NoObject)) => assert!(seen.is_empty()),
                deleted => assert_eq!(deleted.unwrap(), gone.len() as u64, "seed {seed}, round {round}"),
            }
            model.retain(|version| version.number != number || !gone.contains(&version.year));
            // What is deleted is erased sooner or later.
            if random.u64(..3) == 0 {
                fixture.store.clear(0).await.unwrap();
            }
            check(&fixture, &model, true, &format!("seed {seed}, round {round} after a deletion")).await;
        }
    }
}

async fn delete(fixture: &Fixture, clearance: Tlp, number: u64, filter: Filter) -> Result<u64, StoreError> {
    let deletion = Deletion { request: Uuid::new_v4(), id: id(number).parse().unwrap(), filter };
    fixture.store.delete(&fixture.view_of(clearance), &fixture.operator(), deletion).await
}

/// Decisions use all versions; what the submitter is told rests on those that it sees.
pub async fn outcomes_tell_no_more_than_the_submitter_sees(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let red = marked_tool(1, 2005, Tlp::Red);
    let revoked = marked_tool(2, 2005, Tlp::Red).replace(r#""name""#, r#""revoked":true,"name""#);
    fixture.add(&[red.clone(), revoked, marked_tool(2, 2004, Tlp::Green)]).await;
    let add = async |clearance, object: String| {
        let (view, operator) = (fixture.view_of(clearance), fixture.operator());
        fixture.store.add(&view, &operator, submission(&[object])).await.unwrap()
    };
    const GENERIC: &str = "version-conflict at /objects/0: this object cannot be added to this collection";
    let hidden = [
        // The very same object, the same version with other content, another `created`, and behind a revocation.
        red.clone(),
        tool(1, 2005),
        tool(1, 2006).replace("2000-01", "2000-02"),
        tool(2, 2006),
    ];
    for object in hidden {
        let status = add(Tlp::Green, object.clone()).await;
        assert_eq!(status.failure_count, 1, "{object}");
        assert_eq!(status.failures[0].message.as_deref(), Some(GENERIC), "{object}");
        assert_eq!(status.failures[0].finding.as_ref().unwrap().rule, None);
        let told = add(Tlp::Red, object).await;
        let message = told.failures.first().or(told.successes.first()).unwrap().message.clone();
        assert_ne!(message.as_deref(), Some(GENERIC));
    }
    // What is seen is told: here the creation date of an object of which an older version is visible.
    let status = add(Tlp::Green, tool(2, 2003).replace("2000-01", "2000-02")).await;
    assert!(status.failures[0].message.as_ref().unwrap().contains("S-042"));
}

pub async fn deletions_choose_among_visible_versions(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let objects = [
        marked_tool(1, 2001, Tlp::Green),
        marked_tool(1, 2002, Tlp::Red),
        marked_tool(1, 2003, Tlp::Amber),
        marked_tool(2, 2001, Tlp::Red),
    ];
    fixture.add(&objects).await;
    let everything = || with(Some(VersionFilter::All));
    assert_eq!(delete(&fixture, Tlp::Green, 1, Filter::default()).await.unwrap(), 1);
    assert_eq!(walk(&fixture, Tlp::Red, everything()).await, [(1, 2002), (1, 2003), (2, 2001)]);
    let gone = delete(&fixture, Tlp::Green, 1, everything()).await;
    assert!(matches!(gone, Err(StoreError::Rejected(Rejection::NoObject))), "the rest does not exist for it");
    let hidden = delete(&fixture, Tlp::AmberStrict, 2, everything()).await;
    assert!(matches!(hidden, Err(StoreError::Rejected(Rejection::NoObject))));
    assert_eq!(delete(&fixture, Tlp::Amber, 1, everything()).await.unwrap(), 1);
    assert_eq!(walk(&fixture, Tlp::Red, Filter::default()).await, [(1, 2002), (2, 2001)]);
}

/// Changes the level of objects without a marking. Those in the collection have not moved then.
async fn set_unmarked(fixture: &Fixture, level: Tlp) {
    let change = CollectionChange { unmarked: Some(level), ..Default::default() };
    let collection = fixture.collection.id;
    fixture.change(DirectoryCommand::ChangeCollection { collection, change }).await.unwrap();
}

pub async fn unmarked_objects_move_to_their_new_level(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let url =
        r#"{"type":"url","id":"url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1","value":"http://x.example/"}"#;
    let marking = r#"{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--00000000-0000-4000-8000-000000000001","created":"2001-01-01T00:00:00.000Z","name":"m","definition_type":"statement","definition":{"statement":"s"}}"#;
    let unmarked: Vec<_> = (1..=700).map(|number| tool(number, 2001)).collect();
    fixture.add(&unmarked).await;
    let mixed = [
        tool(1, 2002),
        marked_tool(1, 2003, Tlp::Red),
        marked_tool(9_999, 2001, Tlp::Clear),
        url.into(),
        marking.into(),
    ];
    fixture.add(&mixed).await;
    let count = async |clearance| super::count(&fixture.store, &fixture.view_of(clearance)).await;
    assert_eq!([count(Tlp::Clear).await, count(Tlp::Green).await], [2, 2], "a marking definition is for all");
    assert_eq!([count(Tlp::Amber).await, count(Tlp::Red).await], [704, 705]);
    let before =
        fixture.store.manifest(&fixture.view(), &PageRequest::first(with(None), 9_999)).await.unwrap();
    let (_, before) = before.date_added.unwrap();
    let collection = fixture.collection.id;
    set_unmarked(&fixture, Tlp::Green).await;
    fixture.store.clear(0).await.unwrap();
    let fixture = fixture.known(collection);
    let count = async |clearance| super::count(&fixture.store, &fixture.view_of(clearance)).await;
    assert_eq!([count(Tlp::Clear).await, count(Tlp::Green).await], [2, 704]);
    assert_eq!([count(Tlp::Amber).await, count(Tlp::Red).await], [704, 705]);
    // Pollers that see the new level get all of them as new.
    let news = Filter { added_after: Some(before), ..with(Some(VersionFilter::All)) };
    let found = fixture.store.records(&fixture.view_of(Tlp::Green), &PageRequest::first(news, 9_999)).await;
    let found = found.unwrap().items;
    assert_eq!(found.len(), 702);
    assert!(found.iter().any(|(_, object)| object == url));
    assert!(found.is_sorted_by(|(a, _), (b, _)| a < b));
    let latest = walk(
        &fixture,
        Tlp::Green,
        Filter { ids: Some(BTreeSet::from([id(1).parse().unwrap()])), ..with(None) },
    );
    assert_eq!(latest.await, [(1, 2002)]);
    // What comes later without a marking has the new level too.
    fixture.add(&[tool(5_000, 2001)]).await;
    assert_eq!([count(Tlp::Clear).await, count(Tlp::Green).await], [2, 705]);
}

pub async fn moving_keeps_the_order_of_versions(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let url = |more: &str| {
        format!(
            r#"{{"type":"url","id":"url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1","value":"http://x.example/"{more}}}"#
        )
    };
    let unmarked = url("");
    let marked = url(&format!(",{}", super::marking(Tlp::Amber)));
    let first = fixture.add(std::slice::from_ref(&unmarked)).await.successes.remove(0);
    let second = fixture.add(std::slice::from_ref(&marked)).await.successes.remove(0);
    set_unmarked(&fixture, Tlp::Green).await;
    fixture.store.clear(0).await.unwrap();
    let collection = fixture.collection.id;
    let fixture = fixture.known(collection);
    let latest = fixture.store.records(&fixture.view(), &PageRequest::first(with(None), 9)).await.unwrap();
    assert_eq!(latest.items.iter().map(|(_, object)| object).collect::<Vec<_>>(), [&marked]);
    // It has moved, and is the same version as before.
    let all = PageRequest::first(with(Some(VersionFilter::All)), 9);
    let all = fixture.store.manifest(&fixture.view(), &all).await.unwrap().items;
    let versions: Vec<_> = all.iter().map(|record| record.version.clone()).collect();
    assert_eq!(versions, [second.version.clone(), first.version.clone()]);
    let again = fixture.add(&[unmarked, marked]).await;
    let versions: Vec<_> = again.successes.iter().map(|row| row.version.clone()).collect();
    assert_eq!(versions, [first.version, second.version]);
    assert_eq!(super::count(&fixture.store, &fixture.view()).await, 2, "versions");
}

/// A piece of moving that is decided on the fixture as it is now.
async fn relevel(fixture: &Fixture, engine: &Arc<dyn Engine>) -> (Done, Commit) {
    let target = Target::of(&fixture.collection, &fixture.operator());
    let request = Request {
        id: Uuid::new_v4(),
        account: Uuid::nil(),
        organisation: Uuid::nil(),
        received: NOW,
        fingerprint: None,
        command: Command::Relevel(Relevel { target, limit: 500, after: None }),
    };
    let scope = Scope::Collection(fixture.collection.id);
    let snapshot = engine.snapshot().await.unwrap();
    let mut overlay = Overlay::new(&*snapshot);
    let group = Group { scope, time: NOW, requests: vec![request] };
    let mut applied = apply(&mut overlay, &group).await.unwrap();
    (applied.outcomes.remove(0).unwrap(), overlay.into_commit(Uuid::nil()).await.unwrap())
}

pub async fn a_level_that_is_set_meanwhile_keeps_its_mark(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    let collection = fixture.collection.id;
    set_unmarked(&fixture, Tlp::Green).await;
    let fixture = fixture.known(collection);
    let (done, commit) = relevel(&fixture, &engine).await;
    assert_eq!(done, Done::Worked { more: false, after: None });
    set_unmarked(&fixture, Tlp::Red).await;
    // As of another process that has the lease.
    assert!(matches!(engine.commit(commit).await, Err(EngineError::Conflict)));
}

pub async fn large_objects_move_in_bounded_commits(engine: Arc<dyn Engine>) {
    const OBJECTS: u64 = 8;
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    let collection = fixture.collection.id;
    let text = "x".repeat(900_000);
    for number in 1..=OBJECTS {
        fixture.add(&[tool_named(1, 2000 + u32::try_from(number).unwrap(), &text)]).await;
    }
    set_unmarked(&fixture, Tlp::Green).await;
    let fixture = fixture.known(collection);
    let (done, commit) = relevel(&fixture, &engine).await;
    assert!(matches!(done, Done::Worked { more: true, .. }));
    let bytes: usize = commit.writes.values().flatten().map(bytes::Bytes::len).sum();
    assert!((4 << 20..6 << 20).contains(&bytes), "{bytes} bytes in one commit");
    fixture.store.clear(0).await.unwrap();
    assert_eq!(super::count(&fixture.store, &fixture.view_of(Tlp::Green)).await, OBJECTS);
    assert_eq!(walk(&fixture, Tlp::Green, Filter::default()).await, [(1, 2008)]);
}

pub async fn watchers_wake_after_a_lost_answer(engine: Arc<dyn Engine>) {
    let seed = seed();
    let faults = Faults { undetermined_applied: 2, ..Faults::default() };
    let fixture = Fixture::new(Arc::new(FaultyEngine::new(engine, faults, seed))).await;
    let mut watch = fixture.store.watch(&fixture.view());
    for number in 1..=10 {
        fixture.add(&[tool(number, 2001)]).await;
        let woken = tokio::time::timeout(std::time::Duration::from_secs(5), watch.changed()).await;
        assert!(woken.is_ok(), "seed {seed}, object {number}");
    }
}

pub async fn watchers_wake_for_what_they_see(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let [mut green, mut red] =
        [Tlp::Green, Tlp::Red].map(|level| fixture.store.watch(&fixture.view_of(level)));
    let nap = std::time::Duration::from_millis(50);
    fixture.add(&[marked_tool(1, 2001, Tlp::Red)]).await;
    let seen = red.changed().await.unwrap();
    assert!(tokio::time::timeout(nap, green.changed()).await.is_err(), "it sees nothing new");
    fixture.add(&[marked_tool(2, 2001, Tlp::Green)]).await;
    let later = green.changed().await.unwrap();
    assert!(later > seen);
    assert_eq!(red.changed().await, Some(later));
    assert!(tokio::time::timeout(nap, red.changed()).await.is_err());
}
