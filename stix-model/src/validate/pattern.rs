//! The pattern of an indicator (STIX 2.1, section 9).

use super::subject::Subject;

pub(crate) fn check(_subject: &mut Subject<'_, '_>, _pattern: &str) {}
