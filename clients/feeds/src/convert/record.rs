//! One record of a feed, by the names of its fields.

use serde_json::Value;
use std::borrow::Cow;

/// A record, or why there is none at a place.
pub(super) struct Found<'r> {
    /// Where it is, for people.
    pub(super) place: String,
    pub(super) record: Result<Record<'r>, String>,
}

pub(super) enum Record<'r> {
    /// A line of a list: the value, and what follows it.
    Line {
        value: &'r str,
        comment: &'r str,
    },
    Row {
        columns: &'r [String],
        row: &'r [String],
    },
    Object(&'r Value),
}

/// The field that holds the whole of a record that has no fields.
pub(super) const WHOLE: &str = "line";

impl<'r> Record<'r> {
    /// The texts of a field; none where it is absent or null.
    pub(super) fn texts(&self, field: &str) -> Vec<Cow<'r, str>> {
        match self {
            Self::Line { value, .. } if field == WHOLE => vec![Cow::Borrowed(value)],
            Self::Line { comment, .. } if field == "comment" => vec![Cow::Borrowed(comment)],
            Self::Line { .. } => Vec::new(),
            Self::Row { columns, row } => {
                let place = columns.iter().position(|column| column == field);
                place
                    .and_then(|place| row.get(place))
                    .map(|value| Cow::Borrowed(value.as_str()))
                    .into_iter()
                    .collect()
            }
            Self::Object(value) => {
                let mut found = Some(*value);
                for name in field.split('/') {
                    found = found.and_then(|value| value.get(name));
                }
                found.map_or_else(Vec::new, texts_of)
            }
        }
    }
}

fn texts_of(value: &Value) -> Vec<Cow<'_, str>> {
    match value {
        Value::Null | Value::Object(_) => Vec::new(),
        Value::String(text) => vec![Cow::Borrowed(text)],
        Value::Array(values) => values.iter().flat_map(texts_of).collect(),
        Value::Bool(_) | Value::Number(_) => vec![Cow::Owned(value.to_string())],
    }
}
