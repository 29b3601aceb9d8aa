//! `taxii vote`

mod agent;

use crate::failure::Failure;
use crate::key::KeyOption;
use crate::network::names::{claimed_at, short};
use crate::network::{NetworkOption, Session, show_outcome};
use crate::out::Out;
use crate::server::Server;
use taxii_client::network::{
    Ballot, Checked, Decision, Envelope, KeyFile, Organisation, Proposal, SecretKey, Vote, voter,
};

/// Vote on a proposal in the name of an organisation, or let rules do so
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("decision").args(["approve", "reject", "abstain", "veto"]),
    after_help = "\
Before anything is signed, all that the server shows is compared with what the proposer signed: the digest of each object,
the name of the proposal, the network, and the votes of others. If anything differs, nothing is signed.

A later vote takes the place of an earlier one of the same organisation. The organisation is the one that has the key.

With --agent, the rules in a file decide on each object; the first one that fits does. What fits none, changes of the network
and revocations are left to people, and what the organisation voted on already stays so. Of the conditions of a rule, each
may be left out:

  [[rule]]
  name = \"content networks\"               # stands in the reason of the vote
  any_value_in = [\"cdn.json\", \"own.txt\"] # lists: a value on each line, or a warning list of MISP
  then = \"reject\"                         # approve, reject, abstain, or leave (for a person)

  [[rule]]
  name = \"indicators of partners\"
  collections = [\"Indicators\"]            # title, alias or id
  types = [\"indicator\", \"ipv4-addr\"]
  submitters = [\"Organisation 2\"]         # name or id; an id cannot be given to another one
  max_tlp = \"green\"
  without_findings = true                 # as `taxii validate` finds them
  all_values_in = [\"allow.txt\"]           # every value is in one of the lists
  no_value_in = [\"deny.txt\"]
  then = \"approve\"

Values are those of observables, their hashes, and the constants of STIX patterns. Where they cannot all be told, as of
LIKE and MATCHES, neither all_values_in nor no_value_in fits.

With --json, one line: {\"proposal\",\"did\",\"is_open\",\"items\"}; of an agent, one for each decision:
{\"proposal\",\"decision\",\"items\",\"rule\",\"reason\"}.

Examples:
  taxii vote 3f9a12c7 --approve --key vote.key --reason 'seen in our own logs'
  taxii vote 3f9a12c7 --reject --items 0,3 --key vote.key --reason 'addresses of a content network'
  export CONCORD_KEY=agent.key
  taxii vote --agent rules.toml --once
  taxii vote --agent rules.toml --interval 60"
)]
pub(crate) struct Arguments {
    /// The proposal, by the first digits of its name
    #[arg(required_unless_present = "agent", requires = "decision")]
    proposal: Option<String>,
    /// Agree
    #[arg(long)]
    approve: bool,
    /// Disagree
    #[arg(long)]
    reject: bool,
    /// Say neither, so that no one waits for this vote
    #[arg(long)]
    abstain: bool,
    /// Forbid it, where the policy lets the organisation do so
    #[arg(long)]
    veto: bool,
    /// Why, for the other organisations
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Only these objects, as numbers from 0; all that are open, when left out
    #[arg(long, value_name = "NUMBER,…", value_delimiter = ',')]
    items: Option<Vec<u32>>,
    /// Let the rules in this file decide on all that is open
    #[arg(long, value_name = "RULES", conflicts_with_all = ["proposal", "decision", "items"])]
    agent: Option<std::path::PathBuf>,
    /// With --agent: look once, and end
    #[arg(long, requires = "agent")]
    once: bool,
    /// With --agent: seconds between two looks
    #[arg(long, requires = "agent", value_name = "SECONDS", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "once")]
    interval: u64,
    #[command(flatten)]
    key: KeyOption,
    #[command(flatten)]
    network: NetworkOption,
}

impl Arguments {
    fn decision(&self) -> Decision {
        match self {
            Self { approve: true, .. } => Decision::Approve,
            Self { reject: true, .. } => Decision::Reject,
            Self { abstain: true, .. } => Decision::Abstain,
            _ => Decision::Veto,
        }
    }
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let key = &arguments.key;
    let file = key.read(out)?;
    if let Some(rules) = &arguments.agent {
        let rules = agent::Rules::read(rules)?;
        let secret = key.open(&file)?;
        let wait = (!arguments.once).then(|| std::time::Duration::from_secs(arguments.interval));
        return agent::run(&rules, &secret, wait, &arguments.network, server, out).await;
    }
    let session = arguments.network.open(server, out).await?;
    let own = own(&session, &file)?;
    let id = session.find(arguments.proposal.as_deref().unwrap_or_default()).await?;
    let (proposal, checked) = session.checked(id, NOTHING_SIGNED).await?;
    let policy = session.client.network().policy(proposal.policy).await?;
    if proposal.is_open && !crate::review::has_vote(&session, &checked, &policy, own.id) {
        return Err(Failure::Failed(format!(
            "{}: the policy gives {} no vote on this proposal; nothing was signed",
            short(id, 8),
            own.name
        )));
    }
    let ballot = Ballot {
        decision: arguments.decision(),
        items: arguments.items.clone(),
        reason: arguments.reason.clone(),
    };
    let vote = ballot_of(&proposal, &checked, own, ballot)?;
    // The person is asked for the passphrase when all is well.
    let secret = key.open(&file)?;
    send(&session, &vote, &secret).await?;
    let done = format!("{} votes {} on {}", session.name(own.id), word(vote.decision), short(id, 8));
    show_outcome(&session, id, &done, out).await
}

/// What follows from a proposal that is not what was signed, for commands that sign.
pub(crate) const NOTHING_SIGNED: &str = "nothing was signed";

/// The organisation that votes with a key.
pub(crate) fn own<'s>(session: &'s Session, key: &KeyFile) -> Result<&'s Organisation, Failure> {
    voter(&session.organisations, &key.public()).map_err(|error| Failure::Failed(error.to_string()))
}

fn ballot_of(
    proposal: &Proposal,
    checked: &Checked,
    own: &Organisation,
    ballot: Ballot,
) -> Result<Vote, Failure> {
    let vote = checked.vote(own.id, ballot, claimed_at());
    vote.map_err(|error| Failure::Failed(format!("{}: {error}", short(proposal.id, 8))))
}

/// Signs a vote, and sends it.
async fn send(session: &Session, vote: &Vote, key: &SecretKey) -> Result<(), Failure> {
    session.client.network().vote(vote.proposal, &Envelope::sign(vote, key)).await?;
    Ok(())
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "approve",
        Decision::Reject => "reject",
        Decision::Abstain => "abstain",
        Decision::Veto => "veto",
    }
}
