//! What redb does when a file fails it: panics become errors, and a failed read stays the failure of one read.

use crate::store::engine::EngineError;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What a thread does with redb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Nothing,
    Reading,
    Writing,
}

thread_local! {
    static DOING: Cell<Doing> = const { Cell::new(Doing::Nothing) };
}

/// A read that failed, on its way past redb.
struct ReadFault(io::Error);

/// Whether this thread runs code of redb, whose panics become errors and need no text of their own.
#[cfg(feature = "cli")]
pub(crate) fn is_guarded() -> bool {
    DOING.get() != Doing::Nothing
}

/// Reads through redb.
pub(super) fn reading<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    doing(Doing::Reading, work)
}

/// Opens, changes or closes a database.
pub(super) fn writing<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    doing(Doing::Writing, work)
}

fn doing<T>(what: Doing, work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    let before = DOING.replace(what);
    let done = catch_unwind(AssertUnwindSafe(work));
    DOING.set(before);
    match done {
        Ok(result) => result,
        Err(payload) => Err(match payload.downcast::<ReadFault>() {
            Ok(fault) => super::of_disk(fault.0),
            // redb panics on some kinds of damage.
            Err(_) => EngineError::Damaged("a page makes no sense".into()),
        }),
    }
}

/// Takes the error of a read to the caller without redb, which would refuse every later call, and could only be opened
/// again by reading the whole file. In the middle of a change there is no such way.
pub(super) fn read_fault(error: io::Error) -> io::Error {
    if DOING.get() == Doing::Reading {
        resume_unwind(Box::new(ReadFault(error)));
    }
    error
}
