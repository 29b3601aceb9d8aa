//! Why a command ends early, and with which exit code.

use std::io;
use std::path::Path;

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
    Client(taxii_client::Error),
    /// Standard output.
    Output(io::Error),
}

impl Failure {
    /// The end of a command that has shown what is not well.
    pub(crate) fn shown_unless(is_all_well: bool) -> Result<(), Self> {
        if is_all_well { Ok(()) } else { Err(Self::Shown) }
    }

    /// A file that cannot be used.
    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        Self::Failed(format!("{}: {error}", path.display()))
    }

    /// A file or standard input that cannot be read.
    pub(crate) fn input(name: &str, error: &io::Error) -> Self {
        Self::Input(format!("{name}: {error}"))
    }

    /// What to tell; nothing when all is told, or when nobody listens any more.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Failed(message) | Self::Usage(message) | Self::Input(message) => Some(message.clone()),
            Self::Client(error) => Some(error.to_string()),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(error) => Some(format!("standard output: {error}")),
            Self::Shown => None,
        }
    }

    /// As in the help text of `taxii`.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            // `taxii pull | head` is no failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Usage(_) | Self::Input(_) | Self::Client(taxii_client::Error::Url { .. }) => 2,
            Self::Client(taxii_client::Error::ManyApiRoots { .. }) => 2,
            Self::Client(error) if error.is_connection() => 3,
            Self::Client(_) | Self::Failed(_) | Self::Output(_) | Self::Shown => 1,
        }
    }
}

impl From<taxii_client::Error> for Failure {
    fn from(error: taxii_client::Error) -> Self {
        Self::Client(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
