//! What nodes say of their logs, to each other.
//!
//! Each node signs what its log came to, and shows it to all others, past the one that leads. A node that differs from what most
//! nodes hold stops serving the network, because it cannot know what was approved; it repairs nothing, and joins again as
//! another node. Both signed statements are kept, since they prove which of two nodes says what.

use super::door::Question;
use super::members::members;
use crate::app::App;
use crate::private;
use crate::store::{Digests, Membership, StoreError};
use consensus::evidence::{
    Checkpoint, Note, NoteSignature, SignatureType, TreeHead, VerifierKey, nodes_of_root, root_of,
};
use consensus::order::{Peer, Pin, Tls};
use consensus::statement::Attest;
use consensus::{Command, Envelope, Node, PROTOCOL, Reader};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Time between two attestations.
const EVERY: Duration = Duration::from_secs(10);
/// Time between two attestations in the log, where entries came in between.
const LOGGED: Duration = Duration::from_secs(600);
/// Time for the answer of a node.
const WITHIN: Duration = Duration::from_secs(5);
/// Time for cosignatures, while a client waits for them.
const COSIGN: Duration = Duration::from_secs(2);

/// What another node says to an attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub(super) enum Verdict {
    /// It holds the same.
    Same,
    /// It cannot say: it has not applied the entry, or long ago.
    Unknown,
    /// It holds something else, and signs that.
    Other {
        /// Its own attestation at the same entry.
        envelope: Envelope,
    },
}

/// Compares with the other nodes, until this one turns out to be different.
pub(super) async fn keep(app: &Arc<App>, tls: &Tls) {
    let mut logged = (Instant::now(), 0);
    while app.store.check_fence().is_ok() {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = installed(app) => {}
        }
        if let Err(error) = log(app, &mut logged).await {
            tracing::debug!(%error, "what this node says of its log is not in the log yet");
        }
        if let Err(error) = attest(app, tls).await {
            tracing::warn!(%error, "this node cannot compare its log with that of others");
        }
    }
}

/// Waits until a state comes from another node: what it holds is compared with the others at once.
async fn installed(app: &App) {
    match app.store.node() {
        Some(node) => node.machine().installed().await,
        None => std::future::pending().await,
    }
}

/// Puts an attestation into the log now and then, and at once when this node speaks another protocol than before.
async fn log(app: &App, (since, last): &mut (Instant, u64)) -> Result<(), StoreError> {
    let Some((membership, digests)) = latest(app).await? else { return Ok(()) };
    let nodes = members(app).await?;
    let Some(own) = nodes.iter().find(|node| Some(node.id) == membership.node && node.is_present()) else {
        return Ok(());
    };
    // Attestations of all nodes are entries, too.
    let has_entries = digests.index > *last + 2 * nodes.len() as u64;
    if own.protocol == PROTOCOL && !(has_entries && since.elapsed() >= LOGGED) {
        return Ok(());
    }
    let envelope = membership.attest(&digests, app.store.clock().now_micros());
    *last = app.store.order(Command::Attest(envelope)).await?;
    *since = Instant::now();
    Ok(())
}

async fn attest(app: &Arc<App>, tls: &Tls) -> Result<(), StoreError> {
    let Some((membership, digests)) = latest(app).await? else { return Ok(()) };
    let envelope = membership.attest(&digests, app.store.clock().now_micros());
    let others = others(app, &membership).await?;
    let questions =
        others.iter().map(|other| ask(tls, other, Question::Attest { envelope: envelope.clone() }));
    let answers = join_all(questions).await;
    let mut differing = Vec::new();
    for (other, answer) in others.iter().zip(answers) {
        let verdict =
            answer.and_then(|answer| serde_json::from_slice(&answer).map_err(|error| error.to_string()));
        match verdict {
            Ok(Verdict::Other { envelope: theirs }) => {
                if let Some(held) = differs(&digests, other, &theirs) {
                    report(app, other, &digests, [&envelope, &theirs]);
                    differing.push(held);
                }
            }
            Ok(Verdict::Same | Verdict::Unknown) => {}
            Err(reason) => tracing::debug!(node = other.id, %reason, "a node does not say what it holds"),
        }
    }
    // Most nodes hold the same, and it is another thing than what this one does.
    let total = others.len() + 1;
    let most = total / 2 + 1;
    if differing.iter().any(|held| differing.iter().filter(|other| *other == held).count() >= most) {
        let index = digests.index;
        app.store
            .fence_network(&format!(
                "at entry {index} of the log, most nodes hold something else than this one, so it does not serve the network \
                 any more; find out why, then let this server join again as a new node (taxii-server network join)"
            ))
            .await?;
    }
    Ok(())
}

