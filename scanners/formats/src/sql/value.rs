//! Values of a row: literals of the dialects, and the lines of a `COPY`.

use memchr::{memchr, memchr2};
use residuum_source::{OffsetMap, Run};

use crate::Text;

/// A parser's answer.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Parsed<T> {
    Whole(T),
    /// The window ends too early.
    More,
    /// It is something else.
    Broken,
}

/// What strings look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Syntax {
    /// Whether a backslash escapes in every string, as in MySQL.
    pub backslash: bool,
}

impl Syntax {
    /// The syntax of a dump that begins so.
    pub fn of(head: &[u8]) -> Self {
        let head = &head[..head.len().min(64 << 10)];
        let says = |mark: &[u8]| memchr::memmem::find(head, mark).is_some();
        let mysql = says(b"MySQL dump") || says(b"MariaDB dump") || says(b"/*!40") || says(b"INSERT INTO `");
        let other = says(b"PostgreSQL database dump") || head.trim_ascii_start().starts_with(b"PRAGMA ");
        Self { backslash: !other && (mysql || says(b"\\'")) }
    }
}

/// A row: its cells, and where the next begins.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub cells: Vec<Cell>,
    /// The end of its last cell.
    pub end: usize,
    /// Where the next row begins, or the statement's rest.
    pub next: usize,
    /// Whether it is the statement's last, or none at all in a `COPY`.
    pub last: bool,
    /// Whether another row begins on the line it ends on.
    pub another_on_line: bool,
}

/// A value as it stands in the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cell {
    start: usize,
    end: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Null,
    AsItStands,
    /// Between quotes: they are doubled, and with `backslash` there are escapes.
    Quoted {
        backslash: bool,
    },
    /// Pairs of hexadecimal digits.
    Hex,
    /// A cell of a `COPY` with escapes.
    Escaped,
}

/// Reads `(value, …)` and what separates it from the next row.
pub(super) fn row(window: &[u8], ended: bool, syntax: Syntax) -> Parsed<Row> {
    let mut at = space(window, 0);
    match window.get(at) {
        Some(b'(') => at += 1,
        Some(_) => return Parsed::Broken,
        None => return Parsed::More,
    }
    let mut cells = Vec::new();
    loop {
        let (cell, next) = match value(window, at, syntax) {
            Parsed::Whole(found) => found,
            Parsed::More => return Parsed::More,
            Parsed::Broken => return Parsed::Broken,
        };
        cells.push(cell);
        at = next + 1;
        if window[next] == b')' {
            break;
        }
    }
    let end = at;
    let after = space(window, at);
    match window.get(after) {
        Some(b',') => {
            let next = space(window, after + 1);
            if next == window.len() && !ended {
                return Parsed::More;
            }
            let another_on_line = !window[end..next].contains(&b'\n');
            Parsed::Whole(Row { cells, end, next, last: false, another_on_line })
        }
        Some(b';') => {
            let mut next = after + 1;
            if window[next..].starts_with(b"\r\n") {
                next += 2;
            } else if window[next..].starts_with(b"\n") {
                next += 1;
            } else if window.len() < next + 2 && !ended {
                return Parsed::More;
            }
            Parsed::Whole(Row { cells, end, next, last: true, another_on_line: false })
        }
        None if !ended => Parsed::More,
        // `ON CONFLICT`, or the end of the file: what follows is text.
        _ => Parsed::Whole(Row { cells, end, next: end, last: true, another_on_line: false }),
    }
}

fn space(window: &[u8], at: usize) -> usize {
    at + window[at..].iter().take_while(|b| b.is_ascii_whitespace()).count()
}

