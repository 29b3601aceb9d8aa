//! Three organisations on one machine: each has a server with a node, and they decide together what becomes visible.
//!
//! Everything goes the way that operators and reviewers go by hand, except one step: [`damage`] reaches below a store.

mod damage;
mod founding;
mod kept;
mod proof;
mod steps;
mod tell;

use super::accounts::{Accounts, basic};
use super::config;
use crate::app::App;
use crate::cli::CommonOptions;
use crate::config::{Config, ListenAddress, Pace, Unnamed};
use crate::control::{Control, ControlError};
use crate::serve::{Server, StopSignal};
use anyhow::{Context, bail};
use axum::http::StatusCode;
use consensus::{OrganisationId, SecretKey};
use futures::future::join_all;
pub(super) use kept::refuse;
use kept::{Kept, Member};
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tell::Tell;

/// The organisations. The first one founds the network and submits, the others approve, and the store of the last one is
/// damaged.
const ORGANISATIONS: [&str; 3] = ["Example Corp", "Partner Ltd", "Third Org"];
/// The API root of the network, on each server.
const API_ROOT: &str = "sharing";
/// Name of its collection in URLs.
const ALIAS: &str = "threats";
/// Longest time for anything that the servers are waited for.
const LIMIT: Duration = Duration::from_secs(60);
/// Time between two questions.
const PAUSE: Duration = Duration::from_millis(20);

/// An organisation with its server.
struct Host {
    member: Member,
    server: Server,
    control: Control,
}

impl Host {
    fn name(&self) -> &str {
        &self.member.organisation
    }

    fn app(&self) -> &Arc<App> {
        self.server.app()
    }

    /// The identifier of the organisation.
    fn id(&self) -> OrganisationId {
        OrganisationId(self.app().store.organisation())
    }

    fn key(&self) -> SecretKey {
        self.member.key()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.app().store.clock().now_micros()).unwrap_or_default()
    }
}

/// Asks again and again, until there is an answer or the time is over.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let asking = async {
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let answer = tokio::time::timeout(LIMIT, asking).await;
    answer.unwrap_or_else(|_| {
        bail!("waited {} s in vain: {what}; RUST_LOG=info shows what the servers do", LIMIT.as_secs())
    })
}

/// Returns `None` where the server cannot say now, as while no node leads.
fn unless_busy<T>(answer: Result<T, ControlError>) -> Result<Option<T>, ControlError> {
    match answer {
        Err(ControlError::Refused { status: StatusCode::SERVICE_UNAVAILABLE, .. }) => Ok(None),
        answer => answer.map(Some),
    }
}

pub(super) async fn run(
    listen: &ListenAddress,
    as_json: bool,
    options: &CommonOptions,
) -> anyhow::Result<bool> {
    let config = config(options, "concord-network-demo")?;
    // A signal reaches each of them, whatever is going on when it comes.
    let mut stop = StopSignal::register()?;
    let stops = [StopSignal::register()?, StopSignal::register()?, StopSignal::register()?];
    let mut kept = Kept::open(&config.data)?;
    let tell = Tell::new(as_json);
    let mut hosts = Vec::new();
    let mut worked = start(&config, listen, &mut kept, &mut hosts).await;
    if worked.is_ok() {
        worked = tokio::select! {
            worked = show(&hosts, &mut kept, &config.data, &tell) => worked,
            () = stop.stopped() => Ok(()),
        };
    }
    // A control holds the store of its server, which is closed at the end.
    let servers = hosts.into_iter().map(|host| host.server).zip(stops);
    let is_well = worked.is_ok();
    let ended = join_all(servers.map(async |(server, stop)| match is_well {
        true => server.run(stop).await,
        false => {
            server.stop().await;
            Ok(())
        }
    }));
    let ended = ended.await;
    worked?;
    ended.into_iter().collect::<Result<(), _>>()?;
    tell.say("\nStopped. The data is kept; the next start is faster.")?;
    Ok(true)
}

