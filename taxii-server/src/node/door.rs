//! What this node answers to others beside the order of commands.

use super::invitation::{self, Answer};
use super::members::members;
use crate::app::App;
use crate::store::OtherNode;
use bytes::Bytes;
use consensus::order::{Caller, Door, Pin};
use consensus::{Digest, Envelope, NewOrganisation, Node};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Weak};

/// What nodes, and servers that want to join, ask each other.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Question {
    /// A server wants to join, or asks what became of that.
    Join {
        /// What the invitation holds that no one can guess.
        token: String,
        /// Its organisation, with its node.
        new: NewOrganisation,
    },
    /// A node says what its log came to, and asks what this one holds at the same entry.
    Attest {
        /// A signed [`Attest`](consensus::statement::Attest).
        envelope: Envelope,
    },
    /// A node that hears of no others asks whether it is one still.
    Standing,
    /// A node asks for a cosignature of a checkpoint of its own.
    Cosign {
        /// The signed checkpoint.
        checkpoint: String,
    },
}

/// The door of this node.
pub(super) struct Answers(Weak<App>);

impl Answers {
    pub(super) fn new(app: Weak<App>) -> Self {
        Self(app)
    }

    async fn find(&self, from: Caller, question: &[u8]) -> Result<Bytes, String> {
        let app = self.0.upgrade().ok_or("the server is stopping")?;
        let question = serde_json::from_slice(question)
            .map_err(|error| format!("the question cannot be read, it may be of another version: {error}"))?;
        let failed = |error: crate::store::StoreError| {
            tracing::warn!(%error, "a question of another node has no answer");
            "the node cannot read its store now; try again later".to_owned()
        };
        let members = members(&app).await.map_err(failed)?;
        match question {
            Question::Join { token, new } => encode(&join(&app, &members, from, &token, new).await?),
            Question::Standing => {
                let found = members.iter().find(|member| is_of(member, from));
                let found = found.ok_or("this node is not known here")?;
                // What one says that led before may have been taken back since.
                let status = app.store.node().map(|node| node.status()).filter(|status| status.has_majority);
                let matched = status.and_then(|status| status.matched.get(&found.id).copied());
                let has = matched.unwrap_or_default().max(app.store.attested(found.id));
                encode(&Answer::Standing { left: found.left, has })
            }
            Question::Attest { envelope } => {
                let node = sender(&members, from)?;
                encode(&super::attest::compare(&app, node, &envelope).await?)
            }
            Question::Cosign { checkpoint } => {
                let node = sender(&members, from)?;
                encode(&super::attest::cosign(&app, node, &checkpoint).await?)
            }
        }
    }
}

fn sender(members: &[Node], from: Caller) -> Result<&Node, String> {
    let Caller::Node(id) = from else { return Err("this is for nodes of the network".to_owned()) };
    let found = members.iter().find(|member| member.id == id && member.is_present());
    found.ok_or_else(|| format!("node {id} is none of the network"))
}

fn encode(answer: &impl Serialize) -> Result<Bytes, String> {
    serde_json::to_vec(answer).map(Bytes::from).map_err(|error| error.to_string())
}

impl Door for Answers {
    fn answer(&self, from: Caller, question: Bytes) -> BoxFuture<'_, Result<Bytes, String>> {
        Box::pin(async move { self.find(from, &question).await })
    }
}

/// Whether a node is the one that asks.
fn is_of(member: &Node, from: Caller) -> bool {
    match from {
        Caller::Node(id) => member.id == id,
        Caller::Guest(Pin(certificate)) => member.certificate == certificate,
    }
}

async fn join(
    app: &Arc<App>,
    members: &[Node],
    from: Caller,
    token: &str,
    new: NewOrganisation,
) -> Result<Answer, String> {
    if let Some(node) = members.iter().find(|member| is_of(member, from)) {
        if !node.is_present() {
            return Err("this node has left the network; ask for a new invitation, and join again".to_owned());
        }
        let others = members.iter().filter(|other| other.is_present() && other.id != node.id);
        let others = others.map(|other| OtherNode {
            id: other.id,
            address: other.address.clone(),
            certificate: other.certificate,
        });
        return Ok(Answer::Admitted {
            node: node.id,
            organisation: node.organisation,
            others: others.collect(),
        });
    }
    let certificate: Option<Digest> = new.node.as_ref().map(|node| node.certificate);
    match from {
        Caller::Guest(Pin(shown)) if certificate == Some(shown) => invitation::apply(app, token, new).await,
        _ => Err("the certificate of the node is another one than that of the connection".to_owned()),
    }
}
