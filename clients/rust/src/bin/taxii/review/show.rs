//! One proposal whole.

use super::diff::{Difference, differences};
use super::list::word;
use super::missing::missing;
use crate::failure::Failure;
use crate::network::Session;
use crate::network::names::{escaped, line, now, span};
use crate::out::Out;
use crate::pretty::pretty;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use stix_model::confidence::{Confidence, Scale};
use stix_model::json::{Document, Limits};
use stix_model::validate::{Finding, Profile, Validator};
use stix_model::{Object, Tlp};
use taxii_client::network::{
    CastVote, Checked, Digest, History, Organisation, Policy, Proposal, Said, digest_of,
};

pub(super) async fn run(
    session: &Session,
    proposal: &Proposal,
    checked: &Checked,
    own: Option<&Organisation>,
    out: &mut Out,
) -> Result<(), Failure> {
    let policy = session.client.network().policy(proposal.policy).await?;
    let mut items = Vec::new();
    for number in 0..u32::try_from(proposal.items.len()).unwrap_or(u32::MAX) {
        items.push(look(session, proposal, checked, &policy, number).await?);
    }
    if out.is_json() {
        return Ok(out.json(&whole(session, proposal, checked, &items))?);
    }
    head(session, proposal, checked, out)?;
    for item in &items {
        out.line("")?;
        item.show(out)?;
    }
    out.line("")?;
    votes(session, &checked.votes, out)?;
    if proposal.is_open {
        out.flush()?;
        hint(session, checked, own, out);
    }
    Ok(())
}

/// An item, and what was found about it.
struct Look {
    number: u32,
    phase: String,
    reason: Option<String>,
    /// What it is called.
    id: Option<String>,
    level: Option<u8>,
    confidence: Option<Confidence>,
    /// The text as it was submitted.
    object: Option<String>,
    previous: Previous,
    findings: Vec<Finding>,
    missing: Option<String>,
}

/// The version that readers see now.
enum Previous {
    /// There is none that this account may read.
    None,
    /// It is the object that a revocation takes back.
    Revoked { text: String, is_signed: bool },
    /// It differs so.
    Differs(Vec<Difference>),
}

async fn look(
    session: &Session,
    proposal: &Proposal,
    checked: &Checked,
    policy: &Policy,
    number: u32,
) -> Result<Look, Failure> {
    let shown = &proposal.items[number as usize];
    let item = &checked.items[number as usize];
    let object = item.object.as_ref();
    let network = session.client.network();
    let mut previous = Previous::None;
    match (&checked.said, object) {
        (Said::Submit(submit), Some(object)) => {
            let header = object.header();
            let versions = network.visible(submit.collection, header.id.as_str()).await?;
            // One that is visible before it is ratified is no previous version of itself.
            let is_other = |text: &&RawValue| digest_of(text) != Some(Digest(header.digest.0));
            if let Some(old) = versions.iter().map(AsRef::as_ref).rfind(is_other)
                && let Ok(old) = Document::read(old.get().as_bytes(), Limits::default())
            {
                previous = Previous::Differs(differences(old.root(), object.document().root()));
            }
        }
        (Said::Revoke(revoke), _) => {
            let versions = network.visible(revoke.collection, &revoke.id).await?;
            let signed = versions.iter().find(|text| digest_of(text) == Some(revoke.digest));
            if let Some(text) = signed.or(versions.last()) {
                previous = Previous::Revoked { text: text.get().to_owned(), is_signed: signed.is_some() };
            }
        }
        _ => {}
    }
    let history = if matches!(previous, Previous::None) { History::New } else { History::Revised };
    let missing = match shown.is_open() {
        true => Some(missing(session, proposal, checked, policy, number, history)?),
        false => None,
    };
    let findings = object.map(|object| Validator::new(Profile::Stix).object(object.document().root()));
    Ok(Look {
        number,
        phase: shown.phase.clone(),
        reason: shown.reason.clone(),
        id: item.item.as_ref().map(|item| item.id.clone()),
        level: item.item.as_ref().map(|item| item.level),
        confidence: object.and_then(confidence),
        object: object.map(|object| String::from_utf8_lossy(object.json()).into_owned()),
        previous,
        findings: findings.unwrap_or_default(),
        missing,
    })
}

/// How sure the producer is; nothing where it is no number from 0 to 100, which is a finding.
fn confidence(object: &Object) -> Option<Confidence> {
    let value = object.get::<i64>("confidence").ok().flatten()?;
    Confidence::new(u8::try_from(value).ok()?)
}

