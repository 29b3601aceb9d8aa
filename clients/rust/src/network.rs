//! Networks of organisations: what they propose, and votes on it.
//!
//! Objects of such a network become visible when its organisations approve them. A program reads what is proposed,
//! [checks](check) that the server shows what was signed, and signs a vote with the key of its organisation.
//!
//! ```no_run
//! use taxii_client::network::{Ballot, Decision, Envelope, KeyFile, check, voter};
//! use taxii_client::{Client, Options};
//!
//! # async fn approve_all(now: u64) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Options::new("https://taxii.example/"))?;
//! let network = client.network();
//! // A program keeps the identifier, and compares: see `KnownNetworks`.
//! let id = network.state().await?.network;
//! let organisations = network.organisations().await?;
//! let key = KeyFile::parse(&std::fs::read_to_string("vote.key")?)?;
//! let own = voter(&organisations, &key.public())?.id;
//! let secret = key.open(Some("correct horse battery staple"))?;
//!
//! for listed in network.open_proposals().await? {
//!     let proposal = network.proposal(listed.id).await?;
//!     let checked = check(&proposal, id, &organisations)?;
//!     let ballot = Ballot { decision: Decision::Approve, items: None, reason: "seen in the wild".into() };
//!     let vote = checked.vote(own, ballot, now)?;
//!     network.vote(listed.id, &Envelope::sign(&vote, &secret)).await?;
//! }
//! # Ok(())
//! # }
//! ```

mod check;
mod key_file;
mod known;
mod resource;
mod tally;

use crate::address::below;
use crate::http::Answer;
use crate::{Client, Error, Filter, Url};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use stix_model::{Object, Timestamp};
use uuid::Uuid;

pub use check::{Ballot, BallotError, Checked, CheckedItem, Said, Tampered, check};
pub use consensus::statement::{Decision, Govern, Item, Nonce, Revoke, Statement, Submit, Vote, Withdraw};
pub use consensus::{
    Action, CollectionDefinition, Digest, Envelope, Gate, KeyId, NetworkId, NewKey, NewNode, NewOrganisation,
    Operation, OrganisationId, Policy, ProposalId, PublicKey, Question, Role, Rule, SecretKey,
};
pub use key_file::{KeyFile, KeyFileError};
pub use known::{Known, KnownError, KnownNetworks};
pub use resource::{
    Application, CastVote, Collection, Key, Listed, Ordered, Organisation, Proposal, ProposalItem, State,
    VoterError, voter,
};
pub use tally::{History, Tally, tally};

/// Proposals on a page.
const PAGE: usize = 500;

impl Client {
    /// The network that the server is a member of.
    pub fn network(&self) -> Network<'_> {
        Network { client: self }
    }
}

/// The operations of a network. Each fails when there is no usable answer.
#[derive(Clone, Copy, Debug)]
pub struct Network<'c> {
    client: &'c Client,
}

