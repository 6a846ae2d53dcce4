//! Segments: batches of findings that never change, each as two Parquet files.
//!
//! `records` holds the findings in canonical order, one row each; `prints` holds, sorted by fingerprint, under
//! which fingerprints and schemes which row is found. Pages are short and indexed, so that a look-up decodes a
//! page or two of each. There are no Bloom filters: they would be written in the clear, and fingerprints are
//! dense enough to be found by binary search. This folder knows nothing of the catalog or of names.

mod file;
mod order;
mod pages;
mod prints;
mod records;
mod sum;
mod write;

pub(super) use order::{Ranks, canonical, sort_prints};
pub(super) use prints::{PrintStream, Prints};
pub(super) use records::{Cursor, Records, Selection};
pub(super) use sum::FileSum;
pub(super) use write::{PrintsWriter, RecordsWriter};

use std::path::{Path, PathBuf};

use residuum_detect::Fingerprint;

/// Rows of a page; a look-up decodes so many values of a column.
const PAGE_ROWS: usize = 4096;
/// Rows of a row group, which is what a writer holds in memory.
pub(super) const GROUP_ROWS: usize = 1 << 20;

/// Under which fingerprint a row is found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Print {
    pub(super) fp: Fingerprint,
    pub(super) kind: u8,
    pub(super) scheme: u8,
    /// The row in the `records` file.
    pub(super) row: u32,
}

pub(super) fn records_file(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:012}.records.parquet"))
}

pub(super) fn prints_file(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:012}.prints.parquet"))
}

/// Whether equal fingerprints stand close together so often that compressing them pays.
fn repeats<R>(rows: &[R], fp: impl Fn(&R) -> Fingerprint) -> bool {
    let mut sample: Vec<_> = rows.iter().take(PAGE_ROWS).map(fp).collect();
    let all = sample.len();
    sample.sort_unstable();
    sample.dedup();
    sample.len() * 10 < all * 8
}

#[cfg(test)]
mod tests;
