//! `taxii governance`

mod action;

use crate::failure::Failure;
use crate::key::KeyOption;
use crate::network::names::claimed_at;
use crate::network::{NetworkOption, show_outcome};
use crate::out::Out;
use crate::review::in_words;
use crate::server::Server;
use action::Change;
use taxii_client::network::{Envelope, Govern, Nonce};

/// Propose changes of the network: members, keys, collections, policy
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Propose(Box<Arguments>),
}

/// Propose a change of the network, on which its organisations vote
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A file holds the change as the log has it: {\"kind\": \"set_collection\", …}, as `taxii --json review PROPOSAL` shows it of one
that was made. The other ways write it. It is told in words before it is signed; `--dry-run` does no more.

A policy takes the place of the whole present one; its `version` is filled in where it is missing. The policy in force is at
/consensus/v1/policies/current/ of the server.

A server that was invited with `taxii-server network invite` and asks to join is admitted with --admit: see its keys and its
address here before you sign, and compare the vote key with what its organisation publishes.

Examples:
  taxii governance propose --admit --key vote.key
  taxii governance propose --remove-node 87 --key vote.key
  taxii governance propose --add-collection Malware --alias malware --key vote.key
  taxii governance propose --set-policy policy.json --key vote.key
  taxii governance propose --add-organisation partner.json --key vote.key
  taxii governance propose --remove-organisation 'Organisation 3' --key vote.key
  taxii governance propose --add-key 8a88e3dd… --key vote.key
  taxii governance propose --rotate-key 51c0… --by 8a88e3dd… --key vote.key
  taxii governance propose --revoke-key 51c0… --since 120 --organisation 'Organisation 3' --key vote.key
  taxii governance propose change.json --dry-run --key vote.key")]
pub(crate) struct Arguments {
    #[command(flatten)]
    change: Change,
    /// Show what would be proposed, and sign nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    key: KeyOption,
    #[command(flatten)]
    network: NetworkOption,
}

pub(crate) async fn run(command: &Command, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let Command::Propose(arguments) = command;
    let file = arguments.key.read(out)?;
    let session = arguments.network.open(server, out).await?;
    let own = crate::vote::own(&session, &file)?;
    let action = arguments.change.action(&session, own).await?;
    let words = in_words(&action, &session);
    if arguments.dry_run && out.is_json() {
        return Ok(out.json(&serde_json::json!({ "action": action, "in_words": words }))?);
    }
    if !out.is_json() {
        words.iter().try_for_each(|line| out.line(crate::network::names::line(line)))?;
    }
    if arguments.dry_run {
        return Ok(());
    }
    out.flush()?;
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| Failure::Failed(format!("no random numbers: {error}")))?;
    let govern = Govern {
        network: session.state.network,
        organisation: own.id,
        action,
        nonce: Nonce(nonce),
        expires_in_seconds: None,
        claimed_at: claimed_at(),
    };
    let secret = arguments.key.open(&file)?;
    let ordered = session.client.network().govern(&Envelope::sign(&govern, &secret)).await?;
    show_outcome(&session, ordered.proposal, &format!("{} proposes this", session.name(own.id)), out).await
}
