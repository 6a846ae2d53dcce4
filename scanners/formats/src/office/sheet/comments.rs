//! Comments on cells, old and threaded.

use residuum_source::{Flow, Sink};

use super::super::xml::{Tag, Visitor};
use super::{beside, position_in_row};
use crate::values::Values;

/// Reads a part with the comments on a sheet's cells.
pub(super) struct Comments<'v, 'l> {
    values: &'v mut Values<'l>,
    sheet: &'v str,
    at: Option<(u32, u32)>,
    text: String,
    inside: bool,
    authors: bool,
}

impl<'v, 'l> Comments<'v, 'l> {
    pub fn new(values: &'v mut Values<'l>, sheet: &'v str) -> Self {
        Self { values, sheet, at: None, text: String::new(), inside: false, authors: false }
    }
}

impl Visitor for Comments<'_, '_> {
    fn start(&mut self, tag: &Tag<'_>, _: &mut dyn Sink) -> Flow {
        match tag.local() {
            "comment" | "threadedComment" => {
                self.at = tag.attribute("ref").and_then(|reference| position_in_row(&reference));
            }
            "author" => self.authors = true,
            "t" | "text" => self.inside = true,
            _ => {}
        }
        Flow::Continue(())
    }

    fn end(&mut self, local: &str, sink: &mut dyn Sink) -> Flow {
        let (field, at) = match local {
            // Authors are listed once, for all comments on the sheet.
            "author" => ("(author)", None),
            "comment" | "threadedComment" => ("(comment)", self.at),
            _ => return Flow::Continue(()),
        };
        (self.authors, self.inside) = (false, false);
        let text = std::mem::take(&mut self.text);
        beside(self.values, self.sheet, at, field, &text, sink)
    }

    fn text(&mut self, text: &str, _: &mut dyn Sink) -> Flow {
        if self.inside || self.authors {
            self.text.push_str(text);
        }
        Flow::Continue(())
    }
}
