//! Running text: candidates from masks, shapes around them, validators, neighbours, context; then hits.
//!
//! One pass over the bytes. Masks say where something could begin (a number, an `@`, a word that means something);
//! the recogniser for it reads a few bytes around, and only what has the shape, passes the check of its standard
//! and stands free of its neighbours becomes a hit with its standard form. Nothing is allocated for a candidate.

mod candidates;
mod chain;
mod code;
mod compile;
mod cx;
mod date;
mod email;
mod named;
mod near;
mod net;
mod number;
mod overlaps;
mod pattern;
mod phone;
mod words;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use compile::{Engine, Recogniser};
pub(crate) use cx::{Cx, Found};

use crate::kernel::{Kernel, Masks};
use crate::literal::{self, Literals};
use words::{Event, WordBits};

/// What one thread reuses from text to text.
#[derive(Default)]
pub(crate) struct Scratch {
    /// What was found, by position once a text is done.
    pub found: Vec<Found>,
    /// The standard forms of what was found, one after the other.
    pub forms: Vec<u8>,
    masks: Vec<Masks>,
    bits: Vec<WordBits>,
    cuts: Vec<u64>,
    events: Vec<Event>,
    form: Vec<u8>,
    dropped: Vec<bool>,
    positions: Positions,
    rare: Vec<(usize, u64, candidates::Candidates)>,
    /// How far each pattern has been run.
    searched: Vec<usize>,
    /// What the caller looks for by itself, while overlaps of the rest are settled.
    pub literals: Vec<Found>,
    /// For content found encoded inside, one level down.
    pub child: Option<Box<Scratch>>,
    /// Buffers of the decoder.
    pub unwrap: crate::unwrap::Buffers,
}

/// The texts to search: one, or the values of a column one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'a> {
    /// All bytes.
    pub bytes: &'a [u8],
    /// Text `i` is `bytes[offsets[i]..offsets[i + 1]]`.
    pub offsets: &'a [u32],
    /// A rule whose context words need not stand in the text, because the field's name says as much.
    pub hint: Option<u16>,
    /// How many encodings this text was taken out of.
    pub depth: u8,
    /// What the caller looks for by itself.
    pub literals: Option<&'a dyn Literals>,
}

/// Bytes worked on at a time: their masks stay in the first-level cache.
const CHUNK: usize = 16 << 10;
/// Bytes after a chunk whose words are known while it is searched, for context behind a value.
const AHEAD: usize = 256;
/// Bytes before the core that may decide about what starts in it.
const BEHIND: usize = 1024;

impl Scratch {
    /// How many pieces of encoded content were not searched to their end since this was asked last.
    pub(crate) fn take_cut(&mut self) -> u64 {
        let below = self.child.as_deref_mut().map_or(0, Self::take_cut);
        std::mem::take(&mut self.unwrap.cut) + below
    }
}

impl Engine {
    /// Finds what starts within `core`; `scratch.found` then holds it in order.
    pub(crate) fn search(&self, scratch: &mut Scratch, texts: Texts<'_>, core: Range<usize>) {
        self.search_with(self.kernel, scratch, texts, core);
    }

    /// As [`Self::search`], with a kernel of the caller's choice.
    pub(crate) fn search_with(&self, kernel: Kernel, scratch: &mut Scratch, texts: Texts<'_>, core: Range<usize>) {
        scratch.found.clear();
        scratch.forms.clear();
        scratch.events.clear();
        scratch.searched.clear();
        scratch.searched.resize(self.patterns.len(), 0);
        let end = core.end.min(texts.bytes.len());
        if core.start >= end {
            return;
        }
        let mut start = sync(texts.bytes, core.start);
        let mut words_done = start;
        while start < end {
            let stop = (start + CHUNK).min(end);
            words_done = self.chunk(kernel, scratch, texts, start..stop, words_done);
            start = stop;
        }
        scratch.found.retain(|f| core.contains(&(f.start as usize)));
        scratch.found.sort_by_key(Found::order);
        if texts.literals.is_some() {
            literal::set_apart(scratch);
        }
        scratch.found.dedup_by_key(|f| f.order());
        overlaps::settle(&self.rules, &mut scratch.found, &mut scratch.dropped);
        if let Some(wanted) = texts.literals {
            literal::add(wanted, scratch, texts, &core);
        }
    }

