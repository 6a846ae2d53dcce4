//! BSON (bsonspec.org 1.1), as `mongodump` writes it: documents one after the other.
//!
//! Each document becomes a line of JSON, which the reader of JSON takes from there: keys that are data, such as a map
//! of addresses, are seen by it as values. A record is a row, counted from 1; places within a value are of its text.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, Read};

use residuum_source::{Batch, Flow, Limits, ObjectPath, Outcome, Part, RecordKind, Records, Sink};

use crate::json;
use crate::moment;
use crate::{Bytes, Encoding, Fault, Input, Text};

/// Reads documents one after the other.
///
/// Memory is bounded by a batch and one document, which may have a quarter of [`Limits::whole_bytes`].
pub(crate) fn read(path: &ObjectPath, bytes: Bytes<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    let position = Cell::new(0);
    let mut lines = Lines {
        bytes,
        most: (limits.whole_bytes / 4).max(64),
        nesting: limits.nesting.min(MAX_DEPTH),
        line: Vec::new(),
        given: 0,
        position: &position,
    };
    let text = Text::new(Bytes::new(Input::Stream(&mut lines)), Encoding::Utf8);
    json::read_jsonl(path, text, limits, &mut Rows { sink, position: &position })
}

/// Whether these bytes begin as a document does that ends where it says.
pub(crate) fn is_bson(head: &[u8]) -> bool {
    let Some(len) = head.first_chunk().map(|len| i32::from_le_bytes(*len)) else { return false };
    let Ok(len) = usize::try_from(len) else { return false };
    if !(5..=MAX_DOCUMENT).contains(&len) {
        return false;
    }
    if let Some(document) = head.get(..len) {
        // An empty document says too little.
        return len > 5 && document_to_json(document, &mut Vec::new(), 64).is_some();
    }
    // The beginning of a longer one: an element's type, and its name.
    let name = head.get(5..).and_then(|rest| rest.iter().take(200).position(|b| *b == 0));
    matches!(head.get(4), Some(1..=0x13))
        && name.is_some_and(|end| end > 0 && head[5..5 + end].iter().all(|b| *b >= 0x20))
}

/// MongoDB's own bound is 16 MiB; a little more for what a server puts around it.
const MAX_DOCUMENT: usize = 48 << 20;
/// Levels that are read, whatever the limit says: reading recurses.
const MAX_DEPTH: u32 = 200;

/// The documents as lines of JSON.
struct Lines<'b, 'p> {
    bytes: Bytes<'b>,
    most: u64,
    nesting: u32,
    line: Vec<u8>,
    given: usize,
    position: &'p Cell<u64>,
}

impl Lines<'_, '_> {
    fn next(&mut self) -> Result<bool, Fault> {
        let at = self.bytes.position();
        let damaged = |bytes: &Bytes<'_>| match bytes.fault() {
            Some(fault) => fault.clone(),
            None => Fault::unreadable(format!("the document at byte {at} is damaged or cut off")),
        };
        let Some(len) = self.bytes.fill(4).first_chunk().map(|len| i32::from_le_bytes(*len)) else {
            return if self.bytes.window().is_empty() && self.bytes.fault().is_none() {
                Ok(false)
            } else {
                Err(damaged(&self.bytes))
            };
        };
        let len = usize::try_from(len).map_err(|_| damaged(&self.bytes))?;
        if len as u64 > self.most {
            let most = self.most;
            return Err(Fault::limit(format!(
                "the document at byte {at} is longer than {most} bytes; raise the limit `whole_bytes`, a quarter of which it may have"
            )));
        }
        self.line.clear();
        self.given = 0;
        let document = self.bytes.fill(len).get(..len);
        let read = document.and_then(|document| document_to_json(document, &mut self.line, self.nesting));
        if read.is_none() {
            return Err(damaged(&self.bytes));
        }
        self.line.push(b'\n');
        self.bytes.consume(len);
        self.position.set(self.bytes.position());
        Ok(true)
    }
}

impl Read for Lines<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.line.len() && !buf.is_empty() && !self.next()? {
            return Ok(0);
        }
        let n = buf.len().min(self.line.len() - self.given);
        buf[..n].copy_from_slice(&self.line[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

/// Passes on what the reader of JSON says, as it is of a BSON file.
struct Rows<'s> {
    sink: &'s mut dyn Sink,
    position: &'s Cell<u64>,
}

impl Sink for Rows<'_> {
    fn open(&mut self, part: Part) -> Flow {
        self.sink.open(Part { format: "bson", encoding: None, ..part })
    }

    fn batch(&mut self, mut batch: Batch) -> Flow {
        match &mut batch.records {
            Records::Sequence { kind, .. } | Records::Numbered { kind, .. } => *kind = RecordKind::Row,
            _ => {}
        }
        batch.columns.iter_mut().for_each(|column| column.place = None);
        self.sink.batch(batch)
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        let reason = outcome.reason.filter(|_| outcome.coverage.is_incomplete());
        self.sink.close(Outcome { bytes: self.position.get(), reason, ..outcome })
    }

    fn go_on(&mut self) -> Flow {
        self.sink.go_on()
    }
}

/// Appends a document as JSON; `None` if it is none.
fn document_to_json(document: &[u8], out: &mut Vec<u8>, depth: u32) -> Option<()> {
    let mut rest = document;
    nested(&mut rest, out, depth, false)?;
    rest.is_empty().then_some(())
}

