//! What each profile lets into a collection, and how a refusal reads.

use crate::app::{TestApp, tool, tool_id};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use stix_model::marking::{TLP_2_EXTENSION_ID, Tlp, TlpEdition};

const PROFILES: [&str; 4] = ["header", "stix", "interop", "strict"];

/// A tool with these changes; null takes a property away.
fn tool_with(number: u64, changes: Value) -> Value {
    let mut tool = tool(number, 2001);
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            tool.as_object_mut().unwrap().remove(name);
        } else {
            tool[name] = value.clone();
        }
    }
    tool
}

fn messages(status: &Value) -> Vec<&str> {
    let failures = status["failures"].as_array().into_iter().flatten();
    failures.map(|row| row["message"].as_str().unwrap()).collect()
}

/// With one collection for each profile, all for alice.
async fn app() -> TestApp {
    let test = TestApp::new().await;
    for profile in PROFILES {
        test.collection_with(profile, profile).await;
    }
    test.account("alice", json!({"*": {"can_read": true, "can_write": true}})).await;
    test
}

#[tokio::test]
async fn an_invalid_object_says_why_and_spoils_no_other() {
    let (test, id) = TestApp::with_collection().await;
    let stamp = "2024-01-01T00:00:00.000Z";
    let indicator = json!({
        "type": "indicator", "spec_version": "2.1", "id": "indicator--00000000-0000-4000-8000-000000000001",
        "created": stamp, "modified": stamp, "pattern_type": "stix", "labels": [7, 8]
    });
    let url = json!({"type": "url", "id": "url--00000000-0000-4000-8000-000000000001", "value": 7});
    let status = test.add(&id, &[tool(1, 2001), indicator.clone(), url.clone(), tool(2, 2001)]).await;
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(2), &json!(2)), "{status}");
    let expected = json!([
        {
            "id": indicator["id"], "version": stamp,
            "message": "property-type at /objects/1/labels/0: must be a string, not a number (S-018); 3 more errors",
            "x_concord_finding": {
                "index": 1, "pointer": "/labels/0", "code": "property-type", "rule": "S-018",
                "message": "must be a string, not a number", "more": 3
            }
        },
        {
            "id": url["id"], "version": status["request_timestamp"],
            "message": "property-type at /objects/2/value: must be a string, not a number (S-018)",
            "x_concord_finding": {
                "index": 2, "pointer": "/value", "code": "property-type", "rule": "S-018",
                "message": "must be a string, not a number"
            }
        },
    ]);
    assert_eq!(status["failures"], expected);
    let missing = test.add(&id, &[tool_with(3, json!({"name": null}))]).await;
    let expected = "property-missing at /objects/0: the required property `name` is missing (S-034)";
    assert_eq!(
        messages(&missing),
        [expected],
        "an envelope of which nothing is valid has a status all the same"
    );
    let page = test.get(&format!("/api/collections/{id}/objects/")).send().await.json();
    assert_eq!(page["objects"], json!([tool(1, 2001), tool(2, 2001)]));
}

#[tokio::test]
async fn each_profile_draws_its_line() {
    let test = app().await;
    let creator = json!({"created_by_ref": "identity--00000000-0000-4000-8000-000000000001", "tool_types": ["unknown"]});
    let with = |more: Value| {
        let mut changes = creator.clone();
        changes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        changes
    };
    let clear = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
    // An object, and for each profile nothing or the code of the refusal.
    let table: [(&str, Value, [&str; 4]); 7] = [
        (
            "only a header",
            json!({"name": null, "created": null, "modified": null}),
            ["", "property-missing", "property-missing", "property-missing"],
        ),
        (
            "too few digits",
            json!({"modified": "2001-01-01T00:00:00Z"}),
            ["", "timestamp-precision", "timestamp-precision", "timestamp-precision"],
        ),
        ("STIX", json!({}), ["", "", "profile", "profile"]),
        ("with creator and use case", with(json!({})), ["", "", "", "profile"]),
        ("with a level of sharing", with(json!({"object_marking_refs": [clear]})), ["", "", "", ""]),
        (
            "with a custom property",
            with(json!({"object_marking_refs": [clear], "x_score": 7})),
            ["", "", "", "property-custom"],
        ),
        (
            "STIX 2.0",
            with(json!({"spec_version": null, "labels": ["exploitation"]})),
            ["", "", "spec-version", "spec-version"],
        ),
    ];
    for (number, (what, changes, codes)) in (1..).zip(table) {
        let object = tool_with(number, changes);
        for (profile, code) in PROFILES.into_iter().zip(codes) {
            let status = test.add(profile, std::slice::from_ref(&object)).await;
            let found: Vec<_> = messages(&status)
                .iter()
                .map(|message| message.split(' ').next().unwrap().to_owned())
                .collect();
            let expected = if code.is_empty() { vec![] } else { vec![code] };
            assert_eq!(found, expected, "{what} in {profile}: {status}");
        }
    }
}

