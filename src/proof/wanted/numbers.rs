//! Numbers that are identifiers, in the groups of digits in which people write them.

use std::ops::Range;

use residuum_detect::Type;

use super::Value;
use super::filter::Filter;

/// Digits of a number that is looked for.
const SHORTEST: usize = 9;
const LONGEST: usize = 31;
/// Groups of a number at most, and bytes between two of them.
const GROUPS: usize = 6;
const GAP: usize = 3;

/// Numbers, each with the values it is a form of.
pub(super) struct Numbers {
    /// Digits packed into a number, with the value, in order.
    all: Vec<(u128, u32)>,
    filter: Filter,
    /// A bit for each count of digits that there is.
    lengths: u32,
}

/// Collects numbers.
#[derive(Default)]
pub(super) struct Builder {
    all: Vec<(u128, u32)>,
    lengths: u32,
}

impl Builder {
    pub fn add(&mut self, digits: &[u8], value: u32) {
        if (SHORTEST..=LONGEST).contains(&digits.len()) {
            self.all.push((digits.iter().fold(1, pack), value));
            self.lengths |= 1 << digits.len();
        }
    }

    pub fn build(mut self) -> Numbers {
        self.all.sort_unstable();
        self.all.dedup();
        let mut filter = Filter::for_keys(self.all.len());
        self.all.iter().for_each(|(packed, _)| filter.add(fold(*packed)));
        Numbers { all: self.all, filter, lengths: self.lengths }
    }
}

impl Numbers {
    /// Calls `each` with every number that stands in these bytes.
    pub fn find(&self, bytes: &[u8], values: &[Value], each: &mut dyn FnMut(u32, Range<usize>)) {
        if self.all.is_empty() {
            return;
        }
        let mut chain: Vec<Range<usize>> = Vec::new();
        let mut at = 0;
        while let Some(next) = bytes[at..].iter().position(u8::is_ascii_digit) {
            let start = at + next;
            let end = start + bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
            if chain.last().is_some_and(|last| !joins(&bytes[last.end..start])) {
                chain.clear();
            } else if chain.len() == GROUPS {
                chain.remove(0);
            }
            chain.push(start..end);
            self.ending(bytes, &chain, values, each);
            at = end;
        }
    }

    /// The number that ends with the last group of a chain: the longest, for `1-202-555-0123` holds `202-555-0123`.
    fn ending(&self, bytes: &[u8], chain: &[Range<usize>], values: &[Value], each: &mut dyn FnMut(u32, Range<usize>)) {
        for first in 0..chain.len() {
            let groups = &chain[first..];
            let start = groups[0].start;
            let is_fraction = start >= 2 && bytes[start - 1] == b'.' && bytes[start - 2].is_ascii_digit();
            if !is_fraction && self.compare(bytes, groups, values, each) {
                return;
            }
        }
        // `0000123456789` is the number in a field of fixed width.
        let Some(last) = chain.last() else { return };
        let zeros = bytes[last.clone()].iter().take_while(|b| **b == b'0').count();
        if zeros > 0 {
            let rest = last.start + zeros..last.end;
            self.compare(bytes, std::slice::from_ref(&rest), values, each);
        }
    }

    /// Whether these groups are a number that is looked for.
    fn compare(
        &self,
        bytes: &[u8],
        groups: &[Range<usize>],
        values: &[Value],
        each: &mut dyn FnMut(u32, Range<usize>),
    ) -> bool {
        let count: usize = groups.iter().map(Range::len).sum();
        if count > LONGEST || self.lengths >> count & 1 == 0 {
            return false;
        }
        let packed = groups.iter().flat_map(|group| &bytes[group.clone()]).fold(1, pack);
        if !self.filter.may_have(fold(packed)) {
            return false;
        }
        let from = self.all.partition_point(|(of, _)| *of < packed);
        let place = groups[0].start..groups[groups.len() - 1].end;
        let mut is_one = false;
        for (_, value) in self.all[from..].iter().take_while(|(of, _)| *of == packed) {
            if groups_as(&values[*value as usize], groups) && !is_hexadecimal(bytes, &place) {
                each(*value, place.clone());
                is_one = true;
            }
        }
        is_one
    }
}

/// Whether bytes between two groups of digits may stand within one number.
fn joins(gap: &[u8]) -> bool {
    match gap {
        [0xc2, 0xa0] | [0xe2, 0x80, 0x90..=0x93] | [0xe2, 0x80, 0xaf] => true, // a space or hyphen that does not break
        _ => gap.len() <= GAP && gap.iter().all(|b| matches!(b, b' ' | b'-' | b'.' | b'/' | b'(' | b')')),
    }
}

/// Whether a number of this type is written in such groups.
fn groups_as(value: &Value, groups: &[Range<usize>]) -> bool {
    let lengths: Vec<usize> = groups.iter().map(Range::len).collect();
    match (value.kind, &lengths[..]) {
        (_, [_]) => true,
        (Type::UsSsn | Type::UsItin, [3, 2, 4] | [5, 4] | [3, 6]) => true,
        (Type::UsSsn | Type::UsItin, _) => false,
        (Type::UsEin, groups) => groups == [2, 7],
        (Type::Phone, [1..=4, rest @ ..]) if is_american(value) && rest.iter().sum::<usize>() == 10 => {
            matches!(rest, [3 | 6 | 10, ..])
        }
        (Type::Phone, [first, ..]) if is_american(value) => {
            matches!(first, 3 | 6) && lengths.iter().sum::<usize>() == 10 || *first == 4 && lengths[1] == 3
        }
        (Type::CreditCard, groups) => groups.iter().all(|length| *length >= 3),
        // `33 6 12 34 56 78`: a mobile number within France has one digit before its pairs.
        (Type::Phone, groups) => groups.iter().filter(|length| **length < 2).count() <= 1,
        (_, groups) => groups.iter().all(|length| *length >= 2),
    }
}

pub(super) fn is_american(phone: &Value) -> bool {
    phone.form.len() == 11 && phone.form[0] == b'1'
}

/// Whether digits stand in a digest or the like, where they are nobody's number.
fn is_hexadecimal(bytes: &[u8], place: &Range<usize>) -> bool {
    const SHORTEST: usize = 16;
    let before = bytes[..place.start].iter().rev().take(SHORTEST).take_while(|b| b.is_ascii_hexdigit()).count();
    let after = bytes[place.end..].iter().take(SHORTEST).take_while(|b| b.is_ascii_hexdigit()).count();
    before + after > 0 && before + place.len() + after >= SHORTEST
}

/// Appends a digit; the 1 that stands before all keeps leading zeros.
fn pack(packed: u128, digit: &u8) -> u128 {
    packed << 4 | u128::from(digit & 15)
}

fn fold(packed: u128) -> u64 {
    (packed >> 64) as u64 ^ packed as u64
}
