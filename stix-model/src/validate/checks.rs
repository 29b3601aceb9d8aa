//! Rules of single types that no table can say (STIX 2.1, sections 4 to 7).

use super::iana::CHARACTER_SETS;
use super::subject::Subject;
use super::{codes, defang, format};
use crate::class::Class;
use crate::finding::{Code, Severity};
use crate::json::{Kind, Value};
use crate::marking::{TLP_2_EXTENSION_ID, TlpEdition, TlpError};
use crate::model::common;
use crate::model::vocab::HashAlgorithm;
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::{Timestamp, Tlp, id};

type In<'a, 's, 'd> = &'a mut Subject<'s, 'd>;

/// Carries out the check of this name.
pub(crate) fn run(check: Check, subject: In<'_, '_, '_>) {
    match check {
        Check::ExternalReference => external_reference(subject),
        Check::KillChainPhase => kill_chain_phase(subject),
        Check::GranularMarking => granular_marking(subject),
        Check::Indicator => indicator(subject),
        Check::Location => location(subject),
        Check::Malware => malware(subject),
        Check::MalwareAnalysis => malware_analysis(subject),
        Check::ObservedData => observed_data(subject),
        Check::Relationship => relationship(subject),
        Check::Artifact => artifact(subject),
        Check::Directory => directory(subject),
        Check::DomainName => domain_name(subject),
        Check::EmailAddress => email_addr(subject),
        Check::EmailMessage => email_message(subject),
        Check::File => file(subject),
        Check::Ipv4Address => ipv4_addr(subject),
        Check::Ipv6Address => ipv6_addr(subject),
        Check::MacAddress => mac_addr(subject),
        Check::NetworkTraffic => network_traffic(subject),
        Check::Software => software(subject),
        Check::Url => url(subject),
        Check::WindowsRegistryKey => windows_registry_key(subject),
        Check::LanguageContent => language_content(subject),
        Check::MarkingDefinition => marking_definition(subject),
        Check::ExtensionDefinition => extension_definition(subject),
        Check::WindowsPeBinaryExt => windows_pebinary_ext(subject),
    }
}

/// Section 2.5, and the catalogues that sections 4.1 and 4.19 name.
fn external_reference(subject: In<'_, '_, '_>) {
    let source = subject.text("source_name").unwrap_or_default();
    let id = subject.text("external_id").unwrap_or_default();
    let digits =
        |text: &str, least: usize| text.len() >= least && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_cve = |id: &str| {
        let parts = id.strip_prefix("CVE-").and_then(|rest| rest.split_once('-'));
        parts.is_some_and(|(year, number)| year.len() == 4 && digits(year, 4) && digits(number, 4))
    };
    let is_capec = |id: &str| id.strip_prefix("CAPEC-").is_some_and(|number| digits(number, 1));
    let rule = |name: &str| if name == "cve" { Rule::S008 } else { Rule::S007 };
    for (name, is_right, example) in
        [("cve", &is_cve as &dyn Fn(&str) -> bool, "CVE-2021-44228"), ("capec", &is_capec, "CAPEC-163")]
    {
        if source == name && !is_right(&id) {
            let message = format!("a reference to `{name}` has the exact identifier in `external_id`");
            subject
                .must(Code::ExternalReference, "external_id", rule(name), message)
                .fix(format!("write it like {example}"));
        }
        if source != name && is_right(&id) {
            let message = format!("a reference to {id} has `{name}` as `source_name`");
            subject
                .must(Code::ExternalReference, "source_name", rule(name), message)
                .fix(format!("write \"{name}\""));
        }
    }
    if subject.text("url").is_some_and(|url| !format::is_uri(&url)) {
        subject.should(Code::Format, "url", Rule::S006, "this is not a URL as RFC 3986 has them");
    }
    // Elsewhere the vocabulary is advice (section 2.7), here it is closed.
    let reference = subject.path;
    let list = reference.member("hashes");
    let hashes = subject.get("hashes").into_iter().flat_map(Value::members);
    for (algorithm, _) in hashes.filter(|(name, _)| !HashAlgorithm::VOCABULARY.contains(name)) {
        let message = format!("`{algorithm}` is not in hash-algorithm-ov, from which these names come");
        subject.sink.report(Severity::Error, Code::Hash, &list.member(&algorithm), Rule::S006, message);
    }
}

