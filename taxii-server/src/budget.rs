//! Memory and work that requests may take, for each connection and in all.
//!
//! Bytes that wait for a client are paid for until they are in the socket, so clients that do not read cannot make the
//! server hold more than its budget; neither can bodies, compressed or not, but for their first 16 KiB, so that large
//! bodies do not keep small ones out. Work on bodies runs on as many threads as there are cores, and ends when its request
//! does.

use crate::error::ApiError;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of a unit.
const UNIT: usize = 1 << 10;
/// Bytes of answers that wait for their clients.
const ANSWERS: usize = 128 << 20;
/// Those of one connection.
const ANSWERS_OF_CONNECTION: usize = 4 << 20;
/// Largest bodies that are held at once.
const BODIES: usize = 16;
/// Least number of bytes for all bodies.
const LEAST_BODIES: usize = 64 << 20;
/// Time that a request waits for a thread: bodies before it are large.
const WORK_WAIT: Duration = Duration::from_secs(60);

/// The budgets of a server.
pub(crate) struct Budgets {
    /// Bytes of answers.
    pub(crate) answers: Budget,
    /// Bytes of the bodies of requests, compressed and decompressed.
    pub(crate) bodies: Budget,
    /// Threads for work on bodies.
    pub(crate) work: Work,
}

impl Budgets {
    /// `max_content_length` is the size of the largest body.
    pub(crate) fn new(max_content_length: u64) -> Self {
        let largest = usize::try_from(max_content_length).unwrap_or(usize::MAX);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            answers: Budget::new(ANSWERS),
            bodies: Budget::new(largest.saturating_mul(BODIES).max(LEAST_BODIES)),
            work: Work(Arc::new(Semaphore::new(cores))),
        }
    }
}

/// A number of bytes that requests share.
#[derive(Clone)]
pub(crate) struct Budget {
    units: Arc<Semaphore>,
    most: u32,
}

impl Budget {
    fn new(bytes: usize) -> Self {
        let most = u32::try_from((bytes / UNIT).min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Self { units: Arc::new(Semaphore::new(most as usize)), most }
    }

    /// That of a new connection.
    pub(crate) fn of_connection() -> Self {
        Self::new(ANSWERS_OF_CONNECTION)
    }

    /// Something larger than the whole budget takes all of it.
    fn units(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.most)
    }

    /// Waits for a share.
    ///
    /// # Errors
    /// When none is free in time.
    pub(crate) async fn reserve(&self, bytes: usize, wait: Duration) -> Result<Share, ApiError> {
        let permit = Arc::clone(&self.units).acquire_many_owned(self.units(bytes));
        match tokio::time::timeout(wait, permit).await {
            Ok(Ok(permit)) => Ok(Share(permit)),
            _ => Err(ApiError::BUSY),
        }
    }

    /// Takes a share.
    ///
    /// # Errors
    /// When none is free.
    pub(crate) fn try_reserve(&self, bytes: usize) -> Result<Share, ApiError> {
        let permit = Arc::clone(&self.units).try_acquire_many_owned(self.units(bytes));
        permit.map(Share).map_err(|_| ApiError::BUSY)
    }
}

/// A share of a budget, until it is dropped.
pub(crate) struct Share(OwnedSemaphorePermit);

impl Share {
    /// Adds another share of the same budget.
    pub(crate) fn add(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    fn cut_to(&mut self, bytes: usize) {
        let surplus = self.0.num_permits().saturating_sub(bytes.div_ceil(UNIT));
        drop(self.0.split(surplus));
    }

    /// Keeps the share until the last part of the bytes is dropped.
    pub(crate) fn kept_with(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Kept { bytes, _share: self })
    }
}

/// Bytes, and what is kept as long as they are.
struct Kept<T> {
    bytes: Bytes,
    _share: T,
}

