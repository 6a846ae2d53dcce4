//! Scalars of YAML in the style they stand in, or between double quotes where that cannot hold the new value.

use std::ops::Range;

use residuum_source::Refusal;

use super::{is_number, json, lines, one_line, stretches};
use crate::edit::page::{MARGIN, Page};
use crate::edit::splice::TextSplice;
use crate::edit::unsupported;
use crate::edit::wish::{Piece, Set};

pub(super) fn value(set: &Set, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    if set.field.is_empty() || set.field.starts_with('#') {
        return stretches(set, one_line);
    }
    let (start, end, unit) = (set.raw.start, set.raw.end, page.unit());
    if is_block(page, start) {
        return stretches(set, |new| match new.first() {
            Some(b' ' | b'\t') => Err(unsupported("a block cannot begin with a space: replace it by a value without")),
            _ => one_line(new),
        });
    }
    let whole = || set.new_text().ok_or_else(|| unsupported("the value is longer than one batch"));
    // A plain scalar may end in a quote, too; it does not begin behind one.
    match page.at(start, -1) {
        Some(b'"') if page.at(end, 0) == Some(b'"') => stretches(set, |new| Ok(double_quoted(new))),
        Some(b'\'') if page.at(end, 0) == Some(b'\'') => {
            match set.stretches.iter().flat_map(|s| &s.new).all(|new| fits_single(new)) {
                true => stretches(set, |new| Ok(String::from_utf8_lossy(new).replace('\'', "''").into_bytes())),
                false => Ok(vec![(start - unit..end + unit, between_quotes(&whole()?))]),
            }
        }
        _ if set.is_null() => Ok(vec![(start..end, b"null".to_vec())]),
        _ => {
            let (old, new) = (set.text.as_deref().unwrap_or_default(), whole()?);
            let was_number = is_number(old);
            match is_plain(&new) && (was_number || !is_number(&new)) {
                true => Ok(vec![(start..end, new)]),
                false => Ok(vec![(start..end, between_quotes(&new))]),
            }
        }
    }
}

/// Whether the value is a block: the line before it ends in the mark of one.
fn is_block(page: &Page, start: u64) -> bool {
    let before = page.before(start, (MARGIN / page.unit()) as usize);
    let text = before.trim_ascii_end();
    if !before[text.len()..].contains(&b'\n') {
        return false;
    }
    let line = text.rsplit(|&b| b == b'\n').next().unwrap_or_default();
    let line = line.trim_ascii_end();
    let mark = line.iter().rev().take_while(|b| matches!(b, b'+' | b'-') || b.is_ascii_digit()).count();
    let line = &line[..line.len() - mark];
    matches!(line, [.., b' ' | b':' | b'-' | b'\t', b'|' | b'>'] | [b'|' | b'>'])
}

fn fits_single(new: &[u8]) -> bool {
    !new.iter().any(|b| *b < b' ') && std::str::from_utf8(new).is_ok()
}

/// Whether a text says itself without quotes.
fn is_plain(new: &[u8]) -> bool {
    const WORDS: [&[u8]; 9] = [b"null", b"true", b"false", b"yes", b"no", b"on", b"off", b"y", b"n"];
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80;
    let is_inner = |b: &u8| is_letter(*b) || matches!(b, b' ' | b'.' | b'_' | b'-' | b'+' | b'/' | b'@' | b'(' | b')');
    let (Some(first), Some(last)) = (new.first(), new.last()) else { return false };
    is_letter(*first)
        && *last != b' '
        && new.iter().all(is_inner)
        && std::str::from_utf8(new).is_ok()
        && !WORDS.iter().any(|word| new.eq_ignore_ascii_case(word))
        // `0x1f` and `1_000` are numbers to some.
        && (!first.is_ascii_digit() || is_number(new) || new.iter().any(|b| matches!(b, b' ' | b'@')))
}

fn between_quotes(new: &[u8]) -> Vec<u8> {
    [b"\"", double_quoted(new).as_slice(), b"\""].concat()
}

/// What stands between double quotes for a value.
pub(super) fn double_quoted(new: &[u8]) -> Vec<u8> {
    let mut written = Vec::with_capacity(new.len());
    for c in String::from_utf8_lossy(new).chars() {
        match c {
            '"' | '\\' => written.extend([b'\\', c as u8]),
            '\n' => written.extend(b"\\n"),
            '\r' => written.extend(b"\\r"),
            '\t' => written.extend(b"\\t"),
            _ if c.is_control() => written.extend(format!("\\u{:04x}", u32::from(c)).bytes()),
            _ => written.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    written
}

/// Takes elements out: whole lines of block sequences and documents, elements with their comma of flow sequences.
pub(super) fn cut<'p>(pieces: impl Iterator<Item = &'p Piece>, page: &Page) -> Vec<Range<u64>> {
    let (of_lines, of_flow): (Vec<_>, Vec<_>) = pieces.partition(|piece| piece.list == 0);
    let mut cuts = lines::cut(of_lines.into_iter(), page, b'\n');
    cuts.extend(json::list(of_flow.into_iter()));
    cuts.sort_by_key(|cut| cut.start);
    cuts
}
