//! How a server becomes a node: a member invites it with one line, it asks to join, and the organisations vote.
//!
//! The line names a node of the network and its certificate, and holds a token for one use. The server that joins shows the
//! token to that node with what is to be voted on: its organisation, its keys, its address. Nothing secret leaves it.

use super::door::Question;
use super::{NodeKeys, members};
use crate::app::App;
use crate::store::{NewMembership, NodeRecord, OtherNode, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use consensus::order::{AskError, Identity, Peer, Pin, ask};
use consensus::{
    Action, Digest, NetworkId, NewKey, NewOrganisation, OrganisationId, PublicKey, Reader, Role,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Begins the line of an invitation.
const PREFIX: &str = "concord1.";
/// The invitations of this server.
const INVITATIONS: &str = "invitations";
/// What this server asked, when it wants to join.
const JOINING: &str = "joining";
/// Most invitations at a time.
const MAX_INVITATIONS: usize = 100;
/// Most bytes of what a server asks for.
const MAX_APPLICATION_BYTES: usize = 16 << 10;
/// Time for an answer.
const WITHIN: Duration = Duration::from_secs(10);

/// What the operator of a server that is to join gets: one line of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invitation {
    /// The network.
    pub(crate) network: NetworkId,
    /// Its name.
    pub(crate) name: String,
    /// Where the node that invites is reached.
    address: String,
    /// SHA-256 of its certificate.
    certificate: Digest,
    token: String,
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(self).map_err(|_| fmt::Error)?;
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(json))
    }
}

impl FromStr for Invitation {
    type Err = InvitationError;

    fn from_str(line: &str) -> Result<Self, InvitationError> {
        let line: String = line.split_whitespace().collect();
        let json = line.strip_prefix(PREFIX).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        json.and_then(|json| serde_json::from_slice(&json).ok()).ok_or(InvitationError::Line)
    }
}

/// Why an invitation is not made, or leads to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvitationError {
    /// It is no invitation.
    #[error(
        "this is no invitation: it is one line that begins with {PREFIX}, as `taxii-server network invite` prints it"
    )]
    Line,
    /// There is no node here.
    #[error(
        "this server has no node: set network.listen to an address that the servers of other organisations reach, as \
         0.0.0.0:6102, then start it again"
    )]
    NoNode,
    /// The log of the network is kept by one server.
    #[error(
        "this server keeps the log of its network alone, so no other can join: found a network with network.listen set"
    )]
    Standalone,
    /// There is no network here.
    #[error("this server is no member of a network; found one first")]
    NoNetwork,
    /// The server is a member.
    #[error("this server is a member of another network, or keeps the log of its network alone")]
    Member,
    /// There are too many invitations.
    #[error("{MAX_INVITATIONS} invitations are open, which is the most; old ones end by their time")]
    TooMany,
    /// The other node does not answer as it should.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The keys of the node cannot be made or used.
    #[error("the keys of the node cannot be made: {0}")]
    Keys(String),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An invitation, as the server keeps it that made it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Invited {
    /// Digest of the token.
    token: Digest,
    /// For whom it is.
    pub(crate) label: String,
    /// Microseconds since 1970 at which it ends.
    pub(crate) expires: i64,
    application: Option<NewOrganisation>,
}

/// A server that asks to join.
pub(crate) struct Application {
    /// A name for it.
    pub(crate) id: String,
    /// The words of the invitation.
    pub(crate) label: String,
    /// What the organisations are to vote on.
    pub(crate) action: Action,
}

/// What this server asked for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Joining {
    pub(crate) invitation: Invitation,
    pub(crate) api_root: String,
    new: NewOrganisation,
    certificate: String,
    key: String,
    submit_key: [u8; 32],
    log_key: [u8; 32],
}

/// What a server that wants to join is told.
#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(super) enum Answer {
    /// The organisations have not voted yet.
    Waiting,
    /// It is a node now.
    Admitted { node: u64, organisation: OrganisationId, others: Vec<OtherNode> },
    /// What became of the node that asks.
    Standing {
        /// The entry by which it left.
        left: Option<u64>,
        /// The last entry that it is known to have confirmed.
        has: u64,
    },
}

async fn read<T: for<'de> Deserialize<'de>>(app: &App, name: &str) -> Result<Option<T>, StoreError> {
    let found = app.store.note(name).await?;
    found.map(|bytes| serde_json::from_slice(&bytes).map_err(|_| StoreError::Corrupt("a note"))).transpose()
}

fn list(value: Option<&Bytes>, now: i64) -> Vec<Invited> {
    let found: Vec<Invited> = value.and_then(|value| serde_json::from_slice(value).ok()).unwrap_or_default();
    found.into_iter().filter(|invited| invited.expires > now).collect()
}

fn encode<T: Serialize>(value: &T) -> Option<Bytes> {
    serde_json::to_vec(value).ok().map(Bytes::from)
}

