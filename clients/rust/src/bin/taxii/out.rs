//! The only door to standard output and standard error.

use crate::failure::Failure;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

/// How results are shown.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Write results, errors and remarks as JSON, one value on each line
    #[arg(long, global = true)]
    json: bool,
    /// Write results and errors only: no progress, no remarks
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Colour results: `auto` means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    color: When,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

impl When {
    fn is_now(self) -> bool {
        let is_unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
        match self {
            // https://no-color.org
            Self::Auto => is_unset("NO_COLOR") && io::stdout().is_terminal(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// How a part of a line looks where colours are wanted.
#[derive(Clone, Copy)]
pub(crate) enum Tone {
    Plain,
    Error,
    Warning,
    Faint,
}

/// Results go to standard output; remarks, progress and errors to standard error.
pub(crate) struct Out {
    stdout: BufWriter<Stdout>,
    json: bool,
    quiet: bool,
    colours: bool,
}

impl Out {
    pub(crate) fn new(output: &Output) -> Self {
        let Output { json, quiet, color } = *output;
        // A whole chunk at a time: `Stdout` itself looks for the end of the last line in each write.
        let stdout = BufWriter::with_capacity(64 << 10, io::stdout());
        Self { stdout, json, quiet, colours: color.is_now() }
    }

    /// Results are to be JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Neither progress nor remarks are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A line of text.
    pub(crate) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.stdout, "{}", harmless(&text.to_string()))
    }

    /// A line of parts that may be coloured.
    pub(crate) fn toned(&mut self, parts: &[(Tone, &str)]) -> io::Result<()> {
        for (tone, text) in parts {
            // ECMA-48, select graphic rendition.
            let code = match tone {
                Tone::Error => "1;31",
                Tone::Warning => "33",
                Tone::Faint => "2",
                Tone::Plain => "",
            };
            if self.colours && !code.is_empty() {
                write!(self.stdout, "\x1b[{code}m{}\x1b[0m", harmless(text))?;
            } else {
                self.stdout.write_all(harmless(text).as_bytes())?;
            }
        }
        self.stdout.write_all(b"\n")
    }

    /// A value as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.stdout, value)?;
        self.stdout.write_all(b"\n")
    }

    /// Bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdout.write_all(bytes)
    }

    /// Columns, each as wide as its widest cell.
    pub(crate) fn table<const N: usize>(&mut self, head: [&str; N], rows: &[[String; N]]) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(head).add_rows(rows);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        self.line(table.trim_fmt())
    }

    /// A remark for the person at the terminal.
    pub(crate) fn remark(&self, text: impl Display) {
        if !self.quiet {
            self.tell("remark", text);
        }
    }

    /// Something that is wrong, while the command goes on.
    pub(crate) fn complain(&self, text: impl Display) {
        self.tell("warning", text);
    }

    /// What ends the command.
    pub(crate) fn fail(&self, failure: &Failure) {
        match failure.message() {
            Some(_) if self.json => note(&failure.json().to_string()),
            Some(message) => note(&harmless(&message)),
            None => {}
        }
    }

    fn tell(&self, kind: &str, text: impl Display) {
        let text = text.to_string();
        if self.json {
            note(&serde_json::json!({ kind: text }).to_string());
        } else {
            note(&harmless(&text));
        }
    }

    /// Everything is out. To be called before a long wait and at the end.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

/// Writes a line to standard error. When that is gone, there is no other way to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Titles and messages come from servers, and a terminal obeys what control characters say.
fn harmless(text: &str) -> String {
    let replace = |character: char| {
        let is_dangerous = character.is_control() && !matches!(character, '\n' | '\t');
        if is_dangerous { char::REPLACEMENT_CHARACTER } else { character }
    };
    text.chars().map(replace).collect()
}
