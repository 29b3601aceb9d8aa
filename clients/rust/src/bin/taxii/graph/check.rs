//! Relationships against the table of the standard.

use crate::failure::Failure;
use crate::out::Out;
use serde_json::json;
use stix_model::graph::{EdgeKind, Graph, RelationshipDefinition, is_defined};

/// Lists what the standard does not define, and says whether all is well.
pub(super) fn show(graph: &Graph<'_>, out: &mut Out) -> Result<bool, Failure> {
    let (mut checked, mut found) = (0, 0);
    for edge in graph.all_edges().filter(|edge| edge.kind == EdgeKind::Relationship) {
        checked += 1;
        let [source, target] = [edge.from, edge.to].map(stix_model::StixId::object_type);
        let definition = is_defined(source, edge.label, target);
        let Some((word, message)) = explain(definition, edge.label) else { continue };
        found += 1;
        let id = edge.via.map_or("", |id| id.as_str());
        if out.is_json() {
            out.json(&json!({
                "id": id,
                "source_ref": edge.from,
                "relationship_type": edge.label,
                "target_ref": edge.to,
                "definition": word,
                "message": message,
            }))?;
        } else {
            out.line(format!("{id}: {source} {} {target}: {message}", edge.label))?;
        }
    }
    out.flush()?;
    out.remark(format!("{checked} relationships, {found} that the standard does not define"));
    Ok(found == 0)
}

/// What is to be said of a relationship; nothing when it is defined, or when only a type of an extension could define
/// it.
fn explain(definition: RelationshipDefinition, label: &str) -> Option<(&'static str, String)> {
    use RelationshipDefinition as Is;
    Some(match definition {
        Is::Specified | Is::Common | Is::CustomType => return None,
        Is::Renamed(name) => ("renamed", format!("the standard calls it `{name}` now")),
        Is::TypesDiffer => ("types-differ", format!("`{label}` stands between objects of one type")),
        Is::NotDefined => ("not-defined", "the standard does not define it between these types".to_owned()),
        Is::ImpossibleEnd => {
            let message = "relationships stand between domain and cyber-observable objects only";
            ("impossible-end", message.to_owned())
        }
    })
}
