//! The container of an observed-data object: its elements as cyber-observable objects of their own.

use super::properties::{Fate, algorithm, fate, is_hashes};
use super::{Note, NoteKind};
use crate::json::{Digest, Document, Kind, Limits, Path, Value, push_step, write_canonical, write_string};
use crate::refs::{self, has_foreign_keys};
use crate::sco_id::contributing_properties;
use crate::{ScoId, StixId, sco_id};
use hashbrown::{HashMap, HashSet};
use std::borrow::Cow;
use uuid::{Builder, Uuid};

/// Makes objects out of the elements of `objects`, in their order, each once.
///
/// # Errors
/// With the reason why the container has to stay as it is.
pub(super) fn expand(
    observed: Value<'_>,
    id: &StixId,
    notes: &mut Vec<Note>,
) -> Result<Vec<(StixId, String)>, &'static str> {
    let container = Container::read(observed)?;
    let ids = container.assign_ids(id);
    let shared = observed.get("object_marking_refs");
    if shared.is_some_and(|refs| refs.kind() != Kind::Array) {
        return Err("its markings cannot be read");
    }
    let mut expanded = Vec::new();
    let mut seen = HashSet::new();
    for (index, element) in container.elements.iter().enumerate() {
        let mut writer = Writer { container: &container, ids: &ids, notes: Vec::new(), out: String::new() };
        let mut pointer = String::from("/objects");
        push_step(&element.key, &mut pointer);
        writer.sco(element, &pointer);
        if !writer.has_own_property(element) {
            return Err("an element has no property that STIX 2.1 knows");
        }
        notes.append(&mut writer.notes);
        let Some(id) = &ids[index] else { return Err("the type of an element is no type name") };
        if !seen.insert(id.clone()) {
            continue;
        }
        let mut text = writer.out;
        text.truncate(text.len() - 1);
        text.push_str(r#","spec_version":"2.1","id":"#);
        write_string(id.as_str(), &mut text);
        if let Some(marking) = shared {
            // What the container protected stays protected outside it.
            text.push_str(r#","object_marking_refs":"#);
            text.push_str(marking.raw());
        }
        text.push('}');
        expanded.push((id.clone(), text));
    }
    Ok(expanded)
}

struct Container<'d> {
    elements: Vec<Element<'d>>,
    index: HashMap<Cow<'d, str>, usize>,
}

struct Element<'d> {
    key: Cow<'d, str>,
    object_type: Cow<'d, str>,
    value: Value<'d>,
}

impl<'d> Container<'d> {
    fn read(observed: Value<'d>) -> Result<Self, &'static str> {
        let objects = observed.get("objects").filter(|objects| objects.kind() == Kind::Object);
        let objects = objects.ok_or("`objects` is no dictionary")?;
        let selects_inside = |selector: Value<'d>| {
            selector.as_str().is_some_and(|text| text == "objects" || text.starts_with("objects."))
        };
        let granular = observed.get("granular_markings").into_iter().flat_map(Value::elements);
        let selectors = granular.filter_map(|marking| marking.get("selectors")).flat_map(Value::elements);
        if selectors.into_iter().any(selects_inside) {
            return Err("a granular marking reaches into it");
        }
        let mut container = Self { elements: Vec::new(), index: HashMap::new() };
        for (key, value) in objects.members() {
            let object_type = value.get("type").and_then(Value::as_str).ok_or("an element has no type")?;
            let own = ["id", "spec_version", "object_marking_refs", "granular_markings"];
            if own.iter().any(|name| value.get(name).is_some()) {
                return Err("an element has properties of an object of its own");
            }
            container.index.insert(key.clone(), container.elements.len());
            container.elements.push(Element { key, object_type, value });
        }
        if container.elements.is_empty() {
            return Err("it is empty");
        }
        let dangles = |element: &Element<'d>| container.references(element.value, |_| true).is_none();
        if container.elements.iter().any(dangles) {
            return Err("a reference in it leads nowhere");
        }
        Ok(container)
    }

