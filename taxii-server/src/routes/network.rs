//! The network: what its organisations propose, and their votes.

pub(crate) mod nodes;
pub(crate) mod resource;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{AccountAt, Administrator, LogPath, PolicyPath, ProposalPath};
use crate::node::{self, NodeKeys};
use crate::openapi::{AdminFailures, NetworkFailures};
use crate::rights::{Access, Action, Decision, Principal, Resource, decide};
use crate::routes::admin::{AdminBody, json};
use crate::store::{
    ApiRoot, CollectionMode, DirectoryCommand, NetworkView, NewMembership, NodeRecord, StoreError, View,
};
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use consensus::evidence::{SignatureType, TilePath, VerifierKey};
use consensus::statement::{Govern, Revoke, Statement, Vote, Withdraw};
use consensus::{
    CollectionDefinition, Command, Envelope, FIRST_NODE, Filed, Founding, NewKey, NewOrganisation,
    OrganisationId, Policy, ProposalId, Reader, Role, Secret, SecretKey,
};
use resource::{
    NetworkCollection, NewNetwork, OrderedResource, OrganisationResource, ProposalResource, StateResource,
    VoteResource,
};
use serde::Deserialize;
use std::sync::Arc;
use stix_model::{StixId, Timestamp};
use utoipa::IntoParams;
use uuid::Uuid;

/// Largest body of a statement, in bytes: base64 makes it a third longer than the statement.
const MAX_BODY: usize = consensus::MAX_PAYLOAD_BYTES / 3 * 4 + (4 << 10);
/// Proposals on a page, where the request does not say.
const PAGE: usize = 100;

/// Found a network. Where `network.listen` is set, other servers can join its node; else this server alone keeps the log.
#[utoipa::path(post, path = "/admin/network/", tag = "Administration", request_body = NewNetwork,
    responses((status = 201, description = "The network", body = StateResource), AdminFailures))]
pub(crate) async fn found_network(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    AdminBody(new): AdminBody<NewNetwork>,
) -> Result<Response, ApiError> {
    add_root(&app, &administrator, &new.api_root, &new.name).await?;
    let keys = NodeKeys::new().map_err(ApiError::Internal)?;
    let (mut secret, mut nonce) = ([0; 32], [0; 16]);
    for bytes in [&mut secret[..], &mut nonce[..]] {
        getrandom::fill(bytes).map_err(|error| ApiError::Internal(error.to_string().into()))?;
    }
    let id = OrganisationId(app.store.organisation());
    let address = node::address(&app.config.network);
    let mut organisation = NewOrganisation {
        id,
        name: new.organisation,
        keys: vec![resource::vote_key(&new.vote_key)?],
        node: None,
    };
    match &address {
        Some(address) => organisation.node = Some(keys.node(address.clone()).map_err(ApiError::Internal)?),
        None => {
            let public = SecretKey::from_seed(&keys.submit_key).public();
            organisation.keys.insert(0, NewKey { public, role: Role::Submit });
        }
    }
    let organisations = [organisation].into_iter().chain(new.members).collect();
    let collection = |definition| {
        let definition =
            serde_json::to_string(&definition).map_err(|error| ApiError::Internal(error.into()))?;
        Ok(CollectionDefinition { collection: Uuid::new_v4(), definition })
    };
    let collections = new.collections.into_iter().map(collection).collect::<Result<_, ApiError>>()?;
    let policy = new.policy.unwrap_or_else(Policy::standard);
    let founding = Founding { name: new.name, organisations, collections, policy, nonce };
    let NodeKeys { certificate, key, submit_key, log_key } = keys;
    let node =
        address.map(|address| NodeRecord { id: FIRST_NODE, address, certificate, key, others: Vec::new() });
    let (network, api_root) = (founding.network(), new.api_root);
    let has_node = node.is_some();
    let membership = NewMembership { network, api_root, organisation: id, submit_key, log_key, node };
    match has_node {
        true => node::found(&app, membership, founding, Secret(secret)).await?,
        false => app.store.found(membership, founding, Secret(secret)).await?,
    }
    Ok(json(StatusCode::CREATED, state(&app).await?))
}

