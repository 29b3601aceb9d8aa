//! `run`: all feeds that are enabled, each when its time comes.

use super::metrics::{Metrics, serve};
use super::session::{Session, lines_of};
use clap::Args;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use stix_model::Timestamp;
use taxii_feeds::feed::Feed;
use taxii_feeds::settings::Settings;
use taxii_feeds::{FetchError, RunError, Start, StateError};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Time between two fetches of a feed that does not say.
const INTERVAL: Duration = Duration::from_secs(3_600);
/// Time after which a feed that failed is tried again; twice as long after each failure, up to its interval.
const AGAIN: Duration = Duration::from_secs(60);

/// Feeds that are fetched at the same time.
const AT_ONCE: usize = 4;
/// The longest time for which a source may put this off.
const LONGEST: Duration = Duration::from_secs(86_400);

#[derive(Args)]
pub(super) struct Run {
    /// Show what runs did to Prometheus: an address, such as 127.0.0.1:9464.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
}

impl Run {
    pub(super) async fn run(&self, settings: &Settings, file: &Path) -> anyhow::Result<ExitCode> {
        let feeds =
            settings.names().into_iter().map(|name| settings.feed(name)).collect::<Result<Vec<_>, _>>()?;
        let feeds: Vec<Feed> = feeds.into_iter().filter(|feed| feed.enabled).collect();
        if feeds.is_empty() {
            anyhow::bail!("no feed is enabled in {}: set `enabled = true` for one", file.display());
        }
        let shared = Shared {
            session: Session::open(settings, file).await?,
            metrics: Metrics::new(),
            turns: Semaphore::new(AT_ONCE),
        };
        let shared = Arc::new(shared);
        if let Some(address) = self.metrics {
            serve(Arc::clone(&shared), address).await?;
        }
        tracing::info!(feeds = feeds.len(), "feeds are fetched when their time comes");
        let mut tasks = JoinSet::new();
        for feed in feeds {
            let due = due(&shared.session, &feed)?;
            tasks.spawn(follow(Arc::clone(&shared), feed, due));
        }
        // A run that is broken off loses nothing: the next one goes on with what waits.
        tokio::select! {
            () = stopped() => Ok(ExitCode::SUCCESS),
            Some(ended) = tasks.join_next() => Err(anyhow::anyhow!("a feed ended: {ended:?}")),
        }
    }
}

/// What all feeds use.
pub(super) struct Shared {
    session: Session,
    pub(super) metrics: Metrics,
    turns: Semaphore,
}

fn due(session: &Session, feed: &Feed) -> Result<Instant, StateError> {
    let fetched = session.state().cursor(&feed.name)?.fetched;
    let since = fetched.map(|fetched| Timestamp::now().micros() - fetched.micros());
    let since = since.and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros);
    Ok(Instant::now() + since.map_or(Duration::ZERO, |since| interval(feed).saturating_sub(since)))
}

/// Fetches a feed again and again.
async fn follow(shared: Arc<Shared>, feed: Feed, mut due: Instant) {
    let mut failures = 0;
    loop {
        tokio::time::sleep_until(due).await;
        let Ok(_turn) = shared.turns.acquire().await else { return };
        let wait = fetch(&shared, &feed, &mut failures).await;
        due = Instant::now() + wait;
    }
}

fn interval(feed: &Feed) -> Duration {
    feed.interval.map_or(INTERVAL, |interval| interval.duration())
}

/// Fetches a feed, and returns the time until it is fetched again.
async fn fetch(shared: &Shared, feed: &Feed, failures: &mut u32) -> Duration {
    let Shared { session, metrics, .. } = shared;
    let ended = session.run(feed, Start { now: Timestamp::now(), since: None }).await;
    metrics.note_waiting(session.state());
    match ended {
        Ok(report) => {
            *failures = 0;
            metrics.note(&report);
            for text in lines_of(&report) {
                match report.delivered.refused {
                    0 => tracing::info!(feed = feed.name, "{text}"),
                    _ => tracing::warn!(feed = feed.name, "{text}"),
                }
            }
            interval(feed)
        }
        Err(error) => {
            *failures += 1;
            metrics.note_failure(&feed.name);
            let asked = match &error {
                RunError::Fetch(FetchError::Busy { retry_after, .. }) => {
                    retry_after.map(|wait| wait.min(LONGEST))
                }
                // It does not get a key by being asked again.
                RunError::Fetch(FetchError::NeedsKey) => Some(interval(feed)),
                _ => None,
            };
            let usual = AGAIN.saturating_mul(1 << (*failures - 1).min(10)).min(interval(feed));
            let wait = asked.unwrap_or(usual).max(usual);
            tracing::warn!(feed = feed.name, %error, again_in = wait.as_secs(), "a feed failed");
            wait
        }
    }
}

/// Waits for the signal to end.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        else {
            return drop(interrupt.await);
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}
