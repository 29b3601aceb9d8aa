//! The region of the network as the nodes see it: a state that entries change, that is sent to other nodes, and that is
//! replaced by theirs.
//!
//! The position in the log is a key of this server, and is written in the commit that applies the entries. The log has the
//! entries, so that commit becomes durable a moment later: a crash takes back whole entries, which are applied again. A state that
//! arrives is a new generation of the region, beside the one that counts; the membership names the one that does, so both
//! change places in one commit.

use super::membership::MembershipRecord;
use super::snapshot::{FORMAT, Part, chunks};
use super::state::ledger;
use super::state_hash::StateHash;
use crate::clock::Clock;
use crate::store::StoreError;
use crate::store::announce::{Announcement, Announcer};
use crate::store::apply::{Answer, Applied, apply_entry, renew_directory};
use crate::store::directory::{self, CollectionMode};
use crate::store::engine::{Durability, Engine, EngineError, Key, Scan, Snapshot, on_waiting_thread};
use crate::store::keys::{self, Region};
use crate::store::overlay::Overlay;
use crate::store::record::Head;
use crate::store::reload::Reload;
use crate::store::writer::Health;
use bytes::Bytes;
use consensus::evidence::TreeHead;
use consensus::order::{Chunks, Machine, MachineError, Snapshot as NetworkSnapshot};
use consensus::{Digest, Ledger, SetHash};
use futures::StreamExt;
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

/// Keys that are removed in one commit.
const PIECE: usize = 5_000;
/// Pause while the engine cannot be reached, another process was faster, or the store takes no writes.
const PAUSE: Duration = Duration::from_millis(200);
/// Bytes of entries in one commit where the engine is remote: what they write is three times as much.
const REMOTE_BYTES: usize = 512 << 10;
/// Entries of which the digests are kept.
const HISTORY: usize = 16_384;
/// Time after which what was applied is made durable, where nothing asks for it before.
const SETTLE: Duration = Duration::from_millis(250);
/// Bytes of entries whose commit is durable at once, so that less than that many commits wait in memory.
const SETTLE_BYTES: usize = 1 << 20;

/// What the log came to at an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    /// Number of the entry.
    pub(crate) index: u64,
    /// Chain over all entries.
    pub(crate) entries: Digest,
    /// Chain over the writes of all entries.
    pub(crate) effects: Digest,
    /// Everything that the region holds.
    pub(crate) state: Digest,
    /// The transparency log.
    pub(crate) head: TreeHead,
}

impl Digests {
    pub(in crate::store) fn new(ledger: &Ledger, hash: &StateHash) -> Self {
        let (index, entries, effects) = (ledger.index, ledger.entries, ledger.effects);
        Self { index, entries, effects, state: hash.digest(), head: ledger.tree.head() }
    }

    /// What the log came to in a region.
    async fn of(overlay: &mut Overlay<'_>, region: Region) -> Result<Option<Self>, StoreError> {
        let Some(ledger) = ledger(overlay, region).await? else { return Ok(None) };
        let hash = StateHash::of(overlay, region, Some(&ledger)).await?;
        Ok(Some(Self::new(&ledger, &hash)))
    }
}

/// The state of the node of this server.
pub struct NetworkMachine {
    engine: Arc<dyn Engine>,
    reload: Reload,
    announcer: Arc<Announcer>,
    health: Arc<Health>,
    clock: Arc<Clock>,
    /// The position that this process read or wrote last. Another one in the store was written by another process.
    held: tokio::sync::Mutex<Option<Bytes>>,
    history: Mutex<VecDeque<Digests>>,
    /// Wakes who compares, when a state came from another node.
    installed: Notify,
    /// A task is going to make durable what was applied.
    is_settling: Arc<AtomicBool>,
    /// Commits that applied entries, and microseconds that they took together.
    commits: AtomicU64,
    micros: AtomicU64,
}

/// A generation that was received.
pub struct Staged {
    generation: u32,
    hash: StateHash,
}

