//! Locks of transactions that ended before they locked their primary key, as when a process dies or a store hangs.
//!
//! Who meets such a lock is told that there is no transaction. The client of this version takes that for a failure of the
//! read, and never asks to end the transaction, so that its keys could not be read or written until the garbage is
//! collected. Here they are freed once such a lock is old enough. A transaction that goes on after all fails when it commits.

use super::super::engine::{EngineError, Key};
use super::client::{self, Connection, unavailable};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::ops::Range;
use std::time::Duration;
use tikv_client::transaction::ResolveLocksOptions;
use tikv_client::{Error, Timestamp, TimestampExt};

/// Age of a lock at which its transaction is taken for ended: the time that the client gives to small ones.
const LOCK_TIME: Duration = Duration::from_secs(3);
/// Time until a read that met a younger one tries again.
const PAUSE: Duration = Duration::from_millis(100);
/// Ranges that are freed at the same time.
const AT_ONCE: usize = 16;

/// When the transaction began that an error says is not there.
pub(super) fn absent(error: &Error) -> Option<Timestamp> {
    let start = |error: &Error| match error {
        Error::KeyError(error) => error.txn_not_found.as_ref().map(|absent| absent.start_ts),
        Error::TxnNotFound(absent) => Some(absent.start_ts),
        _ => None,
    };
    client::find(error, start).map(Timestamp::from_version)
}

/// Whether another transaction held a lock for longer than the client waits.
pub(super) fn is_held(error: &Error) -> bool {
    client::find(error, |error| matches!(error, Error::ResolveLockError(_)).then_some(())).is_some()
}

impl Connection {
    /// Reads, and again while a lock is held or its transaction has ended. Locks are looked for in the ranges that are read.
    pub(super) async fn read<T, R>(
        &self,
        read: impl Fn() -> R,
        ranges: impl Fn() -> Vec<Range<Key>>,
    ) -> Result<T, EngineError>
    where
        R: Future<Output = Result<T, Error>>,
    {
        loop {
            let error = match read().await {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            match absent(&error) {
                Some(start) if self.time_left(&start).await?.is_zero() => self.free(&start, ranges()).await?,
                None if !is_held(&error) => return Err(unavailable(error)),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Waits until a transaction is taken for ended, then frees its keys in some ranges.
    pub(super) async fn wait_and_free(
        &self,
        start: &Timestamp,
        ranges: Vec<Range<Key>>,
    ) -> Result<(), EngineError> {
        tokio::time::sleep(self.time_left(start).await?).await;
        self.free(start, ranges).await
    }

    async fn time_left(&self, start: &Timestamp) -> Result<Duration, EngineError> {
        let age = self.timestamp().await?.physical.saturating_sub(start.physical);
        Ok(LOCK_TIME.saturating_sub(Duration::from_millis(age.try_into().unwrap_or(0))))
    }

    async fn free(&self, start: &Timestamp, ranges: Vec<Range<Key>>) -> Result<(), EngineError> {
        let client = self.client();
        let freed: Vec<_> = stream::iter(ranges)
            .map(|range| client.cleanup_locks(range, start, ResolveLocksOptions::default()))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
            .map_err(unavailable)?;
        let locks: usize = freed.iter().map(|freed| freed.resolved_locks).sum();
        tracing::info!(locks, "a transaction that ended early no longer holds its keys");
        Ok(())
    }
}

/// The ranges that hold one key each.
pub(super) fn of_keys<'k>(keys: impl IntoIterator<Item = &'k Key>) -> Vec<Range<Key>> {
    let after = |key: &Key| [key, &[0][..]].concat();
    keys.into_iter().map(|key| key.clone()..after(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_transaction_is_found_in_what_the_client_says() {
        let mut inner = tikv_client::ProtoKeyError::default();
        assert_eq!(absent(&Error::KeyError(Box::new(inner.clone()))), None);
        inner.txn_not_found = Some(Default::default());
        let error = Error::MultipleKeyErrors(vec![Error::Unimplemented, Error::KeyError(Box::new(inner))]);
        assert_eq!(absent(&error), Some(Timestamp::from_version(0)));
        assert!(
            !is_held(&error) && is_held(&Error::MultipleKeyErrors(vec![Error::ResolveLockError(vec![])]))
        );
    }
}
