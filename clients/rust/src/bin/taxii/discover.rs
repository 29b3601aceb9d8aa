//! `taxii discover`

use crate::failure::Failure;
use crate::out::Out;
use crate::server::Server;
use serde::Serialize;
use taxii_client::taxii::{ApiRoot, Collection, Discovery};
use taxii_client::{Client, Error, Remark, Url};

/// Show a server, its API roots and their collections
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taxii --url https://taxii.example/ discover
  taxii --url https://taxii.example/ --json discover | jq '.api_roots[].url'")]
pub(crate) struct Arguments {}

#[derive(Serialize)]
struct Answer<'a> {
    url: String,
    discovery: &'a Discovery,
    api_roots: &'a [Root],
}

/// What could be learned about an API root: discovery may name roots that this account may not enter.
#[derive(Serialize)]
struct Root {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_root: Option<Told>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    collections: Vec<Collection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    cause: Option<Error>,
    #[serde(skip)]
    remarks: Vec<Remark>,
}

/// An API root, with the limit only when the server tells one.
#[derive(Serialize)]
struct Told {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    versions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_content_length: Option<u64>,
}

impl From<ApiRoot> for Told {
    fn from(root: ApiRoot) -> Self {
        let ApiRoot { title, description, versions, max_content_length } = root;
        // That is what stands for a limit that is missing.
        let max_content_length = Some(max_content_length).filter(|limit| *limit < u64::MAX);
        Self { title, description, versions, max_content_length }
    }
}

pub(crate) async fn run(_: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let client = server.client()?;
    let discovery = client.discovery().await?;
    let mut roots = Vec::new();
    for url in client.api_root_urls(&discovery)? {
        roots.push(visit(&client, url).await);
    }
    for root in &roots {
        root.remarks.iter().for_each(|remark| out.remark(format!("{}: {remark}", root.url)));
        crate::list::remark_ids(&root.collections, out);
    }
    if out.is_json() {
        let url = client.discovery_url()?.to_string();
        out.json(&Answer { url, discovery: &discovery, api_roots: &roots })?;
        return outcome(roots);
    }
    out.line(&discovery.title)?;
    for text in [&discovery.description, &discovery.contact].into_iter().flatten() {
        out.line(text)?;
    }
    for root in &roots {
        out.line("")?;
        show(root, out)?;
    }
    outcome(roots)
}

/// A root that this account may not enter is no failure, as long as there is another.
fn outcome(mut roots: Vec<Root>) -> Result<(), Failure> {
    let is_lost = roots.iter().all(|root| root.cause.is_some());
    let cause = roots.pop().and_then(|root| root.cause);
    cause.filter(|_| is_lost).map_or(Ok(()), |cause| Err(cause.into()))
}

async fn visit(client: &Client, url: Url) -> Root {
    let mut root = Root {
        url: url.to_string(),
        api_root: None,
        collections: Vec::new(),
        error: None,
        cause: None,
        remarks: Vec::new(),
    };
    let client = client.at_api_root(url);
    let outcome: Result<(), Error> = async {
        root.api_root = Some(client.api_root().await?.into());
        (root.collections, root.remarks) = client.collections_and_remarks().await?;
        Ok(())
    }
    .await;
    root.cause = outcome.err();
    root.error = root.cause.as_ref().map(Error::to_string);
    root
}

fn show(root: &Root, out: &mut Out) -> Result<(), Failure> {
    out.line(&root.url)?;
    if let Some(api_root) = &root.api_root {
        let limit = match api_root.max_content_length {
            Some(limit) => format!("up to {limit} bytes per request"),
            None => "the server does not tell how large a request may be".to_owned(),
        };
        out.line(format!("  {} ({limit})", api_root.title))?;
    }
    if let Some(error) = &root.error {
        out.line(format!("  {error}"))?;
    }
    for collection in &root.collections {
        let access = crate::list::access(collection);
        out.line(format!("  {}  {:11}  {}", collection.id, access, collection.title))?;
    }
    Ok(())
}
