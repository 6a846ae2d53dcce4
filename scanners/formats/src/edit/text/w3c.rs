//! Fields of W3C logs: one word each, and a `-` for nothing.

use residuum_source::Refusal;

use super::{one_line, stretches};
use crate::edit::page::Page;
use crate::edit::splice::TextSplice;
use crate::edit::wish::Set;

pub(super) fn value(set: &Set, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    if set.field.is_empty() || set.field.starts_with('#') {
        return stretches(set, one_line);
    }
    let by_tab = page.at(set.raw.start, -1) == Some(b'\t') || page.at(set.raw.end, 0) == Some(b'\t');
    let word = |new: &[u8]| {
        let mut new = one_line(new)?;
        // IIS writes a `+` for a space in a field.
        new.iter_mut().filter(|b| **b == b'\t' || (**b == b' ' && !by_tab)).for_each(|b| *b = b'+');
        Ok(new)
    };
    match set.new_text() {
        Some(whole) if whole.is_empty() => Ok(vec![(set.raw.clone(), b"-".to_vec())]),
        _ => stretches(set, word),
    }
}
