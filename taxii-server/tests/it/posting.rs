//! What becomes of posted objects.

use crate::app::{TAXII, TestApp, tool, tool_id};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use taxii_server::config::Config;
use taxii_server::store::MemoryEngine;

#[tokio::test]
async fn what_goes_in_comes_out_byte_for_byte() {
    let (test, _) = TestApp::with_collection().await;
    // What no validator lets pass is kept as well.
    let id = test.collection_with("anything", "header").await;
    test.account("bob", json!({&id: {"can_read": true, "can_write": true}})).await;
    let path = format!("/api/collections/{id}/objects/");
    let spelled = [
        format!(
            r#"{{ "type" : "tool","id":"{}" ,"spec_version":"2.1", "x_n": 1.50e+2, "x_s":"\u00e9\/\ud83d\ude00" }}"#,
            tool_id(1)
        ),
        format!(
            "{{\n\t\"x_unknown\": [ ],\r\n\t\"id\": \"{}\", \"type\": \"tool\", \"x_big\": -0.0, \"ключ\": null}}",
            tool_id(2)
        ),
    ];
    let body = format!("{{\"objects\" : [ {} ,\n{} ] }}", spelled[0], spelled[1]);
    assert_eq!(test.post(&path, body).by("bob").send().await.status, StatusCode::ACCEPTED);
    let page = test.get(&path).by("bob").send().await;
    assert_eq!(page.body, format!("{{\"more\":false,\"objects\":[{},{}]}}", spelled[0], spelled[1]));
}

