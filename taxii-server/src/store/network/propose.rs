//! What clients of this server do with a collection of a network: each becomes a statement, which this server signs for its
//! organisation, and a proposal.

use super::definition::{item_of, read_object};
use super::state::NetworkView;
use super::status::{Note, Proposals};
use super::{Membership, Refused};
use crate::clock::timestamp;
use crate::rights::Principal;
use crate::store::command::{Admitted, Conclude, Request, Submitted, Target};
use crate::store::engine::Limits;
use crate::store::receipt::Done;
use crate::store::status::{Builder, refused_because};
use crate::store::{
    Collection, Filter, PageRequest, Rejection, Store, StoreError, Submission, VersionFilter, View,
};
use consensus::evidence::Bundle;
use consensus::statement::{Item, Nonce, Revoke, Submit};
use consensus::{Command, Envelope, MAX_ITEMS, MAX_OBJECT_BYTES, ProposalId, Reader, RefusalKind};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeSet;
use stix_model::json::Digest;
use stix_model::taxii::Status;
use stix_model::validate::Code;
use stix_model::{StixId, Timestamp, Tlp};
use uuid::Uuid;

/// Bytes of objects in one submission; the entry of the log holds the statement and the note, too.
const MAX_SUBMISSION_BYTES: usize = 3 << 20;

/// Objects to be taken back.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// Why.
    pub reason: String,
    /// Which.
    pub page: PageRequest,
}

impl Store {
    /// Proposes objects. When it returns, the proposals are durable; the status says of each object where it stands.
    ///
    /// # Errors
    /// When the request as a whole cannot be carried out.
    pub async fn propose(
        &self,
        view: &View,
        principal: &Principal,
        submission: Submission,
    ) -> Result<Status, StoreError> {
        let membership = self.membership().ok_or(Rejection::NeedsApproval)?;
        let Submission { id, objects, fingerprint, received, .. } = submission;
        let (collection, organisation) = (&*view.collection, principal.organisation);
        let earlier = self.proposals(id).await?;
        if let Some((earlier, at)) = &earlier {
            if !earlier.is_same(organisation, collection.id, fingerprint) {
                return Err(Rejection::RequestReused.into());
            }
            if earlier.is_whole(at).await? {
                return earlier.status(at).await;
            }
        }
        // A request that comes again is proposed as it was, so that each part of it is one proposal.
        let received = earlier.map_or(received, |(earlier, _)| earlier.received());
        let mut refused = Builder::begin(id, timestamp(received), objects.len());
        let proposed = proposable(objects, collection.unmarked, &mut refused);
        let refused = refused.finish();
        if proposed.is_empty() {
            return self.conclude(collection, principal, (id, received, fingerprint), refused).await;
        }
        let parts = cut(proposed, self.engine.limits());
        self.check_quota(&membership, parts.len()).await?;
        let note = Note::new(id, organisation, collection.id, received, fingerprint, refused).encode()?;
        // A request with a key may come again while it is not known here what became of it, and is to be the same proposal
        // then. So it tells no time: the entry has one.
        let claimed_at = match fingerprint {
            Some(_) => 0,
            None => u64::try_from(received).unwrap_or_default(),
        };
        for (part, objects) in (0..).zip(parts) {
            let statement = Submit {
                network: membership.network,
                organisation: membership.organisation,
                collection: collection.id,
                items: objects.iter().map(|admitted| item_of(admitted, collection.unmarked)).collect(),
                nonce: nonce(&membership, id, part),
                emergency: false,
                expires_in_seconds: None,
                claimed_at,
            };
            let envelope = Envelope::sign(&statement, &membership.submit_key);
            let objects = objects.into_iter().map(|admitted| admitted.json).collect();
            self.order(Command::Submit { envelope, objects, note: note.clone() }).await?;
        }
        let (proposals, at) =
            self.proposals(id).await?.ok_or(StoreError::Corrupt("a request of the network"))?;
        proposals.status(&at).await
    }

