mod accounts;
mod feeds;
mod network;

use super::admin::{find_collection, unless_exists};
use super::import::Importer;
use super::{CommonOptions, install_crypto, output, start_logging};
use crate::config::{Config, ListenAddress, MetricsListen, StoreConfig};
use crate::control::{AccessResource, CollectionResource, Control, NewApiRoot, NewCollection};
use crate::private;
use crate::rights::{GrantScope, Viewer};
use crate::serve::{Server, StopSignal};
use crate::store::View;
use accounts::{Accounts, basic};
use anyhow::Context;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use stix_model::reader::Expect;
use stix_model::{SpecVersion, Tlp};

/// MITRE ATT&CK for Industrial Control Systems; see `demo/README.md` for its terms.
const ICS_ATTACK: &[u8] = include_bytes!("../../demo/ics-attack-18.1.json.gz");
/// Name of the file that keeps [`Made`], because the store does not give credentials back.
const FILE: &str = "demo.json";

const EXAMPLES: &str = "\
Examples:
  taxii-server demo
  taxii-server demo --json --listen 127.0.0.1:0 --data /tmp/demo
  taxii-server demo --feeds                           feeds become objects, with taxii-feeds
  taxii-server demo --network                         three organisations, three servers, one log

With --network, TAXII is served at three ports from that of --listen on, and the data folder is concord-network-demo. With
--json, one line of JSON comes when all three are ready, then one for each step.";

/// Serves a real ATT&CK collection from a data folder of its own.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Demo {
    /// Address for TAXII
    #[arg(long, default_value = "127.0.0.1:6100", value_name = "ADDRESS:PORT")]
    listen: ListenAddress,
    /// Show three organisations that decide together what becomes visible
    #[arg(long)]
    network: bool,
    /// Turn small files of real feeds into objects, with the program taxii-feeds
    #[arg(long, conflicts_with = "network")]
    feeds: bool,
    /// Print one line of JSON when everything is ready
    #[arg(long)]
    json: bool,
}

/// Resources that the demo has added to its store.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Made {
    is_loaded: bool,
    collection: CollectionResource,
    writable_collection: CollectionResource,
    #[serde(flatten)]
    accounts: Accounts,
}

impl Demo {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        start_quietly();
        install_crypto();
        if self.network {
            return network::run(&self.listen, self.json, options).await;
        }
        let mut config = config(options, "concord-demo")?;
        config.listen = self.listen;
        config.title = "Concord demo".to_owned();
        network::refuse(&config.data)?;
        let stop = StopSignal::register()?;
        let server = Server::start(config.clone()).await?;
        let control = Control::of(Arc::clone(server.app()))?;
        let path = config.data.join(FILE);
        let kept = match Made::read(&path, &server)? {
            Some(made) if made.is_complete(&server).await => Some(made),
            _ => None,
        };
        let mut made = match kept {
            Some(made) => made,
            None => {
                let made = make(&control).await?;
                made.save(&path)?;
                made
            }
        };
        if !made.is_loaded {
            load(&control, &made).await?;
            made.is_loaded = true;
            made.save(&path)?;
        }
        if self.json {
            print_json(&server.url(), &made)?;
        } else {
            print_text(&server, &made, &config.data).await?;
        }
        // It holds the store, which is closed at the end.
        drop(control);
        let url = server.url();
        let fill = async {
            if self.feeds
                && let Err(error) = feeds::fill(&url, &made, &config.data, self.json).await
            {
                // The server serves on.
                output::warning(self.json, &format!("{error:#}"));
            }
        };
        let (served, ()) = tokio::join!(server.run(stop), fill);
        served?;
        if !self.json {
            output::line("\nStopped. The data is kept; the next start is instant.")?;
        }
        Ok(true)
    }
}

/// The settings of a demo, which is the same whatever store and metrics the operator has elsewhere.
fn config(options: &CommonOptions, default_data: &str) -> anyhow::Result<Config> {
    let mut config = options.config(Some(default_data))?;
    config.store = StoreConfig::default();
    config.metrics_listen = MetricsListen::Nowhere;
    Ok(config)
}

/// Logs only when `RUST_LOG` asks for it, so that the terminal shows the text of the demo.
fn start_quietly() {
    if std::env::var_os("RUST_LOG").is_some() {
        start_logging();
    }
}

impl Made {
    /// Reads the file of an earlier demo; `None` when the folder is new or a start was interrupted. A folder that holds
    /// another store is refused, because the demo changes it.
    fn read(path: &Path, server: &Server) -> anyhow::Result<Option<Self>> {
        if let Ok(json) = std::fs::read(path) {
            return Ok(serde_json::from_slice(&json).ok());
        }
        let directory = server.app().store.directory();
        let is_new = directory.api_roots.is_empty() && directory.accounts.is_empty();
        anyhow::ensure!(is_new, "this data folder holds a store that is no demo; give --data another folder");
        // Marks the folder as that of a demo before anything is added.
        private::write(path, b"null")?;
        Ok(None)
    }

    /// Whether the store still has everything that was added.
    async fn is_complete(&self, server: &Server) -> bool {
        let directory = server.app().store.directory();
        let collections = [&self.collection, &self.writable_collection];
        self.accounts.are_valid(server).await
            && collections.iter().all(|collection| directory.collections.contains_key(&collection.id))
    }

    fn save(&self, path: &Path) -> anyhow::Result<()> {
        Ok(private::write(path, &serde_json::to_vec_pretty(self)?)?)
    }
}

