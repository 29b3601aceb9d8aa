//! TODO-DOC (STIX 2.1, section 6.16).

use crate::Timestamp;
use crate::data_type::Text;
use crate::schema::Rule;
use crate::vocab::AccountType;

stix_type! {
    /// TODO-DOC user-account
    sco UserAccount "user-account" "6.16"
    required {}
    optional {
        /// TODO-DOC string
        user_id: Text<'a>;
        /// TODO-DOC string
        credential: Text<'a>;
        /// TODO-DOC string
        account_login: Text<'a>;
        /// TODO-DOC open-vocab
        account_type: AccountType;
        /// TODO-DOC string
        display_name: Text<'a>;
        /// TODO-DOC boolean
        is_service_account: bool;
        /// TODO-DOC boolean
        is_privileged: bool;
        /// TODO-DOC boolean
        can_escalate_privs: bool;
        /// TODO-DOC boolean
        is_disabled: bool;
        /// TODO-DOC timestamp
        account_created: Timestamp;
        /// TODO-DOC timestamp
        account_expires: Timestamp;
        /// TODO-DOC timestamp
        credential_last_changed: Timestamp;
        /// TODO-DOC timestamp
        account_first_login: Timestamp;
        /// TODO-DOC timestamp
        account_last_login: Timestamp;
    }
    lists {}
    rules [
        Rule::AnyOwn("S-222"),
    ]
    extensions [UnixAccountExt]
}