/// Adds the API root for the collections of a network, where it is missing.
async fn add_root(app: &App, administrator: &Administrator, name: &str, title: &str) -> Result<(), ApiError> {
    if app.store.directory().api_roots.contains_key(name) {
        return Ok(());
    }
    let (name, title) = (name.to_owned(), title.to_owned());
    let root = ApiRoot { name, title, description: None, is_default: false };
    administrator.change(app, DirectoryCommand::AddApiRoot(root)).await
}

/// Get what the log of the network came to.
#[utoipa::path(get, path = "/consensus/v1/state/", tag = "Network",
    responses((status = 200, description = "The state", body = StateResource), NetworkFailures))]
pub(crate) async fn get_state(State(app): State<Arc<App>>, _: AccountAt) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, state(&app).await?))
}

async fn state(app: &App) -> Result<StateResource, ApiError> {
    let view = app.store.network().await?;
    let reader = Reader::new(&view);
    let ledger = read(reader.ledger().await)?.ok_or(ApiError::NotFound("network"))?;
    let open = read(reader.open_proposals().await)?.len() as u64;
    let collections = read(reader.collections().await)?.into_iter().filter_map(|found| {
        let definition = serde_json::from_str(&found.definition).ok()?;
        let review = crate::store::review_id(found.collection);
        Some(NetworkCollection { id: found.collection, review, definition })
    });
    let organisation = app.store.membership().map_or(app.store.organisation(), |found| found.organisation.0);
    let standing = node::standing(app).await?;
    let digest = view.state_digest().await?;
    Ok(StateResource::new(&ledger, digest, organisation, standing, open, collections.collect()))
}

/// List the organisations of the network, those that left too.
#[utoipa::path(get, path = "/consensus/v1/organisations/", tag = "Network",
    responses((status = 200, description = "The organisations", body = Vec<OrganisationResource>), NetworkFailures))]
pub(crate) async fn get_organisations(
    State(app): State<Arc<App>>,
    _: AccountAt,
) -> Result<Response, ApiError> {
    let view = app.store.network().await?;
    let found = read(Reader::new(&view).organisations().await)?;
    Ok(json(StatusCode::OK, found.iter().map(OrganisationResource::from).collect::<Vec<_>>()))
}

/// Get a version of the policy: a number, or `current`.
#[utoipa::path(get, path = "/consensus/v1/policies/{version}/", tag = "Network", params(PolicyPath),
    responses((status = 200, description = "The policy", body = Object), NetworkFailures))]
pub(crate) async fn get_policy(
    State(app): State<Arc<App>>,
    _: AccountAt,
    PolicyPath { version }: PolicyPath,
) -> Result<Response, ApiError> {
    let view = app.store.network().await?;
    let reader = Reader::new(&view);
    let version = match &*version {
        "current" => read(reader.ledger().await)?.map(|ledger| ledger.policy),
        number => number.parse().ok(),
    };
    let missing = ApiError::NotFound("policy");
    let Some(version) = version else { return Err(missing) };
    Ok(json(StatusCode::OK, read(reader.policy(version).await)?.ok_or(missing)?))
}

/// The filters of a list of proposals.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProposalFilter {
    /// `open` for those that await votes; all, when left out.
    state: Option<String>,
    /// Only those about this collection.
    collection: Option<Uuid>,
    /// Only those that were made after this entry.
    after: Option<u64>,
    /// Maximum number of proposals.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// List proposals, in the order in which they were made, without their objects and votes. Those about objects are listed
/// for accounts that may read what awaits approval.
#[utoipa::path(get, path = "/consensus/v1/proposals/", tag = "Network", params(ProposalFilter),
    responses((status = 200, description = "The proposals", body = Vec<ProposalResource>), NetworkFailures))]
