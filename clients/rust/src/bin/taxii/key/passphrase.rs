//! The passphrase of a key.

use crate::failure::Failure;
use std::io::IsTerminal;
use std::path::PathBuf;

/// The variable that holds it.
const VARIABLE: &str = "CONCORD_KEY_PASSPHRASE";

/// Where the passphrase is, for scripts.
#[derive(Debug, clap::Args)]
pub(crate) struct PassphraseOption {
    /// Read the passphrase of the key from the first line of a file; without this, from CONCORD_KEY_PASSPHRASE, or it is
    /// asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseOption {
    /// The passphrase of a key that is there.
    pub(crate) fn get(&self, prompt: &str) -> Result<String, Failure> {
        match self.given()? {
            Some(passphrase) => Ok(passphrase),
            None => ask(prompt),
        }
    }

    /// The passphrase of a new key, which a person types twice.
    pub(crate) fn choose(&self) -> Result<String, Failure> {
        let chosen = match self.given()? {
            Some(passphrase) => passphrase,
            None => {
                let first = ask("New passphrase: ")?;
                if ask("Again: ")? != first {
                    return Err(Failure::Failed("the two passphrases differ; no key was made".to_owned()));
                }
                first
            }
        };
        match chosen.is_empty() {
            true => {
                Err(Failure::Usage("the passphrase is empty; --no-passphrase makes a key without one".into()))
            }
            false => Ok(chosen),
        }
    }

    fn given(&self) -> Result<Option<String>, Failure> {
        if let Some(path) = &self.passphrase_file {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| Failure::input(&path.display().to_string(), &error))?;
            return Ok(Some(text.lines().next().unwrap_or_default().to_owned()));
        }
        Ok(std::env::var(VARIABLE).ok().filter(|value| !value.is_empty()))
    }
}

fn ask(prompt: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("which passphrase? Give --passphrase-file or set {VARIABLE}")));
    }
    rpassword::prompt_password(prompt).map_err(|error| Failure::Failed(format!("no passphrase: {error}")))
}
