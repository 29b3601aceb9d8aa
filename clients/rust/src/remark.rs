//! What was read although the standard has it otherwise.

use std::fmt;

/// Something odd in an answer that was understood all the same. Its text is for the person who runs the program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// A list came without the object around it.
    BareList {
        /// What the list was read as.
        read_as: &'static str,
    },
    /// Rows of a manifest are identifiers without date and version.
    PlainIds,
    /// Elements of a list are `null`.
    Nulls {
        /// The member that holds the list.
        member: &'static str,
    },
    /// Elements of `collections` cannot be used.
    CollectionsLeftOut {
        /// Elements without `id`.
        without_id: usize,
        /// Elements that are no JSON objects.
        no_objects: usize,
    },
    /// A date in a header cannot be read.
    Date {
        /// The header.
        header: &'static str,
        /// What the server sent.
        value: String,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BareList { read_as } => {
                write!(f, "the server sends a list without an object around it; it is read as {read_as}")
            }
            Self::PlainIds => f.write_str("the manifest has identifiers only, without dates and versions"),
            Self::Nulls { member } => write!(f, "elements of `{member}` are null and were left out"),
            Self::CollectionsLeftOut { without_id, no_objects } => {
                let count = without_id + no_objects;
                let noun = if count == 1 { "element" } else { "elements" };
                write!(f, "{count} {noun} of `collections` left out: ")?;
                match (without_id, no_objects) {
                    (_, 0) => write!(f, "without `id`"),
                    (0, _) => write!(f, "not a JSON object"),
                    _ => write!(f, "{without_id} without `id`, {no_objects} not a JSON object"),
                }
            }
            Self::Date { header, value } => {
                write!(f, "the header {header} cannot be read as a date and is not used: {value:?}")
            }
        }
    }
}
