//! The store: what TAXII means, written once over any [`Engine`]. All data is read and written through [`Store`].
//!
//! Reading: a [`View`] and a [`PageRequest`] select versions from timelines (`select`), whose bytes make the page. A page
//! is a range of few timelines, so it costs what is on it, however large the collection and however deep the page.
//!
//! Writing: a request with a command goes into one queue (`writer`), which forms groups; `apply` decides them on a
//! snapshot, and the writes are committed together with their `date_added`, so a reader that has seen instant *t* never
//! finds a new object at or before *t*.

mod announce;
mod apply;
mod backup;
mod command;
mod contents;
mod cursor;
mod directory;
mod embedded;
pub mod engine;
mod error;
mod filter;
mod keys;
mod maintenance;
mod memory;
mod migration;
mod network;
mod opening;
mod overlay;
#[cfg(feature = "tikv")]
mod peers;
mod pieces;
mod places;
mod profile;
mod receipt;
mod record;
mod reload;
mod request;
mod select;
mod status;
#[cfg(any(test, feature = "testing"))]
pub mod suite;
#[cfg(feature = "tikv")]
mod tikv;
mod view;
mod writer;

use crate::clock::Clock;
use crate::rights::Principal;
use announce::Announcer;
use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use engine::{Commit, Engine, EngineError, Snapshot};
use keys::Timeline;
pub(crate) use network::{Cosigned, Digests, review_id};
pub use network::{
    Definition, Membership, NetworkMachine, NetworkSummary, NetworkView, NewMembership, Node, NodeRecord,
    Ordered, OtherNode, Refused as OrderRefused, Revocation, Scrub,
};
use record::{Entry, Head, date_added};
use reload::{Reload, Task};
use select::{Hints, Selection};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use stix_model::taxii::{ManifestRecord, Status};
use stix_model::{StixId, Timestamp};
use tokio::sync::{Notify, mpsc, oneshot};
use uuid::Uuid;
use writer::{Health, Write, Writer};

pub use announce::Watch;
pub use apply::Rejection;
pub use backup::{Backup, BackupError, Record, Restore, Sum, Transfer};
pub use command::{
    Add, Admitted, Clear, Command, Conclude, DecodeError, Delete, Enter, Erase, Fence, Group, Refused,
    Relevel, Request, Scope, Stamps, Submitted, Target,
};
pub use contents::Contents;
pub use cursor::{Cursor, CursorError};
pub use directory::{
    Account, AccountChange, ApiRoot, ApiRootChange, Collection, CollectionChange, CollectionMode, Directory,
    DirectoryCommand, DirectoryRefusal, NewAccount, NewCollection, NewToken, Token,
};
#[cfg(feature = "cli")]
pub(crate) use embedded::is_guarded;
pub use embedded::{Disk, EmbeddedEngine, FileIdentity};
pub use error::StoreError;
pub use filter::{Filter, VersionFilter};
pub use keys::{Position, Region, bulk as bulk_ranges};
pub use maintenance::Maintenance;
pub use memory::MemoryEngine;
pub(crate) use opening::is_made;
pub(crate) use places::{Place, PlaceReader, Places};
pub use profile::{Conflicts, Profile};
pub use receipt::Done;
pub use request::{Deletion, Page, PageRequest, Submission};
pub(crate) use status::{Room, cut, failure_message};
#[cfg(feature = "tikv")]
pub use tikv::{TikvAddress, TikvEngine, TikvTls};
pub use view::View;
pub(crate) use view::ViewKey;

/// The format of keys and records that this version writes.
pub const FORMAT: u32 = 4;
/// The oldest format that this version reads; older stores are brought to [`FORMAT`] when they are opened.
pub const OLDEST_FORMAT: u32 = 2;
/// Maximum number of bytes of one page, beyond its first object.
const MAX_PAGE_BYTES: usize = 16 << 20;
/// Maximum number of versions of one level whose keys are erased in the commit that deletes them. A small one in tests
/// makes them meet deleted versions that are not erased.
const ERASED_AT_ONCE: u32 = if cfg!(test) { 3 } else { 500 };
/// Maximum number of attempts to open the store while the engine is unavailable or other processes open it too.
const OPEN_ATTEMPTS: u32 = 50;

