//! Takes connections of other nodes, and answers what they ask.

use super::super::machine::Machine;
use super::super::raft::Raft;
use super::super::request::{Reply, Request};
use super::super::types::{Pin, TokioTypes};
use super::frame::{self, Frame, MAX_FRAME_BYTES};
use super::verify::reason;
use super::{Roster, Tls};
use rustls::ServerConfig;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{interval, timeout};
use tokio_rustls::TlsAcceptor;

/// Most connections that have not shown a certificate yet.
const MAX_STRANGERS: usize = 64;
/// Most connections of one node.
const MAX_CONNECTIONS: u32 = 16;
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

type Connections = Arc<Mutex<BTreeMap<u64, u32>>>;

/// Counts a connection of a node as long as it is open.
struct Seat(Connections, u64);

impl Seat {
    fn take(connections: &Connections, node: u64) -> Option<Self> {
        let mut open = connections.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(node).or_default();
        if *count >= MAX_CONNECTIONS {
            return None;
        }
        *count += 1;
        Some(Self(connections.clone(), node))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.1) {
            *count -= 1;
        }
    }
}

pub(super) async fn serve<M: Machine>(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    roster: Arc<Roster>,
    raft: Raft<TokioTypes, M, Tls>,
) {
    let acceptor = TlsAcceptor::from(config);
    let strangers = Arc::new(Semaphore::new(MAX_STRANGERS));
    let connections = Connections::default();
    let mut open = tokio::task::JoinSet::new();
    let stopped = raft.clone();
    let stopped = stopped.stopped();
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
        let Ok(stranger) = strangers.clone().try_acquire_owned() else {
            tracing::warn!(%address, "refused a connection: too many have not shown a certificate");
            continue;
        };
        let (acceptor, roster, raft) = (acceptor.clone(), roster.clone(), raft.clone());
        let connections = connections.clone();
        open.spawn(async move {
            let greeted = greet(&acceptor, &roster, stream).await;
            drop(stranger);
            let (node, stream) = match greeted {
                Ok(greeted) => greeted,
                Err(error) => {
                    tracing::warn!(%address, reason = reason(&error), "refused a connection");
                    return;
                }
            };
            let Some(_seat) = Seat::take(&connections, node) else {
                tracing::warn!(%address, from = node, "refused a connection: the node has too many");
                return;
            };
            if let Err(error) = answer(stream, node, &roster, raft).await {
                log_end(address, node, &error);
            }
        });
    }
}

fn log_end(address: SocketAddr, from: u64, error: &io::Error) {
    match error.kind() {
        io::ErrorKind::InvalidData => tracing::warn!(%address, from, %error, "ended a connection"),
        _ => tracing::debug!(%address, from, %error, "a connection ended"),
    }
}

type Stream = tokio_rustls::server::TlsStream<TcpStream>;

/// Finds out which node connects.
async fn greet(acceptor: &TlsAcceptor, roster: &Roster, stream: TcpStream) -> io::Result<(u64, Stream)> {
    stream.set_nodelay(true)?;
    let accepted = timeout(HANDSHAKE_TIME, acceptor.accept(stream).into_fallible()).await;
    let accepted = accepted.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no certificate in time"))?;
    let stream = match accepted {
        Ok(stream) => stream,
        Err((error, stream)) => {
            drop(timeout(FAREWELL, say_goodbye(stream)).await);
            return Err(error);
        }
    };
    let session = stream.get_ref().1;
    if session.alpn_protocol() != Some(super::PROTOCOL) {
        return Err(io::Error::other("the other side does not speak the protocol of this version"));
    }
    let pin = session.peer_certificates().and_then(|shown| shown.first()).map(|shown| Pin::of(shown));
    let node = pin.and_then(|pin| roster.find(pin));
    let node = node.ok_or_else(|| io::Error::other("the certificate is not known any more"))?;
    Ok((node, stream))
}

/// Reads on, so that the reason of the refusal arrives: what is not read ends the connection before it.
async fn say_goodbye(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

async fn answer<M: Machine>(
    stream: Stream,
    node: u64,
    roster: &Roster,
    raft: Raft<TokioTypes, M, Tls>,
) -> io::Result<()> {
    let pin =
        stream.get_ref().1.peer_certificates().and_then(|shown| shown.first()).map(|shown| Pin::of(shown));
    let (mut reading, mut writing) = tokio::io::split(stream);
    let room = Arc::new(Semaphore::new(ROOM));
    let turns = Arc::new(Semaphore::new(MAX_REQUESTS));
    let (answers, mut ready) = mpsc::channel::<(u64, Vec<u8>)>(16);
    // Requests that are worked on end with the connection only when that loses nothing.
    let listen = async {
        loop {
            let turn = turns.clone().acquire_owned().await.map_err(io::Error::other)?;
            let Frame { number, body, room } = frame::read(&mut reading, IDLE, Some(&room)).await?;
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
