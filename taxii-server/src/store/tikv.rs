//! The engine over TiKV, for servers that outgrow one machine: any number of processes share one cluster.
//!
//! A commit is an optimistic transaction with two phases. When it returns, a majority of the copies of each region has it on
//! disk. A commit that fails in any way but a conflict may still be carried out, so it is [`EngineError::Undetermined`].
//!
//! Asynchronous commit and commits in one phase are not used: the client of this version does not always tell what became
//! of them.

mod client;
mod locks;
mod placement;
mod regions;

use super::engine::{
    Commit, Content, Direction, Engine, EngineError, EngineFuture, Key, KeyValue, Limits, Scan, Snapshot,
    scan_pieces,
};
use bytes::Bytes;
use client::{Connection, unavailable};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tikv_client::transaction::{HeartbeatOption, Mutation};
use tikv_client::{CheckLevel, Timestamp, Transaction, TransactionOptions};

/// Time for one read, with the attempts of the client.
const READ_TIME: Duration = Duration::from_secs(6);
/// Time for a commit. Locks of an abandoned one hold others up for 20 seconds at most.
const COMMIT_TIME: Duration = Duration::from_secs(15);
/// Time for which a snapshot can be read.
const SNAPSHOT_LIFE: Duration = Duration::from_secs(600);
/// Keys that one request asks for.
const KEYS_AT_ONCE: usize = 256;
/// Requests of one read that are under way at the same time.
const READS_AT_ONCE: usize = 8;
/// Entries that one request of a scan asks for; fewer where values are large.
const ENTRIES_AT_ONCE: usize = 1024;
/// Entries that the first request of a scan over large values asks for.
const BULK_ENTRIES: usize = 16;

/// How a cluster of TiKV is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TikvAddress {
    /// Addresses of the placement drivers (PD), as `10.0.0.1:2379`.
    pub pd: Vec<String>,
    /// Keyspace of a cluster with API version 2; `None` for version 1.
    pub keyspace: Option<String>,
    /// Mutual TLS with all parts of the cluster.
    pub tls: Option<TikvTls>,
}

/// PEM files for mutual TLS with the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TikvTls {
    /// Certificates of the authorities that signed those of the cluster.
    pub ca: PathBuf,
    /// Certificate chain of this server.
    pub cert: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// Keeps everything in a cluster of TiKV.
pub struct TikvEngine {
    connection: Arc<Connection>,
    bulk: Arc<[Range<Key>]>,
}

impl TikvEngine {
    /// Connects to a cluster. Values of bulk ranges are large, so they are read in smaller pieces.
    ///
    /// # Errors
    /// When no placement driver answers, the files for TLS cannot be used, or there is no such keyspace.
    pub async fn connect(address: TikvAddress, bulk: &[Range<Key>]) -> Result<Self, EngineError> {
        let connection = Arc::new(Connection::open(address).await?);
        Ok(Self { connection, bulk: bulk.into() })
    }

    /// The time that the cluster gives to its next transaction, in microseconds since 1970.
    ///
    /// # Errors
    /// When no placement driver answers.
    pub async fn now_micros(&self) -> Result<i64, EngineError> {
        Ok(self.connection.timestamp().await?.physical.saturating_mul(1000))
    }
}

