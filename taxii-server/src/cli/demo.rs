use super::admin::{find_collection, text};
use super::import::Importer;
use super::{Place, install_crypto, output, start_logging};
use crate::config::MetricsListen;
use crate::control::{Control, write_private};
use crate::credentials::Presented;
use crate::serve::{Server, StopSignal};
use anyhow::Context;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

/// MITRE ATT&CK for Industrial Control Systems; see `demo/README.md` for its terms.
const ICS_ATTACK: &[u8] = include_bytes!("../../demo/ics-attack-18.1.json.gz");
/// What the demo has made, with the credentials that the store itself cannot tell any more.
const FILE: &str = "demo.json";

/// Serves a real ATT&CK collection from a data folder of its own.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  taxii-server demo\n  taxii-server demo --json --listen 127.0.0.1:0 --data /tmp/demo"
)]
pub(super) struct Demo {
    /// Address for TAXII
    #[arg(long, default_value = "127.0.0.1:6100", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Print one line of JSON when everything is ready
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Made {
    is_loaded: bool,
    collection: Value,
    writable_collection: Value,
    reader: Value,
    writer: Value,
    admin: Value,
}

impl Demo {
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<bool> {
        start_quietly();
        install_crypto();
        let mut config = place.config(Some("concord-demo"))?;
        config.listen = self.listen;
        config.title = "Concord demo".to_owned();
        config.metrics_listen = MetricsListen::Nowhere;
        let stop = StopSignal::register()?;
        let server = Server::start(config.clone()).await?;
        let control = Control::open(config.clone()).await?;
        let path = config.data.join(FILE);
        let mut made = Made::read(&path, &server)?;
        if !made.is_there(&server).await {
            made = make(&control).await?;
            made.save(&path)?;
        }
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
        server.run(stop).await?;
        if !self.json {
            output::line("\nStopped. The data is kept; the next start is instant.")?;
        }
        Ok(true)
    }
}

/// People who try it want to see their terminal, not the log.
fn start_quietly() {
    if std::env::var_os("RUST_LOG").is_some() {
        start_logging();
    }
}

impl Made {
    /// Only a folder that a demo has begun is changed: `demo` must not touch a store that somebody uses.
    fn read(path: &Path, server: &Server) -> anyhow::Result<Self> {
        match std::fs::read(path) {
            // What an interrupted start left is made anew.
            Ok(json) => Ok(serde_json::from_slice(&json).unwrap_or_default()),
            Err(_) => {
                let directory = server.app().store.directory();
                let is_new = directory.api_roots.is_empty() && directory.accounts.is_empty();
                anyhow::ensure!(
                    is_new,
                    "this data folder holds a store that is no demo; give --data another folder"
                );
                let nothing = Self::default();
                nothing.save(path)?;
                Ok(nothing)
            }
        }
    }

    /// Whether the store still has what was made. Somebody may have removed it, or the first start was interrupted.
    async fn is_there(&self, server: &Server) -> bool {
        let app = server.app();
        let directory = app.store.directory();
        let has = |collection: &Value| directory.collection("api", &text(collection, "id")).is_some();
        for account in [&self.reader, &self.writer, &self.admin] {
            let presented =
                Presented::Password { name: text(account, "username"), password: text(account, "password") };
            let token = Presented::Token(text(account, "token"));
            for presented in [presented, token] {
                if app.credentials.check(&directory, presented).await.is_err() {
                    return false;
                }
            }
        }
        has(&self.collection) && has(&self.writable_collection)
    }

