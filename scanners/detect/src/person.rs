//! Names of people in running text: after a word that introduces one, or a common given name and what follows it.
//!
//! Few but right: a single word is a name only after a title, in a field called after names or in prose that treats it
//! as one, and every other name needs a listed given or family name in it, or the address behind it that repeats it.
//! Names of organisations and places that look the same are told by their words.

mod alone;
mod cues;
mod filed;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use alone::{at_given, at_small, at_surname};
pub(crate) use cues::{CLOSINGS, KEYS, LABELS, RANKS, TITLES};
pub use filed::{first_last, last_first};

use crate::dictionary::{
    AMBIGUOUS_GIVEN_NAMES, COMMON_WORDS, GIVEN_NAMES, LISTED_GIVEN_NAMES, ORGANIZATION_WORDS, PARTICLES, PLACE_WORDS,
    SURNAMES, TELLING_SURNAMES, is_given_name, is_surname,
};

/// What introduces a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cue {
    /// `Dr.`, `Mrs`, `my name is`: whatever has the shape of a name is one.
    Title,
    /// `Officer`, `Senator`: with a listed name in it.
    Rank,
    /// `Name:`, `Dear`, `customer`: with a common name in it.
    Label,
}

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
    let Some(name) = read(text, at, quoted) else { return small(text, at, &text[..end]) };
    let stands = match cue {
        Cue::Title => name.words >= 1 && !name.lower,
        Cue::Rank => {
            name.words >= 1 && !name.lower && {
                let mut words = text[name.range.clone()].split(|b| *b == b' ');
                words.any(|word| is_given_name(word) || is_surname(word))
            }
        }
        Cue::Label => name.words >= 2 && (name.given || name.surname) && (!name.lower || (name.given && name.surname)),
    };
    stands.then_some(name.range)
}

/// The name that signs a letter whose closing words end at `end`: `Regards,\nPriya Nair`.
pub(crate) fn after_closing(text: &[u8], end: usize) -> Option<Range<usize>> {
    let gap = text[end..].iter().take(6).take_while(|b| b" ,.:!-\r\n".contains(b)).count();
    let parted = text[end..end + gap].iter().any(|b| matches!(b, b',' | b'\n' | b':'));
    let name = read(text, end + gap, false).filter(|_| parted)?;
    let ends =
        matches!(text.get(name.range.end), None | Some(b'\n' | b'\r' | b',' | b'.' | b'<' | b'"' | b')' | b'\\'))
            || text[name.range.end..].starts_with(b"  ");
    let mut words = text[name.range.clone()].split(|b| *b == b' ');
    let listed = words.any(|word| is_given_name(word) || is_surname(word));
    (ends && (listed || name.words == 2 && !name.lower)).then_some(name.range)
}

/// A listed given name in small letters, after a phrase that nothing but a name follows: `my name is maria`.
fn small(text: &[u8], at: usize, before: &[u8]) -> Option<Range<usize>> {
    let phrase = [&b" is"[..], b"llamo", b"nombre es"].iter().any(|end| before.ends_with(end));
    let length = word(&text[at..]);
    // With the family name behind it, if a list has that: `my name is sarah connor`.
    let second = if text.get(at + length) == Some(&b' ') { word(&text[at + length + 1..]) } else { 0 };
    let family = &text[(at + length + 1).min(text.len())..][..second];
    if phrase
        && second >= 3
        && LISTED_GIVEN_NAMES.has(&text[at..at + length])
        && is_surname(family)
        && !COMMON_WORDS.has(family)
    {
        return Some(at..at + length + 1 + second);
    }
    let ends = !text.get(at + length).is_some_and(|b| {
        b.is_ascii_alphanumeric()
            || b"_-@./".contains(b) && text.get(at + length + 1).is_some_and(u8::is_ascii_alphanumeric)
    });
    (phrase && length >= 3 && ends && LISTED_GIVEN_NAMES.has(&text[at..at + length])).then(|| at..at + length)
}

/// The name that fills the element or the quoted value whose name ends at `end`: `<last_name>Quill</last_name>`,
/// `"firstName": "Ada"`, `surname='Quill'`.
pub(crate) fn in_key(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let Some((at, closing)) = value_of_key(text, start, end) else { return bare_value(text, end) };
    let longest = &text[at..text.len().min(at + LONGEST_VALUE)];
    let length = longest.iter().position(|b| *b == closing)?;
    let value = longest[..length].trim_ascii();
    let at = at + longest[..length].len() - longest[..length].trim_ascii_start().len();
    let end = at + value.len();
    if value.contains(&b'&') {
        // `O&apos;Neil` is read as it is meant, and stands where it is written.
        let meant = unescaped(value);
        let name = read(&meant, 0, true)?;
        return (name.range == (0..meant.len()) && !name.lower).then_some(at..end);
    }
    let name = read(text, at, true)?;
    let known = || value.split(|b| *b == b' ').any(|w| GIVEN_NAMES.has(w) || SURNAMES.has(w));
    (name.range == (at..end) && (!name.lower || known())).then_some(name.range)
}

