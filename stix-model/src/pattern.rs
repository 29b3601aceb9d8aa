//! The STIX patterning language (STIX 2.1, section 9): parse, print, check, match, at level 3 of its conformance
//! (section 12.7), which is all of it.
//!
//! ```
//! use stix_model::pattern::{ObservationExpression, Pattern};
//!
//! let pattern = Pattern::parse("[ipv4-addr:value=='198.51.100.1'  AND (ipv4-addr:x_seen>5)]WITHIN 5.0 SECONDS")?;
//! assert_eq!(
//!     pattern.to_string(),
//!     "[ipv4-addr:value = '198.51.100.1' AND ipv4-addr:x_seen > 5] WITHIN 5 SECONDS"
//! );
//! assert!(matches!(pattern.expression(), ObservationExpression::Qualified { .. }));
//! # Ok::<(), stix_model::pattern::PatternError>(())
//! ```

mod ast;
mod budget;
mod check;
mod compile;
mod error;
mod lexer;
mod like;
mod matcher;
mod network;
mod observations;
mod parser;
mod path;
mod pcre;
mod print;
mod set;
mod solve;
mod time;
mod value;

pub use ast::{
    Comparison, ComparisonExpression, Constant, ObjectPath, ObservationExpression, Operator, Qualifier,
    Seconds, Step, Test,
};
pub use budget::{BudgetExceeded, MatchLimits};
pub use check::{PatternIssue, PatternLevel, PatternRule};
pub use compile::{CompileError, CompiledPattern};
pub use error::{PatternError, PatternErrorKind};
pub use matcher::{Match, MatchedObservation};
pub use observations::{Observation, Observations, Seen};
pub use set::{
    Hit, HitPart, PatternSet, PatternSetBuilder, PatternSetError, PatternSetLimits, PatternSetStats,
    SetMatcher,
};
use std::fmt;

/// What the parser accepts at most.
#[derive(Clone, Copy, Debug)]
pub struct PatternLimits {
    /// Bytes of the text.
    pub bytes: usize,
    /// Levels of parentheses, and steps of one object path. Every later walk over the tree recurses so deep.
    pub depth: usize,
    /// Comparisons; each member of a set counts as one.
    pub comparisons: usize,
}

impl Default for PatternLimits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 64, comparisons: 1 << 16 }
    }
}

/// A pattern that the grammar accepts.
///
/// `Display` writes its canonical form, which parses to the same tree. Two patterns are equal when their trees are.
#[derive(Clone, Debug)]
pub struct Pattern {
    expression: ObservationExpression,
    spellings: Vec<PatternIssue>,
}

impl Pattern {
    /// Reads a pattern with the default limits.
    ///
    /// Accepts what the reference grammar of OASIS accepts, so also a few spellings that the standard does not
    /// have, such as `==`.
    ///
    /// # Errors
    /// When the text does not follow the grammar, holds an invalid constant or exceeds a limit.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Self::parse_within(text, PatternLimits::default())
    }

    /// Reads a pattern with other limits than the default ones.
    ///
    /// # Errors
    /// As [`Pattern::parse`].
    pub fn parse_within(text: &str, limits: PatternLimits) -> Result<Self, PatternError> {
        match parser::parse(text, limits) {
            Ok((expression, spellings)) => Ok(Self { expression, spellings }),
            Err(fault) => Err(PatternError::new(*fault, text)),
        }
    }

    /// The whole tree.
    pub fn expression(&self) -> &ObservationExpression {
        &self.expression
    }

    /// Where the pattern breaks rules that the grammar cannot express; empty for a good pattern.
    pub fn check(&self) -> Vec<PatternIssue> {
        let mut issues = self.spellings.clone();
        check::observation(&self.expression, &mut issues);
        issues
    }
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}
