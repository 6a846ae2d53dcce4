//! Messages and their parts, one within the other.

use residuum_source::{Flow, ObjectPath, OffsetMap, Record, RecordKind, Sink, Stop};

use super::TextPart;
use super::body::{Content, Decoder, recode};
use super::headers::{Entity, field_name, keep_decoded, name_of};
use super::lines::{End, Lines, Next};
use crate::container::{Names, Within, read_member};
use crate::gather::{Gather, Value};
use crate::json::key_is_data;
use crate::{Bytes, Fault, Text};

/// Parts within parts; what is deeper is read as text.
const MAX_DEPTH: usize = 64;
/// Bytes of a text that come together before they are handed on, at the end of a line.
const CHUNK: usize = if cfg!(test) { 1 << 10 } else { 1 << 20 };
/// Bytes of a header that are looked at for what it says about a part.
const MAX_HEADER: usize = 16 << 10;

/// A reader at some place of mail.
pub(super) struct Reader<'r, 'a, 's> {
    path: &'r ObjectPath,
    lines: Lines<'a>,
    gather: Gather<'s>,
    within: &'r Within<'r>,
    names: Names,
    /// Bytes of one text that are held.
    held: usize,
    /// The name of the message at hand.
    record: String,
    done: Done,
}

/// What became of it.
#[derive(Default)]
pub(super) struct Done {
    pub bytes: u64,
    pub records: u64,
    pub members: u64,
    pub fault: Option<Fault>,
    pub limit: Option<String>,
    pub unfinished: bool,
}

type Ended = Result<End, Stop>;

impl<'r, 'a, 's> Reader<'r, 'a, 's> {
    pub fn new(
        path: &'r ObjectPath,
        bytes: Bytes<'a>,
        is_box: bool,
        within: &'r Within<'r>,
        sink: &'s mut dyn Sink,
    ) -> Self {
        Self {
            path,
            lines: Lines::new(bytes, is_box),
            gather: Gather::new(within.limits, sink),
            within,
            names: Names::default(),
            held: usize::try_from(within.limits.whole_bytes / 8).unwrap_or(usize::MAX).max(1),
            record: String::new(),
            done: Done::default(),
        }
    }

    pub fn finish(mut self) -> Done {
        self.done.bytes = self.lines.bytes.position();
        self.done.records = self.gather.records;
        self.done.fault = self.lines.bytes.fault().cloned();
        self.done
    }

    /// Reads to the end.
    pub fn read(&mut self) -> Flow {
        let mut number = 0u64;
        while self.lines.line_len() > 0 {
            number += 1;
            self.record = number.to_string();
            self.gather.begin_named(RecordKind::Part, &self.record);
            let begin = self.lines.bytes.position();
            self.separator()?;
            if let Err(stop) = self.message() {
                return Flow::Break(stop);
            }
            self.lines.boundaries.clear();
            self.tell(0, begin..self.lines.bytes.position());
        }
        let position = self.lines.bytes.position();
        self.gather.flush(position)
    }

    /// The line a message of a box begins with: who sent it, and when.
    fn separator(&mut self) -> Flow {
        if let Next::End(End::Message) = self.lines.next() {
            let len = self.lines.line_len();
            let (mut value, raw) = (Value::default(), self.lines.bytes.position());
            value.keep_raw(&self.lines.bytes.window()[5..len], raw + 5);
            self.lines.pass(len);
            let field = self.gather.field("Envelope-From");
            self.gather.push_value(field, &mut value, raw + len as u64)?;
        }
        Flow::Continue(())
    }

    fn message(&mut self) -> Ended {
        let entity = self.headers()?;
        let end = self.part(&entity, "")?;
        self.done.unfinished |= end == End::Bytes && !self.lines.boundaries.is_empty();
        Ok(end)
    }

    /// Reads headers into fields, up to the empty line after them.
    fn headers(&mut self) -> Result<Entity, Stop> {
        let mut entity = Entity::default();
        loop {
            let len = self.lines.line_len();
            let line = &self.lines.bytes.window()[..len];
            let Some(name) = name_of(line).filter(|name| !name.starts_with(b"--")).map(field_name) else {
                if line.trim_ascii().is_empty() {
                    self.lines.pass(len);
                }
                return Ok(entity);
            };
            let colon = line.iter().position(|&b| b == b':').unwrap_or_default();
            self.header(&name, colon + 1, &mut entity)?;
        }
    }

