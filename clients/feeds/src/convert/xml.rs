//! XML as a tree of elements, without prefixes of namespaces. Entities that a document declares are not resolved.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

/// How deep elements may stand in each other.
const MAX_DEPTH: usize = 128;

/// An element: its name, its attributes, its text, and the elements in it.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The values of all attributes of a name; namespaces tell such apart.
    pub(super) fn attributes<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e str> + 'e {
        self.attributes.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The first element under these names, each in the one before.
    pub(super) fn at(&self, names: &[&str]) -> Option<&Element> {
        names.iter().try_fold(self, |element, name| element.first(name))
    }

    /// The children of a name.
    pub(super) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> + 'e {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(super) fn first(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Its own text; `None` when it has none.
    pub(super) fn text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }
}

/// Reads a document: an element without a name that has the root in it.
pub(super) fn read(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{FEFF}'));
    let mut open = vec![Element::default()];
    loop {
        let place = reader.buffer_position();
        let wrong = |error: &dyn std::fmt::Display| format!("at byte {place}: {error}");
        match reader.read_event().map_err(|error| wrong(&error))? {
            Event::Start(start) if open.len() > MAX_DEPTH => {
                return Err(wrong(&format!("`{}` stands too deep", start.local_name().into_inner())));
            }
            Event::Start(start) => open.push(begin(&start).map_err(|error| wrong(&error))?),
            Event::Empty(start) => {
                let element = begin(&start).map_err(|error| wrong(&error))?;
                open.last_mut().ok_or("an element has no parent")?.children.push(element);
            }
            Event::End(_) => {
                let element = open.pop().ok_or("an element ends that did not begin")?;
                open.last_mut().ok_or("an element ends that did not begin")?.children.push(element);
            }
            Event::Text(part) => add(&mut open, &part),
            Event::CData(part) => add(&mut open, &part),
            Event::GeneralRef(reference) => {
                let resolved =
                    unescape(&format!("&{};", &*reference)).map_err(|error| wrong(&error))?.into_owned();
                add(&mut open, &resolved);
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(document), true) if !document.children.is_empty() => Ok(document),
        (Some(_), false) => Err("an element has no end".to_owned()),
        _ => Err("there is no element in it".to_owned()),
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn begin(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element { name: start.local_name().into_inner().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = unescape(&attribute.value).map_err(|error| error.to_string())?.into_owned();
        element.attributes.push((attribute.key.local_name().into_inner().to_owned(), value));
    }
    Ok(element)
}
