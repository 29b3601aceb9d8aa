//! Administration from Rust and from the command line, with the rights of the owner of the store.
//!
//! [`Control`] sends the same requests as any administrator, inside this process ([`Control::of`]) or to the server that
//! has the data folder open ([`Control::open`]). A running server listens on a socket in its data folder, or on a loopback
//! address where the system has no such sockets, and writes the address and a secret into that folder, readable for the
//! owner only: an account that can read that file can read the store too.

mod admin;
#[cfg(feature = "cli")]
mod backup;
mod file;
mod listener;
mod place;
#[cfg(feature = "cli")]
mod remote;
mod statements;

pub use crate::routes::admin::resource::{
    AccessResource, AccountChange, AccountResource, AccountSecrets, ApiRootChange, ApiRootResource,
    CollectionChange, CollectionResource, NewAccount, NewApiRoot, NewCollection, NewPassword, Secrets,
};
pub use crate::routes::network::resource::{
    ApplicationResource, InvitationResource, ItemResource, JoinResource, KeyResource, NetworkCollection,
    NewInvitation, NewJoin, NewNetwork, NodeResource, OrderedResource, OrganisationResource,
    ProposalResource, ScrubResource, StateResource, VoteResource,
};
pub use admin::Records;
#[cfg(feature = "cli")]
pub(crate) use backup::BackupBytes;
#[cfg(feature = "cli")]
use file::ControlAddress;
pub(crate) use file::ControlFile;
pub(crate) use listener::ControlListener;
#[cfg(feature = "cli")]
use place::Place;

use crate::app::{App, CredentialError};
use crate::router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::sync::Arc;
use stix_model::taxii;
use tower::ServiceExt;
use uuid::Uuid;

/// Access to a store with the rights of its owner.
pub struct Control {
    endpoint: Endpoint,
    secret: String,
}

/// The server that requests go to.
enum Endpoint {
    /// One in this process.
    Local {
        service: router::Service,
        #[cfg(feature = "cli")]
        app: Arc<App>,
    },
    /// Another process on this machine.
    #[cfg(feature = "cli")]
    Remote(Place),
}

/// Answer to a request.
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// Why administration failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The server refused the request.
    #[error("{description}")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// Reason that the server gave.
        description: String,
    },
    /// A name has characters that no name has.
    #[error("{0:?} is no name of anything here")]
    Name(String),
    /// The request cannot be made or sent.
    #[error("the server cannot be asked")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The request was sent, and no whole answer came.
    #[error("the server broke off, so it is not known whether it carried out the request")]
    NoAnswer(#[source] Box<dyn Error + Send + Sync>),
    /// Request or answer are not the JSON that they should be.
    #[error("the server and this program do not understand each other")]
    Json(#[from] serde_json::Error),
    /// The file with the address of the running server cannot be used.
    #[cfg(feature = "cli")]
    #[error(
        "cannot use {}, which says where the running server listens; when no server runs, remove the file",
        path.display()
    )]
    File {
        /// Path of the file.
        path: std::path::PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A server listens, and does not answer.
    #[cfg(feature = "cli")]
    #[error("the server that wrote {} (process {process}) does not answer; see its log, or stop it", path.display())]
    Silent {
        /// Path of the control file.
        path: std::path::PathBuf,
        /// Number of its process.
        process: u32,
    },
    /// There is no store.
    #[cfg(feature = "cli")]
    #[error(
        "there is no store in {place}; name its folder with --data or CONCORD_DATA, or its cluster in [store], or make one \
         with `taxii-server serve` or `taxii-server api-root add`"
    )]
    NoStore {
        /// Where it would be.
        place: String,
    },
    /// The store cannot be opened.
    #[cfg(feature = "cli")]
    #[error(transparent)]
    Open(#[from] crate::engines::OpenError),
    /// Secrets cannot be made.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
}

impl Control {
    /// Administers a server in this process.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn of(app: Arc<App>) -> Result<Self, CredentialError> {
        let secret = crate::credentials::new_password()?;
        let endpoint = Endpoint::Local {
            service: router::operator_service(Arc::clone(&app), &secret),
            #[cfg(feature = "cli")]
            app,
        };
        Ok(Self { endpoint, secret })
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// When no answer comes. A refusal is an answer here; [`Reply::success`] makes it an error.
    pub async fn call(&self, method: Method, path: &str, body: Bytes) -> Result<Reply, ControlError> {
        self.send(Request::builder().method(method), path, body).await
    }

    /// Adds objects under a key, a random UUID of version 4: repeated, the request has the outcome of the first one.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub async fn add_objects(&self, path: &str, key: Uuid, envelope: Bytes) -> Result<Reply, ControlError> {
        let request = Request::builder().method(Method::POST).header("Idempotency-Key", key.to_string());
        self.send(request, path, envelope).await
    }

    /// A request as the server expects it.
    fn complete(&self, request: Builder, path: &str, body: Bytes) -> Result<Request<Bytes>, ControlError> {
        let has_type =
            request.headers_ref().is_some_and(|headers| headers.contains_key(header::CONTENT_TYPE));
        let mut request = request
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.secret))
            .header(header::ACCEPT, taxii::MEDIA_TYPE);
        if !has_type {
            request = request.header(header::CONTENT_TYPE, taxii::MEDIA_TYPE);
        }
        request.body(body).map_err(|error| ControlError::Unreachable(error.into()))
    }

    async fn send(&self, request: Builder, path: &str, body: Bytes) -> Result<Reply, ControlError> {
        let request = self.complete(request, path, body)?;
        match &self.endpoint {
            Endpoint::Local { service, .. } => send_here(service.clone(), request).await,
            #[cfg(feature = "cli")]
            Endpoint::Remote(place) => remote::send(place, &self.secret, request).await,
        }
    }

    /// Sends JSON and reads JSON.
    ///
    /// # Errors
    /// When no answer comes, or the server refuses.
    pub async fn json(
        &self,
        method: Method,
        path: &str,
        body: impl Serialize,
    ) -> Result<serde_json::Value, ControlError> {
        self.request(method, path, body).await
    }

    /// Sends JSON and reads JSON of a known type; an answer without body reads as `null`.
    async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: impl Serialize,
    ) -> Result<T, ControlError> {
        let reply = self.call(method, path, serde_json::to_vec(&body)?.into()).await?.success()?;
        let json = if reply.body.is_empty() { &b"null"[..] } else { &reply.body };
        Ok(serde_json::from_slice(json)?)
    }
}

async fn send_here(service: router::Service, request: Request<Bytes>) -> Result<Reply, ControlError> {
    let Ok(answer) = service.oneshot(request.map(Body::from)).await;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map_err(|error| ControlError::NoAnswer(error.into()))?;
    Ok(Reply { status: parts.status, headers: parts.headers, body: body.to_bytes() })
}

impl Reply {
    /// Makes a refusal an error.
    ///
    /// # Errors
    /// When the server refused, with the reason that it gave.
    pub fn success(self) -> Result<Self, ControlError> {
        let status = self.status;
        if status.is_success() {
            return Ok(self);
        }
        let description = match serde_json::from_slice::<taxii::Error>(&self.body) {
            Ok(error) => error.description.unwrap_or(error.title),
            Err(_) => format!("the server answered {status}"),
        };
        Err(ControlError::Refused { status, description })
    }
}
