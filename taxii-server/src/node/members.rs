//! The nodes that organisations agreed on, and those that keep the log: the leader makes the second ones the first.

use super::door::Question;
use super::invitation::Answer;
use crate::app::App;
use crate::store::Node;
use consensus::order::{ChangeError, OrderedLog, Peer, Pin, Tls};
use consensus::{Node as Member, Reader};
use futures::future::join_all;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Most nodes that vote on the order; further ones only keep the log.
const MAX_VOTERS: usize = 7;
/// Time between two looks, where nothing is applied.
const LOOK: Duration = Duration::from_secs(1);
/// Time between two looks, where much is.
const PAUSE: Duration = Duration::from_millis(100);
/// Time for others to say what this node confirmed, before it starts.
const ANSWER: Duration = Duration::from_secs(2);
/// Time without a majority after which a node asks whether it is one still.
const SILENCE: Duration = Duration::from_secs(15);
/// Time for a node to catch up before another look.
const CATCH_UP: Duration = Duration::from_secs(1);

/// Follows what organisations agree on, without end.
pub(super) async fn keep(app: &Arc<App>, node: &Node, tls: &Tls) {
    let mut applied = node.applied();
    let mut seen: Vec<Member> = Vec::new();
    let mut told = String::new();
    let mut heard = Instant::now();
    loop {
        if node.status().has_majority {
            heard = Instant::now();
        } else if heard.elapsed() >= SILENCE {
            heard = Instant::now();
            ask_standing(app, node, tls, &seen).await;
        }
        match members(app).await {
            Ok(found) => {
                if found != seen {
                    trust(tls, &found);
                    seen = found;
                }
                let reason = adjust(node, &seen).await.err().map_or(String::new(), |error| error.to_string());
                if reason != told && !reason.is_empty() {
                    tracing::warn!(%reason, "the nodes are not as the organisations agreed yet");
                }
                told = reason;
            }
            Err(error) => tracing::debug!(%error, "the nodes of the network cannot be read"),
        }
        tokio::time::sleep(PAUSE).await;
        let _ = tokio::time::timeout(LOOK, applied.changed()).await;
    }
}

/// The last entry that others know this node to have confirmed, as far as they answer.
pub(super) async fn confirmed(app: &App, tls: &Tls, own: u64) -> u64 {
    // Before its first entry there is nothing that it could have confirmed.
    let Ok(members) = members(app).await else { return 0 };
    let others = members.iter().filter(|other| other.is_present() && other.id != own);
    let asked = others.map(|other| async {
        let (_, has) = tokio::time::timeout(ANSWER, standing(tls, other)).await.ok()??;
        Some(has)
    });
    join_all(asked).await.into_iter().flatten().max().unwrap_or_default()
}

/// What another node says of this one: the entry by which it left, and the last one that it confirmed.
async fn standing(tls: &Tls, other: &Member) -> Option<(Option<u64>, u64)> {
    let answer = super::attest::ask(tls, other, Question::Standing).await.ok()?;
    match serde_json::from_slice(&answer).ok()? {
        Answer::Standing { left, has } => Some((left, has)),
        _ => None,
    }
}

/// Asks others whether this node has left: they refuse all else to one that has.
async fn ask_standing(app: &App, node: &Node, tls: &Tls, members: &[Member]) {
    let own = node.status().node;
    for other in members.iter().filter(|other| other.is_present() && other.id != own) {
        if let Some((left, _)) = standing(tls, other).await {
            if let Some(entry) = left {
                tracing::error!(
                    node = own,
                    entry,
                    by = other.id,
                    "this node has left the network, as another one says"
                );
            }
            app.store.set_left(left);
            return;
        }
    }
}

/// Has another node lead before this one stops, so that the others need not find out.
pub(crate) async fn leave(app: &App) {
    let Some(node) = app.store.node() else { return };
    let status = node.status();
    let next =
        status.matched.iter().filter(|(id, _)| status.voters.contains(id)).max_by_key(|(_, last)| **last);
    if let (Some((id, _)), true) = (next, status.leader == Some(status.node)) {
        match node.transfer(*id).await {
            Ok(()) => tracing::info!(node = id, "another node leads now"),
            Err(error) => tracing::warn!(%error, "the others elect a node that leads"),
        }
    }
}

pub(super) async fn members(app: &App) -> Result<Vec<Member>, crate::store::StoreError> {
    let view = app.store.network().await?;
    Ok(Reader::new(&view).nodes().await?)
}

fn trust(tls: &Tls, members: &[Member]) {
    for member in members {
        match member.is_present() {
            true => tls.trust(member.id, Pin(member.certificate)),
            false => tls.distrust(member.id),
        }
    }
}

/// The next change of the nodes that keep the log.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Add(u64, Peer),
    Promote(u64),
    Demote(u64),
    Transfer(u64),
    Remove(u64),
}

/// Makes one change, if this node leads and there is one to make.
async fn adjust(node: &Node, members: &[Member]) -> Result<(), ChangeError> {
    let status = node.status();
    if status.leader != Some(status.node) {
        return Ok(());
    }
    let nodes = status.nodes.keys().copied().collect();
    let Some(step) = next_step(status.node, &status.voters, &nodes, members) else { return Ok(()) };
    match step {
        Step::Add(id, peer) => node.add_learner(id, peer).await,
        Step::Promote(id) => {
            // A voter that does not know the new one yet would not let it lead. One that has left is not waited for: it may be
            // gone, and it is removed after this.
            let is_present =
                |voter: &u64| members.iter().any(|found| found.id == *voter && found.is_present());
            let has_less = |voter: &u64| status.matched.get(voter).is_some_and(|matched| *matched < id);
            let lags = |voter: &&u64| is_present(voter) && has_less(voter);
            match status.voters.iter().find(lags) {
                Some(behind) => Err(ChangeError::Refused(format!(
                    "node {id} can vote when node {behind} has caught up; if that one is gone for good, remove it"
                ))),
                None => node.promote(id, CATCH_UP).await,
            }
        }
        Step::Demote(id) => node.demote(id).await,
        Step::Transfer(id) => node.transfer(id).await,
        Step::Remove(id) => node.remove(id).await,
    }
}

