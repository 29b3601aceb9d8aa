//! The node of this server: it keeps the log of the network together with those of other organisations.
//!
//! What belongs to it, its number, certificate and keys, is in the store; its log is a file of its own in the data folder. A
//! node whose disk fails stops and is started again, with what the disk holds; others go on without it.

mod attest;
mod door;
mod invitation;
mod members;

pub(crate) use attest::gather;
pub(crate) use invitation::{Application, Invitation, InvitationError, applications, invite, join, joining};

pub(crate) use members::leave;

use crate::app::App;
use crate::config::{NetworkConfig, Pace, Unnamed};
use crate::error::ApiError;
use crate::serve::bind;
use crate::store::{NewMembership, Node, NodeRecord, Rejection, StoreError};
use consensus::order::{
    Identity, Log, LogError, Machine, OrderedLog, Peer, Raft, Settings, SubmitError, Threads, Tls, TokioTypes,
};
use consensus::{Command, FIRST_NODE, Founding, NewNode, PROTOCOL, Secret, SecretKey};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// Time from the end of a node that failed to its next start.
const RESTART: Duration = Duration::from_secs(5);
/// Time for most nodes to answer.
const BARRIER: Duration = Duration::from_secs(5);
/// Attempts to open the log.
const OPEN_ATTEMPTS: u32 = 20;
/// Time between two questions of a server that waits to join.
const ASK: Duration = Duration::from_secs(1);
/// What an operator reads when the log of the node is gone, as after a restore.
const LOG_GONE: &str = "the log of the node is gone, but the store says that there was one, as after a restore: what was \
                        confirmed to others may be lost, so this node cannot go on; ask a member for an invitation, and \
                        join again with `taxii-server network join`";
/// Time for the first entry of a network.
const FOUNDING: Duration = Duration::from_secs(30);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The certificate and the keys of a node that is to be.
pub(crate) struct NodeKeys {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) submit_key: [u8; 32],
    pub(crate) log_key: [u8; 32],
}

impl NodeKeys {
    pub(crate) fn new() -> Result<Self, Failure> {
        let made = rcgen::generate_simple_self_signed(["node.invalid".to_owned()])?;
        let (mut submit_key, mut log_key) = ([0; 32], [0; 32]);
        for bytes in [&mut submit_key, &mut log_key] {
            getrandom::fill(bytes)?;
        }
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        Ok(Self { certificate, key, submit_key, log_key })
    }

    /// What others must know of the node.
    pub(crate) fn node(&self, address: String) -> Result<NewNode, Failure> {
        let identity = Identity::from_pem(self.certificate.as_bytes(), self.key.as_bytes())?;
        let public = |seed: &[u8; 32]| SecretKey::from_seed(seed).public();
        Ok(NewNode {
            address,
            certificate: identity.pin().0,
            submit_key: public(&self.submit_key),
            log_key: public(&self.log_key),
            protocol: PROTOCOL,
        })
    }
}

/// The address at which other nodes reach the node of this server; `None` where it has none.
pub(crate) fn address(config: &NetworkConfig) -> Option<String> {
    let listen = config.listen.as_ref()?;
    Some(config.address.clone().unwrap_or_else(|| listen.to_string()))
}

fn settings(app: &App) -> Settings {
    match app.config.network.pace {
        Pace::Wan => Settings::wan(),
        Pace::Lan => Settings::lan(),
    }
}

/// The file with the log of a node. A number is never used again, nor is the file.
fn log_file(app: &App, id: u64) -> PathBuf {
    app.config.data.join(format!("network-{id}.log"))
}

/// A node that was started.
struct Started {
    node: Node,
    tls: Tls,
}

