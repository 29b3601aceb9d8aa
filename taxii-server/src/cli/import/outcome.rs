//! What became of imported objects, in terms of the files that they stand in.

use crate::cli::output;
use serde_json::json;
use stix_model::taxii::{FailedObject, FilePlace, StatusDetails};

/// Failures that are printed one by one.
const SHOWN_FAILURES: usize = 20;

/// What became of the objects.
#[derive(Default)]
pub(in crate::cli) struct Outcome {
    pub(super) total: u64,
    pub(in crate::cli) failed: u64,
    /// One row for each failed object, or for a request that was refused as a whole.
    pub(in crate::cli) failures: Vec<FailedObject>,
}

impl Outcome {
    /// Notes objects that the server did not look at one by one: the first of them, and how many.
    pub(super) fn refused_as_a_whole(&mut self, count: u64, place: FilePlace, details: StatusDetails) {
        self.total += count;
        self.failed += count;
        self.failures.push(FailedObject { place: Some(place), details });
    }

    pub(super) fn print(&self, as_json: bool) -> anyhow::Result<()> {
        let successes = self.total - self.failed;
        if as_json {
            let outcome = json!({"total": self.total, "successes": successes, "failures": self.failures});
            return output::line(&outcome.to_string());
        }
        for failure in self.failures.iter().take(SHOWN_FAILURES) {
            output::complaint(&failure.to_string());
        }
        if let Some(more) = self.failures.len().checked_sub(SHOWN_FAILURES).filter(|more| *more > 0) {
            output::complaint(&format!("… and {more} more; --json shows all"));
        }
        let Self { total, failed, .. } = self;
        output::line(&format!("{successes} of {total} objects are in the collection, {failed} failed"))
    }
}
