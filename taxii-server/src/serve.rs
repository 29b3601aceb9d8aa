//! A running server: listeners, TLS, background tasks, shutdown.

use crate::app::{App, CredentialError};
use crate::config::{Config, ConfigError, MetricsListen, Tls};
use crate::control::{ControlAddress, ControlFile};
use crate::engines::{self, OpenError};
use crate::router;
use crate::store::{Maintenance, Store};
use axum_server::Handle;
use axum_server::accept::DefaultAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::{JoinError, JoinHandle, JoinSet};

/// Maximum time in which a client must send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Time that open requests get when the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// Interval between looks at the certificate files.
const CERTIFICATE_CHECK: Duration = Duration::from_secs(2);
/// Interval between removals of old statuses.
const MAINTENANCE: Duration = Duration::from_secs(600);

/// A running server.
///
/// An application that has a router of its own does not need it: it nests [`router::service`].
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    listeners: JoinSet<io::Result<()>>,
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
    /// The engine takes smaller commits than the settings allow requests to be.
    #[error(
        "max_content_length is {max_content_length}, and the store takes requests of {most} bytes at most"
    )]
    MaxContentLength {
        /// The setting.
        max_content_length: u64,
        /// Bytes of the largest request.
        most: usize,
    },
    /// Secrets cannot be made.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}; choose another address with the setting {setting}")]
    Bind {
        /// The address.
        address: SocketAddr,
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
        source: io::Error,
    },
    /// The address for the operator cannot be opened or written into the data folder.
    #[error("cannot open the address for the operator of this machine")]
    Control(#[source] io::Error),
}

/// Why a server ended before it was asked to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A listener failed.
    #[error("a listener failed")]
    Listener(#[source] io::Error),
    /// The task of a listener panicked.
    #[error("the task of a listener ended")]
    Task(#[source] JoinError),
}

impl Server {
    /// Opens the store that the configuration names, and starts all listeners. With TLS, the process must have installed
    /// a rustls provider.
    ///
    /// The command line of the same machine reaches this server through a loopback address, which it finds in the data
    /// folder.
    ///
    /// # Errors
    /// When the configuration is not valid, the store cannot be opened, or an address is taken.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.check()?;
        let store = engines::open(&config).await?;
        let listener = bind(config.listen, "listen")?;
        let mut server = Self::start_with(config, store, listener).await?;
        server.open_control()?;
        Ok(server)
    }

    /// Starts a server over a store and a listener of the caller. `listen` and `data` of the configuration are not used,
    /// and the command line does not reach this server; [`Control::of`](crate::control::Control::of) administers it.
    ///
    /// # Errors
    /// When the configuration is not valid for the address of the listener, or the address for metrics is taken.
    pub async fn start_with(
        mut config: Config,
        store: Store,
        listener: TcpListener,
    ) -> Result<Self, StartError> {
        let address = listener.local_addr().map_err(StartError::Listener)?;
        config.listen = address;
        config.check()?;
        let (max_content_length, most) = (config.max_content_length, store.max_request_bytes());
        if usize::try_from(max_content_length).map_or(true, |length| length > most) {
            return Err(StartError::MaxContentLength { max_content_length, most });
        }
        let app = Arc::new(App::new(store, config)?);
        let config = &app.config;
        let handle = Handle::new();
        let mut listeners = JoinSet::new();
        let mut background = vec![tokio::spawn(maintain(Arc::clone(&app)))];
        let service = router::mounted_service(Arc::clone(&app));
        match &config.tls {
            None => {
                listeners.spawn(plain(listener, &handle, service)?);
            }
            Some(tls) => {
                let certificates = load_certificates(tls).await?;
                background.push(tokio::spawn(reload(tls.clone(), certificates.clone())));
                listeners.spawn(encrypted(listener, &handle, certificates, service)?);
            }
        }
        if let MetricsListen::At(address) = config.metrics_listen {
            let listener = bind(address, "metrics_listen")?;
            listeners.spawn(plain(listener, &handle, router::metrics_service(Arc::clone(&app)))?);
        }
        if config.behind_tls_proxy && config.public_url.is_none() {
            tracing::warn!("public_url is not set, so discovery repeats whatever host a request names");
        }
        tracing::info!(%address, "listening");
        Ok(Self { app, address, handle, listeners, background, control: None })
    }

    /// Opens the loopback address for the operator of this machine.
    fn open_control(&mut self) -> Result<(), StartError> {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), "listen")?;
        let address = listener.local_addr().map_err(StartError::Control)?;
        let secret = crate::credentials::new_password()?;
        let control = ControlAddress { address, secret };
        let service = router::operator_service(Arc::clone(&self.app), &control.secret);
        self.listeners.spawn(plain(listener, &self.handle, service)?);
        self.control = Some(control.write(&self.app.config.data).map_err(StartError::Control)?);
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

    /// Serves until the signal comes, then stops.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(mut self, mut stop: StopSignal) -> Result<(), ServeError> {
        tokio::select! {
            () = stop.wait() => {}
            ended = self.listeners.join_next() => {
                if let Some(ended) = ended {
                    ended.map_err(ServeError::Task)?.map_err(ServeError::Listener)?;
                }
            }
        }
        self.stop().await;
        Ok(())
    }

    /// Waits for open requests, finishes all writes, and closes the store.
    pub async fn stop(mut self) {
        drop(self.control);
        self.handle.graceful_shutdown(Some(GRACE));
        while self.listeners.join_next().await.is_some() {}
        for task in self.background {
            task.abort();
            let _ = task.await;
        }
        // Connections that are cut at the end of the grace hold the app for a moment more.
        let mut app = self.app;
        for _ in 0..50 {
            match Arc::try_unwrap(app) {
                Ok(app) => return app.store.close().await,
                Err(shared) => app = shared,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tracing::warn!("a request did not end; the store is left to repair itself at the next start");
    }
}

fn bind(address: SocketAddr, setting: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).map_err(|source| StartError::Bind { address, setting, source })
}

