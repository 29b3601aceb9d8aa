//! Ctrl-C: the first one stops the push, and the next one the program.

use crate::failure::Failure;
use std::future::poll_fn;
use std::pin::pin;
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use tokio::sync::Notify;

/// Interrupts from the terminal, watched by a thread of their own, because writing to a full pipe blocks.
#[derive(Clone, Default)]
pub(super) struct Interrupts(Arc<State>);

#[derive(Default)]
struct State {
    first: Notify,
    /// Nothing is left to be shown that the user would miss, or the user has asked twice.
    is_next_the_end: AtomicBool,
}

impl Interrupts {
    /// Begins to watch; before that, an interrupt ends the program by itself.
    pub(super) fn watch() -> Self {
        let interrupts = Self::default();
        let (ready, is_ready) = mpsc::channel();
        let watcher = interrupts.clone();
        thread::spawn(move || watcher.run(&ready));
        // An error says that nothing is watched: then the signal ends the program, as it does by itself.
        let _ = is_ready.recv();
        interrupts
    }

    /// Ends with the first interrupt.
    pub(super) async fn first(&self) {
        self.0.first.notified().await;
    }

    /// From here on, the first interrupt ends the program too.
    pub(super) fn end_with_next(&self) {
        self.0.is_next_the_end.store(true, Ordering::Relaxed);
    }

    fn run(&self, ready: &mpsc::Sender<()>) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            loop {
                let mut next = pin!(tokio::signal::ctrl_c());
                // The first look at it sets the handler.
                let early = poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await;
                // The push has begun long ago when this is not the first round.
                let _ = ready.send(());
                let came = match early {
                    Poll::Ready(came) => came,
                    Poll::Pending => next.await,
                };
                if came.is_err() {
                    return;
                }
                if self.0.is_next_the_end.swap(true, Ordering::Relaxed) {
                    exit(Failure::Interrupted.exit_code().into());
                }
                self.0.first.notify_one();
            }
        });
    }
}
