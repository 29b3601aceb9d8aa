//! Whether objects may go into a collection: the profile of the collection, and what is wrong with those that may not.
//!
//! Knows no HTTP: a POST, an import and every other source of objects call the same functions. What objects are against
//! versions that are stored is decided later, when the store applies the request, by `stix_model::version::decide`.

use crate::budget::Cancel;
use crate::store::{Admitted, Collection, Refused, Room, Stamps, Submitted, cut, failure_message};
use bytes::Bytes;
use stix_model::json::{Document, Limits, Value};
use stix_model::marking::TlpEdition;
use stix_model::taxii::{self, SplitError, Unusable};
use stix_model::validate::{Code, Finding, Rule, Severity, Validator};
use stix_model::{Object, ObjectErrorKind, SpecVersion, Timestamp};

/// Maximum number of errors of one object that are counted.
const MOST_FINDINGS: usize = 100;

/// A property of an envelope that gives each object its `date_added`, for restores.
const DATE_ADDED: &str = "x_concord_date_added";

/// The objects of an envelope, each admitted or refused.
#[derive(Debug)]
pub struct Posted {
    /// The objects, in their order.
    pub objects: Vec<Submitted>,
    /// The source of `date_added`.
    pub stamps: Stamps,
}

/// Why nothing of an envelope can be used.
#[derive(Debug, thiserror::Error)]
pub enum Unprocessable {
    /// The text is not I-JSON, or no envelope.
    #[error(transparent)]
    Envelope(#[from] SplitError),
    /// No element can be named.
    #[error("nothing here is a STIX object: {0}")]
    NoObject(String),
    /// The collection takes none of the STIX versions.
    #[error(
        "this collection takes {0} only; convert the objects (`taxii convert` makes STIX 2.1 of STIX 2.0), or ask its \
             operator to take both versions"
    )]
    SpecVersions(String),
    /// The property that gives each object its `date_added` is malformed.
    #[error("/{DATE_ADDED}: a list with one timestamp for each object is needed")]
    DateAdded,
    /// The request ended before its outcome was known.
    #[error("the request was given up")]
    GivenUp,
}

/// Splits an envelope, and holds its objects against what their collection takes. It ends early when it is cancelled.
///
/// # Errors
/// When nothing of it can be used.
pub fn read(body: &Bytes, collection: &Collection, cancel: &Cancel) -> Result<Posted, Unprocessable> {
    // The length was checked when the body was read.
    let limits = Limits::default().bytes(body.len());
    let document = Document::read(body, limits).map_err(SplitError::from)?;
    let elements = taxii::objects(document.root())?;
    let stamps = stamps(document.root(), elements.elements().count())?;
    let mut admission = Admission::of(collection);
    let mut objects = Vec::new();
    // TAXII 2.1, section 5.5: 422 is for a request of which nothing can be used. As soon as one object can be named, each
    // has its own fate.
    let (mut has_name, mut has_supported_version, mut first_refused) = (false, false, None);
    for (index, value) in elements.elements().enumerate() {
        if cancel.is_cancelled() {
            return Err(Unprocessable::GivenUp);
        }
        let object = Object::from_value(value, body).map_err(|error| Unusable::new(index, value, error));
        match &object {
            Ok(object) => {
                has_name = true;
                has_supported_version |= collection.spec_versions.contains(&object.header().spec_version);
            }
            Err(unusable) => {
                has_name |= unusable.id.is_some();
                has_supported_version |= *unusable.error.kind() != ObjectErrorKind::SpecVersion;
                first_refused.get_or_insert_with(|| {
                    failure_message(index, &refused(None, None, unusable.error.finding(), &[]))
                });
            }
        }
        objects.push(admission.object(object, value));
    }
    if !has_name {
        return Err(Unprocessable::NoObject(first_refused.unwrap_or_default()));
    }
    if !has_supported_version {
        return Err(Unprocessable::SpecVersions(collection.media_types().join(", ")));
    }
    Ok(Posted { objects, stamps })
}

fn stamps(envelope: Value<'_>, count: usize) -> Result<Stamps, Unprocessable> {
    let Some(given) = envelope.get(DATE_ADDED) else { return Ok(Stamps::Clock) };
    let parse = |value: Value<'_>| value.as_str()?.parse::<Timestamp>().ok();
    let stamps: Option<Vec<_>> = given.elements().map(parse).collect();
    match stamps {
        Some(stamps) if stamps.len() == count => Ok(Stamps::Given(stamps)),
        _ => Err(Unprocessable::DateAdded),
    }
}

