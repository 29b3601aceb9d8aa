//! What the demo says: sentences for people, or lines of JSON for scripts.

use crate::cli::output;
use serde_json::{Value, json};

pub(super) struct Tell {
    as_json: bool,
}

impl Tell {
    pub(super) fn new(as_json: bool) -> Self {
        Self { as_json }
    }

    /// Says something to people.
    pub(super) fn say(&self, text: &str) -> anyhow::Result<()> {
        if self.as_json { Ok(()) } else { output::line(text) }
    }

    /// Says to scripts that all servers are ready.
    pub(super) fn ready(&self, ready: &Value) -> anyhow::Result<()> {
        if self.as_json { output::json(ready) } else { Ok(()) }
    }

    /// Says that a step is done: a sentence for people, its facts for scripts.
    pub(super) fn step(&self, name: &str, sentence: &str, mut facts: Value) -> anyhow::Result<()> {
        if !self.as_json {
            return output::line(&format!("  {name:<10} {sentence}"));
        }
        facts["step"] = json!(name);
        output::json(&facts)
    }
}