/// Adds API root, collections and accounts. Collections that exist are kept; accounts that exist are added again, because
/// their credentials are not known.
async fn make(control: &Control) -> anyhow::Result<Made> {
    let title = Some("Concord demo".to_owned());
    let added =
        control.add_api_root(&NewApiRoot { name: "api".to_owned(), title, ..NewApiRoot::default() }).await;
    unless_exists(added)?;
    let attack = NewCollection {
        api_root: "api".to_owned(),
        title: "ICS ATT&CK".to_owned(),
        alias: Some("ics-attack".to_owned()),
        description: Some(
            "MITRE ATT&CK for Industrial Control Systems 18.1. (c) 2025 The MITRE Corporation. This work is \
             reproduced and distributed with the permission of The MITRE Corporation."
                .to_owned(),
        ),
        ..NewCollection::default()
    };
    let sandbox = NewCollection {
        api_root: "api".to_owned(),
        title: "Sandbox".to_owned(),
        alias: Some("sandbox".to_owned()),
        description: Some("Add what you like".to_owned()),
        spec_versions: Some(vec![SpecVersion::V2_0, SpecVersion::V2_1]),
        ..NewCollection::default()
    };
    let collection = add_or_find(control, &attack).await?;
    let writable_collection = add_or_find(control, &sandbox).await?;
    let [attack, sandbox] = [&collection, &writable_collection].map(|made| GrantScope::Collection(made.id));
    Ok(Made {
        is_loaded: false,
        accounts: Accounts::add(
            control,
            &[(attack, AccessResource::READ), (sandbox, AccessResource::READ)],
            &[(attack, AccessResource::READ), (sandbox, AccessResource::READ_AND_WRITE)],
        )
        .await?,
        collection,
        writable_collection,
    })
}

/// Adds a collection, or finds the one with its alias.
async fn add_or_find(control: &Control, new: &NewCollection) -> anyhow::Result<CollectionResource> {
    match unless_exists(control.add_collection(new).await)? {
        Some(added) => Ok(added),
        None => find_collection(control, new.alias.as_deref().unwrap_or(&new.title)).await,
    }
}

/// Loads the objects as a POST does. Objects that an interrupted start has loaded are not added again.
async fn load(control: &Control, made: &Made) -> anyhow::Result<()> {
    let mut importer = Importer::new(control, &made.collection).await?;
    importer.begin("Loading ICS ATT&CK");
    importer.read(flate2::read::GzDecoder::new(ICS_ATTACK), Expect::File).await?;
    let (outcome, sent) = importer.finish().await;
    sent?;
    anyhow::ensure!(outcome.is_complete(), "demo data was not loaded as a whole: {:?}", outcome.failures);
    Ok(())
}

fn print_json(url: &str, made: &Made) -> anyhow::Result<()> {
    let short = |collection: &CollectionResource| json!({"id": collection.id, "alias": collection.alias});
    let ready = json!({
        "url": url,
        "api_root": format!("{url}/api/"),
        "collection": short(&made.collection),
        "writable_collection": short(&made.writable_collection),
        "reader": made.accounts.reader,
        "writer": made.accounts.writer,
        "admin": made.accounts.admin,
    });
    output::json(&ready)
}

async fn print_text(server: &Server, made: &Made, data: &Path) -> anyhow::Result<()> {
    let (url, store) = (server.url(), &server.app().store);
    let Accounts { reader, writer, admin } = &made.accounts;
    let (name, password) = (&reader.username, &reader.password);
    let [reader, writer, admin] = [reader, writer, admin].map(basic);
    let directory = store.directory();
    let ics = directory.collection("api", "ics-attack").context("the collection ics-attack is gone")?;
    let viewer = Viewer::with_clearance(Tlp::Red);
    let contents = store.contents(&[View::new(Arc::clone(ics), viewer)]).await?;
    let count = contents.first().map_or(0, |contents| contents.objects);
    let collections = format!("{url}/api/collections");
    let accept = "Accept: application/taxii+json;version=2.1";
    output::line(&format!(
        "\nConcord serves TAXII 2.1 at {url}/taxii2/ and keeps its data in {data}

  API root      {url}/api/
  ICS ATT&CK    {ics}  (alias ics-attack, {count} objects)
  Sandbox       {sandbox}  (alias sandbox, writable)
  reader        {reader}
  writer        {writer}
  admin         {admin}
  API pages     {url}/docs

Try, with the command line of this project (cargo install --path clients/rust):
  export TAXII_URL={url}/ TAXII_USER={name} TAXII_PASSWORD='{password}'
  taxii list
  taxii pull -c ics-attack --type malware -o malware.jsonl
  taxii validate malware.jsonl

Or with anything that speaks HTTP:
  curl -u {reader} -H '{accept}' {url}/taxii2/
  curl -u {reader} -H '{accept}' '{collections}/ics-attack/objects/?limit=2&match%5Btype%5D=attack-pattern'
  curl -u {writer} -H '{accept}' -H 'Content-Type: application/taxii+json;version=2.1' {collections}/sandbox/objects/ \\
    -d '{{\"objects\":[{{\"type\":\"domain-name\",\"spec_version\":\"2.1\",\"id\":\"domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5\",\"value\":\"example.org\"}}]}}'

Ctrl-C stops the server.",
        data = data.display(),
        ics = ics.id,
        sandbox = made.writable_collection.id,
    ))
}
