//! Many patterns, each with its own observed data.

use super::{Row, answer, compile};
use crate::failure::Failure;
use crate::input::{InputOptions, LIMITS, Text, text_of};
use crate::out::Out;
use stix_model::json::{Kind, Value};
use stix_model::pattern::Observations;

pub(super) fn run(input: &InputOptions, out: &mut Out) -> Result<(), Failure> {
    let mut is_all_well = true;
    let read = input.each(out, |text, out| {
        let row = case(text);
        is_all_well &= row.r#match == Some(true);
        if out.is_json() {
            return Ok(out.json(&row)?);
        }
        let word = if row.r#match == Some(true) { "match" } else { "no match" };
        match &row.error {
            Some(error) => out.line(format!("{}:{}: error: {error}", text.file, row.line))?,
            None => out.line(
                format!("{}:{}: {word} {}", text.file, row.line, row.object_ids.join(" ")).trim_end(),
            )?,
        }
        Ok(())
    });
    Failure::verdict(read, is_all_well)
}

fn case(text: &Text<'_>) -> Row {
    let refuse = |is_match, error| Row {
        line: text.line,
        r#match: is_match,
        object_ids: vec![],
        error: Some(error),
        observed_data_ids: vec![],
    };
    let document = match text.read(LIMITS) {
        Ok(document) => document,
        Err(fault) => return refuse(None, format!("not JSON: {}", fault.message())),
    };
    let Some(pattern) = text_of(document.root(), "pattern") else {
        return refuse(None, "the property `pattern` is missing or not a string".into());
    };
    let Some(bundles) = document.root().get("bundles").filter(|bundles| bundles.kind() == Kind::Array) else {
        return refuse(None, "the property `bundles` is missing or not a list".into());
    };
    match compile(&pattern) {
        Err((is_match, error)) => refuse(is_match, error),
        Ok(compiled) => answer(text.line, &compiled, &Observations::from_bundles(Value::elements(bundles))),
    }
}
