//! Why an object is not taken, in a form that people and programs read.

use stix_model::validate::{Code, Finding, Rule, Severity};

/// More of a pointer or a sentence helps nobody, and every status is kept.
const MAX_BYTES: usize = 500;

/// The `message` of a failure in a status: `CODE at POINTER: SENTENCE (RULE); N more errors`.
///
/// The code is a word of the validator, the pointer a JSON pointer into the request. Unprintable characters of the
/// object, and blanks in the pointer, are written as `\u{…}`: the first `: ` ends the pointer, and a terminal shows what
/// is there.
pub(crate) fn message(first: &Finding, others: &[Finding]) -> String {
    let Finding { code, index, pointer, message, rule, .. } = first;
    let object = index.map_or_else(String::new, self::pointer);
    let pointer = shown(&(object + pointer), |c| c == ' ');
    let mut text = format!("{code} at {pointer}: {}", shown(message, |_| false));
    if let Some(rule) = rule {
        text.push_str(&format!(" ({rule})"));
    }
    let more = others.iter().filter(|other| other.severity == Severity::Error).count();
    let at_least = if others.iter().any(|other| other.code == Code::TooMany) { "at least " } else { "" };
    match more {
        0 => {}
        1 => text.push_str(&format!("; {at_least}1 more error")),
        _ => text.push_str(&format!("; {at_least}{more} more errors")),
    }
    text
}

/// A finding of the server itself, about an object at this place of a request.
pub(crate) fn finding(code: Code, index: usize, rule: Option<Rule>, message: String) -> Finding {
    let (severity, pointer) = (Severity::Error, String::new());
    Finding { code, severity, index: Some(index), pointer, rule, message, fix: None }
}

/// The JSON pointer of the object at this place of a request.
pub(crate) fn pointer(index: usize) -> String {
    format!("/objects/{index}")
}

/// A text of others, cut and with nothing in it that a terminal would obey.
fn shown(text: &str, is_hidden: impl Fn(char) -> bool) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if shown.len() >= MAX_BYTES {
            shown.push('…');
            break;
        }
        let is_printable = matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1;
        if is_printable && !is_hidden(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_object_confuses_a_reader() {
        let name = "a: b\u{1b}[31m\u{202e}\\";
        let first = Finding {
            pointer: format!("/{name}"),
            ..finding(Code::PropertyName, 7, Some(Rule::S035), format!("`{name}` is \"no\" näme"))
        };
        let expected = "property-name at /objects/7/a:\\u{20}b\\u{1b}[31m\\u{202e}\\: \
                        `a: b\\u{1b}[31m\\u{202e}\\` is \"no\" näme (S-035)";
        assert_eq!(message(&first, &[]), expected);
        let long = finding(Code::Format, 7, None, "x".repeat(10_000));
        assert!(message(&long, &[]).len() < MAX_BYTES + 50);
    }

    #[test]
    fn further_errors_are_counted() {
        let error = || finding(Code::Format, 0, None, "x".to_owned());
        let warning = || Finding { severity: Severity::Warning, ..error() };
        let too_many = || Finding { code: Code::TooMany, ..error() };
        assert_eq!(message(&error(), &[warning()]), "format at /objects/0: x");
        assert_eq!(message(&error(), &[warning(), error()]), "format at /objects/0: x; 1 more error");
        assert_eq!(message(&error(), &[error(), error()]), "format at /objects/0: x; 2 more errors");
        assert_eq!(
            message(&error(), &[error(), too_many()]),
            "format at /objects/0: x; at least 2 more errors"
        );
    }
}
