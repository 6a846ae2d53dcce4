//! Workbooks in binary form: xls and xlsb, with the library calamine.
//!
//! It gives what cells show. Comments, headers and strings that no cell uses are not read from these.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, DataRef, Reader, Xls, Xlsb};
use residuum_source::{Logical, Sink, Stop};

use super::sheet::formats::Formats;
use super::sheet::{Cell, Sheet};
use crate::Fault;
use crate::container::Within;
use crate::values::Values;

type Read = ControlFlow<Stop, Result<(), Fault>>;

/// Reads a workbook of Excel 97 to 2003.
///
/// A sheet is held whole, as a rectangle: at most 65,536 rows of 256 cells.
pub(crate) fn xls(bytes: &[u8], within: &Within<'_>, values: &mut Values<'_>, sink: &mut dyn Sink) -> Read {
    let opened = caught(|| Xls::new(Cursor::new(bytes)).map_err(|error| said(&error.to_string())));
    let mut book = match opened {
        Ok(book) => book,
        Err(fault) => return ControlFlow::Continue(Err(fault)),
    };
    let mut fault = None;
    for name in book.sheet_names() {
        let range = match caught(|| book.worksheet_range(&name).map_err(|error| said(&error.to_string()))) {
            Ok(range) => range,
            Err(found) => {
                fault.get_or_insert(Fault { reason: format!("a sheet: {}", found.reason), ..found });
                continue;
            }
        };
        let mut sheet = Sheet::new(&name);
        let (top, left) = range.start().unwrap_or_default();
        for (row, cells) in (top..).zip(range.rows()) {
            let mut shown = Vec::new();
            for (column, cell) in (left..).zip(cells) {
                shown.extend(shown_in(&lent(cell), column));
            }
            let bytes: usize = shown.iter().map(|cell| cell.text.len()).sum();
            if let Err(over) = within.spend(bytes as u64) {
                fault.get_or_insert(over);
                break;
            }
            sheet.row(row + 1, shown, values, sink)?;
        }
        sheet.finish(values, sink)?;
    }
    ControlFlow::Continue(fault.map_or(Ok(()), Err))
}

/// Whether all sheets of a workbook's stream, and all cells in them, are within 65,536 rows and 256 columns (MS-XLS
/// 2.4.90): the library makes room for as many cells as a damaged one claims, which would end the program.
pub(crate) fn has_possible_dimensions(stream: &[u8]) -> bool {
    let u16_at = |at: usize| stream.get(at..at + 2).map_or(0, |b| u32::from(u16::from_le_bytes([b[0], b[1]])));
    let u32_at = |at: usize| u16_at(at) | u16_at(at + 2) << 16;
    // Sheets begin where the workbook says, which a damaged one may say of any byte.
    let (mut starts, mut seen) = (vec![0], std::collections::HashSet::new());
    while let Some(mut at) = starts.pop() {
        while at + 4 <= stream.len() && seen.insert(at) {
            let (kind, len, data) = (u16_at(at), u16_at(at + 2), at + 4);
            let (rows, columns) = match (kind, len) {
                (0x0200, 10) => (u16_at(data + 2), u16_at(data + 4).max(u16_at(data + 6))),
                (0x0200, 14 | 16) => (u32_at(data + 4), u16_at(data + 8).max(u16_at(data + 10))),
                // A row of numbers names its first column, and its last one at its end.
                (0x00bd, 6..) => (0, u16_at(data + 2).max(u16_at(data + len as usize - 2)) + 1),
                // Formulas, texts, numbers and truth values: the row, then the column.
                (0x0006 | 0x00d6 | 0x00fd | 0x0203..=0x0205 | 0x027e, 4..) => (0, u16_at(data + 2) + 1),
                _ => (0, 0),
            };
            if rows > 65_536 || columns > 256 {
                return false;
            }
            if kind == 0x0085 {
                starts.push(u32_at(data) as usize);
            }
            at = data + len as usize;
        }
    }
    true
}

