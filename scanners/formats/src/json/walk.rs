//! A walk through JSON without recursion, as far as the bytes at hand go.
//!
//! The walker keeps what is open (bounded by the nesting limit) and turns bytes into [`Span`]s: which stretch
//! of the slice is a value of which field, and where records begin. It can stop at any word for want of
//! bytes and go on later. It knows nothing of batches or places.
//!
//! It reads more than the grammar allows where nothing can be misread (a comma too many, raw control characters in
//! strings, `NaN`), because a file that another program wrote badly still holds people.

mod words;

use std::sync::Arc;

use super::paths::{NodeId, Paths, ROOT};
use super::span::{Layout, Span, SpanKind, Step};

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
    /// Each element is a record; of a map, each member whose value is an object or array.
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
    /// Where elements begin and end is noted.
    pub(super) extents: bool,
    /// Lists whose elements are records, so far.
    lists: u32,
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
            extents: false,
            lists: 0,
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
        let frame = self.frames.last().expect("a key stands in an object");
        let keyed = self.paths.data_key(frame.node);
        if frame.rows {
            // What is behind so long a key is not in sight: it is the document's.
            self.placed = false;
            self.note_extent(SpanKind::Begins, pos);
        }
        self.node = keyed.node;
        self.begin_in_document(pos);
        keyed.key_itself.expect("the key is data")
    }

    /// Ends the string that was begun so; the position is after its closing quote.
    pub(super) fn end_long_string(&mut self, pos: usize) {
        match self.expect {
            Expect::Key => self.expect = Expect::Colon,
            _ => self.end_value(false, pos),
        }
    }

    /// Whether what the position stands at is inside what is too deep.
    pub(super) fn is_too_deep(&self) -> bool {
        self.deep > 0
    }

    /// Notes the record that a value begins or belongs to.
    #[inline]
    fn begin_value(&mut self, byte: u8, at: usize) {
        let container = matches!(byte, b'{' | b'[');
        match self.frames.last() {
            Some(frame) if frame.rows && !frame.object => {
                if container || self.layout == Layout::Elements {
                    self.begin(SpanKind::Row, at);
                } else {
                    self.placed = false;
                    self.begin_in_document(at);
                }
                self.note_extent(SpanKind::Begins, at);
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
                    self.note_extent(SpanKind::Begins, at);
                }
                Layout::Document => self.begin(SpanKind::Document, at),
                Layout::Elements | Layout::Members | Layout::Nested(_) | Layout::Value => {}
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

    /// Notes where an element begins or ends.
    #[inline]
    fn note_extent(&mut self, kind: SpanKind, at: usize) {
        if self.extents {
            self.spans.push(Span { node: self.lists, start: at as u32, end: at as u32, kind });
        }
    }

    /// The value ended at this position.
    #[inline]
    fn end_value(&mut self, container: bool, at: usize) {
        if match self.frames.last() {
            Some(frame) => frame.rows,
            None => self.layout == Layout::Lines,
        } {
            self.note_extent(SpanKind::Ends, at);
        }
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
