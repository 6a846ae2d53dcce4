//! Content that stands encoded inside text: percent escapes, JSON and XML escapes, Base64, hexadecimal, gzip, zlib,
//! UTF-16.
//!
//! What an encoding hides is decoded into a child text, the same engine searches it, and what it finds is mapped
//! back to the encoded bytes. Children have children up to [`DEPTH`]; sizes are bounded by [`MOST_DECODED`] and
//! [`MOST_RATIO`], and of what is larger the beginning is searched. Whoever searches is told how often that was so.

mod wide;

use std::io::Read as _;
use std::ops::Range;

use crate::base64;
use crate::run;
use crate::text::{Cx, Found, Scratch, Texts};
use crate::validate::net::hex;

/// How many encodings within one another are undone.
pub(crate) const DEPTH: u8 = 3;
/// Most bytes that one piece of encoded content is decoded to.
const MOST_DECODED: usize = 8 << 20;
/// Most decompressed bytes for each compressed byte.
const MOST_RATIO: usize = 1000;

/// Buffers of the decoder, kept from one piece to the next.
#[derive(Default)]
pub(crate) struct Buffers {
    text: Vec<u8>,
    inflated: Vec<u8>,
    pieces: Vec<Piece>,
    /// Pieces of which only the beginning could be searched, or nothing: they are too large, too deep or cut off.
    pub cut: u64,
}

/// A stretch of decoded text and where it stands encoded.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// First decoded byte.
    decoded: u32,
    /// First encoded byte.
    raw: u32,
    form: Form,
}

/// How the bytes of a piece stand.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// As they are.
    Plain,
    /// All of them as one escape of this width.
    Escape(u32),
    /// Four characters for three bytes.
    Base64,
    /// Two characters for each byte.
    Hex,
    /// Together, in these many bytes: compressed.
    Whole(u32),
}

/// An escape that may begin at `place`: decodes the stretch around it and searches that.
///
/// Gives the place up to which escapes are thereby dealt with.
pub(crate) fn escaped(
    cx: &mut Cx<'_>,
    place: usize,
    depth: u8,
    child: &mut Option<Box<Scratch>>,
    buffers: &mut Buffers,
) -> usize {
    let text = cx.text;
    let Some(scheme) = Scheme::at(text, place) else { return place };
    let stretch = scheme.stretch(text, place);
    let (text_buffer, pieces) = (&mut buffers.text, &mut buffers.pieces);
    text_buffer.clear();
    pieces.clear();
    scheme.decode(text, stretch.clone(), text_buffer, pieces);
    let decoded = std::mem::take(&mut buffers.text);
    search(cx, &decoded, &buffers.pieces, depth, child);
    buffers.text = decoded;
    stretch.end
}

/// A long word from `start` to `end`: decodes it if it is Base64 or hexadecimal of something readable.
///
/// Gives the place up to which long words are thereby dealt with.
pub(crate) fn encoded(
    cx: &mut Cx<'_>,
    start: usize,
    end: usize,
    depth: u8,
    child: &mut Option<Box<Scratch>>,
    buffers: &mut Buffers,
) -> usize {
    let text = cx.text;
    buffers.text.clear();
    buffers.pieces.clear();
    let until = if text[start] == b'x' && start > 0 && text[start - 1] == b'\\' {
        // Databases write bytes as `\x…`.
        decode_hex(&text[start + 1..end], start + 1, buffers);
        end
    } else if let Some(digits) = hex_word(&text[start..end]) {
        if !hex_promises(digits) {
            return end;
        }
        decode_hex(digits, end - digits.len(), buffers);
        end
    } else {
        let Some(until) = decode_base64(text, start, buffers) else { return end };
        until
    };
    let begin = buffers.pieces.first().map_or(start, |piece| piece.raw as usize);
    inflate(buffers, begin..until);
    if readable(&buffers.text) || wide::order(&buffers.text).is_some() {
        let decoded = std::mem::take(&mut buffers.text);
        search(cx, &decoded, &buffers.pieces, depth, child);
        buffers.text = decoded;
    }
    until
}

