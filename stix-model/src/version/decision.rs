//! What an incoming object is against the versions that are stored.

use super::facts::{Facts, History, sort_key};
use crate::Object;
use crate::schema::rule::Rule;
use std::fmt;

/// What an incoming object is against the versions that are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Nothing is stored under its identifier: keep it.
    New,
    /// A later version than all that are stored: keep it, it is the latest. Also other content of an object that has no
    /// version of its own: when it comes is its version (TAXII 2.1, section 3.4.1).
    Newer,
    /// A version that revokes the object: keep it. Should a later version be stored, which the standard
    /// forbids, the object is revoked all the same.
    Revocation,
    /// An earlier version that arrives late: it may be kept as history. A revoked object stays revoked.
    Older,
    /// Stored already, perhaps written in other words. No error when it is sent again.
    Duplicate,
    /// Another content under the same identifier and version, or an object with a version under the identifier of one
    /// that has none, or the reverse. The standard forbids it and does not say which is right, so it is for people to know.
    Conflict,
    /// Not to be stored.
    Refused(Refusal),
}

/// Why an incoming object is not to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// It is later than the version that revoked the object, and does not revoke it (STIX 2.1, section 3.6.1). A later
    /// version that revokes it too takes nothing back; sources write such when they change what a revoked object says.
    Revoked,
    /// A marking definition is never versioned (STIX 2.1, section 7.2.1).
    Marking,
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
            Self::Refused(Refusal::Revoked) => "reject-revoked",
            Self::Refused(Refusal::Marking) => "reject-marking-versioned",
            Self::Refused(Refusal::OtherCreated) => "reject-created-changed",
            Self::Refused(Refusal::OtherCreator) => "reject-other-creator",
        }
    }

    /// Why the object is not stored, as a sentence for its sender; `None` when it is stored, or is already.
    ///
    /// ```
    /// # use stix_model::Object;
    /// # use stix_model::version::{Decision, Facts};
    /// let url = Object::parse(r#"{"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": "u:x"}"#)?;
    /// let facts = Facts::of(url.document().root(), url.header());
    /// let message = "this object already exists with versions of its own, and this one has none";
    /// assert_eq!(Decision::Conflict.message(&facts), Some(message));
    /// assert_eq!(Decision::Duplicate.message(&facts), None);
    /// # Ok::<(), stix_model::ObjectError>(())
    /// ```
    pub fn message(self, incoming: &Facts) -> Option<&'static str> {
        match self {
            Self::New | Self::Newer | Self::Revocation | Self::Older | Self::Duplicate => None,
            Self::Conflict if incoming.is_marking => Some(Refusal::Marking.message()),
            Self::Conflict if incoming.version.is_some() => Some(
                "this version already exists with other content; a changed object needs a later `modified`",
            ),
            Self::Conflict => {
                Some("this object already exists with versions of its own, and this one has none")
            }
            Self::Refused(refusal) => Some(refusal.message()),
        }
    }

    /// The rule that the object breaks, if it is not to be stored.
    ///
    /// ```
    /// use stix_model::{validate::Rule, version::Decision};
    /// assert_eq!(Decision::Conflict.rule(), Some(Rule::S084));
    /// assert_eq!(Decision::Newer.rule(), None);
    /// ```
    pub fn rule(self) -> Option<Rule> {
        match self {
            Self::New | Self::Newer | Self::Revocation | Self::Older | Self::Duplicate => None,
            Self::Conflict => Some(Rule::S084),
            Self::Refused(refusal) => Some(refusal.rule()),
        }
    }

    /// The property that is wrong; `None` for the object as a whole.
    pub fn property(self) -> Option<&'static str> {
        match self {
            Self::Refused(Refusal::Revoked) => Some("modified"),
            Self::Refused(Refusal::OtherCreated | Refusal::Marking) => Some("created"),
            Self::Refused(Refusal::OtherCreator) => Some("created_by_ref"),
            _ => None,
        }
    }

    /// Whether the object brings something that may be stored.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::New | Self::Newer | Self::Revocation | Self::Older)
    }
}

