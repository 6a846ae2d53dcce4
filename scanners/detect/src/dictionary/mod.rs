//! Word lists: common names of people, and words that show a name to be something else.
//!
//! All lists were written for this program from general knowledge of common names and words; none was taken from a
//! register, a census or another program. They are for judging likeness, never for completeness.

use std::sync::LazyLock;

use hashbrown::HashSet;

/// A list of words, looked up whole and in any case.
#[derive(Debug)]
pub(crate) struct WordList(LazyLock<HashSet<&'static [u8]>>);

/// Longest word of any list.
const LONGEST: usize = 24;

impl WordList {
    /// Whether the list has this word.
    pub(crate) fn has(&self, word: &[u8]) -> bool {
        let mut lower = [0; LONGEST];
        let Some(lower) = lower.get_mut(..word.len()) else { return false };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        self.0.contains(&*lower)
    }
}

/// Every given name of ASCII letters, for the lexicon of running text.
pub(crate) fn given_names() -> impl Iterator<Item = &'static str> {
    let names = include_str!("given_names.txt").lines().filter(|line| !line.starts_with('#'));
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
        assert!(!GIVEN_NAMES.has(b"") && !SURNAMES.has(b"a word far longer than any in a list"));
        assert!(JOB_WORDS.has(b"Manager") && ORGANIZATION_WORDS.has(b"LLC") && PLACE_WORDS.has(b"street"));
    }
}
