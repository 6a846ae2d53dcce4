//! From rows to batches: columns grow row by row and are handed on when they reach the batch size.
//!
//! Two things do not fit the columns of one batch and follow in batches of their own, under the same records:
//! blobs that stand among values of other types (SQLite types each value), and windows of long values.

use std::ops::ControlFlow;
use std::sync::Arc;

use residuum_source::{Batch, Column, Logical, Range, Record, RecordKind, Records, Rows, Sink, Stop};

use crate::window::Windows;

/// A column of the table that is read.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// Its type; `None` where every value has its own.
    pub logical: Option<Logical>,
}

/// How the records of a table are told apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Identity {
    /// By these columns.
    Keyed(Vec<usize>),
    /// By the number given to [`Batcher::begin`].
    Numbered(RecordKind),
    /// By counting rows from 1.
    Counted,
}

/// A value too long for a batch, to be fetched once the rows have been read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Long {
    /// The record it belongs to.
    pub record: Record,
    /// The number given to [`Batcher::begin`], by which the connector finds the row again.
    pub number: u64,
    /// Its column.
    pub column: usize,
}

/// What a value was, where each value has its own type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Held {
    /// A whole number.
    Integer = 1,
    /// Another number.
    Real = 2,
    /// Text.
    Text = 4,
}

/// Builds batches from rows and pushes them into a sink.
pub struct Batcher<'s> {
    sink: &'s mut dyn Sink,
    fields: Vec<Field>,
    identity: Identity,
    limit: usize,
    columns: Vec<Column>,
    blobs: Vec<Option<Column>>,
    held: Vec<u8>,
    numbers: Vec<u64>,
    pending: Vec<(usize, u64, usize)>,
    long: Vec<Long>,
    rows: usize,
    raw: u64,
    flushed_rows: u64,
    flushed_raw: u64,
}

impl<'s> Batcher<'s> {
    /// Starts with no row; a batch is pushed when the rows since the last reach `limit` bytes.
    pub fn new(sink: &'s mut dyn Sink, fields: Vec<Field>, identity: Identity, limit: usize) -> Self {
        let columns = fields.iter().map(|field| Column::new(field.name.clone())).collect();
        Self {
            sink,
            columns,
            blobs: vec![None; fields.len()],
            held: vec![0; fields.len()],
            fields,
            identity,
            limit: limit.max(1),
            numbers: Vec::new(),
            pending: Vec::new(),
            long: Vec::new(),
            rows: 0,
            raw: 0,
            flushed_rows: 0,
            flushed_raw: 0,
        }
    }

    /// Begins a row. Numbers that do not ascend are allowed: the batch ends before such a row.
    #[inline]
    pub fn begin(&mut self, number: u64) -> Result<(), Stop> {
        if let Identity::Numbered(_) = self.identity {
            if self.numbers.last().is_some_and(|&last| last >= number) {
                self.flush()?;
            }
            self.numbers.push(number);
        }
        Ok(())
    }

    /// The column to append the row's value to, with `end_value` after it.
    #[inline]
    pub fn column(&mut self, i: usize) -> &mut Column {
        &mut self.columns[i]
    }

    /// Says of what type the value just appended to a column without a type is.
    #[inline]
    pub fn held(&mut self, i: usize, held: Held) {
        self.held[i] |= held as u8;
    }

    /// Appends a blob to a column without a type.
    pub fn blob(&mut self, i: usize, value: &[u8]) {
        self.columns[i].end_value();
        let name = &self.fields[i].name;
        let blobs = self.blobs[i].get_or_insert_with(|| Column {
            logical: Logical::Bytes,
            rows: Rows::Listed(Vec::new()),
            ..Column::new(name.clone())
        });
        if let Rows::Listed(rows) = &mut blobs.rows {
            rows.push(self.rows as u32);
        }
        blobs.push(value);
    }

    /// Notes that the row's value in this column, left empty here, is long.
    pub fn long(&mut self, i: usize, number: u64) {
        self.pending.push((self.rows, number, i));
    }

    /// Ends a row that took `raw` bytes in the source.
    #[inline]
    pub fn end(&mut self, raw: usize) -> Result<(), Stop> {
        if self.end_without_flush(raw) { self.flush() } else { Ok(()) }
    }

    /// Ends a row, and says whether it is time to [`Batcher::flush`].
    #[inline]
    pub fn end_without_flush(&mut self, raw: usize) -> bool {
        self.rows += 1;
        self.raw += raw as u64;
        self.raw >= self.limit as u64
    }

