//! `taxii withdraw`

use crate::failure::Failure;
use crate::key::KeyOption;
use crate::network::names::short;
use crate::network::{NetworkOption, show_outcome};
use crate::out::Out;
use crate::server::Server;
use taxii_client::network::{Envelope, Withdraw};

/// Take back a proposal of one's own organisation, while it is open
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taxii withdraw 3f9a12c7 --key vote.key
  taxii --json withdraw 3f9a12c7 --key vote.key | jq .items")]
pub(crate) struct Arguments {
    /// The proposal, by the first digits of its name
    proposal: String,
    #[command(flatten)]
    key: KeyOption,
    #[command(flatten)]
    network: NetworkOption,
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let file = arguments.key.read(out)?;
    let session = arguments.network.open(server, out).await?;
    let own = crate::vote::own(&session, &file)?;
    let id = session.find(&arguments.proposal).await?;
    let (_, checked) = session.checked(id, crate::vote::NOTHING_SIGNED).await?;
    if checked.organisation != own.id {
        return Err(Failure::Failed(format!(
            "{}: this is a proposal of {}, and only that organisation takes it back",
            short(id, 8),
            session.name(checked.organisation)
        )));
    }
    let withdraw = Withdraw { network: checked.network, organisation: own.id, proposal: id };
    let secret = arguments.key.open(&file)?;
    session.client.network().withdraw(id, &Envelope::sign(&withdraw, &secret)).await?;
    show_outcome(&session, id, &format!("{} withdraws {}", session.name(own.id), short(id, 8)), out).await
}
