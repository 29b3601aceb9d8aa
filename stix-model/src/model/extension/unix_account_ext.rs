//! Unix account: what Unix keeps of an account (STIX 2.1, section 6.16.2).

use crate::model::data_type::Text;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// What Unix systems know of an account; stands on a [`UserAccount`](crate::sco::UserAccount). At least
    /// one property must be there.
    part UnixAccountExt "unix-account-ext" "6.16.2" "_hodiamlggpw5"
    required {}
    optional {
        /// The number of the primary group.
        gid: i64;
        /// The home directory.
        home_dir: Text<'a>;
        /// The command interpreter that starts at login.
        shell: Text<'a>;
    }
    lists {
        /// The names of the groups that the account is in.
        groups: Text<'a>;
    }
    constraints [
        Constraint::AnyOwn(Rule::S216),
    ]
}
