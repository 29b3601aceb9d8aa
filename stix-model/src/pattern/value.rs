//! Whether one value passes one test (STIX 2.1, section 9.6).

use super::ast::{Comparison, Constant, Operator, Step, Test};
use super::budget::{Budget, BudgetExceeded};
use super::check::{PatternIssue, PatternRule, comparison_rule, shortened};
use super::error::CompileError;
use super::lexer::BASE64;
use super::like::{Like, normalized};
use super::network::Network;
use super::pcre::{Haystack, Regex, RegexFault};
use crate::Timestamp;
use crate::json::{Kind, Value};
use base64::Engine as _;
use data_encoding::HEXLOWER_PERMISSIVE;
use std::borrow::Cow;
use std::cmp::Ordering;

/// A test that is ready to run.
#[derive(Clone, Debug)]
pub(super) enum Check {
    Exists,
    Compare(Operator, Literal),
    In(Box<[Literal]>),
    /// A set of plain strings, sorted.
    InStrings(Box<[Box<str>]>),
    Like(Like),
    Matches(Regex),
    /// A regular expression with characters that no byte can be.
    MatchesNothing,
    /// No network when the constant is none; then nothing is inside or around it.
    IsSubset(Option<Network>),
    IsSuperset(Option<Network>),
}

/// A constant, with what it is converted to.
#[derive(Clone, Debug)]
pub(super) enum Literal {
    Boolean(bool),
    Number(Number),
    /// With its bytes, if all characters are below U+0100.
    String(Box<str>, Option<Box<[u8]>>),
    Timestamp(Timestamp),
    Bytes(Box<[u8]>),
}

/// How the strings of a property are written, which its name tells (STIX 2.1, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Hex,
    Base64,
}

impl Encoding {
    pub(super) fn of(steps: &[Step]) -> Self {
        let name = steps.iter().rev().find_map(|step| match step {
            Step::Property(name) => Some(&**name),
            _ => None,
        });
        match name {
            Some(name) if name.ends_with("_hex") => Self::Hex,
            Some(name) if name.ends_with("_bin") => Self::Base64,
            _ => Self::Plain,
        }
    }
}

/// A value out of the data.
pub(super) enum Datum<'d> {
    Boolean(bool),
    Number(Number),
    String(Cow<'d, str>),
    Bytes(Vec<u8>),
    /// Null, a list or an object, which nothing compares with.
    Other,
}

impl Check {
    /// Takes the memory of a regular expression out of what is left.
    pub(super) fn new(
        comparison: &Comparison,
        encoding: Encoding,
        regex_bytes: &mut usize,
    ) -> Result<Self, CompileError> {
        let invalid = |rule| CompileError::Invalid(PatternIssue::new(rule, comparison));
        Ok(match &comparison.test {
            Test::Exists => Self::Exists,
            Test::Compare(operator, constant) => Self::Compare(*operator, Literal::new(constant)),
            Test::In(constants) => {
                if let Some(PatternRule::MixedSet) = comparison_rule(comparison) {
                    return Err(invalid(PatternRule::MixedSet));
                }
                Self::set(constants, encoding)
            }
            Test::Like(pattern) => Self::Like(Like::new(pattern)),
            Test::Matches(regex) => {
                let regex = normalized(regex);
                let haystack = if encoding == Encoding::Plain { Haystack::Text } else { Haystack::Bytes };
                if haystack == Haystack::Bytes && latin1(&regex).is_none() {
                    return Ok(Self::MatchesNothing);
                }
                match Regex::new(&regex, haystack, *regex_bytes) {
                    Ok(regex) => {
                        *regex_bytes = regex_bytes.saturating_sub(regex.memory());
                        Self::Matches(regex)
                    }
                    Err(RegexFault::Invalid(why)) => return Err(invalid(PatternRule::InvalidRegex(why))),
                    Err(RegexFault::Unsupported(why)) => {
                        let rule = PatternRule::UnsupportedRegex(why);
                        return Err(CompileError::Unsupported(PatternIssue::new(
                            rule,
                            comparison.to_string(),
                        )));
                    }
                    Err(RegexFault::TooLarge) => {
                        return Err(CompileError::RegexTooLarge(shortened(comparison)));
                    }
                }
            }
            Test::IsSubset(network) => Self::IsSubset(Network::parse(network)),
            Test::IsSuperset(network) => Self::IsSuperset(Network::parse(network)),
        })
    }

    fn set(constants: &[Constant], encoding: Encoding) -> Self {
        let string = |constant: &Constant| match constant {
            Constant::String(text) if encoding == Encoding::Plain => Some(text.clone()),
            _ => None,
        };
        let strings: Option<Vec<_>> = constants.iter().map(string).collect();
        match strings {
            Some(mut strings) => {
                strings.sort_unstable();
                Self::InStrings(strings.into())
            }
            None => Self::In(constants.iter().map(Literal::new).collect()),
        }
    }

