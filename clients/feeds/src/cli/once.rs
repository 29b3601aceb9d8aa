//! `once`: a feed now.

use super::line;
use super::session::{Session, lines_of};
use clap::Args;
use std::path::Path;
use std::process::ExitCode;
use stix_model::Timestamp;
use taxii_feeds::settings::Settings;

#[derive(Args)]
pub(super) struct Once {
    /// The feeds.
    #[arg(required = true)]
    feeds: Vec<String>,
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
        let session = Session::open(settings, file).await?;
        let mut code = ExitCode::SUCCESS;
        for feed in &feeds {
            let now = self.at.clone().unwrap_or_else(Timestamp::now);
            match session.run(feed, now).await {
                Ok(report) if self.json => line(&serde_json::to_string(&report)?)?,
                Ok(report) => lines_of(&report).iter().try_for_each(|text| line(text))?,
                Err(error) => {
                    code = ExitCode::FAILURE;
                    tracing::error!(feed = feed.name, %error, "a feed failed");
                }
            }
        }
        Ok(code)
    }
}