    /// Searches a stretch; words are known up to `words_done`, and then up to what is returned.
    fn chunk(
        &self,
        kernel: Kernel,
        scratch: &mut Scratch,
        texts: Texts<'_>,
        chunk: Range<usize>,
        words_done: usize,
    ) -> usize {
        let bytes = texts.bytes;
        // One block before, for what carries over from it.
        let seen = chunk.start.saturating_sub(64)..(chunk.end + AHEAD).min(bytes.len());
        kernel.classify(&bytes[seen.clone()], &mut scratch.masks);
        cut(texts.offsets, seen.clone(), &mut scratch.cuts);
        let cuts = &scratch.cuts;
        words::word_bits(&scratch.masks, |i| cuts.get(i).copied().unwrap_or(0), &mut scratch.bits);
        forget(&mut scratch.events, chunk.start);
        // A word that the end of the stretch cuts is left to the next chunk, which sees it whole.
        let known = if seen.end == bytes.len() { seen.end } else { seen.end - 64 };
        self.look_up_words(scratch, texts, seen.start, words_done..known);
        candidates::search(self, scratch, texts, seen.start, chunk);
        known.max(words_done)
    }

    /// Looks up the words that start in `stretch`; the masks begin at `origin`.
    fn look_up_words(&self, scratch: &mut Scratch, texts: Texts<'_>, origin: usize, stretch: Range<usize>) {
        let mut values = Values::new(texts.offsets);
        let Scratch { bits, cuts, positions, events, .. } = scratch;
        positions.clear();
        for (i, b) in bits.iter().enumerate() {
            positions.push::<8>(b.start & within(origin + 64 * i, &stretch), origin + 64 * i);
        }
        let length = |at: usize| {
            let (block, bit) = ((at - origin) / 64, (at - origin) % 64);
            let stops = bits[block].stop >> bit >> 1;
            if stops == 0 {
                // The word goes on in the next block.
                64 - bit + bits.get(block + 1).map_or(0, |next| next.stop.trailing_zeros() as usize)
            } else {
                1 + stops.trailing_zeros() as usize
            }
        };
        positions.retain(|at| self.lexicon.may_begin(texts.bytes, at, length(at)));
        for at in positions.iter() {
            let limit = values.around(at).end;
            self.lexicon.compare(&texts.bytes[..limit], at, length(at), events);
        }
        positions.clear();
        for (i, b) in bits.iter().enumerate() {
            let names = b.name & within(origin + 64 * i, &stretch);
            if names != 0 {
                positions.push::<4>(names, origin + 64 * i);
            }
        }
        let words = events.len();
        let begins = |at: usize| cuts.get((at - origin) / 64).is_some_and(|cut| cut >> ((at - origin) % 64) & 1 != 0);
        positions.retain(|at| self.lexicon.may_be_name(texts.bytes, at, length(at), || begins(at)));
        for at in positions.iter() {
            let len = length(at);
            if at + len <= values.around(at).end {
                self.lexicon.compare_names(texts.bytes, at, len, events);
            }
        }
        if events.len() > words {
            events.sort_by_key(|event| event.start);
        }
    }
}

/// Positions of bits, written several at a time so that hardly a branch depends on how many there are.
#[derive(Default)]
struct Positions {
    all: Vec<u32>,
    len: usize,
}

impl Positions {
    fn clear(&mut self) {
        self.len = 0;
    }

