//! Settings: TOML, INI, `.env` and Java's properties, as fields by section and key.
//!
//! A field is `section.key`; comments are `#comment`. A table of an array in TOML (`[[customer]]`) is a record, counted
//! from 1 through all arrays; everything else is the document's. Strings lose their quotes and escapes, elements of
//! arrays are `key[]`, members of inline tables `key.member`. A line that is no setting is text.

use std::ops::Range;

use residuum_source::{Flow, Limits, ObjectPath, OffsetMap, Part, Record, RecordKind, Sink};

use crate::Text;
use crate::gather::{Gather, Value};
use crate::json::{append_key, key_is_data};
use crate::markup::Scan;

/// A kind of settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Toml,
    /// INI and what resembles it, `.env` among it.
    Ini,
    Properties,
}

/// Bytes of a setting that are held; what is longer is text.
const HELD: usize = 256 << 10;
/// Arrays and tables in a value that are told apart.
const MAX_DEPTH: usize = 64;

/// The kind of settings that a text with this name is, judged by its beginning.
pub(crate) fn kind(head: &[u8], name: &[u8], suffix: &str) -> Option<Kind> {
    let file = name.rsplit(|&b| b == b'/').next().unwrap_or_default();
    let kind = match suffix {
        "toml" => Kind::Toml,
        "properties" => Kind::Properties,
        "ini" | "cfg" | "conf" | "env" | "cnf" | "editorconfig" => Kind::Ini,
        _ if file == b".env" || file.starts_with(b".env.") => Kind::Ini,
        "" => Kind::Ini,
        _ => return None,
    };
    let (mut settings, mut sections, mut others) = (0, 0, 0);
    for line in head.split(|&b| b == b'\n').take(200) {
        let line = line.trim_ascii();
        match line {
            [] | [b'#' | b';' | b'!', ..] => {}
            [b'[', .., b']'] => sections += 1,
            _ if key(line, kind).is_some() => settings += 1,
            _ => others += 1,
        }
    }
    let is_named = !suffix.is_empty() || file.starts_with(b".env");
    match is_named {
        true => (settings > 0 && others <= settings * 2).then_some(kind),
        false => (sections > 0 && settings >= 2 && others == 0).then_some(kind),
    }
}

/// Reads settings.
pub(crate) fn read(path: &ObjectPath, kind: Kind, text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    let encoding = Some(text.encoding().name());
    let format = match kind {
        Kind::Toml => "toml",
        Kind::Ini => "ini",
        Kind::Properties => "properties",
    };
    sink.open(Part { path: path.clone(), format, encoding, primary_key: Vec::new() })?;
    let gather = Gather::new(limits, sink);
    let mut reader =
        Reader { scan: Scan::new(text), gather, kind, section: String::new(), array: None, records: 0, stands: None };
    while !reader.scan.look().is_empty() {
        reader.setting()?;
        reader.gather.flush_if_full(reader.scan.position())?;
    }
    reader.ends();
    reader.gather.flush(reader.scan.position())?;
    let (records, mut scan) = (reader.gather.records, reader.scan);
    scan.text.consume(scan.pos);
    sink.close(scan.text.outcome(records))
}

struct Reader<'s, 'a> {
    scan: Scan<'a>,
    gather: Gather<'s>,
    kind: Kind,
    section: String,
    /// The array of tables whose element is the record at hand.
    array: Option<String>,
    records: u64,
    /// Where the record begins, and the last of it ends, while it may go on.
    stands: Option<std::ops::Range<u64>>,
}

/// A setting with its places.
struct Line {
    bytes: Vec<u8>,
    map: OffsetMap,
}

impl Reader<'_, '_> {
    /// Tells where the record stands that does not go on.
    fn ends(&mut self) {
        if let Some(stands) = self.stands.take()
            && self.gather.wants_extents()
        {
            self.gather.extent(Record::Number(RecordKind::Row, self.records), 0, stands);
        }
    }