    fn save(&self, path: &Path) -> anyhow::Result<()> {
        write_private(path, &serde_json::to_vec_pretty(self)?)
    }
}

/// Makes what is missing. Accounts that are there already get new credentials, because the old ones cannot be told.
async fn make(control: &Control) -> anyhow::Result<Made> {
    let root = json!({"name": "api", "title": "Concord demo"});
    add_or(control, "/admin/api-roots/", root, async || Ok(Value::Null)).await?;
    let collection = json!({
        "api_root": "api", "title": "ICS ATT&CK", "alias": "ics-attack",
        "description": "MITRE ATT&CK for Industrial Control Systems 18.1. (c) 2025 The MITRE Corporation. This work is \
                        reproduced and distributed with the permission of The MITRE Corporation."
    });
    let sandbox = json!({
        "api_root": "api", "title": "Sandbox", "alias": "sandbox", "spec_versions": ["2.0", "2.1"],
        "description": "Add what you like"
    });
    let path = "/admin/collections/";
    let collection =
        add_or(control, path, collection, async || find_collection(control, "ics-attack").await).await?;
    let sandbox = add_or(control, path, sandbox, async || find_collection(control, "sandbox").await).await?;
    let (ics, open) = (text(&collection, "id"), text(&sandbox, "id"));
    let read_only = json!({"can_read": true, "can_write": false});
    let both = json!({"can_read": true, "can_write": true});
    let account = async |name: &str, is_administrator: bool, grants: Value| {
        let _ = control.call(Method::DELETE, &format!("/admin/accounts/{name}/"), Bytes::new()).await?;
        let new = json!({"name": name, "is_administrator": is_administrator, "grants": grants});
        control.json(Method::POST, "/admin/accounts/", new).await
    };
    Ok(Made {
        is_loaded: false,
        reader: account("reader", false, json!({&ics: read_only, &open: read_only})).await?,
        writer: account("writer", false, json!({&ics: read_only, &open: both})).await?,
        admin: account("admin", true, json!({})).await?,
        collection,
        writable_collection: sandbox,
    })
}

/// Adds something, or takes what is there under its name.
async fn add_or(
    control: &Control,
    path: &str,
    new: Value,
    existing: impl AsyncFnOnce() -> anyhow::Result<Value>,
) -> anyhow::Result<Value> {
    let reply = control.call(Method::POST, path, serde_json::to_vec(&new)?.into()).await?;
    match reply.status {
        StatusCode::CONFLICT => existing().await,
        _ => Ok(serde_json::from_slice(&reply.success()?.body)?),
    }
}

/// Loads the objects as a POST does. What an interrupted start had loaded already is found to be there.
async fn load(control: &Control, made: &Made) -> anyhow::Result<()> {
    let mut importer = Importer::new(control, &made.collection).await?;
    importer.begin("Loading ICS ATT&CK");
    importer.read(flate2::read::GzDecoder::new(ICS_ATTACK)).await?;
    let (outcome, sent) = importer.finish().await;
    sent?;
    anyhow::ensure!(outcome.failed == 0, "demo data was refused: {:?}", outcome.failures);
    Ok(())
}

fn print_json(url: &str, made: &Made) -> anyhow::Result<()> {
    let short = |collection: &Value| json!({"id": collection["id"], "alias": collection["alias"]});
    let ready = json!({
        "url": url,
        "api_root": format!("{url}/api/"),
        "collection": short(&made.collection),
        "writable_collection": short(&made.writable_collection),
        "reader": made.reader,
        "writer": made.writer,
        "admin": made.admin,
    });
    output::line(&ready.to_string())
}

async fn print_text(server: &Server, made: &Made, data: &Path) -> anyhow::Result<()> {
    let (url, store) = (server.url(), &server.app().store);
    let basic = |account: &Value| format!("{}:{}", text(account, "username"), text(account, "password"));
    let [reader, writer, admin] = [&made.reader, &made.writer, &made.admin].map(basic);
    let directory = store.directory();
    let ics = directory.collection("api", "ics-attack").context("the collection ics-attack is gone")?;
    let count = store.count(ics).await?;
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

Try:
  curl -u {reader} -H '{accept}' {url}/taxii2/
  curl -u {reader} -H '{accept}' '{collections}/ics-attack/objects/?limit=2&match%5Btype%5D=attack-pattern'
  curl -u {writer} -H '{accept}' -H 'Content-Type: application/taxii+json;version=2.1' {collections}/sandbox/objects/ \\
    -d '{{\"objects\":[{{\"type\":\"domain-name\",\"spec_version\":\"2.1\",\"id\":\"domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5\",\"value\":\"example.org\"}}]}}'

Ctrl-C stops the server.",
        data = data.display(),
        ics = ics.id,
        sandbox = text(&made.writable_collection, "id"),
    ))
}
