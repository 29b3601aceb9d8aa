mod matching;
mod read;

use crate::Timestamp;
use crate::finding::Finding;
use matching::Unmatched;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Whether a request to add objects is still being worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum StatusState {
    /// Nothing will change any more.
    Complete,
    /// Some objects wait.
    Pending,
}

/// What became of a request to add objects (TAXII 2.1, section 4.3.1). The counts are exact, and each list is complete or
/// left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "read::Status")]
pub struct Status {
    /// Identifier of the request, a UUID of version 4.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// `complete` or `pending`.
    pub status: StatusState,
    /// When the request came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub request_timestamp: Option<Timestamp>,
    /// Objects in the request.
    pub total_count: u64,
    /// Objects that are in the collection now.
    pub success_count: u64,
    /// One row for each success; none when a server leaves the list out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successes: Vec<StatusDetails>,
    /// Objects that were refused.
    pub failure_count: u64,
    /// One row for each failure; `message` says why. None when a server leaves the list out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<StatusDetails>,
    /// The first failures, where there are too many for `failures`. A custom property (TAXII 2.1, section 8) of Concord
    /// servers.
    #[serde(rename = "x_concord_first_failures", default, skip_serializing_if = "Vec::is_empty")]
    pub first_failures: Vec<StatusDetails>,
    /// Objects that wait for a decision.
    pub pending_count: u64,
    /// One row for each pending object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pendings: Vec<StatusDetails>,
}

impl Status {
    /// The rows that say why objects failed: `failures`, or the first of them where that list is left out.
    pub fn reasons(&self) -> &[StatusDetails] {
        if self.failures.is_empty() { &self.first_failures } else { &self.failures }
    }

    /// Finds the objects that the [reasons](Self::reasons) are about: for each row the place in the request, from 0.
    ///
    /// `objects` holds `id` and version of each object of the request, in its order. A row with a
    /// [`finding`](StatusDetails::finding) names the place. A row without one is matched by its `id` and version with
    /// the first object that has no row yet, in any of the lists; by its `id` alone when no version fits, because a
    /// server chooses the version of an object that has none. `None` when nothing fits.
    ///
    /// ```
    /// use stix_model::taxii::Status;
    /// let status: Status = serde_json::from_str(r#"{
    ///     "id": "2d086da7-4bdc-4f91-900e-d77486753710", "status": "complete",
    ///     "total_count": 3, "success_count": 1, "failure_count": 2, "pending_count": 0,
    ///     "successes": [{"id": "tool--a", "version": "2020-01-01T00:00:00Z"}],
    ///     "failures": [{"id": "tool--a", "version": "2020-01-01T00:00:00Z", "message": "other content"},
    ///                  {"id": "url--b", "version": "2026-01-01T00:00:00Z", "message": "no such host"}]
    /// }"#)?;
    /// let objects = [("url--b", ""), ("tool--a", "2020-01-01T00:00:00.000Z"), ("tool--a", "2020-01-01T00:00:00.000Z")];
    /// assert_eq!(status.failed_objects(&objects), [Some(2), Some(0)]);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn failed_objects<S: AsRef<str>>(&self, objects: &[(S, S)]) -> Vec<Option<usize>> {
        let named = |row: &StatusDetails| {
            let index = usize::try_from(row.finding.as_ref()?.index).ok()?;
            (index < objects.len()).then_some(index)
        };
        let found: Vec<_> = self.reasons().iter().map(named).collect();
        if found.iter().all(Option::is_some) {
            return found;
        }
        let mut unmatched = Unmatched::new(objects);
        found.iter().flatten().for_each(|index| unmatched.take(*index));
        for row in self.successes.iter().chain(&self.pendings) {
            unmatched.find(&row.id, &row.version);
        }
        let rows = found.into_iter().zip(self.reasons());
        rows.map(|(found, row)| found.or_else(|| unmatched.find(&row.id, &row.version))).collect()
    }
}

/// One object of a request (TAXII 2.1, section 4.3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "Box<RawValue>")]
pub struct StatusDetails {
    /// Its STIX identifier; for a failed object that has none, the JSON pointer into the request.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Why it failed or what it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it failed, for programs. A custom property (TAXII 2.1, section 8) of Concord servers.
    #[serde(rename = "x_concord_finding", skip_serializing_if = "Option::is_none")]
    pub finding: Option<StatusFinding>,
}

