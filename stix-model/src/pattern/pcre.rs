//! Perl-compatible regular expressions as far as an automaton can run them.
//!
//! `MATCHES` asks only whether a value matches, so captures, laziness and the order of alternatives do not matter,
//! and an expression without look-around, backreferences, atomic groups and recursion is a regular language. Its
//! tree is built here after the rules of PCRE2 and lowered to the syntax tree of the `regex` crates, which search in
//! time linear in the value. Whatever cannot be lowered exactly is refused.

mod bracket;
mod class;
mod parser;

use regex_automata::meta;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, Hir, Look, Repetition};

/// What a regular expression is run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haystack {
    /// Strings: characters, and classes as Unicode has them.
    Text,
    /// Binary values: bytes, and ASCII classes (STIX 2.1, section 9.6, MATCHES).
    Bytes,
}

/// Why an expression cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RegexFault {
    /// PCRE would refuse it as well.
    #[error("not a regular expression: {0}")]
    Invalid(&'static str),
    /// Good PCRE, but no automaton can do it, or not exactly.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The automaton would take more memory than allowed.
    #[error("the regular expression needs more memory than allowed")]
    TooLarge,
}

/// What editions of PCRE read differently: without its option `EXTRA`, PCRE takes a letter behind a backslash for
/// itself when the two mean nothing; PCRE2 refuses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NeedlessBackslash;

/// Checks an expression without building its automaton.
pub(super) fn check(text: &str) -> Result<Option<NeedlessBackslash>, RegexFault> {
    let (node, needless) = parser::parse(text, Haystack::Text)?;
    lower(&node, Rest::Nullable, Haystack::Text)?;
    Ok(needless)
}

/// The syntax tree of an expression, as the `regex` crates have it.
pub(super) fn tree(text: &str, haystack: Haystack) -> Result<Hir, RegexFault> {
    lower(&parser::parse(text, haystack)?.0, Rest::Nullable, haystack)
}

/// A regular expression that is ready to run.
#[derive(Clone, Debug)]
pub(super) struct Regex {
    automaton: meta::Regex,
    memory: usize,
}

impl Regex {
    /// Builds the automaton in about so many bytes of memory at most.
    pub(super) fn new(text: &str, haystack: Haystack, memory: usize) -> Result<Self, RegexFault> {
        let tree = tree(text, haystack)?;
        let config = meta::Config::new()
            .nfa_size_limit(Some(memory))
            .onepass_size_limit(Some(memory.min(1 << 20)))
            .hybrid_cache_capacity(1 << 20)
            .utf8_empty(haystack == Haystack::Text)
            .which_captures(regex_automata::nfa::thompson::WhichCaptures::None);
        let automaton =
            meta::Builder::new().configure(config).build_from_hir(&tree).map_err(|_| RegexFault::TooLarge)?;
        let memory = automaton.memory_usage();
        Ok(Self { automaton, memory })
    }

    /// How many bytes of memory the automaton takes.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Whether it matches somewhere.
    pub(super) fn is_match(&self, value: &[u8]) -> bool {
        self.automaton.is_match(value)
    }

    /// What a search costs at most: for each byte, a visit to each state of the automaton. That is rare, but
    /// it can be provoked, and takes about a nanosecond for each kibibyte of the automaton.
    pub(super) fn steps(&self, value: &[u8]) -> u64 {
        (1 + self.memory as u64 / 16_384).saturating_mul(value.len() as u64 + 1)
    }
}

/// The tree of an expression.
#[derive(Clone, Debug)]
enum Node {
    /// Matches nowhere a character, and everywhere the empty text.
    Empty,
    /// One character.
    Class(ClassUnicode),
    /// A place.
    Look(Look),
    /// `^` with the flag `m`: the start, or behind a line feed that is not the end.
    LineStart,
    /// `$` without the flag `m`, and `\Z`: the end, or before a line feed that is the end.
    AlmostEnd,
    Concat(Vec<Node>),
    Alternation(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
    },
}

