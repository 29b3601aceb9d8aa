//! Behind a proxy that passes connections on: addresses of clients, and the time in which it turns to another server.

use crate::connections::{LONG, SHORT, config, connect, rest, start};
use crate::tls::{certify, install_crypto};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use taxii_server::config::{Config, Timeouts, Tls, TlsVersion};
use taxii_server::serve::Server;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const REQUEST: &[u8] = b"GET /livez/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
const READY: &[u8] = b"GET /readyz/ HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The header of a proxy for an IPv4 client.
fn header(client: &str) -> Vec<u8> {
    let [client, server]: [SocketAddrV4; 2] = [client, "198.51.100.1:443"].map(|text| text.parse().unwrap());
    let addresses = [client, server].map(|address| address.ip().octets()).concat();
    let ports = [client, server].map(|address| address.port().to_be_bytes()).concat();
    [SIGNATURE, b"\x21\x11\0\x0c", &addresses, &ports].concat()
}

fn behind_proxy() -> Config {
    Config { proxy_protocol_from: Ipv4Addr::LOCALHOST.to_string().parse().unwrap(), ..config() }
}

/// Sends a request and reads the head of the answer and its text, which ends with a line.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") && !answer.ends_with(b"}") {
        let read = tokio::time::timeout(LONG, stream.read_buf(&mut answer)).await.expect("an answer");
        assert_ne!(read.unwrap(), 0, "closed after {}", answer.escape_ascii());
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_proxy_tells_which_client_has_a_connection() {
    let server = start(Config { max_connections_per_address: 2, ..behind_proxy() }).await;
    let connect_as = async |client: &str| {
        let mut stream = connect(&server, &header(client)).await;
        assert!(ask(&mut stream, REQUEST).await.starts_with("HTTP/1.1 200 "));
        stream
    };
    let mut first = connect_as("192.0.2.1:1001").await;
    let mut second = connect_as("192.0.2.1:1002").await;
    let mut other = connect_as("192.0.2.2:1001").await;
    let mut third = connect_as("192.0.2.1:1003").await;
    rest(&mut first).await;
    for stream in [&mut second, &mut other, &mut third] {
        assert!(ask(stream, REQUEST).await.starts_with("HTTP/1.1 200 "));
    }
    // A header and a request may come in one packet, and a check of the proxy itself names no client.
    let check = [SIGNATURE, b"\x20\0\0\0"].concat();
    for begin in [&header("192.0.2.3:1"), &check] {
        let answer = ask(&mut connect(&server, b"").await, &[begin, REQUEST].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_named_proxy_must_tell_and_others_must_not() {
    let timeouts = Timeouts { proxy_header: SHORT, ..Timeouts::default() };
    let server = start(Config { timeouts, ..behind_proxy() }).await;
    let long = [SIGNATURE, b"\x21\x11\xff\xff", &[0; 3000]].concat();
    let good = header("192.0.2.1:1");
    for begin in [
        b"".to_vec(),
        REQUEST.to_vec(),
        b"PROXY TCP4 192.0.2.1 198.51.100.1 1 443\r\n".to_vec(),
        good[..20].to_vec(),
        long,
        [SIGNATURE, b"\x21\x31\0\x01\0"].concat(),
        [&good[..], &good].concat(),
    ] {
        let mut stream = connect(&server, b"").await;
        // The server may close before it has all.
        let _ = stream.write_all(&begin).await;
        let answer = rest(&mut stream).await;
        assert!(answer.is_empty(), "{}: {}", begin.escape_ascii(), answer.escape_ascii());
    }
    server.stop().await;

    let server = start(Config { proxy_protocol_from: "192.0.2.0/24".parse().unwrap(), ..config() }).await;
    let mut liar = connect(&server, &[&good[..], REQUEST].concat()).await;
    assert_eq!(rest(&mut liar).await, b"");
    // RFC 9112, section 2.2: an empty line before a request is ignored.
    let answer = ask(&mut connect(&server, b"\r\n").await, REQUEST).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn tls_ends_behind_the_proxy() {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let pem = certify(folder.path());
    let tls = Some(Tls {
        certificate: folder.path().join("chain.pem"),
        key: folder.path().join("key.pem"),
        min_version: TlsVersion::default(),
    });
    let server = start(Config { tls, max_connections_per_address: 1, ..behind_proxy() }).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let client = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let connect_as = async |client: &str| {
        let stream = connect(&server, &header(client)).await;
        let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        assert!(ask(&mut stream, REQUEST).await.starts_with("HTTP/1.1 200 "));
        stream
    };
    let mut first = connect_as("192.0.2.1:1001").await;
    let mut other = connect_as("192.0.2.2:1001").await;
    let mut second = connect_as("192.0.2.1:1002").await;
    rest(&mut first).await;
    for stream in [&mut other, &mut second] {
        ask(stream, REQUEST).await;
    }
    server.stop().await;
}

async fn is_refused(server: std::net::SocketAddr) -> bool {
    TcpStream::connect(server).await.is_err()
}

/// A proxy sees that the server is not ready, and has time to turn to another before connections are refused.
#[tokio::test]
async fn a_server_that_stops_serves_until_proxies_have_noticed() {
    let server: Server = start(Config { shutdown_delay: 2, ..config() }).await;
    let address = server.address();
    let mut pooled = connect(&server, b"").await;
    let mut idle = connect(&server, b"").await;
    let answer = ask(&mut pooled, READY).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 200 ") && !answer.contains("connection: close"), "{answer}");
    ask(&mut idle, REQUEST).await;
    let stop = tokio::spawn(server.stop());
    tokio::time::sleep(SHORT).await;
    let answer = ask(&mut pooled, REQUEST).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 200 ") && answer.contains("connection: close"), "{answer}");
    assert_eq!(rest(&mut pooled).await, b"");
    let mut new = TcpStream::connect(address).await.unwrap();
    let answer = ask(&mut new, READY).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 503 ") && answer.contains("retry-after: "), "{answer}");
    rest(&mut idle).await;
    stop.await.unwrap();
    assert!(is_refused(address).await);

    let impatient = start(Config { shutdown_delay: 0, ..config() }).await;
    let stopped = tokio::time::timeout(Duration::from_millis(1500), impatient.stop()).await;
    assert!(stopped.is_ok(), "by default there is no proxy to wait for");
}
