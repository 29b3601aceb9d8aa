//! TODO-DOC (STIX 2.1, section 6.1).

use crate::data_type::{Binary, Hashes, Text};
use crate::schema::Rule;
use crate::validate::checks;
use crate::vocab::EncryptionAlgorithm;

stix_type! {
    /// TODO-DOC artifact
    sco Artifact "artifact" "6.1"
    required {}
    optional {
        /// TODO-DOC string
        mime_type: Text<'a>;
        /// TODO-DOC binary
        payload_bin: Binary<'a>;
        /// TODO-DOC string
        url: Text<'a>;
        /// TODO-DOC hashes
        hashes: Hashes<'a>;
        /// TODO-DOC enum
        encryption_algorithm: EncryptionAlgorithm;
        /// TODO-DOC string
        decryption_key: Text<'a>;
    }
    lists {}
    rules [
        Rule::ExactlyOne(&["payload_bin", "url"], "S-209"),
        Rule::Needs("url", &["hashes"], "S-209"),
        Rule::Needs("decryption_key", &["encryption_algorithm"], "S-209"),
        Rule::Check(checks::artifact),
    ]
}
