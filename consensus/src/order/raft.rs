//! A node that orders commands with others.

use super::applier::Applier;
use super::courier::Couriers;
use super::guarded::Guarded;
use super::log::LogError;
use super::machine::Machine;
use super::progress::Progress;
use super::receive::Receiver;
use super::request::{CallError, Lane, Refused, Reply, Request, Transport};
use super::settings::Settings;
use super::types::{EntryBytes, Peer, Types, Vote};
use super::{Ordered, OrderedLog, SubmitError};
use crate::command::{Command, Entry, MAX_ENTRY_BYTES};
use bytes::Bytes;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ClientWriteError, Fatal, ForwardToLeader, LinearizableReadError, RaftError};
use openraft::raft::VoteRequest;
use openraft::storage::RaftLogStorage;
use openraft::type_config::TypeConfigExt;
use openraft::{ConfigError, RaftLogReader, ReadPolicy};
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::{Mutex, watch};

/// Most nodes that are asked, one after the other, for the one that leads.
const MAX_HOPS: usize = 3;

/// Tells the time, in microseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What a node is made of.
pub struct Node<M, L, T> {
    /// Its number. No other node has it, or had it.
    pub id: u64,
    /// Times and sizes.
    pub settings: Settings,
    /// The time of the entries that it orders.
    pub clock: Clock,
    /// Its state.
    pub machine: Arc<M>,
    /// Its log.
    pub log: L,
    /// Its way to other nodes.
    pub transport: T,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings contradict each other.
    #[error("the settings of the node cannot be used: {0}")]
    Settings(#[from] ConfigError),
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log or the state cannot be read.
    #[error("the log or the state cannot be read: {0}")]
    Read(io::Error),
    /// There is a state, and no log.
    #[error(
        "the log is gone, but the state is not; remove the node, and let it join again under a new number"
    )]
    LogGone,
    /// Log and state do not fit together, or cannot be read.
    #[error("the log and the state cannot be used: {0}")]
    Storage(String),
}

/// A node that orders commands with others. Clones are the same node.
pub struct Raft<C: Types, M: Machine, T>(pub(super) Arc<Inner<C, M, T>>);

pub(super) struct Inner<C: Types, M: Machine, T> {
    pub(super) id: u64,
    pub(super) raft: openraft::Raft<C, Applier<C, M>>,
    pub(super) settings: Arc<Settings>,
    machine: Arc<M>,
    transport: T,
    progress: Arc<Progress>,
    clock: Clock,
    receiver: Receiver<M>,
    /// Held during a change of the nodes.
    pub(super) changing: Mutex<()>,
}

impl<C: Types, M: Machine, T> Clone for Raft<C, M, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: Types, M: Machine, T: Transport<C>> Raft<C, M, T> {
    /// Starts a node, with what its disk holds. A node that knows no members waits until one of them adds it, or until it
    /// [begins](Self::initialize) a network.
    ///
    /// # Errors
    /// When settings, log or state cannot be used.
    pub async fn start<L: RaftLogStorage<C>>(node: Node<M, L, T>) -> Result<Self, StartError> {
        let Node { id, settings, clock, machine, mut log, transport } = node;
        let config = Arc::new(settings.config()?);
        let settings = Arc::new(settings);
        let progress = Arc::new(Progress::new());
        let durable = Arc::new(AtomicU64::new(0));
        let applier = Applier::new(machine.clone(), progress.clone(), durable.clone());
        let applier = applier.await.map_err(StartError::Read)?;
        let vote = log.get_log_reader().await.read_vote().await.map_err(StartError::Read)?;
        if vote.is_none() && applier.position.last.is_some() {
            return Err(StartError::LogGone);
        }
        let couriers = Couriers {
            id,
            transport: transport.clone(),
            settings: settings.clone(),
            staged: PhantomData::<fn() -> M::Staged>,
        };
        let log = Guarded { log, durable };
        let raft = openraft::Raft::new(id, config, couriers, log, applier).await;
        let raft = raft.map_err(|error| StartError::Storage(error.to_string()))?;
        let mut members = raft.server_metrics();
        let to = transport.clone();
        drop(C::spawn(async move {
            loop {
                let found = members.borrow_watched().membership_config.clone();
                to.set_members(found.nodes().map(|(id, peer)| (*id, peer.clone())).collect());
                if members.changed().await.is_err() {
                    return;
                }
            }
        }));
        let (receiver, changing) = (Receiver::new(), Mutex::new(()));
        Ok(Self(Arc::new(Inner {
            id,
            raft,
            settings,
            machine,
            transport,
            progress,
            clock,
            receiver,
            changing,
        })))
    }

