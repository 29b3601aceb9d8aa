//! Note: a remark on other objects (STIX 2.1, section 4.13).

use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};

stix_type! {
    /// A remark on other objects: context, an analysis, a correction. Anyone may write one on anyone's
    /// objects.
    ///
    /// ```
    /// use stix_model::{Ref, StixId, StixType, ToObject, sdo::Note};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let campaign: StixId = "campaign--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse()?;
    /// let note = Note::new(mint.stamp(), "The second wave used other lures.", [Ref::try_from(campaign)?])
    ///     .abstract_text("On the second wave")
    ///     .authors(["Jo Doe"]);
    /// assert!(note.to_json().contains(r#""abstract":"On the second wave""#));
    /// note.to_object()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sdo Note "note" "4.13" "_gudodcg1sbb9"
    required {
        /// The text of the note.
        content: Text<'a>;
        /// The objects that it is about; at least one.
        object_refs: Vec<Ref<to::AnyObject>>;
    }
    optional {
        /// `abstract` in JSON: the note in a few words.
        abstract_text "abstract": Text<'a>;
    }
    lists {
        /// Who wrote the note, by name.
        authors: Text<'a>;
    }
}
