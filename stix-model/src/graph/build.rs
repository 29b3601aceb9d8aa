//! Reading the references of all objects.

use super::{EdgeKind, Graph, Link, Node};
use crate::json::{Path, Value};
use crate::{Object, StixId, refs, version};
use hashbrown::HashMap;

/// How a graph is built.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct GraphOptions {
    /// What the references of revoked objects count. Default: nothing.
    pub revoked: Revoked,
    /// Objects and identifiers that are referred to, at most. Default: 5,000,000.
    pub max_nodes: u32,
    /// References, at most. Default: 50,000,000.
    pub max_edges: u32,
}

setters!(GraphOptions { revoked: Revoked, max_nodes: u32, max_edges: u32 });

impl Default for GraphOptions {
    fn default() -> Self {
        Self { revoked: Revoked::Ignore, max_nodes: 5_000_000, max_edges: 50_000_000 }
    }
}

/// What the references of revoked objects count. The objects themselves stay in the graph either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revoked {
    /// They do not: a revoked relationship relates nothing any more.
    Ignore,
    /// They count like all others.
    Follow,
}

/// Why a set of objects makes no graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Too many objects and identifiers.
    #[error("more than {0} objects and identifiers, the limit of this graph")]
    TooManyNodes(u32),
    /// Too many references.
    #[error("more than {0} references, the limit of this graph")]
    TooManyEdges(u32),
}

pub(super) fn build<'o>(
    objects: impl IntoIterator<Item = &'o Object>,
    options: GraphOptions,
) -> Result<Graph<'o>, GraphError> {
    let mut builder = Builder { options, ..Builder::default() };
    for object in objects {
        builder.add(object)?;
    }
    // Only now is known which version of each object is the latest.
    for node in 0..builder.nodes.len() {
        builder.read(node)?;
    }
    Ok(builder.finish())
}

#[derive(Default)]
struct Builder<'o> {
    options: GraphOptions,
    nodes: Vec<Node<'o>>,
    index: HashMap<StixId, u32>,
    labels: Vec<Box<str>>,
    label_index: HashMap<Box<str>, u32>,
    edges: Vec<Link>,
}

impl<'o> Builder<'o> {
    fn add(&mut self, object: &'o Object) -> Result<(), GraphError> {
        let node = self.node(&object.header().id)? as usize;
        let known = self.nodes[node].object;
        self.nodes[node].object = version::latest(known.into_iter().chain([object]));
        Ok(())
    }

    fn node(&mut self, id: &StixId) -> Result<u32, GraphError> {
        if let Some(node) = self.index.get(id) {
            return Ok(*node);
        }
        let limit = self.options.max_nodes;
        let node = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        if node >= limit {
            return Err(GraphError::TooManyNodes(limit));
        }
        self.index.insert(id.clone(), node);
        self.nodes.push(Node { id: id.clone(), object: None });
        Ok(node)
    }

    fn label(&mut self, label: &str) -> u32 {
        if let Some(known) = self.label_index.get(label) {
            return *known;
        }
        // There are no more labels than edges, which are counted.
        let new = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
        self.labels.push(label.into());
        self.label_index.insert(label.into(), new);
        new
    }

    fn read(&mut self, node: usize) -> Result<(), GraphError> {
        let Some(object) = self.nodes[node].object else { return Ok(()) };
        let document = object.document();
        let root = document.root();
        let is_revoked = root.get("revoked").and_then(Value::as_bool) == Some(true);
        if is_revoked && self.options.revoked == Revoked::Ignore {
            return Ok(());
        }
        let from = self.node(&object.header().id)?;
        refs::try_visit(root, &Path::root(None), &mut |value, place| self.refer(from, place.name(), value))?;
        match object.header().id.object_type() {
            "relationship" => {
                let [source, target] = ["source_ref", "target_ref"].map(|name| root.get(name).and_then(id));
                let label = root.get("relationship_type").and_then(Value::as_str).unwrap_or_default();
                if let (Some(source), Some(target)) = (source, target) {
                    self.connect(&source, &target, EdgeKind::Relationship, &label, from)?;
                }
            }
            "sighting" => {
                let Some(sighted) = root.get("sighting_of_ref").and_then(id) else { return Ok(()) };
                for place in
                    root.get("where_sighted_refs").into_iter().flat_map(Value::elements).filter_map(id)
                {
                    self.connect(&place, &sighted, EdgeKind::Sighting, "sighting-of", from)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn refer(&mut self, from: u32, name: &str, value: Value<'_>) -> Result<(), GraphError> {
        let Some(to) = id(value) else { return Ok(()) };
        let link =
            Link { from, kind: EdgeKind::Embedded, label: self.label(name), to: self.node(&to)?, via: None };
        self.push(link)
    }

    fn connect(
        &mut self,
        from: &StixId,
        to: &StixId,
        kind: EdgeKind,
        label: &str,
        via: u32,
    ) -> Result<(), GraphError> {
        let (from, to) = (self.node(from)?, self.node(to)?);
        let label = self.label(label);
        self.push(Link { from, kind, label, to, via: Some(via) })
    }

    fn push(&mut self, link: Link) -> Result<(), GraphError> {
        if self.edges.len() >= self.options.max_edges as usize {
            return Err(GraphError::TooManyEdges(self.options.max_edges));
        }
        self.edges.push(link);
        Ok(())
    }

    fn finish(mut self) -> Graph<'o> {
        // The same property may name the same object twice, in several granular markings for example.
        self.edges.sort_unstable();
        self.edges.dedup();
        let count = self.nodes.len();
        let outgoing = offsets(count, self.edges.iter().map(|link| link.from));
        let incoming_from = offsets(count, self.edges.iter().map(|link| link.to));
        let mut incoming: Vec<u32> = (0..).take(self.edges.len()).collect();
        incoming.sort_by_key(|at| self.edges[*at as usize].to);
        let Self { nodes, index, labels, edges, .. } = self;
        Graph { nodes, index, labels, edges, outgoing, incoming, incoming_from }
    }
}

fn id(value: Value<'_>) -> Option<StixId> {
    value.as_str()?.parse().ok()
}

/// Where the edges of each node begin when they are sorted by node.
fn offsets(nodes: usize, edges: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut offsets = vec![0; nodes + 1];
    for node in edges {
        offsets[node as usize + 1] += 1;
    }
    for node in 0..nodes {
        offsets[node + 1] += offsets[node];
    }
    offsets
}