    /// Reads one header, the lines it is folded into included.
    fn header(&mut self, name: &str, value_at: usize, entity: &mut Entity) -> Result<(), Stop> {
        let (mut text, mut map, mut from) = (Vec::new(), OffsetMap::default(), value_at);
        let raw = self.lines.bytes.position();
        loop {
            let len = self.lines.line_len();
            let line = &self.lines.bytes.window()[..len];
            let cut = !line.ends_with(b"\n");
            let value = line[from..].strip_suffix(b"\n").unwrap_or(&line[from..]);
            let value = value.strip_suffix(b"\r").unwrap_or(value);
            if text.len() < self.held {
                let raw = self.lines.bytes.position() + from as u64;
                map.push(residuum_source::Run { start: text.len() as u32, width: 1, raw_width: 1, raw });
                text.extend_from_slice(value);
            } else {
                self.over_limit("a header");
            }
            self.lines.pass(len);
            from = 0;
            let next = self.lines.line_len();
            let folds = matches!(self.lines.bytes.window()[..next].first(), Some(b' ' | b'\t'));
            if next == 0 || !(cut || folds) {
                break;
            }
        }
        let begin = text.iter().take_while(|b| b.is_ascii_whitespace()).count();
        entity.note(name, &text[begin..text.len().min(MAX_HEADER).max(begin)]);
        let mut value = Value::default();
        keep_decoded(&text[begin..], &map.slice(begin as u32, text.len() as u32), &mut value);
        if key_is_data(name.as_bytes()) {
            // The name of a field is kept where a value is not.
            let (field, key) = (self.gather.field("{}"), self.gather.field("{key}"));
            let mut itself = Value::default();
            itself.keep_raw(name.as_bytes(), raw);
            self.push(key, &mut itself)?;
            return self.push(field, &mut value);
        }
        let field = self.gather.field(name);
        self.push(field, &mut value)
    }

    /// Reads the content of a part, and says why it ends.
    fn part(&mut self, entity: &Entity, section: &str) -> Ended {
        let kind = if entity.kind.is_empty() { "text/plain" } else { entity.kind.as_str() };
        let is_text =
            kind.starts_with("text/") || matches!(kind, "message/delivery-status" | "message/disposition-notification");
        let is_shown =
            matches!(kind, "text/plain" | "text/html" | "text/enriched" | "text/richtext" | "text/rfc822-headers")
                || (is_text && !kind.starts_with("text/"));
        if let (true, Some(boundary)) = (kind.starts_with("multipart/"), &entity.boundary)
            && self.lines.boundaries.len() < MAX_DEPTH
        {
            return self.multipart(boundary.clone(), section);
        }
        if kind.starts_with("multipart/") || (is_shown && !entity.is_attachment && entity.name.is_none()) {
            return self.text(entity, kind == "text/html");
        }
        self.member(entity, kind, section)
    }

    fn multipart(&mut self, boundary: Vec<u8>, section: &str) -> Ended {
        let level = self.lines.boundaries.len();
        self.lines.boundaries.push(boundary);
        // What stands before the first part and after the last is shown by few programs, and is text.
        let preamble = Entity::default();
        let mut end = self.text(&preamble, false)?;
        let mut number = 0;
        loop {
            match end {
                End::Boundary { level: at, closes: false } if at == level => {
                    number += 1;
                    let entity = self.headers()?;
                    let dot = if section.is_empty() { "" } else { "." };
                    end = self.part(&entity, &format!("{section}{dot}{number}"))?;
                    let open = if let End::Boundary { level, .. } = end { level + 1 } else { usize::MAX };
                    self.lines.boundaries.truncate(open.max(level + 1).min(self.lines.boundaries.len()));
                }
                End::Boundary { level: at, closes: true } if at == level => {
                    self.lines.boundaries.truncate(level);
                    return self.text(&preamble, false);
                }
                // The boundary of a part around this one, or the end of everything.
                End::Boundary { .. } => {
                    self.lines.boundaries.truncate(level);
                    return Ok(end);
                }
                End::Message => {
                    self.done.unfinished = true;
                    return Ok(end);
                }
                End::Bytes => return Ok(end),
            }
        }
    }

