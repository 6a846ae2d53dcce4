//! One word of JSON at a time: what the walker does at a value, a key, a comma, a bracket, and between them.

use super::{Expect, Frame, Walker};
use crate::json::layout;
use crate::json::lexer::{self, NumberEnd, StringEnd};
use crate::json::paths::ROOT;
use crate::json::span::{Layout, Span, SpanKind, Step};

/// White space between a key and its value in which the value is looked for.
const BEHIND_KEY: usize = 4 << 10;

impl Walker {
    /// Skips white space. A line feed before `{` in a sequence, where no object can stand, cuts the record off.
    #[inline]
    pub(super) fn skip_blanks(&mut self, buf: &[u8], pos: &mut usize, eof: bool) -> Option<Step> {
        while let Some(&byte) = buf.get(*pos) {
            match byte {
                b'\n' if self.layout == Layout::Lines => match self.expect {
                    Expect::Top => {}
                    Expect::LineEnd => self.end_record(),
                    _ if !self.record_is_object => {}
                    Expect::Value | Expect::ValueOrEnd if self.frames.last().is_some_and(|frame| !frame.object) => {}
                    _ => match buf.get(*pos + 1) {
                        None if !eof => return Some(Step::More { string: false }),
                        Some(b'{') => return Some(Step::CutOff),
                        _ => {}
                    },
                },
                b' ' | b'\n' | b'\r' | b'\t' => {}
                _ => return None,
            }
            *pos += 1;
        }
        None
    }

    pub(super) fn skip_too_deep(&mut self, buf: &[u8], pos: &mut usize, eof: bool) -> Option<Step> {
        let lines = self.layout == Layout::Lines;
        while let Some(&byte) = buf.get(*pos) {
            match byte {
                b'{' | b'[' => self.deep += 1,
                b'}' | b']' => self.deep -= 1,
                b'\n' if lines && buf.get(*pos + 1) == Some(&b'{') => return Some(Step::CutOff),
                b'"' => match lexer::string_end(buf, *pos + 1, lines) {
                    StringEnd::Closed { at, .. } => *pos = at,
                    StringEnd::Open if eof => return Some(Step::Truncated),
                    // The string need not be seen whole: its beginning may be dropped.
                    StringEnd::Open => return Some(Step::More { string: true }),
                    StringEnd::Newline { .. } => return Some(Step::Bad("a string that ends on its line")),
                },
                _ => {}
            }
            *pos += 1;
            if self.deep == 0 {
                if self.layout == Layout::Value {
                    let (start, end) = (self.deep_start, *pos as u32);
                    self.spans.push(Span { node: ROOT, start, end, kind: SpanKind::TooDeep });
                }
                self.end_value(true, *pos);
                return None;
            }
        }
        Some(if eof { Step::Truncated } else { Step::More { string: false } })
    }

    #[inline]
    pub(super) fn value(&mut self, byte: u8, buf: &[u8], pos: &mut usize, eof: bool) -> Option<Step> {
        let at = *pos;
        match byte {
            b'"' => match lexer::string_end(buf, at + 1, self.layout == Layout::Lines) {
                StringEnd::Closed { at: end, escaped } => {
                    self.begin_value(byte, at);
                    let kind = if escaped { SpanKind::Escaped } else { SpanKind::Plain };
                    self.spans.push(Span { node: self.node, start: at as u32 + 1, end: end as u32, kind });
                    *pos = end + 1;
                    self.end_value(false, *pos);
                    None
                }
                StringEnd::Open if eof => Some(Step::Truncated),
                StringEnd::Open => Some(Step::More { string: true }),
                StringEnd::Newline { .. } => Some(Step::Bad("a string that ends on its line")),
            },
            b'{' | b'[' => {
                self.begin_value(byte, at);
                *pos += 1;
                if self.frames.len() >= self.nesting {
                    (self.deep, self.deep_start) = (1, at as u32);
                    self.too_deep += 1;
                } else {
                    self.open(byte == b'{');
                }
                None
            }
            b']' if self.frames.last().is_some_and(|frame| !frame.object) => self.comma_or_end(byte, pos),
            b'-' | b'0'..=b'9' if !buf[at..].starts_with(b"-I") => match lexer::number_end(buf, at, eof) {
                NumberEnd::Closed { at: end, integer } => {
                    self.begin_value(byte, at);
                    let kind = if integer { SpanKind::Integer } else { SpanKind::Number };
                    self.spans.push(Span { node: self.node, start: at as u32, end: end as u32, kind });
                    *pos = end;
                    self.end_value(false, *pos);
                    None
                }
                NumberEnd::Open => Some(Step::More { string: false }),
                NumberEnd::Bad => Some(Step::Bad("a number")),
            },
            _ => match lexer::literal_end(buf, at, eof) {
                Some(Some(end)) => {
                    self.begin_value(byte, at);
                    *pos = end;
                    self.end_value(false, *pos);
                    None
                }
                Some(None) => Some(Step::More { string: false }),
                None => Some(Step::Bad("a value")),
            },
        }
    }

