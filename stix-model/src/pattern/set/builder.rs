//! From patterns to tables.

use super::expression::of_expression;
use super::key::Kind;
use super::requirement::{Anchor, Choice, Probe, Requirement};
use super::table::Table;
use super::texts::TextsBuilder;
use super::trie::Trie;
use super::{Expression, Index, Part, PatternSet, PatternSetLimits, PatternSetStats};
use crate::pattern::ast::{
    Comparison, ComparisonExpression, Constant, ObservationExpression, Operator, Qualifier, Test,
};
use crate::pattern::{CompileError, Pattern};
use std::fmt::Write as _;
use std::sync::Arc;

/// Anchors that are rarer than one in two to the power of this are worth forgetting what was found with them.
const RARE_BITS: u32 = 6;

/// Collects patterns for a [`PatternSet`].
#[derive(Debug)]
pub struct PatternSetBuilder<K> {
    index: IndexBuilder,
    keys: Vec<K>,
}

impl<K> PatternSetBuilder<K> {
    /// Starts a set.
    pub fn new(limits: PatternSetLimits) -> Self {
        Self { index: IndexBuilder::new(limits), keys: Vec::new() }
    }

    /// Adds a pattern. The key is what [`Hit::key`](super::Hit::key) will be; several patterns may have equal ones.
    ///
    /// # Errors
    /// When [`Pattern::compile`] refuses the pattern, or when the set is full. Then it stays as it was.
    pub fn add(&mut self, key: K, pattern: &Pattern) -> Result<(), PatternSetError> {
        // Each pattern is one expression at least, and their number is bounded.
        self.index.add(self.keys.len() as u32, pattern)?;
        self.keys.push(key);
        Ok(())
    }

    /// Builds the tables.
    pub fn build(self) -> PatternSet<K> {
        let mut index = self.index.build();
        index.stats.patterns = self.keys.len();
        index.stats.bytes += size_of_val(&*self.keys);
        PatternSet { index: Arc::new(index), keys: self.keys.into() }
    }
}

/// Builds what does not depend on the keys.
#[derive(Debug)]
struct IndexBuilder {
    limits: PatternSetLimits,
    trie: Trie,
    values: Vec<(u64, u32)>,
    pieces: Vec<(u64, u32)>,
    texts: TextsBuilder,
    expressions: Vec<Expression>,
    text: String,
    /// Expressions with several anchors to choose from. The choice waits for the others.
    open: Vec<(u32, Requirement)>,
    /// Expressions with frequent anchors.
    frequent: Vec<u32>,
    scanned: Vec<u32>,
    never: usize,
}

/// Why a pattern is not added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternSetError {
    /// It cannot be matched alone either.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The set would exceed [`PatternSetLimits`].
    #[error("the set is full: it takes at most {expressions} expressions and {text_bytes} bytes of text")]
    Full {
        /// [`PatternSetLimits::expressions`]
        expressions: u32,
        /// [`PatternSetLimits::text_bytes`]
        text_bytes: u32,
    },
}

/// Whether an expression decides its pattern.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Enough,
    OneOfSeveral,
}

impl IndexBuilder {
    fn new(limits: PatternSetLimits) -> Self {
        Self {
            limits,
            trie: Trie::new(),
            values: Vec::new(),
            pieces: Vec::new(),
            texts: TextsBuilder::default(),
            expressions: Vec::new(),
            text: String::new(),
            open: Vec::new(),
            frequent: Vec::new(),
            scanned: Vec::new(),
            never: 0,
        }
    }

    fn add(&mut self, key: u32, pattern: &Pattern) -> Result<(), PatternSetError> {
        pattern.compile(self.limits.matching)?;
        let mut leaves = Vec::new();
        collect(pattern.expression(), Role::Enough, &mut Vec::new(), &mut leaves);
        let PatternSetLimits { expressions, text_bytes, .. } = self.limits;
        let full = PatternSetError::Full { expressions, text_bytes };
        let (text_before, expressions_before) = (self.text.len(), self.expressions.len());
        for (number, (inner, role, windows)) in (0..).zip(&leaves) {
            // A `String` takes whatever is written to it.
            let _ = write!(self.text, "[{inner}]");
            for window in windows {
                let _ = write!(self.text, " {window}");
            }
            let part = if *role == Role::Enough { Part::PATTERN } else { Part(number) };
            let end = u32::try_from(self.text.len()).ok().filter(|end| *end <= text_bytes);
            match end {
                Some(end) if self.expressions.len() < expressions as usize => {
                    let constant = constant_of(inner).filter(|_| windows.is_empty());
                    // No part of the text is longer than the limit of the text.
                    let constant = constant.map(|constant| constant.len() as u32);
                    self.expressions.push(Expression { end, key, part, constant });
                }
                _ => {
                    self.text.truncate(text_before);
                    self.expressions.truncate(expressions_before);
                    return Err(full);
                }
            }
        }
        // The limits keep the number of expressions below 2^32.
        for (id, (inner, ..)) in (expressions_before as u32..).zip(&leaves) {
            let requirement = of_expression(inner, &mut self.trie);
            match only_choice(&requirement) {
                Some(anchors) => self.settle(id, &anchors),
                None => self.open.push((id, requirement)),
            }
        }
        Ok(())
    }