/// Reads a binary workbook of newer Excel (MS-XLSB), cell by cell.
pub(crate) fn xlsb(bytes: &[u8], within: &Within<'_>, values: &mut Values<'_>, sink: &mut dyn Sink) -> Read {
    let mut book = match caught(|| Xlsb::new(Cursor::new(bytes)).map_err(|error| said(&error.to_string()))) {
        Ok(book) => book,
        Err(fault) => return ControlFlow::Continue(Err(fault)),
    };
    let mut fault = None;
    for name in book.sheet_names() {
        let mut sheet = Sheet::new(&name);
        let mut cells = match caught(|| book.worksheet_cells_reader(&name).map_err(|error| said(&error.to_string()))) {
            Ok(cells) => cells,
            Err(found) => {
                fault.get_or_insert(Fault { reason: format!("a sheet: {}", found.reason), ..found });
                continue;
            }
        };
        let (mut row, mut shown) = (0, Vec::new());
        loop {
            let next = caught(|| {
                let cell = cells.next_cell().map_err(|error| said(&error.to_string()))?;
                Ok(cell.map(|cell| (cell.get_position(), shown_in(cell.get_value(), cell.get_position().1))))
            });
            match next {
                Ok(Some(((at, _), cell))) => {
                    if at != row {
                        sheet.row(row + 1, std::mem::take(&mut shown), values, sink)?;
                        row = at;
                    }
                    if let Err(over) = within.spend(cell.as_ref().map_or(0, |cell| cell.text.len()) as u64) {
                        fault.get_or_insert(over);
                        break;
                    }
                    shown.extend(cell);
                }
                Ok(None) => break,
                Err(found) => {
                    fault.get_or_insert(Fault { reason: format!("a sheet: {}", found.reason), ..found });
                    break;
                }
            }
        }
        sheet.row(row + 1, shown, values, sink)?;
        sheet.finish(values, sink)?;
    }
    ControlFlow::Continue(fault.map_or(Ok(()), Err))
}

/// Whether a binary sheet holds cells whose column is only implied (MS-XLSB 2.3.2, records 12 to 18).
pub(super) fn has_short_cells(mut records: &[u8]) -> bool {
    while let Some(kind) = number(&mut records, 2) {
        let Some(len) = number(&mut records, 4) else { break };
        if (12..=18).contains(&kind) {
            return true;
        }
        records = records.get(len as usize..).unwrap_or_default();
    }
    false
}

/// A number of at most so many bytes, seven bits in each.
fn number(records: &mut &[u8], most: usize) -> Option<u32> {
    let mut sum = 0;
    for i in 0..most {
        let (byte, rest) = records.split_first()?;
        *records = rest;
        sum |= u32::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(sum)
}

/// A value as the reader of newer workbooks gives it.
fn lent(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(yes) => DataRef::Bool(*yes),
        Data::DateTime(date) => DataRef::DateTime(*date),
        Data::DateTimeIso(text) | Data::DurationIso(text) => DataRef::SharedString(text),
        Data::Error(_) | Data::Empty => DataRef::Empty,
    }
}

/// What a cell shows, unless that is nothing.
fn shown_in(value: &DataRef<'_>, column: u32) -> Option<Cell> {
    let (logical, text) = match value {
        DataRef::Empty | DataRef::Error(_) => return None,
        DataRef::Int(number) => (Logical::Integer, number.to_string()),
        DataRef::Float(number) => Formats::default().show(0, &number.to_string()),
        DataRef::String(text) => (Logical::Text, text.clone()),
        DataRef::SharedString(text) => (Logical::Text, (*text).to_owned()),
        DataRef::Bool(yes) => (Logical::Bool, yes.to_string()),
        DataRef::DateTime(date) => {
            let (value, (year, month, day, hour, minute, second, _)) = (date.as_f64(), date.to_ymd_hms_milli());
            let clock = format!("{hour:02}:{minute:02}:{second:02}");
            match () {
                () if date.is_duration() || value < 1.0 => (Logical::Text, clock),
                () if value.fract() == 0.0 => (Logical::Date, format!("{year:04}-{month:02}-{day:02}")),
                () => (Logical::Timestamp, format!("{year:04}-{month:02}-{day:02}T{clock}")),
            }
        }
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => (Logical::Text, text.clone()),
    };
    (!text.is_empty()).then_some(Cell { column, logical, text })
}

fn said(error: &str) -> Fault {
    match error.to_ascii_lowercase() {
        error if error.contains("password") => {
            Fault::unreadable("it is encrypted; save it without a password to have it read")
        }
        // What the library says may hold what the workbook says.
        _ => Fault::unreadable("it is damaged, or of a version that is not known; save it as xlsx to have it read"),
    }
}

/// Runs what the library does; a panic on damaged bytes is an error like others.
fn caught<T>(run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(Fault::unreadable("it is damaged: its bytes make no sense")))
}
