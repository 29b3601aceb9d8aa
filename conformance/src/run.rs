//! One run: survey, checks, tidying up, report.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::checks;
use crate::options::Options;
use crate::report::{Report, Row};
use crate::requirements;
use crate::survey::{Unreachable, survey};
use crate::verdict::{Evidence, Outcome};

/// However slow the server is, a check ends.
const MAX_CHECK: Duration = Duration::from_secs(180);

/// Where a run stands.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The check that begins.
    pub check: &'static str,
    /// How many are done.
    pub done: usize,
    /// How many there are.
    pub total: usize,
}

/// Tests a server.
///
/// Objects that the run adds are deleted again. `progress` hears the name of each check before it begins.
///
/// # Errors
/// When there is no server, no API root, or not the collection that was asked for.
pub async fn run(options: &Options, mut progress: impl FnMut(Progress)) -> Result<Report, Unreachable> {
    let mut wanted = requirements::of_servers();
    if !options.only.is_empty() {
        wanted.retain(|row| options.only.iter().any(|id| id.eq_ignore_ascii_case(&row.id)));
        if wanted.is_empty() {
            return Err(Unreachable("no requirement has one of these ids; see --list".into()));
        }
    }
    let suite = survey(options).await?;
    let mut checks = checks::all();
    checks.retain(|check| wanted.iter().any(|row| row.check == check.name));
    let mut outcomes = BTreeMap::new();
    for (done, check) in checks.iter().enumerate() {
        progress(Progress { check: check.name, done, total: checks.len() });
        let outcome = match tokio::time::timeout(MAX_CHECK, (check.run)(&suite)).await {
            Ok(verdict) => Outcome::from(verdict),
            Err(_) => Outcome::Fail { evidence: endless(&suite.api_root) },
        };
        outcomes.insert(check.name, outcome);
    }
    let notes = suite.clean_up().await;
    let mut rows = Vec::new();
    for requirement in wanted {
        let reason = format!("no check is named {}", requirement.check);
        let outcome = outcomes.get(requirement.check.as_str()).cloned();
        rows.push(Row { requirement, outcome: outcome.unwrap_or(Outcome::NotApplicable { reason }) });
    }
    Ok(Report { api_root: suite.api_root, rows, notes })
}

fn endless(api_root: &str) -> Evidence {
    Evidence {
        request: format!("requests below {api_root}"),
        status: None,
        at: String::new(),
        detail: format!("the check was not done after {} s", MAX_CHECK.as_secs()),
    }
}