/// Section 2.11.
fn kill_chain_phase(subject: In<'_, '_, '_>) {
    for name in ["kill_chain_name", "phase_name"] {
        let is_plain =
            |text: &str| !text.contains(|char: char| char.is_uppercase() || matches!(char, ' ' | '_'));
        if subject.text(name).is_some_and(|text| !is_plain(&text)) {
            subject.should(Code::Advice, name, Rule::S016, "is usually written in lower case with hyphens");
        }
    }
    const LOCKHEED_MARTIN: &str = "lockheed-martin-cyber-kill-chain";
    let letters = |name: &'static str| name.bytes().filter(u8::is_ascii_alphabetic);
    let is_misspelt = |name: &str| {
        let found = name.bytes().filter(u8::is_ascii_alphabetic).map(|byte| byte.to_ascii_lowercase());
        name != LOCKHEED_MARTIN && found.eq(letters(LOCKHEED_MARTIN))
    };
    if subject.text("kill_chain_name").is_some_and(|name| is_misspelt(&name)) {
        let message = format!("this kill chain is named `{LOCKHEED_MARTIN}`");
        subject
            .must(Code::Enumeration, "kill_chain_name", Rule::S016, message)
            .fix(format!("write {LOCKHEED_MARTIN}"));
    }
}

/// Section 7.2.3.
fn granular_marking(subject: In<'_, '_, '_>) {
    let message = "must be a language tag of RFC 5646, such as `en` or `pt-BR`";
    expect(subject, "lang", format::is_language_tag, Rule::S119, message);
    let part = subject.path;
    if let Some(tag) = subject.text("lang") {
        codes::check_tag(&tag, Rule::S119, &part.member("lang"), subject.sink);
    }
}

/// Section 4.7.
fn indicator(subject: In<'_, '_, '_>) {
    for name in ["name", "description"] {
        if !subject.has(name) {
            subject.should(Code::Advice, "", Rule::S201, format!("an indicator should have a `{name}`"));
        }
    }
    let Some(pattern) = subject.text("pattern") else { return };
    if subject.text("pattern_type").is_some_and(|kind| kind == "stix") {
        super::pattern::check(subject, &pattern);
    }
}

/// Section 4.10.
fn location(subject: In<'_, '_, '_>) {
    let has_place = subject.has("region")
        || subject.has("country")
        || (subject.has("latitude") && subject.has("longitude"));
    if !has_place {
        let message = "a location has a `region`, a `country`, or `latitude` and `longitude`";
        subject.must(Code::PropertyMissing, "", Rule::S202, message);
    }
    let Some(country) = subject.text("country").filter(|country| !codes::is_country(country)) else { return };
    let message = "should be an ISO 3166-1 code of two letters, such as `DE`";
    let finding = subject.should(Code::Advice, "country", Rule::S202, message);
    if country.eq_ignore_ascii_case("UK") {
        finding.fix("write GB");
    }
}

/// Section 4.11.
fn malware(subject: In<'_, '_, '_>) {
    let is_family = subject.get("is_family").and_then(Value::as_bool) == Some(true);
    if is_family && !subject.has("name") {
        subject.must(Code::PropertyMissing, "", Rule::S203, "a malware family has a `name`");
    }
}

/// Section 4.12.
fn malware_analysis(subject: In<'_, '_, '_>) {
    if subject
        .text("product")
        .is_some_and(|product| product.contains(|char: char| char.is_uppercase() || char == ' '))
    {
        subject.should(Code::Advice, "product", Rule::S204, "should be in lower case with hyphens");
    }
}

/// Section 4.14.
fn observed_data(subject: In<'_, '_, '_>) {
    let Some(refs) = subject.get("object_refs") else { return };
    let is_sco = |id: Value<'_>| {
        let Some(id) = id.as_str() else { return true };
        let Some(object_type) = id::named_type(&id) else { return true };
        Class::of(object_type).is_none_or(|class| class == Class::Sco)
    };
    if refs.kind() == Kind::Array && !refs.elements().any(is_sco) {
        let message = "at least one of the observed objects is a cyber-observable object";
        subject.must(Code::ReferenceType, "object_refs", Rule::S205, message);
    }
}

/// Section 5.1.
fn relationship(subject: In<'_, '_, '_>) {
    let Some(kind) = subject.text("relationship_type") else { return };
    let is_name = kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_name || kind.is_empty() {
        let message = "the type of a relationship has characters a-z, 0-9 and hyphen only";
        subject.must(Code::Relationship, "relationship_type", Rule::S161, message);
        return;
    }
    super::relationship::check(subject, &kind);
}

/// Section 6.1.
fn artifact(subject: In<'_, '_, '_>) {
    media_type(subject, Rule::S209);
    expect_address(subject, "url", format::is_uri, Rule::S209, "must be a URL as RFC 3986 has them");
}

