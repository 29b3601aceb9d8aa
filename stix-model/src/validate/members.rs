//! The objects of one bundle by their identifiers.

use crate::json::Value;
use crate::{StixId, Timestamp};
use std::borrow::Cow;
use uuid::Uuid;

/// One object with an identifier.
pub(super) struct Member<'d> {
    pub(super) index: usize,
    pub(super) uuid: u128,
    pub(super) id: Cow<'d, str>,
    pub(super) value: Value<'d>,
    /// `modified`, else `created`, where there are several of one identifier.
    pub(super) version: Option<Timestamp>,
}

impl<'d> Member<'d> {
    pub(super) fn text(&self, name: &str) -> Option<Cow<'d, str>> {
        self.value.get(name)?.as_str()
    }

    fn key(&self) -> (u128, &str) {
        (self.uuid, &self.id)
    }

    pub(super) fn is(&self, object_type: &str) -> bool {
        self.id.strip_prefix(object_type).is_some_and(|rest| rest.starts_with("--"))
    }
}

/// The objects of a bundle, sorted by UUID (which tells them apart soonest), identifier, version and place.
pub(super) struct Members<'d>(pub(super) Vec<Member<'d>>);

impl<'d> Members<'d> {
    pub(super) fn of(objects: Value<'d>) -> Self {
        let members = objects.elements().enumerate().filter_map(|(index, value)| {
            let id = value.get("id")?.as_str()?;
            Some(Member { index, uuid: uuid(&id)?, id, value, version: None })
        });
        let mut members: Vec<_> = members.collect();
        members.sort_unstable_by(|a, b| a.key().cmp(&b.key()).then(a.index.cmp(&b.index)));
        // Most objects have one version, and its time matters to none of the rules.
        for versions in members.chunk_by_mut(|a, b| a.id == b.id).filter(|versions| versions.len() > 1) {
            for member in &mut *versions {
                let time = member.text("modified").or_else(|| member.text("created"));
                member.version = time.and_then(|time| time.parse().ok());
            }
            versions.sort_by(|a, b| a.version.cmp(&b.version));
        }
        Self(members)
    }

    /// All versions of an object, the latest last.
    pub(super) fn versions(&self, id: &str) -> &[Member<'d>] {
        let Some(uuid) = uuid(id) else { return &[] };
        let start = self.0.partition_point(|member| member.key() < (uuid, id));
        let length = self.0[start..].partition_point(|member| member.key() == (uuid, id));
        &self.0[start..start + length]
    }

    /// The latest version of an object (section 3.6: what a reference means).
    pub(super) fn latest(&self, id: &str) -> Option<&Member<'d>> {
        self.versions(id).last()
    }

    /// The version of an object of this time.
    pub(super) fn version(&self, id: &str, modified: &Timestamp) -> Option<&Member<'d>> {
        let versions = self.versions(id);
        if let [only] = versions {
            let time = only.text("modified").and_then(|time| time.parse().ok());
            return (time.as_ref() == Some(modified)).then_some(only);
        }
        let at = versions.partition_point(|member| member.version.as_ref() < Some(modified));
        versions.get(at).filter(|member| member.version.as_ref() == Some(modified))
    }

    pub(super) fn position(&self, id: &str) -> Option<usize> {
        let uuid = uuid(id)?;
        let start = self.0.partition_point(|member| member.key() < (uuid, id));
        self.0.get(start).filter(|member| member.id == id).map(|_| start)
    }
}

fn uuid(id: &str) -> Option<u128> {
    let object_type = StixId::check(id).ok()?;
    Uuid::try_parse(&id[object_type.len() + 2..]).ok().map(|uuid| uuid.as_u128())
}
