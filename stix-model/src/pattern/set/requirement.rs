//! What has to be found in an object for an expression to have a chance.

use super::key::{Kind, MAX_GRAM, Seed};
use crate::pattern::network::Network;
use crate::pattern::value::Number;

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
pub(super) const MAX_BITS: u32 = 32;

/// How much of a text is looked for.
const MAX_TEXT: usize = 255;

impl Anchor {
    pub(super) fn new(node: u32, probe: Probe, hash: u64) -> Self {
        Self { node, probe, hash }
    }

    pub(super) fn always(node: u32) -> Self {
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

/// All of these, or at least that there is a value.
pub(super) fn all_of(mut parts: Vec<Requirement>, node: u32) -> Requirement {
    match parts.len() {
        0 => Requirement::Anchor(Anchor::always(node)),
        1 => parts.remove(0),
        _ => Requirement::All(parts),
    }
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
