//! Rules that the grammar cannot express, and spellings that are accepted but should not be written.

use super::ast::{
    Comparison, ComparisonExpression, Constant, ObjectPath, ObservationExpression, Operator, Qualifier, Step,
    Test,
};
use super::network::Network;
use super::pcre::{self, RegexFault};
use crate::json::MAX_SAFE_INTEGER;
use crate::model::vocab::HashAlgorithm;
use std::collections::BTreeSet;
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
    offset: Option<usize>,
    place: Box<str>,
}

impl PatternIssue {
    pub(super) fn new(rule: PatternRule, place: impl fmt::Display) -> Self {
        Self { rule, offset: None, place: shortened(place) }
    }

    pub(super) fn at(offset: usize, rule: PatternRule, place: impl fmt::Display) -> Self {
        Self { offset: Some(offset), ..Self::new(rule, place) }
    }

    /// The rule.
    pub fn rule(&self) -> PatternRule {
        self.rule
    }

    /// How binding the rule is.
    pub fn level(&self) -> PatternLevel {
        self.rule.level()
    }

    /// Where that part begins in the text of the pattern, in bytes; not known once the pattern is compiled.
    pub fn offset(&self) -> Option<usize> {
        self.offset
    }

    /// The part of the pattern that breaks it, shortened when it is long.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Display for PatternIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.rule)
    }
}

/// The beginning of a part of a pattern, fit for a message.
pub(crate) fn shortened(place: impl fmt::Display) -> Box<str> {
    const LONGEST: usize = 200;
    let mut text = place.to_string();
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    text.into()
}

/// A rule of the language beyond its grammar. The text says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum PatternRule {
    /// STIX 2.1, section 9.1, integer and float.
    #[error("a number is written without a plus sign")]
    PlusSign,
    /// STIX 2.1, section 2.10: integers survive as IEEE 754 doubles.
    #[error("an integer lies between -(2^53 - 1) and 2^53 - 1")]
    IntegerRange,
    /// STIX 2.1, section 9.6, IN.
    #[error("the members of a set are constants of one type")]
    MixedSet,
    /// STIX 2.1, section 9.6, MATCHES.
    #[error("{0}")]
    InvalidRegex(&'static str),
    /// STIX 2.1, section 9.3: AND joins tests of one object.
    #[error("no object can pass all tests joined by AND, because their paths start in different types")]
    DifferentTypes,
    /// STIX 2.1, section 9.4, WITHIN and REPEATS.
    #[error("the number is positive")]
    NotPositive,
    /// STIX 2.1, section 9.4: at most one qualifier of each kind.
    #[error("an observation has at most one qualifier of each kind")]
    DuplicateQualifier,
    /// The same behind parentheses, where the validator of OASIS lets it pass.
    #[error("a group of observations has at most one qualifier of each kind")]
    DuplicateGroupQualifier,
    /// STIX 2.1, section 9.4, START and STOP.
    #[error("nothing is observed at or after the start and before the stop unless the start is earlier")]
    EmptyInterval,
    /// STIX 2.1, section 9.6, ISSUBSET and ISSUPERSET.
    #[error("the constant is an IP address or a network such as 198.51.100.0/24")]
    NotANetwork,
    /// STIX 2.1, section 10.7: no hash is equal to it.
    #[error("the constant does not have the form of such a hash")]
    HashForm,
    /// Good PCRE that this library cannot run exactly and in linear time.
    #[error("{0}")]
    UnsupportedRegex(&'static str),
    /// PCRE takes such a letter for itself, PCRE2 refuses it.
    #[error(
        "a backslash before a letter that it gives no meaning is ignored; to match a backslash, write four in the pattern"
    )]
    NeedlessBackslash,
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
            Self::PlusSign
            | Self::IntegerRange
            | Self::MixedSet
            | Self::InvalidRegex(_)
            | Self::DifferentTypes
            | Self::NotPositive
            | Self::DuplicateQualifier => PatternLevel::Must,
            _ => PatternLevel::Should,
        }
    }
}

/// Where the comparisons and qualifiers begin that a walk has not come to.
type Offsets<'o> = std::slice::Iter<'o, u32>;

fn next(offsets: &mut Offsets<'_>) -> usize {
    offsets.next().map_or(0, |offset| *offset as usize)
}

/// Walks the whole tree.
pub(super) fn observation(
    expression: &ObservationExpression,
    offsets: &mut Offsets<'_>,
    issues: &mut Vec<PatternIssue>,
) {
    match expression {
        ObservationExpression::Comparison(inner) => {
            root_types(inner, &mut offsets.clone(), issues);
            comparisons(inner, offsets, issues);
        }
        ObservationExpression::And(members)
        | ObservationExpression::Or(members)
        | ObservationExpression::FollowedBy(members) => {
            members.iter().for_each(|member| observation(member, offsets, issues));
        }
        ObservationExpression::Qualified { expression, qualifiers } => {
            observation(expression, offsets, issues);
            // There are three kinds.
            let mut seen = Vec::new();
            for qualifier in qualifiers {
                let offset = next(offsets);
                let kind = std::mem::discriminant(qualifier);
                let is_repeated = seen.contains(&kind);
                if !is_repeated {
                    seen.push(kind);
                }
                let repeated = is_repeated.then_some(PatternRule::DuplicateQualifier);
                let rules = repeated.into_iter().chain(qualifier_rule(qualifier));
                issues.extend(rules.map(|rule| PatternIssue::at(offset, rule, qualifier)));
            }
        }
    }
}

