//! Rules of HTTP that hold on every route.

use crate::app::TestApp;
use crate::connections::{config, connect, rest, start};
use std::sync::Arc;
use taxii_server::config::{Config, Timeouts};
use taxii_server::store::MemoryEngine;

#[tokio::test]
async fn malformed_heads_are_refused_with_the_right_status() {
    let timeouts = Timeouts { keep_alive: crate::connections::SHORT, ..Timeouts::default() };
    let server = start(Config { timeouts, ..config() }).await;
    let host = "Host: localhost\r\n";
    let with = |headers: &str| format!("GET /livez/ HTTP/1.1\r\n{host}{headers}\r\n");
    let chunks = "2\r\n{}\r\n0\r\n\r\n";
    let post =
        |coding: &str| format!("POST /livez/ HTTP/1.1\r\n{host}Transfer-Encoding: {coding}\r\n\r\n{chunks}");
    let many = (0..20).map(|number| format!("X-{number}: {}\r\n", "x".repeat(1000))).collect::<String>();
    for (request, status) in [
        (with(""), 200),
        ("GET /livez/ HTTP/1.1\r\n\r\n".into(), 400),
        ("GET http://localhost/livez/ HTTP/1.1\r\n\r\n".into(), 400),
        ("GET /livez/ HTTP/1.0\r\n\r\n".into(), 200),
        ("GET /livez/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".into(), 400),
        ("GET /livez/ HTTP/1.1\r\nHost:\r\n\r\n".into(), 400),
        ("GET /livez/ HTTP/1.1\r\nHost: a b\r\n\r\n".into(), 400),
        ("GET /livez/ HTTP/1.1\r\nHost: a@b\r\n\r\n".into(), 400),
        (with(&format!("X: {}\r\n", "x".repeat(15 << 10))), 200),
        (with(&format!("X: {}\r\n", "x".repeat(17 << 10))), 431),
        (with(&many), 431),
        (format!("GET /livez/?{} HTTP/1.1\r\n{host}\r\n", "x".repeat(9 << 10)), 414),
        (post("chunked"), 405),
        (post("gzip, chunked"), 501),
        (post("unheard-of, chunked"), 501),
        (post("unheard-of"), 501),
        (post("gzip"), 501),
    ] {
        let answer = rest(&mut connect(&server, request.as_bytes()).await).await;
        let answer = String::from_utf8(answer).unwrap();
        let shown = &request[..request.len().min(100)];
        let is_right = answer.get(9..12).is_some_and(|digits| digits == status.to_string());
        assert!(is_right, "{shown:?} needs {status}, not {answer:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn over_http_2_heads_are_checked_too() {
    let server = start(config()).await;
    let stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let (mut requests, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    for (name, value, status) in [
        ("x", "x".to_owned(), 200),
        ("host", "localhost".to_owned(), 200),
        ("host", "other".to_owned(), 400),
        ("x", "x".repeat(20 << 10), 431),
    ] {
        requests = requests.ready().await.unwrap();
        let request = axum::http::Request::get("http://localhost/livez/").header(name, &value).body(());
        let answer = requests.send_request(request.unwrap(), true).unwrap().0.await.unwrap();
        assert_eq!(answer.status(), status, "{name}: {} bytes", value.len());
    }
    drop(requests);
    server.stop().await;
}

#[tokio::test]
async fn every_answer_has_the_headers_for_safety() {
    for behind_tls_proxy in [false, true] {
        let config = Config { behind_tls_proxy, ..Config::default() };
        let test = TestApp::with(config, Arc::new(MemoryEngine::default())).await;
        test.account("alice", serde_json::json!({})).await;
        for path in ["/taxii2/", "/nowhere/", "/api/collections/", "/docs/", "/openapi.json/", "/livez/"] {
            let answer = test.get(path).send().await;
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
            assert_eq!(answer.header("strict-transport-security").is_some(), behind_tls_proxy, "{path}");
        }
        let named = test.get("/taxii2/").header("host", "evil.example").send().await;
        assert!(!String::from_utf8_lossy(&named.body).contains("evil"), "{:?}", named.body);
    }
}
