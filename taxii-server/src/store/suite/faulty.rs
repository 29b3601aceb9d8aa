//! An engine that fails now and then, as one at the other end of a network does.

use crate::store::engine::{Commit, Engine, EngineError, EngineFuture, Limits, Snapshot};
use fastrand::Rng;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Mean number of calls between two faults of a kind; 0 switches it off.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Another writer was faster, although none was.
    pub conflict: u64,
    /// The commit is applied, and nothing is known of it.
    pub undetermined_applied: u64,
    /// The commit is not applied, and nothing is known of it.
    pub undetermined_lost: u64,
    /// A commit or a snapshot finds the engine away.
    pub unavailable: u64,
}

/// An engine with faults.
pub struct FaultyEngine {
    engine: Arc<dyn Engine>,
    faults: Faults,
    random: Mutex<Rng>,
}

impl FaultyEngine {
    /// Wraps an engine.
    pub fn new(engine: Arc<dyn Engine>, faults: Faults, seed: u64) -> Self {
        Self { engine, faults, random: Mutex::new(Rng::with_seed(seed)) }
    }

    fn is_hit(&self, once_in: u64) -> bool {
        once_in > 0 && self.random.lock().unwrap().u64(..once_in) == 0
    }
}

fn unavailable() -> EngineError {
    EngineError::Unavailable { retry_after: Duration::from_millis(3), cause: "the network is cut".into() }
}

impl Engine for FaultyEngine {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        match self.is_hit(self.faults.unavailable) {
            true => Box::pin(async { Err(unavailable()) }),
            false => self.engine.snapshot(),
        }
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        Box::pin(async move {
            if self.is_hit(self.faults.unavailable) {
                return Err(unavailable());
            }
            if self.is_hit(self.faults.conflict) {
                return Err(EngineError::Conflict);
            }
            if self.is_hit(self.faults.undetermined_lost) {
                return Err(EngineError::Undetermined("the answer was lost".into()));
            }
            let is_answer_lost = self.is_hit(self.faults.undetermined_applied);
            self.engine.commit(commit).await?;
            match is_answer_lost {
                true => Err(EngineError::Undetermined("the answer was lost".into())),
                false => Ok(()),
            }
        })
    }

    fn settle(&self) -> EngineFuture<'_, ()> {
        self.engine.settle()
    }

    fn limits(&self) -> Limits {
        self.engine.limits()
    }
}