    /// Tells where the message stands, or a text of it.
    fn tell(&mut self, list: u64, bytes: std::ops::Range<u64>) {
        if self.gather.wants_extents() {
            self.gather.extent(Record::Text(RecordKind::Part, self.record.clone()), list, bytes);
        }
    }

    /// Text that is shown.
    fn text(&mut self, entity: &Entity, is_page: bool) -> Ended {
        let begin = self.lines.bytes.position();
        let (mut value, mut decoder) = (Value::default(), Decoder::new(entity.transfer));
        let (mut shown, field) = (Value::default(), self.gather.field(""));
        let mut past = begin;
        let end = loop {
            past = self.lines.bytes.position().max(past);
            match self.lines.next() {
                Next::End(end) => break end,
                Next::Line(len) => {
                    let raw = self.lines.bytes.position();
                    if !is_page && value.bytes.len() >= CHUNK && value.bytes.ends_with(b"\n") {
                        let (bytes, map) = value.take();
                        let (bytes, map) = recode(bytes, map, entity.charset);
                        shown.keep_mapped(&bytes, &map, 0);
                        if let Flow::Break(stop) = self.gather.pour(field, &mut shown, raw) {
                            return Err(stop);
                        }
                    }
                    if !is_page || value.bytes.len() < self.held {
                        decoder.line(&self.lines.bytes.window()[..len], raw, &mut value);
                    } else {
                        self.over_limit("a page in a message");
                    }
                    self.lines.pass(len);
                }
            }
        };
        decoder.end(&mut value);
        self.tell(TextPart { transfer: entity.transfer, charset: entity.charset, is_page }.list(), begin..past);
        let (bytes, map) = value.take();
        let (bytes, map) = recode(bytes, map, entity.charset);
        if is_page {
            let text = Text::decoded(bytes, map, self.lines.bytes.position());
            if let Flow::Break(stop) = crate::html::gather_page(text, &mut self.gather, "") {
                return Err(stop);
            }
        } else {
            let blank = if shown.is_empty() { bytes.len() - bytes.trim_ascii_start().len() } else { 0 };
            shown.keep_mapped(&bytes[blank..], &map, blank as u32);
            self.push(field, &mut shown)?;
        }
        Ok(end)
    }

    /// What a message carries, as an object of its own.
    fn member(&mut self, entity: &Entity, kind: &str, section: &str) -> Ended {
        let fallback = || match kind {
            "message/rfc822" | "message/global" => b"message.eml".to_vec(),
            "text/calendar" => b"calendar.ics".to_vec(),
            "text/csv" => b"part.csv".to_vec(),
            _ => format!("part-{}", if section.is_empty() { "1" } else { section }).into_bytes(),
        };
        let name = entity.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(fallback);
        let path = self.path.member(&self.names.next(&name));
        self.done.members += 1;
        let position = self.lines.bytes.position();
        let sink = self.gather.sink(position)?;
        let mut content = Content::new(&mut self.lines, entity.transfer);
        match read_member(&path, &mut content, self.within, sink) {
            Flow::Continue(()) => Ok(content.finish()),
            Flow::Break(stop) => Err(stop),
        }
    }

    fn push(&mut self, field: u32, value: &mut Value) -> Result<(), Stop> {
        let position = self.lines.bytes.position();
        let pushed = match self.gather.push_value(field, value, position) {
            Flow::Continue(()) => self.gather.flush_if_full(position),
            stop => stop,
        };
        match pushed {
            Flow::Continue(()) => Ok(()),
            Flow::Break(stop) => Err(stop),
        }
    }

    fn over_limit(&mut self, what: &str) {
        let most = self.held;
        self.done.limit.get_or_insert_with(|| {
            format!("{what} is longer than {most} bytes and was read to there; raise the limit `whole_bytes` to eight times its size")
        });
    }
}
