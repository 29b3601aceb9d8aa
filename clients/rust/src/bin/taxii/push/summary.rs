//! What became of the objects, in terms of the files that they stand in.

use crate::failure::Failure;
use crate::input::{Bad, Found};
use crate::out::Out;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use stix_model::Object;
use stix_model::validate::Code;
use taxii_client::Error;
use taxii_client::taxii::{FailedObject, FilePlace, Status, StatusDetails, StatusFinding, StatusState};

/// Rows with one and the same reason that are shown to a person; programs get all.
const MOST_ALIKE: usize = 10;

/// What became of the objects.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) total: u64,
    success: u64,
    pub(super) failure: u64,
    pending: u64,
    /// Objects that were sent and of which the server did not say what became of them.
    pub(super) unknown: u64,
    /// Objects that never left this machine, because something stopped the push.
    pub(super) not_sent: u64,
    /// The objects, by their place among all, that have left and of which nothing is known yet.
    #[serde(skip)]
    pub(super) in_flight: Range<usize>,
    /// Requests with pending objects, to be asked for later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pending_status: Vec<String>,
    /// Requests that have ended and of which the server did not say everything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown_status: Vec<String>,
    failures: Vec<FailedObject>,
    /// Failed objects that the server does not name.
    #[serde(skip_serializing_if = "is_none")]
    unnamed_failures: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknowns: Vec<FailedObject>,
}

