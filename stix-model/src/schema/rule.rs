//! The numbers of the rules that findings name.

macro_rules! rules {
    ($($name:ident = $number:literal),* $(,)?) => {
        /// A rule that an object breaks: its number in the list of requirements, `conformance/requirements.toml`, which
        /// tells its section and text. `S` is STIX 2.1, `P` its patterns, `I` the interoperability document.
        ///
        /// Serde writes the number as text.
        ///
        /// ```
        /// use stix_model::validate::Rule;
        /// assert_eq!(Rule::S034.as_str(), "S-034");
        /// assert_eq!("S-034".parse(), Ok(Rule::S034));
        /// assert!("S-0".parse::<Rule>().is_err());
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = concat!("`", $number, "`")] $name,)*
        }

        impl Rule {
            /// All rules that the library names.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The number, as it stands in reports.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $number,)*
                }
            }
        }
    };
}

rules! {
    I002 = "I-002",
    I003 = "I-003",
    I004 = "I-004",
    I005 = "I-005",
    I006 = "I-006",
    I014 = "I-014",
    P012 = "P-012",
    P015 = "P-015",
    P021 = "P-021",
    P022 = "P-022",
    P023 = "P-023",
    P025 = "P-025",
    P026 = "P-026",
    P030 = "P-030",
    P042 = "P-042",
    P044 = "P-044",
    P045 = "P-045",
    P062 = "P-062",
    P080 = "P-080",
    P081 = "P-081",
    P082 = "P-082",
    P083 = "P-083",
    P084 = "P-084",
    P092 = "P-092",
    S001 = "S-001",
    S002 = "S-002",
    S003 = "S-003",
    S004 = "S-004",
    S005 = "S-005",
    S006 = "S-006",
    S007 = "S-007",
    S008 = "S-008",
    S009 = "S-009",
    S010 = "S-010",
    S011 = "S-011",
    S012 = "S-012",
    S013 = "S-013",
    S014 = "S-014",
    S015 = "S-015",
    S016 = "S-016",
    S017 = "S-017",
    S018 = "S-018",
    S019 = "S-019",
    S020 = "S-020",
    S022 = "S-022",
    S033 = "S-033",
    S034 = "S-034",
    S035 = "S-035",
    S036 = "S-036",
    S040 = "S-040",
    S041 = "S-041",
    S042 = "S-042",
    S043 = "S-043",
    S045 = "S-045",
    S046 = "S-046",
    S047 = "S-047",
    S048 = "S-048",
    S049 = "S-049",
    S050 = "S-050",
    S052 = "S-052",
    S060 = "S-060",
    S061 = "S-061",
    S066 = "S-066",
    S082 = "S-082",
    S083 = "S-083",
    S084 = "S-084",
    S100 = "S-100",
    S101 = "S-101",
    S110 = "S-110",
    S111 = "S-111",
    S112 = "S-112",
    S114 = "S-114",
    S115 = "S-115",
    S116 = "S-116",
    S119 = "S-119",
    S130 = "S-130",
    S131 = "S-131",
    S140 = "S-140",
    S142 = "S-142",
    S143 = "S-143",
    S144 = "S-144",
    S145 = "S-145",
    S150 = "S-150",
    S151 = "S-151",
    S152 = "S-152",
    S160 = "S-160",
    S161 = "S-161",
    S162 = "S-162",
    S163 = "S-163",
    S165 = "S-165",
    S166 = "S-166",
    S200 = "S-200",
    S201 = "S-201",
    S202 = "S-202",
    S203 = "S-203",
    S204 = "S-204",
    S205 = "S-205",
    S209 = "S-209",
    S211 = "S-211",
    S212 = "S-212",
    S213 = "S-213",
    S214 = "S-214",
    S215 = "S-215",
    S216 = "S-216",
    S217 = "S-217",
    S218 = "S-218",
    S219 = "S-219",
    S220 = "S-220",
    S221 = "S-221",
    S222 = "S-222",
    S223 = "S-223",
    S224 = "S-224",
    S226 = "S-226",
    S240 = "S-240",
}

word!(Rule, "the number of a rule");