/// Whether a long word is encoded content, which stands too deep inside others to be undone.
pub(crate) fn is_too_deep(text: &[u8], start: usize) -> bool {
    !text[start..].iter().take(16).all(u8::is_ascii_hexdigit) && promising(&text[start..])
}

/// A whole value that is compressed as it stands.
///
/// Beside gzip it may be zlib of any window, which has no more of a mark than a header that divides by 31. Gives whether
/// it is compressed.
pub(crate) fn compressed(cx: &mut Cx<'_>, depth: u8, child: &mut Option<Box<Scratch>>, buffers: &mut Buffers) -> bool {
    let value = cx.text;
    buffers.pieces.clear();
    buffers.text.clear();
    buffers.text.extend_from_slice(value);
    inflate(buffers, 0..value.len());
    let is_compressed = matches!(buffers.pieces.first(), Some(Piece { form: Form::Whole(_), .. }));
    if is_compressed && readable(&buffers.text) {
        let decoded = std::mem::take(&mut buffers.text);
        search(cx, &decoded, &buffers.pieces, depth, child);
        buffers.text = decoded;
    }
    is_compressed
}

/// A whole value that is UTF-16.
pub(crate) fn wide(cx: &mut Cx<'_>, depth: u8, child: &mut Option<Box<Scratch>>, buffers: &mut Buffers) {
    let value = cx.text;
    let Some(order) = wide::order(value) else { return };
    buffers.pieces.clear();
    buffers.text.clear();
    buffers.pieces.push(Piece { decoded: 0, raw: 0, form: Form::Whole(value.len() as u32) });
    buffers.cut += u64::from(!wide::decode(value, order, MOST_DECODED, &mut buffers.text));
    let decoded = std::mem::take(&mut buffers.text);
    search(cx, &decoded, &buffers.pieces, depth, child);
    buffers.text = decoded;
}

/// Whether a value may be UTF-16.
#[inline]
pub(crate) fn is_wide(value: &[u8]) -> bool {
    wide::order(value).is_some()
}

/// Whether a whole value may be compressed: it begins as gzip or zlib does, or as what MySQL's `COMPRESS()` gives, and is
/// no text.
#[inline]
pub(crate) fn is_compressed(value: &[u8]) -> bool {
    is_gzip(value) || zlib_at(value).is_some() && !readable(value)
}

#[inline]
fn is_gzip(value: &[u8]) -> bool {
    value.starts_with(&[0x1f, 0x8b, 8])
}

fn search(cx: &mut Cx<'_>, decoded: &[u8], pieces: &[Piece], depth: u8, child: &mut Option<Box<Scratch>>) {
    let scratch = child.get_or_insert_default();
    let offsets = [0, decoded.len() as u32];
    let texts = Texts { bytes: decoded, offsets: &offsets, hint: cx.hint, depth: depth + 1, literals: cx.literals };
    cx.engine.search(scratch, texts, 0..decoded.len());
    let is_escape = |piece: &Piece| matches!(piece.form, Form::Plain | Form::Escape(_));
    let encoded = !pieces.iter().all(is_escape);
    for found in &scratch.found {
        let form = &scratch.forms[found.form as usize..(found.form + found.form_len) as usize];
        let at = cx.forms.len() as u32;
        cx.forms.extend_from_slice(form);
        let base = cx.base as u32;
        let place = place_of_start(pieces, found.start)..place_of_end(pieces, found.end);
        // All of a value that is encoded can be replaced, whatever it stands in.
        let is_all = (found.start, found.end) == (0, decoded.len() as u32) && place == (0..cx.text.len() as u32);
        cx.found.push(Found {
            start: base + place.start,
            end: base + place.end,
            form: at,
            decoded: true,
            encoded: found.encoded || encoded && !is_all,
            ..*found
        });
    }
}

fn piece_of(pieces: &[Piece], decoded: u32) -> Piece {
    pieces[pieces.partition_point(|p| p.decoded <= decoded).max(1) - 1]
}

fn place_of_start(pieces: &[Piece], decoded: u32) -> u32 {
    let piece = piece_of(pieces, decoded);
    let n = decoded - piece.decoded;
    piece.raw
        + match piece.form {
            Form::Plain => n,
            Form::Escape(_) | Form::Whole(_) => 0,
            Form::Base64 => n * 4 / 3,
            Form::Hex => n * 2,
        }
}

