//! `taxii proof`

use crate::collection::{CollectionOption, Purpose};
use crate::failure::Failure;
use crate::out::Out;
use crate::server::Server;
use consensus::evidence::Bundle;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use stix_model::Timestamp;
use taxii_client::network::Network;
use uuid::Uuid;

/// Get what shows, without the server, that organisations approved an object
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Get(GetArguments),
    Checkpoint(CheckpointArguments),
    Trust(TrustArguments),
    Members(MembersArguments),
}

/// Get the proof that an object was approved
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The proof holds the object, the votes as they were signed, and the place of the decision in the transparency log of the
network. Those who have it check it by `taxii verify`, without the server.

Examples:
  taxii proof get -c indicators indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f -o proof.json
  taxii proof get -c indicators indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f | taxii verify - --policy trust.txt")]
pub(crate) struct GetArguments {
    /// STIX identifier
    id: String,
    #[command(flatten)]
    collection: CollectionOption,
    /// The version, a timestamp; the last one when left out
    #[arg(long = "version", value_name = "VERSION")]
    version: Option<Timestamp>,
    #[command(flatten)]
    target: Target,
}

/// Get the checkpoint of the transparency log: how many entries it has, and the root over them, signed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Keep checkpoints: two of them show by `taxii verify-consistency` whether the log kept all that it held. Compare them with those
that others got.

Examples:
  taxii proof checkpoint -o 2026-11-29.note
  taxii verify-consistency 2026-11-01.note 2026-11-29.note --policy trust.txt")]
pub(crate) struct CheckpointArguments {
    #[command(flatten)]
    target: Target,
}

/// Get a trust policy with the key of the log, to be compared with what the organisations publish elsewhere
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What comes is the word of the server about its own key. Before it proves anything, compare the key with what the organisations
publish elsewhere, and name witnesses (C2SP tlog-policy).

Examples:
  taxii proof trust -o trust.txt")]
pub(crate) struct TrustArguments {
    #[command(flatten)]
    target: Target,
}

/// Get the organisations and their keys, to be compared with what the organisations publish elsewhere
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What comes is the word of the server. Before it proves anything, compare the keys with what the organisations publish
elsewhere.

Examples:
  taxii proof members -o members.json
  taxii verify proof.json --policy trust.txt --members members.json")]
pub(crate) struct MembersArguments {
    #[command(flatten)]
    target: Target,
}

/// Where to write.
#[derive(Debug, clap::Args)]
struct Target {
    /// The file to write, which is never overwritten; standard output when left out
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) async fn run(command: &Command, server: &Server, out: &mut Out) -> Result<(), Failure> {
    match command {
        Command::Get(arguments) => get(arguments, server, out).await,
        Command::Checkpoint(arguments) => {
            let client = server.client()?;
            let found = client.network().log_file("checkpoint").await?;
            arguments.target.write(&found, out)
        }
        Command::Trust(arguments) => {
            let client = server.client()?;
            let found = client.network().trust().await?;
            arguments.target.write(&found, out)?;
            word_of_the_server(&client.network(), out)
        }
        Command::Members(arguments) => {
            let client = server.client()?;
            let found = client.network().organisations_text().await?;
            arguments.target.write(&found, out)?;
            word_of_the_server(&client.network(), out)
        }
    }
}

async fn get(arguments: &GetArguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let (client, named) = arguments.collection.choose(server.client()?, Purpose::Read).await?;
    let collection: Uuid = match named.parse() {
        Ok(id) => id,
        Err(_) => {
            let id = client.collection(&named).await?.id;
            id.parse()
                .map_err(|_| Failure::Failed(format!("{named}: the id of this collection is no UUID")))?
        }
    };
    let version = arguments.version.as_ref();
    let found = client.network().proof(collection, &arguments.id, version).await?;
    let bundle = Bundle::from_json(&found).map_err(|error| Failure::Failed(error.to_string()))?;
    if (bundle.collection, &bundle.item.id) != (collection, &arguments.id) {
        return Err(Failure::Failed(format!(
            "the proof of {} was asked for, and one of {} came",
            arguments.id, bundle.item.id
        )));
    }
    arguments.target.write(&found, out)
}

fn word_of_the_server(network: &Network<'_>, out: &mut Out) -> Result<(), Failure> {
    out.flush()?;
    out.remark(format!(
        "These keys are the word of {}: compare them with what the organisations publish elsewhere before you rely on them.",
        network.origin()?
    ));
    Ok(())
}

impl Target {
    fn write(&self, bytes: &[u8], out: &mut Out) -> Result<(), Failure> {
        let Some(path) = &self.output else {
            out.raw(bytes)?;
            if !bytes.ends_with(b"\n") {
                out.raw(b"\n")?;
            }
            return Ok(());
        };
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Failure::Failed(format!("{}: the file is there, and is not overwritten", path.display()))
            }
            _ => Failure::file(path, error),
        })
    }
}
