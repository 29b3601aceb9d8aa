//! Many patterns at once.
//!
//! Of each observation expression something is looked for that an object must show for the expression to be true: a
//! value, the start, the end or a piece of a text, a network. These *anchors* are kept in hash tables. An object is
//! walked along once, what it shows is looked up, and only the expressions that are found are evaluated, by the same
//! code as a single pattern. So an observation costs what it shows and what it hits, however many patterns there are.
//!
//! An expression keeps no tree but its canonical text. Where it is the equality of a text, as most are, this is
//! compared; others are parsed again when their anchor is found, and the matcher keeps some of the results.

mod builder;
mod expression;
mod key;
mod matcher;
mod regex;
mod requirement;
mod table;
mod texts;
mod trie;

pub use builder::{PatternSetBuilder, PatternSetError};
pub use matcher::SetMatcher;

use super::budget::MatchLimits;
use super::compile::CompiledPattern;
use super::{Pattern, PatternLimits};
use std::sync::Arc;
use table::Table;
use texts::Texts;
use trie::Trie;

/// Bounds for building a set of patterns and for matching with it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PatternSetLimits {
    /// For each pattern when it is added, and [`MatchLimits::steps`] for each observation that is matched.
    pub matching: MatchLimits,
    /// Observation expressions in all patterns together. Default: 2^24.
    pub expressions: u32,
    /// Bytes of the text of all patterns together. Default: 2 GiB.
    pub text_bytes: u32,
    /// How many expressions a matcher keeps ready after it has found their anchors. Most take less than a kilobyte; a
    /// regular expression takes some of [`MatchLimits::regex_bytes`]. Default: 1,024.
    pub kept: usize,
}

setters!(PatternSetLimits { matching: MatchLimits, expressions: u32, text_bytes: u32, kept: usize });

impl Default for PatternSetLimits {
    fn default() -> Self {
        Self { matching: MatchLimits::default(), expressions: 1 << 24, text_bytes: 1 << 31, kept: 1024 }
    }
}

/// What an observation shows of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit<K> {
    /// The key with which the pattern was added.
    pub key: K,
    /// How much of the pattern it is.
    pub part: HitPart,
}

impl<K> Hit<K> {
    /// Whether the observation satisfies the pattern alone.
    pub fn is_whole(&self) -> bool {
        self.part == HitPart::Pattern
    }
}

/// A pattern, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HitPart {
    /// The observation satisfies the pattern alone.
    Pattern,
    /// The observation satisfies one of the observation expressions, the `[ … ]` of the pattern, counted from 0 in
    /// the order of the text. The pattern needs other uses of observations with it, because the expression stands
    /// in an AND, a FOLLOWEDBY or a REPEATS. START and STOP have been tested, WITHIN has not.
    Expression(u32),
}

/// Patterns that are matched together, each under a key of the caller: a number, the name of a rule, an indicator. Cheap to
/// clone, and shared by threads; each of them takes a [`matcher`](Self::matcher) of its own.
///
/// An observation either satisfies a pattern alone ([`Hit::is_whole`]), or it is reported which part of the pattern it
/// contributes: no match yet. To decide such a pattern, keep the observations that contribute something, and when another one comes, give them
/// to [`CompiledPattern::matches`].
///
/// ```
/// use stix_model::json::{Document, Limits};
/// use stix_model::pattern::{Hit, HitPart, Observation, Pattern, PatternSet};
///
/// let mut builder = PatternSet::builder();
/// builder.add("network", &Pattern::parse("[ipv4-addr:value ISSUBSET '198.51.100.0/24']")?)?;
/// let gate = Pattern::parse("[url:value LIKE '%/gate.php'] FOLLOWEDBY [ipv4-addr:value = '198.51.100.3']")?;
/// builder.add("gate", &gate)?;
/// let set = builder.build();
///
/// let document = Document::read(br#"{"type": "ipv4-addr", "value": "198.51.100.3"}"#, Limits::default())?;
/// let observation = Observation::of_object(document.root()).unwrap();
/// let mut matcher = set.matcher();
/// let hits: Vec<_> = matcher.matches(&observation)?.collect();
/// let gate = Hit { key: &"gate", part: HitPart::Expression(1) };
/// assert_eq!(hits, [Hit { key: &"network", part: HitPart::Pattern }, gate]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PatternSet<K> {
    index: Arc<Index>,
    keys: Arc<[K]>,
}