impl<T> AsRef<[u8]> for Kept<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Room for answers: the budget of all connections, and that of the own one, if there is one.
#[derive(Clone)]
pub(crate) struct Room {
    pub(crate) all: Budget,
    pub(crate) own: Option<Budget>,
    /// Time that a request waits for room.
    pub(crate) wait: Duration,
}

impl Room {
    /// Waits for room.
    ///
    /// # Errors
    /// When there is none in time.
    pub(crate) async fn reserve(&self, bytes: usize) -> Result<Held, ApiError> {
        let own = match &self.own {
            Some(own) => Some(own.reserve(bytes, self.wait).await?),
            None => None,
        };
        Ok(Held { own, all: self.all.reserve(bytes, self.wait).await? })
    }

    /// Takes room.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn try_reserve(&self, bytes: usize) -> Result<Held, ApiError> {
        let own = self.own.as_ref().map(|own| own.try_reserve(bytes)).transpose()?;
        Ok(Held { own, all: self.all.try_reserve(bytes)? })
    }
}

/// Room that is taken.
pub(crate) struct Held {
    own: Option<Share>,
    all: Share,
}

impl Held {
    /// Gives the room back that is not needed for this number of bytes.
    pub(crate) fn cut_to(&mut self, bytes: usize) {
        self.all.cut_to(bytes);
        if let Some(own) = &mut self.own {
            own.cut_to(bytes);
        }
    }

    /// Keeps the room until the last part of the bytes is dropped.
    pub(crate) fn kept_with(self, bytes: impl Into<Bytes>) -> Bytes {
        Bytes::from_owner(Kept { bytes: bytes.into(), _share: self })
    }
}

/// Threads for work that takes long.
pub(crate) struct Work(Arc<Semaphore>);

impl Work {
    /// Runs a job on a thread of its own, when one is free. The job is told when its request has ended.
    ///
    /// # Errors
    /// When no thread is free in time, or the job panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = tokio::time::timeout(WORK_WAIT, Arc::clone(&self.0).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(ApiError::BUSY) };
        let cancel = Cancel::default();
        let _on_drop = CancelOnDrop(cancel.clone());
        let job = move || {
            let outcome = job(&cancel);
            drop(permit);
            outcome
        };
        tokio::task::spawn_blocking(job).await.map_err(|error| ApiError::Internal(error.into()))
    }
}

/// Whether work is to end early, because its request did.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Whether the work is to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn room_is_taken_until_the_last_byte_is_dropped() {
        let room = Room {
            all: Budget::new(4 * UNIT),
            own: Some(Budget::new(3 * UNIT)),
            wait: Duration::from_secs(1),
        };
        let mut bytes = room.reserve(2 * UNIT).await.unwrap().kept_with(vec![0; 2 * UNIT]);
        assert!(room.try_reserve(2 * UNIT).is_err(), "the connection has one unit left");
        let other = Room { own: Some(Budget::new(3 * UNIT)), ..room.clone() };
        let held = other.try_reserve(2 * UNIT).unwrap();
        assert!(other.reserve(1).await.is_err(), "all have none left");
        drop(bytes.split_to(1));
        assert!(room.try_reserve(1).is_err());
        drop(bytes);
        assert!(room.reserve(100 * UNIT).await.is_err(), "more than all is all, and that is not free");
        drop(held);
        let mut held = room.reserve(100 * UNIT).await.unwrap();
        held.cut_to(UNIT + 1);
        assert!(room.try_reserve(2 * UNIT).is_err());
        let rest = room.try_reserve(UNIT).unwrap();
        drop((held, rest));
    }

    #[tokio::test]
    async fn work_ends_when_its_request_does() {
        let work = Work(Arc::new(Semaphore::new(1)));
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let endless = work.run(move |cancel| {
            begun.send(()).unwrap();
            while !cancel.is_cancelled() {
                std::thread::yield_now();
            }
        });
        tokio::select! {
            _ = endless => panic!("it has no end of its own"),
            begun = has_begun => begun.unwrap(),
        }
        assert_eq!(work.run(|_| 7).await.unwrap(), 7, "the only thread is free again");
    }
}
