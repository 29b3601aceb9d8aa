//! Properties of cyber-observable objects that STIX 2.1 renamed or took away.

use std::borrow::Cow;

/// What became of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is called the same.
    Same,
    /// It is called this now.
    Renamed(&'static str),
    /// STIX 2.1 has nothing for it.
    Removed,
}

/// What became of a property of an object type or of a predefined extension (STIX 2.0 part 4 against STIX
/// 2.1, section 6).
pub(super) fn fate(owner: &str, property: &str) -> Fate {
    match (owner, property) {
        ("file" | "directory", "created") => Fate::Renamed("ctime"),
        ("file" | "directory", "modified") => Fate::Renamed("mtime"),
        ("file" | "directory", "accessed") => Fate::Renamed("atime"),
        ("process", "created") => Fate::Renamed("created_time"),
        ("process", "binary_ref") => Fate::Renamed("image_ref"),
        ("user-account", "password_last_changed") => Fate::Renamed("credential_last_changed"),
        ("windows-registry-key", "modified") => Fate::Renamed("modified_time"),
        // The reference library for STIX 2.0 misspelt it.
        ("network-traffic", "encapsulates_by_ref") => Fate::Renamed("encapsulated_by_ref"),
        ("file", "is_encrypted" | "encryption_algorithm" | "decryption_key")
        | ("process", "name" | "arguments")
        | ("archive-ext", "version")
        | ("raster-image-ext", "image_compression_algorithm")
        | ("socket-ext", "protocol_family") => Fate::Removed,
        _ => Fate::Same,
    }
}

/// The name of a hash algorithm in STIX 2.1 (section 10.7).
pub(super) fn algorithm(name: Cow<'_, str>) -> Cow<'_, str> {
    if name == "ssdeep" { "SSDEEP".into() } else { name }
}

/// Whether the keys of a property are names of hash algorithms.
pub(super) fn is_hashes(property: &str) -> bool {
    property == "hashes" || property.ends_with("_hashes")
}

/// The type that a reference leads to, as far as its properties have other names in STIX 2.1.
pub(super) fn target(property: &str) -> Option<&'static str> {
    Some(match property {
        "binary_ref" | "body_raw_ref" | "service_dll_refs" => "file",
        "parent_directory_ref" => "directory",
        "creator_user_ref" | "belongs_to_ref" => "user-account",
        "parent_ref" | "child_refs" => "process",
        "opened_connection_refs" | "encapsulates_refs" | "encapsulated_by_ref" => "network-traffic",
        _ => return None,
    })
}
