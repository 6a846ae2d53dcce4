//! What XML and HTML have in common: a place in a text that streams, and references to characters.
//!
//! Why not a crate: the readers of XML at hand hold a text, comment or attribute whole, however long, stop at the first
//! fault, and count positions in decoded text. Here a value is handed over while it is read, its places lead
//! through the encoding to the object's own bytes, and damage leaves everything readable.

mod entities;
mod scan;

pub(crate) use entities::{Dialect, reference};
pub(crate) use scan::{LOOK, Scan};

/// Whether a name may go on with this byte. More is taken than the grammars allow, but no address: `<jane@example.com>`
/// is no tag.
pub(crate) fn in_name(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0c | b'/' | b'>' | b'<' | b'=' | b'"' | b'\'' | b'&' | b'@' | 0)
}

/// How long the name of the start tag is that a text begins with, after `<`; nothing if it is no tag.
pub(crate) fn tag_name(text: &[u8]) -> Option<usize> {
    if !begins_name(*text.first()?) {
        return None;
    }
    let len = 1 + text.get(1..)?.iter().take(LOOK - 4).take_while(|&&b| in_name(b)).count();
    let ends = text.get(len).is_none_or(|&b| is_space(b) || matches!(b, b'/' | b'>' | b'<'));
    ends.then_some(len)
}

/// Whether a name may begin with this byte.
pub(crate) fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || !byte.is_ascii()
}

/// How long the attribute's name is that a text within a tag begins with, and whether a value may follow. What is no name
/// goes up to the next space or the end of the tag, so that nothing is lost.
pub(crate) fn attribute_name(text: &[u8]) -> (usize, bool) {
    let text = &text[..text.len().min(LOOK - 4)];
    let len = text.iter().take_while(|&&b| in_name(b)).count();
    let next = text[len..].trim_ascii_start().first();
    if len > 0 && next.is_none_or(|&b| b == b'=') {
        return (len, true);
    }
    (text.iter().skip(1).take_while(|&&b| !is_space(b) && b != b'>' && b != b'<').count() + 1, false)
}

/// White space in markup.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0c)
}
