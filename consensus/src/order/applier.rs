//! A [`Machine`] as Raft sees it.

use super::machine::{Chunks, Machine, MachineError};
use super::progress::Progress;
use super::types::{LogId, SnapshotMeta, SnapshotWith, StoredMembership, Types};
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{EntryPayload, RaftSnapshotBuilder};
use serde::{Deserialize, Serialize};
use std::io;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Most entries of one commit.
const MAX_ENTRIES: usize = 256;

/// Where a state is in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) last: Option<LogId>,
    pub(super) membership: StoredMembership,
}

impl Position {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, io::Error> {
        postcard::from_bytes(bytes).map_err(|_| io::Error::other("the position of the state is damaged"))
    }

    pub(super) fn encode(&self) -> Bytes {
        postcard::to_allocvec(self).expect("a position can be encoded").into()
    }

    pub(super) fn meta(self) -> SnapshotMeta {
        SnapshotMeta { last_log_id: self.last, last_membership: self.membership }
    }
}

/// What goes with a snapshot.
pub enum SnapshotData<S> {
    /// Chunks for another node.
    Outgoing(Chunks),
    /// A state from another node.
    Staged(S),
}

type SnapshotOf<M> = SnapshotWith<SnapshotData<<M as Machine>::Staged>>;

/// A [`Machine`] as openraft sees it. [`Raft`](super::Raft) makes its own; tests of a machine can give one to the suite of
/// openraft.
pub struct Applier<C, M> {
    machine: Arc<M>,
    progress: Arc<Progress>,
    pub(super) position: Position,
    /// Entries up to here can be removed from the log.
    durable: Arc<AtomicU64>,
    types: PhantomData<fn() -> C>,
}

fn failed(error: MachineError) -> io::Error {
    io::Error::other(error)
}

impl<C: Types, M: Machine> Applier<C, M> {
    /// Makes one for a machine.
    ///
    /// # Errors
    /// When its position cannot be read.
    pub async fn alone(machine: Arc<M>) -> io::Result<Self> {
        Self::new(machine, Arc::new(Progress::new()), Arc::default()).await
    }

    pub(super) async fn new(
        machine: Arc<M>,
        progress: Arc<Progress>,
        durable: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let mut applier =
            Self { machine, progress, position: Position::default(), durable, types: PhantomData };
        applier.machine.settle().await.map_err(failed)?;
        if let Some(bytes) = applier.machine.position().await.map_err(failed)? {
            applier.moved(Position::decode(&bytes)?, Vec::new());
            applier.settled(&applier.position);
        }
        Ok(applier)
    }

    /// Notes that a position is durable.
    fn settled(&self, position: &Position) {
        let index = position.last.map_or(0, |last| last.index());
        self.durable.fetch_max(index, Ordering::AcqRel);
    }

    fn moved(&mut self, position: Position, results: Vec<(u64, Result<crate::Outcome, crate::Refusal>)>) {
        let index = position.last.map_or(0, |last| last.index());
        self.position = position;
        self.progress.advance(index, results);
    }

    async fn view(&self) -> io::Result<SnapshotOf<M>> {
        self.machine.settle().await.map_err(failed)?;
        let snapshot = self.machine.snapshot().await.map_err(failed)?;
        let position = snapshot.position.map(|bytes| Position::decode(&bytes)).transpose()?;
        let position = position.unwrap_or_default();
        // No entry was applied since, so the position was settled. Raft removes entries up to the one of a view.
        self.settled(&position);
        let meta = position.meta();
        Ok(SnapshotWith { meta, snapshot: SnapshotData::Outgoing(snapshot.chunks) })
    }
}

impl<C: Types, M: Machine> RaftStateMachine<C> for Applier<C, M> {
    type SnapshotData = SnapshotData<M::Staged>;
    type SnapshotBuilder = Builder<M>;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        Ok((self.position.last, self.position.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<C>>> + Unpin + Send,
    {
        let mut has_more = true;
        while has_more {
            let mut position = self.position.clone();
            let (mut batch, mut indexes, mut responders, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
            let mut count = 0;
            has_more = false;
            while let Some((entry, responder)) = entries.try_next().await? {
                let id = entry.log_id;
                position.last = Some(id);
                match entry.payload {
                    EntryPayload::Blank => {}
                    EntryPayload::Membership(membership) => {
                        position.membership = StoredMembership::new(Some(id), membership);
                    }
                    EntryPayload::Normal(entry) => {
                        bytes += entry.0.len();
                        indexes.push(id.index());
                        batch.push((id.index(), entry.0));
                    }
                }
                responders.extend(responder);
                count += 1;
                if count == MAX_ENTRIES || bytes >= self.machine.batch_bytes() {
                    has_more = true;
                    break;
                }
            }
            if count == 0 {
                break;
            }
            let results = self.machine.apply(batch, position.encode()).await.map_err(failed)?;
            if results.len() != indexes.len() {
                return Err(io::Error::other("the state has not answered for each entry"));
            }
            self.moved(position, indexes.into_iter().zip(results).collect());
            responders.into_iter().for_each(|responder| responder.send(()));
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, _force: bool) -> Option<Self::SnapshotBuilder> {
        Some(self.get_snapshot_builder().await)
    }

    // The view is opened here, between two applications: what Raft learns of it later must not be newer than what it
    // knows to be applied.
    async fn get_snapshot_builder(&mut self) -> Self::SnapshotBuilder {
        Builder(Mutex::new(Some(self.view().await)))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        data: SnapshotData<M::Staged>,
    ) -> io::Result<()> {
        // The state never goes back.
        if meta.last_log_id <= self.position.last {
            return Ok(());
        }
        let staged = match data {
            SnapshotData::Staged(staged) => staged,
            SnapshotData::Outgoing(chunks) => self.machine.stage(chunks).await.map_err(failed)?,
        };
        let position = Position { last: meta.last_log_id, membership: meta.last_membership.clone() };
        self.machine.install(staged, position.encode()).await.map_err(failed)?;
        self.moved(position, Vec::new());
        self.settled(&self.position);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<SnapshotOf<M>>> {
        let view = self.view().await?;
        Ok(view.meta.last_log_id.is_some().then_some(view))
    }
}

/// A view that waits to be used.
pub struct Builder<M: Machine>(Mutex<Option<View<M>>>);

type View<M> = io::Result<SnapshotOf<M>>;

impl<C: Types, M: Machine> RaftSnapshotBuilder<C> for Builder<M> {
    type SnapshotData = SnapshotData<M::Staged>;

    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf<M>> {
        let view = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        view.ok_or_else(|| io::Error::other("a view is used once"))?
    }
}
