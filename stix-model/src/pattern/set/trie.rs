//! The paths of all patterns in one tree, so that an object is walked along once.

use super::key::{Kind, MAX_GRAM};
use crate::pattern::ast::{ObjectPath, Step};
use crate::pattern::network::Network;
use crate::pattern::value::{Encoding, Number};
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// The root, whose children are the types of objects.
pub(super) const ROOT: u32 = 0;

#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

/// The end of one path, or a place on the way.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) properties: HashMap<Box<str>, u32>,
    pub(super) indexes: BTreeMap<u64, u32>,
    pub(super) any_index: Option<u32>,
    /// Whether an identifier that is reached here stands for the object that it names, if properties follow.
    pub(super) is_reference: bool,
    pub(super) encoding: Encoding,
    pub(super) probes: Probes,
}

/// What is looked up for a value at the end of a path.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// One bit for each [`Kind`].
    kinds: u16,
    /// Bit n: starts of n + 1 bytes.
    pub(super) prefixes: u64,
    pub(super) suffixes: u64,
    /// Bit n: pieces of 2^n bytes.
    grams: u8,
    /// Whether of version 6, and how long.
    pub(super) network_prefixes: Vec<(bool, u32)>,
    /// Networks of which the value may be a superset, sorted.
    pub(super) inner_networks: Vec<(Network, u32)>,
    /// Numbers that the value may have to reach, sorted.
    pub(super) floors: Vec<(Number, u32)>,
    /// Numbers that the value may have to stay below or at, sorted.
    pub(super) ceilings: Vec<(Number, u32)>,
    /// Expressions that can be true whatever the value is.
    pub(super) always: Vec<u32>,
}

impl Trie {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::new(Encoding::Plain, false)] }
    }

    pub(super) fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    pub(super) fn probes(&mut self, node: u32) -> &mut Probes {
        &mut self.nodes[node as usize].probes
    }

    /// The node of a whole type.
    pub(super) fn intern_type(&mut self, object_type: &str) -> u32 {
        self.property(ROOT, object_type, Node::new(Encoding::Plain, false))
    }

    /// The node at the end of a path.
    pub(super) fn intern(&mut self, path: &ObjectPath) -> u32 {
        let mut node = self.intern_type(&path.object_type);
        let mut name = "";
        for (at, step) in path.steps.iter().enumerate() {
            let encoding = Encoding::of(&path.steps[..=at]);
            node = match step {
                Step::Property(property) => {
                    name = property;
                    self.property(node, property, Node::new(encoding, name.ends_with("_ref")))
                }
                Step::Index(index) => {
                    let next = self.next();
                    let child = *self.nodes[node as usize].indexes.entry(*index).or_insert(next);
                    self.ensure(child, Node::new(encoding, name.ends_with("_refs")))
                }
                Step::AnyIndex => {
                    let next = self.next();
                    let child = *self.nodes[node as usize].any_index.get_or_insert(next);
                    self.ensure(child, Node::new(encoding, name.ends_with("_refs")))
                }
            };
        }
        node
    }

    fn property(&mut self, node: u32, name: &str, new: Node) -> u32 {
        if let Some(child) = self.nodes[node as usize].properties.get(name) {
            return *child;
        }
        let child = self.next();
        self.nodes[node as usize].properties.insert(name.into(), child);
        self.ensure(child, new)
    }

    fn next(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    /// Adds the node unless it is there.
    fn ensure(&mut self, node: u32, new: Node) -> u32 {
        if node as usize == self.nodes.len() {
            self.nodes.push(new);
        }
        node
    }

    /// With all lists as they are searched.
    pub(super) fn sorted(mut self) -> Self {
        for node in &mut self.nodes {
            node.probes.inner_networks.sort_unstable();
            node.probes.inner_networks.shrink_to_fit();
            for bounds in [&mut node.probes.floors, &mut node.probes.ceilings] {
                bounds.sort_unstable_by(|(a, _), (b, _)| a.compare(*b));
                bounds.shrink_to_fit();
            }
            node.probes.always.shrink_to_fit();
        }
        self
    }

    /// Bytes on the heap, nearly.
    pub(super) fn memory(&self) -> usize {
        let of_node = |node: &Node| {
            let names = node.properties.keys().map(|name| name.len() + 40).sum::<usize>();
            let Probes { network_prefixes, inner_networks, floors, ceilings, always, .. } = &node.probes;
            let lists = size_of_val(&**network_prefixes)
                + size_of_val(&**inner_networks)
                + size_of_val(&**floors)
                + size_of_val(&**ceilings)
                + size_of_val(&**always);
            size_of::<Node>() + names + node.indexes.len() * 24 + lists
        };
        self.nodes.iter().map(of_node).sum()
    }
}

impl Node {
    fn new(encoding: Encoding, is_reference: bool) -> Self {
        Self {
            properties: HashMap::new(),
            indexes: BTreeMap::new(),
            any_index: None,
            is_reference,
            encoding,
            probes: Probes::default(),
        }
    }
}

impl Probes {
    pub(super) fn add(&mut self, kind: Kind) {
        self.kinds |= 1 << kind as u16;
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        self.kinds & 1 << kind as u16 != 0
    }

    /// Whether a value has to be looked at.
    pub(super) fn is_empty(&self) -> bool {
        self.kinds == 0
            && self.inner_networks.is_empty()
            && self.floors.is_empty()
            && self.ceilings.is_empty()
    }

    /// Whether pieces of texts are looked up.
    pub(super) fn has_pieces(&self) -> bool {
        self.has(Kind::Prefix) || self.has(Kind::Suffix) || self.has(Kind::Gram)
    }

    pub(super) fn add_network(&mut self, network: Network) {
        self.add(Kind::Network);
        let prefix = (network.is_v6(), network.prefix());
        if let Err(place) = self.network_prefixes.binary_search(&prefix) {
            self.network_prefixes.insert(place, prefix);
        }
    }

    pub(super) fn add_gram(&mut self, length: usize) {
        self.add(Kind::Gram);
        self.grams |= 1 << length.trailing_zeros();
    }

    /// How long the pieces are that are looked up.
    pub(super) fn gram_lengths(&self) -> impl Iterator<Item = usize> {
        let grams = self.grams;
        (0..=MAX_GRAM.trailing_zeros()).filter(move |bit| grams & 1 << bit != 0).map(|bit| 1 << bit)
    }
}
