//! The server that has a data folder open, in another process; or its store, when none runs.

use super::{Control, ControlAddress, ControlError, Endpoint, Place, Reply};
use crate::app::App;
use crate::config::Config;
use crate::credentials::{CHALLENGE, PROOF, proof};
use crate::engines;
use axum::http::{Method, Request, Response, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Maximum time in which a running server must answer.
const PROBE: Duration = Duration::from_secs(5);

impl Control {
    /// Reaches the server that has the data folder open, or opens the store in this process.
    ///
    /// # Errors
    /// When neither is possible.
    pub async fn open(config: Config) -> Result<Self, ControlError> {
        match Self::reach(&config).await? {
            Some(running) => Ok(running),
            None => Self::open_here(config).await,
        }
    }

    /// As [`Control::open`], but does not make a store: a mistyped folder would look like an empty one.
    ///
    /// # Errors
    /// Also when the data folder has no store.
    pub async fn open_existing(config: Config) -> Result<Self, ControlError> {
        if let Some(running) = Self::reach(&config).await? {
            return Ok(running);
        }
        if !engines::exists(&config).await? {
            return Err(ControlError::NoStore { place: config.store.place(&config.data) });
        }
        Self::open_here(config).await
    }

    /// Returns the server that has the data folder open, if one answers.
    async fn reach(config: &Config) -> Result<Option<Self>, ControlError> {
        let path = config.data.join(engines::CONTROL);
        let found = match ControlAddress::read(&config.data) {
            Ok(found) => found,
            // The store tells what is wrong with a folder that is none.
            Err(source) if source.kind() == ErrorKind::NotADirectory => return Ok(None),
            Err(source) => return Err(ControlError::File { path, source }),
        };
        let Some(ControlAddress { place, secret, process }) = found else { return Ok(None) };
        // The file of a server that was killed names a place at which nothing listens.
        if place.connect().await.is_err() {
            return Ok(None);
        }
        let running = Self { endpoint: Endpoint::Remote(place), secret };
        let probe = running.call(Method::GET, "/admin/api-roots/", Bytes::new());
        match tokio::time::timeout(PROBE, probe).await {
            Ok(Ok(reply)) if reply.status.is_success() => Ok(Some(running)),
            Ok(Err(ControlError::Unreachable(source))) if source.is::<Impostor>() => {
                tracing::warn!("{}: {source}", path.display());
                Ok(None)
            }
            _ => Err(ControlError::Silent { path, process }),
        }
    }

    async fn open_here(config: Config) -> Result<Self, ControlError> {
        let store = engines::open(&config).await?;
        Ok(Self::of(Arc::new(App::new(store, config)?))?)
    }

    /// Whether requests go to a running server.
    pub fn is_server(&self) -> bool {
        matches!(self.endpoint, Endpoint::Remote(_))
    }
}

/// What listens does not know the secret of the control file, so it is not the server that wrote it.
#[derive(Debug, thiserror::Error)]
#[error("another program listens where the server did that wrote this file")]
struct Impostor;

/// Sends a request over a connection of its own.
pub(super) async fn send(
    place: &Place,
    secret: &str,
    request: Request<Bytes>,
) -> Result<Reply, ControlError> {
    let mut sender = connect(place, secret).await.map_err(ControlError::Unreachable)?;
    let answer = async {
        let (parts, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply { status: parts.status, headers: parts.headers, body })
    };
    answer.await.map_err(|error: hyper::Error| ControlError::NoAnswer(error.into()))
}

/// Sends a request, and returns the answer with a body that is still to come, which needs the sender.
pub(super) async fn open(
    place: &Place,
    secret: &str,
    request: Request<Bytes>,
) -> Result<(Response<Incoming>, SendRequest<Full<Bytes>>), ControlError> {
    let mut sender = connect(place, secret).await.map_err(ControlError::Unreachable)?;
    let answer = sender.send_request(request.map(Full::new)).await;
    Ok((answer.map_err(|error| ControlError::NoAnswer(error.into()))?, sender))
}

/// Opens a connection at whose other end is the server that knows the secret.
async fn connect(
    place: &Place,
    secret: &str,
) -> Result<SendRequest<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let stream = place.connect().await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let challenge = crate::credentials::new_password()?;
    let question =
        Request::builder().uri("/livez/").header(header::HOST, "localhost").header(CHALLENGE, &challenge);
    let answer = sender.send_request(question.body(Full::default())?).await.map_err(|_| Impostor)?;
    let expected = proof(secret, challenge.as_bytes());
    let given = answer.headers().get(PROOF).map_or(&b""[..], |value| value.as_bytes());
    let is_known: bool = expected.as_bytes().ct_eq(given).into();
    if !is_known {
        return Err(Impostor.into());
    }
    drop(answer.into_body().collect().await?);
    sender.ready().await?;
    Ok(sender)
}
