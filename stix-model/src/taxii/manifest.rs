use crate::{StixId, Timestamp};
use serde::{Deserialize, Serialize};

/// One version of one object, without its content (TAXII 2.1, section 5.3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ManifestRecord {
    /// STIX identifier.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: StixId,
    /// When this server accepted this version.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub date_added: Timestamp,
    /// The version: `modified`, else `created`, else `date_added`.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub version: Timestamp,
    /// Media type of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// A page of manifest records (TAXII 2.1, section 5.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Manifest {
    /// More records follow this page.
    #[serde(default)]
    pub more: bool,
    /// Where to go on. The standard defines it for envelopes only; clients that page by it get it here too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Left out when the page is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ManifestRecord>,
}
