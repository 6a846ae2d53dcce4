//! Transfer encodings undone, with places; attachments as streams.

use std::io::{self, Read};

use residuum_source::OffsetMap;

use super::lines::{End, Lines, Next};
use crate::gather::Value;

/// How bytes are encoded for the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Transfer {
    /// As they are.
    #[default]
    Plain,
    QuotedPrintable,
    Base64,
}

impl Transfer {
    pub fn named(name: &[u8]) -> Self {
        let name = name.trim_ascii();
        if name.eq_ignore_ascii_case(b"base64") {
            Self::Base64
        } else if name.eq_ignore_ascii_case(b"quoted-printable") {
            Self::QuotedPrintable
        } else {
            Self::Plain
        }
    }
}

/// A decoder between two lines.
#[derive(Default)]
pub(super) struct Decoder {
    transfer: Transfer,
    /// The end of the last line, which belongs to the boundary if one follows.
    held_back: Option<(usize, u64)>,
    /// Base64: letters of a group that goes on, and where it began.
    group: u32,
    letters: u32,
    began: u64,
}

impl Decoder {
    pub fn new(transfer: Transfer) -> Self {
        Self { transfer, ..Self::default() }
    }

    /// Decodes a line (or a piece of one) that stands at `raw`.
    pub fn line(&mut self, line: &[u8], raw: u64, out: &mut Value) {
        if self.transfer == Transfer::Base64 {
            return self.base64(line, raw, out);
        }
        if let Some((len, at)) = self.held_back.take() {
            out.keep_raw(if len == 2 { b"\r\n" } else { b"\n" }, at);
        }
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").filter(|_| text.len() < line.len()).unwrap_or(text);
        let end = (line.len() - text.len(), raw + text.len() as u64);
        let soft = self.transfer == Transfer::QuotedPrintable && quoted_printable(text, raw, out);
        if self.transfer == Transfer::Plain {
            out.keep_raw(text, raw);
        }
        self.held_back = (end.0 > 0 && !soft).then_some(end);
    }

    /// What is left at the end.
    pub fn end(&mut self, out: &mut Value) {
        // Two letters hold one byte, three hold two.
        let group = std::mem::take(&mut self.group);
        match std::mem::take(&mut self.letters) {
            2 => out.put(&[(group >> 4) as u8], self.began, self.began + 2),
            3 => out.put(&[(group >> 10) as u8, (group >> 2) as u8], self.began, self.began + 3),
            _ => {}
        }
    }

    fn base64(&mut self, line: &[u8], raw: u64, out: &mut Value) {
        for (i, &b) in line.iter().enumerate() {
            let Some(six) = letter(b) else {
                if b == b'=' {
                    self.end(out);
                }
                continue;
            };
            if self.letters == 0 {
                self.began = raw + i as u64;
            }
            self.group = self.group << 6 | u32::from(six);
            self.letters += 1;
            if self.letters == 4 {
                let [_, bytes @ ..] = self.group.to_be_bytes();
                out.put(&bytes, self.began, raw + i as u64 + 1);
                (self.group, self.letters) = (0, 0);
            }
        }
    }
}

/// Decodes a line of quoted-printable; says whether it ends softly.
fn quoted_printable(text: &[u8], raw: u64, out: &mut Value) -> bool {
    let text = text.trim_ascii_end();
    let mut at = 0;
    while at < text.len() {
        let plain = memchr::memchr(b'=', &text[at..]).unwrap_or(text.len() - at);
        out.keep_raw(&text[at..at + plain], raw + at as u64);
        at += plain;
        if at == text.len() {
            break;
        }
        let digit = |i: usize| text.get(i).and_then(|b| (*b as char).to_digit(16));
        match (digit(at + 1), digit(at + 2)) {
            (Some(high), Some(low)) => {
                out.put(&[(high << 4 | low) as u8], raw + at as u64, raw + at as u64 + 3);
                at += 3;
            }
            _ if at + 1 == text.len() => return true,
            _ => {
                out.keep_raw(b"=", raw + at as u64);
                at += 1;
            }
        }
    }
    false
}

/// The six bits of a letter of Base64.
pub(super) fn letter(b: u8) -> Option<u8> {
    Some(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// The content of a part as a stream.
pub(super) struct Content<'l, 'a> {
    lines: &'l mut Lines<'a>,
    decoder: Decoder,
    ready: Vec<u8>,
    given: usize,
    /// Why the content ended, once it has.
    end: Option<End>,
}

impl<'l, 'a> Content<'l, 'a> {
    pub fn new(lines: &'l mut Lines<'a>, transfer: Transfer) -> Self {
        Self { lines, decoder: Decoder::new(transfer), ready: Vec::new(), given: 0, end: None }
    }

    /// Passes over what was not read, and says why the content ends.
    pub fn finish(mut self) -> End {
        loop {
            if let Some(end) = self.end {
                return end;
            }
            self.advance();
        }
    }

    fn advance(&mut self) {
        let mut out = Value::default();
        match self.lines.next() {
            Next::End(end) => {
                self.decoder.end(&mut out);
                self.end = Some(end);
            }
            Next::Line(len) => {
                let raw = self.lines.bytes.position();
                self.decoder.line(&self.lines.bytes.window()[..len], raw, &mut out);
                self.lines.pass(len);
            }
        }
        (self.ready, self.given) = (out.take().0, 0);
    }
}

impl Read for Content<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            if self.end.is_some() {
                return match self.lines.bytes.fault() {
                    Some(fault) if self.end == Some(End::Bytes) => Err(fault.clone().into()),
                    _ => Ok(0),
                };
            }
            self.advance();
        }
        let n = buf.len().min(self.ready.len() - self.given);
        buf[..n].copy_from_slice(&self.ready[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

/// Text in a character set as UTF-8, with its places.
pub(super) fn recode(
    bytes: Vec<u8>,
    map: OffsetMap,
    charset: Option<&'static encoding_rs::Encoding>,
) -> (Vec<u8>, OffsetMap) {
    let declared = charset.unwrap_or(encoding_rs::UTF_8);
    if bytes.is_ascii() && declared.is_ascii_compatible() {
        return (bytes, map);
    }
    if declared == encoding_rs::UTF_8 && !crate::decode::looks_like_windows_1252(&bytes) {
        return (bytes, map);
    }
    let encoding = if declared == encoding_rs::UTF_8 { encoding_rs::WINDOWS_1252 } else { declared };
    let mut value = Value::default();
    if !encoding.is_ascii_compatible() {
        // Shift sequences reach over characters: the place is the line's.
        let mut at = 0;
        let lines = if encoding == encoding_rs::ISO_2022_JP { Some(b'\n') } else { None };
        for line in bytes.split_inclusive(|b| Some(*b) == lines) {
            let text = encoding.decode_without_bom_handling(line).0;
            let (start, end) = (map.start(at as u32), map.end((at + line.len()) as u32));
            text.as_bytes().chunks(32 << 10).for_each(|piece| value.put(piece, start, end));
            at += line.len();
        }
        return value.take();
    }
    let mut at = 0;
    while at < bytes.len() {
        let ascii = bytes[at..].iter().position(|b| !b.is_ascii()).unwrap_or(bytes.len() - at);
        if ascii > 0 {
            value.keep_mapped(&bytes[at..at + ascii], &map, at as u32);
            at += ascii;
            continue;
        }
        let (c, len) = crate::decode::character(&bytes[at..], encoding);
        let (start, end) = (map.start(at as u32), map.end((at + len) as u32));
        value.put(c.encode_utf8(&mut [0; 4]).as_bytes(), start, end);
        at += len;
    }
    value.take()
}
