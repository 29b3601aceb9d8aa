//! The default engine: one file, through redb.

mod compact;
mod disk;
mod guard;
mod pages;
mod recent;
mod tables;

use super::engine::{Commit, Durability, Engine, EngineError, EngineFuture, Key, Snapshot, may_wait};
use crate::private;
use pages::{Backend, Fault, Pages};
use recent::Recent;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableHandle};
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tables::{EmbeddedSnapshot, Published, Table, Tables, pieces, table_of};
use tokio::time::Instant;

pub use disk::{Disk, FileIdentity};
#[cfg(feature = "cli")]
pub(crate) use guard::is_guarded;

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

const INDEX: Definition = TableDefinition::new("index");
/// Values of bulk ranges have a tree of their own, so that the index stays small and in memory.
const BULK: Definition = TableDefinition::new("bulk");
/// The table of data folders of format 1.
const FORMAT_1: Definition = TableDefinition::new("concord");
/// The [`disk::FileIdentity`] of the file, which a copy does not have: number, and when it was made.
const ORIGIN: TableDefinition<'static, (), (u64, Option<u64>)> = TableDefinition::new("origin");
const CACHE_BYTES: usize = 64 << 20;
/// The first bytes of each file of redb.
const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";
/// Mark of a file that was not closed, in the byte behind [`MAGIC`].
const WAS_OPEN: u8 = 2;
/// Time to the second attempt to open a database again; each further one waits twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Keeps everything in one file that only this process has open.
///
/// A commit that the disk refuses changes nothing; where it fails at the last step, a crash before it takes writes again may
/// bring the commit back, and the answer is [`EngineError::Undetermined`]. Reading goes on meanwhile, and each later commit
/// first tries whether the disk takes writes again.
pub struct EmbeddedEngine(Arc<Inner>);

struct Inner {
    pages: Arc<Pages>,
    bulk: Arc<[Range<Key>]>,
    options: Options,
    /// What the last commit left.
    published: RwLock<Arc<Published>>,
    recent: Arc<Recent>,
    /// The tables belong to a database that gave itself up.
    is_broken: AtomicBool,
    writer: Mutex<Writer>,
    is_format_1: bool,
    /// The file whose lock keeps other processes out.
    locked: Option<Arc<File>>,
}

struct Writer {
    /// `None` after it gave itself up, until it is opened again.
    database: Option<Database>,
    not_before: Instant,
    wait: Duration,
    /// No commit waits to be durable.
    is_settled: bool,
}

impl Writer {
    fn of(database: Database) -> Self {
        Self { database: Some(database), not_before: Instant::now(), wait: FIRST_WAIT, is_settled: true }
    }

    fn close(&mut self) {
        let database = self.database.take();
        let _ = guard::writing(|| {
            drop(database);
            Ok(())
        });
    }
}

#[derive(Clone, Copy)]
struct Options {
    cache_bytes: usize,
    copies: Copies,
}

/// What happens to a copy that was made while a server ran.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copies {
    Refused,
    Taken,
}

impl EmbeddedEngine {
    /// Opens or makes a file. After a crash it is repaired first, in memory when the disk takes no writes. Keys in the
    /// `bulk` ranges must be the same ones each time.
    ///
    /// # Errors
    /// When the file cannot be opened, holds something else or nothing at all, is damaged, is a copy that was made while a
    /// server ran, or another process has it open. Then it stays as it is.
    pub fn open(path: &Path, bulk: &[Range<Key>]) -> Result<Self, EngineError> {
        Self::open_file(path, bulk, Copies::Refused)
    }

    /// As [`EmbeddedEngine::open`], and takes a copy that was made while a server ran, when it is whole: it lacks what
    /// that server wrote later.
    ///
    /// # Errors
    /// As [`EmbeddedEngine::open`], but for copies.
    pub fn open_copy(path: &Path, bulk: &[Range<Key>]) -> Result<Self, EngineError> {
        Self::open_file(path, bulk, Copies::Taken)
    }

