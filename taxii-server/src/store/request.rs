//! What callers ask the store for, and pages of what it holds.

use super::command::{Stamps, Submitted};
use super::filter::Filter;
use super::keys::Position;
use stix_model::json::Digest;
use stix_model::{StixId, Timestamp};
use uuid::Uuid;

/// A page of objects, records or versions.
#[derive(Debug)]
pub struct Page<T> {
    /// The items, oldest addition first.
    pub items: Vec<T>,
    /// `date_added` of the first and the last item.
    pub date_added: Option<(Timestamp, Timestamp)>,
    /// The cursor of the next page, when there is one.
    pub next: Option<String>,
}

/// The start of a page, and its maximum length.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// Filters, complete after a cursor has been resumed.
    pub filter: Filter,
    /// The last position that was served.
    pub after: Option<Position>,
    /// Maximum number of items.
    pub limit: usize,
}

impl PageRequest {
    /// The first page of a filter.
    pub fn first(filter: Filter, limit: usize) -> Self {
        Self { filter, after: None, limit }
    }
}

/// Objects to be added, as admission passes them on.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Identifier of the request and of its status; a request is carried out once, however often it comes.
    pub id: Uuid,
    /// Digest of the request, where the client chose the identifier.
    pub fingerprint: Option<Digest>,
    /// Microseconds since 1970 at which the request came.
    pub received: i64,
    /// The objects, in their order.
    pub objects: Vec<Submitted>,
    /// The source of `date_added`.
    pub stamps: Stamps,
}

/// Versions of one object to be deleted.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// Identifier of the request.
    pub request: Uuid,
    /// The object.
    pub id: StixId,
    /// `match[version]` and `match[spec_version]`; other filters are ignored. By default the last version.
    pub filter: Filter,
}
