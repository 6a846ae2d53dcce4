//! What is a record in a JSON document: told from its first megabyte.
//!
//! An array is a sequence of records. An object is one record, unless it is the envelope of records: it has
//! arrays of objects, and either one of them is large, or whatever else it holds is named as envelopes name things
//! (`total`, `next`, `meta`, …). A customer with three orders is one record; an export of customers is many.
//!
//! Records may also stand deeper, in lists of lists and in envelopes of envelopes, and as members of a map that is keyed
//! by what they are called (`{"c17": {…}, "c18": {…}}`). A map is told by its values, which are objects that have names in
//! common, and by its keys, which are ids: `billing` and `shipping` of one customer are no map. As long as nothing but
//! envelopes stands around them, and all of them stand equally deep, they are the records.

use super::lexer::{self, StringEnd};
use super::paths::{key_is_data, key_is_spoken};
use super::span::Layout;

/// How much of a document is looked at.
pub(super) const HEAD: usize = 1 << 20;

/// An array of objects this large holds records, whatever stands beside it.
const LARGE: usize = 64 << 10;

/// Records stand no deeper than this, or they are parts of one.
const DEEPEST: u8 = 4;
/// Elements and members that are looked at.
const LOOKED: usize = 64;
/// Objects that are alike and so many are records, whatever their keys look like.
const MANY: usize = 8;

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
    let head = head.trim_ascii_start();
    let nested = || depth(head, DEEPEST).map(Layout::Nested);
    match head.first() {
        Some(b'[') if !head[1..].trim_ascii_start().starts_with(b"[") => Layout::Elements,
        Some(b'[') => nested().filter(|nested| *nested != Layout::Nested(0)).unwrap_or(Layout::Elements),
        Some(b'{') if is_envelope(head) => Layout::Members,
        Some(b'{') => nested().unwrap_or(Layout::Document),
        _ => Layout::Document,
    }
}

/// How many arrays and objects stand around those that hold records.
fn depth(container: &[u8], deepest: u8) -> Option<u8> {
    let deeper = |value: usize| depth(&container[value..], deepest.checked_sub(1)?).map(|depth| depth + 1);
    let first = |value: usize| container.get(value).copied();
    if container.starts_with(b"[") {
        for value in elements(container).take(LOOKED) {
            match first(value) {
                Some(b'{') => return Some(0),
                Some(b'[') => match deeper(value) {
                    None => {}
                    found => return found,
                },
                _ => {}
            }
        }
        return None;
    }
    if is_map(container) {
        return Some(0);
    }
    let (mut found, mut at) = (None, 1);
    while let Some((key, value)) = member(container, at) {
        at = end_of_value(container, value);
        if is_of_envelope(key) {
            continue;
        }
        // What is neither the envelope's nor holds records is somebody's.
        let here = matches!(first(value), Some(b'{' | b'[')).then(|| deeper(value)).flatten()?;
        if *found.get_or_insert(here) != here {
            return None;
        }
    }
    found
}

/// Whether an object is a map of records: its values are objects that are alike, its keys are ids or many.
fn is_map(object: &[u8]) -> bool {
    let (mut records, mut ids, mut at) = (0, true, 1);
    let mut names: Vec<&[u8]> = Vec::new();
    while let Some((key, value)) = member(object, at).filter(|_| records < LOOKED) {
        at = end_of_value(object, value);
        if is_of_envelope(key) {
            continue;
        }
        match object[value] {
            b'{' => {}
            // `true`, `false` and `null` tell nothing about anyone.
            b't' | b'f' | b'n' => continue,
            _ => return false,
        }
        let (own, mut inner) = (&object[value..at], 1);
        let mut these = Vec::new();
        while let Some((name, value)) = member(own, inner).filter(|_| these.len() < LOOKED) {
            these.push(name);
            inner = end_of_value(own, value);
        }
        if names.is_empty() {
            names = these;
        } else {
            let common = these.iter().filter(|name| names.contains(name)).count();
            if common * 2 < these.len().min(names.len()) || (common == 0 && !these.is_empty()) {
                return false;
            }
        }
        records += 1;
        ids &= key_is_id(key);
    }
    !names.is_empty() && (ids || records >= MANY)
}