pub(crate) async fn get_proposals(
    State(app): State<Arc<App>>,
    account: AccountAt,
    Query(filter): Query<ProposalFilter>,
) -> Result<Response, ApiError> {
    let is_open = match filter.state.as_deref() {
        None => false,
        Some("open") => true,
        Some(_) => {
            let reason = "give `open`, or leave it out for all".to_owned();
            return Err(ApiError::Parameter { name: "state", reason });
        }
    };
    let view = app.store.network().await?;
    let reader = Reader::new(&view);
    let (limit, mut after) = (filter.limit.unwrap_or(PAGE).clamp(1, 1000), filter.after.unwrap_or(0));
    let is_wanted = |filed: &Filed, resource: &ProposalResource| {
        filter.collection.is_none_or(|wanted| resource.collection == Some(wanted))
            && may_see(account.principal(), filed, resource)
    };
    let mut found = Vec::new();
    if is_open {
        for id in read(reader.open_proposals().await)? {
            let filed = filed(&reader, id).await?;
            let resource = ProposalResource::new(&filed)?;
            if resource.index > after && is_wanted(&filed, &resource) {
                found.push(resource);
            }
        }
        found.sort_unstable_by_key(|resource| resource.index);
        found.truncate(limit);
        return Ok(json(StatusCode::OK, found));
    }
    while found.len() < limit {
        let page = read(reader.proposals(after, PAGE).await)?;
        if page.is_empty() {
            break;
        }
        for id in page {
            let filed = filed(&reader, id).await?;
            let resource = ProposalResource::new(&filed)?;
            after = resource.index;
            if found.len() < limit && is_wanted(&filed, &resource) {
                found.push(resource);
            }
        }
    }
    Ok(json(StatusCode::OK, found))
}

/// Get a proposal, with its objects while they await votes.
#[utoipa::path(get, path = "/consensus/v1/proposals/{proposal_id}/", tag = "Network", params(ProposalPath),
    responses((status = 200, description = "The proposal", body = ProposalResource), NetworkFailures))]
pub(crate) async fn get_proposal(
    State(app): State<Arc<App>>,
    account: AccountAt,
    ProposalPath { proposal_id }: ProposalPath,
) -> Result<Response, ApiError> {
    let view = app.store.network().await?;
    let reader = Reader::new(&view);
    let found = read(reader.proposal(proposal_id).await)?.ok_or(ApiError::NotFound("proposal"))?;
    let mut resource = ProposalResource::new(&found)?;
    if !may_see(account.principal(), &found, &resource) {
        return Err(ApiError::NotFound("proposal"));
    }
    for item in &mut resource.items {
        if let Some(text) = read(reader.text(proposal_id, item.item).await)? {
            let text = String::from_utf8(text.to_vec()).map_err(|_| StoreError::Corrupt("an object"))?;
            item.object = Some(resource::raw(text)?);
        }
    }
    for cast in &found.proposal.votes {
        let envelope = read(reader.vote(proposal_id, cast.organisation, cast.sequence).await)?;
        let envelope = envelope.ok_or(StoreError::Corrupt("a vote"))?;
        resource.votes.push(VoteResource::new(cast, &envelope)?);
    }
    Ok(json(StatusCode::OK, resource))
}

async fn filed(reader: &Reader<'_, NetworkView>, id: ProposalId) -> Result<Filed, ApiError> {
    Ok(read(reader.proposal(id).await)?.ok_or(StoreError::Corrupt("a proposal"))?)
}

/// Whether a principal may see what a proposal is about: changes of the network are for all accounts.
/// Those about objects are for accounts that may read what awaits approval, and for accounts of their submitter that may add
/// to the collection.
fn may_see(principal: &Principal, filed: &Filed, resource: &ProposalResource) -> bool {
    let is_own = filed.proposal.submitter.0 == principal.organisation;
    let may = |resource, may: fn(Access) -> bool| principal.access(resource).is_some_and(may);
    resource.collection.is_none_or(|collection| {
        may(Resource::Review(crate::store::review_id(collection)), |access| access.can_read)
            || is_own && may(Resource::Collection(collection), |access| access.can_write)
    })
}

fn read<T>(found: Result<T, consensus::StateError<StoreError>>) -> Result<T, ApiError> {
    Ok(found.map_err(StoreError::from)?)
}

/// The object that a proof is for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofQuery {
    /// The collection.
    collection: Uuid,
    /// The object.
    #[param(value_type = String)]
    id: StixId,
    /// Its version; the last one when left out.
    #[param(value_type = Option<String>)]
    version: Option<Timestamp>,
}