/// The name behind a key without quotes: `First name: Xiadani`, `last_name=Doe&`.
fn bare_value(text: &[u8], end: usize) -> Option<Range<usize>> {
    let spaces =
        |at: usize, most: usize| text[at..].iter().take(most).take_while(|b| matches!(b, b' ' | b'\t')).count();
    let mark = end + spaces(end, 2);
    if !matches!(text.get(mark), Some(b':' | b'=')) {
        return None;
    }
    let at = mark + 1 + spaces(mark + 1, 3);
    let name = read(text, at, false)?;
    let value = &text[name.range.clone()];
    let ends = matches!(
        text.get(name.range.end),
        None | Some(b'\n' | b'\r' | b',' | b';' | b'&' | b'|' | b'\t' | b'"' | b' ')
    );
    let of_program = PROGRAM_WORDS.iter().any(|word| word.eq_ignore_ascii_case(value));
    (ends && !of_program && value.len() >= 2).then_some(name.range)
}

/// What stands in programs where a name would.
const PROGRAM_WORDS: &[&[u8]] = &[
    b"string",
    b"str",
    b"text",
    b"varchar",
    b"char",
    b"field",
    b"input",
    b"label",
    b"required",
    b"optional",
    b"name",
    b"yes",
    b"no",
    b"none",
    b"null",
    b"true",
    b"false",
    b"value",
    b"column",
    b"type",
    b"object",
    b"any",
    b"id",
    b"self",
    b"some",
    b"default",
    b"and",
    b"or",
    b"enter",
    b"select",
    b"your",
    b"last",
    b"first",
    b"middle",
];

/// A name with the apostrophes that XML and HTML write as entities.
pub(crate) fn unescaped(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'&') {
        return Cow::Borrowed(value);
    }
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, tail)) = rest.split_first() {
        let entity = APOSTROPHES.iter().find(|entity| rest.starts_with(entity));
        plain.push(if entity.is_some() { b'\'' } else { *first });
        rest = entity.map_or(tail, |entity| &rest[entity.len()..]);
    }
    Cow::Owned(plain)
}

/// How an apostrophe is written where it would end a value.
const APOSTROPHES: [&[u8]; 5] = [b"&apos;", b"&#39;", b"&#039;", b"&#x27;", b"&rsquo;"];

/// Where the value of a key begins, and the byte that closes it.
fn value_of_key(text: &[u8], start: usize, end: usize) -> Option<(usize, u8)> {
    let byte = |i: usize| text.get(i).copied().unwrap_or(0);
    let skip = |mut i: usize, of: &[u8], most: usize| {
        let from = i;
        while i - from < most && of.contains(&byte(i)) {
            i += 1;
        }
        i
    };
    // `<first_name>`, `<c:first_name lang="en">`, but not `<b>First name</b>`.
    let element = text[..start].iter().rev().take(32).find(|b| !(b.is_ascii_alphanumeric() || b"_:.-".contains(b)));
    if element == Some(&b'<') && matches!(byte(end), b'>' | b' ') {
        let rest = &text[end..text.len().min(end + LONGEST_VALUE)];
        let close = end + rest.iter().position(|b| matches!(b, b'<' | b'>' | b'\n'))?;
        return (byte(close) == b'>' && byte(close - 1) != b'/').then_some((close + 1, b'<'));
    }
    let mark = skip(skip(end, b"\\\"'", 2), b" ", 1);
    if !matches!(byte(mark), b':' | b'=') {
        return None;
    }
    let open = skip(mark + 1, b" ", 2);
    match (byte(open), byte(open + 1)) {
        (b'\\', b'"') => Some((open + 2, b'\\')),
        (quote @ (b'"' | b'\''), _) => Some((open + 1, quote)),
        _ => None,
    }
}

/// The name before the address that begins at `start`, as in `From: María García <maria@example.com>`: with a common
/// name in it, or one that the address repeats.
pub(crate) fn before_address(text: &[u8], start: usize, local: &[u8]) -> Option<Range<usize>> {
    let end = start.checked_sub(1).filter(|i| text[*i] == b'<')?;
    let spaces = |i: usize| text[..i].iter().rev().take(2).take_while(|b| **b == b' ').count();
    let end = end - spaces(end);
    let end = end - usize::from(text[..end].ends_with(b"\""));
    let first = end.saturating_sub(LONGEST_VALUE);
    let from = text[first..end].iter().rposition(|b| b"\n\r,;:<>\"()[]{}=|\t\\".contains(b))?;
    let at = first + from + 1;
    let at = at + text[at..end].iter().take_while(|b| **b == b' ').count();
    let shown = &text[at..end];
    let name = read(text, at, false)?;
    let repeats = |word: &[u8]| word.len() >= 3 && local.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
    let known = name.given || name.surname || shown.split(|b| *b == b' ').any(repeats);
    (name.words >= 2 && known && name.range == (at..at + shown.len())).then_some(name.range)
}

