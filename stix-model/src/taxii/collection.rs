use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A collection as one client sees it (TAXII 2.1, section 5.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Collection {
    /// Identifier, a UUID of version 4.
    pub id: Uuid,
    /// Name of the collection.
    pub title: String,
    /// What it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A name that may stand in for `id` in URLs; unique inside the API root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// This client may get objects.
    pub can_read: bool,
    /// This client may add objects.
    pub can_write: bool,
    /// Media types of everything that the collection can hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_types: Vec<String>,
}

/// The collections of an API root (TAXII 2.1, section 5.1.1), by ascending id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Collections {
    /// Left out when this client sees none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<Collection>,
}