    /// Waits until the node stops, and says why; nothing when it was [shut down](Self::shutdown). A node whose storage fails
    /// stops, and must not go on before the storage is repaired.
    pub async fn stopped(&self) -> Option<String> {
        let mut metrics = self.0.raft.metrics();
        loop {
            let state = metrics.borrow_watched().running_state.clone();
            match state {
                Err(Fatal::Stopped) => return None,
                Err(error) => return Some(error.to_string()),
                Ok(()) => {}
            }
            if metrics.changed().await.is_err() {
                return None;
            }
        }
    }

    /// The state of the node.
    pub fn machine(&self) -> &M {
        &self.0.machine
    }

    /// Stops the node. Others go on without it.
    pub async fn shutdown(&self) {
        if let Err(error) = self.0.raft.shutdown().await {
            tracing::error!(%error, node = self.0.id, "the node has not stopped in order");
        }
    }

    /// Answers another node.
    pub async fn answer(&self, from: u64, request: Request<C>) -> Reply<C> {
        let speaker = match &request {
            Request::Append(rpc) => Some(rpc.vote),
            Request::Vote(VoteRequest { vote, .. }) | Request::PreVote(VoteRequest { vote, .. }) => {
                Some(*vote)
            }
            Request::TakeOver(rpc) => Some(*rpc.from_leader()),
            Request::SnapshotBegin { vote, .. }
            | Request::SnapshotChunk { vote, .. }
            | Request::SnapshotEnd { vote, .. } => Some(*vote),
            Request::Submit(_) | Request::Barrier => None,
        };
        if let Some(vote) = speaker
            && vote.leader_id.voted_for != from
        {
            let claimed = vote.leader_id.voted_for;
            tracing::warn!(node = self.0.id, from, claimed, "a node speaks as another one");
            return Reply::Failed(format!("node {from} is not node {claimed}"));
        }
        self.carry_out(request).await.unwrap_or_else(Reply::Failed)
    }

    async fn carry_out(&self, request: Request<C>) -> Result<Reply<C>, String> {
        let Inner { raft, machine, receiver, .. } = &*self.0;
        match request {
            Request::Append(rpc) => Ok(Reply::Append(raft.append_entries(rpc).await.map_err(text)?)),
            Request::Vote(_) | Request::PreVote(_) if !self.is_member() => {
                // A voter that has lost its disk does not know what it voted, and what it has confirmed.
                tracing::warn!(node = self.0.id, "this node knows no members, and does not vote");
                Err("the node knows no members, and does not vote".to_owned())
            }
            Request::Vote(rpc) => Ok(Reply::Vote(raft.vote(rpc).await.map_err(text)?)),
            Request::PreVote(rpc) => Ok(Reply::Vote(raft.pre_vote(rpc).await.map_err(text)?)),
            Request::TakeOver(rpc) => {
                Ok(Reply::TakeOver(raft.handle_transfer_leader(rpc).await.map_err(text)?))
            }
            Request::SnapshotBegin { vote, position } => {
                if let Some(later) = self.later_vote(vote) {
                    return Ok(Reply::Snapshot(later));
                }
                receiver.begin::<C>(machine.clone(), vote, &position).await.map_err(text)?;
                Ok(Reply::Taken)
            }
            Request::SnapshotChunk { vote, number, chunk } => {
                receiver.chunk(vote, number, chunk).await.map_err(text)?;
                Ok(Reply::Taken)
            }
            Request::SnapshotEnd { vote, chunks } => {
                let snapshot = receiver.end(vote, chunks).await.map_err(text)?;
                let installed = raft.install_full_snapshot(vote, snapshot).await.map_err(text)?;
                Ok(Reply::Snapshot(installed.vote))
            }
            Request::Submit(command) => Ok(Reply::Index(self.lead(&command).await.map_err(text)?)),
            Request::Barrier => Ok(Reply::Index(self.confirm().await.map_err(text)?)),
        }
    }

    fn is_member(&self) -> bool {
        self.0.raft.server_metrics().borrow_watched().membership_config.nodes().next().is_some()
    }

    /// The vote of this node, if it is for a later leader.
    fn later_vote(&self, vote: Vote) -> Option<Vote> {
        let own = self.0.raft.server_metrics().borrow_watched().vote;
        (own > vote).then_some(own)
    }

