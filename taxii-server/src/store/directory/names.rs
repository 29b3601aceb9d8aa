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

/// Some clients address a collection as `root.title`, so a dot would cut the title.
pub(super) fn check_title(title: &str) -> Checked {
    let is_right = (1..=200).contains(&title.chars().count())
        && !title.contains('.')
        && !title.contains(char::is_control);
    let reason = "1 to 200 characters, without dots (some clients join API root and title with a dot)";
    refuse_unless(is_right, "title", reason)
}

pub(super) fn check_alias(alias: &str) -> Checked {
    let is_right = consists_of(alias, "-_.~") && alias.parse::<uuid::Uuid>().is_err();
    refuse_unless(is_right, "alias", "1 to 64 letters, digits, - _ . ~, and not a UUID")
}

/// A colon ends the name in HTTP Basic (RFC 7617).
pub(super) fn check_account(name: &str) -> Checked {
    refuse_unless(consists_of(name, "-_.@+"), "name", "1 to 64 letters, digits, - _ . @ +")
}
