//! What the commands of a network have in common: which network it is, and names for people.

pub(crate) mod names;
mod outcome;

use crate::failure::Failure;
use crate::out::Out;
use crate::server::Server;
pub(crate) use outcome::show_outcome;
use std::path::PathBuf;
use taxii_client::Client;
use taxii_client::network::{
    Checked, Known, KnownNetworks, Listed, NetworkId, Organisation, OrganisationId, Proposal, ProposalId,
    State, check,
};
use uuid::Uuid;

/// Which network the server is to answer for.
#[derive(Debug, clap::Args)]
pub(crate) struct NetworkOption {
    /// The network that is expected; without this, the one that the server had at the first use
    #[arg(long, value_name = "ID")]
    network: Option<NetworkId>,
    /// Where the networks of servers are remembered
    #[arg(long, value_name = "FILE", env = "CONCORD_KNOWN_NETWORKS")]
    known_networks: Option<PathBuf>,
}

/// A server of a network that is the expected one.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) state: State,
    pub(crate) organisations: Vec<Organisation>,
}

impl NetworkOption {
    /// Asks a server for its network, and makes sure that it is the expected one.
    pub(crate) async fn open(&self, server: &Server, out: &Out) -> Result<Session, Failure> {
        let client = server.client()?;
        let network = client.network();
        let state = network.state().await?;
        match self.network {
            Some(expected) if expected != state.network => {
                return Err(Failure::Failed(format!(
                    "the server answers for network {}, and {expected} is expected; nothing is signed for another network",
                    state.network
                )));
            }
            Some(_) => {}
            None => {
                let known = KnownNetworks::at(self.path()?);
                let origin = network.origin()?;
                let found = known.check(&origin, state.network);
                if found.map_err(|error| Failure::Failed(error.to_string()))? == Known::New {
                    out.remark(format!(
                        "{origin} answers for network {}; that is remembered in {}",
                        state.network,
                        known.path().display()
                    ));
                }
            }
        }
        let organisations = network.organisations().await?;
        Ok(Session { client, state, organisations })
    }

    fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.known_networks {
            return Ok(path.clone());
        }
        let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let state = folder("XDG_STATE_HOME")
            .or_else(|| folder("HOME").map(|home| home.join(".local/state")))
            .or_else(|| folder("LOCALAPPDATA"));
        let missing =
            || Failure::Usage("where are networks remembered? Give --known-networks FILE".to_owned());
        Ok(state.ok_or_else(missing)?.join("concord/known-networks"))
    }
}

impl Session {
    /// The name of an organisation.
    pub(crate) fn name(&self, id: OrganisationId) -> String {
        let found = self.organisations.iter().find(|organisation| organisation.id == id);
        found.map_or_else(|| id.to_string(), |found| names::line(&found.name))
    }

    /// The title of a collection.
    pub(crate) fn title(&self, id: Uuid) -> String {
        let found = self.state.collections.iter().find(|collection| collection.id == id);
        found.map_or_else(|| id.to_string(), |found| names::line(found.title()))
    }

    /// The organisation with an id or a name.
    pub(crate) fn organisation(&self, text: &str) -> Result<&Organisation, Failure> {
        let id = text.parse().map(OrganisationId).ok();
        let is_meant =
            |organisation: &&Organisation| Some(organisation.id) == id || organisation.name == text;
        let mut found = self.organisations.iter().filter(is_meant);
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => {
                Err(Failure::Usage(format!("{text}: several organisations have this name; give the id")))
            }
            (None, _) => {
                let names = self.organisations.iter().map(|organisation| organisation.name.as_str());
                let hint = crate::similar::did_you_mean(text, names);
                Err(Failure::Failed(format!(
                    "{text}: no organisation of the network has this id or name{hint}"
                )))
            }
        }
    }

    /// The proposal that the beginning of a name means: of an open one, else of any.
    pub(crate) async fn find(&self, text: &str) -> Result<ProposalId, Failure> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let is_beginning = text.len() >= names::SHORTEST
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !is_beginning {
            return Err(Failure::Usage(format!(
                "{text}: a proposal is named by {} or more of its hexadecimal digits, as `taxii review` shows them",
                names::SHORTEST
            )));
        }
        let network = self.client.network();
        let fitting = |listed: Vec<Listed>| -> Vec<ProposalId> {
            let ids = listed.into_iter().map(|listed| listed.id);
            ids.filter(|id| id.to_string().starts_with(text)).collect()
        };
        let mut found = fitting(network.open_proposals().await?);
        if found.is_empty() {
            found = fitting(network.proposals().await?);
        }
        match found[..] {
            [only] => Ok(only),
            [] => Err(Failure::Failed(format!("{text}: this account sees no proposal whose name begins so"))),
            _ => {
                let rows: String = found.iter().map(|id| format!("\n  {id}")).collect();
                Err(Failure::Usage(format!("{text}: which proposal? Give more digits of one of{rows}")))
            }
        }
    }

    /// Gets a proposal, and makes sure that it is what was signed; else the message ends with what follows from that.
    pub(crate) async fn checked(
        &self,
        id: ProposalId,
        consequence: &str,
    ) -> Result<(Proposal, Checked), Failure> {
        let proposal = self.client.network().proposal(id).await?;
        let found = proposal.id;
        if found != id {
            return Err(Failure::Failed(format!(
                "proposal {id} was asked for, and the server shows {found}"
            )));
        }
        let checked = check(&proposal, self.state.network, &self.organisations);
        let checked = checked.map_err(|error| Failure::Failed(format!("{error}; {consequence}")))?;
        Ok((proposal, checked))
    }
}
