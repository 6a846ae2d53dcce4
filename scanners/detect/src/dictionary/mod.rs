//! Word lists: common names of people, and words that show a name to be something else.
//!
//! All lists were written for this program from general knowledge of common names and words; none was taken from a
//! register, a census or another program. They are for judging likeness, never for completeness.

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

/// Every given name, for the lexicon of running text; those with accents as they are mostly written, too.
pub(crate) fn given_names() -> impl Iterator<Item = &'static str> {
    let lists = [include_str!("given_names.txt"), include_str!("given_names_accented.txt")];
    let names = lists.into_iter().flat_map(str::lines).filter(|line| !line.starts_with('#'));
    names.flat_map(str::split_ascii_whitespace).filter(|name| name.len() >= 3)
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
}
