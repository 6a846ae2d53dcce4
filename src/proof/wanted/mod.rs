//! The identifiers of people as literals: found wherever they stand, however people and programs write them.
//!
//! A scan types what it finds, and misses what nothing types: nine digits in a field `x`, a digest in a log line. Here the
//! values themselves are known. Texts are looked for with no letter or digit beside them; numbers in the groups in which
//! they are written, with no digit beside them; digests of MD5, SHA-1, SHA-256 and SHA-512 in hexadecimal and Base64, and
//! as a whole value of bytes; all of it in UTF-8 and in UTF-16 between other bytes.
//!
//! An automaton of all forms of 100,000 people has some hundred million states. Here a filter of a few bits for each form
//! turns away nearly every place; what passes it is looked up by a hash and compared in full. Cost: one pass over the
//! bytes, and memory for each person, most of it for digests: a whole `verify` with an e-mail and a phone of each took
//! 129 MB for 10,000 people and 473 MB for 100,000, some 4 KB for one more.

mod digests;
mod filter;
mod numbers;
mod texts;
mod written;

use std::collections::HashMap;
use std::ops::Range;

use residuum_detect::{Literal, Literals, Type};
use sha2::{Digest as _, Sha256};

use self::digests::Digests;
use self::numbers::Numbers;
use self::texts::Texts;
use crate::identity::{Identifier, Subject};

/// What must stand beside a literal for it to count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edges {
    /// Nothing that would make it part of something longer: as in text and fields.
    Clear,
    /// Anything: as in bytes where values stand side by side without a mark between them.
    Any,
}

/// The identifiers of people, ready to be looked for.
pub struct Wanted {
    edges: Edges,
    values: Vec<Value>,
    /// Whose each value is: pairs of a value and a subject, in order.
    whose: Vec<(u32, u32)>,
    texts: Texts,
    numbers: Numbers,
    digests: Digests,
}

/// An identifier, once for all who have it.
pub(super) struct Value {
    kind: Type,
    form: Box<[u8]>,
    /// Only its SHA-256 is known, which is the form.
    is_digest: bool,
}

/// The texts of which programs make digests of a value in its standard form, in an order that is the same for all values
/// of its kind that are written alike.
pub fn hashed_forms(kind: Type, form: &[u8]) -> Vec<Vec<u8>> {
    written::hashed(&Value { kind, form: form.into(), is_digest: false }).0
}

/// What was found at a place.
enum As<'d> {
    Itself,
    Digest(&'d [u8]),
}

impl Wanted {
    /// Prepares the identifiers of these people.
    pub fn new(subjects: &[Subject], edges: Edges) -> Self {
        let (mut values, mut whose) = (Vec::new(), Vec::new());
        let mut known: HashMap<(Type, bool, Box<[u8]>), u32> = HashMap::new();
        for (subject, person) in subjects.iter().enumerate() {
            for identifier in &person.identifiers {
                let (kind, is_digest, form): (_, _, Box<[u8]>) = match identifier {
                    Identifier::Value { kind, form } => (*kind, false, form.expose().as_slice().into()),
                    Identifier::Sha256 { kind, digest } => (*kind, true, digest.as_slice().into()),
                    Identifier::Fingerprint { .. } | Identifier::Key { .. } => continue,
                };
                let number = *known.entry((kind, is_digest, form.clone())).or_insert_with(|| {
                    values.push(Value { kind, form, is_digest });
                    values.len() as u32 - 1
                });
                whose.push((number, subject as u32));
            }
        }
        drop(known);
        whose.sort_unstable();
        whose.dedup();
        let mut texts = texts::Builder::default();
        let mut numbers = numbers::Builder::default();
        for (number, value) in values.iter().enumerate().filter(|(_, value)| !value.is_digest) {
            written::texts(value, edges, &mut |text| texts.add(text, number as u32));
            written::numbers(value, edges, &mut |digits| numbers.add(digits, number as u32));
        }
        let digests = Digests::new(&values);
        Self { edges, texts: texts.build(), numbers: numbers.build(), digests, values, whose }
    }

    /// Who is looked for by this value: numbers of subjects.
    fn people(&self, value: u32) -> impl Iterator<Item = usize> {
        let from = self.whose.partition_point(|(of, _)| *of < value);
        self.whose[from..].iter().take_while(move |(of, _)| *of == value).map(|(_, subject)| *subject as usize)
    }

    /// Calls `each` with whose identifiers of which type stand in some bytes.
    pub(super) fn people_within(&self, bytes: &[u8], each: &mut dyn FnMut(usize, Type)) {
        self.search(bytes, &mut |value, _, _| {
            let kind = self.values[value as usize].kind;
            self.people(value).for_each(|subject| each(subject, kind));
        });
    }

    fn search(&self, bytes: &[u8], each: &mut dyn FnMut(u32, Range<usize>, As<'_>)) {
        self.search_narrow(bytes, each);
        if memchr::memchr(0, bytes).is_some() {
            for (start, narrow) in wide_stretches(bytes) {
                let place = |place: Range<usize>| start + 2 * place.start..(start + 2 * place.end).min(bytes.len());
                self.search_narrow(&narrow, &mut |value, found, how| each(value, place(found), how));
            }
        }
    }

    fn search_narrow(&self, text: &[u8], each: &mut dyn FnMut(u32, Range<usize>, As<'_>)) {
        let Self { edges, values, .. } = self;
        self.texts.find(text, *edges, &mut |value, place| {
            if *edges == Edges::Any || texts::stands_clear(values[value as usize].kind, text, &place) {
                each(value, place, As::Itself);
            }
        });
        self.numbers.find(text, values, &mut |value, place| each(value, place, As::Itself));
        self.digests.find(text, *edges, values, &mut |value, place, digest| each(value, place, As::Digest(digest)));
    }
}

impl Literals for Wanted {
    fn find(&self, text: &[u8], each: &mut dyn FnMut(Literal<'_>)) {
        self.search(text, &mut |value, place, how| {
            let Value { kind, form, is_digest } = &self.values[value as usize];
            match how {
                As::Itself => each(Literal { place, kind: *kind, form }),
                As::Digest(digest) if !digest.is_empty() => each(Literal { place, kind: Type::Digest, form: digest }),
                // One that no look-up tries: what it is a digest of is known, and meets.
                As::Digest(_) if *is_digest => each(Literal { place, kind: Type::Digest, form }),
                As::Digest(_) => each(Literal { place, kind: Type::Digest, form: &Sha256::digest(form) }),
            }
        });
    }
}

/// Letters of UTF-16 that a stretch has at least.
const SHORTEST_WIDE: usize = 6;

/// Stretches of UTF-16 of Latin letters, in either order of bytes, with every second byte left out.
fn wide_stretches(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut stretches = Vec::new();
    for parity in 0..2 {
        let mut stretch: (usize, Vec<u8>) = (parity, Vec::new());
        for (i, pair) in bytes[parity.min(bytes.len())..].chunks(2).enumerate() {
            match pair {
                [byte, 0] | [byte] if *byte != 0 => stretch.1.push(*byte),
                _ => {
                    let next = (parity + 2 * (i + 1), Vec::new());
                    let ended = std::mem::replace(&mut stretch, next);
                    stretches.extend((ended.1.len() >= SHORTEST_WIDE).then_some(ended));
                }
            }
        }
        stretches.extend((stretch.1.len() >= SHORTEST_WIDE).then_some(stretch));
    }
    stretches
}

#[cfg(test)]
mod tests;
