//! The planted faults: each is one line of a bug report, and the check that has to find it.

mod bodies;
mod listings;
mod rules;

use crate::proxy::Fault;

/// Every fault, grouped by what is wrong.
pub(crate) fn all() -> Vec<Fault> {
    [bodies::FAULTS, listings::FAULTS, rules::FAULTS].concat()
}

/// A fault of the question: the server answers something else than what was asked.
macro_rules! asks {
    ($name:literal, $check:ident, $change:expr) => {
        crate::proxy::Fault { name: $name, check: stringify!($check), ask: $change, answer: |_, _, _| {} }
    };
}

/// A fault of the answer.
macro_rules! answers {
    ($name:literal, $check:ident, $change:expr) => {
        crate::proxy::Fault { name: $name, check: stringify!($check), ask: |_| {}, answer: $change }
    };
}

use {answers, asks};
