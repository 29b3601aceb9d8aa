//! The contract of engines and of the store over them. Every engine runs all of it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod engine_contract;
mod pollers;
mod store_contract;

use super::engine::Engine;
use super::{
    Add, ApiRoot, Collection, DirectoryChange, EmbeddedEngine, MemoryEngine, Profile, Stamps, Store,
};
use crate::clock::Clock;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use stix_model::taxii::Status;
use stix_model::{Object, SpecVersion};
use uuid::Uuid;

/// Runs each contract on each engine.
macro_rules! contracts {
    ($($contract:path as $name:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() { $contract(Arc::new(MemoryEngine::default())).await; })*
        }
        mod embedded {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                $contract(Arc::new(EmbeddedEngine::open(&folder.path().join("store")).unwrap())).await;
            })*
        }
    };
}

contracts! {
    engine_contract::snapshots_do_not_change as snapshots_do_not_change,
    engine_contract::scans_go_both_ways as scans_go_both_ways,
    engine_contract::reads_stop_at_their_budget as reads_stop_at_their_budget,
    engine_contract::a_conflict_writes_nothing as a_conflict_writes_nothing,
    store_contract::stamps_rise_and_end_on_milliseconds as stamps_rise_and_end_on_milliseconds,
    store_contract::the_same_again_is_no_error as the_same_again_is_no_error,
    store_contract::versions_are_found as versions_are_found,
    store_contract::deleting_brings_the_older_version_back as deleting_brings_the_older_version_back,
    store_contract::cursors_are_checked as cursors_are_checked,
    store_contract::restores_keep_their_stamps as restores_keep_their_stamps,
    store_contract::removed_collections_are_cleared_away as removed_collections_are_cleared_away,
    store_contract::a_reopened_store_goes_on as a_reopened_store_goes_on,
    store_contract::replicas_share_one_engine as replicas_share_one_engine,
    pollers::each_poller_gets_every_survivor_once as each_poller_gets_every_survivor_once,
}

/// A store with one collection, at a clock that stands still.
struct Fixture {
    store: Arc<Store>,
    collection: Arc<Collection>,
    clock: Arc<Clock>,
}

const NOW: i64 = 1_700_000_000_000_000;

impl Fixture {
    async fn new(engine: Arc<dyn Engine>) -> Self {
        let clock = Arc::new(Clock::Manual(AtomicI64::new(NOW)));
        let store = Arc::new(Store::open(engine, Arc::clone(&clock)).await.unwrap());
        let id = Uuid::new_v4();
        let edit = move |directory: &super::Directory| {
            let mut change = DirectoryChange::default();
            change.put_api_root(&ApiRoot { name: "root".into(), title: "root".into(), description: None })?;
            change.put_collection(&Collection {
                id,
                api_root: "root".into(),
                title: "all".into(),
                description: None,
                alias: None,
                spec_versions: vec![SpecVersion::V2_0, SpecVersion::V2_1],
                profile: Profile::Header,
                number: directory.free_number()?,
            })?;
            Ok(change)
        };
        store.change_directory(edit).await.unwrap();
        let collection = Arc::clone(&store.directory().collections[&id]);
        Self { store, collection, clock }
    }

    async fn add(&self, objects: &[String]) -> Status {
        self.add_stamped(objects, Stamps::Clock).await.unwrap()
    }

    async fn add_stamped(&self, objects: &[String], stamps: Stamps) -> Result<Status, super::StoreError> {
        let add = Add {
            collection: Arc::clone(&self.collection),
            account: "tester".into(),
            request_timestamp: self.clock.now(),
            objects: objects.iter().map(|text| Ok(Object::parse(text).unwrap())).collect(),
            stamps,
        };
        self.store.add(add).await
    }
}

fn id(number: u64) -> String {
    format!("tool--00000000-0000-4000-8000-{number:012}")
}

/// A tool with this number, in the version of this year.
fn tool(number: u64, year: u32) -> String {
    tool_named(number, year, "n")
}

fn tool_named(number: u64, year: u32, name: &str) -> String {
    format!(
        r#"{{"type":"tool","spec_version":"2.1","id":"{}","created":"2000-01-01T00:00:00.000Z","modified":"{year}-01-01T00:00:00.000Z","name":"{name}"}}"#,
        id(number)
    )
}
