//! Rules for names, so that every client can use them.

use crate::error::ApiError;

/// First parts of paths that the server uses itself.
const RESERVED: [&str; 7] = ["taxii2", "admin", "docs", "openapi.json", "livez", "readyz", "metrics"];

fn refuse(reason: &str) -> Result<(), ApiError> {
    Err(ApiError::Unprocessable(reason.to_owned()))
}

/// Whether a text has 1 to 64 letters, digits and characters of `extra`.
fn consists_of(text: &str, extra: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.as_bytes().contains(&byte))
}

/// Checks the name of an API root.
pub(super) fn check_root(name: &str) -> Result<(), ApiError> {
    if RESERVED.contains(&name) {
        return refuse("name: this name is taken by the server itself");
    }
    if consists_of(name, "-_") && !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Ok(());
    }
    refuse("name: 1 to 64 lower-case letters, digits, - and _")
}

/// Checks the title of a collection. Some clients address a collection as `root.title`, so a dot would cut the title.
pub(super) fn check_title(title: &str) -> Result<(), ApiError> {
    if (1..=200).contains(&title.chars().count()) && !title.contains('.') && !title.contains(char::is_control)
    {
        return Ok(());
    }
    refuse("title: 1 to 200 characters, without dots (some clients join API root and title with a dot)")
}

/// Checks the alias of a collection.
pub(super) fn check_alias(alias: &str) -> Result<(), ApiError> {
    if consists_of(alias, "-_.~") && alias.parse::<uuid::Uuid>().is_err() {
        return Ok(());
    }
    refuse("alias: 1 to 64 letters, digits, - _ . ~, and not a UUID")
}

/// Checks the name of an account. In HTTP Basic a colon ends the name (RFC 7617).
pub(super) fn check_account(name: &str) -> Result<(), ApiError> {
    if consists_of(name, "-_.@+") {
        return Ok(());
    }
    refuse("name: 1 to 64 letters, digits, - _ . @ +")
}

/// Checks the length of a password.
pub(super) fn check_password(password: &str) -> Result<(), ApiError> {
    if (12..=1024).contains(&password.len()) {
        return Ok(());
    }
    refuse("password: at least 12 bytes, at most 1024; leave it out to get a random one")
}
