//! The one way into the store: a task that decides and commits writes in their order.
//!
//! Requests that wait while a commit is under way share the next one, so that a durable commit costs many small
//! writers no more than one. When another replica was faster the decision is made again on a new snapshot.

use super::StoreError;
use super::admit::{self, Add};
use super::delete::{self, Delete};
use super::directory::{Directory, DirectoryChange};
use super::engine::{Commit, Engine, EngineError};
use super::keys;
use crate::clock::Clock;
use arc_swap::ArcSwap;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use stix_model::taxii::Status;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Writes that may wait; more make their callers wait.
const QUEUE: usize = 1024;
/// Objects that share one commit at most. More would make the first ones wait for nothing.
const BATCH_OBJECTS: usize = 10_000;
/// How often a decision is made again before its caller is told to come back.
const ATTEMPTS: u32 = 100;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// Decides a change of the directory; called again when another writer was faster.
pub(super) type DirectoryEdit = Box<dyn Fn(&Directory) -> Result<DirectoryChange, StoreError> + Send + Sync>;

pub(super) enum Write {
    Add(Uuid, Add, Reply<Status>),
    Delete(Delete, Reply<usize>),
    Directory(DirectoryEdit, Reply<()>),
    /// Removal of what nobody can see any more.
    Clear(Commit, Reply<()>),
}

pub(super) struct Writer {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) directory: Arc<ArcSwap<Directory>>,
    pub(super) clock: Arc<Clock>,
    pub(super) has_failed: Arc<AtomicBool>,
}

impl Writer {
    /// Starts the task. It ends, with everything written, when all senders are gone.
    pub(super) fn start(self) -> (mpsc::Sender<Write>, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (sender, tokio::spawn(self.run(receiver)))
    }

    async fn run(self, mut receiver: mpsc::Receiver<Write>) {
        let mut waiting = None;
        loop {
            let Some(first) = (match waiting.take() {
                Some(write) => Some(write),
                None => receiver.recv().await,
            }) else {
                return;
            };
            match first {
                Write::Add(id, add, reply) => {
                    let mut batch = vec![(id, add, reply)];
                    waiting = gather(&mut receiver, &mut batch);
                    self.add(batch).await;
                }
                Write::Delete(delete, reply) => answer(reply, self.delete(&delete).await),
                Write::Directory(edit, reply) => answer(reply, self.change_directory(&edit).await),
                Write::Clear(commit, reply) => {
                    answer(reply, self.commit(commit).await.map_err(StoreError::from));
                }
            }
        }
    }

    async fn commit(&self, commit: Commit) -> Result<(), EngineError> {
        let outcome = self.engine.commit(commit).await;
        match &outcome {
            Ok(()) => self.has_failed.store(false, Ordering::Relaxed),
            Err(EngineError::Conflict) => {}
            Err(error) => {
                tracing::error!(%error, "a commit failed");
                self.has_failed.store(true, Ordering::Relaxed);
            }
        }
        outcome
    }

    async fn add(&self, batch: Vec<(Uuid, Add, Reply<Status>)>) {
        let adds: Vec<_> = batch.iter().map(|(id, add, _)| (*id, add)).collect();
        let mut attempts = Attempts::default();
        let outcome = loop {
            let outcome = self.add_once(&adds).await;
            if !attempts.should_repeat(&outcome).await {
                break outcome;
            }
        };
        match outcome {
            Ok(statuses) => {
                for ((_, _, reply), status) in batch.into_iter().zip(statuses) {
                    answer(reply, status);
                }
            }
            // One request that cannot be carried out must not spoil the others.
            Err(_) if batch.len() > 1 => {
                for one in batch {
                    Box::pin(self.add(vec![one])).await;
                }
            }
            Err(error) => {
                if let Some((_, _, reply)) = batch.into_iter().next() {
                    answer(reply, Err(error));
                }
            }
        }
    }

    async fn add_once(&self, adds: &[(Uuid, &Add)]) -> Result<Vec<Result<Status, StoreError>>, StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let (commit, statuses) = admit::plan(&*snapshot, adds, self.clock.now_micros()).await?;
        drop(snapshot);
        self.commit(commit).await?;
        Ok(statuses)
    }

    async fn delete(&self, delete: &Delete) -> Result<usize, StoreError> {
        let mut attempts = Attempts::default();
        loop {
            let outcome = self.delete_once(delete).await;
            if !attempts.should_repeat(&outcome).await {
                return outcome;
            }
        }
    }

    async fn delete_once(&self, delete: &Delete) -> Result<usize, StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let (commit, count) = delete::plan(&*snapshot, delete).await?;
        drop(snapshot);
        if count > 0 {
            self.commit(commit).await?;
        }
        Ok(count)
    }

    async fn change_directory(&self, edit: &DirectoryEdit) -> Result<(), StoreError> {
        let mut attempts = Attempts::default();
        loop {
            let outcome = self.change_directory_once(edit).await;
            if !attempts.should_repeat(&outcome).await {
                return outcome;
            }
        }
    }

    async fn change_directory_once(&self, edit: &DirectoryEdit) -> Result<(), StoreError> {
        let directory = Directory::load(&*self.engine.snapshot().await?).await?;
        let mut commit = Commit { writes: edit(&directory)?.writes, ..Commit::default() };
        commit.expected.insert(keys::DIRECTORY_REVISION.to_vec(), directory.revision_value());
        let revision = Bytes::copy_from_slice(&(directory.revision + 1).to_be_bytes());
        commit.writes.insert(keys::DIRECTORY_REVISION.to_vec(), Some(revision));
        self.commit(commit).await?;
        let changed = Directory::load(&*self.engine.snapshot().await?).await?;
        self.directory.store(Arc::new(changed));
        Ok(())
    }
}

/// Counts how often a decision was overtaken by another writer. Waits a random time, up to twice as long each time, so
/// that replicas do not meet again.
#[derive(Default)]
struct Attempts(u32);

impl Attempts {
    async fn should_repeat<T>(&mut self, outcome: &Result<T, StoreError>) -> bool {
        let is_conflict = matches!(outcome, Err(StoreError::Engine(EngineError::Conflict)));
        if !is_conflict || self.0 == ATTEMPTS {
            return false;
        }
        self.0 += 1;
        let longest = 1_u64 << self.0.min(6);
        let random = Uuid::new_v4().as_u64_pair().1;
        tokio::time::sleep(Duration::from_millis(random % longest)).await;
        true
    }
}

/// Takes the additions that wait already; gives back the first write of another kind.
fn gather(
    receiver: &mut mpsc::Receiver<Write>,
    batch: &mut Vec<(Uuid, Add, Reply<Status>)>,
) -> Option<Write> {
    let mut objects: usize = batch.iter().map(|(_, add, _)| add.objects.len()).sum();
    while objects < BATCH_OBJECTS {
        match receiver.try_recv() {
            Ok(Write::Add(id, add, reply)) => {
                objects += add.objects.len();
                batch.push((id, add, reply));
            }
            Ok(other) => return Some(other),
            Err(_) => break,
        }
    }
    None
}

/// A caller that went away needs no answer; what it asked for is done all the same.
fn answer<T>(reply: Reply<T>, outcome: Result<T, StoreError>) {
    let _ = reply.send(outcome);
}
