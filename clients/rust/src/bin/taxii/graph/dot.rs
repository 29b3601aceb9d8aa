//! The graph in the language of Graphviz.

use super::names::name;
use crate::failure::Failure;
use crate::out::Out;
use std::collections::BTreeSet;
use stix_model::StixId;
use stix_model::graph::{Edge, Graph};

/// Writes these objects, and the edges with all that they join.
pub(super) fn show<'g>(
    graph: &Graph<'_>,
    ids: &[&'g StixId],
    edges: impl Iterator<Item = Edge<'g>>,
    out: &mut Out,
) -> Result<bool, Failure> {
    out.line("digraph stix {\n  node [shape=box];")?;
    let mut shown = BTreeSet::new();
    let mut node = |id: &'g StixId, out: &mut Out| {
        if !shown.insert(id) {
            return Ok(());
        }
        let name = name(graph, id);
        let label = if name.is_empty() { id.as_str() } else { &name };
        let style = if graph.object(id).is_some() { "" } else { ", style=dashed" };
        out.line(format!(
            "  {} [label={}{style}];",
            quoted(id.as_str()),
            quoted(&format!("{}\n{label}", id.object_type()))
        ))
    };
    for id in ids {
        node(id, out)?;
    }
    for edge in edges {
        node(edge.from, out)?;
        node(edge.to, out)?;
        let [from, to] = [edge.from, edge.to].map(|id| quoted(id.as_str()));
        out.line(format!("  {from} -> {to} [label={}];", quoted(edge.label)))?;
    }
    out.line("}")?;
    Ok(true)
}

/// A string of that language; in labels, a backslash begins an escape.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
