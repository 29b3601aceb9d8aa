//! Servers of three organisations that keep one log together, in this process.

use axum::http::Method;
use bytes::Bytes;
use consensus::statement::{Decision, Govern, Nonce, Vote};
use consensus::{Action, Command, Envelope, NetworkId, OrganisationId, ProposalId, SecretKey};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use taxii_server::config::{Config, MetricsListen, NetworkConfig, Pace};
use taxii_server::control::{Control, NewInvitation, NewJoin, NewNetwork, NodeResource};
use taxii_server::serve::Server;
use taxii_server::store::{Definition, Profile};
use tempfile::TempDir;

const OBJECTS: &str = "/network/collections/indicators/objects/";
/// Longest time for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

struct Site {
    server: Server,
    control: Control,
    config: Config,
    key: SecretKey,
    _folder: TempDir,
}

impl Site {
    async fn start(number: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = Some(format!("127.0.0.1:{port}").parse().unwrap());
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: folder.path().join("data"),
            metrics_listen: MetricsListen::Nowhere,
            network: NetworkConfig { listen, address: None, pace: Pace::Lan },
            ..Config::default()
        };
        let server = Server::start(config.clone()).await.unwrap();
        let control = Control::of(Arc::clone(server.app())).unwrap();
        Self { server, control, config, key: SecretKey::from_seed(&[number; 32]), _folder: folder }
    }

    async fn restart(self) -> Self {
        let Self { server, control, config, key, _folder } = self;
        drop(control);
        server.stop().await;
        let server = Server::start(config.clone()).await.unwrap();
        let control = Control::of(Arc::clone(server.app())).unwrap();
        Self { server, control, config, key, _folder }
    }

    fn vote_key(&self) -> String {
        json!(self.key.public()).as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Bytes {
        let reply = self.control.call(Method::GET, path, Bytes::new()).await.unwrap();
        assert!(reply.status.is_success(), "{path}: {} {:?}", reply.status, reply.body);
        reply.body
    }

    async fn nodes(&self) -> Vec<NodeResource> {
        self.control.nodes().await.unwrap_or_default()
    }

    async fn order(&self, command: Command) {
        self.server.app().store.order(command).await.unwrap();
    }
}

/// Waits until something holds.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waited = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("{what}"));
}

struct Community {
    sites: Vec<Site>,
    network: NetworkId,
}

impl Community {
    /// Founds a network on the first of some servers.
    async fn found(count: u8) -> Self {
        let mut sites = Vec::new();
        for number in 1..=count {
            sites.push(Site::start(number).await);
        }
        let definition = Definition {
            title: "Indicators".to_owned(),
            description: None,
            alias: Some("indicators".to_owned()),
            spec_versions: vec![stix_model::SpecVersion::V2_1],
            profile: Profile::default(),
            unmarked: stix_model::Tlp::Clear,
        };
        let new = NewNetwork {
            name: "example.org/sharing".to_owned(),
            api_root: "network".to_owned(),
            organisation: "Organisation 1".to_owned(),
            vote_key: sites[0].vote_key(),
            collections: vec![definition],
            members: Vec::new(),
            policy: None,
        };
        let state = sites[0].control.found_network(&new).await.unwrap();
        let network = serde_json::from_value(json!(state.network)).unwrap();
        until("the first node leads", async || sites[0].nodes().await.iter().any(|node| node.is_leader))
            .await;
        Self { sites, network }
    }

    fn organisation(&self, site: usize) -> OrganisationId {
        let membership = self.sites[site].server.app().store.membership();
        membership.map_or(OrganisationId(self.sites[site].server.app().store.organisation()), |found| {
            found.organisation
        })
    }

    /// Proposes a change at the first server, and has members vote for it.
    async fn change(&self, action: Action, votes: &[usize]) {
        let statement = Govern {
            network: self.network,
            organisation: self.organisation(0),
            action,
            nonce: Nonce([u8::try_from(votes.len()).unwrap(); 16]),
            expires_in_seconds: None,
            claimed_at: 0,
        };
        let envelope = Envelope::sign(&statement, &self.sites[0].key);
        let proposal = ProposalId(envelope.digest());
        self.sites[0].order(Command::Govern(envelope)).await;
        for voter in votes {
            self.vote(*voter, proposal, 0).await;
        }
    }

