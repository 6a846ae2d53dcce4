//! SQL dumps: literals as the dialect writes them, rows with their comma, statements that have none left.

use std::collections::BTreeMap;
use std::ops::Range;

use residuum_source::{Record, Refusal};

use super::{is_number, json, lines, one_line, stretches};
use crate::edit::page::Page;
use crate::edit::splice::TextSplice;
use crate::edit::unsupported;
use crate::edit::wish::{Piece, Set, Wishes};
use crate::sql::List;

pub(super) fn value(
    set: &Set,
    piece: Option<&Piece>,
    backslash: bool,
    page: &Page,
) -> Result<Vec<TextSplice>, Refusal> {
    if set.field.is_empty() {
        return stretches(set, |new| match new.iter().any(|b| matches!(b, b'\'' | b'"' | b'`' | b'\\' | b';')) {
            true => {
                Err(unsupported("what stands in a statement that is no row is replaced only by text without quotes"))
            }
            false => one_line(new),
        });
    }
    if piece.is_some_and(|piece| List::of(piece.list) == List::Copy) {
        return copied(set);
    }
    literal(set, backslash, page)
}

/// A cell of a `COPY`.
fn copied(set: &Set) -> Result<Vec<TextSplice>, Refusal> {
    if set.is_null() {
        return Ok(vec![(set.raw.clone(), b"\\N".to_vec())]);
    }
    stretches(set, |new| {
        let mut written = Vec::with_capacity(new.len());
        for &b in new {
            match b {
                b'\\' => written.extend(b"\\\\"),
                b'\t' => written.extend(b"\\t"),
                b'\n' => written.extend(b"\\n"),
                b'\r' => written.extend(b"\\r"),
                8 => written.extend(b"\\b"),
                11 => written.extend(b"\\v"),
                12 => written.extend(b"\\f"),
                _ => written.push(b),
            }
        }
        Ok(written)
    })
}

/// A literal of an `INSERT`.
fn literal(set: &Set, backslash: bool, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    let (start, end, unit) = (set.raw.start, set.raw.end, page.unit());
    let quote = page.at(start, -1).filter(|b| matches!(b, b'\'' | b'"'));
    let word = |from: i64| {
        let letters =
            (from..64).map_while(|i| page.at(start, -i)).take_while(|b| b.is_ascii_alphanumeric() || *b == b'_');
        let mut word: Vec<u8> = letters.collect();
        word.reverse();
        word.to_ascii_uppercase()
    };
    let prefix = if quote.is_some() { word(2) } else { word(1) };
    let is_hex = (quote.is_some() && prefix == b"X") || (quote.is_none() && prefix == b"0X");
    let before = match quote {
        Some(_) => 1 + prefix.len() as u64,
        None if is_hex => 2,
        None => 0,
    };
    let around = start - before * unit..end + u64::from(quote.is_some()) * unit;
    if set.is_null() {
        return Ok(vec![(around, b"NULL".to_vec())]);
    }
    if is_hex {
        return stretches(set, |new| Ok(new.iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect()));
    }
    let Some(quote) = quote else {
        let (Some(old), Some(new)) = (&set.text, set.new_text()) else {
            return Err(unsupported("the value is longer than one batch and no string"));
        };
        if !is_number(old) && set.stretches.iter().any(|stretch| stretch.at != (0..old.len())) {
            return Err(unsupported("it stands within an expression: replace the value as a whole"));
        }
        let written =
            if is_number(&new) { new } else { [b"'", quoted(&new, b'\'', backslash)?.as_slice(), b"'"].concat() };
        return Ok(vec![(start..end, written)]);
    };
    let backslash = backslash || prefix == b"E";
    stretches(set, |new| quoted(new, quote, backslash))
}

/// What stands between quotes for a value.
fn quoted(new: &[u8], quote: u8, backslash: bool) -> Result<Vec<u8>, Refusal> {
    let mut written = Vec::with_capacity(new.len());
    for &b in new {
        match b {
            _ if b == quote => written.extend([b, b]),
            b'\\' if backslash => written.extend(b"\\\\"),
            0 if backslash => written.extend(b"\\0"),
            b'\n' if backslash => written.extend(b"\\n"),
            b'\r' if backslash => written.extend(b"\\r"),
            0 => return Err(unsupported("a zero byte cannot be written into this dump")),
            _ => written.push(b),
        }
    }
    Ok(written)
}

/// Takes rows out with their comma, or with the statement that has no others; lines of a `COPY`; lines of text.
pub(super) fn cut(wishes: &Wishes, pieces: &[(&Record, &Piece)], page: &Page) -> Vec<Range<u64>> {
    let mut gone: BTreeMap<u64, u64> = BTreeMap::new();
    for (_, piece) in pieces {
        *gone.entry(piece.list).or_default() += 1;
    }
    let is_row = |piece: &Piece| matches!(List::of(piece.list), List::Insert { .. });
    let is_all = |list: u64| wishes.list_sizes.get(&list) == gone.get(&list);
    let rows = pieces.iter().map(|(_, piece)| *piece).filter(|piece| is_row(piece) && !is_all(piece.list));
    let mut cuts = json::list(rows);
    for &list in gone.keys().filter(|list| is_all(**list)) {
        let List::Insert { at } = List::of(list) else { continue };
        let last = pieces.iter().filter(|(_, piece)| piece.list == list).map(|(_, piece)| piece.bytes.end).max();
        cuts.push(at..statement_end(last.unwrap_or(at), page));
    }
    cuts.extend(lines::cut(pieces.iter().map(|(_, piece)| *piece).filter(|piece| !is_row(piece)), page, b'\n'));
    cuts.sort_by_key(|cut| cut.start);
    cuts
}

/// Where a statement ends whose last row ends there, its line end included.
fn statement_end(row_end: u64, page: &Page) -> u64 {
    let after = page.after(row_end, 1024);
    // What may stand behind the rows, as `ON CONFLICT`, has no strings in what dumps write.
    let Some(semicolon) = after.iter().position(|&b| b == b';') else { return row_end };
    let rest = &after[semicolon + 1..];
    let line_end = match rest {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    };
    row_end + (semicolon + 1 + line_end) as u64 * page.unit()
}
