//! Texts looked for in any case: found by their first bytes, then by a hash of each length that such a text has.

use std::collections::HashMap;
use std::ops::Range;

use residuum_detect::Type;

use super::Edges;
use super::filter::Filter;

/// Bytes by which a text is found; what is shorter is not looked for.
pub(super) const PREFIX: usize = 6;
/// Bytes of a text that are hashed at most: a longer one is found by so many, and compared in full as any other.
const HASHED: usize = PREFIX + 127;

/// Texts, each with the number of the value it is a form of.
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// By number: where it begins in `bytes`, its length, and its value.
    all: Vec<(u32, u16, u32)>,
    filter: Filter,
    /// By the first bytes: a bit for each length that is hashed from there.
    lengths: HashMap<u64, u128>,
    /// Hashes with the numbers of the texts that have them, in order.
    by_hash: Vec<(u64, u32)>,
}

/// Collects texts.
#[derive(Default)]
pub(super) struct Builder {
    bytes: Vec<u8>,
    all: Vec<(u32, u16, u32)>,
}

impl Builder {
    pub fn add(&mut self, text: &[u8], value: u32) {
        // A text is found where a word begins.
        let lead = text.iter().take_while(|b| !is_word(**b)).count();
        let text = &text[lead..text.len().min(lead + usize::from(u16::MAX))];
        if text.len() >= PREFIX {
            self.all.push((self.bytes.len() as u32, text.len() as u16, value));
            self.bytes.extend(text.iter().map(u8::to_ascii_lowercase));
        }
    }

    pub fn build(self) -> Texts {
        let Self { bytes, all } = self;
        let mut filter = Filter::for_keys(all.len());
        let (mut lengths, mut by_hash) = (HashMap::new(), Vec::with_capacity(all.len()));
        for (number, (start, length, _)) in all.iter().enumerate() {
            let text = &bytes[*start as usize..*start as usize + usize::from(*length).min(HASHED)];
            let key = prefix(text).expect("no text is shorter");
            filter.add(key);
            *lengths.entry(key).or_default() |= 1u128 << (text.len() - PREFIX);
            by_hash.push((text.iter().fold(SEED, hash), number as u32));
        }
        by_hash.sort_unstable();
        Texts { bytes, all, filter, lengths, by_hash }
    }
}

impl Texts {
    /// Calls `each` with every text that stands in these bytes: where a word begins, or anywhere.
    pub fn find(&self, bytes: &[u8], edges: Edges, each: &mut dyn FnMut(u32, Range<usize>)) {
        if self.all.is_empty() {
            return;
        }
        let mut in_word = false;
        for at in 0..(bytes.len() + 1).saturating_sub(PREFIX) {
            let is_word = is_word(bytes[at]);
            let begins = is_word && !in_word;
            in_word = is_word;
            if begins || edges == Edges::Any {
                let key = prefix(&bytes[at..]).expect("as many bytes are left");
                if self.filter.may_have(key) {
                    self.compare(bytes, at, key, each);
                }
            }
        }
    }

    #[cold]
    fn compare(&self, bytes: &[u8], at: usize, key: u64, each: &mut dyn FnMut(u32, Range<usize>)) {
        let Some(&lengths) = self.lengths.get(&key) else { return };
        let (mut left, mut done, mut state) = (lengths, 0, SEED);
        while left != 0 {
            let length = PREFIX + left.trailing_zeros() as usize;
            left &= left - 1;
            let Some(text) = bytes.get(at..at + length) else { return };
            state = text[done..].iter().map(u8::to_ascii_lowercase).fold(state, |state, b| hash(state, &b));
            done = length;
            let from = self.by_hash.partition_point(|(hash, _)| *hash < state);
            for (_, number) in self.by_hash[from..].iter().take_while(|(hash, _)| *hash == state) {
                let (start, its_length, value) = self.all[*number as usize];
                let end = at + usize::from(its_length);
                let wanted = &self.bytes[start as usize..start as usize + usize::from(its_length)];
                if bytes.get(at..end).is_some_and(|text| wanted.eq_ignore_ascii_case(text)) {
                    each(value, at..end);
                }
            }
        }
    }
}

/// Whether nothing beside a text that begins a word makes it part of something longer.
pub(super) fn stands_clear(kind: Type, bytes: &[u8], place: &Range<usize>) -> bool {
    let before = |n: usize| place.start.checked_sub(n).map(|at| bytes[at]);
    let after = |n: usize| bytes.get(place.end + n).copied();
    let is = |byte: Option<u8>, of: &dyn Fn(u8) -> bool| byte.is_some_and(of);
    if is(after(0), &is_word) {
        return false;
    }
    match kind {
        // `ann.jane@example.com` and `jane@example.com.au` are other people's.
        Type::Email => {
            let joins = |b: u8| matches!(b, b'.' | b'_' | b'%' | b'+' | b'-');
            let goes_on = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            let is_behind_more = is(before(1), &joins) && is(before(2), &is_word);
            let goes_on = is(after(0), &|b| matches!(b, b'.' | b'-')) && is(after(1), &goes_on);
            !is_behind_more && !goes_on
        }
        Type::IpAddress => {
            let mark = if bytes[place.clone()].contains(&b':') { b':' } else { b'.' };
            let joins = |b: u8| b == mark;
            let digit = |b: u8| b.is_ascii_hexdigit();
            let is_behind_more = is(before(1), &joins) && is(before(2), &digit);
            let goes_on = is(after(0), &joins) && is(after(1), &digit);
            !is_behind_more && !goes_on
        }
        _ => true,
    }
}

#[inline]
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// The first bytes in lower case as one number.
#[inline]
fn prefix(bytes: &[u8]) -> Option<u64> {
    let first = bytes.first_chunk::<PREFIX>()?;
    Some(first.iter().fold(0, |key, b| key << 8 | u64::from(b.to_ascii_lowercase())))
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, a byte at a time.
#[inline]
fn hash(state: u64, byte: &u8) -> u64 {
    (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
}
