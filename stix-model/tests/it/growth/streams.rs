//! Inputs that come in small pieces: what the reader has looked at, it does not look at again with the next piece.

use super::generator::{Growth, parts};
use std::hint::black_box;
use stix_model::json::Document;
use stix_model::reader::{Bounds, Expect, Reader, Step};
use stix_model::validate::Versions;

pub(crate) fn all() -> Vec<Growth> {
    let mut all = Vec::new();
    let mut add =
        |what: &str, text: fn(usize) -> String| all.push(Growth::new(format!("stream: {what}"), text));
    add("blanks before the first line", |bytes| format!("{}{{}}", " ".repeat(bytes)));
    add("blank lines before the first line", |bytes| format!("{}{{}}\n{{}}", "\n".repeat(bytes)));
    add("blank lines behind a text", |bytes| format!("{{}}\n{}", "\n".repeat(bytes)));
    add("blanks behind a text", |bytes| format!("{{}}\n{}", " ".repeat(bytes)));
    add("blank lines behind a broken line", |bytes| format!("{{\n{}", "\n".repeat(bytes)));
    add("blanks behind a long text", |bytes| {
        format!("[\"{}\"]\n{}", "a".repeat(bytes / 2), " ".repeat(bytes / 2))
    });
    add("blanks behind a long broken line", |bytes| {
        format!("[\"{}\",\n{}", "a".repeat(bytes / 2), "\n".repeat(bytes / 2))
    });
    add("a long broken line and others", |bytes| {
        format!("[\"{}\",\n{}", "a".repeat(bytes / 2), parts(bytes / 2, "\n", |at| format!("{{\"a\":{at}}}")))
    });
    add("a broken line and others", |bytes| {
        format!("{{\n{}", parts(bytes, "\n", |at| format!("{{\"a\":{at}}}")))
    });
    add("a broken line and a long one", |bytes| format!("{{\n\"{}\"}}", "a".repeat(bytes)));
    add("blanks in a broken line", |bytes| format!("{}{{\n{{}}", " ".repeat(bytes)));
    add("a text over many lines", |bytes| format!("[\n{}\n]", parts(bytes, ",\n", |at| at.to_string())));
    add("lines", |bytes| parts(bytes, "\n", |at| format!("{{\"a\":{at}}}")));
    add("one long line", |bytes| format!("[\"{}\"]", "a".repeat(bytes)));
    add("a long line among others", |bytes| format!("{{}}\n[\"{}\"]\n{{}}\n", "a".repeat(bytes)));
    add("prose", |bytes| parts(bytes, "\n", |_| "So it is.".into()));
    add("a long line of prose", |bytes| "So it is. ".repeat(bytes / 10));
    add("a line of prose and blanks", |bytes| format!("So it is.\n{}", "\n".repeat(bytes)));
    add("a long line of prose and blanks", |bytes| {
        format!("{}\n{}", "So it is. ".repeat(bytes / 20), "\n".repeat(bytes / 2))
    });
    add("prose before lines", |bytes| format!("So it is.\n{}", parts(bytes, "\n", |_| "{}".into())));
    add("comments", |bytes| parts(bytes, "\n", |_| "# So it is.".into()));
    add("rows", |bytes| parts(bytes, "\n", |at| format!("{at},a,b")));
    add("tags", |bytes| parts(bytes, "\n", |_| "<a b=\"c\">".into()));
    add("open tags", |bytes| "<".repeat(bytes));
    all
}

/// Reads an input piece by piece, whatever is known of it, with bounds and without, and holds its objects against each
/// other.
pub(crate) fn work(text: &[u8]) {
    let bounds = [Bounds::default(), Bounds::default().text(1 << 12).line(1 << 10)];
    for expect in [Expect::File, Expect::Stream, Expect::Lines, Expect::PlainLines] {
        bounds.into_iter().for_each(|bounds| read(text, expect, bounds));
    }
}

fn read(text: &[u8], expect: Expect, bounds: Bounds) {
    let mut reader = Reader::new(expect, bounds);
    let mut pieces = text.chunks(4);
    let mut versions = Versions::default();
    loop {
        match reader.step() {
            Step::More => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => reader.end(),
            },
            Step::Text(text) if text.is_line => {
                if let Ok(document) = Document::read(&text.bytes, super::LIMITS) {
                    black_box(versions.add(document.root()));
                }
            }
            Step::Text(text) => drop(black_box(text)),
            Step::Unreadable(unreadable) => drop(black_box(unreadable.to_string())),
            Step::End => return,
        }
    }
}

/// Lines about one object or many, for the comparison of their versions.
pub(crate) fn versions() -> Vec<Growth> {
    let line = |id: usize, time: usize, rest: &str| {
        format!(
            r#"{{"id":"tool--00000000-0000-4000-8000-{id:012x}","created":"2020-01-01T00:00:00Z","modified":"2021-01-01T00:00:00.{time:09}Z"{rest}}}"#
        )
    };
    let mut all = Vec::new();
    let mut add = |what: &str, part: Box<dyn Fn(usize) -> String>| {
        all.push(Growth::new(format!("lines: {what}"), move |bytes| parts(bytes, "\n", &part)));
    };
    add("objects", Box::new(move |at| line(at, 0, "")));
    add("rising versions", Box::new(move |at| line(1, at, "")));
    add("falling versions", Box::new(move |at| line(1, 999_999_999 - at, "")));
    add("contents", Box::new(move |at| line(1, 1, &format!(",\"x_a\":{at}"))));
    add("revocations", Box::new(move |at| line(1, 999_999_999 - at, ",\"revoked\":true")));
    add(
        "revocations before live ones",
        Box::new(move |at| {
            line(1, if at % 2 == 0 { at } else { 0 }, [",\"revoked\":true", ""][(at + 1) % 2])
        }),
    );
    all
}
