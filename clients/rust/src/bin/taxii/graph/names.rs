//! How objects and edges are called.

use serde::Serialize;
use stix_model::StixId;
use stix_model::graph::{Edge, EdgeKind, Graph};

/// Longer names are cut.
const MAX_NAME: usize = 60;

/// What people call an object: a property that says what it is; empty when there is none.
pub(super) fn name(graph: &Graph<'_>, id: &StixId) -> String {
    let Some(object) = graph.object(id) else { return String::new() };
    let document = object.document();
    let properties = ["name", "value", "path", "key", "subject", "user_id", "abstract", "opinion"];
    let text = properties.iter().find_map(|property| document.root().get(property)?.as_str());
    let text = text.unwrap_or_default().replace(['\n', '\r', '\t'], " ");
    match text.char_indices().nth(MAX_NAME) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// An edge for programs.
#[derive(Serialize)]
pub(super) struct Link<'g> {
    from: &'g StixId,
    label: &'g str,
    to: &'g StixId,
    kind: &'static str,
    via: Option<&'g StixId>,
}

pub(super) fn links<'g>(edges: &[Edge<'g>]) -> Vec<Link<'g>> {
    let link = |edge: &Edge<'g>| Link {
        from: edge.from,
        label: edge.label,
        to: edge.to,
        kind: kind(edge.kind),
        via: edge.via,
    };
    edges.iter().map(link).collect()
}

pub(super) fn kind(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Relationship => "relationship",
        EdgeKind::Sighting => "sighting",
        EdgeKind::Embedded => "embedded",
    }
}
