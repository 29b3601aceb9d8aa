//! The rows of `requirements.toml`: what the standard asks of a server, and which check proves it.

use serde::{Deserialize, Serialize};

/// How strictly a row binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// MUST and MUST NOT; only these decide the exit code.
    Must,
    /// SHOULD and SHOULD NOT.
    Should,
    /// A mandatory test of the TAXII 2.1 interoperability document.
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
    /// `T-…` for the standard, `I-…` for the interoperability document.
    pub id: String,
    /// How strictly it binds.
    pub level: Level,
    /// The section it comes from.
    pub section: String,
    /// What is asked, in one sentence.
    pub text: String,
    /// The check that proves it.
    pub check: String,
}

#[derive(Deserialize)]
struct File {
    requirement: Vec<Requirement>,
}

/// Every row, in the order of the file.
pub fn all() -> Vec<Requirement> {
    let file: Result<File, _> = toml::from_str(include_str!("../requirements.toml"));
    file.expect("a test reads the embedded file").requirement
}
