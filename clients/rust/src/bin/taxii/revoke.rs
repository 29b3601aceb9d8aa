//! `taxii revoke`

use crate::collection::{CollectionOption, Purpose};
use crate::failure::Failure;
use crate::filter::version;
use crate::key::KeyOption;
use crate::network::names::claimed_at;
use crate::network::{NetworkOption, show_outcome};
use crate::out::Out;
use crate::server::Server;
use stix_model::Object;
use taxii_client::Filter;
use taxii_client::network::{Digest, Envelope, Nonce, Revoke};

/// Propose to take back an object that readers of a network see
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What is signed names the version and its digest, computed from the object as the server shows it. The policy of the network
says who has to agree; an organisation usually takes back its own objects alone.

Examples:
  taxii revoke -c indicators indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --reason 'false alarm' --key vote.key
  taxii revoke -c indicators --version 2026-01-01T00:00:00.000Z tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f \\
    --reason 'names a customer' --key vote.key")]
pub(crate) struct Arguments {
    /// STIX identifier
    id: String,
    #[command(flatten)]
    collection: CollectionOption,
    /// Which version: last, first, or a timestamp
    #[arg(long, value_name = "VERSION", default_value = "last", value_parser = version)]
    version: String,
    /// Why, for the other organisations
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    key: KeyOption,
    #[command(flatten)]
    network: NetworkOption,
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let file = arguments.key.read(out)?;
    if arguments.version == "all" {
        return Err(Failure::Usage("a revocation is of one version; name it".to_owned()));
    }
    let session = arguments.network.open(server, out).await?;
    let own = crate::vote::own(&session, &file)?;
    let (client, collection) = arguments.collection.choose(server.client()?, Purpose::Read).await?;
    let found = session.state.collections.iter().find(|known| {
        known.id.to_string() == collection || known.definition["alias"].as_str() == Some(&collection)
    });
    let found = found.ok_or_else(|| {
        Failure::Failed(format!(
            "{collection}: the network has no such collection; `taxii delete` is for others"
        ))
    })?;
    let mut filter = Filter::default();
    filter.versions.push(arguments.version.clone());
    let mut pages = client.object(&collection, &arguments.id, filter).await?;
    let page = pages.next().await?;
    let text = page.and_then(|page| page.objects.into_iter().next_back());
    let missing = || Failure::Failed(format!("{}: no such version in the collection", arguments.id));
    let text = text.ok_or_else(missing)?;
    let object = Object::parse(text.get())
        .map_err(|error| Failure::Failed(format!("{}: the object cannot be read: {error}", arguments.id)))?;
    let header = object.header();
    if header.id.as_str() != arguments.id {
        return Err(Failure::Failed(format!("{} was asked for, and {} came", arguments.id, header.id)));
    }
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| Failure::Failed(format!("no random numbers: {error}")))?;
    let revoke = Revoke {
        network: session.state.network,
        organisation: own.id,
        collection: found.id,
        id: arguments.id.clone(),
        version: header.version().map_or(String::new(), |version| version.sort_key().to_owned()),
        digest: Digest(header.digest.0),
        reason: arguments.reason.clone(),
        nonce: Nonce(nonce),
        claimed_at: claimed_at(),
    };
    let secret = arguments.key.open(&file)?;
    let ordered = session.client.network().revoke(&Envelope::sign(&revoke, &secret)).await?;
    let done = format!("{} proposes to take back {}", session.name(own.id), arguments.id);
    show_outcome(&session, ordered.proposal, &done, out).await
}