fn place_of_end(pieces: &[Piece], decoded_end: u32) -> u32 {
    let piece = piece_of(pieces, decoded_end.saturating_sub(1));
    let n = decoded_end - piece.decoded;
    piece.raw
        + match piece.form {
            Form::Plain => n,
            Form::Escape(width) | Form::Whole(width) => width,
            Form::Base64 => (n * 4).div_ceil(3),
            Form::Hex => n * 2,
        }
}

/// Escapes that text is written with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scheme {
    /// `%2B`, RFC 3986 §2.1.
    Percent,
    /// `\u0040`, `\/`: RFC 8259 §7.
    Json,
    /// `&#64;`, `&#x40;`.
    Xml,
}

impl Scheme {
    fn at(text: &[u8], i: usize) -> Option<Self> {
        let next = |n: usize| text.get(i + n).copied().unwrap_or(0);
        match text[i] {
            b'%' if hex(next(1)).is_some() && hex(next(2)).is_some() => Some(Self::Percent),
            b'\\' if next(1) == b'u' && (2..6).all(|n| hex(next(n)).is_some()) => Some(Self::Json),
            b'\\' if next(1) == b'/' && next(2) == b'\\' && i > 0 && text[i - 1] == b':' => Some(Self::Json),
            b'&' if next(1) == b'#' && (next(2).is_ascii_digit() || next(2) | 0x20 == b'x') => Some(Self::Xml),
            _ => None,
        }
    }

    /// The stretch around an escape that is decoded with it.
    fn stretch(self, text: &[u8], i: usize) -> Range<usize> {
        let (reach, ends): (usize, fn(u8) -> bool) = match self {
            Self::Percent => (1024, |b| b <= b' ' || matches!(b, b'"' | b'<' | b'>' | b'\'' | b'\\')),
            Self::Json | Self::Xml => (1024, |b| b == b'\n'),
        };
        let start = text[i.saturating_sub(reach / 4)..i].iter().rposition(|b| ends(*b));
        let start = start.map_or(i.saturating_sub(reach / 4), |at| i.saturating_sub(reach / 4) + at + 1);
        let end = text[i..].iter().take(reach).position(|b| ends(*b) && *b != b'\\');
        (start)..end.map_or(text.len().min(i + reach), |at| i + at)
    }

    fn decode(self, text: &[u8], stretch: Range<usize>, out: &mut Vec<u8>, pieces: &mut Vec<Piece>) {
        let mut i = stretch.start;
        let plain = |out: &Vec<u8>, raw: usize| Piece { decoded: out.len() as u32, raw: raw as u32, form: Form::Plain };
        pieces.push(plain(out, i));
        while i < stretch.end {
            let rest = &text[i..stretch.end];
            if let Some((character, width)) = self.escape(rest) {
                pieces.push(Piece { form: Form::Escape(width as u32), ..plain(out, i) });
                match character {
                    Escaped::Byte(byte) => out.push(byte),
                    Escaped::Character(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                }
                i += width;
                pieces.push(plain(out, i));
            } else {
                out.push(rest[0]);
                i += 1;
            }
        }
    }

    /// The escape at the beginning of `rest`, and its width.
    fn escape(self, rest: &[u8]) -> Option<(Escaped, usize)> {
        match (self, rest) {
            (Self::Percent, [b'%', a, b, ..]) => Some((Escaped::Byte(hex(*a)? << 4 | hex(*b)?), 3)),
            (Self::Json, [b'\\', b'u', ..]) => {
                let first = hex_number(rest.get(2..6)?)?;
                if let (0xd800..0xdc00, Some([b'\\', b'u', low @ ..])) = (first, rest.get(6..12)) {
                    let low = hex_number(low)?;
                    let joined = 0x10000 + ((first - 0xd800) << 10) + low.wrapping_sub(0xdc00);
                    return Some((Escaped::Character(char::from_u32(joined)?), 12));
                }
                Some((Escaped::Character(char::from_u32(first)?), 6))
            }
            (Self::Json, [b'\\', c, ..]) => {
                let byte = match c {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'b' | b'f' => b' ',
                    b'/' | b'"' | b'\\' => *c,
                    _ => return None,
                };
                Some((Escaped::Byte(byte), 2))
            }
            (Self::Xml, [b'&', ..]) => {
                let end = rest.iter().take(12).position(|b| *b == b';')?;
                let name = &rest[1..end];
                let character = match name {
                    [b'#', b'x' | b'X', digits @ ..] => char::from_u32(hex_number(digits)?)?,
                    [b'#', digits @ ..] => char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?)?,
                    b"amp" => '&',
                    b"lt" => '<',
                    b"gt" => '>',
                    b"quot" => '"',
                    b"apos" => '\'',
                    b"nbsp" => ' ',
                    b"commat" => '@',
                    _ => return None,
                };
                Some((Escaped::Character(character), end + 1))
            }
            _ => None,
        }
    }
}