    /// Votes at a server of one's own choice.
    async fn vote(&self, voter: usize, proposal: ProposalId, at: usize) {
        let vote = Vote {
            network: self.network,
            organisation: self.organisation(voter),
            proposal,
            items: None,
            decision: Decision::Approve,
            reason: String::new(),
            sequence: 0,
            claimed_at: 0,
        };
        self.sites[at].order(Command::Vote(Envelope::sign(&vote, &self.sites[voter].key))).await;
    }

    async fn join(&self, site: usize, votes: &[usize]) {
        let invitation =
            self.sites[0].control.invite(&NewInvitation { label: String::new(), hours: 1 }).await.unwrap();
        let joining = &self.sites[site];
        let wish = NewJoin {
            invitation: invitation.invitation,
            organisation: format!("Organisation {}", site + 1),
            vote_key: joining.vote_key(),
            api_root: "network".to_owned(),
        };
        joining.control.join_network(&wish).await.unwrap();
        assert!(joining.control.joining().await.unwrap().is_some());
        let mut applications = self.sites[0].control.applications().await.unwrap();
        assert_eq!(applications.len(), 1);
        let action = serde_json::from_value(applications.pop().unwrap().action).unwrap();
        self.change(action, votes).await;
        until("the server joins", async || joining.nodes().await.iter().any(|node| node.is_own)).await;
    }

    async fn three() -> Self {
        let community = Self::found(3).await;
        community.join(1, &[]).await;
        community.join(2, &[0, 1]).await;
        until("three nodes vote", async || {
            community.sites[0].nodes().await.iter().filter(|node| node.role == "voter").count() == 3
        })
        .await;
        community
    }

    /// Proposes an object at a server, has two others approve it, and waits until all show it.
    async fn share(&self, number: u64, at: usize) {
        let tool = crate::app::tool(number, 2026);
        let body = json!({"objects": [tool]}).to_string();
        let post = async || {
            let reply = self.sites[at].control.call(Method::POST, OBJECTS, body.clone().into()).await;
            reply.unwrap()
        };
        let mut reply = post().await;
        // Its node may have joined and not begun to run yet.
        for _ in 0..100 {
            if reply.status.as_u16() != 503 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            reply = post().await;
        }
        assert_eq!(reply.status.as_u16(), 202, "{:?}", reply.body);
        let status: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(status["pending_count"], 1, "{status}");
        let path = format!("/network/status/{}/", status["id"].as_str().unwrap());
        for site in &self.sites {
            let there: Value = serde_json::from_slice(&site.get(&path).await).unwrap();
            assert_eq!(there["pending_count"], 1, "a status is known at each node: {there}");
        }
        let open: Value =
            serde_json::from_slice(&self.sites[at].get("/consensus/v1/proposals/?state=open").await).unwrap();
        let proposal: ProposalId = serde_json::from_value(open[0]["id"].clone()).unwrap();
        for voter in (0..3).filter(|voter| *voter != at) {
            self.vote(voter, proposal, voter).await;
        }
        let id = tool["id"].as_str().unwrap();
        for site in &self.sites {
            let is_there = async || String::from_utf8_lossy(&site.get(OBJECTS).await).contains(id);
            until("the object is visible at each node", is_there).await;
        }
    }

