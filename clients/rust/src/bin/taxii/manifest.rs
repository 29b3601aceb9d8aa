//! `taxii manifest`

use crate::collection::{CollectionOption, Purpose};
use crate::failure::Failure;
use crate::filter::FilterOptions;
use crate::out::Out;
use crate::server::Server;

/// List what is in a collection: identifier, version, and when it was added
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taxii manifest -c mitre --type malware
  taxii manifest --version all --json | jq -r .id | sort | uniq -c")]
pub(crate) struct Arguments {
    #[command(flatten)]
    collection: CollectionOption,
    #[command(flatten)]
    filter: FilterOptions,
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    arguments.filter.advise(out);
    let (client, collection) = arguments.collection.choose(server.client()?, Purpose::Read).await?;
    for filter in arguments.filter.filter().split() {
        let mut pages = client.manifest(&collection, filter).await?;
        // A collection may hold millions, so each page is shown as it comes.
        while let Some(page) = pages.next().await? {
            for record in &page.objects {
                if out.is_json() {
                    out.json(record)?;
                } else {
                    out.line(format!("{}  {}  {}", record.date_added, record.version, record.id))?;
                }
            }
            out.flush()?;
            page.remarks.iter().for_each(|remark| out.remark(remark));
        }
    }
    Ok(())
}
