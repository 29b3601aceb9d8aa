//! From the components of STIX 1 to domain objects of STIX 2.1.

use super::observable::observables;
use super::package::Package;
use super::pattern::{Observations, observations};
use crate::convert::vulnerability::cve;
use crate::convert::xml::Element;
use crate::output::Output;
use crate::time;
use stix_model::sdo::{
    AttackPattern, Campaign, CourseOfAction, Identity, Incident, Indicator, Infrastructure, Malware,
    ObservedData, ThreatActor, Tool, Vulnerability,
};
use stix_model::vocab::{IndicatorType, MalwareType, PatternType};
use stix_model::{BuildError, ExternalReference, KillChainPhase, Object, Ref, StixId, Timestamp, ToObject};

/// What a component says whatever its type.
struct Facts<'e> {
    key: &'e str,
    title: Option<&'e str>,
    description: Option<String>,
    element: &'e Element,
}

/// What becomes of a component: the objects that stand for it, and those that they need.
#[derive(Default)]
pub(super) struct Made {
    pub(super) components: Vec<Object>,
    pub(super) others: Vec<Object>,
}

/// Sets what all domain objects have, and makes the object.
macro_rules! finish {
    ($facts:expr, $package:expr, $object:expr) => {{
        let (facts, package) = ($facts, $package);
        let mut object = $object;
        if let Some(description) = &facts.description {
            object = object.description(description.as_str());
        }
        package.voice.mark(&mut object.common);
        object.common.confidence = confidence(facts.element);
        object.to_object()
    }};
}

impl<'e> Facts<'e> {
    fn of(element: &'e Element, key: &'e str) -> Self {
        let texts = |name: &str| {
            let texts: Vec<&str> = element.all(name).filter_map(Element::text).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        };
        let description = texts("Description").or_else(|| texts("Short_Description"));
        let title = element.first("Title").or_else(|| element.first("Name")).and_then(Element::text);
        Self { key, title, description, element }
    }

    fn name(&self) -> String {
        self.title
            .map_or_else(|| format!("{} {}", self.element.name.replace('_', " "), self.key), str::to_owned)
    }
}

/// Converts a component. A reason says why there is no object for it.
pub(super) fn convert(
    package: &Package<'_, '_>,
    element: &Element,
    key: &str,
    out: &dyn Output,
) -> Result<Made, String> {
    let facts = Facts::of(element, key);
    match element.name.as_str() {
        "Observable" => observed(package, &facts, out),
        "Indicator" => indicator(package, &facts, out),
        "TTP" => ttp(package, &facts, out),
        "Exploit_Target" => exploit_target(package, &facts, out),
        "Course_Of_Action" => plain(package, &facts, out, "course-of-action", |stamp, name| {
            finish!(&facts, package, CourseOfAction::new(stamp, name))
        }),
        "Campaign" => {
            let names = element.first("Names").into_iter().flat_map(|names| names.all("Name"));
            let aliases: Vec<String> = names.filter_map(|name| name.text().map(str::to_owned)).collect();
            plain(package, &facts, out, "campaign", |stamp, name| {
                finish!(&facts, package, Campaign::new(stamp, name).aliases(aliases))
            })
        }
        "Threat_Actor" => {
            let goals: Vec<String> = words(element, "Intended_Effect");
            let identity = package.identity(element).map_err(|error| error.to_string())?;
            let named = element.at(&["Identity", "Name"]).and_then(Element::text);
            let name = facts.title.or(named).map_or_else(|| facts.name(), str::to_owned);
            let mut made = plain(package, &facts, out, "threat-actor", |stamp, _| {
                finish!(&facts, package, ThreatActor::new(stamp, name).goals(goals))
            })?;
            if let (Some(actor), Some(who)) = (made.components.first(), identity.first()) {
                let created = package.created(element, actor.id(), out);
                let known = package.voice.relate("attributed-to", actor.id(), who.id(), &created);
                made.others.push(known.map_err(|error| error.to_string())?);
            }
            made.others.extend(identity);
            Ok(made)
        }
        "Incident" => plain(package, &facts, out, "incident", |stamp, name| {
            finish!(&facts, package, Incident::new(stamp, name))
        }),
        other => Err(format!("`{other}` is no component that is upgraded")),
    }
}

fn plain(
    package: &Package<'_, '_>,
    facts: &Facts<'_>,
    out: &dyn Output,
    object_type: &str,
    make: impl FnOnce(stix_model::Stamp, String) -> Result<Object, BuildError>,
) -> Result<Made, String> {
    let id = package.id(object_type, facts.key);
    let created = package.created(facts.element, &id, out);
    let object = make(package.stamp(&id, &created), facts.name()).map_err(|error| error.to_string())?;
    Ok(Made { components: vec![object], others: Vec::new() })
}

