//! What `once` and `run` need: the state, the server, and the settings of both.

use anyhow::{Context, anyhow};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde_json::to_string;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use taxii_feeds::feed::Feed;
use taxii_feeds::settings::{Server, Settings};
use taxii_feeds::warninglist::Warninglist;
use taxii_feeds::{Aggregator, Destination, Fetcher, Report, RunError, Start, State};

pub(super) struct Session {
    server: Server,
    state: State,
    fetcher: Fetcher,
    destination: Destination,
    warninglists: Vec<Warninglist>,
}

impl Session {
    /// Opens the state and connects to the server.
    pub(super) async fn open(settings: &Settings, file: &Path) -> anyhow::Result<Self> {
        let server = settings.server.clone();
        let server = server.ok_or_else(|| {
            anyhow!("{} names no server; `taxii-feeds init` writes a file that does", file.display())
        })?;
        let state = State::open(&folder(settings, file))?;
        let destination =
            Destination::connect(&server).await.with_context(|| format!("the server {}", server.url))?;
        let (fetcher, warninglists) = (Fetcher::new()?, warninglists(settings, file)?);
        Ok(Self { server, state, fetcher, destination, warninglists })
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Runs a feed once, and keeps the report.
    pub(super) async fn run(&self, feed: &Feed, start: Start) -> Result<Report, RunError> {
        let bar = progress();
        let Self { state, server, fetcher, destination, warninglists } = self;
        let collection = &server.collection;
        let aggregator = Aggregator { state, fetcher, destination, collection, warninglists };
        let report = aggregator.run(feed, start, |count| bar.inc(count)).await;
        bar.finish_and_clear();
        if let Ok(report) = &report
            && let Err(error) = keep(self.state.folder(), report)
        {
            tracing::warn!(%error, "the report of a run cannot be kept");
        }
        report
    }
}

/// The warning lists of the settings: each file of the folder, and of folders in it.
pub(super) fn warninglists(settings: &Settings, file: &Path) -> anyhow::Result<Vec<Warninglist>> {
    let Some(folder) = &settings.warninglists else { return Ok(Vec::new()) };
    let mut folders = vec![file.parent().unwrap_or(Path::new("")).join(folder)];
    let mut lists = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("the warning lists in {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let list = Warninglist::parse(&std::fs::read(&path)?);
                lists.push(list.with_context(|| format!("{} is no warning list", path.display()))?);
            }
        }
    }
    lists.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(lists)
}

/// Where runs leave what later ones need: as the settings say, else beside them.
pub(super) fn folder(settings: &Settings, file: &Path) -> PathBuf {
    let beside = file.parent().unwrap_or(Path::new(""));
    beside.join(settings.state.as_deref().unwrap_or(Path::new("feeds-state")))
}

/// The reports of all runs, oldest first. A line that was cut by a crash is no report.
pub(super) fn reports(folder: &Path) -> Vec<Report> {
    let text = std::fs::read_to_string(folder.join("reports.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn keep(folder: &Path, report: &Report) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("reports.jsonl"))?;
    file.write_all(format!("{}\n", to_string(report)?).as_bytes())
}

fn progress() -> ProgressBar {
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{spinner} {human_pos} objects sent  {elapsed}");
    bar.set_style(style.expect("the template is well formed"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A report in a few lines for people.
pub(super) fn lines_of(report: &Report) -> Vec<String> {
    let Report { feed, fetched, staged, delivered, lag, .. } = report;
    let count = |number: u64| HumanCount(number).to_string();
    if *fetched == 0 && staged.records == 0 {
        return vec![format!("{feed}: nothing new at the source")];
    }
    let rejected: u64 = staged.rejected.values().sum();
    let mut lines = vec![format!(
        "{feed}: {} records; {} new, {} updated, {} unchanged, {} revoked; {} rejected; {} accepted by the server, {} pending, {} refused{}",
        count(staged.records),
        count(staged.new),
        count(staged.updated),
        count(staged.unchanged),
        count(staged.revoked),
        count(rejected),
        count(delivered.accepted),
        count(delivered.pending),
        count(delivered.refused),
        lag.map_or(String::new(), |lag| format!("; the latest is {} old", age(lag))),
    )];
    lines.extend(
        staged.rejected.iter().map(|(reason, number)| format!("  rejected {}: {reason}", count(*number))),
    );
    lines
        .extend(delivered.reasons.iter().take(10).map(|reason| format!("  refused by the server: {reason}")));
    lines.extend(staged.notes.iter().map(|note| format!("  note: {note}")));
    lines
}

fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
