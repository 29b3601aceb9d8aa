//! The canonical spelling: single blanks, apostrophes and parentheses only where they are needed.

use super::ast::{
    Comparison, ComparisonExpression, Constant, ObjectPath, ObservationExpression, Qualifier, Seconds, Step,
    Test, is_keyword,
};
use base64::Engine as _;
use data_encoding::HEXLOWER;
use std::fmt::{Display, Formatter, Result, Write as _};

impl Display for ObservationExpression {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Comparison(inner) => write!(f, "[{inner}]"),
            Self::And(members) => joined(f, members, " AND ", |inner| inner.binding() <= Binding::And),
            Self::Or(members) => joined(f, members, " OR ", |inner| inner.binding() <= Binding::Or),
            Self::FollowedBy(members) => {
                joined(f, members, " FOLLOWEDBY ", |inner| inner.binding() <= Binding::FollowedBy)
            }
            Self::Qualified { expression, qualifiers } => {
                nested(f, &**expression, !matches!(**expression, Self::Comparison(_)))?;
                qualifiers.iter().try_for_each(|qualifier| write!(f, " {qualifier}"))
            }
        }
    }
}

/// How tightly an expression holds together, loosest first.
#[derive(PartialEq, PartialOrd)]
enum Binding {
    FollowedBy,
    Or,
    And,
    Tight,
}

impl ObservationExpression {
    fn binding(&self) -> Binding {
        match self {
            Self::FollowedBy(_) => Binding::FollowedBy,
            Self::Or(_) => Binding::Or,
            Self::And(_) => Binding::And,
            Self::Comparison(_) | Self::Qualified { .. } => Binding::Tight,
        }
    }
}

impl Display for ComparisonExpression {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Test(test) => test.fmt(f),
            Self::And(members) => joined(f, members, " AND ", |inner| !matches!(inner, Self::Test(_))),
            Self::Or(members) => joined(f, members, " OR ", |inner| matches!(inner, Self::Or(_))),
        }
    }
}

fn joined<T: Display>(
    f: &mut Formatter<'_>,
    members: &[T],
    operator: &str,
    in_parentheses: fn(&T) -> bool,
) -> Result {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            f.write_str(operator)?;
        }
        nested(f, member, in_parentheses(member))?;
    }
    Ok(())
}

fn nested(f: &mut Formatter<'_>, inner: &impl Display, in_parentheses: bool) -> Result {
    if in_parentheses { write!(f, "({inner})") } else { inner.fmt(f) }
}

impl Display for Qualifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Within(seconds) => write!(f, "WITHIN {seconds} SECONDS"),
            Self::Repeats(times) => write!(f, "REPEATS {times} TIMES"),
            Self::StartStop { start, stop } => write!(f, "START t'{start}' STOP t'{stop}'"),
        }
    }
}

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.as_str())
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { path, is_negated, test } = self;
        let not = if *is_negated { "NOT " } else { "" };
        match test {
            Test::Exists => return write!(f, "{not}EXISTS {path}"),
            _ => write!(f, "{path} {not}")?,
        }
        match test {
            Test::Compare(operator, constant) => write!(f, "{} {constant}", operator.as_str()),
            Test::In(constants) => {
                f.write_str("IN (")?;
                joined(f, constants, ", ", |_| false)?;
                f.write_char(')')
            }
            Test::Like(text) => write_string(f, "LIKE ", text),
            Test::Matches(text) => write_string(f, "MATCHES ", text),
            Test::IsSubset(text) => write_string(f, "ISSUBSET ", text),
            Test::IsSuperset(text) => write_string(f, "ISSUPERSET ", text),
            Test::Exists => Ok(()),
        }
    }
}

impl Display for ObjectPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}:", self.object_type)?;
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Property(name) => {
                    if index > 0 {
                        f.write_char('.')?;
                    }
                    if is_plain(name) { f.write_str(name)? } else { write_string(f, "", name)? }
                }
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::AnyIndex => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// Whether a property name needs no apostrophes.
fn is_plain(name: &str) -> bool {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts_well && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !is_keyword(name)
}

impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            // Without a dot it would be read as an integer.
            Self::Float(value) if value.fract() == 0.0 => write!(f, "{value}.0"),
            Self::Float(value) => value.fmt(f),
            Self::String(text) => write_string(f, "", text),
            Self::Timestamp(instant) => write!(f, "t'{instant}'"),
            Self::Hex(bytes) => write!(f, "h'{}'", HEXLOWER.encode_display(bytes)),
            Self::Binary(bytes) => {
                write!(f, "b'{}'", base64::engine::general_purpose::STANDARD.encode(bytes))
            }
        }
    }
}

fn write_string(f: &mut Formatter<'_>, prefix: &str, text: &str) -> Result {
    write!(f, "{prefix}'")?;
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '\\']) {
        f.write_str(&rest[..at])?;
        f.write_char('\\')?;
        f.write_str(&rest[at..=at])?;
        rest = &rest[at + 1..];
    }
    f.write_str(rest)?;
    f.write_char('\'')
}
