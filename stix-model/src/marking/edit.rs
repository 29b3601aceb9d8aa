//! Adding and removing granular markings.

use super::markings::{Mark, MarkingError, MarkingErrorKind, Markings};
use super::{GranularMarking, Selector};
use crate::json::{Change, Rewriter, Value, write_string};
use std::collections::BTreeSet;

const PROPERTY: &str = "granular_markings";

/// The change that puts a mark on parts of an object; `None` when it is on all of them already.
///
/// A granular marking with the same mark is extended; else a new one goes to the end of the list. Changing a
/// marking makes a new version of the object (STIX 2.1, section 3.6), so the result is meant for
/// [`new_version`](crate::version::new_version).
///
/// ```
/// use stix_model::json::{Document, Limits, edit};
/// use stix_model::marking::{Mark, add_granular};
/// let document = Document::read(br#"{"name": "Banque"}"#, Limits::default())?;
/// let change = add_granular(document.root(), &Mark::Lang("fr".into()), &["name".parse()?])?.unwrap();
/// assert_eq!(
///     edit(document.root(), &[change])?,
///     r#"{"name": "Banque","granular_markings": [{"lang":"fr","selectors":["name"]}]}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the markings that are there cannot be read, or a selector hits nothing.
pub fn add_granular(
    object: Value<'_>,
    mark: &Mark,
    selectors: &[Selector],
) -> Result<Option<Change>, MarkingError> {
    let markings = Markings::of(object)?;
    for selector in selectors {
        let missing = |error| MarkingError::new(format!("/{PROPERTY}"), MarkingErrorKind::Selector(error));
        selector.resolve(object).map_err(missing)?;
    }
    let with_mark = markings.granular().iter().filter(|marking| marking.mark == *mark);
    let mut marked: BTreeSet<&Selector> = with_mark.flat_map(|marking| &marking.selectors).collect();
    let new: Vec<&Selector> = selectors.iter().filter(|selector| marked.insert(selector)).collect();
    if new.is_empty() {
        return Ok(None);
    }
    let Some(list) = object.get(PROPERTY) else {
        return Ok(Some(Change::set(PROPERTY, format!("[{}]", granular_text(mark, &new)))));
    };
    let same = markings.granular().iter().position(|marking| marking.mark == *mark);
    let mut out = Rewriter::new(list);
    for (index, element) in list.elements().enumerate() {
        if Some(index) == same {
            out.replace(element, &with_selectors(element, |_| true, &new));
        } else {
            out.keep(element);
        }
    }
    if same.is_none() {
        out.append(&granular_text(mark, &new));
    }
    Ok(Some(Change::set(PROPERTY, out.finish())))
}

/// The change that takes a mark off parts of an object; `None` when it is on none of them.
///
/// Only markings with exactly these selectors go: what a marking on a larger part says stays. A marking that
/// is left without selectors goes, and with the last one the whole list.
///
/// # Errors
/// When the markings that are there cannot be read.
pub fn remove_granular(
    object: Value<'_>,
    mark: &Mark,
    selectors: &[Selector],
) -> Result<Option<Change>, MarkingError> {
    let markings = Markings::of(object)?;
    let Some(list) = object.get(PROPERTY) else { return Ok(None) };
    let selectors: BTreeSet<&Selector> = selectors.iter().collect();
    let loses = |marking: &GranularMarking| {
        marking.mark == *mark && marking.selectors.iter().any(|selector| selectors.contains(selector))
    };
    if !markings.granular().iter().any(loses) {
        return Ok(None);
    }
    let mut out = Rewriter::new(list);
    let mut is_empty = true;
    for (element, marking) in list.elements().zip(markings.granular()) {
        let stays = |index: usize| !selectors.contains(&marking.selectors[index]);
        if !loses(marking) {
            out.keep(element);
        } else if (0..marking.selectors.len()).any(stays) {
            out.replace(element, &with_selectors(element, stays, &[]));
        } else {
            out.drop(element);
            continue;
        }
        is_empty = false;
    }
    Ok(Some(if is_empty { Change::remove(PROPERTY) } else { Change::set(PROPERTY, out.finish()) }))
}

/// A granular marking with other selectors; all else stays as it is written.
fn with_selectors(element: Value<'_>, stays: impl Fn(usize) -> bool, new: &[&Selector]) -> String {
    let mut out = Rewriter::new(element);
    for (name, value) in element.members() {
        if name != "selectors" {
            out.keep(value);
            continue;
        }
        let mut list = Rewriter::new(value);
        for (index, selector) in value.elements().enumerate() {
            if stays(index) {
                list.keep(selector);
            } else {
                list.drop(selector);
            }
        }
        for selector in new {
            list.append(&quoted(&selector.to_string()));
        }
        out.replace(value, &list.finish());
    }
    out.finish()
}

fn granular_text(mark: &Mark, selectors: &[&Selector]) -> String {
    let mark = match mark {
        Mark::Ref(id) => format!(r#""marking_ref":{}"#, quoted(id.as_str())),
        Mark::Lang(lang) => format!(r#""lang":{}"#, quoted(lang)),
    };
    let selectors: Vec<_> = selectors.iter().map(|selector| quoted(&selector.to_string())).collect();
    format!(r#"{{{mark},"selectors":[{}]}}"#, selectors.join(","))
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_string(text, &mut out);
    out
}
