//! Statuses with many rows, and the objects that they are about.

use super::generator::{Growth, parts};
use std::hint::black_box;
use stix_model::taxii::Status;

pub(crate) fn all() -> Vec<Growth> {
    let mut all = Vec::new();
    let mut add = |what: &str, list: &'static str, row: fn(usize) -> String| {
        all.push(Growth::new(format!("status: {what}"), move |bytes| {
            let rows = parts(bytes, ",", row);
            let other = if list == "failures" { "successes" } else { "failures" };
            let last = r#"{"id":"tool--last","version":"2020-01-01T00:00:00Z"}"#;
            format!(r#"{{"id":"x","status":"complete","{list}":[{rows}],"{other}":[{last}]}}"#)
        }));
    };
    for list in ["failures", "successes", "pendings"] {
        add(&format!("{list} of many objects"), list, |at| {
            format!(r#"{{"id":"tool--{at}","version":"2020-01-01T00:00:00Z"}}"#)
        });
        add(&format!("{list} of one object"), list, |_| {
            r#"{"id":"tool--a","version":"2020-01-01T00:00:00Z"}"#.into()
        });
        add(&format!("{list} of versions of one object"), list, |at| {
            format!(r#"{{"id":"tool--a","version":"2020-01-01T00:00:00.{at:06}Z"}}"#)
        });
        add(&format!("{list} with other versions"), list, |at| {
            format!(r#"{{"id":"tool--a","version":"v{at}"}}"#)
        });
        add(&format!("{list} without versions"), list, |at| format!(r#""tool--{}""#, at % 2));
        add(&format!("{list} that name a few objects"), list, |at| {
            let named = r#","x_concord_finding":{"index":1,"pointer":"","code":"c","message":"m"}"#;
            format!(r#"{{"id":"tool--a","version":"v"{}}}"#, if at % 2 == 0 { named } else { "" })
        });
    }
    all
}

/// Matches the rows with the objects of a request that has the same objects in another order, once as the server has
/// written their versions, once as it has not.
pub(crate) fn work(text: &[u8]) {
    let Ok(status) = serde_json::from_slice::<Status>(text) else { return };
    let rows = status.failures.iter().chain(&status.successes).chain(&status.pendings);
    let mut objects: Vec<_> = rows.map(|row| (row.id.as_str(), row.version.as_str())).collect();
    objects.reverse();
    black_box(status.failed_objects(&objects));
    objects.iter_mut().for_each(|(_, version)| *version = "");
    black_box(status.failed_objects(&objects));
}
