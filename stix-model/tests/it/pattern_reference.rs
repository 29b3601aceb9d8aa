//! A slow matcher that follows the rules word by word: it looks at every way to bind observations.

use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use stix_model::Timestamp;
use stix_model::pattern::{
    Comparison, ComparisonExpression, Constant, ObservationExpression, Operator, Qualifier, Step, Test,
};

/// Where the times of observations start, in microseconds.
pub(crate) const BASE: i64 = 1_500_000_000_000_000;

/// An observation as the reference sees it. Times are in microseconds from [`BASE`].
pub(crate) struct Observed {
    pub(crate) id: String,
    pub(crate) times: usize,
    pub(crate) span: Option<(i64, i64)>,
    pub(crate) objects: Vec<Value>,
}

/// How many times each observation is used.
pub(crate) type Binding = Vec<usize>;

pub(crate) fn bindings(expression: &ObservationExpression, data: &[Observed]) -> BTreeSet<Binding> {
    match expression {
        ObservationExpression::Comparison(inner) => (0..data.len())
            .filter(|&at| data[at].objects.iter().any(|object| is_true(inner, object, &data[at])))
            .map(|at| (0..data.len()).map(|other| usize::from(other == at)).collect())
            .collect(),
        ObservationExpression::Or(members) => {
            members.iter().flat_map(|member| bindings(member, data)).collect()
        }
        ObservationExpression::And(members) => {
            let sets = members.iter().map(|member| bindings(member, data));
            sets.reduce(|left, right| joined(&left, &right, data, |_, _| true)).unwrap()
        }
        ObservationExpression::FollowedBy(members) => {
            let sets = members.iter().map(|member| bindings(member, data));
            let in_order = |left: &Binding, right: &Binding| {
                let (Some(left), Some(right)) = (spans(left, data), spans(right, data)) else { return false };
                let latest_first = left.iter().map(|(first, _)| first).max();
                let earliest_last = right.iter().map(|(_, last)| last).min();
                latest_first <= earliest_last
            };
            sets.reduce(|left, right| joined(&left, &right, data, in_order)).unwrap()
        }
        ObservationExpression::Qualified { expression, qualifiers } => {
            let mut set = bindings(expression, data);
            for qualifier in qualifiers {
                set = qualified(set, qualifier, data);
            }
            set
        }
    }
}

/// A binding of the left side with one of the right side, on different observations.
fn joined(
    left: &BTreeSet<Binding>,
    right: &BTreeSet<Binding>,
    data: &[Observed],
    fit: impl Fn(&Binding, &Binding) -> bool,
) -> BTreeSet<Binding> {
    let mut all = BTreeSet::new();
    for a in left {
        for b in right {
            let sum: Binding = a.iter().zip(b).map(|(a, b)| a + b).collect();
            if sum.iter().zip(data).all(|(used, observed)| *used <= observed.times) && fit(a, b) {
                all.insert(sum);
            }
        }
    }
    all
}

fn qualified(set: BTreeSet<Binding>, qualifier: &Qualifier, data: &[Observed]) -> BTreeSet<Binding> {
    match qualifier {
        Qualifier::Repeats(times) => {
            let once = set.clone();
            (1..*times).fold(set, |set, _| joined(&set, &once, data, |_, _| true))
        }
        Qualifier::Within(seconds) => {
            #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
            let length = (seconds.as_str().parse::<f64>().unwrap() * 1e6).round() as i64;
            let fits = |binding: &Binding| {
                // One use of one observation lies in any window.
                if binding.iter().sum::<usize>() == 1 {
                    return true;
                }
                spans(binding, data).is_some_and(|spans| {
                    let latest_first = spans.iter().map(|(first, _)| first).max().unwrap();
                    let earliest_last = spans.iter().map(|(_, last)| last).min().unwrap();
                    latest_first - earliest_last <= length
                })
            };
            set.into_iter().filter(fits).collect()
        }
        Qualifier::StartStop { start, stop } => {
            let (start, stop) = (start.micros() - BASE, stop.micros() - BASE);
            let is_inside = |(first, last): &(i64, i64)| start < stop && *last >= start && *first < stop;
            let fits =
                |binding: &Binding| spans(binding, data).is_some_and(|spans| spans.iter().all(is_inside));
            set.into_iter().filter(fits).collect()
        }
    }
}

