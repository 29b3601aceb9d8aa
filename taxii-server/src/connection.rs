//! Connections: accepting them, TLS, HTTP/1.1 and HTTP/2, and the end of those on which nothing moves.
//!
//! Each state has a timer: the header of a proxy, the TLS handshake, the head of a request, its body (`drain.rs`), taking the answer, and the
//! time until the next request. Answers have none while the server makes them.

mod activity;
mod exchange;
mod proxied;
mod register;
mod stream;

pub(crate) use register::Caps;

use crate::budget::Budget;
use crate::certificates::Certificates;
use crate::config::{Networks, Timeouts};
use crate::router;
use activity::{Activity, Overdue};
use exchange::ConnectionService;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use proxied::HeaderError;
use register::{Place, Register};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;
use stream::{Beginning, Begun, Watched};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;

/// Bytes that hyper buffers of each direction of an HTTP/1.1 connection.
const BUFFER: usize = 64 << 10;
/// Requests at once on an HTTP/2 connection.
const STREAMS: u32 = 32;
/// Maximum size of the head of an HTTP/2 request, as RFC 9113 counts it.
const HEADER_LIST: u32 = 16 << 10;
/// Resets that are remembered of an HTTP/2 client.
const RESETS: usize = 20;
/// Bytes of bodies that a client may send before the server reads them: for each request, and for the connection.
const WINDOWS: [u32; 2] = [256 << 10, 512 << 10];
/// Time between pings over HTTP/2, and time for their answers.
const PING: Duration = Duration::from_secs(20);
/// Time for an idle connection to say goodbye.
const GOODBYE: Duration = Duration::from_millis(500);
/// Time until a listener that failed, as for want of descriptors, tries again.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Whether connections go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// They do.
    Running,
    /// They do, and over HTTP/1.1 end with their next answer, so that clients come back to another server.
    Leaving,
    /// Open requests are finished, and nothing new begins.
    Draining,
    /// All are closed.
    Cut,
}

/// Where a connection comes from.
struct Origin {
    peer: Option<SocketAddr>,
    /// Whether its header will tell the client.
    is_proxy: bool,
}

/// A socket that gives connections.
pub(crate) trait Incoming: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for the next connection. The address is that of the client, if it has one.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, Option<SocketAddr>)>> + Send;
}

impl Incoming for tokio::net::TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn next(&self) -> io::Result<(Self::Stream, Option<SocketAddr>)> {
        let (stream, peer) = self.accept().await?;
        // Small answers go out at once. A socket that refuses this works anyway.
        let _ = stream.set_nodelay(true);
        Ok((stream, Some(peer)))
    }
}

#[cfg(unix)]
impl Incoming for tokio::net::UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn next(&self) -> io::Result<(Self::Stream, Option<SocketAddr>)> {
        let (stream, _) = self.accept().await?;
        Ok((stream, None))
    }
}

/// What stands behind a listener.
pub(crate) struct Front {
    service: router::Service,
    certificates: Option<Arc<Certificates>>,
    timeouts: Timeouts,
    register: Arc<Register>,
    /// Proxies that tell where clients are.
    proxies: Networks,
}

impl Front {
    /// `name` is the setting that names the address.
    pub(crate) fn new(name: &'static str, service: router::Service, timeouts: Timeouts, caps: Caps) -> Self {
        let (register, proxies) = (Register::new(name, caps), Networks::default());
        Self { service, certificates: None, timeouts, register, proxies }
    }

    /// Takes the address of clients from the header of these proxies.
    pub(crate) fn behind(self, proxies: Networks) -> Self {
        Self { proxies, ..self }
    }

    pub(crate) fn with_tls(self, certificates: Arc<Certificates>) -> Self {
        Self { certificates: Some(certificates), ..self }
    }