    /// Pushes the rows since the last batch.
    pub fn flush(&mut self) -> Result<(), Stop> {
        if self.rows == 0 {
            return Ok(());
        }
        let records = match &self.identity {
            Identity::Keyed(columns) => Records::Keyed { columns: columns.clone(), count: self.rows as u64 },
            Identity::Numbered(kind) => {
                let next = Vec::with_capacity(self.numbers.len() + self.numbers.len() / 8);
                Records::Numbered { kind: *kind, numbers: std::mem::replace(&mut self.numbers, next) }
            }
            Identity::Counted => {
                let (first, count) = (self.flushed_rows + 1, self.rows as u64);
                Records::Sequence { kind: RecordKind::Row, first, count }
            }
        };
        let (mut columns, mut asides) = (Vec::with_capacity(self.columns.len()), Vec::new());
        for (i, field) in self.fields.iter().enumerate() {
            let mut next = Column::new(field.name.clone());
            next.bytes.reserve(self.columns[i].bytes.len() + self.columns[i].bytes.len() / 8);
            next.offsets.reserve(self.rows + self.rows / 8);
            let mut column = std::mem::replace(&mut self.columns[i], next);
            column.logical = field.logical.unwrap_or_else(|| logical_of(self.held[i]));
            self.held[i] = 0;
            match self.blobs[i].take() {
                Some(blobs) if column.bytes.is_empty() => column = blobs,
                Some(blobs) => asides.push(blobs),
                None => {}
            }
            columns.push(column);
        }
        let batch = Batch { records, columns, raw_bytes: self.raw };
        for (row, number, column) in self.pending.drain(..) {
            self.long.push(Long { record: batch.record(row), number, column });
        }
        let asides = if asides.is_empty() { Vec::new() } else { aside_batches(&batch, asides) };
        self.flushed_rows += self.rows as u64;
        self.flushed_raw += self.raw;
        (self.rows, self.raw) = (0, 0);
        push(self.sink, batch)?;
        asides.into_iter().try_for_each(|batch| push(self.sink, batch))
    }

    /// The long values noted so far in rows that were pushed.
    pub fn take_long(&mut self) -> Vec<Long> {
        std::mem::take(&mut self.long)
    }

    /// Pushes a long value by windows: append its bytes to [`Windows::buffer`], and `advance`.
    pub fn windows(&mut self, long: &Long, bytes: bool) -> Windows<'_> {
        let field = self.fields[long.column].name.clone();
        // A stretch of JSON is not JSON: it is searched as the text it is.
        let logical = if bytes { Logical::Bytes } else { Logical::Text };
        Windows::new(&mut *self.sink, &mut self.flushed_raw, field, logical, long.record.clone(), self.limit)
    }

    /// Rows pushed so far.
    pub fn records(&self) -> u64 {
        self.flushed_rows
    }

    /// Bytes these rows took in the source.
    pub fn raw_bytes(&self) -> u64 {
        self.flushed_raw
    }
}

/// Cuts keys `first..=last` into at most `pieces` ranges of equal width that cover every key there is.
pub fn cut(first: i64, last: i64, pieces: u64) -> Vec<Range> {
    let width = i128::from(last) - i128::from(first) + 1;
    let pieces = i128::from(pieces).clamp(1, width.max(1));
    if pieces == 1 {
        return vec![Range::Whole];
    }
    let at = |piece: i128| (i128::from(first) + width * piece / pieces) as i64;
    let range = |piece: i128| Range::Keys {
        start: (piece > 0).then(|| at(piece)),
        end: (piece + 1 < pieces).then(|| at(piece + 1)),
    };
    (0..pieces).map(range).collect()
}

/// Hands a batch on.
pub fn push(sink: &mut dyn Sink, batch: Batch) -> Result<(), Stop> {
    match sink.batch(batch) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(stop) => Err(stop),
    }
}

fn logical_of(held: u8) -> Logical {
    const INTEGER: u8 = Held::Integer as u8;
    const NUMBER: u8 = Held::Integer as u8 | Held::Real as u8;
    match held {
        INTEGER => Logical::Integer,
        held if held != 0 && held & !NUMBER == 0 => Logical::Number,
        _ => Logical::Text,
    }
}

/// Batches with only these columns, each under the records of `batch` that have a value in one of them.
fn aside_batches(batch: &Batch, columns: Vec<Column>) -> Vec<Batch> {
    let listed = |column: &Column| match &column.rows {
        Rows::Listed(rows) => rows.clone(),
        _ => Vec::new(),
    };
    let mut rows: Vec<u32> = columns.iter().flat_map(listed).collect();
    rows.sort_unstable();
    rows.dedup();
    let mut records: Vec<(Record, u32)> = rows.into_iter().map(|row| (batch.record(row as usize), row)).collect();
    records.sort_unstable();
    // Numbers sort before texts, so that at most two groups are made.
    let texts = records.partition_point(|(record, _)| record.text().is_none());
    let groups = [&records[..texts], &records[texts..]];
    groups.into_iter().filter(|group| !group.is_empty()).map(|group| aside_batch(group, &columns)).collect()
}

