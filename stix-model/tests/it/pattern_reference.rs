//! The matcher against a slow one that follows the rules word by word: it looks at every way to bind observations, on
//! random patterns and data. A failure prints the seed of its case.

use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use stix_model::Timestamp;
use stix_model::json::{Document, Limits};
use stix_model::pattern::{
    Comparison, ComparisonExpression, Constant, MatchLimits, ObservationExpression, Observations, Operator,
    Pattern, Qualifier, Step, Test,
};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()].clone()
    }
}

/// An observation as the reference sees it. Times are in microseconds from [`BASE`].
struct Observed {
    id: String,
    times: usize,
    span: Option<(i64, i64)>,
    objects: Vec<Value>,
}

/// How many times each observation is used.
type Binding = Vec<usize>;

fn bindings(expression: &ObservationExpression, data: &[Observed]) -> BTreeSet<Binding> {
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

type Says = fn(&str) -> bool;
const REGEXES: [(&str, Says); 8] = [
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

/// Where the times of observations start, in microseconds.
const BASE: i64 = 1_500_000_000_000_000;

fn stamp(micros: i64) -> String {
    Timestamp::from_micros(BASE + micros).unwrap().to_string()
}

/// Compares the two on one pattern and some observations, each in a bundle of its own.
fn compare(seed: u64, text: &str, data: &[Observed]) {
    let bundles: Vec<_> = data.iter().map(bundle).collect();
    let json = json!(bundles).to_string();
    let document = Document::read(json.as_bytes(), Limits::default()).unwrap();
    let observations = Observations::from_bundles(document.root().elements());
    let pattern = Pattern::parse(text).unwrap_or_else(|error| panic!("seed {seed}: {text}: {error}"));
    let compiled = pattern.compile(MatchLimits::default());
    let compiled = compiled.unwrap_or_else(|error| panic!("seed {seed}: {text}: {error}"));
    let all = bindings(pattern.expression(), data);
    let found =
        compiled.matches(&observations).unwrap_or_else(|error| panic!("seed {seed}: {text}: {error}"));
    assert_eq!(found.is_some(), !all.is_empty(), "seed {seed}: {text}\n{json}");
    if let Some(found) = found {
        let mut binding = vec![0; data.len()];
        for part in found.parts() {
            let at = data.iter().position(|observed| observed.id == part.id).unwrap();
            binding[at] += usize::try_from(part.times).unwrap();
        }
        assert!(all.contains(&binding), "seed {seed}: {binding:?} does not satisfy {text}\n{json}");
    }
}

fn bundle(observed: &Observed) -> Value {
    let mut data = json!({
        "type": "observed-data", "id": observed.id, "number_observed": observed.times,
        "object_refs": observed.objects.iter().map(|object| &object["id"]).collect::<Vec<_>>(),
    });
    if let Some((first, last)) = observed.span {
        data["first_observed"] = stamp(first).into();
        data["last_observed"] = stamp(last).into();
    }
    let objects: Vec<_> = observed.objects.iter().cloned().chain([data]).collect();
    json!({"type": "bundle", "objects": objects})
}

#[test]
fn combinations_of_observations() {
    let mut matches = 0;
    for seed in 0..6000 {
        let random = &mut Random(seed);
        let count = 2 + random.below(5);
        let data: Vec<_> = (0..count).map(|at| observation(random, at)).collect();
        let depth = 1 + random.below(3);
        let text = observation_pattern(random, depth);
        compare(seed, &text, &data);
        let pattern = Pattern::parse(&text).unwrap();
        matches += usize::from(!bindings(pattern.expression(), &data).is_empty());
    }
    // Otherwise the cases would not be worth much.
    assert!((1000..5000).contains(&matches), "{matches} of 6000 match");
}

/// Repetitions of what has conditions on times, where the matcher breaks the symmetry of the repetitions.
#[test]
fn repetitions_in_time() {
    let mut matches = 0;
    for seed in 0..2000 {
        let random = &mut Random(seed);
        let count = 5 + random.below(4);
        let data: Vec<_> = (0..count).map(|at| observation(random, at)).collect();
        let member = |random: &mut Random| observation_pattern(random, 0);
        let mut text =
            format!("{}{}{}", member(random), random.pick(&[" FOLLOWEDBY ", " AND "]), member(random));
        if random.chance(30) {
            text = format!("{text} {} {}", random.pick(&["FOLLOWEDBY", "OR"]), member(random));
        }
        let window = |random: &mut Random| match random.below(2) {
            0 => String::new(),
            _ => format!(" WITHIN {} SECONDS", random.pick(&["0.5", "1", "2", "4"])),
        };
        text = format!("({text}){} REPEATS {} TIMES", window(random), 2 + random.below(3));
        if random.chance(30) {
            text = format!("({text} AND {})", member(random));
        }
        text += &window(random);
        compare(seed, &text, &data);
        matches += usize::from(!bindings(Pattern::parse(&text).unwrap().expression(), &data).is_empty());
    }
    assert!((400..1600).contains(&matches), "{matches} of 2000 match");
}

fn observation(random: &mut Random, at: u64) -> Observed {
    let first = i64::try_from(random.below(12)).unwrap() * 500_000;
    let length = if random.chance(60) { 0 } else { i64::try_from(random.below(6)).unwrap() * 500_000 };
    let object = |random: &mut Random, at| json!({"type": random.pick(&["a", "a", "b"]), "id": format!("x--{at}"), "x": random.below(3)});
    let objects = (0..1 + random.below(2)).map(|at| object(random, at)).collect();
    Observed {
        id: format!("observed-data--{at}"),
        times: if random.chance(70) { 1 } else { 2 },
        span: random.chance(95).then_some((first, first + length)),
        objects,
    }
}

fn observation_pattern(random: &mut Random, depth: u64) -> String {
    let simple = |random: &mut Random| {
        let test = |random: &mut Random| {
            format!(
                "{}:x {} {}",
                random.pick(&["a", "a", "b"]),
                random.pick(&["=", "<=", ">="]),
                random.below(3)
            )
        };
        match random.below(4) {
            0 => format!("[{} OR {}]", test(random), test(random)),
            _ => format!("[{}]", test(random)),
        }
    };
    if depth == 0 {
        return simple(random);
    }
    let mut text = match random.below(5) {
        0 => simple(random),
        kind => {
            let operator = [" AND ", " OR ", " FOLLOWEDBY ", " AND "][usize::try_from(kind - 1).unwrap()];
            let members: Vec<_> =
                (0..2 + random.below(2)).map(|_| observation_pattern(random, depth - 1)).collect();
            format!("({})", members.join(operator))
        }
    };
    let mut qualifiers = vec![
        format!(" WITHIN {} SECONDS", random.pick(&["0.5", "1", "1.5", "3"])),
        format!(" REPEATS {} TIMES", 1 + random.below(3)),
        format!(
            " START t'{}' STOP t'{}'",
            stamp(i64::try_from(random.below(4)).unwrap() * 500_000),
            stamp(i64::try_from(3 + random.below(12)).unwrap() * 500_000)
        ),
    ];
    while random.chance(35) && !qualifiers.is_empty() {
        let at = usize::try_from(random.below(qualifiers.len() as u64)).unwrap();
        text += &qualifiers.remove(at);
    }
    text
}

#[test]
fn comparisons_of_values() {
    let mut matches = 0;
    for seed in 0..6000 {
        let random = &mut Random(seed);
        let objects = (0..3).map(|at| object(random, at)).collect();
        let data = [Observed { id: "observed-data--0".into(), times: 1, span: Some((0, 0)), objects }];
        let text = format!("[{}]", comparisons(random, 2));
        compare(seed, &text, &data);
        let pattern = Pattern::parse(&text).unwrap();
        matches += usize::from(!bindings(pattern.expression(), &data).is_empty());
    }
    assert!((1000..5000).contains(&matches), "{matches} of 6000 match");
}

fn object(random: &mut Random, at: u64) -> Value {
    let mut object = json!({"type": random.pick(&["a", "b"]), "id": format!("x--{at}")});
    for name in ["s", "n", "list", "d", "x_hex", "x_bin", "to_ref", "to_refs"] {
        if random.chance(80) {
            object[name] = property(random, name, 2);
        }
    }
    object
}

fn property(random: &mut Random, name: &str, depth: u64) -> Value {
    match name {
        "x_hex" => json!(random.pick(&["6162", "ff00", "", "FF00", "6", "zz"])),
        "x_bin" => json!(random.pick(&["YWI=", "/wA=", "YWI", "?"])),
        "to_ref" => json!(format!("x--{}", random.below(4))),
        "to_refs" => (0..random.below(3)).map(|_| json!(format!("x--{}", random.below(4)))).collect(),
        "list" => (0..random.below(3)).map(|_| scalar(random)).collect(),
        "d" if depth > 0 => {
            let inner = random.pick(&["s", "n", "x_hex", "x_bin", "list", "d"]);
            json!({ inner: property(random, inner, depth - 1) })
        }
        _ => scalar(random),
    }
}

fn scalar(random: &mut Random) -> Value {
    random.pick(&[
        json!(0),
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(-2),
        json!(true),
        json!(false),
        json!(null),
        json!(""),
        json!("a"),
        json!("ab"),
        json!("axb\n"),
        json!("é"),
        json!("e\u{301}"),
        json!("ÿ\0"),
        json!("€"),
        json!("2016-01-01T00:00:00Z"),
        json!("2016-01-01T00:00:00.000Z"),
        json!("2016-13-01T00:00:00Z"),
        json!("198.51.100.7"),
        json!("198.51.0.0/16"),
        json!("2001:db8::1"),
        json!({}),
    ])
}

fn comparisons(random: &mut Random, depth: u64) -> String {
    if depth == 0 || random.chance(50) {
        return comparison(random);
    }
    let operator = random.pick(&[" AND ", " OR "]);
    let members: Vec<_> = (0..2 + random.below(2)).map(|_| comparisons(random, depth - 1)).collect();
    format!("({})", members.join(operator))
}

fn comparison(random: &mut Random) -> String {
    let path = random.pick(&[
        "s",
        "n",
        "s",
        "n",
        "list[*]",
        "list[1]",
        "list",
        "d.s",
        "d.n",
        "d.d.s",
        "d.x_hex",
        "d.list[*]",
        "x_hex",
        "x_bin",
        "to_ref.s",
        "to_ref.n",
        "to_ref.type",
        "to_ref",
        "to_refs[*].s",
        "to_refs[0].n",
        "to_refs.s",
        "to_ref.to_ref.x_hex",
        "to_refs[*].to_refs[*].list[*]",
        "to_ref.d.x_bin",
        "missing",
    ]);
    let path = format!("{}:{path}", random.pick(&["a", "b"]));
    let not = if random.chance(30) { "NOT " } else { "" };
    let ordered = [
        "0",
        "1",
        "1.5",
        "-2",
        "1.0",
        "''",
        "'a'",
        "'ab'",
        "'é'",
        "'e\u{301}'",
        "'€'",
        "h'6162'",
        "h'ff00'",
        "b'YWI='",
        "h''",
        "t'2016-01-01T00:00:00Z'",
        "t'2015-12-31T23:59:59.9Z'",
        "'2016-01-01T00:00:00Z'",
        "'x--1'",
        "'b'",
    ];
    let networks = ["'198.51.100.0/24'", "'198.51.100.7'", "'0.0.0.0/0'", "'2001:db8::/32'", "'::/0'", "'x'"];
    let test = match random.below(8) {
        0 => return format!("{not}EXISTS {path}"),
        1 => format!("{} {}", random.pick(&["=", "!="]), random.pick(&["true", "false"])),
        2 => {
            let sets = [
                vec!["0", "1.0", "7"],
                vec!["'a'", "'é'", "'x--0'"],
                vec!["h'6162'", "b'/wA='"],
                vec!["true"],
                vec!["t'2016-01-01T00:00:00Z'"],
                vec![],
            ];
            format!("IN ({})", random.pick(&sets).join(", "))
        }
        3 => format!(
            "LIKE {}",
            random.pick(&["'%'", "'a%'", "'_'", "'a_b%'", "'e\u{301}'", "'%b'", "'__'", "'ÿ_'"])
        ),
        4 => format!("MATCHES '{}'", random.pick(&REGEXES).0.replace('\\', "\\\\")),
        5 => format!("{} {}", random.pick(&["ISSUBSET", "ISSUPERSET"]), random.pick(&networks)),
        _ => format!("{} {}", random.pick(&["=", "!=", "<", ">", "<=", ">="]), random.pick(&ordered)),
    };
    format!("{path} {not}{test}")
}
