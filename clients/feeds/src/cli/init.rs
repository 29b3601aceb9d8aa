//! `init`: a file of settings to begin with.

use super::line;
use clap::Args;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

/// What the file says at first: feeds that ask for no key and may be used freely.
const SETTINGS: &str = include_str!("settings.toml");

#[derive(Args)]
pub(super) struct Init {}

impl Init {
    pub(super) fn run(&self, file: &Path) -> anyhow::Result<ExitCode> {
        let created = OpenOptions::new().write(true).create_new(true).open(file);
        let mut created = created.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                anyhow::anyhow!("{} is there already, and stays as it is", file.display())
            }
            _ => anyhow::anyhow!("{} cannot be written: {error}", file.display()),
        })?;
        created.write_all(SETTINGS.as_bytes())?;
        line(&format!(
            "{} is written: name your server in it, then `taxii-feeds once feodo-tracker`",
            file.display()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
