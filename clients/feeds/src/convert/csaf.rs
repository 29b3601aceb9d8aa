//! CSAF 2.0: an advisory, the vulnerabilities that it is about, the products that have them, and what to do.

mod product;
mod vulnerability;

use super::ConvertError;
use super::document::{self, Made};
use super::vulnerability::{at, link, text};
use crate::feed::Feed;
use crate::frame::{identity, reference, stamp};
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use crate::shared::Reference;
use product::Products;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use std::io::BufRead;
use stix_model::sdo::Report;
use stix_model::vocab::ReportType;
use stix_model::{ExternalReference, Ref, StixId, Timestamp, Tlp, ToObject, to};

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    document::each_object(input, "documents", out, &mut |record, place, out| {
        advisory(maker, &record, place, out)
    })
}

impl<'d> Tracking<'d> {
    /// What the objects of a document are known by.
    fn scope(&self) -> [&'d str; 3] {
        ["csaf", self.namespace, self.id]
    }
}

/// What a document says of itself.
struct Tracking<'d> {
    /// Who gives identifiers to the publisher's documents; the two together name a document.
    namespace: &'d str,
    id: &'d str,
    released: Timestamp,
    modified: Timestamp,
}

fn advisory(
    maker: &Maker<'_>,
    record: &Map<String, Json>,
    place: &str,
    out: &mut dyn Output,
) -> Result<(), String> {
    let document = record.get("document").and_then(Json::as_object).ok_or("it has no `document`")?;
    let publisher = document.get("publisher").and_then(Json::as_object).ok_or("it has no `publisher`")?;
    let name =
        Some(text(publisher, "name")).filter(|name| !name.is_empty()).ok_or("its publisher has no name")?;
    let own = document.get("tracking").and_then(Json::as_object).ok_or("it has no `tracking`")?;
    let tracking = Tracking {
        namespace: text(publisher, "namespace"),
        id: Some(text(own, "id")).filter(|id| !id.is_empty()).ok_or("it has no identifier")?,
        released: at(text(own, "initial_release_date"), "the initial release date")?,
        modified: at(text(own, "current_release_date"), "the current release date")?,
    };
    // The publisher is that of the document, and so are its terms and its marking.
    let feed = Feed {
        publisher: name.to_owned(),
        terms: maker.feed().terms.clone().or_else(|| notes(document, &["legal_disclaimer"])),
        tlp: maker.feed().tlp.max(tlp(document)?.unwrap_or(maker.feed().tlp)),
        ..maker.feed().clone()
    };
    let maker = Maker::new(&feed, maker.now().clone()).map_err(|error| error.to_string())?;

    let mut made = Made::default();
    let mut refs: BTreeSet<StixId> = BTreeSet::from([maker.frame().created_by().id().clone()]);
    for object in maker.frame().objects() {
        made.object(Ok(object.clone()))?;
    }
    let products = Products::of(record, &mut made);
    for vendor in products.vendors() {
        let vendor = identity(vendor).map_err(|error| error.to_string())?;
        refs.insert(vendor.id().clone());
        made.object(Ok(vendor))?;
    }
    for software in products.software() {
        refs.insert(software.id().clone());
        made.object(Ok(software.clone()))?;
    }
    let mut rejected = Vec::new();
    let mut all = Vec::new();
    let vulnerabilities = match record.get("vulnerabilities") {
        None | Some(Json::Null) => &[][..],
        Some(Json::Array(all)) => all,
        Some(_) => return Err("its `vulnerabilities` are no list".to_owned()),
    };
    for (number, vulnerability) in vulnerabilities.iter().enumerate() {
        let mut made = Made::default();
        let context = vulnerability::Context { maker: &maker, tracking: &tracking, products: &products };
        match context.read(vulnerability, number, &mut made) {
            Ok(ids) => {
                refs.extend(ids);
                all.push(made);
            }
            Err(reason) => {
                let blank = if place.is_empty() { "" } else { " " };
                rejected
                    .push(Rejected { record: format!("{place}{blank}/vulnerabilities/{number}"), reason });
            }
        }
    }
    made.object(report(&maker, document, own, &tracking, refs)?.to_object())?;
    made.emit(out);
    for made in all {
        out.record();
        made.emit(out);
    }
    for rejected in rejected {
        out.record();
        out.reject(rejected);
    }
    Ok(())
}

