//! What is known of feeds.

use super::line;
use super::session::{folder, lines_of, reports};
use clap::Args;
use std::path::Path;
use std::process::ExitCode;
use taxii_feeds::settings::Settings;

#[derive(Args)]
pub(super) struct List {}

impl List {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let names = settings.names();
        let width = names.iter().map(|name| name.len()).max().unwrap_or_default();
        for name in names {
            let feed = settings.feed(name)?;
            let state = if feed.enabled { "on " } else { "off" };
            line(&format!("{name:width$}  {state}  {}", feed.title))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Args)]
pub(super) struct Explain {
    /// The feed.
    feed: String,
}

impl Explain {
    pub(super) fn run(&self, settings: &Settings, file: &Path) -> anyhow::Result<ExitCode> {
        let feed = settings.find(&self.feed)?;
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let rows = [
            ("feed", feed.name.clone()),
            ("title", feed.title.clone()),
            ("publisher", feed.publisher.clone()),
            ("url", or_dash(feed.url.as_deref().map(without_password))),
            ("format", feed.format.to_string()),
            ("terms", or_dash(feed.terms.clone())),
            ("mapping", feed.mapping.clone()),
            ("fetched every", or_dash(feed.interval.map(|span| span.to_string()))),
            ("marking", format!("TLP:{}", feed.tlp.as_str().to_uppercase())),
            ("confidence", or_dash(feed.confidence.map(|confidence| confidence.to_string()))),
            ("time to live", or_dash(feed.time_to_live.map(|span| span.to_string()))),
        ];
        for (name, value) in rows {
            line(&format!("{name:13}  {value}"))?;
        }
        match reports(&folder(settings, file)).iter().rfind(|report| report.feed == feed.name) {
            Some(report) => {
                lines_of(report).iter().try_for_each(|text| line(&format!("{:13}  {text}", "last run")))?
            }
            None => line(&format!("{:13}  never", "last run"))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A URL without the name and the password in it.
fn without_password(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
        Some((scheme, (user, rest))) if !user.contains('/') => format!("{scheme}://…@{rest}"),
        _ => url.to_owned(),
    }
}
