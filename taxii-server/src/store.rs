//! The only door to data: what TAXII means, written once over any [`Engine`].
//!
//! A page is a range of one timeline, so it costs what is on it, however large the collection and however deep the
//! page. A write goes through one queue (`writer`), is decided on a snapshot (`admit`, `delete`) and committed
//! together with its `date_added`, so a reader that has seen instant *t* never finds a new object at or before *t*.

mod admit;
mod cursor;
mod delete;
mod directory;
mod embedded;
pub mod engine;
mod filter;
mod keys;
mod known;
mod memory;
mod profile;
mod record;
mod select;
#[cfg(test)]
mod suite;
mod writer;

use crate::clock::Clock;
use arc_swap::ArcSwap;
use bytes::Bytes;
use engine::{Commit, Engine, EngineError, Scan, Snapshot};
use keys::Timeline;
use record::{Entry, date_added};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stix_model::taxii::{ManifestRecord, Status};
use stix_model::{StixId, Timestamp};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;
use writer::{Write, Writer};

pub use admit::{Add, Refused, Stamps};
pub use cursor::{Cursor, CursorError};
pub use delete::Delete;
pub use directory::{Access, Account, ApiRoot, Collection, Directory, GrantScope};
pub(crate) use directory::{DirectoryChange, Token};
pub use embedded::EmbeddedEngine;
pub use filter::{Filter, VersionFilter};
pub use keys::Position;
pub use memory::MemoryEngine;
pub use profile::Profile;

/// The format of keys and records; a store of another format is refused.
const FORMAT: &[u8] = b"1";
/// The bytes of one page at most, beyond its first object.
const MAX_PAGE_BYTES: usize = 16 << 20;
/// Entries that maintenance removes in one commit.
const CLEAR_SLICE: usize = 5_000;

/// Everything that the server keeps.
pub struct Store {
    engine: Arc<dyn Engine>,
    directory: Arc<ArcSwap<Directory>>,
    clock: Arc<Clock>,
    cursors: cursor::Cursors,
    writes: mpsc::Sender<Write>,
    writer: tokio::task::JoinHandle<()>,
    /// The engine refused a write, so it may refuse all that follow.
    has_failed: Arc<AtomicBool>,
}

/// A page of whatever was asked for.
#[derive(Debug)]
pub struct Page<T> {
    /// What is on it, oldest addition first.
    pub items: Vec<T>,
    /// `date_added` of the first and the last item.
    pub date_added: Option<(Timestamp, Timestamp)>,
    /// Where to go on, when more follows.
    pub next: Option<String>,
}

/// Where a page begins and how long it may be.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// Filters, complete after a cursor has been resumed.
    pub filter: Filter,
    /// The last position that was served.
    pub after: Option<Position>,
    /// Items at most.
    pub limit: usize,
}

impl PageRequest {
    /// The first page of a filter.
    pub fn first(filter: Filter, limit: usize) -> Self {
        Self { filter, after: None, limit }
    }
}

