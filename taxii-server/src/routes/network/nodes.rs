//! The nodes of the network: invitations, what a server asks that wants to join, and how the nodes stand.

use super::resource::{
    ApplicationResource, InvitationResource, JoinResource, NewInvitation, NewJoin, NodeResource,
    ScrubResource, vote_key,
};
use super::{add_root, read};
use crate::app::App;
use crate::clock::timestamp;
use crate::error::ApiError;
use crate::extract::{AccountAt, Administrator};
use crate::node::{self, InvitationError};
use crate::openapi::{AdminFailures, NetworkFailures};
use crate::routes::admin::{AdminBody, json};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use consensus::Reader;
use std::sync::Arc;
use std::time::Duration;

impl From<InvitationError> for ApiError {
    fn from(error: InvitationError) -> Self {
        match error {
            InvitationError::Store(error) => error.into(),
            InvitationError::Keys(_) => Self::Internal(error.into()),
            InvitationError::Line | InvitationError::Ask(_) => Self::Unprocessable(error.to_string()),
            _ => Self::Conflict(error.to_string()),
        }
    }
}

/// Invite a server to join the network: one line for its operator, who gives it to `taxii-server network join`.
#[utoipa::path(post, path = "/admin/network/invitations/", tag = "Administration", request_body = NewInvitation,
    responses((status = 201, description = "The invitation", body = InvitationResource), AdminFailures))]
pub(crate) async fn add_invitation(
    State(app): State<Arc<App>>,
    _: Administrator,
    AdminBody(new): AdminBody<NewInvitation>,
) -> Result<Response, ApiError> {
    let lifetime = Duration::from_secs(u64::from(new.hours.clamp(1, 24 * 30)) * 3600);
    let (invitation, expires) = node::invite(&app, new.label, lifetime).await?;
    let invitation = invitation.to_string();
    Ok(json(StatusCode::CREATED, InvitationResource { invitation, expires: timestamp(expires) }))
}

/// Ask to join the network that an invitation is for. The organisations vote; this server becomes a node by itself then.
#[utoipa::path(post, path = "/admin/network/join/", tag = "Administration", request_body = NewJoin,
    responses((status = 202, description = "It is asked", body = JoinResource), AdminFailures))]
pub(crate) async fn join(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    AdminBody(new): AdminBody<NewJoin>,
) -> Result<Response, ApiError> {
    let key = vote_key(&new.vote_key)?.public;
    let root = new.api_root.clone();
    let invitation = node::join(&app, &new.invitation, new.organisation, key, new.api_root).await?;
    add_root(&app, &administrator, &root, &invitation.name).await?;
    Ok(json(StatusCode::ACCEPTED, JoinResource::new(&invitation)))
}

/// Get what this server asked for, while it waits to join.
#[utoipa::path(get, path = "/admin/network/join/", tag = "Administration",
    responses((status = 200, description = "What it asked for", body = JoinResource), AdminFailures))]
pub(crate) async fn get_join(State(app): State<Arc<App>>, _: Administrator) -> Result<Response, ApiError> {
    let found = node::joining(&app).await?.ok_or(ApiError::Missing("wish to join"))?;
    Ok(json(StatusCode::OK, JoinResource::new(&found.invitation)))
}

/// Compare everything that this server shows of the network with what its organisations approved.
#[utoipa::path(post, path = "/admin/network/verify/", tag = "Administration",
    responses((status = 200, description = "What was found", body = ScrubResource), AdminFailures))]
pub(crate) async fn verify(State(app): State<Arc<App>>, _: Administrator) -> Result<Response, ApiError> {
    let scrub = app.store.scrub_network().await?;
    Ok(json(StatusCode::OK, ScrubResource::from(scrub)))
}

/// Let the node of this server go on alone, when most nodes are gone for good. What they confirmed and this one never got is
/// lost. The organisations vote on new nodes afterwards.
#[utoipa::path(post, path = "/admin/network/recover/", tag = "Administration",
    responses((status = 204, description = "The node goes on alone"), AdminFailures))]
pub(crate) async fn recover(State(app): State<Arc<App>>, _: Administrator) -> Result<StatusCode, ApiError> {
    node::recover(&app).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the servers that ask to join, with the change of the network that is to be voted on.
#[utoipa::path(get, path = "/consensus/v1/applications/", tag = "Network",
    responses((status = 200, description = "The applications", body = Vec<ApplicationResource>), NetworkFailures))]
pub(crate) async fn get_applications(
    State(app): State<Arc<App>>,
    _: AccountAt,
) -> Result<Response, ApiError> {
    let found = node::applications(&app).await?;
    let found = found.into_iter().map(ApplicationResource::new).collect::<Result<Vec<_>, _>>()?;
    Ok(json(StatusCode::OK, found))
}

/// List the nodes of the network, as this server knows them.
#[utoipa::path(get, path = "/consensus/v1/nodes/", tag = "Network",
    responses((status = 200, description = "The nodes", body = Vec<NodeResource>), NetworkFailures))]
pub(crate) async fn get_nodes(State(app): State<Arc<App>>, _: AccountAt) -> Result<Response, ApiError> {
    let view = app.store.network().await?;
    let reader = Reader::new(&view);
    let (nodes, organisations) = (read(reader.nodes().await)?, read(reader.organisations().await)?);
    let own = app.store.membership().and_then(|membership| membership.node);
    let status = app.store.node().map(|node| node.status());
    let found: Vec<_> = nodes
        .iter()
        .map(|node| {
            let organisation = organisations.iter().find(|found| found.id == node.organisation);
            NodeResource::new(node, organisation, own, status.as_ref())
        })
        .collect();
    Ok(json(StatusCode::OK, found))
}