/// All data of the server.
pub struct Store {
    engine: Arc<dyn Engine>,
    reload: Reload,
    organisation: Uuid,
    clock: Arc<Clock>,
    cursors: cursor::Cursors,
    writes: mpsc::Sender<Write>,
    writer: tokio::task::JoinHandle<()>,
    follower: Task,
    /// Used where the engine is remote.
    hints: Option<Hints>,
    /// Other processes that share the engine.
    #[cfg(feature = "tikv")]
    peers: Option<Arc<peers::Peers>>,
    #[cfg(feature = "tikv")]
    secret: Bytes,
    announcer: Arc<Announcer>,
    health: Arc<Health>,
    replaced: Arc<AtomicU64>,
    maintenance: Notify,
    backups: backup::Backups,
    /// Names this process in leases.
    process: Uuid,
    /// The node that keeps the log of the network with others.
    node: ArcSwapOption<Node>,
    /// Why the node does not run.
    node_failure: ArcSwapOption<String>,
    /// The entry by which the node has left, as another one says; 0 while it has not.
    left: AtomicU64,
    /// The last entry that each other node attested here.
    attested: Mutex<BTreeMap<u64, u64>>,
    /// Why this server does not serve its network.
    fenced: ArcSwapOption<String>,
    /// The last checkpoint that others cosigned.
    cosigned: ArcSwapOption<Cosigned>,
    /// Differences to other nodes that were seen.
    differences: AtomicU64,
}

impl Store {
    /// Opens the store of an engine, or makes a new store in it. Tries again while other processes do the same.
    ///
    /// # Errors
    /// When the engine fails, takes too small values, or holds a store of another format.
    pub async fn open(engine: Arc<dyn Engine>, clock: Arc<Clock>) -> Result<Self, StoreError> {
        if engine.limits().value_bytes < overlay::PART_BYTES {
            let message = format!("the engine must take values of {} bytes", overlay::PART_BYTES);
            return Err(EngineError::failed(message).into());
        }
        let mut attempt = 0;
        let opened = loop {
            attempt += 1;
            match opening::read_or_make(&*engine).await {
                Err(StoreError::Engine(
                    EngineError::Conflict | EngineError::Undetermined(_) | EngineError::Unavailable { .. },
                )) if attempt < OPEN_ATTEMPTS => tokio::time::sleep(Duration::from_millis(20)).await,
                opened => break opened?,
            }
        };
        let directory = Arc::new(ArcSwap::from_pointee(opened.directory));
        let reload = Reload { engine: Arc::clone(&engine), directory, newer_format: Arc::default() };
        let (announcer, health) = (Arc::new(Announcer::new()), Arc::new(Health::default()));
        let replaced = Arc::default();
        let writer = Writer {
            engine: Arc::clone(&engine),
            clock: Arc::clone(&clock),
            reload: reload.clone(),
            announcer: Arc::clone(&announcer),
            health: Arc::clone(&health),
            replaced: Arc::clone(&replaced),
        };
        let (writes, writer) = writer.start();
        Ok(Self {
            follower: reload.clone().follow(),
            hints: engine.is_remote().then(Hints::default),
            engine,
            reload,
            organisation: opened.organisation,
            clock,
            cursors: cursor::Cursors::new(&opened.secret),
            #[cfg(feature = "tikv")]
            peers: None,
            #[cfg(feature = "tikv")]
            secret: opened.secret,
            writes,
            writer,
            announcer,
            health,
            replaced,
            maintenance: Notify::new(),
            backups: backup::Backups::default(),
            process: Uuid::new_v4(),
            node: ArcSwapOption::empty(),
            node_failure: ArcSwapOption::empty(),
            left: AtomicU64::new(0),
            attested: Mutex::default(),
            fenced: ArcSwapOption::new(opened.fenced.map(Arc::new)),
            cosigned: ArcSwapOption::empty(),
            differences: AtomicU64::new(0),
        })
    }

    /// Shares the writing with other processes over the same engine: each collection is written by one of them, and the
    /// others hand their requests over to it, at the address of this listener. Without it they conflict, and are slower.
    ///
    /// # Errors
    /// When the listener cannot be used.
    #[cfg(feature = "tikv")]
    pub async fn share_writing(&mut self, listener: std::net::TcpListener) -> Result<(), StoreError> {
        let (engine, writes) = (Arc::clone(&self.engine), self.writes.clone());
        let peers = peers::Peers::join(self.process, engine, &self.secret, writes, listener).await?;
        self.peers = Some(peers);
        Ok(())
    }

