use super::lenient;
use serde::{Deserialize, Deserializer, Serialize};

/// A collection as one client sees it (TAXII 2.1, section 5.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Collection {
    /// Identifier, a UUID of version 4.
    #[serde(deserialize_with = "lenient::text")]
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub id: String,
    /// Name of the collection.
    #[serde(default, deserialize_with = "lenient::text")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub title: String,
    /// What it holds.
    #[serde(default, deserialize_with = "lenient::maybe_text", skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A name that may stand in for `id` in URLs; unique inside the API root.
    #[serde(default, deserialize_with = "lenient::maybe_text", skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// This client may get objects.
    #[serde(default = "not_denied", deserialize_with = "right")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub can_read: bool,
    /// This client may add objects.
    #[serde(default = "not_denied", deserialize_with = "right")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub can_write: bool,
    /// Media types of everything that the collection can hold.
    #[serde(default, deserialize_with = "lenient::texts", skip_serializing_if = "Vec::is_empty")]
    pub media_types: Vec<String>,
}

fn not_denied() -> bool {
    true
}

/// Where a server does not say whether something is allowed, only trying tells.
fn right<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(lenient::maybe_flag(deserializer)?.unwrap_or_else(not_denied))
}

/// The collections of an API root (TAXII 2.1, section 5.1.1), by ascending id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Collections {
    /// Left out when this client sees none.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<Collection>,
}
