//! Domain objects (STIX 2.1, section 4).
//!
//! ```
//! use stix_model::{Mint, ToObject, sdo::Malware, vocab::MalwareType};
//! # let mut mint = Mint::new(|| 1_700_000_000_000_000, |bytes: &mut [u8; 16]| bytes.fill(1));
//! let family = Malware::new(mint.stamp(), true).name("Emotet").malware_types([MalwareType::Bot]).to_object()?;
//! assert_eq!(family.id().object_type(), "malware");
//! let read: Malware = family.read()?;
//! assert_eq!(read.malware_types, [MalwareType::Bot]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attack_pattern;
mod campaign;
mod course_of_action;
mod grouping;
mod identity;
mod incident;
mod indicator;
mod infrastructure;
mod intrusion_set;
mod location;
mod malware;
mod malware_analysis;
mod note;
mod observed_data;
mod opinion;
mod report;
mod threat_actor;
mod tool;
mod vulnerability;

pub use attack_pattern::AttackPattern;
pub use campaign::Campaign;
pub use course_of_action::CourseOfAction;
pub use grouping::Grouping;
pub use identity::Identity;
pub use incident::Incident;
pub use indicator::Indicator;
pub use infrastructure::Infrastructure;
pub use intrusion_set::IntrusionSet;
pub use location::Location;
pub use malware::Malware;
pub use malware_analysis::MalwareAnalysis;
pub use note::Note;
pub use observed_data::ObservedData;
pub use opinion::Opinion;
pub use report::Report;
pub use threat_actor::ThreatActor;
pub use tool::Tool;
pub use vulnerability::Vulnerability;
