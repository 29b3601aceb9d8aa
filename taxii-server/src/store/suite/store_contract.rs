//! What TAXII means, on any engine.

use super::counting::{Calls, CountingEngine};
use super::{Fixture, NOW, Open, count, id, new_collection, submission, tool, tool_named};
use crate::clock::{Clock, timestamp};
use crate::rights::{Principal, Subject};
use crate::store::engine::Engine;
use crate::store::{
    CollectionChange, CursorError, Deletion, DirectoryCommand, Filter, PageRequest, Profile, Refused,
    Rejection, Stamps, Store, StoreError, Submission, Submitted, VersionFilter, View,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use stix_model::taxii::Status;
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
        let page = fixture.store.manifest(&fixture.view(), &request).await.unwrap();
        assert!(page.items.len() <= 2);
        found.extend(page.items.iter().map(|record| {
            format!(
                "{}@{}",
                record.id.as_str().trim_start_matches("tool--00000000-0000-4000-8000-00000000000"),
                &record.version.as_str()[..4]
            )
        }));
        let Some(next) = page.next else { return found };
        let (filter, after) = fixture.store.resume(&fixture.view(), &next, Filter::default()).unwrap();
        request = PageRequest { filter, after: Some(after), limit: 2 };
    }
}

async fn stamps(fixture: &Fixture) -> Vec<i64> {
    let request = PageRequest::first(of_versions(VersionFilter::All), 1000);
    let page = fixture.store.manifest(&fixture.view(), &request).await.unwrap();
    page.items.iter().map(|record| record.date_added.parse::<Timestamp>().unwrap().micros()).collect()
}