    fn build(mut self) -> Index {
        let open = std::mem::take(&mut self.open);
        let mut counts = Counts::new(self.values.len() + self.pieces.len() + open.len() * 8);
        self.values.iter().chain(&self.pieces).for_each(|(hash, _)| counts.add(*hash));
        open.iter().for_each(|(_, requirement)| requirement.each_hash(&mut |hash| counts.add(hash)));
        for (id, requirement) in &open {
            let mut chosen = Vec::new();
            requirement.choose(&|hash| counts.get(hash), &mut chosen);
            self.settle(*id, &chosen);
        }
        drop(open);
        drop(counts);
        let mut index = Index {
            limits: self.limits,
            trie: self.trie.sorted(),
            values: Table::new(self.values),
            pieces: Table::new(self.pieces),
            texts: self.texts.build(),
            expressions: self.expressions.into(),
            text: self.text.into(),
            ready: Box::default(),
            stats: PatternSetStats::default(),
        };
        self.scanned.sort_unstable();
        self.scanned.dedup();
        self.frequent.sort_unstable();
        let ready = self.frequent.iter().filter_map(|id| Some((*id, index.compile(*id)?)));
        index.ready = ready.collect();
        let tables =
            index.values.memory() + index.pieces.memory() + index.texts.memory() + index.trie.memory();
        let lists = size_of_val(&*index.expressions) + size_of_val(&*index.ready);
        index.stats = PatternSetStats {
            patterns: 0,
            expressions: index.expressions.len(),
            anchors: index.values.len() + index.pieces.len() + index.texts.len(),
            scanned: self.scanned.len(),
            never: self.never,
            bytes: tables + lists + index.text.len(),
        };
        index
    }

    /// Enters an expression where its anchors are looked up.
    fn settle(&mut self, id: u32, chosen: &[Choice<'_>]) {
        for choice in chosen {
            let Anchor { node, probe, hash } = match choice {
                Choice::Anchor(anchor) => anchor,
                Choice::Piece(text, at) => {
                    self.trie.probes(text.node).add_gram(text.gram_length());
                    self.texts.add(id, text, *at);
                    continue;
                }
            };
            let probes = self.trie.probes(*node);
            match *probe {
                Probe::Exact(kind, _) => {
                    probes.add(kind);
                    self.values.push((*hash, id));
                }
                Probe::Prefix(length) => {
                    probes.add(Kind::Prefix);
                    probes.prefixes |= 1 << (length - 1);
                    self.pieces.push((*hash, id));
                }
                Probe::Suffix(length) => {
                    probes.add(Kind::Suffix);
                    probes.suffixes |= 1 << (length - 1);
                    self.pieces.push((*hash, id));
                }
                Probe::Network(network) => {
                    probes.add_network(network);
                    self.pieces.push((*hash, id));
                }
                Probe::InnerNetwork(network) => probes.inner_networks.push((network, id)),
                Probe::AtLeast(bound) => probes.floors.push((bound, id)),
                Probe::AtMost(bound) => probes.ceilings.push((bound, id)),
                Probe::Always => {
                    probes.always.push(id);
                    self.scanned.push(id);
                }
            }
        }
        self.never += usize::from(chosen.is_empty());
        if chosen.iter().any(|choice| choice.bits() < RARE_BITS) {
            self.frequent.push(id);
        }
    }
}

/// The observation expressions in the order of the text, each with the windows around it.
fn collect<'p>(
    expression: &'p ObservationExpression,
    role: Role,
    windows: &mut Vec<&'p Qualifier>,
    leaves: &mut Vec<(&'p ComparisonExpression, Role, Vec<&'p Qualifier>)>,
) {
    match expression {
        ObservationExpression::Comparison(inner) => leaves.push((inner, role, windows.clone())),
        ObservationExpression::Or(members) => {
            members.iter().for_each(|member| collect(member, role, windows, leaves));
        }
        ObservationExpression::And(members) | ObservationExpression::FollowedBy(members) => {
            members.iter().for_each(|member| collect(member, Role::OneOfSeveral, windows, leaves));
        }
        ObservationExpression::Qualified { expression, qualifiers } => {
            let outside = windows.len();
            let mut role = role;
            for qualifier in qualifiers {
                match qualifier {
                    Qualifier::StartStop { .. } => windows.push(qualifier),
                    Qualifier::Repeats(1) | Qualifier::Within(_) => {}
                    Qualifier::Repeats(_) => role = Role::OneOfSeveral,
                }
            }
            collect(expression, role, windows, leaves);
            windows.truncate(outside);
        }
    }
}

/// The constant of an expression that is only the equality of a text, if it is spelled as it is.
fn constant_of(expression: &ComparisonExpression) -> Option<&str> {
    let ComparisonExpression::Test(comparison) = expression else { return None };
    match comparison {
        Comparison {
            test: Test::Compare(Operator::Equal, Constant::String(text)),
            is_negated: false,
            ..
        } => (!text.contains(['\'', '\\'])).then_some(text),
        _ => None,
    }
}

/// What is looked up for a requirement that leaves no choice.
fn only_choice(requirement: &Requirement) -> Option<Vec<Choice<'static>>> {
    match requirement {
        Requirement::Anchor(anchor) => Some(vec![Choice::Anchor(*anchor)]),
        Requirement::Any(members) => members
            .iter()
            .map(|member| match member {
                Requirement::Anchor(anchor) => Some(Choice::Anchor(*anchor)),
                _ => None,
            })
            .collect(),
        Requirement::Contains(_) | Requirement::All(_) => None,
    }
}

/// How often each hash occurs; sometimes more than that, because hashes share counters.
struct Counts {
    counters: Vec<u32>,
    shift: u32,
}

impl Counts {
    fn new(hashes: usize) -> Self {
        let length = (2 * hashes).next_power_of_two().max(2);
        Self { counters: vec![0; length], shift: 64 - length.trailing_zeros() }
    }

    fn add(&mut self, hash: u64) {
        let counter = &mut self.counters[(hash >> self.shift) as usize];
        *counter = counter.saturating_add(1);
    }

    fn get(&self, hash: u64) -> u64 {
        self.counters[(hash >> self.shift) as usize].into()
    }
}
