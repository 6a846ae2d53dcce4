//! Plain text and logs: windows of whole lines with a little of what stands around them.
//!
//! A record is a line. A line longer than a window is cut into overlapping windows.

use memchr::{memchr_iter, memrchr};
use residuum_source::{Batch, Column, Flow, Limits, ObjectPath, OffsetMap, Part, Records, Rows, Sink, Window};

use crate::Text;

/// What a window shows before its core.
const BEFORE: usize = 256;
/// What it shows after a core that ends with a line.
const AFTER: usize = 256;
/// What it shows after a core that ends within a line: longer than any value that is looked for whole.
const AFTER_CUT: usize = 4 << 10;

/// Reads text as lines.
pub(crate) fn read(
    path: &ObjectPath,
    format: &'static str,
    mut text: Text<'_>,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Flow {
    let encoding = Some(text.encoding().name());
    sink.open(Part { path: path.clone(), format, encoding, primary_key: Vec::new() })?;
    let mut lines = Lines::new(limits);
    while let Some(batch) = lines.next(&mut text) {
        sink.batch(batch)?;
    }
    sink.close(text.outcome(lines.records))
}

/// Cuts text into windows; knows the line it is in.
pub(crate) struct Lines {
    batch_bytes: usize,
    /// Bytes at the front of the text's window that were in the core of the last batch.
    pub context: usize,
    /// Number of the line that the core begins on.
    pub line: u64,
    /// Whether a line begins where the core begins.
    pub begins: bool,
    /// Position of the core in the decoded text.
    decoded: u64,
    /// Lines that began in a core.
    pub records: u64,
}

impl Lines {
    pub fn new(limits: &Limits) -> Self {
        let batch_bytes = limits.batch_bytes.max(BEFORE);
        Self { batch_bytes, context: 0, line: 1, begins: true, decoded: 0, records: 0 }
    }

    /// Fills the text's window as far as the next batch needs it.
    pub fn fill(&self, text: &mut Text<'_>) {
        text.fill(self.context + self.batch_bytes + AFTER_CUT);
    }

    fn next(&mut self, text: &mut Text<'_>) -> Option<Batch> {
        self.fill(text);
        let len = text.window().len();
        if len == self.context {
            self.skip(text, 0);
            return None;
        }
        Some(self.up_to(text, len, text.ended()))
    }

    /// The next batch of the text that goes up to `end` of the window, and further unless it is `closed`.
    pub fn up_to(&mut self, text: &mut Text<'_>, end: usize, closed: bool) -> Batch {
        let (window, from) = (&text.window()[..end], self.context);
        let last = closed && end - from <= self.batch_bytes;
        let (core_end, to) = if last { (end, end) } else { cut(window, from, (from + self.batch_bytes).min(end)) };
        let batch = self.batch(text, from..core_end, to, last && from == 0);
        let keep = char_boundary(window, core_end.saturating_sub(BEFORE));
        self.context = core_end - keep;
        text.consume(keep);
        batch
    }

    /// Passes over `n` bytes that are not given as text.
    pub fn skip(&mut self, text: &mut Text<'_>, n: usize) {
        let passed = &text.window()[self.context..self.context + n];
        self.line += memchr_iter(b'\n', passed).count() as u64;
        if let Some(last) = passed.last() {
            self.begins = *last == b'\n';
        }
        self.decoded += n as u64;
        text.consume(self.context + n);
        self.context = 0;
    }

    fn batch(&mut self, text: &Text<'_>, core: std::ops::Range<usize>, to: usize, whole: bool) -> Batch {
        let window = text.window();
        let feeds = |bytes: &[u8]| memchr_iter(b'\n', bytes).count() as u64;
        let inner = feeds(&window[core.start..core.end - 1]);
        let ends = window[core.end - 1] == b'\n';
        let count = inner + u64::from(self.begins);
        let first = self.line - feeds(&window[..core.start]);
        let mut place = OffsetMap::default();
        text.place(&mut place, 0, 0, to);
        let column = Column {
            bytes: window[..to].to_vec(),
            offsets: vec![0, to as u32],
            rows: Rows::Each,
            place: Some(place),
            window: (!whole).then(|| Window {
                core: core.start as u32..core.end as u32,
                value_offset: self.decoded - core.start as u64,
            }),
            ..Column::new("")
        };
        self.line += inner + u64::from(ends);
        self.begins = ends;
        self.decoded += core.len() as u64;
        self.records += count;
        Batch {
            records: Records::Lines { first, count },
            columns: vec![column],
            raw_bytes: text.position_of(core.end) - text.position_of(core.start),
        }
    }
}

/// Where the core that begins at `from` ends, at `limit` or before, and what is shown after it.
fn cut(window: &[u8], from: usize, limit: usize) -> (usize, usize) {
    let (core_end, after) = match memrchr(b'\n', &window[from..limit]) {
        Some(feed) => (from + feed + 1, AFTER),
        None => (char_boundary(window, limit).max(from + 1), AFTER_CUT),
    };
    let to = (core_end + after).min(window.len());
    (core_end, if to == window.len() { to } else { char_boundary(window, to).max(core_end) })
}

/// The last position at or before `at` where a character may begin.
pub(crate) fn char_boundary(text: &[u8], at: usize) -> usize {
    let continues = |&&b: &&u8| b & 0xc0 == 0x80;
    let back = text[..text.len().min(at + 1)].iter().rev().take(4).take_while(continues).count();
    // A text that begins within a character has no boundary before it.
    if back == 4 || at >= text.len() { at } else { at.saturating_sub(back) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_stand_before_characters() {
        let cases: [(&str, &[u8], usize, usize); 7] = [
            ("a letter", b"abc", 1, 1),
            ("within two bytes", "aé".as_bytes(), 2, 1),
            ("within four bytes", "a\u{1f600}".as_bytes(), 4, 1),
            ("the end", b"abc", 3, 3),
            ("no UTF-8", &[0x80; 9], 6, 6),
            ("a text that begins within a character", b"\x80\x80a", 1, 0),
            ("one that is nothing else", b"\x80", 0, 0),
        ];
        for (name, text, at, boundary) in cases {
            assert_eq!(char_boundary(text, at), boundary, "{name}");
        }
    }
}
