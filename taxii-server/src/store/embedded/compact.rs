//! Giving space back to the disk.

use super::pages::Pages;
use super::{CACHE_BYTES, Copies, EmbeddedEngine, Options, guard, of_disk, open_database};
use crate::store::engine::{EngineError, Key};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

impl EmbeddedEngine {
    /// Gives the space of removed values back to the disk. It takes as long as reading and writing what the file holds.
    ///
    /// # Errors
    /// When the file cannot be opened, or another process has it open.
    pub fn compact(path: &Path, bulk: &[Range<Key>]) -> Result<(), EngineError> {
        let Some(file) = Self::find(path)? else { return Ok(()) };
        let file = Arc::new(file);
        let pages = Arc::new(Pages::over(Arc::clone(&file) as _).map_err(of_disk)?);
        let options = Options { cache_bytes: CACHE_BYTES, copies: Copies::Refused };
        let (mut database, tables, _) = guard::writing(|| open_database(&pages, &Arc::from(bulk), options))?;
        // redb compacts only what has no readers.
        drop(tables);
        pages.settle().map_err(|fault| of_disk(fault.to_error()))?;
        let compacted = guard::writing(|| {
            let compacted = database.compact().map_err(|error| EngineError::failed(error.to_string()));
            drop(database);
            compacted
        });
        let _ = file.unlock();
        match pages.fault() {
            Some(fault) => Err(of_disk(fault.to_error())),
            None => compacted.map(drop),
        }
    }
}
