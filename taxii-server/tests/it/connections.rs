//! Connections on which nothing moves, and too many of them.

use crate::tls::{certify, install_crypto};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use taxii_server::clock::Clock;
use taxii_server::config::{Config, MetricsListen, Timeouts, Tls, TlsVersion};
use taxii_server::serve::Server;
use taxii_server::store::{MemoryEngine, Store};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Time after which a test gives up waiting for what must come.
pub(crate) const LONG: Duration = Duration::from_secs(20);
pub(crate) const SHORT: Duration = Duration::from_millis(200);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
/// GET on stream 1, without the flag for the end of the headers.
const OPEN_HEADERS: &[u8] = b"\0\0\x01\x01\x01\0\0\0\x01\x82";
const REQUEST: &[u8] = b"GET /livez/ HTTP/1.1\r\nHost: localhost\r\n\r\n";

pub(crate) fn config() -> Config {
    Config { metrics_listen: MetricsListen::Nowhere, ..Config::default() }
}

fn short() -> Timeouts {
    Timeouts { handshake: SHORT, head: SHORT, keep_alive: SHORT, write: SHORT, ..Timeouts::default() }
}

pub(crate) async fn start(config: Config) -> Server {
    let store = Store::open(Arc::new(MemoryEngine::default()), Arc::new(Clock::System)).await.unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    Server::start_with(config, store, listener).await.unwrap()
}

pub(crate) async fn connect(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Reads until the server closes.
pub(crate) async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end, too.
    let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the server closes");
    bytes
}

/// Sends a request on an open connection and reads the answer.
async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(REQUEST).await.unwrap();
    answer(stream).await
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        let read = tokio::time::timeout(LONG, stream.read_buf(&mut answer)).await.expect("an answer");
        assert_ne!(read.unwrap(), 0, "closed after {}", answer.escape_ascii());
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn connections_end_when_no_request_comes() {
    let server = start(Config { timeouts: short(), ..config() }).await;
    for bytes in [
        b"".to_vec(),
        b"G".to_vec(),
        b"GET /livez/ HTTP/1.1\r\nHost: ".to_vec(),
        PREFACE[..10].to_vec(),
        PREFACE.to_vec(),
        [PREFACE, SETTINGS].concat(),
        [PREFACE, SETTINGS, OPEN_HEADERS].concat(),
        [REQUEST, b"GET"].concat(),
        REQUEST.to_vec(),
    ] {
        rest(&mut connect(&server, &bytes).await).await;
    }
    server.stop().await;
}

