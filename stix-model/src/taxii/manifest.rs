use super::lenient;
use serde::{Deserialize, Serialize};

/// One version of one object, without its content (TAXII 2.1, section 5.3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ManifestRecord {
    /// STIX identifier.
    #[serde(default, deserialize_with = "lenient::text")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub id: String,
    /// When this server accepted this version.
    #[serde(default, deserialize_with = "lenient::time")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required = true))]
    pub date_added: String,
    /// The version: `modified`, else `created`, else `date_added`.
    #[serde(default, deserialize_with = "lenient::time")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime, required = true))]
    pub version: String,
    /// Media type of the object.
    #[serde(default, deserialize_with = "lenient::maybe_text", skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// A page of manifest records (TAXII 2.1, section 5.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Manifest {
    /// More records follow this page.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub more: bool,
    /// Where to go on. The standard defines it for envelopes only; clients that page by it get it here too.
    #[serde(default, deserialize_with = "lenient::maybe_text", skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Left out when the page is empty.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ManifestRecord>,
}
