//! Checksums of documents, as `sha256sum` and `sha512sum` write them.

use sha2::{Digest, Sha256, Sha512};
use std::fmt::Write;

/// Whether a document has the checksum of a file; else why it does not count.
pub(super) fn matches(document: &[u8], file: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(file);
    let wanted = text.split_ascii_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let found = match wanted.len() {
        64 => hex(&Sha256::digest(document)),
        128 => hex(&Sha512::digest(document)),
        _ => return Err("the file of its checksum has none".to_owned()),
    };
    if found == wanted { Ok(()) } else { Err("its checksum is not that of the provider".to_owned()) }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