    /// The elements that an element refers to through members that pass; `None` when a reference leads
    /// nowhere.
    fn references(&self, element: Value<'d>, passes: impl Fn(&str) -> bool) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        let root = Path::root(None);
        for (name, member) in element.members().filter(|(name, _)| passes(name)) {
            let look_up = |key: Value<'d>, _: &Path<'_>| {
                found.push(*key.as_str().and_then(|key| self.index.get(&key)).ok_or(())?);
                Ok::<(), ()>(())
            };
            refs::try_visit_member(member, &root.member(&name), &mut { look_up }).ok()?;
        }
        Some(found)
    }

    /// The identifiers of all elements; `None` for one whose type is no type name.
    ///
    /// The deterministic identifier of an object may hang on those of others, so these come first. What the
    /// rule does not reach (processes, objects without contributing properties, references in a circle, a
    /// second element that would get the identifier of another one) gets a UUIDv4, as section 2.9 has it, with the
    /// digest of its content and of the observed-data object for chance: converting it again gives the same result.
    fn assign_ids(&self, observed: &StixId) -> Vec<Option<StixId>> {
        let count = self.elements.len();
        let mut waits_for = vec![0_usize; count];
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (index, element) in self.elements.iter().enumerate() {
            let contributing = contributing_properties(&element.object_type).unwrap_or_default();
            let contributes = |name: &str| match fate(&element.object_type, name) {
                Fate::Same => contributing.contains(&name),
                Fate::Renamed(new) => contributing.contains(&new),
                Fate::Removed => false,
            };
            for other in self.references(element.value, contributes).unwrap_or_default() {
                waits_for[index] += 1;
                waiting[other].push(index);
            }
        }
        let mut ready: Vec<_> = (0..count).filter(|index| waits_for[*index] == 0).collect();
        let mut ids: Vec<Option<StixId>> = vec![None; count];
        let mut taken: HashMap<StixId, Digest> = HashMap::new();
        let mut next = 0;
        while next < ready.len() {
            let index = ready[next];
            next += 1;
            let digest = Digest::of(self.elements[index].value);
            let id = self.deterministic_id(index, &ids);
            let id = id.filter(|id| *taken.entry(id.clone()).or_insert(digest) == digest);
            ids[index] = id.or_else(|| self.derived_id(index, observed));
            for other in &waiting[index] {
                waits_for[*other] -= 1;
                if waits_for[*other] == 0 {
                    ready.push(*other);
                }
            }
        }
        for (index, id) in ids.iter_mut().enumerate() {
            if id.is_none() {
                *id = self.derived_id(index, observed);
            }
        }
        ids
    }

    fn deterministic_id(&self, index: usize, ids: &[Option<StixId>]) -> Option<StixId> {
        let mut writer = Writer { container: self, ids, notes: Vec::new(), out: String::new() };
        writer.sco(&self.elements[index], "");
        let limits = Limits { depth: u8::MAX, bytes: usize::MAX, elements: usize::MAX, safe_integers: false };
        let document = Document::read(writer.out.as_bytes(), limits).ok()?;
        match sco_id(document.root()).ok()? {
            ScoId::Deterministic { id, .. } => Some(id),
            ScoId::Random => None,
        }
    }

    fn derived_id(&self, index: usize, observed: &StixId) -> Option<StixId> {
        let Element { key, object_type, .. } = &self.elements[index];
        let mut name = format!("{key}\n");
        write_canonical(self.elements[index].value, &mut name);
        let digest = Uuid::new_v5(&observed.uuid(), name.as_bytes()).into_bytes();
        let uuid = Builder::from_random_bytes(digest).into_uuid();
        format!("{object_type}--{uuid}").parse().ok()
    }
}

/// Writes one element with new names, and identifiers for local keys as far as they are known.
struct Writer<'c, 'd> {
    container: &'c Container<'d>,
    ids: &'c [Option<StixId>],
    notes: Vec<Note>,
    out: String,
}

