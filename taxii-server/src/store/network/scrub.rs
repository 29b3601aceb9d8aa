//! A look at everything that the network says, against what its organisations signed: it finds what was changed below the
//! server.

use super::definition::{item_of, read_object};
use crate::rights::Viewer;
use crate::store::{
    Collection, CollectionMode, Filter, PageRequest, Rejection, Store, StoreError, VersionFilter, View,
};
use consensus::evidence::{Tree, leaf_hash};
use consensus::{Digest, Reader};
use std::collections::BTreeSet;
use std::sync::Arc;
use stix_model::Tlp;

/// Versions that are looked at in one step.
const PAGE: usize = 500;
/// Most things wrong that are told one by one.
const MAX_PROBLEMS: usize = 20;

/// What a look at the network found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrub {
    /// Versions of objects that are visible.
    pub objects: u64,
    /// Decisions in the transparency log.
    pub decisions: u64,
    /// What is wrong; the first ones.
    pub problems: Vec<String>,
    /// How many things are wrong.
    pub count: u64,
}

impl Scrub {
    fn note(&mut self, problem: String) {
        self.count += 1;
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

/// What a version is known by: an object without versions by its content.
fn name_of(id: &str, version: &str, digest: Digest) -> (String, String) {
    let version = if version.is_empty() { digest.to_string() } else { version.to_owned() };
    (id.to_owned(), version)
}

impl Store {
    /// Reads every visible object and every decision of the network, and compares them with what was approved: texts with the
    /// digests that were signed, visible objects with approvals, the transparency log with its root, and everything that is there with
    /// what the entries wrote.
    ///
    /// # Errors
    /// When the engine fails; [`Rejection::Membership`] without a network.
    pub async fn scrub_network(&self) -> Result<Scrub, StoreError> {
        let mut scrub = Scrub::default();
        let directory = self.directory();
        let is_approved = |found: &&Arc<Collection>| found.mode == CollectionMode::Approval;
        for collection in directory.collections.values().filter(is_approved) {
            self.scrub_collection(collection, &mut scrub).await?;
        }
        self.scrub_log(&mut scrub).await?;
        self.scrub_state(&mut scrub).await?;
        Ok(scrub)
    }

    async fn scrub_collection(
        &self,
        collection: &Arc<Collection>,
        scrub: &mut Scrub,
    ) -> Result<(), StoreError> {
        let view = View::new(Arc::clone(collection), Viewer::with_clearance(Tlp::Red));
        let filter = Filter { versions: Some(VersionFilter::All), ..Filter::default() };
        // What becomes visible or is taken back meanwhile is looked at again, in one instant.
        let mut seen = BTreeSet::new();
        let mut request = PageRequest::first(filter.clone(), PAGE);
        loop {
            let page = self.objects(&view, &request).await?;
            let network = self.network().await?;
            let reader = Reader::new(&network);
            for text in &page.items {
                scrub.objects += 1;
                let Ok(admitted) = read_object(text) else {
                    scrub.note(format!("collection {}: an object cannot be read", collection.id));
                    continue;
                };
                let item = item_of(&admitted, collection.unmarked);
                let name = format!("collection {}: {} {}", collection.id, item.id, item.version);
                match reader.object(collection.id, &item).await? {
                    Some(record) if record.is_visible && record.digest == item.digest => {}
                    Some(record) if record.is_visible => scrub.note(format!(
                        "{name}: its text has the digest {}, and approved was {}",
                        item.digest, record.digest
                    )),
                    // It may have been taken back since the page was read.
                    Some(_) => {}
                    None => scrub.note(format!("{name} is visible, and was never approved")),
                }
                seen.insert(name_of(&item.id, &item.version, item.digest));
            }
            let Some(next) = page.next else { break };
            let (filter, after) = self
                .resume(&view, &next, filter.clone())
                .map_err(|_| StoreError::Corrupt("a cursor of this server"))?;
            request = PageRequest { filter, after: Some(after), limit: PAGE };
        }
        let network = self.network().await?;
        for (id, version, digest) in Reader::new(&network).visible(collection.id).await? {
            if !seen.contains(&name_of(&id, &version, digest)) && !self.is_there(&view, &id, &version).await?
            {
                let collection = collection.id;
                scrub.note(format!("collection {collection}: {id} {version} was approved, and is not there"));
            }
        }
        Ok(())
    }

    /// Whether a version is there that was not when its collection was read.
    async fn is_there(&self, view: &View, id: &str, version: &str) -> Result<bool, StoreError> {
        let Ok(id) = id.parse() else { return Ok(false) };
        let filter =
            Filter { ids: Some([id].into()), versions: Some(VersionFilter::All), ..Filter::default() };
        let found = self.objects(view, &PageRequest::first(filter, PAGE)).await?.items;
        Ok(found.iter().any(|text| {
            read_object(text)
                .is_ok_and(|admitted| item_of(&admitted, view.collection.unmarked).version == version)
        }))
    }

    /// Finds what is in no object and no decision, too: policies, keys, votes, statuses, indexes.
    async fn scrub_state(&self, scrub: &mut Scrub) -> Result<(), StoreError> {
        let network = self.network().await?;
        let [expected, found] = [network.state_digest().await?, network.read_state_digest().await?];
        if found != expected {
            scrub.note(format!(
                "everything that the network holds here has the digest {found}, and by its entries it should be {expected}: \
                 something was changed below the server"
            ));
        }
        Ok(())
    }

    async fn scrub_log(&self, scrub: &mut Scrub) -> Result<(), StoreError> {
        let network = self.network().await?;
        let reader = Reader::new(&network);
        let missing = Rejection::Membership("this server is no member of a network");
        let ledger = reader.ledger().await?.ok_or(missing)?;
        let mut tree = Tree::default();
        while tree.size() < ledger.tree.size() {
            let number = tree.size();
            match reader.leaf(number).await? {
                Some(leaf) => drop(tree.append(leaf_hash(&leaf))),
                None => {
                    scrub.note(format!("decision {number} is not in the transparency log"));
                    return Ok(());
                }
            }
        }
        scrub.decisions = tree.size();
        if tree.head() != ledger.tree.head() {
            scrub.note(format!(
                "the decisions in the transparency log have the root {}, and it should be {}",
                tree.head().root,
                ledger.tree.head().root
            ));
        }
        Ok(())
    }
}
