//! Networks: entries of a log leave the same bytes on each member, and each is applied as a whole.

use super::{Faults, FaultyEngine, NOW, seed, submission, tool};
use crate::clock::Clock;
use crate::rights::{Principal, Viewer};
use crate::store::engine::{Engine, KeyValue};
use crate::store::keys::{self, Region};
use crate::store::{
    ApiRoot, Definition, DirectoryCommand, Filter, MemoryEngine, NewMembership, PageRequest, Profile, Store,
    StoreError, Submission, View,
};
use bytes::Bytes;
use consensus::statement::{Decision, Vote};
use consensus::{
    CollectionDefinition, Command, Envelope, Founding, NetworkId, NewKey, NewOrganisation, OrganisationId,
    Policy, Reader, Role, Secret, SecretKey,
};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use stix_model::{SpecVersion, Tlp};
use uuid::Uuid;

const REGION: Region = Region::Network { generation: 0 };
pub(super) const COLLECTION: Uuid = Uuid::from_u128(0xC0);

pub(super) fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

pub(super) fn organisation(number: u8) -> OrganisationId {
    OrganisationId(Uuid::from_u128(number.into()))
}

/// The definition of a collection.
pub(super) fn definition(title: &str) -> String {
    let definition = Definition {
        title: title.to_owned(),
        description: None,
        alias: None,
        spec_versions: vec![SpecVersion::V2_1],
        profile: Profile::Header,
        unmarked: Tlp::Clear,
    };
    serde_json::to_string(&definition).unwrap()
}

/// Three organisations, each with a key that votes and one that submits.
pub(super) fn founding(name: &str) -> Founding {
    let member = |number| NewOrganisation {
        id: organisation(number),
        name: format!("Organisation {number}"),
        keys: [Role::Vote, Role::Submit]
            .map(|role| NewKey { public: key(2 * number + u8::from(role == Role::Vote)).public(), role })
            .into(),
        node: None,
    };
    Founding {
        name: name.to_owned(),
        organisations: [1, 2, 3].map(member).into(),
        collections: vec![CollectionDefinition {
            collection: COLLECTION,
            definition: definition("Indicators"),
        }],
        policy: Policy::standard(),
        nonce: [1; 16],
    }
}

/// A store that keeps the log of three organisations.
struct Network {
    store: Store,
    clock: Arc<Clock>,
    id: NetworkId,
}

impl Network {
    async fn found(engine: Arc<dyn Engine>) -> Self {
        let clock = Arc::new(Clock::Manual(AtomicI64::new(NOW)));
        let store = Store::open(engine, Arc::clone(&clock)).await.unwrap();
        let operator = Principal::operator(store.organisation());
        let (name, title) = ("sharing".to_owned(), "Sharing".to_owned());
        let root = ApiRoot { name, title, description: None, is_default: true };
        store.change_directory(&operator, DirectoryCommand::AddApiRoot(root)).await.unwrap();
        let founding = founding("example.org/test");
        let id = founding.network();
        let (api_root, secret) = ("sharing".to_owned(), Secret([5; 32]));
        let (organisation, submit_key, log_key) = (organisation(1), [2; 32], [4; 32]);
        let new = NewMembership { network: id, api_root, organisation, submit_key, log_key, node: None };
        store.found(new, founding, secret).await.unwrap();
        // Where the engine is away at that moment, the directory is read again soon.
        while store.membership().is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { store, clock, id }
    }

    fn view(&self, collection: Uuid) -> View {
        let collection = Arc::clone(&self.store.directory().collections[&collection]);
        View::new(collection, Viewer::with_clearance(Tlp::Red))
    }

    fn pass(&self) {
        if let Clock::Manual(micros) = &*self.clock {
            micros.fetch_add(1_000, std::sync::atomic::Ordering::SeqCst);
        }
    }

