//! TODO-DOC (STIX 2.1, section 4.17).

use crate::Timestamp;
use crate::data_type::Text;
use crate::schema::Rule;
use crate::vocab::{
    AttackMotivation, AttackResourceLevel, ThreatActorRole, ThreatActorSophistication, ThreatActorType,
};

stix_type! {
    /// TODO-DOC threat-actor
    sdo ThreatActor "threat-actor" "4.17"
    required {
        /// TODO-DOC string
        name: Text<'a>;
    }
    optional {
        /// TODO-DOC string
        description: Text<'a>;
        /// TODO-DOC timestamp
        first_seen: Timestamp;
        /// TODO-DOC timestamp
        last_seen: Timestamp;
        /// TODO-DOC open-vocab
        sophistication: ThreatActorSophistication;
        /// TODO-DOC open-vocab
        resource_level: AttackResourceLevel;
        /// TODO-DOC open-vocab
        primary_motivation: AttackMotivation;
    }
    lists {
        /// TODO-DOC open-vocab
        threat_actor_types: ThreatActorType;
        /// TODO-DOC string
        aliases: Text<'a>;
        /// TODO-DOC open-vocab
        roles: ThreatActorRole;
        /// TODO-DOC string
        goals: Text<'a>;
        /// TODO-DOC open-vocab
        secondary_motivations: AttackMotivation;
        /// TODO-DOC open-vocab
        personal_motivations: AttackMotivation;
    }
    rules [
        Rule::Order("first_seen", "last_seen", "S-200"),
    ]
}