/// The texts of the values of an element that may come often.
fn words(element: &Element, name: &str) -> Vec<String> {
    let values = element.all(name).filter_map(|one| one.first("Value").unwrap_or(one).text());
    values.map(str::to_owned).collect()
}

/// A word of STIX 1 as STIX 2.1 writes it.
pub(super) fn word(text: &str) -> String {
    let parts = text.split(|character: char| !character.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// The scale of STIX 1 in numbers (STIX 2.1, appendix A).
fn confidence(element: &Element) -> Option<i64> {
    match element.at(&["Confidence", "Value"])?.text()?.to_ascii_lowercase().as_str() {
        "high" => Some(85),
        "medium" => Some(50),
        "low" => Some(15),
        "none" => Some(0),
        other => other.parse().ok().filter(|number| (0..=100).contains(number)),
    }
}

fn phases<'a>(package: &Package<'_, '_>, element: &Element) -> Vec<KillChainPhase<'a>> {
    let found =
        element.first("Kill_Chain_Phases").into_iter().flat_map(|phases| phases.all("Kill_Chain_Phase"));
    let phase = |phase: &Element| {
        let declared = phase.attribute("phase_id").and_then(|key| declared_phase(package.root, key));
        let name = phase.attribute("name").or_else(|| declared?.0.attribute("name"))?;
        let chain = phase.attribute("kill_chain_name").or_else(|| declared?.1.attribute("name"));
        Some(KillChainPhase::new(word(chain.unwrap_or("unknown")), word(name)))
    };
    found.filter_map(phase).collect()
}

/// The phase and the chain that a package declares.
fn declared_phase<'e>(root: &'e Element, key: &str) -> Option<(&'e Element, &'e Element)> {
    let chains = root.at(&["TTPs", "Kill_Chains"])?.all("Kill_Chain");
    chains
        .flat_map(|chain| chain.all("Kill_Chain_Phase").map(move |phase| (phase, chain)))
        .find(|(phase, _)| phase.attribute("phase_id") == Some(key))
}

fn indicator(package: &Package<'_, '_>, facts: &Facts<'_>, out: &dyn Output) -> Result<Made, String> {
    let element = facts.element;
    if element.attribute("negate") == Some("true") {
        return Err("it says that something is not to be seen, and no indicator of STIX 2.1 does".to_owned());
    }
    let (pattern, pattern_type) = pattern(package, element, 0)?;
    let id = package.id("indicator", facts.key);
    let created = package.created(element, &id, out);
    let bound =
        |name: &str| element.at(&["Valid_Time_Position", name]).and_then(Element::text).and_then(time::read);
    let valid_from = bound("Start_Time").unwrap_or_else(|| created.clone());
    let types: Vec<_> = words(element, "Type").iter().map(|name| IndicatorType::from(&*word(name))).collect();
    let stamp = package.stamp(&id, &created);
    let mut indicator = Indicator::new(stamp, pattern, pattern_type, valid_from.clone())
        .indicator_types(types)
        .kill_chain_phases(phases(package, element));
    if let Some(title) = facts.title {
        indicator = indicator.name(title);
    }
    if let Some(until) = bound("End_Time").filter(|until| *until > valid_from) {
        indicator = indicator.valid_until(until);
    }
    let indicator = finish!(facts, package, indicator).map_err(|error| error.to_string())?;
    let others = sightings(package, element, &indicator, &created).map_err(|error| error.to_string())?;
    Ok(Made { components: vec![indicator], others })
}

/// The pattern of an indicator: of its observables, of indicators that it is composed of, or a rule that it carries.
fn pattern(
    package: &Package<'_, '_>,
    element: &Element,
    depth: usize,
) -> Result<(String, PatternType), String> {
    if element.first("Observable").is_none() && element.first("Composite_Indicator_Expression").is_none() {
        return rule(element);
    }
    let found = expression(package, element, depth)?.text;
    stix_model::pattern::Pattern::parse(&found).map_err(|error| error.to_string())?;
    Ok((found, PatternType::Stix))
}

fn expression(package: &Package<'_, '_>, element: &Element, depth: usize) -> Result<Observations, String> {
    const MAX_DEPTH: usize = 16;
    if depth > MAX_DEPTH {
        return Err("its indicators stand too deep in each other, or in themselves".to_owned());
    }
    if let Some(key) = element.attribute("idref") {
        let found = package.element(key).ok_or_else(|| format!("its indicator `{key}` is not here"))?;
        return expression(package, found, depth + 1);
    }
    if let Some(composite) = element.first("Composite_Indicator_Expression") {
        let parts = composite.all("Indicator").map(|part| expression(package, part, depth + 1));
        return Observations::joined(parts.collect::<Result<_, _>>()?, composite.attribute("operator"));
    }
    let parts = element.all("Observable").map(|observable| observations(package, observable, 0));
    // Any one of several observables tells of it.
    Observations::joined(parts.collect::<Result<_, _>>()?, Some("OR"))
}

/// A rule of another language.
fn rule(element: &Element) -> Result<(String, PatternType), String> {
    let mechanisms = element.first("Test_Mechanisms").into_iter().flat_map(|all| all.all("Test_Mechanism"));
    for mechanism in mechanisms {
        let language = mechanism.attributes("type").find_map(|name| {
            [("Snort", PatternType::Snort), ("Yara", PatternType::Yara)]
                .into_iter()
                .find(|(part, _)| name.contains(part))
        });
        let rule = mechanism.first("Rule").and_then(Element::text);
        if let (Some((_, language)), Some(rule)) = (language, rule) {
            return Ok((rule.to_owned(), language));
        }
    }
    Err("it has no observable, and no rule of Snort or YARA".to_owned())
}

fn sightings(
    package: &Package<'_, '_>,
    element: &Element,
    indicator: &Object,
    created: &Timestamp,
) -> Result<Vec<Object>, BuildError> {
    let mut made = Vec::new();
    let found = element.first("Sightings").into_iter().flat_map(|all| all.all("Sighting"));
    for (number, sighting) in found.enumerate() {
        let seen = sighting.attribute("timestamp").and_then(time::read);
        let stamp = crate::frame::stamp(
            "sighting",
            &["stix1", indicator.id().as_str(), &number.to_string()],
            created,
        );
        let mut object = stix_model::sro::Sighting::new(stamp, Ref::try_from(indicator)?);
        if let Some(seen) = seen {
            object = object.first_seen(seen.clone()).last_seen(seen);
        }
        if let Some(source) = sighting.first("Source") {
            let source = package.identity(source)?;
            object.where_sighted_refs = source.first().map(Ref::try_from).transpose()?.into_iter().collect();
            made.extend(source);
        }
        if let Some(description) = sighting.first("Description").and_then(Element::text) {
            object = object.description(description);
        }
        package.voice.mark(&mut object.common);
        object.common.confidence = confidence(sighting);
        made.push(object.to_object()?);
    }
    Ok(made)
}

fn observed(package: &Package<'_, '_>, facts: &Facts<'_>, out: &dyn Output) -> Result<Made, String> {
    let mut found = Vec::new();
    seen_in(package, facts.element, 0, &mut found)?;
    if found.is_empty() {
        return Err("it has no object".to_owned());
    }
    let id = package.id("observed-data", facts.key);
    let created = package.created(facts.element, &id, out);
    let refs: Result<Vec<_>, _> = found.iter().map(Ref::try_from).collect();
    let refs = refs.map_err(|error| error.to_string())?;
    let count = facts.element.attribute("sighting_count").and_then(|count| count.parse().ok());
    let stamp = package.stamp(&id, &created);
    let mut observed =
        ObservedData::new(stamp, created.clone(), created, count.unwrap_or(1).clamp(1, 999_999_999));
    observed.object_refs = refs;
    package.voice.mark(&mut observed.common);
    let observed = observed.to_object().map_err(|error| error.to_string())?;
    Ok(Made { components: vec![observed], others: found })
}

fn seen_in(
    package: &Package<'_, '_>,
    observable: &Element,
    depth: usize,
    found: &mut Vec<Object>,
) -> Result<(), String> {
    const MAX_DEPTH: usize = 16;
    if depth > MAX_DEPTH {
        return Err("its observables stand too deep in each other, or in themselves".to_owned());
    }
    let resolved = |element: &'_ Element| match element.attribute("idref") {
        Some(key) => package.element(key).ok_or_else(|| format!("`{key}` is not here")).map(Some),
        None => Ok(None),
    };
    if let Some(other) = resolved(observable)? {
        return seen_in(package, other, depth + 1, found);
    }
    if let Some(composition) = observable.first("Observable_Composition") {
        return composition.all("Observable").try_for_each(|part| seen_in(package, part, depth + 1, found));
    }
    let Some(object) = observable.first("Object") else { return Ok(()) };
    let object = resolved(object)?.unwrap_or(object);
    let properties = object.first("Properties").ok_or("its object has no properties")?;
    for made in observables(properties)? {
        if found.iter().all(|known| known.id() != made.id()) {
            found.push(made);
        }
    }
    if object.first("Related_Objects").is_some() {
        package.note("related objects of an observable are left out of what was observed".to_owned());
    }
    Ok(())
}

