//! The rows of a status: made when the status is written, from findings that are structured until then.

use super::command::{Admitted, Refused, Request};
use crate::clock::timestamp;
use stix_model::Timestamp;
use stix_model::taxii::{Status, StatusDetails, StatusFinding, StatusState};
use stix_model::validate::{Code, Finding, Severity};
use stix_model::version::Decision;

/// Maximum length of a pointer or a sentence in a message; longer ones are cut, because statuses are stored.
const MAX_BYTES: usize = 500;

/// Fills a status.
pub(super) struct Builder {
    status: Status,
    /// Stands in for versions of objects that have none.
    received: Timestamp,
}

impl Builder {
    pub(super) fn new(request: &Request, total: usize) -> Self {
        let received = timestamp(request.received);
        let status = Status {
            id: request.id.to_string(),
            status: StatusState::Complete,
            request_timestamp: Some(received.clone()),
            total_count: total as u64,
            success_count: 0,
            successes: Vec::new(),
            failure_count: 0,
            failures: Vec::new(),
            pending_count: 0,
            pendings: Vec::new(),
        };
        Self { status, received }
    }

    pub(super) fn succeed(&mut self, admitted: &Admitted, version: Timestamp, message: Option<&str>) {
        self.status.successes.push(StatusDetails {
            id: admitted.id.as_str().to_owned(),
            version: version.as_str().to_owned(),
            message: message.map(str::to_owned),
            finding: None,
        });
    }

    pub(super) fn refuse(&mut self, index: usize, refused: &Refused) {
        self.status.failures.push(StatusDetails {
            id: refused.id.clone().unwrap_or_else(|| format!("/objects/{index}")),
            version: refused.version.clone().unwrap_or_else(|| self.received.as_str().to_owned()),
            message: Some(message(index, refused)),
            finding: Some(structured(index, refused)),
        });
    }

    pub(super) fn finish(mut self) -> Status {
        self.status.success_count = self.status.successes.len() as u64;
        self.status.failure_count = self.status.failures.len() as u64;
        self.status
    }
}

/// An object that the rules between versions refuse. Where the decision rests on versions that the account does not see,
/// the message is generic.
pub(super) fn refusal(admitted: &Admitted, decision: Decision, is_visible: bool) -> Refused {
    let (rule, message) = match decision.message(&admitted.facts) {
        Some(message) if is_visible => (decision.rule(), message),
        _ => (None, "this object cannot be added to this collection"),
    };
    let version = admitted.facts.version.as_ref().map(|version| version.as_str().to_owned());
    let finding = Finding {
        code: Code::VersionConflict,
        severity: Severity::Error,
        index: None,
        pointer: String::new(),
        rule,
        message: message.to_owned(),
        fix: None,
    };
    let id = Some(admitted.id.as_str().to_owned());
    Refused { id, version, finding, more: 0, is_more_open: false }
}

fn structured(index: usize, refused: &Refused) -> StatusFinding {
    let Finding { pointer, message, .. } = &refused.finding;
    StatusFinding {
        pointer: cut(pointer),
        message: cut(message),
        more: refused.more,
        ..StatusFinding::new(index as u64, refused.finding.clone())
    }
}

/// The `message` of a failure: `CODE at POINTER: SENTENCE (RULE); N more errors`.
///
/// The code is a word of the validator, the pointer a JSON pointer into the request. Unprintable characters of the
/// object, and blanks in the pointer, are written as `\u{…}`, so the first `: ` ends the pointer, and no control sequence
/// reaches a terminal.
pub(crate) fn message(index: usize, refused: &Refused) -> String {
    let Refused { finding: Finding { code, pointer, message, rule, .. }, more, is_more_open, .. } = refused;
    let (pointer, sentence) = (shown(pointer, |c| c == ' '), shown(message, |_| false));
    let mut text = format!("{} at /objects/{index}{pointer}: {sentence}", code.as_str());
    if let Some(rule) = rule {
        text.push_str(&format!(" ({})", rule.as_str()));
    }
    let at_least = if *is_more_open { "at least " } else { "" };
    match more {
        0 => {}
        1 => text.push_str(&format!("; {at_least}1 more error")),
        _ => text.push_str(&format!("; {at_least}{more} more errors")),
    }
    text
}

/// A text of a client, cut.
fn cut(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= MAX_BYTES) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A text of a client, cut, with unprintable characters escaped.
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

    fn refused(pointer: &str, message: String, more: u64, is_more_open: bool) -> Refused {
        let finding = Finding {
            code: Code::Format,
            severity: Severity::Error,
            index: None,
            pointer: pointer.to_owned(),
            rule: None,
            message,
            fix: None,
        };
        Refused { id: None, version: None, finding, more, is_more_open }
    }

    #[test]
    fn nothing_of_an_object_confuses_a_reader() {
        let name = "a: b\u{1b}[31m\u{202e}\\";
        let text = message(7, &refused(&format!("/{name}"), format!("`{name}` is \"no\" näme"), 0, false));
        let expected = "format at /objects/7/a:\\u{20}b\\u{1b}[31m\\u{202e}\\: \
                        `a: b\\u{1b}[31m\\u{202e}\\` is \"no\" näme";
        assert_eq!(text, expected);
        let long = refused("", "ü".repeat(10_000), 0, false);
        assert!(message(7, &long).len() < MAX_BYTES + 50);
        assert!(structured(7, &long).message.len() < MAX_BYTES + 50);
    }

    #[test]
    fn further_errors_are_counted() {
        let of = |more, is_more_open| message(0, &refused("", "x".to_owned(), more, is_more_open));
        assert_eq!(of(0, false), "format at /objects/0: x");
        assert_eq!(of(1, false), "format at /objects/0: x; 1 more error");
        assert_eq!(of(2, false), "format at /objects/0: x; 2 more errors");
        assert_eq!(of(2, true), "format at /objects/0: x; at least 2 more errors");
    }
}
