//! What the demo shows, step by step. Each one can be repeated, so an interrupted demo goes on.

use super::founding::{Founded, approve};
use super::proof::{self, Reader, digest_of, get_proof};
use super::tell::Tell;
use super::{API_ROOT, Host, Kept, damage, unless_busy, until};
use crate::cli::demo::ICS_ATTACK;
use crate::control::{ItemResource, ProposalResource};
use crate::private;
use anyhow::{Context, bail, ensure};
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use consensus::{Digest, ProposalId};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;
use stix_model::json::Document;
use stix_model::taxii::{DATE_ADDED_FIRST, DATE_ADDED_LAST};

/// Stuxnet, as MITRE ATT&CK describes it.
const OBJECT: &str = "malware--088f1d6e-0783-47c6-9923-9c79b2af43d4";
/// What one byte of it is changed in, and to what.
const NAME: [&str; 2] = ["\"name\": \"Stuxnet\"", "\"name\": \"Stuxnot\""];

/// What the steps are about.
struct Stage<'s> {
    hosts: &'s [Host],
    founded: &'s Founded,
    data: &'s Path,
    tell: &'s Tell,
    /// The text of the object.
    text: String,
    /// The same with another byte.
    changed: String,
}

pub(super) async fn run(
    hosts: &[Host],
    founded: &Founded,
    kept: &Kept,
    data: &Path,
    tell: &Tell,
) -> anyhow::Result<()> {
    let text = object()?;
    let changed = text.replacen(NAME[0], NAME[1], 1);
    ensure!(changed != text, "the demo data has another object than is expected");
    let stage = Stage { hosts, founded, data, tell, text, changed };
    stage.founded()?;
    stage.restore_what_was_interrupted().await?;
    let Some(proposal) = stage.submitted(kept).await? else { return Ok(()) };
    if proposal.is_open {
        let proposal = stage.pending(&proposal).await?;
        stage.voted(proposal).await?;
    }
    stage.approved().await?;
    let reader = stage.proved().await?;
    stage.tampered(&reader).await?;
    stage.repaired(&reader).await?;
    tell.step("serving", "the three servers go on serving; commands to try follow", json!({}))
}

/// The text of the object, as it stands in the demo data.
fn object() -> anyhow::Result<String> {
    let mut bundle = Vec::new();
    flate2::read::GzDecoder::new(ICS_ATTACK).read_to_end(&mut bundle)?;
    let document = Document::read(&bundle, stix_model::reader::LIMITS.bytes(bundle.len()))?;
    let objects = document.root().get("objects").context("the demo data is no bundle")?;
    let is_it = |id: Option<stix_model::json::Value<'_>>| {
        id.and_then(|id| id.as_str()).is_some_and(|id| id == OBJECT)
    };
    let found = objects.elements().find(|object| is_it(object.get("id")));
    Ok(found.context("the demo data does not have the object")?.raw().to_owned())
}

/// What a server shows of the collection.
#[derive(PartialEq, Eq)]
struct Page {
    objects: Bytes,
    manifest: Bytes,
    /// The headers with the first and the last `date_added`.
    added: [String; 2],
}

