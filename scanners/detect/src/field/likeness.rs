//! How much values look like what a name only hints at: names of people, job titles.

use crate::Type;
use crate::dictionary::{self, GIVEN_NAMES, SURNAMES};

/// Shares in thousandths, with the words for the evidence.
#[derive(Debug)]
pub(super) struct Likeness {
    known: u16,
    shaped: u16,
    other: u16,
    what: &'static str,
}

/// Looks at values of a kind; kinds without a likeness of their own are always like themselves.
pub(super) fn of(kind: Type, values: &[&[u8]]) -> Option<Likeness> {
    let share = |wanted: &dyn Fn(&[u8]) -> bool| {
        let n = values.iter().filter(|v| wanted(v)).count();
        (n * 1000).checked_div(values.len()).unwrap_or(0) as u16
    };
    Some(match kind {
        Type::PersonName => Likeness {
            known: share(&has_known_name),
            shaped: share(&has_name_shape),
            other: share(&names_something_else),
            what: "hold a common name",
        },
        Type::Occupation => Likeness {
            known: share(&|v| words(v).any(|w| dictionary::JOB_WORDS.has(w))),
            shaped: 0,
            other: 0,
            what: "hold a word for an occupation",
        },
        _ => Likeness { known: 1000, shaped: 1000, other: 0, what: "are so" },
    })
}

impl Likeness {
    /// Enough to make a weak hint good.
    pub(super) fn speaks_for(&self) -> bool {
        self.other < 250 && (self.known >= 150 || self.shaped >= 700)
    }

    /// Enough to make a strong hint bad.
    pub(super) fn speaks_against(&self) -> bool {
        self.other >= 500
    }

    pub(super) fn evidence(&self) -> String {
        format!("{} in 1000 values {}", self.known, self.what)
    }
}

fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|b| matches!(b, b' ' | b',' | b'.' | b'/' | b'-' | b'(' | b')')).filter(|w| !w.is_empty())
}

fn has_known_name(value: &[u8]) -> bool {
    let first = words(value).next();
    let last = words(value).last();
    first.is_some_and(|w| GIVEN_NAMES.has(w) || SURNAMES.has(w))
        || last.is_some_and(|w| SURNAMES.has(w) || GIVEN_NAMES.has(w))
}

/// Two to four words, each beginning with a capital, joined particles aside.
fn has_name_shape(value: &[u8]) -> bool {
    let mut count = 0;
    for word in value.split(|b| *b == b' ').filter(|w| !w.is_empty()) {
        let capital = word[0].is_ascii_uppercase() || word[0] >= 0x80;
        let particle = dictionary::PARTICLES.has(word);
        if !(capital || particle) || word.iter().any(u8::is_ascii_digit) {
            return false;
        }
        count += usize::from(!particle);
    }
    (2..=4).contains(&count) && !names_something_else(value)
}

fn names_something_else(value: &[u8]) -> bool {
    words(value).any(|w| dictionary::ORGANIZATION_WORDS.has(w) || dictionary::PLACE_WORDS.has(w))
}