fn head(session: &Session, proposal: &Proposal, checked: &Checked, out: &mut Out) -> Result<(), Failure> {
    let by = session.name(checked.organisation);
    out.line(format!("proposal    {}", proposal.id))?;
    out.line(format!("from        {by} ({})", checked.organisation))?;
    let deadlines =
        proposal.items.iter().filter(|item| item.is_open()).filter_map(|item| item.deadline.as_ref());
    let deadline = deadlines.min_by_key(|deadline| deadline.micros());
    let left = deadline.map_or(String::new(), |at| format!(", {} left", span(at.micros() - now())));
    out.line(format!("made        {}, {} ago{left}", proposal.time, span(now() - proposal.time.micros())))?;
    match &checked.said {
        Said::Submit(submit) => {
            out.line(format!("collection  {} ({})", session.title(submit.collection), submit.collection))?;
            if submit.emergency {
                out.line("emergency   asks to be visible before it is ratified")?;
            }
        }
        Said::Revoke(revoke) => {
            out.line(format!("collection  {} ({})", session.title(revoke.collection), revoke.collection))?;
            out.line(format!("takes back  {} {}", line(&revoke.id), line(&revoke.version)))?;
            out.line(format!("reason      {}", line(&revoke.reason)))?;
        }
        Said::Govern(govern) => {
            for (number, text) in super::in_words(&govern.action, session).iter().enumerate() {
                out.line(format!(
                    "{}{}",
                    if number == 0 { "change      " } else { "            " },
                    line(text)
                ))?;
            }
        }
    }
    Ok(())
}

impl Look {
    fn show(&self, out: &mut Out) -> Result<(), Failure> {
        let reason = self.reason.as_ref().map_or_else(String::new, |reason| format!(" ({})", line(reason)));
        match &self.id {
            Some(id) => {
                out.line(format!("item {}: {}{reason}, {}", self.number, line(&self.phase), line(id)))?
            }
            None => out.line(format!("{}{reason}", line(&self.phase)))?,
        }
        if let Some(level) = self.level {
            out.line(format!("  marking   TLP:{}", tlp(level).to_uppercase()))?;
        }
        if let Some(confidence) = self.confidence {
            let term = Scale::NoneLowMedHigh.term(self.confidence);
            out.line(format!("  confidence {}, {term}", confidence.get()))?;
        }
        if let Some(missing) = &self.missing {
            out.line(format!("  decision  {}", line(missing)))?;
        }
        for finding in &self.findings {
            let Finding { severity, pointer, message, fix, .. } = finding;
            let fix = fix.as_ref().map_or_else(String::new, |fix| format!("; {fix}"));
            let place = if pointer.is_empty() { String::new() } else { format!("{pointer}: ") };
            out.line(format!("  {:8}  {}{}{fix}", severity.as_str(), line(&place), line(message)))?;
        }
        if self.object.is_some() && self.findings.is_empty() {
            out.line("  findings  none")?;
        }
        match &self.previous {
            Previous::None if self.object.is_some() => {
                out.line("  previous  no visible version that this account may read")?
            }
            Previous::None => {}
            Previous::Revoked { text, is_signed } => {
                let said =
                    if *is_signed { "as signed" } else { "another version than the one that was signed" };
                out.line(format!("  visible   {said}"))?;
                indented(text, out)?;
            }
            Previous::Differs(differences) => {
                let said = if differences.is_empty() {
                    "the visible version, without a change"
                } else {
                    "changes of the visible version:"
                };
                out.line(format!("  previous  {said}"))?;
                differences.iter().try_for_each(|difference| show_difference(difference, out))?;
            }
        }
        match &self.object {
            Some(text) => indented(text, out),
            None => Ok(()),
        }
    }
}

fn show_difference(difference: &Difference, out: &mut Out) -> Result<(), Failure> {
    let rows = match difference {
        Difference::Added { pointer, new } => vec![format!("    + {pointer}: {new}")],
        Difference::Removed { pointer, old } => vec![format!("    - {pointer}: {old}")],
        Difference::Changed { pointer, old, new } => {
            vec![format!("    - {pointer}: {old}"), format!("    + {pointer}: {new}")]
        }
    };
    rows.iter().try_for_each(|row| Ok(out.line(line(row))?))
}

fn indented(text: &str, out: &mut Out) -> Result<(), Failure> {
    // Escaped behind the layout, so that only what was inside strings is.
    pretty(text).lines().try_for_each(|row| Ok(out.line(format!("    {}", escaped(row)))?))
}