    fn open_file(path: &Path, bulk: &[Range<Key>], copies: Copies) -> Result<Self, EngineError> {
        match Self::find(path)? {
            Some(file) => Self::with(Arc::new(file), bulk, copies),
            None => Self::make(path, bulk),
        }
    }

    /// Locks a file, and checks that it is one of redb; `None` when there is no such file.
    fn find(path: &Path) -> Result<Option<File>, EngineError> {
        let file = match private::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(EngineError::failed(error)),
        };
        lock(&file)?;
        let mut start = vec![0; MAGIC.len()];
        match file.read(0, &mut start) {
            Ok(()) if start == MAGIC => {}
            Ok(()) => {
                return Err(EngineError::failed(
                    "the file holds something else than a store; nothing was changed in it. Give another data folder, or \
                     restore the file from a copy",
                ));
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                let message = "the file is empty or cut off, so no store is in it. Restore it from a copy, or remove it to \
                               begin with a new store";
                return Err(EngineError::failed(message));
            }
            Err(error) => return Err(of_disk(error)),
        }
        Ok(Some(file))
    }

    /// Makes a new file, which gets its name when it is a store: what is cut off under that name was one.
    fn make(path: &Path, bulk: &[Range<Key>]) -> Result<Self, EngineError> {
        let unfinished = private::Unfinished::beside(path).map_err(of_disk)?;
        let file = unfinished.file().try_clone().map_err(of_disk)?;
        lock(&file)?;
        let engine = Self::with(Arc::new(file), bulk, Copies::Refused)?;
        match unfinished.name_new(path) {
            Ok(()) => Ok(engine),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(EngineError::failed("another process made it at this moment; try again"))
            }
            Err(error) => Err(of_disk(error)),
        }
    }

    fn with(file: Arc<File>, bulk: &[Range<Key>], copies: Copies) -> Result<Self, EngineError> {
        let inner = Inner::open(
            Arc::clone(&file) as _,
            bulk,
            Options { cache_bytes: CACHE_BYTES, copies },
            Some(file),
        )?;
        Ok(Self(Arc::new(inner)))
    }

    /// Opens what a disk holds, or makes a store on it when it is empty, and keeps `cache_bytes` of it in memory. The
    /// caller sees to it that nothing else writes to the disk.
    ///
    /// # Errors
    /// When the disk fails, or holds something else or a damaged store.
    pub fn over(disk: Arc<dyn Disk>, bulk: &[Range<Key>], cache_bytes: usize) -> Result<Self, EngineError> {
        Ok(Self(Arc::new(Inner::open(disk, bulk, Options { cache_bytes, copies: Copies::Refused }, None)?)))
    }

    /// Whether the file holds a store of format 1, which this version does not read.
    pub fn is_format_1(&self) -> bool {
        self.0.is_format_1
    }
}

/// Locks a file for this process.
fn lock(file: &File) -> Result<(), EngineError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let holder = private::lock_holder(file).unwrap_or_else(|| "another process".to_owned());
            let message = format!("{holder} has it open; stop that one, or give another data folder");
            Err(EngineError::failed(message))
        }
        // Some file systems have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