/// Holds objects against what a collection takes, each by itself: what an object refers to may be anywhere.
pub struct Admission<'c> {
    collection: &'c Collection,
    validator: Option<Validator>,
    room: Room,
}

impl<'c> Admission<'c> {
    /// Admission to a collection.
    pub fn of(collection: &'c Collection) -> Self {
        let new = |profile| Validator::new(profile).most_findings(MOST_FINDINGS);
        Self { collection, validator: collection.profile.of_validator().map(new), room: Room::default() }
    }

    /// Admits an object, or says why it is refused, as long as the status has room for that. `value` is the object in the
    /// text that it was read from.
    pub fn object(&mut self, object: Result<Object, Unusable>, value: Value<'_>) -> Submitted {
        let refused = match object {
            Err(unusable) => self.unusable(unusable, value),
            Ok(object) => match self.refuse(&object, value) {
                None => return Submitted::Admitted(Box::new(Admitted::of(&object, value))),
                Some(refused) => refused,
            },
        };
        if self.room.takes(&refused) { Submitted::Refused(Box::new(refused)) } else { Submitted::Unlisted }
    }

    fn refuse(&self, object: &Object, value: Value<'_>) -> Option<Refused> {
        let header = object.header();
        let id = Some(header.id.as_str().to_owned());
        let version = header.version().map(|version| version.as_str().to_owned());
        if let Some(finding) = self.other_edition(header.spec_version, value) {
            return Some(refused(id, version, finding, &[]));
        }
        let is_fixed = TlpEdition::of_marking(header.id.as_str()).is_some();
        let is_checked = header.spec_version == SpecVersion::V2_1 || is_fixed;
        let mut errors = errors(&self.validator.filter(|_| is_checked)?, value);
        // The validator knows STIX 2.1 only. The fixed markings of TLP are the same in STIX 2.0, and a marking never
        // changes: a false one would keep the true one out. What is left out of the findings may say so.
        if header.spec_version == SpecVersion::V2_0 {
            errors.retain(|finding| finding.rule == Some(Rule::S112) || finding.code == Code::TooMany);
        }
        let mut errors = errors.into_iter();
        Some(refused(id, version, errors.next()?, errors.as_slice()))
    }

    /// Why nothing of this edition of STIX is taken.
    fn other_edition(&self, edition: SpecVersion, value: Value<'_>) -> Option<Finding> {
        let Collection { spec_versions, profile, .. } = self.collection;
        let is_taken = edition == SpecVersion::V2_1 || profile.takes_stix_2_0();
        let reason = if !spec_versions.contains(&edition) {
            let types = self.collection.media_types().join(", ");
            format!("the collection does not take STIX {edition}; its media_types are {types}")
        } else if !is_taken {
            format!("the collection takes STIX 2.1 only, as its profile is `{}`", profile.as_str())
        } else {
            return None;
        };
        let (pointer, hint) = match value.get("spec_version") {
            Some(_) => ("/spec_version", ""),
            None => ("", " (an object with `created` and without `spec_version` is STIX 2.0)"),
        };
        Some(Finding::new(Severity::Error, Code::SpecVersion, pointer, format!("{reason}{hint}")))
    }

    /// An object without a header is refused in any case; what else is wrong with it is counted.
    fn unusable(&self, unusable: Unusable, value: Value<'_>) -> Refused {
        let first = unusable.error.finding();
        let mut others = self.validator.map_or(Vec::new(), |validator| errors(&validator, value));
        // The validator finds it too.
        let is_first = |other: &Finding| (other.code, &other.pointer) == (first.code, &first.pointer);
        if let Some(at) = others.iter().position(is_first) {
            others.remove(at);
        }
        refused(unusable.id, unusable.version, first, &others)
    }
}

fn errors(validator: &Validator, value: Value<'_>) -> Vec<Finding> {
    let mut findings = validator.object(value);
    findings.retain(|finding| finding.severity == Severity::Error);
    findings
}

fn refused(id: Option<String>, version: Option<String>, mut finding: Finding, others: &[Finding]) -> Refused {
    cut(&mut finding.pointer);
    cut(&mut finding.message);
    // A row of a status needs an instant.
    let version = version.filter(|version| version.parse::<Timestamp>().is_ok());
    let is_more_open = others.iter().any(|other| other.code == Code::TooMany);
    Refused { id, version, finding, more: others.len() as u64, is_more_open }
}
