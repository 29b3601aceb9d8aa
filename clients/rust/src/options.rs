//! What a client has to know before it can begin.

use crate::{Pin, Retry};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach a server, and how patient to be with it.
///
/// ```
/// use taxii_client::{Auth, Options};
/// let options = Options::new("https://taxii.example/").auth(Auth::Bearer("abc".into()));
/// assert_eq!(format!("{:?}", options.auth), "Bearer(…)");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The server (`https://host`), its discovery URL, an API root, or a collection.
    pub url: String,
    /// Who is calling.
    pub auth: Auth,
    /// A PEM file of certificates to trust besides those of the system: of authorities, or of the server itself.
    pub ca_file: Option<PathBuf>,
    /// The digest of the server's certificate or of its public key. It takes the place of everything else that says
    /// whether a certificate is trusted: authority, name and dates.
    pub pin: Option<Pin>,
    /// Product name and version (TAXII 2.1, section 3.2).
    pub user_agent: String,
    /// Allows `http://` to another machine. Without it only addresses of this machine work without TLS, because
    /// everybody on the way could read the credentials (TAXII 2.1, section 8.5.1).
    pub allow_plain_http: bool,
    /// How long a connection may stay silent. A long answer that keeps coming is no reason to stop.
    pub idle_timeout: Duration,
    /// The longest answer that is read, in bytes after decompression.
    pub max_response: usize,
    /// What to do when the server is busy or the connection breaks.
    pub retry: Retry,
}

impl Options {
    /// The usual patience, and no credentials.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            auth: Auth::None,
            ca_file: None,
            pin: None,
            user_agent: concat!("taxii-client/", env!("CARGO_PKG_VERSION")).into(),
            allow_plain_http: false,
            idle_timeout: Duration::from_secs(120),
            max_response: 256 << 20,
            retry: Retry::default(),
        }
    }

    /// Sets who is calling.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Sets a file of certificates to trust besides those of the system.
    #[must_use]
    pub fn ca_file(mut self, ca_file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(ca_file.into());
        self
    }

    /// Sets the digest of the certificate or key that the server must have.
    #[must_use]
    pub fn pin(mut self, pin: Pin) -> Self {
        self.pin = Some(pin);
        self
    }

    /// Sets product name and version.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Sets whether another machine may be asked without TLS.
    #[must_use]
    pub fn allow_plain_http(mut self, allow_plain_http: bool) -> Self {
        self.allow_plain_http = allow_plain_http;
        self
    }

    /// Sets how long a connection may stay silent.
    #[must_use]
    pub fn idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }

    /// Sets the longest answer that is read, in bytes.
    #[must_use]
    pub fn max_response(mut self, max_response: usize) -> Self {
        self.max_response = max_response;
        self
    }

    /// Sets what to do when the server is busy or the connection breaks.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}

/// How a client says who it is.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// HTTP Basic (RFC 7617), which every TAXII server is to have.
    Basic {
        /// User name.
        user: String,
        /// Password.
        password: String,
    },
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer(String),
    /// `Authorization: Token …`, which several servers use for their API keys.
    Token(String),
}

/// Shows the kind only: credentials do not belong into logs.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic(…)",
            Self::Bearer(_) => "Bearer(…)",
            Self::Token(_) => "Token(…)",
        })
    }
}
