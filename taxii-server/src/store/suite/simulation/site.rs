//! One store with its node: it applies entries, ends at any moment, and begins again with what its disk has.

use super::super::nodes::{CrashingEngine, Member, position};
use super::super::{Faults, FaultyEngine};
use super::STEP;
use super::course::Course;
use super::disk::{Disk, Mistakes};
use super::seen::Seen;
use crate::clock::Clock;
use crate::store::NetworkMachine;
use crate::store::engine::Engine;
use crate::store::keys;
use bytes::Bytes;
use consensus::order::{Chunks, Machine, MachineError};
use consensus::{Ledger, Reader};
use fastrand::Rng;
use futures::{StreamExt, stream};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Portions of entries after which a store has applied all, though some of them fail.
const MAX_ATTEMPTS: usize = 1_000;

/// A log that is applied, and the dice that say how.
pub(super) struct Run {
    pub(super) course: Arc<Course>,
    pub(super) random: Rng,
    pub(super) counts: Counts,
}

/// What was done and what happened, over all sites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) entries: u64,
    pub(super) crashes: u64,
    /// Entries that crashes took back.
    pub(super) taken_back: u64,
    pub(super) installed: u64,
    /// Snapshots that were not installed, because something broke on the way.
    pub(super) broken: u64,
    pub(super) replaced: u64,
    /// States that were compared as a whole.
    pub(super) compared: u64,
}

pub(super) struct Site {
    disk: Arc<Disk>,
    pub(super) member: Member,
    /// The last entry that it has applied.
    pub(super) index: Option<u64>,
    /// The last entry that it said to be durable.
    durable: Option<u64>,
}

/// What a site does to its disk while one process runs.
fn life(disk: &Arc<Disk>, random: &mut Rng) -> Arc<dyn Engine> {
    let calls = if random.u64(..3) == 0 { u64::MAX } else { 1 << random.u64(..13) };
    let crashing = CrashingEngine::new(Arc::clone(disk) as _, calls, random.u64(..2) == 0);
    let once_in = [0, 4, 9, 30];
    let mut fault = || once_in[usize::try_from(random.u64(..4)).unwrap()];
    let (conflict, unavailable) = (fault(), fault());
    let (undetermined_applied, undetermined_lost) = (fault(), fault());
    let faults = Faults { conflict, undetermined_applied, undetermined_lost, unavailable };
    Arc::new(FaultyEngine::new(Arc::new(crashing), faults, random.u64(..)))
}

/// Whether an error is of the faults that are made.
fn is_expected(error: &MachineError) -> bool {
    let text = error.to_string();
    ["the process has ended", "the network is cut", "the connection is cut"]
        .iter()
        .any(|made| text.contains(made))
}

fn number(position: &Bytes) -> u64 {
    u64::from_be_bytes(position[..].try_into().unwrap())
}

impl Site {
    /// A site over an empty disk, which has applied nothing.
    pub(super) async fn new(run: &mut Run, mistakes: Mistakes) -> Result<Self, String> {
        let disk = Arc::new(Disk::new(mistakes));
        let member = Member::enter(Arc::clone(&disk) as _, &run.course.log).await;
        let mut site = Self { disk, member, index: None, durable: None };
        site.begin(run).await?;
        Ok(site)
    }

    /// Begins as a process does, as often as needed.
    async fn begin(&mut self, run: &mut Run) -> Result<(), String> {
        let found = loop {
            self.member = Member::open(Arc::clone(&self.disk) as _).await;
            self.member.machine = NetworkMachine::over(life(&self.disk, &mut run.random), &self.member.store);
            if self.member.machine.settle().await.is_ok()
                && let Ok(found) = self.member.machine.position().await
            {
                break found;
            }
            run.counts.crashes += 1;
            self.disk = Arc::new(self.disk.after_crash(0));
        };
        let found = found.as_ref().map(number);
        if found < self.durable {
            return Err(format!("it said that {:?} is durable, and has {found:?}", self.durable));
        }
        run.counts.taken_back += self.index.unwrap_or(0).saturating_sub(found.unwrap_or(0));
        (self.index, self.durable) = (found, found);
        self.check(&run.course).await
    }

    /// Ends at once, and begins again.
    pub(super) async fn crash(&mut self, run: &mut Run) -> Result<(), String> {
        run.counts.crashes += 1;
        let reached = run.random.u64(..self.disk.waiting() as u64 + 1);
        self.disk = Arc::new(self.disk.after_crash(usize::try_from(reached).unwrap()));
        self.begin(run).await
    }

    /// Ends in order, and begins again.
    pub(super) async fn restart(&mut self, run: &mut Run) -> Result<(), String> {
        let next = Member::open(Arc::clone(&self.disk) as _).await;
        std::mem::replace(&mut self.member, next).store.close().await;
        self.begin(run).await
    }

    /// Goes on after a call that may have failed. A node whose store fails ends.
    async fn went<T>(&mut self, result: Result<T, MachineError>, run: &mut Run) -> Result<Option<T>, String> {
        match result {
            Ok(done) => Ok(Some(done)),
            Err(error) if is_expected(&error) => self.crash(run).await.map(|()| None),
            Err(error) => Err(format!("after {:?}: {error}", self.index)),
        }
    }

