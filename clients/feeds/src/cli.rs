//! Commands.

mod init;
mod list;
mod metrics;
mod once;
mod report;
mod scheduler;
mod session;
mod trial;

use clap::{Parser, Subcommand, ValueEnum};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use taxii_feeds::settings::Settings;
use tracing_subscriber::EnvFilter;

/// Turns threat-intelligence feeds into STIX 2.1.
#[derive(Parser)]
#[command(name = "taxii-feeds", version, about, after_help = EXAMPLES)]
struct Cli {
    /// The file with the settings; feeds.toml when absent.
    #[arg(long, global = true, env = "TAXII_FEEDS_SETTINGS", value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The form of the log, which goes to the standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

const EXAMPLES: &str = "\
Examples:
  taxii-feeds init                              a file of settings to begin with
  taxii-feeds once feodo-tracker                fetch a feed now, and send what is new
  taxii-feeds backfill nvd --since 2024-01-01   all that a source has from a day on
  taxii-feeds run                               all feeds that are enabled, each when its time comes
  taxii-feeds list                              the feeds that are known
  taxii-feeds explain threatfox                 where a feed is, its terms, what becomes of its records
  taxii-feeds try threatfox --file recent.json  the objects that a file would become; nothing is sent";

#[derive(Subcommand)]
enum Command {
    /// Write a file of settings to begin with.
    Init(init::Init),
    /// Fetch all feeds that are enabled, each when its time comes, and send what is new.
    Run(scheduler::Run),
    /// Fetch feeds now, and send what is new.
    Once(once::Once),
    /// Fetch a feed from a day on, where its source can be asked so.
    Backfill(once::Backfill),
    /// List the feeds.
    List(list::List),
    /// Tell where a feed is, its terms, and what becomes of its records.
    Explain(list::Explain),
    /// Write a page with the runs: new objects a day, overlap between sources, lag, rejections.
    Report(report::ReportPage),
    /// Show the objects that a file of a feed would become; nothing is sent or kept.
    Try(trial::Try),
}

pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    log(cli.log_format);
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let file = cli.settings.as_deref().unwrap_or(Path::new("feeds.toml"));
    if let Command::Init(init) = &cli.command {
        return init.run(file);
    }
    let settings = settings(file, cli.settings.is_some())?;
    match &cli.command {
        Command::Init(_) => Ok(ExitCode::SUCCESS),
        Command::List(list) => list.run(&settings),
        Command::Explain(explain) => explain.run(&settings, file),
        Command::Report(report) => report.run(&settings, file),
        Command::Try(trial) => trial.run(&settings, file),
        Command::Once(once) => runtime()?.block_on(once.run(&settings, file)),
        Command::Backfill(backfill) => runtime()?.block_on(backfill.run(&settings, file)),
        Command::Run(run) => runtime()?.block_on(run.run(&settings, file)),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // The cryptography of all connections; a second call would find it chosen.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

fn log(format: LogFormat) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,taxii_feeds=info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
}

fn settings(file: &Path, is_named: bool) -> anyhow::Result<Settings> {
    match std::fs::read_to_string(file) {
        Ok(text) => Settings::parse(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display())),
        // The known feeds need no settings.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => Ok(Settings::default()),
        Err(error) => Err(anyhow::anyhow!("{}: {error}", file.display())),
    }
}

/// Writes a line to the standard output.
fn line(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
