//! Threat actor: who is behind attacks (STIX 2.1, section 4.17).

use crate::Timestamp;
use crate::model::data_type::Text;
use crate::model::vocab::{
    AttackMotivation, AttackResourceLevel, ThreatActorRole, ThreatActorSophistication, ThreatActorType,
};
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A person, a group or an organisation that is believed to act with malicious intent. What is seen of
    /// them goes into an [`IntrusionSet`](super::IntrusionSet).
    ///
    /// ```
    /// use stix_model::{ToObject, sdo::ThreatActor, vocab::ThreatActorSophistication};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let actor = ThreatActor::new(mint.stamp(), "Evil Org")
    ///     .threat_actor_types(["crime-syndicate"])
    ///     .roles(["director", "malware-author"])
    ///     .sophistication(ThreatActorSophistication::Advanced)
    ///     .goals(["Credit card numbers"]);
    /// assert_eq!(actor.roles.len(), 2);
    /// actor.to_object()?;
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sdo ThreatActor "threat-actor" "4.17" "_k017w16zutw"
    required {
        /// The name by which the actor is known.
        name: Text<'a>;
    }
    optional {
        /// Who the actor is, what they want, and how they work.
        description: Text<'a>;
        /// When the actor was first seen.
        first_seen: Timestamp;
        /// When the actor was last seen. Not before `first_seen`.
        last_seen: Timestamp;
        /// How skilled the actor must be to do what was seen.
        sophistication: ThreatActorSophistication;
        /// With what means the actor works.
        resource_level: AttackResourceLevel;
        /// The main reason why the actor attacks.
        primary_motivation: AttackMotivation;
    }
    lists {
        /// What kinds of threat actor it is.
        threat_actor_types: ThreatActorType;
        /// Other names that the actor goes by, or is given.
        aliases: Text<'a>;
        /// What part the actor plays in attacks.
        roles: ThreatActorRole;
        /// What the actor wants to reach, in words.
        goals: Text<'a>;
        /// Further reasons why the actor attacks, in no order.
        secondary_motivations: AttackMotivation;
        /// The reasons of the person, whatever those of the organisation behind may be.
        personal_motivations: AttackMotivation;
    }
    constraints [
        Constraint::Order("first_seen", "last_seen", Rule::S200),
    ]
}
