//! Marking definition: a rule for handling what is marked with it (STIX 2.1, section 7.2.1).

use crate::model::data_type::{Json, Text};
use crate::schema::check::Check;
use crate::schema::table::Constraint;

stix_type! {
    /// A rule for handling what is marked with it, such as a level of the Traffic Light Protocol
    /// ([`Tlp`](crate::Tlp)) or a statement of rights. It has no versions.
    ///
    /// New kinds of marking come as extensions; without one, `definition_type` and `definition` must be
    /// there.
    ///
    /// ```
    /// use stix_model::{Json, ToObject, meta::MarkingDefinition};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let marking = MarkingDefinition::new(mint.stamp()).definition_type("statement");
    /// assert!(marking.to_object().is_err(), "the statement is missing");
    /// let statement = Json::parse(r#"{"statement": "(c) 2023 Example"}"#)?;
    /// let object = marking.definition(statement).to_object()?;
    /// assert!(object.header().modified.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    marking MarkingDefinition "marking-definition" "7.2.1" "_k5fndj2c7c1k"
    required {}
    optional {
        /// A name of the marking.
        name: Text<'a>;
        /// Deprecated: the kind of marking, `statement` or `tlp`. Required unless there is an extension.
        definition_type: Text<'a>;
        /// Deprecated: the marking, in the form of its kind, such as `{"statement": "…"}`. Required unless
        /// there is an extension. No `tlp` but the four fixed objects may be made.
        definition: Json<'a>;
    }
    lists {}
    constraints [
        Constraint::Check(Check::MarkingDefinition),
    ]
}
