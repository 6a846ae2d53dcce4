//! Values one by one into batches, for formats that are read value by value: documents, sheets, nested records.
//!
//! A reader begins a record and adds its values under the names of their fields; batches are handed over by size.
//! A value too long for a batch is handed over in windows.

use std::collections::HashMap;
use std::sync::Arc;

use residuum_source::{Batch, Column, Flow, Limits, Logical, RecordKind, Records, Rows, Sink, Window};

/// A value longer than this (or than a batch) is handed over in windows.
const LONG: usize = 64 << 10;
/// What consecutive windows of a long value have in common.
const OVERLAP: usize = 4 << 10;
/// Columns a batch may have before it is handed over.
const MAX_COLUMNS: usize = 4096;
/// What a value costs beside its bytes: its end and its row.
const VALUE_COST: usize = 8;

/// What identifies a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Key {
    /// A number: a row, a page.
    Number(RecordKind, u64),
    /// A name: a part, a cell.
    Name(RecordKind, String),
    /// A row of a sheet, counted from 1.
    Row(Arc<str>, u32),
}

/// A batch in the making.
pub(crate) struct Values<'l> {
    limits: &'l Limits,
    /// Records begun so far.
    pub records: u64,
    /// Bytes of the object that the values since the last batch stand for.
    pub raw_bytes: u64,
    current: Option<Key>,
    keys: Keys,
    columns: Vec<Column>,
    /// For each column the column of its sheet, counted from 0.
    letters: Vec<u32>,
    by_field: HashMap<Arc<str>, usize>,
    held: usize,
}

enum Keys {
    Numbers(RecordKind, Vec<u64>),
    Names(RecordKind, Vec<String>),
    Rows(Arc<str>, Vec<u32>),
}

