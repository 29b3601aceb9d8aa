//! Selectors of granular markings (STIX 2.1, section 7.2.3.1).

use crate::json::{Kind, Value};
use std::fmt;

/// One component of a [`Selector`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A property or a key of a dictionary.
    Property(Box<str>),
    /// An element of a list, from 0.
    Index(usize),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property(name) => f.write_str(name),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// The way to a part of an object: property names, dictionary keys and `[n]`, joined by dots.
///
/// ```
/// use stix_model::json::{Document, Limits};
/// use stix_model::marking::Selector;
/// let document = Document::read(br#"{"labels": ["a", "b"]}"#, Limits::default())?;
/// let selector: Selector = "labels.[1]".parse()?;
/// assert_eq!(selector.resolve(document.root())?.raw(), "\"b\"");
///
/// let error = "labels[1]".parse::<Selector>().unwrap_err();
/// assert_eq!(error.to_string(), "`[` at character 7 does not belong into a name; an element is written `.[0]`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// Never empty; the first is a property.
    steps: Vec<Step>,
}

impl Selector {
    /// The components, from the outermost.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether the part that `other` names is this one or lies inside it. A marking on a list or an object
    /// covers everything below.
    pub fn covers(&self, other: &Selector) -> bool {
        other.steps.starts_with(&self.steps)
    }

    /// The part of the object that it names.
    ///
    /// # Errors
    /// When there is no such part: a selector must hit content that is present.
    pub fn resolve<'d>(&self, object: Value<'d>) -> Result<Value<'d>, SelectorError> {
        let mut value = object;
        let mut at = 1;
        for step in &self.steps {
            value = match step {
                Step::Property(name) if value.kind() == Kind::Object => {
                    let missing = || SelectorError::NoSuchProperty { at, name: name.clone() };
                    value.get(name).ok_or_else(missing)?
                }
                Step::Index(index) if value.kind() == Kind::Array => {
                    let missing = || SelectorError::NoSuchElement { at, length: value.count() };
                    value.element(*index).ok_or_else(missing)?
                }
                Step::Property(_) => return Err(SelectorError::NotAnObject { at, found: value.kind() }),
                Step::Index(_) => return Err(SelectorError::NotAList { at, found: value.kind() }),
            };
            at += step.to_string().len() + 1;
        }
        Ok(value)
    }
}

impl std::str::FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut steps = Vec::new();
        let mut at = 1;
        for component in text.split('.') {
            steps.push(step(component, at)?);
            at += component.chars().count() + 1;
        }
        if matches!(steps[0], Step::Index(_)) {
            return Err(SelectorError::StartsWithIndex);
        }
        Ok(Self { steps })
    }
}

/// STIX 2.1, sections 2.3 and 3.1: names and keys have up to 250 of these characters.
const MAX_NAME: usize = 250;

fn step(component: &str, at: usize) -> Result<Step, SelectorError> {
    if component.is_empty() {
        return Err(SelectorError::Empty { at });
    }
    if let Some(index) = component.strip_prefix('[') {
        let digits = index.strip_suffix(']').ok_or(SelectorError::Index { at })?;
        let is_plain =
            digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        let index = if is_plain { digits.parse().ok() } else { None };
        return index.map(Step::Index).ok_or(SelectorError::Index { at });
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if let Some((offset, found)) = component.chars().enumerate().find(|(_, c)| !is_name(*c)) {
        return Err(SelectorError::Character { at: at + offset, found });
    }
    if component.len() > MAX_NAME {
        Err(SelectorError::TooLong { at })
    } else {
        Ok(Step::Property(component.into()))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            step.fmt(f)?;
        }
        Ok(())
    }
}

/// Checks the list `selectors` of one granular marking against the object that it stands in.
///
/// # Errors
/// With the index of the first selector that is malformed or hits nothing; the list must not be empty.
pub fn check_selectors<S: AsRef<str>>(
    object: Value<'_>,
    selectors: &[S],
) -> Result<(), (usize, SelectorError)> {
    if selectors.is_empty() {
        return Err((0, SelectorError::None));
    }
    for (index, text) in selectors.iter().enumerate() {
        let selector = text.as_ref().parse::<Selector>();
        selector.and_then(|selector| selector.resolve(object).map(drop)).map_err(|error| (index, error))?;
    }
    Ok(())
}

/// What is wrong with a selector; `at` counts characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// A list of selectors has none.
    #[error("a granular marking has at least one selector")]
    None,
    /// Nothing stands between two dots, or nothing at all.
    #[error("a component is missing at character {at}: property names and `[n]` are joined by single dots")]
    Empty {
        /// Where it is missing.
        at: usize,
    },
    /// A character that no property name and no dictionary key has.
    #[error("`{found}` at character {at} does not belong into a name{}", if *found == '[' { "; an element is written `.[0]`" } else { "" })]
    Character {
        /// Where it stands.
        at: usize,
        /// The character.
        found: char,
    },
    /// An index that is not written as STIX wants it.
    #[error("the component at character {at} is no index: write `[0]`, with a plain decimal number")]
    Index {
        /// Where the component begins.
        at: usize,
    },
    /// A name of more than 250 characters.
    #[error("the name at character {at} is longer than 250 characters")]
    TooLong {
        /// Where the component begins.
        at: usize,
    },
    /// An object has properties, not elements.
    #[error("a selector begins with the name of a property")]
    StartsWithIndex,
    /// The object has no such property there.
    #[error("there is no `{name}` where character {at} looks for it")]
    NoSuchProperty {
        /// Where the component begins.
        at: usize,
        /// The name that is missing.
        name: Box<str>,
    },
    /// The list is shorter.
    #[error("the index at character {at} is past the end of a list of {length}")]
    NoSuchElement {
        /// Where the component begins.
        at: usize,
        /// How many elements the list has.
        length: usize,
    },
    /// A name after something that has no properties.
    #[error("the name at character {at} follows {}, which has no properties", found.name())]
    NotAnObject {
        /// Where the component begins.
        at: usize,
        /// What stands there in the object.
        found: Kind,
    },
    /// An index after something that is no list.
    #[error("the index at character {at} follows {}, which is no list", found.name())]
    NotAList {
        /// Where the component begins.
        at: usize,
        /// What stands there in the object.
        found: Kind,
    },
}
