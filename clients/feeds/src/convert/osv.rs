//! OSV: one document for each vulnerability of packages of open source.

use super::ConvertError;
use super::document::{self, Made};
use super::vulnerability::{add_links, affects, cve, cve_part, part, text};
use crate::frame::EPOCH;
use crate::indicator::Maker;
use crate::output::Output;
use crate::shared::{Part, Reference, SharedKey};
use crate::time;
use serde_json::{Map, Value as Json};
use std::io::BufRead;
use stix_model::sco::Software;
use stix_model::{Object, Timestamp, ToObject};

/// Most CVE identifiers of one document; nearly all have one.
const MAX_CVES: usize = 64;

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    document::each_object(input, "vulns", out, &mut |record, _, out| {
        let mut made = Made::default();
        record_of(maker, record, &mut made)?;
        made.emit(out);
        Ok(())
    })
}

fn record_of(maker: &Maker<'_>, mut record: Map<String, Json>, made: &mut Made) -> Result<(), String> {
    let id = text(&record, "id").to_owned();
    if id.is_empty() {
        return Err("it has no `id`".to_owned());
    }
    let (created, modified) = times(&record)?;
    let aliases: Vec<String> = strings(record.get("aliases")).map(str::to_owned).collect();
    let mut cves: Vec<String> =
        std::iter::once(&id).chain(&aliases).filter_map(|name| cve(name).ok()).collect();
    cves.sort_unstable();
    cves.dedup();
    // Each gets all facts, so a document with many would become much more than it is.
    if cves.len() > MAX_CVES {
        return Err(format!("it is about {} vulnerabilities; {MAX_CVES} is the most", cves.len()));
    }
    let packages = packages(&record)?;
    let urls: Vec<String> = members(record.get("references"), "url").map(str::to_owned).collect();
    let is_withdrawn = record.get("withdrawn").is_some_and(|withdrawn| !withdrawn.is_null());
    let summary = text(&record, "summary");
    let details = Some(text(&record, "details")).filter(|details| !details.is_empty()).unwrap_or(summary);
    let details = Some(details.to_owned()).filter(|details| !details.is_empty());
    record.retain(|name, value| !is_told(name, value));
    leave_versions_out(&mut record);

    let complete = |mut part: Part, made: &mut Made| {
        part.description.clone_from(&details);
        part.is_revoked = is_withdrawn;
        let page = format!("https://osv.dev/vulnerability/{id}");
        part.references.push(Reference { source: "osv".to_owned(), id: Some(id.clone()), url: Some(page) });
        for alias in aliases.iter().filter(|alias| cve(alias).is_err()) {
            let catalogue = alias.split('-').next().unwrap_or_default().to_ascii_lowercase();
            match catalogue.as_str() {
                "" | "cve" | "capec" => {
                    made.note(format!("{id}: the alias `{alias}` is none and was left out"))
                }
                _ => {
                    part.references.push(Reference { source: catalogue, id: Some(alias.clone()), url: None })
                }
            }
        }
        add_links(&mut part, urls.iter().map(String::as_str), made);
        // Two documents may be about one vulnerability, so each has its facts under its own name.
        part.facts.insert(id.clone(), Json::Object(record.clone()));
        let key = SharedKey::vulnerability(&part.name);
        for package in &packages {
            affects(maker, &["osv", &id], package, made, (&key, &part))?;
        }
        made.part(key, part)
    };
    if cves.is_empty() {
        return complete(part(maker, &id, created, modified), made);
    }
    cves.iter().try_for_each(|cve| complete(cve_part(maker, cve, created.clone(), modified.clone()), made))
}

/// When it was published and last changed. Files in repositories have the year 1 for what only a server knows; then it counts as
/// a thing that never changes.
fn times(record: &Map<String, Json>) -> Result<(Timestamp, Timestamp), String> {
    let read = |name| match record.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(unknown)) if unknown.starts_with("0001-") => Ok(None),
        Some(known) => {
            let time = known.as_str().and_then(time::read);
            time.map(Some).ok_or_else(|| format!("`{name}` is no time"))
        }
    };
    let (published, modified, withdrawn) = (read("published")?, read("modified")?, read("withdrawn")?);
    let created = published.or_else(|| modified.clone()).unwrap_or_else(|| EPOCH.clone());
    let last = [modified, withdrawn].into_iter().flatten().max();
    Ok((created.clone(), last.unwrap_or(created)))
}

/// Whether a member is told elsewhere than among the facts; what has an unknown form is not.
fn is_told(name: &str, value: &Json) -> bool {
    let are_all = |is_right: fn(&Json) -> bool| value.as_array().is_some_and(|all| all.iter().all(is_right));
    match name {
        "schema_version" | "id" | "modified" | "published" | "details" => value.is_string(),
        "aliases" => are_all(Json::is_string),
        "references" => are_all(|link| link.get("url").is_some_and(Json::is_string)),
        _ => false,
    }
}

/// The packages that are affected, each once.
fn packages(record: &Map<String, Json>) -> Result<Vec<Object>, String> {
    let mut packages: Vec<Object> = Vec::new();
    let affected = record.get("affected").and_then(Json::as_array).into_iter().flatten();
    for package in affected.filter_map(|affected| affected.get("package")?.as_object()) {
        let name = match text(package, "purl") {
            "" => purl(text(package, "ecosystem"), text(package, "name")),
            purl => purl.to_owned(),
        };
        if name.is_empty() {
            return Err("a package has no name".to_owned());
        }
        packages.push(Software::new(name).to_object().map_err(|error| error.to_string())?);
    }
    packages.sort_by(|one, other| one.id().cmp(other.id()));
    packages.dedup_by(|one, other| one.id() == other.id());
    Ok(packages)
}

/// The package URL of a package, as OSV defines it for its ecosystems; it is the name that tells packages of one name apart. Of an
/// ecosystem without one it is the name behind that of the ecosystem.
fn purl(ecosystem: &str, name: &str) -> String {
    let (base, _) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    let kind = match base {
        "crates.io" => "cargo",
        "Go" => "golang",
        "Hackage" => "hackage",
        "Hex" => "hex",
        "Maven" => "maven",
        "npm" => "npm",
        "NuGet" => "nuget",
        "Packagist" => "composer",
        "Pub" => "pub",
        "PyPI" => "pypi",
        "RubyGems" => "gem",
        "SwiftURL" => "swift",
        _ if ecosystem.is_empty() || name.is_empty() => return name.to_owned(),
        _ => return format!("{ecosystem}: {name}"),
    };
    let name = name.replace('@', "%40");
    let name = if kind == "maven" { name.replacen(':', "/", 1) } else { name };
    format!("pkg:{kind}/{name}")
}

/// Lists of single versions say once more what ranges say, and may have thousands.
fn leave_versions_out(record: &mut Map<String, Json>) {
    for affected in record.get_mut("affected").and_then(Json::as_array_mut).into_iter().flatten() {
        let has_ranges = affected["ranges"].as_array().is_some_and(|ranges| !ranges.is_empty());
        if has_ranges && let Some(affected) = affected.as_object_mut() {
            affected.remove("versions");
        }
    }
}

fn strings(list: Option<&Json>) -> impl Iterator<Item = &str> {
    list.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
}

fn members<'r>(list: Option<&'r Json>, name: &'static str) -> impl Iterator<Item = &'r str> {
    list.and_then(Json::as_array).into_iter().flatten().filter_map(move |value| value.get(name)?.as_str())
}
