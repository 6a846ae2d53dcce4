//! Patterns that rules bring along, run only where a word opens a window for them.

use std::ops::Range;
use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::Cx;
use super::cx::Confidence;
use crate::{Type, standard};

/// A regular expression of a rule.
pub(crate) struct Pattern {
    /// The rule's number.
    pub rule: u16,
    /// Compiled when it is first needed: most patterns are not needed in most texts, and a program that looks at one
    /// line should not wait for them.
    regex: OnceLock<Regex>,
    source: String,
    /// Index of the group that is the finding; 0 is the whole match.
    group: usize,
    /// How far behind the last place where a match may begin anything can decide about it.
    reach: usize,
    /// What stands in every match, if that is told quicker than a match.
    run: Option<RequiredRun>,
    /// Whether every match begins with the word that opened the window.
    pub anchored: bool,
}

impl Pattern {
    /// A pattern that is tried in windows; the error says what is wrong with it.
    pub(crate) fn new(rule: u16, source: &str) -> Result<Self, String> {
        Self::checked(rule, source, false)
    }

    /// A pattern every match of which begins with one of the words that [`openers`] gives.
    pub(crate) fn anchored(rule: u16, source: &str) -> Result<Self, String> {
        Self::checked(rule, source, true)
    }

    fn checked(rule: u16, source: &str, anchored: bool) -> Result<Self, String> {
        let hir = parse(source).map_err(|e| e.to_string())?;
        if hir.properties().minimum_len().is_none_or(|least| least == 0) {
            return Err("the pattern matches nothing at all: ask for at least one character".to_owned());
        }
        if size(&hir) > LARGEST {
            return Err("the pattern is too large: ask for fewer repetitions".to_owned());
        }
        let reach = hir.properties().maximum_len().map_or(LONGEST, |longest| LONGEST.min(longest + LOOK));
        let (group, run) = (value_group(&hir).unwrap_or(0), RequiredRun::of(&hir));
        let source = if anchored { format!(r"\A(?:{source})") } else { source.to_owned() };
        Ok(Self { rule, regex: OnceLock::new(), source, group, reach, run, anchored })
    }

    fn regex(&self) -> &Regex {
        let compile = || {
            let builder = RegexBuilder::new(&self.source).unicode(unicode(&self.source)).size_limit(usize::MAX).build();
            builder.expect("the pattern was parsed and measured when its rule was compiled")
        };
        self.regex.get_or_init(compile)
    }

    /// Reports the matches that start in `from..to`, and gives the end of the last.
    pub(crate) fn run(&self, cx: &mut Cx<'_>, from: usize, to: usize) -> usize {
        let text = cx.text;
        if !self.anchored
            && self.run.as_ref().is_some_and(|run| !run.is_in(&text[from..text.len().min(to + self.reach)]))
        {
            return from;
        }
        let compiled = cx.engine.rules[usize::from(self.rule)].clone();
        let mut at = from;
        while at < to {
            let Some(range) = self.find(text, at, to) else { return at };
            let value = &text[range.clone()];
            at = range.end.max(at + 1);
            if compiled.validator.is_some_and(|valid| !valid(value)) {
                at = range.start + 1;
                continue;
            }
            // A word inside the value speaks for it, too: `RR 2 Box 152`.
            let near = cx.distance(self.rule, range.start, range.end);
            let distance = near.or_else(|| cx.holds_word(self.rule, range.start, range.end).then_some(0));
            if compiled.required && (distance.is_none() || cx.refused_for(self.rule, range.start)) {
                continue;
            }
            let mut form = std::mem::take(cx.form);
            if !standard::write(compiled.kind, value, false, &mut form) {
                standard::write(Type::Other, value, false, &mut form);
            }
            cx.push(self.rule, range.start, range.end, Confidence::Rule, distance, |out| {
                out.extend_from_slice(&form);
            });
            *cx.form = form;
        }
        at
    }

    fn find(&self, text: &[u8], from: usize, to: usize) -> Option<Range<usize>> {
        // The end of the window is no end of the text, so a little more is seen; but not all of it, if nothing matches.
        let (haystack, at, shift) = if self.anchored {
            (&text[from..text.len().min(from + LONGEST_ANCHORED)], 0, from)
        } else {
            (&text[..text.len().min(to + self.reach)], from, 0)
        };
        let found = self.regex().find_at(haystack, at).filter(|m| m.start() + shift < to)?;
        let value = if self.group == 0 {
            found.range()
        } else {
            self.regex().captures_at(haystack, found.start())?.get(self.group)?.range()
        };
        (!value.is_empty()).then_some(value.start + shift..value.end + shift)
    }
}

/// A pattern of ASCII alone has ASCII's classes and boundaries: so have identifiers, and Unicode's tables cost time
/// and memory.
fn unicode(source: &str) -> bool {
    !source.is_ascii()
}

fn parse(source: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    regex_syntax::ParserBuilder::new().utf8(false).unicode(unicode(source)).build().parse(source).map_err(Box::new)
}

