//! The processes that share an engine, and which of them writes a collection.
//!
//! Processes that write one collection at the same time conflict, and only one of them commits. So each collection has one
//! process that writes it, and the others hand their requests over to it, where they share commits. This is speed and no
//! more: every commit is compared with the head of the collection, and a request that is carried out twice finds its
//! receipt. A process that does not answer is passed over until it is heard of again, and its requests are carried out by
//! those that have them; one that hangs costs [`PATIENCE`] once.
//!
//! Every process notes a number that it raises each second. Others count it in once they have seen the number rise, and
//! pass it over when it stands still, so no two clocks need to agree.

mod link;

use super::StoreError;
use super::command::{Command, Group, Request};
use super::engine::{Commit, Engine, EngineError};
use super::keys;
use super::receipt::Done;
use super::reload::Task;
use super::writer::Write;
use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use link::{Identity, Link, Links};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

/// Time between two notes of a process.
const BEAT: Duration = Duration::from_secs(1);
/// Time after which a process is passed over whose number stands still.
const SILENCE: Duration = Duration::from_secs(4);
/// Time after which the note of a process that ended is removed.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// Time for another process to carry out a request, before it is carried out here.
const PATIENCE: Duration = Duration::from_secs(3);
/// Estimated bytes of the largest request that is handed over; commits of larger ones are not shared anyway.
const MAX_BYTES: usize = 1 << 20;
/// The keys of notes; leases are their neighbours, which no backup holds.
const NOTES: &str = "lease/replica/";

/// What a process says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// Where it takes requests.
    address: SocketAddr,
    /// Its certificate, in base64.
    certificate: String,
    /// Raised each second.
    number: u64,
}

/// Another process.
#[derive(Clone, Debug)]
struct Member {
    note: Note,
    /// When its number rose; `None` while it was seen once only.
    rose: Option<Instant>,
    seen: Instant,
}

/// The processes that share an engine.
pub(super) struct Peers {
    own: Uuid,
    members: ArcSwap<BTreeMap<Uuid, Member>>,
    /// Numbers of processes that did not answer.
    silent: Mutex<BTreeMap<Uuid, u64>>,
    links: Links,
    tasks: Mutex<Vec<Task>>,
}

impl Peers {
    /// Takes requests of other processes at an address, and looks for them.
    pub(super) async fn join(
        own: Uuid,
        engine: Arc<dyn Engine>,
        secret: &[u8],
        writes: mpsc::Sender<Write>,
        listener: std::net::TcpListener,
    ) -> Result<Arc<Self>, StoreError> {
        let identity = Identity::new().map_err(EngineError::failed)?;
        let address = listener.local_addr().map_err(EngineError::failed)?;
        let note = Note { address, certificate: STANDARD.encode(identity.certificate()), number: 0 };
        let peers = Arc::new(Self {
            own,
            members: ArcSwap::default(),
            silent: Mutex::default(),
            links: Links::new(secret),
            tasks: Mutex::default(),
        });
        let serving = link::serve(listener, &identity, secret, writes).map_err(EngineError::failed)?;
        let beating = Arc::clone(&peers).beat(engine, note);
        let tasks = [tokio::spawn(serving), tokio::spawn(beating)].map(Task);
        peers.tasks.lock().unwrap_or_else(PoisonError::into_inner).extend(tasks);
        Ok(peers)
    }

