//! Credentials and rights: who sees what, and what the others are told.

use crate::app::{PASSWORD, TestApp, tool, tool_id};
use axum::http::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn every_route_but_health_and_docs_wants_credentials() {
    let (test, id) = TestApp::with_collection().await;
    let document: serde_json::Value = serde_json::from_str(&taxii_server::router::openapi_json()).unwrap();
    let mut count = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if operation["security"] == json!([{}]) {
                continue;
            }
            let path =
                path.replace("{api_root}", "api").replace("{id}", &id).replace("{object_id}", &tool_id(1));
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            for credentials in
                ["", "Basic !", "Basic YWxpY2U6d3Jvbmc=", "Bearer concord_0_0", "Digest x", "Basic"]
            {
                let call = test.call(method.clone(), &path).header("authorization", credentials);
                let call = if credentials.is_empty() { call.without("authorization") } else { call };
                let answer = call.send().await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} {credentials}");
                assert_eq!(answer.error_code(), "unauthorized");
                let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
                assert!(challenges.len() == 2 && challenges[0].to_str().unwrap().starts_with("Basic "));
            }
            count += 1;
        }
    }
    assert!(count > 25, "only {count} operations");
    for path in ["/livez", "/readyz", "/docs", "/openapi.json"] {
        assert_eq!(test.get(path).without("authorization").send().await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(test.get("/metrics").send().await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn rights_decide_what_each_method_answers() {
    let test = TestApp::new().await;
    let id = test.collection("all").await;
    let other = test.collection("other").await;
    let rights =
        [("both", true, true), ("reader", true, false), ("writer", false, true), ("neither", false, false)];
    for (name, can_read, can_write) in rights {
        test.account(name, json!({&id: {"can_read": can_read, "can_write": can_write}})).await;
    }
    test.account("stranger", json!({&other: {"can_read": true, "can_write": true}})).await;
    let body = json!({"objects": [tool(1, 2001)]}).to_string();
    let base = format!("/api/collections/{id}/");
    let object = format!("{base}objects/{}/", tool_id(1));
    assert_eq!(test.post(&format!("{base}objects/"), body.clone()).by("both").send().await.status, 202);
    // Account, what each of: collection, objects, manifest, object, versions, POST, DELETE of an unknown object.
    let table = [
        ("both", [200, 200, 200, 200, 200, 202, 404]),
        ("reader", [200, 200, 200, 200, 200, 403, 403]),
        ("writer", [200, 403, 403, 403, 403, 202, 403]),
        ("neither", [200, 403, 403, 403, 403, 403, 404]),
        ("stranger", [404, 404, 404, 404, 404, 404, 404]),
    ];
    for (account, [collection, objects, manifest, one, versions, post, delete]) in table {
        let reads = [
            (base.clone(), collection),
            (format!("{base}objects/"), objects),
            (format!("{base}manifest/"), manifest),
            (object.clone(), one),
            (format!("{object}versions/"), versions),
        ];
        for (path, status) in reads {
            assert_eq!(test.get(&path).by(account).send().await.status, status, "{account} {path}");
        }
        let posted = test.post(&format!("{base}objects/"), body.clone()).by(account).send().await;
        assert_eq!(posted.status, post, "{account} POST");
        let unknown = format!("{base}objects/{}/", tool_id(9));
        assert_eq!(
            test.call(Method::DELETE, &unknown).by(account).send().await.status,
            delete,
            "{account} DELETE"
        );
        assert_eq!(test.get("/admin/accounts/").by(account).send().await.status, 403, "{account}");
        let listed = test.get("/api/collections/").by(account).send().await.json();
        let listed: Vec<_> =
            listed["collections"].as_array().into_iter().flatten().map(|one| one["id"].clone()).collect();
        assert_eq!(listed, [if account == "stranger" { json!(other) } else { json!(id) }], "{account}");
    }
    test.account("nobody", json!({})).await;
    assert_eq!(test.get("/api/collections/").by("nobody").send().await.body, "{}");
}

#[tokio::test]
async fn a_status_is_for_the_account_that_made_the_request() {
    let (test, id) = TestApp::with_collection().await;
    test.account("bob", json!({&id: {"can_read": true, "can_write": true}})).await;
    let status = test.add(&id, &[tool(1, 2001)]).await;
    let path = format!("/api/status/{}/", status["id"].as_str().unwrap());
    assert_eq!(test.get(&path).send().await.json(), status);
    assert_eq!(test.get(&path).by("bob").send().await.error_code(), "not_found");
    for unknown in ["x", "00000000-0000-4000-8000-000000000000"] {
        assert_eq!(test.get(&format!("/api/status/{unknown}/")).send().await.error_code(), "not_found");
    }
}

#[tokio::test]
async fn every_scheme_in_the_field_carries_a_token() {
    let test = TestApp::new().await;
    let token =
        test.account("siem", json!({"*": {"can_read": true, "can_write": false}})).await["token"].clone();
    let token = token.as_str().unwrap();
    for scheme in ["Bearer", "bearer", "Token", "TOKEN"] {
        let call = test.get("/taxii2/").header("authorization", &format!("{scheme} {token}"));
        assert_eq!(call.send().await.status, StatusCode::OK, "{scheme}");
    }
    let by_key = || test.get("/taxii2/").without("authorization");
    assert_eq!(by_key().header("x-api-key", token).send().await.status, StatusCode::OK);
    let forged = format!("{}0", &token[..token.len() - 1]);
    let forged = if forged == token { format!("{}1", &token[..token.len() - 1]) } else { forged };
    assert_eq!(by_key().header("x-api-key", &forged).send().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn changes_of_an_account_count_at_once() {
    let (test, id) = TestApp::with_collection().await;
    let path = format!("/api/collections/{id}/objects/");
    assert_eq!(test.get(&path).send().await.status, StatusCode::OK);
    let grant = format!("/admin/accounts/alice/grants/{id}/");
    test.admin(Method::PUT, &grant, json!({"can_read": false, "can_write": true})).await;
    assert_eq!(test.get(&path).send().await.status, StatusCode::FORBIDDEN);
    test.admin(Method::DELETE, &grant, json!(null)).await;
    assert_eq!(test.get(&path).send().await.status, StatusCode::NOT_FOUND);
    test.admin(Method::PUT, "/admin/accounts/alice/password/", json!({"password": "another long password"}))
        .await;
    assert_eq!(
        test.get("/taxii2/").send().await.status,
        StatusCode::UNAUTHORIZED,
        "the old password was remembered"
    );
    test.admin(Method::PUT, "/admin/accounts/alice/password/", json!({"password": PASSWORD})).await;
    assert_eq!(test.get("/taxii2/").send().await.status, StatusCode::OK);
    let token = test.admin(Method::POST, "/admin/accounts/alice/tokens/", json!(null)).await["token"].clone();
    let token = token.as_str().unwrap();
    let by_token = || test.get("/taxii2/").header("authorization", &format!("Bearer {token}"));
    assert_eq!(by_token().send().await.status, StatusCode::OK);
    let public = token.split('_').nth(1).unwrap();
    test.admin(Method::DELETE, &format!("/admin/accounts/alice/tokens/{public}/"), json!(null)).await;
    assert_eq!(by_token().send().await.status, StatusCode::UNAUTHORIZED);
    test.admin(Method::DELETE, "/admin/accounts/alice/", json!(null)).await;
    assert_eq!(test.get("/taxii2/").send().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn administration_refuses_what_cannot_be() {
    let (test, id) = TestApp::with_collection().await;
    let cases = [
        ("/admin/accounts/", json!({"name": "a:b"}), 422),
        ("/admin/accounts/", json!({"name": "a", "password": "short"}), 422),
        ("/admin/accounts/", json!({"name": "a", "is_admin": true}), 422),
        ("/admin/accounts/", json!({"name": "alice"}), 409),
        (
            "/admin/accounts/",
            json!({"name": "a", "grants": {"00000000-0000-4000-8000-000000000000": {"can_read": true, "can_write": true}}}),
            409,
        ),
        ("/admin/collections/", json!({"api_root": "api", "title": "a\nb"}), 422),
        ("/admin/collections/", json!({"api_root": "api", "title": "all"}), 409),
        ("/admin/collections/", json!({"api_root": "api", "title": "b", "alias": "all"}), 409),
        ("/admin/collections/", json!({"api_root": "api", "title": "b", "alias": "a/b"}), 422),
        ("/admin/collections/", json!({"api_root": "nowhere", "title": "b"}), 409),
        ("/admin/collections/", json!({"api_root": "api", "title": "b", "id": id}), 409),
        ("/admin/collections/", json!({"api_root": "api", "title": "b", "id": "collection-1"}), 422),
        ("/admin/api-roots/", json!({"name": "taxii2"}), 422),
        ("/admin/api-roots/", json!({"name": "Ä"}), 422),
        ("/admin/api-roots/", json!({"name": "api"}), 409),
        ("/admin/api-roots/", json!([1]), 422),
    ];
    for (path, body, status) in cases {
        let reply = test.control.call(Method::POST, path, body.to_string().into()).await.unwrap();
        assert_eq!(reply.status, status, "{path} {body}");
    }
    let gone = test.control.call(Method::DELETE, "/admin/api-roots/api/", Default::default()).await.unwrap();
    assert_eq!(gone.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn who_is_not_known_is_told_so_before_anything_else() {
    let (test, id) = TestApp::with_collection().await;
    let path = format!("/api/collections/{id}/objects/");
    let call = test.get(&path).header("accept", "text/html");
    assert_eq!(call.without("authorization").send().await.error_code(), "unauthorized");
    assert_eq!(test.get(&path).header("accept", "text/html").send().await.error_code(), "not_acceptable");
}

/// A form on a foreign page can make a browser send text with the credentials that it remembers.
#[tokio::test]
async fn administration_takes_json_only() {
    let test = TestApp::new().await;
    let root = json!({"name": "root", "password": PASSWORD, "is_administrator": true});
    test.admin(Method::POST, "/admin/accounts/", root).await;
    let new = json!({"name": "mallory", "is_administrator": true}).to_string();
    let post = || test.post("/admin/accounts/", new.clone()).by("root");
    assert_eq!(
        post().header("content-type", "text/plain").send().await.error_code(),
        "unsupported_media_type"
    );
    assert_eq!(post().without("content-type").send().await.error_code(), "unsupported_media_type");
    assert_eq!(post().header("content-type", "application/json").send().await.status, StatusCode::CREATED);
}

/// A flood of logins holds up itself: it does not count how many wait, but who.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_locks_out_no_one_else() {
    let (test, _) = TestApp::with_collection().await;
    let token = test.account("feed", json!({})).await["token"].as_str().unwrap().to_owned();
    let login = |name: &str| test.get("/taxii2/").by(name);
    let flood = futures::future::join_all((0..300).map(|_| login("mallory").send()));
    let others = async {
        let by_token = test.get("/taxii2/").header("authorization", &format!("Bearer {token}")).send().await;
        (login("alice").send().await.status, by_token.status)
    };
    let (flood, others) = futures::future::join(flood, others).await;
    assert_eq!(others, (StatusCode::OK, StatusCode::OK));
    let refused: Vec<_> = flood.iter().filter(|answer| answer.status != StatusCode::UNAUTHORIZED).collect();
    assert!(refused.len() > 200, "only {} of the flood are told to wait", refused.len());
    for answer in refused {
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.error_code(), "too_many_logins");
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
    assert_eq!(login("alice").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn passwords_may_have_any_letters_in_both_encodings() {
    use base64::Engine as _;
    let (test, id) = TestApp::with_collection().await;
    let password = "Grüße aus Köln";
    let new = json!({"name": "joerg", "password": password, "grants": {&id: {"can_read": true, "can_write": true}}});
    test.admin(Method::POST, "/admin/accounts/", new).await;
    let latin: Vec<u8> = format!("joerg:{password}").chars().map(|letter| letter as u8).collect();
    for pair in [format!("joerg:{password}").into_bytes(), latin] {
        let pair = base64::engine::general_purpose::STANDARD.encode(pair);
        let answer = test.get("/taxii2/").header("authorization", &format!("Basic {pair}")).send().await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let refused = test.get("/taxii2/").without("authorization").send().await;
    assert!(refused.header("www-authenticate").unwrap().contains("charset=\"UTF-8\""));
}