/// The times of the observations in use; nothing when one of them is unknown.
fn spans(binding: &Binding, data: &[Observed]) -> Option<Vec<(i64, i64)>> {
    binding.iter().zip(data).filter(|(used, _)| **used > 0).map(|(_, observed)| observed.span).collect()
}

fn is_true(expression: &ComparisonExpression, object: &Value, observed: &Observed) -> bool {
    match expression {
        ComparisonExpression::And(members) => members.iter().all(|member| is_true(member, object, observed)),
        ComparisonExpression::Or(members) => members.iter().any(|member| is_true(member, object, observed)),
        ComparisonExpression::Test(comparison) => passes(comparison, object, observed),
    }
}

fn passes(comparison: &Comparison, object: &Value, observed: &Observed) -> bool {
    if object["type"] != *comparison.path.object_type {
        return false;
    }
    let values = values(&comparison.path.steps, vec![object.clone()], observed);
    if comparison.test == Test::Exists {
        return values.is_empty() == comparison.is_negated;
    }
    let name = comparison.path.steps.iter().rev().find_map(|step| match step {
        Step::Property(name) => Some(name),
        _ => None,
    });
    let decoded = values.into_iter().filter_map(|value| decode(value, name.unwrap()));
    decoded.into_iter().any(|datum| holds(&comparison.test, &datum) != comparison.is_negated)
}

/// All values that a path leads to.
fn values(steps: &[Step], start: Vec<Value>, observed: &Observed) -> Vec<Value> {
    let mut values = start;
    let mut name = "";
    for (index, step) in steps.iter().enumerate() {
        values = values
            .into_iter()
            .flat_map(|value| match step {
                Step::Property(name) if value.is_object() => {
                    value.get(&**name).cloned().into_iter().collect()
                }
                Step::Index(at) => {
                    let element = value.as_array().and_then(|list| list.get(usize::try_from(*at).unwrap()));
                    element.cloned().into_iter().collect()
                }
                Step::AnyIndex => value.as_array().cloned().unwrap_or_default(),
                Step::Property(_) => vec![],
            })
            .collect();
        let is_property = matches!(step, Step::Property(_));
        if let Step::Property(property) = step {
            name = property;
        }
        let goes_on = matches!(steps.get(index + 1), Some(Step::Property(_)));
        if goes_on && name.ends_with(if is_property { "_ref" } else { "_refs" }) {
            values = values
                .into_iter()
                .filter_map(|value| match value.as_str() {
                    Some(id) => observed.objects.iter().find(|object| object["id"] == *id).cloned(),
                    None => Some(value),
                })
                .collect();
        }
    }
    values
}

enum Datum {
    Json(Value),
    Bytes(Vec<u8>),
}

/// Nothing when the data cannot be had.
fn decode(value: Value, name: &str) -> Option<Datum> {
    let Some(text) = value.as_str() else { return Some(Datum::Json(value)) };
    if name.ends_with("_hex") {
        let digits = text.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<_>>>()?;
        let pairs = digits
            .chunks(2)
            .map(|pair| (pair.len() == 2).then(|| u8::try_from(pair[0] * 16 + pair[1]).unwrap()));
        return pairs.collect::<Option<Vec<_>>>().map(Datum::Bytes);
    }
    if name.ends_with("_bin") {
        // The generator only writes these two.
        return match text {
            "YWI=" => Some(Datum::Bytes(b"ab".to_vec())),
            "/wA=" => Some(Datum::Bytes(vec![255, 0])),
            _ => None,
        };
    }
    Some(Datum::Json(value))
}

fn holds(test: &Test, datum: &Datum) -> bool {
    match test {
        Test::Exists => true,
        Test::Compare(operator, constant) => {
            let order = order(datum, constant);
            match operator {
                Operator::Equal => order == Some(Ordering::Equal),
                Operator::NotEqual => order != Some(Ordering::Equal),
                Operator::Less => order == Some(Ordering::Less),
                Operator::Greater => order == Some(Ordering::Greater),
                Operator::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                Operator::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            }
        }
        Test::In(constants) => {
            constants.iter().any(|constant| order(datum, constant) == Some(Ordering::Equal))
        }
        Test::Like(pattern) => {
            let value: Vec<char> = match datum {
                Datum::Json(Value::String(text)) => composed(text).chars().collect(),
                Datum::Bytes(bytes) => bytes.iter().map(|byte| char::from(*byte)).collect(),
                Datum::Json(_) => return false,
            };
            like(&composed(pattern).chars().collect::<Vec<_>>(), &value)
        }
        Test::Matches(regex) => {
            let text = match datum {
                Datum::Json(Value::String(text)) => composed(text),
                Datum::Bytes(bytes) => bytes.iter().map(|byte| char::from(*byte)).collect(),
                Datum::Json(_) => return false,
            };
            REGEXES.iter().find(|(spelled, _)| **spelled == **regex).unwrap().1(&text)
        }
        Test::IsSubset(outer) | Test::IsSuperset(outer) => {
            let Datum::Json(Value::String(inner)) = datum else { return false };
            let (Some(inner), Some(outer)) = (prefix(inner), prefix(outer)) else { return false };
            let (inner, outer) =
                if matches!(test, Test::IsSubset(_)) { (inner, outer) } else { (outer, inner) };
            inner.starts_with(&outer)
        }
    }
}

