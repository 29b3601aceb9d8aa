//! An automatic reviewer: rules decide on what they are written for, and leave the rest to people.

mod lists;
mod rules;
mod values;

use super::{NOTHING_SIGNED, send, word};
use crate::failure::Failure;
use crate::network::names::{claimed_at, now, short};
use crate::network::{NetworkOption, Session};
use crate::out::Out;
use crate::server::Server;
pub(super) use rules::Rules;
use rules::{Subject, Verdict};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use stix_model::Timestamp;
use taxii_client::network::{Ballot, Checked, Decision, Organisation, ProposalId, Said, SecretKey, voter};

/// Most bytes of a reason; what stands in it may come from the object.
const MOST_OF_REASON: usize = 1000;

/// Decides on what is open, once or again and again.
pub(super) async fn run(
    rules: &Rules,
    key: &SecretKey,
    wait: Option<Duration>,
    network: &NetworkOption,
    server: &Server,
    out: &mut Out,
) -> Result<(), Failure> {
    // What was left to people is told once.
    let mut left = BTreeSet::new();
    loop {
        let looked = look(rules, key, network, server, &mut left, out).await;
        out.flush()?;
        let Some(wait) = wait else { return Failure::shown_unless(looked?) };
        match looked {
            Ok(_) => {}
            // The server may come back.
            Err(failure @ Failure::Client(_)) => out.complain(failure.message().unwrap_or_default()),
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(wait).await;
    }
}

/// Looks at all open proposals, and says whether all went well.
async fn look(
    rules: &Rules,
    key: &SecretKey,
    network: &NetworkOption,
    server: &Server,
    left: &mut BTreeSet<(ProposalId, u32)>,
    out: &mut Out,
) -> Result<bool, Failure> {
    let session = network.open(server, out).await?;
    let own = voter(&session.organisations, &key.public());
    let own = own.map_err(|error| Failure::Failed(error.to_string()))?;
    let mut is_all_well = true;
    for listed in session.client.network().open_proposals().await? {
        let checked = match session.checked(listed.id, NOTHING_SIGNED).await {
            Ok((_, checked)) => checked,
            Err(failure @ Failure::Failed(_)) => {
                is_all_well = false;
                out.complain(format!("{}: {}", listed.id, failure.message().unwrap_or_default()));
                continue;
            }
            Err(failure) => return Err(failure),
        };
        is_all_well &= decide(&session, rules, key, own, &checked, left, out).await?;
    }
    Ok(is_all_well)
}

/// What the rules say of some items of a proposal.
struct Group {
    verdict: Verdict,
    items: Vec<u32>,
}

async fn decide(
    session: &Session,
    rules: &Rules,
    key: &SecretKey,
    own: &Organisation,
    checked: &Checked,
    left: &mut BTreeSet<(ProposalId, u32)>,
    out: &mut Out,
) -> Result<bool, Failure> {
    let Said::Submit(submit) = &checked.said else {
        if left.insert((checked.id, 0)) {
            log(
                checked.id,
                None,
                &[],
                "-",
                "changes of the network and revocations are left to people",
                out,
            )?;
        }
        return Ok(true);
    };
    if checked.organisation == own.id {
        return Ok(true);
    }
    let mut groups: Vec<Group> = Vec::new();
    for (number, item) in (0_u32..).zip(&checked.items) {
        let is_settled = !item.is_open || checked.vote_on(number, own.id).is_some();
        let (Some(signed), Some(object)) = (&item.item, &item.object) else { continue };
        if is_settled || left.contains(&(checked.id, number)) {
            continue;
        }
        let subject = Subject {
            session,
            collection: submit.collection,
            submitter: checked.organisation,
            signed,
            object,
        };
        let verdict = rules.decide(&subject);
        match groups.iter_mut().find(|group| group.verdict == verdict) {
            Some(group) => group.items.push(number),
            None => groups.push(Group { verdict, items: vec![number] }),
        }
    }
    let open = checked.items.iter().filter(|item| item.is_open).count();
    let mut is_all_well = true;
    let mut sent = 0;
    for Group { verdict, items } in groups {
        let Verdict { decision, rule, detail } = verdict;
        let Some(decision) = decision else {
            left.extend(items.iter().map(|item| (checked.id, *item)));
            log(checked.id, None, &items, &rule, &detail, out)?;
            continue;
        };
        let reason = reason(&rule, &detail);
        let named = (items.len() < open).then(|| items.clone());
        let vote = checked.vote(own.id, Ballot { decision, items: named, reason }, claimed_at());
        let mut vote = vote.map_err(|error| Failure::Failed(error.to_string()))?;
        // Each vote of this look counts on from the one before.
        vote.sequence += sent;
        match send(session, &vote, key).await {
            Ok(()) => {
                sent += 1;
                log(checked.id, Some(decision), &items, &rule, &detail, out)?;
            }
            Err(failure) => {
                is_all_well = false;
                out.complain(format!("{}: {}", checked.id, failure.message().unwrap_or_default()));
            }
        }
    }
    Ok(is_all_well)
}

/// The reason in a vote, which names the rule.
fn reason(rule: &str, detail: &str) -> String {
    let mut reason = format!("by an agent, rule \"{rule}\"");
    if !detail.is_empty() {
        reason.push_str(": ");
        reason.push_str(detail);
    }
    if reason.len() > MOST_OF_REASON {
        let is_end = |at: &usize| reason.is_char_boundary(*at);
        let end = (0..=MOST_OF_REASON).rev().find(is_end).unwrap_or_default();
        reason.truncate(end);
        reason.push('…');
    }
    reason
}

/// A line for each decision.
fn log(
    proposal: ProposalId,
    decision: Option<Decision>,
    items: &[u32],
    rule: &str,
    detail: &str,
    out: &mut Out,
) -> Result<(), Failure> {
    let decision = decision.map_or("leave", word);
    let time = Timestamp::from_micros(now());
    if out.is_json() {
        out.json(
            &json!({ "time": time, "proposal": proposal, "decision": decision, "items": items, "rule": rule,
                          "reason": detail }),
        )?;
    } else {
        let time = time.map_or(String::new(), |time| time.to_string());
        let items: Vec<_> = items.iter().map(ToString::to_string).collect();
        let about = if items.is_empty() { String::new() } else { format!(" items {}", items.join(",")) };
        let why = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        let text = format!("{time} {} {decision}{about} rule {rule}{why}", short(proposal, 8));
        out.line(crate::network::names::line(&text))?;
    }
    Ok(out.flush()?)
}
