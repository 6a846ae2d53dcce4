//! `residuum detect`: detection alone, on text from a file or standard input. No index, no source, no key.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read, Write};
use std::path::PathBuf;

use rayon::prelude::*;
use residuum_detect::{Detector, Hit, Worker};
use serde::{Deserialize, Serialize};

use super::common::Common;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::feed::Feed;
use super::output::{self, Format, Style, json_line};
use super::table::{Align, Table};
use crate::report::csv_line;

/// Find personal information in text, without an index
///
/// Reads a file or standard input as text and prints where something personal stands: positions, type and rule, not
/// the value. With `--input jsonl` each line is `{"id": …, "text": …}` and each line of output is
/// `{"id": …, "findings": [{"start", "end", "start_byte", "end_byte", "type", "rule", "confidence"}]}`; `start` and
/// `end` count Unicode code points, `start_byte` and `end_byte` bytes of UTF-8.
///
/// Text in UTF-16 or Windows-1252 is recognised as in a scan; bytes then are those of the input. `--line-buffered` and
/// `--input jsonl` take UTF-8 only.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  echo 'mail jane@example.com' | residuum detect
  residuum detect notes.txt --format jsonl
  residuum detect --input jsonl < documents.jsonl > findings.jsonl")]
pub(super) struct Args {
    /// The file to read; `-` is standard input
    #[arg(default_value = "-", value_name = "PATH")]
    path: PathBuf,
    /// What the input is: running text, or a JSON object with `id` and `text` on each line
    #[arg(long, value_name = "KIND", default_value = "text", value_parser = ["text", "jsonl"])]
    input: String,
    /// How to print findings in text [default: table]
    #[arg(long, value_name = "FORMAT", value_parser = Format::parser(&["table", "jsonl", "csv"]))]
    format: Option<Format>,
    /// Answer after every line instead of every full buffer; always so when standard input is a terminal
    #[arg(long)]
    line_buffered: bool,
    /// Print the values found as well
    #[arg(long)]
    show_values: bool,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let detector = Detector::new(&super::rules::load(&config)?)?;
    let standard = args.path.as_os_str() == "-";
    let input: Box<dyn Read> = if standard {
        Box::new(io::stdin().lock())
    } else {
        let advice = "`-` reads standard input; directories and databases are for `residuum scan`";
        Box::new(File::open(&args.path).doing(format_args!("`{}` cannot be read", args.path.display())).hint(advice)?)
    };
    let reading = format!("`{}` cannot be read to its end", args.path.display());
    if args.input == "jsonl" {
        if args.format.is_some_and(|format| format != Format::Jsonl) {
            return Err(Failure::new("`--input jsonl` is always answered in `--format jsonl`"));
        }
        let read = documents(input, &detector, config.jobs, args.show_values, common);
        return read.map_err(|failure| of_input(failure, &reading));
    }
    let line_buffered = args.line_buffered || standard && io::stdin().is_terminal();
    let read = text(input, &detector, args.format.unwrap_or(Format::Table), line_buffered, args.show_values, common);
    read.map_err(|failure| of_input(failure, &reading))
}

/// A failure while input is read: of the input, unless it was the output that could not be written.
fn of_input(failure: Failure, reading: &str) -> Failure {
    if failure.is_of_output() { failure } else { failure.context(reading) }
}

/// One finding as it is printed.
#[derive(Serialize)]
struct Found<'d> {
    start: u64,
    end: u64,
    start_byte: u64,
    end_byte: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(rename = "type")]
    kind: &'static str,
    rule: &'d str,
    confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    id: serde_json::Value,
    text: String,
}

#[derive(Serialize)]
struct Answer<'d> {
    id: serde_json::Value,
    findings: Vec<Found<'d>>,
    /// Pieces of encoded content that were not searched to their end.
    #[serde(skip)]
    cut: u64,
}

/// What is said of content that is not searched to its end.
const CUT: &str = "encoded or compressed pieces were not searched to their end: decoded they are larger than 8 MiB or a \
                   thousand times their size, deeper than three encodings, or cut off";

/// Lines handed to the threads at once.
const LINES: usize = 4096;

