use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What went wrong with a request (TAXII 2.1, section 3.6.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Error {
    /// In a few words.
    pub title: String,
    /// In a sentence, with what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Names this very occurrence; the server's log has it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_id: Option<String>,
    /// Stable word for this kind of error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The HTTP status, as a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<String>,
    /// Where to read more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_details: Option<String>,
    /// More about this occurrence, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub details: Option<Map<String, Value>>,
}
