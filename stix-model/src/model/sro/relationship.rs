//! Relationship: how one object relates to another (STIX 2.1, section 5.1).

use crate::Timestamp;
use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// An arrow from one object to another, with a word on it: this indicator *indicates* that malware.
    ///
    /// The words of the standard, and what they may join, are listed by
    /// [`specified_relationships`](crate::graph::specified_relationships); other words are allowed.
    ///
    /// ```
    /// use stix_model::{Ref, StixId, ToObject, sro::Relationship};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let actor: StixId = "threat-actor--56f3f0db-b5d5-431c-ae56-c18f02caf500".parse()?;
    /// let tool: StixId = "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse()?;
    /// let uses = Relationship::new(mint.stamp(), "uses", Ref::try_from(actor)?, Ref::try_from(tool)?);
    /// assert_eq!(uses.target_ref.id().object_type(), "tool");
    /// uses.start_time(mint.stamp().created).to_object()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sro Relationship "relationship" "5.1" "_e2e1szrqfoan"
    required {
        /// The word on the arrow, such as `uses`; characters a-z, 0-9 and hyphen only. Should be one that the
        /// source's type defines.
        relationship_type: Text<'a>;
        /// Where the arrow begins: a domain object or an observable.
        source_ref: Ref<to::DomainObjectOrObservable>;
        /// Where the arrow ends: a domain object or an observable.
        target_ref: Ref<to::DomainObjectOrObservable>;
    }
    optional {
        /// More about how the two are related.
        description: Text<'a>;
        /// The earliest time for which the relationship is believed to hold.
        start_time: Timestamp;
        /// The latest time for which it is believed to hold; no end is known when absent. Later than
        /// `start_time`.
        stop_time: Timestamp;
    }
    lists {}
    constraints [
        Constraint::StrictOrder("start_time", "stop_time", Rule::S162),
        Constraint::Check(Check::Relationship),
    ]
}
