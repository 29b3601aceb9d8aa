//! TAXII 2.1, 8.2.2: HTTPS and TLS, tried with real handshakes.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::TAXII;
use crate::suite::{Endpoint, Suite};
use crate::verdict::{Evidence, Stop, Verdict, not_applicable};
use crate::wire::{self, Head, tls};

checks![
    https_is_served,
    tls_1_2_is_accepted,
    tls_1_3_is_accepted,
    early_data_is_never_offered,
    weak_tls_1_2_suites_are_refused,
];

async fn https_is_served(suite: &Suite) -> Verdict {
    target(suite).map(drop)
}

async fn tls_1_2_is_accepted(suite: &Suite) -> Verdict {
    handshake(&target(suite)?, &TLS12).await
}

async fn tls_1_3_is_accepted(suite: &Suite) -> Verdict {
    handshake(&target(suite)?, &TLS13).await
}

async fn handshake(url: &Url, version: &'static SupportedProtocolVersion) -> Verdict {
    let config = Arc::new(tls::config(&[version]));
    let tried = async { tls::connect(config, url, wire::connect(url).await?).await };
    match tokio::time::timeout(Duration::from_secs(10), tried).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(problem)) => Err(fail(url, format!("{:?}: {problem}", version.version))),
        Err(_) => Err(fail(url, format!("{:?}: no handshake within 10 s", version.version))),
    }
}

/// A session ticket says how much early data its server would take. Nothing is sent early here.
async fn early_data_is_never_offered(suite: &Suite) -> Verdict {
    let url = target(suite)?;
    let mut config = tls::config(&[&TLS13]);
    config.enable_early_data = true;
    let config = Arc::new(config);
    let request = Head::new("GET", &suite.url(Endpoint::Discovery)).header("Accept", TAXII).end();
    let first = async {
        let mut stream = tls::connect(Arc::clone(&config), &url, wire::connect(&url).await?).await?;
        // Tickets follow the handshake, so something has to be read for them to arrive.
        stream.write_all(&request).await.map_err(|problem| problem.to_string())?;
        let mut answer = [0; 512];
        stream.read(&mut answer).await.map_err(|problem| problem.to_string())
    };
    match tokio::time::timeout(Duration::from_secs(10), first).await {
        Ok(Ok(_)) => {}
        Ok(Err(problem)) => return not_applicable(format!("no TLS 1.3 session: {problem}")),
        Err(_) => return not_applicable("no TLS 1.3 session within 10 s"),
    }
    let name = tls::server_name(&url).map_err(Stop::NotApplicable)?;
    let second = rustls::ClientConnection::new(config, name);
    let mut second = second.map_err(|problem| Stop::NotApplicable(problem.to_string()))?;
    if second.early_data().is_some() {
        return Err(fail(&url, "the session ticket allows early data (max_early_data_size is not 0)".into()));
    }
    Ok(())
}

/// Suites of RFC 7540, appendix A, that servers used to accept. Our TLS library has none of them, so the first
/// message is written by hand; a server hello in return means that one was picked.
const WEAK_SUITES: [u16; 12] =
    [0xc013, 0xc014, 0xc009, 0xc00a, 0xc027, 0xc028, 0x002f, 0x0035, 0x003c, 0x009c, 0x009d, 0x000a];

async fn weak_tls_1_2_suites_are_refused(suite: &Suite) -> Verdict {
    let url = target(suite)?;
    let hello = client_hello(url.domain());
    let tried = async {
        let mut tcp = wire::connect(&url).await?;
        tcp.write_all(&hello).await.map_err(|problem| problem.to_string())?;
        let mut answer = [0; 6];
        // An alert is one answer, closing the connection another; both refuse.
        let read = tcp.read_exact(&mut answer).await;
        Ok::<bool, String>(read.is_ok() && answer[0] == 0x16 && answer[5] == 2)
    };
    match tokio::time::timeout(Duration::from_secs(10), tried).await {
        Ok(Ok(true)) => Err(fail(&url, "TLS 1.2 with a suite of RFC 7540, appendix A, is accepted".into())),
        Ok(Err(problem)) => not_applicable(problem),
        Ok(Ok(false)) | Err(_) => Ok(()),
    }
}

fn client_hello(domain: Option<&str>) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let Some(domain) = domain {
        let name = [&[0][..], &with_length(domain.as_bytes())].concat();
        extensions.extend(extension(0x0000, &with_length(&name)));
    }
    extensions.extend(extension(0x000a, &with_length(&[0x00, 0x1d, 0x00, 0x17, 0x00, 0x18])));
    extensions.extend(extension(0x000b, &[1, 0]));
    let signatures = [0x04, 0x03, 0x05, 0x03, 0x06, 0x03, 0x08, 0x04, 0x04, 0x01, 0x05, 0x01, 0x02, 0x01];
    extensions.extend(extension(0x000d, &with_length(&signatures)));
    let suites: Vec<u8> = WEAK_SUITES.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let mut body = vec![3, 3];
    body.extend([7; 32]); // The random value protects nobody here.
    body.push(0);
    body.extend(with_length(&suites));
    body.extend([1, 0]);
    body.extend(with_length(&extensions));
    let handshake = [&[1, 0][..], &with_length(&body)].concat();
    [&[0x16, 3, 1][..], &with_length(&handshake)].concat()
}

fn extension(number: u16, data: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &with_length(data)].concat()
}

/// Two octets of length, then the data; everything here is far below their range.
fn with_length(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], data].concat()
}

fn target(suite: &Suite) -> Verdict<Url> {
    match Url::parse(&suite.api_root) {
        Ok(url) if suite.is_https() => Ok(url),
        _ => not_applicable("tested over plain HTTP"),
    }
}

fn fail(url: &Url, detail: String) -> Stop {
    let request = format!("TLS handshake with {}", url.authority());
    Stop::Fail(Box::new(Evidence { request, status: None, at: String::new(), detail }))
}