    /// Writes all queued requests, then releases the engine.
    pub async fn close(mut self) {
        if let Some(node) = self.node.swap(None) {
            node.shutdown().await;
        }
        #[cfg(feature = "tikv")]
        if let Some(peers) = self.peers.take() {
            peers.leave(&*self.engine).await;
        }
        self.follower.end().await;
        self.settle_backups().await;
        if let Err(error) = self.end_lease().await {
            tracing::warn!(%error, "the lease of maintenance ends by its time");
        }
        drop(self.writes);
        if let Err(error) = self.writer.await {
            tracing::error!(%error, "the writer ended badly");
        }
        // Waits for a task that does the same at this moment.
        if let Err(error) = self.engine.settle().await {
            tracing::warn!(%error, "what the network agreed on is not on the disk of this node; its log has it");
        }
    }

    /// What is below the store. The demo of a network reaches through it to damage an object, as one who writes into the file
    /// of a server could; nothing else does.
    #[cfg(feature = "cli")]
    pub(crate) fn below(&self) -> &dyn Engine {
        &*self.engine
    }

    /// API roots, collections and accounts. What this process changes counts at once, what others change within a second.
    pub fn directory(&self) -> Arc<Directory> {
        self.reload.directory.load_full()
    }

    /// The organisation that runs this server; accounts belong to it unless they name another one.
    pub fn organisation(&self) -> Uuid {
        self.organisation
    }

    /// Changes the directory.
    ///
    /// # Errors
    /// [`Rejection::Directory`] when a rule refuses the change; also when the engine fails.
    pub async fn change_directory(
        &self,
        principal: &Principal,
        command: DirectoryCommand,
    ) -> Result<(), StoreError> {
        let removes = matches!(command, DirectoryCommand::RemoveCollection { .. });
        let relevels = matches!(
            &command,
            DirectoryCommand::ChangeCollection { change: CollectionChange { unmarked: Some(_), .. }, .. }
        );
        let request = self.request(principal, Uuid::new_v4(), Command::Directory(command));
        self.carry_out(request).await?;
        if removes || relevels {
            self.maintenance.notify_one();
        }
        Ok(())
    }

    /// Reads a cursor, and returns the filter and the position to go on with.
    ///
    /// # Errors
    /// When this server did not make the cursor, or when it belongs to another collection or filter.
    pub fn resume(&self, view: &View, next: &str, filter: Filter) -> Result<(Filter, Position), CursorError> {
        let cursor = self.cursors_of(view).read(next)?;
        let position = cursor.position;
        Ok((cursor.resume(view.collection.id, filter)?, position))
    }

