//! The lexicon: phrases that mean something, found at word starts in one pass.
//!
//! Context words, month names, dictionary entries and the words that open a pattern's window are all phrases here.
//! A word is a run of letters, cut where camel case begins a new one, so that `homePhone`, `home_phone` and
//! `Home phone` are the same. What a phrase means is the engine's business.

use hashbrown::HashMap;

use crate::dictionary::SortedList;
use crate::kernel::Masks;

/// A phrase that stands in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Event {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Which phrase, as numbered by [`Builder::add`].
    pub phrase: u32,
    /// The phrase's flags, as given to [`Builder::build`].
    pub flags: u64,
}

/// Collects phrases.
#[derive(Default)]
pub(crate) struct Builder {
    phrases: Vec<Box<[u8]>>,
    numbers: HashMap<Box<[u8]>, u32>,
}

/// Phrases, hashed by their first word.
pub(crate) struct Lexicon {
    /// One bit for each 16-bit hash of a first word's length and first letters.
    filter: Box<[u64; FILTER / 64]>,
    /// Phrases ordered by hash of the first word.
    entries: Vec<Entry>,
    /// Where a hash's upper twelve bits begin in `entries`.
    index: Vec<u32>,
    /// The folded phrases, one after the other.
    bytes: Vec<u8>,
    names: Option<Names>,
}

/// Names of people, thousands of them: found only where they begin with a capital, and kept as mere hashes, since the
/// lists that are part of the program say whether a hash is right.
struct Names {
    /// As the lexicon's, for names alone.
    filter: Box<[u64; FILTER / 64]>,
    /// Hashes in order, with the number of the kind in the lowest two bits.
    hashes: Vec<u64>,
    /// Where a hash's upper twelve bits begin in `hashes`.
    index: Vec<u32>,
    kinds: [NameKind; 3],
}

/// Names that mean the same.
#[derive(Clone, Copy)]
pub(crate) struct NameKind {
    /// Which phrase they are reported as.
    pub phrase: u32,
    /// The flags of their events.
    pub flags: u64,
    /// The list that has them.
    pub list: &'static SortedList,
    /// How else they are written.
    pub spellings: Option<&'static SortedList>,
}

/// A phrase of the lexicon.
struct Entry {
    hash: u64,
    number: u32,
    flags: u64,
    /// Where it begins in the bytes, where its first word ends, where it ends.
    start: u32,
    word_end: u32,
    end: u32,
}

/// Where words start and where they stop in a block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WordBits {
    /// First byte of a word.
    pub start: u64,
    /// A byte that does not continue the word before it.
    pub stop: u64,
    /// First byte of a word that may be a name: a capital, behind no letter, with a letter next.
    pub name: u64,
}

impl Builder {
    /// Numbers a phrase; equal ones share a number. `None` if it does not begin with a word, or is a single letter.
    pub fn add(&mut self, phrase: &str) -> Option<u32> {
        let folded = fold_phrase(phrase);
        if !(1..=LONGEST_WORD).contains(&first_word(&folded)) || folded.len() < 2 {
            return None;
        }
        let next = self.phrases.len() as u32;
        Some(*self.numbers.entry(folded.into_boxed_slice()).or_insert_with_key(|phrase| {
            self.phrases.push(phrase.clone());
            next
        }))
    }

    /// Ends collecting; every phrase has flags, by number.
    pub fn build(self, flags: impl Fn(u32) -> u64) -> Lexicon {
        let mut lexicon = Lexicon {
            filter: Box::new([0; FILTER / 64]),
            entries: Vec::new(),
            index: Vec::new(),
            bytes: Vec::new(),
            names: None,
        };
        for (number, phrase) in (0..).zip(&self.phrases) {
            let bit = filter_bit(phrase, 0, first_word(phrase));
            lexicon.filter[bit / 64] |= 1 << (bit % 64);
            let hash = hash(phrase, 0, first_word(phrase));
            let start = lexicon.bytes.len() as u32;
            lexicon.bytes.extend_from_slice(phrase);
            let (word_end, end) = (start + first_word(phrase) as u32, lexicon.bytes.len() as u32);
            lexicon.entries.push(Entry { hash, number, flags: flags(number), start, word_end, end });
        }
        let entries = &mut lexicon.entries;
        entries.sort_unstable_by_key(|entry| (entry.hash, entry.number));
        lexicon.index = (0..=4096).map(|top| entries.partition_point(|e| e.hash >> 52 < top) as u32).collect();
        lexicon
    }
}

