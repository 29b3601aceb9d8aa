//! OpenIOC 1.0 and 1.1: a tree of terms becomes one pattern. The pattern never matches more than the tree: where it cannot tell a
//! term, an alternative is left out, and a note has what was left out.

mod term;
mod tree;

use super::ConvertError;
use super::document;
use super::rule::{Rule, Rules, page};
use super::xml::{self, Element};
use crate::frame::{id, stamp};
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use crate::shared::Reference;
use crate::time;
use std::io::BufRead;
use stix_model::sdo::Note;
use stix_model::vocab::PatternType;
use stix_model::{Object, Ref, StixId, ToObject};
pub(super) use term::test;
use tree::Tree;

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let text = document::text(input)?;
    let document = xml::read(&text).map_err(ConvertError::Form)?;
    let mut found = Vec::new();
    find(&document, &mut found);
    if found.is_empty() {
        return Err(ConvertError::Form("it has no element `ioc` or `OpenIOC`".to_owned()));
    }
    let mut rules = Rules::new(maker);
    for (number, ioc) in found.into_iter().enumerate() {
        out.record();
        if let Err(reason) = take(maker, ioc, &mut rules, out) {
            let name = ioc.attribute("id").map_or_else(|| (number + 1).to_string(), str::to_owned);
            out.reject(Rejected { record: format!("ioc {name}"), reason });
        }
    }
    Ok(())
}

/// Several may stand in one element.
fn find<'e>(element: &'e Element, found: &mut Vec<&'e Element>) {
    if matches!(element.name.as_str(), "ioc" | "OpenIOC") {
        found.push(element);
    } else {
        element.children.iter().for_each(|child| find(child, found));
    }
}

fn take(
    maker: &Maker<'_>,
    ioc: &Element,
    rules: &mut Rules<'_, '_>,
    out: &mut dyn Output,
) -> Result<(), String> {
    let key = ioc.attribute("id").ok_or("it has no `id`")?.to_owned();
    let about = ioc.first("metadata").unwrap_or(ioc);
    let text = |name: &str| about.first(name).and_then(Element::text);
    let definition =
        ioc.first("definition").or_else(|| ioc.first("criteria")).ok_or("it has no definition")?;
    let tree = Tree::read(definition)?;
    let name = text("short_description").unwrap_or(&key);
    let mut rule =
        Rule::new(key.clone(), name.to_owned(), tree.pattern.unwrap_or_default(), PatternType::Stix);
    rule.description = text("description").map(str::to_owned);
    rule.author = text("authored_by").map(str::to_owned);
    let at = |text: Option<&str>| match text {
        // The first year of all stands for no time.
        None => Ok(None),
        Some(text) if text.starts_with("0001-") => Ok(None),
        Some(text) => time::read(text).map(Some).ok_or_else(|| format!("`{text}` is no time")),
    };
    rule.created = at(text("authored_date"))?;
    rule.modified = at(ioc.attribute("last-modified"))?;
    if let Some(keywords) = text("keywords") {
        rule.labels.extend(keywords.split([',', ';']).map(|word| word.trim().to_owned()));
    }
    about
        .first("links")
        .into_iter()
        .flat_map(|links| links.all("link"))
        .for_each(|link| linked(&mut rule, link));
    let kept = (!tree.left_out.is_empty()).then(|| tree.left_out.join("\n"));
    let has_pattern = !rule.pattern.is_empty();
    let about = match has_pattern {
        true => {
            rules.take(&rule, out)?;
            id("indicator", &[&maker.feed().name, &key])
        }
        false => maker.frame().created_by().id().clone(),
    };
    if let Some(kept) = kept {
        let note = note(maker, &rule, &kept, about).map_err(|error| error.to_string())?;
        out.object(note);
        out.note(format!(
            "ioc {key}: {} of {} terms have no place in its pattern; they are in a note",
            tree.left_out_count, tree.count
        ));
    } else if !has_pattern {
        return Err("it has no terms".to_owned());
    }
    Ok(())
}

fn linked(rule: &mut Rule, link: &Element) {
    let (Some(rel), text) = (link.attribute("rel"), link.text()) else { return };
    let value = text.or_else(|| link.attribute("href")).unwrap_or_default();
    if value.is_empty() {
        return;
    }
    let url = link.attribute("href").and_then(|url| page(rel, url)).or_else(|| page(rel, value));
    match (rel, url) {
        (_, Some(reference)) => {
            let id = text.filter(|text| Some(*text) != link.attribute("href") && !text.contains("://"));
            rule.references.push(Reference { id: id.map(str::to_owned), ..reference });
        }
        ("family", None) => drop(rule.malware.insert(value.to_owned())),
        ("threatgroup", None) => drop(rule.groups.insert(value.to_owned())),
        (_, None) => rule.labels.push(format!("{rel}:{value}")),
    }
}

fn note(maker: &Maker<'_>, rule: &Rule, kept: &str, about: StixId) -> Result<Object, stix_model::BuildError> {
    let created =
        rule.created.clone().or_else(|| rule.modified.clone()).unwrap_or_else(|| maker.now().clone());
    let stamp = stamp("note", &[&maker.feed().name, &rule.key], &created);
    let mut note = Note::new(stamp, kept, vec![Ref::try_from(about)?])
        .abstract_text(format!("{}: terms of OpenIOC that are not in the pattern", rule.name));
    if let Some(modified) = rule.modified.as_ref().filter(|modified| **modified > created) {
        note.common.modified = modified.clone();
    }
    maker.voice().mark(&mut note.common);
    note.to_object()
}
