//! Observed data: raw facts that were seen (STIX 2.1, section 4.14).

use crate::Timestamp;
use crate::model::data_type::ObservableContainer;
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// What was seen on systems and networks, as raw facts without a judgement: cyber-observable objects and
    /// how often they were seen. A [`Sighting`](crate::sro::Sighting) says what they are a sign of.
    ///
    /// Unrelated things do not share one object. Either `object_refs` or the deprecated `objects` must be
    /// there, and not both.
    ///
    /// ```
    /// use stix_model::{Ref, StixId, ToObject, Timestamp, sdo::ObservedData};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let seen: Timestamp = "2023-11-14T09:00:00Z".parse()?;
    /// let address: StixId = "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd".parse()?;
    /// let data = ObservedData::new(mint.stamp(), seen.clone(), seen, 3);
    /// assert!(data.to_object().is_err(), "nothing was observed");
    /// data.object_refs([Ref::try_from(address)?]).to_object()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sdo ObservedData "observed-data" "4.14" "_p49j1fwoxldc"
    required {
        /// The beginning of the time in which it was seen.
        first_observed: Timestamp;
        /// The end of that time; the same as `first_observed` for one instant. Not before it.
        last_observed: Timestamp;
        /// How often the whole was seen in that time, 1 to 999,999,999.
        number_observed: i64 = 1..=999_999_999;
    }
    optional {
        /// Deprecated: the observables inside this object, under names that count in here only. Use
        /// `object_refs`.
        objects: ObservableContainer<'a>;
    }
    lists {
        /// What was seen: observables, of which there is at least one, and relationships between them.
        object_refs: Ref<to::ObservableOrRelationship>;
    }
    constraints [
        Constraint::Order("first_observed", "last_observed", Rule::S205),
        Constraint::ExactlyOne(&["objects", "object_refs"], Rule::S205),
        Constraint::Check(Check::ObservedData),
    ]
}
