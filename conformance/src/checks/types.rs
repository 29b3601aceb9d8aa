//! TAXII 2.1, section 2, 3.8 and 8.2.1: the JSON of every answer of the run, judged by the resource tables.

use super::visit;
use crate::exchange::Exchange;
use crate::shape::{self, Rule, Shape};
use crate::suite::Suite;
use crate::verdict::Verdict;

checks![
    bodies_are_i_json,
    booleans_are_literals,
    identifiers_are_random_uuids,
    integers_are_safe,
    lists_are_never_empty,
    timestamps_have_six_digits,
    names_are_as_printed,
    required_properties_are_there,
    resources_are_valid,
    custom_names_are_well_formed,
];

async fn bodies_are_i_json(suite: &Suite) -> Verdict {
    visit(suite).await?;
    for answer in suite.client.seen().iter().filter(|e| !e.body.is_empty()) {
        // An error page of HTML is a wrong content type, which is the business of another rule.
        let claims_json = answer.header("content-type").is_some_and(|kind| kind.contains("json"));
        if claims_json || answer.is_success() && answer.shape.is_some() {
            answer.json()?;
        }
    }
    Ok(())
}

async fn booleans_are_literals(suite: &Suite) -> Verdict {
    obeyed(suite, &[Rule::Flag]).await
}

async fn identifiers_are_random_uuids(suite: &Suite) -> Verdict {
    obeyed(suite, &[Rule::Identifier]).await
}

async fn integers_are_safe(suite: &Suite) -> Verdict {
    obeyed(suite, &[Rule::Integer]).await
}

async fn lists_are_never_empty(suite: &Suite) -> Verdict {
    obeyed(suite, &[Rule::EmptyList]).await
}

async fn timestamps_have_six_digits(suite: &Suite) -> Verdict {
    obeyed(suite, &[Rule::Stamp]).await
}

async fn names_are_as_printed(suite: &Suite) -> Verdict {
    obeyed(suite, &[Rule::Spelling]).await
}

async fn required_properties_are_there(suite: &Suite) -> Verdict {
    obeyed(suite, &[Rule::Missing]).await
}

async fn resources_are_valid(suite: &Suite) -> Verdict {
    obeyed(suite, &[Rule::Other, Rule::Flag, Rule::Integer, Rule::Stamp, Rule::Identifier]).await
}

async fn custom_names_are_well_formed(suite: &Suite) -> Verdict {
    visit(suite).await?;
    for answer in suite.client.seen() {
        let (Some(shape), Ok(json)) = (shape_of(&answer), &answer.json) else { continue };
        for (pointer, name) in shape.custom_names(json) {
            let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !letters || !(3..=250).contains(&name.len()) {
                return Err(answer.fail(pointer, "custom names are 3 to 250 of a-z, 0-9 and _"));
            }
        }
    }
    Ok(())
}

async fn obeyed(suite: &Suite, rules: &[Rule]) -> Verdict {
    visit(suite).await?;
    for answer in suite.client.seen() {
        let (Some(shape), Ok(json)) = (shape_of(&answer), &answer.json) else { continue };
        if let Some(breach) = shape.breaches(json).iter().find(|breach| rules.contains(&breach.rule)) {
            return Err(answer.fail(&breach.pointer, format!("{}: {}", shape.name, breach.detail)));
        }
    }
    Ok(())
}

/// The resource an answer has to be: what its endpoint defines, or an error.
fn shape_of(answer: &Exchange) -> Option<&'static Shape> {
    match answer.status {
        200..=299 => answer.shape,
        400.. if answer.json.is_ok() => Some(&shape::ERROR),
        _ => None,
    }
}