impl Lexicon {
    /// Adds names.
    pub fn add_names(&mut self, kinds: [NameKind; 3]) {
        let mut filter = Box::new([0; FILTER / 64]);
        let mut hashes = Vec::with_capacity(20_000);
        for (number, kind) in (0..).zip(&kinds) {
            for name in kind.list.iter().chain(kind.spellings.iter().flat_map(|list| list.iter())) {
                let name = name.as_bytes();
                if (3..=LONGEST_WORD).contains(&first_word(name)) && first_word(name) == name.len() {
                    let bit = filter_bit(name, 0, name.len());
                    filter[bit / 64] |= 1 << (bit % 64);
                    hashes.push(hash(name, 0, name.len()) & !3 | number);
                }
            }
        }
        hashes.sort_unstable();
        let mut index = vec![0; 4097];
        for hash in &hashes {
            index[(hash >> 52) as usize + 1] += 1;
        }
        (1..index.len()).for_each(|top| index[top] += index[top - 1]);
        self.names = Some(Names { filter, hashes, index, kinds });
    }

    /// Whether some phrase may begin with the word of `len` bytes at `at`, by its length and its first eight letters.
    #[inline]
    pub fn may_begin(&self, text: &[u8], at: usize, len: usize) -> bool {
        let bit = filter_bit(text, at, len);
        self.filter[bit / 64] >> (bit % 64) & 1 != 0
    }

    /// Reports the phrases that begin with the word of `len` bytes at `at`.
    pub fn compare(&self, text: &[u8], at: usize, len: usize, out: &mut Vec<Event>) {
        if len > LONGEST_WORD {
            return;
        }
        let hash = hash(text, at, len);
        let top = (hash >> 52) as usize;
        for entry in &self.entries[self.index[top] as usize..self.index[top + 1] as usize] {
            if entry.hash != hash {
                continue;
            }
            let word = &self.bytes[entry.start as usize..entry.word_end as usize];
            let Some(here) = text.get(at..at + word.len()) else { continue };
            // Of the folded letters of a short word the hash loses nothing.
            let same = || len <= 8 || word.iter().zip(here).all(|(a, b)| *a == b | 0x20);
            if word.len() != len || !same() || in_digest(text, at, len) {
                continue;
            }
            let rest = &self.bytes[entry.word_end as usize..entry.end as usize];
            let end = if rest.is_empty() { Some(at + len) } else { rest_matches(text, at + len, rest) };
            if let Some(end) = end {
                let (start, end) = (at as u32, end as u32);
                out.push(Event { start, end, phrase: entry.number, flags: entry.flags });
            }
        }
    }

    /// Whether the word of `len` bytes at `at`, which begins with a capital, may be a name. `begins` says whether a value
    /// begins there, so that what stands before it is another one's.
    #[inline]
    pub fn may_be_name(&self, text: &[u8], at: usize, len: usize, begins: impl Fn() -> bool) -> bool {
        let Some(names) = &self.names else { return false };
        // Most capitals of a log stand in the middle of something: dates, paths.
        let before = text[..at].last().copied().unwrap_or(b' ');
        if (before.is_ascii_digit() || b"/_.-=@%+".contains(&before)) && !begins() {
            return false;
        }
        let bit = filter_bit(text, at, len);
        names.filter[bit / 64] >> (bit % 64) & 1 != 0
    }

    /// Reports what the word of `len` bytes at `at` is the name of.
    pub fn compare_names(&self, text: &[u8], at: usize, len: usize, out: &mut Vec<Event>) {
        if let Some(names) = self.names.as_ref().filter(|_| len <= LONGEST_WORD) {
            names.compare(&text[at..at + len], at, hash(text, at, len), out);
        }
    }
}

impl Names {
    /// Reports the kinds of names that a word is.
    fn compare(&self, word: &[u8], at: usize, hash: u64, out: &mut Vec<Event>) {
        let top = (hash >> 52) as usize;
        for name in &self.hashes[self.index[top] as usize..self.index[top + 1] as usize] {
            if name & !3 == hash & !3 {
                let kind = &self.kinds[(name & 3) as usize];
                if kind.list.has(word) || kind.spellings.is_some_and(|list| list.has_as_written(word)) {
                    let (start, end) = (at as u32, (at + word.len()) as u32);
                    out.push(Event { start, end, phrase: kind.phrase, flags: kind.flags });
                    break;
                }
            }
        }
    }
}

