//! Separated values: CSV, TSV and their relatives.
//!
//! A record is a row, counted from 1; the header, if there is one, names the fields and is no row. Rows with
//! more or fewer cells than the rest are read all the same and counted; cells without a name of their own are
//! `column_N`. A row too long for one window is read by [`long`], cell by cell.

mod dialect;
mod fields;
mod header;
mod long;
mod record;

use residuum_source::{
    Batch, Column, Extent, Flow, Limits, ObjectPath, OffsetMap, Outcome, Part, RecordKind, Records, Rows, Sink,
};

pub(crate) use dialect::Dialect;
pub(crate) use fields::Fields;
pub(crate) use header::{has_header, is_known_word};
use record::{Cell, Record};

use crate::Text;

/// Reads separated values in this dialect.
pub(crate) fn read(
    path: &ObjectPath,
    mut text: Text<'_>,
    dialect: &Dialect,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Flow {
    let encoding = Some(text.encoding().name());
    let format = if dialect.delimiter == b'\t' { "tsv" } else { "csv" };
    sink.open(Part { path: path.clone(), format, encoding, primary_key: Vec::new() })?;
    let mut reader = Reader::new(dialect, limits);
    reader.extents = sink.wants_extents();
    text.consume(dialect.skip);
    if dialect.header {
        reader.header(&mut text);
    }
    reader.rows(&mut text, sink)?;
    sink.close(reader.outcome(&text))
}

/// Rows longer than this, or than two batches, are read cell by cell.
const LONG: usize = 1 << 20;

struct Reader<'d> {
    dialect: &'d Dialect,
    batch_bytes: usize,
    long: usize,
    record: Record,
    fields: Fields,
    columns: Vec<Column>,
    /// Rows in `columns`.
    held: u32,
    /// Rows pushed.
    rows: u64,
    ragged: u64,
    first_ragged: u64,
    /// Where rows stand is to be told.
    extents: bool,
}

/// Where a row stands.
fn extent(row: u64, bytes: std::ops::Range<u64>) -> Extent {
    Extent { record: residuum_source::Record::Number(RecordKind::Row, row), list: 0, bytes }
}

impl<'d> Reader<'d> {
    fn new(dialect: &'d Dialect, limits: &Limits) -> Self {
        let batch_bytes = limits.batch_bytes.max(1);
        Self {
            dialect,
            batch_bytes,
            long: LONG.max(2 * batch_bytes),
            record: Record::default(),
            fields: Fields::unnamed(dialect.width),
            columns: Vec::new(),
            held: 0,
            rows: 0,
            ragged: 0,
            first_ragged: 0,
            extents: false,
        }
    }

    /// Reads the header; a row that is too long to be one stays where it is.
    fn header(&mut self, text: &mut Text<'_>) {
        let mut want = 64 << 10;
        loop {
            text.fill(want);
            if let Some(next) = self.record.next(text.window(), 0, text.ended(), self.dialect) {
                let name = |cell: &Cell| {
                    let (mut bytes, mut map) = (Vec::new(), OffsetMap::default());
                    cell.append(text, self.dialect, &mut bytes, &mut map);
                    String::from_utf8_lossy(&bytes).trim().to_owned()
                };
                self.fields = Fields::named(self.record.cells.iter().map(name));
                return text.consume(next);
            }
            if text.ended() || text.window().len() >= self.long {
                return;
            }
            want = text.window().len() * 2;
        }
    }

    fn rows(&mut self, text: &mut Text<'_>, sink: &mut dyn Sink) -> Flow {
        let mut want = self.batch_bytes.max(64 << 10);
        loop {
            let window_len = text.fill(want).len();
            let used = self.window(text, sink)?;
            text.consume(used);
            if used > 0 {
                want = self.batch_bytes.max(64 << 10);
            } else if window_len == 0 {
                return Flow::Continue(());
            } else if window_len < self.long && !text.ended() {
                want = (window_len * 2).min(self.long);
            } else {
                self.rows += 1;
                let start = text.position();
                let cells = long::read(text, self.dialect, &mut self.fields, self.rows, self.long / 2, sink)?;
                self.note_width(cells);
                if self.extents {
                    sink.extent(extent(self.rows, start..text.position()));
                }
            }
        }
    }

