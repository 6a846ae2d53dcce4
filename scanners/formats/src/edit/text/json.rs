//! JSON: strings, numbers and null in place; elements with the comma that separates them.

use std::ops::Range;

use residuum_source::{Record, RecordKind, Refusal};

use super::{is_number, lines, one_line, stretches};
use crate::Encoding;
use crate::edit::page::{MARGIN, Page};
use crate::edit::splice::{TextSplice, can_encode};
use crate::edit::unsupported;
use crate::edit::wish::{Piece, Set};

pub(super) fn value(set: &Set, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    if set.field.is_empty() {
        // What is not JSON was read as text.
        return stretches(set, one_line);
    }
    let (start, end, unit) = (set.raw.start, set.raw.end, page.unit());
    let is_string = page.at(start, -1) == Some(b'"');
    let is_key = set.field.ends_with("{key}");
    if set.is_null() {
        return match (is_key, is_string) {
            (true, _) => Err(unsupported("a key cannot be null: replace it, or delete the record")),
            (false, true) => Ok(vec![(start - unit..end + unit, b"null".to_vec())]),
            (false, false) => Ok(vec![(start..end, b"null".to_vec())]),
        };
    }
    if is_string {
        return stretches(set, |new| Ok(escaped(new, page)));
    }
    let Some(new) = set.new_text() else {
        return Err(unsupported("the value is longer than one batch and no string"));
    };
    let written = if is_number(&new) { new } else { [b"\"", escaped(&new, page).as_slice(), b"\""].concat() };
    Ok(vec![(start..end, written)])
}

/// What stands between the quotes of a string.
fn escaped(new: &[u8], page: &Page) -> Vec<u8> {
    let mut written = Vec::with_capacity(new.len());
    for chunk in new.utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut utf8 = [0; 4];
            let text = c.encode_utf8(&mut utf8);
            match c {
                '"' | '\\' => written.extend([b'\\', c as u8]),
                '\n' => written.extend(b"\\n"),
                '\r' => written.extend(b"\\r"),
                '\t' => written.extend(b"\\t"),
                '\0'..='\x1f' => written.extend(format!("\\u{:04x}", u32::from(c)).bytes()),
                _ if page.encoding != Encoding::Utf8 && !can_encode(text, page.encoding) => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        written.extend(format!("\\u{unit:04x}").bytes());
                    }
                }
                _ => written.extend(text.bytes()),
            }
        }
        written.extend(chunk.invalid());
    }
    written
}

/// Takes elements out of arrays with a comma, and values out of sequences with their lines.
pub(super) fn cut(pieces: &[(&Record, &Piece)], page: &Page) -> Vec<Range<u64>> {
    let (of_lines, of_lists): (Vec<_>, Vec<_>) =
        pieces.iter().partition(|(record, _)| record.kind() == RecordKind::Line);
    let mut cuts = list(of_lists.iter().map(|(_, piece)| *piece));
    cuts.extend(sequence(of_lines.iter().map(|(_, piece)| *piece), page));
    cuts.sort_by_key(|cut| cut.start);
    cuts
}

/// Takes elements of lists out with what separates them.
pub(super) fn list<'p>(pieces: impl Iterator<Item = &'p Piece>) -> Vec<Range<u64>> {
    let mut groups: Vec<(Piece, &Piece)> = Vec::new();
    for piece in pieces {
        match groups.last_mut() {
            Some((_, last)) if last.list == piece.list && piece.before == Some(last.bytes.end) => *last = piece,
            _ => groups.push((piece.clone(), piece)),
        }
    }
    let range = |(first, last): (Piece, &Piece)| match (first.before, last.after) {
        (Some(before), _) => before..last.bytes.end,
        (None, Some(after)) => first.bytes.start..after,
        (None, None) => first.bytes.start..last.bytes.end,
    };
    groups.into_iter().map(range).collect()
}

/// Takes values of a sequence out, with their lines where nothing else stands on these.
fn sequence<'p>(pieces: impl Iterator<Item = &'p Piece>, page: &Page) -> Vec<Range<u64>> {
    let unit = page.unit();
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b',' | 0x1e);
    let mut cuts: Vec<Range<u64>> = Vec::new();
    for piece in pieces {
        let before = page.before(piece.bytes.start, (MARGIN / unit) as usize);
        let spaces = before.iter().rev().take_while(|b| blank(b)).count() as u64;
        let begin = piece.bytes.start - spaces * unit;
        match cuts.last_mut() {
            Some(last) if begin <= last.end => last.end = piece.bytes.end,
            _ => {
                let begins = begin == 0 || page.at(begin, -1).is_none_or(|b| b == b'\n' || (b == 0xff && begin <= 3));
                cuts.push(if begins { begin } else { piece.bytes.start }..piece.bytes.end);
            }
        }
    }
    let whole = |cut: Range<u64>| {
        let after = page.after(cut.end, (MARGIN / unit) as usize);
        let spaces = after.iter().take_while(|b| blank(b)).count();
        let begins = cut.start == 0 || page.at(cut.start, -1).is_none_or(|b| b == b'\n' || b == 0xff);
        let end = match after.get(spaces) {
            Some(b'\n') => cut.end + (spaces as u64 + 1) * unit,
            None if cut.end + spaces as u64 * unit >= page.len => page.len,
            _ => cut.end,
        };
        let bytes = cut.start..if begins { end } else { cut.end };
        Piece { list: 0, bytes, before: None, after: None }
    };
    let pieces: Vec<Piece> = cuts.into_iter().map(whole).collect();
    let is_end = |piece: &Piece| piece.bytes.end >= page.len;
    // A last line without an end takes the end of the line before it along.
    lines::cut(pieces.iter().filter(|piece| !is_end(piece)), page, b'\n')
        .into_iter()
        .chain(lines::cut(pieces.iter().filter(|piece| is_end(piece)), page, b'\n'))
        .collect()
}
