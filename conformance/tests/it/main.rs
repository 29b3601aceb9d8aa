//! The suite's own tests.

mod requirements;
