//! What has to be found in an object for an expression to have a chance.

use super::key::{Kind, MAX_AFFIX, MAX_GRAM, Seed, fold, fold_bytes};
use super::regex;
use super::trie::Trie;
use crate::pattern::ast::{Comparison, ComparisonExpression, Constant, Operator, Test};
use crate::pattern::like::normalized;
use crate::pattern::network::Network;
use crate::pattern::value::{Encoding, Number, latin1};

/// A condition that holds whenever an expression is true, made of things that can be looked up.
#[derive(Debug)]
pub(super) enum Requirement {
    Anchor(Anchor),
    Contains(Text),
    /// Each of these; it is enough to look for one.
    All(Vec<Requirement>),
    /// At least one of these; without members never.
    Any(Vec<Requirement>),
}

/// Something to look up for a value that is found at a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    pub(super) node: u32,
    pub(super) probe: Probe,
    pub(super) hash: u64,
}

/// A text that the value at a node contains; not empty.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) node: u32,
    pub(super) bytes: Box<[u8]>,
}

/// What has been chosen to be looked up.
pub(super) enum Choice<'r> {
    Anchor(Anchor),
    /// The piece of the text that starts here.
    Piece(&'r Text, usize),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Probe {
    /// Equality of values of one kind; the number says how many values are rarer than this one, as a power of two.
    Exact(Kind, u32),
    /// The first so many bytes of a text.
    Prefix(usize),
    Suffix(usize),
    /// The value is inside the network.
    Network(Network),
    /// The network is inside the value.
    InnerNetwork(Network),
    /// The value is a number that is at least this one.
    AtLeast(Number),
    AtMost(Number),
    /// There is a value.
    Always,
}

/// Rarer than this makes no difference.
const MAX_BITS: u32 = 32;

/// How much of a text is looked for.
const MAX_TEXT: usize = 255;

impl Anchor {
    fn new(node: u32, probe: Probe, hash: u64) -> Self {
        Self { node, probe, hash }
    }

    fn always(node: u32) -> Self {
        Self::new(node, Probe::Always, Seed::new(Kind::Text, node).boolean(true))
    }

    /// How rare it is in a stream of values: one in two to the power of this, by rule of thumb.
    fn bits(&self) -> u32 {
        let bits = match self.probe {
            Probe::Exact(_, bits) => bits,
            Probe::Prefix(length) | Probe::Suffix(length) => 3 * length as u32,
            Probe::Network(network) if network.is_v6() => network.prefix() / 2,
            Probe::Network(network) => network.prefix(),
            Probe::InnerNetwork(_) => 10,
            Probe::AtLeast(_) | Probe::AtMost(_) => 2,
            Probe::Always => 0,
        };
        bits.min(MAX_BITS)
    }
}

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

/// All of these, or at least that there is a value.
pub(super) fn all_of(mut parts: Vec<Requirement>, node: u32) -> Requirement {
    match parts.len() {
        0 => Requirement::Anchor(Anchor::always(node)),
        1 => parts.remove(0),
        _ => Requirement::All(parts),
    }
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

impl Text {
    /// The end of a long text stands for all of it.
    pub(super) fn new(node: u32, text: &[u8]) -> Self {
        Self { node, bytes: text[text.len().saturating_sub(MAX_TEXT)..].into() }
    }

    /// How long its pieces are that are looked up.
    pub(super) fn gram_length(&self) -> usize {
        let mut length = MAX_GRAM;
        while length > self.bytes.len().max(1) {
            length /= 2;
        }
        length
    }

    /// The hashes of its pieces.
    pub(super) fn grams(&self) -> impl Iterator<Item = u64> {
        Seed::new(Kind::Gram, self.node).grams(&self.bytes, self.gram_length())
    }

    fn bits(&self) -> u32 {
        // A value of usual length has 2^6 places where the text can stand.
        (3 * self.bytes.len() as u32).saturating_sub(6).min(MAX_BITS)
    }

    /// Texts start alike, so among equals the last piece is the best.
    fn rarest_piece(&self, count: &dyn Fn(u64) -> u64) -> usize {
        let pieces = self.grams().enumerate();
        let rarest = pieces.min_by_key(|(at, hash)| (count(*hash), std::cmp::Reverse(*at)));
        rarest.map_or(0, |(at, _)| at)
    }
}

impl Requirement {
    /// Calls a function with the hash of everything that could be chosen.
    pub(super) fn each_hash(&self, visit: &mut dyn FnMut(u64)) {
        match self {
            Self::Anchor(anchor) => visit(anchor.hash),
            Self::Contains(text) => text.grams().for_each(visit),
            Self::All(members) | Self::Any(members) => {
                members.iter().for_each(|member| member.each_hash(visit))
            }
        }
    }

    /// Chooses what each object shows that fulfils the requirement, and others rarely. `count` says how many patterns
    /// could use a hash: what is in many patterns is in many objects.
    pub(super) fn choose<'r>(&'r self, count: &dyn Fn(u64) -> u64, chosen: &mut Vec<Choice<'r>>) {
        match self {
            Self::Anchor(anchor) => chosen.push(Choice::Anchor(*anchor)),
            Self::Contains(text) => chosen.push(Choice::Piece(text, text.rarest_piece(count))),
            Self::All(members) => {
                if let Some(best) = members.iter().min_by_key(|member| member.cost(count)) {
                    best.choose(count, chosen);
                }
            }
            Self::Any(members) => members.iter().for_each(|member| member.choose(count, chosen)),
        }
    }

    /// How many candidates it brings, in units of one in 2^32 values.
    fn cost(&self, count: &dyn Fn(u64) -> u64) -> u64 {
        match self {
            Self::Anchor(anchor) => count(anchor.hash).max(1) << (MAX_BITS - anchor.bits()),
            Self::Contains(text) => 1 << (MAX_BITS - text.bits()),
            Self::All(members) => members.iter().map(|member| member.cost(count)).min().unwrap_or(u64::MAX),
            Self::Any(members) => {
                members.iter().fold(0, |sum: u64, member| sum.saturating_add(member.cost(count)))
            }
        }
    }
}

impl Choice<'_> {
    /// As [`Anchor::bits`].
    pub(super) fn bits(&self) -> u32 {
        match self {
            Self::Anchor(anchor) => anchor.bits(),
            Self::Piece(text, _) => text.bits(),
        }
    }
}
