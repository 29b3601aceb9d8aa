//! The marker of a backup: while it is there, commits are noted in a journal, or refused.

use super::BackupError;
use crate::clock::{Clock, timestamp};
use crate::store::StoreError;
use crate::store::engine::{Commit, Engine, EngineError, HeadChange};
use crate::store::keys;
use crate::store::writer::Attempts;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// How long a marker holds when it is not renewed, because its process ended or stands still.
pub(super) const HOLD: Duration = Duration::from_secs(300);

/// Until when the marker of a store holds that was moved.
const FOR_EVER: i64 = i64::MAX;

/// The marker of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Marker {
    /// Names the backup in the keys of its journal.
    pub(in crate::store) id: Uuid,
    pub(in crate::store) mode: Mode,
    /// Microseconds since 1970 at which anyone may remove it.
    pub(in crate::store) until: i64,
}

/// What becomes of commits while a marker is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::store) enum Mode {
    /// They are noted in the journal.
    Journal,
    /// They are refused.
    Frozen,
}

impl Marker {
    pub(in crate::store) fn decode(value: &Bytes) -> Result<Self, StoreError> {
        serde_json::from_slice(value).map_err(|_| StoreError::Corrupt("the marker of a backup"))
    }

    fn encode(&self) -> Result<Bytes, StoreError> {
        let json = serde_json::to_vec(self).map_err(|_| StoreError::Corrupt("the marker of a backup"))?;
        Ok(json.into())
    }

    fn hold(&mut self, clock: &Clock) {
        let hold = i64::try_from(HOLD.as_micros()).unwrap_or(i64::MAX);
        self.until = clock.now_micros().saturating_add(hold);
    }

    /// Places a new marker, unless one is there that holds.
    pub(super) async fn place(engine: &dyn Engine, clock: &Clock, mode: Mode) -> Result<Self, BackupError> {
        let mut marker = Self { id: Uuid::new_v4(), mode, until: 0 };
        let mut attempts = Attempts::new();
        loop {
            let found = match read(engine).await {
                Ok(found) => found,
                Err(error) => {
                    attempts.again(error).await?;
                    continue;
                }
            };
            match found.as_ref().map(Self::decode).transpose()? {
                Some(found) if found.until == FOR_EVER => return Err(BackupError::Moved),
                Some(found) if found.until > clock.now_micros() => {
                    return Err(BackupError::Running { until: timestamp(found.until) });
                }
                _ => {}
            }
            marker.hold(clock);
            if change(engine, found, Some(marker.encode()?)).await? {
                return Ok(marker);
            }
        }
    }

    /// Takes over a marker that is still there, although the process that placed it may be gone.
    pub(super) async fn hold_again(
        engine: &dyn Engine,
        clock: &Clock,
        id: Uuid,
    ) -> Result<Option<Self>, StoreError> {
        let Some(found) = read(engine).await? else { return Ok(None) };
        let mut marker = Self::decode(&found)?;
        if marker.id != id {
            return Ok(None);
        }
        marker.hold(clock);
        Ok(change(engine, Some(found), Some(marker.encode()?)).await?.then_some(marker))
    }

    /// Lets the marker hold for longer. Says whether it was there to be renewed.
    pub(super) async fn renew(&mut self, engine: &dyn Engine, clock: &Clock) -> Result<bool, StoreError> {
        let from = self.encode()?;
        self.hold(clock);
        change(engine, Some(from), Some(self.encode()?)).await
    }

    /// Lets the marker stay, so that its store takes no writes any more. Says whether it was still there.
    pub(super) async fn seal(mut self, engine: &dyn Engine) -> Result<bool, StoreError> {
        let from = self.encode()?;
        self.until = FOR_EVER;
        change(engine, Some(from), Some(self.encode()?)).await
    }

    /// Removes the marker, unless another one took its place.
    pub(super) async fn remove(&self, engine: &dyn Engine) -> Result<(), StoreError> {
        change(engine, Some(self.encode()?), None).await.map(drop)
    }
}

/// Removes the marker of a migration that has ended or was broken off. Says whether there was one.
pub(super) async fn release(engine: &dyn Engine) -> Result<bool, StoreError> {
    let Some(found) = read(engine).await? else { return Ok(false) };
    match Marker::decode(&found)?.mode {
        Mode::Frozen => change(engine, Some(found), None).await,
        Mode::Journal => Ok(false),
    }
}

/// Removes a marker that holds no longer.
pub(super) async fn remove_old(engine: &dyn Engine, clock: &Clock) -> Result<(), StoreError> {
    let Some(found) = read(engine).await? else { return Ok(()) };
    if Marker::decode(&found)?.until > clock.now_micros() {
        return Ok(());
    }
    tracing::warn!("a backup or a migration was broken off; its marker is removed");
    change(engine, Some(found), None).await.map(drop)
}

async fn read(engine: &dyn Engine) -> Result<Option<Bytes>, EngineError> {
    engine.snapshot().await?.get(keys::local(keys::BACKUP)).await
}

/// Changes the marker, and says whether it was what it should have been. Commits of the directory and of maintenance
/// compare it.
async fn change(engine: &dyn Engine, from: Option<Bytes>, to: Option<Bytes>) -> Result<bool, StoreError> {
    let mut attempts = Attempts::new();
    loop {
        let heads = HeadChange { from: from.clone(), to: to.clone() };
        let heads = BTreeMap::from([(keys::local(keys::BACKUP), heads)]);
        let error = match engine.commit(Commit { heads, ..Commit::default() }).await {
            Ok(()) => return Ok(true),
            Err(error) => error,
        };
        attempts.again(error).await?;
        let found = loop {
            match read(engine).await {
                Ok(found) => break found,
                Err(error) => attempts.again(error).await?,
            }
        };
        // Each value of the marker is another one, so what is there tells whether an attempt was carried out.
        if found == to {
            return Ok(true);
        }
        if found != from {
            return Ok(false);
        }
    }
}