/// A TTP is as many objects as it has behaviours, resources and victims.
fn ttp(package: &Package<'_, '_>, facts: &Facts<'_>, out: &dyn Output) -> Result<Made, String> {
    let element = facts.element;
    let mut made = Made::default();
    let under =
        |place: &[&str], name: &'static str| element.at(place).into_iter().flat_map(move |all| all.all(name));
    let parts = under(&["Behavior", "Malware"], "Malware_Instance")
        .chain(under(&["Behavior", "Attack_Patterns"], "Attack_Pattern"))
        .chain(under(&["Resources", "Tools"], "Tool"))
        .chain(under(&["Resources"], "Infrastructure"))
        .chain(element.all("Victim_Targeting"));
    for part in parts {
        made.components.push(part_of(package, facts, part, &made.components, out)?);
    }
    match made.components.is_empty() {
        true => Err("it has no behaviour, no resource and no victim".to_owned()),
        false => Ok(made),
    }
}

fn part_of(
    package: &Package<'_, '_>,
    facts: &Facts<'_>,
    part: &Element,
    before: &[Object],
    out: &dyn Output,
) -> Result<Object, String> {
    let object_type = match part.name.as_str() {
        "Malware_Instance" => "malware",
        "Attack_Pattern" => "attack-pattern",
        "Tool" => "tool",
        "Infrastructure" => "infrastructure",
        _ => "identity",
    };
    // The first one of a type has the identifier of the TTP.
    let again = before.iter().filter(|known| known.id().object_type() == object_type).count();
    let key = if again == 0 { facts.key.to_owned() } else { format!("{} {again}", facts.key) };
    let id = package.id(object_type, &key);
    let created = package.created(facts.element, &id, out);
    let stamp = package.stamp(&id, &created);
    let own = Facts::of(part, facts.key);
    let named = part.at(&["Identity", "Name"]).and_then(Element::text);
    let name = own.title.or(named).or(facts.title).map_or_else(|| facts.name(), str::to_owned);
    let description = own.description.or_else(|| facts.description.clone());
    let facts = Facts { description, ..Facts::of(facts.element, facts.key) };
    let phases = phases(package, facts.element);
    let object = match object_type {
        "malware" => {
            let types: Vec<_> =
                words(part, "Type").iter().map(|name| MalwareType::from(&*word(name))).collect();
            let malware =
                Malware::new(stamp, false).name(name).malware_types(types).kill_chain_phases(phases);
            finish!(&facts, package, malware)
        }
        "attack-pattern" => {
            let capec = part.attribute("capec_id").map(|id| {
                let number = id.trim().trim_start_matches("CAPEC-");
                ExternalReference::new("capec").external_id(format!("CAPEC-{number}"))
            });
            let mut pattern = AttackPattern::new(stamp, name).kill_chain_phases(phases);
            pattern.common.external_references = capec.into_iter().collect();
            finish!(&facts, package, pattern)
        }
        "tool" => finish!(&facts, package, Tool::new(stamp, name).kill_chain_phases(phases)),
        "infrastructure" => {
            finish!(&facts, package, Infrastructure::new(stamp, name).kill_chain_phases(phases))
        }
        _ => {
            let targeted = words(part, "Targeted_Information");
            let description = match targeted.is_empty() {
                true => facts.description.clone(),
                false => Some(format!("Targeted information: {}", targeted.join(", "))),
            };
            finish!(&Facts { description, ..facts }, package, Identity::new(stamp, name))
        }
    };
    object.map_err(|error| error.to_string())
}

