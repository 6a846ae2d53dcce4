//! From spans to batches: one column for each field that occurs, flushed by size.

use std::sync::Arc;

use residuum_source::{
    Batch, Column, Flow, Limits, Logical, OffsetMap, Record, RecordKind, Records, Rows, Sink, Window,
};

use super::lexer::{self, Origin};
use super::paths::{NodeId, Paths};
use super::span::{Span, SpanKind};

/// Columns a batch may have before it is handed over.
const MAX_COLUMNS: usize = 4096;
/// What a value costs beside its bytes: its end, its row and its place.
const VALUE_COST: usize = 8;
/// What a column costs beside its values.
const COLUMN_COST: usize = 64;

/// A batch in the making.
pub(super) struct Columns {
    batch_bytes: usize,
    kind: RecordKind,
    /// Records of this batch.
    numbers: Vec<u64>,
    /// Number of the record that values belong to; it may have begun in an earlier batch.
    current: u64,
    /// Rows met so far.
    rows: u64,
    /// Records met so far.
    pub(super) records: u64,
    begun: bool,
    document_counted: bool,
    columns: Vec<Building>,
    /// For each node, its column in the batch with this number, and how large the column became before.
    slots: Vec<Slot>,
    batch: u32,
    held: usize,
    /// Where the object was when the last batch was handed over.
    raw: u64,
}

/// A column in the making.
pub(super) struct Building {
    field: Arc<str>,
    node: NodeId,
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    rows: Vec<u32>,
    place: OffsetMap,
    kinds: u8,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    batch: u32,
    column: u32,
    bytes: u32,
    values: u32,
}

const TEXT: u8 = 1;
const INTEGER: u8 = 2;
const NUMBER: u8 = 4;

impl Columns {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            batch_bytes: limits.batch_bytes,
            kind: RecordKind::Document,
            numbers: Vec::new(),
            current: 0,
            rows: 0,
            records: 0,
            begun: false,
            document_counted: false,
            columns: Vec::new(),
            slots: Vec::new(),
            batch: 1,
            held: 0,
            raw: 0,
        }
    }

    /// Begins the record that a span stands for; `line` is the line the span is on, if it is a [`SpanKind::Line`].
    pub(super) fn begin(&mut self, kind: SpanKind, line: u64, raw: u64, sink: &mut dyn Sink) -> Flow {
        let (kind, number) = match kind {
            SpanKind::Line => (RecordKind::Line, line),
            SpanKind::Row => {
                self.rows += 1;
                (RecordKind::Row, self.rows)
            }
            _ => (RecordKind::Document, 0),
        };
        // Two values on one line are one record, and so is all that belongs to the document.
        let continues = self.begun && kind == self.kind && number == self.current;
        if kind != self.kind {
            self.flush(raw, sink)?;
        }
        (self.begun, self.kind, self.current) = (true, kind, number);
        if !continues {
            let counted = kind == RecordKind::Document && std::mem::replace(&mut self.document_counted, true);
            self.records += u64::from(!counted);
            self.numbers.push(number);
            self.held += VALUE_COST;
        }
        Flow::Continue(())
    }

    /// The record that values belong to.
    pub(super) fn record(&self) -> Record {
        Record::Number(self.kind, self.current)
    }

    /// Adds the value that a span stands for.
    #[inline]
    pub(super) fn push(&mut self, span: Span, paths: &mut Paths, buf: &[u8], origin: Origin<'_, '_>) {
        if self.numbers.is_empty() {
            self.numbers.push(self.current);
        }
        let row = self.numbers.len() as u32 - 1;
        let column = self.column(span.node, paths);
        let before = column.bytes.len();
        column.push(span, buf, origin, row);
        self.held += column.bytes.len() - before + VALUE_COST;
    }

    /// Adds text that is no JSON, as it stands.
    pub(super) fn push_text(&mut self, from: usize, to: usize, buf: &[u8], origin: Origin<'_, '_>) {
        if self.numbers.is_empty() {
            self.numbers.push(self.current);
        }
        let row = self.numbers.len() as u32 - 1;
        let column = match self.columns.iter_mut().position(|column| column.node == NodeId::MAX) {
            Some(at) => &mut self.columns[at],
            None => {
                self.columns.push(Building::new("".into(), NodeId::MAX, Slot::default()));
                self.columns.last_mut().expect("just pushed")
            }
        };
        let span = Span { node: NodeId::MAX, start: from as u32, end: to as u32, kind: SpanKind::Plain };
        column.push(span, buf, origin, row);
        self.held += to - from + VALUE_COST;
    }

    /// Whether the batch is large enough to be handed over.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.held >= self.batch_bytes || self.columns.len() >= MAX_COLUMNS
    }

    /// Hands the batch over, if there is anything in it; `raw` is where the object is now.
    pub(super) fn flush(&mut self, raw: u64, sink: &mut dyn Sink) -> Flow {
        let numbers = std::mem::take(&mut self.numbers);
        if numbers.is_empty() {
            return Flow::Continue(());
        }
        let count = numbers.len() as u64;
        for building in &self.columns {
            if let Some(slot) = self.slots.get_mut(building.node as usize) {
                (slot.bytes, slot.values) = (building.bytes.len() as u32, building.rows.len() as u32);
            }
        }
        let batch = Batch {
            columns: self.columns.drain(..).map(|column| column.finish(count)).collect(),
            records: records(self.kind, numbers),
            raw_bytes: raw.saturating_sub(self.raw),
        };
        self.raw = raw;
        self.batch += 1;
        self.held = 0;
        sink.batch(batch)
    }

    /// Hands over one window of a long value of the current record.
    pub(super) fn window(&mut self, window: LongWindow, raw: u64, sink: &mut dyn Sink) -> Flow {
        self.flush(raw, sink)?;
        let column = Column {
            offsets: vec![0, window.bytes.len() as u32],
            bytes: window.bytes,
            place: Some(window.place),
            window: Some(window.window),
            ..Column::new(window.field)
        };
        let lines = window.lines.inspect(|lines| self.records += lines.count());
        let batch = Batch {
            records: lines.unwrap_or_else(|| records(self.kind, vec![self.current])),
            columns: vec![column],
            raw_bytes: raw.saturating_sub(self.raw),
        };
        self.raw = raw;
        sink.batch(batch)
    }

    /// Forgets the nodes of a tree that is no more; the batch must have been flushed.
    pub(super) fn forget_nodes(&mut self) {
        self.slots.clear();
    }

    #[inline]
    fn column(&mut self, node: NodeId, paths: &mut Paths) -> &mut Building {
        if node as usize >= self.slots.len() {
            self.slots.resize(paths.len(), Slot::default());
        }
        let slot = &mut self.slots[node as usize];
        if slot.batch != self.batch {
            (slot.batch, slot.column) = (self.batch, self.columns.len() as u32);
            let field = paths.field(node);
            self.held += field.len() + COLUMN_COST;
            self.columns.push(Building::new(field, node, *slot));
        }
        &mut self.columns[slot.column as usize]
    }
}

