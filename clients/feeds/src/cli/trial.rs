//! `try`: the objects of a file, and the records that become none.

use super::line;
use super::session::warninglists;
use anyhow::Context;
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use stix_model::{Object, Timestamp};
use taxii_feeds::settings::Settings;
use taxii_feeds::{Collected, Rejected, convert_file, merged};

#[derive(Args)]
pub(super) struct Try {
    /// The feed.
    feed: String,
    /// The file; compressed ones (gzip) and archives (ZIP, tar) too, `-` for the standard input.
    #[arg(long)]
    file: PathBuf,
    /// Print all as one JSON document.
    #[arg(long)]
    json: bool,
    /// The time at which the feed is taken to be fetched; now when absent.
    #[arg(long)]
    at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Trial<'t> {
    records: u64,
    objects: Vec<&'t RawValue>,
    rejected: &'t [Rejected],
    notes: &'t [String],
}

impl Try {
    pub(super) fn run(&self, settings: &Settings, settings_file: &Path) -> anyhow::Result<ExitCode> {
        let feed = settings.find(&self.feed)?;
        let name = self.file.display();
        let file = open(&self.file).with_context(|| format!("{name} cannot be read"))?;
        let now = self.at.clone().unwrap_or_else(Timestamp::now);
        let warninglists = warninglists(settings, settings_file)?;
        let mut found = Collected::default();
        found.warninglists = warninglists;
        convert_file(&feed, &now, file, &mut found).with_context(|| format!("{name} as {}", feed.name))?;
        let mut objects = found.objects;
        objects.extend(merged(&found.parts)?);
        if self.json {
            print_json(found.records, &objects, &found.rejected, &found.notes)?;
        } else {
            print_text(found.records, &objects, &found.rejected, &found.notes)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A file, or a copy of what comes through a pipe: an archive is not read from the first byte to the last one.
fn open(path: &Path) -> io::Result<File> {
    let mut piped: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(io::stdin().lock()),
        _ => {
            let file = File::open(path)?;
            if file.metadata()?.is_file() {
                return Ok(file);
            }
            Box::new(file)
        }
    };
    let mut copy = tempfile::tempfile()?;
    io::copy(&mut piped, &mut copy)?;
    Ok(copy)
}

fn print_json(
    records: u64,
    objects: &[Object],
    rejected: &[Rejected],
    notes: &[String],
) -> anyhow::Result<()> {
    let objects = objects.iter().map(|object| serde_json::from_slice::<&RawValue>(object.json()));
    let trial = Trial { records, objects: objects.collect::<Result<_, _>>()?, rejected, notes };
    line(&serde_json::to_string(&trial)?)
}

fn print_text(
    records: u64,
    objects: &[Object],
    rejected: &[Rejected],
    notes: &[String],
) -> anyhow::Result<()> {
    const SHOWN: usize = 20;
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects {
        *types.entry(object.id().object_type()).or_default() += 1;
    }
    let shown = if std::io::stdout().is_terminal() { SHOWN } else { usize::MAX };
    for object in objects.iter().take(shown) {
        line(&String::from_utf8_lossy(object.json()))?;
    }
    if objects.len() > shown {
        line(&format!("… and {} more; --json shows all", objects.len() - shown))?;
    }
    let types: Vec<String> = types.iter().map(|(name, count)| format!("{count} {name}")).collect();
    line(&format!("{records} records, {} objects: {}", objects.len(), types.join(", ")))?;
    for Rejected { record, reason } in rejected.iter().take(shown) {
        line(&format!("rejected {record}: {reason}"))?;
    }
    if rejected.len() > shown {
        line(&format!("… and {} more rejected", rejected.len() - shown))?;
    }
    notes.iter().try_for_each(|note| line(&format!("note: {note}")))
}
