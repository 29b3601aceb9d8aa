//! Domain objects (STIX 2.1, section 4).

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

use crate::schema::Schema;

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

/// The table of the type with this name.
pub(crate) fn schema(name: &str) -> Option<&'static Schema> {
    Some(match name {
        "attack-pattern" => AttackPattern::SCHEMA,
        "campaign" => Campaign::SCHEMA,
        "course-of-action" => CourseOfAction::SCHEMA,
        "grouping" => Grouping::SCHEMA,
        "identity" => Identity::SCHEMA,
        "incident" => Incident::SCHEMA,
        "indicator" => Indicator::SCHEMA,
        "infrastructure" => Infrastructure::SCHEMA,
        "intrusion-set" => IntrusionSet::SCHEMA,
        "location" => Location::SCHEMA,
        "malware" => Malware::SCHEMA,
        "malware-analysis" => MalwareAnalysis::SCHEMA,
        "note" => Note::SCHEMA,
        "observed-data" => ObservedData::SCHEMA,
        "opinion" => Opinion::SCHEMA,
        "report" => Report::SCHEMA,
        "threat-actor" => ThreatActor::SCHEMA,
        "tool" => Tool::SCHEMA,
        "vulnerability" => Vulnerability::SCHEMA,
        _ => return None,
    })
}
