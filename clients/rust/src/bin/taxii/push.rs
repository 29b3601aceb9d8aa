//! `taxii push`

mod summary;

use crate::collection::{CollectionOption, Purpose};
use crate::failure::Failure;
use crate::input::{Found, InputOptions};
use crate::out::Out;
use crate::progress::Progress;
use crate::server::Server;
use std::time::Duration;
use summary::Summary;
use taxii_client::taxii::{Status, StatusState, write_envelope};
use taxii_client::{Client, Packing};
use tokio::time::Instant;

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

What fails is shown as FILE:LINE:COLUMN, the object and what is wrong; of a compressed file, the lines inside count. With
--json, `failures` has {\"file\",\"line\",\"column\",\"id\",\"version\",\"pointer\",\"code\",\"rule\",\"message\",\"fix\",\"more\"} of each.

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
    summary.show(out)?;
    sent.and(settled)?;
    Failure::shown_unless(summary.failure == 0)
}

/// Reads everything before anything is sent: a file that is missing is then no half-done push.
fn read(input: &InputOptions, summary: &mut Summary, out: &mut Out) -> Result<Vec<Found>, Failure> {
    let mut objects = Vec::new();
    input.each(out, |text, _| {
        let elements = text.objects();
        summary.total += elements.len() as u64;
        for element in elements {
            match element {
                Ok(found) => objects.push(found),
                Err(bad) => summary.add_bad(bad),
            }
        }
        Ok(())
    })?;
    Ok(objects)
}

/// An envelope that the server has not decided on.
struct Pending<'o> {
    status: Status,
    sent: &'o [Found],
}

/// Sends the objects, and collects what is still pending.
async fn send<'o>(
    client: &Client,
    collection: &str,
    mut rest: &'o [Found],
    summary: &mut Summary,
    pending: &mut Vec<Pending<'o>>,
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
        let (envelope, after) = rest.split_at(packing.first_envelope(rest.iter().map(text)));
        if envelope.is_empty() {
            summary.not_sent -= 1;
            summary.add_too_large(first, max_content_length);
            rest = &rest[1..];
            continue;
        }
        let body = write_envelope(None, envelope.iter().map(text));
        let status = client.add_objects(collection, body).await?;
        summary.not_sent -= envelope.len() as u64;
        if status.status == StatusState::Pending {
            pending.push(Pending { status, sent: envelope });
        } else {
            summary.count(status, envelope);
        }
        progress.add(envelope.len());
        rest = after;
    }
    Ok(())
}

/// Waits for what is pending, and counts it, decided or not.
async fn settle(
    client: &Client,
    pending: Vec<Pending<'_>>,
    at_most: Duration,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut outcome = Ok(());
    for Pending { mut status, sent } in pending {
        let left = at_most.saturating_sub(begin.elapsed());
        if outcome.is_ok() {
            match client.wait_for_status(status.clone(), left).await {
                Ok(settled) => status = settled,
                Err(error) => outcome = Err(error.into()),
            }
        }
        summary.count(status, sent);
    }
    outcome
}

fn text(found: &Found) -> &[u8] {
    found.object.json()
}
