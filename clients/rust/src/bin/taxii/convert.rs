//! `taxii convert`

use crate::failure::Failure;
use crate::input::{Fault, InputOptions, LIMITS, Text, text_of};
use crate::out::Out;
use crate::pretty::on_one_line;
use std::collections::BTreeMap;
use stix_model::convert::{ConvertOptions, MalwareKind, Note, NoteKind, ObservedData, object_to_2_1};
use stix_model::json::Document;
use uuid::Uuid;

/// Notes of one kind that are shown one by one.
const SHOWN: usize = 3;

/// Turn STIX 2.0 into STIX 2.1
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Objects are written as JSON lines, or as one bundle. Those of STIX 2.1 stay as they are. What STIX 2.1 has no place for,
and what it demands but STIX 2.0 did not say, is told on standard error. The result is not checked: pipe it through
`taxii validate`.

Exit codes: 0 all objects were converted; 1 something is no object, and was left out; 2 the command was not understood,
or a file cannot be read.

Examples:
  taxii convert attack-2.0.json > attack.jsonl
  taxii convert --bundle old.json > new.json
  taxii convert old.json.gz | taxii validate
  curl https://feed.example/stix2.0.json | taxii convert | taxii push -c drafts")]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: InputOptions,
    /// Write one STIX bundle instead of JSON lines
    #[arg(long)]
    bundle: bool,
    /// What malware is taken for, which STIX 2.0 does not say
    #[arg(long, value_enum, default_value = "family")]
    malware: Malware,
    /// Leave the objects of observed data where they are, in the property `objects`, which STIX 2.1 deprecates
    #[arg(long)]
    keep_observed_data: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Malware {
    /// A family of malware
    Family,
    /// One instance
    Instance,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    let malware = match arguments.malware {
        Malware::Family => MalwareKind::Family,
        Malware::Instance => MalwareKind::Instance,
    };
    let observed_data = match arguments.keep_observed_data {
        true => ObservedData::Keep,
        false => ObservedData::Expand,
    };
    let options = ConvertOptions::default().malware(malware).observed_data(observed_data);
    let mut conversion = Conversion {
        options,
        bundle: arguments.bundle,
        written: 0,
        left_out: 0,
        observed: BTreeMap::new(),
        notes: BTreeMap::new(),
    };
    let read = arguments.input.each(out, |text, out| conversion.text(text, out));
    let is_all_well = conversion.left_out == 0;
    Failure::verdict(read.and_then(|()| conversion.finish(out)), is_all_well)
}

struct Conversion {
    options: ConvertOptions,
    bundle: bool,
    written: usize,
    left_out: usize,
    /// What came out of observed data, by its identifier.
    observed: BTreeMap<String, String>,
    /// How often each kind of note was made.
    notes: BTreeMap<String, usize>,
}

impl Conversion {
    fn text(&mut self, text: &Text<'_>, out: &mut Out) -> Result<(), Failure> {
        let document = match text.read(LIMITS) {
            Ok(document) => document,
            Err(fault) => return self.leave_out(text, &fault, out),
        };
        let parts = match text.parts(document.root()) {
            Ok(parts) => parts,
            Err(fault) => return self.leave_out(text, &fault, out),
        };
        let lines = text.lines();
        for object in parts.objects() {
            let place = text.place(lines.at(object.range().start));
            match object_to_2_1(object, self.options) {
                Err(error) => {
                    self.left_out += 1;
                    out.complain(format!("{place}: left out: {error}"));
                }
                Ok(converted) => {
                    let id = text_of(object, "id").unwrap_or_default();
                    for note in &converted.notes {
                        self.note(&format!("{place}: {id}"), note, out);
                    }
                    let mut objects = converted.objects.into_iter();
                    objects.next().map_or(Ok(()), |object| self.write(&object, out))?;
                    for inside in objects {
                        self.observed(&place.to_string(), inside, out)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, text: &Text<'_>, fault: &Fault, out: &mut Out) -> Result<(), Failure> {
        self.left_out += 1;
        out.complain(format!("{}: left out: {}", text.file, fault.message()));
        Ok(())
    }

    /// Writes an observable that was inside observed data, unless the same came out of another.
    fn observed(&mut self, place: &str, object: String, out: &mut Out) -> Result<(), Failure> {
        let id = Document::read(object.as_bytes(), LIMITS)
            .ok()
            .and_then(|document| text_of(document.root(), "id").map(std::borrow::Cow::into_owned));
        match id.as_ref().and_then(|id| self.observed.get(id)) {
            Some(first) if *first == object => return Ok(()),
            Some(_) => {
                let id = id.unwrap_or_default();
                self.count(
                    &format!("{place}: {id}"),
                    "another description of this object; both are there",
                    out,
                );
            }
            None => {
                self.observed.insert(id.unwrap_or_default(), object.clone());
            }
        }
        self.write(&object, out)
    }

    fn note(&mut self, place: &str, note: &Note, out: &Out) {
        // What was lost differs from one object to the next, and is shown each time.
        if matches!(note.kind, NoteKind::Lost { .. } | NoteKind::NeverMatches { .. }) {
            return out.remark(format!("{place}: {note}"));
        }
        self.count(place, &note.to_string(), out);
    }

    fn count(&mut self, place: &str, note: &str, out: &Out) {
        let times = self.notes.entry(note.to_owned()).or_default();
        *times += 1;
        if *times <= SHOWN {
            out.remark(format!("{place}: {note}"));
        }
    }

    fn write(&mut self, object: &str, out: &mut Out) -> Result<(), Failure> {
        if !self.bundle {
            out.raw(&on_one_line(object))?;
            out.raw(b"\n")?;
        } else if self.written == 0 {
            out.raw(format!("{},\"objects\":[\n{object}", self.head()).as_bytes())?;
        } else {
            out.raw(format!(",\n{object}").as_bytes())?;
        }
        self.written += 1;
        Ok(())
    }

    fn head(&self) -> String {
        format!(r#"{{"type":"bundle","id":"bundle--{}""#, Uuid::new_v4())
    }

    fn finish(self, out: &mut Out) -> Result<(), Failure> {
        if self.bundle && self.written > 0 {
            out.raw(b"\n]}\n")?;
        } else if self.bundle {
            // STIX 2.1, section 2.7: a list is never empty, so a bundle of nothing has none.
            out.raw(format!("{}}}\n", self.head()).as_bytes())?;
        }
        out.flush()?;
        for (note, times) in self.notes.iter().filter(|(_, times)| **times > SHOWN) {
            out.remark(format!("{} more: {note}", times - SHOWN));
        }
        let rest = if self.left_out > 0 { format!(", {} left out", self.left_out) } else { String::new() };
        out.remark(format!("{} objects{rest}", self.written));
        Ok(())
    }
}
