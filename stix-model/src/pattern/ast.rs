//! The tree of a pattern: what the author wrote, without white space, comments and needless parentheses.

use crate::Timestamp;

/// One or more observations and how they combine (STIX 2.1, sections 9.3 to 9.5).
#[derive(Clone, Debug, PartialEq)]
pub enum ObservationExpression {
    /// `[ … ]`: one observation.
    Comparison(ComparisonExpression),
    /// All of them, on different observations. At least two members, as in the other lists.
    And(Vec<ObservationExpression>),
    /// At least one of them.
    Or(Vec<ObservationExpression>),
    /// All of them, on different observations, none earlier than those before it.
    FollowedBy(Vec<ObservationExpression>),
    /// An expression with qualifiers, which apply from left to right.
    Qualified {
        /// What the qualifiers restrict.
        expression: Box<ObservationExpression>,
        /// At least one.
        qualifiers: Vec<Qualifier>,
    },
}

/// A restriction on the observations of an expression (STIX 2.1, section 9.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Qualifier {
    /// `WITHIN 5 SECONDS`: all observations lie in a window of this length.
    Within(Seconds),
    /// `REPEATS 5 TIMES`: so many times, on different observations.
    Repeats(u64),
    /// `START t'…' STOP t'…'`: from the start on, and before the stop.
    StartStop {
        /// The first instant that counts.
        start: Timestamp,
        /// The first instant that does not.
        stop: Timestamp,
    },
}

/// A length of time as an exact decimal number of seconds, in its shortest spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seconds(Box<str>);

impl Seconds {
    /// Takes digits, optionally with a dot and more digits.
    pub(super) fn new(digits: &str) -> Self {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let whole = if whole.is_empty() { "0" } else { whole };
        Self(if fraction.is_empty() { whole.into() } else { format!("{whole}.{fraction}").into() })
    }

    /// The decimal number, as in `0.5` or `300`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is no time at all, which the standard rules out.
    pub fn is_zero(&self) -> bool {
        &*self.0 == "0"
    }
}

/// Tests of one object of an observation, and how they combine (STIX 2.1, section 9.3).
#[derive(Clone, Debug, PartialEq)]
pub enum ComparisonExpression {
    /// One test.
    Test(Comparison),
    /// All of them. At least two members, as in `Or`.
    And(Vec<ComparisonExpression>),
    /// At least one of them.
    Or(Vec<ComparisonExpression>),
}

/// One test of one property: `path operator constant`.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Which values are tested.
    pub path: ObjectPath,
    /// Whether `NOT` stands before the operator.
    pub is_negated: bool,
    /// The operator with what stands to the right of it.
    pub test: Test,
}

/// A comparison operator with its constants (STIX 2.1, section 9.6).
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `=`, `!=`, `<`, `>`, `<=` or `>=`.
    Compare(Operator, Constant),
    /// `IN (…)`
    In(Vec<Constant>),
    /// `LIKE '…'`
    Like(Box<str>),
    /// `MATCHES '…'`, a Perl-compatible regular expression.
    Matches(Box<str>),
    /// `ISSUBSET '…'`, an IP address or network.
    IsSubset(Box<str>),
    /// `ISSUPERSET '…'`, an IP address or network.
    IsSuperset(Box<str>),
    /// `EXISTS`, which stands before the path.
    Exists,
}

/// An operator that compares with one constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `<=`
    LessOrEqual,
    /// `>=`
    GreaterOrEqual,
}

impl Operator {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// Which property is meant: `file:hashes.'SHA-256'` (STIX 2.1, section 9.7).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectPath {
    /// The `type` of the object in which the path starts.
    pub object_type: Box<str>,
    /// The steps after the colon. The first one is a [`Step::Property`].
    pub steps: Vec<Step>,
}

/// One step of an object path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A property or dictionary key, without apostrophes and escapes.
    Property(Box<str>),
    /// `[3]`: one element of a list, counted from 0.
    Index(u64),
    /// `[*]`: any element of a list.
    AnyIndex,
}

/// A literal value (STIX 2.1, section 9.1).
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// `true` or `false`
    Boolean(bool),
    /// `5`
    Integer(i64),
    /// `5.5`; always finite.
    Float(f64),
    /// `'…'`, without escapes.
    String(Box<str>),
    /// `t'…'`
    Timestamp(Timestamp),
    /// The bytes of `h'…'`.
    Hex(Box<[u8]>),
    /// The bytes of `b'…'`.
    Binary(Box<[u8]>),
}

/// The words that cannot name a type, and only in apostrophes a property.
pub(super) const KEYWORDS: [&str; 18] = [
    "AND",
    "OR",
    "NOT",
    "FOLLOWEDBY",
    "LIKE",
    "MATCHES",
    "ISSUPERSET",
    "ISSUBSET",
    "EXISTS",
    "LAST",
    "IN",
    "START",
    "STOP",
    "SECONDS",
    "WITHIN",
    "REPEATS",
    "TIMES",
    "true",
];

/// Whether a word is reserved by the grammar.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word) || word == "false"
}