    /// Applies some of the entries that follow.
    pub(super) async fn apply(&mut self, run: &mut Run) -> Result<(), String> {
        let course = Arc::clone(&run.course);
        let rest = course.after(self.index);
        let count = rest.len().min(usize::try_from(1 + run.random.u64(..9)).unwrap());
        let Some((last, _)) = rest[..count].last() else { return Ok(()) };
        let applied = self.member.machine.apply(rest[..count].to_vec(), position(*last)).await;
        let Some(answers) = self.went(applied, run).await? else { return Ok(()) };
        let first = course.place(rest[0].0).unwrap();
        let expected = course.moments[first..first + count].iter().map(|moment| &moment.answer);
        if !answers.iter().eq(expected) {
            return Err(format!("the answers up to entry {last} are {answers:?}"));
        }
        run.counts.entries += count as u64;
        self.index = Some(*last);
        self.check(&run.course).await
    }

    /// Applies all that is left, whatever fails meanwhile, and holds and shows what all do then.
    pub(super) async fn finish(&mut self, last: u64, run: &mut Run) -> Result<(), String> {
        for _ in 0..MAX_ATTEMPTS {
            if self.index == Some(last) {
                return self.compare(run).await;
            }
            tokio::time::sleep(STEP).await;
            self.apply(run).await?;
        }
        Err(format!("it comes to {:?} of {last} only", self.index))
    }

    pub(super) async fn settle(&mut self, run: &mut Run) -> Result<(), String> {
        let settled = self.member.machine.settle().await;
        if self.went(settled, run).await?.is_some() {
            self.durable = self.index;
        }
        Ok(())
    }

    /// Gives its state away, as it is at this moment. It is read while others go on.
    pub(super) async fn give(&mut self, run: &mut Run) -> Result<Option<(u64, Chunks)>, String> {
        self.settle(run).await?;
        let taken = self.member.machine.snapshot().await;
        let Some(snapshot) = self.went(taken, run).await? else { return Ok(None) };
        let at = snapshot.position.as_ref().map(number);
        match at == self.index && at == self.durable {
            true => Ok(at.map(|at| (at, snapshot.chunks))),
            false => Err(format!("a snapshot is of {at:?}, and {:?} is durable", self.durable)),
        }
    }

    /// Takes the state of another one, which may break off.
    pub(super) async fn take(&mut self, (at, chunks): (u64, Chunks), run: &mut Run) -> Result<(), String> {
        // The state never goes back.
        if Some(at) <= self.index {
            return Ok(());
        }
        let breaks = run.random.u64(..3) == 0;
        let whole = if breaks { usize::try_from(run.random.u64(..8)).unwrap() } else { usize::MAX };
        let cut = stream::once(async { Err(io::Error::other("the connection is cut")) });
        let chunks = match breaks {
            true => chunks.take(whole).chain(cut).boxed(),
            false => chunks,
        };
        let staged = match self.member.machine.stage(chunks).await {
            Ok(_) if breaks => return Err("a state of which the end is missing is taken".to_owned()),
            // What broke on the way is refused, and the node goes on.
            Err(error) if is_expected(&error) && run.random.u64(..2) == 0 => {
                run.counts.broken += 1;
                return self.check(&run.course).await;
            }
            staged => staged,
        };
        let installed = match staged {
            Ok(staged) => self.member.machine.install(staged, position(at)).await,
            Err(error) => Err(error),
        };
        match self.went(installed, run).await? {
            Some(()) => {
                run.counts.installed += 1;
                (self.index, self.durable) = (Some(at), Some(at));
            }
            None => run.counts.broken += 1,
        }
        self.check(&run.course).await
    }

    /// Removes what was replaced, an hour later.
    pub(super) async fn clear(&self) -> Result<(), String> {
        if let Clock::Manual(micros) = &**self.member.store.clock() {
            micros.fetch_add(3_600_000_000, Ordering::SeqCst);
        }
        self.member.store.clear(0).await.map_err(|error| error.to_string())
    }

    /// What the disk says fits together, and is what all come to at this entry.
    async fn check(&self, course: &Course) -> Result<(), String> {
        let snapshot = self.disk.snapshot().await.unwrap();
        let found = snapshot.get(keys::local(keys::POSITION)).await.unwrap().as_ref().map(number);
        if found != self.index {
            return Err(format!("its position is {found:?}, and it has applied {:?}", self.index));
        }
        let ledger = self.ledger().await?;
        let place = self.index.and_then(|index| course.place(index));
        let expected = place.and_then(|place| course.moments[place].ledger.clone());
        if ledger != expected {
            return Err(format!("at {found:?} it comes to {ledger:?}, and others to {expected:?}"));
        }
        Ok(())
    }

    async fn ledger(&self) -> Result<Option<Ledger>, String> {
        let Ok(view) = self.member.store.network().await else { return Ok(None) };
        Reader::new(&view).ledger().await.map_err(|error| error.to_string())
    }

    /// All that it holds and shows is what all hold and show at this entry.
    pub(super) async fn compare(&self, run: &mut Run) -> Result<(), String> {
        let Some(index) = self.index else { return Ok(()) };
        run.counts.compared += 1;
        let seen = Seen::read(&self.member.store, &*self.disk, &run.course.requests).await?;
        let expected = run.course.seen(index).await?;
        seen.compare(&expected).map_err(|text| format!("at {index} {text}"))?;
        let scrub = self.member.store.scrub_network().await.map_err(|error| error.to_string())?;
        match scrub.count {
            0 => Ok(()),
            _ => Err(format!("at {index}: {:?}", scrub.problems)),
        }
    }
}
