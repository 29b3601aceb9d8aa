//! Matches observations against all patterns of a set.

use super::key::{Kind, Seed, fold, fold_bytes};
use super::trie::{Node, Probes, ROOT};
use super::{Hit, Index, PatternSet};
use crate::Timestamp;
use crate::json::{Kind as JsonKind, Value};
use crate::pattern::budget::{Budget, BudgetExceeded};
use crate::pattern::compile::CompiledPattern;
use crate::pattern::like::normalized;
use crate::pattern::network::Network;
use crate::pattern::observations::Observation;
use crate::pattern::value::Datum;
use hashbrown::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// Matches one observation after another; memory and finished work are used again.
#[derive(Debug)]
pub struct SetMatcher<K> {
    matcher: Matcher,
    keys: Arc<[K]>,
}

impl<K> SetMatcher<K> {
    pub(super) fn new(set: PatternSet<K>) -> Self {
        Self { matcher: Matcher::new(set.index), keys: set.keys }
    }

    /// Which patterns, and which parts of other patterns, the observation satisfies, each once, in the order in which
    /// they were added.
    ///
    /// The answer is what [`CompiledPattern::matches`] says for each pattern alone with this one observation,
    /// except that an observation that was made several times can satisfy a pattern alone only there.
    ///
    /// # Errors
    /// When it takes more steps than allowed. [`Self::hits`] tells what was found before.
    pub fn matches(
        &mut self,
        observation: &Observation<'_>,
    ) -> Result<impl ExactSizeIterator<Item = Hit<&K>>, BudgetExceeded> {
        self.matcher.matches(observation)?;
        Ok(self.hits())
    }

    /// What the last call of [`Self::matches`] found.
    pub fn hits(&self) -> impl ExactSizeIterator<Item = Hit<&K>> {
        let keyed = |hit: &Hit<u32>| Hit { key: &self.keys[hit.key as usize], part: hit.part };
        self.matcher.hits.iter().map(keyed)
    }
}

/// What does not depend on the type of the keys; they have numbers here.
#[derive(Debug)]
struct Matcher {
    index: Arc<Index>,
    found: Found,
    /// Expressions that were evaluated lately, at a place that follows from their number.
    kept: Vec<Option<(u32, CompiledPattern)>>,
    hits: Vec<Hit<u32>>,
}

/// What the objects of an observation show.
#[derive(Debug, Default)]
struct Found {
    /// Texts that may be equal to constants. They are looked up together, so that the processor need not wait for
    /// the memory with each one.
    texts: Vec<Shown>,
    /// These texts, one after another.
    text: String,
    candidates: Candidates,
    /// References that have been followed from the object: the node and the other object.
    followed: HashSet<(u32, usize)>,
    /// The text of a value as its pieces are looked up.
    folded: Vec<u8>,
}

#[derive(Debug)]
struct Shown {
    object: usize,
    hash: u64,
    text: Range<usize>,
}

/// Objects and the expressions that they may make true.
#[derive(Debug, Default)]
struct Candidates {
    list: Vec<(usize, u32)>,
    /// The same, to see which one is new.
    seen: HashSet<(usize, u32)>,
}

impl Matcher {
    fn new(index: Arc<Index>) -> Self {
        let kept = vec![None; index.limits.kept.max(1)];
        Self { index, found: Found::default(), kept, hits: Vec::new() }
    }

    fn matches(&mut self, observation: &Observation<'_>) -> Result<(), BudgetExceeded> {
        self.hits.clear();
        let result = self.find(observation);
        self.hits.sort_unstable();
        self.hits.dedup();
        result
    }

