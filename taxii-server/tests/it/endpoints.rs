//! What each reading endpoint answers, paging, and errors.

use crate::app::{TAXII, TestApp, tool, tool_id};
use axum::http::{Method, StatusCode};
use serde_json::json;
use std::sync::Arc;
use taxii_server::config::Config;
use taxii_server::store::MemoryEngine;

#[tokio::test]
async fn discovery_and_roots() {
    let test = TestApp::new().await;
    test.admin(Method::POST, "/admin/api-roots/", json!({"name": "partners", "title": "For partners"})).await;
    test.account("alice", json!({})).await;
    let discovery = test.get("/taxii2/").send().await;
    assert_eq!(discovery.header("content-type"), Some(TAXII));
    let discovery = discovery.json();
    // Who asks for another machine over plain HTTP may come through a proxy for TLS.
    let roots = json!(["/api/", "/partners/"]);
    assert_eq!((&discovery["api_roots"], &discovery["default"]), (&roots, &roots[0]));
    let here = test.get("/taxii2/").header("host", "localhost:6100").send().await.json();
    let roots = json!(["http://localhost:6100/api/", "http://localhost:6100/partners/"]);
    assert_eq!((&here["api_roots"], &here["default"]), (&roots, &roots[0]));
    let root = test.get("/partners/").send().await.json();
    let expected = json!({"title": "For partners", "versions": [TAXII], "max_content_length": 8 << 20});
    assert_eq!(root, expected);
    for unknown in ["/nowhere/", "/nowhere/collections/", "/api/nowhere/", "/api/collections/nowhere/"] {
        assert_eq!(test.get(unknown).send().await.error_code(), "not_found", "{unknown}");
    }
}

#[tokio::test]
async fn the_public_address_is_advertised() {
    let config = Config { public_url: Some("https://taxii.example.org/".into()), ..Config::default() };
    let test = TestApp::with(config, Arc::new(MemoryEngine::default())).await;
    test.account("alice", json!({})).await;
    let discovery = test.get("/taxii2/").send().await.json();
    assert_eq!(discovery["default"], "https://taxii.example.org/api/");
}

