//! What a recogniser works with: the text around, the words near a place, and where hits go.

use std::cmp::Reverse;

use super::compile::{REFUSES, context_flag};
use super::words::Event;
use super::{Engine, Recogniser};
use crate::{Literals, Type};

/// A hit with the place of its standard form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    /// First byte, in all the bytes that are searched.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// First byte of the standard form among the forms.
    pub form: u32,
    /// Length of the standard form.
    pub form_len: u32,
    /// Number of the rule.
    pub rule: u16,
    /// How sure, in thousandths.
    pub confidence: u16,
    /// How far the nearest context word stands, if only context makes it a hit.
    pub weak: Option<u16>,
    /// How far the nearest context word stands, if there is one.
    pub word: Option<u16>,
    /// Whether it stands in what was encoded or compressed.
    pub decoded: bool,
    /// Whether that is more than escapes: see [`Hit::is_encoded`](crate::Hit::is_encoded).
    pub encoded: bool,
    /// What it is.
    pub kind: Type,
}

impl Found {
    /// Canonical order: by place, then by rule.
    pub(crate) fn order(&self) -> (u32, Reverse<u32>, u16) {
        (self.start, Reverse(self.end), self.rule)
    }
}

/// What the words near a candidate are flagged with.
#[derive(Default)]
pub(crate) struct Near {
    from: usize,
    to: usize,
    flags: u64,
}

/// The surroundings of a candidate.
pub(crate) struct Cx<'a> {
    pub engine: &'a Engine,
    /// The text or value that the candidate stands in.
    pub text: &'a [u8],
    /// Where `text` begins in all the bytes.
    pub base: usize,
    pub events: &'a [Event],
    /// Index of the first event at or after the last place asked for.
    pub cursor: usize,
    /// What the words near the last candidate are flagged with.
    pub near: Near,
    /// A rule that the field's name speaks for.
    pub hint: Option<u16>,
    pub found: &'a mut Vec<Found>,
    pub forms: &'a mut Vec<u8>,
    /// What the caller looks for by itself.
    pub literals: Option<&'a dyn Literals>,
    /// For a standard form on its way.
    pub form: &'a mut Vec<u8>,
}

impl<'a> Cx<'a> {
    /// Reports what `recogniser` found, if one of its rules wants it here. Gives whether one did.
    pub(crate) fn report(
        &mut self,
        recogniser: Recogniser,
        start: usize,
        end: usize,
        confidence: Confidence,
        form: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        self.report_best(&[recogniser], start, end, confidence, form)
    }

    /// Reports what several recognisers claim, as the one whose context words are nearest.
    pub(crate) fn report_best(
        &mut self,
        recognisers: &[Recogniser],
        start: usize,
        end: usize,
        confidence: Confidence,
        form: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let engine = self.engine;
        let mut best: Option<(u16, Option<u32>)> = None;
        for &rule in recognisers.iter().flat_map(|r| engine.users(*r)) {
            let compiled = &engine.rules[usize::from(rule)];
            let distance = self.distance(rule, start, end);
            if distance.is_none() && (compiled.required || confidence == Confidence::OnlyInContext) {
                continue;
            }
            let better = match (&best, distance) {
                (None, _) | (Some((_, None)), Some(_)) => true,
                (Some((_, Some(other))), Some(distance)) => distance < *other,
                _ => false,
            };
            if better {
                best = Some((rule, distance));
            }
        }
        let Some((rule, distance)) = best else { return false };
        self.push(rule, start, end, confidence, distance, form);
        true
    }

    /// Whether some rule of `recogniser` would take a hit here: cheaper than to look at the candidate first, where
    /// context is required and mostly missing.
    pub(crate) fn welcome(&mut self, recogniser: Recogniser, start: usize, end: usize) -> bool {
        let engine = self.engine;
        let mut users = engine.users(recogniser).iter();
        users.any(|rule| !engine.rules[usize::from(*rule)].required || self.distance(*rule, start, end).is_some())
    }

    /// Whether a rule of `recogniser` that requires context has it here.
    pub(crate) fn in_required_context(&mut self, recogniser: Recogniser, start: usize, end: usize) -> bool {
        let engine = self.engine;
        let mut users = engine.users(recogniser).iter().filter(|rule| engine.rules[usize::from(**rule)].required);
        users.any(|rule| self.distance(*rule, start, end).is_some())
    }

    /// Reports a hit of a rule.
    pub(crate) fn push(
        &mut self,
        rule: u16,
        start: usize,
        end: usize,
        confidence: Confidence,
        context: Option<u32>,
        form: impl FnOnce(&mut Vec<u8>),
    ) {
        let compiled = &self.engine.rules[usize::from(rule)];
        let mut sure = compiled.confidence;
        if confidence == Confidence::Less {
            sure = sure * 3 / 4;
        }
        if context.is_some() {
            sure = (sure + compiled.weight).min(MOST_SURE.max(compiled.confidence));
        }
        let at = self.forms.len();
        form(self.forms);
        self.found.push(Found {
            start: (self.base + start) as u32,
            end: (self.base + end) as u32,
            form: at as u32,
            form_len: (self.forms.len() - at) as u32,
            rule,
            confidence: sure,
            weak: context.filter(|_| compiled.required || confidence == Confidence::OnlyInContext).map(|d| d as u16),
            word: context.map(|d| d as u16),
            decoded: false,
            encoded: false,
            kind: compiled.kind,
        });
    }

