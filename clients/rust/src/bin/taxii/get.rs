//! `taxii get`

use crate::collection::{CollectionOption, Purpose};
use crate::failure::Failure;
use crate::filter::version;
use crate::out::Out;
use crate::pretty::pretty;
use crate::server::Server;
use taxii_client::Filter;

/// Print one object as the server sent it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taxii get -c mitre attack-pattern--0042a9f5-f053-4769-b3ef-9ad018dfa298
  taxii get --version all --pretty malware--00c3bfcb-99bd-4767-8c03-b08f585f5c8a")]
pub(crate) struct Arguments {
    /// STIX identifier
    id: String,
    #[command(flatten)]
    collection: CollectionOption,
    /// Which versions: last (the default), first, all, or timestamps
    #[arg(long = "version", value_name = "VERSION,…", value_delimiter = ',', value_parser = version)]
    versions: Vec<String>,
    /// Indent the text; nothing but white space changes
    #[arg(long)]
    pretty: bool,
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let (client, collection) = arguments.collection.choose(server.client()?, Purpose::Read).await?;
    let mut filter = Filter::default();
    filter.versions.clone_from(&arguments.versions);
    let mut pages = client.object(&collection, &arguments.id, filter).await?;
    let mut count = 0;
    while let Some(page) = pages.next().await? {
        for object in &page.objects {
            let text = if arguments.pretty { pretty(object.get()) } else { object.get().to_owned() };
            out.raw(text.as_bytes())?;
            out.raw(b"\n")?;
            count += 1;
        }
        page.remarks.iter().for_each(|remark| out.remark(remark));
    }
    // TAXII 2.1, section 5.6: an object whose versions the filter leaves out is an empty envelope.
    if count == 0 {
        return Err(Failure::Failed(format!("{}: no such version in the collection", arguments.id)));
    }
    Ok(())
}
