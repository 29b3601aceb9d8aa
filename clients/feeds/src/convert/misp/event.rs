//! An event: a report or a grouping of what its attributes and objects become.

use super::galaxy;
use super::tag::Tags;
use super::{at, is_true, list, text};
use crate::frame::{EPOCH, Voice, sdo_uuid};
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use crate::shared::{Part, SharedKey};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use stix_model::sdo::{Grouping, Identity, Note, Report};
use stix_model::vocab::{GroupingContext, IdentityClass};
use stix_model::{
    BuildError, Common, ExternalReference, Object, Ref, Stamp, StixId, Timestamp, ToObject, to,
};
use uuid::Uuid;

/// What is known while an event is read.
pub(super) struct Event<'m, 'f> {
    pub(super) maker: &'m Maker<'f>,
    /// Where it is, for people.
    place: String,
    pub(super) voice: Voice,
    /// The identifier of its report or grouping; none for attributes without an event.
    own: Option<StixId>,
    /// The day of the event, since MISP keeps no time at which an attribute was made.
    date: Option<Timestamp>,
    /// What it is about, in order.
    refs: Vec<StixId>,
    known: BTreeSet<StixId>,
    /// What attributes and objects became, by their UUID.
    pub(super) became: BTreeMap<String, StixId>,
    /// References of objects to what may come later.
    pub(super) open: Vec<(StixId, Value)>,
    /// Pages about it all.
    pub(super) pages: Vec<ExternalReference<'static>>,
    /// Types of attributes for detection that no pattern can tell.
    pub(super) unpatterned: BTreeMap<String, u64>,
    /// What MISP has beside them.
    proposals: usize,
}

impl<'m, 'f> Event<'m, 'f> {
    /// Attributes and objects without an event: the feed says them.
    pub(super) fn loose(maker: &'m Maker<'f>, place: String) -> Self {
        Self {
            maker,
            place,
            voice: maker.voice(),
            own: None,
            date: None,
            refs: Vec::new(),
            known: BTreeSet::new(),
            became: BTreeMap::new(),
            open: Vec::new(),
            pages: Vec::new(),
            unpatterned: BTreeMap::new(),
            proposals: 0,
        }
    }

    pub(super) fn new(
        maker: &'m Maker<'f>,
        event: &Value,
        place: String,
        out: &mut dyn Output,
    ) -> Result<Self, String> {
        let mut made = Self::loose(maker, place);
        if let Some(owner) = event.get("Orgc").and_then(|owner| organisation(owner).transpose()) {
            let owner = owner.map_err(|error| error.to_string())?;
            made.voice.created_by = Ref::try_from(&owner).map_err(|error| error.to_string())?;
            out.object(owner);
        }
        made.voice = made.voice.at_least(Tags::of(event).tlp);
        let object_type = if is_true(event, "published") { "report" } else { "grouping" };
        let uuid = uuid_of(event, &[&maker.feed().name, &text(event, "info").unwrap_or_default()]);
        made.own = format!("{object_type}--{uuid}").parse().ok();
        made.date = at(event, "date").or_else(|| at(event, "timestamp"));
        Ok(made)
    }

    /// Makes the objects of the event.
    pub(super) fn read(mut self, event: &Value, out: &mut dyn Output) -> Result<(), String> {
        self.contents(event, out);
        let tags = Tags::of(event);
        let mut labels = tags.labels;
        for (key, part, label) in self.clusters(event, &tags.clusters) {
            match (key, part) {
                (Some(key), Some(part)) => self.part(key, part, out),
                _ => labels.push(label),
            }
        }
        self.links(out);
        for report in list(event, "EventReport") {
            out.record();
            let made = self.note(
                uuid_of(report, &[&self.place, "report", &text(report, "name").unwrap_or_default()]),
                text(report, "name").as_deref(),
                &text(report, "content").unwrap_or_default(),
                None,
                report,
                out,
            );
            if let Err(error) = made {
                self.reject("report", report, error.to_string(), out);
            }
        }
        self.report(event, labels, tags.confidence, out).map_err(|error| error.to_string())
    }

    /// Attributes and objects.
    pub(super) fn contents(&mut self, event: &Value, out: &mut dyn Output) {
        self.proposals += list(event, "ShadowAttribute").count();
        for attribute in list(event, "Attribute") {
            out.record();
            self.proposals += list(attribute, "ShadowAttribute").count();
            if let Err(reason) = self.attribute(attribute, out) {
                self.reject("attribute", attribute, reason, out);
            }
        }
        for object in list(event, "Object") {
            out.record();
            if let Err(reason) = self.object(object, out) {
                self.reject("object", object, reason, out);
            }
        }
    }

