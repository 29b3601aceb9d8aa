//! Extension definition: what an extension adds to STIX (STIX 2.1, section 7.3).

use crate::model::data_type::Text;
use crate::model::vocab::ExtensionType;
use crate::schema::check::Check;
use crate::schema::table::Constraint;

stix_type! {
    /// What an extension adds to STIX: new types of objects, or new properties of existing types. Must have a
    /// `created_by_ref`; should have a `description`.
    ///
    /// ```
    /// use stix_model::{Ref, StixId, ToObject, meta::ExtensionDefinition, vocab::ExtensionType};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let (schema, kinds) = ("https://schemas.example/score.json", [ExtensionType::PropertyExtension]);
    /// let score = ExtensionDefinition::new(mint.stamp(), "Score", schema, "1.0.0", kinds);
    /// assert!(score.to_object().unwrap_err().to_string().contains("created_by_ref"));
    /// let owner: StixId = "identity--b67d30ff-02ac-498a-92f9-32f845f448ff".parse()?;
    /// score.created_by_ref(Ref::try_from(owner)?).to_object()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    extension ExtensionDefinition "extension-definition" "7.3" "_32j232tfvtly"
    required {
        /// The name of the extension.
        name: Text<'a>;
        /// What it adds, in exact form: the URL of a schema, best a JSON schema, or the definition as text.
        schema: Text<'a>;
        /// The version of the extension, such as `1.0.0`.
        version: Text<'a>;
        /// In which ways it extends STIX; at least one.
        extension_types: Vec<ExtensionType>;
    }
    optional {
        /// What the extension is for, and how it is used.
        description: Text<'a>;
    }
    lists {
        /// The properties that it adds to the top level of objects. Only with `toplevel-property-extension`,
        /// and should be there then.
        extension_properties: Text<'a>;
    }
    constraints [
        Constraint::Check(Check::ExtensionDefinition),
    ]
}
