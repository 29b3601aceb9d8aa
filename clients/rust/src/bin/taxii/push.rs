//! `taxii push`

mod interrupts;
mod lookup;
mod sender;
mod summary;

use crate::collection::{CollectionOption, Purpose};
use crate::failure::Failure;
use crate::input::{Found, InputOptions};
use crate::out::Out;
use crate::progress::Progress;
use crate::server::Server;
use interrupts::Interrupts;
use sender::{Pending, Sender, Target};
use std::time::Duration;
use summary::Summary;
use taxii_client::{Client, Error, Packing};
use tokio::time::Instant;

/// Add the objects of files to a collection
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Objects are sent as they stand in the files. What the server holds already is no failure, so an interrupted push can
simply be run again; Ctrl-C shows what was done until then, and a second one ends at once. Objects that await a decision
are reported as pending; `taxii status` tells what became of them.

An envelope that is refused as a whole is halved until the objects at fault are alone, and all others are added. Where no
usable answer came, the objects count as unknown, unless the collection shows that it has them; run the push again.

What fails is shown as FILE:LINE:COLUMN, the object and what is wrong; of a compressed file, the lines inside count. With
--json, `failures` has {\"file\",\"line\",\"column\",\"id\",\"version\",\"pointer\",\"code\",\"rule\",\"message\",\"fix\",\"more\"} of each,
and `unknowns` the same of what has an unknown outcome.

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
    /// Objects in one envelope, at most
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    max_objects: u32,
    /// Bytes in one envelope, at most, however much the server takes; a larger object is sent alone
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    max_bytes: u64,
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    // The client first, because the password may stand before the objects on standard input.
    let client = server.client()?;
    let mut summary = Summary::default();
    let objects = read(&arguments.input, &mut summary, out)?;
    let (client, collection) = arguments.collection.choose(client, Purpose::Write).await?;
    summary.not_sent = objects.len() as u64;
    let mut pending = Vec::new();
    let interrupts = Interrupts::watch();
    let sent = match target(arguments, &client, &collection, &objects).await {
        Ok(target) => {
            let progress = Progress::of(objects.len(), out);
            let mut sender = Sender::new(&client, target, &mut summary, &mut pending, &progress);
            tokio::select! {
                biased;
                () = interrupts.first() => Err(Failure::Interrupted),
                sent = sender.send(&objects) => sent,
            }
        }
        Err(failure) => Err(failure),
    };
    summary.lose(&objects, "interrupted");
    let wait = Duration::from_secs(if sent.is_ok() { arguments.wait } else { 0 });
    let settled = settle(&client, pending, wait, &mut summary, &interrupts, out).await;
    interrupts.end_with_next();
    // What was done is told even when the server went away in the middle.
    let shown = summary.show(out);
    sent.and(settled)?;
    Failure::verdict(shown, summary.failure == 0 && summary.unknown == 0)
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

/// Learns what the collection takes.
async fn target(
    arguments: &Arguments,
    client: &Client,
    collection: &str,
    objects: &[Found],
) -> Result<Target, Failure> {
    let packing = Packing::new(arguments.max_bytes, arguments.max_objects as usize);
    let id = collection.to_owned();
    if objects.is_empty() {
        return Ok(Target { collection: id, can_read: false, max_content_length: u64::MAX, packing });
    }
    // Many servers refuse without reading the body, and what they say is then lost with the connection.
    let resource = client.collection(collection).await?;
    if !resource.can_write {
        return Err(Failure::Failed(format!(
            "{collection}: this account may not add objects to the collection"
        )));
    }
    let max_content_length = match client.api_root().await {
        Ok(root) => root.max_content_length,
        // Some servers keep the API root from accounts that may well write into a collection of it.
        Err(Error::Refused { status: 403..=406, .. } | Error::NotTaxii { .. }) => u64::MAX,
        Err(error) => return Err(error.into()),
    };
    let packing = Packing::new(packing.max_bytes.min(max_content_length), packing.max_objects);
    Ok(Target { collection: id, can_read: resource.can_read, max_content_length, packing })
}

/// Waits for what is pending, and counts it, decided or not.
async fn settle(
    client: &Client,
    pending: Vec<Pending<'_>>,
    at_most: Duration,
    summary: &mut Summary,
    interrupts: &Interrupts,
    out: &Out,
) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut outcome = Ok(());
    for Pending { mut status, sent } in pending {
        let remaining = at_most.saturating_sub(begin.elapsed());
        // A server that gave no identifier cannot be asked.
        if outcome.is_ok() && !status.id.is_empty() {
            let settled = tokio::select! {
                biased;
                () = interrupts.first() => {
                    outcome = Err(Failure::Interrupted);
                    Ok(status.clone())
                }
                settled = client.wait_for_status(status.clone(), remaining) => settled,
            };
            match settled {
                Ok(settled) => status = settled,
                // The objects stay pending, which is no failure; not every server tells what becomes of them.
                Err(error @ (Error::Refused { status: 400..=499, .. } | Error::NotTaxii { .. })) => {
                    out.remark(error)
                }
                Err(error) => outcome = Err(error.into()),
            }
        }
        summary.count(status, sent);
    }
    outcome
}