/// Why an object failed, for programs: what `message` says as a sentence. A custom property of Concord servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatusFinding {
    /// Place of the object in the request, from 0.
    pub index: u64,
    /// JSON pointer inside the object; empty for the object as a whole.
    pub pointer: String,
    /// Word of the validator.
    pub code: String,
    /// Number of the rule that was broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The sentence, without place and rule.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Further errors of the same object.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

impl StatusFinding {
    /// A finding of the validator about an object, with a pointer that begins at the object.
    pub fn new(index: u64, finding: Finding) -> Self {
        let Finding { code, pointer, rule, message, fix, .. } = finding;
        Self {
            index,
            pointer,
            code: code.as_str().to_owned(),
            rule: rule.map(|rule| rule.as_str().to_owned()),
            message,
            fix: fix.map(Cow::into_owned),
            more: 0,
        }
    }
}

/// A sentence without the place in the request, which means nothing to a person who has a file.
///
/// ```
/// use stix_model::taxii::StatusFinding;
/// let finding: StatusFinding = serde_json::from_str(r#"{
///     "index": 41, "pointer": "/aliases/0", "code": "property-type", "rule": "S-018",
///     "message": "must be a string, not a number", "more": 1
/// }"#)?;
/// let sentence = "property-type at /aliases/0: must be a string, not a number (S-018); 1 more error";
/// assert_eq!(finding.to_string(), sentence);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl fmt::Display for StatusFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pointer, code, rule, message, fix, more, .. } = self;
        f.write_str(code)?;
        if !pointer.is_empty() {
            write!(f, " at {pointer}")?;
        }
        write!(f, ": {message}")?;
        if let Some(rule) = rule {
            write!(f, " ({rule})")?;
        }
        if let Some(fix) = fix {
            write!(f, "; fix: {fix}")?;
        }
        match more {
            0 => Ok(()),
            1 => f.write_str("; 1 more error"),
            more => write!(f, "; {more} more errors"),
        }
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_finding_that_does_not_fit_is_ignored() {
        let row = json!({ "id": "x", "version": "v" });
        let finding = json!({ "index": 3, "pointer": "/a", "code": "c", "message": "m" });
        let read = |finding: &str| {
            let text = format!(r#"{{"id":"x","version":"v","x_concord_finding":{finding}}}"#);
            serde_json::from_str::<StatusDetails>(&text).unwrap()
        };
        let good = read(&finding.to_string());
        assert_eq!(good.finding.as_ref().map(|finding| finding.index), Some(3));
        let written = serde_json::to_value(&good).unwrap();
        assert_eq!(written["x_concord_finding"], finding);
        assert_eq!(serde_json::from_value::<StatusDetails>(written).unwrap(), good);
        for other in ["null", "7", "1e999", r#""text""#, "[]", "{}", r#"{"index":-1}"#] {
            let bare = read(other);
            assert_eq!(bare.finding, None, "{other}");
            assert_eq!(serde_json::to_value(&bare).unwrap(), row);
        }
    }

    #[test]
    fn rows_that_name_their_object_are_believed_and_others_are_matched_in_order() {
        let row = |index: Option<u64>| {
            let finding = index.map(|index| StatusFinding {
                index,
                pointer: String::new(),
                code: String::new(),
                rule: None,
                message: String::new(),
                fix: None,
                more: 0,
            });
            StatusDetails { id: "a".into(), version: "v".into(), message: None, finding }
        };
        let status = |failures| Status {
            id: String::new(),
            status: StatusState::Complete,
            request_timestamp: None,
            total_count: 3,
            success_count: 0,
            successes: Vec::new(),
            failure_count: 3,
            failures,
            first_failures: Vec::new(),
            pending_count: 0,
            pendings: Vec::new(),
        };
        let objects = [("a", "w"), ("b", "v"), ("a", "v")];
        let found = status(vec![row(None), row(None), row(None)]).failed_objects(&objects);
        assert_eq!(found, [Some(2), Some(0), None]);
        let found = status(vec![row(None), row(Some(2)), row(Some(9))]).failed_objects(&objects);
        assert_eq!(found, [Some(0), Some(2), None]);
    }
}
