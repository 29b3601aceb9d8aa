//! The rows of a status: made when the status is written, from findings that are structured until then.
//!
//! A status is bounded, because it is stored: texts in it are cut, and a list whose rows are too large is left out.

use super::command::{Admitted, Refused, Request};
use crate::clock::timestamp;
use stix_model::Timestamp;
use stix_model::taxii::{Status, StatusDetails, StatusFinding, StatusState};
use stix_model::validate::{Code, Finding, Rule, Severity};
use stix_model::version::Decision;

/// Maximum length of a pointer or a sentence in a message; longer ones are cut, because statuses are stored.
const MAX_BYTES: usize = 500;
/// Maximum number of bytes of the rows of one list. Clients compare the length of a list with its count, so a longer one is
/// left out as a whole.
const MAX_LIST_BYTES: usize = 1 << 20;
/// Maximum number of failures without an identifier in the list: such an element may be two bytes long, its row is not.
const MAX_NAMELESS: usize = 100;
/// Number of failures that are told where the list is left out.
const FIRST: usize = 100;

/// The room that is left for the rows of refused objects.
#[derive(Default)]
pub(crate) struct Room {
    bytes: usize,
    nameless: usize,
}

impl Room {
    /// Whether the list may have room for a row of this object; when it has none, the list is left out.
    pub(crate) fn takes(&mut self, refused: &Refused) -> bool {
        let Refused { id, finding, .. } = refused;
        let id_bytes = id.as_ref().map_or(0, String::len);
        self.add(id.is_none(), id_bytes + finding.pointer.len() + finding.message.len())
    }

    fn add(&mut self, is_nameless: bool, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        self.nameless += usize::from(is_nameless);
        self.bytes <= MAX_LIST_BYTES && self.nameless <= MAX_NAMELESS
    }
}

/// The rows of one list, while they are few enough.
#[derive(Default)]
struct Rows {
    count: u64,
    room: Room,
    rows: Vec<StatusDetails>,
    is_left_out: bool,
}

impl Rows {
    fn add(&mut self, is_nameless: bool, row: StatusDetails) {
        self.count += 1;
        if self.is_left_out {
            return;
        }
        let mut length = Length(0);
        let is_written = serde_json::to_writer(&mut length, &row).is_ok();
        if is_written && self.room.add(is_nameless, length.0) {
            self.rows.push(row);
        } else {
            self.leave_out();
        }
    }

    fn leave_out(&mut self) {
        self.is_left_out = true;
        self.rows.truncate(FIRST);
    }

    /// The complete list, and the first rows of one that is left out.
    fn finish(self) -> (Vec<StatusDetails>, Vec<StatusDetails>) {
        if self.is_left_out { (Vec::new(), self.rows) } else { (self.rows, Vec::new()) }
    }
}

/// Counts what is written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Fills a status.
pub(super) struct Builder {
    request: uuid::Uuid,
    /// Stands in for versions of objects that have none.
    received: Timestamp,
    total: usize,
    successes: Rows,
    failures: Rows,
    pendings: Rows,
}

impl Builder {
    pub(super) fn new(request: &Request, total: usize) -> Self {
        Self::begin(request.id, timestamp(request.received), total)
    }

    /// The status of a request with an identifier that came at a time.
    pub(super) fn begin(request: uuid::Uuid, received: Timestamp, total: usize) -> Self {
        let [successes, failures, pendings] = <[Rows; 3]>::default();
        Self { request, received, total, successes, failures, pendings }
    }

    pub(super) fn succeed(&mut self, admitted: &Admitted, version: Timestamp, message: Option<&str>) {
        let row = StatusDetails {
            id: admitted.id.as_str().to_owned(),
            version: version.as_str().to_owned(),
            message: message.map(str::to_owned),
            finding: None,
        };
        self.successes.add(false, row);
    }

    pub(super) fn refuse(&mut self, index: usize, refused: &Refused) {
        let finding = structured(index, refused);
        let row = StatusDetails {
            id: refused.id.clone().unwrap_or_else(|| format!("/objects/{index}")),
            version: refused.version.clone().unwrap_or_else(|| self.received.as_str().to_owned()),
            message: Some(message(&finding, refused.is_more_open)),
            finding: Some(finding),
        };
        self.failures.add(refused.id.is_none(), row);
    }

    /// Adds a row of the status of a piece of the request.
    pub(super) fn settle(&mut self, index: usize, row: Result<StatusDetails, StatusDetails>) {
        match row {
            Ok(row) => self.successes.add(false, row),
            Err(mut row) => {
                if let Some(finding) = &mut row.finding {
                    finding.index = index as u64;
                    row.message = Some(message(finding, false));
                }
                self.failures.add(false, row);
            }
        }
    }

    /// Adds an object that is not decided on.
    pub(super) fn pend(&mut self, row: StatusDetails) {
        self.pendings.add(false, row);
    }

    /// Adds what another status says of objects that were refused.
    pub(super) fn adopt_failures(&mut self, refused: &Status) {
        self.failures.count += refused.failure_count;
        let is_left_out = refused.failures.len() as u64 != refused.failure_count;
        self.failures.rows.extend(refused.failures.iter().chain(&refused.first_failures).cloned());
        if is_left_out {
            self.failures.leave_out();
        }
    }

    /// Counts a refused object for whose reason there is no room.
    pub(super) fn refuse_unlisted(&mut self) {
        self.failures.count += 1;
        self.failures.leave_out();
    }

