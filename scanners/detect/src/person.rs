//! Names of people in running text: after a word that introduces one, or a common given name and what follows it.
//!
//! Few but right: a single word is a name only after a title, and every other name needs a common given or family
//! name in it. Names of organisations and places that look the same are told by their words.

use std::ops::Range;

use crate::dictionary::{COMMON_WORDS, GIVEN_NAMES, ORGANIZATION_WORDS, PARTICLES, PLACE_WORDS, SURNAMES};

/// What introduces a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cue {
    /// `Dr.`, `Mrs`, `my name is`: whatever has the shape of a name is one.
    Title,
    /// `Name:`, `Dear`, `customer`: with a common name in it.
    Label,
}

/// Phrases that introduce a name as nothing else.
pub(crate) const TITLES: &[&str] = &[
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "prof",
    "professor",
    "mx",
    "señor",
    "señora",
    "sr",
    "sra",
    "srta",
    "herr",
    "frau",
    "monsieur",
    "madame",
    "my name is",
    "me llamo",
    "mi nombre es",
    "name is",
    "sincerely",
    "atentamente",
];

/// Phrases that often introduce a name.
pub(crate) const LABELS: &[&str] = &[
    "name",
    "full name",
    "first name",
    "customer",
    "client",
    "patient",
    "employee",
    "contact",
    "dear",
    "hi",
    "hello",
    "attn",
    "attention",
    "signed",
    "signed by",
    "regards",
    "best regards",
    "policyholder",
    "traveler",
    "passenger",
    "member",
    "applicant",
    "tenant",
    "user",
    "cardholder",
    "account holder",
    "beneficiary",
    "recipient",
    "sender",
    "physician",
    "doctor",
    "manager",
    "contractor",
    "record for",
    "belonging to",
    "registered to",
    "issued to",
    "nombre",
    "nombre completo",
    "estimado",
    "estimada",
    "cliente",
    "paciente",
    "firmado",
    "author",
    "reported by",
    "assigned to",
    "approved by",
    "owner",
    "guest",
    "student",
    "teacher",
    "duty",
];

/// Given names that are as often something else: only with a common family name behind them.
const AMBIGUOUS: &[&[u8]] = &[
    b"april",
    b"may",
    b"june",
    b"will",
    b"mark",
    b"rose",
    b"grace",
    b"dawn",
    b"art",
    b"pat",
    b"bill",
    b"frank",
    b"jean",
    b"mason",
    b"taylor",
    b"jordan",
    b"morgan",
    b"virginia",
    b"paris",
    b"austin",
    b"madison",
    b"chase",
    b"dean",
    b"ray",
    b"max",
    b"ivy",
    b"olive",
    b"pearl",
    b"ruby",
    b"bo",
    b"le",
    b"li",
    b"hong",
    b"min",
    b"feng",
    b"lin",
    b"ming",
    b"peng",
    b"tao",
    b"hui",
    b"logan",
    b"lane",
    b"miles",
    b"guadalupe",
    b"jesus",
    b"victoria",
    b"charlotte",
    b"dallas",
    b"florence",
    b"sydney",
    b"savannah",
    b"brooklyn",
    b"carolina",
    b"georgia",
    b"luna",
    b"aurora",
    b"eve",
    b"hope",
    b"faith",
    b"joy",
    b"iris",
    b"hazel",
    b"violet",
    b"daisy",
    b"crystal",
    b"amber",
    b"robin",
    b"drew",
    b"rob",
    b"rich",
    b"jack",
    b"dale",
    b"glenn",
    b"cole",
    b"owen",
    b"bob",
    b"sam",
    b"ana",
    b"ada",
    b"duc",
    b"an",
    b"lee",
    b"kim",
    b"king",
    b"gene",
    b"sandy",
    b"dana",
    b"casey",
    b"quinn",
    b"riley",
    b"summer",
    b"levi",
    b"harper",
    b"santiago",
    b"diego",
    b"salvador",
    b"kelly",
    b"ted",
    b"sue",
    b"rick",
    b"dan",
    b"ed",
    b"ken",
    b"stella",
    b"angel",
    b"dolores",
    b"pilar",
    b"mercedes",
    b"isabel",
    b"trinidad",
    b"soo",
    b"hyun",
    b"ji",
    b"eun",
    b"jin",
];

/// The name after a cue that ends at `end`.
pub(crate) fn after_cue(text: &[u8], end: usize, cue: Cue) -> Option<Range<usize>> {
    let mut at = end;
    let mut quoted = false;
    // A few separators: `Name: `, `"name":"`, `Dr. `.
    while at < text.len() && at - end < 6 && b" .:=\"',>#\t".contains(&text[at]) {
        quoted |= matches!(text[at], b'"');
        at += 1;
    }
    if at == end {
        return None;
    }
    let name = read(text, at, quoted)?;
    let stands = match cue {
        Cue::Title => name.words >= 1 && !name.lower,
        Cue::Label => name.words >= 2 && (name.given || name.surname) && (!name.lower || (name.given && name.surname)),
    };
    stands.then_some(name.range)
}

