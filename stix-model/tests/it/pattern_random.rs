//! The matcher against the slow one of `pattern_reference`, on random patterns and data. A failure prints the seed of
//! its case.

use crate::pattern_reference::{BASE, Observed, REGEXES, bindings};
use crate::random::Random;
use serde_json::{Value, json};
use stix_model::Timestamp;
use stix_model::json::{Document, Limits};
use stix_model::pattern::{MatchLimits, Observations, Pattern};

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
        let random = &mut Random::new(seed);
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
        let random = &mut Random::new(seed);
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
        let random = &mut Random::new(seed);
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
