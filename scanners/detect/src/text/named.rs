//! Names and addresses: the words of the lexicon that open them, and what is reported.

use std::borrow::Cow;

use super::cx::Confidence;
use super::{Cx, Recogniser};
use crate::dictionary::{self, SortedList};
use crate::person::Cue;
use crate::{Type, address, organization, person, standard};

/// What a word may be the sign of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sign {
    /// A title: a name follows.
    Title,
    /// A rank or an office: a listed name may follow.
    Rank,
    /// A label: a name may follow.
    Label,
    /// The end of a letter: who wrote it follows.
    Closing,
    /// What a field that holds a name is called.
    Key,
    /// A given name that is seldom anything else.
    Given,
    /// A given name that is another word, too.
    CommonGiven,
    /// A family name that is nothing else.
    Surname,
    /// A common given name, perhaps in small letters.
    SmallGiven,
    /// A street's suffix.
    Suffix,
    /// A street's suffix that is another word, too.
    CommonSuffix,
    /// A state.
    State,
    /// A box, perhaps of a post office.
    Box,
    /// A legal form: an organisation stands before it.
    Form,
    /// What an organisation is: its name ends here.
    Kind,
    /// What an organisation is of something: its name begins here.
    KindOf,
}

/// The lists of names, each with its other spellings.
pub(super) const NAMES: [(Sign, &SortedList, Option<&SortedList>); 3] = [
    (Sign::Given, &dictionary::LISTED_GIVEN_NAMES, Some(&dictionary::ACCENTED_GIVEN_NAMES)),
    (Sign::CommonGiven, &dictionary::AMBIGUOUS_GIVEN_NAMES, None),
    (Sign::Surname, &dictionary::TELLING_SURNAMES, None),
];

/// The words to look out for, with what they are signs of.
pub(super) fn signs(people: bool, places: bool, organizations: bool, mut add: impl FnMut(&str, Sign)) {
    let mut all = |words: &[&str], sign| words.iter().for_each(|word| add(word, sign));
    if people {
        all(person::TITLES, Sign::Title);
        all(person::LABELS, Sign::Label);
        all(person::KEYS, Sign::Key);
        all(person::RANKS, Sign::Rank);
        all(person::CLOSINGS, Sign::Closing);
        let small: Vec<&str> = dictionary::small_given_names().collect();
        all(&small, Sign::SmallGiven);
    }
    if places {
        all(address::SUFFIXES, Sign::Suffix);
        all(address::COMMON_SUFFIXES, Sign::CommonSuffix);
        all(address::STATES, Sign::State);
        all(&["box"], Sign::Box);
    }
    if organizations {
        all(organization::FORMS, Sign::Form);
        all(organization::KINDS, Sign::Kind);
        all(organization::OF, Sign::KindOf);
    }
}

/// Looks around a sign.
pub(super) fn around(cx: &mut Cx<'_>, sign: Sign, start: usize, end: usize) {
    let text = cx.text;
    let name = |found: Option<std::ops::Range<usize>>| found.map(|range| (Recogniser::Person, Type::PersonName, range));
    let street =
        |found: Option<std::ops::Range<usize>>| found.map(|range| (Recogniser::Address, Type::StreetAddress, range));
    let firm = |found: Option<std::ops::Range<usize>>| {
        found.map(|range| (Recogniser::Organization, Type::Organization, range))
    };
    let found = match sign {
        Sign::Form => firm(organization::with_form(text, start, end)),
        Sign::Kind => firm(organization::of_kind(text, start, end)),
        Sign::KindOf => firm(organization::of_something(text, start, end)),
        Sign::Title => name(person::after_cue(text, end, Cue::Title)),
        Sign::Label => name(person::after_cue(text, end, Cue::Label)),
        Sign::Key => name(person::in_key(text, start, end)),
        Sign::Rank => name(person::after_cue(text, end, Cue::Rank)),
        Sign::Given => name(person::at_given(text, start, end, false)),
        Sign::CommonGiven => name(person::at_given(text, start, end, true)),
        Sign::Closing => name(person::after_closing(text, end)),
        Sign::SmallGiven => name(person::at_small(text, start, end)),
        Sign::Surname => name(person::at_surname(text, start, end)),
        Sign::Suffix | Sign::CommonSuffix => {
            let line = address::street(text, start, end, sign == Sign::CommonSuffix);
            if let Some((city, code)) = line.as_ref().and_then(|line| address::city_and_code(text, line.end)) {
                report(cx, Recogniser::City, Type::City, city);
                report(cx, Recogniser::PostalCode, Type::PostalCode, code);
            }
            street(line)
        }
        Sign::Box => street(address::post_office_box(text, start, end)),
        Sign::State => {
            let Some(place) = address::place(text, start, end) else { return };
            if let Some(city) = place.city {
                report(cx, Recogniser::City, Type::City, city);
            }
            report(cx, Recogniser::PostalCode, Type::PostalCode, place.code);
            street(place.street)
        }
    };
    if let Some((recogniser, kind, range)) = found {
        report(cx, recogniser, kind, range);
    }
}

/// Looks for the name shown before the address at `start..end`, with its `@` at `at`.
pub(super) fn before_address(cx: &mut Cx<'_>, start: usize, at: usize) {
    if start > 0
        && cx.text[start - 1] == b'<'
        && cx.engine.wants(Recogniser::Person)
        && let Some(range) = person::before_address(cx.text, start, &cx.text[start..at])
    {
        report(cx, Recogniser::Person, Type::PersonName, range);
    }
}

fn report(cx: &mut Cx<'_>, recogniser: Recogniser, kind: Type, range: std::ops::Range<usize>) {
    let mut form = std::mem::take(cx.form);
    let text = cx.text;
    let value = if kind == Type::PersonName {
        person::unescaped(&text[range.clone()])
    } else {
        Cow::Borrowed(&text[range.clone()])
    };
    if standard::write(kind, &value, false, &mut form) {
        cx.report(recogniser, range.start, range.end, Confidence::Rule, |out| out.extend_from_slice(&form));
    }
    *cx.form = form;
}
