//! Email message: a mail with its header and its body (STIX 2.1, section 6.6).

use crate::Timestamp;
use crate::model::data_type::{Dictionary, Text};
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A mail (RFC 5322, MIME). Encoded words in its header (RFC 2047) stand here decoded.
    ///
    /// ```
    /// use stix_model::{Ref, ToObject, sco::{EmailAddress, EmailMessage, EmailMimePart}};
    /// let sender = EmailAddress::new("jo@example.com").to_object()?;
    /// let sender = Ref::try_from(sender.header().id.clone())?;
    /// let mail = EmailMessage::new(true).subject("Your bill").from_ref(sender);
    /// let part = EmailMimePart::new().content_type("text/plain; charset=utf-8").body("See attachment.");
    /// mail.clone().body_multipart([part]).to_object()?;
    /// assert!(mail.body("See attachment.").to_object().is_err(), "a message with parts");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sco EmailMessage "email-message" "6.6" "_grboc7sq5514"
    required {
        /// Whether the body has MIME parts.
        is_multipart: bool;
    }
    optional {
        /// When the mail was sent: the field `Date`.
        date: Timestamp;
        /// The field `Content-Type`.
        content_type: Text<'a>;
        /// The author: the field `From`.
        from_ref: Ref<to::EmailAddress>;
        /// Who sent the mail for the author: the field `Sender`.
        sender_ref: Ref<to::EmailAddress>;
        /// The field `Message-ID`.
        message_id: Text<'a>;
        /// The field `Subject`.
        subject: Text<'a>;
        /// Other fields of the header by name; each value is a list, as a field may come repeatedly.
        additional_header_fields: Dictionary<'a, Vec<Text<'a>>>;
        /// The body. Only if `is_multipart` is false.
        body: Text<'a>;
        /// The whole mail as it came, byte for byte.
        raw_email_ref: Ref<to::Artifact>;
    }
    lists {
        /// The recipients: the field `To`.
        to_refs: Ref<to::EmailAddress>;
        /// The recipients of a copy: the field `Cc`.
        cc_refs: Ref<to::EmailAddress>;
        /// The hidden recipients: the field `Bcc`.
        bcc_refs: Ref<to::EmailAddress>;
        /// The fields `Received`, in the order in which they stand in the mail.
        received_lines: Text<'a>;
        /// The parts of the body. Only if `is_multipart` is true.
        body_multipart: EmailMimePart<'a>;
    }
    constraints [
        Constraint::Check(Check::EmailMessage),
    ]
}

stix_type! {
    /// One part of a mail that has several (MIME). `body` or `body_raw_ref` must be there.
    part EmailMimePart "email-mime-part-type" "6.6.2" "_qpo5x7d8mefq"
    required {}
    optional {
        /// The part as text, decoded to Unicode; for parts whose `content_type` begins with `text/`.
        body: Text<'a>;
        /// The part as bytes: an artifact, or a file of which the content is not at hand.
        body_raw_ref: Ref<to::ArtifactOrFile>;
        /// The field `Content-Type` of the part.
        content_type: Text<'a>;
        /// The field `Content-Disposition` of the part.
        content_disposition: Text<'a>;
    }
    lists {}
    constraints [
        Constraint::OneOf(&["body", "body_raw_ref"], Rule::S214),
    ]
}
