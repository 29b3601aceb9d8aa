//! `taxii pull`

mod layout;
mod state;
mod target;
mod walk;

use crate::collection::{CollectionOption, Purpose};
use crate::failure::Failure;
use crate::filter::FilterOptions;
use crate::out::Out;
use crate::progress::Progress;
use crate::server::Server;
use layout::Layout;
use serde_json::json;
use state::Request;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use target::{Packing, Target};
use taxii_client::{Error, Position};
use uuid::Uuid;
use walk::Walk;

/// Fetch all objects of a collection, or those that pass the filters
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each object is written as the server sent it. As JSON lines, line breaks inside an object, which JSON allows only
between its parts, become blanks; with --bundle not even they change.

With -o FILE, the place that was reached is kept in FILE.taxii-state after each page. Run the same command again to
go on where an interrupted pull stopped, or to fetch what was added since a finished one: no object is lost or
written twice. A new version of an object is added after the older ones, and nothing is taken out of the file. A
bundle is complete JSON whenever a pull has finished. A name that ends in .gz or .zst compresses the file. Before the
first page has come, nothing is written.

Examples:
  taxii pull -c mitre > mitre.jsonl
  taxii pull -c mitre -o mitre.jsonl.gz                 # run it again at any time
  taxii pull -c mitre -o mitre.json --bundle
  taxii pull -c feed --type indicator --added-after 7d | jq -r .pattern")]
pub(crate) struct Arguments {
    #[command(flatten)]
    collection: CollectionOption,
    /// Write to this file; resumable and incremental, and compressed when it is named .gz or .zst
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
    arguments.filter.advise(out);
    let (client, collection) = arguments.collection.choose(server.client()?, Purpose::Read).await?;
    let mut filter = arguments.filter.filter();
    let mut since = Position::default();
    since.added_after = filter.added_after.take();
    let mut parts = Vec::new();
    // The time stands in the positions, which a file keeps, because `7d` is another time tomorrow.
    for part in filter.split() {
        parts.push(client.objects(&collection, part).await?.starting_at(since.clone()));
    }
    let url = parts.first().map_or_else(String::new, |pages| pages.url().to_string());
    let walk = Walk::new(parts);
    let layout = match arguments.bundle {
        true => Layout::Bundle { id: Uuid::new_v4() },
        false => Layout::Lines,
    };
    let output = arguments.output.as_ref().filter(|path| path.as_os_str() != "-");
    let device =
        output.filter(|path| fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()));
    if arguments.restart && (output.is_none() || device.is_some()) {
        let name = output.map_or_else(|| "standard output".into(), |path| path.display().to_string());
        return Err(Failure::Usage(format!(
            "{name}: keeps nothing that could be forgotten; leave out --restart, or name a regular file"
        )));
    }
    let Some(path) = output.filter(|path| !is_stdout(path)) else {
        return to_stream(walk, &layout, out, |text, out| Ok(out.raw(text)?)).await.map(drop);
    };
    if path.is_dir() {
        return Err(Failure::Usage(format!("{}: is a folder; name a file in it", path.display())));
    }
    // A pipe or a device keeps no place to go on from, and no state may stand beside it.
    if device.is_some() {
        return to_device(walk, &layout, path, out).await;
    }
    // How large the pages are may change from one pull to the next.
    let mut filters = arguments.filter.typed();
    filters.limit = None;
    let request = Request { url, collection, bundle: arguments.bundle, filters };
    to_file(walk, &target::Place { path, request, layout, restart: arguments.restart }, out).await
}

/// Says whether a path names the pipe, terminal or device that standard output is, as `/dev/stdout` does.
#[cfg(unix)]
fn is_stdout(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same =
        |(a, b): (fs::Metadata, fs::Metadata)| (a.dev(), a.ino()) == (b.dev(), b.ino()) && !a.is_file();
    fs::metadata(path).ok().zip(fs::metadata("/dev/stdout").ok()).is_some_and(same)
}

#[cfg(not(unix))]
fn is_stdout(_: &Path) -> bool {
    false
}

async fn to_device(walk: Walk, layout: &Layout, path: &Path, out: &mut Out) -> Result<(), Failure> {
    let at = |error: io::Error| match error.kind() {
        // Who reads it has enough, as with standard output.
        io::ErrorKind::BrokenPipe => Failure::Output(error),
        _ => Failure::file(path, error),
    };
    let mut file = fs::File::options().write(true).open(path).map_err(&at)?;
    let packing = Packing::of(path);
    let write =
        |text: &[u8], _: &mut Out| packing.pack(text).and_then(|packed| file.write_all(&packed)).map_err(&at);
    let objects = to_stream(walk, layout, out, write).await?;
    if out.is_json() {
        out.json(&json!({ "file": path.to_string_lossy(), "objects": objects, "new": objects }))?;
    }
    Ok(())
}

/// Hands on each page as it comes, and returns the number of objects.
async fn to_stream(
    mut walk: Walk,
    layout: &Layout,
    out: &mut Out,
    mut write: impl FnMut(&[u8], &mut Out) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let progress = Progress::open_ended(out);
    let mut count = 0;
    while let Some(objects) = walk.next().await? {
        write(&layout.page(&objects, count), out)?;
        out.flush()?;
        count += objects.len() as u64;
        progress.add(objects.len());
    }
    write(&layout.end(count), out)?;
    drop(progress);
    walk.tell(out);
    out.remark(format!("{count} objects"));
    Ok(count)
}

async fn to_file(walk: Walk, place: &target::Place<'_>, out: &mut Out) -> Result<(), Failure> {
    let (mut walk, first, mut target) = match place.load()? {
        Some(_) => {
            let target = Target::open(place)?;
            let walk = walk.starting_at(target.positions()).ok_or_else(|| {
                let path = place.path.display();
                Failure::Usage(format!(
                    "{path}: was begun in other requests than this program makes; use --restart"
                ))
            })?;
            (walk, None, target)
        }
        // A wrong name or filter must not leave a file that is in the way of the right one.
        None => {
            let mut walk = walk;
            let first = walk.next().await?;
            (walk, first, Target::open(place)?)
        }
    };
    let before = target.objects();
    if before > 0 && first.is_some() {
        let path = place.path.display();
        return Err(Failure::Failed(format!(
            "{path}: another pull has written it meanwhile; run this one again"
        )));
    }
    if before > 0 {
        out.remark(format!("going on after {before} objects"));
    }
    let progress = Progress::open_ended(out);
    let mut ready = first;
    loop {
        let objects = match ready.take() {
            Some(objects) => objects,
            None => match walk.next().await {
                Ok(Some(objects)) => objects,
                Ok(None) => break,
                Err(error) => return Err(stopped(error, walk.position())),
            },
        };
        target.write(&objects, walk.reached())?;
        progress.add(objects.len());
    }
    drop(progress);
    walk.tell(out);
    target.finish()?;
    let (objects, new) = (target.objects(), target.objects() - before);
    if out.is_json() {
        out.json(&json!({ "file": target.path().to_string_lossy(), "objects": objects, "new": new }))?;
    }
    out.remark(format!("{}: {objects} objects, {new} of them new", target.path().display()));
    Ok(())
}

/// Servers may forget the places that they gave out; only beginning anew helps then.
fn stopped(error: Error, position: Option<&Position>) -> Failure {
    match &error {
        Error::Refused { status: 400 | 404 | 410 | 422, .. }
            if position.is_some_and(|at| at.next.is_some()) =>
        {
            let hint = "the server may have forgotten the place to go on from; --restart begins anew";
            Failure::Failed(format!("{error}\n{hint}"))
        }
        _ => error.into(),
    }
}
