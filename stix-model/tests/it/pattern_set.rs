//! A set of patterns gives the answers of its patterns, each alone, on random patterns and data. A failure prints the
//! seed of its case.

use crate::random::Random;
use serde_json::{Map, Value, json};
use stix_model::json::{Document, Limits};
use stix_model::pattern::{
    CompileError, CompiledPattern, Hit, HitPart, MatchLimits, Observation, ObservationExpression,
    Observations, Pattern, PatternSet, PatternSetBuilder, PatternSetError, PatternSetLimits, Qualifier,
};

#[test]
fn a_set_is_all_of_its_patterns() {
    let mut hits = 0;
    for seed in 0..3000 {
        let mut random = Random::new(seed);
        let limits = PatternSetLimits::default().kept(random.pick(&[0, 3, 1024]));
        let mut builder = PatternSetBuilder::new(limits);
        let mut patterns = Vec::new();
        for _ in 0..random.pick(&[1, 12, 24]) {
            let text = observation_expression(&mut random, 2);
            let pattern =
                Pattern::parse(&text).unwrap_or_else(|error| panic!("seed {seed}: {text}: {error}"));
            // Keys need not be in order.
            let key = u32::try_from(patterns.len()).unwrap() ^ 5;
            match (pattern.compile(MatchLimits::default()), builder.add(key, &pattern)) {
                (Ok(compiled), Ok(())) => patterns.push((key, pattern, compiled)),
                (Err(alone), Err(PatternSetError::Compile(in_set))) => assert_eq!(alone, in_set),
                (alone, in_set) => panic!("seed {seed}: {text}: {alone:?}, {in_set:?}"),
            }
        }
        let set = builder.build();
        assert_eq!(set.stats().patterns, patterns.len());
        let mut matcher = set.matcher();
        for _ in 0..12 {
            let bundle = bundle(&mut random).to_string();
            let document = Document::read(bundle.as_bytes(), Limits::default()).unwrap();
            let mut observations = Observations::new();
            if random.chance(30) {
                observations.add_object(document.root().get("objects").unwrap().elements().next().unwrap());
            } else {
                observations = Observations::from_bundles([document.root()]);
            }
            let mut expected = Vec::new();
            for (key, pattern, compiled) in &patterns {
                if compiled.matches(&observations).unwrap().is_some() {
                    expected.push(Hit { key, part: HitPart::Pattern });
                }
                let mut number = 0;
                parts(pattern.expression(), true, &mut Vec::new(), &mut |text, is_enough| {
                    let part = HitPart::Expression(number);
                    number += 1;
                    if !is_enough && alone(text).matches(&observations).unwrap().is_some() {
                        expected.push(Hit { key, part });
                    }
                });
            }
            let observation = observations.iter().next().unwrap();
            let found: Vec<_> = matcher.matches(observation).unwrap().collect();
            let texts =
                || patterns.iter().map(|(key, text, _)| format!("{key}: {text}\n")).collect::<String>();
            assert_eq!(found, expected, "seed {seed}: {bundle}\n{}", texts());
            hits += found.len();
        }
    }
    assert!(hits > 20_000, "only {hits} hits: the cases prove little");
}

fn alone(text: &str) -> CompiledPattern {
    Pattern::parse(text).unwrap().compile(MatchLimits::default()).unwrap()
}

/// The observation expressions as patterns of their own, with what is around them.
fn parts(
    expression: &ObservationExpression,
    is_enough: bool,
    windows: &mut Vec<String>,
    visit: &mut dyn FnMut(&str, bool),
) {
    match expression {
        ObservationExpression::Comparison(_) => {
            visit(&format!("{expression} {}", windows.join(" ")), is_enough);
        }
        ObservationExpression::Or(members) => {
            members.iter().for_each(|member| parts(member, is_enough, windows, visit));
        }
        ObservationExpression::And(members) | ObservationExpression::FollowedBy(members) => {
            members.iter().for_each(|member| parts(member, false, windows, visit));
        }
        ObservationExpression::Qualified { expression, qualifiers } => {
            let before = windows.len();
            let is_start = |qualifier: &&Qualifier| matches!(qualifier, Qualifier::StartStop { .. });
            windows.extend(qualifiers.iter().filter(is_start).map(Qualifier::to_string));
            let repeats =
                |qualifier: &Qualifier| matches!(qualifier, Qualifier::Repeats(times) if *times > 1);
            parts(expression, is_enough && !qualifiers.iter().any(repeats), windows, visit);
            windows.truncate(before);
        }
    }
}

