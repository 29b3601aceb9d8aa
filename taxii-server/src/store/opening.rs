//! What a process reads when it opens a store, and the making of a new one.

use super::engine::{Commit, Engine, EngineError, HeadChange};
use super::network::FENCED;
use super::reload::read_directory;
use super::{Directory, FORMAT, StoreError, backup, keys, migration};
use bytes::Bytes;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Values that every process reads when it opens the store.
pub(super) struct Opened {
    pub(super) secret: Bytes,
    pub(super) organisation: Uuid,
    pub(super) directory: Directory,
    /// Why this server does not serve its network.
    pub(super) fenced: Option<String>,
}

const SECRET: &str = "cursor-secret";
const ORGANISATION: &str = "organisation";

/// Whether an engine holds a store, or what a restore or a migration left unfinished.
pub(crate) async fn is_made(engine: &dyn Engine) -> Result<bool, StoreError> {
    let keys = vec![keys::FORMAT.to_vec(), keys::UNFINISHED.to_vec()];
    let found = engine.snapshot().await?.get_many(keys, usize::MAX).await?;
    Ok(found.iter().any(Option::is_some))
}

pub(super) async fn read_or_make(engine: &dyn Engine) -> Result<Opened, StoreError> {
    let snapshot = engine.snapshot().await?;
    match snapshot.get(keys::FORMAT.to_vec()).await? {
        None => {
            if let Some(unfinished) = snapshot.get(keys::UNFINISHED.to_vec()).await? {
                return Err(StoreError::Unfinished(backup::unfinished_work(&unfinished)));
            }
            make(engine).await?;
        }
        Some(format) => migration::migrate(engine, &format).await?,
    }
    let snapshot = engine.snapshot().await?;
    let missing = |value: Option<Bytes>| value.ok_or(StoreError::Corrupt("a value of this server"));
    let secret = missing(snapshot.get(keys::local(SECRET)).await?)?;
    let organisation = missing(snapshot.get(keys::local(ORGANISATION)).await?)?;
    let organisation =
        Uuid::from_slice(&organisation).map_err(|_| StoreError::Corrupt("the organisation"))?;
    let fenced = snapshot.get(keys::local(FENCED)).await?;
    let fenced = fenced.map(|reason| String::from_utf8_lossy(&reason).into_owned());
    Ok(Opened { secret, organisation, directory: read_directory(&*snapshot).await?, fenced })
}

/// Marks an empty engine as a store, and gives it the secret of its cursors and an organisation.
async fn make(engine: &dyn Engine) -> Result<(), StoreError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| EngineError::failed(error.to_string()))?;
    let format = HeadChange { from: None, to: Some(FORMAT.to_string().into()) };
    // A restore may begin at the same time.
    let no_restore = HeadChange { from: None, to: None };
    let commit = Commit {
        heads: BTreeMap::from([(keys::FORMAT.to_vec(), format), (keys::UNFINISHED.to_vec(), no_restore)]),
        writes: BTreeMap::from([
            (keys::local(SECRET), Some(Bytes::copy_from_slice(&secret))),
            (keys::local(ORGANISATION), Some(Bytes::copy_from_slice(Uuid::new_v4().as_bytes()))),
        ]),
        ..Commit::default()
    };
    Ok(engine.commit(commit).await?)
}