impl Engine for TikvEngine {
    fn snapshot(&self) -> EngineFuture<'_, Box<dyn Snapshot>> {
        Box::pin(async {
            Ok(Box::new(self.snapshot_at(self.connection.timestamp().await?)) as Box<dyn Snapshot>)
        })
    }

    fn commit(&self, commit: Commit) -> EngineFuture<'_, ()> {
        Box::pin(async move {
            let prepared = tokio::time::timeout(READ_TIME, self.prepare(&commit));
            let mut transaction = prepared.await.map_err(unavailable)??;
            let failed = match tokio::time::timeout(COMMIT_TIME, transaction.commit()).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) if has_met_another(&error) => error,
                Ok(Err(error)) => return Err(EngineError::Undetermined(error.into())),
                Err(elapsed) => return Err(EngineError::Undetermined(elapsed.into())),
            };
            // It failed before its primary key could be committed, so nothing of it stands. Its locks would hold up the next
            // attempt until they expire.
            tracing::debug!(error = %failed, "a commit met another one");
            if let Ok(Err(error)) = tokio::time::timeout(READ_TIME, transaction.rollback()).await {
                tracing::debug!(%error, "the locks of a commit stay until they expire");
            }
            if let Some(start) = locks::absent(&failed) {
                let keys = locks::of_keys(commit.heads.keys().chain(commit.writes.keys()));
                self.connection.wait_and_free(&start, keys).await?;
            }
            Err(EngineError::Conflict)
        })
    }

    /// The client sends the keys of the whole transaction with each 16 KiB of it.
    fn limits(&self) -> Limits {
        Limits { commit_bytes: 2 << 20, commit_keys: 4096, value_bytes: 4 << 20 }
    }

    fn is_remote(&self) -> bool {
        true
    }

    /// Moves the safe point of the cluster, which the stores follow.
    fn collect_garbage(&self) -> EngineFuture<'_, ()> {
        Box::pin(self.connection.collect_garbage(SNAPSHOT_LIFE))
    }
}

impl TikvEngine {
    fn snapshot_at(&self, timestamp: Timestamp) -> TikvSnapshot {
        TikvSnapshot { connection: Arc::clone(&self.connection), timestamp, bulk: Arc::clone(&self.bulk) }
    }

    /// Begins a transaction, compares the heads in it, and fills it.
    async fn prepare(&self, commit: &Commit) -> Result<Transaction, EngineError> {
        let options = TransactionOptions::new_optimistic()
            .drop_check(CheckLevel::None)
            .heartbeat_option(HeartbeatOption::NoHeartbeat);
        let mut transaction = self.connection.begin(options).await?;
        let snapshot = self.snapshot_at(transaction.start_timestamp());
        if !commit.heads.is_empty() {
            let found = snapshot.get_piece(commit.heads.keys().cloned().collect()).await?;
            if commit.heads.values().zip(&found).any(|(change, found)| *found != change.from) {
                return Err(EngineError::Conflict);
            }
        }
        // The first key of a transaction is its primary one: that of a head is the one where commits meet.
        let mut mutations: Vec<_> =
            commit.heads.iter().map(|(key, change)| mutation(key, change.to.as_ref())).collect();
        for range in &commit.cleared {
            for (key, _) in snapshot.all_keys(range.clone()).await? {
                if !commit.heads.contains_key(&key[..]) && !commit.writes.contains_key(&key[..]) {
                    mutations.push(mutation(&key, None));
                }
            }
        }
        let writes = commit.writes.iter().filter(|(key, _)| !commit.heads.contains_key(*key));
        mutations.extend(writes.map(|(key, value)| mutation(key, value.as_ref())));
        transaction.batch_mutate(mutations).await.map_err(unavailable)?;
        Ok(transaction)
    }
}

/// Puts a key, or deletes it where there is no value.
fn mutation(key: &[u8], value: Option<&Bytes>) -> Mutation {
    let key = key.to_vec().into();
    match value {
        Some(value) => Mutation::Put(key, value.to_vec()),
        None => Mutation::Delete(key),
    }
}

struct TikvSnapshot {
    connection: Arc<Connection>,
    timestamp: Timestamp,
    bulk: Arc<[Range<Key>]>,
}