    fn open(&mut self, object: bool) {
        let rows = match self.layout {
            Layout::Elements => !object && self.frames.is_empty(),
            Layout::Members => !object && self.frames.len() == 1 && self.frames[0].object,
            // Beside maps of records stands what is said of all of them.
            Layout::Nested(depth) => {
                self.frames.len() == usize::from(depth)
                    && !(object && self.paths.is_key(self.node, layout::is_of_envelope))
            }
            _ => false,
        };
        self.lists += u32::from(rows);
        let element = match object {
            true => ROOT,
            // The fields of an element are named as if it were a document.
            false if self.frames.is_empty() && matches!(self.layout, Layout::Elements | Layout::Nested(_)) => ROOT,
            false => self.paths.element(self.node),
        };
        self.frames.push(Frame { node: self.node, element, object, rows, hint: 0 });
        self.node = element;
        self.expect = if object { Expect::Key } else { Expect::ValueOrEnd };
    }

    #[inline]
    pub(super) fn key(&mut self, byte: u8, buf: &[u8], pos: &mut usize, eof: bool) -> Option<Step> {
        match byte {
            b'"' => {}
            b'}' => return self.comma_or_end(byte, pos),
            _ => return Some(Step::Bad("a key in quotes or `}`")),
        }
        let start = *pos + 1;
        let frame = self.frames.last_mut().expect("a key stands in an object");
        let is_map = frame.rows;
        if !is_map
            && let Some((key, node)) = self.paths.expected(frame.node, frame.hint)
            && buf[start..].starts_with(key)
            && buf.get(start + key.len()) == Some(&b'"')
        {
            frame.hint += 1;
            self.node = node;
            self.after_key(buf, pos, start + key.len());
            return None;
        }
        let (end, escaped) = match lexer::string_end(buf, start, self.layout == Layout::Lines) {
            StringEnd::Closed { at, escaped } => (at, escaped),
            StringEnd::Open if eof => return Some(Step::Truncated),
            StringEnd::Open => return Some(Step::More { string: true }),
            StringEnd::Newline { .. } => return Some(Step::Bad("a key that ends on its line")),
        };
        let full = self.paths.is_full();
        if full && self.layout != Layout::Value {
            return Some(Step::Reset);
        }
        if is_map {
            let Some(is_record) = begins_container(&buf[end + 1..], eof) else {
                return Some(Step::More { string: false });
            };
            self.placed = false;
            if is_record && !layout::is_of_envelope(&buf[start..end]) {
                self.begin(SpanKind::Row, *pos);
            } else {
                self.begin_in_document(*pos);
            }
            self.note_extent(SpanKind::Begins, *pos);
        }
        let frame = self.frames.last_mut().expect("a key stands in an object");
        let keyed = match escaped {
            _ if full => self.paths.data_key(frame.node),
            false => self.paths.key(frame.node, &buf[start..end], &mut frame.hint),
            true => {
                self.scratch.clear();
                lexer::unescape_key(&buf[start..end], &mut self.scratch);
                self.paths.key(frame.node, &self.scratch, &mut frame.hint)
            }
        };
        self.node = keyed.node;
        if let Some(node) = keyed.key_itself {
            self.begin_in_document(*pos);
            let kind = if escaped { SpanKind::Escaped } else { SpanKind::Plain };
            self.spans.push(Span { node, start: start as u32, end: end as u32, kind });
        }
        self.after_key(buf, pos, end);
        None
    }

    /// Goes past the quote that ends a key, and the colon if it follows.
    #[inline]
    fn after_key(&mut self, buf: &[u8], pos: &mut usize, end: usize) {
        *pos = end + 1;
        self.expect = Expect::Colon;
        if buf.get(*pos) == Some(&b':') {
            *pos += 1;
            self.expect = Expect::Value;
        }
    }

    #[inline]
    pub(super) fn comma_or_end(&mut self, byte: u8, pos: &mut usize) -> Option<Step> {
        let frame = self.frames.last().expect("something is open");
        match (byte, frame.object) {
            (b',', true) => self.expect = Expect::Key,
            (b',', false) => (self.expect, self.node) = (Expect::Value, frame.element),
            (b'}', true) | (b']', false) => {
                if frame.rows {
                    self.placed = false;
                }
                self.frames.pop();
                self.end_value(true, *pos + 1);
            }
            (_, true) => return Some(Step::Bad("`,` or `}`")),
            (_, false) => return Some(Step::Bad("`,` or `]`")),
        }
        *pos += 1;
        None
    }
}

/// Whether an object or array begins behind a key and its colon; unknown as long as that is not in sight.
fn begins_container(behind: &[u8], eof: bool) -> Option<bool> {
    let seen = &behind[..behind.len().min(BEHIND_KEY)];
    let blank = |b: &&u8| b.is_ascii_whitespace() || **b == b':';
    match seen.iter().find(|b| !blank(b)) {
        Some(byte) => Some(matches!(byte, b'{' | b'[')),
        None if eof || behind.len() >= BEHIND_KEY => Some(false),
        None => None,
    }
}