impl Inner {
    fn open(
        disk: Arc<dyn Disk>,
        bulk: &[Range<Key>],
        options: Options,
        locked: Option<Arc<File>>,
    ) -> Result<Self, EngineError> {
        let is_new = disk.length().map_err(of_disk)? == 0;
        let (pages, bulk) = (Arc::new(Pages::over(disk).map_err(of_disk)?), Arc::from(bulk));
        let (database, tables, is_format_1) = guard::writing(|| open_database(&pages, &bulk, options))?;
        // What this version does not read stays as it is, to the byte.
        let is_ours = !is_format_1 && guard::reading(|| tables.have_known_format())?;
        if is_ours && let Err(fault) = pages.settle() {
            if is_new {
                return Err(of_disk(fault.to_error()));
            }
            let error = fault.to_error();
            tracing::warn!(%error, "the disk takes no writes; reading works, and writing as soon as the disk allows it");
        }
        let writer = Writer::of(database);
        let recent = Arc::<Recent>::default();
        let published = Published { commit: 0, tables, recent: Arc::clone(&recent) };
        Ok(Self {
            pages,
            bulk,
            options,
            published: RwLock::new(Arc::new(published)),
            recent,
            is_broken: AtomicBool::new(false),
            writer: Mutex::new(writer),
            is_format_1,
            locked,
        })
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn publish(&self, tables: Tables, commit: u64) {
        let published = Published { commit, tables, recent: Arc::clone(&self.recent) };
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(published);
    }

    fn commit(&self, commit: Commit) -> Result<(), EngineError> {
        let is_durable = commit.durability == Durability::Now;
        let mut writer = self.writer();
        self.open_again(&mut writer)?;
        if self.pages.settle().map_err(|fault| of_disk(fault.to_error()))? {
            tracing::info!("the disk takes writes again");
        }
        let Some(database) = &writer.database else { return Err(closed()) };
        let mut is_begun = false;
        // While the disk refuses what follows, this process takes the commit back in memory. Only when the commit point may be
        // on the disk, a crash may bring the commit back.
        let done = guard::writing(|| {
            let mut transaction = database.begin_write().map_err(failed)?;
            let before = if is_durable {
                Some(transaction.ephemeral_savepoint().map_err(failed)?)
            } else {
                transaction.set_durability(redb::Durability::None).map_err(EngineError::failed)?;
                None
            };
            write(&transaction, &self.bulk, &commit)?;
            is_begun = true;
            transaction.commit().map_err(failed)?;
            if let (Some(before), Some(fault)) = (before, self.pages.fault()) {
                let mut undo = database.begin_write().map_err(failed)?;
                undo.restore_savepoint(&before).map_err(failed)?;
                undo.commit().map_err(failed)?;
                return Ok(Err(fault));
            }
            Ok(Ok(Tables::of(database, &self.bulk)?))
        });
        match done {
            Ok(Ok(tables)) => {
                self.publish(tables, self.recent.commit(&commit));
                writer.is_settled = is_durable;
                Ok(())
            }
            Ok(Err(fault)) => {
                let (error, may_be_written) = (fault.to_error(), fault.may_be_written);
                tracing::warn!(%error, may_be_written, "the disk refused a commit; reading goes on");
                Err(refusal(&fault))
            }
            Err(EngineError::Conflict) => Err(EngineError::Conflict),
            Err(error) => {
                // Asked before the pages are given up, which forgets it.
                let fault = self.pages.fault();
                self.give_up(&mut writer);
                Err(match fault {
                    _ if !is_begun => error,
                    Some(fault) => refusal(&fault),
                    None => EngineError::Undetermined(error.into()),
                })
            }
        }
    }

    fn settle(&self) -> Result<(), EngineError> {
        let mut writer = self.writer();
        self.open_again(&mut writer)?;
        self.pages.settle().map_err(|fault| of_disk(fault.to_error()))?;
        let Some(database) = writer.database.as_ref().filter(|_| !writer.is_settled) else { return Ok(()) };
        let done = guard::writing(|| database.begin_write().map_err(failed)?.commit().map_err(failed));
        match (done, self.pages.fault()) {
            (Ok(()), fault) => {
                // What the disk refuses waits in the pages.
                writer.is_settled = true;
                fault.map_or(Ok(()), |fault| Err(of_disk(fault.to_error())))
            }
            (Err(error), _) => {
                self.give_up(&mut writer);
                Err(error)
            }
        }
    }

    /// Closes a database that failed in the middle of a change; what it has in memory is not what the disk has.
    fn give_up(&self, writer: &mut Writer) {
        self.is_broken.store(true, Ordering::Release);
        writer.close();
        if let Err(error) = self.open_again(writer) {
            tracing::error!(%error, "the store cannot be opened again yet");
        }
    }

    /// Opens the database again after it gave itself up.
    fn open_again(&self, writer: &mut Writer) -> Result<(), EngineError> {
        if writer.database.is_some() {
            return Ok(());
        }
        let now = Instant::now();
        if now < writer.not_before {
            return Err(EngineError::Unavailable {
                retry_after: writer.not_before - now,
                cause: "it failed".into(),
            });
        }
        self.pages.discard().map_err(of_disk)?;
        match guard::writing(|| open_database(&self.pages, &self.bulk, self.options)) {
            Ok((database, tables, _)) => {
                self.publish(tables, self.recent.begin_again());
                self.is_broken.store(false, Ordering::Release);
                *writer = Writer::of(database);
                tracing::info!("the store was opened again");
                Ok(())
            }
            Err(error) => {
                writer.not_before = now + writer.wait;
                writer.wait = (writer.wait * 2).min(LONGEST_WAIT);
                Err(error)
            }
        }
    }
}

impl Drop for Inner {
    /// Closes the database, and gives the file free although a snapshot may be left.
    fn drop(&mut self) {
        self.writer().close();
        // A commit that was taken back must not come back with the next start.
        if self.pages.is_ahead()
            && let Err(fault) = self.pages.settle()
        {
            let error = fault.to_error();
            tracing::error!(%error, "the disk refused the end of the store; a commit that was answered as undetermined may be there at the next start");
        }
        if let Some(file) = &self.locked {
            let _ = file.unlock();
        }
    }
}

/// Opens what the pages hold, in memory: nothing is written before the pages are settled.
fn open_database(
    pages: &Arc<Pages>,
    bulk: &Arc<[Range<Key>]>,
    options: Options,
) -> Result<(Database, Tables, bool), EngineError> {
    let mut flags = [0];
    let was_open = pages.read(MAGIC.len() as u64, &mut flags).is_ok() && flags[0] & WAS_OPEN != 0;
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    let database = builder.create_with_backend(Backend(Arc::clone(pages))).map_err(|error| {
        match redb::Error::from(error) {
            redb::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
                damaged("the file is cut off")
            }
            error => failed(error),
        }
    })?;
    let transaction = database.begin_read().map_err(failed)?;
    let names: Vec<_> =
        transaction.list_tables().map_err(failed)?.map(|table| table.name().to_owned()).collect();
    let has = |name: &str| names.iter().any(|found| found == name);
    let is_format_1 = has(FORMAT_1.name());
    if !names.is_empty() && !is_format_1 && !has(INDEX.name()) {
        return Err(EngineError::failed(
            "the file is a database of another program; give another data folder",
        ));
    }
    let known = match has(ORIGIN.name()) {
        true => transaction.open_table(ORIGIN).map_err(failed)?.get(()).map_err(failed)?.map(|known| {
            let (number, made) = known.value();
            FileIdentity { number, made }
        }),
        false => None,
    };
    let identity = pages.identity();
    if was_open && let (Some(known), Some(identity)) = (known, identity) {
        match known.is_of_other_than(identity) {
            Some(true) if options.copies == Copies::Refused => {
                return Err(EngineError::failed(
                    "the file is a copy that was made while a server had the store open, so it may lack what the server \
                     wrote later. Use taxii-server export and import, or copy the data folder while no server runs. Where \
                     the copy is all that there is, the setting accept_copy takes it",
                ));
            }
            None => tracing::warn!(
                "the store was not closed, and its file has another number than before; where it is a copy that was made \
                 while a server ran, it may lack what the server wrote later"
            ),
            Some(_) => {}
        }
    }
    drop(transaction);
    if names.is_empty() || known != identity {
        let transaction = database.begin_write().map_err(failed)?;
        transaction.open_table(INDEX).map_err(failed)?;
        transaction.open_table(BULK).map_err(failed)?;
        if let Some(FileIdentity { number, made }) = identity {
            transaction.open_table(ORIGIN).map_err(failed)?.insert((), (number, made)).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
    }
    let tables = Tables::of(&database, bulk)?;
    Ok((database, tables, is_format_1))
}

impl Engine for EmbeddedEngine {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        let boxed = |inner: &Inner| Box::new(EmbeddedSnapshot(inner.published())) as Box<dyn Snapshot>;
        if !self.0.is_broken.load(Ordering::Acquire) {
            return Box::pin(async move { Ok(boxed(&self.0)) });
        }
        let inner = Arc::clone(&self.0);
        blocking(move || {
            inner.open_again(&mut inner.writer())?;
            Ok(boxed(&inner))
        })
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        let inner = Arc::clone(&self.0);
        blocking(move || inner.commit(commit))
    }