    pub(super) fn finish(self) -> Status {
        let (success_count, failure_count) = (self.successes.count, self.failures.count);
        let pending_count = self.pendings.count;
        let ((successes, _), (failures, first_failures)) = (self.successes.finish(), self.failures.finish());
        let (pendings, _) = self.pendings.finish();
        Status {
            id: self.request.to_string(),
            status: if pending_count == 0 { StatusState::Complete } else { StatusState::Pending },
            request_timestamp: Some(self.received),
            total_count: self.total as u64,
            success_count,
            successes,
            failure_count,
            failures,
            first_failures,
            pending_count,
            pendings,
        }
    }
}

/// The status as it is stored: without the sentences that follow from findings.
pub(super) fn without_sentences(mut status: Status) -> Status {
    for row in rows(&mut status) {
        if row.message == row.finding.as_ref().map(|finding| message(finding, false)) {
            row.message = None;
        }
    }
    status
}

/// Makes the status as it is served from the stored one.
pub(super) fn restore_sentences(status: &mut Status) {
    for row in rows(status).filter(|row| row.message.is_none()) {
        row.message = row.finding.as_ref().map(|finding| message(finding, false));
    }
}

fn rows(status: &mut Status) -> impl Iterator<Item = &mut StatusDetails> {
    status.failures.iter_mut().chain(&mut status.first_failures)
}

/// An object that the rules between versions refuse. Where the decision rests on versions that the account does not see,
/// the message is generic.
pub(super) fn refusal(admitted: &Admitted, decision: Decision, is_visible: bool) -> Refused {
    let (rule, property, message) = match decision.message(&admitted.facts) {
        Some(message) if is_visible => {
            let rule = if admitted.facts.is_marking { Some(Rule::S114) } else { decision.rule() };
            (rule, decision.property(), message)
        }
        _ => (None, None, "this object cannot be added to this collection"),
    };
    let version = admitted.facts.version.as_ref().map(|version| version.as_str().to_owned());
    let pointer = property.map_or(String::new(), |property| format!("/{property}"));
    let mut finding = Finding::new(Severity::Error, Code::VersionConflict, pointer, message);
    finding.rule = rule;
    let id = Some(admitted.id.as_str().to_owned());
    Refused { id, version, finding, more: 0, is_more_open: false }
}

/// An object that is refused for a reason of its own.
pub(super) fn refused_because(admitted: &Admitted, code: Code, message: String) -> Refused {
    let version = admitted.facts.version.as_ref().map(|version| version.as_str().to_owned());
    let finding = Finding::new(Severity::Error, code, "", message);
    let id = Some(admitted.id.as_str().to_owned());
    Refused { id, version, finding, more: 0, is_more_open: false }
}

fn structured(index: usize, refused: &Refused) -> StatusFinding {
    let mut finding = refused.finding.clone();
    cut(&mut finding.pointer);
    cut(&mut finding.message);
    StatusFinding { more: refused.more, ..StatusFinding::new(index as u64, finding) }
}

/// The `message` of a failure, see [`message`].
pub(crate) fn failure_message(index: usize, refused: &Refused) -> String {
    message(&structured(index, refused), refused.is_more_open)
}

/// The `message` of a failure: `CODE at POINTER: SENTENCE (RULE); N more errors`.
///
/// The code is a word of the validator, the pointer a JSON pointer into the request. Unprintable characters of the
/// object, and blanks in the pointer, are written as `\u{…}`, so the first `: ` ends the pointer, and no control sequence
/// reaches a terminal.
fn message(finding: &StatusFinding, is_more_open: bool) -> String {
    let StatusFinding { index, code, pointer, message, rule, more, .. } = finding;
    let (pointer, sentence) = (shown(pointer, |c| c == ' '), shown(message, |_| false));
    let mut text = format!("{code} at /objects/{index}{pointer}: {sentence}");
    if let Some(rule) = rule {
        text.push_str(&format!(" ({rule})"));
    }
    let at_least = if is_more_open { "at least " } else { "" };
    match more {
        0 => {}
        1 => text.push_str(&format!("; {at_least}1 more error")),
        _ => text.push_str(&format!("; {at_least}{more} more errors")),
    }
    text
}

/// Cuts a text of a client.
pub(crate) fn cut(text: &mut String) {
    if let Some((end, _)) = text.char_indices().find(|(at, _)| *at >= MAX_BYTES) {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
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
        let finding = Finding::new(Severity::Error, Code::Format, pointer, message);
        Refused { id: None, version: None, finding, more, is_more_open }
    }

    #[test]
    fn nothing_of_an_object_confuses_a_reader() {
        let name = "a: b\u{1b}[31m\u{202e}\\";
        let text =
            failure_message(7, &refused(&format!("/{name}"), format!("`{name}` is \"no\" näme"), 0, false));
        let expected = "format at /objects/7/a:\\u{20}b\\u{1b}[31m\\u{202e}\\: \
                        `a: b\\u{1b}[31m\\u{202e}\\` is \"no\" näme";
        assert_eq!(text, expected);
        let long = refused("", "ü".repeat(10_000), 0, false);
        assert!(failure_message(7, &long).len() < MAX_BYTES + 50);
        assert!(structured(7, &long).message.len() < MAX_BYTES + 50);
    }

    #[test]
    fn further_errors_are_counted() {
        let of = |more, is_more_open| failure_message(0, &refused("", "x".to_owned(), more, is_more_open));
        assert_eq!(of(0, false), "format at /objects/0: x");
        assert_eq!(of(1, false), "format at /objects/0: x; 1 more error");
        assert_eq!(of(2, false), "format at /objects/0: x; 2 more errors");
        assert_eq!(of(2, true), "format at /objects/0: x; at least 2 more errors");
    }
}
