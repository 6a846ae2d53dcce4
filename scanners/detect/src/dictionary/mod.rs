//! Word lists: common names of people, and words that show a name to be something else.
//!
//! The short lists were written for this program from general knowledge and are for judging likeness. The long ones,
//! `listed_…`, `ambiguous_…` and `telling_…`, say their sources in their heads; they are sorted, are never built into
//! anything, and are searched where they lie.

use std::cmp::Ordering;
use std::sync::LazyLock;

use hashbrown::HashSet;
use unicode_normalization::UnicodeNormalization;

/// A list of words, looked up whole and in any case.
#[derive(Debug)]
pub(crate) struct WordList(LazyLock<HashSet<&'static [u8]>>);

/// Longest word of any list.
const LONGEST: usize = 24;

impl WordList {
    /// Whether the list has this word, as it is written or without its accents.
    pub(crate) fn has(&self, word: &[u8]) -> bool {
        self.has_exactly(word) || !word.is_ascii() && self.has_exactly(without_accents(word).as_bytes())
    }

    fn has_exactly(&self, word: &[u8]) -> bool {
        let mut lower = [0; LONGEST];
        let Some(lower) = lower.get_mut(..word.len()) else { return false };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        self.0.contains(&*lower)
    }
}

/// A word in ASCII, as lists have it: `Lindström` becomes `Lindstrom`.
fn without_accents(word: &[u8]) -> String {
    let text = std::str::from_utf8(word).unwrap_or_default();
    let mut plain = String::with_capacity(text.len());
    for c in text.nfd() {
        match c {
            'ø' | 'Ø' => plain.push('o'),
            'ł' | 'Ł' => plain.push('l'),
            'đ' | 'Đ' => plain.push('d'),
            'ı' => plain.push('i'),
            'ß' => plain.push_str("ss"),
            'æ' | 'Æ' => plain.push_str("ae"),
            '\u{300}'..='\u{36f}' => {}
            c => plain.push(c),
        }
    }
    plain
}

/// A long list of words: a line each, sorted by bytes, in lower case without accents.
#[derive(Debug)]
pub(crate) struct SortedList(&'static str);

impl SortedList {
    /// Whether the list has this word, as it is written or without its accents.
    pub(crate) fn has(&self, word: &[u8]) -> bool {
        let mut lower = [0; LONGEST];
        if word.is_ascii() {
            let Some(lower) = lower.get_mut(..word.len()) else { return false };
            lower.copy_from_slice(word);
            lower.make_ascii_lowercase();
            return self.has_exactly(lower);
        }
        self.has_exactly(without_accents(word).to_ascii_lowercase().as_bytes())
    }

    /// Whether the list has this word just so.
    pub(crate) fn has_as_written(&self, word: &[u8]) -> bool {
        self.has_exactly(word)
    }

    /// Every word.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.0.lines().filter(|line| !line.starts_with('#'))
    }

    fn has_exactly(&self, word: &[u8]) -> bool {
        let all = self.0.as_bytes();
        // A line of the list begins at `low`, one ends at `high`.
        let (mut low, mut high) = (0, all.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let start = all[low..middle].iter().rposition(|b| *b == b'\n').map_or(low, |at| low + at + 1);
            let end = all[middle..high].iter().position(|b| *b == b'\n').map_or(high, |at| middle + at);
            match all[start..end].cmp(word) {
                Ordering::Equal => return !word.is_empty(),
                Ordering::Less => low = (end + 1).min(high),
                Ordering::Greater => high = start.saturating_sub(1).max(low),
            }
        }
        false
    }
}

/// Given names that are seldom anything else.
pub(crate) static LISTED_GIVEN_NAMES: SortedList = SortedList(include_str!("listed_given_names.txt"));
/// The same with accents, for the lexicon of running text.
pub(crate) static ACCENTED_GIVEN_NAMES: SortedList = SortedList(include_str!("listed_given_names_accented.txt"));
/// Given names that are words, places or products as often.
pub(crate) static AMBIGUOUS_GIVEN_NAMES: SortedList = SortedList(include_str!("ambiguous_given_names.txt"));
/// Family names beside the common ones.
pub(crate) static LISTED_SURNAMES: SortedList = SortedList(include_str!("listed_surnames.txt"));
/// Family names that hardly stand for anything but a person.
pub(crate) static TELLING_SURNAMES: SortedList = SortedList(include_str!("telling_surnames.txt"));

/// Common given names that are looked for in small letters, too: nothing else, and no short ones.
pub(crate) fn small_given_names() -> impl Iterator<Item = &'static str> {
    let words = include_str!("given_names.txt").lines().filter(|line| !line.starts_with('#'));
    words.flat_map(str::split_ascii_whitespace).filter(|name| {
        let name = name.as_bytes();
        name.len() >= 4
            && LISTED_GIVEN_NAMES.has(name)
            && !AMBIGUOUS_GIVEN_NAMES.has(name)
            && !COMMON_WORDS.has(name)
            && !SMALL_WORDS.contains(&name)
    })
}

