//! How the network comes to be: one organisation founds it, invites the others, and votes them in.

use super::tell::Tell;
use super::{ALIAS, API_ROOT, Host, Kept, unless_busy, until};
use crate::cli::demo::accounts::Accounts;
use crate::control::{AccessResource, NewInvitation, NewJoin, NewNetwork, NodeResource, ProposalResource};
use crate::rights::GrantScope;
use crate::store::{Definition, Profile};
use anyhow::Context;
use consensus::statement::{Decision, Govern, Nonce, Vote};
use consensus::{Action, Digest, Envelope, NetworkId, OrganisationId, ProposalId};
use futures::future::try_join_all;
use serde_json::Value;
use stix_model::{SpecVersion, Tlp};
use uuid::Uuid;

/// The name of the network.
const NAME: &str = "demo.example/sharing";

/// The network, as all servers know it.
pub(super) struct Founded {
    pub(super) network: NetworkId,
    /// Where approved objects are.
    pub(super) collection: Uuid,
    /// Where objects are that await votes.
    pub(super) review: Uuid,
    pub(super) nodes: Vec<NodeResource>,
}

impl Founded {
    /// The number of the node of a server.
    pub(super) fn node_of(&self, host: &Host) -> Option<u64> {
        self.nodes.iter().find(|node| node.organisation == host.id().0).map(|node| node.id)
    }
}

/// Founds the network as far as an earlier start has not, and waits until each server is a node of it.
pub(super) async fn found(hosts: &[Host], tell: &Tell) -> anyhow::Result<Founded> {
    let (first, others) = hosts.split_first().context("there are no servers")?;
    tell.say(&format!("{} founds the network {NAME}; the others join it …", first.name()))?;
    if first.app().store.membership().is_none() {
        first.control.found_network(&new_network(first)).await?;
    }
    let membership = first.app().store.membership().context("the network was not founded")?;
    let network = membership.network;
    until("the node of the founder leads", async || Ok(leads(first).await?.then_some(()))).await?;
    for host in others {
        ask_to_join(first, host).await?;
    }
    for (number, host) in others.iter().enumerate() {
        vote_in(&hosts[..=number], host, network).await?;
    }
    let joined = hosts.iter().map(async |host| {
        let what = format!("the node of {} votes in the log", host.name());
        until(&what, async || nodes_of(host, hosts.len()).await).await
    });
    let nodes = try_join_all(joined).await?.into_iter().next().unwrap_or_default();
    let state = first.control.network_state().await?;
    let collection = state.collections.first().context("the network has no collection")?;
    let (collection, review) = (collection.id, collection.review);
    for host in hosts {
        let what = format!("{} has the collection {ALIAS}", host.name());
        until(&what, async || Ok(host.app().store.directory().collection(API_ROOT, ALIAS).map(|_| ())))
            .await?;
    }
    Ok(Founded { network, collection, review, nodes })
}

fn new_network(first: &Host) -> NewNetwork {
    NewNetwork {
        name: NAME.to_owned(),
        api_root: API_ROOT.to_owned(),
        organisation: first.name().to_owned(),
        vote_key: vote_key(first),
        collections: vec![Definition {
            title: "Threats".to_owned(),
            description: Some("What the organisations approved".to_owned()),
            alias: Some(ALIAS.to_owned()),
            spec_versions: vec![SpecVersion::V2_1],
            profile: Profile::default(),
            unmarked: Tlp::Clear,
        }],
        members: Vec::new(),
        policy: None,
    }
}

/// The public key with which an organisation votes, in hexadecimal digits.
fn vote_key(host: &Host) -> String {
    Digest(host.key().public().0).to_string()
}

async fn leads(host: &Host) -> anyhow::Result<bool> {
    Ok(host.app().store.node().is_some_and(|node| node.status().leader.is_some()))
}

/// Has a member invite a server, and the server ask to join, unless it did.
async fn ask_to_join(member: &Host, host: &Host) -> anyhow::Result<()> {
    // In this order: a server becomes a node before it stops asking.
    let has_asked = host.control.joining().await?.is_some();
    if has_asked || host.app().store.node_record().await?.is_some() {
        return Ok(());
    }
    let label = host.name().to_owned();
    let invited = until("the founder can invite", async || {
        let new = NewInvitation { label: label.clone(), hours: 48 };
        Ok(unless_busy(member.control.invite(&new).await)?)
    });
    let wish = NewJoin {
        invitation: invited.await?.invitation,
        organisation: host.name().to_owned(),
        vote_key: vote_key(host),
        api_root: API_ROOT.to_owned(),
    };
    host.control.join_network(&wish).await?;
    Ok(())
}

