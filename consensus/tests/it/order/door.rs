//! Questions at the door: of members, and of servers that no member knows.

use super::nodes::{Site, certificate, identity, network};
use bytes::Bytes;
use consensus::order::{
    AskError, CallError, Caller, Door, Identity, Lane, MAX_QUESTION_BYTES, Peer, Request, Tls, Transport, ask,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const SECONDS: Duration = Duration::from_secs(5);
const DOOR: &[u8] = b"concord-door/1";
const ORDER: &[u8] = b"concord-order/1";

/// Answers who asks and what, and does what it is told.
struct Porter;

impl Door for Porter {
    fn answer(&self, from: Caller, question: Bytes) -> BoxFuture<'_, Result<Bytes, String>> {
        async move {
            match &question[..] {
                b"fail" => Err("this network takes no members\nuntil spring".to_owned()),
                b"fail at length" => Err("ä".repeat(MAX_QUESTION_BYTES)),
                b"large" => Ok(vec![b'x'; MAX_QUESTION_BYTES + 1].into()),
                b"whole" => Ok(vec![b'x'; MAX_QUESTION_BYTES].into()),
                b"panic" => panic!("a door with a mistake"),
                b"never" => std::future::pending().await,
                _ => Ok(format!("{from:?} asks {} bytes", question.len()).into()),
            }
        }
        .boxed()
    }
}

/// A network of one node with a door.
async fn house() -> Site {
    let mut site = Site::new(1).await;
    site.door = Some(Arc::new(Porter));
    site.start().await;
    site
}

fn question(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn answered(caller: Caller, bytes: usize) -> Result<Bytes, AskError> {
    Ok(format!("{caller:?} asks {bytes} bytes").into())
}

/// A client that checks nothing, and offers what it is told.
#[derive(Debug)]
struct Careless;

impl ServerCertVerifier for Careless {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

async fn connect(pem: &(String, String), peer: &Peer, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
    connect_with(pem, &pem.1, peer, protocols).await
}

/// Opens a connection with a certificate, and a key that may not be the one of the certificate.
async fn connect_with(
    pem: &(String, String),
    key: &str,
    peer: &Peer,
    protocols: &[&[u8]],
) -> TlsStream<TcpStream> {
    let certificate = CertificateDer::from_pem_slice(pem.0.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let key = default_provider().key_provider.load_private_key(key).unwrap();
    let shown = Arc::new(rustls::sign::CertifiedKey::new(vec![certificate], key));
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Careless))
        .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(shown)));
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(&peer.address).await.unwrap();
    let name = ServerName::try_from("node.invalid").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// What the other side says last, or why the connection ended.
