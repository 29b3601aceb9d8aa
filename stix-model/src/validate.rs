//! Validation of objects and bundles, with findings that a stranger understands.
//!
//! There are three tiers. **Structure**: the property tables of the standard, and the official JSON schemas where
//! the tables cannot speak for them (see [`Validator`]). **MUST**: the rules beyond the schemas. **SHOULD**: what
//! the standard advises, as warnings. A [`Profile`] adds the demands of a community.
//!
//! ```
//! use stix_model::json::{Document, Limits};
//! use stix_model::validate::{Profile, Validator};
//! let text = br#"{"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": 7}"#;
//! let document = Document::read(text, Limits::default())?;
//! let findings = Validator::new(Profile::Stix).object(document.root());
//! assert_eq!(findings[0].to_string(), "error property-type at /value: must be a string, not a number (S-018)");
//! # Ok::<(), stix_model::json::JsonError>(())
//! ```

//!
//! # Costs
//! Reading and checking take time and memory in proportion to the bytes of the text, whatever is in it: names, elements,
//! selectors, versions and references are found by search, not by passing all others; findings, their messages and their
//! pointers have bounds; the official schemas see 64 KiB of an object at most. A test grows every list, map and text of
//! every type and compares the cost. What a caller bounds is therefore the bytes of the text.

mod between;
mod bundle;
pub(crate) mod checks;
mod codes;
mod custom;
mod defang;
mod demands;
mod extension;
mod format;
mod iana;
mod kind;
mod members;
mod object;
#[cfg(feature = "schemas")]
mod official;
mod pattern;
mod profile;
mod relationship;
mod shape;
mod subject;
mod translation;
mod versions;

use crate::Object;
pub use crate::finding::{Code, Finding, Rule, Severity, UnknownWord};
use crate::json::{Kind, Path, Value};
use demands::Role;
pub use profile::{Profile, UnknownProfile};
use subject::Sink;
pub use versions::Versions;

/// Checks objects and bundles against STIX 2.1 and a [`Profile`].
#[derive(Clone, Copy, Debug)]
pub struct Validator {
    profile: Profile,
    most_findings: usize,
    #[cfg(feature = "schemas")]
    schemas: Schemas,
}

/// When the official JSON schemas are asked.
#[cfg(feature = "schemas")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schemas {
    /// When the property tables refuse an object, for what the schemas add. The tables are at least as strict, so
    /// what passes them passes the schemas.
    #[default]
    InDoubt,
    /// For each object of the standard's types, at a tenth of the speed.
    Always,
}

impl Validator {
    /// A validator for a profile that reports at most 1,000 findings per call.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            most_findings: 1_000,
            #[cfg(feature = "schemas")]
            schemas: Schemas::default(),
        }
    }

    /// Reports at most so many findings per call, errors before warnings; one more says that there were more, with the
    /// severity of the worst of them.
    #[must_use]
    pub fn most_findings(mut self, most: usize) -> Self {
        self.most_findings = most.max(1);
        self
    }

    /// Chooses when the official JSON schemas are asked.
    #[cfg(feature = "schemas")]
    #[must_use]
    pub fn schemas(mut self, schemas: Schemas) -> Self {
        self.schemas = schemas;
        self
    }

    /// Checks an object that was read.
    ///
    /// ```
    /// use stix_model::{Object, validate::{Profile, Validator}};
    /// let tool = Object::parse(r#"{"type": "tool", "spec_version": "2.1", "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}"#)?;
    /// let findings = Validator::new(Profile::Stix).check(&tool);
    /// assert!(findings.iter().any(|finding| finding.to_string().contains("`name`")));
    /// # Ok::<(), stix_model::ObjectError>(())
    /// ```
    pub fn check(&self, object: &Object) -> Vec<Finding> {
        self.object(object.document().root())
    }

    /// Checks one object by itself, as a view of a text.
    pub fn object(&self, value: Value<'_>) -> Vec<Finding> {
        self.check_one(value, None)
    }

    /// Checks one object that stands at an index of a list; its findings carry that index.
    ///
    /// ```
    /// use stix_model::json::{Document, Limits};
    /// use stix_model::validate::{Profile, Validator};
    /// let text = br#"{"objects": [{"type": "url", "value": "u:x"}]}"#;
    /// let document = Document::read(text, Limits::default())?;
    /// let objects = document.root().get("objects").unwrap();
    /// let validator = Validator::new(Profile::Stix);
    /// let findings = objects.elements().enumerate().flat_map(|(index, object)| validator.object_at(object, index));
    /// assert_eq!(findings.map(|finding| finding.index).collect::<Vec<_>>(), [Some(0)]);
    /// # Ok::<(), stix_model::json::JsonError>(())
    /// ```
    pub fn object_at(&self, value: Value<'_>, index: usize) -> Vec<Finding> {
        self.check_one(value, Some(index))
    }

    fn check_one(&self, value: Value<'_>, index: Option<usize>) -> Vec<Finding> {
        let mut sink = Sink::new(self.profile, self.most_findings, index);
        self.check_object(value, Role::Own, &Path::root(index), &mut sink);
        sink.into_findings()
    }

    fn check_object(&self, value: Value<'_>, role: Role, path: &Path<'_>, sink: &mut Sink) {
        #[cfg(feature = "schemas")]
        let before = sink.errors();
        object::check(value, path, sink);
        #[cfg(feature = "schemas")]
        if sink.errors() > before || self.schemas == Schemas::Always {
            official::check(value, path, before, sink);
        }
        demands::check_object(self.profile, value, role, path, sink);
    }

    /// Checks a bundle, an envelope or a list with all that is in it, or one object: whatever stands there. Findings about
    /// an object of several carry its index, those about the bundle itself none.
    pub fn document(&self, value: Value<'_>) -> Vec<Finding> {
        let mut sink = Sink::new(self.profile, self.most_findings, None);
        let object_type = value.get("type");
        match value.get("objects").filter(|objects| objects.kind() == Kind::Array) {
            _ if object_type.and_then(Value::as_str).is_some_and(|name| name == "bundle") => {
                bundle::check(self, value, &mut sink);
            }
            _ if value.kind() == Kind::Array => bundle::check_objects(self, value, &mut sink),
            // An envelope has neither (TAXII 2.1, section 3.7).
            Some(objects) if object_type.or(value.get("id")).is_none() => {
                bundle::check_objects(self, objects, &mut sink);
            }
            _ => return self.object(value),
        }
        sink.into_findings()
    }
}