    fn setting(&mut self) -> Flow {
        let mut value = Value::default();
        let mut whole = self.keep_line(&mut value);
        while whole && self.goes_on(&value.bytes) && !self.scan.look().is_empty() {
            whole = self.keep_line(&mut value);
        }
        if !whole {
            let field = self.gather.field("");
            while !self.scan.keep_until(&mut value, b"\n") {
                self.gather.pour(field, &mut value, self.scan.position())?;
                if !self.scan.more() {
                    break;
                }
            }
            return self.gather.push_value(field, &mut value, self.scan.position());
        }
        let (bytes, map) = value.take();
        let line = Line { bytes, map };
        let begin = line.bytes.len() - line.bytes.trim_ascii_start().len();
        let end = line.bytes.trim_ascii_end().len();
        let is_header = matches!(&line.bytes[begin.min(end)..end], [b'[', ..]);
        // Comments and empty lines before the next header are not the record's.
        if let Some(stands) = self.stands.as_mut().filter(|_| !is_header)
            && !matches!(&line.bytes[begin.min(end)..end], [] | [b'#', ..])
        {
            stands.end = self.scan.position();
        }
        match &line.bytes[begin.min(end)..end] {
            [] => Flow::Continue(()),
            [b'#' | b';', ..] => self.push("#comment", &line, begin + 1..end),
            [b'!', ..] if self.kind == Kind::Properties => self.push("#comment", &line, begin + 1..end),
            [b'[', ..] if key(&line.bytes[begin..end], self.kind).is_none() => self.header(&line, begin..end),
            text => match key(text, self.kind) {
                Some((name, value)) => {
                    let mut path = self.section.clone();
                    if append_path(&mut path, &text[name.clone()]) {
                        self.push("{key}", &line, begin + name.start..begin + name.end)?;
                    }
                    match self.kind {
                        Kind::Toml => {
                            self.toml(&path, &line, begin + value, end, 0)?;
                            Flow::Continue(())
                        }
                        _ => self.plain(&path, &line, begin + value..end),
                    }
                }
                None => self.push("", &line, begin..end),
            },
        }
    }

    /// Takes a line with its end; says whether it was not too long.
    fn keep_line(&mut self, value: &mut Value) -> bool {
        while value.bytes.len() < HELD {
            if self.scan.look().is_empty() {
                return true;
            }
            let rest = self.scan.rest();
            let end = memchr::memchr(b'\n', &rest[..rest.len().min(HELD)]);
            let len = end.map_or(rest.len().min(HELD), |at| at + 1);
            self.scan.keep(value, len);
            if end.is_some() {
                return true;
            }
        }
        false
    }

    /// Whether what has been read so far goes on in the next line.
    fn goes_on(&self, line: &[u8]) -> bool {
        match self.kind {
            Kind::Ini => false,
            Kind::Properties => {
                let text = line.trim_ascii_end();
                let slashes = text.iter().rev().take_while(|b| **b == b'\\').count();
                slashes % 2 == 1 && !text.trim_ascii_start().starts_with(b"#")
            }
            Kind::Toml => is_open(line),
        }
    }