impl Snapshot for TikvSnapshot {
    fn get_many(&self, keys: Vec<Key>, max_bytes: usize) -> EngineFuture<'_, Vec<Option<Bytes>>> {
        Box::pin(async move {
            let pieces: Vec<Vec<Key>> = keys.chunks(KEYS_AT_ONCE).map(<[Key]>::to_vec).collect();
            let mut read = stream::iter(pieces).map(|piece| self.get_piece(piece)).buffered(READS_AT_ONCE);
            let mut budget = max_bytes;
            let mut values = Vec::with_capacity(keys.len());
            while let Some(piece) = read.try_next().await? {
                for value in piece {
                    let length = value.as_ref().map_or(0, Bytes::len);
                    values.push(value);
                    match budget.checked_sub(length) {
                        Some(rest) => budget = rest,
                        None => return Ok(values),
                    }
                }
            }
            Ok(values)
        })
    }

    fn scan(&self, scan: Scan) -> EngineFuture<'_, Vec<KeyValue>> {
        Box::pin(async move {
            let is_bulk = scan.content == Content::Entries
                && self.bulk.iter().any(|bulk| bulk.start < scan.range.end && scan.range.start < bulk.end);
            let mut found: Vec<KeyValue> = Vec::new();
            let mut bytes = 0_usize;
            let mut left = scan.clone();
            let mut at_once = if is_bulk { BULK_ENTRIES } else { ENTRIES_AT_ONCE };
            while found.len() < scan.limit && !left.range.is_empty() {
                left.limit = at_once.min(scan.limit - found.len());
                let piece = self.connection.piece(&left.range, scan.direction).await;
                let entries = self.scan_piece(piece.clone(), &left).await?;
                let is_complete = entries.len() < left.limit;
                for entry in entries {
                    bytes = bytes.saturating_add(entry.1.len());
                    left.go_on_after(&entry.0);
                    found.push(entry);
                    if bytes > scan.max_bytes {
                        return Ok(found);
                    }
                }
                if is_complete {
                    match scan.direction {
                        Direction::Forward => left.range.start = piece.end,
                        Direction::Backward => left.range.end = piece.start,
                    }
                }
                // As many more as fit, by those that came.
                let average = bytes / found.len().max(1);
                at_once = ((scan.max_bytes - bytes) / average.max(1)).clamp(1, ENTRIES_AT_ONCE);
            }
            Ok(found)
        })
    }
}

impl TikvSnapshot {
    async fn all_keys(&self, range: Range<Key>) -> Result<Vec<KeyValue>, EngineError> {
        scan_pieces(range, |piece| self.scan(Scan { content: Content::Keys, ..piece })).await
    }

    fn reader(&self) -> tikv_client::Snapshot {
        let options = TransactionOptions::new_optimistic().drop_check(CheckLevel::None);
        self.connection.client().snapshot(self.timestamp.clone(), options)
    }

    async fn get_piece(&self, keys: Vec<Key>) -> Result<Vec<Option<Bytes>>, EngineError> {
        let attempt = || async {
            let mut reader = self.reader();
            if let [key] = &keys[..] {
                return Ok(vec![reader.get(key.clone()).await?.map(Bytes::from)]);
            }
            let found = reader.batch_get(keys.clone()).await?;
            let found: BTreeMap<Key, Bytes> =
                found.map(|pair| (pair.0.into(), Bytes::from(pair.1))).collect();
            Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
        };
        within(READ_TIME, self.connection.read(attempt, || locks::of_keys(&keys))).await
    }

    /// Reads the first entries of a range that lies in one region, as far as is known.
    async fn scan_piece(&self, range: Range<Key>, scan: &Scan) -> Result<Vec<KeyValue>, EngineError> {
        let limit = u32::try_from(scan.limit).unwrap_or(u32::MAX);
        let entry = |pair: tikv_client::KvPair| (Bytes::from(Key::from(pair.0)), Bytes::from(pair.1));
        let key = |key: tikv_client::Key| (Bytes::from(Key::from(key)), Bytes::new());
        let attempt = || async {
            let (mut reader, range) = (self.reader(), range.clone());
            Ok(match (scan.content, scan.direction) {
                (Content::Entries, Direction::Forward) => {
                    reader.scan(range, limit).await?.map(entry).collect()
                }
                (Content::Entries, Direction::Backward) => {
                    reader.scan_reverse(range, limit).await?.map(entry).collect()
                }
                (Content::Keys, Direction::Forward) => {
                    reader.scan_keys(range, limit).await?.map(key).collect()
                }
                (Content::Keys, Direction::Backward) => {
                    reader.scan_keys_reverse(range, limit).await?.map(key).collect()
                }
            })
        };
        within(READ_TIME, self.connection.read(attempt, || vec![range.clone()])).await
    }
}

/// Whether a commit failed because another one wrote or locked one of its keys first.
fn has_met_another(error: &tikv_client::Error) -> bool {
    client::is_conflict(error) || locks::absent(error).is_some() || locks::is_held(error)
}

/// Waits for a read.
async fn within<T>(
    time: Duration,
    read: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    tokio::time::timeout(time, read).await.map_err(unavailable)?
}