type Listening = futures::future::BoxFuture<'static, io::Result<()>>;

fn plain(
    listener: TcpListener,
    handle: &Handle<SocketAddr>,
    service: router::Service,
) -> Result<Listening, StartError> {
    listener.set_nonblocking(true).map_err(StartError::Listener)?;
    let server: axum_server::Server<SocketAddr, DefaultAcceptor> =
        axum_server::from_tcp(listener).map_err(StartError::Listener)?;
    let mut server = server.handle(handle.clone());
    limit_heads(server.http_builder());
    Ok(Box::pin(server.serve(tower::make::Shared::new(service))))
}

fn encrypted(
    listener: TcpListener,
    handle: &Handle<SocketAddr>,
    certificates: RustlsConfig,
    service: router::Service,
) -> Result<Listening, StartError> {
    listener.set_nonblocking(true).map_err(StartError::Listener)?;
    let server: axum_server::Server<SocketAddr, RustlsAcceptor> =
        axum_server::from_tcp_rustls(listener, certificates).map_err(StartError::Listener)?;
    let mut server = server.handle(handle.clone());
    limit_heads(server.http_builder());
    Ok(Box::pin(server.serve(tower::make::Shared::new(service))))
}

/// Bounds time and memory for the heads of requests; hyper has no timeout by default.
fn limit_heads(builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>) {
    let timer = hyper_util::rt::TokioTimer::new;
    builder.http1().timer(timer()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(64 << 10);
    builder.http2().timer(timer()).max_concurrent_streams(100).max_header_list_size(16 << 10);
}

async fn load_certificates(tls: &Tls) -> Result<RustlsConfig, StartError> {
    let loaded = RustlsConfig::from_pem_file(&tls.certificate, &tls.key).await;
    loaded.map_err(|source| {
        let Tls { certificate, key } = tls.clone();
        StartError::Certificate { certificate, key, source }
    })
}

/// Loads certificates again when their files change. A pair that cannot be used is logged, and the old one stays.
async fn reload(tls: Tls, certificates: RustlsConfig) {
    let mut seen = modified(&tls);
    loop {
        tokio::time::sleep(CERTIFICATE_CHECK).await;
        let now = modified(&tls);
        if now == seen {
            continue;
        }
        match certificates.reload_from_pem_file(&tls.certificate, &tls.key).await {
            Ok(()) => tracing::info!("took the new certificate"),
            Err(error) => tracing::error!(%error, "the new certificate cannot be used; the old one stays"),
        }
        seen = now;
    }
}

/// Times at which the files changed.
fn modified(tls: &Tls) -> [Option<SystemTime>; 2] {
    [&tls.certificate, &tls.key].map(|path: &PathBuf| std::fs::metadata(path).ok()?.modified().ok())
}

/// Runs maintenance of the store without end: see [`Store::maintain`]. [`Server`] does it by itself; an application that
/// nests [`router::service`] spawns it.
pub async fn maintain(app: Arc<App>) {
    let keep_receipts = Duration::from_secs(u64::from(app.config.status_hours) * 3_600);
    app.store.maintain(Maintenance { keep_receipts, every: MAINTENANCE }).await;
}

/// Waits for Ctrl-C or SIGTERM. Register it before the server is said to be ready, so that no signal is missed.
pub struct StopSignal {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl StopSignal {
    /// Takes over the signals; they no longer end the process by themselves.
    ///
    /// # Errors
    /// When the operating system does not allow it.
    pub fn register() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { signals: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?] })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate] = &mut self.signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
