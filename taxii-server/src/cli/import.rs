mod outcome;

use super::CommonOptions;
use super::admin::find_collection;
use crate::control::{CollectionResource, Control};
use anyhow::{Context, bail};
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use clap::Args;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use outcome::{Failure, InFile, Origin, Outcome};
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stix_model::json::{Document, Kind, Limits};
use stix_model::taxii::Status;

const EXAMPLES: &str = "\
Examples:
  taxii-server import enterprise-attack.json.gz --collection attack
  taxii-server import indicators.jsonl.zst --collection 5a3c…
  taxii-server import backup.jsonl --collection restored

JSON lines hold an object each, or, as export writes them and for restores, an object with the date_added that it keeps:
  {\"date_added\":\"2026-01-01T00:00:00.000000Z\",\"object\":{…}}
Dates must not fall, and must be later than everything in the collection.";

/// Objects of one request, so that the progress bar moves.
const BATCH_OBJECTS: usize = 1000;
/// The whole of a bundle is held in memory while it is split.
const MAX_BUNDLE: usize = 2 << 30;

/// Adds objects through the same path as a POST.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    /// Bundles, envelopes, JSON lines of objects, or what export wrote; also .gz and .zst
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Id, alias or title of the collection
    #[arg(long)]
    collection: String,
    /// Print the outcome as one line of JSON
    #[arg(long)]
    json: bool,
}

/// What is read of a file; the server has limits of its own.
const TEXT: Limits = Limits { depth: 64, bytes: MAX_BUNDLE, elements: usize::MAX, safe_integers: true };

impl Import {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let control = options.control().await?;
        let collection = find_collection(&control, &self.collection).await?;
        let mut importer = Importer::new(&control, &collection).await?;
        let mut stopped = Ok(());
        for path in &self.files {
            importer.begin(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy());
            stopped = importer.file(path).await.with_context(|| format!("in {}", path.display()));
            if stopped.is_err() {
                break;
            }
        }
        // What was read before the mistake goes in, and is accounted for.
        let (outcome, sent) = importer.finish().await;
        outcome.print(self.json)?;
        stopped.and(sent).map(|()| outcome.failed == 0)
    }
}

/// Packs objects into envelopes and sends them.
pub(super) struct Importer<'c> {
    control: &'c Control,
    path: String,
    /// What is read now.
    name: Arc<str>,
    max_bytes: usize,
    batch: Vec<Item>,
    batch_bytes: usize,
    pub(super) bar: ProgressBar,
    outcome: Outcome,
}

/// An object that waits to be sent.
struct Item {
    object: String,
    stamp: Option<String>,
    origin: Origin,
}

