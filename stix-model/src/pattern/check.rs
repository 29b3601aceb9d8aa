//! Rules that the grammar cannot express, and spellings that are accepted but should not be written.

use std::fmt;

/// How binding a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PatternLevel {
    /// Advice; the pattern means something all the same.
    Should,
    /// The pattern is wrong.
    Must,
}

/// A place at which a pattern breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternIssue {
    rule: PatternRule,
    place: Box<str>,
}

impl PatternIssue {
    pub(super) fn new(rule: PatternRule, place: impl Into<Box<str>>) -> Self {
        Self { rule, place: place.into() }
    }

    /// The rule.
    pub fn rule(&self) -> PatternRule {
        self.rule
    }

    /// How binding the rule is.
    pub fn level(&self) -> PatternLevel {
        self.rule.level()
    }

    /// The part of the pattern that breaks it.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Display for PatternIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.rule)
    }
}

/// A rule of the language beyond its grammar. The text says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum PatternRule {
    /// STIX 2.1, section 9.1, integer and float.
    #[error("a number is written without a plus sign")]
    PlusSign,
    /// Of the reference grammar only.
    #[error("equality is written = and !=")]
    OperatorAlias,
    /// Of the reference grammar only.
    #[error("the standard knows no comments")]
    Comment,
    /// STIX 2.1, section 9.1, hex.
    #[error("hexadecimal digits are written in small letters")]
    UpperCaseHex,
    /// STIX 2.1, section 9.1, float.
    #[error("a number has digits before its dot")]
    LeadingDot,
    /// Of the reference grammar only.
    #[error("a set without members is never matched")]
    EmptySet,
}

impl PatternRule {
    /// How binding it is.
    pub fn level(self) -> PatternLevel {
        match self {
            Self::PlusSign => PatternLevel::Must,
            _ => PatternLevel::Should,
        }
    }
}
