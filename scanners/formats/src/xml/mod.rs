//! XML: elements and attributes as fields by path, the element that repeats as record.
//!
//! A field is the path of its element, `customers.customer.email`, or of an attribute, `customers.customer@id`; prefixes
//! of namespaces are left off, and the declarations of namespaces hold nothing. Comments, processing instructions and
//! the document type are values, too: `customers.#comment`, `customers.#pi`, `#doctype`. For a name
//! that is data, as keys of JSON may be, or the 257th in its parent, `{}` stands in the path, and the name is a value of
//! the field `{key}`.
//!
//! A record is an element that stands several times in its parent and has attributes or elements of its own, the
//! outermost such; or every child of the root, where all are alike. They are numbered from 1 in the order they stand.
//! What stands in none of them is the document's.
//!
//! References to characters and CDATA are undone, with their places. What a document type declares is never expanded
//! and nothing outside is ever fetched, so that a bomb of entities is a few lines of text. Damage does not end the
//! reading: an end tag without a beginning, an `<` that begins nothing and the like are passed over, and told.

mod layout;
mod reader;
#[cfg(test)]
mod tests;
mod tree;

use residuum_source::{Flow, Limits, ObjectPath, Part, Sink};

use crate::Text;

pub(crate) use layout::looks_like_xml;

/// Reads an XML document, or several one after the other. Memory is a small multiple of [`Limits::batch_bytes`].
pub(crate) fn read(path: &ObjectPath, mut text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    let mut tree = tree::Tree::new();
    layout::learn(&mut tree, tree::ROOT, text.fill(layout::HEAD));
    let encoding = Some(text.encoding().name());
    sink.open(Part { path: path.clone(), format: "xml", encoding, primary_key: Vec::new() })?;
    let outcome = reader::Reader::new(text, tree, limits, sink).run();
    match outcome {
        Ok(outcome) => sink.close(outcome),
        Err(stop) => Flow::Break(stop),
    }
}