/// The membership, and what the log came to: on the disk, because others expect of this node from then on that it has what it
/// attests.
async fn latest(app: &App) -> Result<Option<(Arc<Membership>, Digests)>, StoreError> {
    let digests = app.store.node().and_then(|node| node.machine().digests());
    let (Some(membership), Some(digests)) = (app.store.membership(), digests) else { return Ok(None) };
    app.store.settle().await?;
    Ok(Some((membership, digests)))
}

async fn others(app: &App, membership: &Membership) -> Result<Vec<Node>, StoreError> {
    let mut found = members(app).await?;
    found.retain(|node| node.is_present() && Some(node.id) != membership.node);
    Ok(found)
}

pub(super) async fn ask(tls: &Tls, node: &Node, question: Question) -> Result<Vec<u8>, String> {
    let peer = Peer { address: node.address.clone(), pin: Pin(node.certificate) };
    let question = serde_json::to_vec(&question).map_err(|error| error.to_string())?;
    let answer = tls.ask(&peer, question.into(), WITHIN).await;
    answer.map(|answer| answer.to_vec()).map_err(|error| error.to_string())
}

/// What another node holds at the same entry, when it is something else and it signs that.
fn differs(own: &Digests, node: &Node, envelope: &Envelope) -> Option<Digests> {
    let held = read(node, envelope).ok().filter(|held| held.index == own.index)?;
    (held != *own).then_some(held)
}

/// Reads what a node signed.
fn read(node: &Node, envelope: &Envelope) -> Result<Digests, String> {
    let attest: Attest = envelope.read().map_err(|error| error.to_string())?;
    let is_theirs = attest.node == node.id && attest.organisation == node.organisation;
    if !is_theirs || !envelope.is_signed_by(&node.log_key) {
        return Err("the attestation is signed by another node".to_owned());
    }
    let head = TreeHead { size: attest.tree_size, root: attest.tree_root };
    let Attest { index, entries, effects, state, .. } = attest;
    Ok(Digests { index, entries, effects, state, head })
}

/// Tells the operator, and keeps the proof.
fn report(app: &App, node: &Node, own: &Digests, proof: [&Envelope; 2]) {
    let (index, other) = (own.index, node.id);
    app.store.note_difference();
    tracing::error!(
        node = other,
        address = node.address,
        index,
        "this node holds another log or state than this one at an entry: one of the two was changed, or was sent something else"
    );
    let file = app.config.data.join(format!("difference-{index}-{other}.json"));
    if !file.exists() {
        let [own, other] = proof.map(Envelope::to_json);
        if let Err(error) = private::write(&file, format!("[{own},\n{other}]\n").as_bytes()) {
            tracing::warn!(%error, "the signed statements of both nodes cannot be kept");
        }
    }
}

/// Compares what another node says with what this one holds.
pub(super) async fn compare(app: &App, node: &Node, envelope: &Envelope) -> Result<Verdict, String> {
    let theirs = read(node, envelope)?;
    app.store.note_attested(node.id, theirs.index);
    let running = app.store.node().zip(app.store.membership());
    let Some((running, membership)) = running else { return Ok(Verdict::Unknown) };
    let Some(own) = running.machine().digests_at(theirs.index) else { return Ok(Verdict::Unknown) };
    if own == theirs {
        return Ok(Verdict::Same);
    }
    let statement = membership.attest(&own, app.store.clock().now_micros());
    report(app, node, &own, [&statement, envelope]);
    Ok(Verdict::Other { envelope: statement })
}

