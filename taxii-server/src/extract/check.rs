//! Whether an object may go into a collection.

use crate::refusal::{self, message};
use crate::store::{Collection, Refused};
use stix_model::json::Value;
use stix_model::taxii::Unusable;
use stix_model::validate::{Code, Finding, Severity, Validator};
use stix_model::{Object, ObjectErrorKind, SpecVersion};

/// Errors of one object that are counted.
const MOST_FINDINGS: usize = 100;

/// Checks objects against what their collection takes, each by itself: what an object refers to may be anywhere.
pub(super) struct Check<'c> {
    collection: &'c Collection,
    validator: Option<Validator>,
}

impl<'c> Check<'c> {
    pub(super) fn of(collection: &'c Collection) -> Self {
        let new = |profile| Validator::new(profile).most_findings(MOST_FINDINGS);
        Self { collection, validator: collection.profile.of_validator().map(new) }
    }

    /// Lets an object pass, or says why it is refused. `value` is the object in the request, `index` its place there.
    pub(super) fn object(
        &self,
        index: usize,
        object: Result<Object, Unusable>,
        value: Value<'_>,
    ) -> Result<Object, Refused> {
        let object = match object {
            Ok(object) => object,
            Err(unusable) => return Err(self.unusable(unusable, value)),
        };
        match self.reason(index, object.header().spec_version, value) {
            None => Ok(object),
            Some(reason) => Err(Refused::of(index, &object, reason)),
        }
    }

    fn reason(&self, index: usize, edition: SpecVersion, value: Value<'_>) -> Option<String> {
        if let Some(reason) = self.other_edition(edition) {
            let is_silent = value.get("spec_version").is_none();
            let hint = if is_silent {
                " (an object with `created` and without `spec_version` is STIX 2.0)"
            } else {
                ""
            };
            let place = if is_silent { "" } else { "/spec_version" };
            let finding = refusal::finding(Code::SpecVersion, index, None, format!("{reason}{hint}"));
            return Some(message(&Finding { pointer: place.to_owned(), ..finding }, &[]));
        }
        // The validator knows STIX 2.1 only.
        let validator = self.validator.filter(|_| edition == SpecVersion::V2_1)?;
        let errors = errors(&validator, index, value);
        let (first, others) = errors.split_first()?;
        Some(message(first, others))
    }

    /// Why nothing of this edition of STIX is taken.
    fn other_edition(&self, edition: SpecVersion) -> Option<String> {
        let Collection { spec_versions, profile, .. } = self.collection;
        if !spec_versions.contains(&edition) {
            let types = self.collection.media_types().join(", ");
            return Some(format!("the collection does not take STIX {edition}; its media_types are {types}"));
        }
        let is_taken = edition == SpecVersion::V2_1 || profile.takes_stix_2_0();
        (!is_taken)
            .then(|| format!("the collection takes STIX 2.1 only, as its profile is `{}`", profile.as_str()))
    }

    /// An object without a header is refused in any case; what else is wrong with it is counted.
    fn unusable(&self, unusable: Unusable, value: Value<'_>) -> Refused {
        let first = unusable.finding();
        let is_readable = *unusable.error.kind() != ObjectErrorKind::TooLarge;
        let validator = self.validator.filter(|_| is_readable);
        let mut others = validator.map_or(Vec::new(), |validator| errors(&validator, unusable.index, value));
        // The validator finds it too.
        let is_first = |other: &Finding| (other.code, &other.pointer) == (first.code, &first.pointer);
        if let Some(at) = others.iter().position(is_first) {
            others.remove(at);
        }
        let reason = message(&first, &others);
        Refused { index: unusable.index, id: unusable.id, version: unusable.version, reason }
    }
}

fn errors(validator: &Validator, index: usize, value: Value<'_>) -> Vec<Finding> {
    let mut findings = validator.object_at(value, index);
    findings.retain(|finding| finding.severity == Severity::Error);
    findings
}
