//! One attribute: an indicator when it is for detection, else observed data; a note where STIX has no observable for it.

use super::event::{Event, organisation, uuid_of};
use super::observable::{Seen, Shape, shape};
use super::tag::Tags;
use super::{at, is_true, list, text};
use crate::indicator::percent_encoded;
use crate::output::Output;
use crate::shared::{Part, SharedKey, cve_reference};
use serde_json::Value;
use stix_model::sdo::{Indicator, ObservedData, Opinion};
use stix_model::sro::Sighting;
use stix_model::vocab::{IndicatorType, OpinionLevel, PatternType};
use stix_model::{BuildError, ExternalReference, Ref, Stamp, StixId, ToObject};
use uuid::Uuid;

impl Event<'_, '_> {
    /// Makes the objects of an attribute that belongs to no object.
    pub(super) fn attribute(&mut self, attribute: &Value, out: &mut dyn Output) -> Result<(), String> {
        let kind = text(attribute, "type").ok_or("it has no `type`")?;
        let value = text(attribute, "value").ok_or("it has no `value`")?;
        let shape = shape(&kind, &value)?;
        self.shaped(attribute, &kind, &value, shape, out).map_err(|error| error.to_string())
    }

    /// Makes the objects of an attribute whose type is known.
    pub(super) fn shaped(
        &mut self,
        attribute: &Value,
        kind: &str,
        value: &str,
        shape: Shape,
        out: &mut dyn Output,
    ) -> Result<(), BuildError> {
        let uuid = uuid_of(attribute, &["misp-attribute", &self.maker.feed().name, kind, value]);
        let is_for_detection = is_true(attribute, "to_ids");
        let id = match shape {
            Shape::Observable(seen) if is_for_detection => {
                let pattern = format!("[{}]", seen.comparison);
                let main = self.observables(seen, out)?;
                let id = self.indicator(uuid, value, &pattern, PatternType::Stix, attribute, out)?;
                self.based_on(&id, &main, out)?;
                id
            }
            Shape::Observable(seen) if !seen.objects.is_empty() => {
                let all: Vec<StixId> = seen.objects.iter().map(|object| object.id().clone()).collect();
                self.observables(seen, out)?;
                let id = self.observed(uuid, &all, attribute, out)?;
                if let Some(comment) = text(attribute, "comment") {
                    self.note(uuid, Some("Comment"), &comment, Some(&id), attribute, out)?;
                }
                id
            }
            Shape::Rule(language) => {
                let first = value.lines().find(|line| !line.trim().is_empty()).unwrap_or(kind);
                let name: String = first.trim().chars().take(100).collect();
                self.indicator(uuid, &name, value, language, attribute, out)?
            }
            Shape::Vulnerability => {
                let key = SharedKey::vulnerability(value);
                let mut part = Part::new(
                    self.maker.feed(),
                    self.maker.frame(),
                    value.trim(),
                    crate::frame::EPOCH.clone(),
                );
                part.references.push(cve_reference(&value.trim().to_uppercase()));
                let id = key.id();
                self.part(key, part, out);
                id
            }
            Shape::Group => {
                let key = SharedKey::intrusion_set(value);
                let part = Part::new(
                    self.maker.feed(),
                    self.maker.frame(),
                    value.trim(),
                    crate::frame::EPOCH.clone(),
                );
                let id = key.id();
                self.part(key, part, out);
                id
            }
            Shape::Page
                if self.has_report()
                    && value.contains("://")
                    && !value.trim().contains(char::is_whitespace) =>
            {
                let mut page = ExternalReference::new("reference").url(percent_encoded(value.trim()));
                if let Some(comment) = text(attribute, "comment") {
                    page = page.description(comment.into_owned());
                }
                self.pages.push(page);
                return Ok(());
            }
            Shape::Observable(_) | Shape::Page | Shape::Text => {
                if is_for_detection {
                    *self.unpatterned.entry(kind.to_owned()).or_default() += 1;
                }
                let comment = text(attribute, "comment");
                let title = comment
                    .as_deref()
                    .map_or_else(|| kind.to_owned(), |comment| format!("{kind}: {comment}"));
                self.note(uuid, Some(&title), value, None, attribute, out)?
            }
        };
        self.around(attribute, &id, out)?;
        if let Some(uuid) = text(attribute, "uuid") {
            self.became.insert(uuid.into_owned(), id);
        }
        Ok(())
    }

    /// Hands out observables and how they relate; gives the one that the others belong to.
    pub(super) fn observables(
        &mut self,
        seen: Seen,
        out: &mut dyn Output,
    ) -> Result<Vec<StixId>, BuildError> {
        let main = seen.objects.last().map(|object| object.id().clone());
        seen.objects.into_iter().for_each(|object| self.emit(object, out));
        let created = self.time(&Value::Null).0;
        for (word, source, target) in &seen.relations {
            let relationship = self.voice.relate(word, source, target, &created)?;
            self.emit(relationship, out);
        }
        Ok(main.into_iter().collect())
    }

