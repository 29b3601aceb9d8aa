//! `once`: feeds now. `backfill`: a feed from a time on.

use super::line;
use super::session::{Session, lines_of};
use clap::Args;
use std::path::Path;
use std::process::ExitCode;
use stix_model::Timestamp;
use taxii_feeds::Start;
use taxii_feeds::feed::Feed;
use taxii_feeds::settings::Settings;

#[derive(Args)]
pub(super) struct Once {
    /// The feeds.
    #[arg(required = true)]
    feeds: Vec<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
pub(super) struct Backfill {
    /// The feed.
    feed: String,
    /// The day from which on, such as 2024-01-01.
    #[arg(long, value_parser = day)]
    since: Timestamp,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
struct How {
    /// Print the reports as JSON, one a line.
    #[arg(long)]
    json: bool,
    /// The time at which the feed is taken to be fetched; now when absent.
    #[arg(long, hide = true)]
    at: Option<Timestamp>,
}

impl Once {
    pub(super) async fn run(&self, settings: &Settings, file: &Path) -> anyhow::Result<ExitCode> {
        let feeds = self.feeds.iter().map(|name| settings.find(name)).collect::<Result<Vec<_>, _>>()?;
        self.how.run(&feeds, None, &Session::open(settings, file).await?).await
    }
}

impl Backfill {
    pub(super) async fn run(&self, settings: &Settings, file: &Path) -> anyhow::Result<ExitCode> {
        let feed = settings.find(&self.feed)?;
        anyhow::ensure!(
            feed.pages.is_some() || feed.is_provider(),
            "{} cannot be asked since a time: it gives what it has each time, so `once` is enough",
            feed.name
        );
        self.how.run(&[feed], Some(self.since.clone()), &Session::open(settings, file).await?).await
    }
}

impl How {
    async fn run(
        &self,
        feeds: &[Feed],
        since: Option<Timestamp>,
        session: &Session,
    ) -> anyhow::Result<ExitCode> {
        let mut code = ExitCode::SUCCESS;
        for feed in feeds {
            let now = self.at.clone().unwrap_or_else(Timestamp::now);
            match session.run(feed, Start { now, since: since.clone() }).await {
                Ok(report) => {
                    match self.json {
                        true => line(&serde_json::to_string(&report)?)?,
                        false => lines_of(&report).iter().try_for_each(|text| line(text))?,
                    }
                    if report.delivered.refused > 0 {
                        code = ExitCode::FAILURE;
                    }
                }
                Err(error) => {
                    code = ExitCode::FAILURE;
                    tracing::error!(feed = feed.name, %error, "a feed failed");
                }
            }
        }
        Ok(code)
    }
}

fn day(text: &str) -> Result<Timestamp, String> {
    taxii_feeds::time::read(text).ok_or_else(|| "write a day, such as 2024-01-01".to_owned())
}
