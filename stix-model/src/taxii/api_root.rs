use super::lenient;
use serde::{Deserialize, Deserializer, Serialize};

/// A group of collections with its own URL (TAXII 2.1, section 4.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiRoot {
    /// Name of the API root.
    #[serde(default, deserialize_with = "lenient::text")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub title: String,
    /// Purpose of the API root.
    #[serde(default, deserialize_with = "lenient::maybe_text", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// TAXII versions that it speaks, as media types.
    #[serde(default, deserialize_with = "lenient::texts")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub versions: Vec<String>,
    /// The largest request body that it takes, in bytes.
    #[serde(default = "unlimited", deserialize_with = "limit")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub max_content_length: u64,
}

fn unlimited() -> u64 {
    u64::MAX
}

/// A limit of zero would mean that nothing can be sent, and is written by servers that have none.
fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(lenient::maybe_count(deserializer)?.filter(|limit| *limit > 0).unwrap_or_else(unlimited))
}
