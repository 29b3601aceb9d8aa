//! Entries of the log of a network: consensus says what they write and what readers see from then on, and both go into the
//! overlay, so they are committed as a whole.

use super::add::add_decided;
use super::object::{ObjectChange, find_version};
use super::{Applied, Outcome, Rejection, head, put_head};
use crate::store::StoreError;
use crate::store::announce::Announcement;
use crate::store::command::{Admitted, Command, Enter, Group, Submitted};
use crate::store::directory::{self, Collection};
use crate::store::keys::{self, Region};
use crate::store::network::{
    self, Definition, Digests, MembershipRecord, Note, Ordered, OverlayState, Proposals, Refused, StateHash,
    Stix, read_object,
};
use crate::store::overlay::Overlay;
use crate::store::receipt::Done;
use crate::store::record::{Head, ObjectRecord};
use bytes::Bytes;
use consensus::{CollectionDefinition, Effect, Ledger, ProposalId};
use std::collections::BTreeMap;
use stix_model::Timestamp;
use stix_model::json::Digest;
use uuid::Uuid;

/// Applies the entries of a group, in their order.
pub(super) async fn apply(overlay: &mut Overlay<'_>, group: &Group) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    for request in &group.requests {
        let outcome = match &request.command {
            _ if frozen(overlay).await? => Err(Rejection::Frozen),
            Command::Enter(enter) => enter_network(overlay, enter, &mut applied).await?,
            Command::Apply(entry) => {
                overlay.load([keys::local(keys::MEMBERSHIP)]).await?;
                match MembershipRecord::read(overlay)? {
                    Some(record) if record.node.is_some() => {
                        Err(Rejection::Membership("the nodes of the network keep its log together"))
                    }
                    Some(record) => {
                        done(apply_entry(overlay, record.region(), None, entry, &mut applied).await?)
                    }
                    None => Err(Rejection::Membership("this server is no member of a network")),
                }
            }
            _ => Err(Rejection::Stale),
        };
        applied.outcomes.push(outcome);
    }
    Ok(applied)
}

async fn frozen(overlay: &mut Overlay<'_>) -> Result<bool, StoreError> {
    overlay.hold_marker().await?;
    overlay.is_frozen()
}

/// Notes the membership, which is the first one of this server, and founds the network, where this server alone keeps its
/// log.
async fn enter_network(
    overlay: &mut Overlay<'_>,
    Enter { record, founding }: &Enter,
    applied: &mut Applied,
) -> Result<Outcome, StoreError> {
    let (key, root) = (keys::local(keys::MEMBERSHIP), keys::api_root(Region::Local, &record.api_root));
    overlay.load([key.clone(), root.clone()]).await?;
    // The founding may come again, where its sender does not know what became of it.
    let mut record = record.clone();
    if let Some(before) = MembershipRecord::read(overlay)?.filter(|before| *before != record) {
        let ids = [&before, &record].map(|record| record.node.as_ref().map(|node| node.id));
        let is_new_node = before.network == record.network && ids[0].is_some() && ids[0] < ids[1];
        // A node that has applied nothing can begin anew, and one that lost its log comes back as another.
        if !is_new_node && (ids[0].is_none() || is_founded(overlay, before.region()).await?) {
            return Ok(Err(Rejection::Membership("this server is a member of a network already")));
        }
        record.generation = before.generation + 1;
        let position = keys::local(keys::POSITION);
        overlay.load([position.clone()]).await?;
        overlay.put_head(position, None);
    }
    if overlay.get(&root).is_none() {
        return Ok(Err(Rejection::Membership("there is no such API root; add it first")));
    }
    let outcome = match founding {
        Some(founding) => done(apply_entry(overlay, record.region(), None, founding, applied).await?),
        None => Ok(Done::Changed),
    };
    if matches!(&outcome, Ok(Done::Changed | Done::Applied(Ordered { refused: None, .. }))) {
        overlay.put_head(key, Some(record.encode()?));
        renew_directory(overlay).await?;
        applied.is_directory = true;
    }
    Ok(outcome)
}

async fn is_founded(overlay: &mut Overlay<'_>, region: Region) -> Result<bool, StoreError> {
    Ok(network::ledger(overlay, region).await?.is_some())
}

