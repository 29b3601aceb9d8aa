//! A connection to a node, for one lane. It is opened when there is something to ask, and again when it has ended.

use super::super::request::CallError;
use super::super::types::Peer;
use super::frame::{self, MAX_FRAME_BYTES};
use super::verify::reason;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Most requests that wait to be sent.
const MAX_WAITING: usize = 64;
/// Most requests that wait for an answer.
const MAX_ASKED: usize = 256;
/// Number of the first request of a connection; 0 is a sign of life.
const FIRST: u64 = 1;
pub(super) const CONNECT_TIME: Duration = Duration::from_secs(5);
/// A connection ends when a request has no answer and the other side is silent for so long.
const SILENCE: Duration = Duration::from_secs(15);
/// A connection ends when nothing is asked for so long.
const IDLE: Duration = Duration::from_secs(60);
/// Time to hear why the other side has ended a connection.
const FAREWELL: Duration = Duration::from_secs(1);
/// Time from a failure to the next attempt; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

type Answer = Result<Vec<u8>, CallError>;

#[derive(Clone)]
pub(super) struct Link {
    target: u64,
    peer: Peer,
    questions: mpsc::Sender<Question>,
}

struct Question {
    body: Vec<u8>,
    answer: oneshot::Sender<Answer>,
}

impl Link {
    pub(super) fn open(node: u64, target: u64, peer: Peer, config: Arc<ClientConfig>) -> Self {
        let (questions, asked) = mpsc::channel(MAX_WAITING);
        let line = Line { node, target, peer: peer.clone(), config };
        tokio::spawn(line.run(asked));
        Self { target, peer, questions }
    }

    pub(super) fn is_to(&self, peer: &Peer) -> bool {
        self.peer == *peer
    }

    /// Sends a request, and waits for the answer. A request whose caller does not wait any more is not sent.
    pub(super) async fn call(&self, body: Vec<u8>) -> Answer {
        let gone = || CallError::Broken { node: self.target, reason: "the node has stopped".to_owned() };
        let (answer, coming) = oneshot::channel();
        self.questions.send(Question { body, answer }).await.map_err(|_| gone())?;
        coming.await.map_err(|_| gone())?
    }
}

struct Line {
    node: u64,
    target: u64,
    peer: Peer,
    config: Arc<ClientConfig>,
}

#[derive(Default)]
struct Asked(Mutex<BTreeMap<u64, oneshot::Sender<Answer>>>);

impl Asked {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, oneshot::Sender<Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    async fn run(self, mut questions: mpsc::Receiver<Question>) {
        let (mut pause, mut not_before) = (FIRST_PAUSE, Instant::now());
        let mut failure = String::new();
        while let Some(question) = questions.recv().await {
            if question.answer.is_closed() {
                continue;
            }
            if Instant::now() < not_before {
                let reason = failure.clone();
                drop(question.answer.send(Err(CallError::Unreachable { node: self.target, reason })));
                continue;
            }
            match self.connect().await {
                Ok(stream) => {
                    tracing::debug!(node = self.node, target = self.target, "connected");
                    let since = Instant::now();
                    if self.talk(stream, question, &mut questions).await.is_ok() {
                        continue;
                    }
                    if since.elapsed() > LONGEST_PAUSE {
                        pause = FIRST_PAUSE;
                    }
                    failure = "the connection ended, and is opened again soon".to_owned();
                }
                Err(error) => {
                    failure = reason(&error);
                    tracing::debug!(
                        node = self.node,
                        target = self.target,
                        reason = failure,
                        "a node cannot be reached"
                    );
                    let reason = failure.clone();
                    drop(question.answer.send(Err(CallError::Unreachable { node: self.target, reason })));
                }
            }
            not_before = Instant::now() + pause;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let connecting = connect(&self.peer.address, self.config.clone());
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
        timeout(CONNECT_TIME, connecting).await.map_err(late)?
    }

    /// Sends requests and takes answers until one of the two fails, or nothing is asked any more.
    async fn talk(
        &self,
        stream: TlsStream<TcpStream>,
        first: Question,
        questions: &mut mpsc::Receiver<Question>,
    ) -> io::Result<()> {
        let (mut reading, mut writing) = tokio::io::split(stream);
        let asked = Asked::default();
        let Question { body, answer } = first;
        asked.lock().insert(FIRST, answer);
        let asking = ask(&mut writing, &asked, body, questions);
        let result = tokio::select! {
            result = listen(&mut reading, &asked) => result,
            result = asking => match result {
                Ok(()) => Ok(()),
                // The other side may have said why it ends the connection.
                Err(error) => timeout(FAREWELL, listen(&mut reading, &asked)).await.unwrap_or(Err(error)),
            },
        };
        let reason = match &result {
            Ok(()) => "it was not used".to_owned(),
            Err(error) => reason(error),
        };
        for (_, answer) in std::mem::take(&mut *asked.lock()) {
            drop(answer.send(Err(CallError::Broken { node: self.target, reason: reason.clone() })));
        }
        result
    }
}

/// Opens a connection, and takes as long as that takes.
pub(super) async fn connect(address: &str, config: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    // Certificates are known by their pins; no name is looked at.
    let name = ServerName::try_from("node.invalid").map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, stream).await
}

async fn listen(reading: &mut (impl AsyncRead + Unpin), asked: &Asked) -> io::Result<()> {
    let mut quiet = Duration::ZERO;
    loop {
        match frame::read(reading, SILENCE, MAX_FRAME_BYTES, None).await {
            Ok(frame) => {
                quiet = Duration::ZERO;
                let answer = asked.lock().remove(&frame.number);
                if let Some(answer) = answer {
                    drop(answer.send(Ok(frame.body)));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                quiet += SILENCE;
                let waits = asked.lock().values().any(|answer| !answer.is_closed());
                if waits || quiet >= IDLE {
                    return if waits { Err(error) } else { Ok(()) };
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Sends requests, of which the first one is among those that wait already.
async fn ask(
    writing: &mut (impl AsyncWrite + Unpin),
    asked: &Asked,
    first: Vec<u8>,
    questions: &mut mpsc::Receiver<Question>,
) -> io::Result<()> {
    frame::write(writing, FIRST, &first).await?;
    drop(first);
    for number in FIRST + 1.. {
        let Some(Question { body, answer }) = questions.recv().await else { break };
        {
            let mut asked = asked.lock();
            if asked.len() >= MAX_ASKED {
                asked.retain(|_, answer| !answer.is_closed());
            }
            if asked.len() >= MAX_ASKED {
                return Err(io::Error::other("too many requests have no answer"));
            }
            asked.insert(number, answer);
        }
        frame::write(writing, number, &body).await?;
    }
    Ok(())
}
