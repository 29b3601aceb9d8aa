use super::{Fixture, NOW, id, tool, tool_named};
use crate::clock::{Clock, timestamp};
use crate::store::engine::{Engine, Scan};
use crate::store::{
    CursorError, Delete, DirectoryChange, Filter, PageRequest, Stamps, Store, StoreError, VersionFilter, keys,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use stix_model::{SpecVersion, Timestamp};

fn year(year: u32) -> Timestamp {
    format!("{year}-01-01T00:00:00Z").parse().unwrap()
}

fn exactly(year_: u32) -> VersionFilter {
    VersionFilter::Some { first: false, last: false, exact: BTreeSet::from([year(year_)]) }
}

fn ends(first: bool, last: bool) -> VersionFilter {
    VersionFilter::Some { first, last, exact: BTreeSet::new() }
}

fn of_versions(versions: VersionFilter) -> Filter {
    Filter { versions: Some(versions), ..Filter::default() }
}

/// `number@year` of everything that a filter gives, in its order, gathered over small pages.
async fn all(fixture: &Fixture, filter: Filter) -> Vec<String> {
    let mut found = Vec::new();
    let mut request = PageRequest::first(filter, 2);
    loop {
        let page = fixture.store.manifest(&fixture.collection, &request).await.unwrap();
        assert!(page.items.len() <= 2);
        found.extend(page.items.iter().map(|record| {
            format!(
                "{}@{}",
                record.id.as_str().trim_start_matches("tool--00000000-0000-4000-8000-00000000000"),
                &record.version.as_str()[..4]
            )
        }));
        let Some(next) = page.next else { return found };
        let (filter, after) = fixture.store.resume(&fixture.collection, &next, Filter::default()).unwrap();
        request = PageRequest { filter, after: Some(after), limit: 2 };
    }
}

async fn stamps(fixture: &Fixture) -> Vec<i64> {
    let request = PageRequest::first(of_versions(VersionFilter::All), 1000);
    let page = fixture.store.manifest(&fixture.collection, &request).await.unwrap();
    page.items.iter().map(|record| record.date_added.micros()).collect()
}

pub(super) async fn stamps_rise_and_end_on_milliseconds(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    fixture.add(&[tool(1, 2001), tool(2, 2001), tool(3, 2001)]).await;
    fixture.add(&[tool(4, 2001)]).await;
    let Clock::Manual(micros) = &*fixture.clock else { panic!("the fixture sets the clock") };
    micros.store(NOW - 3_600_000_000, Ordering::SeqCst);
    fixture.add(&[tool(5, 2001), tool(6, 2001)]).await;
    let stamps = stamps(&fixture).await;
    assert_eq!(stamps[..2], [NOW, NOW + 1]);
    assert!(stamps.is_sorted_by(|a, b| a < b), "{stamps:?}");
    for last_of_commit in [2, 3, 5] {
        assert_eq!(stamps[last_of_commit] % 1000, 0, "{stamps:?}");
    }
}

pub(super) async fn the_same_again_is_no_error(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let status = fixture.add(&[tool(1, 2001), tool(1, 2001), tool_named(1, 2001, "other")]).await;
    assert_eq!((status.success_count, status.failure_count, status.total_count), (2, 1, 3));
    let respelled = tool(1, 2001).replace(",\"", " ,\n\"");
    let status = fixture.add(&[respelled, tool_named(1, 2001, "other"), tool(1, 2002)]).await;
    assert_eq!((status.success_count, status.failure_count), (2, 1));
    assert!(status.failures[0].message.as_ref().unwrap().contains("already exists with other content"));
    assert_eq!(all(&fixture, of_versions(VersionFilter::All)).await, ["1@2001", "1@2002"]);
    let sco =
        r#"{"type":"url","id":"url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1","value":"http://x.example/"}"#
            .to_owned();
    let first = fixture.add(std::slice::from_ref(&sco)).await.successes.remove(0);
    let again = fixture.add(std::slice::from_ref(&sco)).await.successes.remove(0);
    assert_eq!(first.version, again.version, "the version of an unversioned object is stable");
    assert_eq!(fixture.add(&[sco.replace("x.example", "y.example")]).await.failure_count, 1);
}

pub(super) async fn versions_are_found(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    // The older version of 1 comes last.
    for object in [tool(1, 2002), tool(2, 2005), tool(1, 2003), tool(3, 2001), tool(1, 2001)] {
        fixture.add(&[object]).await;
    }
    assert_eq!(all(&fixture, Filter::default()).await, ["2@2005", "1@2003", "3@2001"]);
    assert_eq!(all(&fixture, of_versions(ends(true, false))).await, ["2@2005", "3@2001", "1@2001"]);
    assert_eq!(all(&fixture, of_versions(ends(true, true))).await, ["2@2005", "1@2003", "3@2001", "1@2001"]);
    assert_eq!(all(&fixture, of_versions(exactly(2001))).await, ["3@2001", "1@2001"]);
    assert_eq!(
        all(&fixture, of_versions(VersionFilter::All)).await,
        ["1@2002", "2@2005", "1@2003", "3@2001", "1@2001"]
    );
    let of_one =
        |versions| Filter { ids: Some(BTreeSet::from([id(1).parse().unwrap()])), ..of_versions(versions) };
    assert_eq!(all(&fixture, of_one(VersionFilter::All)).await, ["1@2002", "1@2003", "1@2001"]);
    assert_eq!(all(&fixture, of_one(ends(true, false))).await, ["1@2001"]);
    let of_type = |name: &str| Filter { types: Some(BTreeSet::from([name.to_owned()])), ..Filter::default() };
    assert_eq!(all(&fixture, of_type("tool")).await, ["2@2005", "1@2003", "3@2001"]);
    assert!(all(&fixture, of_type("too")).await.is_empty());
    let old = Filter { spec_versions: Some(BTreeSet::from([SpecVersion::V2_0])), ..Filter::default() };
    assert!(all(&fixture, old.clone()).await.is_empty());
    // The same object in STIX 2.0 is not served by default, and is not the latest version of anything in 2.1.
    fixture.add(&[tool(1, 2009).replace(r#""spec_version":"2.1","#, "")]).await;
    assert_eq!(all(&fixture, old).await, ["1@2009"]);
    assert_eq!(all(&fixture, Filter::default()).await, ["2@2005", "1@2003", "3@2001"]);
}

pub(super) async fn deleting_brings_the_older_version_back(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    for object in [tool(1, 2001), tool(2, 2001), tool(1, 2002), tool(1, 2003)] {
        fixture.add(&[object]).await;
    }
    let delete = async |number, filter| {
        let delete =
            Delete { collection: Arc::clone(&fixture.collection), id: id(number).parse().unwrap(), filter };
        fixture.store.delete(delete).await
    };
    assert_eq!(delete(1, Filter::default()).await.unwrap(), 1);
    assert_eq!(all(&fixture, Filter::default()).await, ["2@2001", "1@2002"]);
    assert_eq!(delete(1, of_versions(exactly(2001))).await.unwrap(), 1);
    assert_eq!(delete(1, of_versions(exactly(1999))).await.unwrap(), 0);
    assert_eq!(all(&fixture, of_versions(VersionFilter::All)).await, ["2@2001", "1@2002"]);
    assert_eq!(delete(1, of_versions(VersionFilter::All)).await.unwrap(), 1);
    assert!(matches!(delete(1, Filter::default()).await, Err(StoreError::NoObject)));
    assert_eq!(all(&fixture, Filter::default()).await, ["2@2001"]);
    let before = *stamps(&fixture).await.last().unwrap();
    fixture.add(&[tool(1, 2003)]).await;
    assert!(
        *stamps(&fixture).await.last().unwrap() > before,
        "stamps of deleted objects are not given again"
    );
    assert_eq!(fixture.store.count(&fixture.collection).await.unwrap(), 2);
}

pub(super) async fn cursors_are_checked(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    fixture.add(&[tool(1, 2001), tool(2, 2001), tool(3, 2001)]).await;
    let of_type = Filter { types: Some(BTreeSet::from(["tool".to_owned()])), ..Filter::default() };
    let request = PageRequest::first(of_type.clone(), 1);
    let next = fixture.store.manifest(&fixture.collection, &request).await.unwrap().next.unwrap();
    let resume = |next: &str, filter| {
        fixture.store.resume(&fixture.collection, next, filter).map(|(filter, _)| filter)
    };
    assert_eq!(resume(&next, Filter::default()), Ok(of_type.clone()));
    assert_eq!(resume(&next, of_type), Ok(resume(&next, Filter::default()).unwrap()));
    assert_eq!(
        resume(&next, of_versions(VersionFilter::All)),
        Err(CursorError::OtherFilter("match[version]"))
    );
    for bad in [
        "",
        "x",
        &next[1..],
        &next[..next.len() - 1],
        &next.replace(|c: char| c == next.chars().nth(9).unwrap(), "z"),
    ] {
        assert_eq!(resume(bad, Filter::default()), Err(CursorError::Unknown), "{bad}");
    }
    let other = crate::store::Collection { number: 99, ..(*fixture.collection).clone() };
    assert_eq!(
        fixture.store.resume(&other, &next, Filter::default()).err(),
        Some(CursorError::OtherCollection)
    );
    let many = Filter {
        ids: Some((1..=40).map(|number| id(number).parse().unwrap()).collect()),
        ..Filter::default()
    };
    let long =
        fixture.store.manifest(&fixture.collection, &PageRequest::first(many.clone(), 1)).await.unwrap().next;
    let long = long.unwrap();
    assert!(long.len() < 200, "a long filter does not make a long URL");
    assert_eq!(resume(&long, many.clone()), Ok(many));
    assert_eq!(resume(&long, Filter::default()), Err(CursorError::FilterMissing));
}

pub(super) async fn restores_keep_their_stamps(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let given = |micros: &[i64]| Stamps::Given(micros.iter().map(|micros| timestamp(*micros)).collect());
    fixture.add_stamped(&[tool(1, 2001), tool(2, 2001), tool(3, 2001)], given(&[5, 7, 7])).await.unwrap();
    assert_eq!(stamps(&fixture).await, [5, 7, 7]);
    let after = Filter { added_after: Some(timestamp(6)), ..Filter::default() };
    assert_eq!(all(&fixture, after).await, ["2@2001", "3@2001"]);
    let after = Filter { added_after: Some(timestamp(7)), ..Filter::default() };
    assert!(all(&fixture, after).await.is_empty());
    // A poller that goes on by date gets both of a pair that shares one.
    let manifest = async |limit| {
        let request = PageRequest::first(Filter::default(), limit);
        let page = fixture.store.manifest(&fixture.collection, &request).await.unwrap();
        (page.items.len(), page.next.is_some())
    };
    assert_eq!([manifest(1).await, manifest(2).await, manifest(3).await], [(1, true), (1, true), (3, false)]);
    for (late, reason) in
        [(7, "later than everything"), (6, "later than everything"), (NOW + 1, "in the future")]
    {
        let error = fixture.add_stamped(&[tool(4, 2001)], given(&[late])).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    fixture.add_stamped(&[tool(4, 2001)], given(&[8])).await.unwrap();
    fixture.add(&[tool(5, 2001)]).await;
    assert_eq!(stamps(&fixture).await, [5, 7, 7, 8, NOW]);
}

pub(super) async fn removed_collections_are_cleared_away(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    fixture.add(&[tool(1, 2001), tool(2, 2001)]).await;
    let (uuid, number) = (fixture.collection.id, fixture.collection.number);
    let remove = move |_: &_| {
        let mut change = DirectoryChange::default();
        change.remove_collection(uuid, number);
        Ok(change)
    };
    fixture.store.change_directory(remove).await.unwrap();
    let late = fixture.add_stamped(&[tool(3, 2001)], Stamps::Clock).await;
    assert!(matches!(late, Err(StoreError::NoCollection)));
    fixture.store.clear(NOW + 1).await.unwrap();
    let left = engine.snapshot().await.unwrap().scan(Scan::forward(vec![0]..vec![0xFF], 100)).await.unwrap();
    let left: Vec<_> = left.iter().map(|(key, _)| String::from_utf8_lossy(key)).collect();
    assert_eq!(left, ["d", "drroot", "mcursor-secret", "mformat"]);
    assert!(keys::all_removed().start < keys::all_removed().end);
}

pub(super) async fn a_reopened_store_goes_on(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    fixture.add(&[tool(1, 2001), tool(2, 2001)]).await;
    let next = fixture
        .store
        .manifest(&fixture.collection, &PageRequest::first(Filter::default(), 1))
        .await
        .unwrap()
        .next;
    let (clock, collection) = (Arc::clone(&fixture.clock), Arc::clone(&fixture.collection));
    Arc::into_inner(fixture.store).unwrap().close().await;
    let store = Arc::new(Store::open(engine, Arc::clone(&clock)).await.unwrap());
    assert_eq!(store.directory().collections[&collection.id], collection);
    let (_, after) = store.resume(&collection, &next.unwrap(), Filter::default()).unwrap();
    let fixture = Fixture { store, collection, clock };
    fixture.add(&[tool(3, 2001)]).await;
    let request = PageRequest { after: Some(after), ..PageRequest::first(Filter::default(), 9) };
    let page = fixture.store.manifest(&fixture.collection, &request).await.unwrap();
    assert_eq!(page.items.len(), 2);
    assert!(stamps(&fixture).await.is_sorted_by(|a, b| a < b));
}

pub(super) async fn replicas_share_one_engine(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    let mut replicas = Vec::new();
    for replica in 1..=3_u64 {
        let store = Arc::new(Store::open(Arc::clone(&engine), Arc::clone(&fixture.clock)).await.unwrap());
        let (collection, clock) = (Arc::clone(&fixture.collection), Arc::clone(&fixture.clock));
        let other = Fixture { store, collection, clock };
        replicas.push(tokio::spawn(async move {
            for round in 0..20 {
                // Every replica also adds the same object.
                let number = replica * 1000 + round;
                let status =
                    other.add(&[tool(number, 2001), tool(1, 2001 + u32::try_from(round).unwrap())]).await;
                assert_eq!(status.success_count, 2);
            }
        }));
    }
    for replica in replicas {
        replica.await.unwrap();
    }
    let stamps = stamps(&fixture).await;
    assert_eq!(stamps.len(), 3 * 20 + 20);
    assert!(stamps.is_sorted_by(|a, b| a < b), "{stamps:?}");
    assert_eq!(fixture.store.count(&fixture.collection).await.unwrap(), 80);
}
