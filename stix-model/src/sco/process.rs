//! TODO-DOC (STIX 2.1, section 6.13).

use crate::Timestamp;
use crate::data_type::{Dictionary, Json, Text};
use crate::reference::{Ref, to};
use crate::schema::Rule;

stix_type! {
    /// TODO-DOC process
    sco Process "process" "6.13"
    required {}
    optional {
        /// TODO-DOC boolean
        is_hidden: bool;
        /// TODO-DOC integer
        pid: i64;
        /// TODO-DOC timestamp
        created_time: Timestamp;
        /// TODO-DOC string
        cwd: Text<'a>;
        /// TODO-DOC string
        command_line: Text<'a>;
        /// TODO-DOC dictionary
        environment_variables: Dictionary<'a, Json<'a>>;
        /// TODO-DOC identifier -> user-account
        creator_user_ref: Ref<to::UserAccount>;
        /// TODO-DOC identifier -> file
        image_ref: Ref<to::File>;
        /// TODO-DOC identifier -> process
        parent_ref: Ref<to::Process>;
    }
    lists {
        /// TODO-DOC identifier -> network-traffic
        opened_connection_refs: Ref<to::NetworkTraffic>;
        /// TODO-DOC identifier -> process
        child_refs: Ref<to::Process>;
    }
    rules [
        Rule::AnyOwn("S-219"),
    ]
    extensions [WindowsProcessExt, WindowsServiceExt]
}
