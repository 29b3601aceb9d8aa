//! What the administrative commands share.

use crate::control::Control;
use anyhow::{Context, bail};
use axum::http::Method;
use serde_json::Value;

/// A text property of an answer; empty when it is not there.
pub(super) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// Finds a collection by its id, its alias or its title.
pub(super) async fn find_collection(control: &Control, name: &str) -> anyhow::Result<Value> {
    let collections = control.json(Method::GET, "/admin/collections/", ()).await?;
    let collections = collections.as_array().context("the server listed no collections")?;
    let is_it = |collection: &&Value| {
        ["id", "alias", "title"].iter().any(|property| collection[property].as_str() == Some(name))
    };
    let mut found = collections.iter().filter(is_it);
    match (found.next(), found.next()) {
        (Some(collection), None) => Ok(collection.clone()),
        (Some(_), Some(_)) => {
            bail!("{name} names several collections; give an id (taxii-server collection list)")
        }
        _ => bail!("there is no collection {name}; taxii-server collection list shows those that are there"),
    }
}

/// The last part of a path; the admin interface takes names only of safe characters, so anything else is refused here.
pub(super) fn path_part(name: &str) -> anyhow::Result<String> {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@+*~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_safe) {
        bail!("{name:?} is no name of anything here");
    }
    Ok(name.replace('+', "%2B"))
}