/// What became of an attempt to apply entries.
struct Attempt {
    answers: Vec<Answer>,
    applied: Applied,
    digests: Vec<Digests>,
}

/// Entries that follow on a position.
struct Batch {
    entries: Vec<(u64, Bytes)>,
    /// The position that the state must have.
    held: Option<Bytes>,
    /// The position that it has then.
    position: Bytes,
}

impl Batch {
    /// Decides the entries on the state as it is, and commits them.
    async fn attempt(
        &self,
        engine: &dyn Engine,
    ) -> Result<(Option<Attempt>, Result<(), EngineError>), StoreError> {
        let snapshot = engine.snapshot().await?;
        let mut overlay = Overlay::new(&*snapshot);
        let (record, found) = begin(&mut overlay).await?;
        if found.as_ref() == Some(&self.position) {
            return Ok((None, Ok(())));
        }
        check_position(found.as_ref(), self.held.as_ref())?;
        let region = record.region();
        let mut attempt = Attempt {
            answers: Vec::with_capacity(self.entries.len()),
            applied: Applied::default(),
            digests: Vec::new(),
        };
        for (index, entry) in &self.entries {
            let applied = &mut attempt.applied;
            let (_, answer, digests) =
                apply_entry(&mut overlay, region, Some(*index), entry, applied).await?;
            attempt.answers.push(answer);
            attempt.digests.extend(digests);
        }
        overlay.put_head(keys::local(keys::POSITION), Some(self.position.clone()));
        let mut commit = overlay.into_commit(Uuid::new_v4()).await?;
        // The entries are in the logs of most nodes.
        let bytes: usize = self.entries.iter().map(|(_, entry)| entry.len()).sum();
        commit.durability = if bytes < SETTLE_BYTES { Durability::Later } else { Durability::Now };
        let committed = engine.commit(commit).await;
        Ok((Some(attempt), committed))
    }
}

