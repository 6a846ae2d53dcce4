//! A document or sequence read from front to back in bounded memory.
//!
//! What a record holds is taken into columns as it is met. The values of a record of a sequence are held back
//! until it is complete (up to [`HELD_BACK`] bytes), so that a line that turns out not to be JSON is given once,
//! as text, and not by halves.

use std::ops::ControlFlow;

use memchr::{memchr, memchr_iter};
use residuum_source::{Coverage, Extent, Flow, Limits, OffsetMap, Outcome, Records, Sink, Stop, Window};

use super::columns::{Columns, LongWindow};
use super::lexer::{self, Origin, StringEnd};
use super::paths::NodeId;
use super::span::{Layout, SpanKind, Step};
use super::walk::Walker;
use crate::Text;

/// Bytes of a record of a sequence that are held back at most.
const HELD_BACK: usize = 1 << 20;
/// Values of a record that are held back at most.
const MAX_SPANS: usize = 1 << 16;
/// A string longer than this (or than a batch) is handed over in windows.
const LONG: usize = 64 << 10;
/// How much is read at a time; little in tests, so that every word is met cut in two.
const READ: usize = if cfg!(test) { 64 } else { 128 << 10 };
/// What consecutive windows of a long value have in common.
const OVERLAP: usize = 4 << 10;

/// A reader at some place of an object.
pub(super) struct Stream<'r, 'a> {
    text: Text<'a>,
    walker: Walker,
    columns: Columns,
    /// Position in the text's window.
    pos: usize,
    /// Number of the line on which `counted` is, a position in the text's window.
    line: u64,
    counted: usize,
    /// Lines that are not JSON, and the first of them.
    bad_lines: u64,
    first_bad: u64,
    /// Why the rest of the document was read as text or not at all.
    broken: Option<String>,
    /// Where the element begins that is being read, if extents are wanted.
    element: Option<u64>,
    limits: &'r Limits,
    sink: &'r mut dyn Sink,
}

/// What a long stretch is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Long {
    /// The rest of a string.
    String,
    /// Text up to the end of the line.
    Line,
    /// Text up to the end of the object, whose records are lines.
    Rest,
}

impl<'r, 'a> Stream<'r, 'a> {
    pub(super) fn new(text: Text<'a>, layout: Layout, limits: &'r Limits, sink: &'r mut dyn Sink) -> Self {
        let mut walker = Walker::new(layout, "".into(), limits.nesting);
        walker.extents = sink.wants_extents();
        let columns = Columns::new(limits);
        Self {
            text,
            walker,
            columns,
            pos: 0,
            line: 1,
            counted: 0,
            bad_lines: 0,
            first_bad: 0,
            broken: None,
            element: None,
            limits,
            sink,
        }
    }

    /// Reads to the end.
    pub(super) fn run(mut self) -> Flow {
        self.text.fill(READ);
        loop {
            let step = self.walker.step(self.text.window(), &mut self.pos, self.text.ended());
            match step {
                Step::Full => self.take(self.walker.spans.len() > MAX_SPANS)?,
                Step::More { string } => self.more(string)?,
                Step::Reset => {
                    self.take(true)?;
                    self.flush()?;
                    self.walker.reset_paths();
                    self.columns.forget_nodes();
                }
                Step::Bad(expected) => self.bad(expected)?,
                Step::CutOff => self.bad_line(self.pos)?,
                Step::Truncated => self.truncated()?,
                Step::Done => break,
            }
        }
        self.take(true)?;
        self.flush()?;
        let outcome = self.outcome();
        self.sink.close(outcome)
    }

    /// Takes what is complete, or everything.
    fn take(&mut self, everything: bool) -> Flow {
        let complete = if everything { self.walker.spans.len() } else { self.walker.complete() };
        for i in 0..complete {
            let span = self.walker.spans[i];
            match span.kind {
                SpanKind::Line | SpanKind::Row | SpanKind::Document => {
                    if span.kind == SpanKind::Line {
                        self.count_lines(span.start as usize);
                    }
                    let raw = self.text.position_of(span.start as usize);
                    self.columns.begin(span.kind, self.line, raw, self.sink)?;
                }
                SpanKind::Begins => self.element = Some(self.text.position_of(span.start as usize)),
                SpanKind::Ends => self.ends(span.node, self.text.position_of(span.start as usize)),
                _ => {
                    let origin = Origin::Text(&self.text);
                    self.columns.push(span, &mut self.walker.paths, self.text.window(), origin);
                }
            }
            if self.columns.is_full() {
                self.columns.flush(self.text.position_of(span.end as usize), self.sink)?;
            }
        }
        self.walker.taken(complete, 0);
        Flow::Continue(())
    }

    /// Tells where the element begun last stands, which ends here.
    fn ends(&mut self, list: u32, end: u64) {
        if let Some(start) = self.element.take() {
            let extent = Extent { record: self.columns.record(), list: list.into(), bytes: start..end };
            self.sink.extent(extent);
        }
    }

