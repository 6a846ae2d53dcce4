//! One record of separated values: where its cells begin and end.

use memchr::{memchr, memchr2};
use residuum_source::{OffsetMap, Run};

use super::Dialect;
use crate::Text;

/// Cells of a row beyond this many are not separated: they stay together in the last one.
pub(super) const MAX_CELLS: usize = 16 << 10;

/// The cells of the record read last.
#[derive(Default)]
pub(super) struct Record {
    pub cells: Vec<Cell>,
}

/// A cell of a window, quotes included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cell {
    start: u32,
    end: u32,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// As it stands.
    Plain,
    /// Begins with a quote and has doubled quotes, escapes, or something after the closing quote.
    Quoted,
}

impl Record {
    /// Reads the record that begins at `at`: gives where the next begins, or nothing if this one's end does not
    /// stand in the window. An empty line has no cells.
    #[inline]
    pub fn next(&mut self, window: &[u8], at: usize, ended: bool, dialect: &Dialect) -> Option<usize> {
        self.cells.clear();
        let mut start = at;
        loop {
            let quoted = dialect.quote.is_some_and(|quote| opens(window, start, quote, dialect.spaced));
            if quoted {
                let (cell, end) = quoted_cell(window, start, ended, dialect)?;
                self.cells.push(cell);
                start = end + 1;
                if end >= window.len() || window[end] == dialect.newline {
                    return Some(start.min(window.len()));
                }
            } else {
                let rest = &window[start.min(window.len())..];
                let last = self.cells.len() + 1 >= MAX_CELLS;
                let found = if last {
                    memchr(dialect.newline, rest)
                } else {
                    memchr2(dialect.delimiter, dialect.newline, rest)
                };
                let end = match found {
                    Some(len) => start + len,
                    None if ended => window.len(),
                    None => return None,
                };
                let delimited = end < window.len() && window[end] == dialect.delimiter && !last;
                let plain_end = if delimited { end } else { without_return(window, start, end, dialect) };
                if delimited || !(self.cells.is_empty() && plain_end == start) {
                    self.cells.push(Cell { start: start as u32, end: plain_end as u32, kind: Kind::Plain });
                }
                start = end + 1;
                if !delimited {
                    return Some(start.min(window.len()));
                }
            }
        }
    }
}

impl Cell {
    /// Start and end in the window, if the cell's value is what stands there.
    #[inline]
    pub fn plain(&self) -> Option<(usize, usize)> {
        (self.kind == Kind::Plain).then_some((self.start as usize, self.end as usize))
    }

    /// Start and end in the window, quotes and escapes included where the value is not what stands there.
    pub fn bounds(&self) -> (usize, usize) {
        (self.start as usize, self.end as usize)
    }

    /// Appends the value and its places.
    pub fn append(&self, text: &Text<'_>, dialect: &Dialect, bytes: &mut Vec<u8>, map: &mut OffsetMap) {
        let (start, end) = (self.start as usize, self.end as usize);
        match (self.kind, dialect.quote) {
            (Kind::Quoted, Some(quote)) => unquote(text, start, end, quote, dialect, bytes, map),
            _ => keep(text, start, end, bytes, map),
        }
    }
}

/// Whether a quoted cell begins here.
#[inline]
pub(super) fn opens(window: &[u8], start: usize, quote: u8, spaced: bool) -> bool {
    match window.get(start) {
        Some(&b) if b == quote => true,
        Some(b' ') if spaced => {
            let spaces = window[start..].iter().take_while(|&&b| b == b' ').count();
            window.get(start + spaces) == Some(&quote)
        }
        _ => false,
    }
}

/// A cell that begins with a quote, and where the delimiter or newline after it stands.
fn quoted_cell(window: &[u8], start: usize, ended: bool, dialect: &Dialect) -> Option<(Cell, usize)> {
    let quote = dialect.quote?;
    let open = start + window[start..].iter().take_while(|&&b| b != quote).count();
    let mut at = open + 1;
    let mut simple = true;
    let close = loop {
        let rest = &window[at..];
        let found = if dialect.backslash { memchr2(quote, b'\\', rest) } else { memchr(quote, rest) };
        let hit = match found {
            Some(len) => at + len,
            None if ended => break window.len(),
            None => return None,
        };
        match window.get(hit + 1) {
            None if !ended => return None,
            // An escape, or a doubled quote.
            Some(_) if window[hit] == b'\\' && quote != b'\\' => simple = false,
            Some(&b) if b == quote => simple = false,
            None if window[hit] == b'\\' => break window.len(),
            _ => break hit,
        }
        at = hit + 2;
    };
    let after = (close + 1).min(window.len());
    let mut end = after;
    let at_end = |b: u8| b == dialect.delimiter || b == dialect.newline;
    if let Some(&b) = window.get(after) {
        if !at_end(b) {
            end = match memchr2(dialect.delimiter, dialect.newline, &window[after..]) {
                Some(len) => after + len,
                None if ended => window.len(),
                None => return None,
            };
        }
    } else if !ended {
        return None;
    }
    let delimited = window.get(end) == Some(&dialect.delimiter);
    let trimmed = if delimited { end } else { without_return(window, after, end, dialect) };
    let cell = if simple && trimmed == after && close < window.len() {
        Cell { start: open as u32 + 1, end: close as u32, kind: Kind::Plain }
    } else {
        Cell { start: open as u32, end: trimmed as u32, kind: Kind::Quoted }
    };
    Some((cell, end))
}

/// The end of a line's last cell: before the carriage return that stands before the line feed.
#[inline]
fn without_return(window: &[u8], start: usize, end: usize, dialect: &Dialect) -> usize {
    let has = dialect.newline == b'\n' && end > start && window[end - 1] == b'\r';
    if has { end - 1 } else { end }
}

fn keep(text: &Text<'_>, start: usize, end: usize, bytes: &mut Vec<u8>, map: &mut OffsetMap) {
    if start < end {
        text.place(map, bytes.len() as u32, start, end);
        bytes.extend_from_slice(&text.window()[start..end]);
    }
}

/// Appends one character that stands as several.
fn keep_one(text: &Text<'_>, c: u8, start: usize, end: usize, bytes: &mut Vec<u8>, map: &mut OffsetMap) {
    let raw = text.position_of(start);
    let raw_width = (text.position_of(end) - raw) as u16;
    map.push(Run { start: bytes.len() as u32, width: 1, raw_width, raw });
    bytes.push(c);
}

fn unquote(
    text: &Text<'_>,
    start: usize,
    end: usize,
    quote: u8,
    dialect: &Dialect,
    bytes: &mut Vec<u8>,
    map: &mut OffsetMap,
) {
    let cell = &text.window()[..end];
    let mut at = start + 1;
    while at < end {
        let found = if dialect.backslash { memchr2(quote, b'\\', &cell[at..]) } else { memchr(quote, &cell[at..]) };
        let Some(hit) = found.map(|len| at + len) else {
            return keep(text, at, end, bytes, map);
        };
        keep(text, at, hit, bytes, map);
        match cell.get(hit + 1) {
            Some(&b) if b == quote || (cell[hit] == b'\\' && b == b'\\') => {
                keep_one(text, b, hit, hit + 2, bytes, map);
                at = hit + 2;
            }
            Some(_) if cell[hit] == b'\\' => {
                keep(text, hit, hit + 2, bytes, map);
                at = hit + 2;
            }
            None if cell[hit] == b'\\' => return keep(text, hit, end, bytes, map),
            // The closing quote; what stands after it is kept as it is.
            _ => return keep(text, hit + 1, end, bytes, map),
        }
    }
}