fn digest_of(token: &str) -> Digest {
    Digest::of(&[b"concord/invitation/v1\0", token.as_bytes()])
}

/// Makes an invitation.
pub(crate) async fn invite(
    app: &App,
    label: String,
    lifetime: Duration,
) -> Result<(Invitation, i64), InvitationError> {
    let membership = app.store.membership().ok_or(InvitationError::NoNetwork)?;
    let Some(record) = app.store.node_record().await? else { return Err(InvitationError::Standalone) };
    let mut token = [0; 16];
    getrandom::fill(&mut token).map_err(|error| InvitationError::Keys(error.to_string()))?;
    let token = URL_SAFE_NO_PAD.encode(token);
    let identity = Identity::from_pem(record.certificate.as_bytes(), record.key.as_bytes());
    let identity = identity.map_err(|error| InvitationError::Keys(error.to_string()))?;
    let now = app.store.clock().now_micros();
    let expires = now.saturating_add(i64::try_from(lifetime.as_micros()).unwrap_or(i64::MAX));
    let invited = Invited { token: digest_of(&token), label, expires, application: None };
    if list(app.store.note(INVITATIONS).await?.as_ref(), now).len() >= MAX_INVITATIONS {
        return Err(InvitationError::TooMany);
    }
    let add = |before: Option<&Bytes>| {
        let mut all = list(before, now);
        all.push(invited.clone());
        encode(&all)
    };
    app.store.change_note(INVITATIONS, add).await?;
    let invitation = Invitation {
        network: membership.network,
        name: label_of_network(app).await?,
        address: record.address,
        certificate: identity.pin().0,
        token,
    };
    Ok((invitation, expires))
}

/// The title of the API root of the network, for people.
async fn label_of_network(app: &App) -> Result<String, StoreError> {
    let directory = app.store.directory();
    let membership = directory.membership.as_ref();
    let root = membership.and_then(|found| directory.api_roots.get(&found.api_root));
    Ok(root.map_or_else(String::new, |root| root.title.clone()))
}

/// Takes what a server asks for that shows the token of an invitation.
pub(super) async fn apply(app: &App, token: &str, new: NewOrganisation) -> Result<Answer, String> {
    let size = serde_json::to_vec(&new).map_or(usize::MAX, |json| json.len());
    if size > MAX_APPLICATION_BYTES {
        return Err(format!("the application has more than {MAX_APPLICATION_BYTES} bytes"));
    }
    let (now, token) = (app.store.clock().now_micros(), digest_of(token));
    let failed = |error: StoreError| {
        tracing::warn!(%error, "an application cannot be kept");
        "the node cannot keep the application now; try again later".to_owned()
    };
    let all = list(app.store.note(INVITATIONS).await.map_err(failed)?.as_ref(), now);
    let Some(invited) = all.iter().find(|invited| invited.token == token) else {
        return Err("there is no such invitation, or its time is over; ask for a new one".to_owned());
    };
    match &invited.application {
        Some(before) if *before == new => return Ok(Answer::Waiting),
        Some(_) => return Err("another server has used this invitation; ask for a new one".to_owned()),
        None => {}
    }
    tracing::info!(organisation = new.name, "a server asks to join the network");
    let change = |before: Option<&Bytes>| {
        let mut all = list(before, now);
        for invited in
            all.iter_mut().filter(|invited| invited.token == token && invited.application.is_none())
        {
            invited.application = Some(new.clone());
        }
        encode(&all)
    };
    app.store.change_note(INVITATIONS, change).await.map_err(failed)?;
    Ok(Answer::Waiting)
}

/// The servers that ask to join, with what is to be voted on.
pub(crate) async fn applications(app: &App) -> Result<Vec<Application>, StoreError> {
    let now = app.store.clock().now_micros();
    let all = list(app.store.note(INVITATIONS).await?.as_ref(), now);
    if all.iter().all(|invited| invited.application.is_none()) {
        return Ok(Vec::new());
    }
    let view = app.store.network().await?;
    let organisations = Reader::new(&view).organisations().await?;
    let nodes = members::members(app).await?;
    let mut applications = Vec::new();
    for Invited { token, label, application, .. } in all {
        let Some(new) = application else { continue };
        let Some(node) = new.node.clone() else { continue };
        if nodes.iter().any(|found| found.certificate == node.certificate) {
            continue;
        }
        // A member whose key votes already gets a node; others become members with it.
        let has_key = |public: PublicKey| new.keys.iter().any(|key| key.public == public);
        let member = organisations.iter().filter(|found| found.is_member()).find(|found| {
            found.keys.iter().any(|key| key.role == Role::Vote && key.until.is_none() && has_key(key.public))
        });
        let action = match member {
            Some(member) => Action::AddNode { organisation: member.id, node },
            None => Action::AddOrganisation { new },
        };
        applications.push(Application { id: token.to_string()[..12].to_owned(), label, action });
    }
    Ok(applications)
}