/// Whether a word is the beginning of a digest or of another hexadecimal number: `fbc` in `fbc16a7e5d`.
fn in_digest(text: &[u8], at: usize, len: usize) -> bool {
    text.get(at + len).is_some_and(u8::is_ascii_digit) && {
        let run = text[at..].iter().take(64).take_while(|b| b.is_ascii_alphanumeric());
        let (all, hexadecimal) = run.fold((0, true), |(n, hex), b| (n + 1, hex && b.is_ascii_hexdigit()));
        hexadecimal && all >= 8
    }
}

/// Compares what follows a phrase's first word; a space stands for any short separator or for none.
fn rest_matches(text: &[u8], mut at: usize, rest: &[u8]) -> Option<usize> {
    for &wanted in rest {
        if wanted == b' ' {
            let separators =
                text[at..].iter().take(3).take_while(|b| matches!(b, b' ' | b'_' | b'-' | b'.' | b'/' | b'\t'));
            at += separators.count();
        } else {
            let byte = *text.get(at)?;
            if fold(byte) != wanted {
                return None;
            }
            at += 1;
        }
    }
    let goes_on = text
        .get(at)
        .is_some_and(|next| is_letter(*next) && !(next.is_ascii_uppercase() && text[at - 1].is_ascii_lowercase()));
    (!goes_on).then_some(at)
}

/// Finds where words start and stop. `cuts` holds a bit wherever a value begins.
pub(crate) fn word_bits(masks: &[Masks], cuts: impl Fn(usize) -> u64, out: &mut Vec<WordBits>) {
    out.clear();
    let (mut letter_before, mut upper_before, mut lower_before, mut escape_before) = (0, 0, 0, 0);
    let (mut digit_before, mut cut_before) = (0, 0);
    for (i, m) in masks.iter().enumerate() {
        let lower = m.letter & !m.upper & !m.high;
        let next_lower = masks.get(i + 1).map_or(0, |n| n.letter & !n.upper & !n.high);
        let after_lower = lower << 1 | lower_before;
        let after_upper = m.upper << 1 | upper_before;
        let before_lower = lower >> 1 | next_lower << 63;
        let cut = cuts(i);
        // In `\nphone` the escape takes one letter of the word, unless a value begins in between.
        let after_escape = m.letter & (m.backslash << 2 | escape_before) & !(cut | cut << 1 | cut_before);
        let camel = m.upper & (after_lower | after_upper & before_lower) | after_escape | cut;
        let after_letter = m.letter << 1 | letter_before;
        // Letters behind a digit are those of a hexadecimal number or of an escape such as `%20` far more often than a
        // word; a single letter is one only of an abbreviation such as `D.O.B.` or `W-7`.
        let after_digit = m.digit << 1 | digit_before;
        let stop = !m.letter | camel;
        let next = masks.get(i + 1);
        let next_stop = next.map_or(1, |n| !n.letter & 1);
        let single = stop >> 1 | next_stop << 63;
        let abbreviates = (m.dot | m.dash) >> 1 | next.map_or(0, |n| (n.dot | n.dash) & 1) << 63;
        let start = m.letter & (!after_letter & !after_digit | camel) & !(single & !abbreviates);
        let joined = (m.dash | m.dot) << 1 & !cut;
        let letter_next = m.letter >> 1 | next.map_or(0, |n| n.letter & 1) << 63;
        let name = start & (m.upper | m.high) & letter_next & !joined & (!after_letter | after_escape | cut);
        out.push(WordBits { start, stop, name });
        (letter_before, upper_before, lower_before) = (m.letter >> 63, m.upper >> 63, lower >> 63);
        escape_before = m.backslash >> 62;
        (digit_before, cut_before) = (m.digit >> 63, cut >> 63);
    }
}

/// Longest first word of a phrase, and longest word that is looked up.
const LONGEST_WORD: usize = 40;

/// Bits of a filter.
const FILTER: usize = 1 << 17;

/// Folds the letters of a word.
const CASE: u64 = 0x2020_2020_2020_2020;

