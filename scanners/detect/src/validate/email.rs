//! E-mail addresses as people write them (RFC 5321 §4.1.2, RFC 6531 for other scripts).

/// Whether a whole value is an e-mail address.
///
/// Local part: unquoted atoms and dots, or a quoted string; any UTF-8 letter. Domain: at least two labels, the last of
/// letters or `xn--`. Comments, folding and address literals are not what people write, and refused.
#[inline]
pub fn address(value: &[u8]) -> bool {
    if value.len() > 254 || value.len() < 6 {
        return false;
    }
    let Some(at) = memchr::memrchr(b'@', value) else { return false };
    local_part(&value[..at]) && domain(&value[at + 1..])
}

/// Bytes that may stand in an unquoted local part, the dot included.
#[inline]
pub const fn is_local(byte: u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+'
        | b'-' | b'/' | b'=' | b'?' | b'^' | b'_' | b'`' | b'{' | b'|' | b'}' | b'~' | 0x80..=0xff)
}

/// Whether bytes are the part before the `@`.
pub fn local_part(value: &[u8]) -> bool {
    if let [b'"', inner @ .., b'"'] = value {
        return quoted(inner) && value.len() <= 64;
    }
    let dots_fit = !value.starts_with(b".") && !value.ends_with(b".") && !value.windows(2).any(|w| w == b"..");
    (1..=64).contains(&value.len()) && dots_fit && value.iter().all(|&b| is_local(b)) && well_formed(value)
}

fn quoted(inner: &[u8]) -> bool {
    let mut escaped = false;
    for &byte in inner {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' | 0..=31 | 127 => return false,
            _ => {}
        }
    }
    !escaped && !inner.is_empty() && well_formed(inner)
}

/// Whether bytes are a domain name that mail can go to: labels of RFC 1035 §2.3.1 or IDNA, at least two.
pub fn domain(value: &[u8]) -> bool {
    if value.len() > 253 || value.len() < 4 || !well_formed(value) {
        return false;
    }
    let (mut labels, mut last) = (0, &value[..0]);
    for label in value.split(|&b| b == b'.') {
        let fits = (1..=63).contains(&label.len())
            && label[0] != b'-'
            && label[label.len() - 1] != b'-'
            && label.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'-' || b >= 0x80);
        if !fits {
            return false;
        }
        (labels, last) = (labels + 1, label);
    }
    labels >= 2 && top_level(last)
}

/// Endings of file names that are no top-level domain: `logo@2x.png` is a picture.
#[inline]
fn is_file_ending(label: &[u8]) -> bool {
    if !(2..=5).contains(&label.len()) {
        return false;
    }
    let mut lower = [0; 5];
    lower[..label.len()].copy_from_slice(label);
    lower.make_ascii_lowercase();
    matches!(
        &lower[..label.len()],
        b"png"
            | b"jpg"
            | b"jpeg"
            | b"gif"
            | b"svg"
            | b"webp"
            | b"css"
            | b"js"
            | b"html"
            | b"htm"
            | b"php"
            | b"txt"
            | b"pdf"
            | b"exe"
            | b"dll"
            | b"xml"
            | b"json"
            | b"yml"
            | b"yaml"
            | b"log"
            | b"csv"
            | b"jar"
            | b"war"
            | b"class"
            | b"tmp"
            | b"bak"
            | b"conf"
            | b"ini"
            | b"sql"
            | b"gz"
            | b"tar"
    )
}

fn top_level(label: &[u8]) -> bool {
    let punycode = label.len() > 4 && label[..4].eq_ignore_ascii_case(b"xn--");
    label.len() >= 2
        && !is_file_ending(label)
        && (punycode || label.iter().all(|&b| b.is_ascii_alphabetic() || b >= 0x80))
}

/// UTF-8 without characters that no address holds: controls, spaces and symbols beyond ASCII.
fn well_formed(value: &[u8]) -> bool {
    if value.is_ascii() {
        return true;
    }
    let Ok(text) = std::str::from_utf8(value) else { return false };
    text.chars().all(|c| c.is_ascii() || c.is_alphanumeric() || is_mark(c))
}

/// Combining marks, which letters of many scripts are written with.
fn is_mark(c: char) -> bool {
    matches!(c as u32, 0x300..=0x36F | 0x900..=0xDFF | 0xE31..=0xE4E | 0x1AB0..=0x1AFF | 0x20D0..=0x20FF | 0x3099..=0x309A)
}
