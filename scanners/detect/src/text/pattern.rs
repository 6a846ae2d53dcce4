//! Patterns that rules bring along, run only where a word opens a window for them.

use regex::bytes::{Regex, RegexBuilder};

use super::Cx;
use super::cx::Confidence;
use crate::{Type, standard};

/// A regular expression of a rule.
pub(crate) struct Pattern {
    /// The rule's number.
    pub rule: u16,
    regex: Regex,
    /// Index of the group that is the finding; 0 is the whole match.
    group: usize,
    source: String,
    /// Whether the words that open its window are what every match begins with.
    pub begins_with_opener: bool,
}

impl Pattern {
    /// Compiles a pattern; the error says what is wrong with it.
    ///
    /// Classes and boundaries are ASCII's: identifiers are, and Unicode's tables cost time and memory.
    pub(crate) fn new(rule: u16, source: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(source).unicode(false).size_limit(1 << 22).build().map_err(|e| e.to_string())?;
        if regex.is_match(b"") {
            return Err("the pattern matches nothing at all: ask for at least one character".to_owned());
        }
        let group = regex.capture_names().position(|name| name == Some("value")).unwrap_or(0);
        Ok(Self { rule, regex, group, source: source.to_owned(), begins_with_opener: false })
    }

    /// Words one of which every match begins with; empty where that cannot be told.
    pub(crate) fn openers(&self) -> Vec<String> {
        let Ok(hir) = regex_syntax::ParserBuilder::new().utf8(false).unicode(false).build().parse(&self.source) else {
            return Vec::new();
        };
        let prefixes = regex_syntax::hir::literal::Extractor::new().extract(&hir);
        let words = prefixes.literals().unwrap_or_default().iter().map(|literal| {
            let text = std::str::from_utf8(literal.as_bytes()).ok()?;
            let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
            // The word must end within the literal, or the text's word may be a longer one.
            (letters >= 2 && letters < text.len()).then(|| text[..letters].to_owned())
        });
        words.collect::<Option<Vec<_>>>().unwrap_or_default()
    }

    /// Reports the matches that start in `from..to`, and gives the end of the last.
    pub(crate) fn run(&self, cx: &mut Cx<'_>, from: usize, to: usize) -> usize {
        let text = cx.text;
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
            let distance = cx.distance(self.rule, range.start, range.end);
            if distance.is_none() && compiled.required {
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

    fn find(&self, text: &[u8], from: usize, to: usize) -> Option<std::ops::Range<usize>> {
        // The end of the window is no end of the text for `\b`, so the text goes on; its beginning is seen, too.
        if self.group == 0 {
            return self.regex.find_at(text, from).map(|m| m.range()).filter(|m| m.start < to);
        }
        let captures = self.regex.captures_at(text, from)?;
        captures.get(self.group).map(|m| m.range()).filter(|m| m.start < to)
    }
}

/// How far before its window a match may begin whose value stands in it.
pub(super) const LONGEST: usize = 24;
