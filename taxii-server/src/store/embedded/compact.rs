//! Giving space back to the disk.

use super::disk::Disk;
use super::pages::Pages;
use super::{CACHE_BYTES, Copies, EmbeddedEngine, Options, failed, guard, of_disk, open_database};
use crate::store::engine::{EngineError, Key};
use redb::{Database, StorageBackend};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

impl EmbeddedEngine {
    /// Gives the space of removed values back to the disk. It takes as long as reading and writing what the file holds.
    ///
    /// # Errors
    /// When the file cannot be opened, another process has it open, or the disk fails. Then all values are there.
    pub fn compact(path: &Path, bulk: &[Range<Key>]) -> Result<(), EngineError> {
        let Some(file) = Self::find(path)? else { return Ok(()) };
        let file = Arc::new(file);
        let compacted = Self::compact_disk(&(Arc::clone(&file) as _), bulk);
        let _ = file.unlock();
        compacted
    }

    /// The same on a disk that nothing else writes to.
    ///
    /// # Errors
    /// As [`EmbeddedEngine::compact`].
    pub fn compact_disk(disk: &Arc<dyn Disk>, bulk: &[Range<Key>]) -> Result<(), EngineError> {
        let pages = Arc::new(Pages::over(Arc::clone(disk)).map_err(of_disk)?);
        let options = Options { cache_bytes: CACHE_BYTES, copies: Copies::Refused };
        // Looks at the file without a change to it.
        guard::writing(|| open_database(&pages, &Arc::from(bulk), options).map(drop))?;
        drop(pages);
        guard::writing(|| {
            let mut builder = Database::builder();
            builder.set_cache_size(CACHE_BYTES);
            let mut database = builder.create_with_backend(Straight(Arc::clone(disk))).map_err(failed)?;
            match database.compact() {
                Ok(_) => Ok(()),
                Err(redb::CompactionError::Storage(error)) => Err(failed(error)),
                Err(error) => Err(EngineError::failed(error.to_string())),
            }
        })
    }
}

/// A disk without pages in between. Nothing reads while a file is compacted, so redb may give itself up at the first error;
/// what it rewrites does not have to wait in memory.
#[derive(Debug)]
struct Straight(Arc<dyn Disk>);

impl StorageBackend for Straight {
    fn len(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_length(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}
