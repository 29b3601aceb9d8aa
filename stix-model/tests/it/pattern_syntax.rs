//! What is a pattern, what is none, and what the messages say.

use crate::vectors::rows;
use proptest::prelude::*;
use stix_model::Timestamp;
use stix_model::pattern::{
    Comparison, ComparisonExpression, Constant, MatchLimits, ObjectPath, ObservationExpression, Operator,
    Pattern, PatternErrorKind, PatternLevel, PatternLimits, PatternRule, Qualifier, Seconds, Step, Test,
};

/// Labelled valid because the reference grammar accepts them, against a rule of the standard that these labels
/// follow elsewhere.
const DISPUTED: [(&str, &str); 8] = [
    ("pattern_syntax-0059", "there is no 31 April (RFC 3339, section 5.7)"),
    ("pattern_syntax-0060", "there is no 29 February 2023"),
    ("pattern_syntax-0116", "no object has the types a and (b or c)"),
    ("pattern_syntax-0117", "no object has the types (a or b) and (c or d)"),
    ("pattern_syntax-0118", "no object has the types a and b"),
    ("pattern_syntax-0339", "a set of constants of two types"),
    ("pattern_syntax-0340", "a set of constants of two types"),
    ("pattern_syntax-0476", "WITHIN needs a positive number"),
];

