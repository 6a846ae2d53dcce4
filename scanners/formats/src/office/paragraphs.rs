//! Running text of documents and presentations: paragraphs, tables, what was deleted but still stands in the file.
//!
//! Text of tracked deletions is a field of its own, `(deleted)`: run together with what replaced it, neither would
//! be seen whole. Who changed or commented something is `(author)`, instructions of fields are `(field)`, texts that
//! stand in for images `(description)`, and targets of links `(link)`.

use residuum_source::{Flow, Logical, RecordKind, Sink};

use super::table::{Table, TableRow};
use super::xml::{Tag, Visitor};
use crate::values::{Key, Values};

/// How the records of a part are called.
pub(super) enum Place {
    /// Paragraphs and rows of tables, counted, behind these words.
    Part(String),
    /// A slide, counted from 1; all its text is one record.
    Page(u64),
}

/// Reads paragraphs of Open XML (ECMA-376) or OpenDocument (ISO/IEC 26300).
pub(super) struct Paragraphs<'v, 'l> {
    values: &'v mut Values<'l>,
    place: Place,
    is_odf: bool,
    open: Vec<Open>,
    /// Elements around us that hold properties, deletions, text, field instructions, names of authors.
    properties: u32,
    deleting: u32,
    texts: u32,
    instructions: u32,
    authors: u32,
    author: String,
    paragraphs: u64,
    tables: u64,
}

/// What is being read, one within the other.
enum Open {
    Paragraph(Paragraph),
    Table(Table),
    Row(TableRow),
    Cell(Paragraph),
}

/// The text of a paragraph, or of the paragraphs of a cell.
#[derive(Default)]
pub(super) struct Paragraph {
    pub text: String,
    pub deleted: String,
    pub instructions: String,
}

impl<'v, 'l> Paragraphs<'v, 'l> {
    pub fn new(values: &'v mut Values<'l>, place: Place, is_odf: bool) -> Self {
        Self {
            values,
            place,
            is_odf,
            open: Vec::new(),
            properties: 0,
            deleting: 0,
            texts: 0,
            instructions: 0,
            authors: 0,
            author: String::new(),
            paragraphs: 0,
            tables: 0,
        }
    }

    fn is_paragraph(&self, local: &str) -> bool {
        match self.is_odf {
            true => matches!(local, "p" | "h" | "title" | "desc"),
            false => matches!(local, "p" | "text"),
        }
    }

    /// The paragraph or cell that text belongs to.
    fn current(&mut self) -> Option<&mut Paragraph> {
        self.open.iter_mut().rev().find_map(|open| match open {
            Open::Paragraph(paragraph) | Open::Cell(paragraph) => Some(paragraph),
            Open::Table(_) | Open::Row(_) => None,
        })
    }

    fn append(&mut self, text: &str) {
        let (deleting, instructing) = (self.deleting > 0, self.instructions > 0);
        if let Some(paragraph) = self.current() {
            match () {
                () if instructing => paragraph.instructions.push_str(text),
                () if deleting => paragraph.deleted.push_str(text),
                () => paragraph.text.push_str(text),
            }
        }
    }

    fn begin(&mut self, name: impl FnOnce() -> String, sink: &mut dyn Sink) -> Flow {
        let key = match &self.place {
            Place::Page(number) => Key::Number(RecordKind::Page, *number),
            Place::Part(words) => Key::Name(RecordKind::Part, format!("{words}{}", name())),
        };
        self.values.begin(key, sink)
    }

    /// Adds something beside the text to the paragraph that is being read.
    fn beside(&mut self, field: &str, value: &str, sink: &mut dyn Sink) -> Flow {
        let number = self.paragraphs + 1;
        if value.trim().is_empty() {
            return Flow::Continue(());
        }
        self.begin(|| format!("paragraph {number}"), sink)?;
        self.values.value(field, Logical::Text, value.trim().as_bytes(), sink)
    }

    fn end_paragraph(&mut self, paragraph: Paragraph, sink: &mut dyn Sink) -> Flow {
        // In a cell of a table, paragraphs are lines of the cell; not so the text of a box that stands in it.
        if let Some(Open::Cell(cell)) = self.open.last_mut() {
            for (cell, line) in [
                (&mut cell.text, &paragraph.text),
                (&mut cell.deleted, &paragraph.deleted),
                (&mut cell.instructions, &paragraph.instructions),
            ] {
                if !cell.is_empty() && !line.is_empty() {
                    cell.push('\n');
                }
                cell.push_str(line);
            }
            return Flow::Continue(());
        }
        if paragraph.is_empty() {
            return Flow::Continue(());
        }
        self.paragraphs += 1;
        let number = self.paragraphs;
        self.begin(|| format!("paragraph {number}"), sink)?;
        paragraph.values(self.values, sink)
    }

    fn end_row(&mut self, row: TableRow, sink: &mut dyn Sink) -> Flow {
        let Some(Open::Table(table)) = self.open.last_mut() else {
            return Flow::Continue(());
        };
        if !table.push(row) {
            return Flow::Continue(());
        }
        self.rows_of_table(false, sink)
    }

    /// Hands over the rows that the innermost table holds.
    fn rows_of_table(&mut self, ended: bool, sink: &mut dyn Sink) -> Flow {
        let Some(Open::Table(table)) = self.open.last_mut() else {
            return Flow::Continue(());
        };
        let (number, rows) = (table.number, table.take(ended));
        for (name, row) in rows {
            self.begin(|| format!("table {number} {name}"), sink)?;
            row.values(self.values, sink)?;
        }
        Flow::Continue(())
    }
}

