//! The server that has a data folder open, in another process; or its store, when none runs.

use super::{Control, ControlAddress, ControlError, Endpoint, Reply};
use crate::app::App;
use crate::config::Config;
use crate::engines;
use axum::http::{Method, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Maximum time in which a running server must answer. The file of a server that was killed names an address that does
/// not.
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
        if !engines::exists(&config) {
            return Err(ControlError::NoStore { data: config.data });
        }
        Self::open_here(config).await
    }

    /// Returns the server that has the data folder open, if one answers.
    async fn reach(config: &Config) -> Result<Option<Self>, ControlError> {
        let Some(ControlAddress { address, secret }) =
            ControlAddress::read(&config.data).map_err(ControlError::File)?
        else {
            return Ok(None);
        };
        let running = Self { endpoint: Endpoint::Remote(address), secret };
        let probe = running.call(Method::GET, "/admin/api-roots/", Bytes::new());
        let answer = tokio::time::timeout(PROBE, probe).await;
        let is_running = answer.is_ok_and(|reply| reply.is_ok_and(|reply| reply.status.is_success()));
        Ok(is_running.then_some(running))
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

/// Sends a request over a connection of its own.
pub(super) async fn send(
    address: SocketAddr,
    request: Request<Bytes>,
) -> Result<Reply, Box<dyn Error + Send + Sync>> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
    Ok(Reply { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
}