/// Says whether a count is worth no word.
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Summary {
    /// Takes over what the server says of an envelope with these objects.
    pub(super) fn count(&mut self, status: Status, sent: &[Found]) {
        // The numbers are the server's, and no number of a server may stop this program.
        let add = |sum: &mut u64, count| *sum = sum.saturating_add(count);
        add(&mut self.success, status.success_count);
        add(&mut self.failure, status.failure_count);
        let counts = [status.success_count, status.failure_count, status.pending_count];
        let told = counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
        let untold = (sent.len() as u64).saturating_sub(told);
        let undecided = status.pending_count.saturating_add(untold);
        // A server that gave no identifier cannot be asked later.
        let id = Some(status.id.clone()).filter(|id| !id.is_empty());
        if status.status == StatusState::Pending {
            add(&mut self.pending, undecided);
            self.pending_status.extend(id);
        } else if undecided > 0 {
            // The work on the request has ended: what it calls pending will stay so.
            add(&mut self.unknown, undecided);
            self.unknown_status.extend(id);
            let is_all = undecided == told.saturating_add(untold);
            let named: BTreeSet<&str> = status.pendings.iter().map(|row| row.id.as_str()).collect();
            let is_undecided = |found: &&Found| is_all || named.contains(found.object.header().id.as_str());
            let message = "the status of the server does not say what became of it";
            let rows = sent.iter().filter(is_undecided).map(|found| row(found, message.to_owned()));
            self.unknowns.extend(rows);
        }
        let names: Vec<_> =
            sent.iter().map(|found| (found.object.header().id.as_str(), version(&found.object))).collect();
        let objects = status.failed_objects(&names);
        if objects.is_empty() && status.failure_count == sent.len() as u64 {
            let message = "the server gives no reason";
            self.failures.extend(sent.iter().map(|found| row(found, message.to_owned())));
        } else {
            add(&mut self.unnamed_failures, status.failure_count.saturating_sub(objects.len() as u64));
        }
        self.failures.extend(status.reasons().iter().cloned().zip(objects).map(|(details, index)| {
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

    /// Notes an object whose envelope is larger than the server takes: by what it says, or by what it did.
    pub(super) fn add_too_large(&mut self, found: &Found, length: usize, limit: Option<u64>) {
        let Found { place, object } = found;
        let message = match limit {
            Some(limit) => {
                format!(
                    "not sent: the request has {length} bytes with this object alone, and the server takes at most {limit}"
                )
            }
            None => format!(
                "the server, or a proxy in front of it, does not take a request of {length} bytes (HTTP 413), which \
                 this object alone makes"
            ),
        };
        let finding = StatusFinding {
            index: 0,
            pointer: String::new(),
            code: Code::TooLarge.as_str().to_owned(),
            rule: None,
            message,
            fix: None,
            more: 0,
        };
        let (id, version) = (object.header().id.to_string(), version(object).to_owned());
        self.fail(place.clone(), StatusDetails { id, version, message: None, finding: Some(finding) });
    }

    /// Notes objects that the server refused without a status.
    pub(super) fn add_refused(&mut self, sent: &[Found], error: &Error) {
        self.failure += sent.len() as u64;
        self.failures.extend(sent.iter().map(|found| row(found, reason(error))));
    }

    /// Notes objects of which no usable answer tells; those that were `found` in the collection are there.
    pub(super) fn add_unknown(&mut self, sent: &[Found], found: &[bool], reason: &str) {
        for (object, is_there) in sent.iter().zip(found) {
            if *is_there {
                self.success += 1;
            } else {
                self.unknown += 1;
                self.unknowns.push(row(object, format!("outcome unknown: {reason}")));
            }
        }
    }

    /// Notes that nothing will be known of what has left, because the push ends.
    pub(super) fn lose(&mut self, objects: &[Found], reason: &str) {
        let lost = objects.get(std::mem::take(&mut self.in_flight)).unwrap_or_default();
        self.not_sent -= lost.len() as u64;
        self.add_unknown(lost, &vec![false; lost.len()], reason);
    }

    fn fail(&mut self, place: FilePlace, details: StatusDetails) {
        self.failure += 1;
        self.failures.push(FailedObject { place: Some(place), details });
    }

    pub(super) fn show(&self, out: &mut Out) -> Result<(), Failure> {
        if out.is_json() {
            return Ok(out.json(self)?);
        }
        show_rows(&self.failures, FailedObject::to_string, out)?;
        if self.unnamed_failures > 0 {
            let more = self.unnamed_failures;
            out.line(format!(
                "… and {more} more, which the server does not name; mend what it names, and push again"
            ))?;
        }
        show_rows(&self.unknowns, |row| row.line("unknown"), out)?;
        let Self { total, success, failure, pending, unknown, not_sent, .. } = self;
        let mut rest = String::new();
        for (count, word) in [(unknown, "with unknown outcome"), (not_sent, "not sent")] {
            if *count > 0 {
                rest.push_str(&format!(", {count} {word}"));
            }
        }
        out.line(format!("{success} of {total} objects added, {failure} failed, {pending} pending{rest}"))?;
        for id in &self.pending_status {
            out.line(format!("pending: taxii status {id}"))?;
        }
        for id in &self.unknown_status {
            out.line(format!("unknown: taxii status {id}"))?;
        }
        Ok(())
    }
}

fn show_rows(rows: &[FailedObject], line: fn(&FailedObject) -> String, out: &mut Out) -> Result<(), Failure> {
    let mut alike: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        let count = alike.entry(row.details.message.as_deref().unwrap_or_default()).or_default();
        // Findings differ in their place, which the reader wants to see.
        *count += usize::from(row.details.finding.is_none());
        if *count <= MOST_ALIKE {
            out.line(line(row))?;
        }
    }
    for (message, count) in alike.into_iter().filter(|(_, count)| *count > MOST_ALIKE) {
        out.line(format!("… and {} more: {message} (--json names all)", count - MOST_ALIKE))?;
    }
    Ok(())
}

/// What the server said, without address and number of the occurrence, which would make each row another.
pub(super) fn reason(error: &Error) -> String {
    let Error::Refused { status, error, .. } = error else { return error.to_string() };
    let said = [Some(&*error.title), error.description.as_deref()];
    let said: Vec<_> = said.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    format!("HTTP {status}: {}", said.join(" – "))
}

/// An object with a reason.
fn row(Found { place, object }: &Found, message: String) -> FailedObject {
    let (id, version) = (object.header().id.to_string(), version(object).to_owned());
    let details = StatusDetails { id, version, message: Some(message), finding: None };
    FailedObject { place: Some(place.clone()), details }
}

/// The version of an object; empty when it has none.
pub(super) fn version(object: &Object) -> &str {
    object.header().version().map_or("", |version| version.as_str())
}
