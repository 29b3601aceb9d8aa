//! How many objects and edges there are, and what is missing.

use super::names::kind;
use crate::failure::Failure;
use crate::out::Out;
use serde_json::json;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use stix_model::StixId;
use stix_model::graph::{Direction, EdgeKind, Filter, Graph};

pub(super) fn show(graph: &Graph<'_>, out: &mut Out) -> Result<bool, Failure> {
    let mut types = BTreeMap::<&str, usize>::new();
    for object in graph.objects() {
        *types.entry(object.header().id.object_type()).or_default() += 1;
    }
    let mut edges = BTreeMap::<EdgeKind, BTreeMap<&str, usize>>::new();
    for edge in graph.all_edges() {
        *edges.entry(edge.kind).or_default().entry(edge.label).or_default() += 1;
    }
    let objects: usize = types.values().sum();
    let dangling = graph.dangling().count();
    if out.is_json() {
        let mut of = |kind| edges.remove(&kind).unwrap_or_default();
        let sightings: usize = of(EdgeKind::Sighting).values().sum();
        let [relationships, embedded] = [EdgeKind::Relationship, EdgeKind::Embedded].map(of);
        out.json(&json!({
            "objects": objects,
            "types": types,
            "relationships": relationships,
            "sightings": sightings,
            "embedded": embedded,
            "dangling": dangling,
        }))?;
        return Ok(true);
    }
    let mut rows: Vec<_> = types.iter().map(|(name, count)| (*count, *name)).collect();
    rows.sort_by_key(|row| Reverse(row.0));
    let rows: Vec<_> = rows.into_iter().map(|(count, name)| [name.to_owned(), count.to_string()]).collect();
    out.table(["TYPE", "OBJECTS"], &rows)?;
    let mut rows = Vec::new();
    for (edge_kind, labels) in &edges {
        let mut labels: Vec<_> = labels.iter().collect();
        labels.sort_by_key(|(_, count)| Reverse(**count));
        let row = |(label, count): (&&str, &usize)| {
            [(*label).to_owned(), kind(*edge_kind).to_owned(), count.to_string()]
        };
        rows.extend(labels.into_iter().map(row));
    }
    if !rows.is_empty() {
        out.line("")?;
        out.table(["LABEL", "KIND", "EDGES"], &rows)?;
    }
    out.remark(format!("{objects} objects; {dangling} more are referred to but not there (--dangling)"));
    Ok(true)
}

/// References may dangle (STIX 2.1, section 3.6), so what is missing is no fault.
pub(super) fn show_dangling(graph: &Graph<'_>, out: &mut Out) -> Result<bool, Failure> {
    // A relationship refers to its ends by properties of its own, so nothing is counted twice.
    let embedded = Filter::default().direction(Direction::Incoming).kinds(&[EdgeKind::Embedded]);
    let mut rows = Vec::new();
    for id in graph.dangling() {
        let referrers: BTreeSet<&StixId> = graph.edges(id, &embedded).map(|edge| edge.from).collect();
        if out.is_json() {
            out.json(&json!({ "id": id, "referred_by": referrers }))?;
            continue;
        }
        let first = referrers.first().map_or_else(String::new, ToString::to_string);
        let others =
            if referrers.len() > 1 { format!(" and {} more", referrers.len() - 1) } else { String::new() };
        rows.push([id.to_string(), format!("{first}{others}")]);
    }
    if !rows.is_empty() {
        out.table(["MISSING", "REFERRED TO BY"], &rows)?;
    }
    Ok(true)
}
