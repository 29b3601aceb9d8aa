//! A package: what is in it by its identifiers, who made it, and how it may be used.

use crate::convert::xml::Element;
use crate::frame::{Voice, id, stamp};
use crate::indicator::Maker;
use crate::output::{Output, Standing};
use crate::time;
use std::cell::RefCell;
use std::collections::BTreeMap;
use stix_model::meta::MarkingDefinition;
use stix_model::sdo::{Identity, Location};
use stix_model::vocab::IdentityClass;
use stix_model::{BuildError, Json, Object, Ref, Stamp, StixId, Timestamp, Tlp, ToObject, to};
use uuid::{Uuid, Variant};

pub(super) struct Package<'p, 'f> {
    pub(super) maker: &'p Maker<'f>,
    pub(super) root: &'p Element,
    elements: BTreeMap<&'p str, &'p Element>,
    pub(super) voice: Voice,
    notes: RefCell<Vec<String>>,
}

impl<'p, 'f> Package<'p, 'f> {
    /// Reads what holds for all of a package, and gives the objects that say so.
    pub(super) fn new(maker: &'p Maker<'f>, root: &'p Element) -> Result<(Self, Vec<Object>), BuildError> {
        let mut elements = BTreeMap::new();
        index(root, &mut elements);
        let (voice, notes) = (maker.voice(), RefCell::default());
        let mut package = Self { maker, root, elements, voice, notes };
        let mut made = Vec::new();
        let header = root.first("STIX_Header");
        let source = header.and_then(|header| header.first("Information_Source"));
        if let Some(source) = source {
            let who = package.identity(source)?;
            if let Some(identity) = who.first() {
                package.voice.created_by = Ref::try_from(identity)?;
            }
            made.extend(who);
        }
        let markings = header.and_then(|header| header.first("Handling"));
        for marking in markings.into_iter().flat_map(|handling| handling.all("Marking")) {
            for structure in marking.all("Marking_Structure") {
                made.extend(package.mark(structure)?);
            }
            if let Some(source) = marking.first("Information_Source") {
                made.extend(package.identity(source)?);
            }
        }
        Ok((package, made))
    }