#[test]
fn vectors() {
    let mut wrong = Vec::new();
    for (case, row, _) in rows("pattern_syntax.jsonl") {
        let Some(is_valid) = row["spec_valid"].as_bool() else { continue };
        let text = row["pattern"].as_str().unwrap();
        let faults = match Pattern::parse(text) {
            Err(error) => vec![error.to_string()],
            Ok(pattern) => {
                let issues = pattern.check().into_iter();
                issues
                    .filter(|issue| issue.level() == PatternLevel::Must)
                    .map(|issue| issue.to_string())
                    .collect()
            }
        };
        let is_disputed = DISPUTED.iter().any(|(disputed, _)| *disputed == case);
        if faults.is_empty() != (is_valid && !is_disputed) {
            wrong.push(format!("{case}, labelled {is_valid}: {text}\n    {faults:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn canonical_form_is_a_fixed_point() {
    for (case, row, _) in rows("pattern_syntax.jsonl") {
        let Ok(pattern) = Pattern::parse(row["pattern"].as_str().unwrap()) else { continue };
        let canonical = pattern.to_string();
        let again = Pattern::parse(&canonical).unwrap_or_else(|error| panic!("{case}: {canonical}: {error}"));
        assert_eq!(again, pattern, "{case}: {canonical}");
        assert_eq!(again.to_string(), canonical, "{case}");
        let spellings = again.check().into_iter().filter(|issue| is_spelling(issue.rule())).count();
        assert_eq!(spellings, 0, "{case}: {canonical}");
    }
}

fn is_spelling(rule: PatternRule) -> bool {
    use PatternRule as Rule;
    matches!(
        rule,
        Rule::PlusSign | Rule::OperatorAlias | Rule::Comment | Rule::UpperCaseHex | Rule::LeadingDot
    )
}

#[test]
fn canonical_spellings() {
    let cases = [
        ("[a:b==1]", "[a:b = 1]"),
        ("[ (a:b<>+1) ]//", "[a:b != 1]"),
        ("([((a:b=1) OR (a:c=2 AND a:d=3))])", "[a:b = 1 OR a:c = 2 AND a:d = 3]"),
        ("[(a:b=1 OR a:c=2) AND a:d=3]", "[(a:b = 1 OR a:c = 2) AND a:d = 3]"),
        (
            "[a:b=1]AND[a:b=2]OR[a:b=3]FOLLOWEDBY[a:b=4]",
            "[a:b = 1] AND [a:b = 2] OR [a:b = 3] FOLLOWEDBY [a:b = 4]",
        ),
        ("[a:b=1] AND ([a:b=2] OR [a:b=3])", "[a:b = 1] AND ([a:b = 2] OR [a:b = 3])"),
        (
            "(([a:b=1])) WITHIN 010.50 SECONDS REPEATS 2 TIMES",
            "[a:b = 1] WITHIN 10.5 SECONDS REPEATS 2 TIMES",
        ),
        ("([a:b=1] REPEATS 2 TIMES) REPEATS 2 TIMES", "([a:b = 1] REPEATS 2 TIMES) REPEATS 2 TIMES"),
        ("[a:'b'.'c-d'.'AND'[*][0].'e.f' = 1]", "[a:b.'c-d'.'AND'[*][0].'e.f' = 1]"),
        ("[a:b IN(1,-.5,2.0,100000000000000000000.0)]", "[a:b IN (1, -0.5, 2.0, 100000000000000000000.0)]"),
        ("[a:b NOT LIKE 'it\\'s \\\\']", "[a:b NOT LIKE 'it\\'s \\\\']"),
        ("[a:b=h'FF0a' OR a:b=b'AB\nI=']", "[a:b = h'ff0a' OR a:b = b'ABI=']"),
        ("[NOT EXISTS a : b . c]", "[NOT EXISTS a:b.c]"),
        ("[a:b=t'2016-01-01T00:00:00.100Z']", "[a:b = t'2016-01-01T00:00:00.100Z']"),
        ("[a:b=true\u{3000}AND\u{A0}a:c!=false]", "[a:b = true AND a:c != false]"),
    ];
    for (text, canonical) in cases {
        assert_eq!(Pattern::parse(text).unwrap().to_string(), canonical, "{text}");
    }
}

#[test]
fn refusals_say_what_would_be_right() {
    let cases = [
        (
            "[a:b like 'x']",
            "expected an operator, found `like` at line 1, column 6: keywords are in capitals (LIKE)",
        ),
        (
            "file:name = 'x'",
            "expected `[` or `(`, found `file` at line 1, column 1: comparisons stand in square brackets",
        ),
        (
            "[file:hashes.SHA-256 = 'x']",
            "expected a property name, found `SHA-256` at line 1, column 14: a name with a hyphen stands in apostrophes",
        ),
        (
            "[a:b = \"x\"]",
            "expected a constant, found `\"` at line 1, column 8: strings and names stand in apostrophes, not in quotation marks",
        ),
        (
            "[a:b = null]",
            "expected a constant, found `null` at line 1, column 8: there is no null; `NOT EXISTS path` asks for absence",
        ),
        (
            "[NOT a:b = 1]",
            "expected EXISTS, found `a` at line 1, column 6: otherwise NOT stands behind the path: a:b NOT = 1",
        ),
        (
            "[a:b = 1]\n  WITHIN 5 MINUTES",
            "expected SECONDS, found `MINUTES` at line 2, column 12: the only unit is SECONDS",
        ),
        ("[a:b = 1e5]", "expected AND, OR or `]`, found `e5` at line 1, column 9: numbers have no exponent"),
        (
            "[a:b = 05]",
            "expected a constant, found `05` at line 1, column 8: an integer has no leading zeros",
        ),
        (
            "[a:b > true]",
            "expected a constant that has an order, found `true` at line 1, column 8: booleans go with = and != only",
        ),
        ("[a:b = 'ä", "this apostrophe is never closed at line 1, column 8"),
        (
            "[a:b = 'ä\\n']",
            "in a string, a backslash stands only before an apostrophe or another backslash at line 1, column 10",
        ),
        ("[a:b = h'abc']", "a hex constant is an even number of hexadecimal digits at line 1, column 8"),
        ("[a:b = b'AB I=']", "a binary constant is base64 with padding (RFC 4648) at line 1, column 8"),
        ("[a:b = t'2016-02-30T00:00:00Z']", "there is no such date or time at line 1, column 8"),
        ("[a:b = 9223372036854775808]", "this number is out of range at line 1, column 8"),
        ("[a:b[-1] = 1]", "expected an index (0, 1, …) or *, found `-` at line 1, column 6"),
        ("[a:b = 1] /* x", "this comment is never closed at line 1, column 11"),
        (
            "",
            "expected `[` or `(`, found the end of the pattern at line 1, column 1: comparisons stand in square brackets",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(Pattern::parse(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn rules_beyond_the_grammar() {
    use PatternRule as Rule;
    let cases = [
        ("[a:b = 1 AND c:d = 2]", vec![Rule::DifferentTypes]),
        ("[(a:b = 1 OR c:d = 2) AND c:e = 3]", vec![]),
        ("[(a:b = 1 AND c:d = 2) AND e:f = 3]", vec![Rule::DifferentTypes]),
        ("[a:b IN (1, 2.5)]", vec![]),
        ("[a:b IN (h'00', b'AA==')]", vec![]),
        ("[a:b IN (1, 'x')]", vec![Rule::MixedSet]),
        ("[a:b IN (1, true)]", vec![Rule::MixedSet]),
        ("[a:b IN ()]", vec![Rule::EmptySet]),
        ("[a:b = 9007199254740992]", vec![Rule::IntegerRange]),
        ("[a:b = 9007199254740991]", vec![]),
        ("[a:b = +1 OR a:b <> .5]", vec![Rule::PlusSign, Rule::OperatorAlias, Rule::LeadingDot]),
        ("[a:b MATCHES '(']", vec![Rule::InvalidRegex("`(` without `)`")]),
        ("[a:b MATCHES '(?=x)']", vec![Rule::UnsupportedRegex("look-around is not supported")]),
        ("[a:b ISSUBSET '198.51.100.7/24']", vec![]),
        ("[a:b ISSUPERSET '2001:db8::/129']", vec![Rule::NotANetwork]),
        ("[a:b = 1] WITHIN 0.0 SECONDS", vec![Rule::NotPositive]),
        ("[a:b = 1] REPEATS 0 TIMES", vec![Rule::NotPositive]),
        ("[a:b = 1] REPEATS 1 TIMES WITHIN 1 SECONDS REPEATS 1 TIMES", vec![Rule::DuplicateQualifier]),
        ("([a:b = 1]) REPEATS 2 TIMES REPEATS 2 TIMES", vec![Rule::DuplicateGroupQualifier]),
        ("([a:b = 1] OR [a:b = 2]) REPEATS 2 TIMES REPEATS 2 TIMES", vec![Rule::DuplicateGroupQualifier]),
        ("([a:b = 1] REPEATS 2 TIMES) REPEATS 2 TIMES", vec![]),
        ("[a:b = 1] START t'2017-01-01T00:00:00Z' STOP t'2017-01-01T00:00:00.0Z'", vec![Rule::EmptyInterval]),
    ];
    for (text, rules) in cases {
        let issues = Pattern::parse(text).unwrap().check();
        assert_eq!(issues.iter().map(|issue| issue.rule()).collect::<Vec<_>>(), rules, "{text}");
    }
    let issue = &Pattern::parse("[a:b = 1] OR [x:y = 2 AND z:y NOT IN (1, 'a')]").unwrap().check()[1];
    assert_eq!(issue.to_string(), "z:y NOT IN (1, 'a'): the members of a set are constants of one type");
}

#[test]
fn issues_know_where_they_are() {
    for (text, places) in [
        ("[a:b=1 AND c:d=2]", &["a:b=1 AND"][..]),
        ("[x:y=1] AND ( [a:b  IN (1, 'x')] WITHIN 0 SECONDS)", &["a:b  IN", "WITHIN 0"]),
        ("[x:y=1]REPEATS 1 TIMES   REPEATS 2 TIMES", &["REPEATS 2"]),
        ("([x:y == 1]) WITHIN 1 SECONDS WITHIN 2 SECONDS", &["== 1", "WITHIN 2"]),
        ("[x:y=1 OR (NOT EXISTS a:b OR a:b =   99999999999999999)]", &["a:b =   9"]),
        ("[x:y IN () OR x:y = h'FF']", &["IN ()", "FF'"]),
        (
            "[file:hashes.MD5 = 'x' OR file:name = 'x' OR file:hashes.'SHA-1' IN ('x')]",
            &["file:hashes.MD5", "file:hashes.'SHA-1'"],
        ),
        ("[x:y MATCHES 'a' OR x:y MATCHES '(' ]", &["x:y MATCHES '('"]),
    ] {
        let issues = Pattern::parse(text).unwrap().check();
        let found: Vec<_> = issues.iter().map(|issue| &text[issue.offset().unwrap()..]).collect();
        let is_right = found.iter().zip(places).all(|(found, place)| found.starts_with(place));
        assert!(is_right && found.len() == places.len(), "{text}: {found:?}");
    }
}

#[test]
fn limits_hold() {
    let nested = |depth| format!("{}[a:b = 1]{}", "(".repeat(depth), ")".repeat(depth));
    let limits = PatternLimits::default();
    assert!(Pattern::parse(&nested(limits.depth)).is_ok());
    let deeper = Pattern::parse(&nested(limits.depth + 1)).unwrap_err();
    assert_eq!((deeper.kind(), deeper.offset()), (&PatternErrorKind::TooDeep(limits.depth), limits.depth));
    let inner = format!("[{}a:b = 1", "(".repeat(100_000));
    assert_eq!(Pattern::parse(&inner).unwrap_err().kind(), &PatternErrorKind::TooDeep(limits.depth));
    let path = format!("[a:b{} = 1]", ".c".repeat(limits.depth));
    assert_eq!(Pattern::parse(&path).unwrap_err().kind(), &PatternErrorKind::TooDeep(limits.depth));

    let few = limits.comparisons(3);
    assert!(Pattern::parse_within("[a:b = 1 OR a:b IN (2, 3)]", few).is_ok());
    let more = Pattern::parse_within("[a:b = 1 OR a:b IN (2, 3, 4)]", few).unwrap_err();
    assert_eq!((more.kind(), more.offset()), (&PatternErrorKind::TooMany(3), 25));
    let short = limits.bytes(8);
    assert_eq!(Pattern::parse_within("[a:b = 1]", short).unwrap_err().kind(), &PatternErrorKind::TooLong(8));
}

fn any_constant() -> impl Strategy<Value = Constant> {
    prop_oneof![any::<bool>().prop_map(Constant::Boolean), any_ordered_constant(),]
}

fn any_ordered_constant() -> impl Strategy<Value = Constant> {
    prop_oneof![
        any::<i64>().prop_map(Constant::Integer),
        prop::num::f64::NORMAL.prop_map(Constant::Float),
        any_text().prop_map(Constant::String),
        any_timestamp().prop_map(Constant::Timestamp),
        any::<Vec<u8>>().prop_map(|bytes| Constant::Hex(bytes.into())),
        any::<Vec<u8>>().prop_map(|bytes| Constant::Binary(bytes.into())),
    ]
}

fn any_text() -> impl Strategy<Value = Box<str>> {
    prop_oneof!["[a'\\\\\n]{0,4}", any::<String>()].prop_map(String::into_boxed_str)
}

fn any_timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i32>().prop_map(|seconds| Timestamp::from_micros(i64::from(seconds) * 1_000_001).unwrap())
}

fn any_test() -> impl Strategy<Value = Test> {
    use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    prop_oneof![
        (prop::sample::select(vec![Equal, NotEqual]), any_constant()).prop_map(|(o, c)| Test::Compare(o, c)),
        (prop::sample::select(vec![Less, Greater, LessOrEqual, GreaterOrEqual]), any_ordered_constant())
            .prop_map(|(o, c)| Test::Compare(o, c)),
        prop::collection::vec(any_constant(), 0..4).prop_map(Test::In),
        any_text().prop_map(Test::Like),
        any_text().prop_map(Test::Matches),
        any_text().prop_map(Test::IsSubset),
        any_text().prop_map(Test::IsSuperset),
        Just(Test::Exists),
    ]
}

fn any_comparison() -> impl Strategy<Value = Comparison> {
    let name = prop_oneof!["AND|LAST|true|[a-z_]{1,4}", any::<String>()]
        .prop_map(|name| Step::Property(name.into()));
    let step = prop_oneof![name.clone(), any::<u64>().prop_map(Step::Index), Just(Step::AnyIndex)];
    let path = ("[A-Za-z_][a-z0-9-]{3,8}", name, prop::collection::vec(step, 0..4)).prop_map(
        |(object_type, first, rest)| ObjectPath {
            object_type: object_type.into(),
            steps: std::iter::once(first).chain(rest).collect(),
        },
    );
    (path, any::<bool>(), any_test()).prop_map(|(path, is_negated, test)| Comparison {
        path,
        is_negated,
        test,
    })
}

fn any_comparisons() -> impl Strategy<Value = ComparisonExpression> {
    any_comparison().prop_map(ComparisonExpression::Test).prop_recursive(3, 8, 3, |inner| {
        let members = prop::collection::vec(inner, 2..4);
        prop_oneof![
            members.clone().prop_map(ComparisonExpression::And),
            members.prop_map(ComparisonExpression::Or),
        ]
    })
}

fn seconds(digits: u32, fraction: u16) -> Seconds {
    let text = format!("[a:b = 1] WITHIN {digits}.{fraction} SECONDS");
    match Pattern::parse(&text).unwrap().expression() {
        ObservationExpression::Qualified { qualifiers, .. } => match &qualifiers[..] {
            [Qualifier::Within(seconds)] => seconds.clone(),
            _ => panic!("{text}"),
        },
        _ => panic!("{text}"),
    }
}

fn any_expression() -> impl Strategy<Value = ObservationExpression> {
    let qualifier = prop_oneof![
        (any::<u32>(), any::<u16>())
            .prop_map(|(digits, fraction)| Qualifier::Within(seconds(digits, fraction))),
        any::<u64>().prop_map(Qualifier::Repeats),
        (any_timestamp(), any_timestamp()).prop_map(|(start, stop)| Qualifier::StartStop { start, stop }),
    ];
    let qualifiers = prop::collection::vec(qualifier, 1..3).prop_map(|mut qualifiers| {
        qualifiers.dedup_by_key(|qualifier| std::mem::discriminant(qualifier));
        qualifiers
    });
    any_comparisons().prop_map(ObservationExpression::Comparison).prop_recursive(3, 8, 3, move |inner| {
        let members = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            members.clone().prop_map(ObservationExpression::And),
            members.clone().prop_map(ObservationExpression::Or),
            members.prop_map(ObservationExpression::FollowedBy),
            (inner, qualifiers.clone()).prop_map(|(expression, qualifiers)| {
                ObservationExpression::Qualified { expression: Box::new(expression), qualifiers }
            }),
        ]
    })
}

proptest! {
    #[test]
    fn every_tree_survives_its_text(expression in any_expression()) {
        let text = expression.to_string();
        let pattern = Pattern::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}\n{error}")))?;
        prop_assert_eq!(pattern.expression(), &expression, "{}", text);
        prop_assert_eq!(pattern.to_string(), text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(
        text in "\\PC{0,40}|[\\[\\]()'a:b.=<>!*,0-9 \\\\htANDORITHSEx/-]{0,40}",
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..24),
    ) {
        for text in [text, words.concat()] {
            if let Ok(pattern) = Pattern::parse(&text) {
                pattern.check();
                let canonical = pattern.to_string();
                let again = Pattern::parse(&canonical);
                prop_assert_eq!(again, Ok(pattern), "{}", canonical);
            }
        }
    }
}

const WORDS: [&str; 46] = [
    "[",
    "]",
    "(",
    ")",
    "[a:b",
    "=1]",
    "a:b",
    ".c",
    "[0]",
    "[*]",
    ".'x y'",
    "=",
    "==",
    "!=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    " AND ",
    " OR ",
    " FOLLOWEDBY ",
    " NOT ",
    "EXISTS ",
    " IN ",
    "(1,2)",
    " LIKE ",
    " MATCHES ",
    " ISSUBSET ",
    "'1.2.3.4/8'",
    "'x%'",
    "'\\\\('",
    "1",
    "-1",
    ".5",
    "true",
    "h'00'",
    "b'AA=='",
    "t'2016-01-01T00:00:00Z'",
    " WITHIN 5 SECONDS",
    " REPEATS 2 TIMES",
    " START ",
    " STOP ",
    "/* x */",
    "//\n",
    "\u{2003}",
];

/// Qualifiers of one kind nest behind a group, and what is nested is walked by recursion.
#[test]
fn qualifiers_of_a_group_nest_no_deeper_than_parentheses() {
    let pattern = |count: usize| format!("([a:b = 1]){}", " WITHIN 1 SECONDS".repeat(count));
    assert!(Pattern::parse(&pattern(60)).is_ok());
    for count in [70, 50_000] {
        let error = Pattern::parse(&pattern(count)).unwrap_err();
        assert!(matches!(error.kind(), PatternErrorKind::TooDeep(_)), "{error}");
    }
}

/// Every kind of bracket, and what nests like one, up to the limit and beyond it, on a stack that is small.
#[test]
fn no_nesting_overflows_the_stack() {
    let repeat = |open: &str, inside: &str, close: &str, depth: usize| {
        format!("{}{inside}{}", open.repeat(depth), close.repeat(depth))
    };
    // What nests around observations, in brackets, and in regular expressions.
    let outer = [
        ("(", ")"),
        ("(", ") WITHIN 1 SECONDS"),
        ("(", ") WITHIN 1 SECONDS WITHIN 2 SECONDS WITHIN 3 SECONDS"),
        ("(", ") WITHIN 1 SECONDS REPEATS 2 TIMES WITHIN 2 SECONDS REPEATS 3 TIMES"),
        ("([a:b = 1] AND ", ")"),
        ("(([a:b = 1] OR [c:d = 2] REPEATS 2 TIMES) WITHIN 1 SECONDS FOLLOWEDBY ", ") WITHIN 5 SECONDS"),
        ("([a:b = 1] FOLLOWEDBY ", " OR [c:d = 2]) REPEATS 2 TIMES REPEATS 3 TIMES"),
    ];
    let middle = [("(", ")"), ("(a:b = 1 OR ", " AND e:f = 3)"), ("(a:b IN (1, 2) AND ", ")")];
    let inner = [("(", ")"), ("(?:a|", ")+"), ("([a-z]{2,3}", "|(b)*)?"), ("[", "]"), ("[[:alpha:]", "]")];
    let work = move || {
        let mut deepest = 0;
        for depth in [1, 3, 16, 31, 32, 63, 64, 65, 5_000] {
            for (outside, between, inside) in outer
                .iter()
                .flat_map(|outer| middle.iter().map(move |middle| (outer, middle)))
                .flat_map(|(outer, middle)| inner.iter().map(move |inner| (outer, middle, inner)))
            {
                for (first, second, third) in
                    [(depth, depth, depth), (depth, 1, 1), (1, depth, 1), (1, 1, depth)]
                {
                    let regex = repeat(inside.0, "a", inside.1, third);
                    let test = repeat(between.0, &format!("a:b MATCHES '{regex}'"), between.1, second);
                    let text = repeat(outside.0, &format!("[{test}]"), outside.1, first);
                    let Ok(pattern) = Pattern::parse(&text) else { continue };
                    deepest = deepest.max(first + second);
                    let canonical = pattern.to_string();
                    assert_eq!(Pattern::parse(&canonical).unwrap(), pattern, "{text}");
                    std::hint::black_box((pattern.check(), pattern.clone() == pattern));
                    let _ = std::hint::black_box(pattern.compile(MatchLimits::default()));
                }
            }
        }
        deepest
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(work).unwrap();
    assert!(thread.join().unwrap() >= 64, "the limit is reached");
}

/// Levels add up over groups in groups, whatever they come from.
#[test]
fn levels_of_groups_and_qualifiers_add_up() {
    let limit = PatternLimits::default().depth;
    let is_read = |text: &str| match Pattern::parse(text) {
        Ok(_) => true,
        Err(error) => {
            assert!(matches!(error.kind(), PatternErrorKind::TooDeep(_)), "{error}: {text}");
            false
        }
    };
    let qualifiers = |count: usize| " WITHIN 1 SECONDS".repeat(count);
    // A group with n such qualifiers has as many levels.
    let group = |inner: &str, count: usize| format!("({inner}){}", qualifiers(count));
    let nested = |per_group: usize, groups: usize| {
        (0..groups).fold("[a:b = 1]".to_owned(), |inner, _| group(&inner, per_group))
    };
    for per_group in [1, 2, 4, 8, 16, 32, 64] {
        assert!(is_read(&nested(per_group, limit / per_group)), "{per_group}");
        assert!(!is_read(&nested(per_group, limit / per_group + 1)), "{per_group}");
    }
    // Side by side they do not add up.
    let beside = vec![nested(32, 2); 10].join(" AND ");
    assert!(is_read(&beside));
    assert!(!is_read(&format!("({beside}){}", qualifiers(1))));
    assert!(!is_read(&format!("([a:b = 1] FOLLOWEDBY ({beside}))")));
    let comparisons = format!("[{}a:b = 1{}]", "(".repeat(40), ")".repeat(40));
    assert!(is_read(&nested(8, 3).replace("[a:b = 1]", &comparisons)));
    assert!(!is_read(&nested(8, 4).replace("[a:b = 1]", &comparisons)));
}
