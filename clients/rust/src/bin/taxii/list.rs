//! `taxii list`

use crate::failure::Failure;
use crate::out::Out;
use crate::server::Server;
use taxii_client::taxii::Collection;

/// List the collections of an API root
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taxii --url https://taxii.example/ list
  taxii --url https://taxii.example/root/ --json list | jq -r 'select(.can_write).id'")]
pub(crate) struct Arguments {}

pub(crate) async fn run(_: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let collections = server.client()?.collections().await?;
    remark_ids(&collections, out);
    if out.is_json() {
        for collection in &collections {
            out.json(collection)?;
        }
        return Ok(());
    }
    let row = |collection: &Collection| {
        let alias = collection.alias.clone().unwrap_or_default();
        [collection.id.clone(), alias, access(collection).to_owned(), collection.title.clone()]
    };
    let rows: Vec<_> = collections.iter().map(row).collect();
    Ok(out.table(["ID", "ALIAS", "ACCESS", "TITLE"], &rows)?)
}

/// Says of identifiers that they are not as the standard has them (TAXII 2.1, section 5.2.1).
pub(crate) fn remark_ids(collections: &[Collection], out: &Out) {
    for Collection { id, .. } in collections.iter().filter(|collection| !is_uuid(&collection.id)) {
        out.remark(format!("{id}: this id is no UUID, as TAXII 2.1 wants it; it is used as it is"));
    }
}

fn is_uuid(id: &str) -> bool {
    id.parse::<uuid::Uuid>().is_ok()
}

/// What this account may do.
pub(crate) fn access(collection: &Collection) -> &'static str {
    match (collection.can_read, collection.can_write) {
        (true, true) => "read, write",
        (true, false) => "read",
        (false, true) => "write",
        (false, false) => "none",
    }
}