/// Asks to join a network. What comes of it is asked for again and again, see [`ask_again`].
pub(crate) async fn join(
    app: &App,
    line: &str,
    organisation: String,
    vote_key: PublicKey,
    api_root: String,
) -> Result<Invitation, InvitationError> {
    let invitation: Invitation = line.parse()?;
    let address = super::address(&app.config.network).ok_or(InvitationError::NoNode)?;
    if let Some(membership) = app.store.membership() {
        // A member that joins again gets another node in the place of the one that it has.
        if membership.node.is_none() || membership.network != invitation.network {
            return Err(InvitationError::Member);
        }
    }
    let before = joining(app).await?;
    let joining = match before.clone().filter(|before| before.invitation == invitation) {
        // The same line again is the same wish.
        Some(before) => before,
        None => Joining::new(app, invitation, organisation, vote_key, (address, api_root))?,
    };
    // Kept first, so that what was asked for is known here whatever happens.
    app.store.change_note(JOINING, |_| encode(&joining)).await?;
    match joining.ask().await {
        // It may have arrived.
        Ok(_) | Err(AskError::Late | AskError::Broken(_)) => {}
        Err(error) => {
            app.store.change_note(JOINING, |_| before.as_ref().and_then(encode)).await?;
            return Err(error.into());
        }
    }
    app.node_changed.notify_one();
    Ok(joining.invitation)
}

/// What this server asked for, while it waits.
pub(crate) async fn joining(app: &App) -> Result<Option<Joining>, StoreError> {
    read(app, JOINING).await
}

/// Asks again and again, until this server has another node than it had.
pub(super) async fn wait(app: &Arc<App>, node: u64) {
    loop {
        tokio::time::sleep(super::ASK).await;
        ask_again(app).await;
        if app.store.node_record().await.is_ok_and(|record| record.is_some_and(|record| record.id != node)) {
            return;
        }
    }
}

/// Asks what became of the wish to join, and enters the network when it was granted.
pub(super) async fn ask_again(app: &Arc<App>) {
    let asked = async {
        let Some(joining) = joining(app).await.map_err(|error| error.to_string())? else { return Ok(()) };
        match joining.ask().await.map_err(|error| error.to_string())? {
            Answer::Waiting | Answer::Standing { .. } => Ok(()),
            Answer::Admitted { node, organisation, others } => {
                tracing::info!(node, "this server was admitted to the network");
                let entered = joining.enter(app, node, organisation, others).await;
                entered.map_err(|error| error.to_string())
            }
        }
    };
    if let Err(reason) = asked.await {
        tracing::warn!(%reason, "this server waits to join its network");
    }
}

impl Joining {
    /// Makes the keys of a node, and what is asked for with them.
    fn new(
        app: &App,
        invitation: Invitation,
        name: String,
        vote_key: PublicKey,
        (address, api_root): (String, String),
    ) -> Result<Self, InvitationError> {
        let failed = |error: super::Failure| InvitationError::Keys(error.to_string());
        let keys = NodeKeys::new().map_err(failed)?;
        let node = Some(keys.node(address).map_err(failed)?);
        let keys_of_persons = vec![NewKey { public: vote_key, role: Role::Vote }];
        let id = OrganisationId(app.store.organisation());
        let new = NewOrganisation { id, name, keys: keys_of_persons, node };
        let NodeKeys { certificate, key, submit_key, log_key } = keys;
        Ok(Self { invitation, api_root, new, certificate, key, submit_key, log_key })
    }

    async fn ask(&self) -> Result<Answer, AskError> {
        let broken = |error: &dyn fmt::Display| AskError::Broken(error.to_string());
        let identity = Identity::from_pem(self.certificate.as_bytes(), self.key.as_bytes());
        let identity = identity.map_err(|error| broken(&error))?;
        let Invitation { address, certificate, token, .. } = &self.invitation;
        let peer = Peer { address: address.clone(), pin: Pin(*certificate) };
        let question = Question::Join { token: token.clone(), new: self.new.clone() };
        let question = serde_json::to_vec(&question).map_err(|error| broken(&error))?;
        let answer = ask(&identity, &peer, question.into(), WITHIN).await?;
        serde_json::from_slice(&answer).map_err(|error| broken(&error))
    }

    async fn enter(
        self,
        app: &App,
        id: u64,
        organisation: OrganisationId,
        mut others: Vec<OtherNode>,
    ) -> Result<(), StoreError> {
        let Self { invitation, api_root, new, certificate, key, submit_key, log_key } = self;
        let address = new.node.map(|node| node.address).unwrap_or_default();
        others.retain(|other| other.id != id);
        let node = Some(NodeRecord { id, address, certificate, key, others });
        let network = invitation.network;
        let new = NewMembership { network, api_root, organisation, submit_key, log_key, node };
        app.store.enter(new).await?;
        app.store.change_note(JOINING, |_| None).await
    }
}