impl<K> Clone for PatternSet<K> {
    fn clone(&self) -> Self {
        Self { index: Arc::clone(&self.index), keys: Arc::clone(&self.keys) }
    }
}

#[derive(Debug)]
struct Index {
    limits: PatternSetLimits,
    trie: Trie,
    /// Whole values.
    values: Table,
    /// Starts and ends of texts, and networks.
    pieces: Table,
    texts: Texts,
    expressions: Box<[Expression]>,
    /// The texts of all expressions, one after another.
    text: Box<str>,
    /// Expressions that are evaluated so often that they are kept ready, in order.
    ready: Box<[(u32, CompiledPattern)]>,
    stats: PatternSetStats,
}

/// One `[ … ]` with the START and STOP around it.
#[derive(Clone, Copy, Debug)]
struct Expression {
    /// Where its text ends. It starts where the one before it ends.
    end: u32,
    /// The number of the key, which is that of its pattern.
    key: u32,
    part: Part,
    /// Length of the constant, if the expression is only the equality of a property and a text. The constant stands
    /// before the last two bytes of the text, `']`, and is spelled without escapes.
    constant: Option<u32>,
}

/// The number of the expression in its pattern; [`Part::PATTERN`] when it is enough.
#[derive(Clone, Copy, Debug)]
struct Part(u32);

impl Part {
    const PATTERN: Self = Self(u32::MAX);
}

/// What a set consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PatternSetStats {
    /// Patterns that were added.
    pub patterns: usize,
    /// Their observation expressions.
    pub expressions: usize,
    /// Entries of the tables in which anchors are looked up.
    pub anchors: usize,
    /// Expressions without an anchor, such as `[a:b != 5]`. They are evaluated for each object that has the property;
    /// those that ask for absence, for each object of the type.
    pub scanned: usize,
    /// Expressions that can never be true, such as those with ISSUBSET of what is no network.
    pub never: usize,
    /// Bytes of memory, nearly, without the automata of regular expressions.
    pub bytes: usize,
}

impl<K> PatternSet<K> {
    /// Starts a set with the default limits.
    pub fn builder() -> PatternSetBuilder<K> {
        PatternSetBuilder::new(PatternSetLimits::default())
    }

    /// What is needed to match observations one after another.
    pub fn matcher(&self) -> SetMatcher<K> {
        SetMatcher::new(self.clone())
    }

    /// How large it is, and how much of it cannot be looked up.
    pub fn stats(&self) -> PatternSetStats {
        self.index.stats
    }
}

impl Index {
    fn text(&self, id: u32) -> &str {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.expressions[id - 1].end };
        &self.text[start as usize..self.expressions[id].end as usize]
    }

    /// The text that a property has to be equal to for the expression to be true, if this is all that it says.
    fn constant(&self, id: u32) -> Option<&str> {
        let length = self.expressions[id as usize].constant?;
        let text = self.text(id).strip_suffix("']")?;
        text.get(text.len() - length as usize..)
    }

    /// Parses an expression again. It has been accepted before, so without limits.
    fn compile(&self, id: u32) -> Option<CompiledPattern> {
        const NO_LIMITS: PatternLimits =
            PatternLimits { bytes: usize::MAX, depth: usize::MAX, comparisons: usize::MAX };
        Pattern::parse_within(self.text(id), NO_LIMITS).ok()?.compile(self.limits.matching).ok()
    }

    /// What an expression is a hit of, by the number of the key.
    fn hit(&self, id: u32) -> Hit<u32> {
        let Expression { key, part, .. } = self.expressions[id as usize];
        let part = if part.0 == Part::PATTERN.0 { HitPart::Pattern } else { HitPart::Expression(part.0) };
        Hit { key, part }
    }
}
