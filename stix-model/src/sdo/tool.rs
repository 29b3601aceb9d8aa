//! TODO-DOC (STIX 2.1, section 4.18).

use crate::common::KillChainPhase;
use crate::data_type::Text;
use crate::vocab::ToolType;

stix_type! {
    /// TODO-DOC tool
    sdo Tool "tool" "4.18"
    required {
        /// TODO-DOC string
        name: Text<'a>;
    }
    optional {
        /// TODO-DOC string
        description: Text<'a>;
        /// TODO-DOC string
        tool_version: Text<'a>;
    }
    lists {
        /// TODO-DOC open-vocab
        tool_types: ToolType;
        /// TODO-DOC string
        aliases: Text<'a>;
        /// TODO-DOC kill-chain-phase
        kill_chain_phases: KillChainPhase<'a>;
    }
}
