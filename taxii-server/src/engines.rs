//! The one place that knows which engine a configuration names.

use crate::clock::Clock;
use crate::config::{Config, EngineName};
use crate::private;
use crate::store::engine::{Engine, EngineError};
use crate::store::{EmbeddedEngine, Store, StoreError, bulk_ranges};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Name of the embedded store in the data folder.
const FILE: &str = "store.redb";

/// Name of the file through which the command line finds a running server.
pub(crate) const CONTROL: &str = "control.json";
/// Name of the file with the first administrator.
pub(crate) const ADMINISTRATOR: &str = "administrator.txt";
/// Files in the data folder that only its owner may read. The store is one more.
const SECRETS: [&str; 2] = [ADMINISTRATOR, CONTROL];

/// Why the store of a configuration cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The data folder cannot be made, or is not of this account alone.
    #[error("cannot use the data folder {}", path.display())]
    Folder {
        /// Path of the folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The engine cannot be opened.
    #[error("cannot open {}", path.display())]
    Engine {
        /// Path of the embedded store.
        path: PathBuf,
        /// The cause.
        source: EngineError,
    },
    /// The cluster that holds the store cannot be used.
    #[error("cannot use the store in TiKV at {pd}")]
    Cluster {
        /// Addresses of its placement drivers.
        pd: String,
        /// The cause.
        source: EngineError,
    },
    /// TiKV is chosen, and this program was built without it.
    #[cfg(not(feature = "tikv"))]
    #[error("this program was built without TiKV; build it with the feature tikv")]
    WithoutTikv,
    /// Other servers of the cluster cannot reach this one at the address that was chosen.
    #[error("cannot use store.replica_listen = {address}")]
    ReplicaListen {
        /// The address.
        address: String,
        /// The cause.
        source: io::Error,
    },
    /// Only the embedded store is made smaller in this way.
    #[error("TiKV gives the space of removed objects back by itself")]
    NotEmbedded,
    /// The engine was opened, but does not hold a store that this version reads.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens the store that a configuration names, or makes it.
///
/// # Errors
/// When the data folder cannot be made, another process has the store open, or it has another format.
pub async fn open(config: &Config) -> Result<Store, OpenError> {
    check_folder(config)?;
    Ok(Store::open(open_engine(config).await?, Arc::new(Clock::System)).await?)
}

/// Opens the engine that a configuration names, whatever it holds.
///
/// # Errors
/// When the data folder cannot be made, another process has the store open, or it has another format.
pub(crate) async fn open_engine(config: &Config) -> Result<Arc<dyn Engine>, OpenError> {
    match config.store.engine {
        EngineName::Embedded => {
            check_folder(config)?;
            embedded(config)
        }
        EngineName::Tikv => tikv(config).await,
    }
}

/// Makes the data folder, or checks one that is there.
fn check_folder(config: &Config) -> Result<(), OpenError> {
    let folder = |source| OpenError::Folder { path: config.data.clone(), source };
    private::folder(&config.data).map_err(folder)?;
    for name in SECRETS {
        private::check(&config.data.join(name)).map_err(folder)?;
    }
    Ok(())
}

fn embedded(config: &Config) -> Result<Arc<dyn Engine>, OpenError> {
    let path = config.data.join(FILE);
    let open = if config.accept_copy { EmbeddedEngine::open_copy } else { EmbeddedEngine::open };
    let engine = open(&path, &bulk_ranges()).map_err(|source| OpenError::Engine { path, source })?;
    if engine.is_format_1() {
        return Err(StoreError::Format { found: 1 }.into());
    }
    Ok(Arc::new(engine))
}

#[cfg(feature = "tikv")]
async fn tikv(config: &Config) -> Result<Arc<dyn Engine>, OpenError> {
    let engine = Arc::new(cluster(config).await?);
    Ok(Arc::new(crate::store::engine::PrefixedEngine::new(engine, &prefix(config))))
}

/// The beginning of all keys of a deployment.
#[cfg(feature = "tikv")]
fn prefix(config: &Config) -> Vec<u8> {
    format!("{}/", config.store.prefix).into_bytes()
}

/// Connects to the cluster that the configuration names.
#[cfg(feature = "tikv")]
pub(crate) async fn cluster(config: &Config) -> Result<crate::store::TikvEngine, OpenError> {
    use crate::store::{TikvAddress, TikvEngine, TikvTls};
    use std::ops::Range;

    let tls = config.store.tls().map(|[ca, cert, key]| {
        let [ca, cert, key] = [ca, cert, key].map(Clone::clone);
        TikvTls { ca, cert, key }
    });
    let pd = config.store.pd_addresses().map(str::to_owned).collect();
    let address = TikvAddress { pd, keyspace: config.store.keyspace.clone(), tls };
    // Ranges of the store lie behind the prefix.
    let prefix = prefix(config);
    let below = |range: &Range<Vec<u8>>| {
        [&prefix[..], &range.start[..]].concat()..[&prefix[..], &range.end[..]].concat()
    };
    let bulk: Vec<_> = bulk_ranges().iter().map(below).collect();
    TikvEngine::connect(address, &bulk)
        .await
        .map_err(|source| OpenError::Cluster { pd: config.store.pd.clone().unwrap_or_default(), source })
}

/// Lets other servers of the cluster hand over requests to write. Without it they are slower, and no less correct; but an
/// address that the operator chose is used, or the server does not start.
#[cfg(feature = "tikv")]
async fn share_writing(config: &Config, mut store: Store) -> Result<Store, OpenError> {
    match (replica_listener(config).await, &config.store.replica_listen) {
        (Ok(listener), _) => store.share_writing(listener).await?,
        (Err(source), Some(address)) => {
            return Err(OpenError::ReplicaListen { address: address.to_string(), source });
        }
        (Err(error), None) => {
            tracing::warn!(%error, "no other server can hand over requests to this one; see store.replica_listen");
        }
    }
    Ok(store)
}

#[cfg(not(feature = "tikv"))]
async fn share_writing(_: &Config, store: Store) -> Result<Store, OpenError> {
    Ok(store)
}

/// Listens at the address of the configuration, or at that from which this machine reaches the cluster.
#[cfg(feature = "tikv")]
async fn replica_listener(config: &Config) -> io::Result<std::net::TcpListener> {
    use crate::config::Unnamed;
    use std::net::{Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

    if let Some(address) = &config.store.replica_listen {
        let listener = TcpListener::bind(&address.resolve(0, Unnamed::All).await?[..])?;
        return match listener.local_addr()?.ip().is_unspecified() {
            true => Err(io::Error::other("name the address at which other servers reach this machine")),
            false => Ok(listener),
        };
    }
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for pd in config.store.pd_addresses() {
        let found = match tokio::net::lookup_host(pd).await {
            Ok(found) => found,
            Err(error) => {
                last = io::Error::new(error.kind(), format!("{pd}: {error}"));
                continue;
            }
        };
        for pd in found {
            // Nothing is sent: the system only looks up its route.
            let any =
                if pd.is_ipv4() { SocketAddr::from(([0; 4], 0)) } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
            let found = UdpSocket::bind(any).and_then(|socket| {
                socket.connect(pd)?;
                TcpListener::bind((socket.local_addr()?.ip(), 0))
            });
            match found {
                Ok(listener) => return Ok(listener),
                Err(error) => last = error,
            }
        }
    }
    Err(last)
}

#[cfg(not(feature = "tikv"))]
async fn tikv(_: &Config) -> Result<Arc<dyn Engine>, OpenError> {
    Err(OpenError::WithoutTikv)
}

/// As [`open`], for a server: when at least a quarter of the file is the space of removed collections, it is given back to
/// the disk first.
///
/// # Errors
/// As [`open`].
pub async fn open_to_serve(config: &Config) -> Result<Store, OpenError> {
    let store = open(config).await?;
    if config.store.engine != EngineName::Embedded {
        return share_writing(config, store).await;
    }
    let (freed, length) = (store.freed().await?, length(config));
    if freed == 0 || freed < length / 4 {
        return Ok(store);
    }
    tracing::info!(freed, length, "giving the space of removed collections back to the disk");
    match finish_compaction(config, store).await {
        Ok(length) => tracing::info!(length, "the store is smaller"),
        Err(error) => tracing::warn!(%error, "the space of removed collections stays in the store"),
    }
    open(config).await
}

/// Gives the space of removed collections and objects back to the disk. Returns the bytes of the store before and after.
///
/// # Errors
/// As [`open`]; also when the store is not embedded.
pub async fn compact(config: &Config) -> Result<[u64; 2], OpenError> {
    if config.store.engine != EngineName::Embedded {
        return Err(OpenError::NotEmbedded);
    }
    let store = open(config).await?;
    let before = length(config);
    Ok([before, finish_compaction(config, store).await?])
}

async fn finish_compaction(config: &Config, store: Store) -> Result<u64, OpenError> {
    let cleared = store.clear_removed().await;
    store.close().await;
    cleared?;
    let path = config.data.join(FILE);
    let compacting = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || EmbeddedEngine::compact(&path, &bulk_ranges()))
    };
    match compacting.await.map_err(EngineError::failed).flatten() {
        Ok(()) => Ok(length(config)),
        Err(source) => Err(OpenError::Engine { path, source }),
    }
}

/// Bytes of the store.
fn length(config: &Config) -> u64 {
    std::fs::metadata(config.data.join(FILE)).map_or(0, |file| file.len())
}

/// Whether the store that a configuration names has been made, or is being made. One that this account may not see may be
/// there: opening it says why not.
///
/// # Errors
/// When the cluster cannot be used that would hold it.
pub async fn exists(config: &Config) -> Result<bool, OpenError> {
    if config.store.engine != EngineName::Embedded {
        return Ok(crate::store::is_made(&*open_engine(config).await?).await?);
    }
    let found = std::fs::metadata(config.data.join(FILE));
    Ok(found.map_or_else(|error| error.kind() == std::io::ErrorKind::PermissionDenied, |_| true))
}