/// Get the proof that an object was approved: a bundle that `taxii verify` checks without any network.
#[utoipa::path(get, path = "/consensus/v1/proof/", tag = "Network", params(ProofQuery),
    responses((status = 200, description = "The proof", body = Object), NetworkFailures))]
pub(crate) async fn get_proof(
    State(app): State<Arc<App>>,
    account: AccountAt,
    Query(wanted): Query<ProofQuery>,
) -> Result<Response, ApiError> {
    let missing = || ApiError::NotFound("object");
    let directory = app.store.directory();
    let collection = directory.collections.get(&wanted.collection);
    let collection = collection.filter(|found| found.mode == CollectionMode::Approval).ok_or_else(missing)?;
    let Decision::Allow(viewer) = decide(account.principal(), Action::Read, collection.resource()) else {
        return Err(missing());
    };
    let view = View::new(Arc::clone(collection), viewer);
    node::gather(&app).await?;
    let proof = app.store.proof(&view, wanted.id, wanted.version).await?;
    Ok(json(StatusCode::OK, proof.ok_or_else(missing)?))
}

/// Get what readers of the transparency log trust: a policy (C2SP tlog-policy) with the keys of its nodes, of which most must
/// have cosigned a checkpoint.
#[utoipa::path(get, path = "/consensus/v1/trust/", tag = "Network",
    responses((status = 200, description = "The policy", body = String, content_type = "text/plain"), NetworkFailures))]
pub(crate) async fn get_trust(State(app): State<Arc<App>>, _: AccountAt) -> Result<String, ApiError> {
    let missing = || ApiError::NotFound("network");
    let membership = app.store.membership().ok_or_else(missing)?;
    let view = app.store.network().await?;
    let nodes = read(Reader::new(&view).nodes().await)?;
    let present: Vec<_> = nodes.iter().filter(|node| node.is_present()).collect();
    if present.is_empty() {
        let key = membership.log_key().ok_or_else(missing)?;
        return Ok(format!("log {key}\nquorum none\n"));
    }
    let (mut logs, mut witnesses, mut names) = (String::new(), String::new(), String::new());
    for node in &present {
        let key = membership.log_key_of(&node.log_key).ok_or_else(missing)?;
        let name = membership.witness_name(node.id).ok_or_else(missing)?;
        let witness =
            VerifierKey::new(name, SignatureType::Cosignature, node.log_key).map_err(|_| missing())?;
        logs += &format!("log {key}\n");
        witnesses += &format!("witness node-{} {witness}\n", node.id);
        names += &format!(" node-{}", node.id);
    }
    let most = present.len() / 2 + 1;
    Ok(format!("{logs}{witnesses}group nodes {most}{names}\nquorum nodes\n"))
}

/// Read the transparency log (C2SP tlog-tiles): `checkpoint`, `tile/L/N`, `tile/L/N.p/W` and `tile/entries/N`.
pub(crate) async fn get_log(
    State(app): State<Arc<App>>,
    _: AccountAt,
    LogPath { path }: LogPath,
) -> Result<Response, ApiError> {
    let missing = || ApiError::NotFound("part of the log");
    if path.trim_end_matches('/') == "checkpoint" {
        node::gather(&app).await?;
    }
    let view = app.store.network().await?;
    let reader = Reader::new(&view);
    let tree = read(reader.ledger().await)?.ok_or_else(missing)?.tree;
    let (kind, content) = match path.trim_end_matches('/') {
        "checkpoint" => {
            let note = app.store.checkpoint(tree.head()).ok_or_else(missing)?;
            ("text/plain; charset=utf-8", note.to_string().into_bytes())
        }
        path => {
            let tile: TilePath = path.parse().map_err(|_| missing())?;
            let tile = read(reader.tile(&tile, tree.size()).await)?.ok_or_else(missing)?;
            ("application/octet-stream", tile)
        }
    };
    Ok(([(header::CONTENT_TYPE, kind)], content).into_response())
}

/// A signed statement, as a DSSE envelope in JSON. What counts is its signature; the account need not be of its
/// organisation.
pub(crate) struct StatementBody(Envelope);

