//! `taxii pattern match`

mod cases;

use crate::failure::Failure;
use crate::input::{Fault, InputOptions, LIMITS, Text, text_of};
use crate::out::Out;
use bytes::Bytes;
use serde::Serialize;
use stix_model::bundle::{Form, Parts};
use stix_model::json::{Document, Value};
use stix_model::pattern::{CompiledPattern, MatchLimits, Observations, Pattern};

/// Match patterns against observed data
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --pattern, the objects of all files are observed together, though references stay inside a bundle. The identifiers
of the objects that match are printed, one on each line, when there is a match. A pattern is matched against
`observed-data` with the observables they refer to; with --objects, each cyber-observable object is an observation of
its own, made once, nobody knows when.

Without --pattern, each line of the files is a case by itself: {\"pattern\":…,\"bundles\":[…]}.

With --json, each case has one line, in the order of the input:
  {\"line\",\"match\",\"object_ids\",\"error\",\"observed_data_ids\"}
A pattern that is not valid matches nothing; `match` is null when nobody knows, and `error` says why.

Exit codes: 0 match, and with several cases all of them; 1 no match, or a case that is not valid; 2 the command or its
pattern was not understood, there was no answer, or a file cannot be read.

Examples:
  taxii pattern match --pattern \"[ipv4-addr:value ISSUBSET '198.51.100.0/24']\" observed.json
  taxii pattern match --objects --pattern \"[url:value LIKE '%.example/%']\" feed.jsonl && echo seen
  taxii pattern match --json cases.jsonl | jq 'select(.match)'")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: InputOptions,
    /// The pattern
    #[arg(long)]
    pattern: Option<String>,
    /// Take each cyber-observable object for an observation, instead of observed data
    #[arg(long, requires = "pattern")]
    objects: bool,
}

/// The answer to one case.
#[derive(Serialize)]
struct Row {
    line: usize,
    r#match: Option<bool>,
    object_ids: Vec<String>,
    error: Option<String>,
    observed_data_ids: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    let Some(pattern) = &arguments.pattern else { return cases::run(&arguments.input, out) };
    let compiled = compile(pattern).map_err(|(_, error)| Failure::Usage(format!("--pattern: {error}")))?;
    let mut texts = Vec::new();
    arguments.input.each(out, |text, _| {
        let unusable = |fault: Fault| Failure::Input(format!("{}: {}", text.file, fault.message()));
        let document = text.read(LIMITS).map_err(unusable)?;
        text.parts(document.root()).map_err(unusable)?;
        texts.push(Source::of(text));
        Ok(())
    })?;
    let mut documents = Vec::new();
    for source in &texts {
        let document = Document::read(&source.bytes, LIMITS)
            .map_err(|error| Failure::Input(format!("{}: {error}", source.place)))?;
        documents.push(document);
    }
    let observations = if arguments.objects { each_object(&documents) } else { observed_data(&documents) };
    let row = answer(1, &compiled, &observations);
    if let Some(error) = row.error {
        return Err(Failure::Input(error));
    }
    if out.is_json() {
        out.json(&row)?;
    } else {
        row.object_ids.iter().try_for_each(|id| out.line(id))?;
    }
    Failure::shown_unless(row.r#match == Some(true))
}

/// A text that is kept, and where it came from.
struct Source {
    bytes: Bytes,
    place: String,
}

impl Source {
    fn of(text: &Text<'_>) -> Self {
        let line = if text.is_line { format!(":{}", text.line) } else { String::new() };
        Self { bytes: text.bytes.clone(), place: format!("{}{line}", text.file) }
    }
}

/// References stay inside a bundle or the like; objects that stand by themselves, as in JSON lines, belong together.
fn observed_data<'d>(documents: &'d [Document<'d>]) -> Observations<'d> {
    let mut observations = Observations::new();
    let mut alone = Vec::new();
    for parts in documents.iter().map(|document| Parts::of(document.root())) {
        if parts.form == Form::Object {
            alone.push(parts.root);
        } else {
            observations.add_objects(parts.objects());
        }
    }
    observations.add_objects(alone);
    observations
}

fn each_object<'d>(documents: &'d [Document<'d>]) -> Observations<'d> {
    let mut observations = Observations::new();
    let parts = documents.iter().map(|document| Parts::of(document.root()));
    let objects = parts.flat_map(|parts| parts.objects().collect::<Vec<_>>());
    objects.filter(|object| is_observable(*object)).for_each(|object| observations.add_object(object));
    observations
}

/// Of a type of the standard; those of extensions are not known.
fn is_observable(object: Value<'_>) -> bool {
    let object_type = text_of(object, "type");
    object_type.is_some_and(|name| stix_model::sco_id::contributing_properties(&name).is_some())
}

/// Prepares a pattern. Without one, says whether the pattern matches nothing for sure, and what is wrong.
fn compile(text: &str) -> Result<CompiledPattern, (Option<bool>, String)> {
    let pattern = Pattern::parse(text).map_err(|error| (Some(false), error.to_string()))?;
    pattern.compile(MatchLimits::default()).map_err(|error| {
        use stix_model::pattern::CompileError;
        (matches!(error, CompileError::Invalid(_)).then_some(false), error.to_string())
    })
}

fn answer(line: usize, pattern: &CompiledPattern, observations: &Observations<'_>) -> Row {
    let row = Row { line, r#match: None, object_ids: vec![], error: None, observed_data_ids: vec![] };
    match pattern.matches(observations) {
        Err(error) => Row { error: Some(error.to_string()), ..row },
        Ok(None) => Row { r#match: Some(false), ..row },
        Ok(Some(found)) => {
            let mut object_ids: Vec<String> = Vec::new();
            for part in found.parts() {
                if !object_ids.iter().any(|id| id == part.object) {
                    object_ids.push(part.object.to_owned());
                }
            }
            let observed_data_ids = found.ids().map(str::to_owned).collect();
            Row { r#match: Some(true), object_ids, observed_data_ids, ..row }
        }
    }
}
