//! STIX 1.1 and 1.2: packages of XML with observables of CybOX, upgraded to STIX 2.1. Identifiers keep the UUID that they have.

mod component;
mod observable;
mod package;
mod pattern;

use super::ConvertError;
use super::document;
use super::xml::{self, Element};
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use crate::time;
use component::{convert, ids, word};
use package::Package;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use stix_model::sdo::Report;
use stix_model::vocab::ReportType;
use stix_model::{BuildError, Object, Ref, StixId, Timestamp, ToObject, to};

/// What a package consists of.
const COMPONENTS: [&str; 8] = [
    "Observable",
    "Indicator",
    "TTP",
    "Exploit_Target",
    "Course_Of_Action",
    "Campaign",
    "Threat_Actor",
    "Incident",
];

/// How a component relates to those in it: its name, the way to the others, the relationship, and whether it goes the other
/// way round in STIX 2.1.
const RELATIONS: &[(&str, &[&str], &str, bool)] = &[
    ("Indicator", &["Indicated_TTP", "TTP"], "indicates", false),
    ("Indicator", &["Related_Campaigns", "Related_Campaign", "Campaign"], "indicates", false),
    ("Indicator", &["Related_Indicators", "Related_Indicator", "Indicator"], "related-to", false),
    ("Indicator", &["Suggested_COAs", "Suggested_COA", "Course_Of_Action"], "investigates", true),
    ("TTP", &["Exploit_Targets", "Exploit_Target", "Exploit_Target"], "targets", false),
    ("TTP", &["Related_TTPs", "Related_TTP", "TTP"], "related-to", false),
    ("Exploit_Target", &["Potential_COAs", "Potential_COA", "Course_Of_Action"], "mitigates", true),
    ("Campaign", &["Related_TTPs", "Related_TTP", "TTP"], "uses", false),
    ("Campaign", &["Related_Indicators", "Related_Indicator", "Indicator"], "indicates", true),
    ("Campaign", &["Related_Incidents", "Related_Incident", "Incident"], "attributed-to", true),
    ("Campaign", &["Attribution", "Attributed_Threat_Actor", "Threat_Actor"], "attributed-to", false),
    ("Campaign", &["Associated_Campaigns", "Associated_Campaign", "Campaign"], "related-to", false),
    ("Threat_Actor", &["Observed_TTPs", "Observed_TTP", "TTP"], "uses", false),
    ("Threat_Actor", &["Associated_Campaigns", "Associated_Campaign", "Campaign"], "attributed-to", true),
    ("Threat_Actor", &["Associated_Actors", "Associated_Actor", "Threat_Actor"], "related-to", false),
    ("Incident", &["Leveraged_TTPs", "Leveraged_TTP", "TTP"], "uses", false),
    ("Incident", &["Attributed_Threat_Actors", "Threat_Actor", "Threat_Actor"], "attributed-to", false),
    ("Incident", &["Related_Indicators", "Related_Indicator", "Indicator"], "related-to", true),
    ("Incident", &["Related_Incidents", "Related_Incident", "Incident"], "related-to", false),
    ("Incident", &["COA_Requested", "Course_Of_Action"], "related-to", false),
    ("Incident", &["COA_Taken", "Course_Of_Action"], "related-to", false),
];

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let text = document::text(input)?;
    let document = xml::read(&text).map_err(ConvertError::Form)?;
    let mut packages = Vec::new();
    find(&document, &mut packages);
    if packages.is_empty() {
        return Err(ConvertError::Form("it has no element `STIX_Package`".to_owned()));
    }
    for root in packages {
        let (package, made) = Package::new(maker, root)?;
        made.into_iter().for_each(|object| out.object(object));
        upgrade(&package, out)?;
        package.into_notes().into_iter().for_each(|note| out.note(note));
    }
    Ok(())
}

/// Packages may stand in the blocks of a poll, and in each other.
fn find<'e>(element: &'e Element, found: &mut Vec<&'e Element>) {
    if element.name == "STIX_Package" {
        found.push(element);
    }
    element.children.iter().for_each(|child| find(child, found));
}

fn upgrade(package: &Package<'_, '_>, out: &mut dyn Output) -> Result<(), ConvertError> {
    let mut components = Vec::new();
    let used = collect(package.root, &mut components);
    let mut by_key: BTreeMap<String, Vec<StixId>> = BTreeMap::new();
    let mut all = BTreeSet::new();
    for (number, element) in components.iter().enumerate() {
        let key = key_of(package, element, number);
        // What a pattern compares was not seen.
        if element.name == "Observable" && used.contains(key.as_str()) {
            continue;
        }
        out.record();
        match convert(package, element, &key, out) {
            Ok(made) => {
                by_key.insert(key, ids(&made));
                for object in made.others.into_iter().chain(made.components) {
                    all.insert(object.id().clone());
                    out.object(object);
                }
            }
            Err(reason) => out.reject(Rejected { record: format!("{} {key}", element.name), reason }),
        }
    }
    for (number, element) in components.iter().enumerate() {
        let key = key_of(package, element, number);
        for relationship in related(package, element, &key, &components, &by_key, out)? {
            all.insert(relationship.id().clone());
            out.object(relationship);
        }
    }
    for report in package.root.first("Reports").into_iter().flat_map(|reports| reports.all("Report")) {
        out.record();
        let mut inside = Vec::new();
        references(report, &mut inside);
        let refs = inside.iter().filter_map(|key| by_key.get(*key)).flatten().cloned().collect();
        let key = report.attribute("id").unwrap_or("report");
        match self::report(package, report, report.first("Header"), key, refs, out) {
            Ok(Some(report)) => out.object(report),
            Ok(None) => out.reject(Rejected {
                record: format!("Report {key}"),
                reason: "it has nothing in it that is here".to_owned(),
            }),
            Err(error) => out.reject(Rejected { record: format!("Report {key}"), reason: error.to_string() }),
        }
    }
    if let Some(header) = package.root.first("STIX_Header")
        && ["Title", "Description", "Package_Intent"].iter().any(|name| header.first(name).is_some())
        && let Some(key) = package.root.attribute("id")
        && let Some(report) = report(package, package.root, Some(header), key, all, out)?
    {
        out.object(report);
    }
    Ok(())
}

