//! The pattern of an indicator (STIX 2.1, sections 4.7 and 9).

use super::finding::Code;
use super::format;
use super::subject::Subject;
use crate::Timestamp;
use crate::id::is_type_name;
use crate::pattern::{
    ComparisonExpression, ObjectPath, ObservationExpression, Pattern, PatternErrorKind, PatternIssue,
    PatternLevel, PatternRule, Qualifier, Step,
};
use crate::registry;
use crate::schema::rule::Rule;
use crate::schema::table::Class;

pub(crate) fn check(subject: &mut Subject<'_, '_>, text: &str) {
    let pattern = match Pattern::parse(text) {
        Ok(pattern) => pattern,
        Err(error) => {
            let rule = rule_of_refusal(error.kind());
            let finding = subject.must(Code::PatternSyntax, "pattern", rule, error.to_string());
            if let Some(hint) = error.hint() {
                finding.fix(hint.to_owned());
            }
            return;
        }
    };
    for issue in pattern.check() {
        let (rule, message) = (rule_of_issue(&issue), issue.to_string());
        match issue.level() {
            PatternLevel::Must => subject.must(Code::PatternMeaning, "pattern", rule, message),
            PatternLevel::Should => subject.should(Code::PatternMeaning, "pattern", rule, message),
        };
    }
    let valid_from = time(subject, "valid_from");
    let valid_until = time(subject, "valid_until");
    walk(pattern.expression(), &mut |part| match part {
        Part::Path(path) => check_path(subject, path),
        Part::Interval(start, stop) => {
            let is_outside = valid_from.as_ref().is_some_and(|from| start < from)
                || valid_until.as_ref().is_some_and(|until| stop > until);
            if is_outside {
                let message = "START and STOP should lie within `valid_from` and `valid_until`";
                subject.should(Code::PatternMeaning, "pattern", Rule::P084, message);
            }
        }
    });
}

fn time(subject: &Subject<'_, '_>, property: &str) -> Option<Timestamp> {
    subject.text(property)?.parse().ok()
}

/// The number under which the broken rule of the grammar is listed.
fn rule_of_refusal(refusal: &PatternErrorKind) -> Rule {
    match refusal {
        PatternErrorKind::BadBase64 => Rule::P021,
        PatternErrorKind::BadHex => Rule::P022,
        PatternErrorKind::NumberRange => Rule::P023,
        PatternErrorKind::BadEscape => Rule::P025,
        PatternErrorKind::BadTimestamp(_) => Rule::P026,
        PatternErrorKind::TooLong(_) | PatternErrorKind::TooDeep(_) | PatternErrorKind::TooMany(_) => {
            Rule::P092
        }
        // Only START and STOP ask for one.
        PatternErrorKind::Expected { expected: "a timestamp", .. } => Rule::P083,
        _ => Rule::P012,
    }
}

/// The number under which a rule beyond the grammar is listed.
fn rule_of_issue(issue: &PatternIssue) -> Rule {
    match issue.rule() {
        PatternRule::PlusSign | PatternRule::IntegerRange => Rule::P023,
        PatternRule::MixedSet => Rule::P042,
        PatternRule::HashForm => Rule::S010,
        PatternRule::InvalidRegex(_) | PatternRule::UnsupportedRegex(_) => Rule::P044,
        PatternRule::DifferentTypes => Rule::P062,
        PatternRule::NotPositive if issue.place().starts_with("WITHIN") => Rule::P082,
        PatternRule::NotPositive => Rule::P081,
        PatternRule::DuplicateQualifier | PatternRule::DuplicateGroupQualifier => Rule::P080,
        PatternRule::EmptyInterval => Rule::P083,
        PatternRule::NotANetwork => Rule::P045,
        PatternRule::UpperCaseHex => Rule::P022,
        PatternRule::LeadingDot
        | PatternRule::EmptySet
        | PatternRule::OperatorAlias
        | PatternRule::Comment => Rule::P015,
    }
}

/// What the walk over a pattern stops at.
enum Part<'p> {
    Path(&'p ObjectPath),
    Interval(&'p Timestamp, &'p Timestamp),
}

fn walk<'p>(expression: &'p ObservationExpression, visit: &mut dyn FnMut(Part<'p>)) {
    match expression {
        ObservationExpression::Comparison(inner) => walk_tests(inner, visit),
        ObservationExpression::And(members)
        | ObservationExpression::Or(members)
        | ObservationExpression::FollowedBy(members) => members.iter().for_each(|member| walk(member, visit)),
        ObservationExpression::Qualified { expression, qualifiers } => {
            walk(expression, visit);
            for qualifier in qualifiers {
                if let Qualifier::StartStop { start, stop } = qualifier {
                    visit(Part::Interval(start, stop));
                }
            }
        }
    }
}

fn walk_tests<'p>(expression: &'p ComparisonExpression, visit: &mut dyn FnMut(Part<'p>)) {
    match expression {
        ComparisonExpression::And(members) | ComparisonExpression::Or(members) => {
            members.iter().for_each(|member| walk_tests(member, visit));
        }
        ComparisonExpression::Test(test) => visit(Part::Path(&test.path)),
    }
}

fn check_path(subject: &mut Subject<'_, '_>, path: &ObjectPath) {
    let object_type = &path.object_type;
    if !is_type_name(object_type) {
        let message = format!("`{object_type}` cannot be the name of a type");
        subject.must(Code::PatternMeaning, "pattern", Rule::P030, message);
        return;
    }
    let known = registry::of(object_type);
    if known.is_some_and(|schema| schema.class != Class::Sco) {
        let message = format!("`{object_type}` is not a cyber-observable object");
        subject.should(Code::PatternMeaning, "pattern", Rule::P030, message);
        return;
    }
    let Some(Step::Property(first)) = path.steps.first() else { return };
    if known.is_some_and(|schema| schema.property(first).is_some()) {
        return;
    }
    if !format::is_property_name(first) && &**first != "id" {
        let message = format!("`{first}` cannot be the name of a property");
        subject.must(Code::PatternMeaning, "pattern", Rule::P030, message);
    } else if known.is_some() {
        let message = format!("`{object_type}` has no property `{first}` in the standard");
        subject.should(Code::PatternMeaning, "pattern", Rule::P030, message);
    }
}
