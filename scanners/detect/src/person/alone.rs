//! Names that stand in prose without anything that introduces them: a listed given name with or without what follows
//! it, a family name behind an initial or a given name that no list has, `Lopez, Maria`.
//!
//! A word of a list is a name only where prose surrounds it: next to a word in lower case, not part of a longer name
//! of something else, not joined to anything. One that is another word, too, needs a verb that people go with or a
//! greeting before it.

use std::ops::Range;

use super::cues::{BELONGINGS, GREETINGS, NO_PERSON, OPENINGS, PLACE_CUES, RANKS, VERBS};
use super::{read, word};
use crate::dictionary::{
    COMMON_WORDS, GIVEN_NAMES, JOB_WORDS, LISTED_GIVEN_NAMES, ORGANIZATION_WORDS, PLACE_WORDS, is_given_name,
    is_surname,
};

/// The name that begins with, or is, the given name at `start..end`; `common` if it is another word, too.
pub(crate) fn at_given(text: &[u8], start: usize, end: usize, common: bool) -> Option<Range<usize>> {
    let given = &text[start..end];
    if is_joined(text, start) {
        return None;
    }
    if !is_written_as_name(given) {
        return in_capitals(text, start, end);
    }
    // `Marie-Claire` is read whole; `MariaDB` and `Kevin-based` are no names.
    let first = start..start + word(&text[start..]);
    let behind = text.get(end..first.end).and_then(|rest| rest.strip_prefix(b"-"));
    let hyphenated = behind.is_some_and(is_written_as_name);
    if first.end != end && !hyphenated {
        return None;
    }
    let name = read(text, start, false)?;
    let last = &text[name.range.clone()];
    let last = last.rsplit(|b| *b == b' ').next().unwrap_or(last);
    if name.words >= 2 {
        // A common given name makes a name with any word behind it, a rarer one with a word of some length.
        let stands = name.surname
            || is_surname(last)
            || !common && (GIVEN_NAMES.has(given) || last.len() >= 3 && prose(text, &name.range));
        if stands {
            return Some(name.range);
        }
    }
    if name.words != 1 {
        return None;
    }
    surname_first(text, start, &name.range)
        .or_else(|| eastern(text, start, &name.range))
        .or_else(|| alone(text, &first, common).then_some(first))
}

/// A common given name in small letters, as people write who never press shift: `saw kevin and ryan`. Only among words
/// of prose, with nothing about them that programs write.
pub(crate) fn at_small(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    if !text[start..end].iter().all(u8::is_ascii_lowercase) {
        return None;
    }
    let free = |at: Option<&u8>| at.is_none_or(|b| b" \n\r.,!?".contains(b));
    if !free(start.checked_sub(1).map(|i| &text[i])) || !free(text.get(end)) {
        return None;
    }
    let around = &text[start.saturating_sub(PROSE)..text.len().min(end + PROSE)];
    let of_prose = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80 || b" \n\r.,!?'".contains(b);
    let spaces = around.iter().filter(|b| **b == b' ').count();
    if !around.iter().all(of_prose) || spaces < 2 {
        return None;
    }
    let (before, after) = (Before::of(text, start), After::of(text, end));
    if is_article(before.word) || after.names_something_else() || !after.closes {
        return None;
    }
    let next = after.word;
    let family =
        after.gap == Gap::Space && is_lower(next) && next.len() >= 3 && is_surname(next) && !COMMON_WORDS.has(next);
    let prose =
        |word: &[u8]| is_lower(word) && COMMON_WORDS.has(word) || is_any(GREETINGS, word) || is_any(VERBS, word);
    let surrounded = prose(before.word) || prose(after.word);
    (family || surrounded).then(|| start..if family { end + 1 + next.len() } else { end })
}

/// `JOHN SMITH`, `JOHN Q SMITH`, `SMITH, JOHN`: a listed given name in capitals beside a listed family name in capitals.
fn in_capitals(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let is_upper =
        |word: &[u8]| word.len() >= 3 && word.iter().all(|b| b.is_ascii_uppercase() || matches!(b, b'-' | b'\''));
    let family = |word: &[u8]| is_upper(word) && is_surname(word) && !COMMON_WORDS.has(word) && !PLACE_WORDS.has(word);
    if !is_upper(&text[start..end]) {
        return None;
    }
    let word_at = |at: usize| {
        at.min(text.len())
            ..at.min(text.len())
                + text[at.min(text.len())..].iter().take(24).take_while(|b| is_word_byte(**b) || **b == b'-').count()
    };
    let closes = |at: usize| !text.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || b"_@/=(:".contains(b));
    if text.get(end) == Some(&b' ') {
        let mut next = word_at(end + 1);
        if next.len() == 1 {
            let dot = usize::from(text.get(next.end) == Some(&b'.'));
            next = word_at(next.end + dot + 1);
        }
        if family(&text[next.clone()]) && closes(next.end) {
            return Some(start..next.end);
        }
    }
    let before = Before::of(text, start);
    let first = before.gap == Gap::Comma && family(before.word) && !is_joined(text, before.start);
    if !first || !closes(end) {
        return None;
    }
    let initial = text.get(end) == Some(&b' ') && word_at(end + 1).len() == 1 && text[end + 1].is_ascii_uppercase();
    Some(before.start..end + if initial { 2 } else { 0 })
}

