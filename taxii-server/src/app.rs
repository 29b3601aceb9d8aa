//! The state that all handlers share.

use crate::budget::Budgets;
use crate::certificates::Certificates;
use crate::config::Config;
pub use crate::credentials::CredentialError;
use crate::credentials::Credentials;
use crate::metrics::Metrics;
use crate::page_cache::PageCache;
use crate::store::Store;
use arc_swap::ArcSwapOption;
use consensus::order::Tls;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Mutex, Notify};

/// The state of a running server.
pub struct App {
    /// Objects, statuses and the directory.
    pub store: Store,
    /// Settings.
    pub config: Config,
    pub(crate) credentials: Credentials,
    pub(crate) metrics: Metrics,
    pub(crate) budgets: Budgets,
    /// Pages that were made.
    pub(crate) pages: PageCache,
    /// The certificates of our own listener, if it has some.
    pub(crate) certificates: OnceLock<Arc<Certificates>>,
    /// Tells that the node of this server is to be started, or that there is something new to ask other nodes.
    pub(crate) node_changed: Notify,
    /// The way of the node to others, while it runs.
    pub(crate) tls: ArcSwapOption<Tls>,
    /// Held while the node of this server is founded, or runs.
    pub(crate) node_turn: Mutex<()>,
    /// Whether the node is started by itself, as in a server.
    pub(crate) keeps_node: AtomicBool,
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
        let (node_changed, node_turn) = (Notify::new(), Mutex::new(()));
        Ok(Self {
            store,
            config,
            credentials,
            metrics,
            budgets,
            pages: PageCache::default(),
            certificates,
            node_changed,
            node_turn,
            tls: ArcSwapOption::empty(),
            keeps_node: AtomicBool::new(false),
            is_stopping,
        })
    }
}
