//! Tables on a terminal: aligned columns, wide characters counted, streams of any length.
//!
//! Widths are taken from the first rows; later ones keep them and may stick out, so that a million rows
//! need no more memory than the first few hundred.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::output::Style;

/// On which side of a column its text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Writes rows with their columns aligned.
pub(super) struct Table<'o> {
    out: &'o mut dyn Write,
    style: Style,
    align: Vec<Align>,
    widths: Vec<usize>,
    held: Vec<Vec<String>>,
    measured: bool,
    wait_for: usize,
}

/// Rows from which widths are taken.
const MEASURED: usize = 500;

impl<'o> Table<'o> {
    /// A table with these headings.
    pub(super) fn new(out: &'o mut dyn Write, style: Style, columns: &[(&str, Align)]) -> Self {
        let head: Vec<_> = columns.iter().map(|(name, _)| name.to_uppercase()).collect();
        let widths = head.iter().map(|name| name.width()).collect();
        let align = columns.iter().map(|&(_, align)| align).collect();
        Self { out, style, align, widths, held: vec![head], measured: false, wait_for: MEASURED }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<String>) -> io::Result<()> {
        if self.measured {
            return self.print(&cells, false);
        }
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.width());
        }
        self.held.push(cells);
        if self.held.len() > self.wait_for { self.flush() } else { Ok(()) }
    }

    /// Takes widths from so many rows only: from none to print every row as it comes.
    pub(super) fn wait_for(&mut self, rows: usize) -> io::Result<()> {
        self.wait_for = rows;
        if rows == 0 { self.flush() } else { Ok(()) }
    }

    /// Sends what was printed on its way.
    pub(super) fn flush_out(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes what is still held.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        let head = !self.measured;
        self.measured = true;
        for (i, cells) in std::mem::take(&mut self.held).iter().enumerate() {
            self.print(cells, head && i == 0)?;
        }
        Ok(())
    }

    fn print(&mut self, cells: &[String], head: bool) -> io::Result<()> {
        let mut line = String::new();
        for (i, cell) in cells.iter().enumerate() {
            let space = " ".repeat(self.widths[i].saturating_sub(cell.width()));
            let gap = if i == 0 { "" } else { "  " };
            match self.align[i] {
                Align::Left => line.extend([gap, cell, &space]),
                Align::Right => line.extend([gap, &space, cell]),
            }
        }
        let line = line.trim_end();
        if head { writeln!(self.out, "{}", self.style.dim(line)) } else { writeln!(self.out, "{line}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_for_wide_characters_too() {
        let mut out = Vec::new();
        let mut table = Table::new(&mut out, Style::plain(), &[("name", Align::Left), ("n", Align::Right)]);
        table.row(vec!["東京".into(), "7".into()]).unwrap();
        table.row(vec!["München".into(), "1,024".into()]).unwrap();
        table.finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "NAME         N\n東京         7\nMünchen  1,024\n");
    }

    #[test]
    fn long_tables_are_written_as_they_come() {
        let mut out = Vec::new();
        let mut table = Table::new(&mut out, Style::plain(), &[("n", Align::Right)]);
        for n in 0..2000 {
            table.row(vec![n.to_string()]).unwrap();
        }
        table.finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 2001);
    }
}
