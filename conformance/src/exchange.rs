//! One request with its answer, and the questions checks ask about it.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::excerpt::excerpt;
use crate::shape::Shape;
use crate::verdict::{Evidence, Stop, Verdict};

/// Kept whole until the run ends, because some rules bind every answer there was.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Method and URL.
    pub(crate) request: String,
    pub(crate) method: Method,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The body read as I-JSON, or what keeps it from being that.
    pub(crate) json: Result<Value, String>,
    /// The resource that a success holds, when the standard defines one here.
    pub(crate) shape: Option<&'static Shape>,
}

impl Exchange {
    /// A failure with this exchange as its evidence.
    pub(crate) fn fail(&self, at: impl Into<String>, detail: impl Into<String>) -> Stop {
        Stop::Fail(Box::new(Evidence {
            request: self.request.clone(),
            status: Some(self.status),
            at: at.into(),
            detail: detail.into(),
        }))
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn expect(&self, statuses: &[u16]) -> Verdict<&Self> {
        if statuses.contains(&self.status) {
            return Ok(self);
        }
        let list: Vec<String> = statuses.iter().map(u16::to_string).collect();
        Err(self.fail("status", format!("expected {}{}", list.join(" or "), self.error_text())))
    }

    /// What the server itself says about its error, so that a table of failures explains itself.
    fn error_text(&self) -> String {
        let Ok(json) = &self.json else { return String::new() };
        let text = json.get("description").or_else(|| json.get("title")).and_then(Value::as_str);
        text.map_or(String::new(), |text| format!("; the server says {}", excerpt(text)))
    }

    /// The text of a header; a header that is not text counts as absent.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn json(&self) -> Verdict<&Value> {
        self.json.as_ref().map_err(|problem| self.fail("body", problem.clone()))
    }

    /// The body as the JSON object that every TAXII resource is.
    pub(crate) fn resource(&self) -> Verdict<&Value> {
        let json = self.json()?;
        if json.is_object() { Ok(json) } else { Err(self.fail("", "the body is not a JSON object")) }
    }

    /// A list property; an absent one is an empty list.
    pub(crate) fn list(&self, name: &str) -> Verdict<&[Value]> {
        match self.resource()?.get(name) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(self.fail(format!("/{name}"), "not a list")),
        }
    }

    pub(crate) fn objects(&self) -> Verdict<&[Value]> {
        self.list("objects")
    }

    /// `more`, which is false when absent.
    pub(crate) fn more(&self) -> Verdict<bool> {
        Ok(self.resource()?.get("more") == Some(&Value::Bool(true)))
    }

    pub(crate) fn next(&self) -> Verdict<Option<&str>> {
        Ok(self.resource()?.get("next").and_then(Value::as_str))
    }

    /// A count of a status resource.
    pub(crate) fn count(&self, name: &str) -> Verdict<u64> {
        let value = self.resource()?.get(name).and_then(Value::as_u64);
        value.ok_or_else(|| self.fail(format!("/{name}"), "not a count"))
    }
}

/// A string property, or nothing when it is absent or not a string.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}
