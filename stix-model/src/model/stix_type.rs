//! What all object types of the model have in common.

use crate::json::Value;
use crate::schema::table::Schema;
use crate::{ObjectError, StixId};

/// An object type of the model, such as [`Indicator`](crate::sdo::Indicator).
pub trait StixType<'a>: Sized {
    /// The table of its properties.
    const SCHEMA: &'static Schema;

    /// Reads an object of this type.
    ///
    /// # Errors
    /// When a required property is missing or a value has another type or form.
    fn read(value: Value<'a>) -> Result<Self, ObjectError>;

    /// Reads an object of this type and copies its text, so that the value outlives the document.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_owned(value: Value<'_>) -> Result<Self, ObjectError>;

    /// The identifier; `None` for an observable whose identifier is yet to follow from its content (section 2.9).
    fn id(&self) -> Option<&StixId>;

    /// Writes the object as JSON, whether or not it keeps all rules.
    fn to_json(&self) -> String;
}
