//! Signals of the operating system.

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Stop; the name is that of the signal.
    Stop(&'static str),
    /// Read the certificates again.
    Reload,
}

/// The signals that a server obeys: Ctrl-C and SIGTERM stop it, SIGHUP makes it read its certificates again. Register it
/// before the server is said to be ready, so that no signal is missed.
pub struct StopSignal {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 3],
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
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            let [interrupt, terminate, hangup] = kinds.map(signal);
            Ok(Self { signals: [interrupt?, terminate?, hangup?] })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    pub(super) async fn next(&mut self) -> Signal {
        #[cfg(unix)]
        {
            let [interrupt, terminate, hangup] = &mut self.signals;
            tokio::select! {
                _ = interrupt.recv() => Signal::Stop("SIGINT"),
                _ = terminate.recv() => Signal::Stop("SIGTERM"),
                _ = hangup.recv() => Signal::Reload,
            }
        }
        #[cfg(not(unix))]
        {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            Signal::Stop("Ctrl-C")
        }
    }
}
