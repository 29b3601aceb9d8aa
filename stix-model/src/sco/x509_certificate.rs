//! TODO-DOC (STIX 2.1, section 6.18).

use crate::Timestamp;
use crate::data_type::{Hashes, Text};
use crate::schema::Rule;

stix_type! {
    /// TODO-DOC x509-certificate
    sco X509Certificate "x509-certificate" "6.18"
    required {}
    optional {
        /// TODO-DOC boolean
        is_self_signed: bool;
        /// TODO-DOC hashes
        hashes: Hashes<'a>;
        /// TODO-DOC string
        version: Text<'a>;
        /// TODO-DOC string
        serial_number: Text<'a>;
        /// TODO-DOC string
        signature_algorithm: Text<'a>;
        /// TODO-DOC string
        issuer: Text<'a>;
        /// TODO-DOC timestamp
        validity_not_before: Timestamp;
        /// TODO-DOC timestamp
        validity_not_after: Timestamp;
        /// TODO-DOC string
        subject: Text<'a>;
        /// TODO-DOC string
        subject_public_key_algorithm: Text<'a>;
        /// TODO-DOC string
        subject_public_key_modulus: Text<'a>;
        /// TODO-DOC integer
        subject_public_key_exponent: i64;
        /// TODO-DOC x509-v3-extensions-type
        x509_v3_extensions: X509V3Extensions<'a>;
    }
    lists {}
    rules [
        Rule::AnyOwn("S-224"),
    ]
}

stix_type! {
    /// TODO-DOC x509-v3-extensions-type
    part X509V3Extensions "x509-v3-extensions-type" "6.18.2"
    required {}
    optional {
        /// TODO-DOC string
        basic_constraints: Text<'a>;
        /// TODO-DOC string
        name_constraints: Text<'a>;
        /// TODO-DOC string
        policy_constraints: Text<'a>;
        /// TODO-DOC string
        key_usage: Text<'a>;
        /// TODO-DOC string
        extended_key_usage: Text<'a>;
        /// TODO-DOC string
        subject_key_identifier: Text<'a>;
        /// TODO-DOC string
        authority_key_identifier: Text<'a>;
        /// TODO-DOC string
        subject_alternative_name: Text<'a>;
        /// TODO-DOC string
        issuer_alternative_name: Text<'a>;
        /// TODO-DOC string
        subject_directory_attributes: Text<'a>;
        /// TODO-DOC string
        crl_distribution_points: Text<'a>;
        /// TODO-DOC string
        inhibit_any_policy: Text<'a>;
        /// TODO-DOC timestamp
        private_key_usage_period_not_before: Timestamp;
        /// TODO-DOC timestamp
        private_key_usage_period_not_after: Timestamp;
        /// TODO-DOC string
        certificate_policies: Text<'a>;
        /// TODO-DOC string
        policy_mappings: Text<'a>;
    }
    lists {}
    rules [
        Rule::AnyOwn("S-216"),
    ]
}
