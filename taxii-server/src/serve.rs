//! A running server: listeners, background tasks, signals, shutdown.

mod descriptors;
mod signals;

pub use signals::StopSignal;
#[cfg(feature = "cli")]
pub(crate) use signals::outlive_file_limit;

use crate::app::{App, CredentialError};
use crate::certificates::Certificates;
use crate::config::{Config, ConfigError, ListenAddress, MetricsListen, Tls, Unnamed};
use crate::connection::{Front, Phase};
use crate::control::{ControlFile, ControlListener};
use crate::engines::{self, OpenError};
use crate::node;
use crate::router;
use crate::store::{Maintenance, Store, StoreError};
use signals::Signal;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::Instant;

/// Interval between removals of old statuses.
const MAINTENANCE: Duration = Duration::from_secs(600);
/// Interval between looks at what waits for time to go on in the network.
const TICK: Duration = Duration::from_secs(1);

/// Time from the start to the first look at everything that the network shows.
const FIRST_SCRUB: Duration = Duration::from_secs(600);
/// Time between two such looks.
const SCRUB: Duration = Duration::from_secs(24 * 3600);

/// A running server.
///
/// An application that has a router of its own does not need it: it nests [`router::service`].
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    phase: watch::Sender<Phase>,
    listeners: JoinSet<usize>,
    certificates: Option<Arc<Certificates>>,
    background: Vec<JoinHandle<()>>,
    control: Option<ControlFile>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings contradict each other or are out of bounds.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Secrets cannot be made.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// The name in an address has no address.
    #[error(
        "cannot find {address}, which the setting {setting} names; give a name of this machine, or 127.0.0.1:6100"
    )]
    Resolve {
        /// The address.
        address: ListenAddress,
        /// Key of the setting that names it.
        setting: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}; choose another address with the setting {setting}")]
    Bind {
        /// The address.
        address: ListenAddress,
        /// Key of the setting that names it.
        setting: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// A listener cannot be used.
    #[error("cannot use the listener")]
    Listener(#[source] io::Error),
    /// The certificate or its key cannot be used.
    #[error("cannot use {} with {}", certificate.display(), key.display())]
    Certificate {
        /// Path of the certificate chain.
        certificate: PathBuf,
        /// Path of the key.
        key: PathBuf,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The socket for the operator cannot be opened, or its place not written into the data folder.
    #[error("cannot open the socket for the operator of this machine")]
    Control(#[source] io::Error),
}

/// Why a server ended before it was asked to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The task of a listener panicked.
    #[error("the task of a listener ended")]
    Task(#[source] JoinError),
}

impl Server {
    /// Opens the store that the configuration names, and starts all listeners. With TLS, the process must have installed
    /// a rustls provider.
    ///
    /// The command line of the same machine reaches this server through a socket, which it finds in the data folder.
    ///
    /// # Errors
    /// When the configuration is not valid, the store cannot be opened, or an address is taken.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.check()?;
        let store = engines::open_to_serve(&config).await?;
        let unnamed = if config.is_tls() { Unnamed::All } else { Unnamed::Loopback };
        let listener = bind(&config.listen, Config::PORT, unnamed, "listen").await?;
        let server = Self::over(config, store, listener, Operator::CommandLine).await?;
        server.say_listening();
        Ok(server)
    }

    /// Starts a server over a store and a listener of the caller. `listen` and `data` of the configuration are not used,
    /// and the command line does not reach this server; [`Control::of`](crate::control::Control::of) administers it.
    ///
    /// # Errors
    /// When the configuration is not valid for the address of the listener, or the address for metrics is taken.
    pub async fn start_with(config: Config, store: Store, listener: TcpListener) -> Result<Self, StartError> {
        let server = Self::over(config, store, listener, Operator::Application).await?;
        server.say_listening();
        Ok(server)
    }

    async fn over(
        mut config: Config,
        store: Store,
        listener: TcpListener,
        operator: Operator,
    ) -> Result<Self, StartError> {
        let address = listener.local_addr().map_err(StartError::Listener)?;
        config.listen = address.into();
        config.check()?;
        let caps = descriptors::caps(&config);
        let app = Arc::new(App::new(store, config)?);
        let config = &app.config;
        let mut background =
            vec![tokio::spawn(maintain(Arc::clone(&app))), tokio::spawn(keep_time(Arc::clone(&app)))];
        background.push(tokio::spawn(node::keep(Arc::clone(&app))));
        let certificates = config.tls.clone().map(load_certificates).transpose()?;
        let service = router::mounted_service(Arc::clone(&app));
        let mut front = Front::new("listen", service, config.timeouts, caps);
        if let Some(certificates) = &certificates {
            let certificates = app.certificates.get_or_init(|| Arc::clone(certificates));
            background.push(tokio::spawn(Arc::clone(certificates).follow()));
            front = front.with_tls(Arc::clone(certificates));
        }
        front = front.behind(config.proxy_protocol_from.clone());
        let mut server = Self {
            app: Arc::clone(&app),
            address,
            phase: watch::Sender::new(Phase::Running),
            listeners: JoinSet::new(),
            certificates,
            background,
            control: None,
        };
        if operator == Operator::CommandLine {
            // Commands reach the server from its first answer on.
            server.open_control()?;
        }
        server.listen(listener, front)?;
        if let MetricsListen::At(address) = &config.metrics_listen {
            let listener = bind(address, Config::METRICS_PORT, Unnamed::Loopback, "metrics_listen").await?;
            let service = router::metrics_service(Arc::clone(&app));
            let front = Front::new("metrics_listen", service, config.timeouts, descriptors::METRICS);
            server.listen(listener, front)?;
        }
        if config.behind_tls_proxy && config.public_url.is_none() {
            tracing::warn!(
                "public_url is not set, so discovery gives relative URLs, which some clients do not take"
            );
        }
        Ok(server)
    }

    /// Logs that all listeners are open, that of the command line too.
    fn say_listening(&self) {
        let (address, tls) = (self.address, self.app.config.tls.is_some());
        tracing::info!(%address, tls, "listening");
    }

    /// Accepts connections until the server stops.
    fn listen(&mut self, listener: TcpListener, front: Front) -> Result<(), StartError> {
        listener.set_nonblocking(true).map_err(StartError::Listener)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(StartError::Listener)?;
        self.listeners.spawn(front.serve(listener, self.phase.subscribe()));
        Ok(())
    }

    /// Listens for the operator of this machine. A disk that takes no writes does not keep the server from serving.
    fn open_control(&mut self) -> Result<(), StartError> {
        let data = &self.app.config.data;
        let opened = ControlListener::open(data).and_then(|(listener, control)| {
            let file = control.write(data)?;
            Ok((listener, control, file))
        });
        let (listener, control, file) = match opened {
            Ok(opened) => opened,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
                ) =>
            {
                tracing::warn!(%error, "the command line cannot reach this server until it is started with room on the disk");
                return Ok(());
            }
            Err(error) => return Err(StartError::Control(error)),
        };
        let service = router::operator_service(Arc::clone(&self.app), &control.secret);
        let front = Front::new("control", service, self.app.config.timeouts, descriptors::CONTROL);
        let phase = self.phase.subscribe();
        match listener {
            #[cfg(unix)]
            ControlListener::Socket(listener) => self.listeners.spawn(front.serve(listener, phase)),
            ControlListener::Loopback(listener) => self.listeners.spawn(front.serve(listener, phase)),
        };
        self.control = Some(file);
        Ok(())
    }

    /// Address for TAXII; its port is the one that the system chose when the configuration says 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// URL below which everything is served, without a slash at its end.
    pub fn url(&self) -> String {
        let config = &self.app.config;
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let origin = config.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", self.address));
        format!("{}{}", origin.trim_end_matches('/'), config.base_path)
    }

    /// State that the handlers share.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Serves until a signal says to stop, then stops. SIGHUP makes it read the certificates again.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(mut self, mut signals: StopSignal) -> Result<(), ServeError> {
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Stop(signal) => {
                        tracing::info!(signal, "stopping; a second signal cuts open requests off");
                        break;
                    }
                    Signal::Reload => self.reload(),
                },
                Some(ended) = self.listeners.join_next() => {
                    ended.map_err(ServeError::Task)?;
                }
            }
        }
        let phase = self.phase.clone();
        let mut stopping = std::pin::pin!(self.stop());
        loop {
            tokio::select! {
                () = &mut stopping => return Ok(()),
                signal = signals.next() => if let Signal::Stop(_) = signal {
                    phase.send_replace(Phase::Cut);
                }
            }
        }
    }

    /// Says that the server is not ready, and goes on for the time in which proxies notice it.
    async fn leave(&self) {
        self.app.is_stopping.store(true, Ordering::Relaxed);
        let delay = Duration::from_secs(self.app.config.shutdown_delay.into());
        if delay.is_zero() {
            return;
        }
        advance(&self.phase, Phase::Leaving);
        let mut phase = self.phase.subscribe();
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            _ = phase.wait_for(|phase| *phase > Phase::Leaving) => {}
        }
    }

    fn reload(&self) {
        match &self.certificates {
            Some(certificates) => certificates.reload(),
            None => tracing::info!(
                "SIGHUP reads certificates again, and there are none; other settings need a restart"
            ),
        }
    }

    /// Lets proxies turn to other servers (`shutdown_delay`), waits for open requests, finishes all writes, and closes the
    /// store.
    pub async fn stop(mut self) {
        self.leave().await;
        drop(self.control);
        advance(&self.phase, Phase::Draining);
        let mut cut = 0;
        let mut grace = std::pin::pin!(tokio::time::sleep(self.app.config.timeouts.grace));
        let mut is_over = false;
        loop {
            tokio::select! {
                ended = self.listeners.join_next() => match ended {
                    Some(ended) => cut += ended.unwrap_or(0),
                    None => break,
                },
                () = &mut grace, if !is_over => {
                    is_over = true;
                    advance(&self.phase, Phase::Cut);
                }
            }
        }
        tracing::info!(cut, "connections are closed");
        node::leave(&self.app).await;
        for task in self.background {
            task.abort();
            let _ = task.await;
        }
        // Connections that are cut at the end of the grace hold the app for a moment more.
        let mut app = self.app;
        for _ in 0..50 {
            match Arc::try_unwrap(app) {
                Ok(app) => {
                    app.store.close().await;
                    tracing::info!("stopped");
                    return;
                }
                Err(shared) => app = shared,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tracing::warn!("a request did not end; the store is left to repair itself at the next start");
    }
}

/// Goes on to a phase, unless a later one has begun.
fn advance(phases: &watch::Sender<Phase>, phase: Phase) {
    phases.send_if_modified(|current| {
        let is_later = phase > *current;
        *current = phase.max(*current);
        is_later
    });
}

/// What administers a server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// Commands of this machine.
    CommandLine,
    /// The application that it is part of.
    Application,
}

