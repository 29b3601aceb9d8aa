//! What all object types of the model have in common.

use crate::ObjectError;
use crate::json::Value;
use crate::schema::table::Schema;

/// An object type of the model, such as [`Indicator`](crate::sdo::Indicator).
pub trait StixType<'a>: Sized {
    /// The table of its properties.
    const SCHEMA: &'static Schema;

    /// Reads an object of this type.
    ///
    /// # Errors
    /// When a required property is missing or a value has another type or form.
    fn read(value: Value<'a>) -> Result<Self, ObjectError>;

    /// Writes the object as JSON, whether or not it keeps all rules.
    fn to_json(&self) -> String;
}
