//! `report`: the runs as a page.

use super::line;
use super::session::{folder, reports};
use anyhow::Context;
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use taxii_feeds::settings::Settings;
use taxii_feeds::{State, StateError, page};

#[derive(Args)]
pub(super) struct ReportPage {
    /// The file.
    #[arg(short, long, default_value = "feeds.html")]
    output: PathBuf,
}

impl ReportPage {
    pub(super) fn run(&self, settings: &Settings, file: &Path) -> anyhow::Result<ExitCode> {
        let folder = folder(settings, file);
        let observables = match State::open(&folder) {
            Ok(state) => Some(state.observables()?),
            // A process that runs feeds keeps it open; what its runs did is told all the same.
            Err(StateError::InUse(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let html = page(&reports(&folder), observables.as_ref());
        let output = self.output.display();
        std::fs::write(&self.output, html).with_context(|| format!("{output} cannot be written"))?;
        line(&format!("{output} is written; it needs nothing but a browser"))?;
        Ok(ExitCode::SUCCESS)
    }
}