/// Longest value or name that is looked at.
const LONGEST_VALUE: usize = 64;

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
            // `April Lopez`: a given name that is another word, too, before a family name that is none.
            let begins = || {
                name.words == 0 && AMBIGUOUS_GIVEN_NAMES.has(this) && text.get(at + length) == Some(&b' ') && {
                    let next = &text[at + length + 1..];
                    let next = &next[..word(next)];
                    is_capital(next) && TELLING_SURNAMES.has(next)
                }
            };
            if stops(this) && !(name.words > 0 && SURNAMES.has(this)) && !begins() {
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
    let end = with_suffix(text, end);
    name.range.end = end;
    let closes = !text.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'@' | b'/'));
    (name.words > 0 && closes && end - start >= 2).then_some(name)
}

/// The end of a name with what marks the generation behind it: `Jr.`, `III`.
fn with_suffix(text: &[u8], end: usize) -> usize {
    const SUFFIXES: [&[u8]; 9] = [b" Jr.", b", Jr.", b" Sr.", b", Sr.", b" Jr", b", Jr", b" III", b" II", b" IV"];
    let rest = &text[end..];
    if [&b" Jr"[..], b" Sr"].iter().any(|read| text[..end].ends_with(read)) {
        return end + usize::from(rest.starts_with(b"."));
    }
    let suffix = SUFFIXES
        .iter()
        .find(|suffix| rest.starts_with(suffix) && !rest.get(suffix.len()).is_some_and(u8::is_ascii_alphanumeric));
    end + suffix.map_or(0, |suffix| suffix.len())
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
    fn keys_hold_names() {
        let cases = [
            ("<first_name>Ada</first_name>", "first_name", Some("Ada")),
            ("<c:last_name lang=\"en\"> Quill </c:last_name>", "last_name", Some("Quill")),
            ("{\"customerLastName\": \"O'Neil\"}", "LastName", Some("O'Neil")),
            ("{\\\"surname\\\":\\\"García\\\"}", "surname", Some("García")),
            ("<surname>O&apos;Neil</surname>", "surname", Some("O&apos;Neil")),
            ("<surname>Tools &amp; Co</surname>", "surname", None),
            ("<p surname='maria'>", "surname", Some("maria")),
            ("{\"first_name\": \"string\"}", "first_name", None),
            ("<first_name/>Ada<x>", "first_name", None),
            ("<b>First name</b>Ada<", "First name", None),
            ("first_name: Ada", "first_name", Some("Ada")),
            ("first_name: String,", "first_name", None),
            ("first_name: Column(", "first_name", None),
            ("<first_name>Ada2</first_name>", "first_name", None),
            ("<first_name></first_name>", "first_name", None),
        ];
        for (text, key, want) in cases {
            let start = text.find(key).unwrap();
            let got = in_key(text.as_bytes(), start, start + key.len());
            assert_eq!(got.map(|r| &text[r]), want, "{text}");
        }
    }

    #[test]
    fn addresses_show_names() {
        let cases = [
            ("From: María García <maria@example.com>", Some("María García")),
            ("To: \"Ada Quill\" <ada.quill@example.com>", Some("Ada Quill")),
            ("Cc: Bo Ek <x@example.com>, Zed Quill <quill@example.com>", Some("Zed Quill")),
            ("From: Order Desk <desk@example.com>", None),
            ("From: Acme Tools <info@example.com>", None),
            ("from <maria@example.com>", None),
        ];
        for (text, want) in cases {
            let start = text.rfind('<').unwrap() + 1;
            let local = text[start..].split('@').next().unwrap();
            let got = before_address(text.as_bytes(), start, local.as_bytes());
            assert_eq!(got.map(|r| &text[r]), want, "{text}");
        }
    }

    #[test]
    fn given_names_begin_names() {
        let cases = [
            ("Michael Tran bought it", Some("Michael Tran")),
            ("Maria J. Gonzalez-Ruiz left", Some("Maria J. Gonzalez-Ruiz")),
            ("May Report is due", None),
            ("Mark Smith is due", Some("Mark Smith")),
            ("María García left", Some("María García")),
            ("Michael said so", Some("Michael")),
            ("Jordan River flows", None),
        ];
        for (text, want) in cases {
            let end = text.find(' ').unwrap();
            assert_eq!(
                at_given(text.as_bytes(), 0, end, ["May", "Mark", "Jordan"].contains(&&text[..end])).map(|r| &text[r]),
                want,
                "{text}"
            );
        }
    }
}
