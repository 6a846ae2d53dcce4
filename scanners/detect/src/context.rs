//! Context words: what stands near a candidate makes it one, or none.
//!
//! All rules' words are in one automaton, so that a window is read once whatever the number of rules.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::rules::{Rule, RuleError};

/// Which rules have a context word near a candidate; one bit for each slot of [`Contexts::slot`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Near([u64; 4]);

/// How many rules can have context words.
const SLOTS: usize = 256;

/// The context words of all rules, compiled.
#[derive(Debug)]
pub struct Contexts {
    words: AhoCorasick,
    /// For each word of the automaton, the slots of the rules it belongs to and how far away it counts.
    owners: Vec<Vec<(u8, u16)>>,
    /// For each rule, its slot.
    slots: Vec<Option<u8>>,
    reach: usize,
}

impl Near {
    /// Whether the rule in this slot has a word there.
    #[inline]
    pub const fn has(self, slot: u8) -> bool {
        self.0[(slot >> 6) as usize] >> (slot & 63) & 1 == 1
    }

    fn add(&mut self, slot: u8) {
        self.0[usize::from(slot >> 6)] |= 1 << (slot & 63);
    }
}

impl Contexts {
    /// Compiles the words of the rules.
    ///
    /// # Errors
    /// [`RuleError::Uncompilable`] past 256 rules with context words.
    pub fn new(rules: &[Rule]) -> Result<Self, RuleError> {
        let mut words: Vec<String> = Vec::new();
        let mut owners: Vec<Vec<(u8, u16)>> = Vec::new();
        let (mut slots, mut used, mut reach) = (Vec::new(), 0usize, 0);
        for rule in rules {
            let Some(context) = &rule.context else {
                slots.push(None);
                continue;
            };
            let slot = u8::try_from(used).map_err(|_| RuleError::Uncompilable {
                rule: rule.id.clone(),
                message: format!("at most {SLOTS} rules can have context words"),
            })?;
            used += 1;
            slots.push(Some(slot));
            reach = reach.max(context.near);
            for word in &context.words {
                let at = words.iter().position(|w| w == word).unwrap_or_else(|| {
                    words.push(word.clone());
                    owners.push(Vec::new());
                    words.len() - 1
                });
                owners[at].push((slot, context.near.min(usize::from(u16::MAX)) as u16));
            }
        }
        let uncompilable = |e: aho_corasick::BuildError| RuleError::Uncompilable {
            rule: "*".to_owned(),
            message: format!("context words: {e}"),
        };
        let words = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&words)
            .map_err(uncompilable)?;
        Ok(Self { words, owners, slots, reach })
    }

    /// The slot of a rule in [`Near`], if it has context words.
    #[inline]
    pub fn slot(&self, rule: usize) -> Option<u8> {
        self.slots[rule]
    }

    /// Which rules have a word before `start`, or at half the distance after `end`.
    ///
    /// Words count whole: `ssn` not in `assn`, but in `user_ssn`, `SSN:` and `"ssn"`; and in `customerSsn`.
    pub fn near(&self, text: &[u8], start: usize, end: usize) -> Near {
        let mut near = Near::default();
        let from = start.saturating_sub(self.reach);
        self.each(text, from..start, |word, _, word_end| {
            let distance = start - word_end;
            for &(slot, limit) in &self.owners[word] {
                if distance <= usize::from(limit) {
                    near.add(slot);
                }
            }
        });
        let to = text.len().min(end + self.reach / 2);
        // What follows counts on the same line only: the next line is about something else.
        let to = memchr::memchr(b'\n', &text[end..to]).map_or(to, |at| end + at);
        self.each(text, end..to, |word, word_start, _| {
            let distance = word_start - end;
            for &(slot, limit) in &self.owners[word] {
                if distance <= usize::from(limit / 2) {
                    near.add(slot);
                }
            }
        });
        near
    }

    /// Which rules have a word in a short text, such as a field's name.
    pub fn within(&self, text: &[u8]) -> Near {
        let mut near = Near::default();
        self.each(text, 0..text.len(), |word, _, _| {
            self.owners[word].iter().for_each(|&(slot, _)| near.add(slot));
        });
        near
    }

    fn each(&self, text: &[u8], window: std::ops::Range<usize>, mut found: impl FnMut(usize, usize, usize)) {
        let from = window.start;
        for m in self.words.find_overlapping_iter(&text[window]) {
            let (start, end) = (from + m.start(), from + m.end());
            let before = start.checked_sub(1).map(|at| text[at]);
            // A capital after a small letter begins a word of a camel-case name.
            let camel = before.is_some_and(|b| b.is_ascii_lowercase()) && text[start].is_ascii_uppercase();
            let opens = camel || !before.is_some_and(is_word);
            let closes = !text.get(end).copied().is_some_and(|b| b.is_ascii_lowercase() || b >= 0x80)
                || (text[end] == b's' && !text.get(end + 1).copied().is_some_and(is_word));
            if opens && closes {
                found(m.pattern().as_usize(), start, end);
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}
