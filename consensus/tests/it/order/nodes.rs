//! Three nodes that talk over TLS on this machine.

use super::machine::{Bench, holdings};
use super::traffic::Traffic;
use bytes::Bytes;
use consensus::order::{
    CallError, ChangeError, Door, Identity, Lane, Log, Node, OrderedLog, Peer, Raft, Reply, Request,
    Settings, StartError, SubmitError, Threads, Tls, TokioTypes, Transport,
};
use consensus::{Command, Outcome};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

type TestRaft = Raft<TokioTypes, Bench, Tls>;

/// A node, and what it needs to start again.
pub(super) struct Site {
    id: u64,
    folder: TempDir,
    pub(super) pem: (String, String),
    pub(super) peer: Peer,
    bench: Bench,
    pub(super) door: Option<Arc<dyn Door>>,
    pub(super) running: Option<Running>,
}

pub(super) struct Running {
    raft: TestRaft,
    pub(super) tls: Tls,
    serving: JoinHandle<()>,
}

pub(super) fn certificate() -> (String, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["node".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

pub(super) fn identity(pem: &(String, String)) -> Identity {
    Identity::from_pem(pem.0.as_bytes(), pem.1.as_bytes()).unwrap()
}

fn settings() -> Settings {
    Settings { compact_after: 40, keep: 5, ..Settings::lan() }
}

impl Site {
    pub(super) async fn new(id: u64) -> Self {
        let pem = certificate();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Peer { address: listener.local_addr().unwrap().to_string(), pin: identity(&pem).pin() };
        let folder = tempfile::tempdir().unwrap();
        Self { id, folder, pem, peer, bench: Bench::default(), door: None, running: None }
    }

    pub(super) async fn start(&mut self) {
        self.bench = self.bench.restarted();
        let tls = Tls::new(self.id, identity(&self.pem)).unwrap();
        let path = self.folder.path().join("log");
        let log = loop {
            match Log::<TokioTypes, Threads>::open(&path, self.id).await {
                Ok(log) => break log,
                // The last run may still close it.
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        };
        let clock = Arc::new(|| crate::network::START);
        let machine = Arc::new(self.bench.clone());
        let node = Node { id: self.id, settings: settings(), clock, machine, log, transport: tls.clone() };
        let raft = TestRaft::start(node).await.unwrap();
        let listener = loop {
            match TcpListener::bind(&self.peer.address).await {
                Ok(listener) => break listener,
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        };
        let serving = {
            let (tls, raft, door) = (tls.clone(), raft.clone(), self.door.clone());
            tokio::spawn(async move { tls.serve(listener, raft, door).await })
        };
        self.running = Some(Running { raft, tls, serving });
    }

    fn raft(&self) -> &TestRaft {
        &self.running.as_ref().unwrap().raft
    }

    pub(super) async fn stop(&mut self) {
        let Running { raft, serving, .. } = self.running.take().unwrap();
        serving.abort();
        raft.shutdown().await;
    }
}

/// Nodes 1, 2, … of which the first leads.
pub(super) async fn network(count: u64) -> (Vec<Site>, Traffic) {
    let mut sites = Vec::new();
    for id in 1..=count {
        let mut site = Site::new(id).await;
        site.start().await;
        sites.push(site);
    }
    for one in &sites {
        for other in &sites {
            one.running.as_ref().unwrap().tls.trust(other.id, other.peer.pin);
        }
    }
    sites[0].raft().initialize(sites[0].peer.clone()).await.unwrap();
    let traffic = Traffic::new();
    submit(sites[0].raft(), traffic.found()).await;
    for site in &sites[1..] {
        sites[0].raft().add_learner(site.id, site.peer.clone()).await.unwrap();
        sites[0].raft().promote(site.id, Duration::from_secs(10)).await.unwrap();
    }
    (sites, traffic)
}

/// Sends a command until it is ordered, and expects that it is not refused.
async fn submit(raft: &TestRaft, command: Command) -> (u64, Outcome) {
    for _ in 0..200 {
        match raft.submit(command.clone()).await {
            Ok(ordered) => return (ordered.index, ordered.result.unwrap()),
            Err(SubmitError::NoLeader { .. } | SubmitError::Unknown { .. }) => {
                sleep(Duration::from_millis(50)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the command is not ordered");
}

async fn agree(sites: &[Site]) {
    let all = sites.iter().filter(|site| site.running.is_some());
    let index = all.clone().next().unwrap().raft().read_barrier().await.unwrap();
    for site in all.clone() {
        timeout(Duration::from_secs(10), site.raft().applied().wait_for(|applied| *applied >= index))
            .await
            .expect("a node lags")
            .unwrap();
    }
    let mut members = all.map(|site| site.bench.member());
    let first = members.next().unwrap();
    for member in members {
        assert_eq!(holdings(&member), holdings(&first));
        assert_eq!(member.ledger(), first.ledger());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_order_commands_and_another_one_leads_when_the_leader_is_gone() {
    let (mut sites, mut traffic) = network(3).await;
    let (index, outcome) = submit(sites[1].raft(), traffic.submit(1)).await;
    assert!(sites[1].bench.member().index >= index, "the node that answers has applied it");
    let proposal = super::traffic::proposal(&outcome).unwrap();
    submit(sites[2].raft(), traffic.approve(2, proposal)).await;
    submit(sites[2].raft(), traffic.approve(3, proposal)).await;
    agree(&sites).await;
    assert_eq!(sites[0].bench.member().visible(), ["indicator--1 v1"]);

    sites[0].stop().await;
    let since = Instant::now();
    submit(sites[2].raft(), traffic.submit(2)).await;
    let taken = since.elapsed();
    println!("another node took over in {taken:?}");
    assert!(taken < Duration::from_secs(3), "it took {taken:?}");

    sites[0].start().await;
    let before = sites[0].bench.commits();
    submit(sites[0].raft(), traffic.submit(3)).await;
    agree(&sites).await;
    assert!(sites[0].bench.commits() - before < 10, "it goes on where it was");

    let leader = sites[0].raft().status().leader.unwrap();
    let next = leader % 3 + 1;
    sites[leader as usize - 1].raft().transfer(next).await.unwrap();
    submit(sites[leader as usize - 1].raft(), traffic.submit(1)).await;
    assert_eq!(sites[0].raft().status().leader, Some(next));
    let refused = sites[leader as usize - 1].raft().transfer(leader).await;
    assert_eq!(refused, Err(ChangeError::NotLeader(Some(next))));
    agree(&sites).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_comes_late_gets_a_snapshot_and_one_that_goes_is_not_missed() {
    let (mut sites, mut traffic) = network(3).await;
    for _ in 0..100 {
        submit(sites[0].raft(), traffic.submit(1)).await;
    }
    assert!(sites[0].raft().status().purged > 40, "{:?}", sites[0].raft().status());
    let mut late = Site::new(4).await;
    late.start().await;
    for site in &sites {
        late.running.as_ref().unwrap().tls.trust(site.id, site.peer.pin);
    }
    sites[0].raft().add_learner(4, late.peer.clone()).await.unwrap();
    sites[0].raft().promote(4, Duration::from_secs(10)).await.unwrap();
    assert!(late.bench.commits() < 20, "{} commits", late.bench.commits());
    let again = sites[0].raft().add_learner(4, late.peer.clone()).await;
    assert!(matches!(again, Err(ChangeError::Refused(_))));
    sites.push(late);
    submit(sites[3].raft(), traffic.submit(2)).await;
    agree(&sites).await;

    sites[0].raft().remove(2).await.unwrap();
    sites[1].stop().await;
    submit(sites[3].raft(), traffic.submit(2)).await;
    agree(&sites).await;
    let nodes: Vec<_> = sites[0].raft().status().nodes.into_keys().collect();
    assert_eq!(nodes, [1, 3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_has_nothing_yet_is_no_voter() {
    let (sites, mut traffic) = network(1).await;
    // It is not reached, and the log is short.
    let absent = Site::new(2).await;
    sites[0].running.as_ref().unwrap().tls.trust(2, absent.peer.pin);
    sites[0].raft().add_learner(2, absent.peer.clone()).await.unwrap();
    let refused = sites[0].raft().promote(2, Duration::from_millis(300)).await;
    assert!(matches!(refused, Err(ChangeError::Behind { node: 2, .. })), "{refused:?}");
    assert_eq!(sites[0].raft().status().voters.len(), 1);
    submit(sites[0].raft(), traffic.submit(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_state_fails_stops_and_the_others_go_on() {
    let (mut sites, mut traffic) = network(3).await;
    sites[1].bench.fail_after(0);
    submit(sites[0].raft(), traffic.submit(1)).await;
    let stopped = timeout(Duration::from_secs(5), sites[1].raft().stopped()).await.unwrap();
    assert!(stopped.unwrap().contains("the disk refuses"));
    let refused = sites[1].raft().submit(traffic.submit(1)).await.unwrap_err();
    assert!(refused.to_string().contains("the disk refuses"), "{refused}");
    submit(sites[0].raft(), traffic.submit(1)).await;
    sites[1].stop().await;
    sites[1].start().await;
    submit(sites[1].raft(), traffic.submit(2)).await;
    agree(&sites).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_without_a_majority_orders_nothing_and_says_so() {
    let (mut sites, mut traffic) = network(3).await;
    sites[1].stop().await;
    sites[2].stop().await;
    let error = sites[0].raft().submit(traffic.submit(1)).await.unwrap_err();
    assert!(matches!(error, SubmitError::Unknown { .. } | SubmitError::NoLeader { .. }));
    let error = sites[0].raft().submit(traffic.submit(1)).await.unwrap_err();
    assert!(matches!(error, SubmitError::NoLeader { .. }), "{error:?}");
    let error = sites[0].raft().read_barrier().await.unwrap_err();
    assert!(matches!(error, SubmitError::NoLeader { .. }));
    let error = sites[0].raft().submit(large()).await.unwrap_err();
    assert!(matches!(error, SubmitError::TooLarge(_)));
}

/// A command that no entry can hold.
fn large() -> Command {
    let Command::Submit { envelope, .. } = Traffic::new().submit(1) else { unreachable!() };
    let objects = vec![vec![b'x'; consensus::MAX_ENTRY_BYTES].into()];
    Command::Submit { envelope, objects, note: Bytes::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_and_impostors_are_refused() {
    let (sites, _) = network(2).await;
    let ask = async |tls: &Tls, peer: &Peer, request: Request<TokioTypes>| {
        tls.call(1, peer, Lane::Command, request, Duration::from_secs(2)).await
    };
    let reason = |answer: Result<Reply<TokioTypes>, CallError>| match answer {
        Err(CallError::Unreachable { reason, .. } | CallError::Broken { reason, .. }) => reason,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("a stranger got an answer"),
    };
    let stranger = Tls::new(9, identity(&certificate())).unwrap();
    let why = reason(ask(&stranger, &sites[0].peer, Request::Barrier).await);
    assert_eq!(why, "the node refuses the certificate of this one: it is to trust it first");

    let node = &sites[1].running.as_ref().unwrap().tls;
    let other = Peer { pin: sites[1].peer.pin, ..sites[0].peer.clone() };
    let why = reason(ask(node, &other, Request::Barrier).await);
    assert!(why.contains(&format!("not {}", sites[1].peer.pin)), "{why}");

    let vote = openraft::raft::VoteRequest::new(openraft::Vote::new(99, 1), None);
    match ask(node, &sites[0].peer, Request::Vote(vote)).await.unwrap() {
        Reply::Failed(why) => assert_eq!(why, "node 2 is not node 1"),
        _ => panic!("an impostor got an answer"),
    }
    assert!(sites[0].raft().status().term < 99);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_has_lost_its_disk_does_not_vote_and_one_that_has_lost_its_log_does_not_start() {
    let (mut sites, _) = network(3).await;
    sites[2].stop().await;
    let folder = std::mem::replace(&mut sites[2].folder, tempfile::tempdir().unwrap());
    let (tls, log) = (Tls::new(3, identity(&sites[2].pem)).unwrap(), sites[2].folder.path().join("log"));
    let log = Log::<TokioTypes, Threads>::open(&log, 3).await.unwrap();
    let (clock, machine) = (Arc::new(|| 0), Arc::new(sites[2].bench.restarted()));
    let node = Node { id: 3, settings: settings(), clock, machine, log, transport: tls };
    assert!(matches!(TestRaft::start(node).await, Err(StartError::LogGone)));

    sites[2].folder = tempfile::tempdir().unwrap();
    sites[2].bench = Bench::default();
    sites[2].start().await;
    let tls = &sites[1].running.as_ref().unwrap().tls;
    sites[2].running.as_ref().unwrap().tls.trust(2, sites[1].peer.pin);
    let vote = Request::PreVote(openraft::raft::VoteRequest::new(openraft::Vote::new(99, 2), None));
    match tls.call(3, &sites[2].peer, Lane::Control, vote, Duration::from_secs(2)).await.unwrap() {
        Reply::Failed(why) => assert_eq!(why, "the node knows no members, and does not vote"),
        _ => panic!("it votes"),
    }
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_tls_and_who_is_silent_costs_nothing() {
    let (sites, mut traffic) = network(1).await;
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut stream = tokio::net::TcpStream::connect(&sites[0].peer.address).await.unwrap();
        stream.write_all(&[0xFF; 64]).await.unwrap();
        open.push(stream);
    }
    let ended = timeout(Duration::from_secs(5), open[0].read_to_end(&mut Vec::new())).await.unwrap();
    assert!(ended.is_err() || ended.is_ok());
    submit(sites[0].raft(), traffic.submit(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_takes_little_longer_with_three_nodes() {
    for count in [1, 3] {
        let (sites, mut traffic) = network(count).await;
        let mut times = Vec::new();
        for _ in 0..50 {
            let command = traffic.submit(1);
            let since = Instant::now();
            submit(sites.last().unwrap().raft(), command).await;
            times.push(since.elapsed());
        }
        times.sort();
        println!("{count} nodes: median {:?}, 90 % {:?}", times[25], times[45]);
        assert!(times[25] < Duration::from_secs(1));
    }
}

#[tokio::test]
async fn one_node_goes_on_alone_when_the_others_are_gone_for_good() {
    let (mut sites, mut traffic) = network(3).await;
    submit(sites[0].raft(), traffic.submit(1)).await;
    agree(&sites).await;
    for site in &mut sites {
        site.stop().await;
    }
    let before = sites[2].bench.member();
    let path = sites[2].folder.path().join("log");
    let mut log = loop {
        match Log::<TokioTypes, Threads>::open(&path, 3).await {
            Ok(log) => break log,
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    };
    log.recover(3, sites[2].peer.clone()).await.unwrap();
    drop(log);
    sites[2].start().await;
    submit(sites[2].raft(), traffic.submit(1)).await;
    let status = sites[2].raft().status();
    assert_eq!((status.leader, status.voters.len(), status.nodes.len()), (Some(3), 1, 1));
    assert!(sites[2].bench.member().index > before.index);
    sites[2].stop().await;
}
