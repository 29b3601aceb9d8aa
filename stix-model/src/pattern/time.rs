//! Instants and lengths of time as whole numbers, so that comparing them is exact.

use super::ast::Seconds;
use crate::Timestamp;

/// How many units a second has: 10^24. Digits behind are cut off.
const UNITS: i128 = 10_i128.pow(FRACTION_DIGITS);
const FRACTION_DIGITS: u32 = 24;

/// Longer than all of the calendar, and short enough to be added to any instant.
const LONGEST: i128 = i128::MAX / 8;

/// The time between the first and the last of some sightings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: i128,
    pub(super) last: i128,
}

impl Span {
    /// Fails every comparison with an instant.
    pub(super) const UNKNOWN: Self = Self { first: i128::MAX, last: i128::MIN };

    /// Unknown when one end is missing or the end is before the start.
    pub(super) fn between(first: Option<&Timestamp>, last: Option<&Timestamp>) -> Self {
        match (first.map(instant), last.map(instant)) {
            (Some(first), Some(last)) if first <= last => Self { first, last },
            _ => Self::UNKNOWN,
        }
    }

    pub(super) fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }

    /// Whether some instant of it is at or after the start and before the stop.
    pub(super) fn overlaps(self, (start, stop): (i128, i128)) -> bool {
        start < stop && self.last >= start && self.first < stop
    }
}

/// Units since 1970.
pub(super) fn instant(timestamp: &Timestamp) -> i128 {
    let seconds = i128::from(timestamp.micros().div_euclid(1_000_000));
    let fraction = timestamp.as_str().trim_end_matches('Z').split_once('.').map_or("", |(_, digits)| digits);
    seconds * UNITS + fraction_units(fraction)
}

pub(super) fn length(seconds: &Seconds) -> i128 {
    let (whole, fraction) = seconds.as_str().split_once('.').unwrap_or((seconds.as_str(), ""));
    let whole = whole.parse::<i128>().unwrap_or(LONGEST);
    whole.saturating_mul(UNITS).saturating_add(fraction_units(fraction)).min(LONGEST)
}

fn fraction_units(digits: &str) -> i128 {
    let digits = digits.bytes().chain(std::iter::repeat(b'0')).take(FRACTION_DIGITS as usize);
    digits.fold(0, |units, digit| units * 10 + i128::from(digit - b'0'))
}
