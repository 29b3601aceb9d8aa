//! The result of a run, and the forms it is written in.

mod junit;
mod table;

use std::io::{self, Write};

use serde::Serialize;

use crate::requirements::{Level, Requirement};
use crate::verdict::Outcome;

/// One requirement with what the run found.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The row of `requirements.toml`.
    #[serde(flatten)]
    pub requirement: Requirement,
    /// What was found.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// A whole run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The API root that was tested.
    pub api_root: String,
    /// In the order of `requirements.toml`.
    pub rows: Vec<Row>,
    /// What the reader should know besides: objects that could not be deleted again.
    pub notes: Vec<String>,
}

/// How many rows ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that pass.
    pub passed: usize,
    /// Rows that fail.
    pub failed: usize,
    /// Failed rows of level MUST.
    pub failed_musts: usize,
    /// Rows this run says nothing about.
    pub not_applicable: usize,
}

impl Report {
    /// Counts the rows.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for row in &self.rows {
            match row.outcome {
                Outcome::Pass => tally.passed += 1,
                Outcome::NotApplicable { .. } => tally.not_applicable += 1,
                Outcome::Fail { .. } => {
                    tally.failed += 1;
                    tally.failed_musts += usize::from(row.requirement.level == Level::Must);
                }
            }
        }
        tally
    }

    /// The rows that fail.
    pub fn failures(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| matches!(row.outcome, Outcome::Fail { .. }))
    }

    /// For people.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        table::write(self, out)
    }

    /// For programs: one JSON document.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// For build servers: JUnit XML. Rows below MUST that fail count as failures there as well.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_junit(&self, out: &mut dyn Write) -> io::Result<()> {
        junit::write(self, out)
    }
}
