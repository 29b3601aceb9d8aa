//! Indicator: a pattern by which an attack can be found (STIX 2.1, section 4.7).

use crate::Timestamp;
use crate::model::common::KillChainPhase;
use crate::model::data_type::Text;
use crate::model::vocab::{IndicatorType, PatternType};
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A pattern by which suspicious or malicious activity can be found, and the time for which it is worth
    /// looking for.
    ///
    /// An indicator should have a `name` and a `description`.
    ///
    /// ```
    /// use stix_model::{ToObject, sdo::Indicator, vocab::{IndicatorType, PatternType}};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let stamp = mint.stamp();
    /// let now = stamp.created.clone();
    /// let pattern = "[domain-name:value = 'c2.example']";
    /// let indicator = Indicator::new(stamp, pattern, PatternType::Stix, now.clone())
    ///     .indicator_types([IndicatorType::MaliciousActivity]);
    /// assert!(indicator.to_object().is_ok());
    /// assert!(indicator.valid_until(now).to_object().is_err(), "no time is left");
    /// ```
    sdo Indicator "indicator" "4.7" "_muftrcpnf89v"
    required {
        /// The pattern, in the language that `pattern_type` names.
        pattern: Text<'a>;
        /// The language of the pattern.
        pattern_type: PatternType;
        /// From when on the pattern is worth looking for.
        valid_from: Timestamp;
    }
    optional {
        /// A short name for people, of what the pattern finds.
        name: Text<'a>;
        /// What is found by the pattern, and what to make of a match.
        description: Text<'a>;
        /// The version of the pattern language. For STIX patterns the edition of the indicator counts when it
        /// is absent; for languages without versions it is that of the implementation.
        pattern_version: Text<'a>;
        /// When the pattern stops being worth looking for; no limit when absent. Later than `valid_from`.
        valid_until: Timestamp;
    }
    lists {
        /// What a match means: an attack, an anomaly, something harmless.
        indicator_types: IndicatorType;
        /// The phases of an attack that the pattern finds.
        kill_chain_phases: KillChainPhase<'a>;
    }
    constraints [
        Constraint::StrictOrder("valid_from", "valid_until", Rule::S201),
        Constraint::Check(Check::Indicator),
    ]
}
