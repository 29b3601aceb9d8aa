//! Galaxies of MISP: files of clusters, each a group, a malware family, a tool or a technique.

use super::ConvertError;
use super::document;
use super::misp::shared;
use crate::frame::stamp;
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::BufRead;
use stix_model::sdo::{Identity, Location};
use stix_model::vocab::IdentityClass;
use stix_model::{BuildError, ExternalReference, Object, StixId, ToObject};

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let document: Value = document::parse(&document::bytes(input)?)?;
    let (Some(galaxy), Some(clusters)) =
        (document.get("type").and_then(Value::as_str), document.get("values").and_then(Value::as_array))
    else {
        return Err(ConvertError::Form("it has no clusters: members `type` and `values`".to_owned()));
    };
    let mut known: BTreeMap<&str, StixId> = BTreeMap::new();
    for (number, cluster) in clusters.iter().enumerate() {
        out.record();
        let uuid = cluster.get("uuid").and_then(Value::as_str);
        match take(maker, galaxy, cluster, out) {
            Ok(id) => known.extend(uuid.map(|uuid| (uuid, id))),
            Err(reason) => {
                let record =
                    uuid.map_or_else(|| format!("/values/{number}"), |uuid| format!("cluster {uuid}"));
                out.reject(Rejected { record, reason });
            }
        }
    }
    for cluster in clusters {
        let source = cluster.get("uuid").and_then(Value::as_str).and_then(|uuid| known.get(uuid));
        let Some(source) = source else { continue };
        for related in cluster.get("related").and_then(Value::as_array).into_iter().flatten() {
            relate(maker, source, related, &known, out)?;
        }
    }
    Ok(())
}

fn take(maker: &Maker<'_>, galaxy: &str, cluster: &Value, out: &mut dyn Output) -> Result<StixId, String> {
    let name = cluster.get("value").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
    let name = name.ok_or("it has no `value`")?;
    if let Some((key, part)) = shared(maker, galaxy, name, Some(cluster)) {
        let id = key.id();
        out.part(key, part);
        return Ok(id);
    }
    let made = match galaxy {
        "sector" => sector(maker, name, cluster),
        "country" | "region" => place(maker, galaxy, name, cluster),
        _ => return Err(format!("STIX has no type for clusters of `{galaxy}`, or the name has no letters")),
    };
    let object = made.map_err(|error| error.to_string())?;
    let id = object.id().clone();
    out.object(object);
    Ok(id)
}

/// Members of `meta` that no property stands for.
fn labels(cluster: &Value, without: &[&str]) -> Vec<String> {
    let meta = cluster.get("meta").and_then(Value::as_object);
    let members = meta.into_iter().flatten().filter(|(name, _)| !without.contains(&name.as_str()));
    members
        .flat_map(|(name, value)| {
            let all = value.as_array().map_or_else(|| vec![value], |all| all.iter().collect());
            all.into_iter()
                .filter_map(Value::as_str)
                .map(move |text| format!("{name}:{text}"))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn reference(cluster: &Value) -> Vec<ExternalReference<'static>> {
    let uuid = cluster.get("uuid").and_then(Value::as_str).map(str::to_owned);
    uuid.map(|uuid| ExternalReference::new("misp-galaxy").external_id(uuid)).into_iter().collect()
}

fn description(cluster: &Value) -> Option<String> {
    cluster
        .get("description")
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
}

fn sector(maker: &Maker<'_>, name: &str, cluster: &Value) -> Result<Object, BuildError> {
    let mut made =
        Identity::new(stamp("identity", &[&maker.feed().name, "sector", name], &crate::frame::EPOCH), name)
            .identity_class(IdentityClass::Class)
            .labels(labels(cluster, &[]))
            .external_references(reference(cluster));
    maker.voice().mark(&mut made.common);
    if let Some(description) = description(cluster) {
        made = made.description(description);
    }
    made.to_object()
}

fn place(maker: &Maker<'_>, galaxy: &str, name: &str, cluster: &Value) -> Result<Object, BuildError> {
    let country = cluster.pointer("/meta/ISO").and_then(Value::as_str).filter(|_| galaxy == "country");
    let mut made =
        Location::new(stamp("location", &[&maker.feed().name, galaxy, name], &crate::frame::EPOCH))
            .name(description(cluster).unwrap_or_else(|| name.to_owned()))
            .labels(labels(cluster, &["ISO"]))
            .external_references(reference(cluster));
    maker.voice().mark(&mut made.common);
    made = match country {
        Some(country) => made.country(country.to_owned()),
        // A region is known by its name, which is none of the list of the standard.
        None => made.region(stix_model::vocab::Region::from(name)),
    };
    made.to_object()
}

/// What relates clusters of one file; others are named in the facts of the source.
fn relate(
    maker: &Maker<'_>,
    source: &StixId,
    related: &Value,
    known: &BTreeMap<&str, StixId>,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let target = related.get("dest-uuid").and_then(Value::as_str).and_then(|uuid| known.get(uuid));
    let Some(target) = target.filter(|target| *target != source) else { return Ok(()) };
    let word = match related.get("type").and_then(Value::as_str).unwrap_or("related-to") {
        "similar" | "overlaps" | "linked-to" | "associated-with" => "related-to".to_owned(),
        word => word.to_lowercase().replace(|character: char| !character.is_ascii_alphanumeric(), "-"),
    };
    let voice = maker.voice();
    out.object(voice.relate(&word, source, target, &crate::frame::EPOCH)?);
    Ok(())
}