/// `Li Wei`, `Nguyen Van An`: a family name of East Asia before the given name.
fn eastern(text: &[u8], start: usize, given: &Range<usize>) -> Option<Range<usize>> {
    let before = Before::of(text, start);
    if before.gap != Gap::Space || !is_written_as_name(before.word) || !is_any(EASTERN, before.word) {
        return None;
    }
    let range = before.start..given.end;
    (!is_joined(text, before.start) && prose(text, &range)).then_some(range)
}

/// Family names that stand first: the commonest of China, Vietnam and Korea.
const EASTERN: &[&str] = &[
    "li", "wang", "zhang", "liu", "chen", "yang", "zhao", "huang", "zhou", "wu", "xu", "sun", "ma", "zhu", "hu", "guo",
    "lin", "gao", "luo", "zheng", "liang", "xie", "tang", "han", "cao", "deng", "feng", "peng", "zeng", "xiao", "tian",
    "nguyen", "tran", "le", "pham", "hoang", "phan", "vu", "vo", "dang", "bui", "ngo", "kim", "lee", "park", "choi",
    "jung", "kang", "cho", "yoon", "jang", "lim",
];

/// How far around a name in small letters everything must be prose.
const PROSE: usize = 20;

/// The name that ends with the family name at `start..end`.
pub(crate) fn at_surname(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    if !is_written_as_name(&text[start..end]) || is_joined(text, start) {
        return None;
    }
    let name = read(text, start, false)?;
    if is_any(FAMOUS, &text[start..end]) && name.words == 1 {
        let after = After::of(text, name.range.end);
        let part = Before::of(text, start);
        let part = part.gap == Gap::Space && is_written_as_name(part.word) && !COMMON_WORDS.has(part.word);
        let article = Before::of(text, start).gap == Gap::Space && is_any(&["the"], Before::of(text, start).word);
        return (after.closes && !after.names_something_else() && !article || part).then_some(name.range);
    }
    if let Some(first) = initials_before(text, start) {
        return Some(first..name.range.end);
    }
    let before = Before::of(text, start);
    let gap = before.gap;
    let follows_name = gap == Gap::Space
        && before.word.len() >= 3
        && is_written_as_name(before.word)
        && !is_joined(text, before.start)
        && !is_any(OPENINGS, before.word)
        && !is_any(RANKS, before.word)
        && ![&COMMON_WORDS, &ORGANIZATION_WORDS, &PLACE_WORDS, &JOB_WORDS].iter().any(|list| list.has(before.word));
    if follows_name {
        let range = before.start..name.range.end;
        return prose(text, &range).then_some(range);
    }
    let free = gap != Gap::Space || is_lower(before.word) && !is_article(before.word);
    (free && After::of(text, name.range.end).is_act()).then_some(name.range)
}

/// Public figures whom texts call by one name.
const FAMOUS: &[&str] = &[
    "trump",
    "obama",
    "biden",
    "putin",
    "hitler",
    "stalin",
    "lenin",
    "merkel",
    "macron",
    "zelensky",
    "zelenskyy",
    "netanyahu",
    "erdogan",
    "modi",
    "bolsonaro",
    "trudeau",
    "thatcher",
    "churchill",
    "reagan",
    "nixon",
    "mandela",
    "gandhi",
    "einstein",
    "beethoven",
    "mozart",
    "shakespeare",
    "oprah",
    "beyonce",
    "beyoncé",
    "rihanna",
    "madonna",
    "eminem",
    "kanye",
    "kardashian",
    "zuckerberg",
    "bezos",
    "musk",
    "shaq",
    "lebron",
    "kobe",
    "messi",
    "ronaldo",
    "neymar",
    "federer",
    "nadal",
    "djokovic",
    "pelosi",
    "mcconnell",
    "desantis",
    "adele",
    "drake",
    "tupac",
    "bieber",
];