    fn find(&mut self, observation: &Observation<'_>) -> Result<(), BudgetExceeded> {
        let index = &*self.index;
        let mut budget = Budget::new(index.limits.matching.steps);
        self.found.clear();
        for (position, object) in observation.objects.iter().enumerate() {
            budget.spend(1)?;
            let Some(node) = index.trie.node(ROOT).properties.get(&*object.object_type) else { continue };
            self.found.followed.clear();
            let found = &mut self.found;
            Walk { index, observation, object: position, found, budget: &mut budget }
                .visit(*node, object.value)?;
        }
        let Found { texts, text, candidates, .. } = &mut self.found;
        texts.retain(|shown| index.values.may_have(shown.hash));
        for shown in texts {
            let text = &text[shown.text.clone()];
            for id in index.values.get(shown.hash) {
                budget.spend(1 + text.len() as u64 / 64)?;
                match index.constant(id) {
                    Some(constant) if constant == text => self.hits.push(index.hit(id)),
                    Some(_) => {}
                    None => candidates.add(shown.object, [id]),
                }
            }
        }
        for &(object, id) in &candidates.list {
            let expression = match index.ready.binary_search_by_key(&id, |(ready, _)| *ready) {
                Ok(at) => Some(&index.ready[at].1),
                Err(_) => keep(&mut self.kept, index, id, &mut budget)?,
            };
            if let Some(expression) = expression
                && expression.is_shown_in(&observation.objects[object], observation, &mut budget)?
            {
                self.hits.push(index.hit(id));
            }
        }
        Ok(())
    }
}

/// The expression, compiled unless it has been lately.
fn keep<'k>(
    kept: &'k mut [Option<(u32, CompiledPattern)>],
    index: &Index,
    id: u32,
    budget: &mut Budget,
) -> Result<Option<&'k CompiledPattern>, BudgetExceeded> {
    let place = id as usize % kept.len();
    if kept[place].as_ref().is_none_or(|(other, _)| *other != id) {
        let Some(compiled) = index.compile(id) else { return Ok(None) };
        // Compiling takes time with the length of the text and with the size of the automata.
        budget.spend((index.text(id).len() * 8 + compiled.regex_memory() / 4) as u64)?;
        kept[place] = Some((id, compiled));
    }
    Ok(kept[place].as_ref().map(|(_, compiled)| compiled))
}

impl Found {
    fn clear(&mut self) {
        self.texts.clear();
        self.text.clear();
        self.candidates.list.clear();
        self.candidates.seen.clear();
    }
}

impl Candidates {
    fn add(&mut self, object: usize, ids: impl IntoIterator<Item = u32>) {
        for id in ids {
            if self.seen.insert((object, id)) {
                self.list.push((object, id));
            }
        }
    }
}

/// A walk along one object, with all paths at once.
struct Walk<'w, 'd> {
    index: &'w Index,
    observation: &'w Observation<'d>,
    /// The position of the object.
    object: usize,
    found: &'w mut Found,
    budget: &'w mut Budget,
}

