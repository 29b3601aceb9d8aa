//! The file through which the command line finds a running server.

use crate::private;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Name of the file in the data folder.
pub(crate) const FILE: &str = "control.json";

/// Address of a running server for the operator of its machine, and the secret that it asks for.
#[derive(Serialize, Deserialize)]
pub(crate) struct ControlAddress {
    pub(crate) address: SocketAddr,
    pub(crate) secret: String,
}

impl ControlAddress {
    /// Writes the file into a data folder, readable for its owner only.
    pub(crate) fn write(&self, data: &Path) -> io::Result<ControlFile> {
        let path = data.join(FILE);
        private::write(&path, &serde_json::to_vec(self)?)?;
        Ok(ControlFile(path))
    }

    /// Reads the file of a data folder; `None` when it has none.
    #[cfg(feature = "cli")]
    pub(crate) fn read(data: &Path) -> io::Result<Option<Self>> {
        match private::read(&data.join(FILE)) {
            Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A file that is removed when the server stops.
pub(crate) struct ControlFile(PathBuf);

impl Drop for ControlFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
