use super::lenient;
use serde::{Deserialize, Serialize};

/// The versions of one object (TAXII 2.1, section 5.8.1), oldest addition first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Versions {
    /// More versions follow this page.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub more: bool,
    /// Where to go on. The standard defines it for envelopes only; clients that page by it get it here too.
    #[serde(default, deserialize_with = "lenient::maybe_text", skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Left out when the page is empty.
    #[serde(default, deserialize_with = "lenient::times", skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
}