// Random patterns.

const TYPES: [&str; 3] = ["t", "u", "ipv4-addr"];

fn observation_expression(random: &mut Random, depth: u32) -> String {
    let choice = if depth == 0 { 0 } else { random.below(10) };
    let (object_type, qualifier) = (random.pick(&TYPES), random.below(20));
    let mut inner = || observation_expression(random, depth - 1);
    let text = match choice {
        0..7 => format!("[{}]", comparison_expression(random, object_type, 2)),
        7 => format!("({} OR {})", inner(), inner()),
        8 => format!("({} AND {})", inner(), inner()),
        _ => format!("({} FOLLOWEDBY {})", inner(), inner()),
    };
    let qualifier = match qualifier {
        0 => " WITHIN 5 SECONDS",
        1 => " REPEATS 1 TIMES",
        2 => " REPEATS 2 TIMES",
        3 => " START t'2020-01-01T00:00:10Z' STOP t'2020-01-01T00:00:20Z'",
        4 => " START t'2020-01-01T00:00:00Z' STOP t'2020-01-01T00:01:00Z' WITHIN 1 SECONDS",
        _ => "",
    };
    text + qualifier
}

fn comparison_expression(random: &mut Random, object_type: &str, depth: u32) -> String {
    let choice = if depth == 0 { 0 } else { random.below(10) };
    let object_type = if random.chance(95) { object_type } else { random.pick(&TYPES) };
    let mut inner = || comparison_expression(random, object_type, depth - 1);
    match choice {
        0..6 => comparison(random, object_type),
        6 | 7 => format!("({} OR {})", inner(), inner()),
        _ => format!("({} AND {})", inner(), inner()),
    }
}

fn comparison(random: &mut Random, object_type: &str) -> String {
    let path = format!("{object_type}:{}", path(random));
    let not = if random.chance(15) { "NOT " } else { "" };
    match random.below(12) {
        0 => format!("{not}EXISTS {path}"),
        1..5 => {
            let constant = constant(random);
            let has_order = !matches!(&*constant, "true" | "false");
            let operators =
                if has_order { &["=", "=", "=", "!=", "<", "<=", ">", ">="][..] } else { &["=", "!="] };
            format!("{path} {not}{} {constant}", random.pick(operators))
        }
        5 => {
            let members: Vec<_> = match random.below(3) {
                0 => (0..random.below(4)).map(|_| number(random)).collect(),
                _ => (0..random.below(4)).map(|_| quoted(&text(random))).collect(),
            };
            format!("{path} {not}IN ({})", members.join(", "))
        }
        6 | 7 => {
            let mut like = text(random);
            for _ in 0..random.below(3) {
                let wildcard = random.pick(&["%", "_"]);
                let end = text(random);
                like = random.pick(&[format!("{wildcard}{like}"), format!("{like}{wildcard}{end}")]);
            }
            format!("{path} {not}LIKE {}", quoted(&like))
        }
        8 | 9 => format!("{path} {not}MATCHES {}", quoted(&regex(random, 2))),
        10 => format!("{path} {not}ISSUBSET {}", quoted(&network(random))),
        _ => format!("{path} {not}ISSUPERSET {}", quoted(&network(random))),
    }
}

