//! What became of a proposal.

use super::Session;
use super::names::{count, short};
use crate::failure::Failure;
use crate::out::Out;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use taxii_client::Error;
use taxii_client::network::{Proposal, ProposalId};

/// What became of a proposal, for programs.
#[derive(Serialize)]
struct Became {
    proposal: ProposalId,
    is_open: bool,
    /// How many items stand where.
    items: BTreeMap<String, usize>,
}

impl Became {
    fn of(proposal: &Proposal) -> Self {
        let mut items = BTreeMap::new();
        for item in &proposal.items {
            *items.entry(item.phase.clone()).or_insert(0) += 1;
        }
        Self { proposal: proposal.id, is_open: proposal.is_open, items }
    }

    /// The same as a sentence.
    fn sentence(&self) -> String {
        let phrase = |phase: &str| match phase {
            "open" => "awaits more votes",
            "provisional" => "is visible, and awaits ratification",
            "approved" => "approved",
            "suspended" => "awaits votes again",
            "revoked" => "taken back",
            "rolled_back" => "was not ratified, and is taken back",
            "rejected" => "rejected",
            "expired" => "expired",
            "withdrawn" => "withdrawn",
            "superseded" => "superseded by a later version",
            _ => "in a state that this program does not know",
        };
        let parts: Vec<_> = match self.items.iter().next() {
            Some((phase, 1)) if self.items.len() == 1 => vec![phrase(phase).to_owned()],
            _ => self
                .items
                .iter()
                .map(|(phase, items)| format!("{}: {}", count(*items, "item"), phrase(phase)))
                .collect(),
        };
        format!("proposal {}: {}", short(self.proposal, 8), parts.join("; "))
    }
}

/// Asks what became of a proposal, and shows it.
pub(crate) async fn show_outcome(
    session: &Session,
    proposal: ProposalId,
    done: &str,
    out: &mut Out,
) -> Result<(), Failure> {
    let found = match session.client.network().proposal(proposal).await {
        Ok(found) => found,
        // What was signed counts, though this account may not see what becomes of it.
        Err(Error::Refused { status: 403 | 404, .. }) => {
            if out.is_json() {
                return Ok(out.json(&json!({ "proposal": proposal, "did": done }))?);
            }
            return Ok(out.line(done)?);
        }
        Err(error) => return Err(error.into()),
    };
    let became = Became::of(&found);
    if out.is_json() {
        let mut row = serde_json::to_value(&became).unwrap_or_default();
        row["did"] = done.into();
        return Ok(out.json(&row)?);
    }
    out.line(done)?;
    Ok(out.line(became.sentence())?)
}
