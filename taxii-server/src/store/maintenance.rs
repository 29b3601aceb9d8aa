//! Maintenance: removing old receipts, the contents of removed collections and deleted versions, and moving objects to a new
//! level. Of all processes that share a store, the one with the lease does it.

use super::command::{Clear, Command, Erase, Relevel, Target};
use super::engine::{Commit, EngineError, HeadChange, Scan};
use super::keys::{self, FREED, Position, Region};
use super::receipt::Done;
use super::{CollectionMode, Rejection, Store, StoreError};
use crate::rights::Principal;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use stix_model::Tlp;
use tokio::time::Instant;
use uuid::Uuid;

/// Maximum number of keys that one commit removes or moves.
const PIECE: u32 = 5_000;
const RELEVEL_PIECE: u32 = 200;
const ERASE_PIECE: u32 = 500;
const LEASE_NAME: &str = "lease/maintenance";
/// How long a lease holds when it is not renewed, because its process ended.
const LEASE: Duration = Duration::from_secs(60);

/// Microseconds for which requests go on that read a generation of the network's region which another one replaced.
const OLD_READERS: u64 = 600_000_000;

/// Settings of maintenance.
#[derive(Clone, Copy, Debug)]
pub struct Maintenance {
    /// Time for which receipts, and so statuses, are kept.
    pub keep_receipts: Duration,
    /// Time between two runs. Removing a collection, changing its level or deleting many versions starts a run at once.
    pub every: Duration,
}

#[derive(Serialize, Deserialize)]
struct Lease {
    holder: Uuid,
    /// Microseconds since 1970.
    until: i64,
}

pub(super) fn encode_freed(bytes: u64) -> Bytes {
    Bytes::copy_from_slice(&bytes.to_be_bytes())
}