#[tokio::test]
async fn pages_cover_everything_once_in_order() {
    let (test, id) = TestApp::with_collection().await;
    for start in [0, 10, 20] {
        let objects: Vec<_> = (start..start + 10).map(|number| tool(number, 2001)).collect();
        test.add(&id, &objects).await;
    }
    for (endpoint, key) in [("objects", "objects"), ("manifest", "objects")] {
        for limit in [1, 7, 30, 31, 1000] {
            let mut seen = Vec::new();
            let mut query = format!("limit={limit}");
            loop {
                let answer = test.get(&format!("/api/collections/{id}/{endpoint}/?{query}")).send().await;
                let page = answer.json();
                let items = page[key].as_array().unwrap();
                assert!(items.len() <= limit && !items.is_empty());
                seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
                if endpoint == "manifest" {
                    assert_eq!(answer.header("x-taxii-date-added-first"), items[0]["date_added"].as_str());
                    assert_eq!(
                        answer.header("x-taxii-date-added-last"),
                        items[items.len() - 1]["date_added"].as_str()
                    );
                }
                assert_eq!(page["more"] == true, page["next"].is_string());
                let Some(next) = page["next"].as_str() else { break };
                query = format!("next={next}&limit={limit}");
            }
            assert_eq!(seen, (0..30).map(tool_id).collect::<Vec<_>>(), "{endpoint} {limit}");
        }
    }
    let empty =
        test.get(&format!("/api/collections/{id}/objects/?added_after=2099-01-01T00:00:00Z")).send().await;
    assert_eq!(empty.body, r#"{"more":false}"#);
    assert_eq!(empty.header("x-taxii-date-added-last"), None);
}

#[tokio::test]
async fn versions_are_listed_and_paged() {
    let (test, id) = TestApp::with_collection().await;
    for year in [2003, 2001, 2002] {
        test.add(&id, &[tool(1, year)]).await;
    }
    let path = format!("/api/collections/{id}/objects/{}/versions/", tool_id(1));
    let stamp = |year: u32| format!("{year}-01-01T00:00:00.000Z");
    let all = test.get(&path).send().await;
    assert_eq!(all.json(), json!({"more": false, "versions": [stamp(2003), stamp(2001), stamp(2002)]}));
    let first = test.get(&format!("{path}?limit=2")).send().await;
    assert_eq!(
        (&first.json()["more"], first.json()["versions"].as_array().unwrap().len()),
        (&json!(true), 2)
    );
    let after = first.header("x-taxii-date-added-last").unwrap();
    let rest = test.get(&format!("{path}?added_after={after}")).send().await;
    assert_eq!(rest.json()["versions"], json!([stamp(2002)]));
    let rest = test.get(&format!("{path}?next={}", first.json()["next"].as_str().unwrap())).send().await;
    assert_eq!(rest.json()["versions"], json!([stamp(2002)]));
    let unknown = format!("/api/collections/{id}/objects/{}/versions/", tool_id(2));
    assert_eq!(test.get(&unknown).send().await.error_code(), "not_found");
}

#[tokio::test]
async fn deleted_objects_are_gone() {
    let (test, id) = TestApp::with_collection().await;
    test.add(&id, &[tool(1, 2001), tool(1, 2002), tool(2, 2001)]).await;
    let path = format!("/api/collections/{id}/objects/{}/", tool_id(1));
    let deleted = test.call(Method::DELETE, &path).send().await;
    assert_eq!(
        (deleted.status, deleted.body.len(), deleted.header("content-type")),
        (StatusCode::OK, 0, Some(TAXII))
    );
    let left = test.get(&format!("{path}?match[version]=all")).send().await.json();
    assert_eq!(left["objects"], json!([tool(1, 2001)]));
    let absent =
        test.call(Method::DELETE, &format!("{path}?match[version]=2099-01-01T00:00:00Z")).send().await;
    assert_eq!(absent.error_code(), "not_found");
    let version = format!("{path}?match[version]=2002-01-01T00:00:00Z");
    assert_eq!(test.get(&version).send().await.error_code(), "not_found", "a deleted version");
    assert_eq!(test.call(Method::DELETE, &format!("{path}?match%5Bversion%5D=all")).send().await.status, 200);
    for path in [path.clone(), format!("{path}versions/")] {
        assert_eq!(test.get(&path).send().await.error_code(), "not_found");
    }
    assert_eq!(test.call(Method::DELETE, &path).send().await.error_code(), "not_found");
    let manifest =
        test.get(&format!("/api/collections/{id}/manifest/?match[version]=all")).send().await.json();
    assert_eq!(manifest["objects"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_alias_stands_for_the_id() {
    let (test, id) = TestApp::with_collection().await;
    test.add("all", &[tool(1, 2001)]).await;
    assert_eq!(test.get("/api/collections/all/").send().await.json()["id"], json!(id));
    let [by_alias, by_id] = ["all", &id].map(|name| format!("/api/collections/{name}/manifest/"));
    assert_eq!(test.get(&by_alias).send().await.body, test.get(&by_id).send().await.body);
}

#[tokio::test]
async fn errors_are_taxii_errors() {
    let (test, id) = TestApp::with_collection().await;
    let objects = format!("/api/collections/{id}/objects/");
    let cases = [
        (test.get(&format!("{objects}?limit=0")), 400, "bad_parameter"),
        (test.get(&format!("{objects}?next=AAAA")), 400, "bad_next"),
        (test.get("/taxii2/").header("accept", "application/taxii+json;version=2.0"), 406, "not_acceptable"),
        (test.call(Method::PUT, &objects), 405, "method_not_allowed"),
        (test.get(&format!("{objects}?x={}", "x".repeat(9000))), 414, "uri_too_long"),
        (test.get("/%ff/"), 404, "not_found"),
        (test.get(&format!("{objects}x/")), 404, "not_found"),
    ];
    for (call, status, code) in cases {
        let answer = call.send().await;
        assert_eq!((answer.status.as_u16(), answer.error_code().as_str()), (status, code));
    }
    let not_allowed = test.call(Method::PATCH, &objects).send().await;
    assert!(not_allowed.header("allow").unwrap().contains("POST"));
    let head = test.call(Method::HEAD, &objects).send().await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn metrics_count_requests_and_objects() {
    let (test, id) = TestApp::with_collection().await;
    test.admin(
        Method::POST,
        "/admin/accounts/",
        json!({"name": "root", "password": crate::app::PASSWORD, "is_administrator": true}),
    )
    .await;
    test.add(&id, &[tool(1, 2001), tool(1, 2001)]).await;
    let text = test.get("/metrics").by("root").send().await.body;
    let text = std::str::from_utf8(&text).unwrap();
    assert!(text.contains(r#"concord_objects_added_total{outcome="success"} 2"#), "{text}");
    assert!(text.contains(r#"route="/{api_root}/collections/{id}/objects/",status="202"} 1"#), "{text}");
    assert!(!text.contains(&id), "names of collections stay out of metrics");
    for method in ["A1", "A2", "PATCH"] {
        test.call(Method::from_bytes(method.as_bytes()).unwrap(), "/x/")
            .without("authorization")
            .send()
            .await;
    }
    let text = test.get("/metrics").by("root").send().await.body;
    assert!(!std::str::from_utf8(&text).unwrap().contains("A1"), "anybody can invent methods");
}

#[tokio::test]
async fn pages_are_compressed_when_asked() {
    // A page of one slice, and one of several.
    for text in [String::new(), "many slices ".repeat(2_000)] {
        let (test, id) = TestApp::with_collection().await;
        let of = |number| {
            let mut tool = tool(number, 2001);
            tool["description"] = json!(format!("{number} {text}"));
            tool
        };
        test.add(&id, &(0..50).map(of).collect::<Vec<_>>()).await;
        let path = format!("/api/collections/{id}/objects/");
        let plain = test.get(&path).send().await;
        let packed = test.get(&path).header("accept-encoding", "gzip, deflate").send().await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        assert!(packed.body.len() * 3 < plain.body.len());
        let mut unpacked = Vec::new();
        let mut reader = flate2::read::GzDecoder::new(&packed.body[..]);
        std::io::Read::read_to_end(&mut reader, &mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body);
    }
}