/// Which bit of the filter stands for the word of `len` bytes at `at`: quicker than its [`hash`], and mostly enough.
#[inline]
fn filter_bit(text: &[u8], at: usize, len: usize) -> usize {
    static LETTERS: [u64; 9] =
        [0, 0xff, 0xffff, 0xff_ffff, 0xffff_ffff, 0xff_ffff_ffff, 0xffff_ffff_ffff, 0xff_ffff_ffff_ffff, u64::MAX];
    let letters = match text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(window) => u64::from_le_bytes(*window),
        None => text[at..].iter().rev().fold(0, |letters, b| letters << 8 | u64::from(*b)),
    };
    let letters = (letters | CASE) & LETTERS[len.min(8)];
    ((letters ^ (len as u64) << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER.trailing_zeros())) as usize
}

#[inline]
fn hash(text: &[u8], at: usize, len: usize) -> u64 {
    let (low, high) = if let Some(window) = text.get(at..at + 8) {
        let first = u64::from_le_bytes(window.try_into().expect("8 bytes"));
        if len <= 8 {
            (first | CASE, 0)
        } else {
            let last = text.get(at + len - 8..at + len).expect("a word lies inside its text");
            (first | CASE, u64::from_le_bytes(last.try_into().expect("8 bytes")) | CASE)
        }
    } else {
        let mut window = [0; 8];
        let word = &text[at..at + len];
        window[..len].copy_from_slice(word);
        (u64::from_le_bytes(window) | CASE, 0)
    };
    let low = if len < 8 { low & ((1 << (8 * len)) - 1) } else { low };
    let mixed = (low ^ (len as u64).rotate_left(56)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 32 ^ high).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ mixed << 29
}

#[inline]
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

#[inline]
fn fold(byte: u8) -> u8 {
    if is_letter(byte) { byte | 0x20 } else { byte }
}

fn first_word(folded: &[u8]) -> usize {
    folded.iter().position(|b| !is_letter(*b)).unwrap_or(folded.len())
}

fn fold_phrase(phrase: &str) -> Vec<u8> {
    let mut folded = Vec::with_capacity(phrase.len());
    for word in phrase.split([' ', '_', '-', '.', '/', '\t']).filter(|w| !w.is_empty()) {
        if !folded.is_empty() {
            folded.push(b' ');
        }
        folded.extend(word.bytes().map(fold));
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Kernel;

    fn found(phrases: &[&str], text: &str) -> Vec<String> {
        let mut builder = Builder::default();
        for phrase in phrases {
            builder.add(phrase).expect("begins with a word");
        }
        let lexicon = builder.build(|_| 0);
        let (mut masks, mut bits, mut events) = (Vec::new(), Vec::new(), Vec::new());
        Kernel::best().classify(text.as_bytes(), &mut masks);
        word_bits(&masks, |_| 0, &mut bits);
        let bit = |i: usize, of: fn(&WordBits) -> u64| bits.get(i / 64).is_none_or(|b| of(b) >> (i % 64) & 1 != 0);
        for at in (0..text.len()).filter(|&i| bit(i, |b| b.start)) {
            let len = (1..).find(|n| bit(at + n, |b| b.stop)).expect("words end");
            if lexicon.may_begin(text.as_bytes(), at, len) {
                lexicon.compare(text.as_bytes(), at, len, &mut events);
            }
        }
        events.iter().map(|e| text[e.start as usize..e.end as usize].to_owned()).collect()
    }

    #[test]
    fn phrases_are_found_as_people_write_them() {
        let phrases = ["social security", "phone", "ssn", "teléfono", "date of birth", "social", "card", "fbc"];
        for (text, expected) in [
            ("Social Security number", &["Social Security", "Social"][..]),
            ("social_security_no, socialSecurityNo", &["social_security", "social", "socialSecurity", "social"]),
            ("homePhone userSSN SSNValue PHONE2", &["Phone", "SSN", "SSN", "PHONE"]),
            ("TELÉFONO: teléfono", &["TELÉFONO", "teléfono"]),
            ("dateOfBirth date_of_birth DATE OF BIRTH", &["dateOfBirth", "date_of_birth", "DATE OF BIRTH"]),
            ("phones cardboard antisocial date of births", &[]),
            ("a1b2c3d4e5f60fbc fbc16a7e5d4c 0FBC FBC0A1B2C3D fbc fbc.123", &["fbc", "fbc"]),
        ] {
            assert_eq!(found(&phrases, text), expected, "{text}");
        }
    }

    #[test]
    fn words_are_found_wherever_they_stand() {
        for shift in 0..130 {
            let text = format!("{}teléfono", " ".repeat(shift));
            assert_eq!(found(&["teléfono"], &text), ["teléfono"], "shifted by {shift}");
        }
    }
}
