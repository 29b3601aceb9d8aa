//! Windows process: what Windows keeps of a process (STIX 2.1, section 6.13.2).

use crate::model::data_type::{Dictionary, Json, Text};
use crate::model::vocab::WindowsIntegrityLevel;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// What Windows knows of a process; stands on a [`Process`](crate::sco::Process). At least one property
    /// must be there.
    part WindowsProcessExt "windows-process-ext" "6.13.2" "_oyegq07gjf5t"
    required {}
    optional {
        /// Whether its memory is laid out at random (ASLR).
        aslr_enabled: bool;
        /// Whether data cannot be executed (DEP).
        dep_enabled: bool;
        /// The class of priority, such as `HIGH_PRIORITY_CLASS`.
        priority: Text<'a>;
        /// The security identifier (SID) of its owner.
        owner_sid: Text<'a>;
        /// The title of its main window.
        window_title: Text<'a>;
        /// What it was told about its window and its handles at the start: the fields of `STARTUPINFO` by
        /// name.
        startup_info: Dictionary<'a, Json<'a>>;
        /// How far Windows trusts it; one of the listed words.
        integrity_level: WindowsIntegrityLevel;
    }
    lists {}
    constraints [
        Constraint::AnyOwn(Rule::S216),
    ]
}
