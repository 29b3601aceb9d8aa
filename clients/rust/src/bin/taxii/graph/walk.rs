//! What is around an object, and ways between two.

use super::names::{links, name};
use crate::failure::Failure;
use crate::out::Out;
use serde_json::json;
use std::collections::BTreeMap;
use stix_model::StixId;
use stix_model::graph::{Filter, Graph, Subgraph};

/// More objects are not shown at once.
const MAX_NODES: usize = 100_000;

/// What is around an object; nothing, and a complaint, when nobody knows it.
pub(super) fn around<'g, 'o>(
    graph: &'g Graph<'o>,
    id: &StixId,
    depth: usize,
    filter: &Filter<'_>,
    out: &Out,
) -> Option<Subgraph<'g, 'o>> {
    let around = graph.around(id, depth, filter, MAX_NODES);
    match &around {
        None => out.complain(format!("{id} is neither there nor referred to")),
        Some(around) if around.is_cut => {
            out.complain(format!("only the nearest {MAX_NODES} objects are shown"))
        }
        Some(_) => {}
    }
    around
}

pub(super) fn show_around(
    graph: &Graph<'_>,
    id: &StixId,
    depth: usize,
    around: &Subgraph<'_, '_>,
    out: &mut Out,
) -> Result<bool, Failure> {
    if out.is_json() {
        out.json(&json!({
            "id": id,
            "depth": depth,
            "is_cut": around.is_cut,
            "ids": around.ids,
            "edges": links(&around.edges),
        }))?;
        return Ok(true);
    }
    // An object is read for its name, and may have many edges.
    let names: BTreeMap<_, _> = around.ids.iter().map(|id| (*id, name(graph, id))).collect();
    let row = |edge: &stix_model::graph::Edge<'_>| {
        let name_of = |id| names.get(id).cloned().unwrap_or_default();
        let [from, to] = [edge.from, edge.to];
        [from.to_string(), name_of(from), edge.label.to_owned(), to.to_string(), name_of(to)]
    };
    let rows: Vec<_> = around.edges.iter().map(row).collect();
    if !rows.is_empty() {
        out.table(["FROM", "NAME", "EDGE", "TO", "NAME"], &rows)?;
    }
    out.flush()?;
    out.remark(format!("{} objects, {} edges", around.ids.len(), rows.len()));
    Ok(true)
}

pub(super) fn show_path(
    graph: &Graph<'_>,
    from: &StixId,
    to: &StixId,
    filter: &Filter<'_>,
    max_steps: usize,
    out: &mut Out,
) -> Result<bool, Failure> {
    let path = graph.path(from, to, filter, max_steps);
    if out.is_json() {
        let ids = path.as_ref().map(|path| &path.ids);
        let edges = path.as_ref().map(|path| links(&path.edges));
        out.json(&json!({ "from": from, "to": to, "ids": ids, "edges": edges }))?;
        return Ok(path.is_some());
    }
    let Some(path) = path else {
        out.complain(format!("no way from {from} to {to}"));
        return Ok(false);
    };
    let text = |id: &StixId| format!("{id}  {}", name(graph, id)).trim_end().to_owned();
    out.line(text(from))?;
    for (edge, id) in path.edges.iter().zip(&path.ids[1..]) {
        // The way may lead against the direction of an edge.
        let arrow = if edge.to == *id { "→" } else { "←" };
        out.line(format!("  {arrow} {}", edge.label))?;
        out.line(text(id))?;
    }
    Ok(true)
}
