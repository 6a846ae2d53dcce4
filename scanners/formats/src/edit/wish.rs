//! What an editor wants done with the records of one part, by their places in the part's own bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use residuum_source::Record;

/// What is wanted of one part.
#[derive(Default)]
pub(super) struct Wishes {
    pub format: &'static str,
    /// The formats it stands in, outermost first.
    pub around: Vec<&'static str>,
    /// Wanted records that are there.
    pub shown: BTreeSet<Record>,
    /// There are others.
    pub has_others: bool,
    /// Records other than the document were met.
    pub has_rows: bool,
    pub deletes: BTreeSet<Record>,
    /// By record, so that all or none of its replacements are made.
    pub sets: BTreeMap<Record, Vec<Set>>,
    /// Where wanted records stand.
    pub pieces: BTreeMap<Record, Vec<Piece>>,
    /// Of lists with wanted elements, how many elements they have.
    pub list_sizes: BTreeMap<u64, u64>,
}

/// A value in which something is replaced.
pub(super) struct Set {
    pub field: Arc<str>,
    /// Which of the record's values of the field it is, for formats that have no places.
    pub nth: usize,
    /// The column of the sheet, counted from 0, if it is a cell.
    pub letter: Option<u32>,
    /// Where the value stands, without quotes; of one that came in windows, only the beginning is true.
    pub raw: Range<u64>,
    /// The value, unless it came in windows.
    pub text: Option<Vec<u8>>,
    /// What is replaced, ascending.
    pub stretches: Vec<Stretch>,
}

/// A stretch of a value, whole characters of it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Where it is within the text.
    pub at: Range<usize>,
    /// Where it stands: several pieces where something stands between, as a fold or the border of a CDATA section.
    pub pieces: Vec<Range<u64>>,
    /// What stands there afterwards; nothing is null.
    pub new: Option<Vec<u8>>,
}

/// Where a record stands, or one of its pieces.
#[derive(Clone)]
pub(super) struct Piece {
    pub list: u64,
    pub bytes: Range<u64>,
    /// The end of the element before it in its list, and where the one after begins.
    pub before: Option<u64>,
    pub after: Option<u64>,
}

impl Wishes {
    pub fn is_empty(&self) -> bool {
        self.deletes.is_empty() && self.sets.is_empty()
    }

    /// Adds a piece of a record. A line whose end was not in sight is told again when it is.
    pub fn add_piece(&mut self, record: Record, piece: Piece) {
        let pieces = self.pieces.entry(record).or_default();
        pieces.retain(|known| known.bytes.start != piece.bytes.start);
        pieces.push(piece);
    }

    /// The pieces of deleted records in the order they stand.
    pub fn deleted_pieces(&self) -> Vec<(&Record, &Piece)> {
        let of = |record| self.pieces.get(record).into_iter().flatten().map(move |piece| (record, piece));
        let mut pieces: Vec<_> = self.deletes.iter().flat_map(of).collect();
        pieces.sort_by_key(|(_, piece)| piece.bytes.start);
        pieces
    }
}

impl Set {
    /// The whole value as it is to be; nothing if it is not known whole.
    pub fn new_text(&self) -> Option<Vec<u8>> {
        let mut text = self.text.clone()?;
        for stretch in self.stretches.iter().rev() {
            text.splice(stretch.at.clone(), stretch.new.iter().flatten().copied());
        }
        Some(text)
    }

    /// Whether the value becomes null.
    pub fn is_null(&self) -> bool {
        self.stretches.iter().any(|stretch| stretch.new.is_none())
    }
}