/// A change beside the entries of the log.
enum Change<'c> {
    Put(&'c [(Key, Bytes)]),
    Clear(Range<Key>),
    Install { staged: &'c Staged, installed: i64, held: Option<&'c Bytes>, position: &'c Bytes },
}

impl NetworkMachine {
    pub(super) fn new(
        engine: Arc<dyn Engine>,
        reload: Reload,
        announcer: Arc<Announcer>,
        health: Arc<Health>,
        clock: Arc<Clock>,
    ) -> Self {
        let (held, history) = (tokio::sync::Mutex::default(), Mutex::default());
        let (installed, is_settling) = (Notify::new(), Arc::default());
        let (commits, micros) = (AtomicU64::new(0), AtomicU64::new(0));
        Self {
            engine,
            reload,
            announcer,
            health,
            clock,
            held,
            history,
            installed,
            is_settling,
            commits,
            micros,
        }
    }

    /// The state of a store, over an engine that behaves in another way than the one of the store.
    #[cfg(any(test, feature = "testing"))]
    pub(in crate::store) fn over(engine: Arc<dyn Engine>, store: &crate::store::Store) -> Self {
        Self { engine, ..store.machine() }
    }

    /// What the log came to at an entry, while it is one of the last.
    pub(crate) fn digests_at(&self, index: u64) -> Option<Digests> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let place = history.binary_search_by_key(&index, |digests| digests.index).ok()?;
        history.get(place).cloned()
    }

    /// Commits that applied entries, and the time that they took together.
    pub(crate) fn applied_in(&self) -> (u64, Duration) {
        let micros = self.micros.load(Ordering::Relaxed);
        (self.commits.load(Ordering::Relaxed), Duration::from_micros(micros))
    }

    /// What the log came to at the last entry that was applied since the node was started.
    pub(crate) fn digests(&self) -> Option<Digests> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).back().cloned()
    }

    /// Waits until a state comes from another node, unless one came since it was asked last.
    pub(crate) async fn installed(&self) {
        self.installed.notified().await;
    }

    async fn finish(&self, attempt: Attempt) -> Vec<Answer> {
        let Attempt { answers, applied, digests } = attempt;
        self.health.recover();
        {
            let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
            history.extend(digests);
            let surplus = history.len().saturating_sub(HISTORY);
            history.drain(..surplus);
        }
        if applied.is_directory {
            self.read_directory().await;
        }
        applied.announcements.into_iter().for_each(|announcement| self.announcer.announce(announcement));
        answers
    }

    /// Makes durable what was applied, in a moment.
    fn settle_soon(&self) {
        if self.is_settling.swap(true, Ordering::AcqRel) {
            return;
        }
        // A store that is closed meanwhile is let go, so that it can be opened again.
        let (engine, is_settling) = (Arc::downgrade(&self.engine), Arc::clone(&self.is_settling));
        tokio::spawn(async move {
            tokio::time::sleep(SETTLE).await;
            is_settling.store(false, Ordering::Release);
            if let Some(engine) = engine.upgrade()
                && let Err(error) = engine.settle().await
            {
                tracing::warn!(%error, "what the network agreed on is not on the disk of this node yet; its log has it");
            }
        });
    }

    async fn read_directory(&self) {
        if let Err(error) = self.reload.now().await {
            tracing::error!(%error, "the directory cannot be read");
        }
    }

    /// Makes a change, again and again until it is known to be there.
    async fn change(&self, change: Change<'_>) -> Result<(), StoreError> {
        loop {
            match self.try_change(&change).await {
                Ok(()) => return Ok(()),
                Err(error) => wait_out(error).await?,
            }
        }
    }

    async fn try_change(&self, change: &Change<'_>) -> Result<(), StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let mut overlay = Overlay::new(&*snapshot);
        let (mut record, found) = begin(&mut overlay).await?;
        match change {
            Change::Put(values) => {
                values.iter().for_each(|(key, value)| overlay.put(key.clone(), value.clone()))
            }
            Change::Clear(range) => overlay.clear(range.clone()),
            Change::Install { position, .. } if found.as_ref() == Some(position) => return Ok(()),
            Change::Install { staged, installed, held, position } => {
                check_position(found.as_ref(), *held)?;
                (record.generation, record.installed) = (staged.generation, *installed);
                overlay.put_head(keys::local(keys::MEMBERSHIP), Some(record.encode()?));
                overlay.put_head(keys::local(keys::POSITION), Some((*position).clone()));
                staged.hash.keep(&mut overlay);
                renew_directory(&mut overlay).await?;
            }
        }
        Ok(self.engine.commit(overlay.into_commit(Uuid::new_v4()).await?).await?)
    }

    /// Removes a generation of the region that does not count.
    async fn clear(&self, region: Region) -> Result<(), StoreError> {
        for mut range in keys::region(region) {
            loop {
                let scan = Scan::keys(range.clone(), PIECE);
                let found = self.engine.snapshot().await?.scan(scan).await?;
                let Some((last, _)) = found.last() else { break };
                let end = keys::following(last.to_vec());
                self.change(Change::Clear(range.start.clone()..end.clone())).await?;
                range.start = end;
            }
        }
        Ok(())
    }

    /// Forgets what the log came to at earlier entries, and reads what it comes to now.
    async fn remember(&self, snapshot: &dyn Snapshot) -> Result<(), StoreError> {
        let Some(record) = MembershipRecord::stored(snapshot).await? else { return Ok(()) };
        let digests = Digests::of(&mut Overlay::new(snapshot), record.region()).await?;
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.clear();
        history.extend(digests);
        Ok(())
    }

    /// Removes what is in the current generation, when nothing says that an entry was applied to it.
    pub(crate) async fn clear_current(&self) -> Result<(), StoreError> {
        self.clear(self.record().await?.region()).await
    }

    async fn record(&self) -> Result<MembershipRecord, StoreError> {
        let found = MembershipRecord::stored(&*self.engine.snapshot().await?).await?;
        found.ok_or(StoreError::Corrupt("the membership"))
    }

    /// Loads a state into the next generation.
    async fn load(&self, mut chunks: Chunks) -> Result<Staged, MachineError> {
        let record = self.record().await?;
        let generation = record.generation + 1;
        let region = Region::Network { generation };
        self.clear(region).await?;
        let (mut sum, mut set) = (Sha256::new(), SetHash::default());
        let mut last = Key::new();
        let (mut has_begun, mut is_whole) = (false, false);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            match Part::decode(&chunk).ok_or("the snapshot cannot be read")? {
                _ if is_whole => return Err("the snapshot goes on after its end".into()),
                Part::Begin { format, network } => {
                    if format != FORMAT {
                        return Err(format!(
                            "the snapshot has format {format}, and this version reads {FORMAT}: install the version that the \
                             other nodes run"
                        )
                        .into());
                    }
                    if network != record.network {
                        return Err("the snapshot is of another network".into());
                    }
                    has_begun = true;
                }
                Part::Values(_) if !has_begun => return Err("the snapshot has no beginning".into()),
                Part::Values(values) => {
                    for (key, value) in &values {
                        if *key <= last {
                            return Err("the snapshot has its keys in another order".into());
                        }
                        last.clone_from(key);
                        set.insert(key, value);
                    }
                    self.put(region, values).await?;
                }
                Part::End(found) => {
                    is_whole = found.0[..] == sum.clone().finalize()[..];
                    if !is_whole {
                        return Err("the snapshot was changed on its way".into());
                    }
                }
            }
            sum.update(&chunk);
        }
        if !is_whole {
            return Err("the snapshot is not whole".into());
        }
        let snapshot = self.engine.snapshot().await?;
        let mut overlay = Overlay::new(&*snapshot);
        // A snapshot from before the founding holds nothing.
        let ledger = ledger(&mut overlay, region).await?;
        if ledger.as_ref().is_some_and(|ledger| ledger.network != record.network) {
            return Err("the snapshot is of another network".into());
        }
        Ok(Staged { generation, hash: StateHash::new(region, ledger.as_ref(), set) })
    }

    async fn put(&self, region: Region, values: Vec<(Vec<u8>, Bytes)>) -> Result<(), MachineError> {
        let values: Option<Vec<(Key, Bytes)>> =
            values.into_iter().map(|(key, value)| Some((keys::with_region(region, &key)?, value))).collect();
        let values = values.ok_or("the snapshot has a key that no state has")?;
        Ok(self.change(Change::Put(&values)).await?)
    }

    /// Wakes those who wait for new objects: the new generation may have some.
    async fn announce_all(&self) -> Result<(), StoreError> {
        let directory = self.reload.directory.load_full();
        let snapshot = self.engine.snapshot().await?;
        for collection in directory.collections.values().filter(|found| found.mode != CollectionMode::Open) {
            let Some(head) = snapshot.get(keys::head(collection.space())).await? else { continue };
            let mut announcement = Announcement::of(collection.id);
            Head::decode(&head)?.levels.iter().for_each(|(level, head)| announcement.add(*level, head.last));
            self.announcer.announce(announcement);
        }
        Ok(())
    }
}

