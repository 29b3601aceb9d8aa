//! The state that all handlers share.

use crate::config::Config;
pub use crate::credentials::CredentialError;
use crate::credentials::Credentials;
use crate::metrics::Metrics;
use crate::store::Store;

/// The state of a running server.
pub struct App {
    /// Objects, statuses and the directory.
    pub store: Store,
    /// Settings.
    pub config: Config,
    pub(crate) credentials: Credentials,
    pub(crate) metrics: Metrics,
}

impl App {
    /// Makes the state from a store and settings.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new(store: Store, config: Config) -> Result<Self, CredentialError> {
        Ok(Self { store, config, credentials: Credentials::new()?, metrics: Metrics::default() })
    }
}
