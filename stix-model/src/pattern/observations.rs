//! What patterns are matched against.

use super::time::Span;
use crate::Timestamp;
use crate::json::{Kind, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Observed data with the objects they refer to, ready to be matched.
///
/// An observation is one `observed-data` object: it was seen `number_observed` times, each time somewhere between
/// `first_observed` and `last_observed`, and can be used so often in a match. Its objects are those that it names in
/// `object_refs` and that come along in the same bundle, or those in the deprecated property `objects`; references
/// lead from one of these objects to another and never outside (STIX 2.1, section 9.7).
///
/// Nothing is copied out of the JSON documents.
#[derive(Clone, Debug, Default)]
pub struct Observations<'d> {
    /// By the end of their time, and those of one end as they came; those without time stand first.
    list: BTreeMap<(i128, usize), Observation<'d>>,
}

/// What was seen together: one `observed-data` object with the objects that it refers to.
#[derive(Clone, Debug)]
pub struct Observation<'d> {
    pub(super) id: Cow<'d, str>,
    /// How many times it can be used.
    pub(super) times: u64,
    pub(super) span: Span,
    /// Sorted by key.
    pub(super) objects: Vec<Observed<'d>>,
}

/// An object of an observation.
#[derive(Clone, Debug)]
pub(super) struct Observed<'d> {
    /// The identifier; in the deprecated `objects` the key.
    pub(super) key: Cow<'d, str>,
    pub(super) object_type: Cow<'d, str>,
    pub(super) value: Value<'d>,
}

/// When and how often a single object was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it was seen first.
    pub first: Timestamp,
    /// When it was seen last.
    pub last: Timestamp,
    /// How often it was seen.
    pub times: u64,
}

impl<'d> Observations<'d> {
    /// No observations yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The observed data of bundles, or of TAXII envelopes. References stay inside a bundle.
    pub fn from_bundles(bundles: impl IntoIterator<Item = Value<'d>>) -> Self {
        let mut observations = Self::new();
        for bundle in bundles {
            if let Some(objects) = bundle.get("objects") {
                observations.add_objects(objects.elements());
            }
        }
        observations
    }

    /// Adds the observed data among some objects, with the cyber-observable objects among them. Others, and what
    /// is no object at all, are passed over.
    pub fn add_objects(&mut self, objects: impl IntoIterator<Item = Value<'d>>) {
        let mut observed_data = Vec::new();
        let mut others = BTreeMap::new();
        for object in objects {
            let (Some(id), Some(object_type)) = (text(object, "id"), text(object, "type")) else { continue };
            if object_type == "observed-data" {
                observed_data.push((id, object));
            } else if object_type != "relationship" && object_type != "sighting" {
                others.entry(id).or_insert((object_type, object));
            }
        }
        for (id, data) in observed_data {
            let mut objects = Vec::new();
            for key in data.get("object_refs").into_iter().flat_map(Value::elements).filter_map(Value::as_str)
            {
                if let Some((object_type, value)) = others.get(&key) {
                    objects.push(Observed { key, object_type: object_type.clone(), value: *value });
                }
            }
            for (key, value) in data.get("objects").into_iter().flat_map(Value::members) {
                if let Some(object_type) = text(value, "type") {
                    objects.push(Observed { key, object_type, value });
                }
            }
            objects.sort_by(|a, b| a.key.cmp(&b.key));
            objects.dedup_by(|a, b| a.key == b.key);
            let times = data.get("number_observed").and_then(Value::as_f64).filter(|times| *times >= 1.0);
            let time = |name| text(data, name).and_then(|text| text.parse().ok());
            self.insert(Observation {
                id,
                times: times.map_or(1, saturating),
                span: Span::between(time("first_observed").as_ref(), time("last_observed").as_ref()),
                objects,
            });
        }
    }

    /// Adds one object as an observation of its own, seen once, nobody knows when. It takes part in no comparison
    /// of times, and its references lead nowhere. Passed over when it is no object with a type.
    pub fn add_object(&mut self, object: Value<'d>) {
        self.insert_object(object, Span::UNKNOWN, 1);
    }

    /// Adds one object as an observation of its own.
    pub fn add_seen_object(&mut self, object: Value<'d>, seen: &Seen) {
        self.insert_object(object, Span::between(Some(&seen.first), Some(&seen.last)), seen.times.max(1));
    }

    fn insert_object(&mut self, object: Value<'d>, span: Span, times: u64) {
        let Some(observation) = Observation::of_object(object) else { return };
        self.insert(Observation { times, span, ..observation });
    }

    fn insert(&mut self, observation: Observation<'d>) {
        self.list.insert((observation.span.last, self.list.len()), observation);
    }

    /// One after another, in the order of time.
    pub fn iter(&self) -> impl Iterator<Item = &Observation<'d>> {
        self.list.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl<'d> Observation<'d> {
    /// One object as an observation of its own, as [`Observations::add_object`] has it. `None` when it is no object
    /// with a type.
    pub fn of_object(object: Value<'d>) -> Option<Self> {
        let object_type = text(object, "type")?;
        let id = text(object, "id").unwrap_or_default();
        let objects = vec![Observed { key: id.clone(), object_type, value: object }];
        Some(Self { id, times: 1, span: Span::UNKNOWN, objects })
    }

    /// The identifier of the observed data; of a single object its own, and empty when it has none.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The object that a reference names.
    pub(super) fn resolve(&self, key: &str) -> Option<Value<'d>> {
        Some(self.objects[self.position(key)?].value)
    }

    /// Where the object that a reference names stands among the objects.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.objects.binary_search_by(|object| (*object.key).cmp(key)).ok()
    }
}

/// A string property of an object.
pub(super) fn text<'d>(object: Value<'d>, name: &str) -> Option<Cow<'d, str>> {
    if object.kind() == Kind::Object { object.get(name)?.as_str() } else { None }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number; `as` saturates"
)]
fn saturating(times: f64) -> u64 {
    times as u64
}
