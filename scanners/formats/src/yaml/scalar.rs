//! A scalar as it stands beside what it says: which bytes stand for which.

use saphyr_parser::ScalarStyle;

use crate::Text;
use crate::gather::Value;

/// Appends what a scalar says, with the places of its bytes; it stands at `from..to` of the text's window.
///
/// Both are gone through together: what is the same stands for itself, an escape for its character, white space for
/// the space or line feed it was folded into.
pub(super) fn keep(text: &Text<'_>, from: usize, to: usize, says: &str, style: ScalarStyle, out: &mut Value) {
    let raw = &text.window()[..to];
    let says = says.as_bytes();
    let mut at = skip_properties(raw, from);
    match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => at += usize::from(at < to),
        ScalarStyle::Literal | ScalarStyle::Folded if matches!(raw.get(at), Some(b'|' | b'>')) => {
            at = memchr::memchr(b'\n', &raw[at..]).map_or(to, |len| at + len + 1);
        }
        _ => {}
    }
    let mut said = 0;
    while said < says.len() {
        let special = |i: usize| match style {
            ScalarStyle::DoubleQuoted => raw[i] == b'\\',
            ScalarStyle::SingleQuoted => raw[i] == b'\'',
            _ => false,
        };
        let same = (0..says.len() - said)
            .take_while(|&n| raw.get(at + n) == Some(&says[said + n]) && !special(at + n))
            .count();
        if same > 0 {
            out.keep(text, at, at + same);
            (at, said) = (at + same, said + same);
            continue;
        }
        let spaces = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let (standing, spoken) = match raw.get(at) {
            None => (0, says.len() - said),
            Some(b'\\') if style == ScalarStyle::DoubleQuoted => escape(&raw[at..], &says[said..]),
            Some(b'\'') if style == ScalarStyle::SingleQuoted => (2, 1),
            Some(b) if b.is_ascii_whitespace() => (spaces(&raw[at..]), spaces(&says[said..])),
            // A space or line feed that stands nowhere, such as the last of a block at the end of a file.
            Some(_) if says[said].is_ascii_whitespace() => (0, spaces(&says[said..])),
            Some(_) => (to - at, says.len() - said),
        };
        // What stands nowhere is placed at the last byte of the scalar.
        let begin = if standing == 0 { at.saturating_sub(1).max(from) } else { at };
        let end = (at + standing).min(to).max(begin + 1).min(raw.len());
        let (start, past) = (text.position_of(begin), text.position_of(end).max(text.position_of(begin) + 1));
        says[said..said + spoken].chunks(32 << 10).for_each(|piece| out.put(piece, start, past));
        if standing == 0 && spoken == 0 {
            break;
        }
        (at, said) = ((at + standing).min(to), said + spoken);
    }
}

/// Bytes that an escape takes, and bytes it says.
fn escape(raw: &[u8], says: &[u8]) -> (usize, usize) {
    let width = match says.first() {
        Some(0xf0..) => 4,
        Some(0xe0..) => 3,
        Some(0xc0..) => 2,
        Some(_) => 1,
        None => 0,
    };
    match raw.get(1) {
        Some(b'x') => (4, width),
        Some(b'u') if width == 4 => (12, width),
        Some(b'u') => (6, width),
        Some(b'U') => (10, width),
        Some(b'\r' | b'\n') => (1 + raw[1..].iter().take_while(|b| b.is_ascii_whitespace()).count(), 0),
        _ => (2, width),
    }
}

/// Where a scalar begins behind its tag and anchor.
fn skip_properties(raw: &[u8], from: usize) -> usize {
    let mut at = from;
    while matches!(raw.get(at), Some(b'!' | b'&')) {
        at += raw[at..].iter().take_while(|b| !b.is_ascii_whitespace()).count();
        at += raw[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    }
    at
}
