//! The default engine: one file, through redb.

use super::engine::{
    Commit, Content, Direction, Engine, EngineError, EngineFuture, Key, KeyValue, Scan, Snapshot, get_within,
};
use bytes::Bytes;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;
type ReadTable = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;

const INDEX: Definition = TableDefinition::new("index");
/// Values of bulk ranges have a tree of their own, so that the index stays small and in memory.
const BULK: Definition = TableDefinition::new("bulk");
/// The table of data folders of format 1.
const FORMAT_1: Definition = TableDefinition::new("concord");
const CACHE_BYTES: usize = 64 << 20;

/// Keeps everything in one file that only this process has open.
pub struct EmbeddedEngine {
    database: Arc<Database>,
    bulk: Arc<[Range<Key>]>,
}

impl EmbeddedEngine {
    /// Opens or makes a file. After a crash it is repaired first. Keys in the `bulk` ranges must be the same ones each
    /// time.
    ///
    /// # Errors
    /// When the file cannot be opened, or another process has it open.
    pub fn open(path: &Path, bulk: &[Range<Key>]) -> Result<Self, EngineError> {
        make_private(path).map_err(EngineError::failed)?;
        // redb panics on some kinds of damage.
        let open = std::panic::catch_unwind(|| {
            let database = Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(failed)?;
            let transaction = database.begin_write().map_err(failed)?;
            transaction.open_table(INDEX).map_err(failed)?;
            transaction.open_table(BULK).map_err(failed)?;
            transaction.commit().map_err(failed)?;
            Ok(database)
        });
        let database =
            open.map_err(|_| EngineError::failed("the file is damaged; restore it from a backup"))??;
        Ok(Self { database: Arc::new(database), bulk: bulk.into() })
    }

    /// Whether the file holds a store of format 1, which this version does not read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn is_format_1(&self) -> Result<bool, EngineError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        match transaction.open_table(FORMAT_1) {
            Ok(_) => Ok(true),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

/// One of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Index,
    Bulk,
}

fn table_of(bulk: &[Range<Key>], key: &[u8]) -> Table {
    let is_bulk = bulk.iter().any(|range| range.start.as_slice() <= key && key < range.end.as_slice());
    if is_bulk { Table::Bulk } else { Table::Index }
}

/// Cuts a range where it goes over from one table to the other.
fn pieces(bulk: &[Range<Key>], range: &Range<Key>) -> Vec<(Table, Range<Key>)> {
    let mut cuts: Vec<_> = bulk.iter().flat_map(|bulk| [&bulk.start, &bulk.end]).collect();
    cuts.retain(|cut| range.start < **cut && **cut < range.end);
    cuts.push(&range.end);
    cuts.sort_unstable();
    let mut start = &range.start;
    let piece = |end| {
        let piece = start.clone()..Key::clone(end);
        start = end;
        (table_of(bulk, &piece.start), piece)
    };
    cuts.into_iter().map(piece).filter(|(_, piece)| !piece.is_empty()).collect()
}

impl Engine for EmbeddedEngine {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        Box::pin(async {
            let transaction = self.database.begin_read().map_err(failed)?;
            let tables = Tables {
                index: transaction.open_table(INDEX).map_err(failed)?,
                bulk: transaction.open_table(BULK).map_err(failed)?,
                ranges: Arc::clone(&self.bulk),
            };
            Ok(Box::new(EmbeddedSnapshot(Arc::new(tables))) as Box<dyn Snapshot>)
        })
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        let (database, bulk) = (Arc::clone(&self.database), Arc::clone(&self.bulk));
        blocking(move || {
            let transaction = database.begin_write().map_err(failed)?;
            write(&transaction, &bulk, commit)?;
            transaction.commit().map_err(failed)
        })
    }
}

fn write(
    transaction: &redb::WriteTransaction,
    bulk: &[Range<Key>],
    commit: Commit,
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
    let heads = commit.heads.into_iter().map(|(key, change)| (key, change.to));
    for (key, value) in commit.writes.into_iter().chain(heads) {
        let table = match table_of(bulk, &key) {
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

struct Tables {
    index: ReadTable,
    bulk: ReadTable,
    ranges: Arc<[Range<Key>]>,
}

impl Tables {
    fn table(&self, table: Table) -> &ReadTable {
        match table {
            Table::Index => &self.index,
            Table::Bulk => &self.bulk,
        }
    }
}

struct EmbeddedSnapshot(Arc<Tables>);

impl Snapshot for EmbeddedSnapshot {
    fn get_many(&self, keys: Vec<Key>, max_bytes: usize) -> EngineFuture<'_, Vec<Option<Bytes>>> {
        let tables = Arc::clone(&self.0);
        blocking(move || {
            get_within(keys, max_bytes, |key| {
                let value = tables.table(table_of(&tables.ranges, key)).get(key).map_err(failed)?;
                Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
            })
        })
    }

    fn scan(&self, scan: Scan) -> EngineFuture<'_, Vec<KeyValue>> {
        let tables = Arc::clone(&self.0);
        blocking(move || {
            if scan.range.is_empty() {
                return Ok(Vec::new());
            }
            let mut ranges = Vec::new();
            for (table, piece) in pieces(&tables.ranges, &scan.range) {
                let piece = piece.start.as_slice()..piece.end.as_slice();
                ranges.push(tables.table(table).range(piece).map_err(failed)?);
            }
            let entry = |(key, value): (redb::AccessGuard<'_, &[u8]>, redb::AccessGuard<'_, &[u8]>),
                         content| {
                let value = if content == Content::Keys { &[][..] } else { value.value() };
                (Bytes::copy_from_slice(key.value()), Bytes::copy_from_slice(value))
            };
            let failed = |entry: Result<_, redb::StorageError>| entry.map_err(failed);
            match scan.direction {
                Direction::Forward => scan.collect(ranges.into_iter().flatten().map(failed), entry),
                Direction::Backward => {
                    scan.collect(ranges.into_iter().rev().flat_map(Iterator::rev).map(failed), entry)
                }
            }
        })
    }
}

/// Makes a file that only its owner can read: it holds password hashes and the secret of the cursors.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Files are read and synced away from the threads that serve requests. (Opening a snapshot reads no more than the root
/// of the tree, which is in memory.)
fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> EngineFuture<'static, T> {
    Box::pin(async { tokio::task::spawn_blocking(work).await.map_err(EngineError::failed)? })
}

fn failed(error: impl Into<redb::Error>) -> EngineError {
    match error.into() {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => EngineError::Full,
        // After a failed write redb refuses everything until it is opened again.
        redb::Error::PreviousIo => EngineError::Full,
        redb::Error::DatabaseAlreadyOpen => {
            EngineError::failed("another process has it open; stop that server, or give another data folder")
        }
        error => EngineError::failed(error),
    }
}