/// The name that begins with the common given name at `start..end`.
pub(crate) fn from_given(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let given = &text[start..end];
    let capital = given[0].is_ascii_uppercase() && given[1..].iter().all(u8::is_ascii_lowercase);
    let inside = start > 0
        && (text[start - 1].is_ascii_alphanumeric()
            || b"_@/\\-.#".contains(&text[start - 1])
            || text[start - 1] >= 0x80);
    if !capital || inside || text.get(end) != Some(&b' ') {
        return None;
    }
    let name = read(text, start, false)?;
    let ambiguous = AMBIGUOUS.iter().any(|a| a.eq_ignore_ascii_case(given));
    let stands = name.words >= 2 && (name.surname || !ambiguous);
    // The word before may show that the name began earlier, or that it is part of a longer title.
    stands.then_some(name.range)
}

/// A run of words with the shape of a name.
struct Name {
    range: Range<usize>,
    words: usize,
    /// A common given name is among the words but the last.
    given: bool,
    /// A common family name is among the words but the first.
    surname: bool,
    /// It is written without capitals.
    lower: bool,
}

fn read(text: &[u8], start: usize, quoted: bool) -> Option<Name> {
    let (mut at, mut end) = (start, start);
    let mut name = Name { range: start..start, words: 0, given: false, surname: false, lower: false };
    while name.words < 4 {
        let length = word(&text[at..]);
        if length == 0 {
            break;
        }
        let this = &text[at..at + length];
        let initial = length == 1 && text.get(at + 1) == Some(&b'.');
        let capital = is_capital(this);
        if name.words > 0 && PARTICLES.has(this) && !(capital && SURNAMES.has(this)) {
            at += length;
        } else {
            let lower = quoted && !capital && this.is_ascii();
            if !(capital || lower) || (length == 1 && !initial && name.words == 0) {
                break;
            }
            let stops = |w: &[u8]| COMMON_WORDS.has(w) || ORGANIZATION_WORDS.has(w) || PLACE_WORDS.has(w);
            if stops(this) && !(name.words > 0 && SURNAMES.has(this)) {
                // `Jordan Bank`: what looked like a name is something else's.
                if name.words > 0 && (ORGANIZATION_WORDS.has(this) || PLACE_WORDS.has(this)) {
                    return None;
                }
                break;
            }
            name.lower |= lower;
            name.given |= GIVEN_NAMES.has(this);
            name.surname |= name.words > 0 && SURNAMES.has(this);
            name.words += usize::from(!initial);
            at += length + usize::from(initial);
            end = at;
        }
        // One space, or none after an initial.
        match text.get(at) {
            Some(b' ') => at += 1,
            Some(_) if initial => {}
            _ => break,
        }
    }
    name.range.end = end;
    let closes = !text.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'@' | b'/'));
    (name.words > 0 && closes && end - start >= 2).then_some(name)
}

/// Length of the word at the beginning: letters, with a hyphen or an apostrophe between letters; no possessive.
fn word(text: &[u8]) -> usize {
    let window = &text[..text.len().min(40)];
    let text = match std::str::from_utf8(window) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut length = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let joins =
            matches!(c, '-' | '\'' | '’') && i > 0 && chars.peek().is_some_and(|(_, next)| next.is_alphabetic());
        if !(c.is_alphabetic() || joins) {
            break;
        }
        if joins && c != '-' && possessive(&text[i + c.len_utf8()..]) {
            break;
        }
        length = i + c.len_utf8();
    }
    length
}

fn possessive(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next() == Some('s') && !chars.next().is_some_and(char::is_alphabetic)
}

fn is_capital(word: &[u8]) -> bool {
    let text = std::str::from_utf8(word).unwrap_or_default();
    let mut chars = text.chars();
    let first = chars.next().is_some_and(char::is_uppercase);
    // `JOHN SMITH` is a name, `OK` and `HTTP` rarely are; initials are short.
    first
        && (word.len() <= 1
            || chars.clone().any(char::is_lowercase)
            || (word.len() >= 3 && SURNAMES.has(word) | GIVEN_NAMES.has(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(text: &str, cue: &str, kind: Cue) -> Option<String> {
        let end = text.find(cue).unwrap() + cue.len();
        after_cue(text.as_bytes(), end, kind).map(|r| text[r].to_owned())
    }

    #[test]
    fn cues_introduce_names() {
        let cases = [
            ("Dear Mr. O'Neil, hello", "Mr", Cue::Title, Some("O'Neil")),
            ("Dr. Helena Shaw's patient", "Dr", Cue::Title, Some("Helena Shaw")),
            ("my name is José de la Cruz.", "my name is", Cue::Title, Some("José de la Cruz")),
            ("Name: Maria Lopez; age 4", "Name", Cue::Label, Some("Maria Lopez")),
            ("{\"name\":\"leo wang\"}", "name", Cue::Label, Some("leo wang")),
            ("name: Main Worker", "name", Cue::Label, None),
            ("Dear Customer", "Dear", Cue::Label, None),
            ("customer Jordan Bank Ltd", "customer", Cue::Label, None),
            ("names", "name", Cue::Label, None),
        ];
        for (text, word, kind, want) in cases {
            assert_eq!(cue(text, word, kind).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn given_names_begin_names() {
        let cases = [
            ("Michael Tran bought it", Some("Michael Tran")),
            ("Maria J. Gonzalez-Ruiz left", Some("Maria J. Gonzalez-Ruiz")),
            ("May Report is due", None),
            ("Mark Smith is due", Some("Mark Smith")),
            ("Michael said so", None),
            ("Jordan River flows", None),
        ];
        for (text, want) in cases {
            let end = text.find(' ').unwrap();
            assert_eq!(from_given(text.as_bytes(), 0, end).map(|r| &text[r]), want, "{text}");
        }
    }
}
