//! Headers: unfolded, encoded words undone, parameters.

use residuum_source::OffsetMap;

use super::body::{Decoder, Transfer, recode};
use crate::gather::Value;

/// What the headers of a part say about its content.
#[derive(Default)]
pub(super) struct Entity {
    /// `text/plain` in lower case; empty if nothing is said.
    pub kind: String,
    pub boundary: Option<Vec<u8>>,
    pub charset: Option<&'static encoding_rs::Encoding>,
    pub transfer: Transfer,
    pub is_attachment: bool,
    pub name: Option<Vec<u8>>,
}

/// A header's name as it is usually written: `Message-Id`.
pub(super) fn field_name(name: &[u8]) -> String {
    let mut begins = true;
    let letter = |&b: &u8| {
        let c = if begins { b.to_ascii_uppercase() } else { b.to_ascii_lowercase() };
        begins = b == b'-';
        c as char
    };
    name.iter().map(letter).collect()
}

/// The name of the header that a line begins, if it begins one.
pub(crate) fn name_of(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().take(80).position(|&b| b == b':')?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(|b| b.is_ascii_graphic())).then_some(name)
}

impl Entity {
    /// Notes what a header says, given as it stands but for its line ends.
    pub fn note(&mut self, name: &str, value: &[u8]) {
        match name {
            "Content-Type" => {
                let (kind, parameters) = parameters(value);
                self.kind = String::from_utf8_lossy(&kind).to_ascii_lowercase();
                self.boundary = parameter(&parameters, "boundary").filter(|boundary| !boundary.is_empty());
                self.charset =
                    parameter(&parameters, "charset").and_then(|label| encoding_rs::Encoding::for_label(&label));
                self.name = self.name.take().or_else(|| parameter(&parameters, "name"));
            }
            "Content-Disposition" => {
                let (kind, parameters) = parameters(value);
                self.is_attachment = kind.eq_ignore_ascii_case(b"attachment");
                self.name = parameter(&parameters, "filename").or_else(|| self.name.take());
            }
            "Content-Transfer-Encoding" => self.transfer = Transfer::named(value),
            _ => {}
        }
    }
}

/// A value and its parameters (RFC 2045), names in lower case.
fn parameters(value: &[u8]) -> (Vec<u8>, Vec<(String, Vec<u8>)>) {
    let mut pieces = Vec::new();
    let (mut piece, mut quoted, mut escaped) = (Vec::new(), false, false);
    for &b in value {
        match b {
            _ if escaped => {
                piece.push(b);
                escaped = false;
            }
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => pieces.push(std::mem::take(&mut piece)),
            _ => piece.push(b),
        }
    }
    pieces.push(piece);
    let mut pieces = pieces.into_iter();
    let kind = pieces.next().unwrap_or_default();
    let kind = kind
        .split(|b| b.is_ascii_whitespace() || *b == b'(')
        .find(|word| !word.is_empty())
        .unwrap_or_default()
        .to_vec();
    let parameter = |piece: Vec<u8>| {
        let at = piece.iter().position(|&b| b == b'=')?;
        let name = String::from_utf8_lossy(piece[..at].trim_ascii()).to_ascii_lowercase();
        Some((name, piece[at + 1..].trim_ascii().to_vec()))
    };
    (kind, pieces.filter_map(parameter).collect())
}

/// A parameter, put together from pieces and decoded (RFC 2231, and encoded words as many programs write them).
fn parameter(parameters: &[(String, Vec<u8>)], name: &str) -> Option<Vec<u8>> {
    let find = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    if let Some(value) = find(name) {
        let mut decoded = Value::default();
        keep_decoded(&value, &OffsetMap::linear(0), &mut decoded);
        return Some(decoded.take().0);
    }
    if let Some(value) = find(&format!("{name}*")) {
        return Some(extended(&value));
    }
    let mut whole = Vec::new();
    for i in 0..1000 {
        match (find(&format!("{name}*{i}")), find(&format!("{name}*{i}*"))) {
            (Some(value), _) => whole.extend(value),
            (None, Some(value)) if i == 0 => whole.extend(extended(&value)),
            (None, Some(value)) => whole.extend(percent_decoded(&value)),
            (None, None) => break,
        }
    }
    (!whole.is_empty()).then_some(whole)
}

