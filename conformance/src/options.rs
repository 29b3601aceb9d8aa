//! What a run needs to know.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Credentials, as they go into the `Authorization` header.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// No `Authorization` header.
    #[default]
    None,
    /// HTTP Basic (RFC 7617).
    Basic {
        /// The user name; it holds no colon.
        user: String,
        /// The password.
        password: String,
    },
    /// `Authorization: Bearer …`.
    Bearer(String),
    /// `Authorization: Token …`, as several TAXII clients send it.
    Token(String),
}

impl Auth {
    /// The value of the `Authorization` header, if there is one.
    pub fn header(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Basic { user, password } => {
                Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            Self::Bearer(token) => Some(format!("Bearer {token}")),
            Self::Token(token) => Some(format!("Token {token}")),
        }
    }
}

/// Secrets stay out of logs and panics.
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

impl FromStr for Auth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        match (scheme, rest) {
            ("none", "") => Ok(Self::None),
            ("basic", rest) => {
                let (user, password) = rest.split_once(':').ok_or("basic needs USER:PASSWORD")?;
                Ok(Self::Basic { user: user.into(), password: password.into() })
            }
            ("bearer", token) if !token.is_empty() => Ok(Self::Bearer(token.into())),
            ("token", token) if !token.is_empty() => Ok(Self::Token(token.into())),
            _ => Err("say basic:USER:PASSWORD, bearer:TOKEN, token:TOKEN or none".into()),
        }
    }
}

/// One run against one server.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server, its discovery URL, or one of its API roots.
    pub url: String,
    /// The account the checks use.
    pub auth: Auth,
    /// A second account with fewer rights, for the access rules.
    pub limited_auth: Option<Auth>,
    /// The collection to read; without it the first readable one.
    pub collection: Option<String>,
    /// The collection to write to; without it the first with both rights.
    pub writable_collection: Option<String>,
    /// Skips each check that adds or deletes objects.
    pub read_only: bool,
    /// PEM text of further certificate authorities.
    pub ca: Option<Vec<u8>>,
    /// Accepts any server certificate.
    pub insecure: bool,
    /// Runs only the checks of these requirement ids; empty runs all.
    pub only: Vec<String>,
    /// How long one answer may take.
    pub timeout: Duration,
}

impl Options {
    /// Options for a server, with everything else as the command line has it.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            auth: Auth::None,
            limited_auth: None,
            collection: None,
            writable_collection: None,
            read_only: false,
            ca: None,
            insecure: false,
            only: Vec::new(),
            timeout: Duration::from_secs(20),
        }
    }
}
