//! `taxii delete`

use crate::collection::{CollectionOption, Purpose};
use crate::failure::Failure;
use crate::filter::version;
use crate::out::Out;
use crate::server::Server;
use serde_json::json;

/// Delete an object, or some of its versions, from a collection
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taxii delete -c drafts indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
  taxii delete -c drafts --version all indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f")]
pub(crate) struct Arguments {
    /// STIX identifier
    id: String,
    #[command(flatten)]
    collection: CollectionOption,
    /// Which versions: last, first, all, or timestamps; the standard's default is the latest one only
    #[arg(long = "version", value_name = "VERSION,…", value_delimiter = ',', default_value = "last",
          value_parser = version)]
    versions: Vec<String>,
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let (client, collection) = arguments.collection.choose(server.client()?, Purpose::Write).await?;
    client.delete_object(&collection, &arguments.id, arguments.versions.clone()).await?;
    if out.is_json() {
        out.json(&json!({ "id": arguments.id, "versions": arguments.versions, "deleted": true }))?;
    }
    out.remark(format!("deleted {} ({})", arguments.id, arguments.versions.join(", ")));
    Ok(())
}
