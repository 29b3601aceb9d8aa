//! The pattern of an indicator (STIX 2.1, sections 4.7 and 9).

use super::format;
use super::subject::Subject;
use crate::Timestamp;
use crate::class::{Class, Target};
use crate::finding::{Code, Severity};
use crate::id::is_type_name;
use crate::model::vocab::HashAlgorithm;
use crate::pattern::{
    Comparison, ComparisonExpression, Constant, ObservationExpression, Pattern, PatternErrorKind,
    PatternIssue, PatternLevel, PatternRule, Qualifier, Step, Test,
};
use crate::registry;
use crate::schema::rule::Rule;
use crate::schema::table::{Schema, Shape};

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
        Part::Comparison(comparison) => {
            if check_type(subject, &comparison.path.object_type) {
                check_steps(subject, comparison);
                check_hives(subject, comparison);
            }
        }
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
        PatternRule::InvalidRegex(_) | PatternRule::UnsupportedRegex(_) | PatternRule::NeedlessBackslash => {
            Rule::P044
        }
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
    Comparison(&'p Comparison),
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
        ComparisonExpression::Test(test) => visit(Part::Comparison(test)),
    }
}

/// Whether the type can be that of an observable; its properties are known or not.
fn check_type(subject: &mut Subject<'_, '_>, object_type: &str) -> bool {
    if !is_type_name(object_type) {
        let message = format!("`{object_type}` cannot be the name of a type");
        subject.must(Code::PatternMeaning, "pattern", Rule::P030, message);
        return false;
    }
    match registry::of(object_type) {
        Some(schema) if schema.class == Class::Sco => return true,
        Some(_) => {
            let message = format!("`{object_type}` is not a cyber-observable object");
            subject.should(Code::PatternMeaning, "pattern", Rule::P030, message);
        }
        None => {
            let observables = registry::SCHEMAS.iter().filter(|schema| schema.class == Class::Sco);
            let observables: Vec<_> = observables.map(|schema| schema.name).collect();
            let has_room = subject.sink.has_room(Severity::Warning);
            let near = if has_room { format::nearest(object_type, &observables) } else { None };
            let message = format!("the standard defines no `{object_type}`, so others may not find any");
            let finding = subject.should(Code::PatternMeaning, "pattern", Rule::P030, message);
            if let Some(near) = near {
                finding.fix(format!("did you mean `{near}`?"));
            }
        }
    }
    false
}

