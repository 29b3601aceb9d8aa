//! What is kept of a version to decide about others.

use super::content_digest;
use crate::json::{Digest, Value};
use crate::{Header, StixId, Timestamp};
use serde::{Deserialize, Serialize};

/// Facts of one version of an object on which decisions between versions rest.
///
/// ```
/// use stix_model::Object;
/// use stix_model::version::Facts;
/// let object = Object::parse(r#"{"type": "campaign", "spec_version": "2.1",
///     "id": "campaign--12a111f0-b824-4baf-a224-83b80237a094", "name": "Bank Attack",
///     "created": "2017-02-08T21:31:22.007Z", "modified": "2017-02-09T00:00:00.000Z"}"#)?;
/// let facts = Facts::of(object.document().root(), object.header());
/// assert_eq!(facts.version, object.header().modified);
/// assert_eq!(facts.content, object.header().digest, "it is spelled as usual");
/// # Ok::<(), stix_model::ObjectError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// `modified`, else `created`; `None` for unversioned objects.
    pub version: Option<Timestamp>,
    /// `created`.
    pub created: Option<Timestamp>,
    /// `created_by_ref`, as far as it is a STIX identifier.
    pub creator: Option<StixId>,
    /// Whether this version revokes the object.
    pub is_revoked: bool,
    /// Whether it is a marking definition, which has one version for ever (STIX 2.1, section 7.2.1).
    pub is_marking: bool,
    /// Digest shared by texts that say the same, see [`content_digest`].
    pub content: Digest,
}

impl Facts {
    /// Facts of an object without its header; what cannot be read of it is left out.
    pub(crate) fn of_value(object: Value<'_>) -> Self {
        let instant = |name: &str| object.get(name).and_then(|time| time.as_str()?.parse().ok());
        let created: Option<Timestamp> = instant("created");
        Self {
            version: instant("modified").or_else(|| created.clone()),
            created,
            creator: object.get("created_by_ref").and_then(|id| id.as_str()?.parse().ok()),
            is_revoked: super::is_revoking(object),
            is_marking: object.get("type").and_then(Value::as_str).as_deref() == Some("marking-definition"),
            content: content_digest(object, Digest::of(object)),
        }
    }

    /// Facts of an object with this header.
    pub fn of(object: Value<'_>, header: &Header) -> Self {
        Self {
            version: header.version().cloned(),
            created: header.created.clone(),
            creator: object.get("created_by_ref").and_then(|id| id.as_str()?.parse().ok()),
            is_revoked: super::is_revoking(object),
            is_marking: header.id.object_type() == "marking-definition",
            content: content_digest(object, header.digest),
        }
    }
}

/// What is stored of one object. Instants are sort keys of timestamps ([`Timestamp::sort_key`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History<'a> {
    /// `created`.
    pub created: Option<&'a str>,
    /// `created_by_ref`.
    pub creator: Option<&'a StixId>,
    /// The earliest version that revokes the object.
    pub revoked_at: Option<&'a str>,
    /// The latest version; `None` for an unversioned object.
    pub latest: Option<&'a str>,
    /// Content of the stored version that has the version of the incoming object, if there is one; for an unversioned
    /// object, of any stored version with the content of the incoming one.
    pub same_version: Option<Digest>,
}

impl<'a> History<'a> {
    /// The history of an object of which these versions are stored, as it matters for `incoming`; `None` without any.
    ///
    /// Stored versions have one `created` and one creator. Should one of them differ from `incoming`, it is that one
    /// which counts.
    pub(super) fn of(incoming: &Facts, stored: &'a [Facts]) -> Option<Self> {
        let first = stored.first()?;
        let of_other_created = stored.iter().find(|facts| facts.created != incoming.created).unwrap_or(first);
        let of_other_creator = stored.iter().find(|facts| facts.creator != incoming.creator).unwrap_or(first);
        let same_version = || stored.iter().filter(|facts| facts.version == incoming.version);
        let same_content = same_version().find(|facts| facts.content == incoming.content);
        let versions = || stored.iter().map(|facts| sort_key(facts.version.as_ref()));
        Some(Self {
            created: sort_key(of_other_created.created.as_ref()),
            creator: of_other_creator.creator.as_ref(),
            revoked_at: stored
                .iter()
                .filter(|facts| facts.is_revoked)
                .filter_map(|facts| sort_key(facts.version.as_ref()))
                .min(),
            latest: if versions().any(|version| version.is_none()) {
                None
            } else {
                versions().flatten().max()
            },
            same_version: same_content
                .or(same_version().next().filter(|facts| facts.version.is_some()))
                .map(|facts| facts.content),
        })
    }
}

pub(super) fn sort_key(instant: Option<&Timestamp>) -> Option<&str> {
    instant.map(Timestamp::sort_key)
}
