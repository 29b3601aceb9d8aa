//! TAXII 2.1 resources (section 4, 5 and 3.6 of the standard), one file each.
//!
//! Lists are left out when they are empty, because the standard forbids empty lists (section 2).

mod api_root;
mod collection;
mod discovery;
mod envelope;
mod error;
mod failed_object;
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
