//! Takes connections of other nodes, and answers what they ask.

use super::super::machine::Machine;
use super::super::raft::Raft;
use super::super::request::{Reply, Request};
use super::super::types::{Pin, TokioTypes};
use super::door::{self, Caller, Door};
use super::frame::{self, Frame, MAX_FRAME_BYTES};
use super::seats::{Holder, Lobby, Seat, Seats};
use super::verify::reason;
use super::{Configs, Roster, Tls};
use futures::future::BoxFuture;
use rustls::ServerConfig;
use rustls::server::{Acceptor, ClientHello};
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{interval, timeout};
use tokio_rustls::LazyConfigAcceptor;

const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Time for a side that is refused to hear of it.
const FAREWELL: Duration = Duration::from_secs(1);
/// A connection ends when nothing is asked for so long. The other side ends it earlier.
const IDLE: Duration = Duration::from_secs(180);
/// While answers are on their way, the other side hears of it this often.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// Bytes of requests of one connection that are worked on.
const ROOM: usize = 2 * MAX_FRAME_BYTES;
/// Most requests of one connection that are worked on.
const MAX_REQUESTS: usize = 256;

pub(super) type Stream = tokio_rustls::server::TlsStream<TcpStream>;

/// What answers the requests of a node.
pub(super) type Order = Arc<dyn Fn(Stream, u64) -> BoxFuture<'static, io::Result<()>> + Send + Sync>;

/// What is offered to those that connect.
pub(super) struct Offer {
    pub(super) configs: Configs,
    pub(super) roster: Arc<Roster>,
    pub(super) order: Option<Order>,
    pub(super) door: Option<Arc<dyn Door>>,
    pub(super) seats: Arc<Seats>,
}

/// A connection that may be used.
enum Admitted {
    Order(Stream, u64, Order, Seat),
    Door(Stream, Pin, Arc<dyn Door>, Seat),
}

/// Answers connections, until it is stopped.
pub(super) async fn serve(listener: TcpListener, offer: Offer, stopped: impl Future) {
    let offer = Arc::new(offer);
    let lobby = Arc::new(Lobby::default());
    let mut open = tokio::task::JoinSet::new();
    tokio::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = open.join_next(), if !open.is_empty() => continue,
            _ = &mut stopped => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (place, offer) = (lobby.enter(address.ip()), offer.clone());
        open.spawn(async move {
            match place.hold(offer.admit(stream, address)).await {
                Some(Ok(admitted)) => offer.attend(admitted, address).await,
                Some(Err(error)) => {
                    tracing::warn!(%address, reason = reason(&error), "refused a connection");
                }
                None => {
                    tracing::warn!(%address, "ended a connection: too many have not shown a certificate");
                }
            }
        });
    }
}

impl Offer {
    /// Finds out who connects and what for, and whether there is room.
    async fn admit(&self, stream: TcpStream, address: SocketAddr) -> io::Result<Admitted> {
        let stream = self.greet(stream).await?;
        let session = stream.get_ref().1;
        let (protocol, pin) = (session.alpn_protocol(), pin_of(&stream));
        let pin = pin.ok_or_else(|| io::Error::other("no certificate was shown"))?;
        let node = self.roster.find(pin);
        match (protocol, &self.order, &self.door) {
            (Some(super::ORDER), Some(order), _) => {
                let node = node.ok_or_else(|| io::Error::other("the certificate is not known any more"))?;
                let seat = self.seats.take(vec![Holder::Order(node)]);
                let seat = seat.map_err(|full| io::Error::other(format!("node {node}: {full}")))?;
                Ok(Admitted::Order(stream, node, order.clone(), seat))
            }
            (Some(super::DOOR), _, Some(door)) => {
                let holders = match node {
                    Some(node) => vec![Holder::Node(node)],
                    None => Holder::guest(pin, address.ip()),
                };
                match self.seats.take(holders) {
                    Ok(seat) => Ok(Admitted::Door(stream, pin, door.clone(), seat)),
                    Err(full) => {
                        door::refuse(stream, &format!("{full}; try again in a few seconds")).await;
                        Err(io::Error::other(format!("certificate {pin}: {full}")))
                    }
                }
            }
            _ => Err(io::Error::other("the other side does not speak the protocol of this version")),
        }
    }