async fn start(app: &App, record: &NodeRecord, settings: Settings) -> Result<Started, Failure> {
    let identity = Identity::from_pem(record.certificate.as_bytes(), record.key.as_bytes())?;
    let tls = Tls::new(record.id, identity)?;
    for other in &record.others {
        tls.trust(other.id, consensus::order::Pin(other.certificate));
    }
    crate::private::folder(&app.config.data)?;
    let (file, machine) = (log_file(app, record.id), Arc::new(app.store.machine()));
    match machine.position().await? {
        None => Box::pin(machine.clear_current()).await?,
        Some(_) if !file.exists() => return Err(LOG_GONE.into()),
        Some(_) => {}
    }
    let log = open_log(&file, record.id).await?;
    #[cfg(unix)]
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let confirmed = Box::pin(members::confirmed(app, &tls, record.id)).await;
    // A leader may have applied what others had before its own log had it.
    let last = log.last().max(machine.digests().map_or(0, |digests| digests.index));
    if last < confirmed {
        return Err(format!(
            "the log ends with entry {last}, and this node confirmed entry {confirmed} to others: its data is an old copy. Going \
             on would lose what it confirmed; ask a member for an invitation, and join again with `taxii-server network join`"
        )
        .into());
    }
    let clock = Arc::clone(app.store.clock());
    let clock = Arc::new(move || u64::try_from(clock.now_micros()).unwrap_or_default());
    let node =
        consensus::order::Node { id: record.id, settings, clock, machine, log, transport: tls.clone() };
    Ok(Started { node: Box::pin(Raft::start(node)).await?, tls })
}

/// Opens the log; a node that has just stopped may hold it for a moment.
async fn open_log(file: &Path, id: u64) -> Result<Log<TokioTypes, Threads>, LogError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match Log::open(file, id).await {
            Err(_) if attempt < OPEN_ATTEMPTS => tokio::time::sleep(Duration::from_millis(100)).await,
            opened => return opened,
        }
    }
}

/// Has the first node of a network order its founding. The node stops afterwards; [`keep`] runs it.
pub(crate) async fn found(
    app: &App,
    membership: NewMembership,
    founding: Founding,
    secret: Secret,
) -> Result<(), ApiError> {
    if app.store.membership().is_some() {
        return Err(
            StoreError::from(Rejection::Membership("this server is a member of a network already")).into()
        );
    }
    let turn = app.node_turn.lock().await;
    app.store.enter(membership).await?;
    let ordered = order_founding(app, founding, secret).await;
    drop(turn);
    app.node_changed.notify_one();
    ordered?;
    // Others are invited next, and are to find it. Where no server runs, it starts with the server.
    let deadline = Instant::now() + FOUNDING;
    while app.keeps_node.load(Ordering::Relaxed) && app.store.node().is_none() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn order_founding(app: &App, founding: Founding, secret: Secret) -> Result<(), ApiError> {
    let record = app.store.node_record().await?.ok_or(ApiError::NotFound("node"))?;
    // What an attempt left that was broken off.
    match std::fs::remove_file(log_file(app, FIRST_NODE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(ApiError::Internal(error.into()));
        }
        _ => {}
    }
    let Started { node, tls } = start(app, &record, Settings::lan()).await.map_err(ApiError::Internal)?;
    let founded = async {
        let peer = Peer { address: record.address.clone(), pin: tls.pin() };
        node.initialize(peer).await.map_err(|error| ApiError::Internal(error.into()))?;
        loop {
            let command = Command::Found { founding: founding.clone(), secret };
            match node.submit(command).await {
                Ok(ordered) => {
                    let refused = |refusal: consensus::Refusal| StoreError::Refused(refusal.into()).into();
                    break ordered.result.map(|_| ()).map_err(refused);
                }
                // It is elected in a moment.
                Err(SubmitError::NoLeader { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(error) => break Err(StoreError::from(error).into()),
            }
        }
    };
    let founded = tokio::time::timeout(FOUNDING, founded).await;
    node.shutdown().await;
    founded.map_err(|_| ApiError::Internal("the node did not order the founding in time".into()))?
}

/// How the node of this server stands, in words for its operator.
pub(crate) async fn standing(app: &App) -> Result<String, StoreError> {
    let Some(own) = app.store.membership().and_then(|membership| membership.node) else {
        return Ok("none: this server keeps the log alone".to_owned());
    };
    let left =
        members::members(app).await?.into_iter().find(|node| node.id == own).and_then(|node| node.left);
    if let Some(entry) = left.or(app.store.left()) {
        return Ok(format!("{own}, which left the network by entry {entry}: nothing reaches it any more"));
    }
    let Some(node) = app.store.node() else {
        return Ok(format!("{own}, which does not run: {}", app.store.node_failure()));
    };
    let status = node.status();
    Ok(match status.leader {
        Some(leader) if leader == own && status.has_majority => format!("{own}, which leads"),
        Some(leader) if status.has_majority => format!("{own}, which follows node {leader}"),
        _ => {
            format!("{own}, which hears of no majority of the nodes: nothing can be proposed or decided now")
        }
    })
}

/// Makes the node of this server the only one that keeps the log, when most others are gone for good.
pub(crate) async fn recover(app: &App) -> Result<(), ApiError> {
    let missing = Rejection::Membership("this server has no node");
    let record = app.store.node_record().await?.ok_or(StoreError::from(missing))?;
    if let Some(node) = app.store.node() {
        // The last one that led may still take itself for the leader.
        if let Ok(Ok(_)) = tokio::time::timeout(BARRIER, node.read_barrier()).await {
            let reason = "most nodes work, so there is nothing to recover from".to_owned();
            return Err(ApiError::Conflict(reason));
        }
        node.shutdown().await;
    }
    // The node has stopped when its turn is over.
    let _turn = app.node_turn.lock().await;
    let recovered = async {
        let identity = Identity::from_pem(record.certificate.as_bytes(), record.key.as_bytes())?;
        let peer = Peer { address: record.address.clone(), pin: identity.pin() };
        let mut log = open_log(&log_file(app, record.id), record.id).await?;
        Ok::<_, Failure>(log.recover(record.id, peer).await?)
    };
    let index = recovered.await.map_err(ApiError::Internal)?;
    tracing::warn!(node = record.id, index, "this node goes on alone");
    app.node_changed.notify_one();
    Ok(())
}

/// Runs the node of this server without end, as soon as it has one. [`Server`](crate::serve::Server) does it by itself; an
/// application that nests [`router::service`](crate::router::service) spawns it.
pub async fn keep(app: Arc<App>) {
    app.keeps_node.store(true, Ordering::Relaxed);
    loop {
        let pause = match keep_once(&app).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "the node of this server does not run");
                app.store.set_node_failure(error.to_string());
                RESTART
            }
        };
        let _ = tokio::time::timeout(pause, app.node_changed.notified()).await;
    }
}

