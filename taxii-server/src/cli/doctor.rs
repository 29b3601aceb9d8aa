mod certificate;
#[cfg(feature = "tikv")]
mod cluster;
mod files;
mod machine;
mod settings;

use super::{CommonOptions, output};
use crate::config::Config;
use crate::control::{CollectionResource, Control};
use crate::engines;
use crate::store::FORMAT;
use clap::Args;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  taxii-server doctor
  taxii-server doctor --config /etc/concord.toml
  taxii-server doctor --json

Exit code: 0 without a problem (there may be warnings), 1 with one.";

/// Checks what could keep the server from working, and says what to do.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Doctor {
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// What a check found.
struct Finding {
    check: &'static str,
    state: State,
    message: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Warning,
    Problem,
}

/// What all checks found, in their order.
#[derive(Default)]
struct Report(Vec<Finding>);

impl Report {
    fn ok(&mut self, check: &'static str, message: impl Into<String>) {
        self.0.push(Finding { check, state: State::Ok, message: message.into() });
    }

    fn warning(&mut self, check: &'static str, message: impl Into<String>) {
        self.0.push(Finding { check, state: State::Warning, message: message.into() });
    }

    fn problem(&mut self, check: &'static str, message: impl Into<String>) {
        self.0.push(Finding { check, state: State::Problem, message: message.into() });
    }

    /// Says that a check found nothing, unless it said something already.
    fn ok_if_silent(&mut self, check: &'static str, message: impl Into<String>) {
        if !self.0.iter().any(|finding| finding.check == check) {
            self.ok(check, message);
        }
    }

    fn has_problem(&self) -> bool {
        self.0.iter().any(|finding| finding.state == State::Problem)
    }
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Doctor {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        super::install_crypto();
        let mut report = Report::default();
        match options.config(None) {
            Err(error) => report.problem("settings", format!("{error:#}")),
            Ok(config) => check(&mut report, &config).await,
        }
        machine::check_time_service(&mut report);
        if self.json {
            let row = |finding: &Finding| {
                let Finding { check, state, message } = finding;
                let is_ok = *state != State::Problem;
                json!({"check": check, "ok": is_ok, "state": state.as_str(), "message": message})
            };
            output::line(&json!(report.0.iter().map(row).collect::<Vec<_>>()).to_string())?;
        } else {
            for Finding { check, state, message } in &report.0 {
                output::line(&format!("{:9}{check:13}{message}", state.as_str()))?;
            }
        }
        Ok(!report.has_problem())
    }
}

async fn check(report: &mut Report, config: &Config) {
    settings::check(report, config);
    certificate::check(report, config);
    // Opening the store mends the rights of its files, so they are looked at before.
    files::check(report, config);
    #[cfg(feature = "tikv")]
    cluster::check(report, config).await;
    let (is_server, collections) = check_store(report, config).await;
    machine::check_addresses(report, config, is_server).await;
    machine::check_space(report, config);
    machine::check_open_files(report, config);
    machine::check_clock(report, config, &collections);
}

/// Opens the store, or asks the server that has it open.
async fn check_store(report: &mut Report, config: &Config) -> (bool, Vec<CollectionResource>) {
    let place = config.store.place(&config.data);
    match engines::exists(config).await {
        Ok(true) => {}
        Ok(false) => {
            report.ok("store", format!("none in {place} yet; the first start makes it"));
            return (false, Vec::new());
        }
        Err(error) => {
            report.problem("store", format!("{:#}", anyhow::Error::from(error)));
            return (false, Vec::new());
        }
    }
    let found = async {
        let control = Control::open(config.clone()).await?;
        let (collections, accounts) = (control.collections().await?, control.accounts().await?);
        anyhow::Ok((control.is_server(), collections, accounts))
    };
    match found.await {
        Err(error) => {
            report.problem("store", format!("{error:#}"));
            (false, Vec::new())
        }
        Ok((is_server, collections, accounts)) => {
            let use_now = if is_server { "open in a running server" } else { "not in use" };
            report.ok(
                "store",
                format!(
                    "{place}: format {FORMAT}, {use_now}, {} collections, {} accounts",
                    collections.len(),
                    accounts.len()
                ),
            );
            if !accounts.iter().any(|account| account.is_administrator) {
                report.warning(
                    "store",
                    "no account may administer the server over HTTP; taxii-server account add NAME --administrator",
                );
            }
            (is_server, collections)
        }
    }
}
