//! The default engine: one file, through redb.

use super::engine::{Commit, Direction, Engine, EngineError, EngineFuture, Key, Scan, Snapshot, get_within};
use bytes::Bytes;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::Path;
use std::sync::Arc;

const TABLE: TableDefinition<&[u8], &[u8]> = TableDefinition::new("concord");
const CACHE_BYTES: usize = 64 << 20;

/// Keeps everything in one file that only this process has open.
pub struct EmbeddedEngine {
    database: Arc<Database>,
}

impl EmbeddedEngine {
    /// Opens or makes the file. After a crash it is repaired first.
    ///
    /// # Errors
    /// When the file cannot be opened, or another process has it open.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        make_private(path).map_err(EngineError::failed)?;
        // redb panics on some kinds of damage.
        let open = std::panic::catch_unwind(|| {
            let database = Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(failed)?;
            let transaction = database.begin_write().map_err(failed)?;
            transaction.open_table(TABLE).map_err(failed)?;
            transaction.commit().map_err(failed)?;
            Ok(database)
        });
        let database =
            open.map_err(|_| EngineError::failed("the file is damaged; restore it from a backup"))??;
        Ok(Self { database: Arc::new(database) })
    }
}

impl Engine for EmbeddedEngine {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        Box::pin(async {
            let transaction = self.database.begin_read().map_err(failed)?;
            let table = transaction.open_table(TABLE).map_err(failed)?;
            Ok(Box::new(EmbeddedSnapshot { table: Arc::new(table) }) as Box<dyn Snapshot>)
        })
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        let database = Arc::clone(&self.database);
        blocking(move || {
            let transaction = database.begin_write().map_err(failed)?;
            {
                let mut table = transaction.open_table(TABLE).map_err(failed)?;
                for (key, expected) in &commit.expected {
                    let found = table.get(key.as_slice()).map_err(failed)?;
                    if found.as_ref().map(redb::AccessGuard::value) != expected.as_deref() {
                        return Err(EngineError::Conflict);
                    }
                }
                for (key, value) in &commit.writes {
                    match value {
                        Some(value) => table.insert(key.as_slice(), &value[..]).map_err(failed)?,
                        None => table.remove(key.as_slice()).map_err(failed)?,
                    };
                }
            }
            transaction.commit().map_err(failed)
        })
    }
}

struct EmbeddedSnapshot {
    table: Arc<redb::ReadOnlyTable<&'static [u8], &'static [u8]>>,
}

impl Snapshot for EmbeddedSnapshot {
    fn get_many(&self, keys: Vec<Key>, max_bytes: usize) -> EngineFuture<'_, Vec<Option<Bytes>>> {
        let table = Arc::clone(&self.table);
        blocking(move || {
            get_within(keys, max_bytes, |key| {
                let value = table.get(key).map_err(failed)?;
                Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
            })
        })
    }

    fn scan(&self, scan: Scan) -> EngineFuture<'_, Vec<(Bytes, Bytes)>> {
        let table = Arc::clone(&self.table);
        blocking(move || {
            if scan.range.is_empty() {
                return Ok(Vec::new());
            }
            let mut range =
                table.range(scan.range.start.as_slice()..scan.range.end.as_slice()).map_err(failed)?;
            let mut entries = Vec::new();
            while entries.len() < scan.limit {
                let entry = match scan.direction {
                    Direction::Forward => range.next(),
                    Direction::Backward => range.next_back(),
                };
                let Some(entry) = entry else { break };
                let (key, value) = entry.map_err(failed)?;
                entries.push((Bytes::copy_from_slice(key.value()), Bytes::copy_from_slice(value.value())));
            }
            Ok(entries)
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
        // After a failed write redb refuses everything until it is opened anew.
        redb::Error::PreviousIo => EngineError::Full,
        redb::Error::DatabaseAlreadyOpen => {
            EngineError::failed("another process has it open; stop that server, or give another data folder")
        }
        error => EngineError::failed(error),
    }
}
