//! Signals of the operating system.

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Stop; the name is that of the signal.
    Stop(&'static str),
    /// Read the certificates again.
    Reload,
}

/// The signals that a server obeys: Ctrl-C and SIGTERM stop it, SIGHUP makes it read its certificates again. SIGXFSZ no
/// longer ends the process. Register it before the server is said to be ready, so that no signal is missed.
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
        outlive_file_limit()?;
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

    /// Waits until a signal says to stop.
    #[cfg(feature = "cli")]
    pub(crate) async fn stopped(&mut self) {
        while self.next().await == Signal::Reload {}
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

/// Takes over the signal of the system for files that grow beyond their limit (`ulimit -f`), which ends the process by
/// itself. Then a write gives an error instead, and the store treats the limit as a full disk.
///
/// # Errors
/// When the operating system does not allow it.
pub(crate) fn outlive_file_limit() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // It stays taken over when what listens to it is dropped.
        let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    }
    Ok(())
}
