//! `taxii list`

use crate::failure::Failure;
use crate::out::Out;
use crate::server::Server;
use serde::Serialize;
use taxii_client::taxii::Collection;

/// List the collections of an API root, or of all API roots of a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With the URL of a server or of its discovery, all API roots are looked at, and those are shown in which this account has
something.

With --json, each collection has one line, as the server has it and with the URL of its `api_root`.

Examples:
  taxii --url https://taxii.example/ list
  taxii --url https://taxii.example/root/ --json list | jq -r 'select(.can_write).id'")]
pub(crate) struct Arguments {}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    collection: &'a Collection,
    api_root: &'a str,
}

pub(crate) async fn run(_: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let client = server.client()?;
    let mut roots = Vec::new();
    let mut failure = None;
    for root in client.api_roots().await? {
        match client.at_api_root(root.clone()).collections_and_remarks().await {
            Ok((collections, remarks)) => {
                remarks.iter().for_each(|remark| out.remark(format!("{root}: {remark}")));
                roots.push((root.to_string(), collections));
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    // A root that this account may not enter is no failure, as long as there is another.
    match failure {
        Some(error) if roots.is_empty() => return Err(error.into()),
        Some(error) => out.remark(Failure::from(error).message().unwrap_or_default()),
        None => {}
    }
    for (_, collections) in &roots {
        remark_ids(collections, out);
    }
    if out.is_json() {
        for (root, collections) in &roots {
            for collection in collections {
                out.json(&Row { collection, api_root: root })?;
            }
        }
        return Ok(());
    }
    if roots.iter().any(|(_, collections)| !collections.is_empty()) {
        roots.retain(|(_, collections)| !collections.is_empty());
    }
    let has_many = roots.len() > 1;
    for (index, (root, collections)) in roots.iter().enumerate() {
        if has_many {
            out.line(if index > 0 { format!("\n{root}") } else { root.clone() })?;
        }
        let row = |collection: &Collection| {
            let alias = collection.alias.clone().unwrap_or_default();
            [collection.id.clone(), alias, access(collection).to_owned(), collection.title.clone()]
        };
        let rows: Vec<_> = collections.iter().map(row).collect();
        out.table(["ID", "ALIAS", "ACCESS", "TITLE"], &rows)?;
    }
    Ok(())
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