    /// What clients get is the same at each node.
    async fn agree(&self) {
        for path in [
            format!("{OBJECTS}?limit=2"),
            "/network/collections/indicators/manifest/".to_owned(),
            "/network/collections/indicators-review/objects/".to_owned(),
            "/consensus/v1/organisations/".to_owned(),
        ] {
            let first = self.sites[0].control.call(Method::GET, &path, Bytes::new()).await.unwrap();
            assert!(first.status.is_success(), "{path}: {:?}", first.body);
            for site in &self.sites[1..] {
                let other = site.control.call(Method::GET, &path, Bytes::new()).await.unwrap();
                assert_eq!((first.status, &first.body), (other.status, &other.body), "{path}");
                for header in ["x-taxii-date-added-first", "x-taxii-date-added-last"] {
                    assert_eq!(first.headers.get(header), other.headers.get(header), "{path}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_hold_the_same_and_go_on_without_one() {
    let mut community = Community::three().await;
    for (number, at) in [(1, 0), (2, 1), (3, 2)] {
        community.share(number, at).await;
    }
    community.agree().await;
    for site in &community.sites {
        let found = site.control.verify_network().await.unwrap();
        assert_eq!((found.wrong, found.objects), (0, 3), "{:?}", found.problems);
    }
    // The one that leads stops: another one leads, and it catches up when it is back.
    let leader = community.sites[1].nodes().await.iter().position(|node| node.is_leader).unwrap();
    let stopped = community.sites.remove(leader);
    let stopped = {
        let (others, key) = (&community.sites, stopped.key);
        let Site { server, control, config, _folder, .. } = stopped;
        drop(control);
        server.stop().await;
        until("another node leads", async || {
            others[0].nodes().await.iter().any(|node| node.is_leader && node.is_own)
                || others[1].nodes().await.iter().any(|node| node.is_leader && node.is_own)
        })
        .await;
        let server = Server::start(config.clone()).await.unwrap();
        let control = Control::of(Arc::clone(server.app())).unwrap();
        Site { server, control, config, key, _folder }
    };
    community.sites.insert(leader, stopped);
    community.share(4, leader).await;
    community.agree().await;
    // A member that joins again gets another node, with another certificate, in the place of the one that it has.
    let before = community.sites[2].nodes().await.iter().find(|node| node.is_own).unwrap().id;
    let invitation =
        community.sites[0].control.invite(&NewInvitation { label: String::new(), hours: 1 }).await;
    let again = NewJoin {
        invitation: invitation.unwrap().invitation,
        organisation: "Organisation 3".to_owned(),
        vote_key: community.sites[2].vote_key(),
        api_root: "network".to_owned(),
    };
    community.sites[2].control.join_network(&again).await.unwrap();
    let mut applications = community.sites[0].control.applications().await.unwrap();
    let action = serde_json::from_value(applications.pop().unwrap().action).unwrap();
    community.change(action, &[0, 1]).await;
    until("the server has another node", async || {
        community.sites[2]
            .nodes()
            .await
            .iter()
            .any(|node| node.is_own && node.id > before && node.role == "voter")
    })
    .await;
    community.share(5, 2).await;
    community.agree().await;
    for site in community.sites {
        site.restart().await.server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_invitation_is_refused_and_each_is_for_one_server() {
    let community = Community::found(3).await;
    let invitation =
        community.sites[0].control.invite(&NewInvitation { label: String::new(), hours: 1 }).await.unwrap();
    let wish = |invitation: &str, site: &Site| NewJoin {
        invitation: invitation.to_owned(),
        organisation: "Partner".to_owned(),
        vote_key: site.vote_key(),
        api_root: "network".to_owned(),
    };
    let [_, one, other] = &community.sites[..] else { panic!("three servers") };
    let refused = one.control.join_network(&wish("concord1.nothing", one)).await.unwrap_err().to_string();
    assert!(refused.contains("no invitation"), "{refused}");
    one.control.join_network(&wish(&invitation.invitation, one)).await.unwrap();
    let refused =
        other.control.join_network(&wish(&invitation.invitation, other)).await.unwrap_err().to_string();
    assert!(refused.contains("another server has used this invitation"), "{refused}");
    let refused =
        community.sites[0].control.join_network(&wish(&invitation.invitation, &community.sites[0])).await;
    assert!(refused.unwrap_err().to_string().contains("another server has used this invitation"));
    // A node that leads needs no recovery.
    let refused = community.sites[0].control.recover_network().await.unwrap_err().to_string();
    assert!(refused.contains("nothing to recover"), "{refused}");
    assert!(community.sites[0].control.network_state().await.unwrap().node.contains("which leads"));
    for site in community.sites {
        drop(site.control);
        site.server.stop().await;
    }
}
