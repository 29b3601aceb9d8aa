//! A file that a pull can go on with after any interruption.

use super::layout::Layout;
use super::state::{Request, State};
use crate::failure::Failure;
use serde_json::value::RawValue;
use std::fs::{self, File, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use taxii_client::Position;

/// The file, and the state beside it.
///
/// A page is written in this order: objects into the file, file onto the disk, then the new state in one step.
/// Interrupted before the last step, the file is longer than the state says and is cut back; so each page is there
/// once.
pub(super) struct Target {
    path: PathBuf,
    state_path: PathBuf,
    file: File,
    layout: Layout,
    state: State,
}

impl Target {
    /// Opens the file where the last pull left it, or begins it.
    pub(super) fn open(
        path: &Path,
        request: Request,
        layout: Layout,
        restart: bool,
    ) -> Result<Self, Failure> {
        let refuse =
            |reason: &str| Err(Failure::Usage(format!("{}: {reason}, or use --restart", path.display())));
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
        if restart {
            // The state first: a file without one is never taken for a file to go on with.
            match fs::remove_file(&state_path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Failure::file(&state_path, error));
                }
                _ => file.set_len(0).map_err(&at)?,
            }
        }
        let length = file.metadata().map_err(&at)?.len();
        let bundle_id = match layout {
            Layout::Lines => None,
            Layout::Bundle { id } => Some(id),
        };
        let state = match State::load(&state_path)? {
            None if length > 0 => {
                return refuse("exists already and was not written by a pull; choose another file");
            }
            None => {
                let position = Position::default();
                State { request, position, bytes: 0, objects: 0, finished: false, bundle_id }
            }
            Some(state) if state.request != request => {
                return refuse(
                    "holds the objects of another URL, collection, filter or format; \
                     give the same ones as before",
                );
            }
            Some(state) if length < state.bytes => {
                return refuse("is shorter than the last pull left it; put it back");
            }
            Some(state) if state.finished && state.objects > 0 && state.position.newest.is_none() => {
                return refuse(
                    "cannot be brought up to date, because the server does not tell when objects were added \
                     (X-TAXII-Date-Added-Last); choose another file",
                );
            }
            Some(state) => State { finished: false, ..state },
        };
        let layout = state.bundle_id.map_or(Layout::Lines, |id| Layout::Bundle { id });
        let mut target = Self { path: path.to_owned(), state_path, file, layout, state };
        target.state.save(&target.state_path)?;
        target.cut()?;
        Ok(target)
    }

    /// Takes away what was written after the last state: half a page, or the end of a bundle.
    fn cut(&mut self) -> Result<(), Failure> {
        let at = |error| Failure::file(&self.path, error);
        self.file.set_len(self.state.bytes).map_err(&at)?;
        self.file.seek(SeekFrom::End(0)).map_err(&at)?;
        Ok(())
    }

    /// Where to go on.
    pub(super) fn position(&self) -> &Position {
        &self.state.position
    }

    /// Objects in the file.
    pub(super) fn objects(&self) -> u64 {
        self.state.objects
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a page, after which the pull stands at `position`.
    pub(super) fn write(&mut self, objects: &[Box<RawValue>], position: &Position) -> Result<(), Failure> {
        let text = self.layout.page(objects, self.state.objects);
        self.append(&text)?;
        self.state.bytes += text.len() as u64;
        self.state.objects += objects.len() as u64;
        self.state.position = position.clone();
        self.state.save(&self.state_path)
    }

    /// Completes the file.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        // The end of a bundle is not counted: the next pull writes over it.
        self.append(&self.layout.end(self.state.objects))?;
        self.state.finished = true;
        self.state.save(&self.state_path)
    }

    fn append(&mut self, text: &[u8]) -> Result<(), Failure> {
        let at = |error| Failure::file(&self.path, error);
        self.file.write_all(text).map_err(&at)?;
        self.file.sync_data().map_err(&at)
    }
}
