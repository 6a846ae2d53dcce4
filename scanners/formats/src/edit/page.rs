//! The bytes around what is edited, as they stand.

use std::ops::Range;

use crate::Encoding;

/// How far around a place the bytes are kept.
pub(super) const MARGIN: u64 = 4 << 10;

/// Stretches of a part that were wanted, taken while it streams by.
pub(super) struct Page {
    /// Wanted stretches, ascending and apart, with as much of their bytes as has come.
    pieces: Vec<(Range<u64>, Vec<u8>)>,
    /// The first that may still get bytes.
    next: usize,
    pub encoding: Encoding,
    /// Something beyond ASCII was there to tell the encoding by, or a mark.
    pub is_told: bool,
    /// How many bytes the part has.
    pub len: u64,
}

impl Page {
    /// Takes these stretches, and what stands around them.
    pub fn wanting(wanted: impl Iterator<Item = Range<u64>>) -> Self {
        let mut all: Vec<_> =
            wanted.map(|range| range.start.saturating_sub(MARGIN)..range.end.saturating_add(MARGIN)).collect();
        all.sort_by_key(|range| range.start);
        let mut pieces: Vec<(Range<u64>, Vec<u8>)> = Vec::new();
        for range in all {
            match pieces.last_mut() {
                Some((last, _)) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => pieces.push((range, Vec::new())),
            }
        }
        Self { pieces, next: 0, encoding: Encoding::Utf8, is_told: false, len: 0 }
    }

    /// Takes in the bytes that stand next.
    pub fn pass(&mut self, bytes: &[u8]) {
        let here = self.len..self.len + bytes.len() as u64;
        self.len = here.end;
        for (range, held) in &mut self.pieces[self.next..] {
            if range.start >= here.end {
                break;
            }
            let (from, to) = (range.start.max(here.start), range.end.min(here.end));
            if from < to {
                held.extend_from_slice(&bytes[(from - here.start) as usize..(to - here.start) as usize]);
            }
        }
        self.next += self.pieces[self.next..].iter().take_while(|(range, _)| range.end <= here.end).count();
    }

    /// Bytes of a character of ASCII.
    pub fn unit(&self) -> u64 {
        match self.encoding {
            Encoding::Utf16Le | Encoding::Utf16Be => 2,
            _ => 1,
        }
    }

    /// The bytes of a stretch, if they were taken.
    pub fn bytes(&self, range: Range<u64>) -> Option<&[u8]> {
        let after = self.pieces.partition_point(|(piece, _)| piece.start <= range.start);
        let (piece, held) = &self.pieces[after.checked_sub(1)?];
        held.get((range.start - piece.start) as usize..(range.end.checked_sub(piece.start)?) as usize)
    }

    /// The character so many characters after (or, below zero, before) this place: itself if it is ASCII, 0xff if it is
    /// not, nothing where the part ends or nothing was taken.
    pub fn at(&self, place: u64, characters: i64) -> Option<u8> {
        let unit = self.unit();
        let from = place.checked_add_signed(characters * unit as i64)?;
        let bytes = self.bytes(from..from + unit)?;
        let (low, high) = match (self.encoding, bytes) {
            (Encoding::Utf16Le, [low, high]) | (Encoding::Utf16Be, [high, low]) => (*low, *high),
            (_, [only]) => (*only, 0),
            _ => return None,
        };
        Some(if high == 0 && low.is_ascii() { low } else { 0xff })
    }

    /// Characters from a place on, at most so many.
    pub fn after(&self, place: u64, most: usize) -> Vec<u8> {
        (0..most as i64).map_while(|i| self.at(place, i)).collect()
    }

    /// Characters before a place, at most so many, in the order they stand.
    pub fn before(&self, place: u64, most: usize) -> Vec<u8> {
        let mut all: Vec<u8> = (1..=most as i64).map_while(|i| self.at(place, -i)).collect();
        all.reverse();
        all
    }

    /// How many characters the line end is that stands before a place.
    pub fn line_end_before(&self, place: u64, newline: u8) -> u64 {
        match (self.at(place, -1), self.at(place, -2)) {
            (Some(b'\n'), Some(b'\r')) if newline == b'\n' => 2,
            (Some(end), _) if end == newline => 1,
            _ => 0,
        }
    }
}