/// Cosigns a checkpoint of another node, when the tree of this one was the same at that size.
pub(super) async fn cosign(app: &App, node: &Node, checkpoint: &str) -> Result<String, String> {
    let membership = app.store.membership().ok_or("this server is no member of a network")?;
    let note: Note = checkpoint.parse().map_err(|error: consensus::evidence::NoteError| error.to_string())?;
    let key = membership.log_key_of(&node.log_key).ok_or("the log has no name")?;
    note.verify([&key]).map_err(|error| error.to_string())?;
    let checkpoint: Checkpoint =
        note.text().parse().map_err(|error: consensus::evidence::CheckpointError| error.to_string())?;
    let head = checkpoint.head();
    if checkpoint.origin() != membership.origin() {
        return Err("the checkpoint is of another log".to_owned());
    }
    match head_at(app, head.size).await.map_err(|error| error.to_string())? {
        None => Err("this node has not applied as much yet".to_owned()),
        Some(own) if own == *head => {
            let seconds = u64::try_from(app.store.clock().now_micros() / 1_000_000).unwrap_or_default();
            let signature =
                membership.cosign(&checkpoint, seconds).ok_or("the checkpoint cannot be cosigned")?;
            Ok(signature.to_string())
        }
        Some(own) => {
            app.store.note_difference();
            let (node, size) = (node.id, head.size);
            tracing::error!(node, size, theirs = %head.root, own = %own.root, "a node shows another transparency log");
            Err(format!("the transparency log of this node has another root at size {size}: {}", own.root))
        }
    }
}

/// The transparency log as it was at a size; `None` when it is not as large.
async fn head_at(app: &App, size: u64) -> Result<Option<TreeHead>, StoreError> {
    let view = app.store.network().await?;
    let reader = Reader::new(&view);
    let Some(ledger) = reader.ledger().await?.filter(|ledger| ledger.tree.size() >= size) else {
        return Ok(None);
    };
    if ledger.tree.size() == size {
        return Ok(Some(ledger.tree.head()));
    }
    let hashes = reader.hashes(nodes_of_root(size)).await?;
    Ok(root_of(size, &|node| hashes.get(&node).copied()))
}

/// Asks the other nodes to cosign the checkpoint of this one, unless they did. Clients get what came in time.
pub(crate) async fn gather(app: &App) -> Result<(), StoreError> {
    let (Some(membership), Some(tls)) = (app.store.membership(), app.tls.load_full()) else { return Ok(()) };
    let view = app.store.network().await?;
    let Some(ledger) = Reader::new(&view).ledger().await? else { return Ok(()) };
    let head = ledger.tree.head();
    if app.store.cosigned().is_some_and(|cosigned| cosigned.is_of(&head)) {
        return Ok(());
    }
    let Some(note) = app.store.checkpoint(head) else { return Ok(()) };
    let others = others(app, &membership).await?;
    let (note, tls) = (note.to_string(), &tls);
    let asked = others.iter().map(|other| async {
        let answer = ask(tls, other, Question::Cosign { checkpoint: note.clone() });
        let answer = tokio::time::timeout(COSIGN, answer).await.ok()?;
        let line: String = serde_json::from_slice(&answer.ok()?).ok()?;
        let signature: NoteSignature = line.parse().ok()?;
        let name = membership.witness_name(other.id)?;
        let key = VerifierKey::new(name, SignatureType::Cosignature, other.log_key).ok()?;
        // What another node sends goes to clients, so it is checked first.
        let mut cosigned: Note = note.parse().ok()?;
        cosigned.add(signature.clone()).ok()?;
        cosigned.verify([&key]).ok()?;
        Some(signature)
    });
    let signatures: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
    let is_whole = signatures.len() == others.len();
    app.store.set_cosigned(head, signatures, is_whole);
    Ok(())
}
