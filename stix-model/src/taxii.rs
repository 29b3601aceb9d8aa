//! The resources of TAXII 2.1 (sections 3.6, 4 and 5).
//!
//! Lists are left out when they are empty, because the standard forbids empty lists (section 2).
//!
//! The same types are written and read. Writing is strict. Reading is lenient with servers that are not: `null` for what
//! is left out, numbers as strings and the reverse, other forms of timestamps, identifiers that are no UUID.
//!
//! - A text that is missing is empty, a missing `max_content_length` is `u64::MAX`, a right that is not denied is there.
//! - A time is written as STIX does when it can be understood, else it stays as it was.
//! - In a [`Status`], a missing count is the length of its list, rows may be plain identifiers, and a word that the
//!   standard does not know means `complete` when it speaks of an end, else `pending`.
//!
//! ```
//! use stix_model::taxii::{Status, StatusState};
//! let status: Status = serde_json::from_str(r#"{
//!     "id": "work_6f1c", "status": "Completed", "success_count": "1", "successes": ["tool--a"], "failures": null
//! }"#)?;
//! assert_eq!((status.id.as_str(), status.status), ("work_6f1c", StatusState::Complete));
//! assert_eq!((status.total_count, status.successes[0].id.as_str()), (1, "tool--a"));
//! assert!(serde_json::from_str::<Status>(r#"{"message": "welcome"}"#).is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```

mod api_root;
mod collection;
mod discovery;
mod envelope;
mod error;
mod failed_object;
mod lenient;
mod manifest;
mod status;
mod versions;

pub use api_root::ApiRoot;
pub use collection::{Collection, Collections};
pub use discovery::Discovery;
pub use envelope::{Envelope, SplitError, Unusable, objects, split, write_envelope};
pub use error::Error;
pub use failed_object::{FailedObject, FilePlace};
pub use manifest::{Manifest, ManifestRecord};
pub use status::{Status, StatusDetails, StatusFinding, StatusState};
pub use versions::Versions;

/// The media type of TAXII 2.1, exactly as servers and clients are to send it.
pub const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";

/// Response header: the `date_added` of the first element of a page (section 3.2).
pub const DATE_ADDED_FIRST: &str = "x-taxii-date-added-first";

/// Response header: the `date_added` of the last element of a page (section 3.2).
pub const DATE_ADDED_LAST: &str = "x-taxii-date-added-last";
