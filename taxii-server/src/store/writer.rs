//! The writer: a task that forms groups of the requests in its queue, applies them and commits.
//!
//! Requests that wait while a commit is under way share the next one, so that a durable commit costs many small writers no
//! more than one. Where another process was faster, or nothing is known of a commit, the groups are applied again on a
//! new snapshot: receipts tell which requests were carried out already.

use super::announce::Announcer;
use super::apply::{Applied, Outcome, Rejection, apply};
use super::command::{Group, Request, Scope};
use super::engine::{Commit, Engine, EngineError, Limits, on_waiting_thread};
use super::overlay::Overlay;
use super::receipt::Done;
use super::{Reload, StoreError};
use crate::clock::Clock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Requests that may wait; further callers wait to enter the queue.
const QUEUE: usize = 1024;
/// Maximum number of bytes in one commit, also where the engine takes more: the first requests of a large commit wait
/// for the last.
const BATCH_BYTES: usize = 16 << 20;
/// Maximum number of attempts after conflicts. Then the callers get an error and may try again.
const ATTEMPTS: u32 = 100;
/// Maximum time of attempts while the engine cannot be reached.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request in the queue.
pub(super) struct Write {
    pub(super) request: Request,
    pub(super) reply: oneshot::Sender<Result<Done, StoreError>>,
}

pub(super) struct Writer {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) clock: Arc<Clock>,
    pub(super) reload: Reload,
    pub(super) announcer: Arc<Announcer>,
    pub(super) health: Arc<Health>,
    /// Versions whose content was replaced, since the store was opened.
    pub(super) replaced: Arc<AtomicU64>,
}

/// Result of the last commit, for [`Store::ready`](super::Store::ready).
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Option<&'static str>>);

impl Health {
    /// Why the last commit failed, if it did.
    pub(super) fn failure(&self) -> Option<&'static str> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Notes that a write succeeded.
    pub(super) fn recover(&self) {
        self.note(None);
    }

    fn note(&self, failure: Option<&'static str>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = failure;
    }
}

impl Writer {
    /// Starts the task. It ends, with everything written, when all senders are gone.
    pub(super) fn start(self) -> (mpsc::Sender<Write>, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (sender, tokio::spawn(self.run(receiver)))
    }

    async fn run(self, mut receiver: mpsc::Receiver<Write>) {
        let max_bytes = BATCH_BYTES.min(max_request_bytes(self.engine.limits()));
        let mut waiting = None;
        loop {
            let Some(first) = (match waiting.take() {
                Some(write) => Some(write),
                None => receiver.recv().await,
            }) else {
                return;
            };
            let mut batch = vec![first];
            waiting = gather(&mut receiver, &mut batch, max_bytes);
            self.carry_out(batch).await;
        }
    }

    /// Carries out what was gathered, in one commit, and answers.
    async fn carry_out(&self, batch: Vec<Write>) {
        let (groups, replies) = form_groups(batch, self.clock.now_micros());
        match self.commit(groups.into()).await {
            Ok((outcomes, is_directory)) => {
                let is_stale = outcomes.iter().any(|outcome| matches!(outcome, Err(Rejection::Stale)));
                // The caller that made the change, or was refused because of it, sees the new directory.
                if (is_directory || is_stale)
                    && let Err(error) = self.reload.now().await
                {
                    tracing::error!(%error, "the directory cannot be read");
                }
                for (reply, outcome) in replies.into_iter().zip(outcomes) {
                    answer(reply, outcome.map_err(StoreError::from));
                }
            }
            Err(error) => {
                tracing::error!(%error, "a commit failed");
                let error = Arc::new(error);
                for reply in replies {
                    answer(reply, Err(StoreError::Commit(Arc::clone(&error))));
                }
            }
        }
    }

