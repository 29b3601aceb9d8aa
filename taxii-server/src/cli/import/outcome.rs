//! What became of imported objects, in terms of the files that they stand in.

use crate::cli::output;
use serde_json::json;
use stix_model::taxii::{FailedObject, FilePlace, Status, StatusDetails};

/// Failures that are printed one by one.
const SHOWN_FAILURES: usize = 20;

/// What became of the objects.
#[derive(Default)]
pub(in crate::cli) struct Outcome {
    pub(super) total: u64,
    failed: u64,
    /// Objects that await the approval of organisations.
    pending: u64,
    /// Objects that were sent and of which the server did not say what became of them.
    unknown: u64,
    /// Objects that were read and not sent, because something stopped the import.
    not_sent: u64,
    /// One row for each failed object that the server names, or for a request that was refused as a whole.
    pub(in crate::cli) failures: Vec<FailedObject>,
    /// Failed objects that have no row, because a status is bounded.
    unnamed: u64,
    /// One row for each request with an unknown outcome.
    unknowns: Vec<FailedObject>,
    /// Where the first object stands that was not sent.
    stopped_at: Option<FilePlace>,
}

impl Outcome {
    /// Takes over the counts of a status.
    pub(super) fn count(&mut self, status: &Status) {
        self.total += status.total_count;
        self.failed += status.failure_count;
        self.pending += status.pending_count;
        self.unnamed += status.failure_count.saturating_sub(status.reasons().len() as u64);
    }

    /// Notes objects that the server did not look at one by one: the first of them, and how many.
    pub(super) fn refused_as_a_whole(&mut self, count: u64, place: FilePlace, details: StatusDetails) {
        self.total += count;
        self.failed += count;
        self.failures.push(FailedObject { place: Some(place), details });
    }

    /// Notes objects that left and of which no usable answer tells.
    pub(super) fn lost(&mut self, count: u64, place: FilePlace, details: StatusDetails) {
        self.total += count;
        self.unknown += count;
        self.unknowns.push(FailedObject { place: Some(place), details });
    }

    /// Notes objects that were not sent, of which the first is here.
    pub(super) fn keep_back(&mut self, count: u64, place: &FilePlace) {
        self.total += count;
        self.not_sent += count;
        self.stopped_at.get_or_insert_with(|| place.clone());
    }

    /// Whether all objects are in the collection, or await approval.
    pub(in crate::cli) fn is_complete(&self) -> bool {
        self.failed == 0 && self.unknown == 0 && self.not_sent == 0
    }

    pub(super) fn print(&self, as_json: bool) -> anyhow::Result<()> {
        let Self { total, failed, pending, unknown, not_sent, failures, unnamed, unknowns, stopped_at } =
            self;
        let successes = total - failed - pending - unknown - not_sent;
        if as_json {
            let outcome = json!({
                "total": total, "successes": successes, "failed": failed, "pending": pending, "unknown": unknown,
                "not_sent": not_sent,
                "failures": failures, "unnamed_failures": unnamed, "unknowns": unknowns,
            });
            return output::line(&outcome.to_string());
        }
        for failure in failures.iter().take(SHOWN_FAILURES) {
            output::complaint(&failure.to_string());
        }
        let hidden = failures.len().saturating_sub(SHOWN_FAILURES);
        match (hidden, unnamed) {
            (0, 0) => {}
            (hidden, 0) => output::complaint(&format!("… and {hidden} more; --json shows all")),
            (hidden, unnamed) => output::complaint(&format!(
                "… and {} more; --json shows {hidden} of them, and the server names only the first of each request: mend \
                 those, and import again",
                hidden as u64 + unnamed
            )),
        }
        for row in unknowns {
            output::complaint(&row.line("unknown"));
        }
        if let Some(place) = stopped_at {
            output::complaint(&format!("not sent: what stands at {place} and behind it"));
        }
        if *unknown > 0 {
            output::complaint("import again to be sure; what is in the collection already stays as it is");
        }
        let mut rest = String::new();
        for (count, word) in
            [(pending, "awaiting approval"), (unknown, "with unknown outcome"), (not_sent, "not sent")]
        {
            if *count > 0 {
                rest.push_str(&format!(", {count} {word}"));
            }
        }
        output::line(&format!("{successes} of {total} objects are in the collection, {failed} failed{rest}"))
    }
}
