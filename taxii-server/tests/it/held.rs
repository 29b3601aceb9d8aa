//! Clients that do not read their answers, and those that do not send their bodies.

use crate::app::{PASSWORD, TAXII, TestApp, tool};
use crate::connections::{LONG, SHORT, config, connect, rest, start};
use axum::http::{Method, Request, StatusCode};
use base64::Engine as _;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use taxii_server::config::{Config, Timeouts};
use taxii_server::control::Control;
use taxii_server::serve::Server;
use taxii_server::store::MemoryEngine;
use taxii_server::store::engine::{Commit, Engine, EngineError, EngineFuture, Snapshot};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;

/// Slices that a connection may hold: 4 MiB in slices of 256 KiB.
const SLICES: usize = 16;

/// A server with a page of 480 KiB.
async fn with_page(timeouts: Timeouts) -> (Server, String) {
    with_page_of(Config { timeouts, ..config() }).await
}

async fn with_page_of(config: Config) -> (Server, String) {
    let server = start(config).await;
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

/// Posts objects with descriptions of this length.
async fn fill(server: &Server, path: &str, lengths: &[usize]) {
    let control = Control::of(server.app().clone()).unwrap();
    for (number, length) in lengths.iter().enumerate() {
        let mut object = tool(1000 + number as u64, 2001);
        object["description"] = "y".repeat(*length).into();
        control.json(Method::POST, path, json!({"objects": [object]})).await.unwrap();
    }
}

/// Checks that an answer over HTTP/1.1 without compression is whole, and counts its objects.
fn count(answer: &[u8]) -> usize {
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("an end of the head");
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", answer[..end].escape_ascii());
    let (mut body, mut rest) = (Vec::new(), &answer[end + 4..]);
    while !rest.is_empty() {
        let line = rest.windows(2).position(|part| part == b"\r\n").expect("a length");
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        body.extend_from_slice(&rest[line + 2..line + 2 + length]);
        rest = &rest[line + 2 + length + 2..];
        if length == 0 {
            let envelope: Value = serde_json::from_slice(&body).unwrap();
            return envelope["objects"].as_array().unwrap().len();
        }
    }
    panic!("broken off after {} bytes", body.len());
}

/// Objects may be larger than what a connection may hold at once, and clients may take longer for them than others wait.
#[tokio::test]
async fn a_slow_client_that_reads_on_gets_whole_pages_whatever_the_size_of_objects() {
    let timeouts = Timeouts { busy: SHORT, ..Timeouts::default() };
    let (server, path) = with_page(timeouts).await;
    fill(&server, &path, &[5 << 20, 1, 5 << 20, 300 << 10, 1]).await;
    let request = head("GET", &path, "Connection: close\r\n");
    let socket = TcpSocket::new_v4().unwrap();
    // So that it is this client that is waited for, and not the buffers of the system that are filled.
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut slow = socket.connect(server.address()).await.unwrap();
    slow.write_all(request.as_bytes()).await.unwrap();
    let (mut answer, mut paused) = (Vec::new(), 0);
    while slow.read_buf(&mut answer).await.unwrap() > 0 {
        if answer.len() >> 20 > paused {
            paused += 1;
            tokio::time::sleep(3 * SHORT).await;
        }
    }
    assert_eq!(count(&answer), 35);

    let packed = head("GET", &path, "Connection: close\r\nAccept-Encoding: gzip\r\n");
    let answer = rest(&mut connect(&server, packed.as_bytes()).await).await;
    assert!(answer.escape_ascii().to_string().contains("content-encoding: gzip"));
    assert!(answer.ends_with(b"0\r\n\r\n"), "the compressed answer was broken off");
    server.stop().await;
}

#[tokio::test]
async fn answers_on_one_connection_do_not_break_each_other_off() {
    let timeouts = Timeouts { busy: SHORT, ..Timeouts::default() };
    let (server, path) = with_page(timeouts).await;
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let mut client = h2::client::Builder::new();
    client.initial_window_size(64 << 10).initial_connection_window_size(16 << 20);
    let (mut requests, connection) = client.handshake::<_, bytes::Bytes>(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..SLICES {
        requests = requests.ready().await.unwrap();
        let request = Request::get(format!("http://localhost{path}"))
            .header("authorization", authorization())
            .header("accept", TAXII);
        answers.push(requests.send_request(request.body(()).unwrap(), true).unwrap().0);
    }
    for answer in futures::future::join_all(answers).await {
        let mut body = answer.unwrap().into_body();
        let mut text = Vec::new();
        tokio::time::sleep(SHORT).await;
        while let Some(part) = body.data().await {
            let part = part.expect("not broken off");
            body.flow_control().release_capacity(part.len()).unwrap();
            text.extend_from_slice(&part);
        }
        let envelope: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(envelope["objects"].as_array().unwrap().len(), 30);
    }
    drop(requests);
    connection.abort();
    server.stop().await;
}

/// Large bodies that do not arrive take the room of other large ones, and small ones go on.
#[tokio::test]
async fn small_bodies_are_taken_while_large_ones_do_not_arrive() {
    const LENGTH: usize = 4 << 20;
    let timeouts = Timeouts { busy: SHORT, ..Timeouts::default() };
    let (server, path) =
        with_page_of(Config { timeouts, max_content_length: LENGTH as u64, ..config() }).await;
    let post = |length: usize, sent: usize| {
        let mut body = json!({"objects": [tool(7, 2001)]}).to_string();
        body.push_str(&" ".repeat(length - body.len()));
        let more = format!("Content-Type: {TAXII}\r\nContent-Length: {length}\r\nConnection: close\r\n");
        head("POST", &path, &more) + &body[..sent]
    };
    let mut unfinished = Vec::new();
    for _ in 0..16 {
        unfinished.push(connect(&server, post(LENGTH, LENGTH - 1).as_bytes()).await);
    }
    let answer = async |length| rest(&mut connect(&server, post(length, length).as_bytes()).await).await;
    while !answer(LENGTH / 2).await.starts_with(b"HTTP/1.1 503 ") {
        tokio::time::sleep(SHORT).await;
    }
    let small = answer(1 << 10).await;
    assert!(small.starts_with(b"HTTP/1.1 202 "), "{}", small.escape_ascii());
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(json!({"objects": [tool(8, 2001)]}).to_string().as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    let more = format!(
        "Content-Type: {TAXII}\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\nConnection: close\r\n",
        packed.len()
    );
    let request = [head("POST", &path, &more).as_bytes(), &packed].concat();
    let small = rest(&mut connect(&server, &request).await).await;
    assert!(small.starts_with(b"HTTP/1.1 202 "), "{}", small.escape_ascii());
    drop(unfinished);
    server.stop().await;
}

/// An engine whose commits wait.
struct Waiting {
    engine: MemoryEngine,
    may_commit: Semaphore,
}

impl Engine for Waiting {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        self.engine.snapshot()
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        Box::pin(async {
            let permit = self.may_commit.acquire().await;
            permit.map_err(EngineError::failed)?.forget();
            self.engine.commit(commit).await
        })
    }

    fn settle(&self) -> EngineFuture<'_, ()> {
        self.engine.settle()
    }
}

/// Requests whose clients went away are written all the same, and what they hold until then counts.
#[tokio::test]
async fn writes_that_wait_hold_no_more_than_the_budget_for_bodies() {
    const LENGTH: usize = 4 << 20;
    // The budget is sixteen of the largest bodies.
    const MOST: usize = 16;
    let engine = Arc::new(Waiting { engine: MemoryEngine::default(), may_commit: Semaphore::new(100) });
    let timeouts = Timeouts { busy: SHORT, ..Timeouts::default() };
    let config = Config { timeouts, max_content_length: LENGTH as u64, ..Config::default() };
    let app = TestApp::with(config, Arc::clone(&engine) as _).await;
    let id = app.collection("all").await;
    app.account("alice", json!({&id: {"can_read": true, "can_write": true}})).await;
    let path = format!("/api/collections/{id}/objects/");
    let body = |number| {
        let mut object = tool(number, 2001);
        object["description"] = "z".repeat(LENGTH - 1000).into();
        json!({"objects": [object]}).to_string()
    };
    engine.may_commit.forget_permits(100);
    let (mut refused, mut number) = (0, 0);
    while refused < 2 {
        assert!(number < 40 * MOST as u64, "the queue holds more than the budget");
        // Its client goes away while it waits to be written; on a busy machine sometimes before.
        if let Ok(answer) = tokio::time::timeout(5 * SHORT, app.post(&path, body(number)).send()).await {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{:?}", answer.body);
            refused += 1;
        }
        number += 1;
    }
    engine.may_commit.add_permits(100);
    // All that was taken is written, and then there is room again.
    while app.post(&path, body(1000)).send().await.status != StatusCode::ACCEPTED {
        tokio::time::sleep(SHORT).await;
    }
    let manifest = app.get(&format!("/api/collections/{id}/manifest/")).send().await.json();
    assert!((2..=MOST + 1).contains(&manifest["objects"].as_array().unwrap().len()));
}

#[tokio::test]
async fn a_connection_whose_client_takes_nothing_holds_little_and_is_closed() {
    let timeouts = Timeouts { busy: SHORT, write: 40 * SHORT, ..Timeouts::default() };
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