    pub(super) fn reject(&self, what: &str, value: &Value, reason: String, out: &mut dyn Output) {
        let name = text(value, "uuid").unwrap_or_else(|| "without a UUID".into());
        out.reject(Rejected { record: format!("{}: {what} {name}", self.place), reason });
    }

    /// References between objects, and a word about what became nothing.
    pub(super) fn links(&mut self, out: &mut dyn Output) {
        let mut lost = 0_u64;
        for (source, reference) in std::mem::take(&mut self.open) {
            let target =
                text(&reference, "referenced_uuid").and_then(|uuid| self.became.get(&*uuid).cloned());
            let made = target.map(|target| self.link(&source, &target, &reference));
            match made {
                Some(Ok(relationship)) => self.emit(relationship, out),
                Some(Err(_)) | None => lost += 1,
            }
        }
        if lost > 0 {
            out.note(format!("{}: {lost} references lead to nothing in it", self.place));
        }
        if self.proposals > 0 {
            out.note(format!("{}: {} proposals of others were left out", self.place, self.proposals));
        }
        for (kind, count) in std::mem::take(&mut self.unpatterned) {
            out.note(format!("{}: {count} of type `{kind}` are for detection, but STIX has no pattern for them: they are notes", self.place));
        }
    }

    fn link(&self, source: &StixId, target: &StixId, reference: &Value) -> Result<Object, BuildError> {
        let word: String = text(reference, "relationship_type")
            .unwrap_or_else(|| "related-to".into())
            .to_lowercase()
            .chars()
            .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
            .collect();
        let stamp = Stamp {
            uuid: uuid_of(reference, &["relationship", source.as_str(), target.as_str(), &word]),
            created: self.time(reference).0,
        };
        let mut made =
            stix_model::sro::Relationship::new(stamp, word, Ref::try_from(source)?, Ref::try_from(target)?);
        self.voice.mark(&mut made.common);
        if let Some(comment) = text(reference, "comment") {
            made = made.description(comment.into_owned());
        }
        made.to_object()
    }

    /// When something was first and last changed.
    pub(super) fn time(&self, value: &Value) -> (Timestamp, Timestamp) {
        let modified = at(value, "timestamp").or_else(|| self.date.clone());
        let modified = modified.unwrap_or_else(|| self.maker.now().clone());
        let created = self.date.clone().filter(|date| *date < modified).unwrap_or_else(|| modified.clone());
        (created, modified)
    }

    /// Whether there is a report that a page can be a reference of.
    pub(super) fn has_report(&self) -> bool {
        self.own.is_some()
    }

    /// Hands out an object that the event is about.
    pub(super) fn emit(&mut self, object: Object, out: &mut dyn Output) {
        self.mention(object.id().clone());
        out.object(object);
    }

    pub(super) fn part(&mut self, key: SharedKey, mut part: Part, out: &mut dyn Output) {
        part.tlp = part.tlp.max(self.voice.tlp);
        self.mention(key.id());
        out.part(key, part);
    }

    fn mention(&mut self, id: StixId) {
        if self.known.insert(id.clone()) {
            self.refs.push(id);
        }
    }

    /// The clusters of galaxies and of tags: each with what it is, or with a label.
    pub(super) fn clusters(
        &self,
        value: &Value,
        tags: &[(String, String)],
    ) -> Vec<(Option<SharedKey>, Option<Part>, String)> {
        let mut found = Vec::new();
        let mut names = BTreeSet::new();
        let mut take = |galaxy: &str, name: &str, cluster: Option<&Value>| {
            let label = format!("misp-galaxy:{galaxy}=\"{name}\"");
            if names.insert(label.clone()) {
                let (key, part) = galaxy::shared(self.maker, galaxy, name, cluster).unzip();
                found.push((key, part, label));
            }
        };
        for galaxy in list(value, "Galaxy") {
            for cluster in list(galaxy, "GalaxyCluster") {
                let kind = text(cluster, "type").or_else(|| text(galaxy, "type"));
                if let (Some(kind), Some(name)) = (kind, text(cluster, "value")) {
                    take(&kind, &name, Some(cluster));
                }
            }
        }
        tags.iter().for_each(|(galaxy, name)| take(galaxy, name, None));
        found
    }