    fn flush(&mut self) -> Flow {
        self.columns.flush(self.text.position_of(self.pos), self.sink)
    }

    /// Reads on; a string that is long is handed over in windows.
    fn more(&mut self, string: bool) -> Flow {
        self.take(false)?;
        let seen = self.text.window().len();
        if string && seen - self.pos > LONG.max(self.limits.batch_bytes) {
            return self.long_string();
        }
        let held = self.walker.spans.first().map_or(self.pos, |span| span.start as usize);
        if self.pos - held > HELD_BACK {
            self.take(true)?;
        }
        let keep = self.walker.spans.first().map_or(self.pos, |span| span.start as usize);
        self.consume(keep);
        let kept = self.text.window().len();
        self.text.fill(kept + kept.max(READ));
        Flow::Continue(())
    }

    /// Drops what was read up to a position.
    fn consume(&mut self, to: usize) {
        self.count_lines(to);
        self.text.consume(to);
        self.walker.taken(0, to);
        self.pos -= to;
        self.counted -= to;
    }

    /// Moves the line count up to a position.
    fn count_lines(&mut self, to: usize) {
        if to > self.counted {
            self.line += memchr_iter(b'\n', &self.text.window()[self.counted..to]).count() as u64;
            self.counted = to;
        }
    }

    fn long_string(&mut self) -> Flow {
        let node = match self.walker.is_too_deep() {
            true => None,
            false => Some(self.walker.begin_long_string(self.pos)),
        };
        self.take(true)?;
        self.pos += 1;
        self.consume(self.pos);
        let closed = self.long(Long::String, node)?;
        match (closed, node) {
            (true, Some(_)) => self.walker.end_long_string(self.pos),
            (true, None) => {}
            // The walker stands before the end of the line or of the text, where no value may end.
            (false, _) if self.text.window().is_empty() => return self.truncated(),
            (false, _) => return self.bad("a string that ends on its line"),
        }
        Flow::Continue(())
    }

    /// Hands over a long stretch from the position on, if it belongs to a field. Gives whether a string was closed.
    fn long(&mut self, what: Long, node: Option<NodeId>) -> ControlFlow<Stop, bool> {
        let field = node.map(|node| match node {
            NodeId::MAX => "".into(),
            _ => self.walker.paths.field(node),
        });
        let size = self.limits.batch_bytes.max(4 * OVERLAP);
        let (mut bytes, mut place) = (Vec::new(), OffsetMap::default());
        let (mut core, mut value_offset) = (0, 0u64);
        let mut line = self.line;
        loop {
            let window = self.text.fill(READ);
            let (to, ended, closed) = match what {
                Long::String => match lexer::string_end(window, 0, self.walker.in_sequence()) {
                    StringEnd::Closed { at, .. } => (at, true, true),
                    StringEnd::Newline { at } => (at, true, false),
                    StringEnd::Open => (window.len(), self.text.ended(), false),
                },
                Long::Line => match memchr(b'\n', window) {
                    Some(at) => (at, true, false),
                    None => (window.len(), self.text.ended(), false),
                },
                Long::Rest => (window.len(), self.text.ended(), false),
            };
            let (window, origin) = (self.text.window(), Origin::Text(&self.text));
            let taken = match what {
                Long::String => lexer::unescape(window, 0, to, ended, origin, &mut bytes, &mut place),
                Long::Line | Long::Rest => {
                    origin.plain(&mut place, bytes.len(), 0, to);
                    bytes.extend_from_slice(&window[..to]);
                    to
                }
            };
            self.pos = taken + usize::from(closed);
            self.consume(self.pos);
            while ended && core < bytes.len() || bytes.len() >= size + OVERLAP {
                let last = ended && bytes.len() < size + OVERLAP;
                let core_end = if last { bytes.len() } else { char_boundary(&bytes, size) };
                let end = if last { bytes.len() } else { char_boundary(&bytes, size + OVERLAP) };
                if let Some(field) = &field {
                    let window = Window { core: core as u32..core_end as u32, value_offset };
                    let lines = (what == Long::Rest).then(|| {
                        let begun = memchr_iter(b'\n', &bytes[core.saturating_sub(1)..core_end - 1]).count();
                        Records::Lines { first: line, count: begun as u64 }
                    });
                    let (bytes, place) = (bytes[..end].to_vec(), place.slice(0, end as u32));
                    let window = LongWindow { field: field.clone(), bytes, place, window, lines };
                    self.columns.window(window, self.text.position(), self.sink)?;
                }
                let from = if last { core_end } else { char_boundary(&bytes, core_end - OVERLAP) };
                place = place.slice(from as u32, bytes.len() as u32);
                line += memchr_iter(b'\n', &bytes[..from]).count() as u64;
                bytes.drain(..from);
                value_offset += from as u64;
                core = core_end - from;
            }
            if ended {
                return ControlFlow::Continue(closed);
            }
        }
    }

