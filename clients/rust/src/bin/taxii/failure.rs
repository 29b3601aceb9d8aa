//! Why a command ends early, and with which exit code.

use serde_json::{Value, json};
use std::io;
use std::path::Path;
use taxii_client::Error;

/// The exit codes, as the help texts show them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  all went well
  1  something failed, is invalid or does not match, or the server refused the request
  2  the command was not understood, or its input cannot be read
  3  the server could not be reached, or is too busy
  4  the server refused the credentials, or wants some
  130  push was interrupted, and has shown what was done";

/// Error code of Concord servers: what was signed does not count.
const REFUSED: &str = "refused";

/// The longest address that an error repeats in full.
const MOST_OF_URL: usize = 160;

/// What ends a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something failed or is invalid.
    Failed(String),
    /// The same, and the command has shown it already.
    Shown,
    /// The command cannot be carried out as it was given.
    Usage(String),
    /// Its input cannot be read.
    Input(String),
    /// The server, or the way to it.
    Client(Error),
    /// Standard output.
    Output(io::Error),
    /// The user stopped it.
    Interrupted,
}

impl Failure {
    /// The end of a command that has shown what is not well.
    pub(crate) fn shown_unless(is_all_well: bool) -> Result<(), Self> {
        if is_all_well { Ok(()) } else { Err(Self::Shown) }
    }

    /// The same, after results were shown. What is known to be not well stays so when the reader of the results has gone
    /// away.
    pub(crate) fn verdict(shown: Result<(), Self>, is_all_well: bool) -> Result<(), Self> {
        match shown {
            Err(Self::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe && !is_all_well => {
                Err(Self::Shown)
            }
            shown => shown.and(Self::shown_unless(is_all_well)),
        }
    }

    /// A file that cannot be used.
    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        Self::Failed(format!("{}: {error}", path.display()))
    }

    /// A file or standard input that cannot be read.
    pub(crate) fn input(name: &str, error: &io::Error) -> Self {
        Self::Input(format!("{name}: {error}"))
    }

    /// What to tell; nothing when all is told, or when the reader has gone away.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Failed(message) | Self::Usage(message) | Self::Input(message) => Some(short(message)),
            Self::Client(error) => {
                let mut message = short(&error.to_string());
                if let Error::Refused { status: 401, .. } = error.cause() {
                    message.push_str("\ncheck the credentials: --user with TAXII_PASSWORD, or TAXII_TOKEN");
                }
                if let Error::OutcomeUnknown(_) = error {
                    message.push_str("\nit is not known whether the server carried out the request");
                }
                Some(message)
            }
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(error) => Some(format!("standard output: {error}")),
            Self::Interrupted => Some("interrupted".to_owned()),
            Self::Shown => None,
        }
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        let kind = match self.exit_code() {
            2 if matches!(self, Self::Input(_)) => "input",
            2 => "usage",
            3 => "connection",
            4 => "credentials",
            130 => "interrupted",
            _ if matches!(self, Self::Client(_)) => "server",
            _ => "failed",
        };
        let mut error = json!({ "message": self.message(), "kind": kind, "exit_code": self.exit_code() });
        if let Self::Client(client) = self
            && let Error::Refused { status, error: said, .. } = client.cause()
        {
            error["http_status"] = (*status).into();
            error["error_code"] = said.error_code.clone().into();
        }
        json!({ "error": error })
    }

    /// As in [`EXIT_CODES`].
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            // `taxii pull | head` is no failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Usage(_) | Self::Input(_) => 2,
            Self::Client(error) => match error.cause() {
                Error::Url { .. } | Error::ManyApiRoots { .. } | Error::CaFile { .. } => 2,
                // A statement of an organisation; the account is welcome.
                Error::Refused { error, .. } if error.error_code.as_deref() == Some(REFUSED) => 1,
                Error::Refused { status: 401 | 403 | 407, .. } | Error::Credentials => 4,
                error if error.is_connection() => 3,
                _ => 1,
            },
            Self::Failed(_) | Self::Output(_) | Self::Shown => 1,
            // As of a program that the signal ends.
            Self::Interrupted => 130,
        }
    }
}

/// A message without the tails of long addresses, which many filters give.
fn short(message: &str) -> String {
    let cut = |word: &str| {
        if word.len() <= MOST_OF_URL || !word.contains("://") {
            return word.to_owned();
        }
        let end = (0..=MOST_OF_URL).rev().find(|at| word.is_char_boundary(*at)).unwrap_or_default();
        let tail = word.trim_end().len();
        let mark = if word.trim_end().ends_with(':') { ":" } else { "" };
        format!("{}…{mark}{}", &word[..end], &word[tail..])
    };
    message.split_inclusive(char::is_whitespace).map(cut).collect()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_addresses_are_cut() {
        let long = format!("https://h/?match[id]={}: HTTP 414: too\nlong", "é".repeat(300));
        let cut = short(&long);
        assert!(
            cut.starts_with("https://h/?match[id]=éé") && cut.ends_with("é…: HTTP 414: too\nlong"),
            "{cut}"
        );
        assert!(cut.chars().count() < 200);
        let other = "é".repeat(300);
        assert_eq!(short(&other), other);
    }
}