    /// A note about something, or about the event as a whole.
    pub(super) fn note(
        &mut self,
        uuid: Uuid,
        title: Option<&str>,
        content: &str,
        about: Option<&StixId>,
        value: &Value,
        out: &mut dyn Output,
    ) -> Result<StixId, BuildError> {
        let about = about.or(self.own.as_ref()).cloned();
        let about = about.unwrap_or_else(|| self.voice.created_by.id().clone());
        let (created, modified) = self.time(value);
        let mut note = Note::new(Stamp { uuid, created }, content, vec![Ref::try_from(about)?]);
        if let Some(title) = title.filter(|title| !title.is_empty()) {
            note = note.abstract_text(title.to_owned());
        }
        note.common.modified = modified;
        self.describe(&mut note.common, value);
        let note = note.to_object()?;
        let id = note.id().clone();
        self.emit(note, out);
        Ok(id)
    }

    /// Who says it, its markings, labels and whether it was deleted.
    pub(super) fn describe(&self, common: &mut Common<'_>, value: &Value) {
        let mut tags = Tags::of(value);
        for (name, word) in [("type", "misp:type"), ("category", "misp:category"), ("name", "misp:name")] {
            // An object has a name, a report has one that is no label.
            if let Some(text) =
                text(value, name).filter(|_| name != "name" || value.get("Attribute").is_some())
            {
                tags.label(format!("{word}=\"{text}\""));
            }
        }
        for (key, _, label) in self.clusters(value, &tags.clusters) {
            if key.is_none() {
                tags.label(label);
            }
        }
        self.voice.at_least(tags.tlp).mark(common);
        common.labels = tags.labels.into_iter().map(Into::into).collect();
        if let Some(confidence) = tags.confidence {
            common.confidence = Some(confidence);
        }
        if is_true(value, "deleted") {
            common.revoked = Some(true);
        }
    }

    fn report(
        self,
        event: &Value,
        labels: Vec<String>,
        confidence: Option<i64>,
        out: &mut dyn Output,
    ) -> Result<(), BuildError> {
        let Some(own) = self.own.clone() else { return Ok(()) };
        let mut refs = self.refs.iter().map(Ref::<to::AnyObject>::try_from).collect::<Result<Vec<_>, _>>()?;
        if refs.is_empty() {
            refs.push(Ref::try_from(self.voice.created_by.id())?);
        }
        let (created, modified) = self.time(event);
        let info = text(event, "info").unwrap_or_default();
        let mut references = vec![
            ExternalReference::new("misp-event")
                .external_id(own.as_str()[own.object_type().len() + 2..].to_owned()),
        ];
        if let Some(extended) = text(event, "extends_uuid") {
            references.push(ExternalReference::new("misp-event-extended").external_id(extended.into_owned()));
        }
        references.extend(self.pages.iter().cloned());
        let mut labels = labels;
        for (name, word, meanings) in [
            ("threat_level_id", "misp:threat-level", ["", "high", "medium", "low", "undefined"].as_slice()),
            ("analysis", "misp:analysis", ["initial", "ongoing", "complete"].as_slice()),
        ] {
            let meaning =
                text(event, name).and_then(|text| meanings.get(text.parse::<usize>().ok()?).copied());
            labels.extend(meaning.filter(|text| !text.is_empty()).map(|text| format!("{word}=\"{text}\"")));
        }
        let stamp = Stamp { uuid: own.uuid(), created };
        macro_rules! finish {
            ($made:expr) => {{
                let mut made = $made.labels(labels).external_references(references);
                self.voice.mark(&mut made.common);
                made.common.modified = modified.clone();
                made.common.confidence = confidence;
                out.object(made.to_object()?);
            }};
        }
        if own.object_type() == "report" {
            let published = at(event, "publish_timestamp").unwrap_or_else(|| modified.clone());
            finish!(Report::new(stamp, info.as_ref(), published, refs));
        } else {
            finish!(Grouping::new(stamp, GroupingContext::SuspiciousActivity, refs).name(info.as_ref()));
        }
        Ok(())
    }
}

/// The UUID of a thing, or one that follows from names where it has none.
pub(super) fn uuid_of(value: &Value, names: &[&str]) -> Uuid {
    let own = text(value, "uuid").and_then(|text| Uuid::parse_str(text.trim()).ok());
    own.filter(|uuid| !uuid.is_nil()).unwrap_or_else(|| sdo_uuid(names))
}

/// An organisation, with its identifier in MISP.
pub(super) fn organisation(owner: &Value) -> Result<Option<Object>, BuildError> {
    let Some(name) = text(owner, "name") else { return Ok(None) };
    let stamp = Stamp { uuid: uuid_of(owner, &["identity", &name]), created: EPOCH.clone() };
    Identity::new(stamp, name.as_ref()).identity_class(IdentityClass::Organization).to_object().map(Some)
}
