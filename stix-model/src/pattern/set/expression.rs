//! What an expression requires of an object.

use super::key::{Kind, MAX_AFFIX, Seed, fold, fold_bytes};
use super::regex;
use super::requirement::{Anchor, MAX_BITS, Probe, Requirement, Text, all_of};
use super::trie::Trie;
use crate::pattern::ast::{Comparison, ComparisonExpression, Constant, Operator, Test};
use crate::pattern::like::normalized;
use crate::pattern::network::Network;
use crate::pattern::value::{Encoding, Number, latin1};

/// The requirement of a whole expression.
pub(super) fn of_expression(expression: &ComparisonExpression, trie: &mut Trie) -> Requirement {
    let mut all = |members: &[ComparisonExpression]| {
        members.iter().map(|member| of_expression(member, trie)).collect::<Vec<_>>()
    };
    match expression {
        ComparisonExpression::Test(comparison) => of_comparison(comparison, trie),
        ComparisonExpression::And(members) => Requirement::All(all(members)),
        ComparisonExpression::Or(members) => Requirement::Any(all(members)),
    }
}

fn of_comparison(comparison: &Comparison, trie: &mut Trie) -> Requirement {
    let node = trie.intern(&comparison.path);
    let encoding = trie.node(node).encoding;
    match (&comparison.test, comparison.is_negated) {
        (Test::Compare(Operator::Equal, constant), false)
        | (Test::Compare(Operator::NotEqual, constant), true) => equal(constant, encoding, node),
        (Test::In(constants), false) => {
            Requirement::Any(constants.iter().map(|constant| equal(constant, encoding, node)).collect())
        }
        (Test::Compare(operator, Constant::Integer(bound)), false) => {
            bounded(*operator, Number::Integer(*bound), node)
        }
        (Test::Compare(operator, Constant::Float(bound)), false) => {
            bounded(*operator, Number::Float(*bound), node)
        }
        (Test::Like(pattern), false) => like(pattern, encoding, node),
        (Test::Matches(regex), false) => regex::required(regex, encoding, node),
        (Test::IsSubset(network), false) => match Network::parse(network) {
            None => NEVER,
            Some(network) => {
                let seed = Seed::new(Kind::Network, node);
                let hash = seed.network(network.prefix(), network.bits());
                Requirement::Anchor(Anchor::new(node, Probe::Network(network), hash))
            }
        },
        (Test::IsSuperset(network), false) => match Network::parse(network) {
            None => NEVER,
            Some(network) => {
                let hash = Seed::new(Kind::Network, node).network(network.prefix(), !network.bits());
                Requirement::Anchor(Anchor::new(node, Probe::InnerNetwork(network), hash))
            }
        },
        // The only test that is true where there is no value.
        (Test::Exists, true) => {
            Requirement::Anchor(Anchor::always(trie.intern_type(&comparison.path.object_type)))
        }
        _ => Requirement::Anchor(Anchor::always(node)),
    }
}

/// What is never true needs no look-up.
const NEVER: Requirement = Requirement::Any(Vec::new());

/// Equality of a value and a constant, as the evaluator has it.
fn equal(constant: &Constant, encoding: Encoding, node: u32) -> Requirement {
    let exact = |kind, bits, hash: &dyn Fn(Seed) -> u64| {
        let hash = hash(Seed::new(kind, node));
        Requirement::Anchor(Anchor::new(node, Probe::Exact(kind, bits), hash))
    };
    let whole = |kind, bytes: &[u8]| {
        let bits = u32::try_from(bytes.len()).unwrap_or(MAX_BITS).saturating_mul(4).min(MAX_BITS);
        exact(kind, bits, &|seed| seed.whole(bytes))
    };
    match (constant, encoding) {
        (Constant::Boolean(value), _) => exact(Kind::Boolean, 1, &|seed| seed.boolean(*value)),
        (Constant::Integer(value), _) => {
            exact(Kind::Number, 10, &|seed| seed.number(Number::Integer(*value)))
        }
        (Constant::Float(value), _) => exact(Kind::Number, 10, &|seed| seed.number(Number::Float(*value))),
        (Constant::String(text), Encoding::Plain) => whole(Kind::Text, text.as_bytes()),
        (Constant::String(text), _) => latin1(text).map_or(NEVER, |bytes| whole(Kind::Bytes, &bytes)),
        (Constant::Timestamp(time), Encoding::Plain) => whole(Kind::Time, time.sort_key().as_bytes()),
        (Constant::Timestamp(_), _) => NEVER,
        (Constant::Hex(bytes) | Constant::Binary(bytes), Encoding::Plain) => {
            let text: String = bytes.iter().copied().map(char::from).collect();
            whole(Kind::Text, text.as_bytes())
        }
        (Constant::Hex(bytes) | Constant::Binary(bytes), _) => whole(Kind::Bytes, bytes),
    }
}

/// A number above or below another one.
fn bounded(operator: Operator, bound: Number, node: u32) -> Requirement {
    let probe = match operator {
        Operator::Greater | Operator::GreaterOrEqual => Probe::AtLeast(bound),
        Operator::Less | Operator::LessOrEqual => Probe::AtMost(bound),
        Operator::Equal | Operator::NotEqual => return Requirement::Anchor(Anchor::always(node)),
    };
    Requirement::Anchor(Anchor::new(node, probe, !Seed::new(Kind::Number, node).number(bound)))
}

/// The texts around `%` and `_`.
fn like(pattern: &str, encoding: Encoding, node: u32) -> Requirement {
    let pattern = normalized(pattern);
    let mut parts = Vec::new();
    let mut texts = pattern.split(['%', '_']).enumerate().peekable();
    while let Some((at, text)) = texts.next() {
        let Some(text) = folded(text, encoding) else { return NEVER };
        if text.is_empty() {
            continue;
        }
        let length = text.len().min(MAX_AFFIX);
        if at == 0 {
            let hash = Seed::new(Kind::Prefix, node).starts(&text).last().unwrap_or_default();
            parts.push(Requirement::Anchor(Anchor::new(node, Probe::Prefix(length), hash)));
        } else if texts.peek().is_none() {
            let hash = Seed::new(Kind::Suffix, node).ends(&text).last().unwrap_or_default();
            parts.push(Requirement::Anchor(Anchor::new(node, Probe::Suffix(length), hash)));
        } else {
            parts.push(Requirement::Contains(Text::new(node, &text)));
        }
    }
    all_of(parts, node)
}

/// A literal text as values are looked up; nothing when no value can contain it.
fn folded(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    let mut folded_text = Vec::new();
    match encoding {
        Encoding::Plain => fold(text, &mut folded_text),
        Encoding::Hex | Encoding::Base64 => fold_bytes(&latin1(text)?, &mut folded_text),
    }
    Some(folded_text)
}