fn path(random: &mut Random) -> &'static str {
    random.pick(&[
        "s",
        "s",
        "s",
        "n",
        "b",
        "w",
        "value",
        "value",
        "h_hex",
        "p_bin",
        "l[*]",
        "l[0]",
        "l[1]",
        "d.s",
        "d.k.s",
        "e[*].s",
        "e[1].s",
        "e[*].h_hex",
        "r_ref",
        "r_ref.s",
        "r_ref.value",
        "r_ref.r_ref.s",
        "m_refs[*].s",
        "m_refs[0].value",
        "m_refs[*].m_refs[*].n",
        "m_refs[*].r_ref.h_hex",
        "r_ref.type",
        "e",
        "q[*][*]",
        "q[0][1]",
    ])
}

fn constant(random: &mut Random) -> String {
    match random.below(10) {
        0 => random.pick(&["true", "false"]).to_owned(),
        1 | 2 => number(random),
        3 => format!("t'{}'", time(random)),
        4 => {
            let text = random.pick(&["", "61", "6162", "00ff", "e9", "676174"]);
            format!("h'{text}'")
        }
        5 => format!("b'{}'", random.pick(&["", "YQ==", "YWI=", "AP8="])),
        6 => quoted(&network(random)),
        7 => quoted(&time(random)),
        _ => quoted(&text(random)),
    }
}

fn number(random: &mut Random) -> String {
    random.pick(&["0", "1", "1.0", "-1", "1.5", "443", "9007199254740991", "9007199254740991.0"]).to_owned()
}

fn time(random: &mut Random) -> String {
    random.pick(&["2020-01-01T00:00:15Z", "2020-01-01T00:00:15.000Z", "2020-01-01T00:00:15.5Z"]).to_owned()
}

fn network(random: &mut Random) -> String {
    random
        .pick(&[
            "10.0.0.1",
            "10.0.0.1/32",
            "10.0.0.0/24",
            "10.0.0.7/24",
            "10.0.0.0/8",
            "0.0.0.0/0",
            "10.0.1.9",
            "::1",
            "2001:db8::/32",
            "2001:db8::1",
            "2001:db8::/127",
            "::/0",
            "no network",
            "10.0.0.0/33",
        ])
        .to_owned()
}

fn text(random: &mut Random) -> String {
    const LONG: &str = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz";
    const WORDS: [&str; 20] = [
        "a",
        "b",
        "A",
        "k",
        "K",
        "\u{212A}",
        "s",
        "\u{17F}",
        "\u{e9}",
        "e\u{301}",
        "\u{c9}",
        "ab",
        "ab",
        "example.com",
        "/gate.php?id=",
        "powershell",
        LONG,
        "\u{4e2d}\u{6587}",
        "\n",
        "'\\",
    ];
    (0..random.pick(&[0, 1, 1, 1, 2, 2, 3])).map(|_| random.pick(&WORDS)).collect()
}

