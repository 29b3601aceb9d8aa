//! Directory: a directory of a file system (STIX 2.1, section 6.3).

use crate::Timestamp;
use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A directory of a file system, as it was seen.
    ///
    /// ```
    /// use stix_model::{StixType, ToObject, sco::Directory};
    /// let directory = Directory::new(r"C:\Windows\System32").path_enc("windows-1252");
    /// // A backslash is doubled in JSON.
    /// assert!(directory.to_json().contains(r#""path":"C:\\Windows\\System32""#));
    /// directory.to_object()?;
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco Directory "directory" "6.3" "_lyvpga5hlw52"
    required {
        /// The path, written as on the system where it was seen.
        path: Text<'a>;
    }
    optional {
        /// The character set in which the path was seen, if that was not Unicode; a name that IANA lists.
        path_enc: Text<'a>;
        /// When the directory was created.
        ctime: Timestamp;
        /// When something was last written to the directory.
        mtime: Timestamp;
        /// When the directory was last read.
        atime: Timestamp;
    }
    lists {
        /// Files and directories in it.
        contains_refs: Ref<to::FileOrDirectory>;
    }
    constraints [
        Constraint::Needs("path_enc", &["path"], Rule::S033),
        Constraint::Check(Check::Directory),
    ]
}
