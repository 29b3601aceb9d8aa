//! A disk that forgets what was not synced, tears writes, and fails.

use super::dice::Dice;
use consensus::order::Blocking;
use openraft::AsyncRuntime;
use openraft_rt_sim::SimRuntime;
use redb::StorageBackend;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

/// Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Image>>);

#[derive(Debug, Default)]
struct Image {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// What a loss of power may undo.
    unsynced: Vec<Change>,
    /// Calls until the power is lost.
    left: Option<u64>,
    failure: Option<ErrorKind>,
    syncs: u64,
    /// One of this number of syncs really happens. A disk, or a log, that is right has 1.
    honest: u64,
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(offset, data) => {
            let start = *offset as usize;
            if bytes.len() < start + data.len() {
                bytes.resize(start + data.len(), 0);
            }
            bytes[start..start + data.len()].copy_from_slice(data);
        }
        Change::Length(length) => bytes.resize(*length as usize, 0),
    }
}

impl Disk {
    /// A disk that tells the truth of one sync in this number.
    pub(crate) fn new(honest: u64) -> Self {
        Self(Arc::new(Mutex::new(Image { honest, ..Image::default() })))
    }

    /// What is found after a loss of power: all that was synced, and any part of the rest.
    pub(crate) fn after_crash(&self, dice: &Dice) -> Self {
        let image = self.0.lock().unwrap();
        let mut found = image.synced.clone();
        if image.honest <= 1 {
            for change in &image.unsynced {
                match change {
                    _ if dice.percent(50) => {}
                    Change::Write(offset, data) if dice.percent(30) => {
                        let torn = data[..dice.draw(0..data.len() as u64) as usize].to_vec();
                        apply(&mut found, &Change::Write(*offset, torn));
                    }
                    change => apply(&mut found, change),
                }
            }
        }
        let image = Image { now: found.clone(), synced: found, honest: image.honest, ..Image::default() };
        Self(Arc::new(Mutex::new(image)))
    }

    /// Loses power in the middle of the call that is this number of calls away.
    pub(crate) fn lose_power_after(&self, calls: u64) {
        self.0.lock().unwrap().left = Some(calls);
    }

    /// Fails from now on.
    pub(crate) fn fail(&self, kind: ErrorKind) {
        self.0.lock().unwrap().failure = Some(kind);
    }
}

impl Image {
    fn check(&self) -> io::Result<()> {
        self.failure.map_or(Ok(()), |kind| Err(kind.into()))
    }

    /// Counts a call; returns whether the power is lost in it.
    fn count(&mut self) -> bool {
        match &mut self.left {
            Some(0) => {
                self.failure = Some(ErrorKind::Other);
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        self.check()?;
        let is_lost = self.count();
        apply(&mut self.now, &change);
        self.unsynced.push(change);
        if is_lost { self.check() } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let image = self.0.lock().unwrap();
        image.check()?;
        let start = offset as usize;
        let found = image.now.get(start..start + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.lock().unwrap().change(Change::Length(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut image = self.0.lock().unwrap();
        image.check()?;
        if image.count() {
            return image.check();
        }
        image.syncs += 1;
        if image.syncs.is_multiple_of(image.honest.max(1)) {
            let Image { synced, unsynced, .. } = &mut *image;
            unsynced.drain(..).for_each(|change| apply(synced, &change));
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().change(Change::Write(offset, data.to_vec()))
    }
}

/// Work for the disk takes a while.
#[derive(Clone)]
pub(crate) struct Slow {
    pub(crate) dice: Dice,
    /// Longest time, in microseconds.
    pub(crate) longest: Arc<Mutex<u64>>,
}

impl Blocking for Slow {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let longest = *self.longest.lock().unwrap();
        let (before, after) = (self.dice.draw(0..longest), self.dice.draw(0..longest / 2));
        SimRuntime::sleep(Duration::from_micros(before)).await;
        let result = work();
        SimRuntime::sleep(Duration::from_micros(after)).await;
        Ok(result)
    }
}
