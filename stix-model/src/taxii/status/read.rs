//! Statuses as other servers write them.

use super::{StatusDetails, StatusFinding, StatusState};
use crate::Timestamp;
use crate::taxii::lenient;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What can be read of a status.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Status {
    #[serde(deserialize_with = "lenient::maybe_text")]
    id: Option<String>,
    #[serde(deserialize_with = "lenient::maybe_text")]
    status: Option<String>,
    #[serde(deserialize_with = "lenient::maybe_time")]
    request_timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::maybe_count")]
    total_count: Option<u64>,
    #[serde(deserialize_with = "lenient::maybe_count")]
    success_count: Option<u64>,
    #[serde(deserialize_with = "lenient::list")]
    successes: Vec<StatusDetails>,
    #[serde(deserialize_with = "lenient::maybe_count")]
    failure_count: Option<u64>,
    #[serde(deserialize_with = "lenient::list")]
    failures: Vec<StatusDetails>,
    #[serde(rename = "x_concord_first_failures", deserialize_with = "lenient::list")]
    first_failures: Vec<StatusDetails>,
    #[serde(deserialize_with = "lenient::maybe_count")]
    pending_count: Option<u64>,
    #[serde(deserialize_with = "lenient::list")]
    pendings: Vec<StatusDetails>,
}

/// Beginnings of words that say that the work is at its end, whatever the end is.
const ENDS: [&str; 6] = ["complet", "succe", "done", "finish", "fail", "error"];

impl TryFrom<Status> for super::Status {
    type Error = &'static str;

    fn try_from(read: Status) -> Result<Self, Self::Error> {
        let counts = [read.total_count, read.success_count, read.failure_count, read.pending_count];
        let has_counts = counts.iter().any(Option::is_some);
        if read.id.is_none() && read.status.is_none() && !has_counts {
            return Err("this is no status: it has neither `id` nor `status` nor counts");
        }
        let count = |said: Option<u64>, rows: &[StatusDetails]| said.unwrap_or(rows.len() as u64);
        let success_count = count(read.success_count, &read.successes);
        let failure_count = count(read.failure_count, &read.failures);
        let pending_count = count(read.pending_count, &read.pendings);
        let decided = success_count.saturating_add(failure_count);
        let total_count = read.total_count.unwrap_or(decided.saturating_add(pending_count));
        let is_complete = match read.status.as_deref().map(|word| word.trim().to_ascii_lowercase()) {
            Some(word) => ENDS.iter().any(|end| word.starts_with(end)),
            None => has_counts && pending_count == 0 && decided >= total_count,
        };
        Ok(Self {
            id: read.id.unwrap_or_default(),
            status: if is_complete { StatusState::Complete } else { StatusState::Pending },
            request_timestamp: read.request_timestamp,
            total_count,
            success_count,
            successes: read.successes,
            failure_count,
            failures: read.failures,
            first_failures: read.first_failures,
            pending_count,
            pendings: read.pendings,
        })
    }
}

#[derive(Deserialize)]
struct Details {
    #[serde(default, deserialize_with = "lenient::text")]
    id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    version: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    message: Option<String>,
    #[serde(rename = "x_concord_finding", default, deserialize_with = "finding")]
    finding: Option<StatusFinding>,
}

/// An object with details, or only the identifier.
impl TryFrom<Box<RawValue>> for StatusDetails {
    type Error = serde_json::Error;

    fn try_from(value: Box<RawValue>) -> Result<Self, Self::Error> {
        if let Some(id) = lenient::text_of(&value) {
            return Ok(Self { id, version: String::new(), message: None, finding: None });
        }
        let Details { id, version, message, finding } = serde_json::from_str(value.get())?;
        Ok(Self { id, version, message, finding })
    }
}

/// Another server may mean anything by this name; what does not fit is no finding.
fn finding<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StatusFinding>, D::Error> {
    let text = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(text.get()).ok())
}
