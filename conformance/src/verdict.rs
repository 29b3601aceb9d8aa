//! What a check may say, and the evidence it has to give.

use std::fmt;

use serde::Serialize;

/// What was asked, what came back, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Method and URL.
    pub request: String,
    /// The HTTP status, when there was an answer at all.
    pub status: Option<u16>,
    /// The offending header or JSON pointer; empty when the answer as a whole is meant.
    pub at: String,
    /// What was found and what the standard asks for.
    pub detail: String,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.request)?;
        if let Some(status) = self.status {
            write!(f, " answered {status}")?;
        }
        if !self.at.is_empty() {
            write!(f, ", {}", self.at)?;
        }
        write!(f, ": {}", self.detail)
    }
}

/// The result of one requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The server does what the row says.
    Pass,
    /// It does not.
    Fail {
        /// How anybody can see it for themselves.
        evidence: Evidence,
    },
    /// This run cannot tell.
    NotApplicable {
        /// Why, and what to change to find out.
        reason: String,
    },
}

/// Why a check ended before its last line.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    Fail(Box<Evidence>),
    NotApplicable(String),
}

/// `Ok` is a pass. A check reads top-down and leaves with `?` at the first thing that is wrong.
pub(crate) type Verdict<T = ()> = Result<T, Stop>;

/// The check cannot say anything about this server.
pub(crate) fn not_applicable<T>(reason: impl Into<String>) -> Verdict<T> {
    Err(Stop::NotApplicable(reason.into()))
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Ok(()) => Self::Pass,
            Err(Stop::Fail(evidence)) => Self::Fail { evidence: *evidence },
            Err(Stop::NotApplicable(reason)) => Self::NotApplicable { reason },
        }
    }
}
