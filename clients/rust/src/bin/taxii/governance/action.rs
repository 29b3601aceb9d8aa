//! A change of the network, as the command line gives it.

use crate::failure::Failure;
use crate::network::Session;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use taxii_client::network::{
    Action, CollectionDefinition, Digest, KeyId, NewKey, Organisation, PublicKey, Role,
};
use uuid::Uuid;

/// Which change.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(false).args([
    "file", "admit", "remove_node", "add_collection", "set_policy", "add_organisation", "remove_organisation",
    "add_key", "rotate_key", "revoke_key", "set_protocol",
]))]
pub(super) struct Change {
    /// The change as JSON
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// A server that asks to join, by its id or the label of its invitation; the only one, when no name is given
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    admit: Option<String>,
    /// The number of a node that leaves
    #[arg(long, value_name = "NODE")]
    remove_node: Option<u64>,
    /// The protocol that all nodes speak from then on
    #[arg(long, value_name = "NUMBER")]
    set_protocol: Option<u16>,
    /// A new collection with this title
    #[arg(long, value_name = "TITLE")]
    add_collection: Option<String>,
    /// Name that may stand for the id of the new collection in URLs
    #[arg(long, value_name = "NAME", requires = "add_collection")]
    alias: Option<String>,
    /// What the new collection is for
    #[arg(long, value_name = "TEXT", requires = "add_collection")]
    description: Option<String>,
    /// A policy, as JSON
    #[arg(long, value_name = "FILE")]
    set_policy: Option<PathBuf>,
    /// A new member, as JSON: {"id", "name", "keys": [{"public", "role"}]}
    #[arg(long, value_name = "FILE")]
    add_organisation: Option<PathBuf>,
    /// A member that leaves, by id or name
    #[arg(long, value_name = "ORGANISATION")]
    remove_organisation: Option<String>,
    /// A public key that a member gets, as `taxii key new` prints it
    #[arg(long, value_name = "PUBLIC")]
    add_key: Option<String>,
    /// The id of a key that another one replaces
    #[arg(long, value_name = "KEY-ID", requires = "by")]
    rotate_key: Option<KeyId>,
    /// With --rotate-key: the public key that comes
    #[arg(long, value_name = "PUBLIC", requires = "rotate_key")]
    by: Option<String>,
    /// The id of a key that fell into wrong hands
    #[arg(long, value_name = "KEY-ID", requires = "since")]
    revoke_key: Option<KeyId>,
    /// With --revoke-key: the first entry of the log in which it does not count
    #[arg(long, value_name = "ENTRY", requires = "revoke_key")]
    since: Option<u64>,
    /// Whose key it is, by id or name; the own organisation, when left out
    #[arg(long, value_name = "ORGANISATION")]
    organisation: Option<String>,
    /// What a new key signs
    #[arg(long, value_enum, default_value = "vote", requires = "add_key")]
    role: RoleName,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum RoleName {
    /// Votes, revocations and changes: the key of a person or an agent
    Vote,
    /// Submissions: the key of a server
    Submit,
}

impl Change {
    /// The change.
    pub(super) async fn action(&self, session: &Session, own: &Organisation) -> Result<Action, Failure> {
        let whose = || match &self.organisation {
            Some(text) => session.organisation(text),
            None => Ok(own),
        };
        if let Some(file) = &self.file {
            return read(file);
        }
        if let Some(name) = &self.admit {
            return admitted(session, name).await;
        }
        if let Some(node) = self.remove_node {
            return Ok(Action::RemoveNode { node });
        }
        if let Some(protocol) = self.set_protocol {
            return Ok(Action::SetProtocol { protocol });
        }
        if let Some(title) = &self.add_collection {
            let mut definition = json!({ "title": title });
            for (name, value) in [("alias", &self.alias), ("description", &self.description)] {
                if let Some(value) = value {
                    definition[name] = value.as_str().into();
                }
            }
            let new = CollectionDefinition { collection: Uuid::new_v4(), definition: definition.to_string() };
            return Ok(Action::SetCollection { new });
        }
        if let Some(file) = &self.set_policy {
            let mut policy: Value = read(file)?;
            if let Some(members) = policy.as_object_mut() {
                members.entry("version").or_insert_with(|| (session.state.policy + 1).into());
            }
            let policy = serde_json::from_value(policy);
            let policy = policy.map_err(|error| Failure::Input(format!("{}: {error}", file.display())))?;
            return Ok(Action::SetPolicy { policy });
        }
        if let Some(file) = &self.add_organisation {
            return Ok(Action::AddOrganisation { new: read(file)? });
        }
        if let Some(text) = &self.remove_organisation {
            return Ok(Action::RemoveOrganisation { organisation: session.organisation(text)?.id });
        }
        if let Some(text) = &self.add_key {
            let role = match self.role {
                RoleName::Vote => Role::Vote,
                RoleName::Submit => Role::Submit,
            };
            return Ok(Action::AddKey {
                organisation: whose()?.id,
                key: NewKey { public: public(text)?, role },
            });
        }
        if let (Some(old), Some(text)) = (self.rotate_key, &self.by) {
            let (organisation, role) = of_key(session, whose()?, old)?;
            return Ok(Action::RotateKey { organisation, old, new: NewKey { public: public(text)?, role } });
        }
        if let (Some(key), Some(since)) = (self.revoke_key, self.since) {
            return Ok(Action::RevokeKey { organisation: whose()?.id, key, since });
        }
        Err(Failure::Usage("which change?".to_owned()))
    }
}

/// The change that admits a server which asks to join.
async fn admitted(session: &Session, name: &str) -> Result<Action, Failure> {
    let mut found = session.client.network().applications().await?;
    let known: Vec<_> = found.iter().map(|one| format!("{} ({})", one.id, one.label)).collect();
    if !name.is_empty() {
        found.retain(|one| one.id.starts_with(name) || one.label == name);
    }
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one.action),
        (None, _) if known.is_empty() => Err(Failure::Failed(
            "no server asks this one to join; its operator invites one with `taxii-server network invite`"
                .to_owned(),
        )),
        _ => Err(Failure::Usage(format!("say which server to admit: {}", known.join(", ")))),
    }
}

/// The organisation of a key, and what the key signs.
fn of_key(
    session: &Session,
    whose: &Organisation,
    id: KeyId,
) -> Result<(taxii_client::network::OrganisationId, Role), Failure> {
    match whose.key(id) {
        Some(key) => Ok((whose.id, key.role)),
        None => {
            let owner = session.organisations.iter().find(|organisation| organisation.key(id).is_some());
            let hint = owner.map_or(String::new(), |owner| format!("; it is one of {}", owner.name));
            Err(Failure::Failed(format!("{} has no key {id}{hint}", whose.name)))
        }
    }
}

fn public(text: &str) -> Result<PublicKey, Failure> {
    let key = text.parse::<Digest>().map(|digits| PublicKey(digits.0)).ok().filter(PublicKey::is_usable);
    key.ok_or_else(|| {
        Failure::Usage(format!("{text}: this is no public key; `taxii key show FILE` prints it (64 digits)"))
    })
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let name = path.display();
    let text = std::fs::read(path).map_err(|error| Failure::input(&name.to_string(), &error))?;
    serde_json::from_slice(&text).map_err(|error| Failure::Input(format!("{name}: {error}")))
}
