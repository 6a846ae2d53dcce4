//! Values on their way to batches: one column for each field that occurs, flushed by size.
//!
//! What readers of structured text have in common. A reader says which record begins and adds values with their
//! places; a value too long for one batch is handed over in overlapping windows while it is still being read.
//! What belongs to the document as a whole is gathered beside the records, so that a comment between two of them
//! does not cut a batch in two.

use std::collections::HashMap;
use std::sync::Arc;

use residuum_source::{
    Batch, Column, Extent, Flow, Limits, OffsetMap, Record, RecordKind, Records, Rows, Run, Sink, Window,
};

use crate::Text;
use crate::lines::char_boundary;

/// A field's number.
pub(crate) type FieldId = u32;

/// Fields one object may have; what comes after is in the field `{}`.
const MAX_FIELDS: usize = 1 << 15;
/// Columns a batch may have before it is handed over.
const MAX_COLUMNS: usize = 4096;
/// What a value costs beside its bytes: its end, its row and its place.
const VALUE_COST: usize = 8;
/// What a column costs beside its values.
const COLUMN_COST: usize = 64;
/// What a window of a long value shows before and after its core.
const BEFORE: usize = 256;
const AFTER: usize = 4 << 10;
/// Room that a value keeps for the next.
const KEPT: usize = 64 << 10;

/// A value in the making.
#[derive(Default)]
pub(crate) struct Value {
    pub bytes: Vec<u8>,
    map: OffsetMap,
    /// Bytes at the front that were in the core of the last window.
    context: usize,
    /// Bytes of the value before `bytes`.
    before: u64,
    /// Windows of it were handed over.
    cut: bool,
}

