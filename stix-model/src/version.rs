//! Versions of objects: what an incoming object is against stored ones, and how to make the next version
//! (STIX 2.1, sections 3.5 and 3.6).
//!
//! ```
//! use stix_model::Object;
//! use stix_model::json::Change;
//! use stix_model::version::{Decision, decide_among, new_version, revoke};
//! let first = Object::parse(r#"{"type": "campaign", "spec_version": "2.1",
//!     "id": "campaign--12a111f0-b824-4baf-a224-83b80237a094", "name": "Bank Attack",
//!     "created": "2017-02-08T21:31:22.007Z", "modified": "2017-02-08T21:31:22.007Z"}"#)?;
//! let second = new_version(&first, &"2017-02-09T00:00:00.000Z".parse()?, &[Change::set_text("name", "x")])?;
//! let last = revoke(&second, &"2017-02-10T00:00:00.000Z".parse()?)?;
//!
//! assert_eq!(decide_among(&second, [&first]), Decision::Newer);
//! assert_eq!(decide_among(&first, [&second]), Decision::Older);
//! assert_eq!(decide_among(&last, [&first, &second]), Decision::Revocation);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod content;
mod decision;
mod facts;
mod next;

use crate::Object;
use crate::json::Value;
use std::cmp::Ordering;

pub use content::{content_digest, is_same_content};
pub use decision::{Decision, Refusal, decide, decide_among};
pub use facts::{Facts, History};
pub use next::{FIXED_PROPERTIES, VersionError, material_changes, new_version, revoke};

/// Which of two versions of one object is later; `None` when they are not versions of one object, or carry no
/// version. Instants count, not the digits they are written with.
pub fn compare(a: &Object, b: &Object) -> Option<Ordering> {
    let (a, b) = (a.header(), b.header());
    if a.id != b.id {
        return None;
    }
    Some(a.version()?.cmp(b.version()?))
}

/// The latest of several versions of one object, the first of equals; unversioned objects count as the
/// earliest.
///
/// A reference names an object, not a version: it is read as the latest version at hand (STIX 2.1, section
/// 3.6).
pub fn latest<'a>(versions: impl IntoIterator<Item = &'a Object>) -> Option<&'a Object> {
    versions
        .into_iter()
        .reduce(|best, next| if next.header().version() > best.header().version() { next } else { best })
}

/// Whether this version is the one that revokes the object (STIX 2.1, section 3.6.1). The object is revoked
/// when any of its versions is.
pub fn is_revoked(object: &Object) -> bool {
    is_revoking(object.document().root())
}

fn is_revoking(object: Value<'_>) -> bool {
    object.get("revoked").and_then(Value::as_bool) == Some(true)
}