    pub(super) fn based_on(
        &mut self,
        indicator: &StixId,
        observables: &[StixId],
        out: &mut dyn Output,
    ) -> Result<(), BuildError> {
        let created = self.time(&Value::Null).0;
        for observable in observables {
            let relationship = self.voice.relate("based-on", indicator, observable, &created)?;
            self.emit(relationship, out);
        }
        Ok(())
    }

    pub(super) fn indicator(
        &mut self,
        uuid: Uuid,
        name: &str,
        pattern: &str,
        language: PatternType,
        value: &Value,
        out: &mut dyn Output,
    ) -> Result<StixId, BuildError> {
        let (created, modified) = self.time(value);
        let feed = self.maker.feed();
        let valid_from = at(value, "first_seen").unwrap_or_else(|| created.clone());
        let is_stix = language == PatternType::Stix;
        let mut indicator = Indicator::new(Stamp { uuid, created }, pattern, language, valid_from.clone())
            .name(name)
            .indicator_types(feed.indicator_types.iter().map(|word| IndicatorType::from(word.as_str())));
        if is_stix {
            indicator = indicator.pattern_version("2.1");
        }
        if let Some(comment) = text(value, "comment").or_else(|| text(value, "description")) {
            indicator = indicator.description(comment.into_owned());
        }
        let live = feed.time_to_live.map_or(0, |live| live.micros());
        let valid_until = at(value, "last_seen")
            .and_then(|last| crate::time::from_micros(last.micros().saturating_add(live)))
            .filter(|until| *until > valid_from);
        if let Some(valid_until) = valid_until {
            indicator = indicator.valid_until(valid_until);
        }
        indicator.common.modified = modified;
        indicator.common.confidence = feed.confidence.map(i64::from);
        self.describe(&mut indicator.common, value);
        let object = indicator.to_object()?;
        let id = object.id().clone();
        self.emit(object, out);
        Ok(id)
    }

    pub(super) fn observed(
        &mut self,
        uuid: Uuid,
        observables: &[StixId],
        value: &Value,
        out: &mut dyn Output,
    ) -> Result<StixId, BuildError> {
        let (created, modified) = self.time(value);
        let first = at(value, "first_seen").unwrap_or_else(|| modified.clone());
        let last = at(value, "last_seen").filter(|last| *last >= first).unwrap_or_else(|| first.clone());
        let refs = observables.iter().map(Ref::try_from).collect::<Result<Vec<_>, _>>()?;
        let mut observed = ObservedData::new(Stamp { uuid, created }, first, last, 1).object_refs(refs);
        observed.common.modified = modified;
        self.describe(&mut observed.common, value);
        let object = observed.to_object()?;
        let id = object.id().clone();
        self.emit(object, out);
        Ok(id)
    }

    /// Clusters of galaxies and sightings of an attribute or an object.
    pub(super) fn around(
        &mut self,
        value: &Value,
        id: &StixId,
        out: &mut dyn Output,
    ) -> Result<(), BuildError> {
        let created = self.time(value).0;
        let word = if id.object_type() == "indicator" { "indicates" } else { "related-to" };
        for (key, part, _) in self.clusters(value, &Tags::of(value).clusters) {
            if let (Some(key), Some(part)) = (key, part) {
                let relationship = self.voice.relate(word, id, &key.id(), &created)?;
                self.part(key, part, out);
                self.emit(relationship, out);
            }
        }
        for sighting in list(value, "Sighting") {
            self.sighting(sighting, id, out)?;
        }
        Ok(())
    }

    fn sighting(&mut self, sighting: &Value, of: &StixId, out: &mut dyn Output) -> Result<(), BuildError> {
        let Some(when) = at(sighting, "date_sighting") else {
            out.note(format!("a sighting of {of} has no time, and was left out"));
            return Ok(());
        };
        let who = sighting.get("Organisation").map_or(Ok(None), organisation)?;
        let source = text(sighting, "source");
        let names = ["misp-sighting", of.as_str(), when.as_str(), source.as_deref().unwrap_or_default()];
        let stamp = Stamp { uuid: uuid_of(sighting, &names), created: when.clone() };
        let kind = text(sighting, "type").unwrap_or_else(|| "0".into());
        let object = match &*kind {
            "0" => {
                let mut made = Sighting::new(stamp, Ref::try_from(of)?)
                    .first_seen(when.clone())
                    .last_seen(when)
                    .count(1);
                if let Some(who) = &who {
                    made = made.where_sighted_refs([Ref::try_from(who)?]);
                }
                if let Some(source) = source {
                    made = made.description(source.into_owned());
                }
                self.voice.mark(&mut made.common);
                made.to_object()?
            }
            // A false positive, and one that is over.
            kind => {
                let (level, text) = match kind {
                    "1" => (OpinionLevel::StronglyDisagree, "False positive"),
                    _ => (OpinionLevel::Neutral, "Expired"),
                };
                let mut made = Opinion::new(stamp, level, vec![Ref::try_from(of)?]).explanation(text);
                self.voice.mark(&mut made.common);
                if let Some(who) = &who {
                    made.common.created_by_ref = Some(Ref::try_from(who)?);
                }
                made.to_object()?
            }
        };
        who.into_iter().for_each(|who| out.object(who));
        self.emit(object, out);
        Ok(())
    }
}
