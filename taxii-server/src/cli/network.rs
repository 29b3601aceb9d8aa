mod show;

use super::{CommonOptions, output};
use crate::control::{
    Control, InvitationResource, JoinResource, NewInvitation, NewJoin, NewNetwork, StateResource,
};
use crate::store::{Definition, Profile};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use consensus::{NewKey, NewOrganisation, OrganisationId, Policy, PublicKey, Role};
use show::{print_members, print_status};
use std::path::{Path, PathBuf};
use stix_model::{SpecVersion, Tlp};
use uuid::Uuid;

const EXAMPLES: &str = "\
Examples:
  taxii key new alice.key                             a reviewer makes a key, on a machine of their own
  taxii-server network init example.org/sharing --organisation 'Example Corp' --vote-key 5f…c1
  taxii-server network invite 'Partner Ltd'            prints one line for the operator of another server
  taxii-server network join concord1.eyJ… --organisation 'Partner Ltd' --vote-key bob.key
  taxii-server network status
  taxii-server network members
  taxii-server network policy";
const JOIN_EXAMPLES: &str = "\
Examples:
  taxii-server network join concord1.eyJ… --organisation 'Partner Ltd' --vote-key bob.key
  taxii-server network join concord1.eyJ… --organisation 'Partner Ltd' --vote-key 81…0a --api-root sharing

The setting network.listen must be an address that the servers of other organisations reach, as 0.0.0.0:6102, and
network.address what they call it. Keys and the certificate of the node are made here and stay here. The organisations vote;
this server becomes a node by itself then, while it runs.";
const RECOVER_HELP: &str = "\
When more than half of the nodes cannot come back, nothing can be ordered any more: reading goes on, and POST answers 503.
Choose the node that is left with the highest LAST ENTRY (taxii-server network members), and run this on its server. It goes on
with what it has. Then vote to remove the nodes that are gone (taxii governance propose --remove-node), and invite new ones.
Never do it while the others can come back: there would be two logs of one network, whose digests differ.

Examples:
  taxii-server network recover --yes";
const INIT_EXAMPLES: &str = "\
Examples:
  taxii-server network init example.org/sharing --organisation Example --vote-key alice.key --collection Indicators
  taxii-server network init example.org/sharing --organisation Example --vote-key 5f…c1 --member 'Partner Ltd=81…0a'
  taxii-server network init example.org/sharing --organisation Example --vote-key 5f…c1 --policy policy.json

Grant reviewers the right to read what awaits approval, and others to submit:
  taxii-server account add rob --read indicators-review --read indicators
  taxii-server account add alice --read indicators --write indicators";

/// Have objects approved by organisations before they are visible.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Network {
    #[command(subcommand)]
    action: Action,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Found a network. Other servers can join it where network.listen is set; else this one alone keeps its log
    #[command(after_help = INIT_EXAMPLES)]
    Init(Init),
    /// Make an invitation: one line with which the operator of another server joins
    Invite {
        /// For whom it is, in words of your own
        #[arg(default_value = "")]
        label: String,
        /// Hours until it ends
        #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..=720))]
        hours: u32,
    },
    /// Ask to join the network of an invitation
    #[command(after_help = JOIN_EXAMPLES)]
    Join(Join),
    /// Compare everything that this server shows of the network with what was approved
    Verify,
    /// Let the node of this server go on alone, when most nodes are gone for good
    #[command(after_help = RECOVER_HELP)]
    Recover {
        /// Do it: what the other nodes confirmed and this one never got is lost
        #[arg(long)]
        yes: bool,
    },
    /// Show what the log came to, how much is open, and who asks to join
    Status,
    /// List the organisations with their keys, and their nodes
    Members,
    /// Show the policy as JSON
    Policy {
        /// A version of it [default: the current one]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
}

#[derive(Args)]
struct Join {
    /// The line that `taxii-server network invite` printed on the server of a member
    invitation: String,
    /// Name of the organisation of this server
    #[arg(long, value_name = "NAME")]
    organisation: String,
    /// Public key that votes for it, or a key file that `taxii key new` made
    #[arg(long, value_name = "KEY")]
    vote_key: String,
    /// API root for the collections, which is made where it is missing
    #[arg(long, default_value = "network", value_name = "NAME")]
    api_root: String,
}

