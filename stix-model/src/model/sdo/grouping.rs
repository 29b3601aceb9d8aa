//! Grouping: objects with a common context (STIX 2.1, section 4.4).

use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::model::vocab::GroupingContext;

stix_type! {
    /// Objects that belong together for a stated reason, without the finish of a [`Report`](super::Report),
    /// for instance while an investigation is going on.
    ///
    /// ```
    /// use stix_model::{Ref, StixId, StixType, ToObject, sdo::Grouping, vocab::GroupingContext};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let indicator: StixId = "indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2".parse()?;
    /// let context = GroupingContext::SuspiciousActivity;
    /// let grouping = Grouping::new(mint.stamp(), context, [Ref::try_from(indicator)?]).name("Case 17");
    /// assert!(grouping.to_json().contains(r#""context":"suspicious-activity""#));
    /// grouping.to_object()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sdo Grouping "grouping" "4.4" "_t56pn7elv6u7"
    required {
        /// What the objects have in common.
        context: GroupingContext;
        /// The objects of any type that belong together; at least one.
        object_refs: Vec<Ref<to::AnyObject>>;
    }
    optional {
        /// A short name of the group.
        name: Text<'a>;
        /// Why the objects are shared together, and what is still open.
        description: Text<'a>;
    }
    lists {}
}