    /// Stops taking requests, and takes the own note back.
    pub(super) async fn leave(&self, engine: &dyn Engine) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for mut task in tasks {
            task.end().await;
        }
        let writes = BTreeMap::from([(note_key(self.own), None)]);
        if let Err(error) = engine.commit(Commit { writes, ..Commit::default() }).await {
            tracing::debug!(%error, "the note of this process stays until it is forgotten");
        }
    }

    /// Has a request carried out by the process that writes its collection; `None` when this process has to do it.
    pub(super) async fn carry_out(&self, request: &Request) -> Option<Done> {
        let collection = match &request.command {
            Command::Add(add) => add.target.collection,
            Command::Delete(delete) => delete.target.collection,
            Command::Conclude(conclude) => conclude.target.collection,
            // Entries of the network have one order, so one process applies them.
            Command::Apply(_) => Uuid::nil(),
            _ => return None,
        };
        let (id, member) = self.writer_of(collection)?;
        if request.command.weight() > MAX_BYTES {
            return None;
        }
        let group = Group { scope: request.command.scope(), time: 0, requests: vec![request.clone()] };
        let link = Link { address: member.note.address, certificate: member.note.certificate.clone() };
        match tokio::time::timeout(PATIENCE, self.links.send(id, &link, group.encode())).await {
            // What is refused there is refused here, with the reason.
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => self.pass_over(id, &member, &error.to_string()),
            Err(elapsed) => self.pass_over(id, &member, &elapsed.to_string()),
        }
    }

    /// The process that writes a collection; `None` when it is this one.
    fn writer_of(&self, collection: Uuid) -> Option<(Uuid, Member)> {
        let members = self.members.load();
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = |(id, member): &(&Uuid, &Member)| {
            member.rose.is_some_and(|rose| rose.elapsed() < SILENCE)
                && silent.get(id) != Some(&member.note.number)
        };
        let best = members.iter().filter(answers).max_by_key(|(id, _)| weight(**id, collection))?;
        (weight(*best.0, collection) > weight(self.own, collection)).then(|| (*best.0, best.1.clone()))
    }

    fn pass_over(&self, id: Uuid, member: &Member, reason: &str) -> Option<Done> {
        tracing::warn!(replica = %id, address = %member.note.address, reason, "another replica does not answer");
        self.links.forget(id);
        self.silent.lock().unwrap_or_else(PoisonError::into_inner).insert(id, member.note.number);
        None
    }

    async fn beat(self: Arc<Self>, engine: Arc<dyn Engine>, mut note: Note) {
        loop {
            note.number += 1;
            if let Err(error) = self.note_and_look(&*engine, &note).await {
                tracing::debug!(%error, "other replicas are not seen");
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    async fn note_and_look(&self, engine: &dyn Engine, note: &Note) -> Result<(), StoreError> {
        let text = serde_json::to_vec(note).map_err(|_| StoreError::Corrupt("the note of a replica"))?;
        let mut writes = BTreeMap::from([(note_key(self.own), Some(Bytes::from(text)))]);
        let snapshot = engine.snapshot().await?;
        let mut members = BTreeMap::clone(&self.members.load());
        let mut found = BTreeMap::new();
        for (key, value) in snapshot.scan_all(keys::prefix(keys::local(NOTES))).await? {
            let id = key.last_chunk().map(|bytes| Uuid::from_bytes(*bytes));
            let (Some(id), Ok(note)) = (id, serde_json::from_slice::<Note>(&value)) else { continue };
            if id == self.own {
                continue;
            }
            let now = Instant::now();
            let member = match members.remove(&id) {
                Some(known) if known.note.number == note.number => known,
                Some(_) => Member { note, rose: Some(now), seen: now },
                None => Member { note, rose: None, seen: now },
            };
            if member.seen.elapsed() > FORGOTTEN {
                writes.insert(note_key(id), None);
                self.links.forget(id);
            }
            found.insert(id, member);
        }
        self.members.store(Arc::new(found));
        Ok(engine.commit(Commit { writes, ..Commit::default() }).await?)
    }
}

fn note_key(id: Uuid) -> super::engine::Key {
    let mut key = keys::local(NOTES);
    key.extend_from_slice(id.as_bytes());
    key
}

/// Each process weighs differently for each collection, and all agree on it: when one goes, only its collections move.
fn weight(id: Uuid, collection: Uuid) -> [u8; 32] {
    Sha256::new().chain_update(id.as_bytes()).chain_update(collection.as_bytes()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::super::MemoryEngine;
    use super::super::engine::{EngineFuture, Snapshot};
    use super::super::suite::{Fixture, count, submission, tool};
    use super::*;
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    /// Counts commits that are no notes, and lets none of those through while it is asleep.
    struct Own {
        engine: Arc<dyn Engine>,
        commits: AtomicU64,
        is_asleep: AtomicBool,
    }

    impl Own {
        fn over(engine: &Arc<dyn Engine>) -> Arc<Self> {
            let (commits, is_asleep) = (AtomicU64::new(0), AtomicBool::new(false));
            Arc::new(Self { engine: Arc::clone(engine), commits, is_asleep })
        }
    }

    impl Engine for Own {
        fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
            self.engine.snapshot()
        }

        fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
            Box::pin(async move {
                if !commit.heads.is_empty() {
                    while self.is_asleep.load(Ordering::SeqCst) {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    self.commits.fetch_add(1, Ordering::SeqCst);
                }
                self.engine.commit(commit).await
            })
        }

        fn settle(&self) -> EngineFuture<'_, ()> {
            self.engine.settle()
        }
    }

    fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }

    /// Two processes over one engine, of which the first writes the collection.
    struct Two {
        first: Fixture,
        second: Fixture,
        first_engine: Arc<Own>,
        second_engine: Arc<Own>,
    }

    async fn two() -> Two {
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
        let origin = Fixture::new(Arc::clone(&engine)).await;
        let mut processes = Vec::new();
        for _ in 0..2 {
            let own = Own::over(&engine);
            let mut fixture = origin.elsewhere(Arc::clone(&own) as _).await;
            let store = Arc::get_mut(&mut fixture.store).unwrap();
            store.share_writing(listener()).await.unwrap();
            processes.push((fixture, own));
        }
        let peers = |(fixture, _): &(Fixture, Arc<Own>)| Arc::clone(fixture.store.peers.as_ref().unwrap());
        let both = [peers(&processes[0]), peers(&processes[1])];
        // Notes must have been seen twice.
        let knows = |one: &Peers| one.members.load().values().any(|member| member.rose.is_some());
        while !both.iter().all(|one| knows(one)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let collection = origin.collection.id;
        let [one, other] = [0, 1].map(|number| both[number].writer_of(collection).is_none());
        assert_ne!(one, other, "they agree on the one that writes");
        if other {
            processes.reverse();
        }
        let (second, second_engine) = processes.pop().unwrap();
        let (first, first_engine) = processes.pop().unwrap();
        Two { first, second, first_engine, second_engine }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn requests_are_handed_over_and_carried_out_once() {
        let Two { first, second, first_engine, second_engine } = two().await;
        let sent = submission(&[tool(1, 2001)]);
        let add = async |fixture: &Fixture| {
            fixture.store.add(&fixture.view(), &fixture.operator(), sent.clone()).await.unwrap()
        };
        let status = add(&second).await;
        assert_eq!(status.success_count, 1);
        let commits = || [&first_engine, &second_engine].map(|own| own.commits.load(Ordering::SeqCst));
        assert_eq!(commits(), [1, 0]);
        assert_eq!(add(&first).await, status, "the receipt is found");
        assert_eq!(second.delete(&super::super::suite::id(1), Default::default()).await.unwrap(), 1);
        assert_eq!(commits(), [2, 0]);
        // The other one is gone: its requests are carried out here, at once.
        Arc::try_unwrap(first.store).ok().unwrap().close().await;
        let started = Instant::now();
        second.add(&[tool(2, 2001)]).await;
        assert!(started.elapsed() < PATIENCE, "a closed port is no reason to wait");
        assert_eq!(commits()[1], 1);
    }

    /// Both write at once: the one that hangs comes back and finds what the other has done.
    #[tokio::test(flavor = "multi_thread")]
    async fn two_writers_at_once_lose_and_double_nothing() {
        let Two { first, second, first_engine, .. } = two().await;
        first_engine.is_asleep.store(true, Ordering::SeqCst);
        for number in 0..3 {
            second.add(&[tool(number, 2001)]).await;
        }
        assert_eq!(count(&second.store, &second.view()).await, 3);
        first_engine.is_asleep.store(false, Ordering::SeqCst);
        // What it had taken over is carried out there too, and finds the receipt.
        first.add(&[tool(9, 2001)]).await;
        assert_eq!(count(&second.store, &second.view()).await, 4);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn strangers_are_not_served() {
        let Two { first, second, .. } = two().await;
        let [own, peers] = [&first, &second].map(|fixture| fixture.store.peers.as_ref().unwrap());
        let members = peers.members.load();
        let (id, member) = members.iter().find(|(id, _)| **id == own.own).unwrap();
        let link = Link { address: member.note.address, certificate: member.note.certificate.clone() };
        let request = Request {
            id: Uuid::new_v4(),
            account: Uuid::nil(),
            organisation: Uuid::nil(),
            received: 0,
            fingerprint: None,
            command: Command::Clear(super::super::Clear::Removed { limit: 1 }),
        };
        let group = Group { scope: request.command.scope(), time: 0, requests: vec![request] }.encode();
        assert!(Links::new(b"another secret").send(*id, &link, group.clone()).await.unwrap().is_none());
        // Without the token, a connection does not stay.
        let silent = link::connect(&link).await.unwrap();
        while !silent.is_closed() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let other = Identity::new().unwrap();
        let link = Link { certificate: STANDARD.encode(other.certificate()), ..link };
        assert!(peers.links.send(Uuid::new_v4(), &link, group).await.is_err());
    }
}
