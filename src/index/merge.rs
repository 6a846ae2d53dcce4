//! Walks over several segments at once, in canonical order.

use super::error::Result;
use super::segment::{Cursor, Ranks};

/// Cursors merged by the names of what they stand on.
pub(super) struct Merge<'r> {
    cursors: Vec<Cursor>,
    /// The cursors that are not at their end, the one that comes first last.
    order: Vec<usize>,
    ranks: &'r Ranks,
}

impl<'r> Merge<'r> {
    pub(super) fn new(cursors: Vec<Cursor>, ranks: &'r Ranks) -> Result<Self> {
        let mut merge = Self { order: Vec::with_capacity(cursors.len()), cursors, ranks };
        for number in 0..merge.cursors.len() {
            if merge.cursors[number].fill()? {
                merge.insert(number);
            }
        }
        Ok(merge)
    }

    /// The cursor that stands on the next row, with its position among those given.
    pub(super) fn peek(&self) -> Option<(usize, &Cursor)> {
        self.order.last().map(|&number| (number, &self.cursors[number]))
    }

    /// Leaves the row that [`Merge::peek`] gives.
    pub(super) fn advance(&mut self) -> Result<()> {
        let Some(&number) = self.order.last() else { return Ok(()) };
        let more = self.cursors[number].next()?;
        // Objects seldom lie in several segments, so that mostly the same cursor goes on.
        if more && self.order.len() > 1 && self.comes_after(number, self.order[self.order.len() - 2]) {
            self.order.pop();
            self.insert(number);
        } else if !more {
            self.order.pop();
        }
        Ok(())
    }

    fn insert(&mut self, number: usize) {
        let at = self.order.partition_point(|&other| self.comes_after(other, number));
        self.order.insert(at, number);
    }

    fn comes_after(&self, a: usize, b: usize) -> bool {
        let (x, y) = (&self.cursors[a], &self.cursors[b]);
        self.ranks.compare(&x.block, x.at, &y.block, y.at).then(a.cmp(&b)).is_gt()
    }
}