    /// The element with an identifier.
    pub(super) fn element(&self, key: &str) -> Option<&'p Element> {
        self.elements.get(key).copied()
    }

    /// Tells of something that has no place in STIX 2.1.
    pub(super) fn note(&self, note: String) {
        self.notes.borrow_mut().push(note);
    }

    pub(super) fn into_notes(self) -> Vec<String> {
        self.notes.into_inner()
    }

    /// The identifier of what has one of STIX 1: with the same UUID where that is one of RFC 9562.
    pub(super) fn id(&self, object_type: &str, key: &str) -> StixId {
        let uuid = key
            .len()
            .checked_sub(36)
            .and_then(|start| key.get(start..))
            .and_then(|text| text.parse::<Uuid>().ok());
        let known = uuid.filter(|uuid| {
            uuid.get_variant() == Variant::RFC4122 && (1..=8).contains(&uuid.get_version_num())
        });
        match known {
            Some(uuid) => {
                format!("{object_type}--{uuid}").parse().expect("a type and a UUID make an identifier")
            }
            None => id(object_type, &["stix1", key]),
        }
    }

    /// When something was made: as it says, else as its package says, else when it was first fetched.
    pub(super) fn created(&self, element: &Element, id: &StixId, out: &dyn Output) -> Timestamp {
        let produced = ["STIX_Header", "Information_Source", "Time", "Produced_Time"];
        let own = element.attribute("timestamp").and_then(time::read);
        let own = own.or_else(|| self.root.attribute("timestamp").and_then(time::read));
        let own = own.or_else(|| self.root.at(&produced).and_then(Element::text).and_then(time::read));
        own.unwrap_or_else(|| match out.standing(id) {
            Standing::Made { created, .. } => created,
            _ => self.maker.now().clone(),
        })
    }

    pub(super) fn stamp(&self, id: &StixId, created: &Timestamp) -> Stamp {
        Stamp { uuid: id.uuid(), created: created.clone() }
    }

    /// The organisation or person that an element names, where it is, and the relationship between the two.
    pub(super) fn identity(&self, source: &Element) -> Result<Vec<Object>, BuildError> {
        let Some(identity) = source.first("Identity") else { return Ok(Vec::new()) };
        let party = ["Specification", "PartyName", "OrganisationName", "NameElement"];
        let person = ["Specification", "PartyName", "PersonName", "NameElement"];
        let text = |place: &[&str]| identity.at(place).and_then(Element::text);
        let (name, class) = match (text(&["Name"]).or(text(&party)), text(&person)) {
            (Some(name), _) => (name, IdentityClass::Organization),
            (None, Some(name)) => (name, IdentityClass::Individual),
            (None, None) => return Ok(Vec::new()),
        };
        let created = &crate::frame::EPOCH;
        let stamp = match identity.attribute("id") {
            Some(key) => self.stamp(&self.id("identity", key), created),
            None => stamp("identity", &["stix1", name], created),
        };
        let mut who = Identity::new(stamp, name).identity_class(class);
        who.common.object_marking_refs = vec![self.voice.tlp.into()];
        let who = who.to_object()?;
        let address = identity.at(&["Specification", "Addresses", "Address"]);
        let part = |name: &str| {
            let element = address?.at(&[name, "NameElement"])?;
            element.attribute("NameCode").or_else(|| element.text())
        };
        let (country, area) = (part("Country"), part("AdministrativeArea"));
        // A country has the code of ISO 3166-1.
        let Some(country) = country.filter(|country| country.len() == 2) else { return Ok(vec![who]) };
        let names = ["stix1", country, area.unwrap_or_default()];
        let mut place = Location::new(crate::frame::stamp("location", &names, created)).country(country);
        if let Some(area) = area {
            place = place.administrative_area(area);
        }
        place.common.object_marking_refs = vec![self.voice.tlp.into()];
        let place = place.to_object()?;
        let located = self.voice.relate("located-at", who.id(), place.id(), created)?;
        Ok(vec![who, place, located])
    }

    /// Takes a marking over to all that is in the package. The strictest level counts.
    fn mark(&mut self, structure: &Element) -> Result<Option<Object>, BuildError> {
        let of_ais = structure.children.iter().flat_map(|kind| kind.all("TLPMarking"));
        let levels: Vec<&str> = of_ais.chain([structure]).filter_map(|one| one.attribute("color")).collect();
        for color in &levels {
            match color.to_ascii_lowercase().replace("white", "clear").parse::<Tlp>() {
                Ok(level) => self.voice = self.voice.at_least(Some(level)),
                Err(_) => self.note(format!("`{color}` is no level of TLP")),
            }
        }
        let said =
            structure.first("Terms_Of_Use").or_else(|| structure.first("Statement")).and_then(Element::text);
        // A marking of another kind must not get lost: it is told in its own words.
        let words = said.map(str::to_owned).or_else(|| levels.is_empty().then(|| words(structure)));
        let Some(statement) = words.as_deref().filter(|words| !words.is_empty()) else { return Ok(None) };
        let text = serde_json::json!({ "statement": statement }).to_string();
        let marking =
            MarkingDefinition::new(stamp("marking-definition", &["stix1", statement], &crate::frame::EPOCH))
                .definition_type("statement")
                .definition(Json::parse(text).expect("it is JSON"))
                .to_object()?;
        self.voice.markings.push(Ref::<to::MarkingDefinition>::try_from(&marking)?);
        Ok(Some(marking))
    }
}

/// What an element and those in it say.
fn words(element: &Element) -> String {
    let own = element.text().map(|text| format!("{}: {text}", element.name));
    let inside = element.children.iter().map(words).filter(|words| !words.is_empty());
    own.into_iter().chain(inside).collect::<Vec<_>>().join("; ")
}

fn index<'e>(element: &'e Element, elements: &mut BTreeMap<&'e str, &'e Element>) {
    if let Some(key) = element.attribute("id") {
        elements.entry(key).or_insert(element);
    }
    element.children.iter().for_each(|child| index(child, elements));
}
