//! A set of objects seen as a graph: what refers to what, ways between objects, what lies around one (STIX
//! 2.1, sections 3.7 and 5).
//!
//! ```
//! use stix_model::graph::{Direction, Filter, Graph};
//! use stix_model::Object;
//! let objects = [
//!     r#"{"type":"indicator","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}"#,
//!     r#"{"type":"malware","id":"malware--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061"}"#,
//!     r#"{"type":"relationship","id":"relationship--57b56a43-b8b0-4cba-9deb-34e3e1faed9e",
//!         "relationship_type":"indicates","source_ref":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
//!         "target_ref":"malware--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061"}"#,
//! ].map(|text| Object::parse(text).unwrap());
//! let graph = Graph::new(&objects, Default::default())?;
//! let malware = &objects[1].header().id;
//!
//! let edge = graph.edges(malware, &Filter::default()).next().unwrap();
//! assert_eq!((edge.label, edge.from), ("indicates", &objects[0].header().id));
//! let outgoing = Filter::default().direction(Direction::Outgoing);
//! assert_eq!(graph.edges(malware, &outgoing).count(), 0);
//! # Ok::<(), stix_model::graph::GraphError>(())
//! ```

mod build;
mod walk;

use crate::{Object, StixId};
use hashbrown::HashMap;

pub use crate::model::sro::{RelationshipDefinition, is_defined, specified_relationships};
pub use build::{GraphError, GraphOptions, Revoked};
pub use walk::{Path, Subgraph};

/// A set of objects, and what refers to what among them. Of several versions of one object the latest counts.
///
/// An identifier that is referred to but not in the set is a node as well; its [`object`](Self::object) is
/// missing. All results come in the order in which identifiers first occur, so equal inputs give equal
/// answers.
#[derive(Debug)]
pub struct Graph<'o> {
    nodes: Vec<Node<'o>>,
    index: HashMap<StixId, u32>,
    labels: Vec<Box<str>>,
    /// In the order of `from`.
    edges: Vec<Link>,
    /// Where the edges of a node begin in `edges`; one entry more than nodes.
    outgoing: Vec<u32>,
    /// Indices into `edges`, in the order of `to`.
    incoming: Vec<u32>,
    /// Where the edges to a node begin in `incoming`; one entry more than nodes.
    incoming_from: Vec<u32>,
}

#[derive(Debug)]
struct Node<'o> {
    id: StixId,
    object: Option<&'o Object>,
}

/// An edge in numbers of nodes and labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    from: u32,
    kind: EdgeKind,
    label: u32,
    to: u32,
    via: Option<u32>,
}

/// How one object refers to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// A relationship object leads from its `source_ref` to its `target_ref`; the label is its
    /// `relationship_type`.
    Relationship,
    /// A sighting leads from each of its `where_sighted_refs` to its `sighting_of_ref`; the label is
    /// `sighting-of`.
    Sighting,
    /// A property of the object itself, at any depth, whose name ends in `_ref` or `_refs`; the label is that
    /// name. This includes the ends of relationships and sightings, as properties of these objects.
    Embedded,
}

/// One edge of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edge<'g> {
    /// The object that refers.
    pub from: &'g StixId,
    /// The object that is referred to.
    pub to: &'g StixId,
    /// How.
    pub kind: EdgeKind,
    /// The type of the relationship, or the name of the property.
    pub label: &'g str,
    /// The relationship or sighting object that says so; `None` for an embedded reference.
    pub via: Option<&'g StixId>,
}

impl<'g> Edge<'g> {
    /// The end that is not `id`; `id` itself for a loop.
    pub fn other(&self, id: &StixId) -> &'g StixId {
        if self.from == id { self.to } else { self.from }
    }
}

/// Which way edges are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From the object that refers to the one that is referred to.
    Outgoing,
    /// The other way.
    Incoming,
    /// Both ways.
    #[default]
    Both,
}

/// Which edges are followed. The default are relationships and sightings of every label, both ways: embedded
/// references such as `created_by_ref` would put everything next to its author and its marking.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Filter<'f> {
    /// Which way.
    pub direction: Direction,
    /// Which kinds.
    pub kinds: &'f [EdgeKind],
    /// Which labels; empty for all.
    pub labels: &'f [&'f str],
}

impl Default for Filter<'_> {
    fn default() -> Self {
        Self { direction: Direction::Both, kinds: &[EdgeKind::Relationship, EdgeKind::Sighting], labels: &[] }
    }
}

impl Filter<'_> {
    /// Every edge, both ways.
    pub const ALL: Self = Self {
        direction: Direction::Both,
        kinds: &[EdgeKind::Relationship, EdgeKind::Sighting, EdgeKind::Embedded],
        labels: &[],
    };
}