/// One window of a long value.
pub(super) struct LongWindow {
    pub(super) field: Arc<str>,
    pub(super) bytes: Vec<u8>,
    pub(super) place: OffsetMap,
    pub(super) window: Window,
    /// The records, if they are lines; else it belongs to the current record.
    pub(super) lines: Option<Records>,
}

impl Building {
    fn new(field: Arc<str>, node: NodeId, before: Slot) -> Self {
        let (bytes, values) = (before.bytes as usize, before.values as usize);
        let mut offsets = Vec::with_capacity(values + values / 8 + 1);
        offsets.push(0);
        let mut place = OffsetMap::default();
        place.reserve(values + values / 8);
        Self {
            field,
            node,
            bytes: Vec::with_capacity(bytes + bytes / 8),
            offsets,
            rows: Vec::with_capacity(values + values / 8),
            place,
            kinds: 0,
        }
    }

    /// A column outside a batch, as [`expand`](super::expand) makes them.
    pub(super) fn named(field: Arc<str>) -> Self {
        Self::new(field, 0, Slot::default())
    }

    #[inline]
    pub(super) fn push(&mut self, span: Span, buf: &[u8], origin: Origin<'_, '_>, row: u32) {
        let (from, to) = (span.start as usize, span.end as usize);
        match span.kind {
            SpanKind::Escaped => {
                self.kinds |= TEXT;
                lexer::unescape(buf, from, to, true, origin, &mut self.bytes, &mut self.place);
            }
            kind => {
                self.kinds |= match kind {
                    SpanKind::Integer => INTEGER,
                    SpanKind::Number => NUMBER,
                    _ => TEXT,
                };
                origin.plain(&mut self.place, self.bytes.len(), from, to);
                self.bytes.extend_from_slice(&buf[from..to]);
            }
        }
        self.offsets.push(self.bytes.len() as u32);
        self.rows.push(row);
    }

    /// The rows of the values so far.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The column, in a batch of so many records.
    pub(super) fn finish(self, records: u64) -> Column {
        let each = self.rows.len() as u64 == records && self.rows.iter().enumerate().all(|(i, &row)| i as u32 == row);
        Column {
            field: self.field,
            logical: match self.kinds {
                INTEGER => Logical::Integer,
                kinds if kinds & TEXT == 0 => Logical::Number,
                _ => Logical::Text,
            },
            bytes: self.bytes,
            offsets: self.offsets,
            rows: if each { Rows::Each } else { Rows::Listed(self.rows) },
            place: Some(self.place),
            window: None,
        }
    }
}

/// Records with these numbers, in the shortest form.
fn records(kind: RecordKind, numbers: Vec<u64>) -> Records {
    let (first, count) = (numbers[0], numbers.len() as u64);
    if numbers[numbers.len() - 1] - first == count - 1 {
        return Records::Sequence { kind, first, count };
    }
    Records::Numbered { kind, numbers }
}
