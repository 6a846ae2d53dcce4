//! From positions in decoded bytes back to positions in the bytes as they stand.

/// A stretch of decoded bytes whose characters have one width before and one after decoding.
///
/// Plain UTF-8 is one run of `raw_width` 1 and `width` 1; the ASCII part of a UTF-16 file has `raw_width` 2;
/// the escape `\u0040` is a run of one character with `raw_width` 6.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// First decoded byte of the run.
    pub start: u32,
    /// Bytes of one character after decoding.
    pub width: u16,
    /// Bytes of one character as it stands.
    pub raw_width: u16,
    /// Position of the run's first character as it stands.
    pub raw: u64,
}

/// A piecewise linear map from decoded offsets to raw positions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OffsetMap {
    runs: Vec<Run>,
}

impl OffsetMap {
    /// Decoded bytes that stand unchanged from position `raw` on.
    pub fn linear(raw: u64) -> Self {
        Self { runs: vec![Run { start: 0, width: 1, raw_width: 1, raw }] }
    }

    /// Makes room for `n` more runs.
    pub fn reserve(&mut self, n: usize) {
        self.runs.reserve(n);
    }

    /// Adds a run that starts at decoded offset `start`, which must not lie before the last one.
    ///
    /// A run that merely continues the last one is not stored.
    #[inline]
    pub fn push(&mut self, run: Run) {
        if let Some(last) = self.runs.last_mut() {
            debug_assert!(last.start <= run.start, "runs come in order");
            if last.start == run.start {
                *last = run;
                return;
            }
            let continues = last.width == run.width
                && last.raw_width == run.raw_width
                && (last.width == 1 || (run.start - last.start).is_multiple_of(u32::from(last.width)))
                && last.raw + raw_distance(last, run.start) == run.raw;
            if continues {
                return;
            }
        }
        self.runs.push(run);
    }

    /// The raw position of the character that holds decoded byte `at`.
    pub fn start(&self, at: u32) -> u64 {
        match self.run_at(at) {
            Some(run) => run.raw + raw_distance(run, at),
            None => u64::from(at),
        }
    }

    /// The raw position just past the character that holds decoded byte `end - 1`.
    pub fn end(&self, end: u32) -> u64 {
        let Some(last) = end.checked_sub(1) else {
            return self.start(0);
        };
        match self.run_at(last) {
            Some(run) => run.raw + raw_distance(run, last) + u64::from(run.raw_width),
            None => u64::from(end),
        }
    }

    /// The map of the decoded bytes from `from` on, counted from there.
    #[must_use]
    pub fn slice(&self, from: u32, to: u32) -> Self {
        let mut runs = Vec::new();
        let after = self.runs.partition_point(|run| run.start <= from);
        if let Some(run) = self.run_at(from) {
            let raw = run.raw + raw_distance(run, from);
            let past = from.saturating_sub(run.start) % u32::from(run.width.max(1));
            let left = u32::from(run.width) - past;
            if past > 0 {
                // Cut within a character, or a group of Base64: what is left of it still stands where all of it does.
                runs.push(Run { start: 0, width: left as u16, raw_width: run.raw_width, raw });
            }
            let start = if past > 0 { left } else { 0 };
            let end = self.runs.get(after).map_or(to, |next| next.start.min(to));
            if past == 0 || from + start < end {
                let raw = raw + if past > 0 { u64::from(run.raw_width) } else { 0 };
                runs.push(Run { start, raw, ..*run });
            }
        }
        for run in self.runs[after..].iter().take_while(|run| run.start < to) {
            runs.push(Run { start: run.start - from, ..*run });
        }
        Self { runs }
    }

    /// The runs, in order.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    fn run_at(&self, at: u32) -> Option<&Run> {
        if let [only] = self.runs.as_slice() {
            return Some(only);
        }
        let after = self.runs.partition_point(|run| run.start <= at);
        after.checked_sub(1).map(|i| &self.runs[i])
    }
}