fn regex(random: &mut Random, depth: u32) -> String {
    let choice = if depth == 0 { 9 + random.below(7) } else { random.below(16) };
    let mut inner = || regex(random, depth - 1);
    match choice {
        0 => format!("({}|{})", inner(), inner()),
        1 => format!("(?i){}", inner()),
        2 => format!("(?:{})*", inner()),
        3 => format!("({})+{}", inner(), inner()),
        4 => format!("^{}", inner()),
        5 => format!("{}$", inner()),
        6 => format!("{}[a-k]?{}", inner(), inner()),
        7 => format!("{}.{{1,3}}{}", inner(), inner()),
        8 => format!("(?m)^{}", inner()),
        9 => random
            .pick(&["[kK]", "[^a]", "\\w\\d", "\\bab\\b", "x{2}", "(?=a)", "(", "\\xe9", "[\\x61b]"])
            .to_owned(),
        _ => text(random).replace('\\', "\\\\").replace('.', "\\.").replace('?', "\\?"),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

// Random data.

const IDS: [&str; 4] = ["t--0", "t--1", "u--2", "ipv4-addr--3"];

fn bundle(random: &mut Random) -> Value {
    let mut objects: Vec<Value> = IDS.iter().map(|id| object(random, id)).collect();
    let first = random.below(30);
    let time = |second: u64| format!("2020-01-01T00:00:{second:02}Z");
    let mut refs: Vec<_> = IDS.to_vec();
    refs.truncate(usize::try_from(1 + random.below(4)).unwrap());
    objects.push(json!({
        "type": "observed-data", "id": "observed-data--0", "number_observed": 1,
        "first_observed": time(first), "last_observed": time(first + random.below(5)), "object_refs": refs,
    }));
    json!({"objects": objects})
}

fn object(random: &mut Random, id: &str) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value| object.insert(name.to_owned(), value);
    put("id", json!(id));
    put("type", json!(id.split_once("--").unwrap().0));
    for _ in 0..random.below(12) {
        let name = random
            .pick(&["s", "n", "b", "w", "value", "h_hex", "p_bin", "l", "d", "e", "r_ref", "m_refs", "q"]);
        // What stands where another type is due.
        let odd = random.chance(5);
        put(name, if odd { any(random, 3) } else { property(random, name) });
    }
    Value::Object(object)
}

fn property(random: &mut Random, name: &str) -> Value {
    match name {
        "n" => serde_json::from_str(random.pick(&[
            "0",
            "1",
            "1.0",
            "1e0",
            "-1",
            "1.5",
            "443",
            "9007199254740991",
            "1e300",
        ]))
        .unwrap(),
        "b" => json!(random.chance(50)),
        "w" => json!(time(random)),
        "value" if random.chance(50) => json!(network(random)),
        "h_hex" => json!(random.pick(&["", "61", "6162", "00FF", "00ff", "e9", "676174", "6", "xx"])),
        "p_bin" => json!(random.pick(&["", "YQ==", "YWI=", "AP8=", "YQ", "4oSq"])),
        "l" => json!((0..random.below(4)).map(|_| text(random)).collect::<Vec<_>>()),
        "d" => json!({"s": text(random), "k": {"s": text(random)}}),
        "e" => json!([{"s": text(random)}, {"s": text(random), "h_hex": "6162"}]),
        "r_ref" => json!(random.pick(&[&IDS[..], &["t--9", ""]].concat())),
        "m_refs" => json!((0..random.below(4)).map(|_| random.pick(&IDS)).collect::<Vec<_>>()),
        "q" => json!([[text(random), text(random)], text(random), [number(random)]]),
        _ => json!(text(random)),
    }
}

fn any(random: &mut Random, depth: u32) -> Value {
    let choice = if depth == 0 { random.below(5) } else { random.below(8) };
    match choice {
        0 => Value::Null,
        1 => json!(random.chance(50)),
        2 => json!(random.below(3)),
        3 | 4 => json!(text(random)),
        5 => json!((0..random.below(3)).map(|_| any(random, depth - 1)).collect::<Vec<_>>()),
        _ => {
            json!({"s": any(random, depth - 1), "type": any(random, depth - 1), "h_hex": any(random, depth - 1)})
        }
    }
}

#[test]
fn any_json_is_an_observation_or_none() {
    let mut builder = PatternSet::builder();
    for key in 0..200 {
        let text = observation_expression(&mut Random::new(key), 2);
        let _ = builder.add(key, &Pattern::parse(&text).unwrap());
    }
    let mut matcher = builder.build().matcher();
    for seed in 0..2000 {
        let mut random = Random::new(seed);
        let mut object = any(&mut random, 5);
        if let Some(members) = object.as_object_mut() {
            members.insert("type".to_owned(), json!("t"));
        }
        let text =
            json!({"objects": [object, {"type": "observed-data", "id": "o", "objects": object}]}).to_string();
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        if let Some(observation) =
            Observation::of_object(document.root().get("objects").unwrap().elements().next().unwrap())
        {
            matcher.matches(&observation).map(drop).unwrap();
        }
        for observation in Observations::from_bundles([document.root()]).iter() {
            matcher.matches(observation).map(drop).unwrap();
        }
    }
}

#[test]
fn references_in_circles_end() {
    let mut builder = PatternSet::builder();
    let path = "m_refs[*].".repeat(30);
    builder.add(1, &Pattern::parse(&format!("[t:{path}s = 'x']")).unwrap()).unwrap();
    let set = builder.build();
    let refs: Vec<_> = (0..50).map(|id| format!("t--{id}")).collect();
    let objects = refs.iter().map(|id| json!({"type": "t", "id": id, "m_refs": refs, "s": "y"}));
    let data = json!({"type": "observed-data", "id": "o", "object_refs": refs});
    let text = json!({"objects": objects.chain([data]).collect::<Vec<_>>()}).to_string();
    let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
    let observations = Observations::from_bundles([document.root()]);
    assert_eq!(set.matcher().matches(observations.iter().next().unwrap()).unwrap().len(), 0);
}

#[test]
fn stats_tell_what_is_looked_up() {
    let mut builder = PatternSet::builder();
    for (key, text) in (0..).zip([
        "[file:hashes.'SHA-256' = 'ab' OR file:name IN ('c', 'd')]",
        "[file:size > 5 AND file:name LIKE 'e%']",
        "[file:size > 5]",
        "[file:size != 5]",
        "[file:name = 'f' OR NOT EXISTS file:size]",
        "[ipv4-addr:value ISSUBSET 'nowhere'] OR [ipv4-addr:value = '10.0.0.1']",
    ]) {
        builder.add(key, &Pattern::parse(text).unwrap()).unwrap();
    }
    let stats = builder.build().stats();
    assert_eq!((stats.patterns, stats.expressions, stats.anchors), (6, 7, 6));
    assert_eq!((stats.scanned, stats.never), (2, 1));
}

#[test]
fn what_a_set_refuses() {
    let limits = PatternSetLimits::default().expressions(2).text_bytes(30);
    let mut builder = PatternSetBuilder::new(limits);
    let pattern = |text| Pattern::parse(text).unwrap();
    let lookahead = builder.add(0, &pattern("[a:b MATCHES '(?=x)']"));
    assert!(
        matches!(lookahead, Err(PatternSetError::Compile(CompileError::Unsupported(_)))),
        "{lookahead:?}"
    );
    let full = PatternSetError::Full { expressions: 2, text_bytes: 30 };
    assert_eq!(builder.add(0, &pattern("[a:b = 1] OR [a:b = 2] OR [a:b = 3]")), Err(full.clone()));
    builder.add(1, &pattern("[a:b = 1]")).unwrap();
    assert_eq!(builder.add(2, &pattern("[a:b = 'a long constant here']")), Err(full.clone()));
    builder.add(3, &pattern("[a:b = 2]")).unwrap();
    assert_eq!(builder.add(4, &pattern("[a:b = 3]")), Err(full));
    let set = builder.build();
    assert_eq!((set.stats().patterns, set.stats().expressions), (2, 2));
    let document = Document::read(br#"{"type": "a", "b": 2}"#, Limits::default()).unwrap();
    let observation = Observation::of_object(document.root()).unwrap();
    let mut matcher = set.matcher();
    let hits: Vec<_> = matcher.matches(&observation).unwrap().collect();
    assert_eq!(hits, [Hit { key: &3, part: HitPart::Pattern }]);
}

#[test]
fn keys_are_any_values_and_need_not_differ() {
    let mut builder = PatternSet::builder();
    for (key, text) in
        [("b", "[url:value = 'u:1']"), ("a", "[url:value LIKE 'u:%']"), ("b", "[url:value = 'u:1']")]
    {
        builder.add(key.to_owned(), &Pattern::parse(text).unwrap()).unwrap();
    }
    let document = Document::read(br#"{"type": "url", "value": "u:1"}"#, Limits::default()).unwrap();
    let observation = Observation::of_object(document.root()).unwrap();
    let mut matcher = builder.build().matcher();
    let keys: Vec<_> = matcher.matches(&observation).unwrap().map(|hit| hit.key.as_str()).collect();
    assert_eq!(keys, ["b", "a", "b"], "in the order in which they were added");
}