/// Bytes that arrive one by one, and pings, do not prolong the wait for a request.
#[tokio::test]
async fn a_trickle_is_no_request() {
    let server = start(Config { timeouts: short(), ..config() }).await;
    let ping = b"\0\0\x08\x06\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let head = b"GET /livez/ HTTP/1.1\r\nHost: localhost\r\nX: ";
    for (first, more) in [(&head[..], &b"x"[..]), (&[PREFACE, SETTINGS].concat(), &ping[..])] {
        let (mut reading, mut writing) = connect(&server, first).await.into_split();
        let trickle = async {
            while writing.write_all(more).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            pending::<()>().await
        };
        tokio::select! {
            _ = rest(&mut reading) => {}
            () = trickle => {}
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn tls_has_timers_too() {
    install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let pem = certify(folder.path());
    let tls = Tls {
        certificate: folder.path().join("chain.pem"),
        key: folder.path().join("key.pem"),
        min_version: TlsVersion::V1_3,
    };
    let server = start(Config { timeouts: short(), tls: Some(tls), ..config() }).await;
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"] {
        rest(&mut connect(&server, bytes).await).await;
    }
    let connect_with = async |versions: &[&'static rustls::SupportedProtocolVersion]| {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        let client = rustls::ClientConfig::builder_with_protocol_versions(versions)
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = connect(&server, b"").await;
        let name = "localhost".try_into().unwrap();
        tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, stream).await
    };
    let mut silent = connect_with(&[&rustls::version::TLS13]).await.unwrap();
    rest(&mut silent).await;
    assert!(connect_with(&[&rustls::version::TLS12]).await.is_err(), "tls.min_version is 1.3");
    let plain = rest(&mut connect(&server, REQUEST).await).await;
    let plain = String::from_utf8(plain).unwrap();
    assert!(plain.starts_with("HTTP/1.1 400 ") && plain.contains("https://"), "{plain}");
    server.stop().await;
}

#[tokio::test]
async fn pooled_connections_stay_open_between_requests() {
    assert!(Timeouts::default().keep_alive >= Duration::from_secs(60));
    let timeouts = Timeouts { keep_alive: LONG, ..short() };
    let server = start(Config { timeouts, ..config() }).await;
    let mut stream = connect(&server, b"").await;
    ask(&mut stream).await;
    tokio::time::sleep(2 * SHORT).await;
    ask(&mut stream).await;
    server.stop().await;
    assert_eq!(rest(&mut stream).await, b"", "an idle connection does not hold up the end");
}

/// What came of earlier requests counts neither for the timers of the next one nor for its refusal.
#[tokio::test]
async fn each_request_of_a_connection_has_a_head_of_its_own() {
    let timeouts = Timeouts { head: 10 * SHORT, keep_alive: LONG, ..Timeouts::default() };
    let server = start(Config { timeouts, ..config() }).await;
    let mut stream = connect(&server, b"").await;
    let long = format!("GET /livez/ HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(3 << 10));
    for _ in 0..8 {
        stream.write_all(&long.as_bytes()[..20]).await.unwrap();
        tokio::time::sleep(SHORT).await;
        stream.write_all(&long.as_bytes()[20..]).await.unwrap();
        answer(&mut stream).await;
        tokio::time::sleep(SHORT).await;
    }
    // The time for a head does not run between requests.
    tokio::time::sleep(12 * SHORT).await;
    stream
        .write_all(b"POST /livez/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: other\r\n\r\n")
        .await
        .unwrap();
    let refused = rest(&mut stream).await;
    assert!(refused.starts_with(b"HTTP/1.1 501 "), "{}", refused.escape_ascii());

    let mut stream = connect(&server, b"").await;
    let coded =
        b"POST /livez/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    stream.write_all(coded).await.unwrap();
    let mut refused = Vec::new();
    while !refused.windows(3).any(|part| part == b"\"}}") && !refused.ends_with(b"\"}") {
        assert_ne!(stream.read_buf(&mut refused).await.unwrap(), 0, "{}", refused.escape_ascii());
    }
    assert!(refused.starts_with(b"HTTP/1.1 501 "), "{}", refused.escape_ascii());
    stream.write_all(b"GET /livez/ HTTP/9.9\r\n\r\n").await.unwrap();
    let refused = rest(&mut stream).await;
    assert!(refused.starts_with(b"HTTP/1.1 400 "), "{}", refused.escape_ascii());
    server.stop().await;
}

#[tokio::test]
async fn silent_connections_give_way_to_those_with_requests() {
    let server = start(Config { max_connections: 8, ..config() }).await;
    let mut pooled = connect(&server, b"").await;
    ask(&mut pooled).await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(connect(&server, b"GET /").await);
    }
    for _ in 0..20 {
        ask(&mut connect(&server, b"").await).await;
    }
    let closed = silent.iter_mut().map(rest);
    let count = futures::future::join_all(closed.take(32)).await.len();
    assert_eq!(count, 32, "places are for eight");
    server.stop().await;
}

#[tokio::test]
async fn open_requests_are_finished_when_the_server_stops_and_then_cut_off() {
    let timeouts = Timeouts { grace: 10 * SHORT, ..Timeouts::default() };
    let server = start(Config { timeouts, ..config() }).await;
    let head = "POST /none/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n";
    let mut finished = connect(&server, head.as_bytes()).await;
    let mut stuck = connect(&server, head.as_bytes()).await;
    let mut other = connect(&server, b"").await;
    ask(&mut other).await;
    let stop = tokio::spawn(server.stop());
    rest(&mut other).await;
    finished.write_all(b"12345").await.unwrap();
    let answer = String::from_utf8(rest(&mut finished).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer:?}");
    rest(&mut stuck).await;
    stop.await.unwrap();
}
