//! The markings of one object, and which of them apply to a part of it.

use super::{Selector, SelectorError, Tlp};
use crate::json::{Kind, Value};
use crate::{IdError, StixId};
use hashbrown::HashSet;

/// The language of objects that name none (STIX 2.1, section 3.2, `lang`).
pub const DEFAULT_LANG: &str = "en";

/// What a granular marking says of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A marking definition applies to them.
    Ref(StixId),
    /// They are written in this language, an RFC 5646 tag (not checked here).
    Lang(String),
}

/// A granular marking (STIX 2.1, section 7.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GranularMarking {
    /// The marking or the language.
    pub mark: Mark,
    /// The parts; at least one.
    pub selectors: Vec<Selector>,
}

/// All markings of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Markings {
    object: Vec<StixId>,
    granular: Vec<GranularMarking>,
    lang: Option<String>,
}

impl Markings {
    /// Reads the markings of an object. Whether selectors hit something is [`Selector::resolve`]'s matter.
    ///
    /// # Errors
    /// When `object_marking_refs`, `granular_markings` or `lang` is malformed. To leave out a marking that
    /// cannot be read would disclose what it protects; [`Tlp::effective`] gives the level that is safe for
    /// the whole object then.
    pub fn of(object: Value<'_>) -> Result<Self, MarkingError> {
        let mut markings = Self { object: Vec::new(), granular: Vec::new(), lang: None };
        if let Some(refs) = object.get("object_marking_refs") {
            for (index, value) in list(refs, "/object_marking_refs")?.enumerate() {
                markings.object.push(marking_ref(value, || format!("/object_marking_refs/{index}"))?);
            }
        }
        if let Some(list_value) = object.get("granular_markings") {
            for (index, value) in list(list_value, "/granular_markings")?.enumerate() {
                markings.granular.push(granular_marking(value, &format!("/granular_markings/{index}"))?);
            }
        }
        if let Some(lang) = object.get("lang") {
            markings.lang = Some(text(lang, || "/lang".into())?);
        }
        Ok(markings)
    }

    /// The markings of the whole object.
    pub fn object_markings(&self) -> &[StixId] {
        &self.object
    }

    /// The markings of parts, in their order.
    pub fn granular(&self) -> &[GranularMarking] {
        &self.granular
    }

    /// Every marking that applies to a part: those of the object, then those of the part and of what it lies
    /// in. Each once.
    pub fn refs_at(&self, part: &Selector) -> Vec<&StixId> {
        let mut seen = HashSet::new();
        let mut refs: Vec<_> = self.object.iter().collect();
        refs.extend(self.granular_refs(|selector| selector.covers(part)));
        refs.retain(|id| seen.insert(*id));
        refs
    }

    /// The strictest TLP level that applies to a part as such. What lies inside it may be stricter still: see
    /// [`tlp_within`](Self::tlp_within).
    pub fn tlp_at(&self, part: &Selector) -> Option<Tlp> {
        strictest(self.refs_at(part))
    }

    /// The strictest TLP level on a part or on anything inside it: what a reader must be cleared for to get
    /// all of it.
    pub fn tlp_within(&self, part: &Selector) -> Option<Tlp> {
        let inside = self.granular_refs(|selector| part.covers(selector));
        self.tlp_at(part).max(strictest(inside))
    }

    /// The strictest TLP level on the object or on any part of it; the same as [`Tlp::effective`].
    pub fn tlp(&self) -> Option<Tlp> {
        strictest(self.object.iter().chain(self.granular_refs(|_| true)))
    }

    /// The language of a part: what the granular marking of the closest part around it says, else the `lang`
    /// of the object, else [`DEFAULT_LANG`].
    pub fn lang_at(&self, part: &Selector) -> &str {
        let mut closest: Option<(usize, &str)> = None;
        for marking in &self.granular {
            let Mark::Lang(lang) = &marking.mark else { continue };
            for selector in marking.selectors.iter().filter(|selector| selector.covers(part)) {
                let depth = selector.steps().len();
                if closest.is_none_or(|(best, _)| depth > best) {
                    closest = Some((depth, lang));
                }
            }
        }
        closest.map(|(_, lang)| lang).or(self.lang.as_deref()).unwrap_or(DEFAULT_LANG)
    }

