//! TODO-DOC (STIX 2.1, section 4.7).

use crate::Timestamp;
use crate::common::KillChainPhase;
use crate::data_type::Text;
use crate::schema::Rule;
use crate::validate::checks;
use crate::vocab::{IndicatorType, PatternType};

stix_type! {
    /// TODO-DOC indicator
    sdo Indicator "indicator" "4.7"
    required {
        /// TODO-DOC string
        pattern: Text<'a>;
        /// TODO-DOC open-vocab
        pattern_type: PatternType;
        /// TODO-DOC timestamp
        valid_from: Timestamp;
    }
    optional {
        /// TODO-DOC string
        name: Text<'a>;
        /// TODO-DOC string
        description: Text<'a>;
        /// TODO-DOC string
        pattern_version: Text<'a>;
        /// TODO-DOC timestamp
        valid_until: Timestamp;
    }
    lists {
        /// TODO-DOC open-vocab
        indicator_types: IndicatorType;
        /// TODO-DOC kill-chain-phase
        kill_chain_phases: KillChainPhase<'a>;
    }
    rules [
        Rule::StrictOrder("valid_from", "valid_until", "S-201"),
        Rule::Check(checks::indicator),
    ]
}