pub(super) fn qualifier_rule(qualifier: &Qualifier) -> Option<PatternRule> {
    match qualifier {
        Qualifier::Within(seconds) if seconds.is_zero() => Some(PatternRule::NotPositive),
        Qualifier::Repeats(0) => Some(PatternRule::NotPositive),
        Qualifier::StartStop { start, stop } if start >= stop => Some(PatternRule::EmptyInterval),
        _ => None,
    }
}

/// The types whose objects can make an expression true; reports an AND that leaves none.
fn root_types<'e>(
    expression: &'e ComparisonExpression,
    offsets: &mut Offsets<'_>,
    issues: &mut Vec<PatternIssue>,
) -> BTreeSet<&'e str> {
    match expression {
        ComparisonExpression::Test(test) => {
            offsets.next();
            BTreeSet::from([&*test.path.object_type])
        }
        ComparisonExpression::Or(members) => {
            members.iter().flat_map(|member| root_types(member, offsets, issues)).collect()
        }
        ComparisonExpression::And(members) => {
            let offset = next(&mut offsets.clone());
            let mut sets =
                members.iter().map(|member| root_types(member, offsets, issues)).collect::<Vec<_>>();
            let mut common = sets.swap_remove(0);
            // A member without types has been reported already.
            let has_none = common.is_empty() || sets.iter().any(BTreeSet::is_empty);
            sets.iter().for_each(|set| common.retain(|name| set.contains(name)));
            if common.is_empty() && !has_none {
                issues.push(PatternIssue::at(offset, PatternRule::DifferentTypes, expression));
            }
            common
        }
    }
}

fn comparisons(expression: &ComparisonExpression, offsets: &mut Offsets<'_>, issues: &mut Vec<PatternIssue>) {
    match expression {
        ComparisonExpression::And(members) | ComparisonExpression::Or(members) => {
            members.iter().for_each(|member| comparisons(member, offsets, issues));
        }
        ComparisonExpression::Test(comparison) => {
            let offset = next(offsets);
            let rule = comparison_rule(comparison);
            issues.extend(rule.map(|rule| PatternIssue::at(offset, rule, comparison)));
        }
    }
}

/// The first rule that a test breaks.
pub(super) fn comparison_rule(comparison: &Comparison) -> Option<PatternRule> {
    match &comparison.test {
        Test::Compare(operator, constant) => {
            let constants = std::slice::from_ref(constant);
            let is_equality = matches!(operator, Operator::Equal | Operator::NotEqual);
            let hash = || if is_equality { wrong_hash(&comparison.path, constants) } else { None };
            out_of_range(constants).or_else(hash)
        }
        Test::In(constants) => {
            let mut kinds = constants.iter().map(kind);
            let first = kinds.next()?;
            if kinds.any(|kind| kind != first) {
                return Some(PatternRule::MixedSet);
            }
            out_of_range(constants).or_else(|| wrong_hash(&comparison.path, constants))
        }
        Test::Matches(regex) => match pcre::check(regex) {
            Err(RegexFault::Invalid(why)) => Some(PatternRule::InvalidRegex(why)),
            Err(RegexFault::Unsupported(why)) => Some(PatternRule::UnsupportedRegex(why)),
            Err(RegexFault::TooLarge) => Some(PatternRule::UnsupportedRegex("the expression is too large")),
            Ok(needless) => needless.map(|_| PatternRule::NeedlessBackslash),
        },
        Test::IsSubset(network) | Test::IsSuperset(network) => {
            Network::parse(network).is_none().then_some(PatternRule::NotANetwork)
        }
        Test::Like(_) | Test::Exists => None,
    }
}

fn out_of_range(constants: &[Constant]) -> Option<PatternRule> {
    let is_safe = |constant: &Constant| match constant {
        Constant::Integer(value) => value.unsigned_abs() <= MAX_SAFE_INTEGER,
        _ => true,
    };
    (!constants.iter().all(is_safe)).then_some(PatternRule::IntegerRange)
}

fn wrong_hash(path: &ObjectPath, constants: &[Constant]) -> Option<PatternRule> {
    let [.., Step::Property(hashes), Step::Property(algorithm)] = &path.steps[..] else { return None };
    let algorithm = HashAlgorithm::from(&**algorithm);
    let fits = |constant: &Constant| match constant {
        Constant::String(text) => algorithm.fits(text),
        _ => true,
    };
    (**hashes == *"hashes" && !constants.iter().all(fits)).then_some(PatternRule::HashForm)
}

/// Integers and floats are numbers alike, and hex and binary constants bytes.
fn kind(constant: &Constant) -> u8 {
    match constant {
        Constant::Boolean(_) => 0,
        Constant::Integer(_) | Constant::Float(_) => 1,
        Constant::String(_) => 2,
        Constant::Timestamp(_) => 3,
        Constant::Hex(_) | Constant::Binary(_) => 4,
    }
}