    /// Keeps the status of a request of which nothing was proposed.
    async fn conclude(
        &self,
        collection: &Collection,
        principal: &Principal,
        (id, received, fingerprint): (Uuid, i64, Option<Digest>),
        status: Status,
    ) -> Result<Status, StoreError> {
        let json = serde_json::to_vec(&status).map_err(|_| StoreError::Corrupt("a status"))?;
        let target = Target::of(collection, principal);
        let command = crate::store::Command::Conclude(Conclude { target, status: json.into() });
        let (account, organisation) = (principal.account(), principal.organisation);
        match self.carry_out(Request { id, account, organisation, received, fingerprint, command }).await? {
            Done::Added(status) => Ok(*status),
            _ => Err(Rejection::RequestReused.into()),
        }
    }

    /// Refuses a request early of which not all parts could be proposed.
    async fn check_quota(&self, membership: &Membership, parts: usize) -> Result<(), StoreError> {
        let view = self.network().await?;
        let reader = Reader::new(&view);
        let Some(ledger) = reader.ledger().await? else { return Ok(()) };
        let policy = reader.policy(ledger.policy).await?.ok_or(StoreError::Corrupt("a policy"))?;
        let organisations = reader.organisations().await?;
        let own = organisations.iter().find(|found| found.id == membership.organisation);
        let open = own.map_or(0, |own| own.open as usize);
        match open + parts <= policy.max_open as usize {
            true => Ok(()),
            false => Err(StoreError::Refused(Refused {
                kind: RefusalKind::Quota,
                message: format!(
                    "this request makes {parts} proposals, and {open} of the organisation are open; {} are the most: wait \
                     for votes, withdraw some, or send fewer objects at once",
                    policy.max_open
                ),
            })),
        }
    }

    /// Proposes to take back the objects of a page, and returns the proposals.
    ///
    /// # Errors
    /// [`Rejection::NoObject`] when nothing is visible there.
    pub async fn propose_revocation(
        &self,
        view: &View,
        request: Uuid,
        revocation: Revocation,
    ) -> Result<Vec<ProposalId>, StoreError> {
        let membership = self.membership().ok_or(Rejection::NeedsApproval)?;
        let found = self.objects(view, &revocation.page).await?.items;
        if found.is_empty() {
            return Err(Rejection::NoObject.into());
        }
        let mut proposals = Vec::with_capacity(found.len());
        for (part, text) in found.iter().enumerate() {
            let admitted = read_object(text).map_err(|_| StoreError::Corrupt("an object"))?;
            let item = item_of(&admitted, view.collection.unmarked);
            let statement = Revoke {
                network: membership.network,
                organisation: membership.organisation,
                collection: view.collection.id,
                id: item.id,
                version: item.version,
                digest: item.digest,
                reason: revocation.reason.clone(),
                nonce: nonce(&membership, request, part as u64),
                // The same request again is the same proposal.
                claimed_at: 0,
            };
            let envelope = Envelope::sign(&statement, &membership.submit_key);
            proposals.push(ProposalId(envelope.digest()));
            self.order(Command::Revoke(envelope)).await?;
        }
        Ok(proposals)
    }