/// What the leader does next: additions first, then votes, removals last. An even number of voters survives no more than the
/// odd number below it, and needs one more to agree.
fn next_step(leader: u64, voters: &BTreeSet<u64>, nodes: &BTreeSet<u64>, members: &[Member]) -> Option<Step> {
    let present: Vec<&Member> = members.iter().filter(|member| member.is_present()).collect();
    if present.is_empty() {
        return None;
    }
    if let Some(new) = present.iter().find(|member| !nodes.contains(&member.id)) {
        return Some(Step::Add(new.id, Peer { address: new.address.clone(), pin: Pin(new.certificate) }));
    }
    let mut ranked: Vec<u64> = present.iter().map(|member| member.id).collect();
    ranked.sort_by_key(|id| (*id != leader, !voters.contains(id), *id));
    let odd = if ranked.len().is_multiple_of(2) { ranked.len() - 1 } else { ranked.len() };
    let wanted: BTreeSet<u64> = ranked.into_iter().take(odd.min(MAX_VOTERS)).collect();
    if let Some(id) = wanted.iter().find(|id| !voters.contains(id)) {
        return Some(Step::Promote(*id));
    }
    let is_present = |id: &u64| present.iter().any(|member| member.id == *id);
    if let Some(id) = nodes.iter().find(|id| !is_present(id)) {
        return match *id == leader {
            true => voters.iter().find(|other| *other != id).map(|other| Step::Transfer(*other)),
            false => Some(Step::Remove(*id)),
        };
    }
    voters.iter().find(|id| !wanted.contains(id)).map(|id| Step::Demote(*id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{Digest, OrganisationId, SecretKey};
    use uuid::Uuid;

    fn member(id: u64, left: Option<u64>) -> Member {
        let key = SecretKey::from_seed(&[7; 32]).public();
        Member {
            id,
            organisation: OrganisationId(Uuid::from_u128(id.into())),
            address: format!("127.0.0.1:{id}"),
            certificate: Digest([u8::try_from(id).unwrap(); 32]),
            submit_key: key.id(),
            log_key: key,
            protocol: 1,
            left,
        }
    }

    /// The changes that a leader makes one after the other, until nothing is left to do.
    fn steps(mut voters: BTreeSet<u64>, mut nodes: BTreeSet<u64>, members: &[Member]) -> Vec<Step> {
        let mut steps = Vec::new();
        loop {
            let Some(step) = next_step(1, &voters, &nodes, members) else { return steps };
            match &step {
                Step::Add(id, _) => drop(nodes.insert(*id)),
                Step::Promote(id) => drop(voters.insert(*id)),
                Step::Demote(id) => drop(voters.remove(id)),
                Step::Remove(id) => {
                    nodes.remove(id);
                    voters.remove(id);
                }
                Step::Transfer(_) => {
                    steps.push(step);
                    return steps;
                }
            }
            steps.push(step);
            assert!(steps.len() < 20, "{steps:?}");
        }
    }

    fn words(steps: &[Step]) -> Vec<String> {
        let word = |step: &Step| match step {
            Step::Add(id, _) => format!("add {id}"),
            Step::Promote(id) => format!("promote {id}"),
            Step::Demote(id) => format!("demote {id}"),
            Step::Transfer(id) => format!("transfer {id}"),
            Step::Remove(id) => format!("remove {id}"),
        };
        steps.iter().map(word).collect()
    }

    #[test]
    fn voters_are_odd_in_number() {
        let [one, two, three] = [1, 2, 3].map(|id| member(id, None));
        let alone = || BTreeSet::from([1]);
        assert_eq!(words(&steps(alone(), alone(), std::slice::from_ref(&one))), [""; 0]);
        assert_eq!(words(&steps(alone(), alone(), &[one.clone(), two.clone()])), ["add 2"]);
        let all = [one.clone(), two.clone(), three];
        assert_eq!(words(&steps(alone(), alone(), &all)), ["add 2", "add 3", "promote 2", "promote 3"]);
        let many: Vec<_> = (1..=9).map(|id| member(id, None)).collect();
        let promoted =
            words(&steps(alone(), alone(), &many)).iter().filter(|step| step.starts_with("promote")).count();
        assert_eq!(promoted, 6);
    }

    #[test]
    fn a_node_that_left_is_replaced_before_it_is_removed() {
        let members = [member(1, None), member(2, None), member(3, Some(9)), member(9, None)];
        let three = BTreeSet::from([1, 2, 3]);
        assert_eq!(words(&steps(three.clone(), three.clone(), &members)), ["add 9", "promote 9", "remove 3"]);
        let members = [member(1, None), member(2, None), member(3, Some(9))];
        assert_eq!(words(&steps(three.clone(), three.clone(), &members)), ["remove 3", "demote 2"]);
        let members = [member(1, Some(9)), member(2, None), member(3, None)];
        assert_eq!(words(&steps(three.clone(), three, &members)), ["transfer 2"]);
    }
}
