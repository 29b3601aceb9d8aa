//! What can go wrong between a client and a server.

use crate::{Url, cause};
use stix_model::{ObjectError, taxii};

/// Bytes of a request from which on a connection that breaks may mean that it is too large: proxies that take no more
/// than a megabyte are common, and some do not say so.
const LARGE: usize = 512 << 10;

/// Why a request gave no answer that can be used.
///
/// The texts are written for the person who runs the program: they name the URL, and show what the server said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address that cannot be that of a TAXII server.
    #[error("{url}: {reason}")]
    Url {
        /// The address as it was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A user name, password or token that cannot stand in an HTTP header.
    #[error("the credentials contain characters that HTTP does not allow")]
    Credentials,
    /// The file of certificate authorities cannot be used.
    #[error("CA file {path}: {reason}")]
    CaFile {
        /// Its path.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS could not be set up, for instance because the system has no certificate authorities.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// No connection, or one that broke off.
    #[error("{url}: {}", cause::describe(url, via.as_deref(), source))]
    Connection {
        /// What was asked for.
        url: Url,
        /// The proxy that was asked.
        via: Option<String>,
        /// What happened.
        source: reqwest::Error,
    },
    /// A request to add or delete objects left, and no usable answer tells what became of it.
    #[error("{0}")]
    OutcomeUnknown(#[source] Box<Self>),
    /// The server carried out a request to add or delete objects and named another place for the outcome (HTTP 303), where
    /// there is no usable answer.
    #[error("the server took the request, and gives no usable answer about its outcome: {0}")]
    Taken(#[source] Box<Self>),
    /// The server answered with an HTTP error.
    #[error("{url}: HTTP {status}{}", said(error))]
    Refused {
        /// What was asked for.
        url: Url,
        /// The HTTP status code.
        status: u16,
        /// The TAXII error resource, as far as there was one.
        error: Box<taxii::Error>,
    },
    /// The server is busy, and asks for more patience than this client has.
    #[error("{url}: HTTP {status}: the server asks to come back in {seconds} seconds")]
    Busy {
        /// What was asked for.
        url: Url,
        /// The HTTP status code.
        status: u16,
        /// The waiting time that the server asked for.
        seconds: u64,
    },
    /// The server sends the client to another place, where the credentials would not be safe.
    #[error("{url}: the server redirects to {location}; if you trust that address, use it as the URL")]
    Redirect {
        /// What was asked for.
        url: Url,
        /// Where the server points to.
        location: String,
    },
    /// The answer is longer than [`Options::max_response`](crate::Options::max_response).
    #[error("{url}: the answer is longer than {limit} bytes; ask for smaller pages")]
    TooLarge {
        /// What was asked for.
        url: Url,
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer is not what TAXII 2.1 defines for this request.
    #[error("{url}: not a TAXII 2.1 answer: {reason}")]
    NotTaxii {
        /// What was asked for.
        url: Url,
        /// What is wrong with it.
        reason: String,
    },
    /// The server sent an object that is none of STIX. Its text is in the page.
    #[error("{url}: an object is none of STIX: {reason}: {start}")]
    Object {
        /// What was asked for.
        url: Url,
        /// What is wrong with it.
        reason: Box<ObjectError>,
        /// Its first characters.
        start: Box<str>,
    },
    /// The server says that more objects follow, but gives no way to them.
    #[error("{url}: the server says `more` but {reason}; going on would never end")]
    NoProgress {
        /// What was asked for.
        url: Url,
        /// What is missing or repeated.
        reason: &'static str,
    },
    /// The server has several API roots and no default.
    #[error("{url}: choose one of the API roots as the URL: {}", roots.join(", "))]
    ManyApiRoots {
        /// The discovery URL.
        url: Url,
        /// The URLs of the API roots.
        roots: Vec<String>,
    },
    /// The server has no API root that this client may see.
    #[error("{url}: the server names no API root to this account")]
    NoApiRoot {
        /// The discovery URL.
        url: Url,
    },
}

impl Error {
    /// No way to the server, or no admission: the address, the network, TLS or the credentials are to be looked at,
    /// not the request.
    pub fn is_connection(&self) -> bool {
        match self.cause() {
            Self::Tls(_) | Self::CaFile { .. } | Self::Credentials => true,
            Self::Connection { .. } | Self::Redirect { .. } | Self::Busy { .. } => true,
            Self::Refused { status, .. } => matches!(status, 401 | 403 | 407 | 429 | 502..=504),
            _ => false,
        }
    }

    /// What went wrong, of an error that also says what is known of the outcome.
    ///
    /// ```no_run
    /// # use taxii_client::{Client, Error};
    /// # async fn is_locked_out(client: &Client) -> bool {
    /// let outcome = client.add_objects("drafts", r#"{"objects":[]}"#).await;
    /// outcome.is_err_and(|error| matches!(error.cause(), Error::Refused { status: 401 | 403, .. }))
    /// # }
    /// ```
    pub fn cause(&self) -> &Self {
        match self {
            Self::OutcomeUnknown(cause) | Self::Taken(cause) => cause.cause(),
            error => error,
        }
    }

    /// Whether the request may have been carried out all the same.
    pub(crate) fn may_be_done(&self) -> bool {
        match self {
            Self::Connection { source, .. } => !source.is_connect(),
            Self::Refused { status, .. } | Self::Busy { status, .. } => *status >= 500,
            Self::NotTaxii { .. } | Self::TooLarge { .. } | Self::OutcomeUnknown(_) | Self::Taken(_) => true,
            _ => false,
        }
    }

    /// Whether the content was refused, as it was with each earlier attempt then.
    pub(crate) fn is_refusal_of_content(&self) -> bool {
        matches!(self, Self::Refused { status: 400 | 415 | 422, .. })
    }

    /// Whether a request of `length` bytes may have failed because it is so large: by a 413, or by a connection that broke,
    /// as some proxies refuse large requests. Then a smaller one is worth trying.
    pub fn may_be_for_size(&self, length: usize) -> bool {
        match self {
            // A server that got no more of the request in its time may get all of a smaller one.
            Self::Refused { status, .. } => matches!(status, 408 | 413),
            Self::Connection { source, .. } => length > LARGE && !source.is_connect() && !source.is_timeout(),
            Self::OutcomeUnknown(cause) => cause.may_be_for_size(length),
            _ => false,
        }
    }

    /// This error, as the reason why an outcome is unknown.
    #[must_use]
    pub fn into_unknown(self) -> Self {
        match self {
            Self::OutcomeUnknown(_) => self,
            cause => Self::OutcomeUnknown(Box::new(cause)),
        }
    }
}

pub(crate) fn said(error: &taxii::Error) -> String {
    let mut text = String::new();
    if !error.title.is_empty() {
        text.push_str(": ");
        text.push_str(&error.title);
    }
    if let Some(description) = &error.description {
        text.push_str(if text.is_empty() { ": " } else { " – " });
        text.push_str(description);
    }
    let mut marks = [("code", &error.error_code), ("error id", &error.error_id)]
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)))
        .peekable();
    if marks.peek().is_some() {
        text.push_str(&format!(" ({})", marks.collect::<Vec<_>>().join(", ")));
    }
    text
}