    /// What stands at the position is not JSON.
    fn bad(&mut self, expected: &'static str) -> Flow {
        if self.walker.in_sequence() {
            let rest = &self.text.window()[self.pos..];
            return match memchr(b'\n', rest) {
                Some(at) => self.bad_line(self.pos + at),
                None => self.bad_line(usize::MAX),
            };
        }
        self.take(true)?;
        self.flush()?;
        self.count_lines(self.pos);
        let (line, position) = (self.line, self.text.position_of(self.pos));
        self.broken = Some(format!(
            "not JSON from line {line} on (byte {position}: expected {expected}); the rest was read as text"
        ));
        self.consume(self.pos);
        self.long(Long::Rest, Some(NodeId::MAX))?;
        self.walker.give_up_record();
        Flow::Continue(())
    }

    /// Gives a record of a sequence that is not JSON as text, up to `end`: the line feed, or unknown if it is not in sight.
    fn bad_line(&mut self, end: usize) -> Flow {
        self.take(false)?;
        let from = self.walker.give_up_record().unwrap_or(self.pos);
        self.count_lines(from);
        self.note_bad_line();
        let raw = self.text.position_of(from);
        self.columns.begin(SpanKind::Line, self.line, raw, self.sink)?;
        let end = match end {
            usize::MAX if self.text.window().len() - from > LONG.max(self.limits.batch_bytes) => None,
            usize::MAX => self.find_line_end(from),
            end => Some(end),
        };
        match end {
            Some(end) => {
                let text = &self.text.window()[from..end];
                if !text.trim_ascii().is_empty() {
                    self.columns.push_text(from, end, self.text.window(), Origin::Text(&self.text));
                }
                self.pos = end;
                if self.walker.extents {
                    self.element = Some(raw);
                    self.ends(0, self.text.position_of(end));
                }
            }
            None => {
                self.pos = from;
                self.consume(from);
                self.long(Long::Line, Some(NodeId::MAX))?;
                if self.walker.extents {
                    self.element = Some(raw);
                    self.ends(0, self.text.position_of(self.pos));
                }
            }
        }
        if self.columns.is_full() {
            self.flush()?;
        }
        Flow::Continue(())
    }

    /// Looks for the end of the line that holds the position, reading on as far as a long value may reach.
    fn find_line_end(&mut self, from: usize) -> Option<usize> {
        let mut seen = self.pos;
        loop {
            let window = self.text.window();
            if let Some(at) = memchr(b'\n', &window[seen..]) {
                return Some(seen + at);
            }
            seen = window.len();
            if self.text.ended() {
                return Some(seen);
            }
            if seen - from > LONG.max(self.limits.batch_bytes) {
                return None;
            }
            self.text.fill(seen + READ);
        }
    }

    fn note_bad_line(&mut self) {
        if self.bad_lines == 0 {
            self.first_bad = self.line;
        }
        self.bad_lines += 1;
    }

    /// The bytes end inside a value.
    fn truncated(&mut self) -> Flow {
        let end = self.text.window().len();
        if self.walker.in_sequence() {
            return self.bad_line(end);
        }
        self.take(true)?;
        self.count_lines(end);
        let position = self.text.position_of(end);
        let from = self.pos;
        if !self.text.window()[from..].trim_ascii().is_empty() {
            self.columns.push_text(from, end, self.text.window(), Origin::Text(&self.text));
        }
        self.broken = Some(format!("ends inside a value at byte {position} (line {}): it is incomplete", self.line));
        self.walker.give_up_record();
        self.pos = end;
        self.flush()?;
        Flow::Continue(())
    }

    fn outcome(&mut self) -> Outcome {
        self.consume(self.pos);
        let records = self.columns.records;
        if self.text.fault().is_some() {
            return self.text.outcome(records);
        }
        let mut reasons: Vec<String> = self.broken.take().into_iter().collect();
        let coverage = match (reasons.is_empty(), self.walker.too_deep) {
            (_, deep @ 1..) => {
                let nesting = self.limits.nesting;
                reasons.push(format!(
                    "{deep} values nested deeper than {nesting} levels were not read; raise the limit `nesting`"
                ));
                Coverage::Limit
            }
            (false, 0) => Coverage::Unreadable,
            (true, 0) => Coverage::Read,
        };
        if self.bad_lines > 0 {
            let (count, first) = (self.bad_lines, self.first_bad);
            let lines = if count == 1 { "1 record is" } else { &format!("{count} records are") };
            reasons.push(format!("{lines} not JSON and read as text; the first is on line {first}"));
        }
        match reasons.is_empty() {
            true => self.text.outcome(records),
            false => self.text.outcome_with(records, coverage, reasons.join("; ")),
        }
    }
}

/// The last position at or before `at` where a character may begin.
fn char_boundary(text: &[u8], at: usize) -> usize {
    let continues = |i: &usize| text.get(*i).is_some_and(|b| b & 0xc0 == 0x80);
    (at.saturating_sub(3)..=at).rev().find(|i| !continues(i)).unwrap_or(at)
}
