//! Intrusion set: attacks that are ascribed to one group (STIX 2.1, section 4.9).

use crate::Timestamp;
use crate::model::data_type::Text;
use crate::model::vocab::{AttackMotivation, AttackResourceLevel};
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// Attacks and resources with common traits, believed to be the work of one group. Who that is may stay
    /// open: a [`ThreatActor`](super::ThreatActor) says who, an intrusion set says what is seen of them.
    ///
    /// ```
    /// use stix_model::{ToObject, sdo::IntrusionSet, vocab::{AttackMotivation, AttackResourceLevel}};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let locusts = IntrusionSet::new(mint.stamp(), "Bobcat Breakin")
    ///     .aliases(["Zookeeper"])
    ///     .resource_level(AttackResourceLevel::Organization)
    ///     .primary_motivation("organizational-gain")
    ///     .secondary_motivations([AttackMotivation::Dominance]);
    /// assert_eq!(locusts.primary_motivation, Some(AttackMotivation::OrganizationalGain));
    /// locusts.to_object()?;
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sdo IntrusionSet "intrusion-set" "4.9" "_5ol9xlbbnrdn"
    required {
        /// The name by which it is known.
        name: Text<'a>;
    }
    optional {
        /// What is typical of it, and why the attacks are ascribed to one group.
        description: Text<'a>;
        /// When it was first seen.
        first_seen: Timestamp;
        /// When it was last seen. Not before `first_seen`.
        last_seen: Timestamp;
        /// With what means the group works.
        resource_level: AttackResourceLevel;
        /// The main reason behind the attacks.
        primary_motivation: AttackMotivation;
    }
    lists {
        /// Other names of the intrusion set.
        aliases: Text<'a>;
        /// What the group wants to reach by its attacks, in words.
        goals: Text<'a>;
        /// Further reasons behind the attacks, in no order.
        secondary_motivations: AttackMotivation;
    }
    constraints [
        Constraint::Order("first_seen", "last_seen", Rule::S200),
    ]
}
