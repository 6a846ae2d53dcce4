//! Names as files and directories are called after people: `Schmidt, Anna`.
//!
//! In running text a comma between two capitals says nothing; as the whole beginning of a name of a file it does, if a
//! common given name stands behind it. Few but right: what might be a town in a state, a list of months or of
//! programming languages is left alone, and so is a given name that is also a word.

use std::ops::Range;

use crate::dictionary::{
    AMBIGUOUS_GIVEN_NAMES, COMMON_WORDS, GIVEN_NAMES, JOB_WORDS, ORGANIZATION_WORDS, PARTICLES, PLACE_WORDS, SURNAMES,
};

/// Where the name stands in a file's or directory's name that begins with `Family, Given`; what may follow is a number,
/// a bracket or a word apart.
pub fn last_first(name: &str) -> Option<Range<usize>> {
    let (family, rest) = name.split_once(", ")?;
    if rest.contains(',') || !is_family(family) {
        return None;
    }
    let mut end = name.len() - rest.len();
    for (number, word) in rest.split_inclusive([' ', '_']).enumerate().take(3) {
        let bare = word.trim_end_matches([' ', '_']);
        let is_initial = number > 0 && matches!(bare.as_bytes(), [b'A'..=b'Z'] | [b'A'..=b'Z', b'.']);
        // What ends a file's name is no part of the word: `Anna.pdf`.
        let bare = if is_initial { bare } else { bare.split('.').next().unwrap_or(bare) };
        if !(is_initial || is_name_shaped(bare) && is_given(bare)) {
            break;
        }
        end = bare.as_ptr() as usize - name.as_ptr() as usize + bare.len();
    }
    // What follows directly belongs to the word, which then was none: `Smith, Anna2`.
    let ends = name[end..].chars().next().is_none_or(|c| matches!(c, ' ' | '_' | '(' | '[' | '.'));
    (end > name.len() - rest.len() && ends).then_some(0..end)
}

/// Where the name stands in a file's or directory's name that begins with `Given Family`, an initial between them or not.
pub fn first_last(name: &str) -> Option<Range<usize>> {
    let mut words = name.split_inclusive([' ', '_']).map(|word| word.trim_end_matches([' ', '_']));
    let given = words.next().filter(|word| is_name_shaped(word) && is_given(word))?;
    let mut family = words.next()?;
    if matches!(family.as_bytes(), [b'A'..=b'Z'] | [b'A'..=b'Z', b'.']) {
        family = words.next()?;
    }
    let family = family.split(['.', '(', '[']).next().unwrap_or(family);
    let bytes = family.as_bytes();
    let words = [&COMMON_WORDS, &JOB_WORDS, &ORGANIZATION_WORDS, &PLACE_WORDS];
    let is_word = words.iter().any(|list| list.has(bytes)) || MONTHS.iter().any(|m| m.eq_ignore_ascii_case(family));
    let end = family.as_ptr() as usize - name.as_ptr() as usize + family.len();
    (is_name_shaped(family) && SURNAMES.has(bytes) && !is_word && given.len() > 1).then_some(0..end)
}

fn is_given(word: &str) -> bool {
    let is = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(word));
    let ambiguous = AMBIGUOUS_GIVEN_NAMES.has(word.as_bytes());
    GIVEN_NAMES.has(word.as_bytes()) && !ambiguous && !is(REGIONS) && !is(MONTHS)
}

fn is_family(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let Some((last, before)) = words.split_last() else { return false };
    let is = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(last));
    let bytes = last.as_bytes();
    let lists = [&COMMON_WORDS, &JOB_WORDS, &ORGANIZATION_WORDS, &PLACE_WORDS, &GIVEN_NAMES];
    let is_word = || lists.iter().any(|list| list.has(bytes)) || is(MONTHS) || is(LANGUAGES);
    let fits = |word: &&str| PARTICLES.has(word.as_bytes()) || is_name_shaped(word) && SURNAMES.has(word.as_bytes());
    before.len() <= 3
        && before.iter().all(fits)
        && is_name_shaped(last)
        && (SURNAMES.has(bytes) && !is(MONTHS) || last.chars().count() >= 4 && !is_word())
}

/// A capital, then small letters; parts joined by `-` or `'` likewise.
fn is_name_shaped(word: &str) -> bool {
    let part = |part: &str| {
        let mut letters = part.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_alphabetic)
    };
    word.chars().any(char::is_lowercase) && word.split(['-', '\'', '’']).all(part)
}

const MONTHS: &[&str] = &[
    "jan",
    "january",
    "feb",
    "february",
    "mar",
    "march",
    "apr",
    "april",
    "may",
    "jun",
    "june",
    "jul",
    "july",
    "aug",
    "august",
    "sep",
    "sept",
    "september",
    "oct",
    "october",
    "nov",
    "november",
    "dec",
    "december",
];

/// Given names that stand behind a comma as a state or a country: `Athens, Georgia`.
const REGIONS: &[&str] = &[
    "carolina", "chad", "cuba", "cyprus", "dakota", "florida", "georgia", "india", "indiana", "israel", "jordan",
    "kenya", "malta", "montana", "nevada", "victoria", "virginia",
];

const LANGUAGES: &[&str] =
    &["ada", "delphi", "java", "julia", "pascal", "perl", "python", "ruby", "rust", "scala", "swift"];

#[cfg(test)]
mod tests {
    use super::{first_last, last_first};

    #[test]
    fn people_are_filed_by_given_name() {
        for (name, found) in [
            ("Jane Smith", Some("Jane Smith")),
            ("Maria J. Gonzalez (1042)", Some("Maria J. Gonzalez")),
            ("Anna_Schmidt.pdf", Some("Anna_Schmidt")),
            ("Jane Smith's files", None),
            ("Virginia Beach", None),
            ("June Report", None),
            ("Python Scripts", None),
            ("Smith", None),
            ("New York", None),
        ] {
            assert_eq!(first_last(name).map(|range| &name[range]), found, "{name}");
        }
    }

    #[test]
    fn people_are_filed_by_family_name() {
        for (name, found) in [
            ("Schmidt, Anna", "Schmidt, Anna"),
            ("Smith, Maria (1042)", "Smith, Maria"),
            ("Smith, Maria J. contract", "Smith, Maria J."),
            ("van der Berg, Peter 1984-03-12", "van der Berg, Peter"),
            ("García, José", "García, José"),
            ("Schmidt, Anna.pdf", "Schmidt, Anna"),
            ("O'Neil, Susan_2019", "O'Neil, Susan"),
        ] {
            assert_eq!(last_first(name).map(|range| &name[range]), Some(found), "{name}");
        }
    }

    #[test]
    fn ordinary_names_stay() {
        for name in [
            "Jan, Feb",
            "May, June",
            "Paris, Texas",
            "Athens, Georgia",
            "Austin, Virginia",
            "Smith, Georgia",
            "March, April",
            "Smith, Jones",
            "Red, Green, Blue",
            "Perl, Python",
            "Java, Julia",
            "Sales, Maria",
            "sales, anna",
            "Smith, Anna2",
            "Smith, Wesson",
            "Berlin, Hamburg",
            "invoices, Maria",
            "Hello, Anna",
            "Anna, Maria",
            "Smith,Anna",
            "a, b",
            ", ",
            "Black, White",
            "Bill, Paid",
            "Rose, White",
            "Q1, Q2",
            "Smith, Anna, Peter",
        ] {
            assert_eq!(last_first(name), None, "{name}");
        }
    }
}