#[derive(Args)]
struct Init {
    /// Name of the network
    name: String,
    /// Name of the organisation of this server
    #[arg(long, value_name = "NAME")]
    organisation: String,
    /// Public key that votes for it, or a key file that `taxii key new` made
    #[arg(long, value_name = "KEY")]
    vote_key: String,
    /// Title of its first collection
    #[arg(long, value_name = "TITLE")]
    collection: Option<String>,
    /// Name of the first collection in URLs; that of its reviewers ends with -review
    #[arg(long, requires = "collection", value_name = "NAME")]
    alias: Option<String>,
    /// API root for the collections, which is made where it is missing
    #[arg(long, default_value = "network", value_name = "NAME")]
    api_root: String,
    /// Another organisation that votes, with its public key
    #[arg(long = "member", value_name = "NAME=KEY")]
    members: Vec<String>,
    /// File with the policy [default: two others approve an object, each revokes its own]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl Network {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let control = match self.action {
            // The network may make the store.
            Action::Init(_) | Action::Join(_) => Control::open(options.config(None)?).await?,
            _ => options.control().await?,
        };
        match self.action {
            Action::Init(init) => {
                let state = control.found_network(&init.network()?).await?;
                if self.json { output::json(&state)? } else { print_founded(&state)? }
            }
            Action::Invite { label, hours } => {
                let made = control.invite(&NewInvitation { label, hours }).await?;
                if self.json { output::json(&made)? } else { print_invitation(&made)? }
            }
            Action::Join(join) => {
                let asked = control.join_network(&join.wish()?).await?;
                if self.json { output::json(&asked)? } else { print_asked(&asked)? }
            }
            Action::Verify => {
                let found = control.verify_network().await?;
                match self.json {
                    true => output::json(&found)?,
                    false => show::print_found(&found)?,
                }
                return Ok(found.wrong == 0);
            }
            Action::Recover { yes } => {
                if !yes {
                    bail!(
                        "this node would go on alone, and what the others confirmed and it never got is lost; when they are gone \
                         for good, say so with --yes"
                    );
                }
                control.recover_network().await?;
                output::line("this node goes on alone; vote to remove the others, and invite new ones")?;
            }
            Action::Status => return print_status(&control, self.json).await,
            Action::Members => print_members(&control, self.json).await?,
            Action::Policy { version } => {
                let policy = control.policy(version).await?;
                match self.json {
                    true => output::json(&policy)?,
                    false => output::line(&serde_json::to_string_pretty(&policy)?)?,
                }
            }
        }
        Ok(true)
    }
}

impl Join {
    fn wish(self) -> anyhow::Result<NewJoin> {
        let Self { invitation, organisation, vote_key, api_root } = self;
        Ok(NewJoin { invitation, organisation, vote_key: hexadecimal(read_key(&vote_key)?)?, api_root })
    }
}

fn print_invitation(made: &InvitationResource) -> anyhow::Result<()> {
    output::line(&made.invitation)?;
    output::line(&format!(
        "give this line to the operator of the other server, who runs: taxii-server network join LINE --organisation NAME \
         --vote-key KEY; one server can use it, until {}",
        made.expires
    ))
}

fn print_asked(asked: &JoinResource) -> anyhow::Result<()> {
    output::line(&format!("asked to join network {} ({})", asked.name, asked.network))?;
    output::line(
        "its organisations vote now: a reviewer of a member runs `taxii governance propose --admit` and others vote on it; this \
         server becomes a node by itself then, while it runs",
    )
}

impl Init {
    fn network(self) -> anyhow::Result<NewNetwork> {
        let Self { name, organisation, vote_key, collection, alias, api_root, members, policy } = self;
        let policy = policy.map(|file| read_policy(&file)).transpose()?;
        let definition = |title| Definition {
            title,
            description: None,
            alias,
            spec_versions: vec![SpecVersion::V2_1],
            profile: Profile::default(),
            unmarked: Tlp::Clear,
        };
        Ok(NewNetwork {
            name,
            api_root,
            organisation,
            vote_key: hexadecimal(read_key(&vote_key)?)?,
            collections: collection.map(definition).into_iter().collect(),
            members: members.iter().map(|member| read_member(member)).collect::<Result<_, _>>()?,
            policy,
        })
    }
}

fn read_policy(file: &Path) -> anyhow::Result<Policy> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no policy", file.display()))
}

fn read_member(text: &str) -> anyhow::Result<NewOrganisation> {
    let (name, key) = text.rsplit_once('=').with_context(|| format!("--member {text}: give NAME=KEY"))?;
    let keys = vec![NewKey { public: read_key(key)?, role: Role::Vote }];
    Ok(NewOrganisation { id: OrganisationId(Uuid::new_v4()), name: name.to_owned(), keys, node: None })
}

/// Reads a public key: its hexadecimal digits, or a file in which they are a word.
fn read_key(text: &str) -> anyhow::Result<PublicKey> {
    let parse = |word: &str| serde_json::from_value(serde_json::json!(word)).ok();
    if let Some(key) = parse(text) {
        return Ok(key);
    }
    let unknown =
        || format!("{text}: give a public key (64 hexadecimal digits), or a file of `taxii key new`");
    let file = std::fs::read_to_string(text).with_context(unknown)?;
    match file.split_whitespace().find_map(parse) {
        Some(key) => Ok(key),
        None => bail!(unknown()),
    }
}

fn hexadecimal(key: PublicKey) -> anyhow::Result<String> {
    let value = serde_json::to_value(key)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

fn print_founded(state: &StateResource) -> anyhow::Result<()> {
    output::line(&format!("founded network {}", state.network))?;
    for collection in &state.collections {
        let title = &collection.definition.title;
        output::line(&format!(
            "collection {} {title:?}, for its reviewers {}",
            collection.id, collection.review
        ))?;
    }
    if state.node.starts_with("none") {
        output::line(
            "this server keeps its log alone, and no other can join: for that, found it with network.listen set",
        )?;
    } else {
        output::line("start the server, and invite others with: taxii-server network invite")?;
    }
    output::line("reviewers list what awaits them with: taxii review")
}
