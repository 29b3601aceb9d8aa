//! Scores of EPSS: how likely a vulnerability is to be exploited in the next thirty days. The file has a line about itself, the
//! names of its columns, and a row for each vulnerability; it has new scores each day.

use super::ConvertError;
use super::lines::each_line;
use super::vulnerability::{at, cve, cve_part};
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use crate::shared::{Part, SharedKey};
use serde_json::{Number, Value as Json};
use std::io::BufRead;
use stix_model::Timestamp;

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let mut scores = Scores { maker, model: None, date: maker.now().clone(), columns: None };
    let mut refused = None;
    each_line(input, &mut |number, line| {
        if refused.is_some() {
            return;
        }
        let made = match line.map(str::trim) {
            Ok("") => return,
            Ok(line) if line.starts_with('#') => return refused = scores.head(&line[1..]).err(),
            Ok(line) if scores.columns.is_none() => return refused = scores.names(line).err(),
            Ok(line) => scores.row(line),
            Err(reason) => Err(reason),
        };
        out.record();
        match made {
            Ok((key, part)) => out.part(key, part),
            Err(reason) => out.reject(Rejected { record: format!("line {number}"), reason }),
        }
    })?;
    match refused {
        Some(reason) => Err(ConvertError::Form(reason)),
        None if scores.columns.is_none() => Err(ConvertError::Form("it has no names of columns".to_owned())),
        None => Ok(()),
    }
}

struct Scores<'m, 'f> {
    maker: &'m Maker<'f>,
    model: Option<String>,
    /// The day of the scores.
    date: Timestamp,
    /// Where the identifier, the score and the percentile are.
    columns: Option<[usize; 3]>,
}

impl Scores<'_, '_> {
    /// `#model_version:v2023.03.01,score_date:2025-02-20T00:00:00+0000`
    fn head(&mut self, line: &str) -> Result<(), String> {
        for (name, value) in line.split(',').filter_map(|member| member.split_once(':')) {
            match name.trim() {
                "model_version" => self.model = Some(value.trim().to_owned()),
                "score_date" => self.date = at(value, "the date of the scores")?,
                _ => {}
            }
        }
        Ok(())
    }

    fn names(&mut self, line: &str) -> Result<(), String> {
        let names: Vec<&str> = line.split(',').map(str::trim).collect();
        let place = |name| {
            let place = names.iter().position(|column| *column == name);
            place.ok_or_else(|| format!("there is no column `{name}`"))
        };
        self.columns = Some([place("cve")?, place("epss")?, place("percentile")?]);
        Ok(())
    }

    fn row(&self, line: &str) -> Result<(SharedKey, Part), String> {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let [id, score, percentile] = self.columns.unwrap_or([0, 1, 2]);
        let cell =
            |column: usize| cells.get(column).ok_or_else(|| format!("it has {} columns only", cells.len()));
        let cve = cve(cell(id)?)?;
        let mut part = cve_part(self.maker, &cve, self.date.clone(), self.date.clone());
        part.facts.insert("epss".to_owned(), share(cell(score)?, "score")?);
        part.facts.insert("percentile".to_owned(), share(cell(percentile)?, "percentile")?);
        part.facts.insert("score_date".to_owned(), self.date.as_str().into());
        if let Some(model) = &self.model {
            part.facts.insert("model_version".to_owned(), model.as_str().into());
        }
        Ok((SharedKey::vulnerability(&cve), part))
    }
}

/// A number from 0 to 1.
fn share(text: &str, what: &str) -> Result<Json, String> {
    let number: Option<f64> = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    let number = number.and_then(Number::from_f64);
    number.map(Json::Number).ok_or_else(|| {
        format!("the {what} `{}` is no number from 0 to 1", text.chars().take(40).collect::<String>())
    })
}
