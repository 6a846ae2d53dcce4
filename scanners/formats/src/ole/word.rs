//! The text of a Word document of 1997 to 2003 (MS-DOC 2.4.1), by its pieces.
//!
//! The text holds everything: the document, footnotes, headers, comments, text boxes, and what was deleted while changes
//! were tracked. Pieces that a fast save left behind, to which nothing refers, are not read.

use std::ops::ControlFlow;

use residuum_source::{Logical, RecordKind, Sink, Stop};

use super::compound::{Compound, u16_at, u32_at, utf16};
use crate::Fault;
use crate::values::{Key, Values};

/// Reads the paragraphs of a document.
pub(super) fn read(
    compound: &Compound<'_>,
    values: &mut Values<'_>,
    sink: &mut dyn Sink,
) -> ControlFlow<Stop, Result<(), Fault>> {
    let text = match text(compound) {
        Ok(text) => text,
        Err(fault) => return ControlFlow::Continue(Err(fault)),
    };
    let mut number = 0;
    // A paragraph ends with a carriage return, a cell with 7, a page or section with a form feed.
    for paragraph in text.split(['\r', '\x07', '\x0c']) {
        // Fields stand as 19, instruction, 20, result, 21.
        let shown =
            paragraph.replace(['\x13', '\x14', '\x15', '\x01', '\x02', '\x05', '\x08'], " ").replace('\x0b', "\n");
        let shown = shown.replace('\x1e', "-").replace('\x1f', "");
        if shown.trim().is_empty() {
            continue;
        }
        number += 1;
        values.begin(Key::Name(RecordKind::Part, format!("paragraph {number}")), sink)?;
        values.value("", Logical::Text, shown.trim().as_bytes(), sink)?;
    }
    ControlFlow::Continue(Ok(()))
}

fn text(compound: &Compound<'_>) -> Result<String, Fault> {
    let damaged = || Fault::unreadable("it is damaged: its text cannot be found");
    let document = compound.stream("WordDocument").ok_or_else(damaged)?;
    let flags = u16_at(&document, 10);
    if flags & 0x0100 != 0 {
        return Err(Fault::unreadable("it is encrypted; save it without a password to have it read"));
    }
    if u16_at(&document, 2) < 0x00c0 {
        return Err(Fault::unsupported("a document of Word 95 or older cannot be read; save it in a newer format"));
    }
    let table = compound.stream(if flags & 0x0200 != 0 { "1Table" } else { "0Table" }).ok_or_else(damaged)?;
    let (start, len) = (u32_at(&document, 0x1a2) as usize, u32_at(&document, 0x1a6) as usize);
    let mut rest = table.get(start..start.saturating_add(len)).ok_or_else(damaged)?;
    // Properties come before the table of pieces.
    while let [1, ..] = rest {
        rest = rest.get(3 + usize::from(u16_at(rest, 1))..).ok_or_else(damaged)?;
    }
    let [2, ..] = rest else { return Err(damaged()) };
    let pieces = rest.get(5..5 + (u32_at(rest, 1) as usize).min(rest.len() - 5)).ok_or_else(damaged)?;
    let count = pieces.len().saturating_sub(4) / 12;
    let mut text = String::new();
    for i in 0..count {
        let letters = u32_at(pieces, 4 * i + 4).saturating_sub(u32_at(pieces, 4 * i)) as usize;
        let place = u32_at(pieces, 4 * (count + 1) + 8 * i + 2);
        let is_narrow = place & 0x4000_0000 != 0;
        let at = (place & 0x3fff_ffff) as usize;
        let (at, bytes) = if is_narrow { (at / 2, letters) } else { (at, letters.saturating_mul(2)) };
        let Some(piece) = document.get(at.min(document.len())..at.saturating_add(bytes).min(document.len())) else {
            continue;
        };
        // No document has more text than bytes; one piece may be named any number of times.
        if text.len() > 4 * document.len() {
            return Err(damaged());
        }
        match is_narrow {
            true => text.extend(piece.iter().map(|byte| windows_1252(*byte))),
            false => text.push_str(&utf16(piece)),
        }
    }
    Ok(text)
}

/// Bytes of text as Windows writes it in the West.
pub(super) fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte) - 0x80],
        byte => char::from(byte),
    }
}
