use crate::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whether a request to add objects is still being worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum StatusState {
    /// Nothing will change any more.
    Complete,
    /// Some objects wait.
    Pending,
}

/// What became of a request to add objects (TAXII 2.1, section 4.3.1). The lists are complete and the counts exact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Status {
    /// Identifier of the request, a UUID of version 4.
    pub id: Uuid,
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
    /// One row for each success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successes: Vec<StatusDetails>,
    /// Objects that were refused.
    pub failure_count: u64,
    /// One row for each failure; `message` says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<StatusDetails>,
    /// Objects that wait for a decision.
    pub pending_count: u64,
    /// One row for each pending object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pendings: Vec<StatusDetails>,
}

/// One object of a request (TAXII 2.1, section 4.3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatusDetails {
    /// Its STIX identifier; for a failed object that has none, the JSON pointer into the request.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Why it failed or what it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
