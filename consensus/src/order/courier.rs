//! A [`Transport`] as Raft sees it.

use super::applier::{Position, SnapshotData};
use super::machine::MAX_CHUNK_BYTES;
use super::request::{CallError, Lane, Reply, Request, Transport};
use super::settings::Settings;
use super::types::{Peer, SnapshotWith, Types, Vote};
use futures::StreamExt;
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Timeout, Unreachable};
use openraft::network::{RPCOption, RPCTypes, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::type_config::TypeConfigExt;
use openraft::{OptionalSend, StorageError};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// Times that a part of a snapshot is sent.
const TRIES: u32 = 4;

/// Makes [`Courier`]s.
pub(super) struct Couriers<T, S> {
    pub(super) id: u64,
    pub(super) transport: T,
    pub(super) settings: Arc<Settings>,
    pub(super) staged: PhantomData<fn() -> S>,
}

/// Talks to one node.
pub(super) struct Courier<T, S> {
    id: u64,
    transport: T,
    settings: Arc<Settings>,
    target: u64,
    peer: Peer,
    lane: Lane,
    staged: PhantomData<fn() -> S>,
}

impl<T: Clone, S> Couriers<T, S> {
    fn courier(&self, target: u64, peer: &Peer, lane: Lane) -> Courier<T, S> {
        let (transport, settings) = (self.transport.clone(), self.settings.clone());
        Courier { id: self.id, transport, settings, target, peer: peer.clone(), lane, staged: PhantomData }
    }
}

impl<C: Types, T: Transport<C>, S: Send + 'static> RaftNetworkFactory<C> for Couriers<T, S> {
    type Network = Courier<T, S>;

    async fn new_client(&mut self, target: u64, peer: &Peer) -> Self::Network {
        self.courier(target, peer, Lane::Log)
    }

    async fn new_heartbeat_client(&mut self, target: u64, peer: &Peer) -> Self::Network {
        self.courier(target, peer, Lane::Control)
    }

    async fn new_snapshot_client(&mut self, target: u64, peer: &Peer) -> Self::Network {
        self.courier(target, peer, Lane::Snapshot)
    }
}

fn unreachable<C: Types>(reason: impl ToString) -> RPCError<C> {
    RPCError::Unreachable(Unreachable::from_string(reason))
}

impl<T, S> Courier<T, S> {
    async fn call<C: Types>(
        &self,
        lane: Lane,
        request: Request<C>,
        action: RPCTypes,
        within: Duration,
    ) -> Result<Reply<C>, RPCError<C>>
    where
        T: Transport<C>,
    {
        let answer = self.transport.call(self.target, &self.peer, lane, request, within).await;
        match answer {
            Ok(Reply::Failed(reason)) => Err(unreachable(reason)),
            Ok(reply) => Ok(reply),
            Err(CallError::Unreachable { reason, .. }) => Err(unreachable(reason)),
            Err(error @ CallError::Broken { .. }) => Err(RPCError::Network(NetworkError::new(&error))),
            Err(CallError::Late { within, .. }) => {
                Err(RPCError::Timeout(Timeout { action, id: self.id, target: self.target, timeout: within }))
            }
        }
    }

    /// Time for an answer: shorter than what openraft allows, so that it comes from here.
    fn within(&self, option: &RPCOption) -> Duration {
        option.soft_ttl().min(self.settings.answer)
    }
}

fn confused<C: Types>() -> RPCError<C> {
    unreachable("the node has answered something else than what was asked")
}

