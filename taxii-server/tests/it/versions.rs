//! The rules between versions of one object, as a client meets them.

use crate::app::{TestApp, tool, tool_id};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

fn with(mut object: Value, changes: Value) -> Value {
    object.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    object
}

/// Code, pointer and rule of each failure.
fn reasons(status: &Value) -> Vec<(&str, &str, &str)> {
    let rows = status["failures"].as_array().into_iter().flatten();
    rows.map(|row| {
        let text = |name: &str| row["x_concord_finding"][name].as_str().unwrap();
        (text("code"), text("pointer"), text("rule"))
    })
    .collect()
}

async fn objects(test: &TestApp, id: &str, query: &str) -> Value {
    test.get(&format!("/api/collections/{id}/objects/{query}")).send().await.json()["objects"].clone()
}

fn marking(created: &str, statement: &str) -> Value {
    json!({
        "type": "marking-definition", "spec_version": "2.1", "created": created,
        "id": "marking-definition--5d0b9a7e-1f2c-4a3d-8b4e-6f7081920120",
        "definition_type": "statement", "definition": {"statement": statement}
    })
}

const CREATOR: &str = "identity--00000000-0000-4000-8000-000000000001";

#[tokio::test]
async fn what_contradicts_earlier_versions_is_refused_with_rule_and_pointer() {
    let red = json!({
        "type": "marking-definition", "spec_version": "2.1", "created": "2017-01-20T00:00:00.000Z",
        "id": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
        "definition_type": "tlp", "name": "TLP:RED", "definition": {"tlp": "red"}
    });
    let mine = |year| with(tool(1, year), json!({"created_by_ref": CREATOR}));
    let revoked = |year| with(mine(year), json!({"revoked": true}));
    // What is stored, what comes, and why it is refused; nothing when it is taken.
    let own = marking("2026-03-01T10:00:00.000Z", "Members only");
    let table = [
        ("a marking again", vec![own.clone()], own.clone(), None),
        (
            "a marking with a later time",
            vec![own.clone()],
            marking("2026-04-01T10:00:00.000Z", "Free to publish"),
            Some(("/created", "S-114")),
        ),
        (
            "a marking with an earlier time",
            vec![own.clone()],
            marking("2025-04-01T10:00:00.000Z", "Members only"),
            Some(("/created", "S-114")),
        ),
        (
            "a marking with other words",
            vec![own],
            marking("2026-03-01T10:00:00.000Z", "Free to publish"),
            Some(("", "S-114")),
        ),
        ("TLP:RED", vec![tool(9, 2001)], red, None),
        ("a later version", vec![mine(2001)], mine(2002), None),
        ("an older version", vec![mine(2002)], mine(2001), None),
        ("after a revocation", vec![mine(2001), revoked(2002)], mine(2003), Some(("/modified", "S-043"))),
        ("a longer revocation", vec![revoked(2002)], revoked(2003), None),
        (
            "another time of creation",
            vec![mine(2001)],
            with(mine(2002), json!({"created": "2000-02-01T00:00:00.000Z"})),
            Some(("/created", "S-042")),
        ),
        ("another creator", vec![mine(2001)], tool(1, 2002), Some(("/created_by_ref", "S-083"))),
    ];
    for (what, stored, incoming, refusal) in table {
        let test = TestApp::new().await;
        test.account("alice", json!({"*": {"can_read": true, "can_write": true}})).await;
        for profile in ["stix", "header"] {
            test.collection_with(profile, profile).await;
        }
        let known = test.add("stix", &stored).await;
        assert_eq!(known["failure_count"], 0, "{what}: {known}");
        let status = test.add("stix", std::slice::from_ref(&incoming)).await;
        let expected: Vec<_> =
            refusal.map(|(pointer, rule)| ("version-conflict", pointer, rule)).into_iter().collect();
        assert_eq!(reasons(&status), expected, "{what}: {status}");
        // All in one request.
        let all: Vec<_> = stored.iter().chain([&incoming]).cloned().collect();
        let other = test.collection_with("other", "stix").await;
        let status = test.add(&other, &all).await;
        assert_eq!(reasons(&status), expected, "{what} in one request: {status}");
        // `header` takes what storing needs: one content for each version.
        let status = test.add("header", &all).await;
        let is_taken = refusal.is_none_or(|(pointer, _)| !pointer.is_empty());
        assert_eq!(status["failure_count"] == 0, is_taken, "{what} in header: {status}");
    }
}

