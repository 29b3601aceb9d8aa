//! The STIX patterning language (STIX 2.1, section 9): parse, print, check, match, at level 3 of its conformance
//! (section 12.7), which is all of it. [`PatternSet`] matches many patterns at once.
//!
//! ```
//! use stix_model::json::{Document, Limits};
//! use stix_model::pattern::{MatchLimits, Observations, Pattern, PatternLevel, PatternRule};
//!
//! // Parse: a tree of public types, or an error that says where and what would be right.
//! let pattern = Pattern::parse("[file:name LIKE '%.exe' AND file:size>=1024] FOLLOWEDBY
//!     [ipv4-addr:value ISSUBSET '198.51.100.0/24'] REPEATS 2 TIMES WITHIN 0300.50 SECONDS")?;
//! let error = Pattern::parse("[file:name like 'x']").unwrap_err();
//! assert_eq!((error.column(), error.hint()), (12, Some("keywords are in capitals (LIKE)")));
//!
//! // Print: the canonical spelling, which parses to the same tree.
//! assert_eq!(
//!     pattern.to_string(),
//!     "[file:name LIKE '%.exe' AND file:size >= 1024] FOLLOWEDBY \
//!      [ipv4-addr:value ISSUBSET '198.51.100.0/24'] REPEATS 2 TIMES WITHIN 300.5 SECONDS"
//! );
//!
//! // Check: rules that the grammar cannot express.
//! assert!(pattern.check().is_empty());
//! let issue = &Pattern::parse("[file:size IN (1, 'x')]")?.check()[0];
//! assert_eq!((issue.level(), issue.rule()), (PatternLevel::Must, PatternRule::MixedSet));
//!
//! // Match: compile once, then ask as often as needed.
//! let compiled = pattern.compile(MatchLimits::default())?;
//! let bundle = br#"{"type": "bundle", "objects": [
//!     {"type": "file", "id": "file--1", "name": "evil.exe", "size": 4096},
//!     {"type": "ipv4-addr", "id": "ipv4-addr--1", "value": "198.51.100.7"},
//!     {"type": "observed-data", "id": "observed-data--1", "number_observed": 1, "object_refs": ["file--1"],
//!      "first_observed": "2024-01-01T00:00:00Z", "last_observed": "2024-01-01T00:00:00Z"},
//!     {"type": "observed-data", "id": "observed-data--2", "number_observed": 5, "object_refs": ["ipv4-addr--1"],
//!      "first_observed": "2024-01-01T00:01:00Z", "last_observed": "2024-01-01T00:04:00Z"}]}"#;
//! let document = Document::read(bundle, Limits::default())?;
//! let observations = Observations::from_bundles([document.root()]);
//! let found = compiled.matches(&observations)?.expect("a file, then an address twice");
//! assert_eq!(found.ids().collect::<Vec<_>>(), ["observed-data--1", "observed-data--2"]);
//! assert_eq!(found.parts()[1].times, 2);
//!
//! // Or one object at a time, as from a stream.
//! let watch = Pattern::parse("[file:name MATCHES '\\\\.exe$']")?.compile(MatchLimits::default())?;
//! let file = document.root().get("objects").and_then(|objects| objects.elements().next()).unwrap();
//! assert!(watch.matches_object(file)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Readings of the standard
//! Where the text leaves room, matching follows the reference matcher of OASIS: the time of an observation is the span
//! from `first_observed` to `last_observed`, and a condition on times holds when instants in the spans can be chosen
//! so that it does, one condition at a time. A path that leads nowhere, or to data that cannot be decoded, makes its
//! comparison false, whatever the operator, with or without NOT.
//!
//! # Hostile input
//! Every walk is bounded: the parser by [`PatternLimits`], regular expressions by being automata of limited size, and
//! the search for observations by a number of steps. The search is exact; when the steps run out, the answer is
//! [`BudgetExceeded`] and never a guess. Regular expressions that no automaton can do exactly (look-around,
//! backreferences, atomic groups and some rarer things) are refused when the pattern is compiled.

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
#[cfg(feature = "validate")]
pub(crate) use check::shortened;
pub use check::{PatternIssue, PatternLevel, PatternRule};
pub use compile::CompiledPattern;
pub use error::{CompileError, PatternError, PatternErrorKind};
pub use matcher::{Match, MatchedObservation};
pub use observations::{Observation, Observations, Seen};
pub use set::{
    Hit, HitPart, PatternSet, PatternSetBuilder, PatternSetError, PatternSetLimits, PatternSetStats,
    SetMatcher,
};
use std::fmt;

/// What the parser accepts at most.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PatternLimits {
    /// Bytes of the text. Default: 1 MiB.
    pub bytes: usize,
    /// Levels of parentheses, and steps of one object path. Every later walk over the tree recurses so deep.
    /// Default: 64.
    pub depth: usize,
    /// Comparisons; each member of a set counts as one. Default: 65,536.
    pub comparisons: usize,
}

setters!(PatternLimits { bytes: usize, depth: usize, comparisons: usize });

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
    /// Where comparisons and qualifiers begin in the text, in the order of the text.
    offsets: Vec<u32>,
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
        parser::parse(text, limits).map_err(|fault| PatternError::new(*fault, text))
    }

    /// The whole tree.
    pub fn expression(&self) -> &ObservationExpression {
        &self.expression
    }

    /// Where the pattern breaks rules that the grammar cannot express; empty for a good pattern.
    pub fn check(&self) -> Vec<PatternIssue> {
        let mut issues = self.spellings.clone();
        check::observation(&self.expression, &mut self.offsets.iter(), &mut issues);
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
