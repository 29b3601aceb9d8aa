//! Writes wait in memory until redb syncs, and as long as the disk refuses them.
//!
//! redb gives itself up after the first error of its file: reads fail too, until it has read the whole file again. So it
//! never learns of a write that failed. The pages stay here, reads find them, and the engine, which asks for
//! [`Pages::fault`] after each commit, takes back what the disk did not take. Later the pages are written in the order of
//! redb's syncs, so that a crash at any time leaves what a crash of redb would leave. That includes what was taken back,
//! from the moment at which its commit point, the start of the file, may be on the disk.

use super::disk::{Disk, FileIdentity};
use super::guard;
use redb::StorageBackend;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The file of a database, with the writes that it has not taken yet.
#[derive(Debug)]
pub(super) struct Pages {
    disk: Arc<dyn Disk>,
    waiting: RwLock<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// What was written between two syncs, oldest first. The last one is open.
    epochs: VecDeque<Epoch>,
    /// Length of the file on the disk.
    on_disk: u64,
    /// Syncs write nothing.
    is_held: bool,
    /// Why the disk did not take the last sync.
    fault: Option<Fault>,
    /// The disk may have a commit that was taken back: a part of what waits was written.
    is_ahead: bool,
}

/// Why the disk did not take an epoch.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    error: Arc<io::Error>,
    /// The commit point may be on the disk, so that a crash may leave the epoch as if it had been taken.
    pub(super) may_be_written: bool,
}

impl Fault {
    /// The error of the disk, as often as it is needed.
    pub(super) fn to_error(&self) -> io::Error {
        match self.error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(self.error.kind(), self.error.to_string()),
        }
    }
}

#[derive(Debug, Default)]
struct Epoch {
    /// The shortest length that the file had; bytes behind it are gone.
    cut: Option<u64>,
    /// The length at the end.
    length: Option<u64>,
    /// Pieces by their offset. No two of them overlap.
    pieces: BTreeMap<u64, Arc<[u8]>>,
}

impl Epoch {
    fn is_empty(&self) -> bool {
        self.length.is_none() && self.pieces.is_empty()
    }

    fn put(&mut self, offset: u64, bytes: &[u8]) {
        self.remove(offset, offset + bytes.len() as u64);
        self.pieces.insert(offset, bytes.into());
    }

    /// Removes what lies in a range; a piece that reaches into it is cut.
    fn remove(&mut self, start: u64, end: u64) {
        let before = self.pieces.range(..start).next_back().map(|(at, piece)| (*at, Arc::clone(piece)));
        if let Some((at, piece)) = before
            && at + piece.len() as u64 > start
        {
            self.pieces.insert(at, piece[..(start - at) as usize].into());
            if at + piece.len() as u64 > end {
                self.pieces.insert(end, piece[(end - at) as usize..].into());
            }
        }
        let inside: Vec<u64> = self.pieces.range(start..end).map(|(at, _)| *at).collect();
        for at in inside {
            let Some(piece) = self.pieces.remove(&at) else { continue };
            if at + piece.len() as u64 > end {
                self.pieces.insert(end, piece[(end - at) as usize..].into());
            }
        }
    }

    fn set_length(&mut self, length: u64, before: u64) {
        if length < before {
            self.remove(length, u64::MAX);
            self.cut = Some(self.cut.map_or(length, |cut| cut.min(length)));
        }
        self.length = Some(length);
    }

    /// Lays what the epoch has of a range over what was there before.
    fn lay_over(&self, offset: u64, out: &mut [u8]) {
        let end = offset + out.len() as u64;
        if let Some(cut) = self.cut
            && cut < end
        {
            out[cut.saturating_sub(offset) as usize..].fill(0);
        }
        let first = self.pieces.range(..=offset).next_back().map_or(offset, |(at, _)| *at);
        for (at, piece) in self.pieces.range(first..end) {
            let (from, to) = ((*at).max(offset), (at + piece.len() as u64).min(end));
            if from < to {
                let bytes = &piece[(from - at) as usize..(to - at) as usize];
                out[(from - offset) as usize..(to - offset) as usize].copy_from_slice(bytes);
            }
        }
    }

    /// Writes the epoch. After a refusal the commit point waits until the rest is on the disk.
    fn write(&self, disk: &dyn Disk, on_disk: u64, was_refused: bool) -> Result<(), Fault> {
        let mut may_be_written = false;
        let mut write = || {
            if let Some(cut) = self.cut.filter(|cut| *cut < on_disk) {
                disk.set_length(cut)?;
            }
            if let Some(length) = self.length {
                disk.set_length(length)?;
            }
            // The commit point, at the start of the file, comes last.
            for (at, piece) in self.pieces.iter().rev() {
                if *at == 0 && was_refused {
                    disk.sync()?;
                }
                disk.write(*at, piece)?;
                may_be_written |= *at == 0;
            }
            disk.sync()
        };
        write().map_err(|error| Fault { error: Arc::new(error), may_be_written })
    }
}

