//! What all objects of a feed refer to: who made them, and under which terms.

use crate::feed::Feed;
use crate::shared::Reference;
use std::sync::LazyLock;
use stix_model::meta::MarkingDefinition;
use stix_model::sdo::Identity;
use stix_model::sro::Relationship;
use stix_model::vocab::IdentityClass;
use stix_model::{
    BuildError, Common, ExternalReference, Json, Object, Ref, Stamp, StixId, Timestamp, Tlp, ToObject, to,
};
use uuid::{Uuid, uuid};

/// The namespace of the identifiers that are made here (UUID version 5).
pub const NAMESPACE: Uuid = uuid!("5d6e0b5c-9c0f-4c67-8f0a-1d3b7f6a9e21");

/// When what never changes was made: identities, markings, extensions.
pub(crate) static EPOCH: LazyLock<Timestamp> =
    LazyLock::new(|| "2026-01-01T00:00:00.000Z".parse().expect("it is a timestamp"));

/// The identity of what is made of several sources.
pub(crate) static CONCORD: LazyLock<StixId> = LazyLock::new(|| id("identity", &["Concord feeds"]));

/// The UUID of an object that is known by these texts, in whatever feed run.
pub(crate) fn sdo_uuid(names: &[&str]) -> Uuid {
    Uuid::new_v5(&NAMESPACE, names.join("\0").as_bytes())
}

/// The identifier of an object that is known by these texts.
pub(crate) fn id(object_type: &str, names: &[&str]) -> StixId {
    let uuid = sdo_uuid(&[&[object_type], names].concat());
    format!("{object_type}--{uuid}").parse().expect("a type and a UUID make an identifier")
}

pub(crate) fn stamp(object_type: &str, names: &[&str], created: &Timestamp) -> Stamp {
    Stamp { uuid: sdo_uuid(&[&[object_type], names].concat()), created: created.clone() }
}

pub(crate) fn concord() -> Result<Object, BuildError> {
    identity("Concord feeds")
}

/// An organisation, by its name.
pub(crate) fn identity(name: &str) -> Result<Object, BuildError> {
    Identity::new(stamp("identity", &[name], &EPOCH), name)
        .identity_class(IdentityClass::Organization)
        .to_object()
}

pub(crate) fn reference(reference: &Reference) -> ExternalReference<'static> {
    let mut external = ExternalReference::new(reference.source.clone());
    if let Some(id) = &reference.id {
        external = external.external_id(id.clone());
    }
    if let Some(url) = &reference.url {
        external = external.url(url.clone());
    }
    external
}

/// Who says something, and how what is said may be used.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    pub(crate) created_by: Ref<to::Identity>,
    pub(crate) markings: Vec<Ref<to::MarkingDefinition>>,
    pub(crate) tlp: Tlp,
}

impl Voice {
    /// Writes it into the common properties of an object.
    pub(crate) fn mark(&self, common: &mut Common<'_>) {
        common.created_by_ref = Some(self.created_by.clone());
        common.object_marking_refs = self.markings.iter().cloned().chain([self.tlp.into()]).collect();
    }

    /// The same with a level that is at least this one.
    pub(crate) fn at_least(&self, tlp: Option<Tlp>) -> Self {
        Self { tlp: self.tlp.max(tlp.unwrap_or(self.tlp)), ..self.clone() }
    }

    pub(crate) fn relate(
        &self,
        word: &str,
        source: &StixId,
        target: &StixId,
        created: &Timestamp,
    ) -> Result<Object, BuildError> {
        self.relate_in(&[], word, [source, target], created)
    }

    /// A relationship of a record of its own: where both ends are shared, others may say the same of them.
    pub(crate) fn relate_in(
        &self,
        scope: &[&str],
        word: &str,
        [source, target]: [&StixId; 2],
        created: &Timestamp,
    ) -> Result<Object, BuildError> {
        let names = [scope, &[word, source.as_str(), target.as_str()]].concat();
        let stamp = stamp("relationship", &names, created);
        let mut relationship = Relationship::new(stamp, word, Ref::try_from(source)?, Ref::try_from(target)?);
        self.mark(&mut relationship.common);
        relationship.to_object()
    }
}

/// The publisher and the terms of a feed.
#[derive(Clone, Debug)]
pub struct Frame {
    identity: Object,
    statement: Option<Object>,
}

impl Frame {
    /// Those of a feed.
    ///
    /// # Errors
    /// When its declaration holds what no object can.
    pub fn new(feed: &Feed) -> Result<Self, BuildError> {
        let identity = identity(&feed.publisher)?;
        let statement = feed.terms.as_ref().map(|terms| {
            let text = serde_json::json!({ "statement": terms }).to_string();
            let statement = Json::parse(text).expect("it is JSON");
            MarkingDefinition::new(stamp("marking-definition", &[&feed.publisher, terms], &EPOCH))
                .definition_type("statement")
                .definition(statement)
                .created_by_ref(Ref::<to::Identity>::try_from(&identity)?)
                .to_object()
        });
        Ok(Self { identity, statement: statement.transpose()? })
    }

    /// Its objects.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        [&self.identity].into_iter().chain(&self.statement)
    }

    /// Who made the objects.
    pub fn created_by(&self) -> Ref<to::Identity> {
        Ref::try_from(&self.identity).expect("it is an identity")
    }

    /// The marking that states the terms.
    pub fn statement(&self) -> Option<&StixId> {
        self.statement.as_ref().map(Object::id)
    }

    pub(crate) fn voice(&self, feed: &Feed) -> Voice {
        Voice { created_by: self.created_by(), markings: self.markings(), tlp: feed.tlp }
    }

    pub(crate) fn markings(&self) -> Vec<Ref<to::MarkingDefinition>> {
        let statement = self.statement.as_ref().map(|object| Ref::try_from(object).expect("it is a marking"));
        statement.into_iter().collect()
    }
}
