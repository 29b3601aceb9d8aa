//! The tree of a definition, from its leaves to a pattern.

use super::super::xml::Element;
use super::term::{Comparison, comparison};

/// What became of a definition.
pub(super) struct Tree {
    pub(super) pattern: Option<String>,
    /// Lines that tell what is not in the pattern.
    pub(super) left_out: Vec<String>,
    pub(super) left_out_count: usize,
    /// Number of terms.
    pub(super) count: usize,
}

/// A part of a pattern.
#[derive(Clone)]
enum Part {
    /// A comparison of one object, without brackets, and the type of the object.
    Inner(Comparison),
    /// Observations.
    Outer { text: String, is_plain: bool },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    And,
    Or,
}

impl Tree {
    pub(super) fn read(definition: &Element) -> Result<Self, String> {
        let mut tree = Self { pattern: None, left_out: Vec::new(), left_out_count: 0, count: 0 };
        let parts = tree.parts(definition, Operator::Or)?;
        tree.pattern = join(parts, Operator::Or).map(outer).map(|(text, _)| text);
        Ok(tree)
    }

    /// What the children of an element become; of an `AND` nothing, when one of them has no place in a pattern.
    fn parts(&mut self, element: &Element, operator: Operator) -> Result<Vec<Part>, String> {
        let mut parts = Vec::new();
        let mut wrong = Vec::new();
        let (lines_at_start, count_at_start) = (self.left_out.len(), self.left_out_count);
        let has_mutex_type = element.children.iter().any(is_mutex_type);
        for child in &element.children {
            match child.name.as_str() {
                "Indicator" => {
                    let own = match child.attribute("operator").unwrap_or("OR").to_ascii_uppercase().as_str()
                    {
                        "AND" => Operator::And,
                        "OR" => Operator::Or,
                        other => return Err(format!("`{other}` is no operator")),
                    };
                    let (before, lines_before) = (self.left_out_count, self.left_out.len());
                    let found = self.parts(child, own)?;
                    match join(found, own) {
                        Some(part) => parts.push(part),
                        None => {
                            // What was left out of it is told there already.
                            let lines = self.left_out.split_off(lines_before);
                            let lost = self.left_out_count - before;
                            self.left_out_count = before;
                            wrong.push((lines, lost));
                        }
                    }
                }
                "IndicatorItem" => {
                    self.count += 1;
                    if is_mutex_type(child) && operator == Operator::And && has_mutex_type {
                        // The name of the handle beside it is compared as that of a mutex.
                        continue;
                    }
                    match comparison(child) {
                        Some(found) => parts.push(Part::Inner(found)),
                        None => wrong.push((vec![line(child)], 1)),
                    }
                }
                _ => {}
            }
        }
        if wrong.is_empty() {
            return Ok(parts);
        }
        if operator == Operator::Or {
            for (lines, count) in wrong {
                self.left_out.extend(lines);
                self.left_out_count += count;
            }
            return Ok(parts);
        }
        // Without one of its terms an AND would match more.
        let mut lines = Vec::new();
        collect(element, &mut lines);
        self.left_out.truncate(lines_at_start);
        self.left_out_count = count_at_start + lines.len();
        self.left_out.push(lines.join(" AND "));
        Ok(Vec::new())
    }
}

/// All terms under an element, for people.
fn collect(element: &Element, lines: &mut Vec<String>) {
    for child in &element.children {
        match child.name.as_str() {
            "IndicatorItem" => lines.push(line(child)),
            _ => collect(child, lines),
        }
    }
}

fn line(item: &Element) -> String {
    let search = item.first("Context").and_then(|context| context.attribute("search")).unwrap_or("?");
    let content = item.first("Content").and_then(Element::text).unwrap_or_default();
    let negate = if item.attribute("negate") == Some("true") { "not " } else { "" };
    format!("{search} {negate}{} `{content}`", item.attribute("condition").unwrap_or("is"))
}

fn is_mutex_type(item: &Element) -> bool {
    let search = item.first("Context").and_then(|context| context.attribute("search"));
    let content = item.first("Content").and_then(Element::text).unwrap_or_default();
    search == Some("ProcessItem/HandleList/Handle/Type") && content.eq_ignore_ascii_case("mutant")
}

/// Comparisons of one type stay in one observation, since they are about the same object; others are observations of their own.
fn join(parts: Vec<Part>, operator: Operator) -> Option<Part> {
    let word = if operator == Operator::And { " AND " } else { " OR " };
    let mut inner: Vec<(String, Vec<Comparison>)> = Vec::new();
    let mut observations = Vec::new();
    for part in parts {
        match part {
            Part::Inner(comparison) => match inner.iter_mut().find(|(kind, _)| *kind == comparison.kind) {
                Some((_, all)) => all.push(comparison),
                None => inner.push((comparison.kind.clone(), vec![comparison])),
            },
            Part::Outer { text, is_plain } => observations.push((text, is_plain)),
        }
    }
    let mut joined = inner.into_iter().map(|(kind, all)| match all.len() {
        1 => all.into_iter().next().unwrap_or_default(),
        _ => {
            let texts: Vec<String> = all
                .into_iter()
                .map(|one| if one.is_plain { one.text } else { format!("({})", one.text) })
                .collect();
            Comparison { kind, text: texts.join(word), is_plain: false }
        }
    });
    let Some(first) = joined.next() else { return join_outer(observations, word) };
    let rest: Vec<Comparison> = joined.collect();
    if rest.is_empty() && observations.is_empty() {
        return Some(Part::Inner(first));
    }
    let mut all: Vec<(String, bool)> =
        [first].into_iter().chain(rest).map(|one| (format!("[{}]", one.text), true)).collect();
    all.extend(observations);
    join_outer(all, word)
}

fn join_outer(all: Vec<(String, bool)>, word: &str) -> Option<Part> {
    if all.len() < 2 {
        return all.into_iter().next().map(|(text, is_plain)| Part::Outer { text, is_plain });
    }
    let texts: Vec<String> =
        all.into_iter().map(|(text, is_plain)| if is_plain { text } else { format!("({text})") }).collect();
    Some(Part::Outer { text: texts.join(word), is_plain: false })
}

fn outer(part: Part) -> (String, bool) {
    match part {
        Part::Inner(comparison) => (format!("[{}]", comparison.text), true),
        Part::Outer { text, is_plain } => (text, is_plain),
    }
}
