//! Cells of separated values: quotes where the new value needs them.

use residuum_source::{Refusal, RefusalKind};

use super::stretches;
use crate::csv::Dialect;
use crate::edit::page::Page;
use crate::edit::splice::TextSplice;
use crate::edit::unsupported;
use crate::edit::wish::Set;

pub(super) fn value(set: &Set, dialect: &Dialect, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    let is_quoted = dialect.quote.is_some() && page.at(set.raw.start, -1) == dialect.quote;
    let whole = set.new_text();
    // Something behind the closing quote belongs to the value, too: such a cell is written anew.
    let is_simple = match &whole {
        Some(_) => page.at(set.raw.end, 0) == dialect.quote,
        None => true,
    };
    if is_quoted && is_simple {
        return stretches(set, |new| Ok(doubled(new, dialect)));
    }
    let needs = |new: &[u8]| needs_quotes(new, dialect);
    match &whole {
        Some(whole) if is_quoted || needs(whole) => {
            let Some(quote) = dialect.quote else { return Err(no_quotes()) };
            let begin = set.raw.start - if is_quoted { page.unit() } else { 0 };
            let cell = [&[quote], doubled(whole, dialect).as_slice(), &[quote]].concat();
            Ok(vec![(begin..set.raw.end, cell)])
        }
        None if set.stretches.iter().flat_map(|stretch| &stretch.new).any(|new| needs(new)) => {
            let reason = "the cell is longer than one batch and has no quotes, which the new value needs: replace it by \
                          one without separators, quotes and line breaks";
            Err(Refusal::new(RefusalKind::Limit, reason))
        }
        _ => stretches(set, |new| Ok(new.to_vec())),
    }
}

/// Why a value cannot be written into a file that has no quotes.
fn no_quotes() -> Refusal {
    unsupported(
        "the file has no quotes, so that a value with a separator or line break cannot be written: replace it by one without",
    )
}

fn needs_quotes(new: &[u8], dialect: &Dialect) -> bool {
    let special = |b: &u8| *b == dialect.delimiter || matches!(*b, b'\n' | b'\r') || Some(*b) == dialect.quote;
    // The one cell of a line must not become an empty line, which is no row.
    new.iter().any(special) || (new.is_empty() && dialect.width == 1)
}

/// What stands between quotes for a value.
fn doubled(new: &[u8], dialect: &Dialect) -> Vec<u8> {
    let mut written = Vec::with_capacity(new.len());
    for &b in new {
        if Some(b) == dialect.quote || (dialect.backslash && b == b'\\') {
            written.push(b);
        }
        written.push(b);
    }
    written
}