impl Stage<'_> {
    fn founded(&self) -> anyhow::Result<()> {
        let Founded { network, nodes, .. } = self.founded;
        let listed = nodes.iter().map(|node| {
            json!({ "id": node.id, "organisation": node.name, "address": node.address, "is_leader": node.is_leader })
        });
        let facts = json!({ "network": network, "nodes": listed.collect::<Vec<_>>() });
        let leader = nodes.iter().find(|node| node.is_leader).map_or("one of them", |node| &node.name);
        let sentence = format!(
            "{} founded the network; the two others were invited, asked to join, and were voted in; the node of {leader} \
             leads",
            self.hosts[0].name()
        );
        self.tell.step("founded", &sentence, facts)
    }

    /// Puts the text back that an interrupted demo had changed.
    async fn restore_what_was_interrupted(&self) -> anyhow::Result<()> {
        let third = self.third()?;
        if damage::exchange(third.app(), &self.changed, &self.text).await? > 0 {
            self.tell
                .say(&format!("  (an earlier demo had changed the object at {}: repaired)", third.name()))?;
        }
        Ok(())
    }

    fn third(&self) -> anyhow::Result<&Host> {
        self.hosts.last().context("there are no servers")
    }

    /// Submits the object, unless an earlier start did. Returns its proposal; `None` when that came to nothing.
    async fn submitted(&self, kept: &Kept) -> anyhow::Result<Option<ProposalResource>> {
        let first = &self.hosts[0];
        let earlier = self.proposal(first).await?;
        let is_earlier = earlier.is_some();
        let proposal = match earlier {
            Some(earlier) => earlier,
            None => {
                let path = format!("/{API_ROOT}/collections/{}/objects/", self.founded.collection);
                let body = Bytes::from(format!("{{\"objects\":[{}]}}", self.text));
                until("the founder takes the object", async || {
                    let reply = first.control.add_objects(&path, kept.request, body.clone()).await?;
                    unless_busy(reply.success())?.map_or(Ok(None), |reply| refusal(&reply.body).map(Some))
                })
                .await?;
                let what = "the object is proposed";
                until(what, async || self.proposal(first).await).await?
            }
        };
        let phase = item_of(&proposal).map_or("gone", |item| &item.phase);
        let facts = json!({
            "organisation": first.name(), "object": OBJECT, "proposal": proposal.id, "phase": phase,
            "digest": digest_of(&self.text)?, "is_earlier": is_earlier,
        });
        let sentence = match is_earlier {
            true => format!("{} submitted Stuxnet ({OBJECT}) at an earlier start", first.name()),
            false => format!(
                "{} submits Stuxnet ({OBJECT}) of MITRE ATT&CK with an ordinary POST, and gets 202: pending",
                first.name()
            ),
        };
        self.tell.step("submitted", &sentence, facts)?;
        if matches!(phase, "open" | "approved") {
            return Ok(Some(proposal));
        }
        let sentence = format!(
            "what became of it since: {phase}; the other steps need a new folder, so give --data another one to see them"
        );
        self.tell.step("skipped", &sentence, json!({ "phase": phase }))?;
        Ok(None)
    }

    /// The last proposal of the object, as a server knows it.
    async fn proposal(&self, host: &Host) -> anyhow::Result<Option<ProposalResource>> {
        let proposals = host.control.proposals_of(self.founded.collection).await?;
        Ok(proposals.into_iter().rfind(|proposal| item_of(proposal).is_some() && proposal.kind == "submit"))
    }

    /// Shows that each server knows the proposal, and none serves the object.
    async fn pending(&self, proposal: &ProposalResource) -> anyhow::Result<ProposalId> {
        let mut nodes = Vec::new();
        for host in self.hosts {
            let what = format!("{} knows of the proposal", host.name());
            until(&what, async || Ok(self.proposal(host).await?.filter(|found| found.id == proposal.id)))
                .await?;
            let is_visible = self.is_visible(host).await?;
            ensure!(!is_visible, "{} serves the object before it is approved", host.name());
            nodes.push(json!({ "organisation": host.name(), "is_pending": true, "is_visible": is_visible }));
        }
        let sentence = "all three servers hold it for their reviewers, and none shows it to clients";
        self.tell.step("pending", sentence, json!({ "proposal": proposal.id, "nodes": nodes }))?;
        Ok(proposal.id.parse()?)
    }

    /// Has the two other organisations approve it, each at its own server.
    async fn voted(&self, proposal: ProposalId) -> anyhow::Result<()> {
        let mut is_open = true;
        for host in &self.hosts[1..] {
            let what = format!("the vote of {} counts", host.name());
            let vote =
                async || approve(host, host, self.founded.network, proposal, "seen in our own plants").await;
            is_open = until(&what, vote).await?.is_open;
            let facts = json!({
                "organisation": host.name(), "proposal": proposal, "decision": "approve", "is_decided": !is_open,
            });
            let rest = if is_open { "the policy asks for one more" } else { "that is enough" };
            let sentence = format!("{} approves with its key, at its own server; {rest}", host.name());
            self.tell.step("voted", &sentence, facts)?;
        }
        ensure!(!is_open, "two organisations approved the object, and it is not decided");
        Ok(())
    }

    /// Shows that all servers serve the object, and the same bytes.
    async fn approved(&self) -> anyhow::Result<()> {
        for host in self.hosts {
            let what = format!("{} serves the object", host.name());
            until(&what, async || Ok(self.is_visible(host).await?.then_some(()))).await?;
        }
        let page = self.same_page().await?;
        let digest = Digest::of(&[&page.objects]);
        let date_added = self.date_added(&page)?;
        let facts = json!({
            "object": OBJECT, "date_added": date_added, "page_sha256": digest, "page_bytes": page.objects.len(),
            "are_equal": true, "date_added_first": page.added[0], "date_added_last": page.added[1],
        });
        let sentence = format!(
            "all three serve it with the same date_added, {date_added}, and pages that are equal to the byte ({} bytes, \
             SHA-256 {})",
            page.objects.len(),
            short(&digest)
        );
        self.tell.step("approved", &sentence, facts)
    }

    /// Gets the proof from one server, and checks it with nothing but files.
    async fn proved(&self) -> anyhow::Result<Reader> {
        let reader = Reader::of(&self.hosts[0], self.data).await?;
        let second = &self.hosts[1];
        let (proof, proven) = self.verified(second, &reader).await?;
        private::write(&self.data.join(proof::FILE), &proof)?;
        let names: Vec<_> = proven.approved_by.iter().map(|(_, name)| name.as_str()).collect();
        let facts = json!({
            "from": second.name(), "proof": self.data.join(proof::FILE), "trust": self.data.join(proof::TRUST),
            "members": self.data.join(proof::MEMBERS), "digest": proven.item.digest, "approved_by": names,
            "cosigned_by": proven.witnesses.len(), "entry": proven.index,
        });
        let sentence = format!(
            "the proof from {} holds without any server: approved by {}, in a log that {} of {} nodes cosigned",
            second.name(),
            names.join(" and "),
            proven.witnesses.len(),
            self.hosts.len()
        );
        self.tell.step("proved", &sentence, facts)?;
        Ok(reader)
    }

    /// Changes a byte below the store of the third server, and shows that it is exposed.
    async fn tampered(&self, reader: &Reader) -> anyhow::Result<()> {
        let third = self.third()?;
        let count = damage::exchange(third.app(), &self.text, &self.changed).await?;
        ensure!(count == 1, "the object stands {count} times in the store of {}", third.name());
        let served = self.page(third).await?;
        let same = self.page(&self.hosts[0]).await?;
        ensure!(served.objects != same.objects, "{} serves what was approved", third.name());
        let (approved, found) = (digest_of(&self.text)?, digest_of(&self.changed)?);
        let facts = json!({
            "organisation": third.name(), "object": OBJECT, "approved_digest": approved, "served_digest": found,
        });
        let sentence = format!(
            "a byte changes in the file of {}, below its server: it serves Stuxnot now",
            third.name()
        );
        self.tell.step("tampered", &sentence, facts)?;
        self.exposed(reader).await
    }

    /// Shows that the proofs and the comparison of each server tell the changed one from the others.
    async fn exposed(&self, reader: &Reader) -> anyhow::Result<()> {
        let third = self.third()?;
        let mut nodes = Vec::new();
        let (mut reason, mut problem) = (String::new(), String::new());
        for host in self.hosts {
            let compared = host.control.verify_network().await?;
            let is_changed = host.name() == third.name();
            ensure!((compared.wrong > 0) == is_changed, "{} finds {:?}", host.name(), compared.problems);
            if is_changed {
                problem = compared.problems.into_iter().next().unwrap_or_default();
                let refused = match get_proof(host, self.founded, OBJECT).await? {
                    Some(proof) => reader.check(&proof).err(),
                    None => Some("it has no proof of what it serves".to_owned()),
                };
                reason = refused.context("the proof of a changed object holds")?;
            } else {
                self.verified(host, reader).await?;
            }
            let facts =
                json!({ "organisation": host.name(), "proof_holds": !is_changed, "wrong": compared.wrong });
            nodes.push(facts);
        }
        let (approved, found) = (digest_of(&self.text)?, digest_of(&self.changed)?);
        let sentence = format!(
            "its proof does not hold, because the digest is {} and approved was {} ({reason}), and it finds that itself \
             (taxii-server network verify); the proofs of the two others hold",
            short(&found),
            short(&approved)
        );
        let facts = json!({ "nodes": nodes, "reason": reason, "problem": problem });
        self.tell.step("exposed", &sentence, facts)
    }

    /// Puts the byte back.
    async fn repaired(&self, reader: &Reader) -> anyhow::Result<()> {
        let third = self.third()?;
        let count = damage::exchange(third.app(), &self.changed, &self.text).await?;
        ensure!(count == 1, "the changed object stands {count} times in the store of {}", third.name());
        self.same_page().await?;
        self.verified(third, reader).await?;
        let sentence =
            format!("the demo puts the byte back: {} serves what the others do, with a proof", third.name());
        self.tell.step("repaired", &sentence, json!({ "organisation": third.name(), "are_equal": true }))
    }

    /// The proof from a server, which holds.
    async fn verified(
        &self,
        host: &Host,
        reader: &Reader,
    ) -> anyhow::Result<(Bytes, consensus::evidence::Proven)> {
        let mut reason = String::new();
        let what = format!("the proof of {} holds", host.name());
        let found = until(&what, async || {
            let Some(proof) = get_proof(host, self.founded, OBJECT).await? else { return Ok(None) };
            match reader.check(&proof) {
                Ok(proven) => Ok(Some((proof, proven))),
                // Others may have cosigned too late, and are asked again.
                Err(refused) => {
                    reason = refused;
                    Ok(None)
                }
            }
        });
        found.await.with_context(|| reason)
    }

    async fn is_visible(&self, host: &Host) -> anyhow::Result<bool> {
        let path = format!("/{API_ROOT}/collections/{}/objects/{OBJECT}/", self.founded.collection);
        let reply = host.control.call(Method::GET, &path, Bytes::new()).await?;
        match reply.status {
            StatusCode::NOT_FOUND => Ok(false),
            _ => Ok(reply.success().map(|_| true)?),
        }
    }

    /// The page that all servers serve.
    async fn same_page(&self) -> anyhow::Result<Page> {
        until("the three servers serve the same page", async || {
            let first = self.page(&self.hosts[0]).await?;
            for host in &self.hosts[1..] {
                if self.page(host).await? != first {
                    return Ok(None);
                }
            }
            Ok(Some(first))
        })
        .await
    }

    async fn page(&self, host: &Host) -> anyhow::Result<Page> {
        let collection = format!("/{API_ROOT}/collections/{}", self.founded.collection);
        let get = async |path: &str| {
            host.control.call(Method::GET, &format!("{collection}/{path}/"), Bytes::new()).await?.success()
        };
        let (objects, manifest) = (get("objects").await?, get("manifest").await?);
        let header = |name| {
            let value = objects.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let added = [DATE_ADDED_FIRST, DATE_ADDED_LAST].map(header);
        Ok(Page { objects: objects.body, manifest: manifest.body, added })
    }

    fn date_added(&self, page: &Page) -> anyhow::Result<String> {
        let manifest: Value = serde_json::from_slice(&page.manifest)?;
        let records = manifest["objects"].as_array().map(Vec::as_slice).unwrap_or_default();
        let record = records.iter().find(|record| record["id"] == OBJECT);
        let date_added = record.and_then(|record| record["date_added"].as_str());
        Ok(date_added.context("the manifest does not have the object")?.to_owned())
    }
}

/// What a proposal says of the object.
fn item_of(proposal: &ProposalResource) -> Option<&ItemResource> {
    proposal.items.iter().find(|item| item.id.as_deref() == Some(OBJECT))
}

/// Fails when a status says that the object was refused.
fn refusal(status: &[u8]) -> anyhow::Result<()> {
    let status: Value = serde_json::from_slice(status)?;
    match status["failures"][0]["message"].as_str() {
        Some(reason) => bail!("the object is refused: {reason}"),
        None => Ok(()),
    }
}

/// The beginning of a digest, for people.
fn short(digest: &Digest) -> String {
    format!("{}…", &digest.to_string()[..12])
}
