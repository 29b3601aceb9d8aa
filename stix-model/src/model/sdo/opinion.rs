//! Opinion: whether somebody agrees with other objects (STIX 2.1, section 4.15).

use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::model::vocab::OpinionLevel;

stix_type! {
    /// How far somebody agrees with what other objects say, on a scale of five steps.
    ///
    /// ```
    /// use stix_model::{Ref, StixId, ToObject, sdo::Opinion, vocab::OpinionLevel};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let attribution: StixId = "relationship--57b56a43-b8b0-4cba-9deb-34e3e1faed9e".parse()?;
    /// let opinion = Opinion::new(mint.stamp(), OpinionLevel::Disagree, [Ref::try_from(attribution)?])
    ///     .explanation("The tools were on sale for years; anybody could have used them.");
    /// assert!(opinion.opinion < OpinionLevel::Neutral);
    /// opinion.to_object()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sdo Opinion "opinion" "4.15" "_ht1vtzfbtzda"
    required {
        /// The degree of agreement; one of the five words.
        opinion: OpinionLevel;
        /// The objects that it is about; at least one.
        object_refs: Vec<Ref<to::AnyObject>>;
    }
    optional {
        /// Why the author thinks so.
        explanation: Text<'a>;
    }
    lists {
        /// Whose opinion it is, by name.
        authors: Text<'a>;
    }
}
