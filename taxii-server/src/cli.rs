//! The command line.

mod account;
mod admin;
mod api_root;
mod backup;
mod collection;
mod compact;
mod demo;
mod doctor;
#[cfg(test)]
mod documented;
mod export;
mod file;
mod import;
mod migrate;
mod network;
mod output;
mod serve;

use crate::config::Config;
use crate::control::Control;
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  taxii-server demo                                   try it, with real data
  export CONCORD_DATA=/var/lib/concord                or --data with each command
  taxii-server serve                                  serve TAXII on 127.0.0.1:6100
  taxii-server collection add 'Phishing' --alias phishing
  taxii-server account add alice --read phishing --write phishing
  taxii-server import feed.json.gz --collection phishing
  taxii-server doctor                                 when something does not work

account, collection, api-root, network, import, export and backup work while the server runs, and without it.
Exit codes: 0 done, 1 failed or refused, 2 wrong usage. With --json, an error is one line on standard error,
and so is a warning ({\"warning\":…}):
  {\"error\":{\"exit_code\":1,\"message\":\"there is no collection x; …\"}}";

/// Heading of the options of every command.
const EVERYWHERE: &str = "Options of every command";
const COMPLETIONS: &str = "\
Examples:
  taxii-server completions bash | sudo tee /etc/bash_completion.d/taxii-server
  taxii-server completions zsh > ~/.zfunc/_taxii-server
  taxii-server completions fish > ~/.config/fish/completions/taxii-server.fish";

/// A TAXII 2.1 server that never loses or repeats an object.
#[derive(Parser)]
#[command(name = "taxii-server", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    options: CommonOptions,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Args, Clone)]
struct CommonOptions {
    /// Settings file (TOML); environment variables (CONCORD_ and the key in capitals) and flags override it
    #[arg(long, global = true, env = "CONCORD_CONFIG", value_name = "FILE", help_heading = EVERYWHERE)]
    config: Option<PathBuf>,
    /// Data folder [default: concord-data, for demo: concord-demo]
    #[arg(long, global = true, env = "CONCORD_DATA", value_name = "DIR", help_heading = EVERYWHERE)]
    data: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a real ATT&CK collection, and print how to use it
    Demo(demo::Demo),
    /// Serve TAXII
    Serve(serve::Serve),
    /// Add objects from bundles, envelopes or JSON lines (also .gz and .zst)
    Import(import::Import),
    /// Write a collection as JSON lines, with the date_added of each object
    Export(export::Export),
    /// Write the whole store into one encrypted file, also while the server runs
    Backup(backup::Backup),
    /// Restore a backup into an empty place
    Restore(backup::Restore),
    /// Copy the store to another place, also between a data folder and TiKV
    Migrate(migrate::Migrate),
    /// Manage collections
    Collection(collection::Collection),
    /// Manage API roots
    ApiRoot(api_root::ApiRoot),
    /// Manage accounts
    Account(account::Account),
    /// Have objects approved by organisations before they are visible
    Network(network::Network),
    /// Give the space of removed objects back to the disk
    Compact(compact::Compact),
    /// Check settings, certificate, files, store, addresses, disk space and clock, and say what to do
    Doctor(doctor::Doctor),
    /// Print a completion script for a shell
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
}

impl CommonOptions {
    /// Returns the settings: those of the file or the defaults, overridden by environment variables and flags.
    fn config(&self, default_data: Option<&str>) -> anyhow::Result<Config> {
        let mut config = match &self.config {
            Some(path) => Config::read(path)?,
            None => Config { data: default_data.unwrap_or("concord-data").into(), ..Config::default() },
        };
        let variables = std::env::vars_os();
        config =
            config
                .override_by(variables.filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                }))?;
        if let Some(data) = &self.data {
            config.data.clone_from(data);
        }
        Ok(config)
    }

    /// Reaches the store, through the server if one runs. Fails when there is no store.
    async fn control(&self) -> anyhow::Result<Control> {
        Ok(Control::open_existing(self.config(None)?).await?)
    }
}

/// Runs the command line of this process. Exit codes: 0 for done, 1 for failed or refused, 2 for wrong usage.
///
/// With `--json` an error is one line of JSON on standard error: `{"error": {"message": …, "exit_code": …}}`.
pub async fn run() -> ExitCode {
    keep_guarded_panics_quiet();
    // Where the system does not allow it, a limit of file sizes ends the process.
    let _ = crate::serve::outlive_file_limit();
    let is_json = std::env::args_os().any(|argument| argument == "--json");
    let cli = match Cli::try_parse() {
        Err(error) if is_json && error.use_stderr() => {
            let message = error.to_string();
            return fail(message.trim_start_matches("error: ").trim_end(), 2, is_json);
        }
        Err(error) => error.exit(),
        Ok(cli) => cli,
    };
    let is_done = match cli.command {
        Command::Demo(demo) => demo.run(&cli.options).await,
        Command::Serve(serve) => serve.run(&cli.options).await,
        Command::Import(import) => import.run(&cli.options).await,
        Command::Export(export) => export.run(&cli.options).await,
        Command::Backup(backup) => backup.run(&cli.options).await,
        Command::Restore(restore) => restore.run(&cli.options).await,
        Command::Migrate(migrate) => migrate.run(&cli.options).await,
        Command::Collection(collection) => collection.run(&cli.options).await,
        Command::ApiRoot(api_root) => api_root.run(&cli.options).await,
        Command::Account(account) => account.run(&cli.options).await,
        Command::Network(network) => network.run(&cli.options).await,
        Command::Compact(compact) => compact.run(&cli.options).await,
        Command::Doctor(doctor) => doctor.run(&cli.options).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "taxii-server", &mut script);
            output::bytes(&script).map(|()| true)
        }
    };
    match is_done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&format!("{error:#}"), 1, is_json),
    }
}

/// Says why a command was not carried out.
fn fail(message: &str, exit_code: u8, is_json: bool) -> ExitCode {
    let text = match is_json {
        true => serde_json::json!({"error": {"message": message, "exit_code": exit_code}}).to_string(),
        false => format!("error: {message}"),
    };
    output::complaint(&text);
    ExitCode::from(exit_code)
}

/// A damaged file makes the engine panic, which becomes an error with a sentence of its own.
fn keep_guarded_panics_quiet() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !crate::store::is_guarded() {
            tell(panic);
        }
    }));
}

/// Logs to standard error, as much as `RUST_LOG` says.
fn start_logging() {
    use std::io::IsTerminal;
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,openraft=error"));
    // A log that cannot be written, as on a full disk, must not end the process; a complaint about it on standard error would.
    let log = tracing_subscriber::fmt().log_internal_errors(false);
    let log = log.with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        let _ = log.try_init();
    } else {
        let _ = log.json().try_init();
    }
}

/// Installs the rustls provider of this process.
fn install_crypto() {
    // It fails when a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
