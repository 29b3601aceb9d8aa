//! TODO-DOC (STIX 2.1, section 4.1).

use crate::common::KillChainPhase;
use crate::data_type::Text;

stix_type! {
    /// TODO-DOC attack-pattern
    sdo AttackPattern "attack-pattern" "4.1"
    required {
        /// TODO-DOC string
        name: Text<'a>;
    }
    optional {
        /// TODO-DOC string
        description: Text<'a>;
    }
    lists {
        /// TODO-DOC string
        aliases: Text<'a>;
        /// TODO-DOC kill-chain-phase
        kill_chain_phases: KillChainPhase<'a>;
    }
}