/// Listens on the first address that can be used of those that a setting names.
pub(crate) async fn bind(
    address: &ListenAddress,
    default_port: u16,
    unnamed: Unnamed,
    setting: &'static str,
) -> Result<TcpListener, StartError> {
    let address = address.clone();
    match address.resolve(default_port, unnamed).await {
        Err(source) => Err(StartError::Resolve { address, setting, source }),
        Ok(sockets) => {
            TcpListener::bind(&sockets[..]).map_err(|source| StartError::Bind { address, setting, source })
        }
    }
}

fn load_certificates(tls: Tls) -> Result<Arc<Certificates>, StartError> {
    let Tls { certificate, key, .. } = tls.clone();
    match Certificates::load(tls) {
        Ok(certificates) => Ok(Arc::new(certificates)),
        Err(source) => Err(StartError::Certificate { certificate, key, source }),
    }
}

/// Lets time go on in the network without end, so that proposals expire, and compares once a day what is shown with what was
/// approved. [`Server`] does it by itself; an application that
/// nests [`router::service`] spawns it.
pub async fn keep_time(app: Arc<App>) {
    let mut scrub_at = Instant::now() + FIRST_SCRUB;
    loop {
        tokio::time::sleep(TICK).await;
        if let Err(error) = app.store.tick().await {
            tracing::warn!(%error, "time does not go on in the network");
        }
        if Instant::now() >= scrub_at {
            scrub_at = Instant::now() + SCRUB;
            if let Err(error) = scrub(&app).await {
                tracing::warn!(%error, "the network was not compared with what was approved");
            }
        }
    }
}

/// Compares what this server shows of its network with what was approved. One that differs stops serving it.
async fn scrub(app: &App) -> Result<(), StoreError> {
    if app.store.membership().is_none() {
        return Ok(());
    }
    let found = app.store.scrub_network().await?;
    let Some(problem) = found.problems.first() else { return Ok(()) };
    found
        .problems
        .iter()
        .for_each(|problem| tracing::error!(problem, "the network was changed below this server"));
    let count = found.count;
    app.store
        .fence_network(&format!(
            "{count} things differ from what was approved, such as: {problem}; its store was changed below it, or its disk lies"
        ))
        .await
}

/// Runs maintenance of the store without end: see [`Store::maintain`]. [`Server`] does it by itself; an application that
/// nests [`router::service`] spawns it.
pub async fn maintain(app: Arc<App>) {
    let keep_receipts = Duration::from_secs(u64::from(app.config.status_hours) * 3_600);
    app.store.maintain(Maintenance { keep_receipts, every: MAINTENANCE }).await;
}
