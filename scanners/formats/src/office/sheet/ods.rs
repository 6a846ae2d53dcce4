//! Sheets of OpenDocument (ISO/IEC 26300-1, chapter 9).

use residuum_source::{Flow, Logical, Sink};

use super::super::xml::{Tag, Visitor};
use super::{Cell, Sheet, beside};
use crate::Fault;
use crate::container::Within;
use crate::values::Values;

/// Columns and rows that a sheet may have in the programs that write them.
const COLUMNS: u32 = 16_384;
const ROWS: u32 = 1 << 20;

/// Reads the content of a spreadsheet.
pub(in crate::office) struct Ods<'v, 'l> {
    values: &'v mut Values<'l>,
    within: &'v Within<'v>,
    sheet: Option<OpenSheet>,
    cell: Option<OpenCell>,
    /// Text of the cell, or of its comment, and who wrote that.
    text: String,
    comment: Option<String>,
    author: Option<String>,
    in_text: u32,
    /// Why cells are no longer given, if so.
    pub over: Option<Fault>,
}

struct OpenSheet {
    sheet: Sheet,
    row: u32,
    /// How many rows the row that is read counts for.
    repeated: u32,
    column: u32,
    cells: Vec<Cell>,
}

struct OpenCell {
    repeated: u32,
    kind: String,
    value: String,
    formula: String,
}

impl<'v, 'l> Ods<'v, 'l> {
    pub fn new(values: &'v mut Values<'l>, within: &'v Within<'v>) -> Self {
        let (text, comment, author) = (String::new(), None, None);
        Self { values, within, sheet: None, cell: None, text, comment, author, in_text: 0, over: None }
    }

    fn end_cell(&mut self, sink: &mut dyn Sink) -> Flow {
        let text = std::mem::take(&mut self.text);
        let (Some(cell), Some(open)) = (self.cell.take(), &mut self.sheet) else {
            return Flow::Continue(());
        };
        let (logical, text) = shown(&cell, text.trim());
        for i in 0..cell.repeated.min(COLUMNS - open.column) {
            if text.is_empty() || self.over.is_some() {
                break;
            }
            self.over = self.within.spend(text.len() as u64 + 1).err();
            open.cells.push(Cell { column: open.column + i, logical, text: text.clone() });
        }
        let column = open.column;
        open.column = column.saturating_add(cell.repeated).min(COLUMNS);
        match cell.formula.contains('"') {
            true => beside(self.values, &open.sheet.name, Some((open.row, column)), "(formula)", &cell.formula, sink),
            false => Flow::Continue(()),
        }
    }

    fn end_row(&mut self, sink: &mut dyn Sink) -> Flow {
        let Some(open) = &mut self.sheet else {
            return Flow::Continue(());
        };
        let cells = std::mem::take(&mut open.cells);
        if !cells.is_empty() {
            let bytes: usize = cells.iter().map(|cell| cell.text.len() + 1).sum();
            for i in 0..open.repeated.min(ROWS.saturating_sub(open.row)) {
                if i > 0 {
                    self.over = self.over.take().or_else(|| self.within.spend(bytes as u64).err());
                }
                if self.over.is_some() && i > 0 {
                    break;
                }
                open.sheet.row(open.row + i, cells.clone(), self.values, sink)?;
            }
        }
        open.row = open.row.saturating_add(open.repeated).min(ROWS);
        Flow::Continue(())
    }
}

