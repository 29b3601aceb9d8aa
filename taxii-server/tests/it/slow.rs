//! What changes while a body is on its way: what counts is what holds when the request is carried out.

use crate::app::{Answer, TestApp, tool};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

fn both() -> Value {
    json!({"can_read": true, "can_write": true})
}

fn body() -> String {
    json!({"objects": [tool(1, 2001)]}).to_string()
}

/// Objects in the collection, as the operator sees them.
async fn count(test: &TestApp, id: &str) -> usize {
    let path = format!("/api/collections/{id}/objects/");
    let page = test.control.json(Method::GET, &path, ()).await.unwrap();
    page["objects"].as_array().map_or(0, Vec::len)
}

/// Posts an object as alice, and makes changes before its last byte is sent.
async fn post_while(test: &TestApp, id: &str, changes: &[(Method, String, Value)]) -> Answer {
    let path = format!("/api/collections/{id}/objects/");
    let change = async {
        for (method, path, body) in changes {
            test.admin(method.clone(), path, body.clone()).await;
        }
    };
    test.post(&path, body()).send_while(change).await
}

#[tokio::test]
async fn an_account_that_lost_its_right_meanwhile_adds_nothing() {
    let account = "/admin/accounts/alice/".to_owned();
    let grant = |id: &str| format!("/admin/accounts/alice/grants/{id}/");
    let new = json!({"name": "alice", "password": crate::app::PASSWORD});
    for case in ["nothing", "removed", "made anew", "grant revoked", "read only", "password"] {
        let (test, id) = TestApp::with_collection().await;
        let mut again = new.clone();
        again["grants"] = json!({&id: both()});
        let remove = (Method::DELETE, account.clone(), Value::Null);
        let (changes, expected) = match case {
            "nothing" => (vec![], StatusCode::ACCEPTED),
            "removed" => (vec![remove], StatusCode::UNAUTHORIZED),
            "made anew" => {
                (vec![remove, (Method::POST, "/admin/accounts/".into(), again)], StatusCode::UNAUTHORIZED)
            }
            "grant revoked" => (vec![(Method::DELETE, grant(&id), Value::Null)], StatusCode::NOT_FOUND),
            "read only" => {
                let rights = json!({"can_read": true, "can_write": false});
                (vec![(Method::PUT, grant(&id), rights)], StatusCode::FORBIDDEN)
            }
            _ => {
                let other = json!({"password": "another long password"});
                (vec![(Method::PUT, format!("{account}password/"), other)], StatusCode::UNAUTHORIZED)
            }
        };
        let answer = post_while(&test, &id, &changes).await;
        assert_eq!(answer.status, expected, "{case}");
        assert_eq!(count(&test, &id).await, usize::from(case == "nothing"), "{case}");
    }
}

#[tokio::test]
async fn a_token_that_was_revoked_meanwhile_adds_nothing() {
    let (test, id) = TestApp::with_collection().await;
    let path = format!("/api/collections/{id}/objects/");
    let secrets = test.admin(Method::POST, "/admin/accounts/alice/tokens/", json!({})).await;
    let token = secrets["token"].as_str().unwrap();
    let public = token.strip_prefix("concord_").unwrap().split('_').next().unwrap();
    let revoke = async {
        test.admin(Method::DELETE, &format!("/admin/accounts/alice/tokens/{public}/"), json!({})).await;
    };
    let call = test.post(&path, body()).header("authorization", &format!("Bearer {token}"));
    assert_eq!(call.send_while(revoke).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(count(&test, &id).await, 0);
    // Another credential of the account goes on.
    let more = async { drop(test.admin(Method::POST, "/admin/accounts/alice/tokens/", json!({})).await) };
    assert_eq!(test.post(&path, body()).send_while(more).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_stricter_profile_counts_for_uploads_under_way() {
    let (test, id) = TestApp::with_collection().await;
    let stricter = (Method::PATCH, format!("/admin/collections/{id}/"), json!({"profile": "strict"}));
    let status = post_while(&test, &id, &[stricter]).await.json();
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(0), &json!(1)), "{status}");
    assert_eq!(count(&test, &id).await, 0);
}

#[tokio::test]
async fn a_collection_that_was_removed_meanwhile_gets_nothing_not_even_when_it_is_made_again() {
    for is_made_again in [false, true] {
        let (test, id) = TestApp::with_collection().await;
        test.admin(Method::PUT, "/admin/accounts/alice/grants/*/", both()).await;
        let mut changes = vec![(Method::DELETE, format!("/admin/collections/{id}/"), Value::Null)];
        if is_made_again {
            let new = json!({"api_root": "api", "title": "again", "alias": "all", "id": id});
            changes.push((Method::POST, "/admin/collections/".to_owned(), new));
        }
        let answer = post_while(&test, &id, &changes).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{:?}", answer.body);
        if is_made_again {
            assert_eq!(count(&test, &id).await, 0);
        }
    }
}

#[tokio::test]
async fn an_administrator_that_was_removed_meanwhile_changes_nothing() {
    let test = TestApp::new().await;
    let root = json!({"name": "root", "password": crate::app::PASSWORD, "is_administrator": true});
    test.admin(Method::POST, "/admin/accounts/", root).await;
    let remove = async { drop(test.admin(Method::DELETE, "/admin/accounts/root/", json!({})).await) };
    let mallory = json!({"name": "mallory", "is_administrator": true}).to_string();
    let answer = test
        .post("/admin/accounts/", mallory)
        .header("content-type", "application/json")
        .by("root")
        .send_while(remove)
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let accounts = test.admin(Method::GET, "/admin/accounts/", json!({})).await;
    assert_eq!(accounts, json!([]));
}

#[tokio::test]
async fn an_account_made_anew_does_not_see_the_statuses_of_its_predecessor() {
    let (test, id) = TestApp::with_collection().await;
    let status = test.add(&id, &[tool(1, 2001)]).await;
    let path = format!("/api/status/{}/", status["id"].as_str().unwrap());
    assert_eq!(test.get(&path).send().await.status, StatusCode::OK);
    test.admin(Method::DELETE, "/admin/accounts/alice/", json!({})).await;
    test.account("alice", json!({&id: both()})).await;
    assert_eq!(test.get(&path).send().await.status, StatusCode::NOT_FOUND);
    // Nor does a repeated key give it the old outcome.
    let objects = format!("/api/collections/{id}/objects/");
    let key = "6f1a7c1e-0f7d-4d57-9d6b-1f0d3c1b2a90";
    let post = || test.post(&objects, body()).header("idempotency-key", key);
    let first = post().send().await.json();
    test.admin(Method::DELETE, "/admin/accounts/alice/", json!({})).await;
    test.account("alice", json!({&id: both()})).await;
    let again = post().send().await.json();
    assert_ne!(first["request_timestamp"], again["request_timestamp"]);
}

#[tokio::test]
async fn a_status_moves_with_the_api_root_of_its_collection() {
    let (test, id) = TestApp::with_collection().await;
    let status = test.add(&id, &[tool(1, 2001)]).await;
    let path = |root: &str| format!("/{root}/status/{}/", status["id"].as_str().unwrap());
    test.admin(Method::PATCH, "/admin/api-roots/api/", json!({"name": "members"})).await;
    assert_eq!(test.get(&path("members")).send().await.json(), status);
    test.admin(Method::POST, "/admin/api-roots/", json!({"name": "api"})).await;
    assert_eq!(test.get(&path("api")).send().await.status, 404);
}
