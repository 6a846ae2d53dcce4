//! Sheets: rows of cells, with the header's names as fields.
//!
//! A row is the record, so that what stands in it belongs together; a finding's place is the cell. What stands above
//! a header, and the header itself, are read as text by cell: a sheet often begins with a title, and in doubt
//! nothing may be lost.

pub(super) mod comments;
pub(super) mod formats;
pub(super) mod ods;
pub(super) mod strings;
pub(super) mod workbook;
pub(super) mod worksheet;

use std::sync::Arc;

use residuum_source::{Flow, Logical, Record, RecordKind, Sink};

use crate::csv::{Fields, has_header};
use crate::values::{Key, Values};

/// A cell's column, counted from 0, and what it shows.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Cell {
    pub column: u32,
    pub logical: Logical,
    pub text: String,
}

/// Rows that are looked at to find a header, and how much they may hold.
const JUDGED: usize = 60;
const JUDGED_BYTES: usize = 256 << 10;
/// Rows that may stand above a header.
const ABOVE: usize = 12;

/// A sheet that is being read.
pub(super) struct Sheet {
    pub name: Arc<str>,
    held: Vec<(u32, Vec<Cell>)>,
    held_bytes: usize,
    fields: Option<Fields>,
    /// Rows read.
    pub rows: u64,
}

impl Sheet {
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), held: Vec::new(), held_bytes: 0, fields: None, rows: 0 }
    }

    /// Adds cells of a row, counted from 1.
    pub fn row(&mut self, row: u32, cells: Vec<Cell>, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
        if cells.is_empty() {
            return Flow::Continue(());
        }
        self.rows += 1;
        if self.fields.is_some() {
            return self.record(row, &cells, values, sink);
        }
        self.held_bytes += cells.iter().map(|cell| cell.text.len() + 32).sum::<usize>();
        self.held.push((row, cells));
        if self.held.len() >= JUDGED || self.held_bytes >= JUDGED_BYTES {
            self.judge(values, sink)?;
        }
        Flow::Continue(())
    }

    /// Hands over what is held, at the end of the sheet.
    pub fn finish(&mut self, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
        if self.fields.is_none() {
            self.judge(values, sink)?;
        }
        values.flush(sink)
    }

    fn judge(&mut self, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
        let held = std::mem::take(&mut self.held);
        let columns = || held.iter().flat_map(|(_, cells)| cells.iter().map(|cell| cell.column));
        let (first, last) = (columns().min().unwrap_or(0), columns().max().unwrap_or(0));
        let width = (last - first + 1) as usize;
        let mut fields = Fields::named(std::iter::empty());
        let mut header = None;
        // A sheet wider than any list of people is no table, or its cells lie far apart.
        if width <= 2048 {
            let texts: Vec<Vec<String>> = held.iter().map(|(_, cells)| texts(cells, first, width)).collect();
            header = (0..texts.len().min(ABOVE)).find(|&i| has_header(&texts[i..], width));
            if let Some(header) = header {
                (0..first).for_each(|_| drop(fields.add("")));
                texts[header].iter().for_each(|name| drop(fields.add(name)));
            }
        }
        self.fields = Some(fields);
        for (i, (row, cells)) in held.into_iter().enumerate() {
            if header.is_some_and(|header| i <= header) {
                for cell in &cells {
                    beside(values, &self.name, Some((row, cell.column)), "", &cell.text, sink)?;
                }
            } else {
                self.record(row, &cells, values, sink)?;
            }
        }
        Flow::Continue(())
    }

    fn record(&mut self, row: u32, cells: &[Cell], values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
        let Some(fields) = &mut self.fields else {
            return Flow::Continue(());
        };
        values.begin(Key::Row(self.name.clone(), row), sink)?;
        for cell in cells {
            let field = fields.name(cell.column as usize);
            values.cell(&field, cell.column, cell.logical, cell.text.as_bytes(), sink)?;
        }
        Flow::Continue(())
    }
}

/// Adds text to the cell of a sheet at a row, counted from 1, and a column, counted from 0; text that stands at no cell
/// belongs to the sheet as a whole.
pub(super) fn beside(
    values: &mut Values<'_>,
    sheet: &str,
    at: Option<(u32, u32)>,
    field: &str,
    text: &str,
    sink: &mut dyn Sink,
) -> Flow {
    if text.trim().is_empty() {
        return Flow::Continue(());
    }
    let key = match at {
        Some((row, column)) => {
            let cell = Record::cell(sheet, row, column).text().unwrap_or_default().to_owned();
            Key::Name(RecordKind::Cell, cell)
        }
        None => Key::Name(RecordKind::Part, sheet.to_owned()),
    };
    values.begin(key, sink)?;
    values.value(field, Logical::Text, text.trim().as_bytes(), sink)
}

/// The row, counted from 1, and the column, counted from 0, of a reference such as `$AB$12`.
pub(crate) fn position(reference: &str) -> Option<(u32, u32)> {
    let plain: String = reference.chars().filter(|c| *c != '$').collect();
    let letters = plain.bytes().take_while(u8::is_ascii_alphabetic).count();
    let column = plain.as_bytes()[..letters].iter().try_fold(0u32, |sum, letter| {
        sum.checked_mul(26)?.checked_add(u32::from(letter.to_ascii_uppercase() - b'A') + 1)
    })?;
    let row: u32 = plain[letters..].parse().ok()?;
    Some((row, column.checked_sub(1)?)).filter(|&(row, column)| row <= 1 << 24 && column < 1 << 16)
}

/// The position of what a reference such as `A2:C2` names, if that stands in one row: that of its first cell.
pub(crate) fn position_in_row(reference: &str) -> Option<(u32, u32)> {
    let (first, last) = reference.split_once(':').unwrap_or((reference, reference));
    let (first, last) = (position(first)?, position(last)?);
    (first.0 == last.0).then_some(first)
}

fn texts(cells: &[Cell], first: u32, width: usize) -> Vec<String> {
    let mut texts = vec![String::new(); width];
    for cell in cells {
        texts[(cell.column - first) as usize] = cell.text.trim().chars().take(200).collect();
    }
    texts
}