/// Runs the node until it stops, or asks whether there is one now. It returns the time until there is more to do.
async fn keep_once(app: &Arc<App>) -> Result<Duration, Failure> {
    let _turn = app.node_turn.lock().await;
    invitation::ask_again(app).await;
    let Some(record) = app.store.node_record().await? else { return Ok(ASK) };
    if app.store.check_fence().is_err() {
        return Ok(ASK);
    }
    if app.store.membership().is_none() && record.id == FIRST_NODE {
        // The founding was broken off, and can be made again.
        return Ok(ASK);
    }
    run(app, &record).await?;
    tracing::info!(node = record.id, "the node of this server has stopped");
    Ok(RESTART)
}

/// Runs the node until it stops.
async fn run(app: &Arc<App>, record: &NodeRecord) -> Result<(), Failure> {
    let Some(listen) = &app.config.network.listen else {
        return Err("the setting network.listen is missing, so other nodes cannot reach this one".into());
    };
    let listener = bind(listen, NetworkConfig::PORT, Unnamed::All, "network.listen").await?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let Started { node, tls } = start(app, record, settings(app)).await?;
    app.store.set_node(Some(Arc::new(node.clone())));
    app.tls.store(Some(Arc::new(tls.clone())));
    let address = listener.local_addr()?;
    tracing::info!(node = record.id, %address, "the node of this server listens");
    let door = Arc::new(door::Answers::new(Arc::downgrade(app)));
    let stopped = tokio::select! {
        () = tls.serve(listener, node.clone(), Some(door)) => None,
        () = members::keep(app, &node, &tls) => None,
        () = attest::keep(app, &tls) => None,
        () = invitation::wait(app, record.id) => None,
        stopped = node.stopped() => stopped,
    };
    app.store.set_node(None);
    app.tls.store(None);
    node.shutdown().await;
    stopped.map_or(Ok(()), |reason| Err(reason.into()))
}
