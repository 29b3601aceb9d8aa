//! Threads that may wait for files.

use std::cell::Cell;

thread_local! {
    static MAY_WAIT: Cell<bool> = const { Cell::new(false) };
}

/// Runs work that reads many times, each time after the one before. It runs on a thread that may wait, so engines that keep
/// files answer there at once; elsewhere each read goes to another thread and back, which takes longer than most reads.
pub(in crate::store) async fn on_waiting_thread<F>(work: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || {
        // The thread is one of those that Tokio keeps for what waits, and does nothing else later.
        MAY_WAIT.set(true);
        runtime.block_on(work)
    });
    match done.await {
        Ok(output) => output,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// Whether this thread may wait.
pub(in crate::store) fn may_wait() -> bool {
    MAY_WAIT.get()
}
