//! The shared filter vectors, on both engines. Where a vector allows a second answer we give the first:
//!
//! - `first` and `last` are taken over the whole history, so `added_after` never makes an old version the latest one;
//!   a poller would take it for news.
//! - An object that exists in two STIX versions is served in both when both are asked for and both are of one instant:
//!   then neither is later. Else the later one is served (section 3.4.1, `match[version]`).

use crate::app::TestApp;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use taxii_server::config::Config;
use taxii_server::store::engine::Engine;
use taxii_server::store::{EmbeddedEngine, MemoryEngine, bulk_ranges};

const VECTORS: &str = include_str!("../../../conformance/fixtures/taxii_filter.jsonl");
const DATASET: &str = include_str!("../../../conformance/fixtures/taxii_filter_dataset.json");

#[tokio::test(flavor = "multi_thread")]
async fn in_memory() {
    vectors_pass_on(Arc::new(MemoryEngine::default())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded() {
    let folder = tempfile::tempdir().unwrap();
    vectors_pass_on(Arc::new(EmbeddedEngine::open(&folder.path().join("store"), &bulk_ranges()).unwrap()))
        .await;
}

async fn vectors_pass_on(engine: Arc<dyn Engine>) {
    let dataset: Value = serde_json::from_str(DATASET).unwrap();
    let records = dataset["records"].as_array().unwrap();
    let test = TestApp::with(Config::default(), engine).await;
    let id = test.collection("all").await;
    test.account("alice", json!({&id: {"can_read": true, "can_write": true}})).await;
    let objects: Vec<_> = records.iter().map(|record| &record["object"]).collect();
    let stamps: Vec<_> = records.iter().map(|record| &record["date_added"]).collect();
    let body = json!({"objects": objects, "x_concord_date_added": stamps}).to_string();
    let path = format!("/api/collections/{id}/objects/");
    let reply = test.control.call(axum::http::Method::POST, &path, body.into()).await.unwrap();
    let status: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(status["success_count"], records.len(), "{status}");

    let mut count = 0;
    for line in VECTORS.lines() {
        check(&test, &path, records, &serde_json::from_str(line).unwrap()).await;
        count += 1;
    }
    assert!(count > 70, "only {count} vectors");
}

async fn check(test: &TestApp, path: &str, records: &[Value], vector: &Value) {
    let case = &vector["id"];
    let pairs = vector["query"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| [&pair[0], &pair[1]].map(|text| text.as_str().unwrap()));
    let mut query = form_urlencoded::Serializer::new(String::new());
    for [name, value] in pairs {
        query.append_pair(name, value);
    }
    let object = vector["object_id"].as_str().map_or(String::new(), |id| format!("{id}/"));
    let answer = test.get(&format!("{path}{object}?{}", query.finish())).send().await;
    let expect = &vector["expect"];
    let allowed: Vec<u64> = match &expect["status"] {
        Value::Array(several) => several.iter().filter_map(Value::as_u64).collect(),
        one => vec![one.as_u64().unwrap()],
    };
    assert!(allowed.contains(&u64::from(answer.status.as_u16())), "{case}: {}", answer.status);
    if answer.status != StatusCode::OK {
        answer.error_code();
        return;
    }
    let envelope = answer.json();
    let found: Vec<_> = envelope["objects"].as_array().into_iter().flatten().collect();
    let expected: Vec<_> = expect["seqs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|seq| &records[usize::try_from(seq.as_u64().unwrap()).unwrap()]["object"])
        .collect();
    assert_eq!(found, expected, "{case}");
    assert_eq!(envelope["more"], expect["more"], "{case}");
    assert_eq!(envelope["next"].is_string(), envelope["more"] == true, "{case}");
    assert_eq!(answer.header("x-taxii-date-added-first"), expect["date_added_first"].as_str(), "{case}");
    assert_eq!(answer.header("x-taxii-date-added-last"), expect["date_added_last"].as_str(), "{case}");
}