/// What an escape stands for.
enum Escaped {
    Byte(u8),
    Character(char),
}

fn hex_number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 6 {
        return None;
    }
    digits.iter().try_fold(0, |n, d| Some(n << 4 | u32::from(hex(*d)?)))
}

/// The digits of a word that is hexadecimal and nothing else, but perhaps for a leading `0x`.
fn hex_word(word: &[u8]) -> Option<&[u8]> {
    let digits = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X")).unwrap_or(word);
    run::is_hex(digits).then_some(digits)
}

/// Whether hexadecimal digits begin like something readable rather than like a digest or a number.
fn hex_promises(digits: &[u8]) -> bool {
    let Some(head) = digits.first_chunk::<16>().filter(|_| digits.len().is_multiple_of(2)) else { return false };
    let mut bytes = [0; 8];
    for (byte, [high, low]) in bytes.iter_mut().zip(head.as_chunks::<2>().0) {
        let (Some(high), Some(low)) = (hex(*high), hex(*low)) else { return false };
        *byte = high << 4 | low;
    }
    is_gzip(&bytes) || is_common_zlib(&bytes) || readable(&bytes) || is_wide(&bytes)
}

fn decode_hex(digits: &[u8], raw: usize, buffers: &mut Buffers) {
    buffers.pieces.push(Piece { decoded: 0, raw: raw as u32, form: Form::Hex });
    let pairs = digits.as_chunks::<2>().0.iter();
    buffers.cut += u64::from(pairs.len() > MOST_DECODED);
    let pairs = pairs.take(MOST_DECODED);
    buffers.text.extend(pairs.map_while(|[a, b]| Some(hex(*a)? << 4 | hex(*b)?)));
}

/// Decodes Base64 around the long word at `word`, across the line breaks of MIME; gives its end.
fn decode_base64(text: &[u8], word: usize, buffers: &mut Buffers) -> Option<usize> {
    let before =
        text[..word].iter().rev().take(LONGEST_LEAD).take_while(|b| base64::DIGIT[usize::from(**b)] < 64).count();
    // Behind a path's slash the word itself may be where it begins.
    let start = [word - before, word].into_iter().find(|start| promising(&text[*start..]))?;
    let mut i = start;
    loop {
        let line = i;
        while i < text.len()
            && base64::DIGIT[usize::from(text[i])] < 64
            && buffers.text.len() + (i - line) < MOST_DECODED
        {
            i += 1;
        }
        let goes_past = i < text.len() && base64::DIGIT[usize::from(text[i])] < 64;
        buffers.cut += u64::from(goes_past);
        buffers.pieces.push(Piece { decoded: buffers.text.len() as u32, raw: line as u32, form: Form::Base64 });
        base64::decode(&text[line..i], &mut buffers.text);
        let length = i - line;
        let next = text[i..].iter().take(4).take_while(|b| matches!(b, b'\r' | b'\n' | b' ')).count();
        let goes_on = next > 0
            && length >= 60
            && length.is_multiple_of(4)
            && text.get(i + next..i + next + 4).is_some_and(|b| b.iter().all(|b| base64::DIGIT[usize::from(*b)] < 64));
        if !goes_on {
            return Some(i);
        }
        i += next;
    }
}

