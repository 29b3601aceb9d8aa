//! What organisations of the network sign: proposals and votes.

use super::{Control, ControlError, OrderedResource, ProposalResource};
use axum::http::{Method, Request, header};
use consensus::{Envelope, ProposalId};
use uuid::Uuid;

const PROPOSALS: &str = "/consensus/v1/proposals/";

/// # Errors
/// All methods fail when no answer comes, or the server refuses.
impl Control {
    /// Lists the proposals that await votes, without their objects and votes.
    pub async fn open_proposals(&self) -> Result<Vec<ProposalResource>, ControlError> {
        self.request(Method::GET, &format!("{PROPOSALS}?state=open&limit=1000"), ()).await
    }

    /// Lists the first thousand proposals about a collection, in the order in which they were made.
    pub async fn proposals_of(&self, collection: Uuid) -> Result<Vec<ProposalResource>, ControlError> {
        self.request(Method::GET, &format!("{PROPOSALS}?collection={collection}&limit=1000"), ()).await
    }

    /// Returns a proposal, with its votes, and with its objects while they await votes.
    pub async fn proposal(&self, id: ProposalId) -> Result<ProposalResource, ControlError> {
        self.request(Method::GET, &format!("{PROPOSALS}{id}/"), ()).await
    }

    /// Proposes a change of the network, which an organisation signed.
    pub async fn propose_change(&self, signed: &Envelope) -> Result<OrderedResource, ControlError> {
        self.say("/consensus/v1/governance/", signed).await
    }

    /// Sends a vote, which an organisation signed.
    pub async fn vote(
        &self,
        proposal: ProposalId,
        signed: &Envelope,
    ) -> Result<OrderedResource, ControlError> {
        self.say(&format!("{PROPOSALS}{proposal}/votes/"), signed).await
    }

    async fn say(&self, path: &str, signed: &Envelope) -> Result<OrderedResource, ControlError> {
        let request =
            Request::builder().method(Method::POST).header(header::CONTENT_TYPE, "application/json");
        let reply = self.send(request, path, signed.to_json().into()).await?.success()?;
        Ok(serde_json::from_slice(&reply.body)?)
    }
}