impl Visitor for Ods<'_, '_> {
    fn start(&mut self, tag: &Tag<'_>, sink: &mut dyn Sink) -> Flow {
        let repeated = |name: &str| tag.attribute(name).and_then(|n| n.parse().ok()).unwrap_or(1).max(1);
        match tag.local() {
            "table" => {
                let name = tag.attribute("name").unwrap_or_default();
                let (row, column, repeated) = (1, 0, 1);
                self.sheet = Some(OpenSheet { sheet: Sheet::new(&name), row, repeated, column, cells: Vec::new() });
            }
            "table-row" => {
                if let Some(open) = &mut self.sheet {
                    (open.column, open.repeated) = (0, repeated("number-rows-repeated"));
                }
            }
            "table-cell" | "covered-table-cell" => {
                let kind = tag.attribute("value-type").unwrap_or_default();
                let value = ["date-value", "time-value", "boolean-value", "string-value", "value"]
                    .into_iter()
                    .find_map(|name| tag.exactly(&format!("office:{name}")));
                self.text.clear();
                self.cell = Some(OpenCell {
                    repeated: repeated("number-columns-repeated"),
                    kind,
                    value: value.unwrap_or_default(),
                    formula: tag.attribute("formula").unwrap_or_default(),
                });
            }
            "annotation" => self.comment = Some(String::new()),
            "creator" | "sender-initials" if self.comment.is_some() => self.author = Some(String::new()),
            "p" | "h" => {
                let text = self.comment.as_mut().unwrap_or(&mut self.text);
                if !text.is_empty() {
                    text.push('\n');
                }
                self.in_text += 1;
            }
            "s" => {
                let spaces = tag.attribute("c").and_then(|count| count.parse().ok()).unwrap_or(1usize);
                self.append(&" ".repeat(spaces.min(1000)));
            }
            "tab" => self.append("\t"),
            "line-break" => self.append("\n"),
            "a" => {
                if let (Some(link), Some(open)) = (tag.attribute("href"), &self.sheet) {
                    let at = Some((open.row, open.column));
                    beside(self.values, &open.sheet.name, at, "(link)", &link, sink)?;
                }
            }
            _ => {}
        }
        Flow::Continue(())
    }

    fn end(&mut self, local: &str, sink: &mut dyn Sink) -> Flow {
        match local {
            "p" | "h" => self.in_text = self.in_text.saturating_sub(1),
            "creator" | "sender-initials" | "annotation" => {
                let (field, text) = match local {
                    "annotation" => ("(comment)", self.comment.take()),
                    _ => ("(author)", self.author.take()),
                };
                if let (Some(text), Some(open)) = (text, &self.sheet) {
                    let at = Some((open.row, open.column));
                    return beside(self.values, &open.sheet.name, at, field, &text, sink);
                }
            }
            "table-cell" | "covered-table-cell" => return self.end_cell(sink),
            "table-row" => return self.end_row(sink),
            "table" => {
                if let Some(mut open) = self.sheet.take() {
                    return open.sheet.finish(self.values, sink);
                }
            }
            _ => {}
        }
        Flow::Continue(())
    }

    fn text(&mut self, text: &str, _: &mut dyn Sink) -> Flow {
        if let Some(author) = &mut self.author {
            author.push_str(text);
        } else if self.in_text > 0 {
            self.append(text);
        }
        Flow::Continue(())
    }
}

impl Ods<'_, '_> {
    fn append(&mut self, text: &str) {
        self.comment.as_mut().unwrap_or(&mut self.text).push_str(text);
    }
}

/// What a cell shows: its text, unless the value says more than the text or can be read better.
fn shown(cell: &OpenCell, text: &str) -> (Logical, String) {
    match cell.kind.as_str() {
        "date" if !cell.value.is_empty() => {
            let logical = if cell.value.contains('T') { Logical::Timestamp } else { Logical::Date };
            (logical, cell.value.clone())
        }
        "float" | "currency" | "percentage" if !cell.value.is_empty() => {
            let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).collect::<Vec<_>>();
            let (of_text, of_value) = (digits(text), digits(&cell.value));
            let zeros = of_text.iter().take_while(|digit| **digit == b'0').count();
            // A telephone number in its groups is shown so; a rounded number is not.
            let is_grouped = of_text[zeros..] == of_value[..] && text.len() > cell.value.len();
            match is_grouped && !text.contains(',') {
                true => (Logical::Text, text.to_owned()),
                false => {
                    let (_, plain) = super::formats::Formats::default().show(0, &cell.value);
                    let is_integer = plain.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                    (if is_integer { Logical::Integer } else { Logical::Number }, plain)
                }
            }
        }
        "boolean" => (Logical::Bool, cell.value.clone()),
        _ if text.is_empty() => (Logical::Text, cell.value.clone()),
        _ => (Logical::Text, text.to_owned()),
    }
}