/// Section 6.3.
fn directory(subject: In<'_, '_, '_>) {
    encoding(subject, "path_enc");
}

/// Section 6.4.
fn domain_name(subject: In<'_, '_, '_>) {
    expect_address(
        subject,
        "value",
        format::is_domain_name,
        Rule::S211,
        "must be a domain name, with labels of at most 63 characters",
    );
}

/// Section 6.5.
fn email_addr(subject: In<'_, '_, '_>) {
    let message = "must be a mail address alone, without a name around it, such as `jo@example.com`";
    expect_address(subject, "value", format::is_email_address, Rule::S212, message);
}

/// Section 6.6.
fn email_message(subject: In<'_, '_, '_>) {
    let is_multipart = subject.get("is_multipart").and_then(Value::as_bool);
    if is_multipart == Some(true) && subject.has("body") {
        let message = "a message with parts has its text in `body_multipart`";
        subject.must(Code::PropertyConflict, "body", Rule::S213, message);
    }
    if is_multipart == Some(false) && subject.has("body_multipart") {
        let message = "a message without parts has its text in `body`";
        subject.must(Code::PropertyConflict, "body_multipart", Rule::S213, message);
    }
    let message = "words that are encoded as in RFC 2047 must be decoded";
    for name in ["subject", "content_type"] {
        if subject.text(name).is_some_and(|text| format::has_encoded_word(&text)) {
            subject.must(Code::Format, name, Rule::S213, message);
        }
    }
    let object = subject.path;
    let list = object.member("additional_header_fields");
    for (name, field) in subject.get("additional_header_fields").into_iter().flat_map(Value::members) {
        if field.elements().filter_map(Value::as_str).any(|text| format::has_encoded_word(&text)) {
            subject.sink.report(Severity::Error, Code::Format, &list.member(&name), Rule::S213, message);
        }
    }
}

/// Section 6.7.
fn file(subject: In<'_, '_, '_>) {
    encoding(subject, "name_enc");
    media_type(subject, Rule::S215);
}

/// Section 6.8.
fn ipv4_addr(subject: In<'_, '_, '_>) {
    expect_address(
        subject,
        "value",
        format::is_ipv4,
        Rule::S226,
        "must be an IPv4 address or a network such as `198.51.100.0/24`",
    );
}

/// Section 6.9.
fn ipv6_addr(subject: In<'_, '_, '_>) {
    expect_address(
        subject,
        "value",
        format::is_ipv6,
        Rule::S226,
        "must be an IPv6 address or a network such as `2001:db8::/32`",
    );
}

/// Section 6.10.
fn mac_addr(subject: In<'_, '_, '_>) {
    expect_address(
        subject,
        "value",
        format::is_mac,
        Rule::S217,
        "must be six octets in lower case, such as `d2:fb:49:24:37:18`",
    );
}

/// Section 6.12.
fn network_traffic(subject: In<'_, '_, '_>) {
    let is_active = subject.get("is_active").and_then(Value::as_bool);
    if is_active == Some(true) && subject.has("end") {
        subject.must(Code::PropertyConflict, "end", Rule::S218, "traffic that is still active has no `end`");
    }
    if !subject.has("src_port") && !subject.has("dst_port") {
        subject.should(Code::Advice, "", Rule::S218, "network traffic should name its ports");
    }
}

/// Section 6.14.
fn software(subject: In<'_, '_, '_>) {
    expect(
        subject,
        "cpe",
        format::is_cpe23,
        Rule::S220,
        "must be a name of CPE 2.3 with eleven fields after `cpe:2.3:`",
    );
    let object = subject.path;
    let list = object.member("languages");
    for (index, tag) in subject.get("languages").into_iter().flat_map(Value::elements).enumerate() {
        let (Some(tag), place) = (tag.as_str(), list.element(index)) else { continue };
        if !format::is_language_tag(&tag) {
            let message = "must be a language tag of RFC 5646, such as `en`";
            subject.sink.report(Severity::Error, Code::Format, &place, Rule::S220, message);
        }
        codes::check_tag(&tag, Rule::S220, &place, subject.sink);
    }
}

/// Section 6.15.
fn url(subject: In<'_, '_, '_>) {
    expect_address(
        subject,
        "value",
        format::is_uri,
        Rule::S221,
        "must be a URL as RFC 3986 has them, with a scheme such as `http:`",
    );
}