/// Whether a given name by itself is one of a person.
fn alone(text: &[u8], name: &Range<usize>, common: bool) -> bool {
    let after = After::of(text, name.end);
    let before = Before::of(text, name.start);
    if !after.closes || is_article(before.word) && before.gap == Gap::Space || after.names_something_else() {
        return false;
    }
    let greeted = before.gap != Gap::Stop && is_any(GREETINGS, before.word);
    let opened = greeted || is_any(OPENINGS, before.word) || COMMON_WORDS.has(before.word);
    // `Saint Kevin`, `Hurricane Maria`: part of something's name.
    if before.gap == Gap::Space && !is_lower(before.word) && !opened {
        return false;
    }
    let of_place = before.gap == Gap::Space && is_any(&["from", "to", "of", "in", "at"], before.word);
    if greeted || after.is_act() && !(common && of_place) || after.possessive && is_any(BELONGINGS, after.word) {
        return true;
    }
    let named = |word: &[u8]| is_written_as_name(word) && is_given_name(word);
    let listed = |word: &[u8]| is_written_as_name(word) && LISTED_GIVEN_NAMES.has(word);
    // `Jay and Trish`, `Jay & Trish`: beside a name that is nothing else.
    if common && (after.gap == Gap::Comma && listed(after.word) || after.word == b"and" && listed(after.next)) {
        return true;
    }
    // `- Damien`: what signs a message.
    let signs = || {
        let line = text[..name.start].trim_ascii_end();
        let dashed = line.ends_with(b"-") || line.ends_with("—".as_bytes()) || line.ends_with(b"~");
        dashed && text[line.len()..name.start].len() <= 1 && matches!(text.get(name.end), None | Some(b'\n' | b'\r'))
    };
    if !common && signs() {
        return true;
    }
    if common || before.gap == Gap::Space && is_any(PLACE_CUES, before.word) && !after.possessive {
        return false;
    }
    // `Yes, Emma.`
    let addressed =
        opened && before.gap == Gap::Comma && matches!(text.get(name.end), None | Some(b'.' | b'!' | b'?' | b'\n'));
    addressed
        || is_lower(after.word)
        || before.gap != Gap::Stop && (is_lower(before.word) || opened && before.gap == Gap::Space)
        || after.gap == Gap::Comma && named(after.word)
        || before.gap == Gap::Comma && named(before.word)
}

/// `Lopez, Maria J.`, where a line or a clause ends behind it.
fn surname_first(text: &[u8], start: usize, given: &Range<usize>) -> Option<Range<usize>> {
    let before = Before::of(text, start);
    let listed = is_written_as_name(before.word) && is_surname(before.word) && !is_given_name(before.word);
    if before.gap != Gap::Comma || !listed || is_joined(text, before.start) {
        return None;
    }
    let outer = Before::of(text, before.start);
    let ends = !matches!(text.get(given.end), Some(b) if b.is_ascii_alphanumeric() || *b == b' ' && text.get(given.end + 1).is_some_and(u8::is_ascii_lowercase));
    let begins = outer.gap != Gap::Space || is_lower(outer.word) && !is_any(PLACE_CUES, outer.word);
    (ends && begins && outer.gap != Gap::Comma).then_some(before.start..given.end)
}

/// Where the initials before a family name begin: `J. Gonzalez`, `J.K. Gonzalez`.
fn initials_before(text: &[u8], start: usize) -> Option<usize> {
    let mut first = start;
    for _ in 0..3 {
        let at = first - usize::from(text[..first].ends_with(b" "));
        let initial = at >= 2 && text[at - 1] == b'.' && text[at - 2].is_ascii_uppercase();
        let apart = at < 3 || matches!(text[at - 3], b' ' | b'\n' | b'\t' | b'.' | b'(' | b'"' | b',' | b'\'');
        if !(initial && apart) {
            break;
        }
        first = at - 2;
    }
    (first < start && !is_joined(text, first)).then_some(first)
}

/// Whether a word in lower case stands next to a name.
fn prose(text: &[u8], name: &Range<usize>) -> bool {
    let (before, after) = (Before::of(text, name.start), After::of(text, name.end));
    after.closes
        && !after.names_something_else()
        && (is_lower(after.word)
            || before.gap != Gap::Stop && is_lower(before.word)
            || COMMON_WORDS.has(before.word) && before.gap == Gap::Space)
}

/// What stands between two words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Gap {
    /// A space.
    Space,
    /// A comma or an ampersand, with or without spaces.
    Comma,
    /// The end of a sentence, of a line or of the text, or anything that is no prose.
    Stop,
}

