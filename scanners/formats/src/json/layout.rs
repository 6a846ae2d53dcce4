//! What is a record in a JSON document: told from its first megabyte.
//!
//! An array is a sequence of records. An object is one record, unless it is the envelope of records: it has
//! arrays of objects, and either one of them is large, or whatever else it holds is named as envelopes name things
//! (`total`, `next`, `meta`, …). A customer with three orders is one record; an export of customers is many.

use super::lexer::{self, StringEnd};
use super::span::Layout;

/// How much of a document is looked at.
pub(super) const HEAD: usize = 1 << 20;

/// An array of objects this large holds records, whatever stands beside it.
const LARGE: usize = 64 << 10;

/// Members that stand beside the records in an envelope, sorted.
const ENVELOPE: [&str; 44] = [
    "@context",
    "_links",
    "_meta",
    "code",
    "count",
    "created",
    "cursor",
    "date",
    "error",
    "errors",
    "exported_at",
    "generated",
    "generated_at",
    "has_more",
    "href",
    "info",
    "kind",
    "limit",
    "links",
    "message",
    "meta",
    "metadata",
    "next",
    "next_cursor",
    "next_page",
    "object",
    "offset",
    "page",
    "page_size",
    "pages",
    "pagination",
    "paging",
    "per_page",
    "prev",
    "previous",
    "schema",
    "self",
    "status",
    "success",
    "timestamp",
    "total",
    "type",
    "url",
    "version",
];

/// The layout of the document that begins so.
pub(super) fn layout(head: &[u8]) -> Layout {
    match head.trim_ascii_start().first() {
        Some(b'[') => Layout::Elements,
        Some(b'{') if is_envelope(head.trim_ascii_start()) => Layout::Members,
        _ => Layout::Document,
    }
}

fn is_envelope(object: &[u8]) -> bool {
    let (mut arrays, mut large, mut other) = (false, false, false);
    let mut at = 1;
    while let Some((key, value)) = member(object, at) {
        let end = end_of_value(object, value);
        let elements = object[value..].strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
        if elements.is_some_and(|elements| elements.starts_with(b"{")) {
            arrays = true;
            large |= end - value >= LARGE;
        } else {
            let key = key.to_ascii_lowercase();
            other |= ENVELOPE.binary_search_by(|known| known.as_bytes().cmp(&key)).is_err();
        }
        at = end;
    }
    arrays && (large || !other)
}

/// The next member's key and where its value begins.
fn member(object: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let blank = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b':');
    let skip = |at: usize| Some(at + object.get(at..)?.iter().take_while(|b| blank(b)).count());
    let quote = skip(at)?;
    let key = quote + 1;
    if object.get(quote) != Some(&b'"') {
        return None;
    }
    let StringEnd::Closed { at: end, .. } = lexer::string_end(object, key, false) else {
        return None;
    };
    let value = skip(end + 1)?;
    (value < object.len()).then_some((&object[key..end], value))
}

/// Where the value that begins at `at` ends, or the slice does.
fn end_of_value(object: &[u8], mut at: usize) -> usize {
    let mut depth = 0u64;
    while let Some(byte) = object.get(at) {
        match byte {
            b'"' => match lexer::string_end(object, at + 1, false) {
                StringEnd::Closed { at: end, .. } => at = end,
                _ => return object.len(),
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_recognised() {
        let large = format!(r#"{{"name":"x","users":[{{"a":"{}"}}]}}"#, "y".repeat(LARGE));
        let cases = [
            (r#"[{"a":1}]"#, Layout::Elements),
            (r#" {"data":[{"a":1}],"total":1,"next":null}"#, Layout::Members),
            (r#"{"users":[{"a":1},{"b":{}}],"orders":[ {"c":"]"} ]}"#, Layout::Members),
            (r#"{"id":7,"email":"a@example.com","orders":[{"a":1}]}"#, Layout::Document),
            (r#"{"total":1}"#, Layout::Document),
            (r#"{"tags":["a","b"],"total":2}"#, Layout::Document),
            (r#""text""#, Layout::Document),
            (&large, Layout::Members),
            (&large[..large.len() - 3], Layout::Members),
            (r#"{"meta":{"a":[{}]},"broken"#, Layout::Document),
        ];
        for (text, expected) in cases {
            assert_eq!(layout(text.as_bytes()), expected, "{}", &text[..text.len().min(60)]);
        }
        assert!(ENVELOPE.is_sorted());
    }
}
