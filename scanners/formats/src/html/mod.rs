//! HTML: what a page says, shown or not, as running text; attributes, scripts and comments as fields beside it.
//!
//! The text of the page is the field ``: tags are taken out of it, references undone, and where a block, a row or a cell
//! begins a line feed or a tab stands, so that what stands side by side on the page does so here. Attributes are
//! fields `a@href`, `img@alt`, `td@data-email`; the value of a form's field or of a `meta` goes by its name:
//! `input.email`, `meta.author`. `script`, `style` and `#comment` hold what they hold.
//!
//! A row of a table is a record, counted from 1 through all tables; under a row of header cells its cells are fields
//! by those names. Everything else is the document's. No page is refused: what no browser could make sense of is text.

mod reader;
mod tables;
#[cfg(test)]
mod tests;

use residuum_source::{Flow, Limits, ObjectPath, Part, Sink};

use crate::Text;
use crate::gather::Gather;

/// Reads a page. Memory is a small multiple of [`Limits::batch_bytes`].
pub(crate) fn read(path: &ObjectPath, text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    let encoding = Some(text.encoding().name());
    sink.open(Part { path: path.clone(), format: "html", encoding, primary_key: Vec::new() })?;
    let mut gather = Gather::new(limits, sink);
    let mut reader = reader::Reader::new(text, &mut gather, "", true);
    reader.read()?;
    let text = reader.into_text();
    gather.flush(text.position())?;
    let outcome = text.outcome(gather.records);
    sink.close(outcome)
}

/// Adds what a page says to the record at hand, under fields that begin with `prefix`.
pub(crate) fn gather_page(text: Text<'_>, gather: &mut Gather<'_>, prefix: &str) -> Flow {
    reader::Reader::new(text, gather, prefix, false).read()
}
