//! Nodes talk over TLS, and know each other by certificate.
//!
//! There is no authority: each node has a certificate that it signed itself, and accepts those whose [`Pin`] it knows, from
//! the members of the network or because it was [told](Tls::trust). Each [`Lane`] to each node has a connection of its own;
//! requests on it do not wait for each other's answers.
//!
//! The same address takes small questions at a [`Door`], also of servers that no member knows.

mod client;
mod door;
mod frame;
mod seats;
mod server;
mod verify;

pub use door::{AskError, Caller, Door, MAX_QUESTION_BYTES, ask};
pub use frame::MAX_FRAME_BYTES;

use super::Machine;
use super::raft::Raft;
use super::request::{CallError, Lane, Reply, Request, Transport};
use super::types::{Peer, Pin, TokioTypes};
use bytes::Bytes;
use client::Link;
use futures::FutureExt;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ServerConfig};
use seats::Seats;
use server::{Offer, Order};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;
use verify::{Clients, This, provider};

/// What nodes speak that order commands.
const ORDER: &[u8] = b"concord-order/1";
/// What is spoken at the door.
const DOOR: &[u8] = b"concord-door/1";

/// The certificate of a node, and its key.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

/// Why TLS cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// They are not in PEM.
    #[error("the certificate or the key of the node cannot be read: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// They cannot be used.
    #[error("the certificate of the node cannot be used: {0}")]
    Certificate(#[from] rustls::Error),
}

impl Identity {
    /// Reads certificate and key in PEM.
    ///
    /// # Errors
    /// When they are not in it.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let certificate = CertificateDer::from_pem_slice(certificate)?;
        Ok(Self { certificate, key: PrivateKeyDer::from_pem_slice(key)? })
    }

    /// The pin by which other nodes know it.
    pub fn pin(&self) -> Pin {
        Pin::of(&self.certificate)
    }

    fn client(&self, server: Pin, protocol: &[u8]) -> Result<ClientConfig, rustls::Error> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(This(server)))
            .with_client_auth_cert(vec![self.certificate.clone()], self.key.clone_key())?;
        config.alpn_protocols = vec![protocol.to_vec()];
        config.enable_sni = false;
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }

    fn server(&self, clients: Clients, protocol: &[u8]) -> Result<Arc<ServerConfig>, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(Arc::new(clients))
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())?;
        config.alpn_protocols = vec![protocol.to_vec()];
        // A connection lives long, and must be refused as soon as its certificate is.
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self { certificate: self.certificate.clone(), key: self.key.clone_key() }
    }
}

/// Connections to other nodes. Clones share them.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    node: u64,
    identity: Identity,
    configs: Configs,
    roster: Arc<Roster>,
    seats: Arc<Seats>,
    links: Mutex<BTreeMap<(u64, Lane), Link>>,
}

/// How a server speaks each protocol.
#[derive(Clone)]
struct Configs {
    order: Arc<ServerConfig>,
    door: Arc<ServerConfig>,
}

/// Nodes that may connect.
#[derive(Debug, Default)]
struct Roster {
    trusted: RwLock<BTreeMap<Pin, u64>>,
    members: RwLock<BTreeMap<Pin, u64>>,
}

impl Roster {
    fn find(&self, pin: Pin) -> Option<u64> {
        let get = |pins: &RwLock<BTreeMap<Pin, u64>>| {
            pins.read().unwrap_or_else(PoisonError::into_inner).get(&pin).copied()
        };
        get(&self.members).or_else(|| get(&self.trusted))
    }
}

impl Tls {
    /// Prepares connections of a node.
    ///
    /// # Errors
    /// When its certificate cannot be used.
    pub fn new(node: u64, identity: Identity) -> Result<Self, TlsError> {
        let roster = Arc::new(Roster::default());
        let order = identity.server(Clients::Of(roster.clone()), ORDER)?;
        let configs = Configs { order, door: identity.server(Clients::Any, DOOR)? };
        let (seats, links) = (Arc::default(), Mutex::default());
        Ok(Self(Arc::new(Inner { node, identity, configs, roster, seats, links })))
    }