async fn last_words(stream: &mut TlsStream<TcpStream>) -> String {
    let mut words = Vec::new();
    let end = timeout(3 * SECONDS, stream.read_to_end(&mut words)).await.expect("the connection stays open");
    match end {
        Ok(_) => String::from_utf8_lossy(&words).into_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_asks_and_is_known_by_its_number() {
    let (mut sites, _) = network(2).await;
    sites[0].stop().await;
    sites[0].door = Some(Arc::new(Porter));
    sites[0].start().await;
    let tls = sites[1].running.as_ref().unwrap().tls.clone();
    assert_eq!(tls.pin(), sites[1].peer.pin);
    let since = Instant::now();
    loop {
        let answer = tls.ask(&sites[0].peer, question("who"), SECONDS).await;
        if answer == answered(Caller::Node(2), 3) {
            break;
        }
        // The node may still read its members.
        assert_eq!(answer, answered(Caller::Guest(tls.pin()), 3));
        assert!(since.elapsed() < SECONDS, "a member is a guest");
        sleep(Duration::from_millis(20)).await;
    }
    let large = Bytes::from(vec![0; MAX_QUESTION_BYTES]);
    let answer = tls.ask(&sites[0].peer, large, SECONDS).await;
    assert_eq!(answer, answered(Caller::Node(2), MAX_QUESTION_BYTES));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_a_guest_and_speaks_no_other_protocol_until_it_is_trusted() {
    let site = house().await;
    let pem = certificate();
    let (guest, pin) = (identity(&pem), identity(&pem).pin());
    let answer = ask(&guest, &site.peer, question("who"), SECONDS).await;
    assert_eq!(answer, answered(Caller::Guest(pin), 3));

    let stranger = Tls::new(9, guest.clone()).unwrap();
    let barrier =
        async || stranger.call(1, &site.peer, Lane::Command, Request::Barrier, Duration::from_secs(2)).await;
    let Err(CallError::Unreachable { reason, .. } | CallError::Broken { reason, .. }) = barrier().await
    else {
        panic!("a stranger got an answer");
    };
    assert_eq!(reason, "the node refuses the certificate of this one: it is to trust it first");
    for protocols in [&[ORDER, DOOR][..], &[DOOR, ORDER], &[ORDER]] {
        let mut both = connect(&pem, &site.peer, protocols).await;
        let words = last_words(&mut both).await;
        assert!(words.to_lowercase().contains("certificate"), "{words:?}");
    }
    let mut none = connect(&pem, &site.peer, &[]).await;
    assert!(last_words(&mut none).await.to_lowercase().contains("certificate"));

    let tls = &site.running.as_ref().unwrap().tls;
    tls.trust(9, pin);
    assert_eq!(
        ask(&guest, &site.peer, question("who"), SECONDS).await,
        answered(Caller::Node(9), 3),
        "it is known from the next question on"
    );
    let since = Instant::now();
    // A connection waits for a while after one that was refused.
    while barrier().await.is_err() {
        assert!(since.elapsed() < SECONDS, "it does not speak the protocol of nodes");
        sleep(Duration::from_millis(50)).await;
    }
    tls.distrust(9);
    assert_eq!(ask(&guest, &site.peer, question("who"), SECONDS).await, answered(Caller::Guest(pin), 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_worth_nothing_without_its_key() {
    let site = house().await;
    let (pem, other) = (certificate(), certificate());
    site.running.as_ref().unwrap().tls.trust(2, identity(&pem).pin());
    for protocol in [DOOR, ORDER] {
        let mut thief = connect_with(&pem, &other.1, &site.peer, &[protocol]).await;
        let _ = thief.write_all(&frame(3, 1, b"who")).await;
        let words = last_words(&mut thief).await;
        assert!(!words.contains("asks"), "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_another_certificate_is_not_asked() {
    let site = house().await;
    let guest = identity(&certificate());
    let expected = identity(&certificate()).pin();
    let peer = Peer { pin: expected, ..site.peer.clone() };
    let Err(AskError::Unreachable(why)) = ask(&guest, &peer, question("who"), SECONDS).await else {
        panic!("it was asked");
    };
    let pins = format!("the node has certificate {}, not {expected}; check", site.peer.pin);
    assert!(why.contains(&pins), "{why}");

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let peer = Peer { address: closed.clone(), ..site.peer.clone() };
    let error = ask(&guest, &peer, question("who"), SECONDS).await.unwrap_err();
    assert!(matches!(error, AskError::Unreachable(_)));
    assert!(error.to_string().contains(&format!("{closed} cannot be reached")), "{error}");
}

fn frame(length: u32, number: u64, body: &[u8]) -> Vec<u8> {
    [&length.to_be_bytes()[..], &number.to_be_bytes(), body].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_and_answers_have_a_largest_size() {
    let site = house().await;
    let pem = certificate();
    let guest = identity(&pem);
    let large = Bytes::from(vec![0; MAX_QUESTION_BYTES + 1]);
    let error = ask(&guest, &site.peer, large, SECONDS).await.unwrap_err();
    assert_eq!(error.to_string(), "the question was not sent: it has 65537 bytes, and 65536 are the most");

    let mut careless = connect(&pem, &site.peer, &[DOOR]).await;
    careless.write_all(&frame(65_537, 1, &[0; 1000])).await.unwrap();
    let words = last_words(&mut careless).await;
    assert!(words.ends_with("a frame of 65537 bytes; 65536 are the most"), "{words:?}");
    let mut careless = connect(&pem, &site.peer, &[DOOR]).await;
    careless.write_all(&frame(3, 7, b"who")).await.unwrap();
    let words = last_words(&mut careless).await;
    assert!(words.contains("cannot be read"), "{words:?}");

    let whole = ask(&guest, &site.peer, question("whole"), SECONDS).await.unwrap();
    assert_eq!(whole.len(), MAX_QUESTION_BYTES);
    let Err(AskError::Refused(why)) = ask(&guest, &site.peer, question("large"), SECONDS).await else {
        panic!("a large answer came");
    };
    assert_eq!(why, "the answer would have 65537 bytes, and 65536 are the most; ask for less");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_door_that_does_not_answer_says_why() {
    let site = house().await;
    let guest = identity(&certificate());
    let refused = ask(&guest, &site.peer, question("fail"), SECONDS).await.unwrap_err();
    assert_eq!(refused, AskError::Refused("this network takes no members until spring".to_owned()));
    assert_eq!(refused.to_string(), "the other node refuses: this network takes no members until spring");
    let Err(AskError::Refused(long)) = ask(&guest, &site.peer, question("fail at length"), SECONDS).await
    else {
        panic!("it did not refuse");
    };
    assert_eq!(long, "ä".repeat(1024), "a sentence is cut between characters");

    let late = ask(&guest, &site.peer, question("never"), Duration::from_millis(300)).await;
    assert_eq!(late, Err(AskError::Late));
    let broken = ask(&guest, &site.peer, question("panic"), SECONDS).await;
    assert!(matches!(broken, Err(AskError::Broken(_))), "{broken:?}");
    assert!(ask(&guest, &site.peer, question("who"), SECONDS).await.is_ok(), "the others are answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_a_door_takes_no_questions() {
    let mut site = Site::new(1).await;
    site.start().await;
    let error = ask(&identity(&certificate()), &site.peer, question("who"), SECONDS).await.unwrap_err();
    assert!(matches!(error, AskError::Unreachable(_)), "{error:?}");
    assert!(error.to_string().contains("takes no questions"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_door_opens_without_a_node() {
    let pem = certificate();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = Peer { address: listener.local_addr().unwrap().to_string(), pin: identity(&pem).pin() };
    let tls = Tls::new(0, identity(&pem)).unwrap();
    let serving = tokio::spawn({
        let tls = tls.clone();
        async move { tls.serve_door(listener, Arc::new(Porter)).await }
    });
    let other = Tls::new(2, identity(&certificate())).unwrap();
    assert_eq!(other.ask(&peer, question("who"), SECONDS).await, answered(Caller::Guest(other.pin()), 3));
    tls.trust(2, other.pin());
    assert_eq!(other.ask(&peer, question("who"), SECONDS).await, answered(Caller::Node(2), 3));
    match other.call(1, &peer, Lane::Command, Request::Barrier, SECONDS).await {
        Err(CallError::Unreachable { reason, .. }) => {
            assert!(reason.contains("does not take requests of this kind now"), "{reason}");
        }
        _ => panic!("there is no node"),
    }
    serving.abort();
    let _ = serving.await;
    let ended = other.ask(&peer, question("who"), SECONDS).await;
    assert!(matches!(ended, Err(AskError::Unreachable(_))), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_keep_no_member_out() {
    let site = house().await;
    let member = Tls::new(2, identity(&certificate())).unwrap();
    site.running.as_ref().unwrap().tls.trust(2, member.pin());
    let mut silent = Vec::new();
    for count in [40, 200] {
        while silent.len() < count {
            silent.push(TcpStream::connect(&site.peer.address).await.unwrap());
        }
        let since = Instant::now();
        let answer = member.ask(&site.peer, question("who"), SECONDS).await;
        assert_eq!(answer, answered(Caller::Node(2), 3));
        let stranger = identity(&certificate());
        let answer = ask(&stranger, &site.peer, question("who"), SECONDS).await;
        assert_eq!(answer, answered(Caller::Guest(stranger.pin()), 3));
        assert!(since.elapsed() < Duration::from_secs(2), "they waited {:?}", since.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_that_wait_keep_no_member_out() {
    let site = house().await;
    let member = Tls::new(2, identity(&certificate())).unwrap();
    site.running.as_ref().unwrap().tls.trust(2, member.pin());
    let mut waiting = Vec::new();
    let pem = certificate();
    let open = async |pem: &(String, String)| {
        let mut stream = connect(pem, &site.peer, &[DOOR]).await;
        // The other side may have refused it already.
        let _ = stream.write_all(&frame(5, 1, b"never")).await;
        stream
    };
    for _ in 0..4 {
        waiting.push(open(&pem).await);
    }
    let refusal = async |guest: &Identity| {
        // The server may still shake hands with those before.
        for _ in 0..50 {
            match ask(guest, &site.peer, question("who"), SECONDS).await {
                Err(AskError::Refused(why)) => return why,
                answer => assert!(answer.is_ok(), "{answer:?}"),
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("there is no end to the guests");
    };
    let why = refusal(&identity(&pem)).await;
    assert_eq!(why, "the server asks too much at a time; try again in a few seconds");
    let another = identity(&certificate());
    assert!(ask(&another, &site.peer, question("who"), SECONDS).await.is_ok());

    for _ in 0..36 {
        waiting.push(open(&certificate()).await);
    }
    let why = refusal(&another).await;
    assert_eq!(why, "too many servers with this address ask at the same time; try again in a few seconds");
    let answer = member.ask(&site.peer, question("who"), SECONDS).await;
    assert_eq!(answer, answered(Caller::Node(2), 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_asks_nothing_has_to_go() {
    let site = house().await;
    let pem = certificate();
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(connect(&pem, &site.peer, &[DOOR]).await);
    }
    for stream in &mut silent {
        let words = last_words(stream).await;
        assert!(words.ends_with("the question did not come in time"), "{words:?}");
    }
    drop(silent);
    sleep(Duration::from_millis(100)).await;
    let guest = identity(&pem);
    let answer = ask(&guest, &site.peer, question("who"), SECONDS).await;
    assert_eq!(answer, answered(Caller::Guest(guest.pin()), 3));
}
