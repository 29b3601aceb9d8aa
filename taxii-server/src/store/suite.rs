//! The contract of engines, and of the store over them. Every engine runs all of it.
//!
//! With the feature `testing`, the suite is for engines of others too:
//!
//! ```ignore
//! use taxii_server::store::{MemoryEngine, engine::Engine, suite};
//! use std::sync::Arc;
//!
//! /// Opens an engine over the same data each time, after the engine before it was dropped.
//! #[derive(Default)]
//! struct Mine { /* where the data is */ }
//! impl suite::Open for Mine {
//!     fn open(&self) -> suite::Opening<'_> {
//!         Box::pin(async { Arc::new(MyEngine::open("…").await) as Arc<dyn Engine> })
//!     }
//! }
//! taxii_server::engine_tests!(mine: Mine::default());
//! ```
//!
//! Each random test prints the seed that repeats it; `SEED` sets it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops at the first surprise")]
#![allow(missing_docs, reason = "each function is a contract, which its name states")]

pub mod backups;
pub mod clearance;
#[cfg(all(test, feature = "tikv"))]
pub(crate) mod cluster;
mod counting;
pub mod engine_contract;
mod faulty;
pub mod histories;
#[cfg(test)]
mod hostile;
pub mod networks;
pub mod nodes;
pub mod pieces;
pub mod pollers;
pub mod processes;
pub mod replay;
#[cfg(test)]
mod simulation;
pub mod store_contract;
pub mod transfers;

use super::engine::Engine;
use super::{
    Admitted, ApiRoot, Collection, Conflicts, Deletion, DirectoryCommand, Filter, NewAccount, NewCollection,
    NewToken, Profile, Stamps, Store, StoreError, Submission, Submitted, View,
};
use crate::clock::Clock;
use crate::rights::{Principal, Viewer};
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use stix_model::taxii::Status;
use stix_model::{Object, SpecVersion, Tlp};
use uuid::Uuid;

pub use faulty::{Faults, FaultyEngine};

/// An engine that can be opened again over the same data.
pub trait Open: Send + Sync {
    /// Opens the engine. What an earlier one committed is there.
    fn open(&self) -> Opening<'_>;
}

/// An engine that is being opened.
pub type Opening<'a> = BoxFuture<'a, Arc<dyn Engine>>;