impl Paragraph {
    pub fn is_empty(&self) -> bool {
        [&self.text, &self.deleted, &self.instructions].iter().all(|text| text.trim().is_empty())
    }

    /// Adds them to the record begun last.
    fn values(&self, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
        for (field, text) in [("", &self.text), ("(deleted)", &self.deleted), ("(field)", &self.instructions)] {
            if !text.trim().is_empty() {
                values.value(field, Logical::Text, text.as_bytes(), sink)?;
            }
        }
        Flow::Continue(())
    }
}

impl Visitor for Paragraphs<'_, '_> {
    fn start(&mut self, tag: &Tag<'_>, sink: &mut dyn Sink) -> Flow {
        let local = tag.local();
        match local {
            _ if self.is_paragraph(local) => {
                // Comments of presentations hold their text without runs.
                self.texts += u32::from(!self.is_odf && local == "text");
                self.open.push(Open::Paragraph(Paragraph::default()));
            }
            "tbl" | "table" => {
                self.tables += 1;
                self.open.push(Open::Table(Table::new(self.tables)));
            }
            "tr" | "table-row" => self.open.push(Open::Row(TableRow::default())),
            "tc" | "table-cell" | "covered-table-cell" => self.open.push(Open::Cell(Paragraph::default())),
            "pPr" | "rPr" | "tblPr" | "trPr" | "tcPr" | "sectPr" => self.properties += 1,
            "t" | "delText" if !self.is_odf => self.texts += 1,
            "instrText" | "delInstrText" => {
                self.texts += 1;
                self.instructions += 1;
            }
            "tab" if self.properties == 0 => self.append("\t"),
            "br" | "cr" | "line-break" if self.properties == 0 => self.append("\n"),
            "noBreakHyphen" => self.append("-"),
            "s" if self.is_odf => {
                let count = tag.attribute("c").and_then(|count| count.parse().ok()).unwrap_or(1usize);
                self.append(&" ".repeat(count.min(1000)));
            }
            "note" if self.is_odf => self.append(" "),
            // A comment stands within a paragraph; of what is beside its own paragraphs, only the author matters.
            "annotation" => self.open.push(Open::Paragraph(Paragraph::default())),
            "del" | "moveFrom" | "deletion" => self.deleting += 1,
            "creator" | "sender-initials" if self.is_odf => {
                self.authors += 1;
                self.author.clear();
            }
            _ => {}
        }
        for (attribute, field) in [("author", "(author)"), ("instr", "(field)"), ("descr", "(description)")] {
            if let Some(value) = tag.attribute(attribute) {
                self.beside(field, &value, sink)?;
            }
        }
        if self.is_odf
            && local == "a"
            && let Some(link) = tag.attribute("href")
        {
            self.beside("(link)", &link, sink)?;
        }
        Flow::Continue(())
    }

    fn end(&mut self, local: &str, sink: &mut dyn Sink) -> Flow {
        match local {
            _ if self.is_paragraph(local) => {
                self.texts -= u32::from(!self.is_odf && local == "text" && self.texts > 0);
                match self.open.pop() {
                    Some(Open::Paragraph(paragraph)) => self.end_paragraph(paragraph, sink),
                    other => {
                        self.open.extend(other);
                        Flow::Continue(())
                    }
                }
            }
            "tc" | "table-cell" | "covered-table-cell" => {
                let cell = self.open.pop();
                if let (Some(Open::Cell(cell)), Some(Open::Row(row))) = (cell, self.open.last_mut()) {
                    row.cells.push(cell);
                }
                Flow::Continue(())
            }
            "tr" | "table-row" => match self.open.pop() {
                Some(Open::Row(row)) => self.end_row(row, sink),
                _ => Flow::Continue(()),
            },
            "tbl" | "table" => {
                self.rows_of_table(true, sink)?;
                self.open.pop();
                Flow::Continue(())
            }
            "pPr" | "rPr" | "tblPr" | "trPr" | "tcPr" | "sectPr" => {
                self.properties = self.properties.saturating_sub(1);
                Flow::Continue(())
            }
            "t" | "delText" if !self.is_odf => {
                self.texts = self.texts.saturating_sub(1);
                Flow::Continue(())
            }
            "instrText" | "delInstrText" => {
                self.texts = self.texts.saturating_sub(1);
                self.instructions = self.instructions.saturating_sub(1);
                Flow::Continue(())
            }
            "del" | "moveFrom" | "deletion" => {
                self.deleting = self.deleting.saturating_sub(1);
                Flow::Continue(())
            }
            "annotation" => {
                self.open.pop();
                Flow::Continue(())
            }
            "creator" | "sender-initials" if self.is_odf => {
                self.authors = self.authors.saturating_sub(1);
                let author = std::mem::take(&mut self.author);
                self.beside("(author)", &author, sink)
            }
            _ => Flow::Continue(()),
        }
    }

    fn text(&mut self, text: &str, _: &mut dyn Sink) -> Flow {
        if self.authors > 0 {
            self.author.push_str(text);
        } else if self.texts > 0 || self.is_odf {
            self.append(text);
        }
        Flow::Continue(())
    }
}