fn documents(
    input: Box<dyn Read>,
    detector: &Detector,
    jobs: usize,
    show: bool,
    common: &Common,
) -> Result<Exit, Failure> {
    let mut input = BufReader::with_capacity(1 << 18, input);
    let mut out = output::stdout();
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let (mut number, mut bad) = (0, 0);
    let mut pool = None;
    loop {
        let mut line = Vec::new();
        let ended = input.read_until(b'\n', &mut line)? == 0;
        if !line.trim_ascii().is_empty() {
            lines.push(line);
        } else if !ended {
            number += 1; // blank lines count, so that messages name the right one
        }
        // Answer what there is before waiting for more.
        let waiting = !input.buffer().contains(&b'\n');
        if !lines.is_empty() && (ended || waiting || lines.len() >= LINES) {
            let answers: Vec<_> = if lines.len() < 64 || jobs < 2 {
                let mut worker = detector.worker();
                lines.iter().map(|line| answer(line, detector, &mut worker, show)).collect()
            } else {
                if pool.is_none() {
                    pool = Some(rayon::ThreadPoolBuilder::new().num_threads(jobs).build()?);
                }
                let parallel = || {
                    lines
                        .par_chunks(64)
                        .flat_map_iter(|chunk| {
                            let mut worker = detector.worker();
                            chunk.iter().map(|line| answer(line, detector, &mut worker, show)).collect::<Vec<_>>()
                        })
                        .collect()
                };
                pool.as_ref().map_or_else(Vec::new, |pool| pool.install(parallel))
            };
            for answer in answers {
                number += 1;
                match answer {
                    Ok(answer) => {
                        json_line(&mut out, &answer)?;
                        if answer.cut > 0 {
                            bad += 1;
                            common.say(format_args!("warning: line {number}: {} {CUT}", answer.cut));
                        }
                    }
                    Err(reason) => {
                        bad += 1;
                        common.say(format_args!(
                            "warning: line {number} is not an object with `id` and `text`: {reason}"
                        ));
                    }
                }
            }
            out.flush()?;
            lines.clear();
        }
        if ended {
            return Ok(if bad > 0 { Exit::Incomplete } else { Exit::Done });
        }
    }
}

fn answer<'d>(line: &[u8], detector: &'d Detector, worker: &mut Worker<'_>, show: bool) -> Result<Answer<'d>, String> {
    // What serde says of a type mismatch quotes the value, which may be personal: only the place is told.
    let place = |error: serde_json::Error| format!("column {}", error.column());
    let Document { id, text } = serde_json::from_slice(line).map_err(place)?;
    let bytes = text.as_bytes();
    let mut hits = Vec::new();
    worker.text(bytes, 0..bytes.len(), &mut |hit, _| hits.push(*hit));
    hits.sort_by_key(|hit| (hit.start, hit.end));
    let mut points = CodePoints::default();
    let findings = hits.iter().map(|hit| points.found(hit, bytes, 0, detector, show)).collect();
    Ok(Answer { id, findings, cut: worker.take_cut() })
}

/// Counts code points up to positions that only grow, so that a text is walked once.
#[derive(Default)]
struct CodePoints {
    /// Bytes counted, from the start of the input.
    bytes: u64,
    /// Code points among them.
    points: u64,
}

impl CodePoints {
    /// Code points before byte `to` of the input; `window` begins at byte `base` of it.
    fn up_to(&mut self, to: u64, window: &[u8], base: u64) -> u64 {
        if to < self.bytes {
            // Only the end of an enclosing finding lies ahead of the next one's start: count back.
            let back = &window[(to - base) as usize..(self.bytes - base) as usize];
            return self.points - starts(back);
        }
        self.points += starts(&window[(self.bytes - base) as usize..(to - base) as usize]);
        self.bytes = to;
        self.points
    }

    fn found<'d>(&mut self, hit: &Hit, window: &[u8], base: u64, detector: &'d Detector, show: bool) -> Found<'d> {
        let (start_byte, end_byte) = (base + u64::from(hit.start), base + u64::from(hit.end));
        let start = self.up_to(start_byte, window, base);
        let value = &window[hit.start as usize..hit.end as usize];
        Found {
            start,
            end: start + starts(value),
            start_byte,
            end_byte,
            line: None,
            kind: hit.kind.name(),
            rule: &detector.rule(hit.rule).id,
            confidence: f64::from(hit.confidence) / 1000.0,
            value: show.then(|| String::from_utf8_lossy(value).into_owned()),
        }
    }
}

/// Code points that begin in these bytes: all but UTF-8's continuation bytes.
fn starts(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&b| b & 0xc0 != 0x80).count() as u64
}

/// Bytes for which one call answers, and what it sees before and after them.
const WINDOW: usize = 1 << 20;
const AROUND: usize = 16 << 10;