/// The index of the group named `value`.
fn value_group(hir: &Hir) -> Option<usize> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some("value") => Some(capture.index as usize),
        HirKind::Capture(capture) => value_group(&capture.sub),
        HirKind::Repetition(repetition) => value_group(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().find_map(value_group),
        _ => None,
    }
}

/// About how many states a pattern compiles to.
fn size(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Bytes(_)) => 1,
        HirKind::Class(Class::Unicode(class)) => 1 + class.ranges().len(),
        HirKind::Repetition(r) => size(&r.sub).saturating_mul(r.max.unwrap_or(r.min).max(1) as usize),
        HirKind::Capture(capture) => size(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().map(size).fold(1, usize::saturating_add),
    }
}

/// Bytes of one class in a row, as many of which stand in every match of a pattern.
struct RequiredRun {
    class: [bool; 256],
    len: usize,
}

impl RequiredRun {
    /// The longest run of a class small enough to be rare in what is no match.
    fn of(hir: &Hir) -> Option<Self> {
        match hir.kind() {
            HirKind::Repetition(repetition) if repetition.min >= 1 => match repetition.sub.kind() {
                HirKind::Class(class) => Self::of_class(class, repetition.min as usize),
                _ => Self::of(&repetition.sub),
            },
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Concat(parts) => parts.iter().filter_map(Self::of).max_by_key(|run| run.len),
            HirKind::Alternation(parts) => {
                let mut runs = parts.iter().map(Self::of);
                let first = runs.next()??;
                runs.try_fold(first, |all, run| Some(all.or(&run?)))
            }
            _ => None,
        }
    }

    fn of_class(class: &Class, len: usize) -> Option<Self> {
        let mut members = [false; 256];
        let mut add = |first: u32, last: u32| {
            // Characters beyond ASCII are of several bytes, each of them one of these.
            let high = (0x80..=0xff).filter(|_| last > 0x7f);
            (first..=last.min(0x7f)).chain(high).for_each(|byte| members[byte as usize] = true);
        };
        match class {
            Class::Bytes(bytes) => bytes.iter().for_each(|r| add(u32::from(r.start()), u32::from(r.end()))),
            Class::Unicode(all) => all.iter().for_each(|r| add(u32::from(r.start()), u32::from(r.end()))),
        }
        let size = members.iter().filter(|is| **is).count();
        (len >= SHORTEST_RUN && size <= LARGEST_CLASS).then_some(Self { class: members, len })
    }

    fn or(mut self, other: &Self) -> Self {
        self.class.iter_mut().zip(&other.class).for_each(|(of, is)| *of |= is);
        self.len = self.len.min(other.len);
        self
    }

    /// Whether there is such a run: every `len`th byte is asked for, and its neighbours where it is one.
    fn is_in(&self, text: &[u8]) -> bool {
        let is = |byte: &&u8| self.class[usize::from(**byte)];
        let mut at = self.len - 1;
        while at < text.len() {
            let before = text[..at].iter().rev().take(self.len).take_while(is).count();
            let here = text[at..].iter().take(self.len).take_while(is).count();
            if here > 0 && before + here >= self.len {
                return true;
            }
            at += here + self.len;
        }
        false
    }
}

/// Words, in lower case, one of which every match of a pattern begins with; empty where there are no such words.
pub(super) fn openers(source: &str) -> Vec<String> {
    let words = parse(source).ok().and_then(|hir| extend(&hir, vec![Opener::default()]));
    let words = words.unwrap_or_default().into_iter().map(|opener| opener.word);
    // A single letter opens too many windows to be worth it.
    words.map(|word| (word.chars().count() >= 2).then_some(word)).collect::<Option<_>>().unwrap_or_default()
}

/// The beginning of a match.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Opener {
    word: String,
    /// Whether something other than a letter follows.
    ended: bool,
}

/// What the openers so far become when `hir` follows; `None` where that is not a handful of words.
fn extend(hir: &Hir, openers: Vec<Opener>) -> Option<Vec<Opener>> {
    let with = |openers: &[Opener], c: char| -> Vec<Opener> {
        let push = |opener: &Opener| match opener.ended {
            true => opener.clone(),
            false if c.is_alphabetic() => Opener { word: format!("{}{c}", opener.word), ended: false },
            false => Opener { ended: true, ..opener.clone() },
        };
        openers.iter().map(push).collect()
    };
    if openers.iter().all(|opener| opener.ended) {
        return Some(openers);
    }
    let mut extended = match hir.kind() {
        // Behind a letter, a word's end: no letter follows.
        HirKind::Look(Look::WordAscii | Look::WordUnicode | Look::WordEndAscii | Look::WordEndUnicode) => {
            let end = |opener: Opener| Opener { ended: opener.ended || !opener.word.is_empty(), ..opener };
            openers.into_iter().map(end).collect()
        }
        HirKind::Empty | HirKind::Look(_) => openers,
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            text.chars().fold(openers, |openers, c| with(&openers, c.to_ascii_lowercase()))
        }
        HirKind::Class(class) => {
            let members = members(class)?;
            members.into_iter().flat_map(|c| with(&openers, c)).collect()
        }
        HirKind::Capture(capture) => extend(&capture.sub, openers)?,
        HirKind::Concat(parts) => parts.iter().try_fold(openers, |openers, part| extend(part, openers))?,
        HirKind::Alternation(parts) => {
            let each = parts.iter().map(|part| extend(part, openers.clone()));
            each.collect::<Option<Vec<_>>>()?.concat()
        }
        HirKind::Repetition(repetition) => {
            let once = extend(&repetition.sub, openers.clone())?;
            if repetition.max != Some(1) && once.iter().any(|opener| !opener.ended) {
                return None;
            }
            if repetition.min == 0 { [openers, once].concat() } else { once }
        }
    };
    extended.sort_unstable();
    extended.dedup();
    (extended.len() <= MOST_OPENERS).then_some(extended)
}