impl<'l> Values<'l> {
    pub fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            records: 0,
            raw_bytes: 0,
            current: None,
            keys: Keys::Numbers(RecordKind::Document, Vec::new()),
            columns: Vec::new(),
            letters: Vec::new(),
            by_field: HashMap::new(),
            held: 0,
        }
    }

    /// Begins a record; one begun already goes on.
    pub fn begin(&mut self, key: Key, sink: &mut dyn Sink) -> Flow {
        if self.current.as_ref() == Some(&key) && self.keys.len() > 0 {
            return Flow::Continue(());
        }
        let is_new = self.current.as_ref() != Some(&key);
        let fits = match (&self.keys, &key) {
            (Keys::Numbers(kind, numbers), Key::Number(of, number)) => {
                kind == of && numbers.last().is_none_or(|last| last < number)
            }
            (Keys::Names(kind, _), Key::Name(of, _)) => kind == of,
            (Keys::Rows(sheet, rows), Key::Row(of, row)) => sheet == of && rows.last().is_none_or(|last| last < row),
            _ => false,
        };
        if !fits || self.held >= self.limits.batch_bytes || self.columns.len() >= MAX_COLUMNS {
            self.flush(sink)?;
        }
        self.records += u64::from(is_new);
        self.hold(key);
        Flow::Continue(())
    }

    /// Adds a value to the record begun last; an empty one is no value.
    pub fn value(&mut self, field: &str, logical: Logical, value: &[u8], sink: &mut dyn Sink) -> Flow {
        self.cell(field, 0, logical, value, sink)
    }

    /// Adds the value of a cell in this column of the sheet, counted from 0.
    ///
    /// Values of one field are all of one column of the sheet.
    pub fn cell(&mut self, field: &str, letter: u32, logical: Logical, value: &[u8], sink: &mut dyn Sink) -> Flow {
        if value.is_empty() {
            return Flow::Continue(());
        }
        if value.len() > LONG.max(self.limits.batch_bytes) {
            return self.windows(field, letter, logical, value, sink);
        }
        if self.held + value.len() > 2 * LONG.max(self.limits.batch_bytes) {
            // One record with very many values, as the text of a page may have.
            self.flush(sink)?;
            self.hold_again();
        }
        let row = self.keys.len() as u32 - 1;
        let at = match self.by_field.get(field) {
            Some(&at) => at,
            None => {
                let column = Column { logical, rows: Rows::Listed(Vec::new()), ..Column::new(field) };
                self.by_field.insert(column.field.clone(), self.columns.len());
                self.held += field.len() + 64;
                self.letters.push(letter);
                self.columns.push(column);
                self.columns.len() - 1
            }
        };
        let column = &mut self.columns[at];
        if column.logical != logical {
            column.logical = Logical::Text;
        }
        column.push(value);
        if let Rows::Listed(rows) = &mut column.rows {
            rows.push(row);
        }
        self.held += value.len() + VALUE_COST;
        Flow::Continue(())
    }

    /// Hands over what is held.
    pub fn flush(&mut self, sink: &mut dyn Sink) -> Flow {
        if self.keys.len() == 0 {
            return Flow::Continue(());
        }
        self.held = 0;
        self.by_field.clear();
        let letters = std::mem::take(&mut self.letters);
        let columns = std::mem::take(&mut self.columns);
        let records = self.keys.take(letters);
        let count = records.count();
        let columns = columns.into_iter().map(|column| each_if_each(column, count)).collect();
        sink.batch(Batch { records, columns, raw_bytes: std::mem::take(&mut self.raw_bytes) })
    }

    fn hold(&mut self, key: Key) {
        match (&mut self.keys, &key) {
            (Keys::Numbers(kind, numbers), Key::Number(of, number)) => {
                *kind = *of;
                numbers.push(*number);
            }
            (Keys::Names(kind, names), Key::Name(of, name)) => {
                *kind = *of;
                self.held += name.len();
                names.push(name.clone());
            }
            (Keys::Rows(sheet, rows), Key::Row(of, row)) => {
                *sheet = of.clone();
                rows.push(*row);
            }
            (keys, Key::Number(kind, number)) => *keys = Keys::Numbers(*kind, vec![*number]),
            (keys, Key::Name(kind, name)) => *keys = Keys::Names(*kind, vec![name.clone()]),
            (keys, Key::Row(sheet, row)) => *keys = Keys::Rows(sheet.clone(), vec![*row]),
        }
        self.held += VALUE_COST;
        self.current = Some(key);
    }

    fn hold_again(&mut self) {
        if let Some(key) = self.current.take() {
            self.hold(key);
        }
    }

    fn windows(&mut self, field: &str, letter: u32, logical: Logical, value: &[u8], sink: &mut dyn Sink) -> Flow {
        if self.by_field.contains_key(field) {
            // Values of one field come in their order.
            self.flush(sink)?;
            self.hold_again();
        }
        let Some(key) = &self.current else {
            return Flow::Continue(());
        };
        let records = || match key {
            Key::Number(kind, number) => Records::Sequence { kind: *kind, first: *number, count: 1 },
            Key::Name(kind, name) => Records::Named { kind: *kind, names: vec![name.clone()] },
            Key::Row(sheet, row) => Records::Cells { sheet: sheet.clone(), rows: vec![*row], columns: vec![letter] },
        };
        let size = self.limits.batch_bytes.max(4 * OVERLAP);
        let mut core = 0;
        while core < value.len() {
            let start = boundary(value, core.saturating_sub(OVERLAP));
            let core_end = boundary(value, (core + size).min(value.len()));
            let end = boundary(value, (core_end + OVERLAP).min(value.len()));
            let column = Column {
                logical,
                bytes: value[start..end].to_vec(),
                offsets: vec![0, (end - start) as u32],
                window: Some(Window {
                    core: (core - start) as u32..(core_end - start) as u32,
                    value_offset: start as u64,
                }),
                ..Column::new(field)
            };
            sink.batch(Batch { records: records(), columns: vec![column], raw_bytes: 0 })?;
            core = core_end;
        }
        Flow::Continue(())
    }
}