    fn header(&mut self, line: &Line, range: Range<usize>) -> Flow {
        let text = &line.bytes[range.clone()];
        let close = memchr::memrchr(b']', text).unwrap_or(text.len());
        let is_array = text.starts_with(b"[[");
        let name = text[..close].trim_ascii_start();
        let name = name.strip_prefix(b"[[").or(name.strip_prefix(b"[")).unwrap_or(name);
        let name = name.strip_suffix(b"]").unwrap_or(name).trim_ascii();
        self.section.clear();
        let is_data = append_path(&mut self.section, name);
        let belongs = self.array.as_ref().is_some_and(|array| {
            self.section.strip_prefix(array.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        if is_array && self.array.as_ref().is_none_or(|array| !belongs || *array == self.section) {
            self.ends();
            self.records += 1;
            self.gather.begin(RecordKind::Row, self.records);
            self.array = Some(self.section.clone());
            self.stands = Some(line.map.start(0)..self.scan.position());
        } else if !belongs {
            self.ends();
            self.array = None;
            self.gather.in_document();
        } else if let Some(stands) = &mut self.stands {
            stands.end = self.scan.position();
        }
        let after = range.start + (close + 1).min(text.len());
        let comment = line.bytes[after..range.end].trim_ascii_start();
        if !comment.is_empty() {
            let mark = usize::from(matches!(comment[0], b'#' | b';'));
            self.push("#comment", line, range.end - comment.len() + mark..range.end)?;
        }
        if is_data { self.push("{key}", line, range) } else { Flow::Continue(()) }
    }

    fn push(&mut self, field: &str, line: &Line, range: Range<usize>) -> Flow {
        let text = &line.bytes[range.clone()];
        let begin = range.start + (text.len() - text.trim_ascii_start().len());
        let mut value = Value::default();
        value.keep_mapped(&line.bytes[begin..range.end.max(begin)], &line.map, begin as u32);
        let field = self.gather.field(field);
        self.gather.push_value(field, &mut value, self.scan.position())
    }

    /// A value of INI or properties.
    fn plain(&mut self, path: &str, line: &Line, range: Range<usize>) -> Flow {
        let text = &line.bytes[range.clone()];
        if self.kind == Kind::Properties {
            return self.string(path, line, range, true);
        }
        match text {
            [quote @ (b'"' | b'\''), rest @ ..] => match memchr::memrchr(*quote, rest) {
                Some(len) => {
                    let inner = range.start + 1..range.start + 1 + len;
                    let rest = line.bytes[inner.end + 1..range.end].trim_ascii_start();
                    let mark = usize::from(matches!(rest.first(), Some(b'#' | b';')));
                    let after = range.end - rest.len() + mark;
                    self.string(path, line, inner, *quote == b'"')?;
                    self.push("#comment", line, after..range.end)
                }
                None => self.push(path, line, range),
            },
            _ => self.push(path, line, range),
        }
    }

    /// A string, between its quotes.
    fn string(&mut self, path: &str, line: &Line, range: Range<usize>, escapes: bool) -> Flow {
        let mut value = Value::default();
        let mut at = range.start;
        while at < range.end {
            let rest = &line.bytes[at..range.end];
            let plain = if escapes { memchr::memchr(b'\\', rest) } else { None }.unwrap_or(rest.len());
            value.keep_mapped(&rest[..plain], &line.map, at as u32);
            at += plain;
            if at < range.end {
                let (says, len) = escape(&line.bytes[at..range.end]);
                let (start, past) = (line.map.start(at as u32), line.map.end((at + len) as u32));
                if let Some(says) = says {
                    value.put(says.encode_utf8(&mut [0; 4]).as_bytes(), start, past);
                }
                at += len;
            }
        }
        let field = self.gather.field(path);
        self.gather.push_value(field, &mut value, self.scan.position())
    }

    /// A value of TOML from `at` on; gives where it ends.
    fn toml(&mut self, path: &str, line: &Line, at: usize, end: usize, depth: usize) -> Stepped {
        let mut at = self.skip(line, at, end)?.end;
        let rest = &line.bytes[at..end];
        let triple = |quote: &[u8; 3]| rest.starts_with(quote);
        match rest.first() {
            None => {}
            Some(quote @ (b'"' | b'\'')) => {
                let long = triple(b"\"\"\"") || triple(b"'''");
                let open = if long { 3 } else { 1 };
                let len = string_len(&rest[open..], *quote, long);
                self.string(path, line, at + open..at + open + len, *quote == b'"')?;
                at = (at + len + 2 * open).min(end);
            }
            Some(b'[') if depth < MAX_DEPTH => {
                let path = format!("{path}[]");
                at += 1;
                while at < end {
                    at = self.skip(line, at, end)?.end;
                    match line.bytes.get(at) {
                        Some(b']') => return Stepped::Continue(Step { end: at + 1 }),
                        Some(b',') => at += 1,
                        Some(_) if at < end => at = self.toml(&path, line, at, end, depth + 1)?.end.max(at + 1),
                        _ => break,
                    }
                }
            }
            Some(b'{') if depth < MAX_DEPTH => {
                at += 1;
                while at < end {
                    at = self.skip(line, at, end)?.end;
                    match line.bytes.get(at) {
                        Some(b'}') => return Stepped::Continue(Step { end: at + 1 }),
                        Some(b',') => at += 1,
                        Some(_) if at < end => match key(&line.bytes[at..end], Kind::Toml) {
                            Some((name, value)) => {
                                let mut path = path.to_owned();
                                let name = at + name.start..at + name.end;
                                if append_path(&mut path, &line.bytes[name.clone()]) {
                                    self.push("{key}", line, name)?;
                                }
                                at = self.toml(&path, line, at + value, end, depth + 1)?.end.max(at + 1);
                            }
                            None => at = self.toml(path, line, at, end, depth + 1)?.end.max(at + 1),
                        },
                        _ => break,
                    }
                }
            }
            Some(_) => {
                let len = rest.iter().take_while(|b| !matches!(b, b',' | b']' | b'}' | b'#' | b'\n')).count().max(1);
                if !matches!(rest[..len].trim_ascii(), b"true" | b"false") {
                    let says = rest[..len].trim_ascii_end().len();
                    self.push(path, line, at..at + says)?;
                }
                at += len;
            }
        }
        if depth == 0 && at < end {
            // What stands behind the value: a comment, or something that should not be there.
            let says = line.bytes[at..end].trim_ascii();
            let from = end - line.bytes[at..end].trim_ascii_start().len();
            match says.first() {
                Some(b'#') => self.push("#comment", line, from + 1..end)?,
                _ => self.push("", line, from..end)?,
            }
        }
        Stepped::Continue(Step { end: at })
    }

    /// Passes over white space and comments.
    fn skip(&mut self, line: &Line, at: usize, end: usize) -> Stepped {
        let mut at = at;
        loop {
            at += line.bytes[at..end].iter().take_while(|b| b.is_ascii_whitespace()).count();
            if line.bytes[at..end].first() != Some(&b'#') {
                return Stepped::Continue(Step { end: at });
            }
            let len = memchr::memchr(b'\n', &line.bytes[at..end]).unwrap_or(end - at);
            let says = line.bytes[at..at + len].trim_ascii_end().len();
            self.push("#comment", line, at + 1..at + says)?;
            at += len;
        }
    }
}

/// Where a piece of a value ends.
struct Step {
    end: usize,
}

type Stepped = std::ops::ControlFlow<residuum_source::Stop, Step>;

/// The key of a line, and where its value begins.
fn key(line: &[u8], kind: Kind) -> Option<(Range<usize>, usize)> {
    let export = line.strip_prefix(b"export ").filter(|_| kind == Kind::Ini).map_or(0, |_| 7);
    let mut at = export;
    let mut quote = None;
    loop {
        let b = *line.get(at)?;
        match quote {
            Some(open) if b == open => quote = None,
            Some(_) => {}
            None => match b {
                b'=' => break,
                b':' if kind == Kind::Properties => break,
                // A colon within a value is none: `proxy_pass http://…`.
                b':' if kind == Kind::Ini && line.get(at + 1).is_none_or(u8::is_ascii_whitespace) => break,
                b'"' | b'\'' if kind == Kind::Toml => quote = Some(b),
                b'\\' if kind == Kind::Properties => at += 1,
                b' ' | b'\t' => {}
                _ if b.is_ascii_alphanumeric()
                    || !b.is_ascii()
                    || matches!(b, b'_' | b'-' | b'.' | b'/' | b'$' | b'@' | b'[' | b']' | b'*') => {}
                _ => return None,
            },
        }
        at += 1;
        if at > 256 {
            return None;
        }
    }
    let name = line[export..at].trim_ascii();
    let words = name.split(|b| b.is_ascii_whitespace()).count();
    if name.is_empty() || (words > 4 && quote.is_none()) {
        return None;
    }
    let begin = export + (line[export..at].len() - line[export..at].trim_ascii_start().len());
    let after = &line[at + 1..];
    let value = at + 1 + (after.len() - after.trim_ascii_start().len());
    Some((begin..begin + name.len(), value))
}

/// Adds a key, dots in it separating steps, to a path. Says whether a step is a value rather than a name, for which `{}` stands.
fn append_path(path: &mut String, key: &[u8]) -> bool {
    if key_is_data(key) && !key.contains(&b'"') {
        path.push_str(if path.is_empty() { "{}" } else { ".{}" });
        return true;
    }
    let mut is_data = false;
    let (mut from, mut quote) = (0, None);
    for at in 0..=key.len() {
        let b = key.get(at).copied();
        match (quote, b) {
            (Some(open), Some(b)) if b == open => quote = None,
            (Some(_), Some(_)) => {}
            (None, Some(b @ (b'"' | b'\''))) => quote = Some(b),
            (_, Some(b'.') | None) => {
                let step = key[from..at].trim_ascii();
                let within = |quote: &[u8]| step.strip_prefix(quote).and_then(|step| step.strip_suffix(quote));
                let bare = within(b"\"").or_else(|| within(b"'")).unwrap_or(step);
                if key_is_data(bare) {
                    is_data = true;
                    path.push_str(if path.is_empty() { "{}" } else { ".{}" });
                } else {
                    append_key(path, bare);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
    is_data
}

/// Whether a value of TOML is open at the end of what has been read: a bracket, or a string of several lines.
fn is_open(text: &[u8]) -> bool {
    if text.trim_ascii_start().starts_with(b"#") || key(text.trim_ascii(), Kind::Toml).is_none() {
        return false;
    }
    let (mut depth, mut at) = (0i32, 0);
    while let Some(&b) = text.get(at) {
        match b {
            b'"' | b'\'' => {
                let long = text[at..].starts_with(&[b; 3]);
                let open = if long { 3 } else { 1 };
                let len = string_len(&text[(at + open).min(text.len())..], b, long);
                at += open + len + open;
                if long && at > text.len() {
                    return true;
                }
                continue;
            }
            b'#' => at += memchr::memchr(b'\n', &text[at..]).unwrap_or(text.len() - at),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    depth > 0
}

/// How long a string is, up to its closing quotes or, for want of them, the end of the line or text.
fn string_len(text: &[u8], quote: u8, long: bool) -> usize {
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        match b {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !long => return at,
            _ if b == quote && (!long || text[at..].starts_with(&[quote; 3])) => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// What an escape says, and its length.
fn escape(text: &[u8]) -> (Option<char>, usize) {
    let code = |digits: usize| {
        let text = text.get(2..2 + digits).and_then(|digits| std::str::from_utf8(digits).ok())?;
        u32::from_str_radix(text, 16).ok().map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    };
    match text.get(1) {
        Some(b'n') => (Some('\n'), 2),
        Some(b't') => (Some('\t'), 2),
        Some(b'r') => (Some('\r'), 2),
        Some(b'u') if code(4).is_some() => (code(4), 6),
        Some(b'U') if code(8).is_some() => (code(8), 10),
        Some(b'\r' | b'\n') => (None, 1 + text[1..].iter().take_while(|b| b.is_ascii_whitespace()).count()),
        Some(&b) if b.is_ascii_punctuation() => (Some(b as char), 2),
        _ => (Some('\\'), 1),
    }
}

#[cfg(test)]
mod tests;