    /// Accepts connections until the phase ends that, then waits for those that are open. Returns how many were cut off.
    pub(crate) async fn serve(self, listener: impl Incoming, mut phase: watch::Receiver<Phase>) -> usize {
        let (front, phases) = (Arc::new(self), phase.clone());
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = reaches(&mut phase, Phase::Draining) => break,
                Some(_) = connections.join_next() => {}
                incoming = listener.next() => match incoming {
                    Ok((stream, peer)) => {
                        let address = peer.map(|peer| peer.ip());
                        let is_proxy = address.is_some_and(|address| front.proxies.contains(address));
                        if let Some(place) = front.register.admit(address.filter(|_| !is_proxy)) {
                            let origin = Origin { peer, is_proxy };
                            connections.spawn(Arc::clone(&front).hold(stream, origin, place, phases.clone()));
                        }
                    }
                    Err(error) => front.rest(&error).await,
                },
            }
        }
        drop(listener);
        loop {
            tokio::select! {
                () = reaches(&mut phase, Phase::Cut) => break,
                closed = connections.join_next() => if closed.is_none() { break },
            }
        }
        let cut = connections.len();
        connections.shutdown().await;
        cut
    }

    async fn rest(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
        if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
            return;
        }
        if let Some(times) = self.register.trouble.tell() {
            tracing::error!(%error, times, "cannot accept connections; is the limit of open files (ulimit -n) too low?");
        }
        tokio::time::sleep(ACCEPT_AGAIN).await;
    }

    /// Serves a connection until it ends or its place is needed.
    async fn hold(
        self: Arc<Self>,
        mut stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        origin: Origin,
        mut place: Place,
        mut phase: watch::Receiver<Phase>,
    ) {
        let mut peer = origin.peer;
        if origin.is_proxy {
            let client = tokio::select! {
                client = self.ask_proxy(&mut stream, peer) => client,
                () = reaches(&mut phase, Phase::Draining) => return,
                _ = &mut place.given_up => return,
            };
            let Some(client) = client else { return };
            peer = client.or(peer);
            if peer.is_some_and(|peer| !place.belongs_to(peer.ip())) {
                return;
            }
        }
        let activity = Arc::clone(&place.activity);
        tokio::select! {
            () = self.begin(stream, peer, activity, phase) => {}
            _ = &mut place.given_up => tracing::debug!(peer = shown(peer), "closed in favour of a new connection"),
        }
    }

    /// Waits for the header of a proxy. `None` when there is none that can be used.
    async fn ask_proxy(
        &self,
        stream: &mut (impl AsyncRead + Unpin),
        proxy: Option<SocketAddr>,
    ) -> Option<Option<SocketAddr>> {
        let header = tokio::time::timeout(self.timeouts.proxy_header, proxied::read_header(stream)).await;
        let cause = match header {
            Ok(Ok(client)) => return Some(client),
            // Probes that only connect come often, and say nothing of the settings.
            Ok(Err(HeaderError::Ended(_))) => return None,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the header did not come in time".to_owned(),
        };
        if let Some(times) = self.register.trouble.tell() {
            let hint = "let the proxy send it (HAProxy: send-proxy-v2), or take the address out of proxy_protocol_from";
            tracing::warn!(
                proxy = shown(proxy),
                cause,
                times,
                hint,
                "a connection has no header of the PROXY protocol"
            );
        }
        None
    }

    /// Waits for the first byte, and shakes hands over TLS.
    async fn begin(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        peer: Option<SocketAddr>,
        activity: Arc<Activity>,
        mut phase: watch::Receiver<Phase>,
    ) {
        let first = Begun::read_first(stream);
        let first = tokio::select! {
            first = tokio::time::timeout(self.timeouts.head, first) => first,
            () = reaches(&mut phase, Phase::Draining) => return,
        };
        let Ok(Ok(Some((beginning, stream)))) = first else { return };
        if beginning == Beginning::ProxyHeader {
            if let Some(times) = self.register.trouble.tell() {
                let hint = "if it is a proxy of yours, name it in proxy_protocol_from";
                tracing::warn!(
                    peer = shown(peer),
                    times,
                    hint,
                    "an address that is no known proxy sends a header of the PROXY protocol"
                );
            }
            return;
        }
        let is_handshake = beginning == Beginning::Handshake;
        match &self.certificates {
            None => {
                if is_handshake && let Some(times) = self.register.trouble.tell() {
                    let hint = "use http://, or set tls.certificate and tls.key";
                    tracing::warn!(
                        peer = shown(peer),
                        times,
                        hint,
                        "a client speaks TLS, and this address does not"
                    );
                }
                self.converse(stream, peer, activity, phase).await;
            }
            Some(_) if !is_handshake => {
                if let Some(times) = self.register.trouble.tell() {
                    tracing::warn!(
                        peer = shown(peer),
                        times,
                        "a client does not speak TLS, and this address does; use https://"
                    );
                }
                // The client may have gone.
                let _ = tokio::time::timeout(self.timeouts.head, explain_tls(stream)).await;
            }
            Some(certificates) => {
                let handshake = TlsAcceptor::from(certificates.current()).accept(stream);
                let stream = tokio::select! {
                    stream = tokio::time::timeout(self.timeouts.handshake, handshake) => stream,
                    () = reaches(&mut phase, Phase::Draining) => return,
                };
                match stream {
                    Ok(Ok(stream)) => {
                        activity.reopened();
                        self.converse(stream, peer, activity, phase).await;
                    }
                    Ok(Err(error)) => tracing::debug!(peer = shown(peer), %error, "no TLS handshake"),
                    Err(_) => tracing::debug!(peer = shown(peer), "the TLS handshake took too long"),
                }
            }
        }
    }

    /// Speaks HTTP.
    async fn converse(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        peer: Option<SocketAddr>,
        activity: Arc<Activity>,
        mut phase: watch::Receiver<Phase>,
    ) {
        let service = ConnectionService {
            service: self.service.clone(),
            activity: Arc::clone(&activity),
            peer,
            budget: Budget::of_connection(),
            phase: phase.clone(),
        };
        let stream = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
        let protocol = protocol();
        let mut connection = pin!(protocol.serve_connection(stream, service));
        let mut timer = Timer::new(&activity, self.timeouts);
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(peer = shown(peer), %error, "a connection failed");
                }
                return;
            }
            overdue = timer.overdue() => {
                tracing::debug!(peer = shown(peer), ?overdue, "a connection is closed");
                if overdue != Overdue::Idle {
                    return;
                }
            }
            () = reaches(&mut phase, Phase::Draining) => {}
        }
        connection.as_mut().graceful_shutdown();
        loop {
            tokio::select! {
                biased;
                _ = connection.as_mut() => return,
                overdue = timer.overdue(), if !activity.is_idle() => {
                    tracing::debug!(peer = shown(peer), ?overdue, "a connection is closed");
                    return;
                }
                () = tokio::time::sleep(GOODBYE) => if activity.is_idle() { return },
            }
        }
    }
}

