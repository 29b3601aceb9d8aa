use serde::{Deserialize, Serialize};

/// A group of collections with its own URL (TAXII 2.1, section 4.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiRoot {
    /// Name of the API root.
    pub title: String,
    /// Purpose of the API root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// TAXII versions that it speaks, as media types.
    pub versions: Vec<String>,
    /// The largest request body that it takes, in bytes.
    pub max_content_length: u64,
}
