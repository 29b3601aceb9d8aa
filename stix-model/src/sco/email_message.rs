//! TODO-DOC (STIX 2.1, section 6.6).

use crate::Timestamp;
use crate::data_type::{Dictionary, Text};
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC email-message
    sco EmailMessage "email-message" "6.6"
    required {
        /// TODO-DOC boolean
        is_multipart: bool;
    }
    optional {
        /// TODO-DOC timestamp
        date: Timestamp;
        /// TODO-DOC string
        content_type: Text<'a>;
        /// TODO-DOC identifier -> email-addr
        from_ref: Ref<to::EmailAddress>;
        /// TODO-DOC identifier -> email-addr
        sender_ref: Ref<to::EmailAddress>;
        /// TODO-DOC string
        message_id: Text<'a>;
        /// TODO-DOC string
        subject: Text<'a>;
        /// TODO-DOC dictionary
        additional_header_fields: Dictionary<'a, Vec<Text<'a>>>;
        /// TODO-DOC string
        body: Text<'a>;
        /// TODO-DOC identifier -> artifact
        raw_email_ref: Ref<to::Artifact>;
    }
    lists {
        /// TODO-DOC identifier -> email-addr
        to_refs: Ref<to::EmailAddress>;
        /// TODO-DOC identifier -> email-addr
        cc_refs: Ref<to::EmailAddress>;
        /// TODO-DOC identifier -> email-addr
        bcc_refs: Ref<to::EmailAddress>;
        /// TODO-DOC string
        received_lines: Text<'a>;
        /// TODO-DOC email-mime-part-type
        body_multipart: EmailMimePart<'a>;
    }
    rules [
        Rule::Check(checks::email_message),
    ]
}

stix_type! {
    /// TODO-DOC email-mime-part-type
    part EmailMimePart "email-mime-part-type" "6.6.2"
    required {}
    optional {
        /// TODO-DOC string
        body: Text<'a>;
        /// TODO-DOC identifier -> artifact,file
        body_raw_ref: Ref<to::ArtifactOrFile>;
        /// TODO-DOC string
        content_type: Text<'a>;
        /// TODO-DOC string
        content_disposition: Text<'a>;
    }
    lists {}
    rules [
        Rule::OneOf(&["body", "body_raw_ref"], "S-214"),
    ]
}
