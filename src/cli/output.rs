//! Standard output: formats, colour, and a CSV writer.

use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};

/// How data is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values, RFC 4180.
    Csv,
    /// A page of its own.
    Html,
}

impl Format {
    /// Accepts some of the formats, for `--format`.
    pub(super) fn parser(names: &'static [&'static str]) -> impl TypedValueParser<Value = Self> {
        PossibleValuesParser::new(names).map(|name| match name.as_str() {
            "json" => Self::Json,
            "jsonl" => Self::Jsonl,
            "csv" => Self::Csv,
            "html" => Self::Html,
            _ => Self::Table,
        })
    }
}

/// Standard output, buffered. Its errors say that they are its.
pub(super) fn stdout() -> BufWriter<Stdout> {
    BufWriter::with_capacity(1 << 16, Stdout(io::stdout().lock()))
}

/// Standard output, whose errors cannot be taken for those of what is read meanwhile.
pub(super) struct Stdout(StdoutLock<'static>);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(of_output)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(of_output)
    }
}

/// What went wrong with standard output.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written: {0}")]
struct OutputError(io::Error);

fn of_output(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), OutputError(error))
}

/// Whether an error is one of standard output.
pub(super) fn is_of_output(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<OutputError>())
}

/// Colour on a terminal, none elsewhere or when `NO_COLOR` is set (no-color.org).
#[derive(Clone, Copy)]
pub(super) struct Style {
    colour: bool,
}

impl Style {
    /// For standard output.
    pub(super) fn stdout() -> Self {
        Self { colour: wanted() && io::stdout().is_terminal() }
    }

    /// For standard error.
    pub(super) fn stderr() -> Self {
        Self { colour: wanted() && io::stderr().is_terminal() }
    }

    /// No colour.
    pub(super) const fn plain() -> Self {
        Self { colour: false }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Headings.
    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What matters less.
    pub(super) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What went wrong.
    pub(super) fn red(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// What deserves attention.
    pub(super) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// What is well.
    pub(super) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }
}

fn wanted() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Writes one JSON value and a line feed.
///
/// # Errors
/// When the line cannot be written.
pub(super) fn json_line(out: &mut dyn Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// Text for a terminal: control characters, which could move its cursor, become `·`.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}