fn aside_batch(group: &[(Record, u32)], columns: &[Column]) -> Batch {
    let mut made = Vec::new();
    for column in columns {
        let Rows::Listed(rows) = &column.rows else { continue };
        let mut out = Column { logical: column.logical, ..Column::new(column.field.clone()) };
        let mut out_rows = Vec::new();
        for (at, (_, row)) in group.iter().enumerate() {
            if let Ok(value) = rows.binary_search(row) {
                out.push(column.value(value));
                out_rows.push(at as u32);
            }
        }
        if !out_rows.is_empty() {
            out.rows = Rows::Listed(out_rows);
            made.push(out);
        }
    }
    Batch { records: records_of(group.iter().map(|(record, _)| record)), columns: made, raw_bytes: 0 }
}

/// Records of one kind and form, ascending.
pub fn records_of<'r>(records: impl Iterator<Item = &'r Record>) -> Records {
    let (mut kind, mut numbers, mut names) = (RecordKind::Row, Vec::new(), Vec::new());
    for record in records {
        kind = record.kind();
        match record {
            Record::Number(_, number) => numbers.push(*number),
            Record::Text(_, text) => names.push(text.clone()),
        }
    }
    if names.is_empty() { Records::Numbered { kind, numbers } } else { Records::Named { kind, names } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use residuum_source::conformance::check_shape;
    use residuum_source::{Flow, Outcome, Part};

    #[derive(Default)]
    struct Batches(Vec<Batch>);

    impl Sink for Batches {
        fn open(&mut self, _: Part) -> Flow {
            Flow::Continue(())
        }
        fn batch(&mut self, batch: Batch) -> Flow {
            check_shape(&batch);
            self.0.push(batch);
            Flow::Continue(())
        }
        fn close(&mut self, _: Outcome) -> Flow {
            Flow::Continue(())
        }
    }

    fn field(name: &str, logical: Option<Logical>) -> Field {
        Field { name: name.into(), logical }
    }

    #[test]
    fn blobs_among_texts_come_under_the_same_records() {
        let mut sink = Batches::default();
        let fields = vec![field("id", Some(Logical::Integer)), field("v", None)];
        let mut batcher = Batcher::new(&mut sink, fields, Identity::Keyed(vec![0]), 1 << 20);
        for (id, value, blob) in [(-5, "a", false), (2, "\u{1}\u{2}", true), (9, "c", false)] {
            assert!(batcher.begin(0).is_ok());
            batcher.column(0).push(id.to_string().as_bytes());
            if blob {
                batcher.blob(1, value.as_bytes());
            } else {
                batcher.column(1).push(value.as_bytes());
                batcher.held(1, Held::Text);
            }
            assert!(batcher.end(2).is_ok());
        }
        assert!(batcher.flush().is_ok());
        assert_eq!(batcher.records(), 3);
        let [main, aside] = &sink.0[..] else { panic!("two batches, not {}", sink.0.len()) };
        assert_eq!((main.columns[1].value(0), main.columns[1].value(1)), (&b"a"[..], &b""[..]));
        assert_eq!(aside.record(0), main.record(1));
        assert_eq!((aside.columns[0].logical, aside.columns[0].value(0)), (Logical::Bytes, &b"\x01\x02"[..]));
    }

    #[test]
    fn numbers_that_do_not_ascend_begin_a_new_batch() {
        let mut sink = Batches::default();
        let identity = Identity::Numbered(RecordKind::Rowid);
        let mut batcher = Batcher::new(&mut sink, vec![field("v", None)], identity, 1 << 20);
        for number in [-2i64 as u64, -1i64 as u64, 0, 1] {
            assert!(batcher.begin(number).is_ok());
            batcher.column(0).push(b"x");
            assert!(batcher.end(1).is_ok());
        }
        assert!(batcher.flush().is_ok());
        let counts: Vec<_> = sink.0.iter().map(|batch| batch.records.count()).collect();
        assert_eq!(counts, [2, 2]);
    }

    proptest! {
        #[test]
        fn cuts_cover_every_key_once(first: i64, width in 0i64..i64::MAX, pieces in 0u64..50, probe: i64) {
            let ranges = cut(first, first.saturating_add(width), pieces);
            prop_assert!(ranges.len() as u64 <= pieces.max(1));
            let holds = |range: &&Range| match range {
                Range::Keys { start, end } => start.is_none_or(|s| probe >= s) && end.is_none_or(|e| probe < e),
                _ => true,
            };
            prop_assert_eq!(ranges.iter().filter(holds).count(), 1);
        }
    }
}