    /// Shakes hands.
    async fn greet(&self, stream: TcpStream) -> io::Result<Stream> {
        stream.set_nodelay(true)?;
        let accepting = async {
            let mut acceptor = LazyConfigAcceptor::new(Acceptor::default(), stream);
            match (&mut acceptor).await {
                Ok(start) => {
                    let config = self.config(&start.client_hello());
                    start.into_stream(config).into_fallible().await.map_err(|(error, io)| (error, Some(io)))
                }
                Err(error) => Err((error, acceptor.take_io())),
            }
        };
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no certificate in time");
        match timeout(HANDSHAKE_TIME, accepting).await.map_err(late)? {
            Ok(stream) => Ok(stream),
            Err((error, stream)) => {
                if let Some(stream) = stream {
                    drop(timeout(FAREWELL, say_goodbye(stream)).await);
                }
                Err(error)
            }
        }
    }

    /// Each protocol has a configuration that speaks no other. Which certificates are accepted depends on it, so what a client
    /// is let in for is what it can do.
    fn config(&self, hello: &ClientHello<'_>) -> Arc<ServerConfig> {
        let offers = |protocol| hello.alpn().is_some_and(|mut all| all.any(|one| one == protocol));
        let is_for_door = offers(super::DOOR) && !offers(super::ORDER);
        match self.door.is_some() && (is_for_door || self.order.is_none()) {
            true => self.configs.door.clone(),
            false => self.configs.order.clone(),
        }
    }

    async fn attend(&self, admitted: Admitted, address: SocketAddr) {
        match admitted {
            Admitted::Order(stream, node, order, _seat) => {
                if let Err(error) = order(stream, node).await {
                    log_end(address, node, &error);
                }
            }
            Admitted::Door(stream, pin, door, _seat) => {
                let caller = || match self.roster.find(pin) {
                    Some(node) => Caller::Node(node),
                    None => Caller::Guest(pin),
                };
                if let Err(error) = door::answer(stream, &*door, caller).await {
                    log_end(address, pin, &error);
                }
            }
        }
    }
}

fn log_end(address: SocketAddr, from: impl Display, error: &io::Error) {
    match error.kind() {
        io::ErrorKind::InvalidData => tracing::warn!(%address, %from, %error, "ended a connection"),
        _ => tracing::debug!(%address, %from, %error, "a connection ended"),
    }
}

/// The pin of the certificate of the other side.
fn pin_of(stream: &Stream) -> Option<Pin> {
    stream.get_ref().1.peer_certificates().and_then(|shown| shown.first()).map(|shown| Pin::of(shown))
}

/// Reads on, so that the reason of the refusal arrives: what is not read ends the connection before it.
pub(super) async fn say_goodbye(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Answers the requests of a node.
pub(super) async fn answer<M: Machine>(
    stream: Stream,
    node: u64,
    roster: Arc<Roster>,
    raft: Raft<TokioTypes, M, Tls>,
) -> io::Result<()> {
    let pin = pin_of(&stream);
    let (mut reading, mut writing) = tokio::io::split(stream);
    let room = Arc::new(Semaphore::new(ROOM));
    let turns = Arc::new(Semaphore::new(MAX_REQUESTS));
    let (answers, mut ready) = mpsc::channel::<(u64, Vec<u8>)>(16);
    // Requests that are worked on end with the connection only when that loses nothing.
    let listen = async {
        loop {
            let turn = turns.clone().acquire_owned().await.map_err(io::Error::other)?;
            let Frame { number, body, room } =
                frame::read(&mut reading, IDLE, MAX_FRAME_BYTES, Some(&room)).await?;
            if pin.and_then(|pin| roster.find(pin)) != Some(node) {
                return Err(io::Error::other("the node is a member no longer"));
            }
            let request: Request<TokioTypes> = postcard::from_bytes(&body).map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidData, "what the node says cannot be read")
            })?;
            drop(body);
            let (raft, answers) = (raft.clone(), answers.clone());
            tokio::spawn(async move {
                let reply: Reply<TokioTypes> = raft.answer(node, request).await;
                let bytes = postcard::to_allocvec(&reply).expect("answers can be encoded");
                drop((room, turn));
                // The connection may have ended.
                let _ = answers.send((number, bytes)).await;
            });
        }
    };
    let speak = async {
        let mut signs = interval(SIGN_OF_LIFE);
        loop {
            tokio::select! {
                answer = ready.recv() => match answer {
                    Some((number, bytes)) => frame::write(&mut writing, number, &bytes).await?,
                    None => return Ok(()),
                },
                _ = signs.tick() => {
                    if turns.available_permits() + 1 < MAX_REQUESTS {
                        frame::write(&mut writing, 0, &[]).await?;
                    }
                }
            }
        }
    };
    tokio::select! {
        result = listen => result,
        result = speak => result,
    }
}
