//! Process: a running program (STIX 2.1, section 6.13).

use crate::Timestamp;
use crate::model::data_type::{Dictionary, Json, Text};
use crate::model::reference::{Ref, to};
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A running program. At least one property must be there, be it an extension such as
    /// [`WindowsProcessExt`](crate::extension::WindowsProcessExt).
    ///
    /// No content makes a process the same as another one, so its identifier is always drawn at random.
    ///
    /// ```
    /// use stix_model::{ToObject, sco::Process};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let process = Process::new().pid(1221).command_line("./gedit-bin --new-window").is_hidden(false);
    /// assert!(process.to_object().is_err(), "no identifier");
    /// process.id(mint.stamp().uuid).to_object()?;
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco Process "process" "6.13" "_hpppnm86a1jm"
    required {}
    optional {
        /// Whether the process hides from those who list processes.
        is_hidden: bool;
        /// The number that the operating system gave to it.
        pid: i64;
        /// When it was started.
        created_time: Timestamp;
        /// The directory in which it works.
        cwd: Text<'a>;
        /// The command with which it was started, with all arguments.
        command_line: Text<'a>;
        /// Environment variables by name, in upper and lower case as on the system.
        environment_variables: Dictionary<'a, Json<'a>>;
        /// The account that started it.
        creator_user_ref: Ref<to::UserAccount>;
        /// The program file that it runs.
        image_ref: Ref<to::File>;
        /// The process that started it.
        parent_ref: Ref<to::Process>;
    }
    lists {
        /// Network connections that it opened.
        opened_connection_refs: Ref<to::NetworkTraffic>;
        /// Processes that it started.
        child_refs: Ref<to::Process>;
    }
    constraints [
        Constraint::AnyOwn(Rule::S219),
    ]
    extensions [WindowsProcessExt, WindowsServiceExt]
}