fn nested(rest: &mut &[u8], out: &mut Vec<u8>, depth: u32, is_array: bool) -> Option<()> {
    let len = usize::try_from(i32::from_le_bytes(*rest.first_chunk()?)).ok()?;
    let depth = depth.checked_sub(1)?;
    let mut inner = rest.get(4..len.checked_sub(1)?)?;
    if *rest.get(len - 1)? != 0 {
        return None;
    }
    *rest = &rest[len..];
    out.push(if is_array { b'[' } else { b'{' });
    let mut first = true;
    while let Some((&kind, behind)) = inner.split_first() {
        inner = behind;
        let key = until_zero(&mut inner)?;
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        if !is_array {
            quoted(key, out);
            out.push(b':');
        }
        element(kind, &mut inner, out, depth)?;
    }
    out.push(if is_array { b']' } else { b'}' });
    Some(())
}

fn element(kind: u8, rest: &mut &[u8], out: &mut Vec<u8>, depth: u32) -> Option<()> {
    let mut text = String::new();
    match kind {
        0x01 => {
            let number = f64::from_le_bytes(take(rest)?);
            match number.abs() {
                0.0 | 1e-5..1e17 => write!(text, "{number}").ok()?,
                _ if number.is_finite() => write!(text, "{number:e}").ok()?,
                _ => text.push_str("null"),
            }
            out.extend(text.bytes());
        }
        0x02 | 0x0d | 0x0e => quoted(string(rest)?, out),
        0x03 => nested(rest, out, depth, false)?,
        0x04 => nested(rest, out, depth, true)?,
        0x05 => {
            let len = usize::try_from(i32::from_le_bytes(take(rest)?)).ok()?;
            let [subtype] = take(rest)?;
            let (mut bytes, behind) = rest.split_at_checked(len)?;
            *rest = behind;
            if subtype == 2 {
                bytes = bytes.get(4..)?; // an older form repeats the length
            }
            match subtype {
                3 | 4 if len == 16 => {
                    let mut uuid = Vec::new();
                    moment::uuid(bytes, &mut uuid);
                    quoted(&uuid, out);
                }
                _ if std::str::from_utf8(bytes).is_ok() => quoted(bytes, out),
                _ => {
                    out.push(b'"');
                    base64(bytes, out);
                    out.push(b'"');
                }
            }
        }
        0x07 => {
            take::<12>(rest)?.iter().try_for_each(|byte| write!(text, "{byte:02x}")).ok()?;
            quoted(text.as_bytes(), out);
        }
        0x08 => out.extend_from_slice(if take::<1>(rest)? == [0] { b"false" } else { b"true" }),
        0x09 => {
            moment::timestamp(i64::from_le_bytes(take(rest)?), 1_000, &mut text);
            quoted(text.as_bytes(), out);
        }
        0x06 | 0x0a | 0x7f | 0xff => out.extend_from_slice(b"null"),
        0x0b => {
            let pattern = until_zero(rest)?;
            until_zero(rest)?;
            quoted(pattern, out);
        }
        0x0c => {
            let name = string(rest)?;
            take::<12>(rest)?;
            quoted(name, out);
        }
        0x0f => {
            take::<4>(rest)?;
            out.extend_from_slice(b"{\"code\":");
            quoted(string(rest)?, out);
            out.extend_from_slice(b",\"scope\":");
            nested(rest, out, depth, false)?;
            out.push(b'}');
        }
        0x10 => {
            write!(text, "{}", i32::from_le_bytes(take(rest)?)).ok()?;
            out.extend(text.bytes());
        }
        0x11 | 0x12 => {
            write!(text, "{}", i64::from_le_bytes(take(rest)?)).ok()?;
            out.extend(text.bytes());
        }
        0x13 => {
            decimal(u128::from_le_bytes(take(rest)?), &mut text);
            quoted(text.as_bytes(), out);
        }
        _ => return None,
    }
    Some(())
}

/// A decimal number of 128 bits in its binary form (IEEE 754-2008).
fn decimal(bits: u128, text: &mut String) {
    let (sign, combination) = (bits >> 127 == 1, (bits >> 122) as u32 & 0x1f);
    if combination >= 0x1e {
        return text.push_str("NaN");
    }
    if combination >= 0x18 {
        return text.push('0'); // more digits than the form allows
    }
    let exponent = ((bits >> 113) as i32 & 0x3fff) - 6176;
    let digits = (bits & ((1 << 113) - 1)).to_string();
    if sign {
        text.push('-');
    }
    let point = digits.len() as i32 + exponent;
    match exponent {
        0 => text.push_str(&digits),
        1..=20 => {
            text.push_str(&digits);
            (0..exponent).for_each(|_| text.push('0'));
        }
        _ if exponent < 0 && point > 0 => {
            let (whole, fraction) = digits.split_at(point as usize);
            let _ = write!(text, "{whole}.{fraction}");
        }
        _ if exponent < 0 && point > -20 => {
            let _ = write!(text, "0.{}{digits}", "0".repeat(point.unsigned_abs() as usize));
        }
        _ => {
            let _ = write!(text, "{digits}e{exponent}");
        }
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let taken = *rest.first_chunk()?;
    *rest = &rest[N..];
    Some(taken)
}

fn until_zero<'r>(rest: &mut &'r [u8]) -> Option<&'r [u8]> {
    let end = memchr::memchr(0, rest)?;
    let text = &rest[..end];
    *rest = &rest[end + 1..];
    Some(text)
}

fn string<'r>(rest: &mut &'r [u8]) -> Option<&'r [u8]> {
    let len = usize::try_from(i32::from_le_bytes(take(rest)?)).ok()?;
    let (text, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    text.strip_suffix(&[0])
}

fn quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => out.extend(format!("\\u{byte:04x}").bytes()),
            byte => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Base64 (RFC 4648, section 4), which values are searched in, too.
fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        let digit = |i: usize| DIGITS[(word >> (18 - 6 * i)) as usize & 63];
        (0..4).for_each(|i| out.push(if i <= group.len() { digit(i) } else { b'=' }));
    }
}

#[cfg(test)]
mod tests;
