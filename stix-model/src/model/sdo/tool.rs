//! Tool: legitimate software that attackers use (STIX 2.1, section 4.18).

use crate::model::common::KillChainPhase;
use crate::model::data_type::Text;
use crate::model::vocab::ToolType;

stix_type! {
    /// Legitimate software that attackers can use, such as a remote desktop or a network scanner. It is not
    /// for [`Malware`](super::Malware), and not for what defenders use against an attack.
    ///
    /// ```
    /// use stix_model::{KillChainPhase, ToObject, sdo::Tool, vocab::ToolType};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let phase = KillChainPhase::new("lockheed-martin-cyber-kill-chain", "actions-on-objectives");
    /// let tool = Tool::new(mint.stamp(), "VNC").tool_types([ToolType::RemoteAccess]);
    /// let tool = tool.kill_chain_phases([phase]);
    /// assert_eq!(tool.kill_chain_phases[0].phase_name, "actions-on-objectives");
    /// tool.to_object()?;
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sdo Tool "tool" "4.18" "_z4voa9ndw8v"
    required {
        /// The name of the software.
        name: Text<'a>;
    }
    optional {
        /// What it does, and how attackers use it.
        description: Text<'a>;
        /// The version of the software.
        tool_version: Text<'a>;
    }
    lists {
        /// What kinds of tool it is.
        tool_types: ToolType;
        /// Other names of the tool.
        aliases: Text<'a>;
        /// The phases of an attack in which it is used.
        kill_chain_phases: KillChainPhase<'a>;
    }
}
