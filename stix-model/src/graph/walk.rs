//! Ways between objects, and what lies around one.

use super::{Edge, Filter, Graph, Link};
use crate::{Object, StixId};

/// A way from one object to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path<'g> {
    /// The objects on the way, both ends included; one more than edges.
    pub ids: Vec<&'g StixId>,
    /// The edges between them.
    pub edges: Vec<Edge<'g>>,
}

/// A part of a graph.
#[derive(Clone, Debug)]
pub struct Subgraph<'g, 'o> {
    /// The identifiers in it, the nearest first.
    pub ids: Vec<&'g StixId>,
    /// The edges among them that the filter lets through.
    pub edges: Vec<Edge<'g>>,
    /// Whether it was cut short because it has more objects than were asked for.
    pub is_cut: bool,
    objects: Vec<&'o Object>,
}

impl<'o> Subgraph<'_, 'o> {
    /// The objects in it that are in the set, together with the relationships and sightings behind its edges:
    /// what a bundle of this part holds.
    pub fn objects(&self) -> &[&'o Object] {
        &self.objects
    }
}

const UNSEEN: u32 = u32::MAX;

impl<'o> Graph<'o> {
    /// A shortest way between two objects, in number of edges; `None` when there is none of at most
    /// `max_steps` edges. Of equally short ways the choice is arbitrary but always the same.
    ///
    /// Costs at most one visit of every edge, whatever `max_steps` is.
    pub fn path(
        &self,
        from: &StixId,
        to: &StixId,
        filter: &Filter<'_>,
        max_steps: usize,
    ) -> Option<Path<'_>> {
        let start = *self.index.get(from)?;
        let goal = *self.index.get(to)?;
        let chosen = self.chosen(filter);
        let mut came_by: Vec<Option<(u32, Link)>> = vec![None; self.nodes.len()];
        let mut front = vec![start];
        for _ in 0..max_steps {
            if start == goal || came_by[goal as usize].is_some() || front.is_empty() {
                break;
            }
            let mut next = Vec::new();
            for node in front {
                for (other, link) in self.links(node, &chosen) {
                    if other != start && came_by[other as usize].is_none() {
                        came_by[other as usize] = Some((node, link));
                        next.push(other);
                    }
                }
            }
            front = next;
        }
        let mut path = Path { ids: vec![self.id(goal)], edges: Vec::new() };
        let mut node = goal;
        while node != start {
            let (before, link) = came_by[node as usize]?;
            path.edges.push(self.edge(link));
            path.ids.push(self.id(before));
            node = before;
        }
        path.ids.reverse();
        path.edges.reverse();
        Some(path)
    }

    /// The part of the graph around an object: everything at most `depth` edges away, the nearest first, but
    /// no more than `max_nodes` identifiers. `None` for an unknown identifier.
    pub fn around(
        &self,
        id: &StixId,
        depth: usize,
        filter: &Filter<'_>,
        max_nodes: usize,
    ) -> Option<Subgraph<'_, 'o>> {
        let start = *self.index.get(id)?;
        let chosen = self.chosen(filter);
        let mut order = vec![UNSEEN; self.nodes.len()];
        let mut found = vec![start];
        order[start as usize] = 0;
        let mut is_cut = false;
        let mut front = 0;
        for _ in 0..depth {
            let end = found.len();
            if front == end {
                break;
            }
            for at in front..end {
                for (other, _) in self.links(found[at], &chosen) {
                    if order[other as usize] != UNSEEN {
                        continue;
                    }
                    if found.len() >= max_nodes {
                        is_cut = true;
                        continue;
                    }
                    order[other as usize] = u32::try_from(found.len()).unwrap_or(UNSEEN - 1);
                    found.push(other);
                }
            }
            front = end;
        }
        let mut edges = Vec::new();
        let mut members = found.clone();
        for node in &found {
            let range = self.outgoing[*node as usize] as usize..self.outgoing[*node as usize + 1] as usize;
            for link in &self.edges[range] {
                if chosen.has(link) && order[link.to as usize] != UNSEEN {
                    edges.push(self.edge(*link));
                    members.extend(link.via);
                }
            }
        }
        members.sort_unstable();
        members.dedup();
        let objects = members.into_iter().filter_map(|node| self.nodes[node as usize].object).collect();
        Some(Subgraph { ids: found.into_iter().map(|node| self.id(node)).collect(), edges, is_cut, objects })
    }
}