/// What follows a node up to the end of the expression.
#[derive(Clone, Copy, PartialEq)]
enum Rest {
    /// Can always match the empty text.
    Nullable,
    /// Takes at least one character.
    Consumes,
    Unknown,
}

impl Rest {
    fn of(node: &Node) -> Self {
        match node {
            Node::Empty | Node::AlmostEnd => Self::Nullable,
            Node::Class(_) => Self::Consumes,
            Node::Look(_) | Node::LineStart => Self::Unknown,
            Node::Concat(nodes) => nodes.iter().fold(Self::Nullable, |rest, node| rest.then(Self::of(node))),
            Node::Alternation(nodes) => {
                let mut branches = nodes.iter().map(Self::of);
                if branches.clone().all(|branch| branch == Self::Consumes) {
                    return Self::Consumes;
                }
                if branches.any(|branch| branch == Self::Nullable) { Self::Nullable } else { Self::Unknown }
            }
            Node::Repeat { min: 0, .. } => Self::Nullable,
            Node::Repeat { node, .. } => Self::of(node),
        }
    }

    fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Consumes, _) | (_, Self::Consumes) => Self::Consumes,
            (Self::Nullable, Self::Nullable) => Self::Nullable,
            _ => Self::Unknown,
        }
    }
}

fn lower(node: &Node, rest: Rest, haystack: Haystack) -> Result<Hir, RegexFault> {
    Ok(match node {
        Node::Empty => Hir::empty(),
        Node::Class(class) => lower_class(class, haystack),
        Node::Look(look) => Hir::look(*look),
        // The automaton's line start holds also at the end behind a line feed, where no character can follow.
        Node::LineStart if rest == Rest::Consumes => Hir::look(Look::StartLF),
        Node::LineStart => {
            return Err(RegexFault::Unsupported("with the flag m, a character has to follow behind `^`"));
        }
        // The last line feed may be taken, because nothing that follows needs to take it.
        Node::AlmostEnd if rest == Rest::Nullable => {
            let line_feed = Hir::repetition(Repetition {
                min: 0,
                max: Some(1),
                greedy: true,
                sub: Box::new(Hir::literal(*b"\n")),
            });
            Hir::concat(vec![line_feed, Hir::look(Look::End)])
        }
        Node::AlmostEnd => return Err(RegexFault::Unsupported("nothing can follow behind `$` or `\\Z`")),
        Node::Concat(nodes) => {
            let mut parts = Vec::with_capacity(nodes.len());
            let mut rest = rest;
            for node in nodes.iter().rev() {
                parts.push(lower(node, rest, haystack)?);
                rest = Rest::of(node).then(rest);
            }
            parts.reverse();
            Hir::concat(parts)
        }
        Node::Alternation(nodes) => {
            let branches = nodes.iter().map(|node| lower(node, rest, haystack));
            Hir::alternation(branches.collect::<Result<_, _>>()?)
        }
        Node::Repeat { node, min, max } => {
            // After the last round comes the rest; after the others comes another round that may be left out.
            let rest = if *min > 1 { Rest::of(node).then(rest) } else { rest };
            let sub = Box::new(lower(node, rest, haystack)?);
            Hir::repetition(Repetition { min: *min, max: *max, greedy: true, sub })
        }
    })
}

fn lower_class(class: &ClassUnicode, haystack: Haystack) -> Hir {
    if haystack == Haystack::Text {
        return Hir::class(Class::Unicode(class.clone()));
    }
    let byte = |code: char| u8::try_from(u32::from(code)).ok();
    let ranges = class.iter().filter_map(|range| {
        Some(ClassBytesRange::new(byte(range.start())?, byte(range.end()).unwrap_or(u8::MAX)))
    });
    Hir::class(Class::Bytes(ClassBytes::new(ranges)))
}