    async fn propose(&self, request: u128, numbers: Range<u64>) -> Result<(), StoreError> {
        self.pass();
        let operator = Principal::operator(organisation(1).0);
        let tools: Vec<_> = numbers.map(|number| tool(number, 2026)).collect();
        let submission = Submission { id: Uuid::from_u128(request), ..submission(&tools) };
        self.store.propose(&self.view(COLLECTION), &operator, submission).await.map(|_| ())
    }

    /// Approves all that is open.
    async fn approve(&self) -> Result<(), StoreError> {
        let view = self.store.network().await?;
        for proposal in Reader::new(&view).open_proposals().await? {
            for number in [2, 3] {
                self.pass();
                let vote = Vote {
                    network: self.id,
                    organisation: organisation(number),
                    proposal,
                    items: None,
                    decision: Decision::Approve,
                    reason: String::new(),
                    sequence: 0,
                    claimed_at: 0,
                };
                self.store.order(Command::Vote(Envelope::sign(&vote, &key(2 * number + 1)))).await?;
            }
        }
        Ok(())
    }

    async fn visible(&self, collection: Uuid) -> Vec<Bytes> {
        let page = PageRequest::first(Filter::default(), 1000);
        loop {
            match self.store.objects(&self.view(collection), &page).await {
                Ok(page) => return page.items,
                // The engine is away now and then.
                Err(error) => assert!(matches!(error, StoreError::Engine(_)), "{error}"),
            }
        }
    }
}

/// Everything in the region of the network.
async fn region(engine: &dyn Engine) -> Vec<KeyValue> {
    let snapshot = engine.snapshot().await.unwrap();
    let mut found = Vec::new();
    for range in keys::region(REGION) {
        found.extend(snapshot.scan_all(range).await.unwrap());
    }
    found
}

/// What two members hold who applied the same log is the same to the byte, whatever engine keeps it.
pub async fn members_hold_the_same_bytes(engine: Arc<dyn Engine>) {
    let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    for engine in [Arc::clone(&engine), Arc::clone(&memory)] {
        let network = Network::found(engine).await;
        network.propose(1, 1..40).await.unwrap();
        network.approve().await.unwrap();
        network.propose(2, 40..45).await.unwrap();
        assert_eq!(network.visible(COLLECTION).await.len(), 39);
        assert_eq!(network.visible(crate::store::review_id(COLLECTION)).await.len(), 5);
        network.store.close().await;
    }
    let (own, other) = (region(&*engine).await, region(&*memory).await);
    assert!(own.len() > 200, "{} keys", own.len());
    let different = own.iter().zip(&other).find(|(own, other)| own != other);
    assert_eq!(different, None);
    assert_eq!(own.len(), other.len());
}

/// An entry and its effects are there or not, whatever becomes of the commit, and what is repeated happens once.
pub async fn entries_are_applied_as_a_whole_under_faults(engine: Arc<dyn Engine>) {
    let faults = Faults { conflict: 7, undetermined_applied: 7, undetermined_lost: 7, unavailable: 30 };
    let network = Network::found(Arc::new(FaultyEngine::new(engine, faults, seed()))).await;
    for round in 0..20_u64 {
        let numbers = 10 * round..10 * round + 10;
        while let Err(error) = network.propose(u128::from(round) + 1, numbers.clone()).await {
            assert!(matches!(error, StoreError::Engine(_) | StoreError::Commit(_)), "{error}");
        }
        while network.approve().await.is_err() {}
    }
    assert_eq!(network.visible(COLLECTION).await.len(), 200);
    assert!(network.visible(crate::store::review_id(COLLECTION)).await.is_empty());
    let view = loop {
        match network.store.network().await {
            Ok(view) => break view,
            Err(error) => assert!(matches!(error, StoreError::Engine(_)), "{error}"),
        }
    };
    let ledger = Reader::new(&view).ledger().await.unwrap().unwrap();
    assert_eq!(ledger.tree.size(), 20, "one decision on each proposal");
}