    /// The proof that an object was approved; `None` when it is not visible.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn proof(
        &self,
        view: &View,
        id: StixId,
        version: Option<Timestamp>,
    ) -> Result<Option<Bundle>, StoreError> {
        let versions =
            version.map(|version| VersionFilter::Some { first: false, last: false, exact: [version].into() });
        let filter = Filter { ids: Some([id].into()), versions, ..Filter::default() };
        let Some(text) = self.objects(view, &PageRequest::first(filter, 1)).await?.items.pop() else {
            return Ok(None);
        };
        let admitted = read_object(&text).map_err(|_| StoreError::Corrupt("an object"))?;
        let item = item_of(&admitted, view.collection.unmarked);
        let text = std::str::from_utf8(&text).map_err(|_| StoreError::Corrupt("an object"))?;
        let network = self.network().await?;
        let reader = Reader::new(&network);
        Ok(reader.proof(view.collection.id, &item, text, |head| self.checkpoint(head)).await?)
    }

    /// The status of a request that proposed objects, for accounts of its organisation and administrators.
    pub(in crate::store) async fn proposed_status(
        &self,
        api_root: &str,
        id: Uuid,
        principal: &Principal,
    ) -> Result<Option<Status>, StoreError> {
        if self.membership().is_none_or(|found| found.api_root != api_root) {
            return Ok(None);
        }
        let mut found = self.proposals(id).await?;
        if found.is_none() {
            // Another node may have proposed it, and this one not have heard of it.
            self.catch_up().await;
            found = self.proposals(id).await?;
        }
        let Some((proposals, at)) = found else { return Ok(None) };
        match principal.is_administrator || proposals.organisation() == principal.organisation {
            true => proposals.status(&at).await.map(Some),
            false => Ok(None),
        }
    }

    async fn proposals(&self, request: Uuid) -> Result<Option<(Proposals, NetworkView)>, StoreError> {
        let view = self.network().await?;
        let found = view.snapshot().get(Proposals::key(view.region(), request)).await?;
        Ok(match found {
            Some(found) => Some((Proposals::decode(&found)?, view)),
            None => None,
        })
    }
}

/// The objects that can be proposed; why not the others, the status says.
fn proposable(objects: Vec<Submitted>, unmarked: Tlp, refused: &mut Builder) -> Vec<Admitted> {
    let mut proposable = Vec::with_capacity(objects.len());
    let mut seen = BTreeSet::new();
    for (index, object) in objects.into_iter().enumerate() {
        let admitted = match object {
            Submitted::Admitted(admitted) => admitted,
            Submitted::Refused(why) => {
                refused.refuse(index, &why);
                continue;
            }
            Submitted::Unlisted => {
                refused.refuse_unlisted();
                continue;
            }
        };
        let Item { id, version, digest, .. } = item_of(&admitted, unmarked);
        let content = if version.is_empty() { Some(digest) } else { None };
        let bytes = admitted.json.len();
        if bytes > MAX_OBJECT_BYTES {
            let message = format!(
                "an object that needs approval has {MAX_OBJECT_BYTES} bytes at most, and this one has {bytes}"
            );
            refused.refuse(index, &refused_because(&admitted, Code::TooLarge, message));
        } else if !seen.insert((id, version, content)) {
            let message = "this version is in the request already; the first one counts".to_owned();
            refused.refuse(index, &refused_because(&admitted, Code::VersionConflict, message));
        } else {
            proposable.push(*admitted);
        }
    }
    proposable
}

/// A number that no one else can guess, and the same when the request comes again.
fn nonce(membership: &Membership, request: Uuid, part: u64) -> Nonce {
    let mac = Hmac::<Sha256>::new_from_slice(&membership.nonce_key).expect("HMAC takes keys of any length");
    let tag = mac.chain_update(request.as_bytes()).chain_update(part.to_be_bytes()).finalize().into_bytes();
    let mut nonce = [0; 16];
    nonce.copy_from_slice(&tag[..16]);
    Nonce(nonce)
}

/// Cuts objects into submissions of a size that the engine takes well in one commit: an object is written when it is
/// proposed and when it is approved, each time with some keys.
fn cut(objects: Vec<Admitted>, limits: Limits) -> Vec<Vec<Admitted>> {
    let max_bytes = MAX_SUBMISSION_BYTES.min(limits.commit_bytes / 4);
    let max_items = MAX_ITEMS.min(limits.commit_keys / 16);
    let mut parts: Vec<Vec<Admitted>> = Vec::new();
    let mut bytes = 0;
    for object in objects {
        bytes += object.json.len();
        match parts.last_mut() {
            Some(part) if part.len() < max_items && bytes <= max_bytes => part.push(object),
            _ => {
                bytes = object.json.len();
                parts.push(vec![object]);
            }
        }
    }
    parts
}
