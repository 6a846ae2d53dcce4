//! JSON documents, JSON Lines, and values that are JSON.
//!
//! A field is a path: `customer.emails[]`, `orders[].items[].sku`. A key's `.`, `[`, `]`, `{`, `}`, `"`, `%` and `!` are
//! percent-encoded in it; an empty key is `""`. Keys that are themselves data (an e-mail, a number, a UUID, the
//! 257th of one object) are values of the field `{key}`, and what they hold is under `{}`:
//! `{"jane@example.com": {"phone": …}}` has the fields `{key}` and `{}.phone`. A string or number that is a whole
//! record has the field `$`. `true`, `false` and `null` tell nothing about anyone and are left out.
//!
//! A record is a line (its number is that of the line the value begins on), an element of the array that the
//! document is, an object in an array of the envelope that the document is (numbered on through several arrays),
//! an element of a list in lists or a member of a map of records with its key (`layout`), or else the document. What
//! stands beside them in an envelope is the document's.
//!
//! What is not JSON is read as text, under the field ``, and told when the object is closed. A value nested too deep
//! is left out, and told; what follows it is read.
//!
//! ```text
//! Text → Stream ─window→ Walker (lexer, paths) ─spans→ Columns → batches
//! ```

mod columns;
mod expand;
mod layout;
mod lexer;
mod paths;
mod span;
mod stream;
#[cfg(test)]
mod tests;
mod walk;

use residuum_source::{Flow, Limits, ObjectPath, Part, Sink};

pub use expand::{Expanded, expand};
pub(crate) use paths::{append_key, key_is_data, key_is_spoken};

use crate::Text;
use span::Layout;
use stream::Stream;

/// Reads a JSON document.
///
/// Memory is a small multiple of the larger of [`Limits::batch_bytes`] and a megabyte, however long the
/// document or a string in it is.
///
/// # Errors
/// Breaks only if the sink asked to stop.
pub fn read_json(path: &ObjectPath, mut text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    let layout = layout::layout(text.fill(layout::HEAD));
    open(path, "json", &text, sink)?;
    Stream::new(text, layout, limits, sink).run()
}

/// Reads JSON Lines, or JSON values one after the other.
///
/// # Errors
/// Breaks only if the sink asked to stop.
pub fn read_jsonl(path: &ObjectPath, text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    open(path, "jsonl", &text, sink)?;
    Stream::new(text, Layout::Lines, limits, sink).run()
}

fn open(path: &ObjectPath, format: &'static str, text: &Text<'_>, sink: &mut dyn Sink) -> Flow {
    let encoding = Some(text.encoding().name());
    sink.open(Part { path: path.clone(), format, encoding, primary_key: Vec::new() })
}
