//! Small questions between nodes, and of a server that wants to join, which no member knows yet.
//!
//! They come to the same address as the requests of Raft, with another protocol of their own. Each has a connection: one
//! frame with the question, one with the answer or a sentence that says why there is none.

use super::super::types::{Peer, Pin};
use super::client::{CONNECT_TIME, connect};
use super::frame::{self, Frame};
use super::server::{Stream, say_goodbye};
use super::verify::{is_without_protocol, reason};
use super::{DOOR, Identity};
use bytes::Bytes;
use futures::future::BoxFuture;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};

/// Largest question or answer, in bytes.
pub const MAX_QUESTION_BYTES: usize = 64 << 10;
/// Longest sentence that says why there is no answer, in bytes.
const MAX_SENTENCE_BYTES: usize = 2 << 10;
/// Time for a question to arrive.
const QUESTION_TIME: Duration = Duration::from_secs(5);
/// Time to find an answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Time for an answer to leave.
const SEND_TIME: Duration = Duration::from_secs(10);
/// Time to hear why the other side has ended a connection, or for the other side to hear it.
const FAREWELL: Duration = Duration::from_secs(1);
/// Number of the frame of a question, and of its answer.
const ANSWER: u64 = 1;
/// Number of a frame with a sentence that says why there is no answer.
const REFUSAL: u64 = 2;

/// Who asks at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A node that is a member, or trusted. It has proved its certificate.
    Node(u64),
    /// Any other, with the pin of the certificate whose key it has proved to hold.
    Guest(Pin),
}

/// Answers questions that are not about the order of commands.
pub trait Door: Send + Sync + 'static {
    /// Answers a question. The answer has 30 seconds and [`MAX_QUESTION_BYTES`]; what is not found by then is dropped.
    ///
    /// # Errors
    /// With a sentence for the other side, which can be any server.
    fn answer(&self, from: Caller, question: Bytes) -> BoxFuture<'_, Result<Bytes, String>>;
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The question was not sent.
    #[error("the question was not sent: {0}")]
    Unreachable(String),
    /// The other side does not answer, and says why.
    #[error("the other node refuses: {0}")]
    Refused(String),
    /// The answer did not come in time.
    #[error("the question was sent, but no answer came in time; it may have had its effect; ask again later")]
    Late,
    /// The question was sent, and no whole answer came.
    #[error("the question was sent, but no whole answer came: {0}; it may have had its effect; ask again")]
    Broken(String),
}

/// Asks a node with an identity: a server that wants to join is no node yet.
///
/// # Errors
/// When the node cannot be reached, has another certificate, or does not answer.
pub async fn ask(
    identity: &Identity,
    peer: &Peer,
    question: Bytes,
    within: Duration,
) -> Result<Bytes, AskError> {
    if question.len() > MAX_QUESTION_BYTES {
        let length = question.len();
        return Err(AskError::Unreachable(format!(
            "it has {length} bytes, and {MAX_QUESTION_BYTES} are the most"
        )));
    }
    let since = Instant::now();
    let config = identity.client(peer.pin, DOOR).map_err(|error| AskError::Unreachable(error.to_string()))?;
    let connecting = timeout(within.min(CONNECT_TIME), connect(&peer.address, Arc::new(config))).await;
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
    let connected = connecting.map_err(late).flatten();
    let mut stream = connected.map_err(|error| unreachable(&peer.address, &error))?;
    if stream.get_ref().1.alpn_protocol() != Some(DOOR) {
        return Err(no_door(&peer.address));
    }
    let left = within.saturating_sub(since.elapsed());
    timeout(left, exchange(&mut stream, &question)).await.map_err(|_| AskError::Late)?
}

fn unreachable(address: &str, error: &io::Error) -> AskError {
    if is_without_protocol(error) {
        return no_door(address);
    }
    AskError::Unreachable(format!(
        "{address} cannot be reached: {}; check the address and the pin of the node, and that it runs",
        reason(error)
    ))
}

fn no_door(address: &str) -> AskError {
    AskError::Unreachable(format!(
        "the node at {address} takes no questions: it is not ready for them, or of another version; \
         try again later, or ask its operator"
    ))
}

async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    question: &[u8],
) -> Result<Bytes, AskError> {
    let written = frame::write(stream, ANSWER, question).await;
    let read = match written {
        Ok(()) => frame::read(stream, Duration::MAX, MAX_QUESTION_BYTES, None).await,
        // The other side may have said why it ends the connection.
        Err(error) => frame::read(stream, FAREWELL, MAX_QUESTION_BYTES, None).await.map_err(|_| error),
    };
    match read {
        Ok(Frame { number: ANSWER, body, .. }) => Ok(body.into()),
        Ok(Frame { number: REFUSAL, body, .. }) => Err(AskError::Refused(sentence(&body))),
        Ok(_) => Err(AskError::Broken("its answer cannot be read, it may be of another version".to_owned())),
        Err(error) => Err(AskError::Broken(reason(&error))),
    }
}

/// What another node says, in a form that does no harm to a terminal or a log.
fn sentence(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_SENTENCE_BYTES)]);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Answers one question, and closes the connection. Who asks is looked up when the question is there.
pub(super) async fn answer(
    mut stream: Stream,
    door: &dyn Door,
    caller: impl Fn() -> Caller + Send,
) -> io::Result<()> {
    let reading = frame::read(&mut stream, Duration::MAX, MAX_QUESTION_BYTES, None);
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the question did not come in time");
    let question = match timeout(QUESTION_TIME, reading).await.map_err(late).flatten() {
        Ok(Frame { number: ANSWER, body, .. }) => Bytes::from(body),
        Ok(_) => {
            refuse(stream, "what is asked cannot be read: it may be of another version").await;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "what is asked cannot be read"));
        }
        Err(error) => {
            if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::TimedOut) {
                refuse(stream, &error.to_string()).await;
            }
            return Err(error);
        }
    };
    match timeout(ANSWER_TIME, door.answer(caller(), question)).await {
        Ok(Ok(answer)) if answer.len() <= MAX_QUESTION_BYTES => say(stream, ANSWER, &answer).await,
        Ok(Ok(answer)) => {
            let length = answer.len();
            tracing::warn!(length, "an answer is too large, and is not sent");
            let why = format!(
                "the answer would have {length} bytes, and {MAX_QUESTION_BYTES} are the most; ask for less"
            );
            refuse(stream, &why).await;
        }
        Ok(Err(why)) => refuse(stream, &why).await,
        Err(_) => {
            tracing::warn!("no answer was found in time");
            refuse(stream, "the node has found no answer in time; try again later").await;
        }
    }
    Ok(())
}

/// Says why there is no answer, and closes the connection.
pub(super) async fn refuse(stream: Stream, why: &str) {
    let cut = (0..=why.len().min(MAX_SENTENCE_BYTES)).rev().find(|at| why.is_char_boundary(*at));
    say(stream, REFUSAL, &why.as_bytes()[..cut.unwrap_or(0)]).await;
}

async fn say(mut stream: Stream, number: u64, body: &[u8]) {
    let saying = async {
        frame::write(&mut stream, number, body).await?;
        stream.shutdown().await
    };
    if let Ok(Ok(())) = timeout(SEND_TIME, saying).await {
        drop(timeout(FAREWELL, say_goodbye(stream.into_inner().0)).await);
    }
}