/// A marking never changes, so a false one that came first would keep the true one out.
#[tokio::test]
async fn the_fixed_markings_of_tlp_cannot_be_forged() {
    let test = app().await;
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let red = read(Tlp::Red.definition(TlpEdition::V1).unwrap());
    let clear = read(Tlp::Clear.definition(TlpEdition::V2).unwrap());
    let mut false_ones = Vec::new();
    let mut forge = |marking: &Value, property: &str, value: Value| {
        let mut forged = marking.clone();
        forged[property] = value;
        false_ones.push(forged);
    };
    forge(&red, "definition", json!({"tlp": "white"}));
    forge(&red, "created", json!("2017-01-21T00:00:00.000Z"));
    forge(
        &clear,
        "extensions",
        json!({TLP_2_EXTENSION_ID: {"extension_type": "property-extension", "tlp_2_0": "red"}}),
    );
    forge(&clear, "created", json!("2022-10-02T00:00:00.000Z"));
    forge(&clear, "object_marking_refs", json!([red["id"]]));
    for profile in &PROFILES[1..] {
        let status = test.add(profile, &false_ones).await;
        assert_eq!(status["failure_count"], 5, "{profile}: {status}");
        for message in messages(&status) {
            assert!(message.starts_with("marking at ") && message.ends_with("(S-112)"), "{message}");
        }
    }
    // Objects of STIX 2.0 have the same identifiers.
    let old = |marking: &Value| {
        let mut old = marking.clone();
        old.as_object_mut().unwrap().remove("spec_version");
        old
    };
    let status = test.add("stix", &[old(&false_ones[0])]).await;
    assert_eq!(status["failures"][0]["x_concord_finding"]["rule"], "S-112", "{status}");
    let mut noisy = old(&false_ones[0]);
    noisy["labels"] = vec![json!(1); 200].into();
    let status = test.add("stix", &[noisy]).await;
    assert_eq!(status["failure_count"], 1, "hidden behind other faults: {status}");
    let status = test.add("stix", &[old(&red)]).await;
    assert_eq!(status["success_count"], 1, "{status}");
    for profile in &PROFILES[2..] {
        let status = test.add(profile, &[red.clone(), clear.clone()]).await;
        assert_eq!(status["success_count"], 2, "{profile}: {status}");
    }
}

#[tokio::test]
async fn stix_2_0_is_refused_in_words_that_say_so() {
    let test = app().await;
    let silent = tool_with(1, json!({"spec_version": null}));
    let spoken = tool_with(2, json!({"spec_version": "2.0"}));
    let status = test.add("strict", &[silent, spoken]).await;
    let expected = [
        "spec-version at /objects/0: the collection takes STIX 2.1 only, as its profile is `strict` (an object with \
         `created` and without `spec_version` is STIX 2.0)",
        "spec-version at /objects/1/spec_version: the collection takes STIX 2.1 only, as its profile is `strict`",
    ];
    assert_eq!(messages(&status), expected);
}

