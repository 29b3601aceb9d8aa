//! From a typed value to a validated object.

use crate::json::{Document, Limits};
use crate::model::stix_type::StixType;
use crate::validate::{Finding, Profile, Severity, Validator};
use crate::{Object, ObjectError, StixId};
use bytes::Bytes;

/// Turns a typed value into an [`Object`]; every [`StixType`] has it.
///
/// ```
/// use stix_model::{ToObject, sco::Url};
/// let url = Url::new("https://example.com/").to_object()?;
/// assert_eq!(url.header().id.object_type(), "url");
/// # Ok::<(), stix_model::BuildError>(())
/// ```
pub trait ToObject<'a>: StixType<'a> {
    /// Writes the object and validates it as plain STIX 2.1.
    ///
    /// # Errors
    /// When it breaks a MUST of the standard.
    fn to_object(&self) -> Result<Object, BuildError> {
        let text = Bytes::from(self.to_json());
        let document = Document::read(&text, Limits::default()).map_err(ObjectError::json)?;
        let object = Object::from_value(document.root(), &text)?;
        let mut findings = Validator::new(Profile::Stix).object(document.root());
        findings.retain(|finding| finding.severity == Severity::Error);
        if findings.is_empty() {
            Ok(object)
        } else {
            Err(BuildError::Invalid { id: object.id().clone(), findings })
        }
    }
}

impl<'a, T: StixType<'a>> ToObject<'a> for T {}

/// Why an object that was built is no STIX object.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// It has no usable header, such as a `process` without an identifier of its own.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// It breaks rules of the standard; the first is shown.
    #[error("{id}: {}", .findings[0])]
    Invalid {
        /// The identifier that it would have.
        id: StixId,
        /// What is wrong; at least one.
        findings: Vec<Finding>,
    },
}