impl<C: Types, T: Transport<C>, S: Send + 'static> RaftNetworkV2<C> for Courier<T, S> {
    type SnapshotData = SnapshotData<S>;

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<C>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<C>, RPCError<C>> {
        // Entries take longer than a sign of life.
        let within = if rpc.entries.is_empty() { self.within(&option) } else { self.settings.answer * 4 };
        match self.call(self.lane, Request::Append(rpc), RPCTypes::AppendEntries, within).await? {
            Reply::Append(response) => Ok(response),
            _ => Err(confused()),
        }
    }

    async fn vote(&mut self, rpc: VoteRequest<C>, option: RPCOption) -> Result<VoteResponse<C>, RPCError<C>> {
        let within = self.within(&option);
        match self.call(Lane::Control, Request::Vote(rpc), RPCTypes::Vote, within).await? {
            Reply::Vote(response) => Ok(response),
            _ => Err(confused()),
        }
    }

    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<C>,
        option: RPCOption,
    ) -> Result<VoteResponse<C>, RPCError<C>> {
        let within = self.within(&option);
        match self.call(Lane::Control, Request::PreVote(rpc), RPCTypes::Vote, within).await? {
            Reply::Vote(response) => Ok(response),
            _ => Err(confused()),
        }
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: SnapshotWith<SnapshotData<S>>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<C>, StreamingError<C>> {
        let sending = Box::pin(self.send_snapshot(vote, snapshot));
        match C::select2(sending, Box::pin(cancel)).await {
            openraft::async_runtime::Select2::First(sent) => sent,
            openraft::async_runtime::Select2::Second(closed) => Err(StreamingError::Closed(closed)),
        }
    }

    async fn transfer_leader(
        &mut self,
        rpc: TransferLeaderRequest<C>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<C>, RPCError<C>> {
        let within = self.within(&option);
        match self.call(Lane::Control, Request::TakeOver(rpc), RPCTypes::TransferLeader, within).await? {
            Reply::TakeOver(response) => Ok(response),
            _ => Err(confused()),
        }
    }
}

impl<T, S: Send + 'static> Courier<T, S> {
    async fn send_snapshot<C: Types>(
        &self,
        vote: Vote,
        snapshot: SnapshotWith<SnapshotData<S>>,
    ) -> Result<SnapshotResponse<C>, StreamingError<C>>
    where
        T: Transport<C>,
    {
        let (part, whole) = self.settings.snapshot;
        let SnapshotData::Outgoing(mut chunks) = snapshot.snapshot else {
            let error = C::err_from_string("a snapshot that was received cannot be sent on");
            return Err(StorageError::read_snapshot(None, error).into());
        };
        let position =
            Position { last: snapshot.meta.last_log_id, membership: snapshot.meta.last_membership }.encode();
        let begin = || Request::SnapshotBegin { vote, position: position.clone() };
        if let Some(response) = self.send_part(begin, part).await? {
            return Ok(response);
        }
        let mut number = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.and_then(|chunk| match chunk.len() {
                0..=MAX_CHUNK_BYTES => Ok(chunk),
                _ => Err(std::io::Error::other("a chunk of the snapshot is too large")),
            });
            let chunk =
                chunk.map_err(|error| StorageError::read_snapshot(None, C::err_from_error(&error)))?;
            let request = || Request::SnapshotChunk { vote, number, chunk: chunk.clone() };
            if let Some(response) = self.send_part(request, part).await? {
                return Ok(response);
            }
            number += 1;
        }
        let end = || Request::SnapshotEnd { vote, chunks: number };
        let response = self.send_part(end, whole).await?;
        response.ok_or_else(|| confused::<C>().into())
    }

    /// Sends a part, again when no answer comes. Returns the answer that ends the snapshot, if it is one.
    async fn send_part<C: Types>(
        &self,
        request: impl Fn() -> Request<C>,
        within: Duration,
    ) -> Result<Option<SnapshotResponse<C>>, StreamingError<C>>
    where
        T: Transport<C>,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.call(Lane::Snapshot, request(), RPCTypes::InstallSnapshot, within).await {
                Ok(Reply::Taken) => return Ok(None),
                Ok(Reply::Snapshot(vote)) => return Ok(Some(SnapshotResponse { vote })),
                Ok(_) => return Err(confused::<C>().into()),
                Err(RPCError::Network(_) | RPCError::Timeout(_)) if tries < TRIES => {
                    C::sleep(self.settings.heartbeat * tries).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
