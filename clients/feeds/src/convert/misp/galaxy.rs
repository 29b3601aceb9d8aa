//! Galaxies: what their clusters are in STIX. One object stands for a malware family or a group in all feeds.

use super::{list, text};
use crate::indicator::Maker;
use crate::shared::{Part, Reference, SharedKey, technique_in, technique_reference};
use serde_json::{Map, Value};

/// What a cluster is: a thing that sources share; `None` for what STIX has no such type for.
pub(in crate::convert) fn shared(
    maker: &Maker<'_>,
    galaxy: &str,
    value: &str,
    cluster: Option<&Value>,
) -> Option<(SharedKey, Part)> {
    const MALWARE: [&str; 10] = [
        "android",
        "backdoor",
        "banker",
        "botnet",
        "cryptominers",
        "malpedia",
        "ransomware",
        "rat",
        "stealer",
        "malware",
    ];
    let name = without_identifier(value);
    let is_group = galaxy == "threat-actor"
        || galaxy == "microsoft-activity-group"
        || galaxy.contains("intrusion-set")
        || galaxy.ends_with("-groups");
    let key = if galaxy.contains("attack-pattern") {
        SharedKey::attack_pattern(value)
    } else if is_group {
        SharedKey::intrusion_set(name)
    } else if MALWARE.contains(&galaxy) || galaxy.ends_with("-malware") {
        SharedKey::malware(name)
    } else if galaxy == "tool" || galaxy == "exploit-kit" || galaxy == "tds" || galaxy.ends_with("-tool") {
        SharedKey::tool(name)
    } else {
        return None;
    };
    if key.is_empty() {
        return None;
    }
    let mut part = Part::new(maker.feed(), maker.frame(), name, crate::frame::EPOCH.clone());
    match (technique_in(value), value.rsplit_once(" - ")) {
        (Some(technique), _) if galaxy.contains("attack-pattern") => {
            part.references.push(technique_reference(&technique));
        }
        (_, Some((_, id))) if name != value => {
            let (source, id) = ("mitre-attack".to_owned(), Some(id.to_owned()));
            part.references.push(Reference { source, id, url: None });
        }
        _ => {}
    }
    if let Some(cluster) = cluster {
        describe(&mut part, cluster);
    }
    Some((key, part))
}

fn describe(part: &mut Part, cluster: &Value) {
    part.description = text(cluster, "description").map(|text| text.trim().to_owned());
    let Some(meta) = cluster.get("meta").and_then(Value::as_object) else { return };
    let mut facts = Map::new();
    for (name, value) in meta {
        let texts = || list_of_texts(value);
        match name.as_str() {
            "synonyms" => part.aliases = texts(),
            "refs" => part
                .references
                .extend(texts().iter().filter_map(|url| super::super::rule::page("reference", url))),
            _ => drop(facts.insert(name.clone(), value.clone())),
        }
    }
    if let Some(uuid) = text(cluster, "uuid") {
        facts.insert("misp-galaxy-uuid".to_owned(), Value::String(uuid.into_owned()));
    }
    let related: Vec<Value> = list(cluster, "related").cloned().collect();
    if !related.is_empty() {
        facts.insert("related".to_owned(), Value::Array(related));
    }
    part.facts = facts;
}

fn list_of_texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => vec![text.trim().to_owned()],
        Value::Array(all) => all.iter().flat_map(list_of_texts).collect(),
        _ => Vec::new(),
    }
}

/// `APT28` of `APT28 - G0007`.
fn without_identifier(value: &str) -> &str {
    let is_identifier = |id: &str| {
        id.starts_with(['G', 'S', 'T', 'M'])
            && id.len() >= 5
            && id[1..].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    match value.rsplit_once(" - ") {
        Some((name, id)) if is_identifier(id) => name.trim(),
        _ => value.trim(),
    }
}