/// Whoever sends the same in other words is not told that it changed it.
#[tokio::test]
async fn the_same_content_is_no_conflict() {
    let (test, id) = TestApp::with_collection().await;
    let url = json!({"type": "url", "id": "url--00000000-0000-4000-8000-000000000001", "value": "http://a.example/"});
    test.add(&id, &[tool(1, 2001), url.clone()]).await;
    let respelled =
        tool_with(1, json!({"created": "2000-01-01T00:00:00.000000Z", "revoked": false, "lang": "en"}));
    let mut url_again = url.clone();
    url_again["spec_version"] = json!("2.1");
    url_again["defanged"] = json!(false);
    // Known from the store, and, the second tool, from the same request.
    let new = tool_with(2, json!({"revoked": false}));
    let status = test.add(&id, &[respelled, url_again, new.clone(), tool(2, 2001)]).await;
    let rows: Vec<_> =
        status["successes"].as_array().unwrap().iter().map(|row| row["message"].as_str()).collect();
    let known = Some("already in the collection");
    assert_eq!(rows, [known, known, None, known], "{status}");
    let page = test.get(&format!("/api/collections/{id}/objects/")).send().await.json();
    assert_eq!(page["objects"], json!([tool(1, 2001), url, new]), "the first text stays");

    let revoked = tool_with(1, json!({"revoked": true}));
    let status = test.add(&id, &[revoked, tool(3, 2001), tool_with(3, json!({"name": "m"}))]).await;
    let changed =
        "this version already exists with other content; a changed object needs a later `modified` (S-084)";
    let expected = [
        format!("version-conflict at /objects/0: {changed}"),
        format!("version-conflict at /objects/2: {changed}"),
    ];
    assert_eq!(messages(&status), expected);
}

#[tokio::test]
async fn administrators_choose_the_profile() {
    let test = TestApp::new().await;
    let new = json!({"api_root": "api", "title": "new", "alias": "new"});
    let made = test.admin(Method::POST, "/admin/collections/", new).await;
    assert_eq!(made["profile"], "stix", "of a new collection when nothing is said");
    test.account("alice", json!({"*": {"can_read": true, "can_write": true}})).await;
    let nameless = [tool_with(1, json!({"name": null}))];
    assert_eq!(test.add("new", &nameless).await["failure_count"], 1);

    let path = format!("/admin/collections/{}/", made["id"].as_str().unwrap());
    let changed = test.admin(Method::PATCH, &path, json!({"profile": "header"})).await;
    let mut expected = made.clone();
    expected["profile"] = json!("header");
    assert_eq!(changed, expected);
    assert_eq!(test.admin(Method::GET, "/admin/collections/", json!(null)).await, json!([expected]));
    assert_eq!(test.add("new", &nameless).await["success_count"], 1, "it counts at once");
    test.admin(Method::PATCH, &path, json!({"profile": "strict"})).await;
    let page = test.get("/api/collections/new/objects/").send().await.json();
    assert_eq!(page["objects"], json!(nameless), "what is there stays");

    let elsewhere = "/admin/collections/00000000-0000-4000-8000-000000000000/";
    let old = json!({"api_root": "api", "title": "old", "spec_versions": ["2.0"], "profile": "strict"});
    let unknown = json!({"api_root": "api", "title": "odd", "profile": "lax"});
    for (method, path, body, status, reason) in [
        (Method::PATCH, &*path, json!({"profile": "lax"}), 422, "`header`, `stix`, `interop`, `strict`"),
        (Method::POST, "/admin/collections/", unknown, 422, "`header`, `stix`, `interop`, `strict`"),
        (Method::POST, "/admin/collections/", old, 422, "`strict` takes STIX 2.1 only"),
        (Method::PATCH, &*path, json!({}), 422, "give `title`, `description`, `alias`"),
        (Method::PATCH, &*path, json!({"profile": "stix", "colour": "x"}), 422, "unknown field `colour`"),
        (Method::PATCH, elsewhere, json!({"profile": "stix"}), 404, "no such collection"),
    ] {
        let reply = test.control.call(method, path, body.to_string().into()).await.unwrap();
        assert_eq!(reply.status, status, "{body}");
        let error = reply.success().err().unwrap().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let by_alice = test.call(Method::PATCH, &path).send().await;
    assert_eq!(by_alice.status, StatusCode::FORBIDDEN);
}

/// What only looks like an id of the first object is no reason to name it.
#[tokio::test]
async fn nothing_usable_is_refused_as_a_whole() {
    let test = app().await;
    for profile in PROFILES {
        let path = format!("/api/collections/{profile}/objects/");
        let body = json!({"objects": [{"type": "tool", "id": tool_id(1).replace("--", "-")}]}).to_string();
        let answer = test.post(&path, body).send().await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let description = answer.json()["description"].as_str().unwrap().to_owned();
        let expected = "nothing here is a STIX object: identifier at /objects/0/id: an identifier has the form \
                        type--UUID (S-012)";
        assert_eq!(description, expected);
    }
}
