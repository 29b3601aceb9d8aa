//! From text to tree: one pass over the bytes, a function for each rule of the grammar (STIX 2.1, section 9).

use super::ast::{
    Comparison, ComparisonExpression, ObjectPath, ObservationExpression, Operator, Qualifier, Seconds, Step,
    Test,
};
use super::check::PatternRule;
use super::error::PatternErrorKind as Refusal;
use super::lexer::{Lexer, Parse};
use super::{Pattern, PatternLimits};

pub(super) fn parse(text: &str, limits: PatternLimits) -> Parse<Pattern> {
    let mut parser =
        Parser { lexer: Lexer::new(text), limits, depth: 0, height: 0, comparisons: 0, offsets: Vec::new() };
    if text.len() > limits.bytes {
        return parser.lexer.refuse(0, Refusal::TooLong(limits.bytes));
    }
    let expression = parser.followed_by()?;
    parser.lexer.end("AND, OR, FOLLOWEDBY, a qualifier or the end of the pattern")?;
    Ok(Pattern { expression, spellings: parser.lexer.spellings, offsets: parser.offsets })
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    limits: PatternLimits,
    /// Parentheses that are open.
    depth: usize,
    /// Levels of the tree below those parentheses, in what was read since the last of them was opened.
    height: usize,
    /// Comparisons read so far; each member of a set is one.
    comparisons: usize,
    /// Where comparisons and qualifiers begin.
    offsets: Vec<u32>,
}

