//! `taxii pull`

mod layout;
mod state;
mod target;

use crate::collection::{CollectionOption, Purpose};
use crate::failure::Failure;
use crate::filter::FilterOptions;
use crate::out::Out;
use crate::progress::Progress;
use crate::server::Server;
use layout::Layout;
use serde_json::json;
use state::Request;
use std::path::PathBuf;
use target::Target;
use taxii_client::{Error, Filter, Pages, Position, taxii::Envelope};
use uuid::Uuid;

/// Fetch all objects of a collection, or those that pass the filters
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each object is written as the server sent it. As JSON lines, line breaks inside an object, which JSON allows only
between its parts, become blanks; with --bundle not even they change.

With -o FILE, the place that was reached is kept in FILE.taxii-state after each page. Run the same command again to
go on where an interrupted pull stopped, or to fetch what was added since a finished one: no object is lost or
written twice. A new version of an object is added after the older ones, and nothing is taken out of the file. A
bundle is complete JSON whenever a pull has finished.

Examples:
  taxii pull -c mitre > mitre.jsonl
  taxii pull -c mitre -o mitre.jsonl                    # run it again at any time
  taxii pull -c mitre -o mitre.json --bundle
  taxii pull -c feed --type indicator --added-after 2026-01-01T00:00:00Z | jq -r .pattern")]
pub(crate) struct Arguments {
    #[command(flatten)]
    collection: CollectionOption,
    /// Write to this file; resumable and incremental
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write one STIX bundle instead of JSON lines
    #[arg(long)]
    bundle: bool,
    /// Forget what was fetched into the file before, and begin anew
    #[arg(long, requires = "output")]
    restart: bool,
    #[command(flatten)]
    filter: FilterOptions,
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let client = server.client()?;
    let collection = arguments.collection.choose(&client, Purpose::Read).await?;
    let filter = arguments.filter.filter();
    let pages = client.objects(&collection, filter.clone()).await?;
    let layout = match arguments.bundle {
        true => Layout::Bundle { id: Uuid::new_v4() },
        false => Layout::Lines,
    };
    let Some(path) = &arguments.output else { return to_stdout(pages, &layout, out).await };
    // How large the pages are may change from one pull to the next.
    let filters = Filter { limit: None, ..filter };
    let request = Request { url: pages.url().to_string(), collection, bundle: arguments.bundle, filters };
    let target = Target::open(path, request, layout, arguments.restart)?;
    to_file(pages, target, out).await
}

async fn to_stdout(mut pages: Pages<Envelope>, layout: &Layout, out: &mut Out) -> Result<(), Failure> {
    let progress = Progress::open_ended(out);
    let mut count = 0;
    while let Some(page) = pages.next().await? {
        out.raw(&layout.page(&page.objects, count))?;
        out.flush()?;
        count += page.objects.len() as u64;
        progress.add(page.objects.len());
    }
    out.raw(&layout.end(count))?;
    drop(progress);
    out.remark(format!("{count} objects"));
    Ok(())
}

async fn to_file(pages: Pages<Envelope>, mut target: Target, out: &mut Out) -> Result<(), Failure> {
    let before = target.objects();
    if before > 0 {
        out.remark(format!("going on after {before} objects"));
    }
    let mut pages = pages.starting_at(target.position().clone());
    let progress = Progress::open_ended(out);
    loop {
        let page = match pages.next().await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            Err(error) => return Err(stopped(error, pages.position())),
        };
        target.write(&page.objects, pages.position())?;
        progress.add(page.objects.len());
    }
    drop(progress);
    target.finish()?;
    let (objects, new) = (target.objects(), target.objects() - before);
    if out.is_json() {
        out.json(&json!({ "file": target.path(), "objects": objects, "new": new }))?;
    }
    out.remark(format!("{}: {objects} objects, {new} of them new", target.path().display()));
    Ok(())
}

/// Servers may forget the places that they gave out; only beginning anew helps then.
fn stopped(error: Error, position: &Position) -> Failure {
    match &error {
        Error::Refused { status: 400 | 404 | 410 | 422, .. } if position.next.is_some() => {
            let hint = "the server may have forgotten the place to go on from; --restart begins anew";
            Failure::Failed(format!("{error}\n{hint}"))
        }
        _ => error.into(),
    }
}