/// A value and where the comma or parenthesis after it stands.
fn value(window: &[u8], at: usize, syntax: Syntax) -> Parsed<(Cell, usize)> {
    let start = space(window, at);
    let mut depth = 0;
    let mut i = start;
    let mut only = None;
    loop {
        let Some(&b) = window.get(i) else {
            return Parsed::More;
        };
        match b {
            b'\'' | b'"' => {
                let prefix = window[start..i].trim_ascii_end();
                let escapes = syntax.backslash || prefix.eq_ignore_ascii_case(b"E");
                let Some(close) = close_quote(window, i, escapes) else {
                    return Parsed::More;
                };
                if only.is_none() && depth == 0 && i - start <= 12 && is_prefix(prefix) {
                    let hex = prefix.eq_ignore_ascii_case(b"X");
                    let kind = if hex { Kind::Hex } else { Kind::Quoted { backslash: escapes } };
                    only = Some((Cell { start: i + 1, end: close, kind }, close + 1));
                } else {
                    only = None;
                }
                i = close + 1;
            }
            b'(' => {
                depth += 1;
                i += 1;
            }
            b')' if depth > 0 => {
                depth -= 1;
                i += 1;
            }
            b',' | b')' if depth == 0 => {
                let end = start + window[start..i].trim_ascii_end().len();
                let alone = only.filter(|(_, close)| {
                    let rest = &window[*close..end];
                    rest.is_empty() || rest.starts_with(b"::")
                });
                let cell = match alone {
                    Some((cell, _)) => cell,
                    None => plain(window, start, end),
                };
                return Parsed::Whole((cell, i));
            }
            b';' if depth == 0 => return Parsed::Broken,
            _ => i += 1,
        }
    }
}

/// What may stand before a string: `E`, `N`, `X`, `U&`, `_utf8mb4`.
fn is_prefix(prefix: &[u8]) -> bool {
    prefix.is_empty()
        || prefix.starts_with(b"_")
        || [b"E", b"N", b"X"].iter().any(|letter| prefix.eq_ignore_ascii_case(*letter))
}

fn plain(window: &[u8], start: usize, end: usize) -> Cell {
    let text = &window[start..end];
    let hex = text.len() > 3 && text.starts_with(b"0x") && text[2..].iter().all(u8::is_ascii_hexdigit);
    match text {
        _ if text.eq_ignore_ascii_case(b"NULL") => Cell { start, end, kind: Kind::Null },
        _ if hex => Cell { start: start + 2, end, kind: Kind::Hex },
        _ => Cell { start, end, kind: Kind::AsItStands },
    }
}

fn close_quote(window: &[u8], open: usize, escapes: bool) -> Option<usize> {
    let quote = window[open];
    let mut at = open + 1;
    loop {
        let rest = window.get(at..)?;
        let hit = at + if escapes { memchr2(quote, b'\\', rest) } else { memchr(quote, rest) }?;
        match (window[hit], window.get(hit + 1)) {
            // A quote at the very end may be a doubled one.
            (_, None) => return None,
            (b'\\', _) => at = hit + 2,
            (_, Some(&b)) if b == quote => at = hit + 2,
            _ => return Some(hit),
        }
    }
}

/// Reads a line of a `COPY`.
pub(super) fn copy_line(window: &[u8], ended: bool, _: Syntax) -> Parsed<Row> {
    let feed = match memchr(b'\n', window) {
        Some(feed) => feed,
        None if ended && !window.is_empty() => window.len(),
        None if ended => return Parsed::Broken,
        None => return Parsed::More,
    };
    let next = (feed + 1).min(window.len());
    let line = &window[..feed];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line == b"\\." {
        return Parsed::Whole(Row { cells: Vec::new(), end: feed, next, last: true, another_on_line: false });
    }
    let mut cells = Vec::new();
    let mut start = 0;
    loop {
        let end = memchr(b'\t', &line[start..]).map_or(line.len(), |len| start + len);
        let text = &line[start..end];
        let kind = match text {
            b"\\N" => Kind::Null,
            _ if memchr(b'\\', text).is_some() => Kind::Escaped,
            _ => Kind::AsItStands,
        };
        cells.push(Cell { start, end, kind });
        if end == line.len() {
            return Parsed::Whole(Row { cells, end: feed, next, last: false, another_on_line: false });
        }
        start = end + 1;
    }
}

