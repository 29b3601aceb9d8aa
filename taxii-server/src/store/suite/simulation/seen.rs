//! What a store holds of its network, and what it shows.

use super::super::networks::organisation;
use super::super::nodes::region;
use crate::rights::{Principal, Viewer};
use crate::store::engine::{Engine, Key};
use crate::store::keys::Region;
use crate::store::network::Stix;
use crate::store::{Collection, CollectionMode, Filter, PageRequest, Store, StoreError, VersionFilter, View};
use bytes::Bytes;
use consensus::evidence::{Member, TrustPolicy};
use consensus::{Inspect, Phase, Reader};
use std::collections::BTreeMap;
use std::sync::Arc;
use stix_model::taxii::ManifestRecord;
use stix_model::{Timestamp, Tlp};
use uuid::Uuid;

/// Objects of a page, few enough to need several.
const PAGE: usize = 4;

/// What a store holds and shows at one entry.
pub(super) struct Seen {
    keys: Vec<(Key, Bytes)>,
    collections: BTreeMap<Uuid, Collection>,
    objects: BTreeMap<Place, Vec<Listed<(Timestamp, Bytes)>>>,
    manifests: BTreeMap<Place, Vec<Listed<ManifestRecord>>>,
    statuses: BTreeMap<Uuid, String>,
}

/// A page with its `next`.
type Listed<T> = (Vec<T>, Option<String>);
/// A collection, a clearance, and whether all versions are asked for.
type Place = (Uuid, Tlp, bool);

fn filter(is_all: bool) -> Filter {
    Filter { versions: is_all.then_some(VersionFilter::All), ..Filter::default() }
}

pub(super) fn of_network(store: &Store) -> BTreeMap<Uuid, Arc<Collection>> {
    let mut collections = store.directory().collections.clone();
    collections.retain(|_, collection| collection.mode != CollectionMode::Open);
    collections
}

impl Seen {
    pub(super) async fn read(store: &Store, engine: &dyn Engine, requests: &[Uuid]) -> Result<Self, String> {
        Self::try_read(store, engine, requests).await.map_err(|error| format!("it cannot be read: {error}"))
    }

    async fn try_read(store: &Store, engine: &dyn Engine, requests: &[Uuid]) -> Result<Self, StoreError> {
        let found = of_network(store);
        let generation = found.values().next().map_or(0, |collection| match collection.region {
            Region::Network { generation } => generation,
            Region::Local => u32::MAX,
        });
        let mut seen = Self {
            keys: region(engine, generation).await,
            collections: BTreeMap::new(),
            objects: BTreeMap::new(),
            manifests: BTreeMap::new(),
            statuses: BTreeMap::new(),
        };
        for (id, collection) in found {
            for (clearance, is_all) in [(Tlp::Red, true), (Tlp::Red, false), (Tlp::Green, false)] {
                let view = View::new(Arc::clone(&collection), Viewer::with_clearance(clearance));
                let (objects, manifests) = pages(store, &view, is_all).await?;
                seen.objects.insert((id, clearance, is_all), objects);
                seen.manifests.insert((id, clearance, is_all), manifests);
            }
            let region = Region::Network { generation: 0 };
            seen.collections.insert(id, Collection { region, ..(*collection).clone() });
        }
        let operator = Principal::operator(organisation(1).0);
        for request in requests {
            if let Some(status) = store.status("sharing", *request, &operator).await? {
                seen.statuses.insert(*request, serde_json::to_string(&status).unwrap());
            }
        }
        Ok(seen)
    }

    /// # Errors
    /// Says what differs.
    pub(super) fn compare(&self, other: &Self) -> Result<(), String> {
        let differs = |what: &str| Err(format!("{what} differ from those of others"));
        if let Some((own, other)) = self.keys.iter().zip(&other.keys).find(|(own, other)| own != other) {
            return Err(format!("it holds {own:?}, and others {other:?}"));
        }
        match () {
            () if self.keys.len() != other.keys.len() => differs("the keys"),
            () if self.collections != other.collections => differs("the collections"),
            () if self.objects != other.objects => differs("the pages"),
            () if self.manifests != other.manifests => differs("the manifests"),
            () if self.statuses != other.statuses => differs("the statuses"),
            () => Ok(()),
        }
    }

