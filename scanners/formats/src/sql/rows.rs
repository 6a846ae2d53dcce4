//! Rows of one table after another, gathered into batches.

use std::collections::HashSet;

use residuum_source::{Batch, Column, Extent, Flow, Limits, OffsetMap, Record, RecordKind, Records, Sink};

use super::statement::Target;
use super::value::Cell;
use crate::Text;
use crate::csv::next_column;

/// The batch that is being filled: rows of one table, identified in one way.
pub(super) struct Rows {
    batch_bytes: usize,
    target: Option<(Target, RecordKind)>,
    columns: Vec<Column>,
    numbers: Vec<u64>,
    held: usize,
    /// Position in the object that batches cover so far.
    covered: u64,
    /// Rows so far.
    pub total: u64,
}

impl Rows {
    pub fn new(limits: &Limits) -> Self {
        let (columns, numbers) = (Vec::new(), Vec::new());
        Self { batch_bytes: limits.batch_bytes, target: None, columns, numbers, held: 0, covered: 0, total: 0 }
    }

    /// Makes ready for a row of this table; what is held of another is pushed.
    pub fn begin(
        &mut self,
        target: &Target,
        columns: &[String],
        kind: RecordKind,
        position: u64,
        sink: &mut dyn Sink,
    ) -> Flow {
        let same = self.target.as_ref().is_some_and(|(t, k)| t == target && *k == kind);
        if same {
            return Flow::Continue(());
        }
        self.flush(position, sink)?;
        self.target = Some((target.clone(), kind));
        self.columns.clear();
        let mut taken = HashSet::new();
        for (i, name) in columns.iter().enumerate() {
            // No database takes a name twice, but a file may say anything.
            let name = if taken.insert(name) { name.clone() } else { format!("{name}_{}", i + 1) };
            self.columns.push(column(format!("{}.{name}", target.table)));
        }
        Flow::Continue(())
    }

    /// Adds a row that begins on this line.
    pub fn push(&mut self, cells: &[Cell], line: u64, text: &Text<'_>) {
        let Some((target, kind)) = &self.target else {
            return;
        };
        self.total += 1;
        let row = self.numbers.len();
        self.numbers.push(if *kind == RecordKind::Row { self.total } else { line });
        for i in self.columns.len()..cells.len() {
            let mut unnamed = column(format!("{}.column_{}", target.table, i + 1));
            unnamed.offsets.resize(row + 1, 0);
            self.columns.push(unnamed);
        }
        for (i, column) in self.columns.iter_mut().enumerate() {
            let before = column.bytes.len();
            if let (Some(cell), Some(place)) = (cells.get(i), &mut column.place) {
                cell.append(text, &mut column.bytes, place);
            }
            column.end_value();
            self.held += column.bytes.len() - before + 8;
        }
    }

    /// Where the row added last stands.
    pub fn extent(&self, list: u64, bytes: std::ops::Range<u64>) -> Extent {
        let kind = self.target.as_ref().map_or(RecordKind::Row, |(_, kind)| *kind);
        let number = self.numbers.last().copied().unwrap_or_default();
        Extent { record: Record::Number(kind, number), list, bytes }
    }

    pub fn flush_if_full(&mut self, position: u64, sink: &mut dyn Sink) -> Flow {
        if self.held >= self.batch_bytes { self.flush(position, sink) } else { Flow::Continue(()) }
    }

    /// Pushes what is held; the object has been read up to `position`.
    pub fn flush(&mut self, position: u64, sink: &mut dyn Sink) -> Flow {
        let Some((_, kind)) = self.target.as_ref().filter(|_| !self.numbers.is_empty()) else {
            return Flow::Continue(());
        };
        self.held = 0;
        let next = self.columns.iter().map(next_column).collect();
        let columns = std::mem::replace(&mut self.columns, next);
        let numbers = std::mem::take(&mut self.numbers);
        let raw_bytes = position.saturating_sub(self.covered);
        self.covered = position;
        sink.batch(Batch { records: Records::Numbered { kind: *kind, numbers }, columns, raw_bytes })
    }

    /// Text up to this position was given otherwise.
    pub fn seen(&mut self, position: u64) {
        self.covered = self.covered.max(position);
    }
}

fn column(field: impl Into<std::sync::Arc<str>>) -> Column {
    Column { place: Some(OffsetMap::default()), ..Column::new(field) }
}