/// Where the steps of a path have come to.
#[derive(Clone, Copy)]
enum Place {
    Object(&'static Schema),
    Value(&'static Shape),
}

/// Follows a path through the tables. What they leave open is let pass.
fn check_steps(subject: &mut Subject<'_, '_>, comparison: &Comparison) {
    let path = &comparison.path;
    let Some(schema) = registry::of(&path.object_type) else { return };
    if let Some(Step::Property(first)) = path.steps.first()
        && schema.property(first).is_none()
        && !format::is_property_name(first)
    {
        let message = format!("`{first}` cannot be the name of a property");
        subject.must(Code::PatternMeaning, "pattern", Rule::P030, message);
        return;
    }
    let (mut owner, mut at) = (schema, Place::Object(schema));
    for step in &path.steps {
        match follow(at, owner, step) {
            Ok(None) => return,
            Ok(Some(Place::Object(schema))) => (owner, at) = (schema, Place::Object(schema)),
            Ok(Some(value)) => at = value,
            Err(message) => {
                let message = format!("{}: {message}", crate::pattern::shortened(path));
                subject.should(Code::PatternMeaning, "pattern", Rule::P030, message);
                return;
            }
        }
    }
    if matches!(at, Place::Value(Shape::List(_))) && comparison.test != Test::Exists {
        let message =
            format!("{} is a list, of which `[*]` takes any element", crate::pattern::shortened(path));
        subject.should(Code::PatternMeaning, "pattern", Rule::P030, message);
    }
}

/// One step; nothing when the tables do not say what follows.
fn follow(at: Place, owner: &'static Schema, step: &Step) -> Result<Option<Place>, String> {
    let property_of = |schema: &'static Schema, name: &str| match schema.property(name) {
        Some(property) => Ok(Some(Place::Value(&property.shape))),
        None => Err(format!("`{}` has no property `{name}` in the standard", schema.name)),
    };
    match (at, step) {
        (Place::Object(schema), Step::Property(name)) => property_of(schema, name),
        (Place::Value(Shape::Part(schema)), Step::Property(name)) => property_of(schema, name),
        (Place::Value(Shape::List(element)), Step::Index(_) | Step::AnyIndex) => {
            Ok(Some(Place::Value(element)))
        }
        (Place::Value(Shape::List(_)), Step::Property(name)) => {
            Err(format!("`{name}` stands behind a list; `[*]` takes any of its elements"))
        }
        (Place::Value(Shape::Dictionary(value)), Step::Property(_)) => Ok(Some(Place::Value(value))),
        (Place::Value(Shape::Hashes), Step::Property(name)) => match HashAlgorithm::from(&**name) {
            HashAlgorithm::_Unlisted(_) => Err(format!("`{name}` is not in hash-algorithm-ov")),
            _ => Ok(None),
        },
        (Place::Value(Shape::Extensions), Step::Property(name)) => {
            match owner.extensions.iter().find(|known| known.name == &**name) {
                Some(extension) => Ok(Some(Place::Object(extension))),
                None if registry::of_extension(name).is_some() => {
                    Err(format!("`{name}` is an extension of another type than `{}`", owner.name))
                }
                None => Ok(None),
            }
        }
        (Place::Value(Shape::Identifier(targets)), Step::Property(name)) => {
            let types = targets.iter().map(|target| match target {
                Target::Type(object_type) => registry::of(object_type),
                _ => None,
            });
            let Some(schemas) = types.collect::<Option<Vec<_>>>().filter(|schemas| !schemas.is_empty())
            else {
                return Ok(None);
            };
            let has_it = schemas.iter().find(|schema| schema.property(name).is_some());
            property_of(has_it.unwrap_or(&schemas[0]), name)
        }
        (Place::Value(Shape::Any | Shape::Object | Shape::ObservableContainer), _) => Ok(None),
        (_, Step::Property(name)) => Err(format!("`{name}` stands behind a value without parts")),
        (_, Step::Index(_) | Step::AnyIndex) => Err("an index stands behind what is no list".to_owned()),
    }
}

/// Objects have the hives of registry keys spelled out (section 6.17), so a short name finds none.
fn check_hives(subject: &mut Subject<'_, '_>, comparison: &Comparison) {
    let path = &comparison.path;
    let is_key = matches!(&path.steps[..], [Step::Property(name)] if **name == *"key");
    if *path.object_type != *"windows-registry-key" || !is_key {
        return;
    }
    let hive = |text: &str| format::spelled_hive(text.trim_start_matches(['^', '(']));
    let of_constant = |constant: &Constant| match constant {
        Constant::String(text) => hive(text),
        _ => None,
    };
    let found = match &comparison.test {
        Test::Compare(_, constant) => of_constant(constant),
        Test::In(constants) => constants.iter().find_map(of_constant),
        Test::Like(text) => hive(text.split(['%', '_']).next().unwrap_or_default()),
        Test::Matches(text) => hive(start_of_regex(text)),
        _ => None,
    };
    if let Some((short, long)) = found {
        let message = format!("registry keys have the hive spelled out, so {short} finds none");
        subject.should(Code::PatternMeaning, "pattern", Rule::S223, message).fix(format!("write {long}"));
    }
}

/// The text that everything begins with that a regular expression finds, as far as it is plain; else the expression.
fn start_of_regex(regex: &str) -> &str {
    match regex.strip_prefix('^') {
        Some(anchored) if !regex.contains('|') => {
            anchored.split(['.', '[', '(', '$']).next().unwrap_or_default()
        }
        _ => regex,
    }
}
