//! The clock and the random numbers of the operating system (feature `std`). No other part of the crate asks for them.

use crate::{Mint, Timestamp, TimestampError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl Mint<fn() -> i64, fn(&mut [u8; 16])> {
    /// A mint with the clock and the random numbers of the operating system.
    ///
    /// ```
    /// use stix_model::{Mint, Timestamp};
    /// let stamp = Mint::system()?.stamp();
    /// assert!(stamp.created <= Timestamp::now());
    /// assert_eq!(stamp.uuid.get_version_num(), 4);
    /// # Ok::<(), stix_model::NoRandomness>(())
    /// ```
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn system() -> Result<Self, NoRandomness> {
        getrandom::fill(&mut [0; 16]).map_err(NoRandomness)?;
        Ok(Self::new(now_micros, |bytes| {
            getrandom::fill(bytes).expect("the system gave random numbers when the mint was made");
        }))
    }
}

impl Timestamp {
    /// The time by the clock of the operating system, to the microsecond. A clock that shows a year beyond 9999 counts
    /// as 1970.
    ///
    /// ```
    /// use stix_model::Timestamp;
    /// assert!(Timestamp::now() > "2020-01-01T00:00:00Z".parse()?);
    /// # Ok::<(), stix_model::TimestampError>(())
    /// ```
    pub fn now() -> Self {
        Self::from_micros(now_micros())
            .unwrap_or_else(|| Self::from_micros(0).expect("1970 is a year that timestamps have"))
    }
}

/// To the microsecond. Refused outside the years 0 to 9999.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// let stamp = stix_model::Timestamp::try_from(UNIX_EPOCH + Duration::from_millis(1500))?;
/// assert_eq!(stamp.as_str(), "1970-01-01T00:00:01.500000Z");
/// # Ok::<(), stix_model::TimestampError>(())
/// ```
impl TryFrom<SystemTime> for Timestamp {
    type Error = TimestampError;

    fn try_from(time: SystemTime) -> Result<Self, TimestampError> {
        micros(time).and_then(Self::from_micros).ok_or(TimestampError::Calendar)
    }
}

/// To the microsecond, rounded towards the past. Refused when the system knows no such time.
impl TryFrom<&Timestamp> for SystemTime {
    type Error = TimestampError;

    fn try_from(timestamp: &Timestamp) -> Result<Self, TimestampError> {
        let micros = timestamp.micros();
        let distance = Duration::from_micros(micros.unsigned_abs());
        let time =
            if micros < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
        time.ok_or(TimestampError::Calendar)
    }
}

/// Microseconds since 1970.
fn now_micros() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the caller asks for the clock of the system")]
    micros(SystemTime::now()).unwrap_or(i64::MAX)
}

fn micros(time: SystemTime) -> Option<i64> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).ok(),
        Err(before) => {
            let nanos = i128::try_from(before.duration().as_nanos()).ok()?;
            i64::try_from((-nanos).div_euclid(1000)).ok()
        }
    }
}

/// The operating system gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random numbers: {0}")]
pub struct NoRandomness(getrandom::Error);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_system_survive_to_the_microsecond() {
        for text in
            ["1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00.000000Z", "2038-01-19T03:14:08.000001Z"]
        {
            let timestamp: Timestamp = text.parse().unwrap();
            let time = SystemTime::try_from(&timestamp).unwrap();
            assert_eq!(Timestamp::try_from(time).unwrap().as_str(), text);
        }
        let before = UNIX_EPOCH - Duration::from_nanos(1);
        assert_eq!(Timestamp::try_from(before).unwrap().as_str(), "1969-12-31T23:59:59.999999Z");
    }
}
