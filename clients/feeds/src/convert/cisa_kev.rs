//! The catalogue of known exploited vulnerabilities: a vulnerability, what CISA demands against it, and the product that it is in.

use super::ConvertError;
use super::document::{self, Made};
use super::vulnerability::{Action, affects, at, cve, cve_part, link, software, text};
use crate::indicator::Maker;
use crate::output::Output;
use crate::shared::SharedKey;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use std::io::BufRead;
use stix_model::ToObject;

#[derive(Deserialize)]
struct Catalog<'d> {
    #[serde(borrow)]
    vulnerabilities: Vec<&'d RawValue>,
}

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let bytes = document::bytes(input)?;
    let catalog: Catalog<'_> = document::parse(&bytes)?;
    document::each(&catalog.vulnerabilities, "/vulnerabilities", out, &mut |entry, made| {
        entry_of(maker, entry, made)
    });
    Ok(())
}

fn entry_of(maker: &Maker<'_>, mut entry: Map<String, Json>, made: &mut Made) -> Result<(), String> {
    let cve = cve(text(&entry, "cveID"))?;
    let added = at(text(&entry, "dateAdded"), "the date on which it was added")?;
    let key = SharedKey::vulnerability(&cve);
    let mut part = cve_part(maker, &cve, added.clone(), added);
    part.description = Some(text(&entry, "shortDescription").to_owned()).filter(|text| !text.is_empty());
    // Notes are prose with URLs in it; the whole text is among the facts.
    for word in text(&entry, "notes").split([' ', ';', '\n', '\r', '\t']) {
        let url = word.trim_start_matches('(').trim_end_matches([',', '.', ')']);
        part.references.extend(link(url));
    }
    let action = text(&entry, "requiredAction").to_owned();
    let product = software(text(&entry, "product"), text(&entry, "vendorProject"));
    for told_elsewhere in ["cveID", "shortDescription", "requiredAction"] {
        // What is no text was not told.
        if entry.get(told_elsewhere).is_some_and(Json::is_string) {
            entry.remove(told_elsewhere);
        }
    }
    part.facts = entry;
    if !action.is_empty() {
        let name = format!("{cve}: action required by CISA");
        let action = Action {
            key: &[&maker.feed().name, &cve],
            name: &name,
            description: &action,
            page: None,
            word: "mitigates",
            created: &part.created,
            modified: &part.modified,
        };
        action.against(maker, &key, &part, made)?;
    }
    if let Some(product) = product {
        let product = product.to_object().map_err(|error| error.to_string())?;
        affects(maker, &[&maker.feed().name, &cve], &product, made, (&key, &part))?;
    }
    made.part(key, part)
}