/// Looks up ascending positions of a map, each in a step or two where [`OffsetMap::start`] would search.
///
/// A position before the last one is found, too, only not as fast.
#[derive(Clone, Debug)]
pub struct Ascending<'m> {
    map: &'m OffsetMap,
    at: usize,
}

impl<'m> Ascending<'m> {
    /// Starts at the beginning of a map.
    pub fn new(map: &'m OffsetMap) -> Self {
        Self { map, at: 0 }
    }

    /// The raw positions of the decoded bytes `start..end`.
    #[inline]
    pub fn range(&mut self, start: u32, end: u32) -> (u64, u64) {
        const STEPS: usize = 8;
        let runs = self.map.runs.as_slice();
        let is_past = |at: usize, position: u32| runs.get(at + 1).is_none_or(|next| next.start > position);
        let is_behind = runs.get(self.at).is_none_or(|run| run.start > start);
        let found = (self.at..self.at + STEPS).find(|&at| is_past(at, start));
        self.at = match found {
            Some(at) if !is_behind => at,
            _ => runs.partition_point(|run| run.start <= start).saturating_sub(1),
        };
        let Some(run) = runs.get(self.at).filter(|run| run.start <= start) else {
            return (self.map.start(start), self.map.end(end));
        };
        let raw_start = run.raw + raw_distance(run, start);
        let raw_end = match end.checked_sub(1) {
            Some(last) if last >= start && is_past(self.at, last) => {
                run.raw + raw_distance(run, last) + u64::from(run.raw_width)
            }
            _ => self.map.end(end),
        };
        (raw_start, raw_end)
    }
}

#[inline]
fn raw_distance(run: &Run, at: u32) -> u64 {
    if run.width == 1 {
        return u64::from(at - run.start) * u64::from(run.raw_width);
    }
    u64::from((at - run.start) / u32::from(run.width.max(1))) * u64::from(run.raw_width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slice_may_begin_within_a_group() {
        let mut map = OffsetMap::default();
        map.push(Run { start: 0, width: 3, raw_width: 4, raw: 100 });
        map.push(Run { start: 6, width: 1, raw_width: 1, raw: 200 });
        for (from, places) in
            [(0, [100, 100, 100, 104]), (1, [100, 100, 104, 104]), (2, [100, 104, 104, 104]), (4, [104, 104, 200, 201])]
        {
            let slice = map.slice(from, 10);
            let found: Vec<u64> = (0..4).map(|at| slice.start(at)).collect();
            assert_eq!(found, places, "from {from}");
            assert_eq!(slice.end(1), map.end(from + 1), "from {from}");
        }
    }

    proptest! {
        /// Encodes characters with random widths and checks every boundary against a table kept by hand.
        #[test]
        fn maps_agree_with_a_table(chars in proptest::collection::vec((1u16..4, 1u16..7), 1..60), base in 0u64..1000) {
            let (mut map, mut at, mut raw) = (OffsetMap::default(), 0u32, base);
            let mut table = Vec::new();
            for (width, raw_width) in chars {
                map.push(Run { start: at, width, raw_width, raw });
                table.push((at, at + u32::from(width), raw, raw + u64::from(raw_width)));
                at += u32::from(width);
                raw += u64::from(raw_width);
            }
            for &(start, end, raw_start, raw_end) in &table {
                prop_assert_eq!(map.start(start), raw_start);
                prop_assert_eq!(map.end(end), raw_end);
            }
            let mut ascending = Ascending::new(&map);
            for &(start, end, raw_start, raw_end) in table.iter().chain(table.iter().step_by(3)) {
                prop_assert_eq!(ascending.range(start, end), (raw_start, raw_end));
            }
            prop_assert_eq!(Ascending::new(&map).range(0, at), (base, raw));
            let (from, ..) = table[table.len() / 2];
            let slice = map.slice(from, at);
            for &(start, end, raw_start, raw_end) in table.iter().filter(|row| row.0 >= from) {
                prop_assert_eq!(slice.start(start - from), raw_start);
                prop_assert_eq!(slice.end(end - from), raw_end);
            }
        }
    }
}
