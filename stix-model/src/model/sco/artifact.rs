//! Artifact: bytes, in the object or behind a URL (STIX 2.1, section 6.1).

use crate::model::data_type::{Binary, Text};
use crate::model::hashes::Hashes;
use crate::model::vocab::EncryptionAlgorithm;
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// Bytes as they are: the content of a file, a recorded packet. They stand in the object itself, or
    /// behind a URL. Exactly one of `payload_bin` and `url` must be there.
    ///
    /// ```
    /// use stix_model::{Binary, ToObject, sco::Artifact};
    /// let sample = Artifact::new().payload_bin(Binary::encode(b"MZ")).mime_type("application/octet-stream");
    /// assert_eq!(sample.payload_bin.as_ref().unwrap().as_str(), "TVo=");
    /// sample.to_object()?;
    ///
    /// let remote = Artifact::new().url("https://samples.example/1");
    /// assert!(remote.to_object().is_err(), "a URL needs hashes beside it");
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco Artifact "artifact" "6.1" "_4jegwl6ojbes"
    required {}
    optional {
        /// The media type of the bytes; should be one that IANA lists.
        mime_type: Text<'a>;
        /// The bytes, in base64. Not together with `url`.
        payload_bin: Binary<'a>;
        /// Where the bytes can be fetched. Needs `hashes`; not together with `payload_bin`.
        url: Text<'a>;
        /// Hashes of the bytes, whether they stand here or behind `url`.
        hashes: Hashes<'a>;
        /// How the bytes are encrypted; not at all when absent.
        encryption_algorithm: EncryptionAlgorithm;
        /// The key or password that decrypts the bytes. Needs `encryption_algorithm`.
        decryption_key: Text<'a>;
    }
    lists {}
    constraints [
        Constraint::ExactlyOne(&["payload_bin", "url"], Rule::S209),
        Constraint::Needs("url", &["hashes"], Rule::S209),
        Constraint::Needs("decryption_key", &["encryption_algorithm"], Rule::S209),
        Constraint::Check(Check::Artifact),
    ]
}
