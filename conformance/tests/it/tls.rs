//! The TLS checks against servers that do one thing wrong.

use std::io::Cursor;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use taxii_conformance::{Options, Outcome, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const CA: &[u8] = include_bytes!("../../fixtures/tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../fixtures/tls/server.pem");
const KEY: &[u8] = include_bytes!("../../fixtures/tls/server.key");

const BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];

fn config(versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    crate::install_tls();
    let certificate = CertificateDer::from_pem_reader(Cursor::new(CERTIFICATE)).unwrap();
    let key = PrivateKeyDer::from_pem_reader(Cursor::new(KEY)).unwrap();
    ServerConfig::builder_with_protocol_versions(versions)
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

/// Answers `{}` to everything, which is enough for a survey.
async fn serve(config: ServerConfig) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/api1/", listener.local_addr().unwrap().port());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(answer(acceptor.clone(), tcp));
        }
    });
    url
}

async fn answer(acceptor: TlsAcceptor, tcp: TcpStream) -> std::io::Result<()> {
    let mut stream = acceptor.accept(tcp).await?;
    let mut request = [0; 4096];
    while stream.read(&mut request).await? > 0 {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await?;
        stream.flush().await?;
    }
    Ok(())
}

async fn outcome(url: &str, id: &str) -> Outcome {
    let options = Options { ca: Some(CA.to_vec()), only: vec![id.into()], ..Options::new(url) };
    run(&options, |_| {}).await.unwrap().rows[0].outcome.clone()
}

fn is_failure(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Fail { .. })
}

#[tokio::test]
async fn a_good_server_passes() {
    let url = serve(config(BOTH)).await;
    for id in ["T-001", "T-002", "T-003", "T-004", "T-005"] {
        assert_eq!(outcome(&url, id).await, Outcome::Pass, "{id}");
    }
}

#[tokio::test]
async fn a_missing_version_is_seen() {
    let old = serve(config(&[&TLS12])).await;
    assert!(is_failure(&outcome(&old, "T-003").await));
    let new = serve(config(&[&TLS13])).await;
    assert!(is_failure(&outcome(&new, "T-002").await));
}

#[tokio::test]
async fn early_data_is_seen() {
    let mut config = config(BOTH);
    config.max_early_data_size = 16_384;
    let url = serve(config).await;
    assert!(is_failure(&outcome(&url, "T-004").await));
}

/// No server of our library would pick such a suite, so one is played: it sends a server hello to whoever offers
/// no TLS 1.3, and talks TLS to all others.
#[tokio::test]
async fn a_weak_suite_is_seen() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/api1/", listener.local_addr().unwrap().port());
    let acceptor = TlsAcceptor::from(Arc::new(config(BOTH)));
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut hello = [0; 2048];
            let length = tcp.peek(&mut hello).await.unwrap();
            // Extension 43, supported_versions, is what a client of TLS 1.3 sends.
            let is_modern = hello[..length].windows(4).any(|w| w == [0, 43, 0, 5] || w == [0, 43, 0, 3]);
            if is_modern {
                tokio::spawn(answer(acceptor.clone(), tcp));
            } else {
                let _ = tcp.write_all(&[0x16, 3, 3, 0, 4, 2, 0, 0, 0]).await;
            }
        }
    });
    assert!(is_failure(&outcome(&url, "T-005").await));
}

#[tokio::test]
async fn an_unknown_authority_is_refused_unless_told_otherwise() {
    let url = serve(config(BOTH)).await;
    let mut options = Options { only: vec!["T-001".into()], ..Options::new(&url) };
    assert!(run(&options, |_| {}).await.is_err());
    options.insecure = true;
    assert!(run(&options, |_| {}).await.is_ok());
}
