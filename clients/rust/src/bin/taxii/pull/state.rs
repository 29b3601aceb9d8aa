//! What a pull into a file has reached, kept beside the file.

use super::walk::Reached;
use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use taxii_client::{Filter, kept};
use uuid::Uuid;

/// What was asked for. A file holds the answer to one request only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) url: String,
    pub(super) collection: String,
    pub(super) bundle: bool,
    pub(super) filters: Filter,
}

/// The content of `FILE.taxii-state`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    #[serde(flatten)]
    pub(super) request: Request,
    /// The place in each part of the request; one part, unless many identifiers are asked for.
    pub(super) positions: Vec<Reached>,
    /// Length of the file up to the last object of the last whole page.
    pub(super) bytes: u64,
    /// SHA-256 of the end of those bytes, in hexadecimal digits; states of older versions have none.
    #[serde(default)]
    pub(super) digest: Option<String>,
    /// Objects in those bytes.
    pub(super) objects: u64,
    /// The last pull came to its end.
    pub(super) finished: bool,
    /// Identifier of the bundle that is being written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bundle_id: Option<Uuid>,
}

impl State {
    /// The path of the state of a file.
    pub(super) fn path(file: &Path) -> PathBuf {
        let mut path = file.as_os_str().to_owned();
        path.push(".taxii-state");
        path.into()
    }

    /// Reads a state; `None` when there is none.
    pub(super) fn load(path: &Path) -> Result<Option<Self>, Failure> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file(path, error)),
        };
        let unusable = |error| {
            Failure::Usage(format!("{}: not the state of a pull ({error}); use --restart", path.display()))
        };
        serde_json::from_slice(&text).map(Some).map_err(unusable)
    }

    /// Replaces the state in one step: whoever looks, and whenever the power fails, it is the old one or the new one.
    pub(super) fn save(&self, path: &Path) -> Result<(), Failure> {
        kept::save(path, self).map_err(|error| Failure::file(path, error))
    }
}
