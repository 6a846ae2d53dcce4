//! The words of JSON in a slice of bytes: where a string or a number ends, and what a string says once its
//! escapes are undone, with the place of every byte. No state: what needs memory of what came before is
//! [`walk`](super::walk)'s.

use residuum_source::{OffsetMap, Run};

use crate::Text;

/// How far a string reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StringEnd {
    /// Up to the quote at this position.
    Closed { at: usize, escaped: bool },
    /// Past the end of the slice.
    Open,
    /// It is cut off by the line feed at this position.
    Newline { at: usize },
}

/// How far a number reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NumberEnd {
    /// Up to this position, exclusive.
    Closed { at: usize, integer: bool },
    /// Perhaps past the end of the slice.
    Open,
    /// It is not a number.
    Bad,
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The high bit of every byte of `x` that is zero; bits above the lowest one may be wrong.
#[inline(always)]
const fn zero_bytes(x: u64) -> u64 {
    x.wrapping_sub(LOW) & !x & HIGH
}

/// Finds the end of the string whose first byte after the quote is `from`.
///
/// `line` says that a raw line feed cuts the string off, as it does where each line is a document.
#[inline]
pub(super) fn string_end(buf: &[u8], from: usize, line: bool) -> StringEnd {
    let (mut at, mut escaped) = (from, false);
    loop {
        while let Some(word) = buf.get(at..at + 8) {
            let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
            let hits = zero_bytes(word ^ (LOW * b'"' as u64))
                | zero_bytes(word ^ (LOW * b'\\' as u64))
                | zero_bytes(word ^ (LOW * b'\n' as u64));
            if hits != 0 {
                at += hits.trailing_zeros() as usize / 8;
                break;
            }
            at += 8;
        }
        match buf.get(at) {
            None => return StringEnd::Open,
            Some(b'"') => return StringEnd::Closed { at, escaped },
            Some(b'\\') => {
                escaped = true;
                at += 2;
            }
            Some(b'\n') if line => return StringEnd::Newline { at },
            Some(_) => at += 1,
        }
    }
}

/// Finds the end of the number that starts at `from`. Leading zeros are let through: phone numbers have them.
#[inline]
pub(super) fn number_end(buf: &[u8], from: usize, eof: bool) -> NumberEnd {
    let digits = |mut at: usize| {
        while buf.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let first = from + usize::from(buf.get(from) == Some(&b'-'));
    let mut at = digits(first);
    let (mut good, mut integer) = (at > first, true);
    if good && buf.get(at) == Some(&b'.') {
        let fraction = at + 1;
        at = digits(fraction);
        (good, integer) = (at > fraction, false);
    }
    if good && matches!(buf.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(buf.get(at), Some(b'+' | b'-')));
        let exponent = at;
        at = digits(exponent);
        (good, integer) = (at > exponent, false);
    }
    match buf.get(at) {
        None if !eof => NumberEnd::Open,
        after if good && is_delimiter(after) => NumberEnd::Closed { at, integer },
        _ => NumberEnd::Bad,
    }
}

/// Words that hold nothing about a person. The last three are what several programs print for want of a number.
const LITERALS: [&[u8]; 6] = [b"true", b"false", b"null", b"NaN", b"Infinity", b"-Infinity"];

/// Finds the end of the literal that starts at `from`: `None` if it is none, `Some(None)` if it may go on past the slice.
pub(super) fn literal_end(buf: &[u8], from: usize, eof: bool) -> Option<Option<usize>> {
    let rest = &buf[from..];
    for literal in LITERALS {
        if rest.starts_with(literal) {
            let at = from + literal.len();
            return match buf.get(at) {
                None if !eof => Some(None),
                after => is_delimiter(after).then_some(Some(at)),
            };
        }
        if !eof && literal.starts_with(rest) {
            return Some(None);
        }
    }
    None
}