/// `utf-8'en'J%C3%B3` as text.
fn extended(value: &[u8]) -> Vec<u8> {
    let mut pieces = value.splitn(3, |&b| b == b'\'');
    let (Some(charset), Some(_), Some(text)) = (pieces.next(), pieces.next(), pieces.next()) else {
        return percent_decoded(value);
    };
    let bytes = percent_decoded(text);
    recode(bytes, OffsetMap::linear(0), encoding_rs::Encoding::for_label(charset)).0
}

fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let digit = |i: usize| value.get(i).and_then(|b| (*b as char).to_digit(16));
    let (mut out, mut at) = (Vec::new(), 0);
    while at < value.len() {
        match (value[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 3;
            }
            (b, ..) => {
                out.push(b);
                at += 1;
            }
        }
    }
    out
}

/// Appends a header's text, encoded words undone (RFC 2047); `map` leads from it to the object.
pub(super) fn keep_decoded(text: &[u8], map: &OffsetMap, out: &mut Value) {
    let mut at = 0;
    // White space between two encoded words is no part of the text.
    let mut after_word = None;
    while at < text.len() {
        let plain = memchr::memmem::find(&text[at..], b"=?").unwrap_or(text.len() - at);
        let word = encoded_word(&text[at + plain..]);
        let is_gap = after_word == Some(at) && word.is_some() && text[at..at + plain].trim_ascii().is_empty();
        if !is_gap {
            keep_plain(&text[at..at + plain], map, at as u32, out);
        }
        at += plain;
        match word {
            Some((decoded, len)) => {
                let (start, end) = (map.start(at as u32), map.end((at + len) as u32));
                out.put(&decoded, start, end);
                at += len;
                after_word = Some(at);
            }
            None => {
                let len = 2.min(text.len() - at);
                keep_plain(&text[at..at + len], map, at as u32, out);
                at += len;
            }
        }
    }
}

/// Text that is not encoded; what is not UTF-8 is taken for Windows-1252.
fn keep_plain(text: &[u8], map: &OffsetMap, at: u32, out: &mut Value) {
    let inner = map.slice(at, at + text.len() as u32);
    let (bytes, map) = recode(text.to_vec(), inner, None);
    out.keep_mapped(&bytes, &map, 0);
}

/// The encoded word that a text begins with, decoded, and its length.
fn encoded_word(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let inner = text.strip_prefix(b"=?")?;
    let inner = &inner[..inner.len().min(4096)];
    let charset_end = memchr::memchr(b'?', inner)?;
    let (charset, rest) = (&inner[..charset_end], &inner[charset_end + 1..]);
    let (how, content) = (rest.first()?, rest.get(1..)?.strip_prefix(b"?")?);
    let end = memchr::memmem::find(content, b"?=")?;
    let content = &content[..end];
    let mut value = Value::default();
    match how {
        b'b' | b'B' => {
            let mut decoder = Decoder::new(Transfer::Base64);
            decoder.line(content, 0, &mut value);
            decoder.end(&mut value);
        }
        b'q' | b'Q' => {
            let spaced: Vec<u8> = content.iter().map(|&b| if b == b'_' { b' ' } else { b }).collect();
            // A space at the end is meant, other than in a body.
            let padded = [spaced.as_slice(), b"="].concat();
            Decoder::new(Transfer::QuotedPrintable).line(&padded, 0, &mut value);
        }
        _ => return None,
    }
    let charset = charset.split(|&b| b == b'*').next().unwrap_or_default();
    let (bytes, map) = value.take();
    let (bytes, _) = recode(bytes, map, encoding_rs::Encoding::for_label(charset));
    Some((bytes, 2 + charset_end + 1 + 2 + end + 2))
}
