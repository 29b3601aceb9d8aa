//! What awaits votes, a line for each proposal.

use crate::failure::Failure;
use crate::network::Session;
use crate::network::names::{digits, now, short, span};
use crate::out::Out;
use serde_json::{Value, json};
use taxii_client::network::{Checked, Decision, Organisation, Proposal, check};

/// What is told of a proposal.
struct Row {
    proposal: Proposal,
    /// Nothing when the server shows something else than what was signed.
    checked: Option<Checked>,
    own_vote: Option<String>,
}

pub(super) async fn run(session: &Session, own: Option<&Organisation>, out: &mut Out) -> Result<(), Failure> {
    let network = session.client.network();
    let mut rows = Vec::new();
    let mut is_all_well = true;
    for listed in network.open_proposals().await? {
        let proposal = network.proposal(listed.id).await?;
        let checked = check(&proposal, session.state.network, &session.organisations);
        if let Err(error) = &checked {
            is_all_well = false;
            out.complain(format!("{}: {error}; do not vote on it", proposal.id));
        }
        let checked = checked.ok();
        let own_vote = own.map(|own| own_vote(&proposal, checked.as_ref(), own));
        rows.push(Row { proposal, checked, own_vote });
    }
    let shown = match out.is_json() {
        true => rows.iter().try_for_each(|row| Ok(out.json(&json_of(session, row))?)),
        false => table(session, &rows, out),
    };
    Failure::verdict(shown, is_all_well)
}

/// What an organisation said.
fn own_vote(proposal: &Proposal, checked: Option<&Checked>, own: &Organisation) -> String {
    let Some(checked) = checked else { return "?".to_owned() };
    let open = proposal.items.iter().filter(|item| item.is_open());
    let votes: Vec<_> =
        open.map(|item| checked.vote_on(item.item, own.id).map(|vote| vote.decision)).collect();
    let first = votes.first().copied().flatten();
    if votes.iter().any(|vote| *vote != first) {
        return "partly".to_owned();
    }
    match first {
        Some(decision) => word(decision).to_owned(),
        None if proposal.organisation == own.id => "own".to_owned(),
        None => "-".to_owned(),
    }
}

/// The word of a decision.
pub(super) fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "approve",
        Decision::Reject => "reject",
        Decision::Abstain => "abstain",
        Decision::Veto => "veto",
    }
}

/// Votes that say so.
fn votes(proposal: &Proposal, decision: Decision) -> usize {
    proposal.votes.iter().filter(|vote| vote.decision == decision).count()
}

fn deadline(proposal: &Proposal) -> Option<&stix_model::Timestamp> {
    let open = proposal.items.iter().filter(|item| item.is_open());
    open.filter_map(|item| item.deadline.as_ref()).min_by_key(|deadline| deadline.micros())
}

fn table(session: &Session, rows: &[Row], out: &mut Out) -> Result<(), Failure> {
    if rows.is_empty() {
        out.remark("nothing awaits votes that this account may see");
        return Ok(());
    }
    let ids: Vec<_> = rows.iter().map(|row| row.proposal.id).collect();
    let (digits, now) = (digits(&ids), now());
    let cells = |row: &Row| {
        let Row { proposal, checked, own_vote } = row;
        let left = deadline(proposal).map_or("-".to_owned(), |deadline| span(deadline.micros() - now));
        let approve = votes(proposal, Decision::Approve);
        [
            short(proposal.id, digits),
            if checked.is_some() { proposal.kind.clone() } else { "TAMPERED".to_owned() },
            session.name(proposal.organisation),
            proposal.collection.map_or("-".to_owned(), |id| session.title(id)),
            span(now - proposal.time.micros()),
            left,
            if proposal.kind == "govern" { "-".to_owned() } else { proposal.items.len().to_string() },
            format!("{approve} for, {} other", proposal.votes.len() - approve),
            own_vote.clone().unwrap_or_else(|| "?".to_owned()),
        ]
    };
    let cells: Vec<_> = rows.iter().map(cells).collect();
    let head = ["PROPOSAL", "KIND", "FROM", "COLLECTION", "AGE", "LEFT", "OBJECTS", "VOTES", "VOTE"];
    Ok(out.table(head, &cells)?)
}

fn json_of(session: &Session, row: &Row) -> Value {
    let Row { proposal, checked, own_vote } = row;
    let collection = proposal.collection.map(|id| json!({ "id": id, "title": session.title(id) }));
    let count = |decision| votes(proposal, decision);
    json!({
        "proposal": proposal.id,
        "kind": proposal.kind,
        "organisation": { "id": proposal.organisation, "name": session.name(proposal.organisation) },
        "collection": collection,
        "time": proposal.time,
        "deadline": deadline(proposal),
        "objects": if proposal.kind == "govern" { 0 } else { proposal.items.len() },
        "votes": {
            "approve": count(Decision::Approve), "reject": count(Decision::Reject),
            "abstain": count(Decision::Abstain), "veto": count(Decision::Veto),
        },
        "own_vote": own_vote,
        "is_as_signed": checked.is_some(),
    })
}
