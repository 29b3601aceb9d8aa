//! Rules of Suricata and Snort: a line each, a header and options in parentheses.

use super::ConvertError;
use super::lines::each_line;
use super::rule::{Rule, Rules, page};
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use crate::shared::Reference;
use crate::time;
use std::io::BufRead;
use stix_model::vocab::PatternType;

const ACTIONS: [&str; 10] =
    ["alert", "block", "config", "drop", "log", "pass", "reject", "rejectboth", "rejectdst", "rejectsrc"];

pub(super) fn read(
    maker: &Maker<'_>,
    pattern_type: PatternType,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let mut rules = Rules::new(maker);
    let mut disabled = 0_u64;
    // A backslash at the end of a line continues it.
    let (mut pending, mut began) = (String::new(), 0);
    let mut end = |text: &str, began: u64, out: &mut dyn Output| {
        out.record();
        let made = rule(maker, text, &pattern_type).and_then(|rule| rules.take(&rule, out));
        if let Err(reason) = made {
            out.reject(Rejected { record: format!("line {began}"), reason });
        }
    };
    each_line(input, &mut |number, line| {
        let line = match line {
            Ok(line) => line.trim(),
            Err(reason) => {
                out.record();
                return out.reject(Rejected { record: format!("line {number}"), reason });
            }
        };
        if pending.is_empty() {
            if let Some(comment) = line.strip_prefix('#') {
                disabled += u64::from(is_rule(comment.trim_start_matches('#').trim_start()));
                return;
            }
            if line.is_empty() {
                return;
            }
            began = number;
        }
        match line.strip_suffix('\\') {
            Some(part) if pending.len() < 1 << 20 => {
                pending.push_str(part);
            }
            _ => {
                pending.push_str(line);
                end(&std::mem::take(&mut pending), began, out);
            }
        }
    })?;
    if !pending.is_empty() {
        end(&pending, began, out);
    }
    if disabled > 0 {
        out.note(format!("{disabled} rules are commented out, and were left out"));
    }
    Ok(())
}

fn is_rule(text: &str) -> bool {
    let action = text.split_whitespace().next().unwrap_or_default();
    ACTIONS.contains(&action) && text.contains('(') && text.ends_with(')')
}

fn rule(maker: &Maker<'_>, text: &str, pattern_type: &PatternType) -> Result<Rule, String> {
    if !is_rule(text) {
        return Err(
            "it does not look like a rule: an action, addresses, and options in parentheses".to_owned()
        );
    }
    let (_, rest) = text.split_once('(').ok_or("it has no options")?;
    let options = options(rest.strip_suffix(')').unwrap_or(rest));
    let one = |name: &str| options.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let sid = one("sid").ok_or("it has no `sid`")?;
    sid.parse::<u64>().map_err(|_| format!("its `sid` is `{sid}`, which is no number"))?;
    let key = match one("gid") {
        Some(gid) if gid != "1" => format!("{gid}:{sid}"),
        _ => sid.to_owned(),
    };
    let name = one("msg").map_or_else(|| format!("sid {key}"), str::to_owned);
    let mut rule = Rule::new(key, name.clone(), text.to_owned(), pattern_type.clone());
    rule.mentions(&name);
    rule.labels.extend(one("classtype").map(|class| format!("classtype:{class}")));
    rule.labels.extend(one("rev").map(|revision| format!("rev:{revision}")));
    rule.labels.extend(one("priority").map(|priority| format!("priority:{priority}")));
    for (name, value) in &options {
        match name.as_str() {
            "reference" => referred(maker, &mut rule, value),
            "metadata" => {
                value.split(',').for_each(|item| described(&mut rule, item.trim()));
            }
            _ => {}
        }
    }
    Ok(rule)
}

fn referred(maker: &Maker<'_>, rule: &mut Rule, value: &str) {
    let Some((system, id)) = value.split_once(',') else { return };
    let (system, id) = (system.trim().to_ascii_lowercase(), id.trim());
    match system.as_str() {
        "url" => {
            let url = if id.contains("://") { id.to_owned() } else { format!("http://{id}") };
            rule.references.extend(page(&maker.feed().publisher, &url));
        }
        "cve" => rule.mentions(&format!("CVE-{}", id.trim_start_matches("CVE-"))),
        "md5" | "sha1" | "sha256" if rule.sample(id) => {}
        _ => rule.references.push(Reference { source: system, id: Some(id.to_owned()), url: None }),
    }
}

fn described(rule: &mut Rule, item: &str) {
    let Some((name, value)) = item.split_once([' ', ':']) else { return };
    let value = value.trim().trim_matches('"');
    match name {
        "created_at" => rule.created = time::read(&value.replace('_', "-")),
        "updated_at" => rule.modified = time::read(&value.replace('_', "-")),
        "date" => rule.created = time::read(value),
        "source" | "reference" => rule.references.extend(page("reference", value)),
        "author" => rule.author = Some(value.to_owned()),
        "cve" => rule.mentions(&format!("CVE-{}", value.trim_start_matches("CVE-").replace('_', "-"))),
        "malware_family" => drop(rule.malware.insert(value.to_owned())),
        "mitre_technique_id" => rule.mentions(value),
        "mitre_tactic_name" => rule.tactics.push(value.to_lowercase().replace(['_', ' '], "-")),
        "confidence" => {
            rule.confidence = match value.to_lowercase().as_str() {
                "high" => Some(85),
                "medium" => Some(50),
                "low" => Some(15),
                _ => None,
            };
        }
        "mitre_tactic_id" | "mitre_technique_name" => {}
        _ => rule.labels.push(format!("{name}:{value}")),
    }
}

/// Options by name. A semicolon ends one even in quotes, unless a backslash stands before it.
fn options(text: &str) -> Vec<(String, String)> {
    let mut options = Vec::new();
    let (mut option, mut is_escaped) = (String::new(), false);
    for next in text.chars() {
        if next == ';' && !is_escaped {
            let whole = std::mem::take(&mut option);
            let (name, value) = whole.split_once(':').unwrap_or((&whole, ""));
            let value = value.trim().trim_matches('"').replace("\\;", ";").replace("\\\"", "\"");
            options.push((name.trim().to_owned(), value));
            continue;
        }
        is_escaped = next == '\\' && !is_escaped;
        option.push(next);
    }
    options
}