/// Makes a test of each contract for an engine: `engine_tests!(NAME: EXPRESSION)`, where the expression is an [`Open`] over
/// no data.
#[macro_export]
macro_rules! engine_tests {
    ($name:ident: $open:expr) => {
        mod $name {
            use super::*;
            #[allow(unused_imports, reason = "the trait may be known by its name already")]
            use $crate::store::suite::Open as _;
            use $crate::store::suite::{
                backups, clearance, engine_contract, histories, networks, nodes, pieces, pollers, processes, replay,
                store_contract, transfers,
            };
            $crate::engine_tests! { @each ($open)
                engine_contract: snapshots_do_not_change scans_go_both_ways scans_stop_at_their_bounds
                    reads_stop_at_their_budget a_conflict_writes_nothing racing_commits_lose_no_update
                    write_skew_is_a_conflict a_head_can_be_held_absent collections_do_not_conflict large_values_come_back
                    ranges_are_cleared big_batches_are_atomic,
                store_contract: stamps_rise_and_end_on_milliseconds the_same_again_is_no_error
                    rules_between_versions_are_kept versions_are_found
                    deleting_brings_the_older_version_back cursors_are_checked restores_keep_their_stamps
                    removed_collections_are_cleared_away receipts_are_kept_and_cleared
                    a_request_is_carried_out_once a_shared_identifier_names_the_own_request
                    a_stale_request_is_checked_again large_statuses_come_back replicas_share_one_engine
                    a_post_costs_two_reads_and_one_commit,
                clearance: viewers_see_what_their_clearance_allows outcomes_tell_no_more_than_the_submitter_sees
                    deletions_choose_among_visible_versions unmarked_objects_move_to_their_new_level
                    moving_keeps_the_order_of_versions
                    watchers_wake_for_what_they_see watchers_wake_after_a_lost_answer
                    a_level_that_is_set_meanwhile_keeps_its_mark large_objects_move_in_bounded_commits,
                histories: pages_of_a_long_history_cost_what_is_on_them
                    many_versions_are_deleted_at_once_and_erased_in_pieces
                    a_deletion_is_finished_after_a_restart deletions_leave_nothing_behind
                    moving_past_deleted_versions_loses_nothing
                    a_mirror_serves_what_its_source_says_now,
                networks: members_hold_the_same_bytes entries_are_applied_as_a_whole_under_faults,
                nodes: a_state_that_is_sent_is_the_same a_state_that_was_changed_is_refused
                    nodes_apply_each_entry_once_under_faults a_node_goes_on_after_a_crash_at_any_call,
                pieces: a_request_in_pieces_has_the_outcome_of_a_whole_one
                    restored_objects_in_pieces_keep_their_stamps a_request_in_pieces_goes_on_after_faults,
                pollers: each_poller_gets_every_survivor_once,
                backups: a_backup_is_the_store_at_one_instant what_was_decided_before_a_backup_conflicts
                    a_restored_store_is_the_same_server a_broken_restore_is_no_store
                    a_broken_backup_leaves_nothing a_backup_that_stood_still_is_refused,
                transfers: a_moved_store_is_equal a_broken_migration_goes_on,
                replay: any_cut_of_a_log_leaves_equal_bytes,
                processes: two_processes_under_faults a_revoked_token_stops_working_elsewhere
                    a_removed_collection_is_gone_elsewhere one_process_holds_the_lease
                    a_later_format_stops_older_processes,
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn commits_survive_reopening() {
                engine_contract::commits_survive_reopening(&$open).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_reopened_store_goes_on() {
                store_contract::a_reopened_store_goes_on(&$open).await;
            }
        }
    };
    (@each ($open:expr) $($module:ident: $($contract:ident)*,)*) => {
        $($crate::engine_tests! { @one ($open) $module: $($contract)* })*
    };
    (@one ($open:expr) $module:ident: $($contract:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $contract() {
            let open = $open;
            $module::$contract(open.open().await).await;
        })*
    };
}

/// A store with one collection, at a clock that stands still.
pub(crate) struct Fixture {
    pub(crate) store: Arc<Store>,
    pub(crate) collection: Arc<Collection>,
    pub(crate) clock: Arc<Clock>,
}

/// The number of versions that a viewer sees.
pub(crate) async fn count(store: &Store, view: &View) -> u64 {
    store.contents(std::slice::from_ref(view)).await.unwrap()[0].versions
}

pub(crate) const NOW: i64 = 1_700_000_000_000_000;

impl Fixture {
    pub(crate) async fn new(engine: Arc<dyn Engine>) -> Self {
        let clock = Arc::new(Clock::Manual(AtomicI64::new(NOW)));
        let store = Arc::new(Store::open(engine, Arc::clone(&clock)).await.unwrap());
        let (operator, id) = (Principal::operator(store.organisation()), Uuid::new_v4());
        let root =
            ApiRoot { name: "root".into(), title: "root".into(), description: None, is_default: false };
        let collection = DirectoryCommand::AddCollection(new_collection(id, "all"));
        for command in [DirectoryCommand::AddApiRoot(root), collection] {
            store.change_directory(&operator, command).await.unwrap();
        }
        let collection = Arc::clone(&store.directory().collections[&id]);
        Self { store, collection, clock }
    }

    /// The fixture of another store over the same engine.
    pub(crate) async fn elsewhere(&self, engine: Arc<dyn Engine>) -> Self {
        let store = Arc::new(Store::open(engine, Arc::clone(&self.clock)).await.unwrap());
        let collection = Arc::clone(&self.collection);
        Self { store, collection, clock: Arc::clone(&self.clock) }
    }

    /// The same with the collection as the directory has it now.
    pub(crate) fn known(self, id: Uuid) -> Self {
        let collection = Arc::clone(&self.store.directory().collections[&id]);
        Self { collection, ..self }
    }

    pub(crate) async fn change(&self, command: DirectoryCommand) -> Result<(), StoreError> {
        self.store.change_directory(&self.operator(), command).await
    }

    /// An administrator with this identifier, to be added.
    pub(crate) fn administrator(&self, id: Uuid, token: Option<NewToken>) -> NewAccount {
        NewAccount {
            id,
            organisation: self.store.organisation(),
            name: "alice".into(),
            password: None,
            token,
            is_administrator: true,
            grants: Default::default(),
        }
    }

    pub(crate) fn operator(&self) -> Principal {
        Principal::operator(self.store.organisation())
    }

    /// The collection as the operator sees it.
    pub(crate) fn view(&self) -> View {
        self.view_of(Tlp::Red)
    }

    pub(crate) fn view_of(&self, clearance: Tlp) -> View {
        View::new(Arc::clone(&self.collection), Viewer::with_clearance(clearance))
    }

    pub(crate) async fn add(&self, objects: &[String]) -> Status {
        self.add_stamped(objects, Stamps::Clock).await.unwrap()
    }

    pub(crate) async fn add_stamped(&self, objects: &[String], stamps: Stamps) -> Result<Status, StoreError> {
        let submission = Submission { stamps, ..submission(objects) };
        self.store.add(&self.view(), &self.operator(), submission).await
    }

    pub(crate) async fn delete(&self, id: &str, filter: Filter) -> Result<u64, StoreError> {
        let deletion = Deletion { request: Uuid::new_v4(), id: id.parse().unwrap(), filter };
        self.store.delete(&self.view(), &self.operator(), deletion).await
    }
}

pub(crate) fn new_collection(id: Uuid, title: &str) -> NewCollection {
    NewCollection {
        id,
        api_root: "root".into(),
        title: title.into(),
        description: None,
        alias: None,
        spec_versions: vec![SpecVersion::V2_0, SpecVersion::V2_1],
        profile: Profile::Stix,
        unmarked: Tlp::Amber,
        conflicts: Conflicts::Refuse,
    }
}

pub(crate) fn submission(objects: &[String]) -> Submission {
    let admitted = |text: &String| {
        let object = Object::parse(text).unwrap();
        let document = object.document();
        Submitted::Admitted(Box::new(Admitted::of(&object, document.root())))
    };
    let objects = objects.iter().map(admitted).collect();
    Submission { id: Uuid::new_v4(), fingerprint: None, received: NOW, objects, stamps: Stamps::Clock }
}

pub(crate) fn id(number: u64) -> String {
    format!("tool--00000000-0000-4000-8000-{number:012}")
}

/// A tool with this number, in the version of this year.
pub(crate) fn tool(number: u64, year: u32) -> String {
    tool_named(number, year, "n")
}

pub(crate) fn tool_named(number: u64, year: u32, name: &str) -> String {
    format!(
        r#"{{"type":"tool","spec_version":"2.1","id":"{}","created":"2000-01-01T00:00:00.000Z","modified":"{year}-01-01T00:00:00.000Z","name":"{name}"}}"#,
        id(number)
    )
}

/// The property for a TLP 2.0 marking.
pub(crate) fn marking(level: Tlp) -> String {
    let definition = level.definition(stix_model::marking::TlpEdition::V2).unwrap();
    let definition = Object::parse(definition).unwrap();
    format!(r#""object_marking_refs":["{}"]"#, definition.header().id)
}

/// A tool with a TLP 2.0 marking.
pub(crate) fn marked_tool(number: u64, year: u32, level: Tlp) -> String {
    tool(number, year).replace(r#""name""#, &format!(r#"{},"name""#, marking(level)))
}

/// The seed of the random numbers of this run; it is in the output of every failure.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("SEED").map_or(u64::from(std::process::id()), |seed| seed.parse().unwrap());
    println!("repeat with SEED={seed}");
    seed
}

#[cfg(test)]
mod tests {
    use super::{Open, Opening};
    use crate::store::engine::PrefixedEngine;
    use crate::store::{EmbeddedEngine, MemoryEngine, bulk_ranges};
    use std::sync::Arc;

    #[derive(Default)]
    struct Memory(Arc<MemoryEngine>);

    impl Open for Memory {
        fn open(&self) -> Opening<'_> {
            Box::pin(async { Arc::clone(&self.0) as _ })
        }
    }

    struct Embedded(tempfile::TempDir);

    impl Default for Embedded {
        fn default() -> Self {
            Self(tempfile::tempdir().unwrap())
        }
    }

    impl Open for Embedded {
        fn open(&self) -> Opening<'_> {
            let path = self.0.path().join("store");
            Box::pin(async move { Arc::new(EmbeddedEngine::open(&path, &bulk_ranges()).unwrap()) as _ })
        }
    }

    /// Two stores share one engine below; the other one holds something under each first byte.
    #[derive(Default)]
    struct Prefixed(Memory);

    impl Open for Prefixed {
        fn open(&self) -> Opening<'_> {
            Box::pin(async {
                let below = self.0.open().await;
                for neighbour in [&b"concora"[..], b"concord", b"concord/\xFF", b"concord0"] {
                    let writes = [(neighbour.to_vec(), Some(bytes::Bytes::from_static(b"x")))].into();
                    let commit = crate::store::engine::Commit { writes, ..Default::default() };
                    below.commit(commit).await.unwrap();
                }
                Arc::new(PrefixedEngine::new(below, b"concord/")) as _
            })
        }
    }

    engine_tests!(memory: Memory::default());
    engine_tests!(embedded: Embedded::default());
    engine_tests!(prefixed: Prefixed::default());
    #[cfg(feature = "tikv")]
    engine_tests!(tikv: crate::store::suite::cluster::Tikv::default());
}
