//! `report`: the runs as a page.

use super::line;
use super::session::{folder, reports};
use anyhow::Context;
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use taxii_feeds::settings::Settings;
use taxii_feeds::{State, page};

#[derive(Args)]
pub(super) struct ReportPage {
    /// The file.
    #[arg(short, long, default_value = "feeds.html")]
    output: PathBuf,
}

impl ReportPage {
    pub(super) fn run(&self, settings: &Settings, file: &Path) -> anyhow::Result<ExitCode> {
        let folder = folder(settings, file);
        let html = page(&reports(&folder), &State::open(&folder)?)?;
        let output = self.output.display();
        std::fs::write(&self.output, html).with_context(|| format!("{output} cannot be written"))?;
        line(&format!("{output} is written; it needs nothing but a browser"))?;
        Ok(ExitCode::SUCCESS)
    }
}