/// Whether a number or literal may end before this byte.
fn is_delimiter(byte: Option<&u8>) -> bool {
    matches!(byte, None | Some(b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r' | 0x1e))
}

/// Where the bytes of a slice stand in the object.
#[derive(Clone, Copy)]
pub(super) enum Origin<'t, 'a> {
    /// Byte `i` stands at this position plus `i`.
    Linear(u64),
    /// The slice is this text's window.
    Text(&'t Text<'a>),
}

impl Origin<'_, '_> {
    /// Notes in `place` that what is decoded from `start` on are the bytes `from..to` as they are.
    #[inline]
    pub(super) fn plain(&self, place: &mut OffsetMap, start: usize, from: usize, to: usize) {
        match *self {
            Self::Linear(base) => {
                place.push(Run { start: start as u32, width: 1, raw_width: 1, raw: base + from as u64 });
            }
            Self::Text(text) => text.place(place, start as u32, from, to),
        }
    }

    /// Notes in `place` that the character of `width` bytes at `start` is what `from..to` says.
    fn escape(&self, place: &mut OffsetMap, start: usize, width: usize, from: usize, to: usize) {
        let (raw, end) = match *self {
            Self::Linear(base) => (base + from as u64, base + to as u64),
            Self::Text(text) => (text.position_of(from), text.position_of(to)),
        };
        place.push(Run { start: start as u32, width: width as u16, raw_width: (end - raw) as u16, raw });
    }
}

/// Longest escape: a surrogate pair.
const LONGEST_ESCAPE: usize = 12;

/// Appends what `buf[from..to]` says to `out`, and the place of every byte to `place`.
///
/// With `whole` unset more of the string follows: an escape that may go on past `to` is left alone.
/// Gives the position up to which bytes were taken. An escape that JSON does not know stays as it stands;
/// half a surrogate pair becomes U+FFFD.
pub(super) fn unescape(
    buf: &[u8],
    from: usize,
    to: usize,
    whole: bool,
    origin: Origin<'_, '_>,
    out: &mut Vec<u8>,
    place: &mut OffsetMap,
) -> usize {
    let mut at = from;
    while at < to {
        let plain = memchr::memchr(b'\\', &buf[at..to]).map_or(to, |n| at + n);
        if plain > at {
            origin.plain(place, out.len(), at, plain);
            out.extend_from_slice(&buf[at..plain]);
            at = plain;
            continue;
        }
        if !whole && to - at < LONGEST_ESCAPE {
            break;
        }
        match escape(&buf[at..to]) {
            Some((c, length)) => {
                let mut utf8 = [0; 4];
                let utf8 = c.encode_utf8(&mut utf8).as_bytes();
                origin.escape(place, out.len(), utf8.len(), at, at + length);
                out.extend_from_slice(utf8);
                at += length;
            }
            None => {
                let end = (at + 2).min(to);
                origin.plain(place, out.len(), at, end);
                out.extend_from_slice(&buf[at..end]);
                at = end;
            }
        }
    }
    at
}

/// Appends what a key says, to be compared with others.
pub(super) fn unescape_key(key: &[u8], out: &mut Vec<u8>) {
    unescape(key, 0, key.len(), true, Origin::Linear(0), out, &mut OffsetMap::default());
}

/// The character that the escape at the beginning of `text` stands for, and the escape's length.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let c = match text.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(text),
        _ => return None,
    };
    Some((c, 2))
}

fn unicode_escape(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |value, &digit| Some(value << 4 | (digit as char).to_digit(16)?))
    };
    let first = unit(0)?;
    if let Some(c) = char::from_u32(first) {
        return Some((c, 6));
    }
    let pair = unit(6).filter(|low| first < 0xdc00 && (0xdc00..0xe000).contains(low));
    match pair {
        Some(low) => char::from_u32(0x10000 + ((first - 0xd800) << 10 | (low - 0xdc00))).map(|c| (c, 12)),
        None => Some((char::REPLACEMENT_CHARACTER, 6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_where_they_do() {
        let closed = |at, escaped| StringEnd::Closed { at, escaped };
        let cases = [
            ("abc\" tail", false, closed(3, false)),
            ("a long text without escapes\"", true, closed(27, false)),
            (r#"a\"b""#, false, closed(4, true)),
            (r#"ends in a backslash \\""#, false, closed(22, true)),
            (r#"open \""#, false, StringEnd::Open),
            ("cut\noff\"", true, StringEnd::Newline { at: 3 }),
            ("cut\noff\"", false, closed(7, false)),
            ("12345678\"", false, closed(8, false)),
            ("", false, StringEnd::Open),
        ];
        for (text, line, expected) in cases {
            assert_eq!(string_end(text.as_bytes(), 0, line), expected, "{text}");
        }
    }

    #[test]
    fn numbers_end_where_they_do() {
        let closed = |at, integer| NumberEnd::Closed { at, integer };
        let cases = [
            ("12,", false, closed(2, true)),
            ("-1.5e+10]", false, closed(8, false)),
            ("0015550100\n", false, closed(10, true)),
            ("12", true, closed(2, true)),
            ("12", false, NumberEnd::Open),
            ("1.", true, NumberEnd::Bad),
            ("-,", false, NumberEnd::Bad),
            ("2024-01-01 ", false, NumberEnd::Bad),
        ];
        for (text, eof, expected) in cases {
            assert_eq!(number_end(text.as_bytes(), 0, eof), expected, "{text}");
        }
    }

    #[test]
    fn escapes_are_undone_in_place() {
        let cases = [
            (r"a\u0040b", "a@b", vec![0, 1, 7]),
            (r"\ud83d\ude00!", "😀!", vec![0, 0, 0, 0, 12]),
            (r"\ud83dx", "\u{fffd}x", vec![0, 0, 0, 6]),
            (r"\n\n\x", "\n\n\\x", vec![0, 2, 4, 5]),
            (r"\u00e9\/", "é/", vec![0, 0, 6]),
            (r"\u12", r"\u12", vec![0, 1, 2, 3]),
        ];
        for (text, expected, starts) in cases {
            let (mut out, mut place) = (Vec::new(), OffsetMap::default());
            let buf = text.as_bytes();
            let end = unescape(buf, 0, buf.len(), true, Origin::Linear(100), &mut out, &mut place);
            assert_eq!((end, out.as_slice()), (buf.len(), expected.as_bytes()), "{text}");
            let places: Vec<_> = (0..out.len()).map(|i| place.start(i as u32) - 100).collect();
            assert_eq!(places, starts, "{text}");
        }
    }
}
