//! What tells things of one type apart, and how much each of it counts.

use super::{Agreement, Candidate, Similarity};
use crate::json::{Value, write_canonical};
use crate::{Object, StixId, sco_id};
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization as _;

/// How a feature is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// All if both have something in common, else nothing.
    Any,
    /// What they have in common, out of all that either has.
    Share,
}

/// The features of one type: name, weight, and how it is compared.
type Rule = &'static [(&'static str, u8, How)];

/// Features that are worth less than this together say too little.
const ENOUGH: u32 = 40;

fn rule(object_type: &str) -> Rule {
    match object_type {
        "attack-pattern" => &[("external_ids", 70, How::Share), ("names", 30, How::Any)],
        "campaign" | "incident" => &[("names", 50, How::Any)],
        "course-of-action" => &[("external_ids", 60, How::Share), ("names", 40, How::Any)],
        "identity" => &[("names", 70, How::Any), ("identity_class", 30, How::Any)],
        "indicator" => &[("pattern", 90, How::Any), ("indicator_types", 10, How::Share)],
        "infrastructure" => &[("names", 80, How::Any), ("infrastructure_types", 20, How::Share)],
        "intrusion-set" => &[("external_ids", 50, How::Share), ("names", 50, How::Any)],
        "location" => &[("place", 100, How::Share)],
        "malware" => {
            &[("external_ids", 50, How::Share), ("names", 40, How::Any), ("is_family", 10, How::Any)]
        }
        "relationship" => &[("ends", 100, How::Share)],
        "report" => &[("names", 60, How::Any), ("published", 40, How::Any)],
        "threat-actor" => &[("names", 80, How::Any), ("threat_actor_types", 20, How::Share)],
        "tool" => &[("external_ids", 50, How::Share), ("names", 50, How::Any)],
        "vulnerability" => &[("external_ids", 80, How::Share), ("names", 20, How::Any)],
        _ => &[],
    }
}

/// An object with its features.
pub(super) struct Features<'o> {
    pub(super) object: &'o Object,
    /// The identifier that the rule of the standard gives it.
    pub(super) observable: Option<StixId>,
    /// In the order of the rule of its type.
    values: Vec<BTreeSet<String>>,
}

impl<'o> Features<'o> {
    pub(super) fn of(candidate: &Candidate<'o>) -> Self {
        let object = candidate.object;
        let document = object.document();
        let root = document.root();
        let observable = sco_id(root).ok().and_then(|found| found.id().cloned());
        let values = rule(object.header().id.object_type()).iter();
        let values = values.map(|(feature, ..)| values_of(root, feature, candidate.pattern)).collect();
        Self { object, observable, values }
    }

    /// What it may share with an object that is about the same thing.
    pub(super) fn keys(&self) -> Vec<String> {
        let object_type = self.object.header().id.object_type();
        let mut keys = vec![self.object.header().id.to_string()];
        keys.extend(self.observable.as_ref().map(StixId::to_string));
        for ((feature, ..), values) in rule(object_type).iter().zip(&self.values) {
            match *feature {
                "names" | "external_ids" | "pattern" => {
                    keys.extend(values.iter().map(|value| format!("{object_type} {feature} {value}")));
                }
                "place" | "ends" if !values.is_empty() => {
                    let all: Vec<_> = values.iter().map(String::as_str).collect();
                    keys.push(format!("{object_type} {}", all.join(" ")));
                }
                _ => {}
            }
        }
        keys
    }
}

pub(super) fn similarity(a: &Features<'_>, b: &Features<'_>) -> Option<Similarity> {
    let object_type = a.object.header().id.object_type();
    if object_type != b.object.header().id.object_type() {
        return None;
    }
    let mut features = Vec::new();
    let (mut sum, mut total) = (0, 0);
    for ((&(feature, weight, how), left), right) in rule(object_type).iter().zip(&a.values).zip(&b.values) {
        let Some(agreement) = agreement(feature, how, left, right) else { continue };
        sum += u32::from(agreement) * u32::from(weight);
        total += u32::from(weight);
        features.push(Agreement { feature, agreement, weight });
    }
    let score = u8::try_from(sum.checked_div(total)?).unwrap_or(100);
    (total >= ENOUGH && score > 0).then_some(Similarity { score, features })
}

fn agreement(feature: &str, how: How, a: &BTreeSet<String>, b: &BTreeSet<String>) -> Option<u8> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let common = a.intersection(b).count();
    if how == How::Any {
        return Some(if common > 0 { 100 } else { 0 });
    }
    // Two catalogues number the same thing differently: only those that both objects are in can disagree.
    let source = |id: &String| id.split(' ').next().unwrap_or_default().to_owned();
    let sources = |ids: &BTreeSet<String>| ids.iter().map(source).collect::<BTreeSet<_>>();
    let (left, right) = (sources(a), sources(b));
    let counts =
        |id: &&String| feature != "external_ids" || left.contains(&source(id)) && right.contains(&source(id));
    let all = a.union(b).filter(counts).count();
    u8::try_from((common * 100).checked_div(all)?).ok()
}

fn values_of(object: Value<'_>, feature: &str, pattern: Option<&str>) -> BTreeSet<String> {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let list = |name: &str| object.get(name).into_iter().flat_map(Value::elements).filter_map(Value::as_str);
    let canonical = |name: &str| {
        let mut out = format!("{name}=");
        write_canonical(object.get(name)?, &mut out);
        Some(out)
    };
    match feature {
        "names" => {
            let names = text("name").into_iter().chain(list("aliases"));
            names.map(|name| plain(&name)).filter(|name| !name.is_empty()).collect()
        }
        "external_ids" => {
            let references = object.get("external_references").into_iter().flat_map(Value::elements);
            let mut ids: BTreeSet<_> = references.filter_map(external_id).collect();
            // Vulnerabilities are often named by nothing but their number.
            let name = text("name").unwrap_or_default();
            if object.get("type").and_then(Value::as_str).as_deref() == Some("vulnerability")
                && name.starts_with("CVE-")
            {
                ids.insert(format!("cve {}", name.trim()));
            }
            ids
        }
        "pattern" => {
            let language = text("pattern_type").unwrap_or("stix".into());
            let pattern = pattern.map(Into::into).or_else(|| text("pattern"));
            pattern.map(|pattern| format!("{language} {pattern}")).into_iter().collect()
        }
        "place" => {
            ["region", "country", "administrative_area", "city", "street_address", "latitude", "longitude"]
                .into_iter()
                .filter_map(canonical)
                .collect()
        }
        "ends" => {
            ["relationship_type", "source_ref", "target_ref"].into_iter().filter_map(canonical).collect()
        }
        property if property.ends_with("_types") => list(property).map(Into::into).collect(),
        property => canonical(property).into_iter().collect(),
    }
}

/// `source number`; the source without spaces.
fn external_id(reference: Value<'_>) -> Option<String> {
    let source = reference.get("source_name")?.as_str()?;
    let number = reference.get("external_id")?.as_str()?;
    let source = plain(&source);
    // The domains of ATT&CK share their numbers.
    let is_attack = source.starts_with("mitre") && source.ends_with("attack");
    let source = if is_attack { "mitreattack" } else { &source };
    Some(format!("{source} {}", number.trim().to_uppercase()))
}

/// Letters and digits alone, in compatibility form and lower case: `APT-28` and `apt 28` are one name.
fn plain(name: &str) -> String {
    name.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