/// Reads what [`encode_freed`] wrote. The markers of format 2 are empty.
pub(super) fn decode_freed(value: Option<&Bytes>) -> Result<u64, StoreError> {
    match value.map(|value| &value[..]) {
        None | Some([]) => Ok(0),
        Some(bytes) => {
            bytes.try_into().map(u64::from_be_bytes).map_err(|_| StoreError::Corrupt("a number of bytes"))
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Store {
    /// Runs maintenance until it is dropped. Each process spawns one such task; only the process with the lease works.
    pub async fn maintain(&self, maintenance: Maintenance) {
        let mut due = Instant::now();
        loop {
            match self.has_lease().await {
                Ok(true) => {
                    let is_due = Instant::now() >= due;
                    if is_due {
                        due = Instant::now() + maintenance.every;
                    }
                    let before = self.clock.now_micros().saturating_sub(micros(maintenance.keep_receipts));
                    // What other processes leave to be done is looked for each time.
                    let done = if is_due { self.clear(before).await } else { self.finish_changes().await };
                    match done {
                        // A migration reads the store, and maintenance goes on afterwards.
                        Ok(()) | Err(StoreError::Rejected(Rejection::Frozen)) => {}
                        Err(error) => tracing::error!(%error, "maintenance failed"),
                    }
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the lease of maintenance cannot be read"),
            }
            if tokio::time::timeout(LEASE / 3, self.maintenance.notified()).await.is_ok() {
                due = Instant::now();
            }
        }
    }

    /// Removes receipts of requests that came before an instant (microseconds since 1970), the contents of removed
    /// collections and deleted versions, and moves objects whose level was changed.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn clear(&self, receipts_before: i64) -> Result<(), StoreError> {
        self.engine.collect_garbage().await?;
        // First, because the marker of a migration that was broken off keeps all else from being done.
        self.clear_backups().await?;
        let before = u64::try_from(receipts_before).unwrap_or_default();
        let now = u64::try_from(self.clock.now_micros()).unwrap_or_default();
        let generations = Clear::Generations { before: now.saturating_sub(OLD_READERS), limit: PIECE };
        for clear in [Clear::Receipts { before, limit: PIECE }, Clear::Removed { limit: PIECE }, generations]
        {
            while let Done::Worked { more: true, .. } = self.work(Command::Clear(clear)).await? {}
        }
        self.finish_changes().await
    }

    /// Erases deleted versions, moves objects whose level was changed, and removes what broken backups left.
    async fn finish_changes(&self) -> Result<(), StoreError> {
        self.clear_backups().await?;
        for collection in self.own_collections() {
            self.erase(collection).await?;
            self.relevel(collection).await?;
        }
        Ok(())
    }

    /// The collections that are not those of a network, which nothing changes but its log.
    fn own_collections(&self) -> Vec<Uuid> {
        let (directory, open) = (self.directory(), CollectionMode::Open);
        directory.collections.values().filter(|found| found.mode == open).map(|found| found.id).collect()
    }

    /// Bytes of objects of removed collections whose space the engine has not given back to the disk.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn freed(&self) -> Result<u64, StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let mut freed = decode_freed(snapshot.get(keys::local(FREED)).await?.as_ref())?;
        for (_, bytes) in snapshot.scan_all(keys::all_removed(Region::Local)).await? {
            freed = freed.saturating_add(decode_freed(Some(&bytes))?);
        }
        Ok(freed)
    }

    /// Removes the contents of removed collections and deleted versions, before the engine gives their space back.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn clear_removed(&self) -> Result<(), StoreError> {
        for collection in self.own_collections() {
            self.erase(collection).await?;
        }
        let clear = Clear::Removed { limit: PIECE };
        while let Done::Worked { more: true, .. } = self.work(Command::Clear(clear)).await? {}
        let writes = BTreeMap::from([(keys::local(FREED), None)]);
        Ok(self.engine.commit(Commit { writes, ..Commit::default() }).await?)
    }

    /// Moves the objects of a collection that carry no marking to the level that it gives them, with new positions.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn relevel(&self, collection: Uuid) -> Result<(), StoreError> {
        let Some(current) = self.directory().collections.get(&collection).cloned() else { return Ok(()) };
        let mark = keys::relevelled(current.space());
        if self.engine.snapshot().await?.get(mark).await?.is_none() {
            return Ok(());
        }
        let limit = RELEVEL_PIECE;
        self.work_on(collection, |target, after| Command::Relevel(Relevel { target, limit, after })).await
    }

    /// Erases the versions of a collection that deletions have hidden.
    async fn erase(&self, collection: Uuid) -> Result<(), StoreError> {
        let Some(current) = self.directory().collections.get(&collection).cloned() else { return Ok(()) };
        let marks = Scan::keys(keys::deleted_chains(current.space()), 1);
        if self.engine.snapshot().await?.scan(marks).await?.is_empty() {
            return Ok(());
        }
        let limit = ERASE_PIECE;
        self.work_on(collection, |target, _| Command::Erase(Erase { target, limit })).await
    }

    /// Works on a collection in pieces, between other writes, until all is done.
    async fn work_on(
        &self,
        collection: Uuid,
        piece: impl Fn(Target, Option<(Tlp, Position)>) -> Command,
    ) -> Result<(), StoreError> {
        let operator = Principal::operator(self.organisation);
        let mut after: Option<(Tlp, Position)> = None;
        loop {
            let Some(current) = self.directory().collections.get(&collection).cloned() else { return Ok(()) };
            match self.work(piece(Target::of(&current, &operator), after)).await {
                Ok(Done::Worked { more: true, after: reached }) => {
                    after =
                        reached.and_then(|(level, position)| Some((Tlp::try_from(level).ok()?, position)));
                }
                Ok(_) | Err(StoreError::Rejected(Rejection::NoCollection)) => return Ok(()),
                // The collection was changed meanwhile, perhaps its level again: from the beginning.
                Err(StoreError::Rejected(Rejection::Stale)) => after = None,
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the lease up, so that the next process need not wait for its end.
    pub(super) async fn end_lease(&self) -> Result<(), StoreError> {
        let (lease, from) = self.lease().await?;
        if lease.is_some_and(|lease| lease.holder == self.process) {
            self.change_lease(from, None).await?;
        }
        Ok(())
    }

    /// The lease, and its text.
    async fn lease(&self) -> Result<(Option<Lease>, Option<Bytes>), EngineError> {
        let text = self.engine.snapshot().await?.get(keys::local(LEASE_NAME)).await?;
        let lease = text.as_ref().and_then(|text| serde_json::from_slice(text).ok());
        Ok((lease, text))
    }

    async fn change_lease(&self, from: Option<Bytes>, to: Option<Bytes>) -> Result<(), EngineError> {
        let heads = BTreeMap::from([(keys::local(LEASE_NAME), HeadChange { from, to })]);
        self.engine.commit(Commit { heads, ..Commit::default() }).await
    }

    async fn work(&self, command: Command) -> Result<Done, StoreError> {
        let operator = Principal::operator(self.organisation);
        self.carry_out(self.request(&operator, Uuid::new_v4(), command)).await
    }

    /// Takes or renews the lease, unless another process holds it.
    pub(super) async fn has_lease(&self) -> Result<bool, StoreError> {
        let (lease, from) = self.lease().await?;
        let now = self.clock.now_micros();
        if lease.is_some_and(|lease| lease.holder != self.process && lease.until > now) {
            return Ok(false);
        }
        let until = now.saturating_add(micros(LEASE));
        let lease = serde_json::to_vec(&Lease { holder: self.process, until });
        let to = Some(Bytes::from(lease.map_err(|_| StoreError::Corrupt("a lease"))?));
        match self.change_lease(from, to).await {
            Ok(()) => Ok(true),
            Err(EngineError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