/// The word for a level in statements.
pub(crate) fn tlp(level: u8) -> &'static str {
    Tlp::ALL.get(usize::from(level)).map_or("unknown", |tlp| tlp.as_str())
}

fn votes(session: &Session, votes: &[CastVote], out: &mut Out) -> Result<(), Failure> {
    if votes.is_empty() {
        return Ok(out.line("no votes yet")?);
    }
    for vote in votes {
        let items = vote.items.as_ref().map_or_else(String::new, |items| {
            let items: Vec<_> = items.iter().map(ToString::to_string).collect();
            format!(" items {}", items.join(","))
        });
        let reason = if vote.reason.is_empty() { String::new() } else { format!(": {}", line(&vote.reason)) };
        out.line(format!(
            "vote {} by {}{items}{reason}",
            word(vote.decision),
            session.name(vote.organisation)
        ))?;
    }
    Ok(())
}

fn hint(session: &Session, checked: &Checked, own: Option<&Organisation>, out: &Out) {
    let id = crate::network::names::short(checked.id, 8);
    match own {
        Some(own) if own.id == checked.organisation => {
            out.remark(format!(
                "{} proposes this; `taxii withdraw {id}` takes it back",
                session.name(own.id)
            ));
        }
        _ => out.remark(format!("to vote: taxii vote {id} --approve --reason TEXT --key FILE (or --reject)")),
    }
}

/// All of a proposal, for programs.
#[derive(Serialize)]
struct Whole<'l> {
    #[serde(flatten)]
    facts: Value,
    items: Vec<Row<'l>>,
}

/// An item, with the object as it was written.
#[derive(Serialize)]
struct Row<'l> {
    #[serde(flatten)]
    facts: Value,
    object: Option<&'l RawValue>,
}

fn whole<'l>(session: &Session, proposal: &Proposal, checked: &Checked, items: &'l [Look]) -> Whole<'l> {
    let votes = checked.votes.iter().map(|vote| {
        json!({ "organisation": { "id": vote.organisation, "name": session.name(vote.organisation) },
                "decision": vote.decision, "items": vote.items, "reason": vote.reason })
    });
    let (collection, reason, change) = match &checked.said {
        Said::Submit(submit) => (Some(submit.collection), None, None),
        Said::Revoke(revoke) => (Some(revoke.collection), Some(revoke.reason.clone()), None),
        Said::Govern(govern) => {
            let in_words = super::in_words(&govern.action, session);
            (None, None, Some(json!({ "action": govern.action, "in_words": in_words })))
        }
    };
    let facts = json!({
        "proposal": proposal.id,
        "kind": proposal.kind,
        "is_open": proposal.is_open,
        "organisation": { "id": checked.organisation, "name": session.name(checked.organisation) },
        "collection": collection.map(|id| json!({ "id": id, "title": session.title(id) })),
        "time": proposal.time,
        "reason": reason,
        "change": change,
        "votes": votes.collect::<Vec<_>>(),
    });
    Whole { facts, items: items.iter().map(|item| item.row(proposal)).collect() }
}

impl Look {
    fn row(&self, proposal: &Proposal) -> Row<'_> {
        let difference = |difference: &Difference| match difference {
            Difference::Added { pointer, new } => json!({ "pointer": pointer, "new": parsed(new) }),
            Difference::Removed { pointer, old } => json!({ "pointer": pointer, "old": parsed(old) }),
            Difference::Changed { pointer, old, new } => {
                json!({ "pointer": pointer, "old": parsed(old), "new": parsed(new) })
            }
        };
        let differences = match &self.previous {
            Previous::Differs(differences) => Some(differences.iter().map(difference).collect::<Vec<_>>()),
            _ => None,
        };
        let finding = |finding: &Finding| {
            json!({ "code": finding.code.as_str(), "severity": finding.severity.as_str(),
                    "pointer": finding.pointer, "message": finding.message, "fix": finding.fix })
        };
        let facts = json!({
            "item": self.number, "phase": self.phase, "reason": self.reason, "id": self.id,
            "tlp": self.level.map(tlp), "deadline": proposal.items[self.number as usize].deadline,
            "missing": self.missing, "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
            "differences": differences,
        });
        Row { facts, object: self.object.as_deref().and_then(|text| serde_json::from_str(text).ok()) }
    }
}

/// A value that was written by this program.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
