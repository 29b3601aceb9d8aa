//! Functions that the administrative commands share.

use super::output;
use crate::config::nearest;
use crate::control::{CollectionResource, Control, ControlError};
use anyhow::bail;
use axum::http::StatusCode;
use serde::Serialize;
use std::io::IsTerminal;

/// Returns `None` for a refusal because something with this name exists.
pub(super) fn unless_exists<T>(added: Result<T, ControlError>) -> Result<Option<T>, ControlError> {
    match added {
        Ok(added) => Ok(Some(added)),
        Err(ControlError::Refused { status: StatusCode::CONFLICT, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Finds a collection by its id, its alias or its title.
pub(super) async fn find_collection(control: &Control, name: &str) -> anyhow::Result<CollectionResource> {
    let id = name.parse::<uuid::Uuid>().ok();
    let is_named = |collection: &CollectionResource| {
        Some(collection.id) == id || collection.alias.as_deref() == Some(name) || collection.title == name
    };
    let (named, others): (Vec<_>, Vec<_>) = control.collections().await?.into_iter().partition(is_named);
    let mut named = named.into_iter();
    match (named.next(), named.next()) {
        (Some(collection), None) => Ok(collection),
        (Some(_), Some(_)) => {
            bail!("{name} names several collections; give an id (taxii-server collection list)")
        }
        _ => {
            let known = others.iter().flat_map(|other| other.alias.iter().chain([&other.title]));
            let advice = match nearest(name, known.map(String::as_str), 0.5) {
                Some(nearest) => format!("did you mean {nearest:?}?"),
                None => "taxii-server collection list shows those that are there".to_owned(),
            };
            bail!("there is no collection {name}; {advice}")
        }
    }
}

/// Asks on the terminal whether something shall be removed.
///
/// # Errors
/// When the answer is no, or there is no terminal to ask on.
pub(super) fn confirm(what: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("this would remove {what}; there is no terminal to ask on: add --yes to remove it");
    }
    output::question(&format!("Remove {what}? [y/N] "));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        bail!("nothing was removed");
    }
    Ok(())
}

/// Warns of a title that some clients cut.
pub(super) fn warn_of_dots(title: &str, as_json: bool) {
    if title.contains('.') {
        output::warning(
            as_json,
            "OpenCTI names collections as `root.title` and cuts a title at its first dot; \
             with such a title, it reaches the collection only by `*`",
        );
    }
}

/// Prints a list as one line of JSON, or as a table.
pub(super) fn print_list<T: Serialize, const N: usize>(
    list: &[T],
    as_json: bool,
    headings: [&str; N],
    row: impl Fn(&T) -> [String; N],
) -> anyhow::Result<()> {
    if as_json {
        return output::json(&list);
    }
    output::table(headings, &list.iter().map(row).collect::<Vec<_>>())
}
