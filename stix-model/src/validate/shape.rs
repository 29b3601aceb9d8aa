//! The first tier: does a value have the shape that its property table says?

use super::custom::{Parent, any_value, custom_property};
use super::kind::{check_key, empty, expect_kind, wrong_kind};
use super::subject::{Sink, Slots, Subject};
use super::{checks, codes, format};
use crate::class::{Class, Target, list_targets};
use crate::finding::{Code, Severity};
use crate::json::{Kind, Path, Value};
use crate::model::common;
use crate::model::vocab::HashAlgorithm;
use crate::schema::rule::Rule;
use crate::schema::table::{Constraint, Format, Presence, Property, Schema, Shape};
use crate::schema::vocabulary::{Openness, Vocabulary};
use crate::{StixId, Timestamp};

/// Checks a part against its table and the rules of the table.
pub(crate) fn check(value: Value<'_>, schema: &'static Schema, path: Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return wrong_kind(Kind::Object, value, rule_of(schema), &path, sink);
    }
    walk(value, schema, path, sink);
}

/// Checks the members of an object against a table, then the rules of the table; what later rules look at.
pub(crate) fn walk<'s, 'd>(
    value: Value<'d>,
    schema: &'static Schema,
    path: Path<'s>,
    sink: &'s mut Sink,
) -> Subject<'s, 'd> {
    let mut subject = Subject { value, schema, slots: Slots::empty(), path, sink };
    let Subject { slots, sink, .. } = &mut subject;
    let parent = Parent::new(value);
    for (name, member) in value.members() {
        let place = path.member(&name);
        let Some((index, property)) = schema.position(&name) else {
            if schema.class != Class::Part
                && let Some(property) = common::find(&name)
            {
                misplaced_property(member, property, schema, &place, sink);
            } else {
                custom_property(&name, member, &parent, &place, sink);
                slots.custom.push(name);
            }
            continue;
        };
        slots.set(index, member);
        if property.presence == Presence::Reserved {
            let message = "this name is reserved and must not be used";
            sink.report(Severity::Error, Code::PropertyReserved, &place, Rule::S035, message);
            continue;
        }
        check_property(member, property, schema, &place, sink);
    }
    let missing = slots.missing(schema.required);
    if missing != 0 {
        let properties = schema.properties().enumerate().filter(|(index, _)| missing >> index & 1 == 1);
        properties.for_each(|(_, property)| report_missing(property, schema, &path, sink));
    }
    schema.constraints.iter().for_each(|constraint| apply(constraint, &mut subject));
    subject
}

#[cold]
fn report_missing(property: &Property, schema: &Schema, path: &Path<'_>, sink: &mut Sink) {
    // The standard's own example of a custom object (section 11.2.1) has no `spec_version`.
    let is_let_pass = property.name == "spec_version" && std::ptr::eq(schema, &common::CUSTOM_OBJECT);
    let severity = if is_let_pass { Severity::Warning } else { Severity::Error };
    let rule = if schema.name.is_empty() { Rule::S143 } else { rule_of(schema) };
    let is_edition = property.name == "spec_version";
    let remark = if is_edition { ", as in STIX 2.0" } else { "" };
    let message = format!("the required property `{}` is missing{remark}", property.name);
    let finding = sink.report(severity, Code::PropertyMissing, path, rule, message);
    if is_edition {
        finding
            .fix("convert STIX 2.0 with `taxii convert`; add \"spec_version\": \"2.1\" to what is STIX 2.1");
    }
}

/// The rule that lists the required properties of a table; of most tables it is the general one.
fn rule_of(schema: &Schema) -> Rule {
    match schema.name {
        "external-reference" => Rule::S006,
        "kill-chain-phase" => Rule::S016,
        "granular-marking" => Rule::S115,
        "marking-definition" => Rule::S110,
        "language-content" => Rule::S130,
        "extension-definition" => Rule::S142,
        _ => Rule::S034,
    }
}

/// The rule that sets the limits of a number.
fn rule_of_range(schema: &Schema, property: &Property) -> Rule {
    match (schema.name, property.name) {
        (_, "confidence") => Rule::S045,
        ("sighting", _) => Rule::S165,
        ("location", _) => Rule::S202,
        ("observed-data", _) => Rule::S205,
        ("file", _) => Rule::S215,
        ("network-traffic", "src_port" | "dst_port") => Rule::S218,
        _ => Rule::S034,
    }
}