impl Cell {
    /// Appends the value and its places.
    pub fn append(&self, text: &Text<'_>, bytes: &mut Vec<u8>, map: &mut OffsetMap) {
        let (start, end) = (self.start, self.end);
        let out = &mut Out { text, bytes, map };
        match self.kind {
            Kind::Null => {}
            Kind::AsItStands => out.keep(start, end),
            Kind::Hex => out.hex(start, end),
            Kind::Quoted { backslash } => out.quoted(start, end, backslash),
            Kind::Escaped => out.escaped(start, end),
        }
    }
}

struct Out<'o, 't> {
    text: &'o Text<'t>,
    bytes: &'o mut Vec<u8>,
    map: &'o mut OffsetMap,
}

impl Out<'_, '_> {
    fn keep(&mut self, start: usize, end: usize) {
        if start < end {
            self.text.place(self.map, self.bytes.len() as u32, start, end);
            self.bytes.extend_from_slice(&self.text.window()[start..end]);
        }
    }

    /// Appends one byte that stands as `start..end`.
    fn one(&mut self, byte: u8, start: usize, end: usize) {
        let raw = self.text.position_of(start);
        let raw_width = (self.text.position_of(end) - raw) as u16;
        self.map.push(Run { start: self.bytes.len() as u32, width: 1, raw_width, raw });
        self.bytes.push(byte);
    }

    fn hex(&mut self, start: usize, end: usize) {
        let digits = &self.text.window()[start..end];
        let value = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
        if digits.len() % 2 == 1 || digits.iter().any(|&b| value(b).is_none()) {
            return self.keep(start, end);
        }
        for (i, pair) in digits.chunks_exact(2).enumerate() {
            let byte = value(pair[0]).unwrap_or(0) << 4 | value(pair[1]).unwrap_or(0);
            self.one(byte, start + 2 * i, start + 2 * i + 2);
        }
    }

    fn quoted(&mut self, start: usize, end: usize, backslash: bool) {
        let text = &self.text.window()[..end];
        let quote = self.text.window()[end];
        let mut at = start;
        while at < end {
            let found = if backslash { memchr2(quote, b'\\', &text[at..]) } else { memchr(quote, &text[at..]) };
            let hit = found.map_or(end, |len| at + len);
            self.keep(at, hit);
            at = match text.get(hit) {
                None => end,
                Some(b'\\') => self.escape(hit, end),
                Some(_) => {
                    self.one(quote, hit, (hit + 2).min(end));
                    hit + 2
                }
            };
        }
    }

    fn escaped(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            let hit = memchr(b'\\', &self.text.window()[at..end]).map_or(end, |len| at + len);
            self.keep(at, hit);
            at = if hit < end { self.escape(hit, end) } else { end };
        }
    }

    /// Appends what an escape at `at` stands for, and gives where it ends.
    fn escape(&mut self, at: usize, end: usize) -> usize {
        let text = &self.text.window()[..end];
        let Some(&letter) = text.get(at + 1) else {
            self.keep(at, end);
            return end;
        };
        let byte = match letter {
            b'0' if !text.get(at + 2).is_some_and(|b| (b'0'..=b'7').contains(b)) => 0,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 0x0b,
            b'f' => 0x0c,
            b'r' => b'\r',
            b'Z' => 0x1a,
            b'x' => {
                let digits = text[at + 2..].iter().take(2).take_while(|b| b.is_ascii_hexdigit()).count();
                let number = std::str::from_utf8(&text[at + 2..at + 2 + digits]).ok();
                let Some(byte) = number.and_then(|n| u8::from_str_radix(n, 16).ok()) else {
                    self.one(letter, at, at + 2);
                    return at + 2;
                };
                self.one(byte, at, at + 2 + digits);
                return at + 2 + digits;
            }
            b'0'..=b'7' => {
                let digits = text[at + 1..].iter().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
                let number = text[at + 1..at + 1 + digits].iter().fold(0u32, |n, b| n * 8 + u32::from(b - b'0'));
                self.one(number as u8, at, at + 1 + digits);
                return at + 1 + digits;
            }
            // MySQL keeps the backslash before the wildcards of `LIKE`.
            b'%' | b'_' => {
                self.keep(at, at + 2);
                return at + 2;
            }
            other => other,
        };
        self.one(byte, at, at + 2);
        at + 2
    }
}
