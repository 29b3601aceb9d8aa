//! `taxii graph`

mod check;
mod dot;
mod names;
mod summary;
mod walk;

use crate::failure::Failure;
use crate::input::InputOptions;
use crate::out::Out;
use stix_model::graph::{Filter, Graph, GraphOptions};
use stix_model::validate::Finding;
use stix_model::{Object, StixId};

/// See objects as a graph: counts, what lies around an object, ways between two, references that lead nowhere
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Of several versions of one object the latest counts. Edges are relationships and sightings, which are followed both
ways; with --embedded also references such as created_by_ref.

With --json, there is one value: of --around {\"id\",\"depth\",\"is_cut\",\"ids\",\"edges\":[{\"from\",\"label\",\"to\",\"kind\",\"via\"}]},
of --path {\"from\",\"to\",\"ids\",\"edges\"} with nulls when there is no way, without either the counts. --dangling writes
one line for each missing object, --check one for each relationship.

Exit codes: 0 all is well; 1 something is no object, an object is not there, there is no way, or --check found something;
2 the command was not understood, or a file cannot be read.

Examples:
  taxii graph attack.json
  taxii graph attack.json --around malware--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061 --depth 2
  taxii graph *.json --path campaign--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f tool--242f3da3-4425-4d11-8f5c-b842886da966
  taxii graph feed.jsonl --json --dangling | jq -r .id
  taxii graph bundle.json --check
  taxii graph bundle.json --dot | dot -Tsvg > graph.svg")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: InputOptions,
    #[command(flatten)]
    question: Question,
    /// Edges from the object at most, or on the way at most [default: 1 around an object, any number on a way]
    #[arg(long, value_name = "N", conflicts_with_all = ["dangling", "check"])]
    depth: Option<usize>,
    /// Follow the references inside objects as well
    #[arg(long, conflicts_with_all = ["dangling", "check"])]
    embedded: bool,
    /// Write the graph, or what is around the object, for Graphviz
    #[arg(long, conflicts_with_all = ["dangling", "check", "path", "json"])]
    dot: bool,
}

/// What is asked; the counts when nothing is.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Question {
    /// Show what is around this object
    #[arg(long, value_name = "ID")]
    around: Option<StixId>,
    /// Show a shortest way between two objects
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"])]
    path: Option<Vec<StixId>>,
    /// List the identifiers that are referred to but not there
    #[arg(long)]
    dangling: bool,
    /// List the relationships that the standard does not define between such objects
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    let mut objects = Vec::new();
    let mut is_all_well = true;
    arguments.input.each(out, |text, out| {
        for element in text.objects() {
            match element {
                Ok(found) => objects.push(found.object),
                Err(bad) => {
                    is_all_well = false;
                    let id = bad.id.map_or_else(String::new, |id| format!("{id}: "));
                    let Finding { pointer, message, .. } = *bad.finding;
                    let separator = if pointer.is_empty() { "" } else { ": " };
                    out.complain(format!("{}: left out: {id}{pointer}{separator}{message}", bad.place));
                }
            }
        }
        Ok(())
    })?;
    is_all_well &= answer(arguments, &objects, out)?;
    Failure::shown_unless(is_all_well)
}

/// Shows what is asked for, and says whether all is well.
fn answer(arguments: &Arguments, objects: &[Object], out: &mut Out) -> Result<bool, Failure> {
    let graph =
        Graph::new(objects, GraphOptions::default()).map_err(|error| Failure::Input(error.to_string()))?;
    let filter = if arguments.embedded { Filter::ALL } else { Filter::default() };
    match &arguments.question {
        Question { around: Some(id), .. } => {
            let depth = arguments.depth.unwrap_or(1);
            let Some(around) = walk::around(&graph, id, depth, &filter, out) else { return Ok(false) };
            if arguments.dot {
                return dot::show(&graph, &around.ids, around.edges.iter().copied(), out);
            }
            walk::show_around(&graph, id, depth, &around, out)
        }
        Question { path: Some(ends), .. } => {
            let max_steps = arguments.depth.unwrap_or(usize::MAX);
            walk::show_path(&graph, &ends[0], &ends[1], &filter, max_steps, out)
        }
        Question { dangling: true, .. } => summary::show_dangling(&graph, out),
        Question { check: true, .. } => check::show(&graph, out),
        _ if arguments.dot => {
            let edges = graph.all_edges().filter(|edge| filter.kinds.contains(&edge.kind));
            dot::show(&graph, &[], edges, out)
        }
        _ => summary::show(&graph, out),
    }
}
