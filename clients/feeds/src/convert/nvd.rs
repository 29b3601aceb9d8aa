//! Pages of the National Vulnerability Database, as its API 2.0 gives them.

use super::ConvertError;
use super::document::{self, Made};
use super::vulnerability::{add_links, at, cve, cve_part};
use crate::indicator::Maker;
use crate::output::Output;
use crate::shared::SharedKey;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

#[derive(Deserialize)]
struct Page<'d> {
    #[serde(borrow)]
    vulnerabilities: Vec<&'d RawValue>,
}

#[derive(Deserialize)]
struct Item {
    cve: Cve,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cve {
    id: String,
    published: String,
    last_modified: String,
    #[serde(default)]
    descriptions: Vec<Text>,
    #[serde(default)]
    metrics: BTreeMap<String, Json>,
    #[serde(default)]
    weaknesses: Vec<Weakness>,
    #[serde(default)]
    references: Vec<Link>,
    #[serde(flatten)]
    rest: Map<String, Json>,
}

#[derive(Deserialize)]
struct Weakness {
    #[serde(default)]
    description: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    lang: String,
    value: String,
}

#[derive(Deserialize)]
struct Link {
    url: String,
}

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let bytes = document::bytes(input)?;
    let page: Page<'_> = document::parse(&bytes)?;
    document::each(&page.vulnerabilities, "/vulnerabilities", out, &mut |item: Item, made| {
        item_of(maker, item.cve, made)
    });
    Ok(())
}

fn item_of(maker: &Maker<'_>, item: Cve, made: &mut Made) -> Result<(), String> {
    let cve = cve(&item.id)?;
    let (created, modified) = (at(&item.published, "published")?, at(&item.last_modified, "last modified")?);
    let mut part = cve_part(maker, &cve, created, modified);
    let english = item.descriptions.into_iter().find(|text| is_english(&text.lang));
    part.description = english.map(|text| text.value);
    add_links(&mut part, item.references.iter().map(|link| link.url.as_str()), made);
    part.facts = item.rest;
    // Each product in each version, for scanners; it may be larger than all the rest.
    part.facts.remove("configurations");
    part.is_revoked = part.facts.get("vulnStatus").and_then(Json::as_str) == Some("Rejected");
    let mut cvss = Vec::new();
    for (name, metrics) in item.metrics {
        match name.starts_with("cvssMetric") {
            true => cvss.extend(metrics.as_array().into_iter().flatten().map(vector)),
            false => drop(part.facts.insert(name, metrics)),
        }
    }
    if !cvss.is_empty() {
        part.facts.insert("cvss".to_owned(), cvss.into());
    }
    let cwes = item.weaknesses.into_iter().flat_map(|weakness| weakness.description).map(|text| text.value);
    let cwes: BTreeSet<String> = cwes.collect();
    if !cwes.is_empty() {
        part.facts.insert("cwes".to_owned(), cwes.into_iter().collect());
    }
    made.part(SharedKey::vulnerability(&cve), part)
}

fn is_english(lang: &str) -> bool {
    lang == "en" || lang.starts_with("en-")
}

/// Who scored, and how. All that the vector says is in it once.
fn vector(metric: &Json) -> Json {
    let data = &metric["cvssData"];
    let members = [
        ("source", &metric["source"]),
        ("type", &metric["type"]),
        ("version", &data["version"]),
        ("vectorString", &data["vectorString"]),
        ("baseScore", &data["baseScore"]),
        // CVSS 2 has it beside its data.
        (
            "baseSeverity",
            if data["baseSeverity"].is_null() { &metric["baseSeverity"] } else { &data["baseSeverity"] },
        ),
    ];
    let known = members.into_iter().filter(|(_, value)| !value.is_null());
    json!(known.map(|(name, value)| (name, value.clone())).collect::<BTreeMap<_, _>>())
}
