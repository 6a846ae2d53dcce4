//! A walk through JSON without recursion, as far as the bytes at hand go.
//!
//! The walker keeps what is open (bounded by the nesting limit) and turns bytes into [`Span`]s: which stretch
//! of the slice is a value of which field, and where records begin. It can stop at any word for want of
//! bytes and go on later. It knows nothing of batches or places.
//!
//! It reads more than the grammar allows where nothing can be misread (a comma too many, raw control characters in
//! strings, `NaN`), because a file that another program wrote badly still holds people.

use std::sync::Arc;

use super::lexer::{self, NumberEnd, StringEnd};
use super::paths::{NodeId, Paths, ROOT};

/// What a stretch of the slice is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SpanKind {
    /// A string, between its quotes, that says what stands there.
    Plain,
    /// A string with escapes.
    Escaped,
    /// A whole number.
    Integer,
    /// Another number.
    Number,
    /// A record begins here: a value of its own, on some line.
    Line,
    /// The next element of an array of records begins.
    Row,
    /// What follows belongs to the document as a whole.
    Document,
    /// Nested too deep to be walked (only noted for [`Layout::Value`]).
    TooDeep,
}

/// A stretch of the slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) node: NodeId,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) kind: SpanKind,
}

/// What is a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// Each value of a sequence.
    Lines,
    /// The document.
    Document,
    /// Each element of the array that the document is.
    Elements,
    /// Each object in an array that is a member of the document; what stands beside them is the document's.
    Members,
    /// Nothing: the slice is one value of a record.
    Value,
}

/// Why the walker stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Many spans have come together; take them and go on.
    Full,
    /// The word at the position goes on past the slice; with `string` it is a string, perhaps a long one.
    More { string: bool },
    /// The tree of paths is large; begin it anew and go on.
    Reset,
    /// What stands at the position cannot stand there; this was expected.
    Bad(&'static str),
    /// A record is cut off by the line feed at the position.
    CutOff,
    /// The bytes end inside a value.
    Truncated,
    /// The bytes end, and all is well.
    Done,
}

/// Spans handed over at a time.
const SPANS: usize = 2048;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expect {
    /// A value of a sequence, or the end.
    Top,
    /// Nothing more on this line (in this slice, for [`Layout::Value`]) after a value.
    LineEnd,
    Value,
    ValueOrEnd,
    Key,
    Colon,
    CommaOrEnd,
}

struct Frame {
    /// The container's node.
    node: NodeId,
    /// The node of its elements, if it is an array.
    element: NodeId,
    object: bool,
    /// Each element is a record.
    rows: bool,
    /// Which of the node's children is expected next.
    hint: u32,
}

/// The walker.
pub(super) struct Walker {
    pub(super) paths: Paths,
    /// What was found and not yet taken.
    pub(super) spans: Vec<Span>,
    /// Containers that were too deep.
    pub(super) too_deep: u64,
    frames: Vec<Frame>,
    expect: Expect,
    layout: Layout,
    nesting: usize,
    /// Containers open beyond the limit.
    deep: u64,
    deep_start: u32,
    /// The field of the next value.
    node: NodeId,
    /// In which of [`Walker::spans`] the record of a sequence begins that is being walked.
    record: Option<usize>,
    record_is_object: bool,
    /// Whether values belong to a record already.
    placed: bool,
    /// How many spans may come together.
    limit: usize,
    scratch: Vec<u8>,
}

impl Walker {
    /// A walker at the beginning of a document or sequence.
    pub(super) fn new(layout: Layout, prefix: Arc<str>, nesting: u32) -> Self {
        Self {
            paths: Paths::new(prefix),
            spans: Vec::with_capacity(SPANS + 8),
            too_deep: 0,
            frames: Vec::new(),
            expect: Expect::Top,
            layout,
            nesting: nesting as usize,
            deep: 0,
            deep_start: 0,
            node: ROOT,
            record: None,
            record_is_object: false,
            placed: false,
            limit: SPANS,
            scratch: Vec::new(),
        }
    }

