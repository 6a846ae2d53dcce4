//! One sheet of Open XML, cell by cell.

use residuum_source::{Flow, Logical, Sink};

use super::super::package::Package;
use super::super::xml::{Tag, Visitor};
use super::formats::Formats;
use super::strings::{Strings, unescaped};
use super::{Cell, Sheet, beside, position, position_in_row};
use crate::Fault;
use crate::container::Within;
use crate::values::Values;

/// Reads a sheet.
pub(super) fn read(
    package: &mut Package<'_>,
    part: &str,
    name: &str,
    strings: &mut Strings,
    formats: &Formats,
    values: &mut Values<'_>,
    sink: &mut dyn Sink,
) -> Flow {
    let within = package.within();
    let mut reader = Worksheet {
        sheet: Sheet::new(name),
        values,
        strings,
        formats,
        within,
        over: None,
        row: 0,
        cells: Vec::new(),
        held: 0,
        at: (0, 0),
        kind: String::new(),
        style: 0,
        value: String::new(),
        text: String::new(),
        formula: String::new(),
        inside: Inside::Nothing,
    };
    package.walk(part, &mut reader, sink)?;
    reader.end_row(sink)?;
    let over = reader.over.take();
    let Worksheet { mut sheet, values, .. } = reader;
    sheet.finish(values, sink)?;
    if let Some(fault) = over {
        package.fault(part, fault);
    }
    Flow::Continue(())
}

/// What text belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    /// What a cell shows.
    Value,
    /// Text that a cell holds itself.
    Text,
    /// A formula, of a cell, a condition or a list of what may be entered.
    Formula,
    /// What is printed above and below.
    Header,
}

/// Cells of a row that are held before they are handed over.
const HELD: usize = 4 << 20;

struct Worksheet<'s, 'v, 'l> {
    sheet: Sheet,
    values: &'v mut Values<'l>,
    strings: &'s mut Strings,
    formats: &'s Formats,
    within: &'s Within<'s>,
    /// Why strings are no longer given, if so.
    over: Option<Fault>,
    row: u32,
    cells: Vec<Cell>,
    held: usize,
    at: (u32, u32),
    kind: String,
    style: usize,
    value: String,
    text: String,
    formula: String,
    inside: Inside,
}

impl Worksheet<'_, '_, '_> {
    fn end_row(&mut self, sink: &mut dyn Sink) -> Flow {
        self.held = 0;
        let cells = std::mem::take(&mut self.cells);
        self.sheet.row(self.row.max(1), cells, self.values, sink)
    }

    fn end_cell(&mut self, sink: &mut dyn Sink) -> Flow {
        let (row, column) = self.at;
        let (logical, text) = self.shown();
        if !text.is_empty() {
            self.held += text.len() + 64;
            self.cells.push(Cell { column, logical, text });
        }
        if self.formula.contains('"') {
            let formula = std::mem::take(&mut self.formula);
            beside(self.values, &self.sheet.name, Some((row, column)), "(formula)", &formula, sink)?;
        }
        if self.held > HELD {
            self.end_row(sink)?;
        }
        Flow::Continue(())
    }

    /// What the cell shows (ECMA-376 part 1, 18.18.11).
    fn shown(&mut self) -> (Logical, String) {
        match self.kind.as_str() {
            "s" => {
                let text = self.value.trim().parse().ok().and_then(|i| self.strings.get(i));
                // One long string may stand in any number of cells.
                let text = text.unwrap_or_default();
                match self.within.spend(text.len() as u64) {
                    Ok(()) => (Logical::Text, text.to_owned()),
                    Err(fault) => {
                        self.over = Some(fault);
                        (Logical::Text, String::new())
                    }
                }
            }
            "inlineStr" => (Logical::Text, unescaped(&self.text).into_owned()),
            "str" => (Logical::Text, unescaped(&self.value).into_owned()),
            "b" => (Logical::Bool, if self.value == "1" { "true".into() } else { "false".into() }),
            "e" => (Logical::Text, String::new()),
            "d" => (Logical::Date, self.value.clone()),
            _ if self.value.trim().is_empty() => (Logical::Text, String::new()),
            _ => self.formats.show(self.style, &self.value),
        }
    }
}

impl Visitor for Worksheet<'_, '_, '_> {
    fn start(&mut self, tag: &Tag<'_>, sink: &mut dyn Sink) -> Flow {
        match tag.local() {
            "row" => {
                self.end_row(sink)?;
                self.row = tag.attribute("r").and_then(|r| r.parse().ok()).unwrap_or(self.row.saturating_add(1));
                self.at = (self.row, u32::MAX);
            }
            "c" => {
                let next = (self.row, self.at.1.wrapping_add(1));
                self.at = tag.attribute("r").and_then(|r| position(&r)).map_or(next, |(_, column)| (self.row, column));
                self.kind = tag.attribute("t").unwrap_or_default();
                self.style = tag.attribute("s").and_then(|s| s.parse().ok()).unwrap_or(0);
                [&mut self.value, &mut self.text, &mut self.formula].into_iter().for_each(String::clear);
            }
            "v" => self.inside = Inside::Value,
            "t" => self.inside = Inside::Text,
            "f" | "formula" | "formula1" | "formula2" => {
                self.formula.clear();
                self.inside = Inside::Formula;
            }
            "hyperlink" => {
                let at = tag.attribute("ref").and_then(|reference| position_in_row(&reference));
                for name in ["display", "tooltip", "location"] {
                    let text = tag.attribute(name).unwrap_or_default();
                    beside(self.values, &self.sheet.name, at, "(link)", &text, sink)?;
                }
            }
            "oddHeader" | "evenHeader" | "firstHeader" | "oddFooter" | "evenFooter" | "firstFooter" => {
                self.text.clear();
                self.inside = Inside::Header;
            }
            _ => {}
        }
        Flow::Continue(())
    }

    fn end(&mut self, local: &str, sink: &mut dyn Sink) -> Flow {
        match local {
            "c" => return self.end_cell(sink),
            "row" => return self.end_row(sink),
            "v" | "t" | "f" => self.inside = Inside::Nothing,
            "formula" | "formula1" | "formula2" => {
                self.inside = Inside::Nothing;
                let formula = std::mem::take(&mut self.formula);
                if formula.contains('"') {
                    return beside(self.values, &self.sheet.name, None, "(formula)", &formula, sink);
                }
            }
            "oddHeader" | "evenHeader" | "firstHeader" | "oddFooter" | "evenFooter" | "firstFooter" => {
                self.inside = Inside::Nothing;
                let text = std::mem::take(&mut self.text);
                return beside(self.values, &self.sheet.name, None, "(header)", &text, sink);
            }
            _ => {}
        }
        Flow::Continue(())
    }

    fn text(&mut self, text: &str, _: &mut dyn Sink) -> Flow {
        match self.inside {
            Inside::Value => self.value.push_str(text),
            Inside::Text | Inside::Header => self.text.push_str(text),
            Inside::Formula => self.formula.push_str(text),
            Inside::Nothing => {}
        }
        Flow::Continue(())
    }
}