/// Waits for a phase or a later one.
async fn reaches(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    // Without a sender the server is gone, which is the end too.
    let _ = phase.wait_for(|phase| *phase >= wanted).await;
}

fn shown(peer: Option<SocketAddr>) -> Option<tracing::field::DisplayValue<SocketAddr>> {
    peer.map(tracing::field::display)
}

fn protocol() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Heads have a timer of ours, which knows that an idle connection is none that is slow.
    builder.http1().header_read_timeout(None).max_buf_size(BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIST)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .initial_stream_window_size(WINDOWS[0])
        .initial_connection_window_size(WINDOWS[1])
        .max_send_buf_size(BUFFER)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

/// Tells a client that speaks plain HTTP to use TLS.
async fn explain_tls(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let text = "This address speaks TLS: use a URL that begins with https://\n";
    let length = text.len();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{text}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // Closing with bytes unread would make the system discard the answer.
    let mut rest = (&mut stream).take(BUFFER as u64);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
    Ok(())
}

/// Follows the deadline of a connection.
struct Timer<'a> {
    activity: &'a Activity,
    timeouts: Timeouts,
    sleep: Pin<Box<Sleep>>,
}

impl<'a> Timer<'a> {
    fn new(activity: &'a Activity, timeouts: Timeouts) -> Self {
        Self { activity, timeouts, sleep: Box::pin(tokio::time::sleep(timeouts.head)) }
    }

    /// Waits until the client is overdue. It must be polled after whatever changes the activity, which all happens while
    /// the connection is polled.
    async fn overdue(&mut self) -> Overdue {
        poll_fn(|context| {
            loop {
                let now = Instant::now();
                let deadline = self.activity.deadline(&self.timeouts);
                if let Some((at, overdue)) = deadline
                    && at <= now
                {
                    return Poll::Ready(overdue);
                }
                // Without a deadline the state is looked at again from time to time.
                let at = deadline.map_or(now + self.timeouts.write, |(at, _)| at);
                if self.sleep.deadline() != at {
                    self.sleep.as_mut().reset(at);
                }
                ready!(self.sleep.as_mut().poll(context));
            }
        })
        .await
    }
}
