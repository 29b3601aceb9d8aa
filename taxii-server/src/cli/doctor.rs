use super::{CommonOptions, output};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::Control;
use crate::engines;
use clap::Args;
use serde_json::json;

/// 1 November 2026. A clock that shows an earlier time is wrong.
const EARLIEST_MICROS: i64 = 1_793_491_200_000_000;

/// Checks what could keep the server from working, and says what to do.
#[derive(Args)]
#[command(after_help = "Example:\n  taxii-server doctor --config concord.toml")]
pub(super) struct Doctor {
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Outcome of one check.
struct CheckResult {
    name: &'static str,
    outcome: Result<String, String>,
}

impl Doctor {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        super::install_crypto();
        let mut results = Vec::new();
        let mut note = |name, outcome: anyhow::Result<String>| {
            results.push(CheckResult { name, outcome: outcome.map_err(|error| format!("{error:#}")) });
        };
        match options.config(None) {
            Err(error) => note("configuration", Err(error)),
            Ok(config) => {
                note(
                    "configuration",
                    config.check().map_err(Into::into).map(|()| format!("serves on {}", config.listen)),
                );
                note("certificate", check_certificate(&config).await);
                note("store", check_store(config).await);
            }
        }
        note("clock", check_clock());
        let is_well = results.iter().all(|result| result.outcome.is_ok());
        if self.json {
            let row = |result: &CheckResult| match &result.outcome {
                Ok(text) => json!({"check": result.name, "ok": true, "message": text}),
                Err(text) => json!({"check": result.name, "ok": false, "message": text}),
            };
            output::line(&json!(results.iter().map(row).collect::<Vec<_>>()).to_string())?;
        } else {
            for CheckResult { name, outcome } in &results {
                let (mark, text) = outcome.as_ref().map_or_else(|text| ("BAD", text), |text| ("ok", text));
                output::line(&format!("{mark:4}{name:15}{text}"))?;
            }
        }
        Ok(is_well)
    }
}

async fn check_certificate(config: &Config) -> anyhow::Result<String> {
    let Some(tls) = &config.tls else { return Ok("none: plain HTTP".to_owned()) };
    let loaded = crate::serve::Certificates::load(tls.clone());
    loaded.map_err(|error| {
        anyhow::anyhow!("{} with {}: {error}", tls.certificate.display(), tls.key.display())
    })?;
    Ok(format!("{} fits its key", tls.certificate.display()))
}

async fn check_store(config: Config) -> anyhow::Result<String> {
    let data = config.data.display().to_string();
    if !engines::exists(&config) {
        return Ok(format!("none in {data} yet; the first start makes it"));
    }
    let control = Control::open(config).await?;
    let state = if control.is_server() { "open in a running server" } else { "not in use" };
    let collections = control.collections().await?.len();
    let accounts = control.accounts().await?.len();
    Ok(format!("{data}: {state}, {collections} collections, {accounts} accounts"))
}

fn check_clock() -> anyhow::Result<String> {
    let clock = Clock::System;
    anyhow::ensure!(
        clock.now_micros() > EARLIEST_MICROS,
        "the clock shows {}; set it, or date_added will be wrong",
        clock.now()
    );
    Ok(clock.now().to_string())
}