/// Has the members vote on the wish of a server to join, unless they did.
async fn vote_in(members: &[Host], host: &Host, network: NetworkId) -> anyhow::Result<()> {
    let first = members.first().context("there are no members")?;
    let what = format!("the members admit {}", host.name());
    until(&what, async || {
        if first.control.organisations().await?.iter().any(|member| member.id == host.id().0) {
            return Ok(Some(()));
        }
        // The last one, where an earlier start was interrupted.
        let applications = first.control.applications().await?;
        let Some(wish) = applications.into_iter().rfind(|wish| wish.label == host.name()) else {
            return Ok(None);
        };
        if let Some(proposal) = propose(first, network, wish.action).await? {
            for member in members {
                approve(first, member, network, proposal, "we know them").await?;
            }
        }
        Ok(None)
    })
    .await
}

/// The open proposal of a change; it is made where there is none.
async fn propose(by: &Host, network: NetworkId, action: Value) -> anyhow::Result<Option<ProposalId>> {
    let open = by.control.open_proposals().await?;
    if let Some(found) = open.into_iter().find(|open| open.action.as_ref() == Some(&action)) {
        return Ok(Some(found.id.parse()?));
    }
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    let action: Action = serde_json::from_value(action)?;
    let govern = Govern {
        network,
        organisation: by.id(),
        action,
        nonce: Nonce(nonce),
        expires_in_seconds: None,
        claimed_at: by.now(),
    };
    let proposed = by.control.propose_change(&Envelope::sign(&govern, &by.key())).await;
    unless_busy(proposed)?.map(|proposed| Ok(proposed.proposal.parse()?)).transpose()
}

/// Has an organisation vote for a proposal, at a server of any member, unless it did or the proposal is decided. Returns the
/// proposal as it is then, or `None` where the vote must be cast again.
pub(super) async fn approve(
    at: &Host,
    by: &Host,
    network: NetworkId,
    proposal: ProposalId,
    reason: &str,
) -> anyhow::Result<Option<ProposalResource>> {
    let found = at.control.proposal(proposal).await?;
    if !found.is_open || found.votes.iter().any(|vote| OrganisationId(vote.organisation) == by.id()) {
        return Ok(Some(found));
    }
    let vote = Vote {
        network,
        organisation: by.id(),
        proposal,
        items: None,
        decision: Decision::Approve,
        reason: reason.to_owned(),
        sequence: 0,
        claimed_at: by.now(),
    };
    match unless_busy(at.control.vote(proposal, &Envelope::sign(&vote, &by.key())).await)? {
        Some(_) => Ok(Some(at.control.proposal(proposal).await?)),
        None => Ok(None),
    }
}

/// The nodes, when a server is one of them and all of them keep the log.
async fn nodes_of(host: &Host, count: usize) -> anyhow::Result<Option<Vec<NodeResource>>> {
    if host.app().store.membership().is_none() || !leads(host).await? {
        return Ok(None);
    }
    let nodes = host.control.nodes().await?;
    let is_whole = nodes.len() == count && nodes.iter().all(|node| node.role == "voter");
    Ok(is_whole.then_some(nodes))
}

/// Adds the accounts that a server does not have.
pub(super) async fn add_accounts(hosts: &[Host], kept: &mut Kept, founded: &Founded) -> anyhow::Result<()> {
    let [shown, review] = [founded.collection, founded.review].map(GrantScope::Collection);
    let accounts = hosts.iter().map(async |host| {
        if let Some(accounts) = &host.member.accounts
            && accounts.are_valid(&host.server).await
        {
            return Ok(accounts.clone());
        }
        let read = AccessResource::READ;
        let writer = [(shown, AccessResource::READ_AND_WRITE), (review, read)];
        Accounts::add(&host.control, &[(shown, read)], &writer).await
    });
    for (member, accounts) in kept.members.iter_mut().zip(try_join_all(accounts).await?) {
        member.accounts = Some(accounts);
    }
    kept.save()
}