impl Parser<'_> {
    fn followed_by(&mut self) -> Parse<ObservationExpression> {
        self.joined("FOLLOWEDBY", Self::observation_or, ObservationExpression::FollowedBy)
    }

    fn observation_or(&mut self) -> Parse<ObservationExpression> {
        self.joined("OR", Self::observation_and, ObservationExpression::Or)
    }

    fn observation_and(&mut self) -> Parse<ObservationExpression> {
        self.joined("AND", Self::observation, ObservationExpression::And)
    }

    fn comparison_or(&mut self) -> Parse<ComparisonExpression> {
        self.joined("OR", Self::comparison_and, ComparisonExpression::Or)
    }

    fn comparison_and(&mut self) -> Parse<ComparisonExpression> {
        self.joined("AND", Self::comparison, ComparisonExpression::And)
    }

    /// `member (keyword member)*`
    fn joined<T>(
        &mut self,
        keyword: &'static str,
        member: fn(&mut Self) -> Parse<T>,
        join: fn(Vec<T>) -> T,
    ) -> Parse<T> {
        let first = member(self)?;
        if !self.lexer.eat_word(keyword)? {
            return Ok(first);
        }
        let mut members = vec![first];
        loop {
            let highest = std::mem::take(&mut self.height);
            members.push(member(self)?);
            self.height = self.height.max(highest);
            if !self.lexer.eat_word(keyword)? {
                break;
            }
        }
        Ok(join(members))
    }

    fn observation(&mut self) -> Parse<ObservationExpression> {
        let is_group = self.lexer.eat(b'(')?;
        let mut expression = if is_group {
            self.nested(Self::followed_by, "AND, OR, FOLLOWEDBY, a qualifier or `)`")?
        } else if self.lexer.eat(b'[')? {
            let inner = self.comparison_or()?;
            self.lexer.need(b']', "AND, OR or `]`")?;
            ObservationExpression::Comparison(inner)
        } else {
            return self.lexer.expected_hint("`[` or `(`", "comparisons stand in square brackets");
        };
        let mut qualifiers: Vec<Qualifier> = Vec::new();
        while let Some(qualifier) = self.qualifier()? {
            let kind = std::mem::discriminant(&qualifier);
            if is_group && qualifiers.iter().any(|other| std::mem::discriminant(other) == kind) {
                // The validator of OASIS lets this pass behind parentheses, as if more of them stood there.
                let offset = self.offsets.last().map_or(0, |offset| *offset as usize);
                self.lexer.note(PatternRule::DuplicateGroupQualifier, offset, &qualifier.to_string());
                self.deepen(offset)?;
                expression = qualified(expression, std::mem::take(&mut qualifiers));
            }
            qualifiers.push(qualifier);
        }
        Ok(if qualifiers.is_empty() { expression } else { qualified(expression, qualifiers) })
    }

    /// What stands between parentheses, of which the first is already read.
    fn nested<T>(&mut self, inside: fn(&mut Self) -> Parse<T>, close: &'static str) -> Parse<T> {
        let open = self.lexer.at() - 1;
        if self.depth == self.limits.depth {
            return self.lexer.refuse(open, Refusal::TooDeep(self.limits.depth));
        }
        self.depth += 1;
        let inner = inside(self)?;
        self.depth -= 1;
        self.deepen(open)?;
        self.lexer.need(b')', close)?;
        Ok(inner)
    }

    /// Counts another level around what was read. Walks over the tree recurse through all levels, whether they come from
    /// parentheses or from qualifiers.
    fn deepen(&mut self, offset: usize) -> Parse<()> {
        self.height += 1;
        if self.depth + self.height > self.limits.depth {
            return self.lexer.refuse(offset, Refusal::TooDeep(self.limits.depth));
        }
        Ok(())
    }

    fn qualifier(&mut self) -> Parse<Option<Qualifier>> {
        let begin = self.lexer.begin()?;
        let qualifier = if self.lexer.eat_word("WITHIN")? {
            let seconds = Seconds::new(self.lexer.positive_number("a positive number of seconds")?);
            self.lexer.need_word("SECONDS")?;
            Qualifier::Within(seconds)
        } else if self.lexer.eat_word("REPEATS")? {
            let times = self.lexer.positive_integer("a positive integer")?;
            self.lexer.need_word("TIMES")?;
            Qualifier::Repeats(times)
        } else if self.lexer.eat_word("START")? {
            let start = self.lexer.timestamp()?;
            self.lexer.need_word("STOP")?;
            Qualifier::StartStop { start, stop: self.lexer.timestamp()? }
        } else {
            return Ok(None);
        };
        self.offsets.push(begin);
        Ok(Some(qualifier))
    }

    fn comparison(&mut self) -> Parse<ComparisonExpression> {
        if self.lexer.eat(b'(')? {
            return self.nested(Self::comparison_or, "AND, OR or `)`");
        }
        self.count()?;
        let begin = self.lexer.begin()?;
        self.offsets.push(begin);
        let is_negated = self.lexer.eat_word("NOT")?;
        if self.lexer.eat_word("EXISTS")? {
            let path = self.object_path()?;
            return Ok(ComparisonExpression::Test(Comparison { path, is_negated, test: Test::Exists }));
        }
        if is_negated {
            return self.lexer.expected_hint("EXISTS", "otherwise NOT stands behind the path: a:b NOT = 1");
        }
        let path = self.object_path()?;
        let is_negated = self.lexer.eat_word("NOT")?;
        let test = self.test()?;
        Ok(ComparisonExpression::Test(Comparison { path, is_negated, test }))
    }

    fn count(&mut self) -> Parse<()> {
        if self.comparisons == self.limits.comparisons {
            return self.lexer.refuse(self.lexer.at(), Refusal::TooMany(self.limits.comparisons));
        }
        self.comparisons += 1;
        Ok(())
    }

    fn test(&mut self) -> Parse<Test> {
        if let Some(operator) = self.lexer.operator()? {
            let constant = match operator {
                Operator::Equal | Operator::NotEqual => self.lexer.constant()?,
                _ => self.lexer.orderable_constant()?,
            };
            return Ok(Test::Compare(operator, constant));
        }
        if self.lexer.eat_word("IN")? {
            return self.set(self.lexer.at() - 2);
        }
        for (word, test) in [
            ("LIKE", Test::Like as fn(Box<str>) -> Test),
            ("MATCHES", Test::Matches),
            ("ISSUBSET", Test::IsSubset),
            ("ISSUPERSET", Test::IsSuperset),
        ] {
            if self.lexer.eat_word(word)? {
                return Ok(test(self.lexer.string("a string in apostrophes")?));
            }
        }
        self.lexer.expected_hint("an operator", "EXISTS stands before the path, all others behind it")
    }

    fn set(&mut self, begin: usize) -> Parse<Test> {
        self.lexer.need(b'(', "`(`")?;
        if self.lexer.eat(b')')? {
            self.lexer.note(PatternRule::EmptySet, begin, "IN ()");
            return Ok(Test::In(Vec::new()));
        }
        let mut constants = vec![self.lexer.constant()?];
        while self.lexer.eat(b',')? {
            self.count()?;
            constants.push(self.lexer.constant()?);
        }
        self.lexer.need(b')', "`,` or `)`")?;
        Ok(Test::In(constants))
    }

    fn object_path(&mut self) -> Parse<ObjectPath> {
        let object_type = self.lexer.object_type()?.into();
        self.lexer.need(b':', "`:` and a property")?;
        let mut steps = Vec::with_capacity(2);
        steps.push(Step::Property(self.lexer.property()?));
        loop {
            let start = self.lexer.at();
            if self.lexer.eat(b'.')? {
                steps.push(Step::Property(self.lexer.property()?));
            } else if self.lexer.eat(b'[')? {
                let is_any = self.lexer.eat(b'*')?;
                steps.push(if is_any { Step::AnyIndex } else { Step::Index(self.lexer.index()?) });
                self.lexer.need(b']', "`]`")?;
            } else {
                return Ok(ObjectPath { object_type, steps });
            }
            if steps.len() > self.limits.depth {
                return self.lexer.refuse(start, Refusal::TooDeep(self.limits.depth));
            }
        }
    }
}

fn qualified(expression: ObservationExpression, qualifiers: Vec<Qualifier>) -> ObservationExpression {
    ObservationExpression::Qualified { expression: Box::new(expression), qualifiers }
}
