//! Tables in documents: a row is a record, under the names of a header if there is one.
//!
//! A form, whose labels stand in the first of two columns, is one record. A table with neither header nor labels
//! is text, its cells apart by tabs, so that the words before a value are seen with it.

use residuum_source::{Flow, Logical, Sink};

use super::paragraphs::Paragraph;
use crate::csv::{Fields, has_header, is_known_word};
use crate::values::Values;

/// Rows that are looked at to tell what kind of table it is.
const JUDGED: usize = 30;

/// A row, cell by cell.
#[derive(Default)]
pub(super) struct TableRow {
    pub cells: Vec<Paragraph>,
    names: Option<std::rc::Rc<Vec<std::sync::Arc<str>>>>,
}

/// A table that is being read.
pub(super) struct Table {
    pub number: u64,
    rows: u64,
    held: Vec<TableRow>,
    kind: Option<Kind>,
}

enum Kind {
    Header(std::rc::Rc<Vec<std::sync::Arc<str>>>),
    Form(Fields),
    Text,
}

impl Table {
    pub fn new(number: u64) -> Self {
        Self { number, rows: 0, held: Vec::new(), kind: None }
    }

    /// Adds a row and says whether rows should be taken.
    pub fn push(&mut self, row: TableRow) -> bool {
        self.held.push(row);
        self.held.len() >= JUDGED
    }

    /// The rows held, each with its name.
    pub fn take(&mut self, ended: bool) -> Vec<(String, TableRow)> {
        if self.kind.is_none() {
            self.kind = Some(self.judge(ended));
            if let Some(Kind::Header(_)) = &self.kind {
                // The header may be no header after all, so it is read as text, too.
                let header = self.held.remove(0);
                self.rows += 1;
                let mut named = self.named();
                named.insert(0, ("row 1".into(), header));
                return named;
            }
        }
        self.named()
    }

    fn named(&mut self) -> Vec<(String, TableRow)> {
        let held = std::mem::take(&mut self.held);
        let mut named = Vec::with_capacity(held.len());
        for mut row in held {
            self.rows += 1;
            let name = match &mut self.kind {
                Some(Kind::Header(names)) => {
                    row.names = Some(names.clone());
                    format!("row {}", self.rows)
                }
                Some(Kind::Form(fields)) => {
                    let label = row.cells.first().map(|cell| label(&cell.text)).unwrap_or_default();
                    row.names = Some(vec!["".into(), fields.add(&label)].into());
                    "form".to_owned()
                }
                _ => format!("row {}", self.rows),
            };
            named.push((name, row));
        }
        named
    }

    fn judge(&self, ended: bool) -> Kind {
        let texts: Vec<Vec<String>> =
            self.held.iter().map(|row| row.cells.iter().map(|cell| label(&cell.text)).collect()).collect();
        let width = texts.iter().map(Vec::len).max().unwrap_or(0);
        let labels = texts.iter().filter(|row| row.first().is_some_and(|text| is_known_word(&text.to_lowercase())));
        let is_form = ended
            && texts.len() > 1
            && texts.iter().all(|row| row.len() == 2)
            && labels.count() * 3 >= texts.len() * 2
            && texts.iter().filter(|row| is_known_word(&row[1].to_lowercase())).count() * 2 < texts.len();
        if is_form {
            return Kind::Form(Fields::named(std::iter::empty()));
        }
        match has_header(&texts, width) {
            true => {
                let mut fields = Fields::named(texts[0].iter().cloned());
                Kind::Header((0..width).map(|i| fields.name(i)).collect::<Vec<_>>().into())
            }
            false => Kind::Text,
        }
    }
}

impl TableRow {
    /// Adds the cells to the record begun last.
    pub fn values(&self, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
        let Some(names) = &self.names else {
            let text: Vec<&str> = self.cells.iter().map(|cell| cell.text.as_str()).collect();
            values.value("", Logical::Text, text.join("\t").trim().as_bytes(), sink)?;
            return self.beside(values, sink);
        };
        for (i, cell) in self.cells.iter().enumerate() {
            let name = names.get(i).map_or("", |name| name);
            values.value(name, Logical::Text, cell.text.trim().as_bytes(), sink)?;
        }
        self.beside(values, sink)
    }

    fn beside(&self, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
        for cell in &self.cells {
            values.value("(deleted)", Logical::Text, cell.deleted.trim().as_bytes(), sink)?;
            values.value("(field)", Logical::Text, cell.instructions.trim().as_bytes(), sink)?;
        }
        Flow::Continue(())
    }
}

/// A label without what sets it off from its value.
fn label(text: &str) -> String {
    text.trim().trim_end_matches([':', '*', '\u{a0}']).trim().to_owned()
}