/// The only pair that the generator uses.
fn composed(text: &str) -> String {
    text.replace("e\u{301}", "é")
}

fn like(pattern: &[char], value: &[char]) -> bool {
    match pattern {
        [] => value.is_empty(),
        ['%', rest @ ..] => (0..=value.len()).any(|from| like(rest, &value[from..])),
        ['_', rest @ ..] => !value.is_empty() && like(rest, &value[1..]),
        [first, rest @ ..] => value.first() == Some(first) && like(rest, &value[1..]),
    }
}

pub(crate) type Says = fn(&str) -> bool;
/// The only ones that it knows.
pub(crate) const REGEXES: [(&str, Says); 8] = [
    ("a", |text| text.contains('a')),
    ("^a", |text| text.starts_with('a')),
    ("b$", |text| text.ends_with('b') || text.ends_with("b\n")),
    ("a.b", |text| text.chars().zip(text.chars().skip(2)).any(|pair| pair == ('a', 'b'))),
    ("^.{2}$", |text| text.chars().count() == 2 || text.chars().count() == 3 && text.ends_with('\n')),
    ("(?i)^AB?\\z", |text| matches!(&*text.to_ascii_lowercase(), "a" | "ab")),
    ("[^a-y]", |text| text.chars().any(|c| !c.is_ascii_lowercase() || c == 'z')),
    ("é", |text| text.contains('é')),
];

/// The bits that all addresses have in common, behind one that tells IPv6 from IPv4.
fn prefix(network: &str) -> Option<Vec<bool>> {
    let (address, length) = network.split_once('/').map_or((network, None), |(a, length)| (a, Some(length)));
    let (kind, octets) = match address.parse().ok()? {
        std::net::IpAddr::V4(address) => (false, address.octets().to_vec()),
        std::net::IpAddr::V6(address) => (true, address.octets().to_vec()),
    };
    let bits = octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1));
    let length = length.map_or(Some(octets.len() * 8), |length| length.parse().ok())?;
    (length <= octets.len() * 8).then(|| std::iter::once(kind).chain(bits.take(length)).collect())
}

fn order(datum: &Datum, constant: &Constant) -> Option<Ordering> {
    let bytes =
        |text: &str| text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<Vec<_>>>();
    match (datum, constant) {
        (Datum::Json(Value::Bool(value)), Constant::Boolean(constant)) => Some(value.cmp(constant)),
        // The generator's numbers are small enough to be exact.
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        (Datum::Json(Value::Number(value)), Constant::Integer(constant)) => {
            value.as_f64().unwrap().partial_cmp(&(*constant as f64))
        }
        (Datum::Json(Value::Number(value)), Constant::Float(constant)) => {
            value.as_f64().unwrap().partial_cmp(constant)
        }
        (Datum::Json(Value::String(text)), Constant::String(constant)) => {
            Some(text.chars().cmp(constant.chars()))
        }
        (Datum::Json(Value::String(text)), Constant::Timestamp(constant)) => {
            text.parse::<Timestamp>().ok().map(|instant| instant.cmp(constant))
        }
        (Datum::Json(Value::String(text)), Constant::Hex(constant) | Constant::Binary(constant)) => {
            bytes(text).map(|bytes| (*bytes).cmp(constant))
        }
        (Datum::Bytes(value), Constant::Hex(constant) | Constant::Binary(constant)) => {
            Some((**value).cmp(constant))
        }
        (Datum::Bytes(value), Constant::String(constant)) => bytes(constant).map(|bytes| value.cmp(&bytes)),
        _ => None,
    }
}
