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

/// Takes out of the wishes the rows that cannot be taken out of their statement, and says why.
pub(super) fn check(wishes: &mut Wishes, page: &Page, refuse: &mut dyn FnMut(&Record, Refusal)) {
    let shared = "other text or rows stand on the same line: delete the row by hand, or replace its values";
    // The end of a row's line, where the statement goes on behind it, is read as text.
    let is_blank = |piece: &Piece| {
        let characters = (piece.bytes.end - piece.bytes.start) / page.unit();
        page.after(piece.bytes.start, characters as usize).iter().all(u8::is_ascii_whitespace)
    };
    for pieces in wishes.pieces.values_mut().filter(|pieces| pieces.len() > 1) {
        pieces.retain(|piece| is_row(piece) || !is_blank(piece));
    }
    let is_shared = |record: &Record| wishes.pieces.get(record).is_some_and(|pieces| pieces.len() > 1);
    let mut refused: Vec<(Record, &str)> =
        wishes.deletes.iter().filter(|record| is_shared(record)).map(|record| (record.clone(), shared)).collect();
    for (record, _) in &refused {
        wishes.deletes.remove(record);
    }
    let pieces = wishes.deleted_pieces();
    let open: Vec<u64> = whole_statements(wishes, &pieces)
        .into_iter()
        .filter(|(_, row_end)| statement_end(*row_end, page).is_none())
        .map(|(list, _)| list)
        .collect();
    let more = "no row of its statement would be left, and more than a semicolon stands behind them: delete the statement by hand";
    let of_open = pieces.iter().filter(|(_, piece)| open.contains(&piece.list));
    refused.extend(of_open.map(|(record, _)| ((*record).clone(), more)));
    for (record, reason) in refused {
        wishes.deletes.remove(&record);
        refuse(&record, unsupported(reason));
    }
}

/// Takes rows out with their comma, or with the statement that has no others; lines of a `COPY`; lines of text.
pub(super) fn cut(wishes: &Wishes, pieces: &[(&Record, &Piece)], page: &Page) -> Vec<Range<u64>> {
    let whole = whole_statements(wishes, pieces);
    let rows = pieces.iter().map(|(_, piece)| *piece);
    let mut cuts = json::list(rows.filter(|piece| is_row(piece) && !whole.contains_key(&piece.list)));
    for (&list, &row_end) in &whole {
        let List::Insert { at } = List::of(list) else { continue };
        cuts.push(at..statement_end(row_end, page).unwrap_or(row_end));
    }
    cuts.extend(lines::cut(pieces.iter().map(|(_, piece)| *piece).filter(|piece| !is_row(piece)), page, b'\n'));
    cuts.sort_by_key(|cut| cut.start);
    cuts
}

fn is_row(piece: &Piece) -> bool {
    matches!(List::of(piece.list), List::Insert { .. })
}

/// The statements of which all rows go, with where the last of them ends.
fn whole_statements(wishes: &Wishes, pieces: &[(&Record, &Piece)]) -> BTreeMap<u64, u64> {
    let mut gone: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for (_, piece) in pieces.iter().filter(|(_, piece)| is_row(piece)) {
        let (count, end) = gone.entry(piece.list).or_default();
        (*count, *end) = (*count + 1, piece.bytes.end.max(*end));
    }
    let is_all = |list: &u64, count: u64| wishes.list_sizes.get(list) == Some(&count);
    gone.into_iter().filter(|(list, (count, _))| is_all(list, *count)).map(|(list, (_, end))| (list, end)).collect()
}

/// Where a statement ends whose last row ends there, its line end included; nothing if more stands behind the row, as
/// `ON CONFLICT`, in which a semicolon may be part of a string.
fn statement_end(row_end: u64, page: &Page) -> Option<u64> {
    let after = page.after(row_end, 1024);
    let blanks = after.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let rest = match after.get(blanks) {
        Some(b';') => &after[blanks + 1..],
        None if row_end + blanks as u64 * page.unit() == page.len => return Some(row_end),
        _ => return None,
    };
    let line_end = match rest {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    };
    Some(row_end + (blanks + 1 + line_end) as u64 * page.unit())
}
