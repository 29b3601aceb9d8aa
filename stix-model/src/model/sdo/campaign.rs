//! Campaign: a series of attacks with one aim (STIX 2.1, section 4.2).

use crate::Timestamp;
use crate::model::data_type::Text;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A series of attacks over some time against the same targets, usually with one aim.
    ///
    /// ```
    /// use stix_model::{ToObject, Timestamp, sdo::Campaign};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let winter: Timestamp = "2023-01-09T00:00:00Z".parse()?;
    /// let spring: Timestamp = "2023-03-21T00:00:00Z".parse()?;
    /// let campaign = Campaign::new(mint.stamp(), "Cold Harvest").objective("Grid operators' remote access");
    ///
    /// assert!(campaign.clone().first_seen(spring.clone()).last_seen(winter.clone()).to_object().is_err());
    /// campaign.first_seen(winter).last_seen(spring).to_object()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sdo Campaign "campaign" "4.2" "_pcpvfz4ik6d6"
    required {
        /// The name by which the campaign is known.
        name: Text<'a>;
    }
    optional {
        /// What happened, to whom, and what is typical of it.
        description: Text<'a>;
        /// When it was first seen; may move back as older traces are found.
        first_seen: Timestamp;
        /// When it was last seen. Not before `first_seen`.
        last_seen: Timestamp;
        /// What the attackers want to reach by it.
        objective: Text<'a>;
    }
    lists {
        /// Other names of the campaign.
        aliases: Text<'a>;
    }
    constraints [
        Constraint::Order("first_seen", "last_seen", Rule::S200),
    ]
}