impl<'d> Walk<'_, 'd> {
    /// Recurses once for each step of a path. The steps are those of [`Path`](crate::pattern::path::Path).
    fn visit(&mut self, at: u32, value: Value<'d>) -> Result<(), BudgetExceeded> {
        let node = self.index.trie.node(at);
        self.look_up(at, node, value)?;
        if !node.properties.is_empty()
            && let Some(object) = self.follow(at, node, value)
        {
            for (name, member) in object.members() {
                self.budget.spend(1)?;
                if let Some(child) = node.properties.get(&*name) {
                    self.visit(*child, member)?;
                }
            }
        }
        if node.any_index.is_none() && node.indexes.is_empty() {
            return Ok(());
        }
        for (position, element) in (0..).zip(value.elements()) {
            self.budget.spend(1)?;
            if let Some(child) = node.any_index {
                self.visit(child, element)?;
            }
            if let Some(child) = node.indexes.get(&position) {
                self.visit(*child, element)?;
            }
        }
        Ok(())
    }

    /// Where properties are read: the object that is named, or the value itself. Nothing when the reference leads
    /// nowhere, or when it has been followed with the same steps ahead.
    fn follow(&mut self, at: u32, node: &Node, value: Value<'d>) -> Option<Value<'d>> {
        if !node.is_reference || value.kind() != JsonKind::String {
            return Some(value);
        }
        let position = self.observation.position(&value.as_str()?)?;
        self.found.followed.insert((at, position)).then(|| self.observation.objects[position].value)
    }

    fn look_up(&mut self, at: u32, node: &Node, value: Value<'d>) -> Result<(), BudgetExceeded> {
        let probes = &node.probes;
        self.budget.spend(probes.always.len() as u64)?;
        self.add(probes.always.iter().copied());
        if probes.is_empty() {
            return Ok(());
        }
        self.budget.spend(1 + value.raw().len() as u64 / 4)?;
        let Some(datum) = Datum::read(value, node.encoding) else { return Ok(()) };
        match datum {
            Datum::Boolean(value) if probes.has(Kind::Boolean) => {
                self.find_value(Seed::new(Kind::Boolean, at).boolean(value));
            }
            Datum::Number(number) => {
                if probes.has(Kind::Number) {
                    self.find_value(Seed::new(Kind::Number, at).number(number));
                }
                let Probes { floors, ceilings, .. } = probes;
                let reached = floors.partition_point(|(bound, _)| bound.compare(number).is_le());
                self.add(floors[..reached].iter().map(|(_, id)| *id));
                let passed = ceilings.partition_point(|(bound, _)| bound.compare(number).is_lt());
                self.add(ceilings[passed..].iter().map(|(_, id)| *id));
            }
            Datum::String(text) => {
                if probes.has(Kind::Text) {
                    self.add_text(at, &text);
                }
                if probes.has(Kind::Time)
                    && let Ok(time) = text.parse::<Timestamp>()
                {
                    self.find_value(Seed::new(Kind::Time, at).whole(time.sort_key().as_bytes()));
                }
                if (probes.has(Kind::Network) || !probes.inner_networks.is_empty())
                    && let Some(network) = Network::parse(&text)
                {
                    self.find_networks(at, probes, network);
                }
                if probes.has_pieces() {
                    fold(&normalized(&text), &mut self.found.folded);
                    self.find_pieces(at, probes);
                }
            }
            Datum::Bytes(bytes) => {
                if probes.has(Kind::Bytes) {
                    self.find_value(Seed::new(Kind::Bytes, at).whole(&bytes));
                }
                if probes.has_pieces() {
                    fold_bytes(&bytes, &mut self.found.folded);
                    self.find_pieces(at, probes);
                }
            }
            Datum::Boolean(_) | Datum::Other => {}
        }
        Ok(())
    }

    fn add(&mut self, ids: impl IntoIterator<Item = u32>) {
        self.found.candidates.add(self.object, ids);
    }

    fn add_text(&mut self, at: u32, text: &str) {
        let hash = Seed::new(Kind::Text, at).whole(text.as_bytes());
        let start = self.found.text.len();
        self.found.text.push_str(text);
        self.found.texts.push(Shown { object: self.object, hash, text: start..self.found.text.len() });
    }

    fn find_value(&mut self, hash: u64) {
        self.add(self.index.values.get(hash));
    }

    fn find_networks(&mut self, at: u32, probes: &Probes, network: Network) {
        let seed = Seed::new(Kind::Network, at);
        for &(is_v6, prefix) in &probes.network_prefixes {
            if is_v6 == network.is_v6()
                && let Some(outer) = network.around(prefix)
            {
                self.add(self.index.pieces.get(seed.network(prefix, outer.bits())));
            }
        }
        let inner = &probes.inner_networks;
        let inner = &inner[inner.partition_point(|(other, _)| *other < network)..];
        self.add(inner.iter().take_while(|(other, _)| network.contains(*other)).map(|(_, id)| *id));
    }

    fn find_pieces(&mut self, at: u32, probes: &Probes) {
        let folded = std::mem::take(&mut self.found.folded);
        let pieces = &self.index.pieces;
        if probes.has(Kind::Prefix) {
            for (length, hash) in Seed::new(Kind::Prefix, at).starts(&folded).enumerate() {
                if probes.prefixes & 1 << length != 0 {
                    self.add(pieces.get(hash));
                }
            }
        }
        if probes.has(Kind::Suffix) {
            for (length, hash) in Seed::new(Kind::Suffix, at).ends(&folded).enumerate() {
                if probes.suffixes & 1 << length != 0 {
                    self.add(pieces.get(hash));
                }
            }
        }
        self.index.texts.find(at, probes, &folded, |id| self.add([id]));
        self.found.folded = folded;
    }
}