    fn settle(&self) -> EngineFuture<'_, ()> {
        let inner = Arc::clone(&self.0);
        blocking(move || inner.settle())
    }
}

fn write(
    transaction: &redb::WriteTransaction,
    bulk: &[Range<Key>],
    commit: &Commit,
) -> Result<(), EngineError> {
    let mut index_table = transaction.open_table(INDEX).map_err(failed)?;
    let mut bulk_table = transaction.open_table(BULK).map_err(failed)?;
    for (key, change) in &commit.heads {
        let found = index_table.get(key.as_slice()).map_err(failed)?;
        if found.as_ref().map(redb::AccessGuard::value) != change.from.as_deref() {
            return Err(EngineError::Conflict);
        }
    }
    for range in &commit.cleared {
        for (table, piece) in pieces(bulk, range) {
            let piece = piece.start.as_slice()..piece.end.as_slice();
            match table {
                Table::Index => index_table.retain_in(piece, |_, _| false).map_err(failed)?,
                Table::Bulk => bulk_table.retain_in(piece, |_, _| false).map_err(failed)?,
            }
        }
    }
    let heads = commit.heads.iter().map(|(key, change)| (key, &change.to));
    for (key, value) in commit.writes.iter().chain(heads) {
        let table = match table_of(bulk, key) {
            Table::Index => &mut index_table,
            Table::Bulk => &mut bulk_table,
        };
        match value {
            Some(value) => table.insert(key.as_slice(), &value[..]).map_err(failed)?,
            None => table.remove(key.as_slice()).map_err(failed)?,
        };
    }
    Ok(())
}