/// The word before a place.
struct Before<'a> {
    word: &'a [u8],
    start: usize,
    gap: Gap,
}

impl<'a> Before<'a> {
    fn of(text: &'a [u8], at: usize) -> Self {
        let none = Self { word: &[], start: at, gap: Gap::Stop };
        let at = at - usize::from(at > 0 && matches!(text[at - 1], b'"' | b'(' | b'\''));
        let spaces = |at: usize| at - text[..at].iter().rev().take(2).take_while(|b| **b == b' ').count();
        let mut end = spaces(at);
        let mut gap = if end < at { Gap::Space } else { Gap::Stop };
        if end > 0 && matches!(text[end - 1], b',' | b'&') {
            end = spaces(end - 1);
            gap = Gap::Comma;
        }
        if gap == Gap::Stop {
            return none;
        }
        let length = text[..end].iter().rev().take(24).take_while(|b| is_word_byte(**b)).count();
        if length == 0 || !text[end - 1].is_ascii_alphabetic() && text[end - 1] < 0x80 {
            return none;
        }
        let start = end - length;
        Self { word: &text[start..end], start, gap }
    }
}

/// What stands behind a name.
struct After<'a> {
    word: &'a [u8],
    /// The word behind that.
    next: &'a [u8],
    gap: Gap,
    possessive: bool,
    /// Whether the name ends there, as a word of prose does.
    closes: bool,
}

impl<'a> After<'a> {
    fn of(text: &'a [u8], end: usize) -> Self {
        let byte = |i: usize| text.get(i).copied().unwrap_or(b'\n');
        let possessive = if text[end..].starts_with(b"'s") {
            2
        } else if text[end..].starts_with("’s".as_bytes()) {
            4
        } else {
            0
        };
        let mut at = end + possessive;
        let closes = match byte(at) {
            b' ' | b'\n' | b'\r' | b'\t' | b',' | b';' | b'!' | b'?' | b')' | b']' | b'"' | b'<' | 0xe2 => true,
            b'.' | b'\'' => !(byte(at + 1).is_ascii_alphanumeric() || byte(at + 1) == byte(at)),
            _ => false,
        };
        let mut gap = Gap::Stop;
        for _ in 0..4 {
            match byte(at) {
                b' ' if gap == Gap::Stop => gap = Gap::Space,
                b' ' => {}
                b',' | b'&' => gap = Gap::Comma,
                _ => break,
            }
            at += 1;
        }
        let closes = closes && !(gap == Gap::Space && b"={}[|+\\".contains(&byte(at)));
        let (word, at) = if gap == Gap::Stop { (&[][..], at) } else { Self::word(text, at) };
        let next = if byte(at) == b' ' { Self::word(text, at + 1).0 } else { &[] };
        Self { word, next, gap, possessive: possessive > 0, closes }
    }

    /// A word of prose: not joined to anything behind it.
    fn word(text: &'a [u8], at: usize) -> (&'a [u8], usize) {
        let length = text[at..].iter().take(24).take_while(|b| is_word_byte(**b)).count();
        let joined = text.get(at + length).is_some_and(|b| b"_=:/@(<>{}[]\\#0123456789".contains(b));
        if joined { (&[], at) } else { (&text[at..at + length], at + length) }
    }

    /// Whether what a person does follows: `said`, `will join`.
    fn is_act(&self) -> bool {
        let verb = |word: &[u8]| is_any(VERBS, word);
        self.closes
            && !self.possessive
            && self.gap == Gap::Space
            && match self.word {
                b"will" | b"would" | b"has" | b"also" | b"just" | b"then" | b"never" | b"can" | b"and" => {
                    self.next.len() > 2 && VERBS.iter().any(|verb| verb.as_bytes().starts_with(self.next))
                        || self.word == b"and" && self.next == b"I"
                }
                word => verb(word),
            }
    }

    /// `Julia language`, `Victoria station`.
    fn names_something_else(&self) -> bool {
        self.gap == Gap::Space
            && !self.possessive
            && (is_any(NO_PERSON, self.word) || PLACE_WORDS.has(self.word) || ORGANIZATION_WORDS.has(self.word))
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'\'' || byte >= 0x80
}

/// A capital and small letters, perhaps again: `Maria`, `McDonald`.
fn is_written_as_name(word: &[u8]) -> bool {
    let mut chars = std::str::from_utf8(word).unwrap_or_default().chars();
    chars.next().is_some_and(char::is_uppercase)
        && chars.next().is_some_and(char::is_lowercase)
        && chars.all(|c| c.is_lowercase() || matches!(c, '-' | '\'' | '’') || c.is_uppercase() && word.contains(&b'-'))
}

/// Whether a word in lower case: prose.
fn is_lower(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|b| b.is_ascii_lowercase() || *b == b'\'' || *b >= 0x80)
}

