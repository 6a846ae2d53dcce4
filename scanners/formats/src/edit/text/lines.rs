//! Lines: of text and logs, of tables, of blocks.

use std::ops::Range;

use residuum_source::Refusal;

use super::{one_line, stretches};
use crate::edit::page::Page;
use crate::edit::splice::TextSplice;
use crate::edit::wish::{Piece, Set};

/// Takes lines out with their ends. Where a file has no line end at its end, it has none afterwards.
pub(super) fn cut<'p>(pieces: impl Iterator<Item = &'p Piece>, page: &Page, newline: u8) -> Vec<Range<u64>> {
    let mut cuts: Vec<Range<u64>> = Vec::new();
    for piece in pieces {
        match cuts.last_mut() {
            Some(last) if piece.bytes.start <= last.end => last.end = last.end.max(piece.bytes.end),
            _ => cuts.push(piece.bytes.clone()),
        }
    }
    if let Some(last) = cuts.last_mut()
        && last.end >= page.len
        && page.at(last.end, -1) != Some(newline)
    {
        last.start -= page.line_end_before(last.start, newline) * page.unit();
    }
    cuts
}

/// Replaces stretches of lines.
pub(super) fn value(set: &Set) -> Result<Vec<TextSplice>, Refusal> {
    stretches(set, one_line)
}
