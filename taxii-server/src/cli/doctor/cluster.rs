//! The cluster of TiKV: whether it answers, how its clock goes, whether it is spoken to in secret.

use super::Report;
use crate::clock::Clock;
use crate::config::{Config, EngineName};
use crate::engines;
use crate::store::TikvEngine;
use crate::store::engine::{Engine, EngineError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

const CHECK: &str = "cluster";
/// Time for all questions to the cluster.
const PATIENCE: Duration = Duration::from_secs(15);
/// A larger difference of the clocks is told: `date_added` comes from the clock of the server that writes.
const TOLERANCE_MICROS: i64 = 500_000;

pub(super) async fn check(report: &mut Report, config: &Config) {
    if config.store.engine != EngineName::Tikv || config.check().is_err() {
        return;
    }
    check_files(report, config);
    let pd = config.store.pd.clone().unwrap_or_default();
    match timeout(PATIENCE, engines::cluster(config)).await {
        Ok(Ok(cluster)) => ask(report, config, &cluster, &pd).await,
        Ok(Err(error)) => {
            let error = anyhow::Error::from(error);
            report.problem(CHECK, format!("{error:#}; {}", advice(config, &format!("{error:?}"))));
        }
        Err(_) => report.problem(CHECK, format!("no placement driver answers at {pd}")),
    }
}

fn check_files(report: &mut Report, config: &Config) {
    let Some(files) = config.store.tls() else {
        return report.warning(
            CHECK,
            "is spoken to in clear text; set store.ca, store.cert and store.key where others reach that network",
        );
    };
    for file in files {
        if let Err(error) = std::fs::read(file) {
            report.problem(CHECK, format!("cannot read {}: {error}", file.display()));
        }
    }
}

async fn ask(report: &mut Report, config: &Config, cluster: &TikvEngine, pd: &str) {
    let asked = async {
        let before = Clock::System.now_micros();
        let theirs = cluster.now_micros().await?;
        let after = Clock::System.now_micros();
        let started = Instant::now();
        cluster.snapshot().await?.get(b"doctor".to_vec()).await?;
        Ok::<_, EngineError>((theirs - before - (after - before) / 2, started.elapsed()))
    };
    match timeout(PATIENCE, asked).await {
        Ok(Ok((ahead, time))) => {
            if ahead.abs() > TOLERANCE_MICROS {
                report.warning(
                    CHECK,
                    format!(
                        "its clock is {:.1} s {} of that of this machine; set both by a time service",
                        ahead.abs() as f64 / 1e6,
                        if ahead > 0 { "ahead" } else { "behind" }
                    ),
                );
            }
            let version = match &config.store.keyspace {
                Some(keyspace) => format!("API version 2, keyspace {keyspace}"),
                None => "API version 1".to_owned(),
            };
            let millis = ahead.abs() / 1000;
            report.ok(
                CHECK,
                format!(
                    "{pd} answers, {version}; a read took {} ms, clocks differ by {millis} ms",
                    time.as_millis()
                ),
            );
        }
        Ok(Err(error)) => {
            let advice = advice(config, &format!("{error:?}"));
            report.problem(CHECK, format!("{error}; {advice}"));
        }
        Err(_) => report.problem(
            CHECK,
            format!("the placement driver at {pd} answers, and no store of the cluster does"),
        ),
    }
}

/// What to do about an error of the cluster.
fn advice(config: &Config, error: &str) -> &'static str {
    if error.contains("InvalidKeyMode") || error.contains("ApiVersionNotMatched") {
        return match config.store.keyspace {
            None => "the cluster has API version 2: set store.keyspace, as DEFAULT",
            Some(_) => "the cluster has API version 1: remove store.keyspace",
        };
    }
    if error.contains("keyspace") {
        return "make the keyspace with pd-ctl keyspace create, or name another one in store.keyspace";
    }
    "check store.pd, the network between, and that PD and TiKV run; with TLS, store.ca, store.cert and store.key"
}