/// Section 6.17.
fn windows_registry_key(subject: In<'_, '_, '_>) {
    let Some(key) = subject.text("key") else { return };
    if let Some((short, long)) = format::spelled_hive(&key) {
        let message = format!("the hive is spelled out, not abbreviated as {short}");
        subject.must(Code::Format, "key", Rule::S223, message).fix(format!("write {long}"));
    } else if !format::begins_with_hive(&key) {
        let message = "a key begins with its hive, such as HKEY_LOCAL_MACHINE";
        subject.should(Code::Format, "key", Rule::S223, message);
    }
}

/// Section 7.1.
fn language_content(subject: In<'_, '_, '_>) {
    let Some(contents) = subject.get("contents") else { return };
    let object = subject.path;
    let list = object.member("contents");
    for (tag, translations) in contents.members() {
        let place = list.member(&tag);
        if !format::is_language_tag(&tag) {
            let message = format!("`{tag}` is not a language tag of RFC 5646");
            subject.sink.report(Severity::Error, Code::Format, &place, Rule::S131, message);
        }
        codes::check_tag(&tag, Rule::S131, &place, subject.sink);
        for (name, _) in translations.members() {
            if !format::is_property_name(&name) {
                let message = format!("`{name}` cannot be the name of a property");
                subject.sink.report(
                    Severity::Error,
                    Code::PropertyName,
                    &place.member(&name),
                    Rule::S131,
                    message,
                );
            }
        }
    }
}

/// Section 7.2.
fn marking_definition(subject: In<'_, '_, '_>) {
    let kind = subject.text("definition_type");
    if !subject.has("extensions") {
        for name in ["definition_type", "definition"] {
            if !subject.has(name) {
                let message = format!("a marking without extension needs `{name}`");
                subject.must(Code::PropertyMissing, "", Rule::S110, message);
            }
        }
    }
    if kind.as_deref() == Some("statement") {
        let statement = subject.get("definition").and_then(|definition| definition.get("statement"));
        if !statement.is_some_and(|statement| statement.kind() == Kind::String) {
            let message = "a statement marking holds a string in `statement`";
            subject.must(Code::Marking, "definition", Rule::S111, message);
        }
    }
    tlp_marking(kind.as_deref(), subject);
}

/// Section 7.2.1.4, and the extension of TLP 2.0: fixed objects, whatever the form of their text. Many tools leave `name`
/// out. One with other content is refused, because where it arrives first, the true one cannot follow: markings have no
/// versions.
fn tlp_marking(kind: Option<&str>, subject: In<'_, '_, '_>) {
    let fixed = subject.text("id").and_then(|id| TlpEdition::of_marking(&id));
    let is_tlp = fixed.is_some() || kind == Some("tlp");
    match Tlp::of_definition(subject.value) {
        // The standard says that no others may be made, the extension does not.
        Err(TlpError::OtherId { .. }) if !is_tlp => {}
        Err(error) => not_the_fixed_one(&error, subject),
        Ok(Some(_)) if fixed == Some(TlpEdition::V2) && kind.is_some() => {
            let message = "the markings of TLP 2.0 have no `definition_type`; `tlp` stands for TLP 1.0";
            subject.must(Code::Marking, "definition_type", Rule::S112, message);
        }
        Ok(_) => {}
    }
    for name in ["object_marking_refs", "granular_markings"] {
        if is_tlp && subject.has(name) {
            let message = "the fixed markings of TLP are not marked themselves";
            subject.must(Code::Marking, name, Rule::S112, message);
        }
    }
}

fn not_the_fixed_one(error: &TlpError, subject: In<'_, '_, '_>) {
    let extension = subject.value.get("extensions").and_then(|all| all.get(TLP_2_EXTENSION_ID));
    if let (TlpError::UnknownLevel(_), Some(extension)) = (error, extension) {
        let object = subject.path;
        let extensions = object.member("extensions");
        let place = extensions.member(TLP_2_EXTENSION_ID);
        let level = place.member("tlp_2_0");
        let place = if extension.get("tlp_2_0").is_some() { &level } else { &place };
        let finding =
            subject.sink.report(Severity::Error, Code::Marking, place, Rule::S112, error.to_string());
        return finding.fix("write clear, green, amber, amber+strict or red");
    }
    let property = match error {
        TlpError::OtherId { .. } | TlpError::OtherContent { .. } => "id",
        TlpError::OtherCreated { .. } => "created",
        TlpError::OtherName { .. } => "name",
        TlpError::UnknownLevel(_) => "definition",
    };
    let finding = subject.must(Code::Marking, property, Rule::S112, error.to_string());
    match error {
        TlpError::OtherName { name } => finding.fix(format!("write {name}")),
        _ => finding.fix("refer to the fixed marking by its id instead"),
    }
}

