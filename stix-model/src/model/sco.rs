//! Cyber-observable objects (STIX 2.1, section 6).
//!
//! ```
//! use stix_model::{ToObject, sco::File};
//! let file = File::new().name("evil.exe").size(4096).to_object()?;
//! let again = File::new().name("evil.exe").to_object()?;
//! assert_eq!(file.id(), again.id(), "the identifier follows from the name, not from the size");
//! # Ok::<(), stix_model::BuildError>(())
//! ```

mod artifact;
mod autonomous_system;
mod directory;
mod domain_name;
mod email_addr;
mod email_message;
mod file;
mod ipv4_addr;
mod ipv6_addr;
mod mac_addr;
mod mutex;
mod network_traffic;
mod process;
mod software;
mod url;
mod user_account;
mod windows_registry_key;
mod x509_certificate;

pub use artifact::Artifact;
pub use autonomous_system::AutonomousSystem;
pub use directory::Directory;
pub use domain_name::DomainName;
pub use email_addr::EmailAddress;
pub use email_message::{EmailMessage, EmailMimePart};
pub use file::File;
pub use ipv4_addr::Ipv4Address;
pub use ipv6_addr::Ipv6Address;
pub use mac_addr::MacAddress;
pub use mutex::Mutex;
pub use network_traffic::NetworkTraffic;
pub use process::Process;
pub use software::Software;
pub use url::Url;
pub use user_account::UserAccount;
pub use windows_registry_key::{WindowsRegistryKey, WindowsRegistryValue};
pub use x509_certificate::{X509Certificate, X509V3Extensions};