/// A common property on an object of a class that does not have it.
fn misplaced_property(
    value: Value<'_>,
    property: &Property,
    schema: &Schema,
    path: &Path<'_>,
    sink: &mut Sink,
) {
    let name = property.name;
    let message = match schema.name {
        "" => format!("`{name}` is not meant for objects of this class"),
        object_type => format!("`{name}` is not meant for objects of type `{object_type}`"),
    };
    let is_version = matches!(name, "created" | "modified" | "created_by_ref" | "revoked");
    // Sections 3.2 and 7.2.1 say of these that they must not be used. Producers do version observables (section 3.6),
    // and what else is only not listed for a class is let pass.
    let (severity, rule) = match (name, schema.name) {
        ("defanged", _) => (Severity::Error, Rule::S049),
        ("modified" | "revoked", "marking-definition") => (Severity::Error, Rule::S114),
        _ if is_version && schema.class == Class::Sco => (Severity::Warning, Rule::S082),
        _ => (Severity::Warning, Rule::S049),
    };
    sink.report(severity, Code::PropertyClass, path, rule, message);
    check_property(value, property, schema, path, sink);
}

fn check_property(value: Value<'_>, property: &Property, schema: &Schema, path: &Path<'_>, sink: &mut Sink) {
    check_shape(value, &property.shape, path, sink);
    let Some((least, most)) = property.range else { return };
    #[expect(clippy::cast_precision_loss, reason = "the bounds are small, or the largest exact integers")]
    let is_outside = value.as_f64().is_some_and(|number| number < least as f64 || number > most as f64);
    if is_outside {
        let message = if most >= crate::json::MAX_SAFE_INTEGER.cast_signed() {
            format!("must be at least {least}")
        } else {
            format!("must be between {least} and {most}")
        };
        sink.report(Severity::Error, Code::Range, path, rule_of_range(schema, property), message);
    }
}

pub(crate) fn check_shape(value: Value<'_>, shape: &Shape, path: &Path<'_>, sink: &mut Sink) {
    match shape {
        Shape::String(form) => check_string(value, *form, path, sink),
        Shape::Boolean => expect_kind(Kind::Bool, value, Rule::S002, path, sink),
        Shape::Float => expect_kind(Kind::Number, value, Rule::S009, path, sink),
        Shape::Integer => check_integer(value, path, sink),
        Shape::IntegerOrString => {
            if value.kind() != Kind::String {
                check_integer(value, path, sink);
            }
        }
        Shape::Timestamp => check_timestamp(value, Precision::Any, path, sink),
        Shape::PreciseTimestamp => check_timestamp(value, Precision::Milliseconds, path, sink),
        Shape::Identifier(targets) => check_identifier(value, targets, path, sink),
        Shape::Binary => check_text(
            value,
            path,
            sink,
            format::is_binary,
            Code::Base64,
            Rule::S001,
            "must be base64 with padding, and not empty",
        ),
        Shape::Hex => {
            let message = "must be an even number of digits 0-9 and a-f, and not empty";
            check_text(value, path, sink, format::is_hex, Code::Hex, Rule::S011, message);
        }
        Shape::Hashes => check_hashes(value, path, sink),
        Shape::Dictionary(values) => check_dictionary(value, values, path, sink),
        Shape::List(elements) => check_list(value, elements, path, sink),
        Shape::Vocabulary(vocabulary) => check_word(value, vocabulary, path, sink),
        Shape::Part(schema) => check(value, schema, *path, sink),
        Shape::Extensions => expect_kind(Kind::Object, value, Rule::S050, path, sink),
        Shape::ObservableContainer => expect_kind(Kind::Object, value, Rule::S022, path, sink),
        Shape::Object => {}
        Shape::Any => any_value(value, path, sink),
    }
}

fn check_string(value: Value<'_>, form: Format, path: &Path<'_>, sink: &mut Sink) {
    match form {
        Format::Any => expect_kind(Kind::String, value, Rule::S018, path, sink),
        Format::Language => {
            let message = "must be a language tag of RFC 5646, such as `en` or `pt-BR`";
            check_text(value, path, sink, format::is_language_tag, Code::Format, Rule::S046, message);
            if let Some(tag) = value.as_str() {
                codes::check_tag(&tag, Rule::S046, path, sink);
            }
        }
    }
}

fn check_text(
    value: Value<'_>,
    path: &Path<'_>,
    sink: &mut Sink,
    is_right: impl Fn(&str) -> bool,
    code: Code,
    rule: Rule,
    message: &str,
) {
    let Some(text) = value.as_str() else { return wrong_kind(Kind::String, value, rule, path, sink) };
    if !is_right(&text) {
        sink.report(Severity::Error, code, path, rule, message);
    }
}