fn report<'d>(
    maker: &Maker<'_>,
    document: &'d Map<String, Json>,
    own: &'d Map<String, Json>,
    tracking: &Tracking<'d>,
    refs: BTreeSet<StixId>,
) -> Result<Report<'d>, String> {
    let publisher = maker.feed().publisher.clone();
    let pages = document.get("references").and_then(Json::as_array).into_iter().flatten();
    let pages: Vec<&Map<String, Json>> = pages.filter_map(Json::as_object).collect();
    let mut references = Vec::new();
    let own_page = pages.iter().rev().find(|page| text(page, "category") == "self");
    let url = own_page.and_then(|page| link(text(page, "url"))).and_then(|page| page.url);
    let others = pages.iter().filter_map(|page| link(text(page, "url"))).filter(|page| page.url != url);
    references.extend(others);
    references.push(Reference {
        source: publisher.clone(),
        id: Some(tracking.id.to_owned()),
        url: url.clone(),
    });
    let revision = Some(text(own, "version")).filter(|version| !version.is_empty());
    references.extend(revision.map(|version| Reference {
        source: format!("{publisher}, revision of {}", tracking.id),
        id: Some(version.to_owned()),
        url: None,
    }));
    let aliases = own.get("aliases").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    references.extend(aliases.map(|alias| Reference {
        source: publisher.clone(),
        id: Some(alias.to_owned()),
        url: None,
    }));
    references.sort_unstable();
    references.dedup();
    let references: Vec<ExternalReference<'_>> = references.iter().map(reference).collect();

    let revisions = own.get("revision_history").and_then(Json::as_array).into_iter().flatten();
    let revisions = revisions.filter_map(Json::as_object).map(|revision| {
        let [number, date, summary] = ["number", "date", "summary"].map(|name| text(revision, name));
        format!("Revision {number}, {date}: {summary}")
    });
    let distribution = document.get("distribution").and_then(Json::as_object);
    let distribution =
        distribution.map(|distribution| text(distribution, "text")).filter(|text| !text.is_empty());
    let description: Vec<String> =
        notes(document, &["summary", "description", "details", "general", "faq", "other"])
            .into_iter()
            .chain(distribution.map(|text| format!("Distribution: {text}")))
            .chain(revisions)
            .collect();

    let refs: Vec<Ref<to::AnyObject>> =
        refs.iter().map(Ref::try_from).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let stamp = stamp("report", &tracking.scope(), &tracking.released);
    let title = Some(text(document, "title")).filter(|title| !title.is_empty()).unwrap_or(tracking.id);
    let labels = [text(document, "category"), text(own, "status")];
    let labels = labels.into_iter().filter(|label| !label.is_empty());
    let severity = document.get("aggregate_severity").and_then(Json::as_object);
    let severity = severity.map(|severity| text(severity, "text")).filter(|text| !text.is_empty());
    let mut report = Report::new(stamp, title, tracking.released.clone(), refs)
        .report_types([ReportType::from("vulnerability")])
        .labels(maker.feed().labels.iter().cloned().chain(labels.chain(severity).map(str::to_owned)))
        .external_references(references);
    maker.voice().mark(&mut report.common);
    if !description.is_empty() {
        report = report.description(description.join("\n\n"));
    }
    if let Some(lang) = Some(text(document, "lang")).filter(|lang| is_language(lang)) {
        report = report.lang(lang);
    }
    report.common.modified = tracking.modified.clone().max(tracking.released.clone());
    Ok(report)
}

/// Whether a text has the form of a language tag (RFC 5646).
fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_language =
        |part: &str| matches!(part.len(), 2 | 3) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_region = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    parts.next().is_some_and(is_language) && parts.next().is_none_or(is_region) && parts.next().is_none()
}

/// The texts of the notes of some categories.
fn notes(of: &Map<String, Json>, categories: &[&str]) -> Option<String> {
    let all = of.get("notes").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_object);
    let found: Vec<String> = all
        .filter(|note| categories.contains(&text(note, "category")))
        .map(|note| match text(note, "title") {
            "" => text(note, "text").to_owned(),
            title => format!("{title}: {}", text(note, "text")),
        })
        .collect();
    (!found.is_empty()).then(|| found.join("\n\n"))
}

/// The marking of a document; one with another level than those of the Traffic Light Protocol must not go anywhere.
fn tlp(document: &Map<String, Json>) -> Result<Option<Tlp>, String> {
    let Some(label) =
        document.get("distribution").and_then(|distribution| distribution.get("tlp")?.get("label"))
    else {
        return Ok(None);
    };
    let word = label.as_str().unwrap_or_default().to_lowercase();
    match word.as_str() {
        "white" => Ok(Some(Tlp::Clear)),
        word => word.parse().map(Some).map_err(|_| format!("{label} is no level of TLP")),
    }
}
