//! Sighting: somebody has seen something (STIX 2.1, section 5.2).

use crate::Timestamp;
use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// Somebody has seen something: an indicator matched, malware was found, an actor was at work. What
    /// exactly was on the wire or on the disk is said by [`ObservedData`](crate::sdo::ObservedData).
    ///
    /// ```
    /// use stix_model::{Ref, StixId, ToObject, sro::Sighting};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let indicator: StixId = "indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2".parse()?;
    /// let bank: StixId = "identity--b67d30ff-02ac-498a-92f9-32f845f448ff".parse()?;
    /// let sighting = Sighting::new(mint.stamp(), Ref::try_from(indicator)?)
    ///     .where_sighted_refs([Ref::try_from(bank)?]);
    /// assert!(sighting.clone().count(50).to_object().is_ok());
    /// assert!(sighting.count(-1).to_object().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sro Sighting "sighting" "5.2" "_a795guqsap3r"
    required {
        /// What was seen: a domain object, such as an indicator.
        sighting_of_ref: Ref<to::DomainObject>;
    }
    optional {
        /// More about the sighting.
        description: Text<'a>;
        /// The beginning of the time in which it was seen.
        first_seen: Timestamp;
        /// The end of that time. Not before `first_seen`.
        last_seen: Timestamp;
        /// How often it was seen, 0 to 999,999,999; 0 means that somebody looked and did not see it, absent
        /// that the number is not known.
        count: i64 = 0..=999_999_999;
        /// Whether this sums up several sightings instead of reporting a single one; false when absent.
        summary: bool;
    }
    lists {
        /// The raw facts that were seen.
        observed_data_refs: Ref<to::ObservedData>;
        /// Who saw it, or where.
        where_sighted_refs: Ref<to::IdentityOrLocation>;
    }
    constraints [
        Constraint::Order("first_seen", "last_seen", Rule::S165),
    ]
}
