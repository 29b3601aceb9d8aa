//! A file that a pull can go on with after any interruption.

use super::layout::Layout;
use super::state::{Request, State};
use super::walk::Reached;
use crate::failure::Failure;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Which file, for which request.
pub(super) struct Place<'p> {
    pub(super) path: &'p Path,
    pub(super) request: Request,
    pub(super) layout: Layout,
    /// What was there before is to be forgotten.
    pub(super) restart: bool,
}

/// The file, and the state beside it.
///
/// A page is written in this order: objects into the file, file onto the disk, then the new state in one step.
/// Interrupted before the last step, the file is longer than the state says and is cut back; so each page is there
/// once. In a compressed file each page is a member of its own, so that it can be cut back too.
pub(super) struct Target {
    path: PathBuf,
    state_path: PathBuf,
    file: File,
    layout: Layout,
    packing: Packing,
    state: State,
}

/// How the file is compressed; its name tells.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Place<'_> {
    /// The state with which an earlier pull for the same request left the file; `None` when the file is to be begun.
    pub(super) fn load(&self) -> Result<Option<State>, Failure> {
        let Self { path, request, restart, .. } = self;
        if *restart {
            return Ok(None);
        }
        let refuse =
            |reason: &str| Err(Failure::Usage(format!("{}: {reason}, or use --restart", path.display())));
        let length = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(Failure::file(path, error)),
        };
        match State::load(&State::path(path))? {
            None if length > 0 => refuse("exists already and was not written by a pull; choose another file"),
            None => Ok(None),
            // Nothing came for the other request, so that nothing is lost.
            Some(state) if state.request != *request && state.objects == 0 => Ok(None),
            Some(state) if state.request != *request => refuse(
                "holds the objects of another URL, collection, filter or format; \
                 give the same ones as before",
            ),
            Some(state) if length < state.bytes => {
                refuse("is shorter than the last pull left it; put it back")
            }
            Some(state)
                if state.digest.is_some() && state.digest != Some(digest_of_end(path, state.bytes)?) =>
            {
                refuse("was changed by another program after the last pull; choose another file")
            }
            Some(state)
                if state.finished && state.objects > 0 && state.positions.iter().any(Reached::is_final) =>
            {
                refuse(
                    "cannot be brought up to date, because the server does not tell when objects were added \
                     (X-TAXII-Date-Added-Last); choose another file",
                )
            }
            Some(state) => Ok(Some(State { finished: false, ..state })),
        }
    }
}

impl Target {
    /// Opens the file where the last pull left it, or begins it.
    pub(super) fn open(place: &Place<'_>) -> Result<Self, Failure> {
        let Place { path, request, layout, restart } = place;
        let at = |error| Failure::file(path, error);
        let file = File::options().write(true).create(true).truncate(false).open(path).map_err(&at)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Failed(format!("{}: another pull is writing it", path.display())));
            }
            Err(TryLockError::Error(error)) => return Err(at(error)),
        }
        let state_path = State::path(path);
        if *restart {
            // The state first: a file without one is never taken for a file to go on with.
            match fs::remove_file(&state_path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Failure::file(&state_path, error));
                }
                _ => file.set_len(0).map_err(&at)?,
            }
        }
        let bundle_id = match layout {
            Layout::Lines => None,
            Layout::Bundle { id } => Some(*id),
        };
        let begun = || State {
            request: request.clone(),
            positions: Vec::new(),
            bytes: 0,
            digest: None,
            objects: 0,
            finished: false,
            bundle_id,
        };
        let state = place.load()?.unwrap_or_else(begun);
        let layout = state.bundle_id.map_or(Layout::Lines, |id| Layout::Bundle { id });
        let packing = Packing::of(path);
        let mut target = Self { path: path.to_path_buf(), state_path, file, layout, packing, state };
        target.cut()?;
        Ok(target)
    }

    /// Takes away what was written after the last state: half a page, or the end of a bundle.
    fn cut(&mut self) -> Result<(), Failure> {
        let at = |error| Failure::file(&self.path, error);
        // A file without a state is taken for somebody's own, so the state comes first.
        self.state.save(&self.state_path)?;
        self.file.set_len(self.state.bytes).map_err(&at)?;
        self.file.seek(SeekFrom::End(0)).map_err(&at)?;
        Ok(())
    }

    /// Where the pull goes on; the file is locked, so no other pull moves on meanwhile.
    pub(super) fn positions(&self) -> Vec<Reached> {
        self.state.positions.clone()
    }

    /// Objects in the file.
    pub(super) fn objects(&self) -> u64 {
        self.state.objects
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a page, after which the pull stands at these positions.
    pub(super) fn write(
        &mut self,
        objects: &[Box<RawValue>],
        positions: Vec<Reached>,
    ) -> Result<(), Failure> {
        let text = self.layout.page(objects, self.state.objects);
        self.state.bytes += self.append(&text)?;
        self.state.digest = Some(digest_of_end(&self.path, self.state.bytes)?);
        self.state.objects += objects.len() as u64;
        self.state.positions = positions;
        self.state.save(&self.state_path)
    }

    /// Completes the file.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        // The end of a bundle is not counted: the next pull writes over it.
        self.append(&self.layout.end(self.state.objects))?;
        self.state.finished = true;
        self.state.save(&self.state_path)
    }

    /// Writes some text, and says how many bytes of the file it takes.
    fn append(&mut self, text: &[u8]) -> Result<u64, Failure> {
        let at = |error| Failure::file(&self.path, error);
        let packed = self.packing.pack(text).map_err(&at)?;
        self.file.write_all(&packed).map_err(&at)?;
        self.file.sync_data().map_err(&at)?;
        Ok(packed.len() as u64)
    }
}

/// Bytes at the end of what a pull has written that show whether it is still there.
const END: u64 = 64 << 10;

/// Digest of the end of the first `bytes` bytes of a file.
fn digest_of_end(path: &Path, bytes: u64) -> Result<String, Failure> {
    let read = || {
        let mut file = File::open(path)?;
        let start = bytes.saturating_sub(END);
        file.seek(SeekFrom::Start(start))?;
        let mut end = Vec::new();
        file.take(bytes - start).read_to_end(&mut end)?;
        Ok(stix_model::json::Digest(Sha256::digest(&end).into()).to_string())
    };
    read().map_err(|error| Failure::file(path, error))
}

impl Packing {
    pub(super) fn of(path: &Path) -> Self {
        match path.extension().and_then(std::ffi::OsStr::to_str) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// A text as a member by itself: what is compressed so may be joined (RFC 1952, section 2.2; RFC 8878, section 3).
    pub(super) fn pack(self, text: &[u8]) -> io::Result<Vec<u8>> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::None => Ok(text.to_vec()),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(text)?;
                encoder.finish()
            }
            Self::Zstd => zstd::encode_all(text, 0),
        }
    }
}
