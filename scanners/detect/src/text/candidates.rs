//! From masks to candidates: what could begin where, and which recogniser looks at it.

use std::ops::Range;

use super::compile::ACTS;
use super::cx::{Cx, Near};
use super::{Engine, Recogniser, Scratch, Texts, Values, code, date, email, named, near, net, number, within};
use crate::kernel::Masks;
use crate::unwrap;

/// Looks at every candidate in `chunk`; the masks in `scratch` begin at `origin`.
pub(super) fn search<'a>(
    engine: &'a Engine,
    scratch: &'a mut Scratch,
    texts: Texts<'a>,
    origin: usize,
    chunk: Range<usize>,
) {
    let Scratch { found, forms, masks, cuts, events, form, searched, positions, rare, child, unwrap: buffers, .. } =
        scratch;
    let mut values = Values::new(texts.offsets);
    let mut cx = Cx {
        engine,
        text: &[],
        base: 0,
        events,
        cursor: 0,
        near: Near::default(),
        hint: texts.hint,
        literals: texts.literals,
        found,
        forms,
        form,
    };
    let mut enter = |cx: &mut Cx<'a>, at: usize| {
        let value = values.around(at);
        (cx.text, cx.base) = (&texts.bytes[value.clone()], value.start);
        at - value.start
    };
    let wants = Wants::new(engine);
    let mut carry = Carry::default();
    // Everything before these places has been looked at as part of something earlier.
    let (mut numbers_from, mut escapes_from, mut encoded_from) = (0, 0, 0);
    positions.clear();
    rare.clear();
    for (i, m) in masks.iter().enumerate() {
        let next = masks.get(i + 1).copied().unwrap_or_default();
        let block = origin + 64 * i;
        let inside = within(block, &chunk);
        let c = Candidates::new(m, &next, &mut carry, cuts.get(i).copied().unwrap_or(0));
        positions.push::<4>(c.number & inside, block);
        if c.rare() & inside != 0 {
            rare.push((block, inside, c));
        }
    }
    for at in positions.iter() {
        if at < numbers_from {
            continue;
        }
        let place = enter(&mut cx, at);
        if worth_reading(cx.text, place, digits_at(masks, at - origin)) {
            numbers_from = cx.base + number::number(&mut cx, place);
        }
    }
    for &(block, inside, ref c) in rare.iter() {
        if wants.email {
            each(c.at & inside, block, |at| {
                let place = enter(&mut cx, at);
                email::around(&mut cx, place, 1);
            });
        }
        each(c.escape & inside, block, |at| {
            let place = enter(&mut cx, at);
            if wants.email
                && let Some(width) = email::escaped_at(cx.text, place)
            {
                email::around(&mut cx, place, width);
            }
            if at >= escapes_from && texts.depth < unwrap::DEPTH {
                escapes_from = cx.base + unwrap::escaped(&mut cx, place, texts.depth, child, buffers);
            }
        });
        each(c.colon & inside, block, |at| {
            let place = enter(&mut cx, at);
            net::colon(&mut cx, place);
        });
        each(c.mac & inside, block, |at| {
            let place = enter(&mut cx, at);
            net::mac(&mut cx, place);
        });
        each(c.uuid & inside, block, |at| {
            let place = enter(&mut cx, at);
            code::uuid(&mut cx, place);
        });
        if wants.iban {
            each(c.iban & inside, block, |at| {
                let place = enter(&mut cx, at);
                if place + SHORTEST_IBAN <= cx.text.len() {
                    code::iban(&mut cx, place);
                }
            });
        }
        each(c.long & inside, block, |at| {
            if at < encoded_from {
                return;
            }
            let place = enter(&mut cx, at);
            // The masks know nothing of values: the rest of the word may be another one's.
            if place + LONG_WORD <= cx.text.len() {
                let end = code::long_word(&mut cx, place);
                if texts.depth < unwrap::DEPTH {
                    encoded_from = cx.base + unwrap::encoded(&mut cx, place, end, texts.depth, child, buffers);
                } else {
                    buffers.cut += u64::from(unwrap::is_too_deep(cx.text, place));
                    encoded_from = cx.base + end;
                }
            }
        });
    }
    if texts.depth < unwrap::DEPTH {
        each_text(texts, &chunk, |value| {
            let bytes = &texts.bytes[value.clone()];
            let may_be_compressed = unwrap::is_compressed(bytes);
            if may_be_compressed || unwrap::is_wide(bytes) {
                (cx.text, cx.base) = (bytes, value.start);
            }
            if may_be_compressed && unwrap::compressed(&mut cx, texts.depth, child, buffers) {
                return;
            }
            if unwrap::is_wide(bytes) {
                unwrap::wide(&mut cx, texts.depth, child, buffers);
            }
        });
    }
    words(&mut cx, texts, &chunk, searched);
    everywhere(&mut cx, texts, &chunk, searched);
}