    /// The pin of the certificate of this node.
    pub fn pin(&self) -> Pin {
        self.0.identity.pin()
    }

    /// Lets a node connect that is no member, or not yet as far as this node knows. All nodes of a network trust a node before
    /// it is added, and it trusts them: a node that was down meanwhile could refuse a new leader otherwise.
    pub fn trust(&self, node: u64, pin: Pin) {
        self.0.roster.trusted.write().unwrap_or_else(PoisonError::into_inner).insert(pin, node);
    }

    /// Ends the trust in a node. It may connect as long as it is a member.
    pub fn distrust(&self, node: u64) {
        let mut trusted = self.0.roster.trusted.write().unwrap_or_else(PoisonError::into_inner);
        trusted.retain(|_, found| *found != node);
    }

    /// Answers other nodes, and questions at the door, until the node stops.
    pub async fn serve<M: Machine>(
        &self,
        listener: TcpListener,
        raft: Raft<TokioTypes, M, Self>,
        door: Option<Arc<dyn Door>>,
    ) {
        let (roster, node) = (self.0.roster.clone(), raft.clone());
        let order: Order =
            Arc::new(move |stream, from| server::answer(stream, from, roster.clone(), node.clone()).boxed());
        server::serve(listener, self.offer(Some(order), door), raft.stopped()).await;
    }

    /// Answers questions at the door alone: of a server that has no node yet, or whose node has stopped. It ends when it is
    /// dropped.
    pub async fn serve_door(&self, listener: TcpListener, door: Arc<dyn Door>) {
        server::serve(listener, self.offer(None, Some(door)), std::future::pending::<()>()).await;
    }

    /// Asks a node, or any server with a door, a question.
    ///
    /// # Errors
    /// When it cannot be reached, has another certificate, or does not answer.
    pub async fn ask(&self, peer: &Peer, question: Bytes, within: Duration) -> Result<Bytes, AskError> {
        ask(&self.0.identity, peer, question, within).await
    }

    fn offer(&self, order: Option<Order>, door: Option<Arc<dyn Door>>) -> Offer {
        let Inner { configs, roster, seats, .. } = &*self.0;
        Offer { configs: configs.clone(), roster: roster.clone(), order, door, seats: seats.clone() }
    }

    fn links(&self) -> MutexGuard<'_, BTreeMap<(u64, Lane), Link>> {
        self.0.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, target: u64, peer: &Peer, lane: Lane) -> Result<Link, rustls::Error> {
        let mut links = self.links();
        if let Some(link) = links.get(&(target, lane)).filter(|link| link.is_to(peer)) {
            return Ok(link.clone());
        }
        let config = self.0.identity.client(peer.pin, ORDER)?;
        let link = Link::open(self.0.node, target, peer.clone(), Arc::new(config));
        links.insert((target, lane), link.clone());
        Ok(link)
    }
}

impl Transport<TokioTypes> for Tls {
    async fn call(
        &self,
        target: u64,
        peer: &Peer,
        lane: Lane,
        request: Request<TokioTypes>,
        within: Duration,
    ) -> Result<Reply<TokioTypes>, CallError> {
        let unreachable = |reason: String| CallError::Unreachable { node: target, reason };
        let link = self.link(target, peer, lane).map_err(|error| unreachable(error.to_string()))?;
        let bytes = postcard::to_allocvec(&request).map_err(|error| unreachable(error.to_string()))?;
        drop(request);
        let answer = tokio::time::timeout(within, link.call(bytes)).await;
        let bytes = answer.map_err(|_| CallError::Late { node: target, within })??;
        postcard::from_bytes(&bytes).map_err(|_| CallError::Broken {
            node: target,
            reason: "its answer cannot be read: it may be of another version".to_owned(),
        })
    }

    fn set_members(&self, members: Vec<(u64, Peer)>) {
        self.links().retain(|(target, _), link| {
            members.is_empty() || members.iter().any(|(node, peer)| node == target && link.is_to(peer))
        });
        let pins = members.into_iter().map(|(node, peer)| (peer.pin, node)).collect();
        *self.0.roster.members.write().unwrap_or_else(PoisonError::into_inner) = pins;
    }
}
