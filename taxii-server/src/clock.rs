//! The source of time.

use std::sync::atomic::{AtomicI64, Ordering};
use stix_model::Timestamp;

/// A clock. It is the only source of time; tests use one that they set.
#[derive(Debug, Default)]
pub enum Clock {
    /// The wall clock of the machine.
    #[default]
    System,
    /// A clock that tests set, in microseconds since 1970.
    Manual(AtomicI64),
}

impl Clock {
    /// Returns the current time in microseconds since 1970.
    pub fn now_micros(&self) -> i64 {
        match self {
            Self::System => system_micros(),
            Self::Manual(micros) => micros.load(Ordering::SeqCst),
        }
    }

    /// Returns the current time as a TAXII timestamp.
    pub fn now(&self) -> Timestamp {
        timestamp(self.now_micros())
    }
}

/// Converts microseconds since 1970 to a TAXII timestamp. Instants outside of the years 1970 to 9999 become the nearest
/// instant within.
pub(crate) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros.clamp(0, MAX_MICROS)).expect("within the years 1970 to 9999")
}

/// The last microsecond of the year 9999.
pub(crate) const MAX_MICROS: i64 = 253_402_300_799_999_999;

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn system_micros() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_1970.map_or(0, |duration| i64::try_from(duration.as_micros()).unwrap_or(MAX_MICROS))
}
