//! Whether the standard defines a relationship (STIX 2.1, sections 3.7 and 5.1).

use super::subject::Subject;
use crate::finding::Code;
use crate::graph::{RelationshipDefinition as Is, is_defined};
use crate::id;
use crate::schema::rule::Rule;

pub(crate) fn check(subject: &mut Subject<'_, '_>, relationship_type: &str) {
    let (Some(source), Some(target)) = (subject.text("source_ref"), subject.text("target_ref")) else {
        return;
    };
    let (Some(source), Some(target)) = (id::named_type(&source), id::named_type(&target)) else {
        return;
    };
    match is_defined(source, relationship_type, target) {
        Is::Specified | Is::Common | Is::CustomType | Is::ImpossibleEnd => {}
        Is::Renamed(name) => {
            let message = format!("this relationship is now called `{name}`");
            subject
                .should(Code::Relationship, "relationship_type", Rule::S161, message)
                .fix(format!("write {name}"));
        }
        Is::TypesDiffer => {
            let message = format!(
                "`{relationship_type}` stands between objects of one type, not {source} and {target}"
            );
            subject.should(Code::Relationship, "relationship_type", Rule::S163, message);
        }
        Is::NotDefined => {
            let message = format!("the standard defines no `{relationship_type}` from {source} to {target}");
            subject.should(Code::Relationship, "relationship_type", Rule::S161, message);
        }
    }
}