fn exploit_target(package: &Package<'_, '_>, facts: &Facts<'_>, out: &dyn Output) -> Result<Made, String> {
    let mut made = Made::default();
    for vulnerability in facts.element.all("Vulnerability") {
        let number = vulnerability.first("CVE_ID").and_then(Element::text).and_then(|text| cve(text).ok());
        let again = made.components.len();
        let key = if again == 0 { facts.key.to_owned() } else { format!("{} {again}", facts.key) };
        let id = package.id("vulnerability", &key);
        let created = package.created(facts.element, &id, out);
        let own = Facts::of(vulnerability, facts.key);
        let name =
            own.title.or(facts.title).or(number.as_deref()).map_or_else(|| facts.name(), str::to_owned);
        let mut object = Vulnerability::new(package.stamp(&id, &created), name);
        object.common.external_references =
            number.into_iter().map(|number| ExternalReference::new("cve").external_id(number)).collect();
        let description = own.description.or_else(|| facts.description.clone());
        let own = Facts { description, ..Facts::of(facts.element, facts.key) };
        made.components.push(finish!(&own, package, object).map_err(|error| error.to_string())?);
    }
    match made.components.is_empty() {
        true => {
            Err("it has no vulnerability; weaknesses and configurations have no object in STIX 2.1"
                .to_owned())
        }
        false => Ok(made),
    }
}

/// The identifiers that stand for a component elsewhere.
pub(super) fn ids(made: &Made) -> Vec<StixId> {
    made.components.iter().map(|object| object.id().clone()).collect()
}
