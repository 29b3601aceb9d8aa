//! Why settings cannot be used.

use super::ListenAddress;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file holds an unknown key or a value of another type.
    #[error("in {}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        source: ParseError,
    },
    /// An environment variable is no setting, but looks like one.
    #[error("{variable} is no setting; did you mean CONCORD_{}?", nearest.to_ascii_uppercase())]
    UnknownVariable {
        /// Name of the variable.
        variable: String,
        /// The key that is most like it.
        nearest: &'static str,
    },
    /// An environment variable is not of the type of its setting.
    #[error("the environment variable {variable} cannot be used")]
    Variable {
        /// Name of the variable.
        variable: String,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The settings are not valid after environment variables have overridden them.
    #[error("in the environment variables CONCORD_…")]
    Variables(#[source] toml::de::Error),
    /// A setting cannot be written as TOML, such as a path that is not UTF-8.
    #[error("the settings cannot be written as TOML")]
    Unwritable(#[source] toml::ser::Error),
    /// `listen` is not a loopback address, and TLS is not set up.
    #[error(
        "{listen} is not a loopback address, so TLS is needed: set tls.certificate and tls.key, or set \
         behind_tls_proxy when a proxy in front of this server terminates TLS"
    )]
    NeedsTls {
        /// The address.
        listen: ListenAddress,
    },
    /// `public_url` has no scheme.
    #[error(
        "public_url must begin with https:// (or http:// on a test machine), as https://taxii.example.org"
    )]
    PublicUrl,
    /// `base_path` is not a plain path.
    #[error(
        "base_path must be empty or begin with a slash and not end with one, as /cti; its parts consist of letters, \
         digits, - _ . ~ and are not `.` or `..`"
    )]
    BasePath,
    /// A limit is zero.
    #[error("max_page, max_content_length, max_connections and max_connections_per_address must be positive")]
    ZeroLimit,
    /// `status_hours` is out of bounds.
    #[error("status_hours must be between 24, as the standard asks, and 87600, which is ten years")]
    StatusHours,
    /// `max_content_length` is out of bounds.
    #[error("max_content_length is 1 GiB at most, because a request is held in memory")]
    ContentLength,
    /// TiKV is chosen, and its address is not set.
    #[error(
        "store.engine is tikv, so store.pd is needed: the addresses of its placement drivers, as 10.0.0.1:2379"
    )]
    NoPlacementDriver,
    /// An address of a placement driver has another form.
    #[error("store.pd holds {address}; an address is a host and a port, as 10.0.0.1:2379, without a scheme")]
    PlacementDriver {
        /// The address.
        address: String,
    },
    /// Some of the files for mutual TLS with TiKV are set, and others are not.
    #[error("store.ca, store.cert and store.key go together; store.{missing} is missing")]
    HalfOfTls {
        /// The key that is not set.
        missing: &'static str,
    },
    /// The node has an address, and does not listen.
    #[error(
        "network.address is where others reach the node of this server; set network.listen, too, as 0.0.0.0:6102"
    )]
    NodeAddress,
    /// The address of the node has another form.
    #[error(
        "network.address is {address}; it is a host and a port, as taxii.example.org:6102, without a scheme"
    )]
    NodeAddressForm {
        /// The address.
        address: String,
    },
    /// A setting of TiKV, where the store is embedded.
    #[error("store.{key} is a setting of TiKV; set store.engine to \"tikv\", or remove it")]
    NotOfEmbedded {
        /// The key.
        key: &'static str,
    },
}

/// Why a text is not a configuration.
#[derive(Debug)]
pub struct ParseError {
    pub(super) error: Box<toml::de::Error>,
    pub(super) suggestion: Option<String>,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        match &self.suggestion {
            Some(known) => write!(f, "did you mean `{known}`?"),
            None => Ok(()),
        }
    }
}

impl Error for ParseError {}