/// Reads the membership and the position, and holds the marker of backups and moves.
async fn begin(overlay: &mut Overlay<'_>) -> Result<(MembershipRecord, Option<Bytes>), StoreError> {
    let position = keys::local(keys::POSITION);
    overlay.load([keys::local(keys::MEMBERSHIP), position.clone()]).await?;
    overlay.hold_marker().await?;
    if overlay.is_frozen()? {
        return Err(crate::store::Rejection::Frozen.into());
    }
    let record = MembershipRecord::read(overlay)?.ok_or(StoreError::Corrupt("the membership"))?;
    Ok((record, overlay.get(&position).cloned()))
}

fn check_position(found: Option<&Bytes>, held: Option<&Bytes>) -> Result<(), StoreError> {
    match found == held {
        true => Ok(()),
        false => Err(StoreError::Network(
            "another process runs the node of this server over the same store; stop one of the two"
                .to_owned(),
        )),
    }
}

/// Waits before another attempt, as long as it can succeed: a node does nothing else before it has applied what was agreed
/// on.
async fn wait_out(error: StoreError) -> Result<(), StoreError> {
    match &error {
        StoreError::Engine(EngineError::Conflict) => tokio::time::sleep(PAUSE / 20).await,
        StoreError::Engine(EngineError::Undetermined(_) | EngineError::Unavailable { .. })
        | StoreError::Rejected(crate::store::Rejection::Frozen) => {
            tracing::debug!(%error, "the node waits for its store");
            tokio::time::sleep(PAUSE).await;
        }
        _ => return Err(error),
    }
    Ok(())
}

