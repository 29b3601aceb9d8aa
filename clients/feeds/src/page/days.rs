//! The days that the page shows.

use crate::run::Report;
use crate::time::from_micros;
use stix_model::Timestamp;

/// Days that are shown at most.
const MOST: i64 = 60;
const MICROS: i64 = 86_400_000_000;

/// Days in a row, in UTC, up to that of the last run.
pub(super) struct Days {
    first: i64,
    last: i64,
}

impl Days {
    /// The days of some runs; `None` where there are no runs.
    pub(super) fn of(reports: &[Report]) -> Option<Self> {
        let days = || reports.iter().map(|report| number(&report.at));
        let (first, last) = (days().min()?, days().max()?);
        Some(Self { first: first.max(last - MOST + 1), last })
    }

    pub(super) fn count(&self) -> usize {
        usize::try_from(self.last - self.first + 1).unwrap_or(1)
    }

    /// The place of a time; `None` when it is on an earlier day.
    pub(super) fn place(&self, at: &Timestamp) -> Option<usize> {
        usize::try_from(number(at) - self.first).ok()
    }

    /// The date of a place.
    pub(super) fn name(&self, place: usize) -> String {
        let day = i64::try_from(place).unwrap_or_default() + self.first;
        let time = from_micros(day.saturating_mul(MICROS));
        time.and_then(|time| time.as_str().get(..10).map(str::to_owned)).unwrap_or_default()
    }
}

fn number(at: &Timestamp) -> i64 {
    at.micros().div_euclid(MICROS)
}