#[tokio::test]
async fn each_object_has_its_own_fate() {
    let (test, id) = TestApp::with_collection().await;
    let mut changed = tool(1, 2001);
    changed["name"] = json!("other");
    let objects = [
        tool(1, 2001),
        tool(1, 2001),
        changed,
        json!({"type": "tool", "id": "tool--x"}),
        json!({"type": "tool", "id": tool_id(2), "modified": 5}),
        json!(7),
        json!({"type": "tool", "id": tool_id(3), "spec_version": "9.9"}),
        tool(4, 2001),
    ];
    let status = test.add(&id, &objects).await;
    assert_eq!(
        (
            &status["total_count"],
            &status["success_count"],
            &status["failure_count"],
            &status["pending_count"]
        ),
        (&json!(8), &json!(3), &json!(5), &json!(0))
    );
    assert_eq!(status["status"], "complete");
    let rows: Vec<_> = status["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            assert!(row["version"].is_string());
            (row["id"].as_str().unwrap().to_owned(), row["message"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected = [
        (
            tool_id(1),
            "version-conflict at /objects/2: this version already exists with other content; a changed object needs a \
             later `modified` (S-084)",
        ),
        (
            "/objects/3".to_owned(),
            "identifier at /objects/3/id: an identifier has the form type--UUID (S-012); 4 more errors",
        ),
        (
            tool_id(2),
            "property-type at /objects/4/modified: must be a string, not a number (S-019); 3 more errors",
        ),
        ("/objects/5".to_owned(), "property-type at /objects/5: must be an object, not a number (S-041)"),
        (
            tool_id(3),
            "spec-version at /objects/6/spec_version: only STIX 2.0 and 2.1 are supported (S-040); 3 more errors",
        ),
    ];
    assert_eq!(rows, expected.map(|(id, message)| (id, message.to_owned())));
    assert_eq!(status["successes"].as_array().unwrap().len(), 3);
    let again = test.get(&format!("/api/status/{}/", status["id"].as_str().unwrap())).send().await;
    assert_eq!(again.json(), status);
}

/// However many objects fail, and whatever stands in them: the answer is small, the counts are exact, and each list is
/// complete or not there.
#[tokio::test]
async fn a_status_is_bounded() {
    let (test, id) = TestApp::with_collection().await;
    let path = format!("/api/collections/{id}/objects/");
    let long = "x".repeat(300_000);
    let id_only = |number| format!(r#"{{"id":"{}"}}"#, tool_id(number));
    type Make<'a> = Box<dyn Fn(u64) -> String + 'a>;
    let bad: [(&str, u64, Make<'_>); 6] = [
        ("nothing in them", 99_999, Box::new(|_| "{}".to_owned())),
        ("no objects", 99_999, Box::new(|_| "7".to_owned())),
        ("an id alone", 40_000, Box::new(id_only)),
        ("a long name", 20, Box::new(|number| format!(r#"{{"id":"{}","{long}":1}}"#, tool_id(number)))),
        ("a long instant", 20, Box::new(|_| format!(r#"{{"type":"tool","created":"{long}"}}"#))),
        ("few", 100, Box::new(|_| "{}".to_owned())),
    ];
    for (what, count, element) in bad {
        let elements: Vec<_> = (1..=count).map(element).collect();
        let body = format!(r#"{{"objects":[{},{}]}}"#, tool(0, 2001), elements.join(","));
        let answer = test.post(&path, body.clone()).send().await;
        let status = answer.json();
        assert_eq!(
            (&status["success_count"], &status["failure_count"]),
            (&json!(1), &json!(count)),
            "{what}"
        );
        assert!(answer.body.len() < 200_000, "{what}: {} bytes", answer.body.len());
        match status.get("failures") {
            Some(rows) => assert_eq!(rows.as_array().unwrap().len() as u64, count, "{what}"),
            None => {
                let first = status["x_concord_first_failures"].as_array().unwrap();
                assert_eq!(first.len(), 100, "{what}");
                assert_eq!(first[7]["x_concord_finding"]["index"], 8);
            }
        }
        assert_eq!(status.get("failures").is_some(), count <= 100, "{what}");
        assert_eq!(status["successes"].as_array().unwrap().len(), 1, "{what}");
        let again = test.get(&format!("/api/status/{}/", status["id"].as_str().unwrap())).send().await;
        assert_eq!(again.body, answer.body, "{what}");
    }
    // A refusal as a whole repeats no long text either.
    for body in [format!(r#"{{"objects":[{{"{long}":1,"{long}":2}}]}}"#), format!(r#"[{{"{long}":1e999}}]"#)]
    {
        let refused = test.post(&path, body).send().await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.len() < 2_000, "{} bytes", refused.body.len());
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_used_are_refused_as_a_whole() {
    let (test, id) = TestApp::with_collection().await;
    let path = format!("/api/collections/{id}/objects/");
    let good = json!({"objects": [tool(1, 2001)]}).to_string();
    let bodies = [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"objects":[]}"#,
        r#"{"objects":{}}"#,
        r#"{"objects":[1,"a"]}"#,
        r#"{"objects":[{"type":1,"id":2}]}"#,
        r#"{"objects":[{"a":1,"a":2}]}"#,
        "\u{feff}{}",
        r#"{"objects":[9007199254740993]}"#,
        r#"{"objects":[{"id":"\ud800"}]}"#,
        r#"{"objects":[1e999]}"#,
        &"[".repeat(100_000),
    ];
    for body in bodies {
        let answer = test.post(&path, body).send().await;
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "unprocessable"),
            "{body:.60}"
        );
    }
    let many = format!("{{\"objects\":[{}0]}}", "0,".repeat(300_000));
    let answer = test.post(&path, many).send().await.json();
    assert!(answer["description"].as_str().unwrap().contains("nothing here is a STIX object"), "{answer}");
    let unsupported =
        json!({"objects": [{"type": "tool", "id": tool_id(1), "spec_version": "3.0"}]}).to_string();
    assert_eq!(test.post(&path, unsupported).send().await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let refused = test.post(&path, good.clone()).header("content-type", "text/plain").send().await;
    assert_eq!(refused.error_code(), "unsupported_media_type");
    let refused = test.post(&path, good.clone()).header("content-encoding", "br").send().await;
    assert_eq!(refused.error_code(), "unsupported_media_type");
    assert_eq!(
        test.post(&path, good).header("content-encoding", "gzip").send().await.error_code(),
        "unprocessable"
    );
    assert_eq!(test.get(&path).send().await.body, r#"{"more":false}"#);
}

#[tokio::test]
async fn the_limit_is_inclusive_before_and_after_decompression() {
    let config = Config { max_content_length: 1000, ..Config::default() };
    let test = TestApp::with(config, Arc::new(MemoryEngine::default())).await;
    let id = test.collection("all").await;
    test.account("alice", json!({&id: {"can_read": true, "can_write": true}})).await;
    let path = format!("/api/collections/{id}/objects/");
    let padded = |length: usize| {
        let body = json!({"objects": [tool(1, 2001)]}).to_string();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    let gzip = |text: String| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(test.post(&path, padded(1000)).send().await.status, StatusCode::ACCEPTED);
    assert_eq!(test.post(&path, padded(1001)).send().await.error_code(), "too_large");
    let packed = |length| test.post(&path, gzip(padded(length))).header("content-encoding", "gzip");
    assert_eq!(packed(1000).send().await.status, StatusCode::ACCEPTED);
    assert_eq!(packed(1001).send().await.error_code(), "too_large");
    assert_eq!(packed(50_000_000).send().await.error_code(), "too_large", "a bomb");
    let lying = test.post(&path, padded(900)).header("content-length", "1001").send().await;
    assert_eq!(lying.error_code(), "too_large", "refused before anything is read");
}

#[tokio::test]
async fn collections_take_only_their_stix_versions() {
    let test = TestApp::new().await;
    let new = json!({"api_root": "api", "title": "new", "spec_versions": ["2.1"]});
    let new = test.admin(axum::http::Method::POST, "/admin/collections/", new).await["id"].clone();
    let both = test.collection("both").await;
    test.account("alice", json!({"*": {"can_read": true, "can_write": true}})).await;
    let mut old = tool(1, 2001);
    old.as_object_mut().unwrap().remove("spec_version");
    let new = new.as_str().unwrap();
    let status = test.add(new, &[old.clone(), tool(2, 2001)]).await;
    assert!(
        status["failures"][0]["message"].as_str().unwrap().contains("does not take STIX 2.0"),
        "{status}"
    );
    let refused = test
        .post(&format!("/api/collections/{new}/objects/"), json!({"objects": [old]}).to_string())
        .send()
        .await;
    assert_eq!(refused.error_code(), "unprocessable");
    test.add(&both, &[old.clone()]).await;
    let manifest = test.get(&format!("/api/collections/{both}/manifest/")).send().await.json();
    assert_eq!(manifest["objects"][0]["media_type"], "application/stix+json;version=2.0");
    let listed = test.get(&format!("/api/collections/{both}/")).send().await.json();
    assert_eq!(
        listed["media_types"],
        json!(["application/stix+json;version=2.1", "application/stix+json;version=2.0"])
    );
}

#[tokio::test]
async fn only_administrators_give_date_added() {
    let (test, id) = TestApp::with_collection().await;
    let path = format!("/api/collections/{id}/objects/");
    let body =
        |stamps: Value| json!({"objects": [tool(1, 2001)], "x_concord_date_added": stamps}).to_string();
    let stamp = json!(["2020-01-01T00:00:00.000001Z"]);
    assert_eq!(test.post(&path, body(stamp.clone())).send().await.error_code(), "forbidden");
    let as_operator = async |body: String| {
        test.control.call(axum::http::Method::POST, &path, body.into()).await.unwrap().status
    };
    for wrong in [json!([]), json!("x"), json!(["2020"]), json!([1]), json!(["2099-01-01T00:00:00Z"])] {
        assert_eq!(as_operator(body(wrong.clone())).await, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    assert_eq!(as_operator(body(stamp)).await, StatusCode::ACCEPTED);
    let page = test.get(&path).send().await;
    assert_eq!(page.header("x-taxii-date-added-last"), Some("2020-01-01T00:00:00.000001Z"));
    let text =
        json!({"objects": [{"type": "tool", "id": tool_id(2), "x": "x_concord_date_added"}]}).to_string();
    assert_eq!(
        test.post(&path, text).header("content-type", TAXII).send().await.status,
        StatusCode::ACCEPTED
    );
}

mod laws {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;
    use std::cell::Cell;

    /// JSON as people and programs write it: any white space, any spelling of strings and numbers.
    fn spelled() -> impl Strategy<Value = String> {
        let space = "[ \t\r\n]{0,3}";
        let string = r#""([ -!#-\[\]-~]|\\["\\/bfnrt]|\\u00[0-9a-fA-F]{2}|[à-ö]|😀){0,8}""#;
        let number = "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?";
        let leaf = prop_oneof![string, number, Just("true".to_owned()), Just("null".to_owned())];
        let padded = (space, leaf, space).prop_map(|(before, text, after)| before + &text + &after);
        padded.prop_recursive(4, 24, 4, move |inner| {
            let list =
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(",")));
            let members = prop::collection::vec(inner, 0..4).prop_map(|values| {
                let member = |(number, value): (usize, String)| format!(" \"m{number}\" :{value}");
                format!("{{{}}}", values.into_iter().enumerate().map(member).collect::<Vec<_>>().join(",\n"))
            });
            prop_oneof![list, members]
        })
    }

    #[test]
    fn any_spelling_comes_out_as_it_went_in() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let test = runtime.block_on(TestApp::new());
        runtime.block_on(test.account("alice", json!({"*": {"can_read": true, "can_write": true}})));
        let collections = Cell::new(0);
        let round_trip = |objects: &[String]| {
            collections.set(collections.get() + 1);
            runtime.block_on(async {
                let id = test.collection_with(&format!("c{}", collections.get()), "header").await;
                let path = format!("/api/collections/{id}/objects/");
                let answer =
                    test.post(&path, format!("{{\"objects\":[{}]}}", objects.join(", "))).send().await;
                assert_eq!(answer.status, StatusCode::ACCEPTED, "{:?}", answer.body);
                test.get(&path).send().await.body
            })
        };
        let spellings = prop::collection::vec(spelled(), 1..5);
        let law = |values: Vec<String>| {
            let object = |(number, value): (usize, &String)| {
                format!("{{\"x_value\":{value}, \"type\" :\"tool\",\"id\":\"{}\"}}", tool_id(number as u64))
            };
            let objects: Vec<_> = values.iter().enumerate().map(object).collect();
            let page = round_trip(&objects);
            prop_assert_eq!(page, format!("{{\"more\":false,\"objects\":[{}]}}", objects.join(",")));
            Ok(())
        };
        let mut runner = TestRunner::new(ProptestConfig::with_cases(500));
        runner.run(&spellings, law).unwrap_or_else(|failure| panic!("{failure}"));
    }
}