    /// Walks on from `pos`, which moves past what was understood.
    pub(super) fn step(&mut self, buf: &[u8], pos: &mut usize, eof: bool) -> Step {
        loop {
            if self.deep > 0
                && let Some(step) = self.skip_too_deep(buf, pos, eof)
            {
                return step;
            }
            if let Some(step) = self.skip_blanks(buf, pos, eof) {
                return step;
            }
            let Some(&byte) = buf.get(*pos) else {
                return match self.expect {
                    _ if !eof => Step::More { string: false },
                    Expect::Top => Step::Done,
                    Expect::LineEnd => {
                        self.end_record();
                        Step::Done
                    }
                    _ => Step::Truncated,
                };
            };
            let step = match self.expect {
                Expect::Top if matches!(byte, b',' | 0x1e) && self.layout == Layout::Lines => {
                    *pos += 1;
                    None
                }
                Expect::Top | Expect::Value | Expect::ValueOrEnd => self.value(byte, buf, pos, eof),
                Expect::LineEnd => Some(Step::Bad("a line feed after a value that is not an object or array")),
                Expect::Key => self.key(byte, buf, pos, eof),
                Expect::Colon if byte == b':' => {
                    *pos += 1;
                    self.expect = Expect::Value;
                    None
                }
                Expect::Colon => Some(Step::Bad("`:` after a key")),
                Expect::CommaOrEnd => self.comma_or_end(byte, pos),
            };
            if let Some(step) = step {
                return step;
            }
            if self.spans.len() >= self.limit {
                return Step::Full;
            }
        }
    }

    /// Where in the spans the record begins that is not complete; what stands before can be taken.
    pub(super) fn complete(&self) -> usize {
        self.record.unwrap_or(self.spans.len())
    }

    /// Says that the spans were taken up to `taken`, and that the slice now begins `moved` bytes later.
    pub(super) fn taken(&mut self, taken: usize, moved: usize) {
        self.spans.drain(..taken);
        self.limit = self.spans.len() + SPANS;
        self.record = self.record.and_then(|record| record.checked_sub(taken));
        for span in &mut self.spans {
            span.start -= moved as u32;
            span.end -= moved as u32;
        }
        self.deep_start = self.deep_start.wrapping_sub(moved as u32);
    }

    /// Gives up the record of a sequence and where it began, unless it was taken already.
    pub(super) fn give_up_record(&mut self) -> Option<usize> {
        self.frames.clear();
        (self.expect, self.deep, self.placed) = (Expect::Top, 0, false);
        let from = self.record.take()?;
        let start = self.spans[from].start;
        self.spans.truncate(from);
        Some(start as usize)
    }

    /// Goes to the beginning of another value, with the same paths.
    pub(super) fn restart(&mut self) {
        self.give_up_record();
        self.spans.clear();
        self.limit = SPANS;
    }

    /// Begins the tree of paths anew; spans not yet taken no longer mean anything.
    pub(super) fn reset_paths(&mut self) {
        let mut open: Vec<_> = self.frames.iter().flat_map(|frame| [frame.node, frame.element]).collect();
        open.push(self.node);
        let (paths, moved) = self.paths.begun_anew(&open);
        self.paths = paths;
        for (frame, nodes) in self.frames.iter_mut().zip(moved.chunks(2)) {
            (frame.node, frame.element, frame.hint) = (nodes[0], nodes[1], 0);
        }
        self.node = *moved.last().expect("one more than the frames");
    }

    /// Begins the string at `pos`, which is read by other means because it is long, and gives its field.
    pub(super) fn begin_long_string(&mut self, pos: usize) -> NodeId {
        if self.expect != Expect::Key {
            self.begin_value(b'"', pos);
            self.expect = Expect::Value;
            return self.node;
        }
        let object = self.frames.last().expect("a key stands in an object").node;
        let keyed = self.paths.data_key(object);
        self.node = keyed.node;
        self.begin_in_document(pos);
        keyed.key_itself.expect("the key is data")
    }

    /// Ends the string that was begun so; the position is after its closing quote.
    pub(super) fn end_long_string(&mut self) {
        match self.expect {
            Expect::Key => self.expect = Expect::Colon,
            _ => self.end_value(false),
        }
    }

