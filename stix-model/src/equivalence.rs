//! Whether two objects are about the same thing.
//!
//! Four relations, from the certain to the likely:
//!
//! - [`Relation::Identical`]: the same words, in canonical form.
//! - [`Relation::SameObject`]: the same identifier.
//! - [`Relation::SameObservable`]: two cyber-observable objects to which the rule of the standard (section
//!   2.9) gives one identifier, although somebody gave them two.
//! - [`Relation::Similar`]: two domain objects or relationships of one type that share what tells such things
//!   apart: names and aliases, numbers that others gave them (CVE, ATT&CK, CAPEC …), the pattern, the ends.
//!   With a score and the features behind it.
//!
//! The last one is an opinion, not part of the standard. Only features that both objects have count, so
//! little knowledge gives the same score as much; two families of malware may share a name; the pattern is
//! compared as text, so bring it into a canonical form first. What is found is for a person to confirm or for
//! a `duplicate-of` relationship, not for merging unasked: identifiers of other producers prove nothing (STIX
//! 2.1, appendix D). Notes, opinions, groupings, observed data and other types without a name of their own
//! are never similar.
//!
//! ```
//! use stix_model::Object;
//! use stix_model::equivalence::{Relation, Candidate, compare};
//! let [a, b] = [
//!     r#"{"type":"intrusion-set","id":"intrusion-set--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","name":"APT28"}"#,
//!     r#"{"type":"intrusion-set","id":"intrusion-set--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061","name":"Sofacy",
//!         "aliases":["APT 28"]}"#,
//! ].map(|text| Object::parse(text).unwrap());
//! let Relation::Similar(similarity) = compare(&Candidate::new(&a), &Candidate::new(&b)) else { panic!() };
//! assert_eq!(similarity.to_string(), "100: names 100 of 100 (weight 50)");
//! ```

mod features;

use crate::{Object, StixId};
use features::Features;
use hashbrown::HashSet;
use std::fmt;

/// An object to compare.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Candidate<'o> {
    /// The object.
    pub object: &'o Object,
    /// The pattern of an indicator in canonical form; without it the pattern counts as it is written.
    pub pattern: Option<&'o str>,
}

impl<'o> Candidate<'o> {
    /// An object as it is.
    pub fn new(object: &'o Object) -> Self {
        Self { object, pattern: None }
    }

    /// The same with the pattern in canonical form.
    #[must_use]
    pub fn with_pattern(self, pattern: &'o str) -> Self {
        Self { pattern: Some(pattern), ..self }
    }
}

/// How two objects relate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Relation {
    /// The same words.
    Identical,
    /// The same identifier with other words: versions of one object, or a conflict.
    SameObject,
    /// Two identifiers for what deserves this one.
    SameObservable(StixId),
    /// Perhaps the same thing.
    Similar(Similarity),
    /// Nothing says that they are about the same thing.
    Unrelated,
}

impl Relation {
    /// 100 for everything certain, the score of a similarity, else 0.
    pub fn score(&self) -> u8 {
        match self {
            Self::Identical | Self::SameObject | Self::SameObservable(_) => 100,
            Self::Similar(similarity) => similarity.score,
            Self::Unrelated => 0,
        }
    }
}

/// How far two objects agree in what tells such things apart.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Similarity {
    /// From 0 to 100: the mean agreement of the features, by weight.
    pub score: u8,
    /// What was compared.
    pub features: Vec<Agreement>,
}

/// How far two objects agree in one feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreement {
    /// `names`, `external_ids`, `pattern`, or the name of a property.
    pub feature: &'static str,
    /// From 0 to 100.
    pub agreement: u8,
    /// How much it counts.
    pub weight: u8,
}

impl fmt::Display for Similarity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.score)?;
        for (index, Agreement { feature, agreement, weight }) in self.features.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma} {feature} {agreement} of 100 (weight {weight})")?;
        }
        Ok(())
    }
}

/// Says how two objects relate.
pub fn compare(a: &Candidate<'_>, b: &Candidate<'_>) -> Relation {
    relation(&Features::of(a), &Features::of(b))
}

fn relation(a: &Features<'_>, b: &Features<'_>) -> Relation {
    let (left, right) = (a.object.header(), b.object.header());
    if left.digest == right.digest {
        return Relation::Identical;
    }
    if left.id == right.id {
        return Relation::SameObject;
    }
    if a.observable.is_some() && a.observable == b.observable {
        return a.observable.clone().map_or(Relation::Unrelated, Relation::SameObservable);
    }
    features::similarity(a, b).map_or(Relation::Unrelated, Relation::Similar)
}

/// What counts as a duplicate, and how far to look.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DedupOptions {
    /// The score from which two objects are taken for one. Default: 75.
    pub threshold: u8,
    /// Objects that share a key are many sometimes; each is compared with `window` objects before it.
    /// Default: 32.
    pub window: usize,
}

setters!(DedupOptions { threshold: u8, window: usize });

impl Default for DedupOptions {
    fn default() -> Self {
        Self { threshold: 75, window: 32 }
    }
}

/// Objects that are taken for one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// Their places in the input, in order; at least two.
    pub members: Vec<usize>,
    /// The pairs that hold the group together, and why. A group may hang together by a chain whose ends would
    /// not be taken for one.
    pub evidence: Vec<(usize, usize, Relation)>,
}

/// Finds the objects of a set that are taken for one, in groups; what is unique is in none.
///
/// Only objects that share a key are compared: an identifier, a name, an external identifier, a pattern, a
/// place, or the ends of a relationship. The effort grows with the number of objects and keys, not with its
/// square.
pub fn dedup(candidates: &[Candidate<'_>], options: DedupOptions) -> Vec<Group> {
    let features: Vec<_> = candidates.iter().map(Features::of).collect();
    let mut keys: Vec<(String, usize)> = Vec::new();
    for (index, features) in features.iter().enumerate() {
        keys.extend(features.keys().into_iter().map(|key| (key, index)));
    }
    keys.sort_unstable();
    keys.dedup();
    let mut parents: Vec<usize> = (0..candidates.len()).collect();
    let mut evidence = Vec::new();
    let mut compared = HashSet::new();
    for block in keys.chunk_by(|a, b| a.0 == b.0) {
        for (at, (_, second)) in block.iter().enumerate() {
            for (_, first) in &block[at.saturating_sub(options.window)..at] {
                let (a, b) = (root(&mut parents, *first), root(&mut parents, *second));
                if a == b || !compared.insert((*first, *second)) {
                    continue;
                }
                let relation = relation(&features[*first], &features[*second]);
                if relation.score() >= options.threshold && relation != Relation::Unrelated {
                    parents[a.max(b)] = a.min(b);
                    evidence.push((*first, *second, relation));
                }
            }
        }
    }
    groups(&mut parents, evidence)
}

fn groups(parents: &mut [usize], evidence: Vec<(usize, usize, Relation)>) -> Vec<Group> {
    let mut place = vec![None; parents.len()];
    let mut groups: Vec<Group> = Vec::new();
    for index in 0..parents.len() {
        let first = root(parents, index);
        if first == index {
            continue;
        }
        let group = *place[first].get_or_insert_with(|| {
            groups.push(Group { members: vec![first], evidence: Vec::new() });
            groups.len() - 1
        });
        groups[group].members.push(index);
    }
    for (a, b, relation) in evidence {
        if let Some(group) = place[root(parents, a)] {
            groups[group].evidence.push((a, b, relation));
        }
    }
    groups.sort_by_key(|group| group.members[0]);
    groups
}

/// The first member of the group that an object is in; shortens the way for the next time.
fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}
