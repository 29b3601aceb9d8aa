//! The connection to a cluster, which is made again where it hangs.

use super::super::engine::{Direction, EngineError, Key};
use super::regions::Regions;
use super::{TikvAddress, TikvTls};
use arc_swap::ArcSwap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tikv_client::{
    Config, Error, Timestamp, TimestampExt, Transaction, TransactionClient, TransactionOptions,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Time for one remote call.
const CALL_TIME: Duration = Duration::from_secs(2);
/// Time to connect.
const CONNECT_TIME: Duration = Duration::from_secs(4);
/// Time for a timestamp. One that was asked for while the placement driver was away may never come.
const TIMESTAMP_TIME: Duration = Duration::from_secs(2);
/// When callers may try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Bytes of one answer. A page has 16 MiB at most, and values have few.
const ANSWER_BYTES: usize = 64 << 20;

/// The connection to a cluster.
pub(super) struct Connection {
    address: TikvAddress,
    client: ArcSwap<TransactionClient>,
    regions: Regions,
    /// Held by the one that connects again.
    connecting: Mutex<()>,
}

impl Connection {
    pub(super) async fn open(address: TikvAddress) -> Result<Self, EngineError> {
        let client = connect(&address).await?;
        let regions = Regions::new(&address)?;
        Ok(Self { address, client: ArcSwap::from_pointee(client), regions, connecting: Mutex::new(()) })
    }

    pub(super) fn client(&self) -> Arc<TransactionClient> {
        self.client.load_full()
    }

    /// The timestamp of a new snapshot.
    pub(super) async fn timestamp(&self) -> Result<Timestamp, EngineError> {
        self.ask(|client| async move { client.current_timestamp().await }).await
    }

    pub(super) async fn begin(&self, options: TransactionOptions) -> Result<Transaction, EngineError> {
        self.ask(|client| async move { client.begin_with_options(options).await }).await
    }

    /// Asks for a timestamp in some way. The stream of them may wait for a machine that is gone, so it is made anew when no
    /// answer comes.
    async fn ask<T, A>(&self, question: impl FnOnce(Arc<TransactionClient>) -> A) -> Result<T, EngineError>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let client = self.client();
        match timeout(TIMESTAMP_TIME, question(Arc::clone(&client))).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.again(&client, error).await),
            Err(elapsed) => Err(self.again(&client, elapsed).await),
        }
    }

    /// Connects again, unless another caller does or has done so, and returns the error of this one.
    async fn again(
        &self,
        failed: &Arc<TransactionClient>,
        cause: impl std::error::Error + Send + Sync + 'static,
    ) -> EngineError {
        if let Ok(_connecting) = self.connecting.try_lock()
            && Arc::ptr_eq(failed, &self.client.load())
        {
            match connect(&self.address).await {
                Ok(client) => self.client.store(Arc::new(client)),
                Err(error) => tracing::debug!(%error, "the cluster is away"),
            }
        }
        unavailable(cause)
    }

    /// The part of a range at its beginning that lies in one region, as far as is known. The client asks each region that a
    /// range touches for as many entries as are wanted of all.
    pub(super) async fn piece(&self, range: &Range<Key>, direction: Direction) -> Range<Key> {
        self.regions.piece(range, direction).await
    }

    pub(super) async fn collect_garbage(&self, age: Duration) -> Result<(), EngineError> {
        let mut safe = self.timestamp().await?;
        safe.physical -= i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let safe = Timestamp::from_version(safe.version());
        self.client().gc(safe).await.map_err(unavailable)?;
        Ok(())
    }
}

async fn connect(address: &TikvAddress) -> Result<TransactionClient, EngineError> {
    let mut config =
        Config::default().with_timeout(CALL_TIME).with_grpc_max_decoding_message_size(ANSWER_BYTES);
    if let Some(TikvTls { ca, cert, key }) = &address.tls {
        config = config.with_security(ca, cert, key);
    }
    if let Some(keyspace) = &address.keyspace {
        config = config.with_keyspace(keyspace);
    }
    let connecting = TransactionClient::new_with_config(address.pd.clone(), config);
    match timeout(CONNECT_TIME, connecting).await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(Error::KeyspaceNotFound(name))) => {
            Err(EngineError::failed(format!("the cluster has no keyspace {name}")))
        }
        Ok(Err(error)) => Err(unavailable(NoDriver(said(&error)))),
        Err(_) => Err(unavailable(NoDriver("no answer in time".to_owned()))),
    }
}

/// Why a cluster cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("no placement driver answers there as one: {0}")]
struct NoDriver(String);

/// What an error says, without the place in the source of the client that some begin with.
fn said(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let is_place = |place: &&str| place.starts_with('[') && place.contains(".rs:");
    match text.split_once("]: ").filter(|(place, _)| is_place(place)) {
        Some((_, message)) => message.to_owned(),
        None => text,
    }
}

/// A part of the cluster did not answer, or not in time.
pub(super) fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> EngineError {
    EngineError::Unavailable { retry_after: RETRY_AFTER, cause: said(&cause).into() }
}

/// Looks for something in an error, and in those that it collects.
pub(super) fn find<T>(error: &Error, look: impl Fn(&Error) -> Option<T> + Copy) -> Option<T> {
    match error {
        Error::MultipleKeyErrors(errors) | Error::ExtractedErrors(errors) => {
            errors.iter().find_map(|error| find(error, look))
        }
        error => look(error),
    }
}

/// Whether a transaction failed because another one wrote one of its keys first.
pub(super) fn is_conflict(error: &Error) -> bool {
    let conflict = |error: &Error| match error {
        Error::KeyError(error) => error.conflict.clone(),
        _ => None,
    };
    find(error, conflict).is_some()
}