    /// Whether a value passes; `None` when the data cannot be had, so that not even the opposite is true.
    pub(super) fn test(
        &self,
        value: Value<'_>,
        encoding: Encoding,
        budget: &mut Budget,
    ) -> Result<Option<bool>, BudgetExceeded> {
        if matches!(self, Self::Exists) {
            return Ok(Some(true));
        }
        let raw_length = value.raw().len() as u64;
        budget.spend(1 + raw_length / 64)?;
        let Some(datum) = Datum::read(value, encoding) else { return Ok(None) };
        Ok(Some(match (self, datum) {
            (Self::Exists, _) => true,
            (Self::Compare(operator, literal), datum) => compares(*operator, literal.compare(&datum)),
            (Self::In(literals), datum) => {
                budget.spend(literals.len() as u64)?;
                literals.iter().any(|literal| literal.compare(&datum) == Some(Ordering::Equal))
            }
            (Self::InStrings(strings), Datum::String(text)) => {
                strings.binary_search_by(|string| (**string).cmp(&*text)).is_ok()
            }
            (Self::Like(like), Datum::String(text)) => like.is_match_text(&normalized(&text), budget)?,
            (Self::Like(like), Datum::Bytes(bytes)) => like.is_match_bytes(&bytes, budget)?,
            (Self::Matches(regex), Datum::String(text)) => {
                let text = normalized(&text);
                budget.spend(regex.steps(text.as_bytes()))?;
                regex.is_match(text.as_bytes())
            }
            (Self::Matches(regex), Datum::Bytes(bytes)) => {
                budget.spend(regex.steps(&bytes))?;
                regex.is_match(&bytes)
            }
            (Self::IsSubset(Some(network)), Datum::String(text)) => {
                Network::parse(&text).is_some_and(|inner| network.contains(inner))
            }
            (Self::IsSuperset(Some(network)), Datum::String(text)) => {
                Network::parse(&text).is_some_and(|outer| outer.contains(*network))
            }
            // Types that do not go together: STIX 2.1, section 9.6, lets the comparison be false.
            _ => false,
        }))
    }

    /// Bytes of the automaton, if it is a regular expression.
    pub(super) fn regex_memory(&self) -> usize {
        if let Self::Matches(regex) = self { regex.memory() } else { 0 }
    }
}

fn compares(operator: Operator, ordering: Option<Ordering>) -> bool {
    match operator {
        Operator::Equal => ordering == Some(Ordering::Equal),
        Operator::NotEqual => ordering != Some(Ordering::Equal),
        Operator::Less => ordering == Some(Ordering::Less),
        Operator::Greater => ordering == Some(Ordering::Greater),
        Operator::LessOrEqual => ordering.is_some_and(Ordering::is_le),
        Operator::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
    }
}

impl<'d> Datum<'d> {
    /// Nothing when the data cannot be had, as when bytes are not in their encoding.
    pub(super) fn read(value: Value<'d>, encoding: Encoding) -> Option<Self> {
        let datum = match value.kind() {
            Kind::Bool => Self::Boolean(value.raw() == "true"),
            Kind::Number => Self::Number(Number::read(value)?),
            Kind::String => Self::String(value.as_str()?),
            Kind::Null | Kind::Array | Kind::Object => Self::Other,
        };
        Some(match (encoding, datum) {
            (Encoding::Hex, Self::String(text)) => {
                Self::Bytes(HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?)
            }
            (Encoding::Base64, Self::String(text)) => Self::Bytes(BASE64.decode(&*text).ok()?),
            (_, datum) => datum,
        })
    }
}

impl Literal {
    fn new(constant: &Constant) -> Self {
        match constant {
            Constant::Boolean(value) => Self::Boolean(*value),
            Constant::Integer(value) => Self::Number(Number::Integer(*value)),
            Constant::Float(value) => Self::Number(Number::Float(*value)),
            Constant::String(text) => Self::String(text.clone(), latin1(text)),
            Constant::Timestamp(instant) => Self::Timestamp(instant.clone()),
            Constant::Hex(bytes) | Constant::Binary(bytes) => Self::Bytes(bytes.clone()),
        }
    }

    /// How a value stands to the constant; `None` when they cannot be compared.
    fn compare(&self, datum: &Datum<'_>) -> Option<Ordering> {
        match (datum, self) {
            (Datum::Boolean(value), Self::Boolean(constant)) => Some(value.cmp(constant)),
            (Datum::Number(value), Self::Number(constant)) => Some(value.compare(*constant)),
            // Code points order like the bytes of UTF-8.
            (Datum::String(text), Self::String(constant, _)) => Some((**text).cmp(&**constant)),
            (Datum::String(text), Self::Bytes(constant)) => Some(latin1(text)?.cmp(constant)),
            (Datum::String(text), Self::Timestamp(constant)) => {
                Some(text.parse::<Timestamp>().ok()?.cmp(constant))
            }
            (Datum::Bytes(bytes), Self::Bytes(constant)) => Some((**bytes).cmp(constant)),
            (Datum::Bytes(bytes), Self::String(_, constant)) => Some((**bytes).cmp(constant.as_deref()?)),
            _ => None,
        }
    }
}

/// The bytes of a string whose characters are all below U+0100.
pub(super) fn latin1(text: &str) -> Option<Box<[u8]>> {
    text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect()
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Integer(i64),
    /// Always finite.
    Float(f64),
}

impl Number {
    fn read(value: Value<'_>) -> Option<Self> {
        match value.raw().parse() {
            Ok(integer) => Some(Self::Integer(integer)),
            Err(_) => value.as_f64().map(Self::Float),
        }
    }

    /// By value, and exactly.
    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(&b),
            (Self::Float(a), Self::Float(b)) => compare_floats(a, b),
            (Self::Integer(a), Self::Float(b)) => compare_mixed(a, b),
            (Self::Float(a), Self::Integer(b)) => compare_mixed(b, a).reverse(),
        }
    }
}

fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).expect("finite numbers have an order")
}

#[expect(clippy::cast_possible_truncation, reason = "only what fits is cast")]
fn compare_mixed(integer: i64, float: f64) -> Ordering {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    if float >= TWO_TO_63 {
        return Ordering::Less;
    }
    if float < -TWO_TO_63 {
        return Ordering::Greater;
    }
    integer.cmp(&(float.trunc() as i64)).then_with(|| compare_floats(0.0, float.fract()))
}