impl Refusal {
    /// The rule that the object breaks.
    ///
    /// ```
    /// use stix_model::{validate::Rule, version::Refusal};
    /// assert_eq!(Refusal::OtherCreator.rule(), Rule::S083);
    /// ```
    pub fn rule(self) -> Rule {
        match self {
            Self::Revoked => Rule::S043,
            Self::Marking => Rule::S114,
            Self::OtherCreated => Rule::S042,
            Self::OtherCreator => Rule::S083,
        }
    }

    /// A sentence for the sender of the object.
    ///
    /// ```
    /// use stix_model::version::Refusal;
    /// assert_eq!(Refusal::Revoked.message(), "the object is revoked, and no version follows a revocation");
    /// ```
    pub fn message(self) -> &'static str {
        match self {
            Self::Revoked => "the object is revoked, and no version follows a revocation",
            Self::Marking => {
                "this marking definition already exists with other content; markings are never versioned, and \
                 `created` never changes: make a new one with an identifier of its own"
            }
            Self::OtherCreated => {
                "`created` is the same in all versions of an object, and the stored ones have another"
            }
            Self::OtherCreator => {
                "only its creator makes new versions of an object, and the stored ones have another `created_by_ref`"
            }
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Decides what an incoming object is against what is stored under its identifier; `None` when nothing is.
///
/// Equal versions come first: a duplicate is one whoever wrote it. Then markings, which have one version, a changed
/// `created`, another creator, a revocation that went before, and at last the order of the instants. Whether the object keeps the rules of its type
/// is for a validator to say, before this.
///
/// ```
/// use stix_model::Object;
/// use stix_model::version::{Decision, Facts, History, Refusal, decide};
/// let object = Object::parse(r#"{"type": "campaign", "spec_version": "2.1",
///     "id": "campaign--12a111f0-b824-4baf-a224-83b80237a094", "name": "Bank Attack",
///     "created": "2017-02-08T21:31:22.007Z", "modified": "2017-02-09T00:00:00.000Z"}"#)?;
/// let incoming = Facts::of(object.document().root(), object.header());
/// assert_eq!(decide(&incoming, None), Decision::New);
///
/// let created = Some("2017-02-08T21:31:22.007");
/// let stored = History { created, latest: created, ..History::default() };
/// assert_eq!(decide(&incoming, Some(&stored)), Decision::Newer);
/// let revoked = History { revoked_at: created, ..stored };
/// assert_eq!(decide(&incoming, Some(&revoked)), Decision::Refused(Refusal::Revoked));
/// # Ok::<(), stix_model::ObjectError>(())
/// ```
pub fn decide(incoming: &Facts, stored: Option<&History<'_>>) -> Decision {
    let fresh = |decision| if incoming.is_revoked { Decision::Revocation } else { decision };
    let Some(stored) = stored else { return fresh(Decision::New) };
    if let Some(content) = stored.same_version {
        return if content == incoming.content { Decision::Duplicate } else { Decision::Conflict };
    }
    let (version, latest) = match (sort_key(incoming.version.as_ref()), stored.latest) {
        (Some(version), Some(latest)) => (version, latest),
        // When it comes is its version, and it comes now.
        (None, None) => return Decision::Newer,
        _ => return Decision::Conflict,
    };
    if incoming.is_marking {
        return Decision::Refused(Refusal::Marking);
    }
    if sort_key(incoming.created.as_ref()) != stored.created {
        return Decision::Refused(Refusal::OtherCreated);
    }
    if incoming.creator.as_ref() != stored.creator {
        return Decision::Refused(Refusal::OtherCreator);
    }
    if stored.revoked_at.is_some_and(|revoked_at| version > revoked_at) && !incoming.is_revoked {
        return Decision::Refused(Refusal::Revoked);
    }
    fresh(if version > latest { Decision::Newer } else { Decision::Older })
}

/// Decides as [`decide`] does, from objects. Of `stored` only the versions of the same object matter, in any order.
///
/// The example of [this module](crate::version) uses it.
pub fn decide_among<'a>(incoming: &Object, stored: impl IntoIterator<Item = &'a Object>) -> Decision {
    let facts = |object: &Object| Facts::of(object.document().root(), object.header());
    let versions = stored.into_iter().filter(|stored| stored.header().id == incoming.header().id);
    let (incoming, stored) = (facts(incoming), versions.map(facts).collect::<Vec<_>>());
    decide(&incoming, History::of(&incoming, &stored).as_ref())
}
