//! Tags: a level of TLP, a confidence, a cluster of a galaxy, or a label.

use super::{list, text};
use serde_json::Value;
use std::collections::BTreeSet;
use stix_model::Tlp;

/// What tags say.
#[derive(Default)]
pub(super) struct Tags {
    pub(super) tlp: Option<Tlp>,
    pub(super) confidence: Option<i64>,
    pub(super) labels: Vec<String>,
    seen: BTreeSet<String>,
    /// Galaxy and name of clusters.
    pub(super) clusters: Vec<(String, String)>,
}

impl Tags {
    /// Those of an event, an attribute or an object.
    pub(super) fn of(value: &Value) -> Self {
        let mut tags = Self::default();
        for tag in list(value, "Tag") {
            if let Some(name) = text(tag, "name") {
                tags.take(name.trim());
            }
        }
        // Of whom it may be given to: the words of MISP.
        if let Some(label) = distribution(value) {
            tags.label(label);
        }
        tags
    }

    fn take(&mut self, name: &str) {
        let lower = name.to_lowercase();
        if let Some(level) = lower.strip_prefix("tlp:").and_then(tlp) {
            self.tlp = self.tlp.max(Some(level));
            return;
        }
        if let Some((galaxy, value)) = lower.starts_with("misp-galaxy:").then(|| machine_tag(name)).flatten()
        {
            self.clusters.push((galaxy.to_owned(), value.to_owned()));
            return;
        }
        if let Some(level) = lower.strip_prefix("misp:confidence-level=") {
            self.confidence = match level.trim_matches('"') {
                "completely-confident" => Some(100),
                "usually-confident" => Some(75),
                "fairly-confident" => Some(50),
                "rarely-confident" => Some(25),
                "unconfident" => Some(0),
                _ => None,
            };
        }
        self.label(name.to_owned());
    }

    pub(super) fn label(&mut self, label: String) {
        if !label.is_empty() && self.seen.insert(label.clone()) {
            self.labels.push(label);
        }
    }
}

fn tlp(level: &str) -> Option<Tlp> {
    match level.trim_matches('"') {
        "white" | "clear" => Some(Tlp::Clear),
        "green" => Some(Tlp::Green),
        "amber" => Some(Tlp::Amber),
        "amber+strict" => Some(Tlp::AmberStrict),
        "red" => Some(Tlp::Red),
        _ => None,
    }
}

/// The predicate and the value of `misp-galaxy:predicate="value"`.
fn machine_tag(name: &str) -> Option<(&str, &str)> {
    let (_, rest) = name.split_once(':')?;
    let (predicate, value) = rest.split_once('=')?;
    let value = value.trim_matches('"').trim();
    (!value.is_empty()).then_some((predicate, value))
}

fn distribution(value: &Value) -> Option<String> {
    let group = || {
        let shared = value.get("SharingGroup");
        let name = shared.and_then(|group| text(group, "name").or_else(|| text(group, "uuid")));
        name.or_else(|| text(value, "sharing_group_id").filter(|id| id != "0")).unwrap_or_default()
    };
    let word = match &*text(value, "distribution")? {
        "0" => "your-organisation-only",
        "1" => "this-community-only",
        "2" => "connected-communities",
        "3" => "all-communities",
        "4" => return Some(format!("misp:sharing-group=\"{}\"", group())),
        _ => return None,
    };
    Some(format!("misp:distribution=\"{word}\""))
}