fn check_integer(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Number {
        return wrong_kind(Kind::Number, value, Rule::S015, path, sink);
    }
    let is_integer =
        value.as_i64().is_some_and(|number| number.unsigned_abs() <= crate::json::MAX_SAFE_INTEGER);
    if !is_integer {
        sink.report(
            Severity::Error,
            Code::PropertyType,
            path,
            Rule::S015,
            "must be an integer of at most 53 bits",
        );
    }
}

/// How many digits a timestamp needs.
enum Precision {
    Any,
    Milliseconds,
}

fn check_timestamp(value: Value<'_>, precision: Precision, path: &Path<'_>, sink: &mut Sink) {
    let Some(text) = value.as_str() else { return wrong_kind(Kind::String, value, Rule::S019, path, sink) };
    if let Err(error) = Timestamp::check(&text) {
        sink.report(Severity::Error, Code::Timestamp, path, Rule::S019, error.to_string());
        return;
    }
    // The shortest form with three digits is `2016-01-20T12:31:12.123Z`.
    if matches!(precision, Precision::Milliseconds) && text.len() < 24 {
        let message = "must be given to the millisecond, with at least three digits after the dot";
        let finding = sink.report(Severity::Error, Code::TimestampPrecision, path, Rule::S020, message);
        let (seconds, fraction) = text.trim_end_matches('Z').split_at(19);
        finding.fix(format!("write {seconds}.{:0<3}Z", fraction.trim_start_matches('.')));
    }
}

fn check_identifier(value: Value<'_>, targets: &'static [Target], path: &Path<'_>, sink: &mut Sink) {
    let Some(text) = value.as_str() else { return wrong_kind(Kind::String, value, Rule::S012, path, sink) };
    let object_type = match StixId::check(&text) {
        Ok(object_type) => object_type,
        Err(error) => {
            sink.report(Severity::Error, Code::Identifier, path, Rule::S012, error.to_string());
            return;
        }
    };
    let is_admitted = targets.is_empty() || targets.iter().any(|target| target.admits(object_type));
    if !is_admitted {
        let message = format!("must refer to {}, not to `{object_type}`", list_targets(targets));
        sink.report(
            Severity::Error,
            Code::ReferenceType,
            path,
            rule_of_reference(path, object_type),
            message,
        );
    }
}

/// The rule that says what a reference may point to; of most only the table says it.
fn rule_of_reference(path: &Path<'_>, object_type: &str) -> Rule {
    match path.name() {
        _ if object_type == "bundle" => Rule::S101,
        "created_by_ref" => Rule::S047,
        "object_marking_refs" | "marking_ref" => Rule::S048,
        "source_ref" | "target_ref" => Rule::S160,
        "sighting_of_ref" | "observed_data_refs" | "where_sighted_refs" => Rule::S165,
        "content_ref" | "parent_directory_ref" => Rule::S215,
        "src_ref" | "dst_ref" => Rule::S218,
        _ => Rule::S052,
    }
}

fn check_hashes(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return wrong_kind(Kind::Object, value, Rule::S010, path, sink);
    }
    let mut is_empty = true;
    for (name, hash) in value.members() {
        is_empty = false;
        let place = path.member(&name);
        if !format::is_dictionary_key(&name) || name.len() < 3 {
            let message = "the name of a hash has 3 to 250 characters a-z, A-Z, 0-9, hyphen and underscore";
            sink.report(Severity::Error, Code::DictionaryKey, &place, Rule::S010, message);
            continue;
        }
        let Some(text) = hash.as_str() else {
            wrong_kind(Kind::String, hash, Rule::S010, &place, sink);
            continue;
        };
        match HashAlgorithm::from(&*name) {
            HashAlgorithm::_Unlisted(_) => {
                let message = "the algorithm is not in hash-algorithm-ov";
                sink.report(Severity::Warning, Code::Vocabulary, &place, Rule::S010, message);
            }
            algorithm if !algorithm.fits(&text) => {
                let message = format!("this is not the form of a {} value", algorithm.as_str());
                sink.report(Severity::Error, Code::Hash, &place, Rule::S010, message);
            }
            _ => {}
        }
    }
    if is_empty {
        empty(Kind::Object, Severity::Error, path, sink);
    }
}

fn check_dictionary(value: Value<'_>, values: &Shape, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return wrong_kind(Kind::Object, value, Rule::S003, path, sink);
    }
    let mut is_empty = true;
    for (key, member) in value.members() {
        is_empty = false;
        let place = path.member(&key);
        check_key(&key, Severity::Error, &place, sink);
        check_shape(member, values, &place, sink);
    }
    if is_empty {
        empty(Kind::Object, Severity::Error, path, sink);
    }
}