    fn granular_refs(&self, applies: impl Fn(&Selector) -> bool) -> impl Iterator<Item = &StixId> {
        self.granular.iter().filter_map(move |marking| match &marking.mark {
            Mark::Ref(id) if marking.selectors.iter().any(&applies) => Some(id),
            _ => None,
        })
    }
}

fn strictest<'a>(refs: impl IntoIterator<Item = &'a StixId>) -> Option<Tlp> {
    refs.into_iter().filter_map(|id| Tlp::of_marking(id.as_str())).max()
}

fn granular_marking(value: Value<'_>, at: &str) -> Result<GranularMarking, MarkingError> {
    if value.kind() != Kind::Object {
        return Err(MarkingError::wrong_type(at.into(), Kind::Object, value));
    }
    let mark = match (value.get("marking_ref"), value.get("lang")) {
        (Some(id), None) => Mark::Ref(marking_ref(id, || format!("{at}/marking_ref"))?),
        (None, Some(lang)) => Mark::Lang(text(lang, || format!("{at}/lang"))?),
        _ => return Err(MarkingError::new(at.into(), MarkingErrorKind::OneMark)),
    };
    let none =
        || MarkingError::new(format!("{at}/selectors"), MarkingErrorKind::Selector(SelectorError::None));
    let list_value = value.get("selectors").ok_or_else(none)?;
    let mut selectors = Vec::new();
    for (index, value) in list(list_value, &format!("{at}/selectors"))?.enumerate() {
        let at = || format!("{at}/selectors/{index}");
        let selector = text(value, at)?.parse();
        selectors.push(selector.map_err(|error| MarkingError::new(at(), MarkingErrorKind::Selector(error)))?);
    }
    if selectors.is_empty() { Err(none()) } else { Ok(GranularMarking { mark, selectors }) }
}

fn list<'d>(value: Value<'d>, at: &str) -> Result<impl Iterator<Item = Value<'d>>, MarkingError> {
    if value.kind() == Kind::Array {
        Ok(value.elements())
    } else {
        Err(MarkingError::wrong_type(at.into(), Kind::Array, value))
    }
}

fn text(value: Value<'_>, at: impl FnOnce() -> String) -> Result<String, MarkingError> {
    match value.as_str() {
        Some(text) => Ok(text.into_owned()),
        None => Err(MarkingError::wrong_type(at(), Kind::String, value)),
    }
}

fn marking_ref(value: Value<'_>, at: impl Fn() -> String) -> Result<StixId, MarkingError> {
    let id = text(value, &at)?.parse::<StixId>();
    let id = id.map_err(|error| MarkingError::new(at(), MarkingErrorKind::Id(error)))?;
    if id.object_type() != "marking-definition" {
        return Err(MarkingError::new(at(), MarkingErrorKind::NotAMarking));
    }
    Ok(id)
}

/// Why the markings of an object cannot be read or changed, with the place inside the object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {kind}")]
pub struct MarkingError {
    pointer: String,
    kind: MarkingErrorKind,
}

impl MarkingError {
    pub(super) fn new(pointer: String, kind: MarkingErrorKind) -> Self {
        Self { pointer, kind }
    }

    fn wrong_type(pointer: String, expected: Kind, found: Value<'_>) -> Self {
        Self::new(pointer, MarkingErrorKind::WrongType { expected, found: found.kind() })
    }

    /// JSON pointer inside the object.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The rule that was broken.
    pub fn kind(&self) -> &MarkingErrorKind {
        &self.kind
    }
}

/// The rule that a marking broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarkingErrorKind {
    /// Another JSON type was due.
    #[error("must be {}, not {}", expected.name(), found.name())]
    WrongType {
        /// The type that was due.
        expected: Kind,
        /// The type that stands there.
        found: Kind,
    },
    /// No identifier.
    #[error("{0}")]
    Id(IdError),
    /// The identifier of something else.
    #[error("a marking is named by the identifier of a marking-definition")]
    NotAMarking,
    /// STIX 2.1, section 7.2.3.
    #[error("a granular marking has either `marking_ref` or `lang`, and not both")]
    OneMark,
    /// Malformed, or it hits nothing.
    #[error("{0}")]
    Selector(SelectorError),
}
