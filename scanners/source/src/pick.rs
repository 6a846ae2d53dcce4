//! Picking some records out of what a reader gives.

use std::collections::HashSet;

use crate::{Batch, Column, Flow, ObjectPath, Outcome, Part, Record, RecordKind, Records, Rows, Sink, Stop};

/// Passes on only some records of one part, for a connector that can fetch them no faster than by reading.
///
/// Of running text the lines come as records of their own; a line that goes over windows comes in pieces, in order.
/// Behind a part that is inside of another it stops the reader: what is not wanted need not be read.
pub struct Pick<'s> {
    part: &'s ObjectPath,
    wanted: HashSet<Record>,
    sink: &'s mut dyn Sink,
    open: Vec<Opened>,
    is_met: bool,
    is_done: bool,
    trouble: Option<String>,
}

/// What a part is to the wanted one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opened {
    It,
    /// It holds the wanted one.
    Around,
    Other,
}

impl<'s> Pick<'s> {
    /// Of this part these records go into the sink.
    pub fn new(part: &'s ObjectPath, records: &[Record], sink: &'s mut dyn Sink) -> Self {
        let wanted = records.iter().map(Record::whole).collect();
        Self { part, wanted, sink, open: Vec::new(), is_met: false, is_done: false, trouble: None }
    }

    /// Why the part was not met though it may be there: what it is inside of could not be read, or not to its end.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref().filter(|_| !self.is_met)
    }

    /// Whether the reader was stopped here, because the part was behind it, and not by the sink.
    pub fn is_done(&self) -> bool {
        self.is_done
    }
}

impl Sink for Pick<'_> {
    fn open(&mut self, part: Part) -> Flow {
        let opened = match () {
            () if part.path == *self.part => Opened::It,
            () if part.path.holds(self.part) => Opened::Around,
            () => Opened::Other,
        };
        self.open.push(opened);
        if opened != Opened::It {
            return Flow::Continue(());
        }
        self.is_met = true;
        self.sink.open(part)
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        if self.open.last() != Some(&Opened::It) {
            return Flow::Continue(());
        }
        match picked(&batch, &self.wanted) {
            Some(batch) => self.sink.batch(batch),
            None => Flow::Continue(()),
        }
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        match self.open.pop() {
            Some(Opened::It) => self.sink.close(outcome)?,
            Some(Opened::Around) if outcome.coverage.is_incomplete() => {
                self.trouble.get_or_insert(outcome.reason.unwrap_or_default());
                return Flow::Continue(());
            }
            _ => return Flow::Continue(()),
        }
        self.is_done = !self.open.is_empty();
        if self.is_done { Flow::Break(Stop) } else { Flow::Continue(()) }
    }

    fn go_on(&mut self) -> Flow {
        self.sink.go_on()
    }
}

/// The wanted records of a batch as a batch of their own, without places; `None` if there are none.
fn picked(batch: &Batch, wanted: &HashSet<Record>) -> Option<Batch> {
    if let Records::Lines { first, .. } = batch.records {
        return lines(batch, first, wanted);
    }
    let records: Vec<usize> =
        (0..batch.records.count() as usize).filter(|&i| wanted.contains(&batch.record(i).whole())).collect();
    if records.is_empty() {
        return None;
    }
    let columns: Vec<Column> = batch.columns.iter().map(|column| of_column(column, &records)).collect();
    let kept = match &batch.records {
        Records::Keyed { columns, .. } => Records::Keyed { columns: columns.clone(), count: records.len() as u64 },
        Records::Cells { sheet, rows, columns } => Records::Cells {
            sheet: sheet.clone(),
            rows: records.iter().map(|&i| rows[i]).collect(),
            columns: columns.clone(),
        },
        Records::Named { kind, names } => {
            Records::Named { kind: *kind, names: records.iter().map(|&i| names[i].clone()).collect() }
        }
        Records::Sequence { kind: RecordKind::Document, .. } | Records::Lines { .. } => batch.records.clone(),
        Records::Sequence { kind, .. } | Records::Numbered { kind, .. } => {
            let numbers = records.iter().map(|&i| batch.record(i).number()).collect();
            Records::Numbered { kind: *kind, numbers }
        }
    };
    let raw_bytes = columns.iter().map(|column| column.bytes.len() as u64).sum();
    Some(Batch { records: kept, columns, raw_bytes })
}

/// The values of some records, ascending, of a column.
fn of_column(column: &Column, records: &[usize]) -> Column {
    let mut picked = Column::new(column.field.clone());
    picked.logical = column.logical;
    picked.window.clone_from(&column.window);
    match &column.rows {
        Rows::Each => records.iter().for_each(|&record| picked.push(column.value(record))),
        Rows::Dictionary(keys) => {
            for &record in records {
                let value = keys[record];
                picked.push(if value == u32::MAX { &[] } else { column.value(value as usize) });
            }
        }
        Rows::Listed(rows) => {
            let mut listed = Vec::new();
            for (new, &record) in records.iter().enumerate() {
                let from = rows.partition_point(|&row| (row as usize) < record);
                for value in (from..rows.len()).take_while(|&value| rows[value] as usize == record) {
                    picked.push(column.value(value));
                    listed.push(new as u32);
                }
            }
            picked.rows = Rows::Listed(listed);
        }
    }
    picked
}

fn lines(batch: &Batch, first: u64, wanted: &HashSet<Record>) -> Option<Batch> {
    let column = batch.columns.first()?;
    let core = column.window.as_ref().map_or(0..column.bytes.len(), |w| w.core.start as usize..w.core.end as usize);
    let mut picked = Column::new(column.field.clone());
    let mut numbers = Vec::new();
    let (mut start, mut number) = (0, first);
    let line_feeds = column.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    let ends = line_feeds.chain(std::iter::once(column.bytes.len()));
    for end in ends {
        let here = start.max(core.start)..end.min(core.end);
        if !here.is_empty() && wanted.contains(&Record::Number(RecordKind::Line, number)) {
            picked.push(&column.bytes[here]);
            numbers.push(number);
        }
        (start, number) = (end + 1, number + 1);
    }
    let raw_bytes = picked.bytes.len() as u64;
    let records = Records::Numbered { kind: RecordKind::Line, numbers };
    (!picked.is_empty()).then(|| Batch { records, columns: vec![picked], raw_bytes })
}