/// Reads text in windows that overlap, so that what stands across an edge is seen whole and told once.
fn text(
    mut input: Box<dyn Read>,
    detector: &Detector,
    format: Format,
    line_buffered: bool,
    show: bool,
    common: &Common,
) -> Result<Exit, Failure> {
    let mut worker = detector.worker();
    let mut out = output::stdout();
    let mut printer = Printer::new(&mut out, format, show, line_buffered)?;
    let mut feed = Feed::new(&mut *input, line_buffered);
    // Decoded bytes before the window.
    let (mut base, mut core, mut line) = (0_u64, 0_usize, 1_u64);
    let mut points = CodePoints::default();
    let mut ended = false;
    while !ended {
        let wanted = core + WINDOW + AROUND;
        ended = feed.fill(wanted)?;
        let buffer = feed.window();
        let newline = |within: &[u8]| memchr::memrchr(b'\n', within).map(|at| at + 1);
        let end = if ended {
            buffer.len()
        } else if line_buffered && buffer.len() < wanted {
            core + newline(&buffer[core..]).unwrap_or(0)
        } else {
            let sure = buffer.len() - AROUND;
            core + newline(&buffer[core..sure]).unwrap_or(sure - core)
        };
        let mut hits = Vec::new();
        worker.text(buffer, core..end, &mut |hit, _| hits.push(*hit));
        hits.sort_by_key(|hit| (hit.start, hit.end));
        let mut counted = core;
        for hit in &hits {
            line += memchr::memchr_iter(b'\n', &buffer[counted..hit.start as usize]).count() as u64;
            counted = hit.start as usize;
            let mut found = points.found(hit, buffer, base, detector, show);
            found.start_byte = feed.position_of(hit.start as usize);
            found.end_byte = feed.position_of(hit.end as usize);
            found.line = Some(line);
            printer.print(&found)?;
        }
        line += memchr::memchr_iter(b'\n', &buffer[counted..end]).count() as u64;
        points.up_to(base + end as u64, buffer, base);
        let keep = end.saturating_sub(AROUND);
        feed.consume(keep);
        base += keep as u64;
        core = end - keep;
        if line_buffered {
            printer.flush()?;
        }
    }
    printer.finish()?;
    out.flush()?;
    match worker.take_cut() {
        0 => Ok(Exit::Done),
        cut => {
            common.say(format_args!("warning: {cut} {CUT}"));
            Ok(Exit::Incomplete)
        }
    }
}

/// Findings in text, in the format asked for.
enum Printer<'o> {
    Table(Table<'o>, bool),
    Jsonl(&'o mut dyn Write),
    Csv(&'o mut dyn Write),
}

impl<'o> Printer<'o> {
    fn new(out: &'o mut dyn Write, format: Format, show: bool, line_buffered: bool) -> io::Result<Self> {
        Ok(match format {
            Format::Jsonl => Self::Jsonl(out),
            Format::Csv => {
                csv_line(
                    out,
                    ["line", "start", "end", "start_byte", "end_byte", "type", "rule", "confidence", "value"],
                )?;
                Self::Csv(out)
            }
            _ => {
                use Align::{Left, Right};
                let mut columns = vec![
                    ("line", Right),
                    ("start", Right),
                    ("end", Right),
                    ("type", Left),
                    ("rule", Left),
                    ("confidence", Right),
                ];
                if show {
                    columns.push(("value", Left));
                }
                let mut table = Table::new(out, Style::stdout(), &columns);
                if line_buffered {
                    table.wait_for(0)?;
                }
                Self::Table(table, show)
            }
        })
    }

    fn print(&mut self, found: &Found<'_>) -> io::Result<()> {
        let line = found.line.unwrap_or_default().to_string();
        let (start, end, confidence) =
            (found.start.to_string(), found.end.to_string(), format!("{:.2}", found.confidence));
        match self {
            Self::Jsonl(out) => json_line(*out, found),
            Self::Csv(out) => {
                let (first, last) = (found.start_byte.to_string(), found.end_byte.to_string());
                let value = found.value.as_deref().unwrap_or_default();
                csv_line(*out, [&line, &start, &end, &first, &last, found.kind, found.rule, &confidence, value])
            }
            Self::Table(table, show) => {
                let mut row = vec![line, start, end, found.kind.to_owned(), found.rule.to_owned(), confidence];
                if *show {
                    row.push(super::output::printable(found.value.as_deref().unwrap_or_default()));
                }
                table.row(row)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Table(table, _) => table.flush_out(),
            Self::Jsonl(out) | Self::Csv(out) => out.flush(),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Table(table, _) => table.finish(),
            Self::Jsonl(_) | Self::Csv(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_points_are_counted_once_and_backwards() {
        let text = "äöü jane".as_bytes();
        let mut points = CodePoints::default();
        assert_eq!(points.up_to(7, text, 0), 4);
        assert_eq!(points.up_to(4, text, 0), 2);
        assert_eq!(points.up_to(11, text, 0), 8);
    }
}
