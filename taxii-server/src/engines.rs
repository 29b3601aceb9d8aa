//! The one place that knows which engine a configuration names.

use crate::clock::Clock;
use crate::config::Config;
use crate::store::engine::EngineError;
use crate::store::{EmbeddedEngine, Store, StoreError, bulk_ranges};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the embedded store in the data folder.
const FILE: &str = "store.redb";

/// Why the store of a configuration cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The data folder cannot be made.
    #[error("cannot make the data folder {}", path.display())]
    Folder {
        /// Path of the folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The engine cannot be opened.
    #[error("cannot open {}", path.display())]
    Engine {
        /// Path of the embedded store.
        path: PathBuf,
        /// The cause.
        source: EngineError,
    },
    /// The engine was opened, but does not hold a store that this version reads.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens the store that a configuration names, or makes it.
///
/// # Errors
/// When the data folder cannot be made, another process has the store open, or it has another format.
pub async fn open(config: &Config) -> Result<Store, OpenError> {
    make_folder(&config.data)?;
    let path = config.data.join(FILE);
    let open = || {
        let engine = EmbeddedEngine::open(&path, &bulk_ranges())?;
        Ok((engine.is_format_1()?, engine))
    };
    let engine = match open() {
        Ok((false, engine)) => engine,
        Ok((true, _)) => return Err(StoreError::Format { found: 1 }.into()),
        Err(source) => return Err(OpenError::Engine { path, source }),
    };
    Ok(Store::open(Arc::new(engine), Arc::new(Clock::System)).await?)
}

/// Whether the store that a configuration names has been made.
pub fn exists(config: &Config) -> bool {
    config.data.join(FILE).exists()
}

/// Makes the data folder, readable for its owner only.
fn make_folder(path: &Path) -> Result<(), OpenError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| OpenError::Folder { path: path.to_owned(), source })
}
