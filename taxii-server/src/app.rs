//! The state that all handlers share.

use crate::budget::Budgets;
use crate::certificates::Certificates;
use crate::config::Config;
pub use crate::credentials::CredentialError;
use crate::credentials::Credentials;
use crate::metrics::Metrics;
use crate::store::Store;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// The state of a running server.
pub struct App {
    /// Objects, statuses and the directory.
    pub store: Store,
    /// Settings.
    pub config: Config,
    pub(crate) credentials: Credentials,
    pub(crate) metrics: Metrics,
    pub(crate) budgets: Budgets,
    /// The certificates of our own listener, if it has some.
    pub(crate) certificates: OnceLock<Arc<Certificates>>,
    /// Whether the server was told to stop.
    pub(crate) is_stopping: AtomicBool,
}

impl App {
    /// Makes the state from a store and settings.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new(store: Store, config: Config) -> Result<Self, CredentialError> {
        let budgets = Budgets::new(config.max_content_length);
        let (credentials, metrics) = (Credentials::new()?, Metrics::default());
        let (certificates, is_stopping) = (OnceLock::new(), AtomicBool::new(false));
        Ok(Self { store, config, credentials, metrics, budgets, certificates, is_stopping })
    }
}
