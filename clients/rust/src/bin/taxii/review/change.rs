//! A change of the network, in words.

use crate::network::Session;
use crate::network::names::count;
use taxii_client::network::{Action, NewKey, NewNode, Role};

/// What a change does, a line for each thing.
pub(crate) fn in_words(action: &Action, session: &Session) -> Vec<String> {
    match action {
        Action::AddOrganisation { new } => {
            let mut lines = vec![format!("{} ({}) becomes a member", new.name, new.id)];
            lines.extend(new.keys.iter().map(|key| format!("  with {}", of_key(key))));
            lines.extend(new.node.iter().flat_map(of_node));
            lines
        }
        Action::RemoveOrganisation { organisation } => vec![format!(
            "{} leaves the network: its votes count no longer, and what was approved stays",
            session.name(*organisation)
        )],
        Action::AddKey { organisation, key } => {
            vec![format!("{} gets {}", session.name(*organisation), of_key(key))]
        }
        Action::RotateKey { organisation, old, new } => {
            vec![format!("{} replaces its key {old} by {}", session.name(*organisation), of_key(new))]
        }
        Action::RevokeKey { organisation, key, since } => vec![
            format!("The key {key} of {} is taken back", session.name(*organisation)),
            format!("  what it signed from entry {since} of the log on counts no longer"),
            "  objects that were approved with it await votes again, and are not visible meanwhile"
                .to_owned(),
        ],
        Action::SetCollection { new } => {
            let known = session.state.collections.iter().find(|known| known.id == new.collection);
            let first = match known {
                Some(known) => format!("The collection {} is defined anew", known.title()),
                None => format!("A new collection {}", new.collection),
            };
            vec![first, format!("  {}", new.definition)]
        }
        Action::SetPolicy { policy } => {
            let mut lines = vec![
                format!("The policy {} takes the place of the present one", policy.version),
                format!(
                    "  marking levels up to {}, {} of each organisation, {}",
                    policy.max_level,
                    count(policy.max_open as usize, "open proposal"),
                    count(policy.rules.len(), "rule")
                ),
            ];
            lines.extend(policy.rules.iter().enumerate().map(|(number, rule)| {
                format!("  rule {number}: {}", serde_json::to_string(rule).unwrap_or_default())
            }));
            lines
        }
        Action::AddNode { organisation, node } => {
            let mut lines =
                vec![format!("{} gets a node in place of the one that it has", session.name(*organisation))];
            lines.extend(of_node(node));
            lines
        }
        Action::RemoveNode { node } => {
            vec![format!("The node {node} leaves the network: what it signs counts no longer")]
        }
        Action::SetProtocol { protocol } => vec![
            format!("The network speaks protocol {protocol}"),
            "  nodes with older software stop at the next entry".to_owned(),
        ],
    }
}

/// A node that joins, a line for each thing.
fn of_node(node: &NewNode) -> Vec<String> {
    let mut lines = vec![
        format!("  with the node {}, which speaks protocol {}", node.address, node.protocol),
        format!("  its certificate has the SHA-256 digest {}", node.certificate),
    ];
    lines.extend(node.keys().iter().map(|key| format!("  with {}", of_key(key))));
    lines
}

fn of_key(key: &NewKey) -> String {
    let purpose = match key.role {
        Role::Vote => "votes",
        Role::Submit => "submits",
        Role::Log => "signs what its node says of its log",
    };
    format!("the key {}, which {purpose}", key.public.id())
}
