//! The file through which the command line finds a running server.

use super::place::Place;
use crate::engines::CONTROL;
use crate::private;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// Place at which a running server listens for the operator of its machine, and the secret that both know.
#[derive(Serialize, Deserialize)]
pub(crate) struct ControlAddress {
    #[serde(flatten)]
    pub(crate) place: Place,
    pub(crate) secret: String,
    /// Number of the process of the server.
    pub(crate) process: u32,
}

impl ControlAddress {
    /// Writes the file into a data folder, readable for its owner only.
    pub(crate) fn write(&self, data: &Path) -> io::Result<ControlFile> {
        let path = data.join(CONTROL);
        let written = Self { place: self.place.inside(data), secret: self.secret.clone(), ..*self };
        private::write(&path, &serde_json::to_vec(&written)?)?;
        Ok(ControlFile { path, place: self.place.clone() })
    }

    /// Reads the file of a data folder; `None` when it has none.
    #[cfg(feature = "cli")]
    pub(crate) fn read(data: &Path) -> io::Result<Option<Self>> {
        match private::read(&data.join(CONTROL)) {
            Ok(json) => {
                let read: Self = serde_json::from_slice(&json)?;
                Ok(Some(Self { place: read.place.below(data), ..read }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// File and socket, which are removed when the server stops.
pub(crate) struct ControlFile {
    path: PathBuf,
    place: Place,
}

impl Drop for ControlFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        self.place.remove();
    }
}
