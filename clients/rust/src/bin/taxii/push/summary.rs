//! What became of the objects, in terms of the files that they stand in.

use crate::failure::Failure;
use crate::input::{Bad, Found};
use crate::out::Out;
use serde::Serialize;
use stix_model::Object;
use stix_model::validate::Code;
use taxii_client::taxii::{FailedObject, FilePlace, Status, StatusDetails, StatusFinding, StatusState};
use uuid::Uuid;

/// What became of the objects.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) total: u64,
    success: u64,
    pub(super) failure: u64,
    pending: u64,
    /// Objects that the push did not come to, because something stopped it.
    pub(super) not_sent: u64,
    /// Requests with pending objects, to be asked for later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pending_status: Vec<Uuid>,
    failures: Vec<FailedObject>,
}

impl Summary {
    /// Takes over what the server says of an envelope with these objects.
    pub(super) fn count(&mut self, status: Status, sent: &[Found]) {
        // The numbers are the server's, and no number of a server may stop this program.
        let add = |sum: &mut u64, count| *sum = sum.saturating_add(count);
        add(&mut self.success, status.success_count);
        add(&mut self.failure, status.failure_count);
        add(&mut self.pending, status.pending_count);
        if status.status == StatusState::Pending {
            self.pending_status.push(status.id);
        }
        let names: Vec<_> =
            sent.iter().map(|found| (found.object.header().id.as_str(), version(&found.object))).collect();
        let objects = status.failed_objects(&names);
        self.failures.extend(status.failures.into_iter().zip(objects).map(|(details, index)| {
            let pointer = details.finding.as_ref().map_or("", |finding| &finding.pointer);
            let place = index.map(|index| sent[index].place.inside(sent[index].object.json(), pointer));
            FailedObject { place, details }
        }));
    }

    /// Notes what cannot be sent because it is no object.
    pub(super) fn add_bad(&mut self, bad: Bad) {
        let finding = Some(StatusFinding::new(0, *bad.finding));
        let (id, version) = (bad.id.unwrap_or_default(), bad.version.unwrap_or_default());
        self.fail(bad.place, StatusDetails { id, version, message: None, finding });
    }

    /// Notes an object that is larger than the requests that the server takes.
    pub(super) fn add_too_large(&mut self, found: &Found, max_bytes: u64) {
        let Found { place, object } = found;
        let finding = StatusFinding {
            index: 0,
            pointer: String::new(),
            code: Code::TooLarge.as_str().to_owned(),
            rule: None,
            message: format!("not sent, because the server takes at most {max_bytes} bytes"),
            fix: None,
            more: 0,
        };
        let (id, version) = (object.header().id.to_string(), version(object).to_owned());
        self.fail(place.clone(), StatusDetails { id, version, message: None, finding: Some(finding) });
    }

    fn fail(&mut self, place: FilePlace, details: StatusDetails) {
        self.failure += 1;
        self.failures.push(FailedObject { place: Some(place), details });
    }

    pub(super) fn show(&self, out: &mut Out) -> Result<(), Failure> {
        if out.is_json() {
            return Ok(out.json(self)?);
        }
        for failure in &self.failures {
            out.line(failure)?;
        }
        let Self { total, success, failure, pending, not_sent, .. } = self;
        let rest = if *not_sent > 0 { format!(", {not_sent} not sent") } else { String::new() };
        out.line(format!("{success} of {total} objects added, {failure} failed, {pending} pending{rest}"))?;
        for id in &self.pending_status {
            out.line(format!("pending: taxii status {id}"))?;
        }
        Ok(())
    }
}

/// The version of an object; empty when it has none.
fn version(object: &Object) -> &str {
    object.header().version().map_or("", |version| version.as_str())
}
