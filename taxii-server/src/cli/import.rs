mod outcome;

use super::CommonOptions;
use super::admin::find_collection;
use crate::control::{CollectionResource, Control, ControlError, Reply};
use anyhow::Context;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use bytes::Bytes;
use clap::Args;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use outcome::Outcome;
use serde_json::json;
use std::fs::File;
use std::io::{Cursor, ErrorKind, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use stix_model::bundle::{Form, Parts};
use stix_model::json::{Document, Lines, Value};
use stix_model::reader::{
    Bounds, Compression, Expect, LIMITS, Reader, Step, Text, Unreadable, UnreadableKind,
};
use stix_model::taxii::{self, FailedObject, FilePlace, Status, StatusDetails, StatusFinding};
use stix_model::validate::Finding;
use uuid::Uuid;

const EXAMPLES: &str = "\
Examples:
  taxii-server import enterprise-attack.json.gz --collection attack
  taxii-server import indicators.jsonl.zst --collection 5a3c…
  taxii-server import backup.jsonl --collection restored
  curl https://feed.example/stix.json | taxii-server import --collection feed

What fails is shown as FILE:LINE:COLUMN, the object and what is wrong; of a compressed file, the lines inside count.
JSON lines hold an object each, or, as export writes them and for restores, an object with the date_added that it keeps:
  {\"date_added\":\"2026-01-01T00:00:00.000000Z\",\"object\":{…}}
(`object_text` instead of `object` for one that was sent with line breaks)
Dates must not fall, and must be later than everything in the collection.

An import that was interrupted can be run again: what is in the collection already stays as it is.";

/// Attempts to send a request to a server that is busy or broke off.
const ATTEMPTS: u32 = 3;
/// Time between them, when the server does not say another one, and the longest one.
const WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Objects of one request, so that the progress bar moves.
const BATCH_OBJECTS: usize = 1000;
/// The name by which a command line means standard input.
const STDIN: &str = "-";
/// The name of standard input in messages.
const STANDARD_INPUT: &str = "standard input";

/// Adds objects through the same path as a POST.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    /// Bundles, envelopes, lists, JSON lines of objects, or what export wrote, also compressed by gzip or zstd; `-`, or
    /// none when something is piped in, is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Id, alias or title of the collection
    #[arg(long)]
    collection: String,
    /// Print the outcome as one line of JSON
    #[arg(long)]
    json: bool,
}

/// A failure while reading is that of the disk or of the decompression, and says so itself.
const CUT_OFF: &str = "cannot be read to its end; a compressed file may be cut off, then fetch it again";

impl Import {
    pub(super) async fn run(mut self, options: &CommonOptions) -> anyhow::Result<bool> {
        if self.files.is_empty() {
            let is_terminal = std::io::stdin().is_terminal();
            anyhow::ensure!(
                !is_terminal,
                "which file? Give its name, or pipe it in; `-` reads what you type"
            );
            self.files.push(STDIN.into());
        }
        let control = options.control().await?;
        let collection = find_collection(&control, &self.collection).await?;
        // A name that was mistyped is then no half-done import.
        for path in self.files.iter().filter(|path| *path != Path::new(STDIN)) {
            let found = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
            anyhow::ensure!(
                !found.is_dir(),
                "cannot read {}: it is a folder; name a file in it",
                path.display()
            );
        }
        let mut importer = Importer::new(&control, &collection).await?;
        let mut stopped = Ok(());
        for path in &self.files {
            let name = path.to_string_lossy();
            let name = if name == STDIN { STANDARD_INPUT } else { &name };
            importer.begin(name);
            stopped = importer.file(path).await.with_context(|| format!("in {name}"));
            if stopped.is_err() || importer.stopped.is_some() {
                break;
            }
        }
        // What was read before the mistake goes in, and is accounted for.
        let (outcome, sent) = importer.finish().await;
        outcome.print(self.json)?;
        stopped.and(sent).map(|()| outcome.is_complete())
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
    /// Why nothing more is sent.
    stopped: Option<anyhow::Error>,
}

/// An object that waits to be sent.
struct Item {
    object: String,
    stamp: Option<String>,
    place: FilePlace,
    /// The object stands in the file as it is, so that places inside it can be told.
    is_verbatim: bool,
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
            stopped: None,
        })
    }

    /// Says what is read now.
    pub(super) fn begin(&mut self, name: &str) {
        self.bar.set_message(name.rsplit('/').next().unwrap_or(name).to_owned());
        self.name = name.into();
    }

    async fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut file: Box<dyn Read + Send> =
            if path == Path::new(STDIN) { Box::new(std::io::stdin()) } else { Box::new(File::open(path)?) };
        let mut head = Vec::new();
        file.by_ref().take(Compression::HEAD as u64).read_to_end(&mut head)?;
        let compression = Compression::of(&head);
        let file = Cursor::new(head).chain(file);
        let expect = Expect::of_name(&path.to_string_lossy());
        match compression {
            Some(Compression::Gzip) => self.read(flate2::read::MultiGzDecoder::new(file), expect).await,
            Some(Compression::Zstd) => self.read(zstd::Decoder::new(file)?, expect).await,
            None => self.read(file, expect).await,
        }
    }

    /// Takes the objects of all texts.
    pub(super) async fn read(&mut self, mut source: impl Read + Send, expect: Expect) -> anyhow::Result<()> {
        let mut reader = Reader::new(expect, Bounds::default());
        let mut chunk = vec![0; 1 << 20];
        loop {
            match reader.step() {
                Step::More => match source.read(&mut chunk) {
                    Ok(0) => reader.end(),
                    Ok(read) => reader.push(&chunk[..read]),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(anyhow::Error::from(error).context(CUT_OFF)),
                },
                Step::Text(text) => {
                    self.text(&text).await;
                    if self.stopped.is_some() {
                        return Ok(());
                    }
                }
                Step::Unreadable(Unreadable { line, column, kind }) => {
                    self.refuse_finding(self.place((line, column)), kind.finding());
                }
                Step::End => return Ok(()),
            }
        }
    }

    /// Takes the objects of a text. When sending stops, the rest of them is counted all the same.
    async fn text(&mut self, text: &Text) {
        let lines = Lines::new(&text.bytes).starting_at(text.line, 1);
        let document = match Document::read(&text.bytes, LIMITS) {
            Ok(document) => document,
            Err(error) => {
                return self.refuse_finding(self.place(lines.at(error.offset())), error.finding());
            }
        };
        let parts = Parts::of(document.root());
        if let Some(foreign) = parts.foreign().filter(|_| parts.root.get("object").is_none()) {
            let place = self.place(lines.at(parts.root.range().start));
            return self.refuse_finding(place, UnreadableKind::Foreign(foreign).finding());
        }
        if parts.form == Form::Object {
            self.bar.inc_length(1);
            return self.object(parts.root, &lines).await;
        }
        self.bar.inc_length(parts.objects().count() as u64);
        for object in parts.objects() {
            let place = self.place(lines.at(object.range().start));
            self.push(Item { object: object.raw().to_owned(), stamp: None, place, is_verbatim: true }).await;
        }
    }

    /// Takes an object, or what export wrote around one.
    async fn object(&mut self, root: Value<'_>, lines: &Lines<'_>) {
        let stamp = root.get("date_added").and_then(|stamp| Some(stamp.as_str()?.into_owned()));
        // An object may have a property of this name, but it has a type as well.
        let spanning = root.get("object_text").filter(|_| root.get("type").is_none());
        let spanning = spanning.and_then(|value| Some((value, value.as_str()?.into_owned())));
        let is_verbatim = spanning.is_none();
        let (value, object) = spanning.unwrap_or_else(|| {
            let value = root.get("object").unwrap_or(root);
            (value, value.raw().to_owned())
        });
        let place = self.place(lines.at(value.range().start));
        self.push(Item { object, stamp, place, is_verbatim }).await;
    }

    async fn push(&mut self, item: Item) {
        let last = self.batch.last();
        let is_other_kind = last.is_some_and(|last| last.stamp.is_some() != item.stamp.is_some());
        // Objects that share a date_added must come in one request, so that no reader gets only some of them.
        let is_tie = item.stamp.is_some() && last.is_some_and(|last| last.stamp == item.stamp);
        let is_full = self.batch.len() >= BATCH_OBJECTS && !is_tie;
        // Room for the brackets, and for a stamp with its quotes and comma.
        let bytes = item.object.len() + 100;
        let is_large = last.is_some() && self.batch_bytes + bytes > self.max_bytes;
        if is_other_kind || is_full || is_large {
            self.send().await;
        }
        self.batch_bytes += bytes;
        self.batch.push(item);
    }

    async fn send(&mut self) {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.send_items(&batch).await;
    }

    /// What is refused as a whole is sent again in halves, until the object that spoils it stands alone.
    async fn send_items(&mut self, items: &[Item]) {
        let Some(first) = items.first() else { return };
        let count = items.len() as u64;
        if self.stopped.is_some() {
            return self.outcome.keep_back(count, &first.place);
        }
        let objects: Vec<_> = items.iter().map(|item| item.object.as_str()).collect();
        let stamps: Vec<_> = items.iter().filter_map(|item| item.stamp.as_deref()).collect();
        let stamps = if stamps.is_empty() {
            String::new()
        } else {
            format!(r#","x_concord_date_added":{}"#, json!(stamps))
        };
        let body = format!(r#"{{"objects":[{}]{stamps}}}"#, objects.join(","));
        let (reply, may_be_done) = self.add(body.into()).await;
        let is_busy = reply.as_ref().is_ok_and(is_busy);
        let is_refused = |reply: &Reply| {
            matches!(reply.status, StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE)
        };
        if items.len() > 1 && reply.as_ref().is_ok_and(is_refused) {
            let (first, second) = items.split_at(items.len() / 2);
            Box::pin(self.send_items(first)).await;
            return Box::pin(self.send_items(second)).await;
        }
        let is_alone = reply.as_ref().is_ok_and(is_refused);
        let error =
            match reply.and_then(Reply::success).and_then(|reply| Ok(serde_json::from_slice(&reply.body)?)) {
                Ok(status) => return self.take(&status, items),
                Err(error) => error,
            };
        self.bar.inc(count);
        let (mut id, version) = name_of(&first.object);
        if count > 1 {
            id = format!("{count} objects");
        }
        let details = StatusDetails { id, version, message: Some(error.to_string()), finding: None };
        match &error {
            ControlError::Refused { status, .. } if is_for_content(*status) || !may_be_done && !is_busy => {
                self.outcome.refused_as_a_whole(count, first.place.clone(), details);
            }
            // It never left, or was put off until the patience ended.
            ControlError::Unreachable(_) | ControlError::Refused { .. } if !may_be_done => {
                self.outcome.keep_back(count, &first.place);
            }
            _ => self.outcome.lost(count, first.place.clone(), details),
        }
        if !is_alone {
            self.stopped = Some(anyhow::Error::from(error).context(format!("in {}", first.place.file)));
        }
    }

    /// Sends an envelope, and again under the same key when that may tell the outcome. Says also whether an attempt may have
    /// been carried out of which the answers do not tell.
    async fn add(&self, body: Bytes) -> (Result<Reply, ControlError>, bool) {
        let key = Uuid::new_v4();
        let mut may_be_done = false;
        let mut attempt = 1;
        loop {
            let reply = self.control.add_objects(&self.path, key, body.clone()).await;
            may_be_done |= is_open(&reply);
            let wait = match &reply {
                _ if attempt == ATTEMPTS => return (reply, may_be_done),
                Ok(reply) if reply.status == StatusCode::SERVICE_UNAVAILABLE => {
                    let seconds =
                        reply.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                    seconds.map_or(WAIT, Duration::from_secs).min(LONGEST_WAIT)
                }
                Err(ControlError::NoAnswer(_)) => WAIT,
                _ => return (reply, may_be_done),
            };
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// Takes over what the server says of objects.
    fn take(&mut self, status: &Status, items: &[Item]) {
        self.bar.inc(status.total_count);
        self.outcome.count(status);
        if status.failure_count == 0 {
            return;
        }
        let names: Vec<_> = items.iter().map(|item| name_of(&item.object)).collect();
        let objects = status.failed_objects(&names);
        for (mut details, index) in status.reasons().iter().cloned().zip(objects) {
            // An object without `id` is named by its place in the request, which says nothing to a reader.
            if let Some(index) = index {
                details.id.clone_from(&names[index].0);
            }
            let pointer = details.finding.as_ref().map_or("", |finding| &finding.pointer);
            let place = index.map(|index| items[index].place_of(pointer));
            self.outcome.failures.push(FailedObject { place, details });
        }
    }

    /// Accounts for a text that cannot be read.
    fn refuse_finding(&mut self, place: FilePlace, finding: Finding) {
        let finding = Some(StatusFinding::new(0, finding));
        let details = StatusDetails { id: String::new(), version: String::new(), message: None, finding };
        self.bar.inc(1);
        self.outcome.refused_as_a_whole(1, place, details);
    }

    fn place(&self, (line, column): (usize, usize)) -> FilePlace {
        FilePlace { file: Arc::clone(&self.name), line, column }
    }

    /// Sends the rest. The outcome is complete whether that succeeds or not.
    pub(super) async fn finish(mut self) -> (Outcome, anyhow::Result<()>) {
        self.send().await;
        self.bar.finish_and_clear();
        (self.outcome, self.stopped.map_or(Ok(()), Err))
    }
}

impl Item {
    /// The place of what a pointer leads to inside the object.
    fn place_of(&self, pointer: &str) -> FilePlace {
        match self.is_verbatim {
            true => self.place.inside(self.object.as_bytes(), pointer),
            false => self.place.clone(),
        }
    }
}

/// Whether the objects may have been stored, for all that this answer says.
fn is_open(reply: &Result<Reply, ControlError>) -> bool {
    match reply {
        Ok(reply) => {
            let is_definite =
                matches!(reply.status, StatusCode::INSUFFICIENT_STORAGE | StatusCode::NOT_IMPLEMENTED);
            reply.status.is_server_error() && !is_definite && !is_busy(reply)
        }
        // It never left.
        Err(error) => !matches!(error, ControlError::Unreachable(_)),
    }
}

/// Whether the server puts a request off, and has not begun with it.
fn is_busy(reply: &Reply) -> bool {
    let code = || serde_json::from_slice::<taxii::Error>(&reply.body).ok()?.error_code;
    reply.status == StatusCode::SERVICE_UNAVAILABLE && code().as_deref() == Some("unavailable")
}

/// Whether an answer with this status refuses the content, which each attempt brought.
fn is_for_content(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY
    )
}

/// `id` and version of an object, as far as it has them.
fn name_of(object: &str) -> (String, String) {
    let document = Document::read(object.as_bytes(), LIMITS);
    let text = |name| Some(document.as_ref().ok()?.root().get(name)?.as_str()?.into_owned());
    let version = text("modified").or_else(|| text("created"));
    (text("id").unwrap_or_default(), version.unwrap_or_default())
}
