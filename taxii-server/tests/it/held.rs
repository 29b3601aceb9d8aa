//! Clients that do not read their answers, and those that do not send their bodies.

use crate::app::{PASSWORD, TAXII, tool};
use crate::connections::{LONG, SHORT, config, connect, rest, start};
use axum::http::{Method, Request, StatusCode};
use base64::Engine as _;
use serde_json::{Value, json};
use taxii_server::config::{Config, Timeouts};
use taxii_server::control::Control;
use taxii_server::serve::Server;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Slices that a connection may hold: 4 MiB in slices of 256 KiB.
const SLICES: usize = 16;

/// A server with a page of 480 KiB.
async fn with_page(timeouts: Timeouts) -> (Server, String) {
    let server = start(Config { timeouts, ..config() }).await;
    let control = Control::of(server.app().clone()).unwrap();
    let admin = async |path: &str, body: Value| control.json(Method::POST, path, body).await.unwrap();
    admin("/admin/api-roots/", json!({"name": "api"})).await;
    let new = json!({"api_root": "api", "title": "all", "alias": "all"});
    let id = admin("/admin/collections/", new).await["id"].as_str().unwrap().to_owned();
    let grants = json!({&id: {"can_read": true, "can_write": true}});
    admin("/admin/accounts/", json!({"name": "alice", "password": PASSWORD, "grants": grants})).await;
    let path = format!("/api/collections/{id}/objects/");
    let long = |number| {
        let mut object = tool(number, 2001);
        object["description"] = "x".repeat(16 << 10).into();
        object
    };
    admin(&path, json!({"objects": (0..30).map(long).collect::<Vec<_>>()})).await;
    (server, path)
}

fn authorization() -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("alice:{PASSWORD}")))
}

fn head(method: &str, path: &str, more: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nAccept: {TAXII}\r\n{more}\r\n",
        authorization()
    )
}

#[tokio::test]
async fn a_connection_whose_client_takes_nothing_holds_little_and_is_closed() {
    let timeouts = Timeouts { busy: SHORT, write: 10 * SHORT, ..Timeouts::default() };
    let (server, path) = with_page(timeouts).await;
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let mut client = h2::client::Builder::new();
    let (mut requests, connection) =
        client.initial_window_size(0).handshake::<_, bytes::Bytes>(stream).await.unwrap();
    let closed = tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..SLICES + 4 {
        requests = requests.ready().await.unwrap();
        let request = Request::get(format!("http://localhost{path}"))
            .header("authorization", authorization())
            .header("accept", TAXII);
        answers.push(requests.send_request(request.body(()).unwrap(), true).unwrap().0);
    }
    let answers = futures::future::join_all(answers).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.as_ref().unwrap().status()).collect();
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    let counts = (count(StatusCode::OK), count(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(counts, (SLICES, 4), "{statuses:?}");
    // Others are served meanwhile, and get the whole page.
    let page =
        rest(&mut connect(&server, head("GET", &path, "Connection: close\r\n").as_bytes()).await).await;
    let page = String::from_utf8(page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200 ") && page.matches("\"tool--").count() == 30, "{}", &page[..500]);
    let closed = tokio::time::timeout(LONG, closed).await.expect("the server closes").unwrap();
    drop((closed, answers));
    server.stop().await;
}

#[tokio::test]
async fn bodies_have_a_time_between_their_parts_and_one_in_all() {
    let timeouts = Timeouts { body_idle: 3 * SHORT, body: 6 * SHORT, ..Timeouts::default() };
    let (server, path) = with_page(timeouts).await;
    let more = format!("Content-Type: {TAXII}\r\nContent-Length: 1000\r\nConnection: close\r\n");
    let head = head("POST", &path, &more);
    let silent = rest(&mut connect(&server, head.as_bytes()).await).await;
    let (mut reading, mut writing) = connect(&server, head.as_bytes()).await.into_split();
    let trickle = async {
        loop {
            if writing.write_all(b" ").await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(SHORT).await;
        }
    };
    let slow = tokio::select! {
        answer = rest(&mut reading) => answer,
        () = trickle => unreachable!(),
    };
    for answer in [silent, slow] {
        assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", answer.escape_ascii());
    }
    server.stop().await;
}
