//! `taxii push`

use crate::collection::{CollectionOption, Purpose};
use crate::failure::Failure;
use crate::input::InputOptions;
use crate::out::Out;
use crate::progress::Progress;
use crate::server::Server;
use serde::Serialize;
use std::time::Duration;
use stix_model::Object;
use taxii_client::taxii::{Status, StatusDetails, StatusState, write_envelope};
use taxii_client::{Client, Packing};
use tokio::time::Instant;
use uuid::Uuid;

/// Objects in one envelope, at most: enough that the way to the server costs little, few enough that the progress
/// is seen and a refused envelope costs little.
const MAX_OBJECTS: usize = 1000;

/// Bytes in one envelope, at most, however much the server takes; each object is far smaller than this.
const MAX_BYTES: u64 = 8 << 20;

/// Add the objects of files to a collection
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Objects are sent as they stand in the files. What the server holds already is no failure, so an interrupted push can
simply be run again. Objects that await a decision are reported as pending; `taxii status` tells what became of them.

Examples:
  taxii push -c drafts bundle.json
  taxii push -c drafts --wait 0 feed-*.jsonl.gz
  taxii --json push -c drafts bundle.json | jq '.failures[]'")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: InputOptions,
    #[command(flatten)]
    collection: CollectionOption,
    /// Wait so many seconds, in all, for the server to decide on what is pending
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
}

/// What became of the objects.
#[derive(Debug, Default, Serialize)]
struct Summary {
    total: u64,
    success: u64,
    failure: u64,
    pending: u64,
    /// Objects that the push did not come to, because something stopped it.
    not_sent: u64,
    /// Requests with pending objects, to be asked for later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pending_status: Vec<Uuid>,
    failures: Vec<StatusDetails>,
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    // The client first, because the password may stand before the objects on standard input.
    let client = server.client()?;
    let mut summary = Summary::default();
    let objects = read(&arguments.input, &mut summary, out)?;
    let collection = arguments.collection.choose(&client, Purpose::Write).await?;
    summary.not_sent = objects.len() as u64;
    let mut pending = Vec::new();
    let sent = send(&client, &collection, &objects, &mut summary, &mut pending, out).await;
    let wait = Duration::from_secs(if sent.is_ok() { arguments.wait } else { 0 });
    let settled = settle(&client, pending, wait, &mut summary).await;
    // What was done is told even when the server went away in the middle.
    show(&summary, out)?;
    sent.and(settled)?;
    Failure::shown_unless(summary.failure == 0)
}

/// Reads everything before anything is sent: a file that is missing is then no half-done push.
fn read(input: &InputOptions, summary: &mut Summary, out: &mut Out) -> Result<Vec<Object>, Failure> {
    let mut objects = Vec::new();
    input.each(out, |text, _| {
        let elements = text.objects();
        summary.total += elements.len() as u64;
        for element in elements {
            match element {
                Ok(object) => objects.push(object),
                Err(bad) => {
                    let message = format!("not sent: {}", bad.message);
                    summary.fail(bad.id.unwrap_or(bad.place), bad.version.unwrap_or_default(), message);
                }
            }
        }
        Ok(())
    })?;
    Ok(objects)
}

/// Sends the objects, and collects what is still pending.
async fn send(
    client: &Client,
    collection: &str,
    mut rest: &[Object],
    summary: &mut Summary,
    pending: &mut Vec<Status>,
    out: &Out,
) -> Result<(), Failure> {
    if rest.is_empty() {
        return Ok(());
    }
    // Many servers refuse without reading the body, and what they say is then lost with the connection.
    if !client.collection(collection).await?.can_write {
        return Err(Failure::Failed(format!(
            "{collection}: this account may not add objects to the collection"
        )));
    }
    let max_content_length = client.api_root().await?.max_content_length;
    let packing = Packing { max_bytes: max_content_length.min(MAX_BYTES), max_objects: MAX_OBJECTS };
    let progress = Progress::of(rest.len(), out);
    while let Some(first) = rest.first() {
        let (envelope, after) = rest.split_at(packing.first_envelope(rest));
        if envelope.is_empty() {
            let message = format!("not sent: the server takes at most {max_content_length} bytes");
            let version = first.header().version().map_or_else(String::new, ToString::to_string);
            summary.not_sent -= 1;
            summary.fail(first.header().id.to_string(), version, message);
            rest = &rest[1..];
            continue;
        }
        let body = write_envelope(None, envelope.iter().map(|object| &object.json()[..]));
        let status = client.add_objects(collection, body).await?;
        summary.not_sent -= envelope.len() as u64;
        if status.status == StatusState::Pending {
            pending.push(status);
        } else {
            summary.count(status);
        }
        progress.add(envelope.len());
        rest = after;
    }
    Ok(())
}

/// Waits for what is pending, and counts it, decided or not.
async fn settle(
    client: &Client,
    pending: Vec<Status>,
    at_most: Duration,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut outcome = Ok(());
    for mut status in pending {
        let left = at_most.saturating_sub(begin.elapsed());
        if outcome.is_ok() {
            match client.wait_for_status(status.clone(), left).await {
                Ok(settled) => status = settled,
                Err(error) => outcome = Err(error.into()),
            }
        }
        summary.count(status);
    }
    outcome
}

impl Summary {
    fn count(&mut self, status: Status) {
        // The numbers are the server's, and no number of a server may stop this program.
        let add = |sum: &mut u64, count| *sum = sum.saturating_add(count);
        add(&mut self.success, status.success_count);
        add(&mut self.failure, status.failure_count);
        add(&mut self.pending, status.pending_count);
        self.failures.extend(status.failures);
        if status.status == StatusState::Pending {
            self.pending_status.push(status.id);
        }
    }

    fn fail(&mut self, id: String, version: String, message: String) {
        self.failure += 1;
        self.failures.push(StatusDetails { id, version, message: Some(message) });
    }
}

fn show(summary: &Summary, out: &mut Out) -> Result<(), Failure> {
    if out.is_json() {
        return Ok(out.json(summary)?);
    }
    for failure in &summary.failures {
        let message = failure.message.as_deref().unwrap_or("(no reason given)");
        out.line(format!("failed  {}  {}  {message}", failure.id, failure.version))?;
    }
    let Summary { total, success, failure, pending, not_sent, .. } = summary;
    let rest = if *not_sent > 0 { format!(", {not_sent} not sent") } else { String::new() };
    out.line(format!("{success} of {total} objects added, {failure} failed, {pending} pending{rest}"))?;
    for id in &summary.pending_status {
        out.line(format!("pending: taxii status {id}"))?;
    }
    Ok(())
}