fn done((index, outcome, _): (u64, Answer, Option<Digests>)) -> Outcome {
    let refused = outcome.err().map(Refused::from);
    Ok(Done::Applied(Ordered { index, refused }))
}

/// Raises the revision of the directory, so that each process reads it again.
pub(in crate::store) async fn renew_directory(overlay: &mut Overlay<'_>) -> Result<(), StoreError> {
    let key = keys::directory_revision(Region::Local);
    overlay.load([key.clone()]).await?;
    let revision = overlay.get(&key).map_or(Ok(0), |bytes| directory::decode_revision(bytes))?;
    overlay.put_head(key, Some(directory::encode_revision(revision + 1)));
    Ok(())
}

/// What an entry does to one collection, in its order.
enum Change {
    Add(Box<Admitted>),
    Remove(Box<Admitted>),
}

/// What an entry did.
pub(in crate::store) type Answer = Result<consensus::Outcome, consensus::Refusal>;

/// Applies an entry of the log, and returns its number with what the log came to. Without a number, it is the next.
pub(in crate::store) async fn apply_entry(
    overlay: &mut Overlay<'_>,
    region: Region,
    index: Option<u64>,
    entry: &[u8],
    applied: &mut Applied,
) -> Result<(u64, Answer, Option<Digests>), StoreError> {
    let ledger = network::ledger(overlay, region).await?;
    let mut hash = StateHash::of(overlay, region, ledger.as_ref()).await?;
    let index = index.unwrap_or_else(|| ledger.map_or(0, |ledger| ledger.index) + 1);
    overlay.follow();
    let turn = Turn { region, changes: BTreeMap::new() };
    let answer = turn.apply(overlay, index, entry, applied).await?;
    let ledger = network::ledger(overlay, region).await?;
    hash.advance(overlay, region, ledger.as_ref()).await?;
    Ok((index, answer, ledger.map(|ledger| Digests::new(&ledger, &hash))))
}

/// One entry while it is applied.
struct Turn {
    region: Region,
    changes: BTreeMap<Uuid, Vec<Change>>,
}

impl Turn {
    async fn apply(
        mut self,
        overlay: &mut Overlay<'_>,
        index: u64,
        entry: &[u8],
        applied: &mut Applied,
    ) -> Result<Answer, StoreError> {
        let state = OverlayState::new(overlay, self.region);
        let consensus::Applied { writes, effects, outcome, time } =
            consensus::apply(&state, &Stix, index, entry).await?;
        for (key, value) in writes {
            let is_ledger = key == Ledger::KEY;
            let key = keys::consensus(self.region, &key);
            match value {
                // Each entry changes it, so a commit holds only while no other process has applied one.
                Some(value) if is_ledger => overlay.put_head(key, Some(value)),
                Some(value) => overlay.put(key, value),
                None => overlay.remove(key),
            }
        }
        let time = i64::try_from(time).map_err(|_| StoreError::Corrupt("the time of an entry"))?;
        for effect in effects {
            self.effect(overlay, effect, index, applied).await?;
        }
        for (collection, changes) in std::mem::take(&mut self.changes) {
            applied.announcements.extend(self.change(overlay, collection, changes, time).await?);
        }
        Ok(outcome)
    }

    async fn effect(
        &mut self,
        overlay: &mut Overlay<'_>,
        effect: Effect,
        index: u64,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        let read = |text: &Bytes| {
            let read = read_object(text).map_err(|_| StoreError::Corrupt("a proposed object"));
            read.map(Box::new)
        };
        let (collection, change) = match effect {
            Effect::Define(new) => {
                applied.is_directory = true;
                return self.define(overlay, new, index).await;
            }
            Effect::File { proposal, note } => return self.file(overlay, proposal, &note).await,
            Effect::Await { collection, text } => (network::review_id(collection), Change::Add(read(&text)?)),
            Effect::Settle { collection, text } => {
                (network::review_id(collection), Change::Remove(read(&text)?))
            }
            Effect::Show { collection, text } => (collection, Change::Add(read(&text)?)),
            Effect::Hide { collection, text } => (collection, Change::Remove(read(&text)?)),
        };
        self.changes.entry(collection).or_default().push(change);
        Ok(())
    }

