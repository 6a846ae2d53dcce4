//! What a reader hands over: columns of bytes with offsets, keyed by record, with the place of every byte.

use std::ops::Range;
use std::sync::Arc;

use crate::{KeyValue, OffsetMap, Record, RecordKind};

/// A stretch of an object: its records, column by column.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// How many records it holds and how each is identified.
    pub records: Records,
    /// The columns. Two columns of one batch never have the same field name.
    pub columns: Vec<Column>,
    /// Bytes of the object this batch stands for, for progress and rates.
    pub raw_bytes: u64,
}

/// How the records of a batch are identified.
#[derive(Clone, Debug)]
pub enum Records {
    /// Running text in one value of one column: a record is a line, counted by line feeds.
    Lines {
        /// Number of the line that the column's first byte is on.
        first: u64,
        /// Records (lines) that begin in the core of the window.
        count: u64,
    },
    /// Records numbered one after the other.
    Sequence {
        /// The kind.
        kind: RecordKind,
        /// Number of the first.
        first: u64,
        /// How many.
        count: u64,
    },
    /// Records with a number each, as [`Record::Number`] packs them.
    Numbered {
        /// The kind.
        kind: RecordKind,
        /// The numbers, ascending.
        numbers: Vec<u64>,
    },
    /// Records identified by columns of this batch, all of [`Rows::Each`].
    Keyed {
        /// Indexes into [`Batch::columns`], in key order.
        columns: Vec<usize>,
        /// How many records.
        count: u64,
    },
    /// Rows of a sheet. A row is the record, so that what stands in it belongs together; where a value of it
    /// stands is a cell, which [`Batch::place_of`] gives.
    Cells {
        /// The sheet's name.
        sheet: Arc<str>,
        /// The numbers of the rows, counted from 1, ascending.
        rows: Vec<u32>,
        /// For each of [`Batch::columns`] the column of the sheet that it is, counted from 0.
        columns: Vec<u32>,
    },
    /// Records identified by text: a part of a mail, a cell.
    Named {
        /// The kind.
        kind: RecordKind,
        /// The text of each, as [`Record::Text`] holds it.
        names: Vec<String>,
    },
}

impl Default for Records {
    fn default() -> Self {
        Self::Sequence { kind: RecordKind::Document, first: 0, count: 0 }
    }
}

/// The values of one field.
#[derive(Clone, Debug)]
pub struct Column {
    /// The field's name: a column, or a path such as `customer.emails[]`; empty for running text.
    pub field: Arc<str>,
    /// What the source says about the values.
    pub logical: Logical,
    /// All values, one after the other.
    pub bytes: Vec<u8>,
    /// Where each value ends in `bytes`, after a leading 0: value `i` is `bytes[offsets[i]..offsets[i+1]]`.
    /// Empty values stand for null.
    pub offsets: Vec<u32>,
    /// Which record each value belongs to.
    pub rows: Rows,
    /// For text-like formats: from offsets in `bytes` to positions in the object's own bytes.
    /// `None` where only positions within the value make sense.
    pub place: Option<OffsetMap>,
    /// Set when the column holds one window of a value too long for one batch.
    pub window: Option<Window>,
}

/// A stretch of one long value. Consecutive windows overlap, so that what stands across an edge is seen whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// The bytes of this window for which it alone answers: a finding counts if it starts here.
    pub core: Range<u32>,
    /// Position of the window's first byte within the value.
    pub value_offset: u64,
}

/// Which record each value of a column belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rows {
    /// Value `i` belongs to record `i`.
    Each,
    /// Value `i` belongs to record `rows[i]`; ascending, a record may have none or several.
    Listed(Vec<u32>),
    /// Record `r` holds value `keys[r]`, or none for `u32::MAX`: values are distinct and stand once.
    Dictionary(Vec<u32>),
}

/// What the source knows about the values of a field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Logical {
    /// Text, or nothing known.
    #[default]
    Text,
    /// Whole numbers.
    Integer,
    /// Other numbers.
    Number,
    /// Truth values.
    Bool,
    /// Calendar dates.
    Date,
    /// Points in time.
    Timestamp,
    /// Raw bytes, as they are.
    Bytes,
    /// JSON text: examined path by path.
    Json,
    /// UUIDs.
    Uuid,
    /// Network addresses.
    Inet,
}

impl Records {
    /// How many records.
    pub fn count(&self) -> u64 {
        match self {
            Self::Lines { count, .. } | Self::Sequence { count, .. } | Self::Keyed { count, .. } => *count,
            Self::Numbered { numbers, .. } => numbers.len() as u64,
            Self::Named { names, .. } => names.len() as u64,
            Self::Cells { rows, .. } => rows.len() as u64,
        }
    }
}

impl Batch {
    /// The identity of record `i`; of the first cell of a row of a sheet.
    ///
    /// For [`Records::Lines`] give the number of line feeds before the finding as `i`.
    pub fn record(&self, i: usize) -> Record {
        match &self.records {
            Records::Lines { first, .. } => Record::Number(RecordKind::Line, first + i as u64),
            Records::Sequence { kind: RecordKind::Document, .. } => Record::Number(RecordKind::Document, 0),
            Records::Sequence { kind, first, .. } => Record::Number(*kind, first + i as u64),
            Records::Numbered { kind, numbers } => Record::Number(*kind, numbers[i]),
            Records::Named { kind, names } => Record::Text(*kind, names[i].clone()),
            Records::Cells { sheet, rows, .. } => Record::cell(sheet, rows[i], 0),
            Records::Keyed { columns, .. } => {
                let values: Vec<_> = columns.iter().map(|&c| self.columns[c].key_value(i)).collect();
                Record::pk(&values)
            }
        }
    }

    /// The identity of what record `i` has in a column: the cell in a sheet, the record everywhere else.
    pub fn place_of(&self, i: usize, column: usize) -> Record {
        match &self.records {
            Records::Cells { sheet, rows, columns } => {
                Record::cell(sheet, rows[i], columns.get(column).copied().unwrap_or(0))
            }
            _ => self.record(i),
        }
    }
}

impl Column {
    /// An empty text column with one value for each record.
    pub fn new(field: impl Into<Arc<str>>) -> Self {
        Self {
            field: field.into(),
            logical: Logical::Text,
            bytes: Vec::new(),
            offsets: vec![0],
            rows: Rows::Each,
            place: None,
            window: None,
        }
    }

    /// How many values, nulls included.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Value `i`.
    pub fn value(&self, i: usize) -> &[u8] {
        &self.bytes[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }

    /// Ends the value whose bytes were appended to `bytes`.
    ///
    /// # Panics
    /// If a batch's column grows past 4 GiB; readers flush long before.
    pub fn end_value(&mut self) {
        let end = u32::try_from(self.bytes.len()).expect("a column stays below 4 GiB: readers flush by size");
        self.offsets.push(end);
    }

    /// Appends a value.
    pub fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.end_value();
    }

    /// The index of the value that byte `at` of the column belongs to.
    pub fn value_at(&self, at: u32) -> usize {
        self.offsets.partition_point(|&end| end <= at).saturating_sub(1)
    }

    fn key_value(&self, i: usize) -> KeyValue {
        let value = self.value(i);
        let text = String::from_utf8_lossy(value);
        match self.logical {
            _ if value.is_empty() => KeyValue::Null,
            Logical::Integer => text.parse().map_or_else(|_| KeyValue::Text(text.into_owned()), KeyValue::Integer),
            _ => KeyValue::Text(text.into_owned()),
        }
    }
}