#[tokio::test]
async fn a_redefined_marking_stays_as_it_was() {
    let (test, id) = TestApp::with_collection().await;
    let first = marking("2026-03-01T10:00:00.000Z", "Members only");
    test.add(&id, std::slice::from_ref(&first)).await;
    test.add(&id, &[marking("2026-04-01T10:00:00.000Z", "Free to publish")]).await;
    let one = format!("{}/", first["id"].as_str().unwrap());
    assert_eq!(objects(&test, &id, &one).await, json!([first]));
    let versions = test.get(&format!("/api/collections/{id}/objects/{one}versions/")).send().await.json();
    assert_eq!(versions["versions"], json!(["2026-03-01T10:00:00.000Z"]));
}

#[tokio::test]
async fn what_observables_say_more_are_versions() {
    let (test, id) = TestApp::with_collection().await;
    let domain = json!({
        "type": "domain-name", "spec_version": "2.1", "value": "shared.example",
        "id": "domain-name--e4cf28ce-f8c6-5d50-93fa-7be0061a6ac2"
    });
    let other = with(domain.clone(), json!({"x_opencti_score": 70}));
    let one = format!("{}/", domain["id"].as_str().unwrap());
    let mut versions = Vec::new();
    // Two members in turn, also in one request: each content is one version, however often it comes.
    for objects in [vec![&domain], vec![&other], vec![&domain], vec![&other, &domain, &other], vec![&domain]]
    {
        let objects: Vec<_> = objects.into_iter().cloned().collect();
        let status = test.add(&id, &objects).await;
        assert_eq!(status["failure_count"], 0, "{status}");
        for (object, row) in objects.iter().zip(status["successes"].as_array().unwrap()) {
            let version = (object.clone(), row["version"].as_str().unwrap().to_owned());
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
    }
    let [(_, first), (_, second)] = &versions[..] else { panic!("{versions:?}") };
    let found = test.get(&format!("/api/collections/{id}/objects/{one}versions/")).send().await.json();
    assert_eq!(found["versions"], json!([first, second]));
    assert_eq!(objects(&test, &id, &one).await, json!([other]), "the latest is served");
    assert_eq!(objects(&test, &id, "").await, json!([other]));
    for (version, expected) in [
        ("all", json!([domain, other])),
        ("first", json!([domain])),
        ("last", json!([other])),
        (first, json!([domain])),
        (second, json!([other])),
    ] {
        assert_eq!(
            objects(&test, &id, &format!("{one}?match[version]={version}")).await,
            expected,
            "{version}"
        );
        assert_eq!(objects(&test, &id, &format!("?match[version]={version}")).await, expected, "{version}");
    }
    let manifest = format!("/api/collections/{id}/manifest/?match[version]=all");
    for record in test.get(&manifest).send().await.json()["objects"].as_array().unwrap() {
        assert_eq!(record["version"], record["date_added"], "{record}");
    }
    // A poller that has the first one gets the second, and nothing again.
    let after = |date: &str| format!("?added_after={date}");
    assert_eq!(objects(&test, &id, &after(first)).await, json!([other]));
    assert_eq!(objects(&test, &id, &after(second)).await, Value::Null);
    // What was deleted may come again, as a version of its own.
    let path = format!("/api/collections/{id}/objects/{one}");
    assert_eq!(test.call(Method::DELETE, &path).send().await.status, StatusCode::OK);
    assert_eq!(objects(&test, &id, &one).await, json!([domain]));
    test.add(&id, std::slice::from_ref(&other)).await;
    assert_eq!(objects(&test, &id, &format!("{one}?match[version]=all")).await, json!([domain, other]));
    // Spelled otherwise it is the same.
    let respelled = with(domain, json!({"defanged": false}));
    let status = test.add(&id, &[respelled]).await;
    assert_eq!(status["successes"][0]["message"], "already in the collection");
}

#[tokio::test]
async fn a_collection_that_mirrors_a_source_takes_the_newest_content() {
    let test = TestApp::new().await;
    let id = test.collection("mirror").await;
    test.account("alice", json!({"*": {"can_read": true, "can_write": true}})).await;
    let record = format!("/admin/collections/{id}/");
    let changed = with(tool(1, 2002), json!({"name": "changed"}));
    test.add(&id, &[tool(1, 2001), tool(1, 2002), tool(2, 2001)]).await;
    let refused = test.add(&id, std::slice::from_ref(&changed)).await;
    assert_eq!(reasons(&refused), [("version-conflict", "", "S-084")], "the default");
    let before = test.get(&format!("/api/collections/{id}/objects/")).send().await;
    let seen = before.header("x-taxii-date-added-last").unwrap().to_owned();

    let set = test.admin(Method::PATCH, &record, json!({"conflicts": "newest"})).await;
    assert_eq!(set["conflicts"], "newest");
    let status = test.add(&id, &[changed.clone(), tool(2, 2001)]).await;
    assert_eq!(status["failure_count"], 0, "{status}");
    assert_eq!(
        status["successes"][0]["message"], "takes the place of other content of the same version",
        "{status}"
    );
    assert_eq!(objects(&test, &id, "").await, json!([tool(2, 2001), changed]));
    assert_eq!(
        objects(&test, &id, &format!("?added_after={seen}")).await,
        json!([changed]),
        "pollers get it"
    );
    let all = "?match[version]=all";
    assert_eq!(objects(&test, &id, all).await, json!([tool(1, 2001), tool(2, 2001), changed]));
    let metrics = test.control.call(Method::GET, "/metrics", Default::default()).await.unwrap().body;
    let metrics = String::from_utf8(metrics.to_vec()).unwrap();
    assert!(metrics.contains("concord_versions_replaced_total 1"), "{metrics}");
    // An older version changes as well, and none of this makes the same again new.
    let oldest = with(tool(1, 2001), json!({"name": "older"}));
    test.add(&id, &[oldest.clone(), changed.clone()]).await;
    assert_eq!(objects(&test, &id, all).await, json!([tool(2, 2001), changed, oldest]));
    assert_eq!(objects(&test, &id, &format!("{}/", tool_id(1))).await, json!([changed]));
    // A marking never changes.
    test.add(&id, &[marking("2026-03-01T10:00:00.000Z", "Members only")]).await;
    let status = test.add(&id, &[marking("2026-03-01T10:00:00.000Z", "Free to publish")]).await;
    assert_eq!(reasons(&status), [("version-conflict", "", "S-114")]);
}

/// What fits into a request is taken, stored and served, whatever its size; a page ends before it becomes too large.
#[tokio::test]
async fn large_objects_are_taken_and_served_in_bounded_pages() {
    let (test, id) = TestApp::with_collection().await;
    let path = format!("/api/collections/{id}/objects/");
    let report = |number: u64, count: u64| {
        let refs: Vec<_> =
            (0..count).map(|n| format!("indicator--5d0b9a7e-1f2c-4a3d-8b4e-{n:012x}")).collect();
        let stamp = "2026-03-01T10:00:00.000Z";
        json!({
            "type": "report", "spec_version": "2.1", "name": "Big container", "published": stamp,
            "id": format!("report--5d0b9a7e-1f2c-4a3d-8b4e-{number:012}"), "created": stamp, "modified": stamp,
            "object_refs": refs
        })
        .to_string()
    };
    // 1.4 MB, 2.8 MB, and nearly all that a request may have.
    for (number, refs) in (0..).zip([25_000, 50_000, 140_000]) {
        let object = report(number, refs);
        assert!(object.len() > 1 << 20);
        let answer = test.post(&path, format!("{{\"objects\":[{object}]}}")).send().await;
        assert_eq!(answer.json()["success_count"], 1, "{:.300}", String::from_utf8_lossy(&answer.body));
        let found = test.get(&format!("{path}report--5d0b9a7e-1f2c-4a3d-8b4e-{number:012}/")).send().await;
        assert_eq!(found.body, format!("{{\"more\":false,\"objects\":[{object}]}}"));
    }
    let most = 8 << 20;
    let text = |length: usize| {
        let head = format!(r#"{{"objects":[{{"type":"url","id":"url--{}","value":""#, &tool_id(1)[6..]);
        let tail = r#""}]}"#;
        format!("{head}{}{tail}", "x".repeat(length - head.len() - tail.len()))
    };
    let header = test.collection_with("header", "header").await;
    test.account("bob", json!({"*": {"can_read": true, "can_write": true}})).await;
    let path = format!("/api/collections/{header}/objects/");
    assert_eq!(test.post(&path, text(most + 1)).by("bob").send().await.error_code(), "too_large");
    assert_eq!(test.post(&path, text(most)).by("bob").send().await.json()["success_count"], 1);
    let mut pages = 1;
    for number in 2..5 {
        let other = text(most).replace(&tool_id(1)[6..], &tool_id(number)[6..]);
        test.post(&path, other).by("bob").send().await;
    }
    let mut page = test.get(&path).by("bob").send().await;
    let mut found = page.json()["objects"].as_array().unwrap().len();
    while let Some(next) = page.json()["next"].as_str() {
        assert!(page.body.len() <= 17 << 20, "{} bytes", page.body.len());
        page = test.get(&format!("{path}?next={next}")).by("bob").send().await;
        found += page.json()["objects"].as_array().unwrap().len();
        pages += 1;
    }
    assert_eq!((found, pages > 1), (4, true));
}