impl Value {
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.cut
    }

    /// Appends what stands in a text's window.
    #[inline]
    pub fn keep(&mut self, text: &Text<'_>, from: usize, to: usize) {
        if from < to {
            text.place(&mut self.map, self.bytes.len() as u32, from, to);
            self.bytes.extend_from_slice(&text.window()[from..to]);
        }
    }

    /// Appends bytes that stand as they are from `raw` on.
    pub fn keep_raw(&mut self, bytes: &[u8], raw: u64) {
        if !bytes.is_empty() {
            self.map.push(Run { start: self.bytes.len() as u32, width: 1, raw_width: 1, raw });
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Appends bytes that stand from `at` on in what a map leads from.
    pub fn keep_mapped(&mut self, bytes: &[u8], map: &OffsetMap, at: u32) {
        if bytes.is_empty() {
            return;
        }
        let start = self.bytes.len() as u32;
        for run in map.slice(at, at + bytes.len() as u32).runs() {
            self.map.push(Run { start: start + run.start, ..*run });
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends bytes for which, together, the bytes `raw..raw_end` stand; at most 64 KiB of either.
    pub fn put(&mut self, bytes: &[u8], raw: u64, raw_end: u64) {
        if bytes.is_empty() {
            return;
        }
        let short = |n: u64| u16::try_from(n).unwrap_or(u16::MAX);
        let (width, raw_width) = (short(bytes.len() as u64), short(raw_end.saturating_sub(raw)));
        self.map.push(Run { start: self.bytes.len() as u32, width, raw_width, raw });
        self.bytes.extend_from_slice(bytes);
    }

    /// The value as bytes with their places, leaving it empty.
    pub fn take(&mut self) -> (Vec<u8>, OffsetMap) {
        let value = std::mem::take(self);
        (value.bytes, value.map)
    }

    /// Takes bytes off the front, unless part of it was handed over.
    pub fn drop_front(&mut self, n: usize) {
        if !self.cut {
            self.map = self.map.slice(n as u32, self.bytes.len() as u32);
            self.bytes.drain(..n);
        }
    }

    /// Empties it, keeping the room it has.
    fn clear(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        bytes.shrink_to(KEPT);
        *self = Self { bytes, ..Self::default() };
    }

    fn trim_end(&mut self) {
        let len = self.bytes.trim_ascii_end().len().max(self.context);
        self.bytes.truncate(len);
    }

    fn window(&mut self, core_end: usize, to: usize, field: Arc<str>) -> Column {
        let whole = !self.cut && core_end == self.bytes.len();
        self.cut = true;
        let core = self.context as u32..core_end as u32;
        Column {
            bytes: self.bytes[..to].to_vec(),
            offsets: vec![0, to as u32],
            place: Some(self.map.slice(0, to as u32)),
            window: (!whole).then_some(Window { core, value_offset: self.before }),
            ..Column::new(field)
        }
    }
}

/// Batches in the making.
pub(crate) struct Gather<'s> {
    sink: &'s mut dyn Sink,
    batch_bytes: usize,
    fields: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, FieldId>,
    document: Table,
    rows: Table,
    /// Values belong to the record begun last rather than to the document.
    in_record: bool,
    /// Position in the object that batches cover so far.
    covered: u64,
    /// Records so far.
    pub records: u64,
}

impl<'s> Gather<'s> {
    /// Values belong to the document until a record is begun.
    pub fn new(limits: &Limits, sink: &'s mut dyn Sink) -> Self {
        Self {
            sink,
            batch_bytes: limits.batch_bytes.max(1),
            fields: Vec::new(),
            by_name: HashMap::new(),
            document: Table::new(RecordKind::Document),
            rows: Table::new(RecordKind::Row),
            in_record: false,
            covered: 0,
            records: 0,
        }
    }

    /// The number of the field with this name.
    pub fn field(&mut self, name: &str) -> FieldId {
        if let Some(&field) = self.by_name.get(name) {
            return field;
        }
        let name = if self.fields.len() < MAX_FIELDS { name } else { "{}" };
        if let Some(&field) = self.by_name.get(name) {
            return field;
        }
        let (field, name) = (self.fields.len() as FieldId, Arc::<str>::from(name));
        self.fields.push(name.clone());
        self.by_name.insert(name, field);
        field
    }

    /// Begins a record with a number. All records of one object are of one kind.
    pub fn begin(&mut self, kind: RecordKind, number: u64) {
        self.rows.kind = kind;
        self.rows.current = number;
        self.rows.note();
        self.records += 1;
        self.in_record = true;
    }

    /// Begins a record that is identified by text. All records of one object are identified in one way.
    pub fn begin_named(&mut self, kind: RecordKind, name: &str) {
        self.rows.name = Some(name.to_owned());
        self.begin(kind, self.rows.current + 1);
    }

    /// From here on values belong to the document.
    pub fn in_document(&mut self) {
        self.in_record = false;
    }

    /// Adds a value that stands in a text's window.
    #[inline]
    pub fn push(&mut self, field: FieldId, text: &Text<'_>, from: usize, to: usize) {
        if from == to {
            return;
        }
        let (table, fields) = self.table();
        let column = table.column(field, fields);
        let at = column.bytes.len() as u32;
        text.place(column.place.as_mut().expect("made with it"), at, from, to);
        column.bytes.extend_from_slice(&text.window()[from..to]);
        table.end_value(field, to - from);
    }

    /// Adds a value, without the white space at its end, and leaves it empty. The object has been read up to `raw`.
    pub fn push_value(&mut self, field: FieldId, value: &mut Value, raw: u64) -> Flow {
        value.trim_end();
        if value.cut || value.bytes.len() > self.batch_bytes {
            self.pour(field, value, raw)?;
            let len = value.bytes.len();
            let done = value.cut && value.context == len;
            let column = value.window(len, len, self.fields[field as usize].clone());
            *value = Value::default();
            return if done { Flow::Continue(()) } else { self.hand_over_window(column, raw) };
        }
        let len = value.bytes.len();
        if len > 0 {
            let (table, fields) = self.table();
            let column = table.column(field, fields);
            let at = column.bytes.len() as u32;
            let place = column.place.as_mut().expect("made with it");
            for run in value.map.runs().iter().take_while(|run| (run.start as usize) < len) {
                place.push(Run { start: at + run.start, ..*run });
            }
            column.bytes.extend_from_slice(&value.bytes);
            table.end_value(field, len);
        }
        value.clear();
        Flow::Continue(())
    }

    /// Hands windows of a value over for as long as it is longer than one.
    pub fn pour(&mut self, field: FieldId, value: &mut Value, raw: u64) -> Flow {
        while value.bytes.len() > value.context + self.batch_bytes + AFTER {
            let core_end = char_boundary(&value.bytes, value.context + self.batch_bytes).max(value.context + 1);
            let to = char_boundary(&value.bytes, core_end + AFTER).max(core_end);
            let window = value.window(core_end, to, self.fields[field as usize].clone());
            let keep = char_boundary(&value.bytes, core_end.saturating_sub(BEFORE));
            value.map = value.map.slice(keep as u32, value.bytes.len() as u32);
            value.bytes.drain(..keep);
            value.before += keep as u64;
            value.context = core_end - keep;
            self.hand_over_window(window, raw)?;
        }
        Flow::Continue(())
    }

    /// Hands over what has come together if that is a batch; the object has been read up to `raw`.
    #[inline]
    pub fn flush_if_full(&mut self, raw: u64) -> Flow {
        let full = |table: &Table| table.held >= self.batch_bytes || table.columns.len() >= MAX_COLUMNS;
        if full(&self.rows) || full(&self.document) { self.flush(raw) } else { Flow::Continue(()) }
    }

    /// Hands over what has come together; the object has been read up to `raw`.
    pub fn flush(&mut self, raw: u64) -> Flow {
        for in_record in [false, true] {
            let table = if in_record { &mut self.rows } else { &mut self.document };
            let Some((records, columns)) = table.finish() else {
                continue;
            };
            let raw_bytes = raw.saturating_sub(self.covered);
            self.covered = self.covered.max(raw);
            self.sink.batch(Batch { records, columns, raw_bytes })?;
        }
        Flow::Continue(())
    }

    /// Whether it is to be told where records begin and end.
    pub fn wants_extents(&self) -> bool {
        self.sink.wants_extents()
    }

    /// Tells where a record stands.
    pub fn extent(&mut self, record: Record, list: u64, bytes: std::ops::Range<u64>) {
        self.sink.extent(Extent { record, list, bytes });
    }

    /// The sink, for a member of this object; what has come together is handed over before.
    pub fn sink(&mut self, raw: u64) -> Result<&mut dyn Sink, residuum_source::Stop> {
        match self.flush(raw) {
            Flow::Continue(()) => Ok(self.sink),
            Flow::Break(stop) => Err(stop),
        }
    }

    fn hand_over_window(&mut self, column: Column, raw: u64) -> Flow {
        self.flush(raw)?;
        let (table, _) = self.table();
        table.note();
        let records = table.finish().map(|(records, _)| records).expect("a record was noted");
        let raw_bytes = raw.saturating_sub(self.covered);
        self.covered = self.covered.max(raw);
        self.sink.batch(Batch { records, columns: vec![column], raw_bytes })
    }

    #[inline]
    fn table(&mut self) -> (&mut Table, &[Arc<str>]) {
        if self.in_record {
            return (&mut self.rows, &self.fields);
        }
        if !std::mem::replace(&mut self.document.begun, true) {
            self.records += 1;
        }
        (&mut self.document, &self.fields)
    }
}

/// Records of one kind with their columns.
struct Table {
    kind: RecordKind,
    /// Records of this batch, and their names where numbers do not identify them.
    numbers: Vec<u64>,
    names: Vec<String>,
    /// The record that values belong to; it may have begun in an earlier batch.
    current: u64,
    name: Option<String>,
    begun: bool,
    columns: Vec<Column>,
    /// The field of each column.
    ids: Vec<FieldId>,
    /// For each field, its column in the batch with this number, and how large the column became before.
    slots: Vec<Slot>,
    batch: u32,
    held: usize,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    batch: u32,
    column: u32,
    bytes: u32,
    values: u32,
}

impl Table {
    fn new(kind: RecordKind) -> Self {
        Self {
            kind,
            numbers: Vec::new(),
            names: Vec::new(),
            current: 0,
            name: None,
            begun: false,
            columns: Vec::new(),
            ids: Vec::new(),
            slots: Vec::new(),
            batch: 1,
            held: 0,
        }
    }

    /// The current record has something in this batch.
    fn note(&mut self) {
        if self.numbers.last() != Some(&self.current) {
            self.numbers.push(self.current);
            self.names.extend(self.name.clone());
            self.held += VALUE_COST;
        }
    }

    #[inline]
    fn column(&mut self, field: FieldId, fields: &[Arc<str>]) -> &mut Column {
        self.note();
        if field as usize >= self.slots.len() {
            self.slots.resize(fields.len(), Slot::default());
        }
        let slot = &mut self.slots[field as usize];
        if slot.batch != self.batch {
            (slot.batch, slot.column) = (self.batch, self.columns.len() as u32);
            let name = fields[field as usize].clone();
            self.held += name.len() + COLUMN_COST;
            let (bytes, values) = (slot.bytes as usize, slot.values as usize);
            let mut column = Column::new(name);
            column.bytes.reserve(bytes + bytes / 8);
            column.offsets.reserve(values + values / 8);
            column.rows = Rows::Listed(Vec::with_capacity(values + values / 8));
            let mut place = OffsetMap::default();
            place.reserve(values + values / 8);
            column.place = Some(place);
            self.columns.push(column);
            self.ids.push(field);
        }
        &mut self.columns[slot.column as usize]
    }

    #[inline]
    fn end_value(&mut self, field: FieldId, bytes: usize) {
        let row = self.numbers.len() as u32 - 1;
        let column = &mut self.columns[self.slots[field as usize].column as usize];
        column.end_value();
        if let Rows::Listed(rows) = &mut column.rows {
            rows.push(row);
        }
        self.held += bytes + VALUE_COST;
    }

    /// What has come together, if anything has.
    fn finish(&mut self) -> Option<(Records, Vec<Column>)> {
        let numbers = std::mem::take(&mut self.numbers);
        let (&first, &last) = (numbers.first()?, numbers.last()?);
        for (column, field) in self.columns.iter().zip(self.ids.drain(..)) {
            let slot = &mut self.slots[field as usize];
            (slot.bytes, slot.values) = (column.bytes.len() as u32, column.len() as u32);
        }
        self.batch += 1;
        self.held = 0;
        let (kind, count) = (self.kind, numbers.len() as u64);
        let names = std::mem::take(&mut self.names);
        let records = match kind {
            RecordKind::Document => Records::Sequence { kind, first: 0, count: 1 },
            _ if !names.is_empty() => Records::Named { kind, names },
            _ if last - first == count - 1 => Records::Sequence { kind, first, count },
            _ => Records::Numbered { kind, numbers },
        };
        let mut columns = std::mem::take(&mut self.columns);
        for column in &mut columns {
            let each = matches!(&column.rows, Rows::Listed(rows)
                if rows.len() as u64 == count && rows.iter().enumerate().all(|(i, &row)| i as u32 == row));
            if each {
                column.rows = Rows::Each;
            }
        }
        Some((records, columns))
    }
}
