//! Functions that the administrative commands share.

use super::output;
use crate::control::{CollectionResource, Control};
use anyhow::bail;
use serde::Serialize;

/// Finds a collection by its id, its alias or its title.
pub(super) async fn find_collection(control: &Control, name: &str) -> anyhow::Result<CollectionResource> {
    let is_named = |collection: &CollectionResource| {
        collection.id.to_string() == name
            || collection.alias.as_deref() == Some(name)
            || collection.title == name
    };
    let mut found = control.collections().await?.into_iter().filter(is_named);
    match (found.next(), found.next()) {
        (Some(collection), None) => Ok(collection),
        (Some(_), Some(_)) => {
            bail!("{name} names several collections; give an id (taxii-server collection list)")
        }
        _ => bail!("there is no collection {name}; taxii-server collection list shows those that are there"),
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
