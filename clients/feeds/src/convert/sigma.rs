//! Rules of Sigma: YAML, one rule a document.

use super::ConvertError;
use super::lines::each_line;
use super::rule::{Rule, Rules, page};
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use crate::shared::Reference;
use crate::time;
use serde_json::Value;
use std::io::BufRead;
use stix_model::vocab::PatternType;

/// Longest document that is read, in bytes.
const MAX_DOCUMENT: usize = 1 << 20;

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let mut rules = Rules::new(maker);
    let mut document = Document::default();
    let mut end = |document: &mut Document, began| {
        let done = std::mem::replace(document, Document { began, ..Document::default() });
        let made = match (&done.wrong, is_blank(&done.text)) {
            (None, true) => return,
            (Some(reason), _) => Err(reason.clone()),
            (None, false) => rule(maker, done.text.trim()).and_then(|rule| rules.take(&rule, out)),
        };
        out.record();
        if let Err(reason) = made {
            out.reject(Rejected { record: format!("line {}", done.began), reason });
        }
    };
    each_line(input, &mut |number, line| match line {
        Err(reason) => document.wrong = Some(reason),
        Ok("---" | "...") => end(&mut document, number + 1),
        Ok(_) if document.wrong.is_some() => {}
        Ok(line) if document.text.len() + line.len() > MAX_DOCUMENT => {
            document.wrong = Some(format!("the rule is longer than {MAX_DOCUMENT} bytes"));
            document.text.clear();
        }
        Ok(line) => {
            document.text.push_str(line);
            document.text.push('\n');
        }
    })?;
    end(&mut document, 0);
    Ok(())
}

struct Document {
    /// The line in which it begins.
    began: u64,
    text: String,
    wrong: Option<String>,
}

impl Default for Document {
    fn default() -> Self {
        Self { began: 1, text: String::new(), wrong: None }
    }
}

fn is_blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

fn rule(maker: &Maker<'_>, text: &str) -> Result<Rule, String> {
    let yaml: Value = serde_saphyr::from_str(text).map_err(|error| first_line(&error.to_string()))?;
    let one =
        |name: &str| yaml.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let all = |name: &str| texts(yaml.get(name));
    if one("action").is_some() {
        return Err("it is a part of a collection with `action`, which has no meaning by itself".to_owned());
    }
    if yaml.get("detection").is_none() && yaml.get("correlation").is_none() {
        return Err("it has neither `detection` nor `correlation`".to_owned());
    }
    let title = one("title").ok_or("it has no `title`")?;
    let key = one("id").or_else(|| one("name")).ok_or("it has no `id`")?;
    let publisher = &maker.feed().publisher;
    let mut rule = Rule::new(key.to_owned(), title.to_owned(), text.to_owned(), PatternType::Sigma);
    rule.description = one("description").map(str::to_owned);
    rule.author = Some(all("author").join(", ")).filter(|author| !author.is_empty());
    rule.references = all("references").iter().filter_map(|url| page("reference", url)).collect();
    for related in yaml.get("related").and_then(Value::as_array).into_iter().flatten() {
        if let Some(id) = related.get("id").and_then(Value::as_str) {
            let kind = related.get("type").and_then(Value::as_str).unwrap_or("related");
            rule.references.push(Reference {
                source: format!("{publisher}: {kind}"),
                id: Some(id.to_owned()),
                url: None,
            });
        }
    }
    let at = |name: &str| match one(name) {
        None => Ok(None),
        Some(text) => time::read(text).map(Some).ok_or_else(|| format!("{name} `{text}` is no time")),
    };
    rule.created = at("date")?;
    rule.modified = at("modified")?;
    if let Some(level) = one("level") {
        rule.confidence = match level {
            "critical" => Some(90),
            "high" => Some(75),
            "medium" => Some(50),
            "low" => Some(25),
            "informational" => Some(10),
            _ => None,
        };
        rule.labels.push(format!("level:{level}"));
    }
    rule.labels.extend(one("status").map(|status| format!("status:{status}")));
    for tag in all("tags") {
        tagged(&mut rule, &tag);
        rule.labels.push(tag);
    }
    Ok(rule)
}

/// What a tag means beside being a label.
fn tagged(rule: &mut Rule, tag: &str) {
    let tag = tag.to_ascii_lowercase();
    let Some((space, name)) = tag.split_once('.') else { return };
    match space {
        "cve" => rule.mentions(&format!("cve-{}", name.trim_start_matches("cve-").replace('.', "-"))),
        "attack" => {
            let group = name.to_ascii_uppercase();
            let is_identifier = name.bytes().any(|byte| byte.is_ascii_digit());
            if super::rule::is_group(&group) {
                rule.groups.insert(group);
            } else if !is_identifier {
                rule.tactics.push(name.replace('_', "-"));
            } else {
                rule.mentions(name);
            }
        }
        _ => {}
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.trim().to_owned()],
        Some(Value::Array(values)) => values.iter().flat_map(|value| texts(Some(value))).collect(),
        _ => Vec::new(),
    }
}

/// An error of YAML shows the text around its place, too.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}
