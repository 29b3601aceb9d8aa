//! What a proof proves, in words.

use super::{Verified, word};
use crate::failure::Failure;
use crate::network::names::{count, line};
use crate::out::Out;
use serde_json::json;
use stix_model::Timestamp;
use taxii_client::network::OrganisationId;

impl Verified {
    fn name(&self, id: OrganisationId) -> String {
        let found = self.members.iter().find(|member| member.id == id);
        found.map_or_else(|| id.to_string(), |member| line(&member.name))
    }

    /// What no signature shows that the reader knows.
    fn rests_on_the_log(&self) -> Vec<&'static str> {
        let mut rests = Vec::new();
        if !self.proven.are_members_trusted {
            rests.push("that these organisations are the members and have these keys; compare them, and give --members");
        }
        if !self.proven.is_submission_shown {
            rests.push(
                "that the votes were about this object; what the submitter signed is not shown, because it names objects that \
                 are not visible",
            );
        }
        if self.seen.marked.is_none() {
            rests.push("the level of the object, which has no marking");
        }
        if self.proven.witnesses.is_empty() {
            rests.push("that all readers see the same log; no witness cosigned the checkpoint");
        }
        rests
    }
}

pub(super) fn run(verified: &Verified, out: &mut Out) -> Result<(), Failure> {
    let Verified { bundle, seen, proven, .. } = verified;
    let time = i64::try_from(proven.time).ok().and_then(Timestamp::from_micros);
    let time = time.map_or_else(|| format!("{} µs since 1970", proven.time), |time| time.to_string());
    // The note was read before; its text begins with origin and size.
    let mut note = bundle.checkpoint.lines();
    let (origin, size) = (note.next().unwrap_or_default(), note.next().unwrap_or_default());
    let witnesses: Vec<_> = proven.witnesses.iter().map(|name| name.as_str()).collect();
    let rests = verified.rests_on_the_log();
    if out.is_json() {
        let organisation = |id: OrganisationId| json!({ "id": id, "name": verified.name(id) });
        let approved: Vec<_> = proven.approved_by.iter().map(|(id, _)| organisation(*id)).collect();
        let item = &proven.item;
        out.json(&json!({
            "proved": true,
            "object": {
                "id": item.id, "version": seen.version, "type": item.object_type,
                "tlp": crate::review::tlp(item.level), "digest": item.digest,
            },
            "network": bundle.network, "collection": bundle.collection,
            "submitted_by": organisation(bundle.submitter), "approved_by": approved,
            "time": time, "entry": proven.index,
            "checkpoint": { "origin": origin, "size": size.parse::<u64>().ok() },
            "witnesses": witnesses,
            "is_submission_shown": proven.is_submission_shown,
            "are_members_trusted": proven.are_members_trusted,
            "rests_on_the_log": rests,
        }))?;
        return Ok(());
    }
    let version = seen.version.as_ref().map_or_else(String::new, |version| format!(", version {version}"));
    out.line("proved: this object was approved")?;
    out.line(format!("object        {}{version}, TLP:{}", line(&proven.item.id), word(proven.item.level)))?;
    out.line(format!("digest        {}", proven.item.digest))?;
    out.line(format!("network       {}", bundle.network))?;
    out.line(format!("collection    {}", bundle.collection))?;
    let named = |id: OrganisationId| format!("{} ({id})", verified.name(id));
    let by = if proven.is_submission_shown { "" } else { ", by the word of the log" };
    out.line(format!("submitted by  {}{by}", named(bundle.submitter)))?;
    let approved: Vec<_> = proven.approved_by.iter().map(|(id, _)| named(*id)).collect();
    match approved.is_empty() {
        true => out.line("approved by   the policy, which asks for no votes on such objects")?,
        false => out.line(format!("approved by   {}", approved.join("\n              ")))?,
    }
    out.line(format!("approved at   {time}, in entry {}", proven.index))?;
    let entries = size.parse().map_or_else(|_| size.to_owned(), |size| count(size, "decision"));
    out.line(format!("checkpoint    {entries} in the log {}", line(origin)))?;
    let cosigned = if witnesses.is_empty() { "none".to_owned() } else { witnesses.join(", ") };
    out.line(format!("witnesses     {cosigned}"))?;
    if !rests.is_empty() {
        out.line("This rests on the log alone:")?;
        for rest in rests {
            out.line(format!("- {rest}"))?;
        }
    }
    out.flush()?;
    out.remark("A proof does not tell whether the object was taken back since.");
    Ok(())
}
