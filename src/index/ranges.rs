//! Arithmetic on rows of a segment: ascending ranges that neither touch nor overlap.

use std::ops::Range;

use hashbrown::HashSet;

use super::segment::Selection;

/// Sorts ranges and joins those that touch.
pub(super) fn joined(ranges: &mut Selection) {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let touch = next.start <= last.end;
        if touch {
            last.end = last.end.max(next.end);
        }
        touch
    });
}

/// A range without other ranges.
pub(super) fn without(all: Range<u32>, holes: &[Range<u32>]) -> Selection {
    let mut kept = Selection::new();
    let mut start = all.start;
    for hole in holes {
        let end = hole.start.min(all.end);
        if start < end {
            kept.push(start..end);
        }
        start = start.max(hole.end);
    }
    if start < all.end {
        kept.push(start..all.end);
    }
    kept
}

/// Whether a row lies in one of some ranges.
pub(super) fn holds(ranges: &[Range<u32>], row: u32) -> bool {
    let at = ranges.partition_point(|range| range.end <= row);
    ranges.get(at).is_some_and(|range| range.start <= row)
}

/// Rows as ranges.
pub(super) fn ranges(rows: impl IntoIterator<Item = u32>) -> Selection {
    let distinct: HashSet<u32> = rows.into_iter().collect();
    let mut ranges: Selection = distinct.into_iter().map(|row| row..row + 1).collect();
    joined(&mut ranges);
    ranges
}

/// What lies in both of two selections.
pub(super) fn intersection(a: &[Range<u32>], b: &[Range<u32>]) -> Selection {
    let mut common = Selection::new();
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let (start, end) = (x.start.max(y.start), x.end.min(y.end));
        if start < end {
            common.push(start..end);
        }
        if x.end < y.end { i += 1 } else { j += 1 }
    }
    common
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_ranges() -> impl Strategy<Value = Selection> {
        proptest::collection::vec((0u32..60, 1u32..9), 0..8).prop_map(|ranges| {
            let mut ranges = ranges.into_iter().map(|(start, length)| start..start + length).collect();
            joined(&mut ranges);
            ranges
        })
    }

    proptest! {
        #[test]
        fn ranges_are_sets_of_rows(a in any_ranges(), b in any_ranges()) {
            let within = |set: &Selection, row: u32| set.iter().any(|range| range.contains(&row));
            let (rest, both) = (without(5..50, &a), intersection(&a, &b));
            for set in [&a, &rest, &both] {
                prop_assert!(set.iter().all(|range| range.start < range.end));
                prop_assert!(set.windows(2).all(|pair| pair[0].end <= pair[1].start));
            }
            for row in 0..80 {
                prop_assert_eq!(holds(&a, row), within(&a, row));
                prop_assert_eq!(holds(&rest, row), (5..50).contains(&row) && !within(&a, row));
                prop_assert_eq!(holds(&both, row), within(&a, row) && within(&b, row));
            }
            let rows = (0..80).filter(|&row| within(&a, row));
            prop_assert_eq!(ranges(rows), a.clone());
        }
    }
}
