use super::{Place, output};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::Control;
use crate::store::EmbeddedEngine;
use axum::http::Method;
use clap::Args;
use serde_json::json;

/// 1 November 2026: no clock that is right shows an earlier time.
const EARLIEST_MICROS: i64 = 1_793_491_200_000_000;

/// Checks what could keep the server from working, and says what to do.
#[derive(Args)]
#[command(after_help = "Example:\n  taxii-server doctor --config concord.toml")]
pub(super) struct Doctor {
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

struct Finding {
    check: &'static str,
    outcome: Result<String, String>,
}

impl Doctor {
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<bool> {
        super::install_crypto();
        let mut findings = Vec::new();
        let mut note = |check, outcome: anyhow::Result<String>| {
            findings.push(Finding { check, outcome: outcome.map_err(|error| format!("{error:#}")) });
        };
        match place.config(None) {
            Err(error) => note("configuration", Err(error)),
            Ok(config) => {
                note("configuration", config.check().map(|()| format!("serves on {}", config.listen)));
                note("certificate", check_certificate(&config).await);
                note("store", check_store(config).await);
            }
        }
        note("clock", check_clock());
        let is_well = findings.iter().all(|finding| finding.outcome.is_ok());
        if self.json {
            let row = |finding: &Finding| match &finding.outcome {
                Ok(text) => json!({"check": finding.check, "ok": true, "message": text}),
                Err(text) => json!({"check": finding.check, "ok": false, "message": text}),
            };
            output::line(&json!(findings.iter().map(row).collect::<Vec<_>>()).to_string())?;
        } else {
            for Finding { check, outcome } in &findings {
                let (mark, text) = outcome.as_ref().map_or_else(|text| ("BAD", text), |text| ("ok", text));
                output::line(&format!("{mark:4}{check:15}{text}"))?;
            }
        }
        Ok(is_well)
    }
}

async fn check_certificate(config: &Config) -> anyhow::Result<String> {
    let Some(tls) = &config.tls else { return Ok("none: plain HTTP".to_owned()) };
    axum_server::tls_rustls::RustlsConfig::from_pem_file(&tls.certificate, &tls.key).await.map_err(
        |error| anyhow::anyhow!("{} with {}: {error}", tls.certificate.display(), tls.key.display()),
    )?;
    Ok(format!("{} fits its key", tls.certificate.display()))
}

async fn check_store(config: Config) -> anyhow::Result<String> {
    let data = config.data.display().to_string();
    if !EmbeddedEngine::exists(&config.data) {
        return Ok(format!("none in {data} yet; the first start makes it"));
    }
    let control = Control::open(config).await?;
    let way = if control.is_server() { "open in a running server" } else { "not in use" };
    let [collections, accounts] = ["/admin/collections/", "/admin/accounts/"];
    let count = async |path| {
        Ok::<_, anyhow::Error>(control.json(Method::GET, path, ()).await?.as_array().map_or(0, Vec::len))
    };
    Ok(format!(
        "{data}: {way}, {} collections, {} accounts",
        count(collections).await?,
        count(accounts).await?
    ))
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
