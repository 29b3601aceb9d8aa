//! The network, in words.

use crate::cli::admin::print_list;
use crate::cli::output;
use crate::control::{
    ApplicationResource, Control, ControlError, KeyResource, OrganisationResource, ScrubResource,
    StateResource,
};
use axum::http::StatusCode;

/// Shows the state, and who asks to join; of a server that waits to join, that.
pub(super) async fn print_status(control: &Control, as_json: bool) -> anyhow::Result<bool> {
    let state = match control.network_state().await {
        Ok(state) => state,
        Err(error) => {
            let is_missing =
                matches!(&error, ControlError::Refused { status, .. } if *status != StatusCode::UNAUTHORIZED);
            match control.joining().await? {
                Some(asked) if is_missing && as_json => output::json(&asked)?,
                Some(asked) if is_missing => output::line(&format!(
                    "waits to join network {} ({}): its organisations have not admitted this server yet",
                    asked.name, asked.network
                ))?,
                _ => return Err(error.into()),
            }
            return Ok(true);
        }
    };
    match as_json {
        true => output::json(&state)?,
        false => print_state(&state, &control.applications().await?)?,
    }
    Ok(true)
}

fn print_state(state: &StateResource, applications: &[ApplicationResource]) -> anyhow::Result<()> {
    let StateResource { network, organisation, node, index, time, policy, open_proposals, .. } = state;
    let rows = [
        ["network".to_owned(), network.clone()],
        ["organisation".to_owned(), organisation.to_string()],
        ["node".to_owned(), node.clone()],
        ["last entry".to_owned(), format!("{index}, of {time}")],
        ["policy".to_owned(), format!("version {policy}")],
        ["open proposals".to_owned(), open_proposals.to_string()],
        ["decisions".to_owned(), format!("{}, with root {}", state.tree_size, state.tree_root)],
        ["entries".to_owned(), state.entries.clone()],
        ["effects".to_owned(), state.effects.clone()],
        ["state".to_owned(), state.state.clone()],
    ];
    let width = rows.iter().map(|[name, _]| name.len()).max().unwrap_or_default();
    for [name, value] in &rows {
        output::line(&format!("{name:width$}  {value}"))?;
    }
    for collection in &state.collections {
        let title = &collection.definition.title;
        output::line(&format!("{:width$}  {}  {title}", "collection", collection.id))?;
    }
    for application in applications {
        let label = &application.label;
        output::line(&format!("{:width$}  {}  {label}", "asks to join", application.id))?;
    }
    if !applications.is_empty() {
        output::line("a reviewer proposes to admit it with: taxii governance propose --admit ID --key KEY")?;
    }
    Ok(())
}

/// Lists organisations, and the nodes that some have.
pub(super) async fn print_members(control: &Control, as_json: bool) -> anyhow::Result<()> {
    let (organisations, nodes) = (control.organisations().await?, control.nodes().await?);
    if as_json {
        return output::json(&serde_json::json!({ "organisations": organisations, "nodes": nodes }));
    }
    print_organisations(&organisations)?;
    if nodes.is_empty() {
        return Ok(());
    }
    output::line("")?;
    let headings = ["NODE", "ORGANISATION", "ADDRESS", "ROLE", "LAST ENTRY", "CERTIFICATE"];
    print_list(&nodes, false, headings, |node| {
        let role = match (node.left, node.is_leader) {
            (Some(left), _) => format!("left by {left}"),
            (None, true) => "leader".to_owned(),
            (None, false) => node.role.clone(),
        };
        let own = if node.is_own { " (this server)" } else { "" };
        [
            format!("{}{own}", node.id),
            node.name.clone(),
            node.address.clone(),
            role,
            node.last.map_or_else(|| "-".to_owned(), |last| last.to_string()),
            node.certificate.get(..12).unwrap_or_default().to_owned(),
        ]
    })
}

fn print_organisations(organisations: &[OrganisationResource]) -> anyhow::Result<()> {
    let keys = |organisation: &OrganisationResource, role: &str| {
        let is_valid = |key: &&KeyResource| key.role == role && key.until.is_none();
        let short = |key: &KeyResource| key.id.get(..12).unwrap_or(&key.id).to_owned();
        organisation.keys.iter().filter(is_valid).map(short).collect::<Vec<_>>().join(" ")
    };
    let headings = ["ID", "NAME", "SINCE ENTRY", "OPEN", "VOTE KEYS", "SUBMIT KEYS"];
    print_list(organisations, false, headings, |organisation| {
        let since = match organisation.left {
            Some(left) => format!("left by {left}"),
            None => organisation.joined.to_string(),
        };
        [
            organisation.id.to_string(),
            organisation.name.clone(),
            since,
            organisation.open_proposals.to_string(),
            keys(organisation, "vote"),
            keys(organisation, "submit"),
        ]
    })
}

/// Shows what a look at everything found.
pub(super) fn print_found(found: &ScrubResource) -> anyhow::Result<()> {
    let ScrubResource { objects, decisions, wrong, problems } = found;
    problems.iter().try_for_each(|problem| output::line(problem))?;
    match wrong {
        0 => output::line(&format!("{objects} versions and {decisions} decisions are as they were approved")),
        _ => output::line(&format!(
            "{wrong} things differ from what was approved, in {objects} versions and {decisions} decisions: the store was \
             changed below the server, or its disk lies; keep it as evidence, and let this server join again as a new node"
        )),
    }
}
