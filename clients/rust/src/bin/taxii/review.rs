//! `taxii review`

mod change;
mod diff;
mod list;
mod missing;
mod show;

pub(crate) use change::in_words;
pub(crate) use missing::has_vote;
pub(crate) use show::tlp;

use crate::failure::Failure;
use crate::network::{NetworkOption, Session};
use crate::out::Out;
use crate::server::Server;
use std::path::PathBuf;
use taxii_client::network::{Organisation, voter};

/// List what awaits the approval of organisations, or show one proposal whole
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a proposal, one line for each that is open: its name, as short as it can be, what it does, who proposes it, its
collection, its age, the time that is left, its objects, votes for it and otherwise, and what the organisation of --key
said. VOTE is `own` for what that organisation proposes itself, and `partly` when it did not vote on all objects.

With a proposal, all of it: each object with what it changes of the version that readers see now, its marking and what
`taxii validate` finds, the votes with their reasons, and what is missing. A change of the network is told in words. Before
anything is shown, it is compared with what the proposer signed.

With --json, one line for each proposal, or one for the proposal that was named.

Examples:
  taxii review
  taxii review --key vote.key
  taxii review 3f9a12c7
  taxii --json review | jq -r 'select(.votes.approve == 0).proposal'")]
pub(crate) struct Arguments {
    /// The proposal, by the first digits of its name; all open ones, when left out
    proposal: Option<String>,
    /// The key of the organisation for which to look; its secret stays closed
    #[arg(long, value_name = "FILE", env = "CONCORD_KEY")]
    key: Option<PathBuf>,
    #[command(flatten)]
    network: NetworkOption,
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    // Before anything is sent: a file that is missing is no reason to ask a server.
    let key = arguments.key.as_deref().map(crate::key::read).transpose()?;
    let session = arguments.network.open(server, out).await?;
    let own = match &key {
        Some(key) => match voter(&session.organisations, &key.public()) {
            Ok(organisation) => Some(organisation),
            Err(error) => {
                out.complain(error);
                None
            }
        },
        None => None,
    };
    match &arguments.proposal {
        Some(text) => one(&session, text, own, out).await,
        None => list::run(&session, own, out).await,
    }
}

async fn one(
    session: &Session,
    text: &str,
    own: Option<&Organisation>,
    out: &mut Out,
) -> Result<(), Failure> {
    let id = session.find(text).await?;
    let (proposal, checked) = session.checked(id, "do not vote on it").await?;
    show::run(session, &proposal, &checked, own, out).await
}