fn is_article(word: &[u8]) -> bool {
    is_any(&["the", "a", "an", "el", "la", "los", "las", "le", "der", "die", "das"], word)
}

fn is_any(list: &[&str], word: &[u8]) -> bool {
    list.iter().any(|entry| entry.as_bytes().eq_ignore_ascii_case(word))
}

/// Whether something that is no space, bracket or quote stands just before a name.
fn is_joined(text: &[u8], start: usize) -> bool {
    start > 0
        && !matches!(
            text[start - 1],
            b' ' | b'\n' | b'\r' | b'\t' | b'"' | b'\'' | b'(' | b'[' | b',' | b';' | b'>' | b'*' | b':' | b'&'
        )
        && !text[..start].ends_with("—".as_bytes())
        && !text[..start].ends_with("“".as_bytes())
        && !text[..start].ends_with("‘".as_bytes())
        && !text[..start].ends_with("¡".as_bytes())
        && !text[..start].ends_with("¿".as_bytes())
}

#[cfg(test)]
mod tests {
    use crate::{Detector, RuleSet};

    /// Names found in a text with the shipped rules.
    fn names(text: &str) -> Vec<String> {
        let detector = Detector::new(&RuleSet::builtin()).expect("the pack compiles");
        let mut found = Vec::new();
        detector.worker().text(text.as_bytes(), 0..text.len(), &mut |hit, _| {
            if hit.kind == crate::Type::PersonName {
                found.push(text[hit.start as usize..hit.end as usize].to_owned());
            }
        });
        found
    }

    #[test]
    fn names_stand_in_prose() {
        let cases: &[(&str, &[&str])] = &[
            ("Kevin from Denver wrote back", &["Kevin"]),
            ("then Laura sent it to Kevin, Amina and Wendy.", &["Laura", "Kevin", "Amina", "Wendy"]),
            ("thanks, Maria!", &["Maria"]),
            ("thanks, Crystal!", &["Crystal"]),
            ("Crystal will join at noon; Chase approved it", &["Crystal", "Chase"]),
            ("Austin's mother called", &["Austin"]),
            ("my name is hubert and", &["hubert"]),
            ("Idris Quillfeather came", &["Idris Quillfeather"]),
            ("Marie-Claire Dubois left; so did Anne-Sophie.", &["Marie-Claire Dubois", "Anne-Sophie"]),
            ("signed J. K. Gonzalez on Monday", &["J. K. Gonzalez"]),
            ("we asked Krithvi Ramirez about it", &["Krithvi Ramirez"]),
            ("Gonzalez said no", &["Gonzalez"]),
            ("Gonzalez, Maria J.\n", &["Gonzalez, Maria J."]),
            ("Officer Barnes recorded it", &["Barnes"]),
            ("ask Søren about it", &["Søren"]),
            ("saw kevin and maria at the mall", &["kevin", "maria"]),
            ("JOHN SMITH was seen; DOE, JANE Q", &["JOHN SMITH", "DOE, JANE Q"]),
            ("Yes, Emma. Jay and Trish left", &["Emma", "Jay", "Trish"]),
            ("we met Li Wei and Obama there", &["Li Wei", "Obama"]),
            ("Martin King Jr. spoke\n- Damien", &["Martin King Jr.", "Damien"]),
            ("Kind regards,\nPriya Nair\n", &["Priya Nair"]),
        ];
        for (text, wanted) in cases {
            assert_eq!(names(text), *wanted, "{text}");
        }
    }

    #[test]
    fn words_that_look_like_names_are_none() {
        for text in [
            "Chase has low fees and Crystal is a mineral",
            "in Austin, May is hot and June will be hotter",
            "Jordan River, Madison Avenue, the Victoria station",
            "MariaDB and Kevin-based kevin.log Kevin_1 user=Kevin",
            "Hurricane Maria hit; Saint Kevin's church; the Laura project",
            "the Julia language, the Julian calendar, Gregorian calendar",
            "pub Sid: u32, let Kate = 3; Kate::new(Kate)",
            "Will the order ship? Mark it as paid. Bill to follow",
            "Monday, March 3, Jackson, Mississippi",
            "kevin_and_maria, /kevin/maria and kevin=maria",
            "let kevin = 3; the kevin release",
            "Officer Training starts; President Street",
        ] {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }
}