/// Given names that are words in small letters.
const SMALL_WORDS: &[&[u8]] = &[
    b"jose",
    b"juan",
    b"luis",
    b"carlos",
    b"angel",
    b"rosa",
    b"jean",
    b"dawn",
    b"mark",
    b"bill",
    b"drew",
    b"grant",
    b"robin",
    b"gene",
    b"dean",
    b"ruby",
    b"java",
    b"louis",
    b"diego",
    b"marie",
    b"anna",
    b"clara",
    b"nova",
    b"sole",
    b"mina",
    b"sara",
    b"dong",
    b"sung",
    b"ross",
    b"jake",
    b"rick",
    b"nick",
    b"norm",
    b"mike",
    b"josh",
    b"teddy",
    b"barb",
    b"jimmy",
    b"randy",
    b"frankie",
    b"johnny",
    b"willy",
    b"dolly",
    b"molly",
    b"polly",
    b"sally",
    b"jenny",
    b"christian",
    b"muslim",
];

/// Whether a word is some given name.
pub(crate) fn is_given_name(word: &[u8]) -> bool {
    GIVEN_NAMES.has(word) || LISTED_GIVEN_NAMES.has(word) || AMBIGUOUS_GIVEN_NAMES.has(word)
}

/// Whether a word is some family name.
pub(crate) fn is_surname(word: &[u8]) -> bool {
    SURNAMES.has(word) || LISTED_SURNAMES.has(word)
}

macro_rules! list {
    ($file:literal) => {
        WordList(LazyLock::new(|| {
            let lines = include_str!($file).lines().filter(|line| !line.starts_with('#'));
            lines.flat_map(str::split_ascii_whitespace).map(str::as_bytes).collect()
        }))
    };
}

/// Given names.
pub(crate) static GIVEN_NAMES: WordList = list!("given_names.txt");
/// Family names.
pub(crate) static SURNAMES: WordList = list!("surnames.txt");
/// Words inside names: `de`, `van`, `al`.
pub(crate) static PARTICLES: WordList = list!("particles.txt");
/// Words that occupations are called by.
pub(crate) static JOB_WORDS: WordList = list!("job_words.txt");
/// Words in the names of organisations.
pub(crate) static ORGANIZATION_WORDS: WordList = list!("organization_words.txt");
/// Words in the names of places and things, which are no person's.
pub(crate) static PLACE_WORDS: WordList = list!("place_words.txt");
/// Words that begin sentences and headings with a capital, and are no one's name.
pub(crate) static COMMON_WORDS: WordList = list!("common_words.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        assert!(GIVEN_NAMES.has(b"Maria") && SURNAMES.has(b"SMITH") && PARTICLES.has(b"van"));
        assert!(SURNAMES.has("GARCÍA".as_bytes()) && GIVEN_NAMES.has("Jürgen".as_bytes()));
        assert!(!GIVEN_NAMES.has("é".as_bytes()) && !GIVEN_NAMES.has(b"mar\xff"));
        assert!(!GIVEN_NAMES.has(b"") && !SURNAMES.has(b"a word far longer than any in a list"));
        assert!(JOB_WORDS.has(b"Manager") && ORGANIZATION_WORDS.has(b"LLC") && PLACE_WORDS.has(b"street"));
    }

    #[test]
    fn long_lists_are_sorted_and_every_word_is_found() {
        for list in [&LISTED_GIVEN_NAMES, &AMBIGUOUS_GIVEN_NAMES, &LISTED_SURNAMES, &TELLING_SURNAMES] {
            assert!(list.iter().is_sorted(), "{:?}", list.iter().next());
            assert!(list.iter().all(|word| list.has(word.to_uppercase().as_bytes())));
            assert!(!list.has(b"") && !list.has(b"zzzz") && !list.has(b"aa") && !list.has(b"#") && !list.has(b"mq"));
        }
        assert!(LISTED_GIVEN_NAMES.has("Óscar".as_bytes()) && !LISTED_GIVEN_NAMES.has(b"Chase"));
        assert!(ACCENTED_GIVEN_NAMES.iter().is_sorted());
    }
}