impl FromRequest<Arc<App>> for StatementBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, ApiError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.unwrap_or_default().to_ascii_lowercase().starts_with("application/json") {
            return Err(ApiError::UnsupportedMediaType("application/json"));
        }
        let body = axum::body::to_bytes(request.into_body(), MAX_BODY).await;
        let body = body.map_err(|_| ApiError::TooLarge(MAX_BODY as u64))?;
        let envelope = Envelope::from_json(&body);
        envelope.map(Self).map_err(|error| ApiError::Unprocessable(error.to_string()))
    }
}

/// Reads a statement about the proposal of a path.
fn about<S: Statement>(
    envelope: &Envelope,
    proposal: ProposalId,
    named: fn(&S) -> ProposalId,
) -> Result<(), ApiError> {
    let statement = envelope.read::<S>().map_err(|error| ApiError::Unprocessable(error.to_string()))?;
    match named(&statement) == proposal {
        true => Ok(()),
        false => Err(ApiError::Unprocessable(format!(
            "the statement is about proposal {}, and the URL names another one",
            named(&statement)
        ))),
    }
}

/// Vote on a proposal of any kind: a signed statement of type `application/vnd.concord.vote.v1+json`.
#[utoipa::path(post, path = "/consensus/v1/proposals/{proposal_id}/votes/", tag = "Network", params(ProposalPath),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, description = "The vote counts", body = OrderedResource), NetworkFailures))]
pub(crate) async fn add_vote(
    State(app): State<Arc<App>>,
    _: AccountAt,
    ProposalPath { proposal_id }: ProposalPath,
    StatementBody(envelope): StatementBody,
) -> Result<Response, ApiError> {
    about::<Vote>(&envelope, proposal_id, |vote| vote.proposal)?;
    order(&app, Command::Vote(envelope), proposal_id).await
}

/// Take a proposal back while it is open: a signed statement of type `application/vnd.concord.withdraw.v1+json`.
#[utoipa::path(post, path = "/consensus/v1/proposals/{proposal_id}/withdraw/", tag = "Network", params(ProposalPath),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, description = "It is withdrawn", body = OrderedResource), NetworkFailures))]
pub(crate) async fn withdraw_proposal(
    State(app): State<Arc<App>>,
    _: AccountAt,
    ProposalPath { proposal_id }: ProposalPath,
    StatementBody(envelope): StatementBody,
) -> Result<Response, ApiError> {
    about::<Withdraw>(&envelope, proposal_id, |withdraw| withdraw.proposal)?;
    order(&app, Command::Withdraw(envelope), proposal_id).await
}

/// Propose to take an object back: a signed statement of type `application/vnd.concord.revoke.v1+json`.
#[utoipa::path(post, path = "/consensus/v1/revocations/", tag = "Network",
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, description = "It is proposed", body = OrderedResource), NetworkFailures))]
pub(crate) async fn add_revocation(
    State(app): State<Arc<App>>,
    _: AccountAt,
    StatementBody(envelope): StatementBody,
) -> Result<Response, ApiError> {
    let read = envelope.read::<Revoke>().map(|_| ProposalId(envelope.digest()));
    let proposal = read.map_err(|error| ApiError::Unprocessable(error.to_string()))?;
    order(&app, Command::Revoke(envelope), proposal).await
}

/// Propose a change of the network: a signed statement of type `application/vnd.concord.govern.v1+json`.
#[utoipa::path(post, path = "/consensus/v1/governance/", tag = "Network",
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, description = "It is proposed", body = OrderedResource), NetworkFailures))]
pub(crate) async fn add_governance(
    State(app): State<Arc<App>>,
    _: AccountAt,
    StatementBody(envelope): StatementBody,
) -> Result<Response, ApiError> {
    let read = envelope.read::<Govern>().map(|_| ProposalId(envelope.digest()));
    let proposal = read.map_err(|error| ApiError::Unprocessable(error.to_string()))?;
    order(&app, Command::Govern(envelope), proposal).await
}

async fn order(app: &App, command: Command, proposal: ProposalId) -> Result<Response, ApiError> {
    let index = app.store.order(command).await?;
    Ok(json(StatusCode::OK, OrderedResource::new(index, proposal)))
}