/// How many digits follow each other from `at` on, up to the end of the next block.
#[inline]
fn digits_at(masks: &[Masks], at: usize) -> usize {
    let next = masks.get(at / 64 + 1).map_or(0, |m| m.digit);
    ((u128::from(next) << 64 | u128::from(masks[at / 64].digit)) >> (at % 64)).trailing_ones() as usize
}

/// Whether `len` digits from `at` on may be of any use: they are long, or more follow them, and they are no part of a word
/// or of something joined by hyphens. Cheap: most numbers of a log are not.
#[inline]
fn worth_reading(text: &[u8], at: usize, len: usize) -> bool {
    const BREAKS: u8 = 1;
    const LETTER: u8 = 2;
    const JOINS: u8 = 4;
    const WORD: u8 = 8;
    const JOINS_DIGITS: u8 = 16;
    static FLAGS: [u8; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = match byte as u8 {
                b'a'..=b'z' | b'A'..=b'Z' => BREAKS | LETTER | WORD,
                b'_' => BREAKS | WORD,
                b'0'..=b'9' => WORD,
                b'-' | b'.' => JOINS | JOINS_DIGITS,
                b' ' | b'/' => JOINS_DIGITS,
                b'(' | b')' | 0xc2 | 0xe2 => 0,
                _ => BREAKS,
            };
            byte += 1;
        }
        table
    };
    let flags = |i: usize| text.get(i).map_or(BREAKS, |b| FLAGS[usize::from(*b)]);
    let (after, before, second) = (flags(at + len), flags(at.wrapping_sub(1)), flags(at.wrapping_sub(2)));
    let next = text.get(at + len + 1).copied().unwrap_or(0);
    let ends =
        after & BREAKS != 0 || after & JOINS_DIGITS != 0 && !next.is_ascii_digit() && !matches!(next, b'(' | b'-');
    let short = len < 6 && ends;
    let in_word = len < 10 && after & LETTER != 0;
    let joined = before & JOINS != 0 && second & WORD != 0;
    !(short | in_word | joined)
}