/// Whether the first characters decode to something that is text or compressed.
fn promising(text: &[u8]) -> bool {
    let Some(head) = text.first_chunk::<16>() else { return false };
    if head.iter().any(|b| base64::DIGIT[usize::from(*b)] >= 64) {
        return false;
    }
    let mut bytes = [0; 12];
    for (quad, three) in head.as_chunks::<4>().0.iter().zip(bytes.as_chunks_mut::<3>().0) {
        let bits = quad.iter().fold(0u32, |bits, b| bits << 6 | u32::from(base64::DIGIT[usize::from(*b)]));
        three.copy_from_slice(&bits.to_be_bytes()[1..]);
    }
    is_gzip(&bytes) || is_common_zlib(&bytes) || readable(&bytes) || is_wide(&bytes)
}

/// Where zlib begins in a value that is nothing else: at once, or behind the length that MySQL's `COMPRESS()` writes.
#[inline]
fn zlib_at(value: &[u8]) -> Option<usize> {
    match value {
        [cmf, flg, ..] if is_zlib_header(*cmf, *flg) => Some(0),
        // The two highest bits of the length are none of it.
        [a, b, c, high @ 0..=0x3f, cmf, flg, ..] if is_zlib_header(*cmf, *flg) && a | b | c | high != 0 => Some(4),
        _ => None,
    }
}

/// RFC 1950 §2.2: deflate with a window that there is, a checksum, and no dictionary that somebody else has.
#[inline]
const fn is_zlib_header(cmf: u8, flg: u8) -> bool {
    cmf & 0x8f == 8 && flg & 0x20 == 0 && u16::from_be_bytes([cmf, flg]).is_multiple_of(31)
}

/// Whether it is zlib, alone or of MySQL's `COMPRESS()`, with the window of 32 KiB that nearly all is written with: among
/// words that may be anything no other passes for it.
fn is_common_zlib(bytes: &[u8]) -> bool {
    zlib_at(bytes).is_some_and(|at| bytes[at] == 0x78)
}

/// Replaces compressed content by what it holds; `raw` is where it stands.
fn inflate(buffers: &mut Buffers, raw: Range<usize>) {
    let compressed = &buffers.text;
    let most = MOST_DECODED.min(compressed.len().saturating_mul(MOST_RATIO)) as u64;
    buffers.inflated.clear();
    // An error after some content is a truncated stream: what there is counts.
    let (read, is_marked) = if is_gzip(compressed) {
        (flate2::read::MultiGzDecoder::new(&compressed[..]).take(most).read_to_end(&mut buffers.inflated), true)
    } else if let Some(at) = zlib_at(compressed) {
        (flate2::read::ZlibDecoder::new(&compressed[at..]).take(most).read_to_end(&mut buffers.inflated), false)
    } else {
        return;
    };
    let is_cut_off = read.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::UnexpectedEof);
    // Of digests and other random bytes one in some thousand begins as zlib does: a stream without an end is one only if
    // it is longer than they are and holds text.
    let is_stream = is_marked || compressed.len() > LONGEST_DIGEST && readable(&buffers.inflated);
    if read.is_err() && !is_stream {
        return;
    }
    let given = buffers.inflated.len() as u64;
    buffers.cut += u64::from(given > 0 && (given == most || is_cut_off));
    std::mem::swap(&mut buffers.text, &mut buffers.inflated);
    buffers.pieces.clear();
    buffers.pieces.push(Piece { decoded: 0, raw: raw.start as u32, form: Form::Whole(raw.len() as u32) });
}

/// Bytes of the longest digest in use: SHA-512.
const LONGEST_DIGEST: usize = 64;

/// Whether bytes look like text: nearly all printable.
fn readable(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(256)];
    let odd = head.iter().filter(|b| **b < 0x20 && !matches!(b, b'\n' | b'\r' | b'\t') || **b == 0x7f).count();
    let high = head.iter().filter(|b| **b >= 0x80).count();
    let utf8 = high == 0 || std::str::from_utf8(head).map_or_else(|e| e.error_len().is_none(), |_| true);
    !head.is_empty() && odd * 32 <= head.len() && utf8
}

/// How far before a long word Base64 may begin that has it in its midst.
const LONGEST_LEAD: usize = 256;

#[cfg(test)]
mod tests;