impl Waiting {
    fn length(&self) -> u64 {
        self.epochs.iter().rev().find_map(|epoch| epoch.length).unwrap_or(self.on_disk)
    }

    fn open(&mut self) -> &mut Epoch {
        if self.epochs.is_empty() {
            self.epochs.push_back(Epoch::default());
        }
        let last = self.epochs.len() - 1;
        &mut self.epochs[last]
    }

    /// What is written next stays behind what was written so far.
    fn end_epoch(&mut self) {
        if self.epochs.back().is_some_and(|last| !last.is_empty()) {
            self.epochs.push_back(Epoch::default());
        }
    }
}

impl Pages {
    /// Takes over a file. Nothing is written to it before [`Pages::settle`].
    pub(super) fn over(disk: Arc<dyn Disk>) -> io::Result<Self> {
        let pages = Self { disk, waiting: RwLock::default() };
        pages.discard()?;
        Ok(pages)
    }

    /// Why the disk did not take the last sync; redb believes that it did.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.waiting().fault.clone()
    }

    /// Whether the disk may have a commit that was taken back.
    pub(super) fn is_ahead(&self) -> bool {
        self.waiting().is_ahead
    }

    /// Forgets what the disk has not taken, as a crash does. Nothing is written before [`Pages::settle`].
    pub(super) fn discard(&self) -> io::Result<()> {
        let on_disk = self.disk.length()?;
        *self.change() = Waiting { on_disk, is_held: true, ..Waiting::default() };
        Ok(())
    }

    /// Writes what waits. Returns whether the disk had refused it before.
    pub(super) fn settle(&self) -> Result<bool, Fault> {
        let mut waiting = self.change();
        if !waiting.is_held && waiting.fault.is_none() {
            return Ok(false);
        }
        waiting.is_held = false;
        let was_refused = waiting.fault.take().is_some();
        drop(waiting);
        self.flush(was_refused);
        match self.fault() {
            Some(fault) => Err(fault),
            None => Ok(was_refused),
        }
    }

    /// What tells the file from its copies.
    pub(super) fn identity(&self) -> Option<FileIdentity> {
        self.disk.identity()
    }

    /// Fills `out` with the bytes that begin at an offset, also those that wait.
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let waiting = self.waiting();
        let end = offset + out.len() as u64;
        if end > waiting.length() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let stored = waiting.on_disk.saturating_sub(offset).min(out.len() as u64) as usize;
        if stored > 0 {
            self.disk.read(offset, &mut out[..stored])?;
        }
        out[stored..].fill(0);
        for epoch in &waiting.epochs {
            epoch.lay_over(offset, out);
        }
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) {
        self.change().open().put(offset, bytes);
    }

    fn set_length(&self, length: u64) {
        let mut waiting = self.change();
        let before = waiting.length();
        waiting.open().set_length(length, before);
    }

    /// Ends an epoch, and writes it unless an earlier one waits.
    fn sync(&self) {
        let mut waiting = self.change();
        if waiting.is_held || waiting.fault.is_some() {
            waiting.end_epoch();
            return;
        }
        drop(waiting);
        self.flush(false);
    }

    fn flush(&self, was_refused: bool) {
        let mut has_written = false;
        loop {
            let waiting = self.waiting();
            let Some(epoch) = waiting.epochs.front() else { break };
            // Only the one writer changes what waits, so readers are not held up here.
            let written = match epoch.is_empty() {
                true => Ok(()),
                false => epoch.write(&*self.disk, waiting.on_disk, was_refused),
            };
            let on_disk = epoch.length.unwrap_or(waiting.on_disk);
            drop(waiting);
            let mut waiting = self.change();
            if let Err(fault) = written {
                // A part may have been done.
                waiting.on_disk = self.disk.length().unwrap_or(waiting.on_disk);
                waiting.is_ahead |= has_written || fault.may_be_written;
                waiting.fault = Some(fault);
                waiting.end_epoch();
                return;
            }
            waiting.epochs.pop_front();
            waiting.on_disk = on_disk;
            has_written = true;
        }
        self.change().is_ahead = false;
    }

    fn waiting(&self) -> RwLockReadGuard<'_, Waiting> {
        self.waiting.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Waiting> {
        self.waiting.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What redb sees of the pages. The lock on the file is the engine's, for as long as it lives.
#[derive(Debug)]
pub(super) struct Backend(pub(super) Arc<Pages>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.waiting().length())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out).map_err(guard::read_fault)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_length(length);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data);
        Ok(())
    }
}