impl Writer<'_, '_> {
    fn sco(&mut self, element: &Element<'_>, pointer: &str) {
        self.object(element.value, &element.object_type, pointer);
    }

    fn has_own_property(&self, element: &Element<'_>) -> bool {
        let keeps = |name: &str| name != "type" && fate(&element.object_type, name) != Fate::Removed;
        element.value.members().any(|(name, _)| keeps(&name))
    }

    /// Recursion ends with the nesting that the reader let through.
    fn object(&mut self, value: Value<'_>, owner: &str, pointer: &str) {
        let mut separator = '{';
        for (name, member) in value.members() {
            let mut pointer = pointer.to_owned();
            push_step(&name, &mut pointer);
            let name = match fate(owner, &name) {
                Fate::Same => name,
                Fate::Renamed(new) => new.into(),
                Fate::Removed => {
                    self.notes.push(Note { pointer, kind: NoteKind::Lost { json: member.raw().into() } });
                    continue;
                }
            };
            self.out.push(separator);
            separator = ',';
            write_string(&name, &mut self.out);
            self.out.push(':');
            self.member(member, &name, &pointer);
        }
        self.out.push_str(if separator == '{' { "{}" } else { "}" });
    }

    fn member(&mut self, value: Value<'_>, name: &str, pointer: &str) {
        match value.kind() {
            Kind::String if name.ends_with("_ref") => self.reference(value),
            Kind::Array if name.ends_with("_refs") => {
                self.list(value, |writer, element, _| writer.reference(element))
            }
            Kind::Array => self.list(value, |writer, element, index| {
                writer.member(element, "", &format!("{pointer}/{index}"));
            }),
            Kind::Object if matches!(name, "additional_header_fields" | "request_header") => {
                self.lists(value)
            }
            Kind::Object if is_hashes(name) => self.hashes(value),
            Kind::Object if has_foreign_keys(name) => self.out.push_str(value.raw()),
            // Beside the object itself only predefined extensions have properties of a known meaning.
            Kind::Object => self.object(value, if name.ends_with("-ext") { name } else { "" }, pointer),
            _ => self.out.push_str(value.raw()),
        }
    }

    fn reference(&mut self, value: Value<'_>) {
        let key = value.as_str().unwrap_or_default();
        let target = self.container.index.get(&key).and_then(|index| self.ids[*index].as_ref());
        write_string(target.map_or(&key, StixId::as_str), &mut self.out);
    }

    fn list(&mut self, list: Value<'_>, mut write: impl FnMut(&mut Self, Value<'_>, usize)) {
        self.out.push('[');
        for (index, element) in list.elements().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            write(self, element, index);
        }
        self.out.push(']');
    }

    fn hashes(&mut self, hashes: Value<'_>) {
        self.dictionary(hashes, |writer, value| writer.out.push_str(value.raw()), algorithm);
    }

    /// STIX 2.1, sections 6.6 and 6.12.2: the values of header fields are lists.
    fn lists(&mut self, headers: Value<'_>) {
        let write = |writer: &mut Self, value: Value<'_>| {
            let is_list = value.kind() == Kind::Array;
            writer.out.push_str(if is_list { "" } else { "[" });
            writer.out.push_str(value.raw());
            writer.out.push_str(if is_list { "" } else { "]" });
        };
        self.dictionary(headers, write, |name| name);
    }

    fn dictionary<'v>(
        &mut self,
        dictionary: Value<'v>,
        write: impl Fn(&mut Self, Value<'v>),
        rename: impl Fn(Cow<'v, str>) -> Cow<'v, str>,
    ) {
        self.out.push('{');
        for (index, (name, value)) in dictionary.members().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            write_string(&rename(name), &mut self.out);
            self.out.push(':');
            write(self, value);
        }
        self.out.push('}');
    }
}
