//! `Idempotency-Key`: a request that is repeated with its key is carried out once.

use crate::app::{Answer, TestApp, tool, tool_id};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const KEY: &str = "8c0a3f0e-4b1d-4a7e-9d9b-2f6f4d1c7e55";

async fn post(test: &TestApp, account: &str, collection: &str, key: &str, objects: &[Value]) -> Answer {
    let body = json!({"objects": objects}).to_string();
    let path = format!("/api/collections/{collection}/objects/");
    test.post(&path, body).by(account).header("idempotency-key", key).send().await
}

#[tokio::test]
async fn the_key_is_request_and_status() {
    let (test, id) = TestApp::with_collection().await;
    let first = post(&test, "alice", &id, KEY, &[tool(1, 2001)]).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    let status = first.json();
    assert_eq!(status["id"], KEY);
    // Also as the quoted string of a structured header.
    for key in [KEY, &format!("\"{KEY}\"")] {
        let again = post(&test, "alice", &id, key, &[tool(1, 2001)]).await;
        assert_eq!((again.status, again.json()), (StatusCode::ACCEPTED, status.clone()));
    }
    assert_eq!(test.get(&format!("/api/status/{KEY}/")).send().await.json(), status);
    let count = test.get(&format!("/api/collections/{id}/manifest/")).send().await.json();
    assert_eq!(count["objects"].as_array().unwrap().len(), 1);
    let metrics = test.control.call(Method::GET, "/metrics", Default::default()).await.unwrap().body;
    let metrics = String::from_utf8(metrics.to_vec()).unwrap();
    assert!(metrics.contains(r#"concord_objects_added_total{outcome="success"} 1"#), "{metrics}");
}

#[tokio::test]
async fn another_request_needs_another_key() {
    let (test, id) = TestApp::with_collection().await;
    let other = test.collection("other").await;
    test.account("bob", json!({"*": {"can_read": true, "can_write": true}})).await;
    post(&test, "alice", &id, KEY, &[tool(1, 2001)]).await;
    let reused = post(&test, "alice", &id, KEY, &[tool(2, 2001)]).await;
    assert_eq!(reused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(reused.json()["description"].as_str().unwrap().contains("used for another request"));
    let elsewhere = post(&test, "bob", &other, KEY, &[tool(1, 2001)]).await;
    assert_eq!(elsewhere.status, StatusCode::ACCEPTED, "keys belong to accounts");
    let path = format!("/api/status/{KEY}/");
    assert_ne!(test.get(&path).send().await.json(), test.get(&path).by("bob").send().await.json());
    for bad in ["", "x", "00000000-0000-1000-8000-000000000000"] {
        let refused = post(&test, "alice", &id, bad, &[tool(1, 2001)]).await;
        assert_eq!((refused.status, refused.error_code()), (StatusCode::BAD_REQUEST, "bad_parameter".into()));
    }
}

#[tokio::test]
async fn a_deletion_is_repeated_safely() {
    let (test, id) = TestApp::with_collection().await;
    test.add(&id, &[tool(1, 2001), tool(1, 2002)]).await;
    let path = format!("/api/collections/{id}/objects/{}/", tool_id(1));
    for _ in 0..3 {
        let deleted = test.call(Method::DELETE, &path).header("idempotency-key", KEY).send().await;
        assert_eq!(deleted.status, StatusCode::OK);
    }
    let left = test.get(&path).send().await.json();
    assert!(left["objects"][0]["modified"].as_str().unwrap().starts_with("2001"), "only one version went");
}

/// A status belongs to an account, not to a name that can be given again.
#[tokio::test]
async fn a_status_does_not_pass_to_an_account_of_the_same_name() {
    let (test, id) = TestApp::with_collection().await;
    let status = test.add(&id, &[tool(1, 2001)]).await;
    let path = format!("/api/status/{}/", status["id"].as_str().unwrap());
    assert_eq!(test.get(&path).send().await.status, StatusCode::OK);
    test.admin(Method::DELETE, "/admin/accounts/alice/", json!(null)).await;
    test.account("alice", json!({&id: {"can_read": true, "can_write": true}})).await;
    assert_eq!(test.get(&path).send().await.status, StatusCode::NOT_FOUND);
}