    /// Skips white space. A line feed before `{` in a sequence, where no object can stand, cuts the record off.
    #[inline]
    fn skip_blanks(&mut self, buf: &[u8], pos: &mut usize, eof: bool) -> Option<Step> {
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

    fn skip_too_deep(&mut self, buf: &[u8], pos: &mut usize, eof: bool) -> Option<Step> {
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
                self.end_value(true);
                return None;
            }
        }
        Some(if eof { Step::Truncated } else { Step::More { string: false } })
    }

    /// Whether what the position stands at is inside what is too deep.
    pub(super) fn is_too_deep(&self) -> bool {
        self.deep > 0
    }

    #[inline]
    fn value(&mut self, byte: u8, buf: &[u8], pos: &mut usize, eof: bool) -> Option<Step> {
        let at = *pos;
        match byte {
            b'"' => match lexer::string_end(buf, at + 1, self.layout == Layout::Lines) {
                StringEnd::Closed { at: end, escaped } => {
                    self.begin_value(byte, at);
                    let kind = if escaped { SpanKind::Escaped } else { SpanKind::Plain };
                    self.spans.push(Span { node: self.node, start: at as u32 + 1, end: end as u32, kind });
                    *pos = end + 1;
                    self.end_value(false);
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
                    self.end_value(false);
                    None
                }
                NumberEnd::Open => Some(Step::More { string: false }),
                NumberEnd::Bad => Some(Step::Bad("a number")),
            },
            _ => match lexer::literal_end(buf, at, eof) {
                Some(Some(end)) => {
                    self.begin_value(byte, at);
                    *pos = end;
                    self.end_value(false);
                    None
                }
                Some(None) => Some(Step::More { string: false }),
                None => Some(Step::Bad("a value")),
            },
        }
    }

    fn open(&mut self, object: bool) {
        let rows = !object
            && match self.layout {
                Layout::Elements => self.frames.is_empty(),
                Layout::Members => self.frames.len() == 1 && self.frames[0].object,
                _ => false,
            };
        let element = match object {
            true => ROOT,
            // The fields of an element are named as if it were a document.
            false if rows && self.layout == Layout::Elements => ROOT,
            false => self.paths.element(self.node),
        };
        self.frames.push(Frame { node: self.node, element, object, rows, hint: 0 });
        self.node = element;
        self.expect = if object { Expect::Key } else { Expect::ValueOrEnd };
    }

    #[inline]
    fn key(&mut self, byte: u8, buf: &[u8], pos: &mut usize, eof: bool) -> Option<Step> {
        match byte {
            b'"' => {}
            b'}' => return self.comma_or_end(byte, pos),
            _ => return Some(Step::Bad("a key in quotes or `}`")),
        }
        let start = *pos + 1;
        let frame = self.frames.last_mut().expect("a key stands in an object");
        if let Some((key, node)) = self.paths.expected(frame.node, frame.hint)
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
    fn comma_or_end(&mut self, byte: u8, pos: &mut usize) -> Option<Step> {
        let frame = self.frames.last().expect("something is open");
        match (byte, frame.object) {
            (b',', true) => self.expect = Expect::Key,
            (b',', false) => (self.expect, self.node) = (Expect::Value, frame.element),
            (b'}', true) | (b']', false) => {
                if frame.rows {
                    self.placed = false;
                }
                self.frames.pop();
                self.end_value(true);
            }
            (_, true) => return Some(Step::Bad("`,` or `}`")),
            (_, false) => return Some(Step::Bad("`,` or `]`")),
        }
        *pos += 1;
        None
    }

    /// Notes the record that a value begins or belongs to.
    #[inline]
    fn begin_value(&mut self, byte: u8, at: usize) {
        let container = matches!(byte, b'{' | b'[');
        match self.frames.last() {
            Some(frame) if frame.rows => {
                if container || self.layout == Layout::Elements {
                    self.begin(SpanKind::Row, at);
                } else {
                    self.placed = false;
                    self.begin_in_document(at);
                }
            }
            Some(_) => {
                if !container {
                    self.begin_in_document(at);
                }
            }
            None => match self.layout {
                Layout::Lines => {
                    (self.record, self.record_is_object) = (Some(self.spans.len()), byte == b'{');
                    self.begin(SpanKind::Line, at);
                }
                Layout::Document => self.begin(SpanKind::Document, at),
                Layout::Elements | Layout::Members | Layout::Value => {}
            },
        }
        if self.frames.is_empty() {
            self.node = ROOT;
        }
    }

    /// A value that stands in no record of its own belongs to the document.
    #[inline]
    fn begin_in_document(&mut self, at: usize) {
        if !self.placed && self.layout != Layout::Value {
            self.begin(SpanKind::Document, at);
        }
    }

    fn begin(&mut self, kind: SpanKind, at: usize) {
        self.placed = true;
        self.spans.push(Span { node: ROOT, start: at as u32, end: at as u32, kind });
    }

    #[inline]
    fn end_value(&mut self, container: bool) {
        if !self.frames.is_empty() {
            self.expect = Expect::CommaOrEnd;
        } else if self.layout == Layout::Value || (self.layout == Layout::Lines && !container) {
            self.expect = Expect::LineEnd;
        } else {
            self.end_record();
        }
    }

    fn end_record(&mut self) {
        (self.expect, self.record, self.placed) = (Expect::Top, None, false);
        if self.layout != Layout::Value {
            // Whatever follows a document is read as values of a sequence.
            self.layout = Layout::Lines;
        }
    }

    /// Whether values of a sequence are being read, each of which can be given up alone.
    pub(super) fn in_sequence(&self) -> bool {
        self.layout == Layout::Lines
    }
}