/// Acts on the words that start in the chunk: months, dictionary entries, windows of patterns.
fn words<'a>(cx: &mut Cx<'a>, texts: Texts<'a>, chunk: &Range<usize>, searched: &mut [usize]) {
    let mut values = Values::new(texts.offsets);
    let (events, engine) = (cx.events, cx.engine);
    let first = events.partition_point(|e| (e.start as usize) < chunk.start);
    for event in events[first..].iter().take_while(|e| (e.start as usize) < chunk.end) {
        if event.flags & ACTS == 0 {
            continue;
        }
        let meaning = &engine.meanings[event.phrase as usize];
        let value = values.around(event.start as usize);
        (cx.text, cx.base) = (&texts.bytes[value.clone()], value.start);
        let (start, end) = (event.start as usize - cx.base, event.end as usize - cx.base);
        if meaning.web {
            net::web(cx, start, end);
        }
        if meaning.month {
            date::month(cx, start, end);
        }
        for &sign in &meaning.signs {
            named::around(cx, sign, start, end);
        }
        for &rule in &meaning.entry_of {
            code::entry(cx, rule, start, end);
        }
        for &index in &meaning.opens {
            let pattern = &engine.patterns[usize::from(index)];
            let reach = usize::from(engine.rules[usize::from(pattern.rule)].near);
            if pattern.anchored {
                if !near::word_before(cx.text, start) {
                    pattern.run(cx, start, start + 1);
                }
                continue;
            }
            let (from, to) = (start.saturating_sub(reach / 2 + LEAD), (end + reach + 1).min(cx.text.len()));
            // Where windows overlap, each place is tried once.
            let done = &mut searched[usize::from(index)];
            let from = from.max(done.saturating_sub(cx.base));
            if from < to {
                *done = cx.base + pattern.run(cx, from, to).max(to);
            }
        }
    }
}

/// Runs the patterns that no word opens over all texts of the chunk.
fn everywhere<'a>(cx: &mut Cx<'a>, texts: Texts<'a>, chunk: &Range<usize>, searched: &mut [usize]) {
    if cx.engine.everywhere.is_empty() {
        return;
    }
    let engine = cx.engine;
    let reaching = texts.offsets.partition_point(|o| *o as usize <= chunk.start).max(1) - 1;
    for pair in texts.offsets[reaching..].windows(2).take_while(|pair| (pair[0] as usize) < chunk.end) {
        let value = pair[0] as usize..pair[1] as usize;
        (cx.text, cx.base) = (&texts.bytes[value.clone()], value.start);
        let (from, to) = (chunk.start.max(value.start), chunk.end.min(value.end));
        for &index in &engine.everywhere {
            let done = &mut searched[usize::from(index)];
            let from = from.max(*done).max(value.start);
            if from < to {
                let pattern = &engine.patterns[usize::from(index)];
                *done = cx.base + pattern.run(cx, from - cx.base, to - cx.base).max(to - cx.base);
            }
        }
    }
}

/// Calls `act` with every text that begins in the chunk.
fn each_text(texts: Texts<'_>, chunk: &Range<usize>, mut act: impl FnMut(Range<usize>)) {
    let first = texts.offsets.partition_point(|o| (*o as usize) < chunk.start);
    for pair in texts.offsets[first..].windows(2).take_while(|pair| (pair[0] as usize) < chunk.end) {
        act(pair[0] as usize..pair[1] as usize);
    }
}

/// Characters of the shortest IBAN, a Norwegian one.
const SHORTEST_IBAN: usize = 15;
/// Characters of a word that is looked at as a whole.
const LONG_WORD: usize = 16;

/// How far before its window a match may begin whose value stands in it.
const LEAD: usize = 24;

/// Which candidates any rule has a use for.
struct Wants {
    email: bool,
    iban: bool,
}

impl Wants {
    fn new(engine: &Engine) -> Self {
        Self { email: engine.wants(Recogniser::Email), iban: engine.wants(Recogniser::Iban) }
    }
}

/// What carries over from the block before.
#[derive(Default)]
struct Carry {
    word: u64,
    words: u64,
    join: u64,
    cut: u64,
    /// Beginnings of values among the last four bytes.
    begun: u64,
    letter: u64,
    escape: u64,
    colons: u64,
}

/// Places of a block at which something could begin.
pub(super) struct Candidates {
    /// First digit of a number that is no part of a word.
    number: u64,
    /// `@`.
    at: u64,
    /// A byte that may begin an escape, followed by what an escape goes on with.
    escape: u64,
    /// The first colon of a group of hexadecimal or of `://`.
    colon: u64,
    /// The first of five separators, three bytes apart.
    mac: u64,
    /// The first of four hyphens as a UUID has them.
    uuid: u64,
    /// A word of two letters and two digits or longer.
    iban: u64,
    /// A word of 16 letters and digits or more.
    long: u64,
}

