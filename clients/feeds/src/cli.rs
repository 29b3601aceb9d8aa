//! Commands.

mod list;
mod trial;

use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use taxii_feeds::settings::Settings;

/// Turns threat-intelligence feeds into STIX 2.1.
#[derive(Parser)]
#[command(name = "taxii-feeds", version, about, after_help = EXAMPLES)]
struct Cli {
    /// The file with the settings.
    #[arg(long, global = true, default_value = "feeds.toml", env = "TAXII_FEEDS_SETTINGS")]
    settings: PathBuf,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  taxii-feeds list                              the feeds that are known
  taxii-feeds explain threatfox                 where a feed is, its terms, what becomes of its records
  taxii-feeds try threatfox --file recent.json  the objects that a file would become; nothing is sent";

#[derive(Subcommand)]
enum Command {
    /// List the feeds.
    List(list::List),
    /// Tell where a feed is, its terms, and what becomes of its records.
    Explain(list::Explain),
    /// Show the objects that a file of a feed would become; nothing is sent or kept.
    Try(trial::Try),
}

pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = settings(&cli.settings).and_then(|settings| match cli.command {
        Command::List(list) => list.run(&settings),
        Command::Explain(explain) => explain.run(&settings),
        Command::Try(trial) => trial.run(&settings),
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn settings(file: &Path) -> anyhow::Result<Settings> {
    match std::fs::read_to_string(file) {
        Ok(text) => Settings::parse(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display())),
        // The known feeds need no settings.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Settings::default()),
        Err(error) => Err(anyhow::anyhow!("{}: {error}", file.display())),
    }
}

/// Writes a line to the standard output.
fn line(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