    #[inline]
    fn push<const STEP: usize>(&mut self, mut bits: u64, block: usize) {
        let end = self.len + bits.count_ones() as usize;
        if self.all.len() < self.len + 72 {
            self.all.resize(2 * self.len + 1024, 0);
        }
        while self.len < end {
            for slot in &mut self.all[self.len..self.len + STEP] {
                *slot = block as u32 + bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
            self.len += STEP;
        }
        self.len = end;
    }

    /// Keeps some, without a branch on which: it could not be foretold.
    #[inline]
    fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut kept = 0;
        for i in 0..self.len {
            let at = self.all[i];
            self.all[kept] = at;
            kept += usize::from(keep(at as usize));
        }
        self.len = kept;
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.all[..self.len].iter().map(|at| *at as usize)
    }
}

/// Finds the text that a byte belongs to; quick where the bytes asked for come in order.
struct Values<'a> {
    offsets: &'a [u32],
    current: usize,
}

impl<'a> Values<'a> {
    const fn new(offsets: &'a [u32]) -> Self {
        Self { offsets, current: 0 }
    }

    #[inline]
    fn around(&mut self, at: usize) -> Range<usize> {
        if self.offsets.len() > 2 {
            self.seek(at);
        }
        self.offsets[self.current] as usize..self.offsets[self.current + 1] as usize
    }

    fn seek(&mut self, at: usize) {
        let here = |i: usize| self.offsets[i] as usize;
        if !(here(self.current)..here(self.current + 1)).contains(&at) {
            let steps = self.offsets[self.current..].iter().take(16).take_while(|o| **o as usize <= at).count();
            self.current = match steps {
                1..16 => self.current + steps - 1,
                _ => self.offsets.partition_point(|o| *o as usize <= at) - 1,
            };
        }
    }
}

/// The bits of a block at `origin` that lie in `range`.
#[inline]
fn within(origin: usize, range: &Range<usize>) -> u64 {
    let low = range.start.saturating_sub(origin);
    let high = range.end.saturating_sub(origin);
    let below = |n: usize| if n >= 64 { u64::MAX } else { (1 << n) - 1 };
    below(high) & !below(low)
}

/// A bit wherever a value begins within `seen`; empty for a single text.
fn cut(offsets: &[u32], seen: Range<usize>, cuts: &mut Vec<u64>) {
    cuts.clear();
    if offsets.len() <= 2 {
        return;
    }
    cuts.resize(seen.len().div_ceil(64), 0);
    let first = offsets.partition_point(|o| (*o as usize) < seen.start);
    for offset in offsets[first..].iter().map(|o| *o as usize).take_while(|o| *o < seen.end) {
        let at = offset - seen.start;
        cuts[at / 64] |= 1 << (at % 64);
    }
}

/// Drops words too far behind to be context any more.
fn forget(events: &mut Vec<Event>, chunk_start: usize) {
    let old = events.partition_point(|e| e.start as usize + BEHIND < chunk_start);
    events.drain(..old);
}

/// Where to begin so that everything starting at `core_start` is seen as it would be from the beginning of the text:
/// no candidate reaches over a line feed, so at the line's beginning, if it is not too far away; one line more for context.
fn sync(bytes: &[u8], core_start: usize) -> usize {
    let window = &bytes[core_start.saturating_sub(BEHIND)..core_start];
    let from = core_start - window.len();
    let line = memchr::memrchr(b'\n', window);
    let line_before = line.and_then(|line| memchr::memrchr(b'\n', &window[..line]));
    line_before.map_or(from, |at| from + at + 1)
}

impl Scratch {
    /// Calls `out` with what was found, in order.
    pub(crate) fn each(&self, mut out: impl FnMut(&crate::Hit, &[u8])) {
        for f in &self.found {
            let form = &self.forms[f.form as usize..(f.form + f.form_len) as usize];
            let (rule, kind) = (crate::RuleId(f.rule), f.kind);
            let (confidence, is_encoded) = (f.confidence, f.encoded);
            out(&crate::Hit { start: f.start, end: f.end, rule, kind, confidence, is_encoded }, form);
        }
    }
}