/// Whether a key in a map of records tells one from the others, rather than what it is.
fn key_is_id(key: &[u8]) -> bool {
    key.iter().any(u8::is_ascii_digit) || key_is_data(key) || key_is_spoken(key)
}

/// Whether a member has a name that envelopes give.
pub(super) fn is_of_envelope(key: &[u8]) -> bool {
    let key = key.to_ascii_lowercase();
    ENVELOPE.binary_search_by(|known| known.as_bytes().cmp(&key)).is_ok()
}

/// Where the elements of an array begin.
fn elements(array: &[u8]) -> impl Iterator<Item = usize> {
    let mut at = 1;
    std::iter::from_fn(move || {
        let blank = |b: &u8| b.is_ascii_whitespace() || *b == b',';
        let value = at + array.get(at..)?.iter().take_while(|b| blank(b)).count();
        array.get(value).filter(|b| **b != b']')?;
        at = end_of_value(array, value).max(value + 1);
        Some(value)
    })
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
            other |= !is_of_envelope(key);
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
            (r#"[[1,2],["a"]]"#, Layout::Elements),
            (r#"[ [{"a":1}], [{"a":2}] ]"#, Layout::Nested(1)),
            (r#"[[],[[{"a":1}]]]"#, Layout::Nested(2)),
            (r#"[[],{"a":1}]"#, Layout::Elements),
            (r#"[{"a":[[{"b":1}]]}]"#, Layout::Elements),
            (r#"{"c17":{"email":"x"},"c18":{"email":"y","age":3},"total":2}"#, Layout::Nested(0)),
            (r#"{"c17":{"email":"x"}}"#, Layout::Nested(0)),
            (r#"{"jane@example.com":{"age":1},"joe@example.com":{"age":2}}"#, Layout::Nested(0)),
            (r#"{"Jane Roe":{"age":1},"Joe Doe":{"age":2}}"#, Layout::Nested(0)),
            (r#"{"billing":{"city":"x"},"shipping":{"city":"y"}}"#, Layout::Document),
            (r#"{"l1":{"city":"x"},"l2":{"colour":"y"}}"#, Layout::Document),
            (r#"{"name":"Jane","a1":{"city":"x"},"a2":{"city":"y"}}"#, Layout::Document),
            (r#"{"customers":{"c17":{"email":"x"},"c18":{"email":"y"}},"meta":{"by":"z"}}"#, Layout::Nested(1)),
            (r#"{"response":{"status":"ok","users":[{"a":1}]}}"#, Layout::Nested(2)),
            (r#"{"customer":{"name":"Jane","orders":[{"a":1}]}}"#, Layout::Document),
            (r#"{"x":[[{"a":1}]],"y":[{"a":1}]}"#, Layout::Document),
            (
                r#"{"a":{"n":1},"b":{"n":1},"c":{"n":1},"d":{"n":1},"e":{"n":1},"f":{"n":1},"g":{"n":1},"h":{"n":1}}"#,
                Layout::Nested(0),
            ),
            (r#"{"c1":{"a":1},"meta":{"by":"z"},"c2":{"a":1}}"#, Layout::Nested(0)),
            (r#"{"c1":{"a":1},"c2":{"a":"cut o"#, Layout::Nested(0)),
            (r#"[[[[[[[{"a":1}]]]]]]]"#, Layout::Elements),
        ];
        for (text, expected) in cases {
            assert_eq!(layout(text.as_bytes()), expected, "{}", &text[..text.len().min(60)]);
        }
        assert!(ENVELOPE.is_sorted());
    }
}