    /// Makes a collection and the one for its reviewers, or defines both anew.
    async fn define(
        &self,
        overlay: &mut Overlay<'_>,
        new: CollectionDefinition,
        index: u64,
    ) -> Result<(), StoreError> {
        let definition: Definition =
            serde_json::from_str(&new.definition).map_err(|_| StoreError::Corrupt("a definition"))?;
        let region = self.region;
        let before = network::collection_of(overlay, region, new.collection).await?;
        let number = match before {
            Some(before) => before.number,
            // Collections of a network are never removed.
            None => {
                let count = overlay.scan_all(keys::directory(region)).await?.len();
                u32::try_from(count).map_err(|_| StoreError::Corrupt("the collections of the network"))? + 1
            }
        };
        for mut collection in definition.collections(new.collection, region, number) {
            collection.revision = index;
            let key = keys::head(collection.space());
            overlay.load([key.clone()]).await?;
            let mut head = overlay.get(&key).map_or(Ok(Head::default()), |bytes| Head::decode(bytes))?;
            head.revision += 1;
            overlay.put_head(key, Some(head.encode()));
            // The same record on each member, whatever generation of the region it holds.
            collection.region = Region::Network { generation: 0 };
            overlay.put(keys::collection(region, collection.id), directory::encode(&collection)?);
        }
        renew_directory(overlay).await
    }

    /// Notes a proposal with the request that it came with.
    async fn file(
        &self,
        overlay: &mut Overlay<'_>,
        proposal: ProposalId,
        note: &[u8],
    ) -> Result<(), StoreError> {
        // Another node wrote the note; what this one cannot read it leaves out, as all others do.
        let Some(note) = Note::decode(note) else { return Ok(()) };
        let key = Proposals::key(self.region, note.request);
        overlay.load([key.clone()]).await?;
        let before = overlay.get(&key).map(|value| Proposals::decode(value)).transpose()?;
        let mut proposals = before.unwrap_or_else(|| Proposals::of(note));
        proposals.proposals.push(proposal);
        overlay.put(key, proposals.encode()?);
        Ok(())
    }

    /// Makes the changes of a collection; objects that come together are stamped together.
    async fn change(
        &self,
        overlay: &mut Overlay<'_>,
        id: Uuid,
        changes: Vec<Change>,
        time: i64,
    ) -> Result<Vec<Announcement>, StoreError> {
        let collection = network::collection_of(overlay, self.region, id).await?;
        let collection = collection.ok_or(StoreError::Corrupt("a collection of the network"))?;
        let mut announcements = Vec::new();
        let mut new: Vec<Submitted> = Vec::new();
        for change in changes {
            match change {
                Change::Add(admitted) => new.push(Submitted::Admitted(admitted)),
                Change::Remove(admitted) => {
                    let objects = std::mem::take(&mut new);
                    announcements.extend(add(overlay, &collection, objects, time).await?);
                    remove(overlay, &collection, &admitted).await?;
                }
            }
        }
        announcements.extend(add(overlay, &collection, new, time).await?);
        Ok(announcements)
    }
}

async fn add(
    overlay: &mut Overlay<'_>,
    collection: &Collection,
    objects: Vec<Submitted>,
    time: i64,
) -> Result<Option<Announcement>, StoreError> {
    if objects.is_empty() {
        return Ok(None);
    }
    let add = network::add_to(collection, objects);
    match add_decided(overlay, collection.clone(), &add, time).await? {
        (true, announcement) => Ok(announcement),
        // Consensus asked before whether it may.
        (false, _) => Err(StoreError::Corrupt("an object that was approved and may not be added")),
    }
}

async fn remove(
    overlay: &mut Overlay<'_>,
    collection: &Collection,
    admitted: &Admitted,
) -> Result<(), StoreError> {
    let (space, id) = (collection.space(), &admitted.id);
    overlay.load([keys::head(space)]).await?;
    let instant = admitted.facts.version.as_ref().map(Timestamp::sort_key);
    let found = find_version(overlay, space, id, instant, Digest(admitted.digest.0)).await?;
    let (chain, instant, row) = found.ok_or(StoreError::Corrupt("an object that is to be taken back"))?;
    let record = ObjectRecord::decode(overlay.get(&keys::object(space, id)))?;
    let (mut head, mut change) = (head(overlay, space)?, ObjectChange::new(space, id.clone(), record));
    change.remove(overlay, &mut head, chain.spec, &instant, &row).await?;
    change.finish(overlay, &mut head).await?;
    put_head(overlay, space, head);
    Ok(())
}