impl Keys {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(_, numbers) => numbers.len(),
            Self::Names(_, names) => names.len(),
            Self::Rows(_, rows) => rows.len(),
        }
    }

    fn take(&mut self, columns: Vec<u32>) -> Records {
        match self {
            Self::Numbers(kind, numbers) => {
                let numbers = std::mem::take(numbers);
                let (first, count) = (numbers[0], numbers.len() as u64);
                match numbers[numbers.len() - 1] - first == count - 1 {
                    true => Records::Sequence { kind: *kind, first, count },
                    false => Records::Numbered { kind: *kind, numbers },
                }
            }
            Self::Names(kind, names) => Records::Named { kind: *kind, names: std::mem::take(names) },
            Self::Rows(sheet, rows) => Records::Cells { sheet: sheet.clone(), rows: std::mem::take(rows), columns },
        }
    }
}

fn each_if_each(column: Column, records: u64) -> Column {
    let each = match &column.rows {
        Rows::Listed(rows) => rows.len() as u64 == records && rows.iter().enumerate().all(|(i, &row)| i as u32 == row),
        _ => true,
    };
    if each { Column { rows: Rows::Each, ..column } } else { column }
}

/// The last position at or before `at` that is no middle of a character.
fn boundary(value: &[u8], at: usize) -> usize {
    if at >= value.len() { value.len() } else { crate::lines::char_boundary(value, at) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seen;
    use residuum_source::{ObjectPath, Outcome, Part, Record};

    fn seen(limits: &Limits, fill: impl FnOnce(&mut Values<'_>, &mut dyn Sink)) -> Seen {
        let mut seen = Seen::default();
        let part = Part { path: ObjectPath::from_bytes(b"a"), format: "x", encoding: None, primary_key: Vec::new() };
        assert!(seen.open(part).is_continue());
        let mut values = Values::new(limits);
        fill(&mut values, &mut seen);
        assert!(values.flush(&mut seen).is_continue());
        assert!(seen.close(Outcome::read(0, values.records)).is_continue());
        seen
    }

    #[test]
    fn records_keep_their_values_whatever_the_batches() {
        for batch_bytes in [1, 60, 1 << 20] {
            let limits = Limits { batch_bytes, ..Limits::default() };
            let seen = seen(&limits, |values, sink| {
                for row in [2, 3, 9] {
                    assert!(values.begin(Key::Row("S".into(), row), sink).is_continue());
                    let text = format!("v{row}");
                    assert!(values.cell("a", 2, Logical::Text, text.as_bytes(), sink).is_continue());
                    assert!(values.cell("b", 27, Logical::Integer, b"7", sink).is_continue());
                }
                for name in ["p1", "p2"] {
                    assert!(values.begin(Key::Name(RecordKind::Part, name.into()), sink).is_continue());
                    assert!(values.value("", Logical::Text, name.as_bytes(), sink).is_continue());
                    assert!(values.value("", Logical::Text, b"again", sink).is_continue());
                }
            });
            assert_eq!(seen.outcome("a").records, 5, "{batch_bytes}");
            let of = |field: &str| -> Vec<(Record, String)> {
                let values = seen.values.iter().filter(|v| v.field == field);
                values.map(|v| (v.record.clone(), String::from_utf8_lossy(&v.bytes).into_owned())).collect()
            };
            let cells = [2, 3, 9].map(|row| (Record::cell("S", row, 2), format!("v{row}")));
            assert_eq!(of("a"), cells, "{batch_bytes}");
            assert_eq!(of("b").len(), 3);
            let part = |name: &str| Record::Text(RecordKind::Part, name.into());
            let texts = [("p1", "p1"), ("p1", "again"), ("p2", "p2"), ("p2", "again")];
            assert_eq!(of(""), texts.map(|(name, text)| (part(name), text.to_owned())), "{batch_bytes}");
        }
    }

    #[test]
    fn a_long_value_comes_in_windows() {
        let text = "é1".repeat(100_000);
        let limits = Limits { batch_bytes: 20_000, ..Limits::default() };
        let seen = seen(&limits, |values, sink| {
            assert!(values.begin(Key::Number(RecordKind::Page, 4), sink).is_continue());
            assert!(values.value("", Logical::Text, text.as_bytes(), sink).is_continue());
        });
        assert_eq!(String::from_utf8(seen.text()).unwrap(), text);
        assert!(seen.largest < 40_000 && seen.values.iter().all(|v| v.record.number() == 4));
    }
}
