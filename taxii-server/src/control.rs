//! How the command line reaches the store: through the server that has it open, or by itself when none runs.
//!
//! A running server listens on a loopback address for the operator of its machine, and leaves the address and a secret
//! in its data folder, readable for the owner only. Whoever can read that file could read the store too.

use crate::app::App;
use crate::config::Config;
use crate::router;
use crate::store::{EmbeddedEngine, Store};
use anyhow::{Context, bail};
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use stix_model::taxii;
use tower::ServiceExt;

const FILE: &str = "control.json";
/// How long a server may take to say that it runs. The file may be left from one that was killed.
const PROBE: Duration = Duration::from_secs(5);

/// Where the operator of this machine reaches the server; removed when the server stops.
pub(crate) struct ControlFile {
    path: PathBuf,
    address: Address,
}

#[derive(Serialize, Deserialize)]
struct Address {
    address: SocketAddr,
    secret: String,
}

impl ControlFile {
    pub(crate) fn write(data: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let address = Address { address, secret: crate::credentials::new_password()? };
        let path = data.join(FILE);
        write_private(&path, &serde_json::to_vec(&address)?)?;
        Ok(Self { path, address })
    }

    pub(crate) fn secret(&self) -> String {
        self.address.secret.clone()
    }
}

impl Drop for ControlFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    private_file(path)?.write_all(bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Makes or empties a file that only its owner can read.
pub(crate) fn private_file(path: &Path) -> anyhow::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| format!("cannot write {}", path.display()))
}

/// A way to the store with the rights of its owner.
pub struct Control {
    way: Way,
    secret: String,
}

enum Way {
    Server(SocketAddr),
    Here(router::Service),
}

/// What came back.
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Control {
    /// Reaches the server that has the data folder open, or opens it here.
    ///
    /// # Errors
    /// When neither is possible.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        match Self::reach(&config).await? {
            Some(running) => Ok(running),
            None => Self::open_here(config).await,
        }
    }

    /// As [`Control::open`], but makes no store where there is none: a mistyped folder would look like an empty one.
    ///
    /// # Errors
    /// Also when there is no store.
    pub async fn open_existing(config: Config) -> anyhow::Result<Self> {
        if let Some(running) = Self::reach(&config).await? {
            return Ok(running);
        }
        if !EmbeddedEngine::exists(&config.data) {
            bail!(
                "there is no store in {}; name its folder with --data or CONCORD_DATA, or make one with \
                 `taxii-server serve` or `taxii-server api-root add`",
                config.data.display()
            );
        }
        Self::open_here(config).await
    }

    /// The server that has the data folder open, if one answers.
    async fn reach(config: &Config) -> anyhow::Result<Option<Self>> {
        if let Ok(json) = std::fs::read(config.data.join(FILE)) {
            let Address { address, secret } =
                serde_json::from_slice(&json).context("the control file is damaged")?;
            let running = Self { way: Way::Server(address), secret };
            let probe = running.call(Method::GET, "/admin/api-roots/", Bytes::new());
            let answer = tokio::time::timeout(PROBE, probe).await;
            if answer.is_ok_and(|reply| reply.is_ok_and(|reply| reply.status.is_success())) {
                return Ok(Some(running));
            }
        }
        Ok(None)
    }

    async fn open_here(config: Config) -> anyhow::Result<Self> {
        let store = Store::open_folder(&config.data).await?;
        Self::of(Arc::new(App::new(store, config)?))
    }

    /// Reaches a server inside this process.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn of(app: Arc<App>) -> anyhow::Result<Self> {
        let secret = crate::credentials::new_password()?;
        Ok(Self { way: Way::Here(router::operator_service(app, secret.clone())), secret })
    }

    /// Whether a running server answers.
    pub fn is_server(&self) -> bool {
        matches!(self.way, Way::Server(_))
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// When no answer comes. An answer that says no is not an error here.
    pub async fn call(&self, method: Method, path: &str, body: Bytes) -> anyhow::Result<Reply> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.secret))
            .header(header::ACCEPT, taxii::MEDIA_TYPE)
            .header(header::CONTENT_TYPE, taxii::MEDIA_TYPE);
        let (parts, body) = match &self.way {
            Way::Here(service) => {
                let response = service.clone().oneshot(request.body(Body::from(body))?).await?;
                let (parts, body) = response.into_parts();
                (parts, body.collect().await?.to_bytes())
            }
            Way::Server(address) => {
                let stream = tokio::net::TcpStream::connect(address).await?;
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                let response = sender.send_request(request.body(http_body_util::Full::new(body))?).await?;
                let (parts, body) = response.into_parts();
                (parts, body.collect().await?.to_bytes())
            }
        };
        Ok(Reply { status: parts.status, headers: parts.headers, body })
    }

    /// Sends JSON and reads JSON.
    ///
    /// # Errors
    /// Also when the answer says no: with what it says.
    pub async fn json(
        &self,
        method: Method,
        path: &str,
        body: impl Serialize,
    ) -> anyhow::Result<serde_json::Value> {
        let reply = self.call(method, path, serde_json::to_vec(&body)?.into()).await?.success()?;
        if reply.body.is_empty() {
            Ok(serde_json::Value::Null)
        } else {
            Ok(serde_json::from_slice(&reply.body)?)
        }
    }
}

impl Reply {
    /// Turns an answer that says no into an error.
    ///
    /// # Errors
    /// Whatever the server said.
    pub fn success(self) -> anyhow::Result<Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        match serde_json::from_slice::<taxii::Error>(&self.body) {
            Ok(error) => bail!("{}", error.description.unwrap_or(error.title)),
            Err(_) => bail!("the server answered {}", self.status),
        }
    }
}
