//! Windows registry key: a key with its values (STIX 2.1, section 6.17).

use crate::Timestamp;
use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::model::vocab::WindowsRegistryDatatype;
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A key of the Windows registry with its values; at least one of the properties must be there.
    ///
    /// ```
    /// use stix_model::{ToObject, sco::{WindowsRegistryKey, WindowsRegistryValue}};
    /// let run = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Run";
    /// let value = WindowsRegistryValue::new().name("updater").data(r"C:\Users\Public\u.exe");
    /// let key = WindowsRegistryKey::new().key(format!(r"HKEY_LOCAL_MACHINE\{run}")).values([value]);
    /// key.to_object()?;
    /// let short = WindowsRegistryKey::new().key(format!(r"HKLM\{run}"));
    /// assert!(short.to_object().unwrap_err().to_string().contains("the hive is spelled out"));
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco WindowsRegistryKey "windows-registry-key" "6.17" "_luvw8wjlfo3y"
    required {}
    optional {
        /// The key with its whole path; the hive is spelled out, such as `HKEY_LOCAL_MACHINE`.
        key: Text<'a>;
        /// When the key was last written to.
        modified_time: Timestamp;
        /// The account that created the key.
        creator_user_ref: Ref<to::UserAccount>;
        /// How many keys are below it.
        number_of_subkeys: i64;
    }
    lists {
        /// The values under the key.
        values: WindowsRegistryValue<'a>;
    }
    constraints [
        Constraint::AnyOwn(Rule::S223),
        Constraint::Check(Check::WindowsRegistryKey),
    ]
}

stix_type! {
    /// A value under a key of the Windows registry; at least one of the properties must be there.
    part WindowsRegistryValue "windows-registry-value-type" "6.17.2" "_u7n4ndghs3qq"
    required {}
    optional {
        /// The name; the default value of a key has the empty name.
        name: Text<'a>;
        /// What the value holds, as text.
        data: Text<'a>;
        /// The type that the registry gives to the data.
        data_type: WindowsRegistryDatatype;
    }
    lists {}
    constraints [
        Constraint::AnyOwn(Rule::S216),
    ]
}
