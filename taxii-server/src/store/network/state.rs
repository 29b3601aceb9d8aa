//! The state of consensus, kept in the region of a network.

use super::definition::read_object;
use super::state_hash::{self, StateHash};
use crate::store::StoreError;
use crate::store::apply::{admits, find_version};
use crate::store::command::{Add, Stamps, Submitted, Target};
use crate::store::directory::{self, Collection};
use crate::store::engine::{Scan, Snapshot};
use crate::store::keys::{self, Region};
use crate::store::overlay::Overlay;
use bytes::Bytes;
use consensus::statement::Item;
use consensus::{Digest, Ledger, Reader, State};
use std::ops::Range;
use stix_model::json;
use stix_model::{StixId, Tlp};
use tokio::sync::Mutex;
use uuid::Uuid;

/// The state as an entry finds it: a snapshot, and what earlier entries of the same commit wrote.
pub(in crate::store) struct OverlayState<'o, 's> {
    overlay: Mutex<&'o mut Overlay<'s>>,
    region: Region,
}

impl<'o, 's> OverlayState<'o, 's> {
    pub(in crate::store) fn new(overlay: &'o mut Overlay<'s>, region: Region) -> Self {
        Self { overlay: Mutex::new(overlay), region }
    }
}

impl State for OverlayState<'_, '_> {
    type Error = StoreError;

    async fn get(&self, key: Vec<u8>) -> Result<Option<Bytes>, StoreError> {
        let key = keys::consensus(self.region, &key);
        let mut overlay = self.overlay.lock().await;
        overlay.load([key.clone()]).await?;
        Ok(overlay.get(&key).cloned())
    }

    async fn scan(&self, range: Range<Vec<u8>>, limit: usize) -> Result<Vec<(Vec<u8>, Bytes)>, StoreError> {
        let [start, end] = [range.start, range.end].map(|key| keys::consensus(self.region, &key));
        let prefix = keys::consensus(self.region, &[]).len();
        let overlay = self.overlay.lock().await;
        let entries = match limit {
            usize::MAX => overlay.scan_all(start..end).await?,
            _ => overlay.scan(Scan::forward(start..end, limit)).await?,
        };
        Ok(entries.into_iter().map(|(key, value)| (key[prefix..].to_vec(), value)).collect())
    }

    async fn admits(&self, collection: Uuid, text: &Bytes, shown: &[Bytes]) -> Result<bool, StoreError> {
        let mut overlay = self.overlay.lock().await;
        let Some(collection) = collection_of(&mut overlay, self.region, collection).await? else {
            return Ok(false);
        };
        let objects = shown.iter().chain([text]).map(|text| read_object(text).map(Submitted::from));
        let Ok(objects) = objects.collect::<Result<_, _>>() else { return Ok(false) };
        let add = add_to(&collection, objects);
        admits(&mut overlay, collection, &add).await
    }

    async fn text(&self, collection: Uuid, item: &Item) -> Result<Option<Bytes>, StoreError> {
        let mut overlay = self.overlay.lock().await;
        let Some(collection) = collection_of(&mut overlay, self.region, collection).await? else {
            return Ok(None);
        };
        let (space, id) = (collection.space(), id_of(item)?);
        let instant = Some(&*item.version).filter(|version| !version.is_empty());
        let digest = json::Digest(item.digest.0);
        let Some((_, _, row)) = find_version(&mut overlay, space, &id, instant, digest).await? else {
            return Ok(None);
        };
        let key = keys::object_bytes(space, row.position);
        overlay.load_large(&key, row.length as usize).await.map(Some)
    }
}

/// What the organisations of a network agreed on, at one instant.
pub struct NetworkView {
    snapshot: Box<dyn Snapshot>,
    region: Region,
}

impl NetworkView {
    pub(super) fn new(snapshot: Box<dyn Snapshot>, region: Region) -> Self {
        Self { snapshot, region }
    }

    pub(super) fn snapshot(&self) -> &dyn Snapshot {
        &*self.snapshot
    }

    pub(super) fn region(&self) -> Region {
        self.region
    }

    /// The digest of everything that the network holds here, as its entries made it.
    pub(crate) async fn state_digest(&self) -> Result<Digest, StoreError> {
        let mut overlay = Overlay::new(&*self.snapshot);
        let ledger = ledger(&mut overlay, self.region).await?;
        Ok(StateHash::of(&mut overlay, self.region, ledger.as_ref()).await?.digest())
    }

    /// The digest of everything that the network holds here, read anew.
    pub(in crate::store) async fn read_state_digest(&self) -> Result<Digest, StoreError> {
        Ok(state_hash::read(&Overlay::new(&*self.snapshot), self.region).await?.digest())
    }
}

impl State for NetworkView {
    type Error = StoreError;

    async fn get(&self, key: Vec<u8>) -> Result<Option<Bytes>, StoreError> {
        Ok(self.snapshot.get(keys::consensus(self.region, &key)).await?)
    }

    async fn scan(&self, range: Range<Vec<u8>>, limit: usize) -> Result<Vec<(Vec<u8>, Bytes)>, StoreError> {
        let mut overlay = Overlay::new(&*self.snapshot);
        OverlayState::new(&mut overlay, self.region).scan(range, limit).await
    }

    async fn admits(&self, collection: Uuid, text: &Bytes, shown: &[Bytes]) -> Result<bool, StoreError> {
        let mut overlay = Overlay::new(&*self.snapshot);
        OverlayState::new(&mut overlay, self.region).admits(collection, text, shown).await
    }

    async fn text(&self, collection: Uuid, item: &Item) -> Result<Option<Bytes>, StoreError> {
        let mut overlay = Overlay::new(&*self.snapshot);
        OverlayState::new(&mut overlay, self.region).text(collection, item).await
    }
}

/// What the log of a network came to; `None` before its founding.
pub(in crate::store) async fn ledger(
    overlay: &mut Overlay<'_>,
    region: Region,
) -> Result<Option<Ledger>, StoreError> {
    Ok(Reader::new(&OverlayState::new(overlay, region)).ledger().await?)
}

/// The record of a collection of a network.
pub(in crate::store) async fn collection_of(
    overlay: &mut Overlay<'_>,
    region: Region,
    id: Uuid,
) -> Result<Option<Collection>, StoreError> {
    let key = keys::collection(region, id);
    overlay.load([key.clone()]).await?;
    overlay.get(&key).map(|record| directory::decode_collection(record, region)).transpose()
}

/// Adds objects that organisations decide on, in the sight of all that is there.
pub(in crate::store) fn add_to(collection: &Collection, objects: Vec<Submitted>) -> Add {
    let target = Target {
        collection: collection.id,
        revision: collection.revision,
        account_revision: None,
        region: collection.region,
        number: collection.number,
    };
    Add { target, clearance: Tlp::Red, objects, stamps: Stamps::Clock }
}

pub(in crate::store) fn id_of(item: &Item) -> Result<StixId, StoreError> {
    item.id.parse().map_err(|_| StoreError::Corrupt("the identifier of a proposed object"))
}