/// The letters of a class, in lower case, and a space for everything that is no letter; `None` if they are many.
fn members(class: &Class) -> Option<Vec<char>> {
    let mut members = Vec::new();
    let ranges: Vec<(u32, u32)> = match class {
        Class::Bytes(bytes) => bytes.iter().map(|r| (u32::from(r.start()), u32::from(r.end()))).collect(),
        Class::Unicode(unicode) => unicode.iter().map(|r| (u32::from(r.start()), u32::from(r.end()))).collect(),
    };
    for c in ranges.into_iter().flat_map(|(first, last)| first..=last) {
        let c = char::from_u32(c)?;
        // Signs that Unicode folds to a letter, such as the Kelvin sign, are not what a match begins with.
        let c = if c.is_alphabetic() { c.to_lowercase().next()? } else { ' ' };
        if !members.contains(&c) {
            members.push(c);
        }
        if members.len() > 12 {
            return None;
        }
    }
    Some(members)
}

/// How far before its window a match may begin, and how far behind it end.
pub(super) const LONGEST: usize = 256;
/// How far a boundary looks: one character.
const LOOK: usize = 4;
/// Runs and classes that are worth looking for before a pattern is.
const SHORTEST_RUN: usize = 4;
const LARGEST_CLASS: usize = 64;
/// How long a match may be that begins with a word of its own.
const LONGEST_ANCHORED: usize = 16 << 10;
/// States that a pattern may have: more would cost tens of megabytes.
const LARGEST: usize = 200_000;
/// More words than these are not worth looking out for.
const MOST_OPENERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::{RequiredRun, openers, parse};
    use proptest::prelude::*;

    #[test]
    fn a_run_is_in_every_match() {
        for (pattern, expected) in [
            (r"\b(?:[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}|[0-9A-Fa-f]{12})\b", Some((22, 4))),
            (r"(?i)account[:=]?(?P<value>[A-Za-z]{0,4}\d{6,17})", Some((10, 6))),
            (r"(?i)ssaid=(?:[0-9a-f]{4}|none)", None),
            (r"(?:\d{8})?x", None),
            (r"(?:[A-Z]{4}-)+\d{3}", Some((26, 4))),
            (r"[^\s]{5,9}", None),
        ] {
            let run = RequiredRun::of(&parse(pattern).expect("a pattern"));
            let run = run.map(|run| (run.class.iter().filter(|is| **is).count(), run.len));
            assert_eq!(run, expected, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn a_run_is_seen_wherever_it_stands(text in "[0-9 ]{0,40}", least in 4usize..8) {
            let run = RequiredRun::of(&parse(&format!("[0-9]{{{least}}}")).expect("a pattern")).expect("a run");
            let longest = text.split(' ').map(str::len).max().unwrap_or(0);
            prop_assert_eq!(run.is_in(text.as_bytes()), longest >= least);
        }
    }

    #[test]
    fn openers_are_what_every_match_begins_with() {
        for (pattern, expected) in [
            (r"gh[op]_[A-Za-z0-9]{36,}", &["gho", "ghp"][..]),
            (r"(?i)\b(?:gender|sex)[\x22']?\s{0,2}[:=]", &["gender", "sex"]),
            (r"(?i)user_?name\s*=", &["user", "username"]),
            (r"SG\.[a-z]+", &["sg"]),
            (r"\b\d{9}\b", &[]),
            (r"[A-Z]\d{3}", &[]),
            (r"[A-Za-z]+ly", &[]),
            (r"(?i)género: [mf]", &["género"]),
            (r"(?i)\b(?:pan[ _-]?id|ssaid)\b[\x22']?\s{0,2}[:=]?\s{0,2}[0-9a-f]{16}\b", &["pan", "panid", "ssaid"]),
            (r"(?i)ssaid[:=]?[0-9a-f]{16}", &[]),
        ] {
            let mut got = openers(pattern);
            got.sort();
            got.dedup();
            assert_eq!(got, expected, "{pattern}");
        }
    }
}