/// Section 7.3.
fn extension_definition(subject: In<'_, '_, '_>) {
    let kinds =
        subject.get("extension_types").into_iter().flat_map(Value::elements).filter_map(Value::as_str);
    let brings_properties = kinds.into_iter().any(|kind| kind == "toplevel-property-extension");
    match (subject.get("extension_properties"), brings_properties) {
        (Some(_), false) => {
            let message = "only an extension with `toplevel-property-extension` lists properties";
            subject.must(Code::PropertyConflict, "extension_properties", Rule::S142, message);
        }
        (None, true) => {
            let message =
                "an extension of the top level should list its properties in `extension_properties`";
            subject.should(Code::Advice, "", Rule::S142, message);
        }
        _ => {}
    }
    if !subject.has("description") {
        subject.should(Code::Advice, "", Rule::S142, "an extension should have a `description`");
    }
    let object = subject.path;
    let list = object.member("extension_properties");
    let names = subject.get("extension_properties").into_iter().flat_map(Value::elements);
    for (index, name) in names.enumerate() {
        let Some(name) = name.as_str() else { continue };
        let place = list.element(index);
        if common::find(&name).is_some() {
            let message = format!("an extension does not redefine `{name}`, a property of the standard");
            subject.sink.report(Severity::Error, Code::Extension, &place, Rule::S140, message);
        } else if !format::is_property_name(&name) {
            let message = format!("`{name}` cannot be the name of a property");
            subject.sink.report(Severity::Error, Code::PropertyName, &place, Rule::S145, message);
        }
    }
}

/// Section 6.7.6.
fn windows_pebinary_ext(subject: In<'_, '_, '_>) {
    let is_finer = |text: &str| text.parse::<Timestamp>().is_ok_and(|time| time.sort_key().contains('.'));
    if subject.text("time_date_stamp").is_some_and(|text| is_finer(&text)) {
        let message = "such a file holds its time to the second, without a fraction";
        subject.must(Code::TimestampPrecision, "time_date_stamp", Rule::S216, message);
    }
}

fn expect(subject: In<'_, '_, '_>, property: &str, is_right: fn(&str) -> bool, rule: Rule, message: &str) {
    if subject.text(property).is_some_and(|text| !is_right(&text)) {
        subject.must(Code::Format, property, rule, message);
    }
}

/// Like [`expect`], for what people click on: an object with `defanged` holds it in a form that no program follows,
/// and the standard has no grammar for such forms (section 3.2).
fn expect_address(
    subject: In<'_, '_, '_>,
    property: &str,
    is_right: fn(&str) -> bool,
    rule: Rule,
    message: &str,
) {
    let Some(text) = subject.text(property).filter(|text| !is_right(text)) else { return };
    let plain = defang::undo(&text);
    let is_readable = is_right(&plain);
    if subject.get("defanged").and_then(Value::as_bool) != Some(true) {
        let finding = subject.must(Code::Format, property, rule, message);
        if is_readable {
            finding.fix(format!("write {plain}, or say \"defanged\": true"));
        }
    } else if !is_readable {
        let message = format!("{message}; this is not one that was defanged in a usual way");
        subject.should(Code::Format, property, rule, message);
    }
}

fn media_type(subject: In<'_, '_, '_>, rule: Rule) {
    if subject.text("mime_type").is_some_and(|kind| !format::is_media_type(&kind)) {
        subject.should(Code::Format, "mime_type", rule, "should be a media type that IANA lists");
    }
}

/// The name of a character set, as IANA registers them. Its registry says that case makes no difference.
fn encoding(subject: In<'_, '_, '_>, property: &str) {
    let Some(text) = subject.text(property) else { return };
    if CHARACTER_SETS.binary_search(&&*text).is_ok() {
        return;
    }
    if let Some(name) = CHARACTER_SETS.iter().find(|name| name.eq_ignore_ascii_case(&text)) {
        let message = "should be written as IANA lists it";
        subject.should(Code::Format, property, Rule::S036, message).fix(format!("write {name}"));
        return;
    }
    let message = "must be the name of a character set as IANA lists it, such as `windows-1252`";
    let finding = subject.must(Code::Format, property, Rule::S036, message);
    if let Some(near) = format::nearest(&text, &CHARACTER_SETS) {
        finding.fix(format!("did you mean `{near}`?"));
    }
}
