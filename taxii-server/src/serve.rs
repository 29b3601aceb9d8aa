//! A running server: its listeners, its background work, its end.

use crate::app::App;
use crate::config::{Config, MetricsListen, Tls};
use crate::control::ControlFile;
use crate::router;
use crate::store::Store;
use anyhow::Context;
use axum_server::Handle;
use axum_server::accept::DefaultAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::{JoinHandle, JoinSet};

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long open requests may go on when the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// How often certificate files are looked at.
const CERTIFICATE_CHECK: Duration = Duration::from_secs(2);
/// How often old statuses are removed.
const MAINTENANCE: Duration = Duration::from_secs(600);

/// A server that answers.
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    listeners: JoinSet<std::io::Result<()>>,
    background: Vec<JoinHandle<()>>,
    control: ControlFile,
}

impl Server {
    /// Opens the store and starts all listeners. A process needs a rustls provider installed before.
    ///
    /// # Errors
    /// When the configuration does not hold, the store cannot be opened, or an address is taken.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        config.check()?;
        let store = Store::open_folder(&config.data).await?;
        let app = Arc::new(App::new(store, config)?);
        let config = &app.config;
        let handle = Handle::new();
        let mut listeners = JoinSet::new();
        let mut background = vec![tokio::spawn(maintain(Arc::clone(&app)))];

        let listener = bind(config.listen).context("choose another address with --listen")?;
        let address = listener.local_addr()?;
        let service = router::service(Arc::clone(&app));
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
            let listener =
                bind(address).context("choose another address for metrics with --metrics-listen, or none")?;
            listeners.spawn(plain(listener, &handle, router::metrics_service(Arc::clone(&app)))?);
        }
        let operator = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let control = ControlFile::write(&config.data, operator.local_addr()?)?;
        let service = router::operator_service(Arc::clone(&app), control.secret());
        listeners.spawn(plain(operator, &handle, service)?);
        if config.behind_tls_proxy && config.public_url.is_none() {
            tracing::warn!("public_url is not set, so discovery repeats whatever host a request names");
        }
        tracing::info!(%address, data = %config.data.display(), "listening");
        Ok(Self { app, address, handle, listeners, background, control })
    }

    /// The address for TAXII, with the port that was given when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a URL, without a slash at its end.
    pub fn url(&self) -> String {
        let scheme = if self.app.config.tls.is_some() { "https" } else { "http" };
        self.app.config.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", self.address))
    }

    /// What the handlers see.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Serves until somebody asks to stop, then stops.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(mut self, mut stop: StopSignal) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.wait() => {}
            ended = self.listeners.join_next() => {
                if let Some(ended) = ended {
                    ended??;
                }
            }
        }
        self.stop().await;
        Ok(())
    }

    /// Lets open requests end, writes everything, and closes the store.
    pub async fn stop(mut self) {
        drop(self.control);
        self.handle.graceful_shutdown(Some(GRACE));
        while self.listeners.join_next().await.is_some() {}
        for task in self.background {
            task.abort();
            let _ = task.await;
        }
        // Connections that outlived the grace hold the app for a moment more.
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

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

type Listening = futures::future::BoxFuture<'static, std::io::Result<()>>;

fn plain(
    listener: TcpListener,
    handle: &Handle<SocketAddr>,
    service: router::Service,
) -> anyhow::Result<Listening> {
    let server: axum_server::Server<SocketAddr, DefaultAcceptor> = axum_server::from_tcp(listener)?;
    let mut server = server.handle(handle.clone());
    limit_heads(server.http_builder());
    Ok(Box::pin(server.serve(tower::make::Shared::new(service))))
}

fn encrypted(
    listener: TcpListener,
    handle: &Handle<SocketAddr>,
    certificates: RustlsConfig,
    service: router::Service,
) -> anyhow::Result<Listening> {
    let server: axum_server::Server<SocketAddr, RustlsAcceptor> =
        axum_server::from_tcp_rustls(listener, certificates)?;
    let mut server = server.handle(handle.clone());
    limit_heads(server.http_builder());
    Ok(Box::pin(server.serve(tower::make::Shared::new(service))))
}

/// Without a timer hyper waits for ever, and without a limit it buffers too much.
fn limit_heads(builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>) {
    let timer = hyper_util::rt::TokioTimer::new;
    builder.http1().timer(timer()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(64 << 10);
    builder.http2().timer(timer()).max_concurrent_streams(100).max_header_list_size(16 << 10);
}

async fn load_certificates(tls: &Tls) -> anyhow::Result<RustlsConfig> {
    let loaded = RustlsConfig::from_pem_file(&tls.certificate, &tls.key).await;
    loaded.with_context(|| format!("cannot use {} with {}", tls.certificate.display(), tls.key.display()))
}

/// Takes new certificates without a restart. A pair that does not fit is reported, and the old one stays.
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

fn modified(tls: &Tls) -> [Option<SystemTime>; 2] {
    [&tls.certificate, &tls.key].map(|path: &PathBuf| std::fs::metadata(path).ok()?.modified().ok())
}

async fn maintain(app: Arc<App>) {
    loop {
        let kept = i64::from(app.config.status_hours) * 3_600_000_000;
        if let Err(error) = app.store.clear(app.store.clock().now_micros() - kept).await {
            tracing::error!(%error, "clearing away failed");
        }
        let _ = tokio::time::timeout(MAINTENANCE, app.maintenance.notified()).await;
    }
}

/// Ctrl-C and SIGTERM. Registered before anybody is told that the server is ready, so that none is missed.
pub struct StopSignal {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl StopSignal {
    /// From now on these signals do not end the process by themselves.
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