pub async fn stamps_rise_and_end_on_milliseconds(engine: Arc<dyn Engine>) {
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

pub async fn the_same_again_is_no_error(engine: Arc<dyn Engine>) {
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
    // Other content is another version, and each content is one, whatever comes in between.
    let other = sco.replace("x.example", "y.example");
    let second = fixture.add(&[other.clone(), sco.clone()]).await;
    assert_eq!((second.success_count, &second.successes[1].version), (2, &first.version));
    assert_ne!(second.successes[0].version, first.version);
    let again = fixture.add(&[other, sco]).await;
    let versions =
        |status: &Status| status.successes.iter().map(|row| row.version.clone()).collect::<Vec<_>>();
    assert_eq!(versions(&again), versions(&second));
}

pub async fn versions_are_found(engine: Arc<dyn Engine>) {
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

pub async fn deleting_brings_the_older_version_back(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    for object in [tool(1, 2001), tool(2, 2001), tool(1, 2002), tool(1, 2003)] {
        fixture.add(&[object]).await;
    }
    let delete = async |number, filter| fixture.delete(&id(number), filter).await;
    assert_eq!(delete(1, Filter::default()).await.unwrap(), 1);
    assert_eq!(all(&fixture, Filter::default()).await, ["2@2001", "1@2002"]);
    assert_eq!(delete(1, of_versions(exactly(2001))).await.unwrap(), 1);
    assert_eq!(delete(1, of_versions(exactly(1999))).await.unwrap(), 0);
    assert_eq!(all(&fixture, of_versions(VersionFilter::All)).await, ["2@2001", "1@2002"]);
    assert_eq!(delete(1, of_versions(VersionFilter::All)).await.unwrap(), 1);
    let gone = delete(1, Filter::default()).await;
    assert!(matches!(gone, Err(StoreError::Rejected(Rejection::NoObject))));
    assert_eq!(all(&fixture, Filter::default()).await, ["2@2001"]);
    let before = *stamps(&fixture).await.last().unwrap();
    fixture.add(&[tool(1, 2003)]).await;
    assert!(
        *stamps(&fixture).await.last().unwrap() > before,
        "stamps of deleted objects are not given again"
    );
    assert_eq!(count(&fixture.store, &fixture.view()).await, 2);
}

pub async fn cursors_are_checked(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    fixture.add(&[tool(1, 2001), tool(2, 2001), tool(3, 2001)]).await;
    let of_type = Filter { types: Some(BTreeSet::from(["tool".to_owned()])), ..Filter::default() };
    let request = PageRequest::first(of_type.clone(), 1);
    let next = fixture.store.manifest(&fixture.view(), &request).await.unwrap().next.unwrap();
    let resume =
        |next: &str, filter| fixture.store.resume(&fixture.view(), next, filter).map(|(filter, _)| filter);
    assert_eq!(resume(&next, Filter::default()), Ok(of_type.clone()));
    assert_eq!(resume(&next, of_type), Ok(resume(&next, Filter::default()).unwrap()));
    assert_eq!(
        resume(&next, of_versions(VersionFilter::All)),
        Err(CursorError::OtherFilter("match[version]"))
    );
    let tenth = if &next[9..10] == "z" { "y" } else { "z" };
    let changed = format!("{}{tenth}{}", &next[..9], &next[10..]);
    for bad in ["", "x", &next[1..], &next[..next.len() - 1], &changed] {
        assert_eq!(resume(bad, Filter::default()), Err(CursorError::Unknown), "{bad}");
    }
    let other = crate::store::Collection { id: uuid::Uuid::new_v4(), ..(*fixture.collection).clone() };
    let other = View { collection: Arc::new(other), ..fixture.view() };
    assert_eq!(
        fixture.store.resume(&other, &next, Filter::default()).err(),
        Some(CursorError::OtherCollection)
    );
    let many = Filter {
        ids: Some((1..=40).map(|number| id(number).parse().unwrap()).collect()),
        ..Filter::default()
    };
    let long =
        fixture.store.manifest(&fixture.view(), &PageRequest::first(many.clone(), 1)).await.unwrap().next;
    let long = long.unwrap();
    assert!(long.len() < 200, "a long filter does not make a long URL");
    assert_eq!(resume(&long, many.clone()), Ok(many));
    assert_eq!(resume(&long, Filter::default()), Err(CursorError::FilterMissing));
}

pub async fn restores_keep_their_stamps(engine: Arc<dyn Engine>) {
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
        let page = fixture.store.manifest(&fixture.view(), &request).await.unwrap();
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

pub async fn rules_between_versions_are_kept(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let refused = async |object: String, rule: &str| {
        let status = fixture.add(&[object]).await;
        assert_eq!(status.failure_count, 1, "{rule}");
        let message = status.failures[0].message.clone().unwrap();
        assert!(
            message.starts_with("version-conflict at /objects/0/") && message.contains(rule),
            "{message}"
        );
        let finding = status.failures[0].finding.clone().unwrap();
        assert_eq!((finding.index, finding.rule.as_deref()), (0, Some(rule)));
    };
    let with = |text: String, property: &str| text.replace(r#""name""#, &format!(r#"{property},"name""#));
    let creator = |n| format!(r#""created_by_ref":"identity--00000000-0000-4000-8000-00000000000{n}""#);
    fixture.add(&[with(tool(1, 2005), &creator(1))]).await;
    refused(with(tool(1, 2006), &creator(2)), "S-083").await;
    refused(tool(1, 2006), "S-083").await;
    refused(with(tool(1, 2006).replace("2000-01", "2000-02"), &creator(1)), "S-042").await;
    let revoked = with(with(tool(1, 2007), &creator(1)), r#""revoked":true"#);
    // An older version may come late, before and after the revocation; nothing comes behind it, not even in one request.
    let status = fixture
        .add(&[revoked.clone(), with(tool(1, 2008), &creator(1)), with(tool(1, 2004), &creator(1))])
        .await;
    assert_eq!((status.success_count, status.failure_count), (2, 1));
    refused(with(tool(1, 2009), &creator(1)), "S-043").await;
    assert_eq!(fixture.add(&[revoked]).await.success_count, 1, "sent twice is no error");
    // The order within a request makes no difference.
    let [first, revoking, last] = [tool(2, 2001), with(tool(2, 2002), r#""revoked":true"#), tool(2, 2003)];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (number, order) in (10..).zip(orders) {
        let objects: Vec<_> = order
            .map(|place| [&first, &revoking, &last][place].replace(&id(2), &id(number)))
            .into_iter()
            .collect();
        let status = fixture.add(&objects).await;
        assert_eq!((status.success_count, status.failure_count), (2, 1), "{order:?}");
        assert!(status.failures[0].version.starts_with("2003"), "{order:?}");
        let index = status.failures[0].finding.as_ref().unwrap().index;
        assert_eq!(order[usize::try_from(index).unwrap()], 2, "the row names the place of the object");
    }
    // One object in two STIX versions is one object.
    let old = |text: String| text.replace(r#""spec_version":"2.1","#, "");
    assert_eq!(fixture.add(&[old(tool(3, 2001)), tool(3, 2001), tool(3, 2002)]).await.failure_count, 0);
    refused(old(tool(3, 2003)).replace("2000-01", "2000-02"), "S-042").await;
    fixture.add(&[old(with(tool(5, 2002), r#""revoked":true"#))]).await;
    refused(tool(5, 2003), "S-043").await;
    assert_eq!(fixture.add(&[tool(5, 2001)]).await.failure_count, 0);
    let marking = |created: &str, spec: &str, text: &str| {
        format!(
            r#"{{"type":"marking-definition",{spec}"id":"marking-definition--00000000-0000-4000-8000-000000000009","created":"{created}T00:00:00.000Z","definition_type":"statement","definition":{{"statement":"{text}"}}}}"#
        )
    };
    let new = r#""spec_version":"2.1","#;
    assert_eq!(
        fixture.add(&[marking("2001-01-01", "", "s"), marking("2001-01-01", new, "s")]).await.failure_count,
        0
    );
    refused(marking("2002-01-01", "", "other"), "S-114").await;
    // When the revoking version is deleted, the object goes on.
    assert_eq!(fixture.delete(&id(1), of_versions(exactly(2007))).await.unwrap(), 1);
    assert_eq!(fixture.add(&[with(tool(1, 2009), &creator(1))]).await.success_count, 1);
}

pub async fn removed_collections_are_cleared_away(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    fixture.add(&[tool(1, 2001), tool(2, 2001)]).await;
    let id = fixture.collection.id;
    fixture.change(DirectoryCommand::RemoveCollection { collection: id }).await.unwrap();
    let late = fixture.add_stamped(&[tool(3, 2001)], Stamps::Clock).await;
    assert!(matches!(late, Err(StoreError::Rejected(Rejection::NoCollection))));
    // A collection that is made again with the same id is empty, and stays so.
    fixture.change(DirectoryCommand::AddCollection(new_collection(id, "again"))).await.unwrap();
    let again = Fixture { store: Arc::clone(&fixture.store), ..fixture }.known(id);
    assert_eq!(count(&again.store, &again.view()).await, 0);
    assert!(all(&again, Filter::default()).await.is_empty());
    again.store.clear(NOW + 1).await.unwrap();
    again.change(DirectoryCommand::RemoveCollection { collection: id }).await.unwrap();
    again.store.clear(NOW + 1).await.unwrap();
    let bytes = tool(1, 2001).len() + tool(2, 2001).len();
    assert_eq!(again.store.freed().await.unwrap(), bytes as u64, "until the engine gives the space back");
    again.store.clear_removed().await.unwrap();
    let everything = engine.snapshot().await.unwrap().scan_all(vec![0]..vec![0xFF]).await.unwrap();
    let left: Vec<_> = everything.iter().map(|(key, _)| String::from_utf8_lossy(key)).collect();
    assert_eq!(left, ["dl", "dlrroot", "elcursor-secret", "elorganisation", "mformat"]);
}

pub async fn receipts_are_kept_and_cleared(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let status = fixture.add(&[tool(1, 2001)]).await;
    let read = async |principal: &Principal, root: &str| {
        fixture.store.status(root, status.id.parse().unwrap(), principal).await.unwrap()
    };
    assert_eq!(read(&fixture.operator(), "root").await.as_ref(), Some(&status));
    assert_eq!(read(&fixture.operator(), "other").await, None);
    let other = Principal {
        subject: Subject::Account { id: uuid::Uuid::new_v4(), revision: 1 },
        is_administrator: false,
        ..fixture.operator()
    };
    assert_eq!(read(&other, "root").await, None, "a status is for the account that made the request");
    let administrator = Principal { is_administrator: true, ..other };
    assert_eq!(read(&administrator, "root").await.as_ref(), Some(&status));
    fixture.store.clear(NOW).await.unwrap();
    assert_eq!(read(&fixture.operator(), "root").await.as_ref(), Some(&status), "it is not old yet");
    fixture.store.clear(NOW + 1).await.unwrap();
    assert_eq!(read(&fixture.operator(), "root").await, None);
}

pub async fn a_request_is_carried_out_once(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let fingerprint = |byte| Some(stix_model::json::Digest([byte; 32]));
    let first = Submission { fingerprint: fingerprint(1), ..submission(&[tool(1, 2001)]) };
    let (view, operator) = (fixture.view(), fixture.operator());
    let add = async |submission: &Submission| fixture.store.add(&view, &operator, submission.clone()).await;
    // Together they may share a commit or not.
    let (one, two) = tokio::join!(add(&first), add(&first));
    assert_eq!(one.unwrap(), two.unwrap());
    let status = add(&first).await.unwrap();
    assert_eq!(status.successes[0].message, None, "it is the status of the first time");
    let other = Submission { fingerprint: fingerprint(2), ..submission(&[tool(2, 2001)]) };
    let other = Submission { id: first.id, ..other };
    assert!(matches!(add(&other).await, Err(StoreError::Rejected(Rejection::RequestReused))));
    assert_eq!(count(&fixture.store, &view).await, 1);
    let deletion =
        Deletion { request: uuid::Uuid::new_v4(), id: id(1).parse().unwrap(), filter: Filter::default() };
    for _ in 0..2 {
        assert_eq!(fixture.store.delete(&view, &operator, deletion.clone()).await.unwrap(), 1);
    }
    fixture.add(&[tool(2, 2001)]).await;
    let other = Deletion { id: id(2).parse().unwrap(), ..deletion };
    let reused = fixture.store.delete(&view, &operator, other).await;
    assert!(
        matches!(reused, Err(StoreError::Rejected(Rejection::RequestReused))),
        "it deletes another object"
    );
    assert_eq!(count(&fixture.store, &view).await, 1);
}

pub async fn a_shared_identifier_names_the_own_request(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let alice = uuid::Uuid::from_u128(u128::MAX);
    let account = fixture.administrator(alice, None);
    fixture.change(DirectoryCommand::AddAccount(account)).await.unwrap();
    let principal = Arc::clone(fixture.store.directory().principal(alice).unwrap());
    let first = submission(&[tool(1, 2001)]);
    let second = Submission { id: first.id, ..submission(&[tool(2, 2001), tool(3, 2001)]) };
    let id = first.id;
    fixture.store.add(&fixture.view(), &fixture.operator(), first).await.unwrap();
    fixture.store.add(&fixture.view(), &principal, second).await.unwrap();
    let status = fixture.store.status("root", id, &principal).await.unwrap().unwrap();
    assert_eq!(status.total_count, 2);
}

pub async fn a_stale_request_is_checked_again(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let account = fixture.administrator(uuid::Uuid::new_v4(), None);
    let alice = account.id;
    fixture.change(DirectoryCommand::AddAccount(account)).await.unwrap();
    let principal = || Arc::clone(fixture.store.directory().principal(alice).unwrap());
    let add = async |view: &View, principal: &Principal| {
        fixture.store.add(view, principal, submission(&[tool(1, 2001)])).await.map(|_| ())
    };
    let is_stale =
        |outcome: Result<(), StoreError>| matches!(outcome, Err(StoreError::Rejected(Rejection::Stale)));
    let before = (fixture.view(), principal());
    add(&before.0, &before.1).await.unwrap();
    let collection = fixture.collection.id;
    fixture
        .change(DirectoryCommand::ChangeCollection {
            collection,
            change: CollectionChange { profile: Some(Profile::Stix), ..Default::default() },
        })
        .await
        .unwrap();
    assert!(is_stale(add(&before.0, &before.1).await), "another profile counts now");
    let collection = Arc::clone(&fixture.store.directory().collections[&collection]);
    let view = View { collection, ..fixture.view() };
    add(&view, &before.1).await.unwrap();
    let hash = "x".to_owned();
    fixture.change(DirectoryCommand::SetPassword { account: "alice".into(), hash }).await.unwrap();
    assert!(is_stale(add(&view, &before.1).await), "the account was changed");
    add(&view, &principal()).await.unwrap();
    let known = principal();
    fixture.change(DirectoryCommand::RemoveAccount { account: "alice".into() }).await.unwrap();
    assert!(is_stale(add(&view, &known).await), "the account is gone");
}

pub async fn large_statuses_come_back(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(engine).await;
    let refused = |id: Option<String>| {
        let finding = serde_json::from_value(serde_json::json!({
            "code": "format", "severity": "error", "index": null, "pointer": "/name", "rule": null,
            "message": "x".repeat(400), "fix": null
        }));
        let finding = finding.unwrap();
        Submitted::Refused(Box::new(Refused { id, version: None, finding, more: 0, is_more_open: false }))
    };
    let long_id = |number: u64| {
        format!(r#"{{"type":"{0}","id":"{0}--00000000-0000-4000-8000-{number:012}"}}"#, "x".repeat(250))
    };
    let many_successes = submission(&(0..2_900).map(long_id).collect::<Vec<_>>());
    let with_refused = |count: u64, has_id: bool| {
        let mut objects = many_successes.objects.clone();
        objects.extend((0..count).map(|number| refused(has_id.then(|| id(number)))));
        Submission { id: uuid::Uuid::new_v4(), objects, ..many_successes.clone() }
    };
    // Two full lists have more than one part; beyond that a list is left out, and the counts stay exact.
    for (submission, listed, first) in [
        (with_refused(900, true), 900, 0),
        (with_refused(900, false), 0, 100),
        (with_refused(5_000, true), 0, 100),
    ] {
        let count = submission.objects.len() as u64 - 2_900;
        let add = async || {
            fixture.store.add(&fixture.view(), &fixture.operator(), submission.clone()).await.unwrap()
        };
        let status = add().await;
        assert_eq!((status.success_count, status.failure_count), (2_900, count));
        assert_eq!((status.failures.len(), status.first_failures.len()), (listed, first));
        assert!(status.reasons().iter().all(|row| row.message.as_ref().unwrap().contains(": xxx")));
        let read =
            fixture.store.status("root", status.id.parse().unwrap(), &fixture.operator()).await.unwrap();
        assert_eq!(read.as_ref(), Some(&status));
        assert_eq!(add().await, status);
    }
}

pub async fn a_reopened_store_goes_on(open: &dyn Open) {
    let fixture = Fixture::new(open.open().await).await;
    fixture.add(&[tool(1, 2001), tool(2, 2001)]).await;
    let first = PageRequest::first(Filter::default(), 1);
    let next = fixture.store.manifest(&fixture.view(), &first).await.unwrap().next;
    let Fixture { store, collection, clock } = fixture;
    Arc::into_inner(store).unwrap().close().await;
    let store = Arc::new(Store::open(open.open().await, Arc::clone(&clock)).await.unwrap());
    assert_eq!(store.directory().collections[&collection.id], collection);
    let fixture = Fixture { store, collection, clock };
    let (_, after) = fixture.store.resume(&fixture.view(), &next.unwrap(), Filter::default()).unwrap();
    fixture.add(&[tool(3, 2001)]).await;
    let request = PageRequest { after: Some(after), ..PageRequest::first(Filter::default(), 9) };
    let page = fixture.store.manifest(&fixture.view(), &request).await.unwrap();
    assert_eq!(page.items.len(), 2);
    assert!(stamps(&fixture).await.is_sorted_by(|a, b| a < b));
}

pub async fn a_post_costs_two_reads_and_one_commit(engine: Arc<dyn Engine>) {
    let calls = Arc::new(Calls::default());
    let engine = Arc::new(CountingEngine { engine, calls: Arc::clone(&calls) });
    let mut fixture = Fixture::new(engine).await;
    let objects = |first: u64, year| (first..first + 50).map(|number| tool(number, year)).collect::<Vec<_>>();
    let respelled = |texts: Vec<String>| texts.iter().map(|text| text.replace(",\"", " ,\"")).collect();
    // The task that looks for changes of the directory reads too.
    Arc::get_mut(&mut fixture.store).unwrap().follower.end().await;
    let requests = [objects(0, 2005), objects(0, 2005), respelled(objects(0, 2005)), objects(0, 2006)];
    for (kind, objects) in requests.iter().enumerate() {
        calls.take();
        fixture.add(objects).await;
        let (reads, commits) = calls.take();
        assert!(reads <= 2 && commits == 1, "request {kind}: {reads} reads, {commits} commits");
    }
}

pub async fn replicas_share_one_engine(engine: Arc<dyn Engine>) {
    let fixture = Fixture::new(Arc::clone(&engine)).await;
    let mut replicas = Vec::new();
    for replica in 1..=3_u64 {
        let other = fixture.elsewhere(Arc::clone(&engine)).await;
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
    assert_eq!(count(&fixture.store, &fixture.view()).await, 80);
}