impl Network<'_> {
    /// Where the server is, as [`KnownNetworks`] calls it.
    ///
    /// # Errors
    /// Never for a URL that has a host, as every client's has.
    pub fn origin(&self) -> Result<String, Error> {
        Ok(self.client.base_url()?.origin().ascii_serialization())
    }

    /// Gets what the network is, and what its log came to.
    ///
    /// # Errors
    /// When there is no usable answer, as of a server that is a member of no network.
    pub async fn state(&self) -> Result<State, Error> {
        self.get(&["state"], &[]).await
    }

    /// Gets the servers that ask to join, with the change that admits each.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn applications(&self) -> Result<Vec<Application>, Error> {
        self.get(&["applications"], &[]).await
    }

    /// Gets the organisations, those that left too.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn organisations(&self) -> Result<Vec<Organisation>, Error> {
        self.get(&["organisations"], &[]).await
    }

    /// Gets a version of the policy.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn policy(&self, version: u32) -> Result<Policy, Error> {
        self.get(&["policies", &version.to_string()], &[]).await
    }

    /// Gets the proposals that await votes, in the order in which they were made.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn open_proposals(&self) -> Result<Vec<Listed>, Error> {
        self.list(&[("state", "open")]).await
    }

    /// Gets all proposals that there ever were, in the order in which they were made.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn proposals(&self) -> Result<Vec<Listed>, Error> {
        self.list(&[]).await
    }

    async fn list(&self, filter: &[(&str, &str)]) -> Result<Vec<Listed>, Error> {
        let mut found: Vec<Listed> = Vec::new();
        loop {
            let after = found.last().map_or(0, |last| last.index).to_string();
            let limit = PAGE.to_string();
            let query = [filter, &[("after", after.as_str()), ("limit", limit.as_str())]].concat();
            let page: Vec<Listed> = self.get(&["proposals"], &query).await?;
            let is_last = page.len() < PAGE;
            // A server that repeats itself is not asked for ever.
            let last = found.last().map_or(0, |last| last.index);
            let new = page.into_iter().filter(|listed| listed.index > last);
            let before = found.len();
            found.extend(new);
            if is_last || found.len() == before {
                return Ok(found);
            }
        }
    }

    /// Gets a proposal with its votes, and its objects while they await votes. One that is visible before it is ratified
    /// comes from its collection, where this account may read it.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn proposal(&self, id: ProposalId) -> Result<Proposal, Error> {
        let mut proposal: Proposal = self.get(&["proposals", &id.to_string()], &[]).await?;
        let Some(collection) = proposal.collection else { return Ok(proposal) };
        for item in &mut proposal.items {
            if item.phase == "provisional"
                && item.object.is_none()
                && let (Some(id), Some(digest)) = (&item.id, item.digest)
            {
                let versions = self.visible(collection, id).await?;
                item.object = versions.into_iter().find(|text| digest_of(text) == Some(digest));
            }
        }
        Ok(proposal)
    }

    /// Gets the versions of an object that readers of a collection see, in the order in which they became visible; none where
    /// there is no such object, or this account may not read it.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn visible(&self, collection: Uuid, id: &str) -> Result<Vec<Box<RawValue>>, Error> {
        let collection = collection.to_string();
        for root in self.client.api_roots().await? {
            let there = self.client.at_api_root(root);
            let filter = Filter { versions: vec!["all".to_owned()], ..Filter::default() };
            let mut pages = there.object(&collection, id, filter).await?;
            let mut versions = Vec::new();
            loop {
                match pages.next().await {
                    Ok(Some(page)) => versions.extend(page.objects),
                    Ok(None) => break,
                    Err(Error::Refused { status: 401 | 403 | 404, .. }) => break,
                    Err(error) => return Err(error),
                }
            }
            if !versions.is_empty() {
                return Ok(versions);
            }
        }
        Ok(Vec::new())
    }

    /// Sends a [`Vote`]. The same envelope may be sent again.
    ///
    /// # Errors
    /// When the vote does not count.
    pub async fn vote(&self, proposal: ProposalId, vote: &Envelope) -> Result<Ordered, Error> {
        self.post(&["proposals", &proposal.to_string(), "votes"], vote).await
    }

    /// Sends a [`Withdraw`].
    ///
    /// # Errors
    /// When the proposal is not of the organisation, or decided.
    pub async fn withdraw(&self, proposal: ProposalId, withdraw: &Envelope) -> Result<Ordered, Error> {
        self.post(&["proposals", &proposal.to_string(), "withdraw"], withdraw).await
    }

    /// Sends a [`Revoke`].
    ///
    /// # Errors
    /// When it is refused, as for an object that is not visible.
    pub async fn revoke(&self, revoke: &Envelope) -> Result<Ordered, Error> {
        self.post(&["revocations"], revoke).await
    }

    /// Sends a [`Govern`].
    ///
    /// # Errors
    /// When it is refused, as for a change that cannot be made.
    pub async fn govern(&self, govern: &Envelope) -> Result<Ordered, Error> {
        self.post(&["governance"], govern).await
    }

    /// Gets the proof that a version of an object was approved, the last one when none is named, as the server sent it:
    /// see [`Bundle`](consensus::evidence::Bundle).
    ///
    /// # Errors
    /// When there is no usable answer, as for an object that is not visible, or was not approved yet.
    pub async fn proof(
        &self,
        collection: Uuid,
        id: &str,
        version: Option<&Timestamp>,
    ) -> Result<Vec<u8>, Error> {
        let mut url = self.url(&["proof"])?;
        url.query_pairs_mut().append_pair("collection", &collection.to_string()).append_pair("id", id);
        if let Some(version) = version {
            url.query_pairs_mut().append_pair("version", version.as_str());
        }
        self.client.http.get_bytes(&url).await
    }

    /// Gets what readers of the transparency log may trust, by the word of the server alone: see
    /// [`TrustPolicy`](consensus::evidence::TrustPolicy).
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn trust(&self) -> Result<Vec<u8>, Error> {
        self.client.http.get_bytes(&self.url(&["trust"])?).await
    }

    /// Gets the organisations as the server sent them, those that left too.
    ///
    /// # Errors
    /// When there is no usable answer.
    pub async fn organisations_text(&self) -> Result<Vec<u8>, Error> {
        self.client.http.get_bytes(&self.url(&["organisations"])?).await
    }

    /// Gets a file of the transparency log (C2SP tlog-tiles): `checkpoint`, or a [path](consensus::evidence::TilePath) of a
    /// tile.
    ///
    /// # Errors
    /// When there is no usable answer, as for a tile that the log does not have.
    pub async fn log_file(&self, path: &str) -> Result<Vec<u8>, Error> {
        let segments: Vec<_> = std::iter::once("tlog").chain(path.split('/')).collect();
        let mut url = below(&self.client.base_url()?, &segments)?;
        // These are names of files, which do not end in a slash as those of TAXII do.
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        self.client.http.get_bytes(&url).await
    }

    async fn get<T: DeserializeOwned>(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<T, Error> {
        let mut url = self.url(segments)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        read(&self.client.http.get_json(&url).await?)
    }

    async fn post(&self, segments: &[&str], envelope: &Envelope) -> Result<Ordered, Error> {
        let url = self.url(segments)?;
        let answer = self.client.http.post_json(&url, Bytes::from(envelope.to_json())).await?;
        read(&answer).map_err(Error::into_unknown)
    }

    fn url(&self, segments: &[&str]) -> Result<Url, Error> {
        below(&self.client.base_url()?, &[&["consensus", "v1"], segments].concat())
    }
}

/// The digest of the canonical form of an object (RFC 8785), if it is one.
pub fn digest_of(object: &RawValue) -> Option<Digest> {
    Object::parse(object.get()).ok().map(|object| Digest(object.header().digest.0))
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Error> {
    answer.json()
}