fn check_list(value: Value<'_>, elements: &Shape, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Array {
        return wrong_kind(Kind::Array, value, Rule::S017, path, sink);
    }
    let mut is_empty = true;
    for (index, element) in value.elements().enumerate() {
        is_empty = false;
        check_shape(element, elements, &path.element(index), sink);
    }
    if is_empty {
        empty(Kind::Array, Severity::Error, path, sink);
    }
}

fn check_word(value: Value<'_>, vocabulary: &Vocabulary, path: &Path<'_>, sink: &mut Sink) {
    let rule = if vocabulary.openness == Openness::Closed { Rule::S004 } else { Rule::S005 };
    let Some(word) = value.as_str() else { return wrong_kind(Kind::String, value, rule, path, sink) };
    if vocabulary.contains(&word) {
        return;
    }
    let severity = match vocabulary.openness {
        Openness::Closed => Severity::Error,
        Openness::Open => Severity::Warning,
    };
    // A list may have thousands of such words, and the search for the one that was meant is slow.
    let near = if sink.has_room(severity) { format::nearest(&word, vocabulary.words) } else { None };
    let finding = match vocabulary.openness {
        Openness::Closed => {
            let message = format!("`{word}` is not one of {}", vocabulary.words.join(", "));
            sink.report(severity, Code::Enumeration, path, rule, message)
        }
        Openness::Open => {
            let message = format!("`{word}` is not in {}; others may not understand it", vocabulary.name);
            sink.report(severity, Code::Vocabulary, path, rule, message)
        }
    };
    if let Some(near) = near {
        finding.fix(format!("did you mean `{near}`?"));
    }
}

fn apply(constraint: &Constraint, subject: &mut Subject<'_, '_>) {
    match *constraint {
        Constraint::Order(first, second, rule) => order(first, second, rule, Strictness::MayBeEqual, subject),
        Constraint::StrictOrder(first, second, rule) => {
            order(first, second, rule, Strictness::Later, subject)
        }
        Constraint::OneOf(names, rule) => {
            if !names.iter().any(|name| subject.has(name)) {
                let message = format!("at least one of {} must be there", list(names));
                subject.must(Code::PropertyMissing, "", rule, message);
            }
        }
        Constraint::ExactlyOne(names, rule) => {
            let present: Vec<_> = names.iter().filter(|name| subject.has(name)).collect();
            if present.is_empty() {
                let message = format!("one of {} must be there", list(names));
                subject.must(Code::PropertyMissing, "", rule, message);
            }
            if let [_, second, ..] = present[..] {
                let message = format!("only one of {} may be there", list(names));
                subject.must(Code::PropertyConflict, second, rule, message);
            }
        }
        Constraint::AnyOwn(rule) => {
            let own = subject.schema.own.iter().filter(|property| property.presence == Presence::Optional);
            let has_own =
                own.map(|property| property.name).chain(["extensions"]).any(|name| subject.has(name));
            if !has_own {
                let message = "at least one property beside the required ones must be there";
                subject.must(Code::PropertyMissing, "", rule, message);
            }
        }
        Constraint::Needs(name, needed, rule) => {
            if !subject.has(name) {
                return;
            }
            for needed in needed {
                if !subject.has(needed) {
                    let message = format!("`{name}` needs `{needed}` beside it");
                    subject.must(Code::PropertyNeeds, name, rule, message);
                }
            }
        }
        Constraint::Check(check) => checks::run(check, subject),
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Whether two times may be the same.
pub(crate) enum Strictness {
    MayBeEqual,
    Later,
}

/// Checks that one time does not come before another.
pub(crate) fn order(
    first: &str,
    second: &str,
    rule: Rule,
    strictness: Strictness,
    subject: &mut Subject<'_, '_>,
) {
    let (Some(early), Some(late)) = (subject.text(first), subject.text(second)) else { return };
    if early == late && matches!(strictness, Strictness::MayBeEqual) {
        return;
    }
    // With as many digits, the order of the texts is that of the times; what is no time is found elsewhere.
    if early.len() == late.len() && early < late {
        return;
    }
    let (Ok(_), Ok(_)) = (Timestamp::check(&early), Timestamp::check(&late)) else { return };
    let order = Timestamp::compare(&early, &late);
    match strictness {
        Strictness::MayBeEqual if order.is_gt() => {
            let message = format!("`{second}` ({late}) is before `{first}` ({early})");
            subject.must(Code::TimeOrder, second, rule, message);
        }
        Strictness::Later if order.is_ge() => {
            let message = format!("`{second}` ({late}) must be later than `{first}` ({early})");
            subject.must(Code::TimeOrder, second, rule, message);
        }
        _ => {}
    }
}