    /// Orders a command, if this node leads.
    async fn lead(&self, command: &[u8]) -> Result<Result<u64, Refused>, SubmitError> {
        let Inner { raft, settings, clock, .. } = &*self.0;
        let Ok(command) = postcard::from_bytes::<Command>(command) else {
            return Ok(Err(Refused::NoCommand));
        };
        let bytes = Entry { time: clock(), command }.encode();
        if bytes.len() > MAX_ENTRY_BYTES {
            return Ok(Err(Refused::TooLarge(bytes.len())));
        }
        let writing = raft.client_write(EntryBytes(bytes));
        match C::timeout(settings.submit, writing).await {
            Ok(Ok(written)) => Ok(Ok(written.log_id.index())),
            Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(to)))) => Ok(Err(not_leader(to))),
            Ok(Err(RaftError::APIError(_))) | Err(_) => Ok(Err(Refused::Unknown)),
            Ok(Err(RaftError::Fatal(error))) => Err(fatal(error)),
        }
    }

    /// The last entry that can have been read anywhere, if this node leads.
    async fn confirm(&self) -> Result<Result<u64, Refused>, SubmitError> {
        let Inner { raft, settings, .. } = &*self.0;
        match C::timeout(settings.submit, raft.get_read_log_id(ReadPolicy::ReadIndex)).await {
            Ok(Ok((read, _))) => Ok(Ok(read.index())),
            Ok(Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(to)))) => {
                Ok(Err(not_leader(to)))
            }
            Ok(Err(RaftError::APIError(_))) | Err(_) => Ok(Err(Refused::NotLeader(None))),
            Ok(Err(RaftError::Fatal(error))) => Err(fatal(error)),
        }
    }

    /// Has the leader do something, wherever it is, and waits until this node has applied the entry that it names.
    async fn at_leader(&self, request: impl Fn() -> Request<C>) -> Result<u64, SubmitError> {
        let Inner { id, settings, transport, progress, .. } = &*self.0;
        let retry_after = settings.retry_after();
        let mut answer = match request() {
            Request::Submit(command) => self.lead(&command).await?,
            _ => self.confirm().await?,
        };
        for _ in 0..MAX_HOPS {
            let Err(Refused::NotLeader(Some((leader, peer)))) = &answer else { break };
            if leader == id {
                break;
            }
            let (lane, within) = (Lane::Command, settings.submit);
            answer = match transport.call(*leader, peer, lane, request(), within).await {
                Ok(Reply::Index(answer)) => answer,
                Err(CallError::Unreachable { .. }) => Err(Refused::NotLeader(None)),
                Ok(_) | Err(_) => Err(Refused::Unknown),
            };
        }
        let index = answer.map_err(|refused| match refused {
            Refused::NotLeader(_) => SubmitError::NoLeader { retry_after },
            Refused::Unknown | Refused::NoCommand => SubmitError::Unknown { retry_after },
            Refused::TooLarge(bytes) => SubmitError::TooLarge(bytes),
        })?;
        match C::timeout(settings.submit, progress.reached(index)).await {
            Ok(()) => Ok(index),
            Err(_) => match self.0.raft.metrics().borrow_watched().running_state.clone() {
                Ok(()) => Err(SubmitError::Unknown { retry_after }),
                Err(error) => Err(fatal(error)),
            },
        }
    }
}

impl<C: Types, M: Machine, T: Transport<C>> OrderedLog for Raft<C, M, T> {
    async fn submit(&self, command: Command) -> Result<Ordered, SubmitError> {
        let bytes: Bytes = postcard::to_allocvec(&command).expect("commands can be encoded").into();
        drop(command);
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(SubmitError::TooLarge(bytes.len()));
        }
        let index = self.at_leader(|| Request::Submit(bytes.clone())).await?;
        let unknown = || SubmitError::Unknown { retry_after: self.0.settings.retry_after() };
        let result = self.0.progress.result(index).ok_or_else(unknown)?;
        Ok(Ordered { index, result })
    }

    async fn read_barrier(&self) -> Result<u64, SubmitError> {
        self.at_leader(|| Request::Barrier).await
    }

    fn applied(&self) -> watch::Receiver<u64> {
        self.0.progress.watch()
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn not_leader<C: Types>(to: ForwardToLeader<C>) -> Refused {
    Refused::NotLeader(to.leader_id.zip(to.leader_node as Option<Peer>))
}

pub(super) fn fatal<C: Types>(error: Fatal<C>) -> SubmitError {
    match error {
        Fatal::Stopped => SubmitError::Stopped,
        error => SubmitError::Storage(error.to_string()),
    }
}