fn key_of(package: &Package<'_, '_>, element: &Element, number: usize) -> String {
    let package = package.root.attribute("id").unwrap_or_default();
    element.attribute("id").map_or_else(|| format!("{package} {} {number}", element.name), str::to_owned)
}

/// Finds components, wherever they stand, and the observables that indicators refer to.
fn collect<'e>(element: &'e Element, components: &mut Vec<&'e Element>) -> BTreeSet<&'e str> {
    let mut used = BTreeSet::new();
    for child in &element.children {
        let name = child.name.as_str();
        match name {
            // Packages in a package are read by themselves, rules of other languages have names of their own.
            "STIX_Package" | "Test_Mechanisms" | "Kill_Chains" | "Reports" => continue,
            "Observable" if element.name != "Observables" => {
                let mut inside = Vec::new();
                references(child, &mut inside);
                used.extend(inside);
                continue;
            }
            _ => {}
        }
        // Around a component may stand an element of the same name, which says how it is related.
        let is_component =
            COMPONENTS.contains(&name) && child.attribute("idref").is_none() && child.first(name).is_none();
        if is_component && (!child.children.is_empty() || child.attribute("id").is_some()) {
            components.push(child);
        }
        if name != "Observable" {
            used.extend(collect(child, components));
        }
    }
    used
}

/// The identifiers that are referred to in an element, and its own.
fn references<'e>(element: &'e Element, found: &mut Vec<&'e str>) {
    found.extend(element.attribute("idref").or_else(|| element.attribute("id")));
    element.children.iter().for_each(|child| references(child, found));
}

/// The relationships from a component to those in it.
fn related(
    package: &Package<'_, '_>,
    element: &Element,
    key: &str,
    components: &[&Element],
    by_key: &BTreeMap<String, Vec<StixId>>,
    out: &dyn Output,
) -> Result<Vec<Object>, BuildError> {
    let mut made = Vec::new();
    let Some(own) = by_key.get(key).filter(|own| !own.is_empty()) else { return Ok(made) };
    let created = package.created(element, &own[0], out);
    for (_, way, relation, is_reversed) in RELATIONS.iter().filter(|(name, ..)| *name == element.name) {
        for other in ends(element, way) {
            let place = components.iter().position(|known| std::ptr::eq(*known, other));
            let other_key = match (other.attribute("idref"), place) {
                (Some(key), _) => key.to_owned(),
                (None, Some(place)) => key_of(package, other, place),
                (None, None) => continue,
            };
            let Some(others) = by_key.get(&other_key).filter(|others| !others.is_empty()) else {
                package.note(format!("{key} refers to `{other_key}`, which became no object or is not here"));
                continue;
            };
            for (one, two) in own.iter().flat_map(|one| others.iter().map(move |two| (one, two))) {
                let (source, target) = if *is_reversed { (two, one) } else { (one, two) };
                // Victims are targets, whatever STIX 1 calls what leads to them.
                let is_victim = *relation == "uses" && target.object_type() == "identity";
                let relation = if is_victim { "targets" } else { relation };
                made.push(package.voice.relate(relation, source, target, &created)?);
            }
        }
    }
    Ok(made)
}

/// The elements at the end of a way.
fn ends<'e>(element: &'e Element, way: &[&str]) -> Vec<&'e Element> {
    way.iter().fold(vec![element], |found, name| {
        found.into_iter().flat_map(|one| one.children.iter().filter(|child| child.name == *name)).collect()
    })
}

/// A report of STIX 2.1: a report, or a package that says what it is about. `None` when nothing is in it.
fn report(
    package: &Package<'_, '_>,
    element: &Element,
    header: Option<&Element>,
    key: &str,
    refs: BTreeSet<StixId>,
    out: &dyn Output,
) -> Result<Option<Object>, BuildError> {
    if refs.is_empty() {
        return Ok(None);
    }
    let texts = |name: &str| -> Vec<String> {
        let texts = header.into_iter().flat_map(|header| header.all(name)).filter_map(Element::text);
        texts.map(str::to_owned).collect()
    };
    let id = package.id("report", key);
    let created = package.created(element, &id, out);
    let produced = header.and_then(|header| header.at(&["Information_Source", "Time", "Produced_Time"]));
    let published: Timestamp =
        produced.and_then(Element::text).and_then(time::read).unwrap_or_else(|| created.clone());
    let refs: Vec<Ref<to::AnyObject>> = refs.into_iter().map(Ref::try_from).collect::<Result<_, _>>()?;
    let name = texts("Title").into_iter().next().unwrap_or_else(|| format!("Package {key}"));
    let intents = [texts("Package_Intent"), texts("Intent")].concat();
    // `Indicators - Phishing` is `indicator-phishing` now.
    let types =
        intents.iter().map(|intent| ReportType::from(&*word(intent).replace("indicators", "indicator")));
    let mut report = Report::new(package.stamp(&id, &created), name, published, refs).report_types(types);
    let description =
        [texts("Description"), texts("Short_Description")].into_iter().find(|texts| !texts.is_empty());
    if let Some(description) = description {
        report = report.description(description.join("\n"));
    }
    package.voice.mark(&mut report.common);
    report.to_object().map(Some)
}
