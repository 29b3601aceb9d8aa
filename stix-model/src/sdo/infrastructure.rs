//! TODO-DOC (STIX 2.1, section 4.8).

use crate::Timestamp;
use crate::common::KillChainPhase;
use crate::data_type::Text;
use crate::schema::Rule;
use crate::vocab::InfrastructureType;

stix_type! {
    /// TODO-DOC infrastructure
    sdo Infrastructure "infrastructure" "4.8"
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
    }
    lists {
        /// TODO-DOC open-vocab
        infrastructure_types: InfrastructureType;
        /// TODO-DOC string
        aliases: Text<'a>;
        /// TODO-DOC kill-chain-phase
        kill_chain_phases: KillChainPhase<'a>;
    }
    rules [
        Rule::Order("first_seen", "last_seen", "S-200"),
    ]
}