    /// Returns a page of objects, each as it was sent.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn objects(&self, view: &View, page: &PageRequest) -> Result<Page<Bytes>, StoreError> {
        let snapshot = self.reload.snapshot().await?;
        let (selected, objects) = self.read_objects(&*snapshot, view, page).await?;
        Ok(self.page(view, page, &selected, objects))
    }

    /// Returns a page of manifest records.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn manifest(
        &self,
        view: &View,
        page: &PageRequest,
    ) -> Result<Page<ManifestRecord>, StoreError> {
        let snapshot = self.reload.snapshot().await?;
        let mut selected = self.select(&*snapshot, view, page).await?;
        // The standard has no `next` here, so clients go on by date.
        selected.keep_ties_together();
        let key =
            |version: &select::Selected| Timeline::All(version.level).at(view.space(), version.position);
        let values = snapshot.get_many(selected.versions.iter().map(key).collect(), usize::MAX).await?;
        let mut records = Vec::with_capacity(values.len());
        for (version, value) in selected.versions.iter().zip(values) {
            let entry = Entry::decode(&value.ok_or(StoreError::Corrupt("the timeline of all versions"))?)?;
            records.push(ManifestRecord {
                date_added: date_added(version.position).into(),
                version: entry.version.into(),
                media_type: Some(entry.spec_version.media_type().to_owned()),
                id: entry.id.to_string(),
            });
        }
        Ok(self.page(view, page, &selected, records))
    }

    /// Returns a page of objects together with their `date_added`.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn records(
        &self,
        view: &View,
        page: &PageRequest,
    ) -> Result<Page<(Timestamp, Bytes)>, StoreError> {
        let snapshot = self.reload.snapshot().await?;
        let (selected, objects) = self.read_objects(&*snapshot, view, page).await?;
        let stamps = selected.versions.iter().map(|version| date_added(version.position));
        Ok(self.page(view, page, &selected, stamps.zip(objects).collect()))
    }

    /// A number that is higher after each commit that changes anything of a collection; 0 when it was removed.
    ///
    /// # Errors
    /// When the engine fails.
    pub(crate) async fn revision(&self, view: &View) -> Result<u64, StoreError> {
        let head = self.reload.snapshot().await?.get(keys::head(view.space())).await?;
        head.map_or(Ok(0), |head| Head::decode_revision(&head))
    }

    /// Whether any version of an object is in a collection.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn has_object(&self, view: &View, id: &StixId) -> Result<bool, StoreError> {
        let snapshot = self.reload.snapshot().await?;
        let record = snapshot.get(keys::object(view.space(), id)).await?;
        Ok(record::ObjectRecord::decode(record.as_ref())?.served(view.clearance()).is_some())
    }

    /// Counts what collections hold. It reads their heads only, however large they are.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn contents(&self, views: &[View]) -> Result<Vec<Contents>, StoreError> {
        let keys = views.iter().map(|view| keys::head(view.space())).collect();
        let heads = self.reload.snapshot().await?.get_many(keys, usize::MAX).await?;
        let mut contents = Vec::with_capacity(views.len());
        for (view, head) in views.iter().zip(heads) {
            let head = head.map_or(Ok(Head::default()), |head| Head::decode(&head))?;
            contents.push(Contents::of(&head, view.clearance()));
        }
        Ok(contents)
    }

    /// Waits for new versions in a collection, as far as the viewer sees them.
    pub fn watch(&self, view: &View) -> Watch {
        self.announcer.watch(view)
    }

    /// Adds objects; when it returns they are durable and visible.
    ///
    /// # Errors
    /// When the request as a whole cannot be carried out. What is wrong with single objects is in the status.
    pub async fn add(
        &self,
        view: &View,
        principal: &Principal,
        submission: Submission,
    ) -> Result<Status, StoreError> {
        let Submission { id, fingerprint, received, objects, stamps } = submission;
        let (target, clearance) = (Target::of(&view.collection, principal), view.clearance());
        let command = Command::Add(Add { target, clearance, objects, stamps });
        let request = Request { received, fingerprint, ..self.request(principal, id, command) };
        match self.carry_out_add(request).await? {
            Done::Added(status) => Ok(*status),
            _ => Err(Rejection::RequestReused.into()),
        }
    }

    /// Deletes versions of an object, and returns their number. All are gone when it returns; maintenance frees the room of
    /// many versions afterwards, between other writes.
    ///
    /// # Errors
    /// [`Rejection::NoObject`] when the collection does not hold the object.
    pub async fn delete(
        &self,
        view: &View,
        principal: &Principal,
        deletion: Deletion,
    ) -> Result<u64, StoreError> {
        let Deletion { request, id, filter: Filter { versions, spec_versions, .. } } = deletion;
        let (target, clearance) = (Target::of(&view.collection, principal), view.clearance());
        let limit = ERASED_AT_ONCE;
        let delete = Delete { target, clearance, id, versions, spec_versions, limit };
        // The same identifier with another deletion must not get the outcome of the first.
        let fingerprint = Some(delete.fingerprint());
        let request = self.request(principal, request, Command::Delete(delete));
        match self.carry_out(Request { fingerprint, ..request }).await? {
            Done::Deleted(count) => {
                if count > u64::from(ERASED_AT_ONCE) {
                    self.maintenance.notify_one();
                }
                Ok(count)
            }
            _ => Err(Rejection::RequestReused.into()),
        }
    }

    /// Returns the status of a request to add objects, for the account that made it and for administrators. An
    /// identifier that several accounts chose names the request of the principal first.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn status(
        &self,
        api_root: &str,
        id: Uuid,
        principal: &Principal,
    ) -> Result<Option<Status>, StoreError> {
        let snapshot = self.reload.snapshot().await?;
        let mut found = receipt::read(&*snapshot, Region::Local, id, Some(principal.account())).await?;
        if found.is_none() && principal.is_administrator {
            found = receipt::read(&*snapshot, Region::Local, id, None).await?;
        }
        let directory = self.directory();
        if found.is_none() {
            return self.proposed_status(api_root, id, principal).await;
        }
        let Some(found) = found.filter(|found| found.api_root(&directory) == Some(api_root)) else {
            return Ok(None);
        };
        let is_theirs = principal.is_administrator || found.organisation == principal.organisation;
        match found.done.into_owned() {
            Done::Added(status) if is_theirs => Ok(Some(*status)),
            _ => Ok(None),
        }
    }

    /// Checks that reading and writing work. After a failed commit, tries a small one.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the writer has ended; [`StoreError::Engine`] when a read or the commit fails;
    /// [`StoreError::Format`] when a newer process has brought the store to the next format.
    pub async fn ready(&self) -> Result<(), StoreError> {
        if self.writer.is_finished() {
            return Err(StoreError::Closed);
        }
        let format = self.engine.snapshot().await?.get(keys::FORMAT.to_vec()).await?;
        migration::check_own(&format.ok_or(StoreError::Corrupt("the format of the store"))?)?;
        self.check_fence()?;
        if self.health.failure().is_some() {
            let writes = BTreeMap::from([(keys::local(keys::PROBE), Some(Bytes::new()))]);
            self.engine.commit(Commit { writes, ..Commit::default() }).await?;
            self.health.recover();
        }
        Ok(())
    }

    /// The number of stored versions whose content this process replaced, see [`Conflicts::Newest`].
    pub fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }

    /// The clock of the store.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// Selects a page and reads its objects. The page is cut to [`MAX_PAGE_BYTES`] before any object is read.
    async fn read_objects(
        &self,
        snapshot: &dyn Snapshot,
        view: &View,
        page: &PageRequest,
    ) -> Result<(Selection, Vec<Bytes>), StoreError> {
        let selected = self.select_page(snapshot, view, page).await?;
        let texts = places::read_texts(snapshot, view, &selected.versions).await?.into_iter();
        // The snapshot has all that it has selected.
        let objects = texts.collect::<Option<_>>().ok_or(StoreError::Corrupt("an object"))?;
        Ok((selected, objects))
    }

    fn page<T>(&self, view: &View, page: &PageRequest, selected: &Selection, items: Vec<T>) -> Page<T> {
        let (first, last) = (selected.versions.first(), selected.versions.last());
        let next = last.filter(|_| selected.next.is_some());
        let next =
            next.map(|last| self.cursors_of(view).write(view.collection.id, last.position, &page.filter));
        let dates = first.zip(last);
        let date_added = dates.map(|(first, last)| (date_added(first.position), date_added(last.position)));
        Page { items, date_added, next }
    }

    /// What makes the `next` of a collection: of this server, or of all members of its network.
    fn cursors_of(&self, view: &View) -> cursor::Cursors {
        let membership = match view.collection.mode {
            CollectionMode::Open => None,
            CollectionMode::Approval | CollectionMode::Review => self.membership(),
        };
        membership.map_or_else(|| self.cursors.clone(), |membership| membership.cursors().clone())
    }

    fn request(&self, principal: &Principal, id: Uuid, command: Command) -> Request {
        Request {
            id,
            account: principal.account(),
            organisation: principal.organisation,
            received: self.clock.now_micros(),
            fingerprint: None,
            command,
        }
    }

    async fn carry_out(&self, request: Request) -> Result<Done, StoreError> {
        #[cfg(feature = "tikv")]
        if let Some(peers) = &self.peers
            && let Some(done) = peers.carry_out(&request).await
        {
            return Ok(done);
        }
        let (reply, answer) = oneshot::channel();
        self.writes.send(Write { request, reply }).await.map_err(|_| StoreError::Closed)?;
        // The writer ended in the middle of it.
        answer.await.map_err(|_| EngineError::Undetermined("the writer ended".into()))?
    }
}

impl Target {
    /// A collection and an account, with the revisions that this process knows.
    pub fn of(collection: &Collection, principal: &Principal) -> Self {
        Self {
            collection: collection.id,
            revision: collection.revision,
            account_revision: principal.revision(),
            region: collection.region,
            number: collection.number,
        }
    }
}