impl<'f> Filter<'f> {
    /// Sets which way.
    #[must_use]
    pub const fn direction(self, direction: Direction) -> Self {
        Self { direction, ..self }
    }

    /// Sets which kinds.
    #[must_use]
    pub const fn kinds(self, kinds: &'f [EdgeKind]) -> Self {
        Self { kinds, ..self }
    }

    /// Sets which labels; empty for all.
    #[must_use]
    pub const fn labels(self, labels: &'f [&'f str]) -> Self {
        Self { labels, ..self }
    }
}

impl<'o> Graph<'o> {
    /// Looks into every object once and notes its references. Objects of any edition will do; nothing is
    /// validated, and what is no identifier refers to nothing.
    ///
    /// # Errors
    /// When there are more objects, identifiers or references than `options` allow.
    pub fn new(
        objects: impl IntoIterator<Item = &'o Object>,
        options: GraphOptions,
    ) -> Result<Self, GraphError> {
        build::build(objects, options)
    }

    /// The latest version of an object, if it is in the set.
    pub fn object(&self, id: &StixId) -> Option<&'o Object> {
        self.nodes[*self.index.get(id)? as usize].object
    }

    /// The latest version of every object in the set.
    pub fn objects(&self) -> impl Iterator<Item = &'o Object> {
        self.nodes.iter().filter_map(|node| node.object)
    }

    /// Every edge.
    pub fn all_edges(&self) -> impl Iterator<Item = Edge<'_>> {
        self.edges.iter().map(|link| self.edge(*link))
    }

    /// The edges of one object that a filter lets through, outgoing ones first; nothing for an unknown
    /// identifier.
    pub fn edges<'g>(&'g self, id: &StixId, filter: &Filter<'_>) -> impl Iterator<Item = Edge<'g>> {
        let node = self.index.get(id).copied();
        let chosen = self.chosen(filter);
        node.into_iter()
            .flat_map(move |node| self.links(node, &chosen).collect::<Vec<_>>())
            .map(|(_, link)| self.edge(link))
    }

    /// The objects next to one, each once.
    pub fn neighbours(&self, id: &StixId, filter: &Filter<'_>) -> Vec<&StixId> {
        let Some(node) = self.index.get(id).copied() else { return Vec::new() };
        let mut next: Vec<_> = self.links(node, &self.chosen(filter)).map(|(other, _)| other).collect();
        next.sort_unstable();
        next.dedup();
        next.into_iter().map(|node| self.id(node)).collect()
    }

    /// The identifiers that something refers to but that are not in the set. References may dangle (STIX 2.1,
    /// section 3.6); who asks for the missing objects starts here.
    pub fn dangling(&self) -> impl Iterator<Item = &StixId> {
        self.nodes.iter().filter(|node| node.object.is_none()).map(|node| &node.id)
    }

    fn id(&self, node: u32) -> &StixId {
        &self.nodes[node as usize].id
    }

    fn edge(&self, link: Link) -> Edge<'_> {
        Edge {
            from: self.id(link.from),
            to: self.id(link.to),
            kind: link.kind,
            label: &self.labels[link.label as usize],
            via: link.via.map(|node| self.id(node)),
        }
    }

    fn chosen(&self, filter: &Filter<'_>) -> Chosen {
        let is_chosen = |label: &str| filter.labels.is_empty() || filter.labels.contains(&label);
        Chosen {
            direction: filter.direction,
            kinds: filter.kinds.to_vec(),
            labels: self.labels.iter().map(|label| is_chosen(label)).collect(),
        }
    }

    /// The edges of a node that are chosen, each with the node at its other end; a loop comes twice.
    fn links(&self, node: u32, chosen: &Chosen) -> impl Iterator<Item = (u32, Link)> {
        let range = |offsets: &[u32]| offsets[node as usize] as usize..offsets[node as usize + 1] as usize;
        let outgoing = match chosen.direction {
            Direction::Incoming => &[][..],
            _ => &self.edges[range(&self.outgoing)],
        };
        let incoming = match chosen.direction {
            Direction::Outgoing => &[][..],
            _ => &self.incoming[range(&self.incoming_from)],
        };
        let outgoing = outgoing.iter().map(|link| (link.to, *link));
        let incoming = incoming.iter().map(|at| self.edges[*at as usize]).map(|link| (link.from, link));
        outgoing.chain(incoming).filter(|(_, link)| chosen.has(link))
    }
}

/// A [`Filter`] in numbers of labels.
struct Chosen {
    direction: Direction,
    kinds: Vec<EdgeKind>,
    labels: Vec<bool>,
}

impl Chosen {
    fn has(&self, link: &Link) -> bool {
        self.labels[link.label as usize] && self.kinds.contains(&link.kind)
    }
}