/// Files are read and synced away from the threads that serve requests.
fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> EngineFuture<'static, T> {
    Box::pin(async {
        match may_wait() {
            true => work(),
            false => tokio::task::spawn_blocking(work).await.map_err(EngineError::failed)?,
        }
    })
}

fn failed(error: impl Into<redb::Error>) -> EngineError {
    match error.into() {
        redb::Error::Io(error) => of_disk(error),
        redb::Error::PreviousIo | redb::Error::DatabaseClosed => closed(),
        redb::Error::Corrupted(message) => damaged(&message),
        error => EngineError::failed(error),
    }
}

/// The snapshot belongs to a database that is closed, and a new one is open or will be.
fn closed() -> EngineError {
    EngineError::Unavailable {
        retry_after: FIRST_WAIT,
        cause: "it is opened again after a failure of the disk".into(),
    }
}

/// The answer to a commit that the disk did not take.
fn refusal(fault: &Fault) -> EngineError {
    match fault.may_be_written {
        true => EngineError::Undetermined(of_disk(fault.to_error()).into()),
        false => of_disk(fault.to_error()),
    }
}

fn damaged(what: &str) -> EngineError {
    EngineError::Damaged(what.into())
}

fn of_disk(error: io::Error) -> EngineError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => EngineError::Full,
        ErrorKind::UnexpectedEof => damaged("the file is cut off"),
        _ => EngineError::Disk(error),
    }
}