impl Machine for NetworkMachine {
    type Staged = Staged;

    fn batch_bytes(&self) -> usize {
        if self.engine.is_remote() { REMOTE_BYTES } else { consensus::order::MAX_BATCH_BYTES }
    }

    async fn position(&self) -> Result<Option<Bytes>, MachineError> {
        let snapshot = self.engine.snapshot().await?;
        let found = snapshot.get(keys::local(keys::POSITION)).await?;
        self.held.lock().await.clone_from(&found);
        self.remember(&*snapshot).await?;
        Ok(found)
    }

    async fn apply(&self, entries: Vec<(u64, Bytes)>, position: Bytes) -> Result<Vec<Answer>, MachineError> {
        let since = Instant::now();
        let mut held = self.held.lock().await;
        let batch = Arc::new(Batch { entries, held: held.clone(), position: position.clone() });
        // What an attempt did of which it is not known whether it was committed.
        let mut before: Option<Attempt> = None;
        let attempt = loop {
            let (batch, engine) = (Arc::clone(&batch), Arc::clone(&self.engine));
            let error = match on_waiting_thread(async move { batch.attempt(&*engine).await }).await {
                Ok((Some(attempt), Ok(()))) => break attempt,
                // Each attempt comes to the same.
                Ok((None, _)) => break before.ok_or("the position is in the store before its entries")?,
                Ok((Some(attempt), Err(error))) => {
                    if matches!(error, EngineError::Undetermined(_)) {
                        before = Some(attempt);
                    }
                    error.into()
                }
                Err(error) => error,
            };
            wait_out(error).await?;
        };
        *held = Some(position);
        drop(held);
        self.commits.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or_default();
        self.micros.fetch_add(micros, Ordering::Relaxed);
        self.settle_soon();
        Ok(self.finish(attempt).await)
    }

    async fn settle(&self) -> Result<(), MachineError> {
        Ok(self.engine.settle().await?)
    }

    async fn snapshot(&self) -> Result<NetworkSnapshot, MachineError> {
        let snapshot = self.engine.snapshot().await?;
        let keys = vec![keys::local(keys::MEMBERSHIP), keys::local(keys::POSITION)];
        let mut found = snapshot.get_many(keys, usize::MAX).await?;
        let (position, record) = (found.pop().flatten(), found.pop().flatten());
        let record: MembershipRecord =
            directory::decode(&record.ok_or(StoreError::Corrupt("the membership"))?)?;
        Ok(NetworkSnapshot { position, chunks: chunks(snapshot, &record).boxed() })
    }

    async fn stage(&self, chunks: Chunks) -> Result<Staged, MachineError> {
        self.load(chunks).await
    }

    async fn install(&self, staged: Staged, position: Bytes) -> Result<(), MachineError> {
        let mut held = self.held.lock().await;
        let installed = self.clock.now_micros();
        let held_before = held.as_ref();
        let install = Change::Install { staged: &staged, installed, held: held_before, position: &position };
        self.change(install).await?;
        *held = Some(position);
        drop(held);
        self.remember(&*self.engine.snapshot().await?).await?;
        self.read_directory().await;
        if let Err(error) = self.announce_all().await {
            tracing::warn!(%error, "those who wait for new objects hear of them with the next one");
        }
        self.installed.notify_one();
        tracing::info!(generation = staged.generation, "the state of the network came from another node");
        Ok(())
    }
}
