//! User account: an account on a system or at a service (STIX 2.1, section 6.16).

use crate::Timestamp;
use crate::model::data_type::Text;
use crate::model::vocab::AccountType;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// An account on a system or at a service; at least one of the properties must be there.
    ///
    /// ```
    /// use stix_model::{Json, ToObject, extension::UnixAccountExt, sco::UserAccount, vocab::AccountType};
    /// let unix = UnixAccountExt::new().gid(1001).home_dir("/home/jo").groups(["wheel"]);
    /// let account = UserAccount::new().user_id("1001").account_login("jo").account_type(AccountType::Unix);
    /// let account = account.can_escalate_privs(true).extension("unix-account-ext", Json::from_typed(&unix));
    /// assert!(account.to_object()?.header().id.as_str().starts_with("user-account--"));
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco UserAccount "user-account" "6.16" "_azo70vgj1vm2"
    required {}
    optional {
        /// What the system itself knows the account by, such as a UID, a SID or an account name.
        user_id: Text<'a>;
        /// The password in clear text. Meant for what malware carries with it, not for data of real persons.
        credential: Text<'a>;
        /// What the user types to log in, where that is not `user_id`.
        account_login: Text<'a>;
        /// What kind of account it is.
        account_type: AccountType;
        /// The name that others see.
        display_name: Text<'a>;
        /// Whether a service uses the account, and not a person.
        is_service_account: bool;
        /// Whether the account has elevated rights, such as `root`.
        is_privileged: bool;
        /// Whether the account can get elevated rights, for instance by `sudo`.
        can_escalate_privs: bool;
        /// Whether the account is disabled.
        is_disabled: bool;
        /// When the account was created.
        account_created: Timestamp;
        /// When the account expires.
        account_expires: Timestamp;
        /// When the password was last changed.
        credential_last_changed: Timestamp;
        /// When somebody first logged in.
        account_first_login: Timestamp;
        /// When somebody last logged in.
        account_last_login: Timestamp;
    }
    lists {}
    constraints [
        Constraint::AnyOwn(Rule::S222),
    ]
    extensions [UnixAccountExt]
}
