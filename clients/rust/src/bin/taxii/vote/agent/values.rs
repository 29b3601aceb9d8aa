//! The values that an object is about.

use stix_model::Object;
use stix_model::json::{Kind, Value};
use stix_model::pattern::{ComparisonExpression, Constant, ObservationExpression, Pattern, Test};

/// Properties of observables that are values by which lists are made.
const NAMES: [&str; 2] = ["value", "url"];

/// The values of an object: of an observable, of its hashes, and the constants of a pattern.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) all: Vec<String>,
    /// Nothing else may be meant by it.
    pub(super) is_complete: bool,
}

impl Values {
    pub(super) fn of(object: &Object) -> Self {
        let document = object.document();
        let mut values = Self { all: Vec::new(), is_complete: true };
        values.walk(document.root());
        let text = |name| document.root().get(name).and_then(Value::as_str);
        if let Some(pattern) = text("pattern") {
            let is_stix = text("pattern_type").is_none_or(|kind| kind == "stix");
            match Pattern::parse(&pattern) {
                Ok(pattern) if is_stix => values.observations(pattern.expression()),
                _ => values.is_complete = false,
            }
        }
        values.all.sort_unstable();
        values.all.dedup();
        values
    }

    fn walk(&mut self, value: Value<'_>) {
        match value.kind() {
            Kind::Object => {
                for (name, member) in value.members() {
                    match member.as_str() {
                        Some(text) if NAMES.contains(&&*name) => self.all.push(text.into_owned()),
                        _ if name == "hashes" => {
                            let hashes = member.members().filter_map(|(_, hash)| hash.as_str());
                            self.all.extend(hashes.map(|hash| hash.into_owned()));
                        }
                        _ => self.walk(member),
                    }
                }
            }
            Kind::Array => value.elements().for_each(|element| self.walk(element)),
            _ => {}
        }
    }

    fn observations(&mut self, expression: &ObservationExpression) {
        match expression {
            ObservationExpression::Comparison(comparison) => self.comparisons(comparison),
            ObservationExpression::And(all)
            | ObservationExpression::Or(all)
            | ObservationExpression::FollowedBy(all) => all.iter().for_each(|one| self.observations(one)),
            ObservationExpression::Qualified { expression, .. } => self.observations(expression),
        }
    }

    fn comparisons(&mut self, expression: &ComparisonExpression) {
        match expression {
            ComparisonExpression::Test(comparison) => {
                // What is ruled out is no bound on what is meant.
                self.is_complete &= !comparison.is_negated;
                self.test(&comparison.test);
            }
            ComparisonExpression::And(all) | ComparisonExpression::Or(all) => {
                all.iter().for_each(|one| self.comparisons(one));
            }
        }
    }

    fn test(&mut self, test: &Test) {
        match test {
            Test::Compare(_, constant) => self.constant(constant),
            Test::In(constants) => constants.iter().for_each(|constant| self.constant(constant)),
            Test::IsSubset(network) | Test::IsSuperset(network) => self.all.push(network.to_string()),
            Test::Like(_) | Test::Matches(_) => self.is_complete = false,
            Test::Exists => {}
        }
    }

    fn constant(&mut self, constant: &Constant) {
        match constant {
            Constant::String(text) => self.all.push(text.to_string()),
            Constant::Hex(_) | Constant::Binary(_) => self.is_complete = false,
            Constant::Boolean(_) | Constant::Integer(_) | Constant::Float(_) | Constant::Timestamp(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(members: &str) -> (Vec<String>, bool) {
        let object = format!(
            r#"{{"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
                "created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z",{members}}}"#
        );
        let Values { all, is_complete } = Values::of(&Object::parse(&object).unwrap());
        (all, is_complete)
    }

    #[test]
    fn values_are_those_of_observables_and_patterns() {
        let pattern = |pattern: &str| values(&format!(r#""pattern":"{pattern}","pattern_type":"stix""#));
        let (all, is_complete) =
            pattern("[url:value IN ('a', 'b')] AND [file:hashes.MD5 = 'c' AND file:size > 5]");
        assert_eq!((all, is_complete), (vec!["a".into(), "b".into(), "c".into()], true));
        assert_eq!(pattern("[ipv4-addr:value ISSUBSET '198.51.100.0/24']").0, ["198.51.100.0/24"]);
        for doubtful in
            ["[url:value LIKE 'http://%']", "[url:value MATCHES 'x']", "[url:value NOT = 'x']", "no pattern"]
        {
            assert!(!pattern(doubtful).1, "{doubtful}");
        }
        assert!(!values(r#""pattern":"[url:value = 'x']","pattern_type":"yara""#).1);
        let (all, _) = values(r#""value":"v","x":[{"hashes":{"MD5":"h"}}],"name":"n""#);
        assert_eq!(all, ["h", "v"]);
    }
}