impl<'c> Importer<'c> {
    /// Asks the server how large a request may be.
    pub(super) async fn new(control: &'c Control, collection: &CollectionResource) -> anyhow::Result<Self> {
        let api_root = control.api_root(&collection.api_root).await?;
        let max_bytes = usize::try_from(api_root.max_content_length)?;
        let path = format!("/{}/collections/{}/objects/", collection.api_root, collection.id);
        let style = ProgressStyle::with_template(
            "{msg} {bar:30} {human_pos}/{human_len} objects, {rate}, {eta} left",
        );
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.0}/s", state.per_sec());
        };
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", rate);
        let bar = ProgressBar::new(0).with_style(style);
        Ok(Self {
            control,
            path,
            name: "".into(),
            max_bytes,
            batch: Vec::new(),
            batch_bytes: 0,
            bar,
            outcome: Outcome::default(),
        })
    }

    /// Says what is read now.
    pub(super) fn begin(&mut self, name: &str) {
        self.bar.set_message(name.to_owned());
        self.name = name.into();
    }

    async fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let file = BufReader::new(File::open(path)?);
        let name = path.to_string_lossy();
        let reader: Box<dyn Read + Send> = if name.ends_with(".gz") {
            Box::new(flate2::bufread::MultiGzDecoder::new(file))
        } else if name.ends_with(".zst") {
            Box::new(zstd::Decoder::with_buffer(file)?)
        } else {
            Box::new(file)
        };
        self.read(reader).await
    }

    /// Takes a bundle or an envelope as a whole, and anything else line by line.
    pub(super) async fn read(&mut self, reader: impl Read + Send) -> anyhow::Result<()> {
        let mut reader = BufReader::with_capacity(1 << 20, reader);
        let mut first = Vec::new();
        while first.trim_ascii().is_empty() && reader.read_until(b'\n', &mut first)? > 0 {}
        // An object of STIX 2.0 may have `objects` too, but no list.
        let has_list = |document: &Document<'_>| {
            document.root().get("objects").is_some_and(|objects| objects.kind() == Kind::Array)
        };
        let is_line = Document::read(first.trim_ascii(), TEXT).is_ok_and(|line| !has_list(&line));
        if is_line {
            return self.lines(first, reader).await;
        }
        reader.take(MAX_BUNDLE as u64 + 1).read_to_end(&mut first)?;
        self.bundle(&first).await
    }

    async fn bundle(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let document = Document::read(bytes, TEXT)?;
        let objects = document.root().get("objects").filter(|objects| objects.kind() == Kind::Array);
        let Some(objects) = objects else {
            bail!("neither a bundle or an envelope with a list `objects`, nor JSON lines");
        };
        self.bar.inc_length(objects.elements().count() as u64);
        for (index, object) in objects.elements().enumerate() {
            self.push(object.raw(), None, InFile::Element(index)).await?;
        }
        Ok(())
    }

    async fn lines(&mut self, first: Vec<u8>, mut reader: impl BufRead) -> anyhow::Result<()> {
        let mut line = first;
        // Blank lines may stand before the first one.
        let blank =
            line.iter().take_while(|byte| byte.is_ascii_whitespace()).filter(|byte| **byte == b'\n').count();
        for number in blank + 1.. {
            if line.is_empty() {
                break;
            }
            if !line.trim_ascii().is_empty() {
                self.bar.inc_length(1);
                let document = match Document::read(line.trim_ascii(), TEXT) {
                    Ok(document) => document,
                    Err(error) => {
                        let message = format!("json: {} at column {}", error.kind(), error.column());
                        let origin = self.origin(InFile::Line(number));
                        self.refuse(1, Failure::at(&origin, String::new(), message));
                        line.clear();
                        reader.read_until(b'\n', &mut line)?;
                        continue;
                    }
                };
                let root = document.root();
                let stamp = root.get("date_added").and_then(|stamp| Some(stamp.as_str()?.into_owned()));
                // An object may have a property of this name, but it has a type as well.
                let spanning = root.get("object_text").filter(|_| root.get("type").is_none());
                match spanning.and_then(|text| text.as_str()) {
                    Some(text) => self.push(&text, stamp, InFile::Line(number)).await?,
                    None => {
                        let object = root.get("object").unwrap_or(root).raw();
                        self.push(object, stamp, InFile::Line(number)).await?;
                    }
                }
            }
            line.clear();
            reader.read_until(b'\n', &mut line)?;
        }
        Ok(())
    }

    async fn push(&mut self, object: &str, stamp: Option<String>, place: InFile) -> anyhow::Result<()> {
        let last = self.batch.last();
        let is_other_kind = last.is_some_and(|last| last.stamp.is_some() != stamp.is_some());
        // Objects that share a date_added must come in one request, so that no reader gets only some of them.
        let is_tie = stamp.is_some() && last.is_some_and(|last| last.stamp == stamp);
        let is_full = self.batch.len() >= BATCH_OBJECTS && !is_tie;
        // Room for the brackets, and for a stamp with its quotes and comma.
        let bytes = object.len() + 100;
        let is_large = last.is_some() && self.batch_bytes + bytes > self.max_bytes;
        if is_other_kind || is_full || is_large {
            self.send().await?;
        }
        self.batch_bytes += bytes;
        let origin = self.origin(place);
        self.batch.push(Item { object: object.to_owned(), stamp, origin });
        Ok(())
    }

    async fn send(&mut self) -> anyhow::Result<()> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.send_items(&batch).await
    }

    /// What is refused as a whole is sent again in halves, until the object that spoils it stands alone.
    async fn send_items(&mut self, items: &[Item]) -> anyhow::Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        let objects: Vec<_> = items.iter().map(|item| item.object.as_str()).collect();
        let stamps: Vec<_> = items.iter().filter_map(|item| item.stamp.as_deref()).collect();
        let stamps = if stamps.is_empty() {
            String::new()
        } else {
            format!(r#","x_concord_date_added":{}"#, json!(stamps))
        };
        let body = format!(r#"{{"objects":[{}]{stamps}}}"#, objects.join(","));
        let reply = match self.control.call(Method::POST, &self.path, Bytes::from(body)).await {
            Ok(reply) => reply,
            Err(error) => return self.give_up(items, error.into()),
        };
        if matches!(reply.status, StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE) {
            if items.len() > 1 {
                let (first, second) = items.split_at(items.len() / 2);
                return match Box::pin(self.send_items(first)).await {
                    Ok(()) => Box::pin(self.send_items(second)).await,
                    Err(error) => self.give_up(second, error),
                };
            }
            let reason = reply.success().err().map_or(String::new(), |error| error.to_string());
            let Item { object, origin, .. } = &items[0];
            self.refuse(1, Failure::at(origin, name_of(object), reason));
            return Ok(());
        }
        let reply = match reply.success() {
            Ok(reply) => reply,
            Err(error) => return self.give_up(items, error.into()),
        };
        let status: Status = serde_json::from_slice(&reply.body)?;
        self.bar.inc(status.total_count);
        self.outcome.total += status.total_count;
        self.outcome.failed += status.failure_count;
        let origins: Vec<_> = items.iter().map(|item| &item.origin).collect();
        for failure in status.failures {
            self.outcome.refused_by_server(&origins, failure);
        }
        Ok(())
    }

    /// Accounts for what could not be sent.
    fn give_up(&mut self, items: &[Item], error: anyhow::Error) -> anyhow::Result<()> {
        self.refuse(items.len() as u64, Failure::of_many(items.len(), error.to_string()));
        Err(error)
    }

    fn refuse(&mut self, count: u64, failure: Failure) {
        self.bar.inc(count);
        self.outcome.refused_as_a_whole(count, failure);
    }

    fn origin(&self, place: InFile) -> Origin {
        Origin { file: Arc::clone(&self.name), place }
    }

    /// Sends the rest. The outcome is complete whether that succeeds or not.
    pub(super) async fn finish(mut self) -> (Outcome, anyhow::Result<()>) {
        let sent = self.send().await;
        self.bar.finish_and_clear();
        (self.outcome, sent)
    }
}

/// The `id` of a text that is to be an object, or its beginning.
fn name_of(object: &str) -> String {
    let document = Document::read(object.as_bytes(), Limits::default()).ok();
    let id = document.as_ref().and_then(|document| Some(document.root().get("id")?.as_str()?.into_owned()));
    id.unwrap_or_else(|| object.chars().take(40).collect())
}