    /// Versions that are shown, awaiting votes or not.
    pub(super) fn versions(&self) -> usize {
        let all = self.objects.iter().filter(|((_, _, is_all), _)| *is_all);
        all.flat_map(|(_, pages)| pages).map(|(objects, _)| objects.len()).sum()
    }

    pub(super) fn statuses(&self) -> usize {
        self.statuses.len()
    }
}

type Pages = (Vec<Listed<(Timestamp, Bytes)>>, Vec<Listed<ManifestRecord>>);

/// All pages of a collection, each of which begins where the one before says.
async fn pages(store: &Store, view: &View, is_all: bool) -> Result<Pages, StoreError> {
    let (mut objects, mut manifests) = (Vec::new(), Vec::new());
    let mut request = PageRequest::first(filter(is_all), PAGE);
    loop {
        let manifest = store.manifest(view, &request).await?;
        manifests.push((manifest.items, manifest.next));
        let page = store.records(view, &request).await?;
        objects.push((page.items, page.next.clone()));
        let Some(next) = page.next else { return Ok((objects, manifests)) };
        let resumed = store.resume(view, &next, filter(is_all));
        let (filter, after) = resumed.map_err(|_| StoreError::Corrupt("a cursor of this store"))?;
        request = PageRequest { filter, after: Some(after), limit: PAGE };
    }
}

/// The organisations that are or were members, with their keys.
pub(super) async fn members(store: &Store) -> Result<Vec<Member>, String> {
    let view = store.network().await.map_err(|error| error.to_string())?;
    let found = Reader::new(&view).organisations().await.map_err(|error| error.to_string())?;
    Ok(found.into_iter().map(Member::from).collect())
}

/// Proves of each object that is visible that its gate was satisfied, from what the store holds, and returns how many were
/// proven. What waits to be ratified has no proof yet.
pub(super) async fn prove(store: &Store, members: &[Member]) -> Result<usize, String> {
    let membership = store.membership().ok_or("there is no network")?;
    let key = membership.log_key().ok_or("there is no key of the log")?;
    let trust = TrustPolicy::parse(format!("log {key}\nquorum none\n").as_bytes()).unwrap();
    let mut proven = 0;
    for (id, collection) in of_network(store) {
        if collection.mode != CollectionMode::Approval {
            continue;
        }
        let network = store.network().await.map_err(|error| error.to_string())?;
        let reader = Reader::new(&network);
        let defined = reader.collections().await.map_err(|error| error.to_string())?;
        let defined = defined.into_iter().find(|found| found.collection == id);
        let definition = defined.ok_or("a collection that is not defined")?.definition;
        let view = View::new(Arc::clone(&collection), Viewer::with_clearance(Tlp::Red));
        let (pages, _) = pages(store, &view, true).await.map_err(|error| error.to_string())?;
        for (_, text) in pages.into_iter().flat_map(|(records, _)| records) {
            let item = Stix.inspect(&definition, &text)?;
            let name = format!("{} {}", item.id, item.version);
            let record = reader.object(id, &item).await.map_err(|error| error.to_string())?;
            let record = record.ok_or_else(|| format!("{name} is visible, and was never proposed"))?;
            let filed = reader.proposal(record.proposal).await.map_err(|error| error.to_string())?;
            let phase = filed.map(|filed| filed.proposal.items[record.item as usize].phase);
            if phase == Some(Phase::Provisional) {
                continue;
            }
            let text = std::str::from_utf8(&text).map_err(|error| error.to_string())?;
            let proof = reader.proof(id, &item, text, |head| store.checkpoint(head)).await;
            let proof = proof.map_err(|error| error.to_string())?;
            let proof = proof.ok_or_else(|| format!("{name} is visible without a proof ({phase:?})"))?;
            proof
                .verify(&trust, Some(members), |text| Stix.inspect(&definition, text))
                .map_err(|error| format!("{name} is visible, but {error}"))?;
            proven += 1;
        }
    }
    Ok(proven)
}