impl Candidates {
    /// Where anything but a number could begin.
    const fn rare(&self) -> u64 {
        self.at | self.escape | self.colon | self.mac | self.uuid | self.iban | self.long
    }

    #[inline]
    fn new(m: &Masks, next: &Masks, carry: &mut Carry, cut: u64) -> Self {
        let letter = m.letter & !m.high;
        let word = m.digit | letter;
        let wide = |here: u64, next: u64| u128::from(next) << 64 | u128::from(here);
        let words = wide(word, next.digit | next.letter & !next.high);
        let starts = word & (!(word << 1 | carry.word) | cut);
        let apart = cut | cut << 1 | carry.cut;
        let after_escape = (m.backslash << 2 | carry.escape) & !apart;
        let digits = wide(m.digit, next.digit);
        let digits2 = digits & digits >> 1;
        let digits4 = digits2 & digits2 >> 2;
        let digits8 = digits4 & digits4 >> 4;
        let digits16 = (digits8 & digits8 >> 8) as u64;
        let run2 = words & words >> 1;
        let run4 = run2 & run2 >> 2;
        let run8 = run4 & run4 >> 4;
        let run16 = run8 & run8 >> 8;
        let dashes = wide(m.dash, next.dash);
        let colons = wide(m.colon, next.colon);
        let five = |x: u128| (x & x >> 3 & x >> 6 & x >> 9 & x >> 12) as u64;
        let letters = wide(letter, next.letter & !next.high);
        // A colon not shortly after another, with another shortly after it or with no word or space after it.
        let near_before = colons << 1 | colons << 2 | colons << 3 | colons << 4 | colons << 5;
        let near_after = colons >> 1 | colons >> 2 | colons >> 3 | colons >> 4 | colons >> 5;
        // What stands before the beginning of a value is another one's.
        let two = cut | cut << 1;
        let begun = two | two << 2 | cut << 4 | carry.begun;
        let first_colon = m.colon & (begun | !(near_before as u64 | carry.colons));
        let scheme = m.colon & (letter << 1 | carry.letter);
        // Most numbers of a log are no candidates for reasons that masks can tell: a letter or a colon ends them before the
        // sixth digit, or a hyphen or a full stop joins them to a word. `worth_reading` sees to the rest.
        let breaks = letters | colons;
        let ended = (1..=5).rev().fold(0, |ended, n| breaks >> n | digits >> n & ended) as u64;
        let joined = ((m.dash | m.dot) << 1 | carry.join) & (word << 2 | carry.words);
        let found = Self {
            number: m.digit & (starts | after_escape) & !(ended | joined & !apart),
            at: m.at,
            escape: m.escape | m.backslash,
            colon: first_colon & near_after as u64
                | m.colon & (colons >> 1 & !(colons << 1)) as u64
                | scheme & !(words >> 1) as u64,
            mac: five(colons) | five(dashes),
            uuid: (dashes & dashes >> 5 & dashes >> 10 & dashes >> 15) as u64,
            iban: starts & (letters & letters >> 1 & digits >> 2 & digits >> 3) as u64,
            long: run16 as u64 & !digits16 & (starts | after_escape),
        };
        carry.word = word >> 63;
        carry.words = word >> 62;
        carry.cut = cut >> 63;
        carry.begun = cut >> 63 | cut >> 62 | cut >> 61 | cut >> 60;
        carry.letter = letter >> 63;
        carry.join = (m.dash | m.dot) >> 63;
        carry.escape = m.backslash >> 62;
        carry.colons = m.colon >> 63 | m.colon >> 62 | m.colon >> 61 | m.colon >> 60 | m.colon >> 59;
        found
    }
}

/// Calls `act` with the position of every bit.
#[inline]
fn each(mut bits: u64, block: usize, mut act: impl FnMut(usize)) {
    while bits != 0 {
        act(block + bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}
