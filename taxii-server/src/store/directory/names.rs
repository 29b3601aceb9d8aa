//! Names that every client can use.

use super::DirectoryRefusal;

/// First parts of paths that mean something else here.
const RESERVED: [&str; 7] = ["taxii2", "admin", "docs", "openapi.json", "livez", "readyz", "metrics"];

type Checked = Result<(), DirectoryRefusal>;

fn refuse_unless(is_right: bool, field: &'static str, reason: &str) -> Checked {
    if is_right { Ok(()) } else { Err(DirectoryRefusal::Invalid { field, reason: reason.to_owned() }) }
}

fn consists_of(text: &str, extra: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.as_bytes().contains(&byte))
}

pub(super) fn check_root(name: &str) -> Checked {
    refuse_unless(!RESERVED.contains(&name), "name", "this name is taken by the server itself")?;
    let is_right = consists_of(name, "-_") && !name.bytes().any(|byte| byte.is_ascii_uppercase());
    refuse_unless(is_right, "name", "1 to 64 lower-case letters, digits, - and _")
}

/// Clients that address a collection as `root.title` cut a title at its dot; the command line says so.
pub(super) fn check_title(title: &str) -> Checked {
    let is_right = (1..=200).contains(&title.chars().count()) && !title.contains(char::is_control);
    refuse_unless(is_right, "title", "1 to 200 characters, without control characters")
}

pub(super) fn check_alias(alias: &str) -> Checked {
    refuse_unless(consists_of(alias, "-_.~"), "alias", "1 to 64 letters, digits, - _ . ~, or a UUID")
}

/// Whether two texts name the same collection in a URL: they are equal, or they are the same UUID.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other
        || matches!((one.parse::<uuid::Uuid>(), other.parse::<uuid::Uuid>()), (Ok(one), Ok(other)) if one == other)
}

/// A colon ends the name in HTTP Basic (RFC 7617).
pub(super) fn check_account(name: &str) -> Checked {
    refuse_unless(consists_of(name, "-_.@+"), "name", "1 to 64 letters, digits, - _ . @ +")
}