impl Store {
    /// Opens what the engine holds, or makes a new store in it.
    ///
    /// # Errors
    /// When the engine fails, or holds a store of another format.
    pub async fn open(engine: Arc<dyn Engine>, clock: Arc<Clock>) -> Result<Self, StoreError> {
        let snapshot = engine.snapshot().await?;
        let format = snapshot.get(keys::FORMAT.to_vec()).await?;
        let secret = match (&format, snapshot.get(keys::CURSOR_SECRET.to_vec()).await?) {
            (Some(format), Some(secret)) if format == FORMAT => secret,
            (None, None) => make(&*engine).await?,
            _ => return Err(StoreError::Format),
        };
        let directory = Directory::load(&*engine.snapshot().await?).await?;
        let directory = Arc::new(ArcSwap::from_pointee(directory));
        let has_failed = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            engine: Arc::clone(&engine),
            directory: Arc::clone(&directory),
            clock: Arc::clone(&clock),
            has_failed: Arc::clone(&has_failed),
        };
        let (writes, writer) = writer.start();
        Ok(Self {
            engine,
            directory,
            clock,
            cursors: cursor::Cursors::new(&secret),
            writes,
            writer,
            has_failed,
        })
    }

    /// Waits until everything that was asked for is written, then lets go of the engine.
    pub async fn close(self) {
        drop(self.writes);
        if let Err(error) = self.writer.await {
            tracing::error!(%error, "the writer ended badly");
        }
    }

    /// API roots, collections and accounts, as they are now.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// Changes the directory. `edit` may be called more than once, with newer directories.
    pub(crate) async fn change_directory(
        &self,
        edit: impl Fn(&Directory) -> Result<DirectoryChange, StoreError> + Send + Sync + 'static,
    ) -> Result<(), StoreError> {
        self.write(|reply| Write::Directory(Box::new(edit), reply)).await
    }

    /// Reads a cursor and gives the filter and the position to go on with.
    ///
    /// # Errors
    /// When the cursor is not ours, or does not fit the request.
    pub fn resume(
        &self,
        collection: &Collection,
        next: &str,
        filter: Filter,
    ) -> Result<(Filter, Position), CursorError> {
        let cursor = self.cursors.read(next)?;
        let position = cursor.position;
        Ok((cursor.resume(collection.number, filter)?, position))
    }

    /// A page of objects, each as it was sent.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn objects(
        &self,
        collection: &Collection,
        page: &PageRequest,
    ) -> Result<Page<Bytes>, StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let (selected, objects) = read_objects(&*snapshot, collection, page).await?;
        Ok(self.page(collection, page, &selected, objects))
    }

    /// A page of manifest records.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn manifest(
        &self,
        collection: &Collection,
        page: &PageRequest,
    ) -> Result<Page<ManifestRecord>, StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let mut selected =
            select::select(&*snapshot, collection.number, &page.filter, page.after, page.limit).await?;
        // The standard has no `next` here, so clients go on by date.
        selected.keep_ties_together();
        let keys = selected.positions.iter().map(|at| Timeline::All.at(collection.number, *at)).collect();
        let values = snapshot.get_many(keys, usize::MAX).await?;
        let mut records = Vec::with_capacity(values.len());
        for (position, value) in selected.positions.iter().zip(values) {
            let entry = Entry::decode(&value.ok_or(StoreError::Corrupt("the timeline of all versions"))?)?;
            records.push(ManifestRecord {
                date_added: date_added(*position),
                version: entry.shown_version(*position),
                media_type: Some(entry.spec_version.media_type().to_owned()),
                id: entry.id,
            });
        }
        Ok(self.page(collection, page, &selected, records))
    }

    /// A page of objects together with their `date_added`.
    ///
    /// # Errors
    /// When the engine fails.
    pub(crate) async fn records(
        &self,
        collection: &Collection,
        page: &PageRequest,
    ) -> Result<Page<(Timestamp, Bytes)>, StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let (selected, objects) = read_objects(&*snapshot, collection, page).await?;
        let stamps = selected.positions.iter().map(|position| date_added(*position));
        Ok(self.page(collection, page, &selected, stamps.zip(objects).collect()))
    }

    /// Whether any version of an object is in a collection.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn has_object(&self, collection: &Collection, id: &StixId) -> Result<bool, StoreError> {
        let snapshot = self.engine.snapshot().await?;
        Ok(snapshot.get(keys::editions(collection.number, id)).await?.is_some())
    }

    /// Adds objects; when it returns they are durable and visible.
    ///
    /// # Errors
    /// When the request as a whole cannot be carried out. What is wrong with single objects is in the status.
    pub async fn add(&self, add: Add) -> Result<Status, StoreError> {
        self.write(|reply| Write::Add(Uuid::new_v4(), add, reply)).await
    }

    /// Deletes versions of an object and says how many.
    ///
    /// # Errors
    /// [`StoreError::NoObject`] when the collection does not hold the object.
    pub async fn delete(&self, delete: Delete) -> Result<usize, StoreError> {
        self.write(|reply| Write::Delete(delete, reply)).await
    }

    /// The status of a request to add objects, for the account that made it.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn status(
        &self,
        api_root: &str,
        id: Uuid,
        account: &Account,
    ) -> Result<Option<Status>, StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let Some(json) = snapshot.get(keys::status(id)).await? else { return Ok(None) };
        let stored: admit::StoredStatus =
            serde_json::from_slice(&json).map_err(|_| StoreError::Corrupt("a status"))?;
        let may_read =
            stored.api_root == api_root && (stored.account == account.name || account.is_administrator);
        Ok(may_read.then_some(stored.status))
    }

    /// How many versions of objects a collection holds.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn count(&self, collection: &Collection) -> Result<u64, StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let head = record::Head::decode(snapshot.get(keys::head(collection.number)).await?.as_ref())?;
        Ok(head.versions.iter().sum())
    }

    /// Removes statuses that were made before an instant (microseconds since 1970), and what is left of removed
    /// collections.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn clear(&self, statuses_before: i64) -> Result<(), StoreError> {
        let before = u64::try_from(statuses_before).unwrap_or_default();
        loop {
            let snapshot = self.engine.snapshot().await?;
            let old = snapshot.scan(Scan::forward(keys::statuses_before(before), CLEAR_SLICE)).await?;
            let mut writes = BTreeMap::new();
            for (key, _) in &old {
                let id = keys::parse_status_age(key).ok_or(StoreError::Corrupt("the age of a status"))?;
                writes.insert(keys::status(id), None);
                writes.insert(key.to_vec(), None);
            }
            self.clear_slice(writes).await?;
            if old.len() < CLEAR_SLICE {
                break;
            }
        }
        let removed =
            self.engine.snapshot().await?.scan(Scan::forward(keys::all_removed(), usize::MAX)).await?;
        for (key, _) in removed {
            let number = keys::parse_removed(&key).ok_or(StoreError::Corrupt("a removed collection"))?;
            self.clear_collection(number).await?;
            self.clear_slice(BTreeMap::from([(key.to_vec(), None)])).await?;
        }
        Ok(())
    }

    async fn clear_collection(&self, number: keys::CollectionNumber) -> Result<(), StoreError> {
        for range in keys::collection_contents(number) {
            loop {
                let snapshot = self.engine.snapshot().await?;
                let slice = snapshot.scan(Scan::forward(range.clone(), CLEAR_SLICE)).await?;
                let is_end = slice.len() < CLEAR_SLICE;
                self.clear_slice(slice.into_iter().map(|(key, _)| (key.to_vec(), None)).collect()).await?;
                if is_end {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn clear_slice(&self, writes: BTreeMap<engine::Key, Option<Bytes>>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        let commit = Commit { writes, ..Commit::default() };
        self.write(|reply| Write::Clear(commit, reply)).await
    }

    /// Whether reading and writing work.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ready(&self) -> Result<(), StoreError> {
        if self.writer.is_finished() {
            return Err(StoreError::Closed);
        }
        if self.has_failed.load(Ordering::Relaxed) {
            return Err(EngineError::Full.into());
        }
        self.engine.snapshot().await?.get(keys::FORMAT.to_vec()).await?;
        Ok(())
    }

    /// Where time comes from.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    fn page<T>(
        &self,
        collection: &Collection,
        page: &PageRequest,
        selected: &select::Selection,
        items: Vec<T>,
    ) -> Page<T> {
        let (first, last) = (selected.positions.first(), selected.positions.last());
        let next = last.filter(|_| selected.next.is_some());
        Page {
            items,
            date_added: first.zip(last).map(|(first, last)| (date_added(*first), date_added(*last))),
            next: next.map(|position| self.cursors.write(collection.number, *position, &page.filter)),
        }
    }

    async fn write<T>(
        &self,
        write: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Write,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.writes.send(write(reply)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

/// Selects a page and reads its objects; what does not fit into the bytes of one page is left for the next.
async fn read_objects(
    snapshot: &dyn Snapshot,
    collection: &Collection,
    page: &PageRequest,
) -> Result<(select::Selection, Vec<Bytes>), StoreError> {
    let mut selected =
        select::select(snapshot, collection.number, &page.filter, page.after, page.limit).await?;
    let keys = selected.positions.iter().map(|at| keys::object_bytes(collection.number, *at)).collect();
    let values = snapshot.get_many(keys, MAX_PAGE_BYTES).await?;
    if values.len() < selected.positions.len() {
        selected.next = selected.positions.get(values.len()).copied();
        selected.positions.truncate(values.len());
    }
    let objects =
        values.into_iter().collect::<Option<_>>().ok_or(StoreError::Corrupt("the bytes of an object"))?;
    Ok((selected, objects))
}

/// Marks an empty engine as a store and gives it the secret of its cursors.
async fn make(engine: &dyn Engine) -> Result<Bytes, StoreError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| EngineError::failed(error.to_string()))?;
    let secret = Bytes::copy_from_slice(&secret);
    let commit = Commit {
        expected: BTreeMap::from([(keys::FORMAT.to_vec(), None)]),
        writes: BTreeMap::from([
            (keys::FORMAT.to_vec(), Some(Bytes::from_static(FORMAT))),
            (keys::CURSOR_SECRET.to_vec(), Some(secret.clone())),
        ]),
    };
    engine.commit(commit).await?;
    Ok(secret)
}

/// What the store refuses or cannot do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Something stored cannot be read back.
    #[error("the store is damaged: {0} cannot be read")]
    Corrupt(&'static str),
    /// Made by another version of this program.
    #[error("the store has another format than this version reads; export it with the version that made it")]
    Format,
    /// The store is being closed.
    #[error("the server is stopping")]
    Closed,
    /// The collection was removed meanwhile.
    #[error("there is no such collection")]
    NoCollection,
    /// The collection does not hold the object.
    #[error("there is no such object")]
    NoObject,
    /// A given `date_added` does not fit.
    #[error("date_added {given} cannot be given: {reason} (it ends at {last})")]
    DateAdded {
        /// What was given.
        given: Timestamp,
        /// Where the collection ends.
        last: Timestamp,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An administrator asked for something that cannot be.
    #[error("{0}")]
    Refused(String),
}
