//! Snapshots that arrive in parts.

use super::applier::{Position, SnapshotData};
use super::machine::{MAX_CHUNK_BYTES, Machine, MachineError};
use super::types::{SnapshotWith, Types, Vote};
use bytes::Bytes;
use futures::StreamExt;
use openraft::type_config::TypeConfigExt;
use std::io;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, oneshot};

type SnapshotOf<M> = SnapshotWith<SnapshotData<<M as Machine>::Staged>>;

/// The snapshot that is on its way to this node, if any. There is one at a time: a new one ends the one before.
pub(super) struct Receiver<M: Machine>(Mutex<Option<Incoming<M>>>);

struct Incoming<M: Machine> {
    vote: Vote,
    position: Position,
    next: u64,
    /// Ends the state that is staged when it is dropped without an end.
    chunks: mpsc::Sender<Part>,
    staged: oneshot::Receiver<Result<M::Staged, MachineError>>,
}

enum Part {
    Chunk(Bytes),
    End,
}

fn lost() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the rest of the snapshot does not come")
}

impl<M: Machine> Receiver<M> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(super) async fn begin<C: Types>(
        &self,
        machine: Arc<M>,
        vote: Vote,
        position: &[u8],
    ) -> io::Result<()> {
        let position = Position::decode(position)?;
        let mut incoming = self.0.lock().await;
        if incoming.as_ref().is_some_and(|one| one.vote == vote && one.position == position && one.next == 0)
        {
            return Ok(());
        }
        *incoming = None;
        let (chunks, parts) = mpsc::channel(1);
        let (sender, staged) = oneshot::channel();
        let parts = futures::stream::unfold(Some(parts), |parts| async move {
            let mut parts: mpsc::Receiver<Part> = parts?;
            match parts.recv().await {
                Some(Part::Chunk(chunk)) => Some((Ok(chunk), Some(parts))),
                Some(Part::End) => None,
                None => Some((Err(lost()), None)),
            }
        });
        let staging = async move { drop(sender.send(machine.stage(parts.boxed()).await)) };
        drop(C::spawn(staging));
        *incoming = Some(Incoming { vote, position, next: 0, chunks, staged });
        Ok(())
    }

    pub(super) async fn chunk(&self, vote: Vote, number: u64, chunk: Bytes) -> io::Result<()> {
        let mut incoming = self.0.lock().await;
        let one = incoming.as_mut().filter(|one| one.vote == vote).ok_or_else(lost)?;
        if number + 1 == one.next {
            return Ok(());
        }
        if number != one.next || chunk.len() > MAX_CHUNK_BYTES {
            *incoming = None;
            return Err(lost());
        }
        one.next += 1;
        if one.chunks.send(Part::Chunk(chunk)).await.is_ok() {
            return Ok(());
        }
        let one = incoming.take().ok_or_else(lost)?;
        match one.staged.await {
            Ok(Err(error)) => Err(io::Error::other(error)),
            _ => Err(lost()),
        }
    }

    /// Waits until all of the snapshot is staged.
    pub(super) async fn end(&self, vote: Vote, chunks: u64) -> io::Result<SnapshotOf<M>> {
        let mut incoming = self.0.lock().await;
        let one = incoming.take_if(|one| one.vote == vote && one.next == chunks).ok_or_else(lost)?;
        drop(incoming);
        // When it has ended already, it says why.
        let _ = one.chunks.send(Part::End).await;
        let staged = one.staged.await.map_err(|_| lost())?.map_err(io::Error::other)?;
        Ok(SnapshotWith { meta: one.position.meta(), snapshot: SnapshotData::Staged(staged) })
    }
}