    /// How far the nearest context word of `rule` stands from a candidate; a word behind it counts as farther.
    pub(crate) fn distance(&mut self, rule: u16, start: usize, end: usize) -> Option<u32> {
        if self.hint == Some(rule) {
            return Some(0);
        }
        let compiled = &self.engine.rules[usize::from(rule)];
        if !compiled.has_context {
            return None;
        }
        let near = compiled.near as usize;
        let (from, to) = (self.base + start, self.base + end);
        if self.flags_near(from, to) & context_flag(rule) == 0 {
            return None;
        }
        let split = self.seek(start);
        let mut best = None;
        for event in self.events[..split].iter().rev() {
            let event_end = event.end as usize;
            if (event.start as usize) < self.base || event.start as usize + near + LONGEST_PHRASE < from {
                break;
            }
            if event_end <= from && event_end + near >= from && self.engine.means(event, rule) {
                if self.lines_between(event_end, from) <= 1 {
                    best = Some((from - event_end) as u32);
                }
                break;
            }
        }
        for event in &self.events[split..] {
            let event_start = event.start as usize;
            if event_start > to + near / 2 || event.end as usize > self.base + self.text.len() {
                break;
            }
            if event_start >= to && self.engine.means(event, rule) && !self.labels_next(event.end as usize) {
                let behind = (event_start - to) as u32 + BEHIND_PENALTY;
                if self.lines_between(to, event_start) == 0 && best.is_none_or(|b| behind < b) {
                    best = Some(behind);
                }
                break;
            }
        }
        best
    }

    /// Whether a word of the rule's context stands inside a candidate.
    pub(crate) fn holds_word(&mut self, rule: u16, start: usize, end: usize) -> bool {
        let split = self.seek(start);
        let mut inside = self.events[split..].iter().take_while(|event| (event.start as usize) < self.base + end);
        inside.any(|event| self.engine.means(event, rule))
    }

    /// The flags of all words that may be context of a candidate, whichever rule takes it: most are context of none.
    fn flags_near(&mut self, from: usize, to: usize) -> u64 {
        if (self.near.from, self.near.to) != (from, to) {
            let split = self.seek(from - self.base);
            let (before, after) = self.events.split_at(split);
            let near = self.engine.near;
            let before = before.iter().rev().take_while(|e| e.start as usize + near + LONGEST_PHRASE >= from);
            let after = after.iter().take_while(|e| e.start as usize <= to + near / 2);
            let flags = before.chain(after).fold(0, |flags, event| flags | event.flags);
            self.near = Near { from, to, flags };
        }
        self.near.flags
    }

    /// Whether a word that ends at `end` is, with what follows, the label of the next value: `session=… device_id=…`.
    fn labels_next(&self, end: usize) -> bool {
        let rest = &self.text[end - self.base..];
        let name = rest.iter().take(24).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
        let mut marks = rest[name..].iter().take(3).skip_while(|b| matches!(b, b'"' | b'\'' | b'\\'));
        matches!(marks.next(), Some(b':' | b'='))
    }

    /// Whether the word just before `start` says that a number is something else: `order`, `SKU`, `version`.
    pub(crate) fn refused(&mut self, start: usize) -> bool {
        self.is_refused(start, None)
    }

    /// As [`Self::refused`], unless the word is one of the context of `rule`.
    pub(crate) fn refused_for(&mut self, rule: u16, start: usize) -> bool {
        self.is_refused(start, Some(rule))
    }

    fn is_refused(&mut self, start: usize, rule: Option<u16>) -> bool {
        let split = self.seek(start);
        let from = self.base + start;
        let speaks = |event: &Event| rule.is_some_and(|rule| self.engine.means(event, rule));
        // The name of a thing may have a word more: `order number 123`.
        for event in self.events[..split].iter().rev().take(3) {
            if (event.end as usize) + 12 < from || (event.start as usize) < self.base {
                return false;
            }
            if event.flags & REFUSES != 0 && event.end as usize <= from {
                // `device serial number`: the word belongs to one that speaks for the rule.
                if self.events[..split].iter().rev().take(4).any(|other| other.end >= event.end && speaks(other)) {
                    return false;
                }
                let between = &self.text[event.end as usize - self.base..start];
                return !between.iter().any(|b| matches!(b, b'\n' | b',' | b';' | b'.' | b'|' | b')' | b'\t'));
            }
        }
        false
    }

    /// Index of the first event that starts at `start` or after.
    #[inline]
    fn seek(&mut self, start: usize) -> usize {
        let from = self.base + start;
        while self.events.get(self.cursor).is_some_and(|e| (e.start as usize) < from) {
            self.cursor += 1;
        }
        while self.cursor > 0 && self.events[self.cursor - 1].start as usize >= from {
            self.cursor -= 1;
        }
        self.cursor
    }

    fn lines_between(&self, from: usize, to: usize) -> usize {
        memchr::memchr_iter(b'\n', &self.text[from - self.base..to - self.base]).take(2).count()
    }
}

/// How a recogniser judges its candidate, beside what the rule says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Confidence {
    /// As sure as the rule.
    Rule,
    /// Less sure: an unusual way of writing.
    Less,
    /// Nothing without a context word, whatever the rule says.
    OnlyInContext,
}

/// No context makes a finding surer than this.
const MOST_SURE: u16 = 990;
/// Longest phrase, roughly: how far back an event may begin that ends near.
const LONGEST_PHRASE: usize = 64;
/// A word after the value speaks for it less than one before it.
const BEHIND_PENALTY: u32 = 16;