    /// Returns the outcomes, and whether the directory is another one now.
    async fn commit(&self, groups: Arc<[Group]>) -> Result<(Vec<Outcome>, bool), StoreError> {
        let mut attempts = Attempts::new();
        // Where such a commit was applied, the next attempt finds receipts and announces nothing.
        let mut undetermined = Vec::new();
        // Nor does it find that it changes the directory.
        let mut is_directory = false;
        loop {
            let planned = on_waiting_thread(plan(Arc::clone(&self.engine), Arc::clone(&groups)));
            let (commit, applied) = match planned.await {
                Ok(planned) => planned,
                Err(StoreError::Engine(error)) => {
                    attempts.again(error).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let committed = if commit.is_empty() { Ok(()) } else { self.engine.commit(commit).await };
            match committed {
                Ok(()) => {
                    self.health.note(None);
                    undetermined.into_iter().for_each(|announcement| self.announcer.announce(announcement));
                    let mut outcomes = Vec::new();
                    for (applied, group) in applied.into_iter().zip(&*groups) {
                        outcomes.extend(applied.outcomes);
                        is_directory |= applied.is_directory;
                        if applied.replaced > 0 {
                            let replaced = applied.replaced;
                            self.replaced.fetch_add(replaced, Ordering::Relaxed);
                            tracing::info!(scope = ?group.scope, replaced, "content of stored versions was replaced");
                        }
                        let new = applied.announcements.into_iter();
                        new.for_each(|announcement| self.announcer.announce(announcement));
                    }
                    return Ok((outcomes, is_directory));
                }
                Err(error) => {
                    if let Some(failure) = failure_of(&error) {
                        self.health.note(Some(failure));
                    }
                    if matches!(error, EngineError::Undetermined(_)) {
                        is_directory |= applied.iter().any(|applied| applied.is_directory);
                        undetermined.extend(applied.into_iter().flat_map(|applied| applied.announcements));
                    }
                    attempts.again(error).await?;
                }
            }
        }
    }
}

/// What groups come to, one after the other.
async fn plan(engine: Arc<dyn Engine>, groups: Arc<[Group]>) -> Result<(Commit, Vec<Applied>), StoreError> {
    let snapshot = engine.snapshot().await?;
    let mut overlay = Overlay::new(&*snapshot);
    let mut applied = Vec::with_capacity(groups.len());
    for group in &*groups {
        applied.push(apply(&mut overlay, group).await?);
    }
    Ok((overlay.into_commit(Uuid::new_v4()).await?, applied))
}

/// Bytes of requests that an engine takes in one commit. Indexes take about as much again as small objects, and no object is
/// so small that its keys count for more.
pub(super) fn max_request_bytes(limits: Limits) -> usize {
    (limits.commit_bytes / 2).min(limits.commit_keys.saturating_mul(100))
}

fn failure_of(error: &EngineError) -> Option<&'static str> {
    match error {
        EngineError::Conflict => None,
        EngineError::Full => Some("the disk is full"),
        EngineError::Disk(_) => Some("the disk failed"),
        EngineError::Undetermined(_) | EngineError::Unavailable { .. } => Some("the store cannot be reached"),
        EngineError::Damaged(_) | EngineError::Failed(_) => Some("the store failed"),
    }
}

/// Counts how often groups are applied again, and waits in between. By hand: how long depends on each error, which the
/// schedules of retrying crates do not see.
pub(super) struct Attempts {
    count: u32,
    since: tokio::time::Instant,
    /// An attempt may have been carried out.
    is_undetermined: bool,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self { count: 0, since: tokio::time::Instant::now(), is_undetermined: false }
    }

    /// Waits before the next attempt, or gives the error back. After a conflict the wait is random, and may be twice as
    /// long each time, so that processes do not meet again.
    pub(super) async fn again(&mut self, error: EngineError) -> Result<(), StoreError> {
        self.count += 1;
        self.is_undetermined |= matches!(error, EngineError::Undetermined(_));
        let random = |longest: u64| Duration::from_millis(Uuid::new_v4().as_u64_pair().1 % longest);
        let wait = match &error {
            EngineError::Conflict if self.count < ATTEMPTS => random(1 << self.count.min(6)),
            EngineError::Undetermined(_) if self.since.elapsed() < PATIENCE => random(100),
            EngineError::Unavailable { retry_after, .. }
                if self.since.elapsed() + *retry_after < PATIENCE =>
            {
                *retry_after
            }
            // A later attempt that changed nothing says nothing about an earlier one.
            _ if self.is_undetermined && !matches!(error, EngineError::Undetermined(_)) => {
                return Err(EngineError::Undetermined(error.into()).into());
            }
            _ => return Err(error.into()),
        };
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// Takes the requests that wait already, up to a number of bytes. Changes of the directory stand alone, which keeps their
/// order among other requests, and so does maintenance, whose cleared ranges make reads of the overlay slow. A request
/// that does not fit is given back.
fn gather(receiver: &mut mpsc::Receiver<Write>, batch: &mut Vec<Write>, max_bytes: usize) -> Option<Write> {
    let is_alone =
        |write: &Write| matches!(write.request.command.scope(), Scope::Directory | Scope::Maintenance);
    if batch.iter().any(is_alone) {
        return None;
    }
    let mut bytes: usize = batch.iter().map(|write| write.request.command.weight()).sum();
    while bytes < max_bytes {
        let Ok(write) = receiver.try_recv() else { break };
        bytes += write.request.command.weight();
        if is_alone(&write) || bytes > max_bytes {
            return Some(write);
        }
        batch.push(write);
    }
    None
}

type Reply = oneshot::Sender<Result<Done, StoreError>>;

/// One group for each scope, in the order in which they first come, and the replies in the order of the groups.
fn form_groups(batch: Vec<Write>, time: i64) -> (Vec<Group>, Vec<Reply>) {
    let mut places: BTreeMap<Scope, usize> = BTreeMap::new();
    let mut groups: Vec<(Group, Vec<Reply>)> = Vec::new();
    for Write { request, reply } in batch {
        let scope = request.command.scope();
        let place = *places.entry(scope).or_insert(groups.len());
        if place == groups.len() {
            groups.push((Group { scope, time, requests: Vec::new() }, Vec::new()));
        }
        groups[place].0.requests.push(request);
        groups[place].1.push(reply);
    }
    let (groups, replies): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
    (groups, replies.into_iter().flatten().collect())
}

/// Answers the caller. A request is also carried out when its caller is gone.
fn answer(reply: Reply, outcome: Result<Done, StoreError>) {
    let _ = reply.send(outcome);
}
