//! What every handler can see.

use crate::config::Config;
use crate::credentials::Credentials;
use crate::metrics::Metrics;
use crate::store::Store;
use tokio::sync::Notify;

/// The state of a running server.
pub struct App {
    /// Everything that is kept.
    pub store: Store,
    /// Settings, checked.
    pub config: Config,
    pub(crate) credentials: Credentials,
    pub(crate) metrics: Metrics,
    /// Wakes the task that clears away what nobody can see any more.
    pub(crate) maintenance: Notify,
}

impl App {
    /// Puts a server together.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn new(store: Store, config: Config) -> anyhow::Result<Self> {
        Ok(Self {
            store,
            config,
            credentials: Credentials::new()?,
            metrics: Metrics::default(),
            maintenance: Notify::new(),
        })
    }
}
