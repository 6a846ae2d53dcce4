//! Values of messages: headers and text, each as it is encoded for the way.

use residuum_source::Refusal;

use super::{one_line, stretches};
use crate::Encoding;
use crate::edit::page::Page;
use crate::edit::splice::{TextSplice, encode};
use crate::edit::unsupported;
use crate::edit::wish::{Piece, Set};
use crate::mail::{TextPart, Transfer, base64_decoded};

/// The splices are bytes, not text: a message is in no one encoding.
pub(super) fn value(set: &Set, pieces: &[Piece], page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    let at =
        set.stretches.first().and_then(|stretch| stretch.pieces.first()).map_or(set.raw.start, |piece| piece.start);
    let around = pieces.iter().find(|piece| piece.list != 0 && piece.bytes.contains(&at));
    let Some((around, part)) = around.and_then(|piece| Some((piece, TextPart::of_list(piece.list)?))) else {
        return header(set, page);
    };
    let Some(charset) = part.charset else {
        return Err(unsupported("the text is in a character set that is not written: change it in a mail program"));
    };
    if part.transfer == Transfer::Base64 {
        return base64(set, around, &part, charset, page);
    }
    stretches(set, |new| {
        let text = if part.is_page { as_page(new) } else { one_line(new)? };
        let bytes = in_charset(&text, charset)?;
        Ok(match part.transfer {
            Transfer::QuotedPrintable => quoted_printable(&bytes),
            _ => bytes,
        })
    })
}

fn in_charset(text: &[u8], charset: &'static encoding_rs::Encoding) -> Result<Vec<u8>, Refusal> {
    match charset == encoding_rs::UTF_8 {
        true => Ok(text.to_vec()),
        false => encode(text, Encoding::Declared(charset)),
    }
}

/// Text as a page holds it; beyond ASCII as references, which are right in every character set.
fn as_page(new: &[u8]) -> Vec<u8> {
    let mut written = Vec::with_capacity(new.len());
    for c in String::from_utf8_lossy(new).chars() {
        match c {
            '<' => written.extend(b"&lt;"),
            '>' => written.extend(b"&gt;"),
            '&' => written.extend(b"&amp;"),
            '"' => written.extend(b"&quot;"),
            '\'' => written.extend(b"&#39;"),
            '\n' | '\r' => written.push(b' '),
            _ if c.is_ascii() => written.push(c as u8),
            _ => written.extend(format!("&#{};", u32::from(c)).bytes()),
        }
    }
    written
}

/// A header: plain ASCII as it is, else encoded words (RFC 2047).
fn header(set: &Set, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    if set.field.ends_with("{key}") {
        return Err(unsupported("the name of a header is not replaced: change it by hand"));
    }
    let mut all = Vec::new();
    for stretch in &set.stretches {
        let new = one_line(stretch.new.as_deref().unwrap_or_default())?;
        let first = stretch.pieces.first().cloned().unwrap_or(set.raw.clone());
        let was_word = page.at(first.start, 0) == Some(b'=') && page.at(first.start, 1) == Some(b'?');
        let is_string = page.at(first.start, -1) == Some(b'"') || new.contains(&b'"');
        if is_string && new.iter().any(|b| matches!(b, b'"' | b'\\')) {
            return Err(unsupported("quotes cannot be written there: replace it by a value without"));
        }
        let written =
            match new.is_ascii() && memchr::memmem::find(&new, b"=?").is_none() && (!was_word || is_atoms(&new)) {
                true => new,
                false => encoded_words(&new),
            };
        let mut pieces = stretch.pieces.iter();
        all.extend(pieces.next().map(|first| (first.clone(), written)));
        all.extend(pieces.map(|rest| (rest.clone(), Vec::new())));
    }
    Ok(all)
}

/// Whether a text that was encoded can stand plainly where an address may be.
fn is_atoms(new: &[u8]) -> bool {
    new.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'\'' | b'_'))
}

fn encoded_words(new: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(new);
    let (mut words, mut word) = (Vec::new(), String::new());
    // A word has 75 characters at most, and whole characters.
    for c in text.chars() {
        if word.len() + c.len_utf8() > 45 {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    let words: Vec<String> = words.iter().map(|word| format!("=?UTF-8?B?{}?=", letters(word.as_bytes()))).collect();
    words.join("\r\n ").into_bytes()
}

fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut written = Vec::with_capacity(bytes.len());
    let mut column = 0;
    for &b in bytes {
        let is_plain = (b.is_ascii_graphic() || b == b' ') && b != b'=';
        let word = if is_plain { vec![b] } else { format!("={b:02X}").into_bytes() };
        if column + word.len() > 70 {
            written.extend(b"=\r\n");
            column = 0;
        }
        column += word.len();
        written.extend(word);
    }
    written
}

/// A text in Base64 is written anew: what follows stands in other groups of letters.
fn base64(
    set: &Set,
    around: &Piece,
    part: &TextPart,
    charset: &'static encoding_rs::Encoding,
    page: &Page,
) -> Result<Vec<TextSplice>, Refusal> {
    let manual = || unsupported("the text is encoded as a whole and too long, or a page: change it in a mail program");
    let (Some(old), Some(new), false) = (&set.text, set.new_text(), part.is_page) else { return Err(manual()) };
    let raw = page.bytes(around.bytes.clone()).ok_or_else(manual)?;
    let decoded = base64_decoded(raw);
    let old_bytes = in_charset(old, charset)?;
    let at = memchr::memmem::find(&decoded, &old_bytes).ok_or_else(manual)?;
    let new = in_charset(&new, charset)?;
    let bytes = [&decoded[..at], &new, &decoded[at + old_bytes.len()..]].concat();
    let end: &[u8] = if memchr::memmem::find(raw, b"\r\n").is_some() { b"\r\n" } else { b"\n" };
    let letters = letters(&bytes);
    let mut written = Vec::with_capacity(letters.len() + letters.len() / 32);
    for line in letters.as_bytes().chunks(76) {
        written.extend_from_slice(line);
        written.extend_from_slice(end);
    }
    // The line end before a boundary, and empty lines, stay as they were.
    let body = raw.trim_ascii_end();
    let tail = &raw[body.len()..];
    let kept = written.len() - end.len().min(written.len());
    written.truncate(kept);
    written.extend_from_slice(tail);
    Ok(vec![(around.bytes.clone(), written)])
}

/// Bytes as Base64.
fn letters(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut written = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let n = group.iter().fold(0u32, |n, &b| n << 8 | u32::from(b)) << (8 * (3 - group.len()));
        for i in 0..4 {
            let letter = LETTERS[(n >> (18 - 6 * i)) as usize & 63];
            written.push(if i <= group.len() { char::from(letter) } else { '=' });
        }
    }
    written
}
