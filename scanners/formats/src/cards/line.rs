//! One property: its name, its parameters, and what its value says.

use std::ops::Range;

use memchr::memmem;
use residuum_source::OffsetMap;

use crate::gather::Value;

/// Where in an unfolded line the pieces of a property are.
pub(super) struct Property {
    /// Without the group that may stand before it (`item1.EMAIL`).
    pub name: Range<usize>,
    /// Names and values of the parameters.
    pub parameters: Vec<(Range<usize>, Range<usize>)>,
    /// Where the value begins.
    pub value: usize,
    /// The value is quoted-printable, as in vCard 2.1.
    pub is_quoted: bool,
}

impl Property {
    /// The property that a line is, if it is one.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let in_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        let end = line.iter().take(128).take_while(|b| in_name(b)).count();
        if end == 0 || !matches!(line.get(end), Some(b':' | b';')) {
            return None;
        }
        let begin = line[..end].iter().position(|&b| b == b'.').map_or(0, |dot| dot + 1);
        let (mut parameters, mut is_quoted, mut at) = (Vec::new(), false, end);
        while line.get(at) == Some(&b';') {
            let from = at + 1;
            let mut quoted = false;
            let ends = |b: u8, quoted: &mut bool| {
                *quoted ^= b == b'"';
                !*quoted && matches!(b, b';' | b':')
            };
            let len = line[from..].iter().position(|&b| ends(b, &mut quoted))?;
            let parameter = &line[from..from + len];
            is_quoted |= memmem::find(&parameter.to_ascii_uppercase(), b"QUOTED-PRINTABLE").is_some();
            if let Some(equals) = parameter.iter().position(|&b| b == b'=') {
                let mut value = from + equals + 1..from + len;
                if line[value.clone()].starts_with(b"\"") && value.len() > 1 {
                    value = value.start + 1..value.end - 1;
                }
                parameters.push((from..from + equals, value));
            }
            at = from + len;
        }
        Some(Self { name: begin..end, parameters, value: at + 1, is_quoted })
    }
}

/// Whether a line of quoted-printable goes on in the next.
pub(super) fn goes_on(line: &[u8]) -> bool {
    line.ends_with(b"=") && Property::parse(line).is_some_and(|property| property.is_quoted)
}

/// How long the component is that a structured value begins with.
pub(super) fn component(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        match b {
            b';' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// How much of a value is a scheme in front of an address.
pub(super) fn scheme(text: &[u8]) -> usize {
    let schemes: [&[u8]; 2] = [b"mailto:", b"tel:"];
    let starts = |scheme: &&&[u8]| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    schemes.iter().find(starts).map_or(0, |scheme| scheme.len())
}

/// Appends a stretch of a line with its escapes undone.
pub(super) fn keep_escaped(line: &[u8], map: &OffsetMap, range: Range<usize>, is_quoted: bool, out: &mut Value) {
    let (mut at, end) = (range.start, range.end.min(line.len()));
    let escape = if is_quoted { b'=' } else { b'\\' };
    while at < end {
        let plain = memchr::memchr(escape, &line[at..end]).unwrap_or(end - at);
        out.keep_mapped(&line[at..at + plain], map, at as u32);
        at += plain;
        if at == end {
            break;
        }
        let digit = |i: usize| line[..end].get(i).and_then(|b| (*b as char).to_digit(16));
        let (byte, len) = match (is_quoted, line[..end].get(at + 1), digit(at + 1), digit(at + 2)) {
            (true, _, Some(high), Some(low)) => ((high << 4 | low) as u8, 3),
            (false, Some(b'n' | b'N'), ..) => (b'\n', 2),
            (false, Some(&b @ (b',' | b';' | b'\\' | b':')), ..) => (b, 2),
            _ => (escape, 1),
        };
        out.put(&[byte], map.start(at as u32), map.end((at + len) as u32));
        at += len;
    }
}
