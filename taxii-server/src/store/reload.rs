//! The copy of the directory that a process holds, and how it follows what other processes write.

use super::StoreError;
use super::directory::{self, Directory};
use super::engine::{Engine, Snapshot};
use super::keys::{self, Region};
use super::{migration, network};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Time between two reads of the directory's revision. A change by another process takes effect here within twice this
/// time.
const FOLLOW: Duration = Duration::from_millis(400);

/// The copy of the directory, and the way to renew it.
#[derive(Clone)]
pub(super) struct Reload {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) directory: Arc<ArcSwap<Directory>>,
    /// The format that a newer process gave to the store, which this one does not read; 0 while there is none.
    pub(super) newer_format: Arc<AtomicU32>,
}

impl Reload {
    /// Opens a view of the store, unless a newer process brought it to another format.
    pub(super) async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        match self.newer_format.load(Ordering::Relaxed) {
            0 => Ok(self.engine.snapshot().await?),
            found => Err(StoreError::Format { found }),
        }
    }

    /// Reads the directory again when its revision is above that of the copy.
    pub(super) async fn now(&self) -> Result<(), StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let keys = vec![keys::directory_revision(Region::Local), keys::FORMAT.to_vec()];
        let mut found = snapshot.get_many(keys, usize::MAX).await?;
        let (format, revision) = (found.pop().flatten(), found.pop().flatten());
        let format = format.as_ref().map_or(Ok(()), migration::check_own);
        let newer = if let Err(StoreError::Format { found }) = format { found } else { 0 };
        self.newer_format.store(newer, Ordering::Relaxed);
        format?;
        let revision = revision.map_or(Ok(0), |bytes| directory::decode_revision(&bytes))?;
        if revision > self.directory.load().revision {
            let found = Arc::new(read_directory(&*snapshot).await?);
            // Another reader may have found a later one meanwhile.
            self.directory.rcu(|held| Arc::clone(if held.revision < found.revision { &found } else { held }));
        }
        Ok(())
    }

    /// Starts the task that follows the changes of other processes.
    pub(super) fn follow(self) -> Task {
        Task(tokio::spawn(self.run()))
    }

    async fn run(self) {
        let mut is_failing = false;
        loop {
            tokio::time::sleep(FOLLOW).await;
            let followed = self.now().await;
            if let (Err(error), false) = (&followed, is_failing) {
                tracing::warn!(%error, "the directory cannot be read; the copy may be old");
            }
            is_failing = followed.is_err();
        }
    }
}

/// A task that ends with its owner.
pub(super) struct Task(pub(super) tokio::task::JoinHandle<()>);

impl Task {
    /// Ends the task, and waits until it has released the engine.
    pub(super) async fn end(&mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) async fn read_directory(snapshot: &dyn Snapshot) -> Result<Directory, StoreError> {
    let local = snapshot.scan_all(keys::directory(Region::Local)).await?;
    let mut directory = Directory::read(Region::Local, local)?;
    network::read_into(&mut directory, snapshot).await?;
    Ok(directory)
}
