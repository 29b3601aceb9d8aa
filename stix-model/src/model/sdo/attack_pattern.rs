//! Attack pattern: a way in which adversaries attack (STIX 2.1, section 4.1).

use crate::model::common::KillChainPhase;
use crate::model::data_type::Text;

stix_type! {
    /// A way in which adversaries try to compromise their targets, such as spear phishing.
    ///
    /// An entry of a catalogue is named in `external_references`; one of CAPEC has the exact form
    /// `CAPEC-163`.
    ///
    /// ```
    /// use stix_model::{ExternalReference, ToObject, sdo::AttackPattern};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let phishing = AttackPattern::new(mint.stamp(), "Spear Phishing").aliases(["Targeted phishing"]);
    /// let capec = ExternalReference::new("capec").external_id("CAPEC-163");
    /// phishing.clone().external_references([capec]).to_object()?;
    ///
    /// let inexact = ExternalReference::new("capec").external_id("163");
    /// assert!(phishing.external_references([inexact]).to_object().is_err());
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sdo AttackPattern "attack-pattern" "4.1" "_axjijf603msy"
    required {
        /// The name of the technique.
        name: Text<'a>;
    }
    optional {
        /// How it works, what it aims at, and what is typical of it.
        description: Text<'a>;
    }
    lists {
        /// Other names of the same technique.
        aliases: Text<'a>;
        /// The phases of an attack in which it is used.
        kill_chain_phases: KillChainPhase<'a>;
    }
}