    /// Reads the rows that are whole in the window, and says how much of it they take.
    fn window(&mut self, text: &Text<'_>, sink: &mut dyn Sink) -> Flow2<usize> {
        let (window, ended) = (text.window(), text.ended());
        let (mut at, mut from) = (0, 0);
        while at < window.len() {
            let Some(next) = self.record.next(window, at, ended, self.dialect) else {
                break;
            };
            let start = std::mem::replace(&mut at, next);
            if self.record.cells.is_empty() {
                continue; // an empty line
            }
            self.row(text);
            if self.extents {
                let bytes = text.position_of(start)..text.position_of(at);
                sink.extent(extent(self.rows + u64::from(self.held), bytes));
            }
            if at - from >= self.batch_bytes {
                self.flush(text.position_of(at) - text.position_of(from), sink)?;
                from = at;
            }
        }
        if self.held > 0 {
            self.flush(text.position_of(at) - text.position_of(from), sink)?;
        }
        Flow2::Continue(at)
    }

    #[inline]
    fn row(&mut self, text: &Text<'_>) {
        let cells = self.record.cells.len();
        let named = self.fields.named;
        if self.columns.len() < cells.max(named) {
            self.widen(cells.max(named));
        }
        for (cell, column) in self.record.cells.iter().zip(&mut self.columns) {
            let at = column.bytes.len() as u32;
            let place = column.place.as_mut().expect("every column of a text file has places");
            if let Some((start, end)) = cell.plain() {
                column.bytes.extend_from_slice(&text.window()[start..end]);
                text.place(place, at, start, end);
            } else {
                cell.append(text, self.dialect, &mut column.bytes, place);
            }
            column.offsets.push(column.bytes.len() as u32);
        }
        for column in &mut self.columns[cells.min(named)..named] {
            column.offsets.push(column.bytes.len() as u32);
        }
        for column in &mut self.columns[named..cells.max(named)] {
            if let Rows::Listed(rows) = &mut column.rows {
                rows.push(self.held);
            }
        }
        self.held += 1;
        if cells != named {
            self.rows += u64::from(self.held);
            self.note_width(cells);
            self.rows -= u64::from(self.held);
        }
    }

    #[cold]
    fn note_width(&mut self, cells: usize) {
        if cells != self.fields.named {
            self.ragged += 1;
            if self.ragged == 1 {
                self.first_ragged = self.rows;
            }
        }
    }

    #[cold]
    fn widen(&mut self, width: usize) {
        let held = self.held as usize;
        while self.columns.len() < width {
            let i = self.columns.len();
            let mut column = Column::new(self.fields.name(i));
            column.place = Some(OffsetMap::default());
            if i >= self.fields.named {
                column.rows = Rows::Listed(Vec::new());
            } else {
                column.offsets.resize(held + 1, 0);
            }
            self.columns.push(column);
        }
    }

    fn flush(&mut self, raw_bytes: u64, sink: &mut dyn Sink) -> Flow {
        let columns: Vec<_> = std::mem::take(&mut self.columns);
        self.columns = columns.iter().map(next_column).collect();
        let count = u64::from(std::mem::take(&mut self.held));
        let first = self.rows + 1;
        self.rows += count;
        // A column that only some rows have may have none in this batch.
        let columns = columns.into_iter().filter(|c| !c.is_empty()).collect();
        sink.batch(Batch { records: Records::Sequence { kind: RecordKind::Row, first, count }, columns, raw_bytes })
    }

    fn outcome(&self, text: &Text<'_>) -> Outcome {
        let mut outcome = text.outcome(self.rows);
        if self.ragged > 0 && outcome.reason.is_none() {
            let (ragged, named, first) = (self.ragged, self.fields.named, self.first_ragged);
            outcome.reason = Some(format!(
                "{ragged} of {} rows do not have {named} cells, first row {first}; all their cells were read",
                self.rows
            ));
        }
        outcome
    }
}

/// Go on with a value, or stop.
type Flow2<T> = std::ops::ControlFlow<residuum_source::Stop, T>;

/// An empty column like the last one, with room for about as much.
pub(crate) fn next_column(last: &Column) -> Column {
    let mut column = Column::new(last.field.clone());
    column.bytes.reserve(last.bytes.len() + last.bytes.len() / 8);
    column.offsets.reserve(last.offsets.len());
    let mut place = OffsetMap::default();
    if let Some(last) = &last.place {
        place.reserve(last.runs().len() + last.runs().len() / 8);
    }
    column.place = Some(place);
    if matches!(last.rows, Rows::Listed(_)) {
        column.rows = Rows::Listed(Vec::new());
    }
    column
}

#[cfg(test)]
mod tests;
