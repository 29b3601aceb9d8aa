//! X.509 certificate: a certificate and what it says (STIX 2.1, section 6.18).

use crate::Timestamp;
use crate::model::data_type::Text;
use crate::model::hashes::Hashes;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A certificate (RFC 5280) and what it says; at least one of the properties must be there.
    ///
    /// ```
    /// use stix_model::{ToObject, Timestamp, sco::{X509Certificate, X509V3Extensions}};
    /// let expiry: Timestamp = "2025-08-21T00:00:00Z".parse()?;
    /// let certificate = X509Certificate::new()
    ///     .serial_number("36:f7:d4:32:f4:ab:70:ea:d3:ce:98:6e:ea:99:93:49")
    ///     .subject("CN=c2.example")
    ///     .validity_not_after(expiry)
    ///     .x509_v3_extensions(X509V3Extensions::new().subject_alternative_name("DNS:c2.example"));
    /// certificate.to_object()?;
    /// assert!(X509Certificate::new().to_object().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sco X509Certificate "x509-certificate" "6.18" "_8abcy1o5x9w1"
    required {}
    optional {
        /// Whether it is signed with the key that it certifies.
        is_self_signed: bool;
        /// Hashes of the whole certificate.
        hashes: Hashes<'a>;
        /// The version of the format, such as `3`.
        version: Text<'a>;
        /// The number that its issuer gave to it.
        serial_number: Text<'a>;
        /// The algorithm with which it is signed.
        signature_algorithm: Text<'a>;
        /// The distinguished name of who issued it.
        issuer: Text<'a>;
        /// From when on it is valid.
        validity_not_before: Timestamp;
        /// Until when it is valid.
        validity_not_after: Timestamp;
        /// The distinguished name of whom it is issued to.
        subject: Text<'a>;
        /// The algorithm of the certified key.
        subject_public_key_algorithm: Text<'a>;
        /// The modulus of the certified key, if it is an RSA key.
        subject_public_key_modulus: Text<'a>;
        /// The exponent of the certified key, if it is an RSA key.
        subject_public_key_exponent: i64;
        /// The extensions of version 3.
        x509_v3_extensions: X509V3Extensions<'a>;
    }
    lists {}
    constraints [
        Constraint::AnyOwn(Rule::S224),
    ]
}

stix_type! {
    /// The extensions of a certificate of version 3 (RFC 5280, section 4.2), as text; at least one must be
    /// there.
    part X509V3Extensions "x509-v3-extensions-type" "6.18.2" "_oudvonxzdlku"
    required {}
    optional {
        /// Whether the subject is an authority, and how many certificates may follow below it.
        basic_constraints: Text<'a>;
        /// In which name space the subjects of the certificates below must lie.
        name_constraints: Text<'a>;
        /// What is demanded of the policies on the path below.
        policy_constraints: Text<'a>;
        /// For what the key may be used, such as signatures or encryption.
        key_usage: Text<'a>;
        /// For what purposes the key may be used in addition or instead, such as TLS servers.
        extended_key_usage: Text<'a>;
        /// What tells the certified key from other keys of the subject.
        subject_key_identifier: Text<'a>;
        /// What tells the key that signed the certificate from other keys of the issuer.
        authority_key_identifier: Text<'a>;
        /// Other names of the subject, such as host names and mail addresses.
        subject_alternative_name: Text<'a>;
        /// Other names of the issuer.
        issuer_alternative_name: Text<'a>;
        /// Attributes of the subject from a directory, such as a nationality.
        subject_directory_attributes: Text<'a>;
        /// Where the revocation list can be fetched.
        crl_distribution_points: Text<'a>;
        /// After how many more certificates on the path `anyPolicy` stops counting.
        inhibit_any_policy: Text<'a>;
        /// From when on the private key may be used, where that differs from the certificate.
        private_key_usage_period_not_before: Timestamp;
        /// Until when the private key may be used, where that differs from the certificate.
        private_key_usage_period_not_after: Timestamp;
        /// The policies under which the certificate was issued.
        certificate_policies: Text<'a>;
        /// Which policies of the issuer and of the subject count as the same.
        policy_mappings: Text<'a>;
    }
    lists {}
    constraints [
        Constraint::AnyOwn(Rule::S216),
    ]
}
