//! What an incoming object is against the versions that are stored.

use super::{is_revoked, is_same_content};
use crate::Object;
use crate::json::Value;
use std::fmt;

/// Whether the incoming object keeps the rules of its type. That is for a validator to say; [`decide`] only
/// ranks the answer before all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It does.
    Valid,
    /// It does not.
    Invalid,
}

/// What an incoming object is against the versions that are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Nothing is stored under its identifier: keep it.
    New,
    /// A later version than all that are stored: keep it, it is the latest.
    Newer,
    /// The version that revokes the object: keep it. Should a later version be stored, which the standard
    /// forbids, the object is revoked all the same.
    Revocation,
    /// An earlier version that arrives late: it may be kept as history. A revoked object stays revoked.
    Older,
    /// Stored already, perhaps written in other words. No error when it is sent again.
    Duplicate,
    /// Another content under the same identifier and version, or under the identifier of an object that has
    /// no versions. The standard forbids it and does not say which is right, so it is for people to know.
    Conflict,
    /// Not to be stored.
    Refused(Refusal),
}

/// Why an incoming object is not to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It breaks the rules of its type.
    Invalid,
    /// It is later than the version that revoked the object (STIX 2.1, section 3.6.1).
    Revoked,
    /// `created` never changes between versions (STIX 2.1, section 3.2).
    OtherCreated,
    /// Only its creator makes new versions of an object (STIX 2.1, section 3.6); others make an object of
    /// their own and relate it with `derived-from`. A `created_by_ref` that appears or disappears counts as
    /// another creator.
    OtherCreator,
}

impl Decision {
    /// One lower-case word for reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New | Self::Newer => "accept",
            Self::Revocation => "accept-revocation",
            Self::Older => "accept-older",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Refused(Refusal::Invalid) => "reject-invalid",
            Self::Refused(Refusal::Revoked) => "reject-revoked",
            Self::Refused(Refusal::OtherCreated) => "reject-created-changed",
            Self::Refused(Refusal::OtherCreator) => "reject-other-creator",
        }
    }

    /// Whether the object brings something that may be stored.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::New | Self::Newer | Self::Revocation | Self::Older)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Decides what an incoming object is. Of `stored` only the versions of the same object matter, in any order.
///
/// Equal versions come first: a duplicate is one whoever wrote it. Then a changed `created`, another creator,
/// a revocation that went before, and at last the order of the instants.
pub fn decide<'a>(
    incoming: &Object,
    validity: Validity,
    stored: impl IntoIterator<Item = &'a Object>,
) -> Decision {
    if validity == Validity::Invalid {
        return Decision::Refused(Refusal::Invalid);
    }
    let header = incoming.header();
    let version = header.version();
    let versions: Vec<_> = stored.into_iter().filter(|stored| stored.header().id == header.id).collect();
    let mut same = versions.iter().filter(|stored| stored.header().version() == version).peekable();
    if same.peek().is_some() {
        let is_known = same.any(|stored| is_same(incoming, stored));
        return if is_known { Decision::Duplicate } else { Decision::Conflict };
    }
    if versions.iter().any(|stored| stored.header().version().is_some() != version.is_some()) {
        return Decision::Conflict;
    }
    if versions.iter().any(|stored| stored.header().created != header.created) {
        return Decision::Refused(Refusal::OtherCreated);
    }
    let creator = created_by(incoming);
    if versions.iter().any(|stored| created_by(stored) != creator) {
        return Decision::Refused(Refusal::OtherCreator);
    }
    let revocations = versions.iter().filter(|stored| is_revoked(stored));
    if revocations.into_iter().any(|stored| version > stored.header().version()) {
        return Decision::Refused(Refusal::Revoked);
    }
    if is_revoked(incoming) {
        return Decision::Revocation;
    }
    if versions.is_empty() {
        return Decision::New;
    }
    let is_latest = versions.iter().all(|stored| version > stored.header().version());
    if is_latest { Decision::Newer } else { Decision::Older }
}

fn is_same(a: &Object, b: &Object) -> bool {
    a.header().digest == b.header().digest || is_same_content(a.document().root(), b.document().root())
}

fn created_by(object: &Object) -> Option<String> {
    let document = object.document();
    document.root().get("created_by_ref").and_then(Value::as_str).map(std::borrow::Cow::into_owned)
}