/// Starts the servers.
async fn start(
    config: &Config,
    listen: &ListenAddress,
    kept: &mut Kept,
    hosts: &mut Vec<Host>,
) -> anyhow::Result<()> {
    let first = listen.resolve(Config::PORT, Unnamed::Loopback).await;
    let first = first.with_context(|| format!("cannot find {listen}"))?.into_iter().next();
    let first = first.with_context(|| format!("{listen} has no address"))?;
    for (number, member) in (0_u16..).zip(kept.members.clone()) {
        let port = match first.port() {
            0 => Some(member.taxii_port),
            port => port.checked_add(number),
        };
        let port = port.with_context(|| format!("three ports from {listen} on are needed"))?;
        let node = SocketAddr::from(([127, 0, 0, 1], member.node_port));
        TcpListener::bind(node).with_context(|| {
            format!(
                "cannot listen on {node}, where the others expect the node of {}; end the program that has this port, or \
                 begin anew with another --data folder",
                member.organisation
            )
        })?;
        let mut config = config.clone();
        config.data = config.data.join(&member.folder);
        config.listen = SocketAddr::new(first.ip(), port).into();
        config.title.clone_from(&member.organisation);
        config.public_url = None;
        config.network.listen = Some(node.into());
        config.network.address = None;
        config.network.pace = Pace::Lan;
        let server = Server::start(config).await?;
        let control = Control::of(Arc::clone(server.app()))?;
        hosts.push(Host { member, server, control });
    }
    for (member, host) in kept.members.iter_mut().zip(hosts) {
        member.taxii_port = host.server.address().port();
    }
    kept.save()
}

/// Founds the network, says that it is ready, and shows what it does.
async fn show(hosts: &[Host], kept: &mut Kept, data: &Path, tell: &Tell) -> anyhow::Result<()> {
    let founded = founding::found(hosts, tell).await?;
    founding::add_accounts(hosts, kept, &founded).await?;
    let accounts: Vec<_> = kept.members.iter().filter_map(|member| member.accounts.as_ref()).collect();
    ready(hosts, &accounts, &founded, data, tell)?;
    steps::run(hosts, &founded, kept, data, tell).await?;
    tell.say(&advice(hosts, &accounts, data))
}

/// Says where the servers are, and how to use them.
fn ready(
    hosts: &[Host],
    accounts: &[&Accounts],
    founded: &founding::Founded,
    data: &Path,
    tell: &Tell,
) -> anyhow::Result<()> {
    let nodes = hosts.iter().zip(accounts).map(|(host, accounts)| {
        let url = host.server.url();
        json!({
            "organisation": host.name(),
            "url": url,
            "api_root": format!("{url}/{API_ROOT}/"),
            "reader": accounts.reader,
            "writer": accounts.writer,
            "admin": accounts.admin,
            "node": founded.node_of(host),
            "organisation_id": host.id(),
            "key_file": data.join(&host.member.key_file),
            "data": data.join(&host.member.folder),
        })
    });
    tell.ready(&json!({
        "nodes": nodes.collect::<Vec<_>>(),
        "collection": { "id": founded.collection, "alias": ALIAS },
        "review_collection": { "id": founded.review, "alias": format!("{ALIAS}-review") },
        "network": founded.network,
    }))?;
    tell.say(&format!("\nThree servers keep one log together, and their data in {}", data.display()))?;
    for (host, accounts) in hosts.iter().zip(accounts) {
        let (url, name) = (host.server.url(), host.name());
        let [reader, writer, admin] = [&accounts.reader, &accounts.writer, &accounts.admin].map(basic);
        tell.say(&format!(
            "
  {name:<13} {url}/{API_ROOT}/
    reader      {reader}
    writer      {writer}   (also reads what awaits votes)
    admin       {admin}
    votes with  {}",
            data.join(&host.member.key_file).display()
        ))?;
    }
    tell.say("\nWhat happens:")
}

/// What a person can try now.
fn advice(hosts: &[Host], accounts: &[&Accounts], data: &Path) -> String {
    let ([first, second, third], [accounts, ..]) = (hosts, accounts) else { return String::new() };
    let url = first.server.url();
    let file = |name: &str| data.join(name).display().to_string();
    format!(
        "
Try, with the command line of this project (cargo install --path clients/rust):
  export TAXII_URL={url}/ TAXII_USER={writer} TAXII_PASSWORD='{password}'
  echo '{{\"type\":\"domain-name\",\"spec_version\":\"2.1\",\"id\":\"domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5\",\"value\":\"example.org\"}}' > new.json
  taxii push new.json -c {ALIAS} --wait 0
  taxii review
  taxii vote ID --approve --reason 'seen here' --key {second}
  taxii vote ID --approve --reason 'seen here too' --key {third}
  taxii verify {proof} --policy {trust} --members {members}

The same object is then at all three servers: curl -u {reader} -H 'Accept: application/taxii+json;version=2.1' \\
  {url}/{API_ROOT}/collections/{ALIAS}/objects/

Ctrl-C stops the servers.",
        writer = accounts.writer.username,
        password = accounts.writer.password,
        reader = basic(&accounts.reader),
        second = file(&second.member.key_file),
        third = file(&third.member.key_file),
        proof = file(proof::FILE),
        trust = file(proof::TRUST),
        members = file(proof::MEMBERS),
    )
}
