//! The rows of `requirements.toml`: what the standards ask of a server or of the library, and which check proves it.

use serde::{Deserialize, Serialize};

/// How strictly a row binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// MUST and MUST NOT; only these decide the exit code.
    Must,
    /// SHOULD and SHOULD NOT.
    Should,
    /// A mandatory test of an interoperability document.
    Interop,
    /// Follows from HTTP or from the sense of the text; not binding.
    Info,
}

impl Level {
    /// As the file has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::Interop => "INTEROP",
            Self::Info => "INFO",
        }
    }
}

/// One row.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// `T-…`, `S-…` and `P-…` for the standards, `I-…` for the interoperability documents.
    pub id: String,
    /// How strictly it binds.
    pub level: Level,
    /// The section it comes from.
    pub section: String,
    /// What is asked, in one sentence.
    pub text: String,
    /// The check that proves it: for a server the name of one of [`crate::checks`]; for the library, separated by
    /// commas, the file with the examples or the file and name of a test, or why there is none.
    pub check: String,
}

impl Requirement {
    /// Whether it binds a server, so that a run has a check for it.
    pub fn is_of_server(&self) -> bool {
        !self.check.contains(['.', ':'])
    }
}

#[derive(Deserialize)]
struct File {
    requirement: Vec<Requirement>,
}

/// The rows that bind a server, in the order of the file.
pub fn of_servers() -> Vec<Requirement> {
    let mut rows = all();
    rows.retain(Requirement::is_of_server);
    rows
}

/// Every row, in the order of the file.
pub fn all() -> Vec<Requirement> {
    let file: Result<File, _> = toml::from_str(include_str!("../requirements.toml"));
    file.expect("a test reads the embedded file").requirement
}
