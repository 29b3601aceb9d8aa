//! Windows service: a process that Windows runs in the background (STIX 2.1, section 6.13.3).

use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::model::vocab::{WindowsServiceStartType, WindowsServiceStatus, WindowsServiceType};
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A service of Windows; stands on a [`Process`](crate::sco::Process). At least one property must be
    /// there.
    part WindowsServiceExt "windows-service-ext" "6.13.3" "_lbcvc2ahx1s0"
    required {}
    optional {
        /// The name by which the system knows the service.
        service_name: Text<'a>;
        /// The name that people see.
        display_name: Text<'a>;
        /// The group in whose turn the service is loaded.
        group_name: Text<'a>;
        /// When the service starts; one of the listed words.
        start_type: WindowsServiceStartType;
        /// Whether it is a driver or a program, with its own process or in a shared one; one of the listed
        /// words.
        service_type: WindowsServiceType;
        /// Whether it runs, is stopped, or is about to; one of the listed words.
        service_status: WindowsServiceStatus;
    }
    lists {
        /// Texts that describe the service.
        descriptions: Text<'a>;
        /// The libraries that hold the code of the service.
        service_dll_refs: Ref<to::File>;
    }
    constraints [
        Constraint::AnyOwn(Rule::S216),
    ]
}
