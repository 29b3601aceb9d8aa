//! Handing requests over: HTTP/2 over TLS. A process trusts the certificate that another one has written into the store,
//! and shows a token there that only the secret in the store makes, for the process with that certificate. What writes into
//! the store may do everything anyway. Nothing of a request without the token is read, and a connection on which none was
//! shown is closed soon.

use super::super::command::Group;
use super::super::receipt::Done;
use super::super::writer::Write;
use axum::http::{Request, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use uuid::Uuid;

type Failure = Box<dyn Error + Send + Sync>;

/// Bytes of the largest request that is taken.
const MAX_BYTES: usize = 8 << 20;
/// Connections of other processes that are open at the same time.
const MAX_CONNECTIONS: usize = 256;
/// Time to connect, and for each handshake.
const HANDSHAKE: Duration = Duration::from_secs(1);
/// Time until the token must have been shown on a connection.
const INTRODUCTION: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 5000 });
/// Time for the body of a request, which is there when it is sent.
const ARRIVAL: Duration = Duration::from_secs(10);
/// Requests that are under way on a connection at the same time.
const MAX_REQUESTS: u32 = 64;
/// Header with the token.
const TOKEN: &str = "x-concord-token";
/// Makes tokens differ from all else that the secret makes.
const PURPOSE: &[u8] = b"token of replicas";

/// The key and the certificate of this process, made anew at each start.
pub(super) struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Identity {
    pub(super) fn new() -> Result<Self, rcgen::Error> {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        Ok(Self { certificate: made.cert.der().clone(), key: made.signing_key.serialize_der() })
    }

    pub(super) fn certificate(&self) -> &[u8] {
        &self.certificate
    }
}

/// The name in all certificates, which says nothing: each is trusted for itself.
const NAME: &str = "replica";

/// Where a process takes requests, and its certificate in base64.
pub(super) struct Link {
    pub(super) address: SocketAddr,
    pub(super) certificate: String,
}

type Sender = SendRequest<Full<Bytes>>;

/// A connection to another process, and the token for it.
#[derive(Clone)]
struct Connection {
    sender: Sender,
    token: String,
}

/// The connections to other processes.
pub(super) struct Links {
    secret: Bytes,
    open: Mutex<BTreeMap<Uuid, Connection>>,
}

impl Links {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self { secret: Bytes::copy_from_slice(secret), open: Mutex::default() }
    }

    pub(super) fn forget(&self, id: Uuid) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Sends a group, and returns what became of its only request; `None` when it was not carried out.
    pub(super) async fn send(&self, id: Uuid, link: &Link, group: Vec<u8>) -> Result<Option<Done>, Failure> {
        let known = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let Connection { mut sender, token } = match known.filter(|known| !known.sender.is_closed()) {
            Some(known) => known,
            None => {
                let sender = connect(link).await?;
                let token = token(&self.secret, &STANDARD.decode(&link.certificate)?).finalize().into_bytes();
                let made = Connection { sender, token: STANDARD.encode(token) };
                self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(id, made.clone());
                made
            }
        };
        let request = Request::post("/").header(TOKEN, token).body(Full::from(group))?;
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        let is_done = answer.status() == StatusCode::OK;
        let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await?.to_bytes();
        Ok(if is_done { Some(serde_json::from_slice(&body)?) } else { None })
    }
}

/// The token for the process with a certificate.
fn token(secret: &[u8], certificate: &[u8]) -> Hmac<Sha256> {
    let key = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    key.chain_update(PURPOSE).chain_update(certificate)
}

pub(super) async fn connect(link: &Link) -> Result<Sender, Failure> {
    let pinned = CertificateDer::from(STANDARD.decode(&link.certificate)?);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { certificate: pinned, provider }))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = tokio::time::timeout(HANDSHAKE, TcpStream::connect(link.address)).await??;
    stream.set_nodelay(true)?;
    let connecting = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(NAME)?, stream);
    let stream = tokio::time::timeout(HANDSHAKE, connecting).await??;
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to another replica ended");
        }
    });
    Ok(sender)
}

/// Takes requests of other processes until it is dropped.
pub(super) fn serve(
    listener: std::net::TcpListener,
    identity: &Identity,
    secret: &[u8],
    writes: mpsc::Sender<Write>,
) -> Result<impl Future<Output = ()> + use<>, Failure> {
    let key = PrivateKeyDer::try_from(identity.key.clone())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let (acceptor, token) = (TlsAcceptor::from(Arc::new(config)), token(secret, &identity.certificate));
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    Ok(async move {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (acceptor, token, writes) = (acceptor.clone(), token.clone(), writes.clone());
            connections.spawn(async move {
                let _permit = permit;
                let _ = stream.set_nodelay(true);
                let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else {
                    return;
                };
                let is_known = Arc::new(AtomicBool::new(false));
                let door = Door { token, is_known: Arc::clone(&is_known), writes };
                let service = service_fn(move |request| answer(request, door.clone()));
                let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                builder.max_concurrent_streams(MAX_REQUESTS);
                let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
                tokio::select! {
                    _ = &mut connection => return,
                    () = tokio::time::sleep(INTRODUCTION) => {}
                }
                if is_known.load(Ordering::Relaxed) {
                    let _ = connection.await;
                }
            });
        }
    })
}

/// What lets requests in.
#[derive(Clone)]
struct Door {
    token: Hmac<Sha256>,
    /// The token was shown on this connection.
    is_known: Arc<AtomicBool>,
    writes: mpsc::Sender<Write>,
}

async fn answer(
    request: Request<Incoming>,
    door: Door,
) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    let (status, body) = match take(request, door).await {
        Some(done) => (StatusCode::OK, serde_json::to_vec(&done).unwrap_or_default()),
        None => (StatusCode::CONFLICT, Vec::new()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    Ok(response)
}

/// Carries out a request of another process; `None` when it is not carried out.
async fn take(request: Request<Incoming>, door: Door) -> Option<Done> {
    let shown = STANDARD.decode(request.headers().get(TOKEN)?.as_bytes()).ok()?;
    door.token.verify_slice(&shown).ok()?;
    door.is_known.store(true, Ordering::Relaxed);
    let body = Limited::new(request.into_body(), MAX_BYTES).collect();
    let body = tokio::time::timeout(ARRIVAL, body).await.ok()?.ok()?.to_bytes();
    let request = Group::decode(&body).ok()?.requests.pop()?;
    let (reply, outcome) = oneshot::channel();
    door.writes.send(Write { request, reply }).await.ok()?;
    outcome.await.ok()?.ok()
}

/// Trusts one certificate, whatever it says.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match *end_entity == self.certificate {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
